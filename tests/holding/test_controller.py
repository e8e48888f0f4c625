"""Test that stories go on with what is heard: states, the clock, and an end of everything."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import Context
from tests.conftest import House, Provider
from tests.devices import Plug, Thermostat, install
from tests.fakes.actions import simulate

from .pausing import KEY, MINUTE, PLUG, SlowDisk, end, pause, until


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


async def test_restore_is_stored_before_it_is_commanded(
    live: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """When devices get the commands that restore them, the disk knows that they are restored."""
    plugs = await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG, "switch.other")
    await live.pass_time(MINUTE)
    stored: list[tuple[str, dict[str, str]]] = []

    def look(plug: Plug) -> None:
        """Look at the disk when this one gets its command."""

        def command(what: str) -> bool:
            devices = {one["entity_id"]: one for one in hass_storage[KEY]["data"]["devices"]}
            record = devices[plug.entity_id]["record"]
            stored.append((plug.entity_id, record["commands"][-1]["values"]))
            return True

        plug.command = command  # type: ignore[method-assign]

    for plug in plugs:
        look(plug)
    await end(live, provider)
    assert sorted(stored, key=str) == [("switch.other", {"state": "on"}), (PLUG, {"state": "on"})]


async def test_somebody_takes_over_while_it_is_written(live: House, provider: Provider) -> None:
    """Never a command after a person has taken over, though the disk is slow."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await pause(live.hass, "climate.thermostat")
    await live.pass_time(MINUTE)
    thermostat.obeys = False
    await end(live, provider)
    thermostat.obeys = True
    user = await live.hass.auth.async_create_user("Ann")
    with SlowDisk() as disk:
        live.freezer.tick(61)
        async_fire_time_changed(live.hass, live.now)
        await until(disk.begun.is_set)
        await live.hass.services.async_call(
            "climate",
            "set_temperature",
            {"entity_id": "climate.thermostat", "temperature": 17},
            blocking=True,
            context=Context(user_id=user.id),
        )
        commands = list(thermostat.commands)
        disk.go_on.set()
        await live.settle()
    await live.pass_time(5 * MINUTE)
    assert thermostat.commands == commands
    assert live.state("sensor.equiwatt_held_devices") == "0"


async def test_held_anew_while_it_is_written(live: House, provider: Provider) -> None:
    """A device is off in the next equivent, though the disk was slow after the last."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    with SlowDisk() as disk:
        await live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
        await until(disk.begun.is_set)
        call = live.hass.async_create_task(pause(live.hass, PLUG))
        await asyncio.sleep(0)
        disk.go_on.set()
        assert (await call)["paused"] == [PLUG]
    assert plug.commands == ["off", "on", "off"]
    await end(live, provider)
    assert plug.commands == ["off", "on", "off", "on"]
