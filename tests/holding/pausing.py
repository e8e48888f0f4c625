"""Shared helpers of the tests of held devices."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Self
from unittest.mock import patch

import pytest

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.manager import MANAGER, async_get_manager
from custom_components.equiwatt.storage import StorageFile
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.file import WriteError
from tests.fakes.home import NOW, Home
from tests.fakes.provider import Provider

HOUR = timedelta(hours=1)
MINUTE = 60
PLUG = "switch.plug"
KEY = f"{DOMAIN}.held_devices"


async def pause(hass: HomeAssistant, *entity_ids: str, **data: Any) -> Any:
    """Pause devices and return the response of the action."""
    data["entity_id"] = list(entity_ids)
    return await hass.services.async_call(
        DOMAIN, "pause", data, blocking=True, return_response=True
    )


async def end(home: Home, provider: Provider) -> None:
    """End the equivent soon."""
    await home.pass_time(30)
    provider.end(NOW, home.now)
    await home.poll()
    assert home.live == "off"


async def restart(home: Home, down: Callable[[], object] = lambda: None) -> None:
    """Unload the integration, and set it up with Home Assistant."""
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.hass.data.pop(MANAGER).async_stop()
    await home.settle()
    down()
    home.hass.set_state(CoreState.starting)
    await async_get_manager(home.hass).async_load()
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()


async def started(home: Home) -> None:
    """Finish the start of Home Assistant."""
    home.hass.set_state(CoreState.running)
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.settle()


async def disable(home: Home) -> None:
    """Disable the entry, which restores everything."""
    entries = home.hass.config_entries
    await entries.async_set_disabled_by(home.entry.entry_id, ConfigEntryDisabler.USER)


async def until(condition: Callable[[], bool]) -> None:
    """Run the loop until a condition is met, without waiting for hanging calls."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("It does not come true")


def repairs(hass: HomeAssistant) -> list[str]:
    """Return the open repairs."""
    return [issue for domain, issue in ir.async_get(hass).issues if domain == DOMAIN]


class SlowDisk:
    """A disk that writes held devices once it is released, or fails if it is full by then."""

    is_full = False

    def __init__(self) -> None:
        """Initialize the events of both sides."""
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self._write = StorageFile._async_save

    def __enter__(self) -> Self:
        """Slow down the disk."""
        self._patch = patch.object(StorageFile, "_async_save", self._slow())
        self._patch.start()
        return self

    def __exit__(self, *args: object) -> None:
        """Restore the speed."""
        self._patch.stop()

    def _slow(self) -> Callable[[Any, Any], Coroutine[Any, Any, None]]:
        """Return a slow writer."""

        async def write(file: StorageFile, data: Any) -> None:
            """Wait, then write or fail."""
            if file.key == KEY:
                self.begun.set()
                await self.go_on.wait()
                if self.is_full:
                    raise WriteError
            await self._write(file, data)

        return write
