"""Test that stories go on with what is heard: states, the clock, and an end of everything."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import House, Provider
from tests.devices import Plug, install
from tests.test_services import simulate

from .pausing import MINUTE, PLUG, end, pause, until


@pytest.mark.parametrize("hours", [5, -5])
async def test_clock_that_is_put_right(house: House, provider: Provider, hours: int) -> None:
    """A longest pause is as long as it was meant, though the clock is moved meanwhile."""
    await house.setup()
    await install(house.hass, Plug("Plug"))
    await simulate(house.hass, duration={"hours": 1})
    await pause(house.hass, PLUG, max_duration={"minutes": 10})
    await house.pass_time(5 * MINUTE)
    provider.headers = {"Date": f"{house.now + timedelta(hours=hours):%a, %d %b %Y %H:%M:%S GMT}"}
    await house.poll()
    await house.pass_time(3 * MINUTE)
    assert house.state(PLUG) == "off"
    await house.pass_time(2 * MINUTE)
    assert (house.state(PLUG), house.live) == ("on", "on")


async def test_unloaded_while_a_command_is_under_way(live: House, provider: Provider) -> None:
    """Whoever waits is answered, and the device is restored all the same."""
    (plug,) = await install(live.hass, Plug("Plug"))
    turn_off, begun = plug.async_turn_off, asyncio.Event()

    async def hang(**kwargs: Any) -> None:
        """Obey, and never come back."""
        begun.set()
        await asyncio.Event().wait()

    plug.async_turn_off = hang  # type: ignore[method-assign]
    call = live.hass.async_create_task(pause(live.hass, PLUG))
    await until(begun.is_set)
    plug.async_turn_off = turn_off  # type: ignore[method-assign]
    assert await live.hass.config_entries.async_reload(live.entry.entry_id)
    await live.settle()
    assert call.result()["not_paused"] == [{"entity_id": PLUG, "reason": "failed"}]
    assert live.state(PLUG) == "off"
    await end(live, provider)
    assert live.state(PLUG) == "on"
