"""Test what becomes of a request to hold devices when the disk or the entry goes away."""

import asyncio
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.file import WriteError
from tests.conftest import House, Provider, Push, add_entry
from tests.devices import Plug, Thermostat, install
from tests.fakes.actions import SKIP, turn

from .pausing import HOUR, MINUTE, PLUG, SlowDisk, end, pause, repairs, restart, started, until
from .scenes import add_scene, apply

CLIMATE = "climate.thermostat"
WRITE = "homeassistant.helpers.storage.Store._async_write_data"


async def test_skipped_while_a_hold_cannot_be_written(live: House, provider: Provider) -> None:
    """What is restored while a second pause waits for a disk that proves full is restored."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    plug.report(available=False)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail(store: Any, data: dict[str, Any]) -> None:
        """Take a while to fail."""
        if "data_func" in data:
            data["data"] = data.pop("data_func")()
        begun.set()
        await go_on.wait()
        raise WriteError

    with patch(WRITE, fail):
        call = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(begun.is_set)
        data = {"entity_id": SKIP}
        await live.hass.services.async_call("switch", "turn_on", data, blocking=True)
        go_on.set()
        with pytest.raises(HomeAssistantError):
            await call
        await live.settle()
    await live.pass_time(MINUTE)
    plug.report(available=True, is_on=False)
    await live.pass_time(40 * MINUTE, step=30)
    assert live.state("switch.equiwatt_skip") == "on"
    assert live.live == "on"
    assert live.state("sensor.equiwatt_held_devices") == "0"
    assert live.state(PLUG) == "on" or repairs(live.hass)


@pytest.mark.parametrize("skips", ["first", "both"])
async def test_two_accounts_on_a_full_disk(house: House, push: Push, skips: str) -> None:
    """A hold that cannot be written is not for the account that is skipped meanwhile."""
    add_entry(house.hass, "another-token", "another-webhook")
    await house.setup()
    await install(house.hass, Plug("Plug"))
    await push("?event=started")
    await push("?event=started", "another-webhook")
    await pause(house.hass, PLUG)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail(store: Any, data: dict[str, Any]) -> None:
        """Take a while to fail."""
        begun.set()
        await go_on.wait()
        raise WriteError

    with patch(WRITE, fail):
        call = house.hass.async_create_task(pause(house.hass, PLUG))
        await until(begun.is_set)
        for switch in (SKIP, "switch.equiwatt_skip_2")[: 1 if skips == "first" else 2]:
            data = {"entity_id": switch}
            await house.hass.services.async_call("switch", "turn_on", data, blocking=True)
        go_on.set()
        with pytest.raises(HomeAssistantError):
            await call
    await house.pass_time(2 * MINUTE)
    assert house.state(PLUG) == ("off" if skips == "first" else "on")
    await turn(house, "on", "switch.equiwatt_skip_2")
    await house.pass_time(2 * MINUTE)
    assert house.state(PLUG) == "on"


async def test_disk_full_at_the_end(live: House, provider: Provider) -> None:
    """No command after the end of a story, though the disk was full when it ended."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)

    async def fail(store: Any, data: dict[str, Any]) -> None:
        """Fail as Home Assistant does on a full disk: once it has what is to be written."""
        if "data_func" in data:
            data["data"] = data.pop("data_func")()
        raise WriteError

    with patch(WRITE, fail):
        await end(live, provider)
        await live.pass_time(2 * MINUTE)
    assert plug.commands == ["off", "on"]
    await live.pass_time(HOUR.total_seconds(), step=60)  # there is room again
    person = Context(user_id=(await live.hass.auth.async_create_user("One")).id)
    await live.hass.services.async_call(
        "switch", "turn_off", {"entity_id": PLUG}, blocking=True, context=person
    )
    await live.pass_time(HOUR.total_seconds(), step=60)
    plug.commands.clear()

    # As after a pulled plug, or any stop: nothing has changed, so nothing is written.
    await restart(live)
    await started(live)
    await live.pass_time(5 * MINUTE)
    assert plug.commands == []


async def test_disk_full_at_the_stop(
    live: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """What an unloaded entry could not write is not written later on, when it holds nothing."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    plug.report(available=False)
    with patch(WRITE, side_effect=WriteError):
        await turn(live, "on")
        assert await live.hass.config_entries.async_unload(live.entry.entry_id)
    await live.pass_time(5 * MINUTE)
    assert len(hass_storage["equiwatt.held_devices"]["data"]["devices"]) == 1
    assert await live.hass.config_entries.async_setup(live.entry.entry_id)
    await live.settle()
    plug.report(available=True)
    await end(live, provider)
    assert live.state(PLUG) == "on"


async def test_somebody_changes_it_while_it_is_written(live: House, provider: Provider) -> None:
    """A scene restores how somebody set a device just before it was applied."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await add_scene(live.hass, {CLIMATE: {"state": "heat", "temperature": 17}})
    ann = Context(user_id=(await live.hass.auth.async_create_user("Ann")).id)
    warmer = {"entity_id": CLIMATE, "temperature": 23}
    with SlowDisk() as disk:
        call = live.hass.async_create_task(apply(live.hass))
        await until(disk.begun.is_set)
        await live.hass.services.async_call(
            "climate", "set_temperature", warmer, blocking=True, context=ann
        )
        disk.go_on.set()
        assert (await call)["held"] == [CLIMATE]
    await live.pass_time(20 * MINUTE)
    assert thermostat.target_temperature == 17
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert thermostat.target_temperature == 23


async def test_restore_that_fails_while_the_disk_is_full(live: House) -> None:
    """What fails while a hold cannot be written is tried again, as if it had not been held."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    turn_on, begun, go_on = plug.async_turn_on, asyncio.Event(), asyncio.Event()

    async def fail(**kwargs: Any) -> None:
        """Take a while to fail."""
        begun.set()
        await go_on.wait()
        raise RuntimeError

    plug.async_turn_on = fail  # type: ignore[method-assign]
    await live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
    await until(begun.is_set)
    with SlowDisk() as disk:
        call = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        plug.report(available=False)
        go_on.set()
        disk.is_full = True
        for _ in range(100):
            await asyncio.sleep(0)
        disk.go_on.set()
        with pytest.raises(HomeAssistantError):
            await call
    plug.async_turn_on = turn_on  # type: ignore[method-assign]
    await live.pass_time(MINUTE)
    plug.report(available=True)
    await live.pass_time(10 * MINUTE)
    assert live.state(PLUG) == "on"


async def test_twice_at_once(live: House) -> None:
    """Whoever pauses a device that is being paused hears the same as who came first."""
    (plug,) = await install(live.hass, Plug("Plug"))
    turn_off, begun, go_on = plug.async_turn_off, asyncio.Event(), asyncio.Event()

    async def slow(**kwargs: Any) -> None:
        """Obey in a while."""
        begun.set()
        await go_on.wait()
        await turn_off()

    plug.async_turn_off = slow  # type: ignore[method-assign]
    first = live.hass.async_create_task(pause(live.hass, PLUG))
    await until(begun.is_set)
    second = live.hass.async_create_task(pause(live.hass, PLUG))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not first.done()
    assert not second.done()
    go_on.set()
    assert (await first)["paused"] == (await second)["paused"] == [PLUG]
    assert plug.commands == ["off"]


async def test_scene_on_a_full_disk(live: House) -> None:
    """A scene that cannot be written leaves a pause as it was, with its limit."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await add_scene(live.hass, {CLIMATE: {"state": "heat", "temperature": 17}})
    await pause(live.hass, CLIMATE, max_duration={"minutes": 20})
    await live.pass_time(5 * MINUTE)
    with patch(WRITE, side_effect=WriteError), pytest.raises(HomeAssistantError):
        await apply(live.hass)
    await live.pass_time(10 * MINUTE)
    assert live.state(CLIMATE) == "off"
    assert thermostat.commands == ["off"]
    await live.pass_time(10 * MINUTE)
    assert (live.state(CLIMATE), thermostat.target_temperature) == ("heat", 21)
