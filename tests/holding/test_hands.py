"""Test that stories go on with what is heard: states, the clock, and an end of everything."""

import asyncio
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import Context
from tests.conftest import NOW, House, Provider
from tests.devices import Plug, Thermostat, install
from tests.fakes.actions import simulate

from .pausing import KEY, MINUTE, PLUG, SlowDisk, end, pause, restart, started, until


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
    stored: list[tuple[str, str]] = []

    def look(plug: Plug) -> None:
        """Look at the disk when this one gets its command."""

        def command(what: str) -> bool:
            devices = {one["entity_id"]: one for one in hass_storage[KEY]["data"]["devices"]}
            stored.append((plug.entity_id, devices[plug.entity_id]["phase"]))
            return True

        plug.command = command  # type: ignore[method-assign]

    for plug in plugs:
        look(plug)
    await end(live, provider)
    assert sorted(stored) == [("switch.other", "restoring"), (PLUG, "restoring")]


async def test_killed_in_the_middle_of_a_restore(
    live: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """A pulled plug when the thermostat has got its mode: its temperature comes all the same."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await pause(live.hass, "climate.thermostat")
    await live.pass_time(MINUTE)
    disk: dict[str, Any] = {}
    set_mode = thermostat.async_set_hvac_mode

    async def hang(hvac_mode: Any) -> None:
        """Obey, and never come back; what is not on the disk by now is lost."""
        disk.update(deepcopy(hass_storage))
        await set_mode(hvac_mode)
        await asyncio.Event().wait()

    thermostat.async_set_hvac_mode = hang  # type: ignore[method-assign]
    await live.pass_time(30)
    provider.end(NOW, live.now)
    live.freezer.tick(65)
    async_fire_time_changed(live.hass, live.now)
    await until(lambda: live.state("climate.thermostat") == "heat")
    thermostat.async_set_hvac_mode = set_mode  # type: ignore[method-assign]

    def lose() -> None:
        """Be left with what was on the disk."""
        hass_storage.clear()
        hass_storage.update(disk)

    await restart(live, lose)
    await started(live)
    await live.pass_time(10 * MINUTE)
    assert thermostat.target_temperature == 21


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
    """A device is not turned on in the next equivent because the disk was slow after the last."""
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
    assert plug.commands == ["off", "off"]
    await end(live, provider)
    assert plug.commands == ["off", "off", "on"]


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
