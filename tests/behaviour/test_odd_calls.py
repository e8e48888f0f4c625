"""Test calls that come at the wrong moment or name devices in odd ways."""

import asyncio
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.equiwatt.const import DOMAIN
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Context, CoreState
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
from homeassistant.setup import async_setup_component
from tests.fakes.devices.entities import install
from tests.fakes.devices.pretend import Lamp, Plug, Thermostat
from tests.fakes.home import Home
from tests.fakes.provider import Provider

from ..holding.pausing import KEY, MINUTE, PLUG, SlowDisk, disable, end, pause, repairs, until
from ..holding.scenes import add_scene, apply

CLIMATE = "climate.thermostat"


async def call(home: Home, action: str, **data: Any) -> Any:
    """Call an action of ours and return its response."""
    return await home.hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )


@pytest.mark.parametrize("by", ["entity_id", "area_id"])
async def test_unavailable_group(live: Home, provider: Provider, by: str) -> None:
    """The lamps of a group that is unavailable at the start are restored one by one."""
    one, other = await install(live.hass, Lamp("One"), Lamp("Other"))
    other.report("off")
    for lamp in (one, other):
        lamp.report(available=False)
    options = {"group_type": "light", "name": "Both", "hide_members": False, "all": False}
    group = MockConfigEntry(
        domain="group",
        title="Both",
        options={**options, "entities": ["light.one", "light.other"]},
    )
    group.add_to_hass(live.hass)
    assert await live.hass.config_entries.async_setup(group.entry_id)
    await live.settle()
    assert live.state("light.both") == "unavailable"
    area = ar.async_get(live.hass).async_create("Kitchen")
    er.async_get(live.hass).async_update_entity("light.both", area_id=area.id)
    await live.settle()
    target = {"entity_id": "light.both", "area_id": area.id}
    answer = await call(live, "pause", **{by: target[by]})
    names = [refused["entity_id"] for refused in answer["not_paused"]]
    assert names == ["light.one", "light.other"]
    await live.pass_time(MINUTE)
    for lamp in (one, other):
        lamp.report(available=True)
    await live.pass_time(2 * MINUTE)
    assert (live.state("light.one"), live.state("light.other")) == ("off", "off")
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert (live.state("light.one"), live.state("light.other")) == ("on", "off")


async def test_set_back_after_shorter_pause(live: Home, provider: Provider) -> None:
    """A thermostat that has not come back from a shorter pause is set back, not left off."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await pause(live.hass, CLIMATE, max_duration={"minutes": 5})
    await live.pass_time(4 * MINUTE)
    thermostat.obeys = False
    await live.pass_time(1.2 * MINUTE)
    assert live.state(CLIMATE) == "off"
    thermostat.obeys = True
    answer = await call(live, "set_back", entity_id=CLIMATE, degrees=2)
    assert answer["set_back"] == [CLIMATE]
    await live.pass_time(2 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 19)
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 21)


async def test_set_back_then_shorter_pause(live: Home, provider: Provider) -> None:
    """A shorter pause on top of a set-back ends as both began."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await call(live, "set_back", entity_id=CLIMATE, degrees=2)
    await live.pass_time(3 * MINUTE)
    await pause(live.hass, CLIMATE, max_duration={"minutes": 5})
    assert live.state(CLIMATE) == "off"
    await live.pass_time(8 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 21)
    await call(live, "set_back", entity_id=CLIMATE, degrees=2)
    assert thermostat.temperature == 19
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 21)


async def test_cancelled_while_full_disk(live: Home, caplog: pytest.LogCaptureFixture) -> None:
    """An action that is cancelled before its write fails leaves no error that nothing handles."""
    (plug,) = await install(live.hass, Plug("Plug"))
    with SlowDisk() as disk:
        disk.is_full = True
        action = asyncio.create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        action.cancel()
        await asyncio.sleep(0)
        disk.go_on.set()
        await live.settle()
    assert action.cancelled()
    assert plug.commands == []
    assert live.state("sensor.equiwatt_held_devices") == "0"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_old_command_fails_late(live: Home, provider: Provider) -> None:
    """The error of a command from an earlier hold is not one of the new hold's command."""
    (plug,) = await install(live.hass, Plug("Plug"))
    begun, answer = asyncio.Event(), asyncio.Event()

    async def hang(service: str) -> None:
        """Fail to turn off in the end."""
        if service == "turn_on":
            return
        begun.set()
        await answer.wait()
        raise RuntimeError

    plug.before_command = hang
    first = asyncio.create_task(pause(live.hass, PLUG))
    await until(begun.is_set)
    person = Context(user_id=(await live.hass.auth.async_create_user("One")).id)
    await live.hass.services.async_call(
        "switch", "turn_on", {"entity_id": PLUG}, blocking=True, context=person
    )
    plug.before_command = None
    await first
    plug.obeys = False
    second = asyncio.create_task(pause(live.hass, PLUG))
    await until(lambda: plug.commands[-1] == "turn_off")
    answer.set()
    for _ in range(100):
        await asyncio.sleep(0)
    plug.report("off")
    assert (await second)["paused"] == [PLUG]
    await end(live, provider)
    plug.obeys = True
    await live.pass_time(5 * MINUTE)
    assert live.state(PLUG) == "on"


@pytest.mark.parametrize("what", ["reload", "disable", "unload", "remove"])
async def test_account_goes_while_writing(live: Home, provider: Provider, what: str) -> None:
    """A reload in the middle of a hold changes nothing; without the account it is restored."""
    await install(live.hass, Plug("Plug"))
    entries = live.hass.config_entries
    with SlowDisk() as disk:
        action = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        if what == "reload":
            await entries.async_reload(live.entry.entry_id)
        elif what == "disable":
            await disable(live)
        elif what == "remove":
            live.hass.async_create_task(entries.async_remove(live.entry.entry_id))
            await until(lambda: not entries.async_entries(DOMAIN))
        else:
            await entries.async_unload(live.entry.entry_id)
        disk.go_on.set()
        await action
        await live.settle()
    await live.pass_time(2 * MINUTE)
    is_gone = what in ("disable", "remove")
    assert live.state(PLUG) == ("on" if is_gone else "off")
    if what == "unload":
        await entries.async_setup(live.entry.entry_id)
        await live.settle()
    if not is_gone:
        await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert live.state(PLUG) == "on"


async def test_script_in_parallel(live: Home, provider: Provider) -> None:
    """Several runs of one script hold the same devices once."""
    plugs = await install(live.hass, Plug("Plug"), Plug("Other"))
    script = {
        "mode": "parallel",
        "sequence": [
            {
                "action": "equiwatt.pause",
                "data": {"entity_id": [PLUG, "switch.other"]},
                "response_variable": "answer",
            },
            {"event": "answered", "event_data": {"paused": "{{ answer.paused | count }}"}},
        ],
    }
    answers: list[Any] = []
    live.hass.bus.async_listen("answered", lambda event: answers.append(event.data["paused"]))
    assert await async_setup_component(live.hass, "script", {"script": {"both": script}})
    await asyncio.gather(
        *(live.hass.services.async_call("script", "both", {}, blocking=True) for _ in range(4))
    )
    await live.settle()
    assert answers == [2] * 4
    assert [plug.commands for plug in plugs] == [["turn_off"]] * 2
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert [plug.commands for plug in plugs] == [["turn_off", "turn_on"]] * 2


async def test_removed_and_renamed_while_writing(live: Home, provider: Provider) -> None:
    """A device that is renamed or removed before it is held is not held under its old name."""
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    registry = er.async_get(live.hass)
    with SlowDisk() as disk:
        action = live.hass.async_create_task(pause(live.hass, PLUG, "switch.other"))
        await until(disk.begun.is_set)
        registry.async_update_entity(PLUG, new_entity_id="switch.renamed")
        registry.async_remove("switch.other")
        for _ in range(20):
            await asyncio.sleep(0)
        disk.go_on.set()
        answer = await action
    assert {one["reason"] for one in answer["not_paused"]} == {"not_found"}
    assert (plug.commands, other.commands) == ([], [])
    again = Plug("Other")
    await install(live.hass, again)
    assert (await pause(live.hass, "switch.other"))["paused"] == ["switch.other"]
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert live.state("switch.other") == "on"
    assert repairs(live.hass) == []


async def test_reload_while_waiting(live: Home, provider: Provider) -> None:
    """An action that waits for a report outlasts a reload, and so does the hold."""
    (plug,) = await install(live.hass, Plug("Plug"))
    plug.obeys = False
    action = live.hass.async_create_task(pause(live.hass, PLUG))
    await until(lambda: plug.commands == ["turn_off"])
    assert await live.hass.config_entries.async_reload(live.entry.entry_id)
    plug.report("off")
    assert (await action)["paused"] == [PLUG]
    plug.obeys = True
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert plug.commands == ["turn_off", "turn_on"]


@pytest.mark.parametrize("first", ["pause", "set_back"])
async def test_last_call_on_unavailable_device(live: Home, provider: Provider, first: str) -> None:
    """The last of two requests counts for a device that was unavailable at both."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    thermostat.report(available=False)
    last = "pause" if first == "set_back" else "set_back"
    for action in (first, last):
        answer = await call(live, action, entity_id=CLIMATE)
        assert [one["reason"] for values in answer.values() for one in values] == ["unavailable"]
    await live.pass_time(MINUTE)
    thermostat.report(available=True)
    await live.pass_time(MINUTE)
    shown = ["heat", 19] if last == "set_back" else ["off", 7]
    assert [live.state(CLIMATE), thermostat.temperature] == shown
    await end(live, provider)
    await live.pass_time(3 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 21)


async def test_scene_with_unavailable_device(live: Home, provider: Provider) -> None:
    """A device of a scene that is unavailable is set once it is back, and restored."""
    plug, thermostat = await install(live.hass, Plug("Plug"), Thermostat("Thermostat"))
    await add_scene(live.hass, {CLIMATE: {"state": "heat", "temperature": 17}, PLUG: "off"})
    thermostat.report(available=False)
    assert await apply(live.hass) == {
        "applied": ["scene.saving"],
        "not_applied": [],
        "held": [PLUG],
        "not_held": [{"entity_id": CLIMATE, "reason": "unavailable"}],
    }
    await live.pass_time(MINUTE)
    thermostat.report(available=True)
    await live.pass_time(MINUTE)
    assert thermostat.temperature == 17
    await end(live, provider)
    await live.pass_time(3 * MINUTE)
    assert (thermostat.temperature, plug.state) == (21, "on")


async def test_stop_while_writing(live: Home, hass_storage: dict[str, Any]) -> None:
    """A hold that is written as Home Assistant stops is on the disk with its command."""
    (plug,) = await install(live.hass, Plug("Plug"))
    with SlowDisk() as disk:
        action = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        live.hass.set_state(CoreState.stopping)
        live.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
        for _ in range(20):
            await asyncio.sleep(0)
        disk.go_on.set()
        await until(lambda: bool(plug.commands))
        action.cancel()
        live.hass.set_state(CoreState.final_write)
        live.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        await live.settle()
    stored = hass_storage[KEY]["data"]["devices"]
    assert [len(one["record"]["commands"]) for one in stored] == [len(plug.commands)]
    live.hass.set_state(CoreState.running)


@pytest.mark.parametrize("target", ["area_id", "floor_id", "label_id", "device_id"])
async def test_group_in_group_by_target(live: Home, provider: Provider, target: str) -> None:
    """The lamps of a group in a group are paused by its area, floor, label and device."""
    lamps = await install(live.hass, Lamp("One"), Lamp("Other"), Lamp("Third"))
    config = {
        "inner": {"entities": ["light.one"]},
        "outer": {"entities": ["group.inner", "light.other"]},
    }
    assert await async_setup_component(live.hass, "group", {"group": config})
    await live.settle()
    device = dr.async_get(live.hass).async_get_or_create(
        config_entry_id=live.entry.entry_id, identifiers={("test", "hub")}
    )
    floor = fr.async_get(live.hass).async_create("Ground")
    area = ar.async_get(live.hass).async_create("Kitchen", floor_id=floor.floor_id)
    label = lr.async_get(live.hass).async_create("Heavy")
    er.async_get(live.hass).async_update_entity(
        "light.one", device_id=device.id, area_id=area.id, labels={label.label_id}
    )
    ids = {
        "area_id": area.id,
        "floor_id": floor.floor_id,
        "label_id": label.label_id,
        "device_id": device.id,
    }
    answer = await call(live, "pause", entity_id="group.outer", **{target: ids[target]})
    assert answer["paused"] == ["light.one", "light.other"]
    await live.hass.services.async_call(DOMAIN, "restore", {target: ids[target]}, blocking=True)
    await live.pass_time(2 * MINUTE)
    assert [lamp.state for lamp in lamps] == ["on", "off", "on"]
    assert [len(lamp.commands) for lamp in lamps] == [2, 1, 0]
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert [lamp.state for lamp in lamps] == ["on"] * 3
