"""What the tests of held devices share."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from tests.conftest import NOW, House, Provider

HOUR = timedelta(hours=1)
MINUTE = 60
PLUG = "switch.plug"


async def pause(hass: HomeAssistant, *entity_ids: str, **data: Any) -> Any:
    """Pause devices, and return what the action responds."""
    data["entity_id"] = list(entity_ids)
    return await hass.services.async_call(
        DOMAIN, "pause", data, blocking=True, return_response=True
    )


async def end(house: House, provider: Provider) -> None:
    """Let the equivent end soon."""
    await house.pass_time(30)
    provider.end(NOW, house.now)
    await house.poll()
    assert house.live == "off"


async def restart(house: House, down: Callable[[], object] = lambda: None) -> None:
    """Stop the integration with everything in it, and start it with Home Assistant."""
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    down()
    house.hass.set_state(CoreState.starting)
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.settle()


async def started(house: House) -> None:
    """Let Home Assistant have started."""
    house.hass.set_state(CoreState.running)
    house.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await house.settle()


async def disable(house: House) -> None:
    """Disable the entry, which restores everything."""
    entries = house.hass.config_entries
    await entries.async_set_disabled_by(house.entry.entry_id, ConfigEntryDisabler.USER)


async def until(condition: Callable[[], bool]) -> None:
    """Let what is under way go on until a condition holds, without waiting for what hangs."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("It does not come true")


def repairs(hass: HomeAssistant) -> list[str]:
    """Return the repairs that are shown."""
    return [issue for domain, issue in ir.async_get(hass).issues if domain == DOMAIN]
