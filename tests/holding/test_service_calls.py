"""Test under which contexts devices are commanded, and to whom the calls of others belong."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockUser, async_capture_events

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.service_calls import (
    EVENT_COMMAND,
    MAX_CONTEXTS,
    Answer,
    ServiceCalls,
)
from custom_components.equiwatt.holding.steps import Call
from homeassistant.const import EVENT_CALL_SERVICE
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.fakes.devices.entities import install
from tests.fakes.devices.pretend import Lamp, Plug, Thermostat
from tests.fakes.home import Home
from tests.fakes.provider import Provider

from .pausing import MINUTE, PLUG, end, pause, restart, started
from .scenes import add_scene

CLIMATE = "climate.thermostat"


async def test_setback_while_paused(live: Home, provider: Provider) -> None:
    """A time-triggered automation takes a paused device over, as a person does."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat", comes_back_at=None))
    at = dt_util.as_local(live.now + timedelta(minutes=5)).strftime("%H:%M:%S")
    night = {
        "alias": "Night",
        "triggers": [{"trigger": "time", "at": at}],
        "actions": [
            {
                "action": "climate.set_temperature",
                "target": {"entity_id": CLIMATE},
                "data": {"temperature": 17},
            }
        ],
    }
    assert await async_setup_component(live.hass, "automation", {"automation": night})
    await live.settle()
    await pause(live.hass, CLIMATE)
    await live.pass_time(10 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("off", 17)
    await end(live, provider)
    await live.pass_time(10 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("off", 17)
    automation = {"entity_id": "automation.night"}
    await live.hass.services.async_call("automation", "turn_off", automation, blocking=True)


@pytest.mark.parametrize("name", ["Aaa", "Kitchen"])
async def test_device_behind_another(live: Home, provider: Provider, name: str) -> None:
    """A command forwarded by another entity is ours."""
    (lamp,) = await install(live.hass, Lamp("Lamp"))
    switch = {
        "name": name,
        "state": "{{ is_state('light.lamp', 'on') }}",
        "turn_on": {"action": "light.turn_on", "target": {"entity_id": "light.lamp"}},
        "turn_off": {"action": "light.turn_off", "target": {"entity_id": "light.lamp"}},
    }
    assert await async_setup_component(live.hass, "template", {"template": {"switch": switch}})
    await live.settle()
    entities = ["light.lamp", f"switch.{name.lower()}"]
    await live.hass.services.async_call(
        "equiwatt",
        "pause",
        {"entity_id": entities},
        blocking=True,
        context=Context(parent_id="01AUTOMATION"),
    )
    await live.pass_time(2 * MINUTE)
    assert lamp.state == "off"
    assert live.state("sensor.equiwatt_held_devices") == "2"
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert [live.state(entity_id) for entity_id in entities] == ["on", "on"]


@pytest.fixture
async def held(live: Home) -> Home:
    """Return a house with a held plug that has an area, a floor, labels and groups."""
    hass = live.hass
    await install(hass, Plug("Plug"))
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=live.entry.entry_id, identifiers={("test", "plug")}
    )
    floor = fr.async_get(hass).async_create("Ground")
    area = ar.async_get(hass).async_create("Kitchen", floor_id=floor.floor_id)
    label = lr.async_get(hass).async_create("Heavy")
    er.async_get(hass).async_update_entity(
        PLUG, device_id=device.id, area_id=area.id, labels={label.label_id}
    )
    groups = {"all_plugs": {"entities": [PLUG]}, "groups": {"entities": ["group.all_plugs"]}}
    assert await async_setup_component(hass, "group", {"group": groups})
    await add_scene(hass, {PLUG: "off"})
    assert await async_setup_component(hass, "homeassistant", {})
    await live.settle()
    hass.data["plug_device"] = device.id
    assert (await pause(hass, PLUG))["paused"] == [PLUG]
    await live.pass_time(2 * MINUTE)
    return live


TURN_OFF = ("switch", "turn_off")
NAMED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "name": (*TURN_OFF, {"entity_id": PLUG}),
    "names": (*TURN_OFF, {"entity_id": ["switch.other", PLUG]}),
    "names in a text": (*TURN_OFF, {"entity_id": f"switch.other, {PLUG}"}),
    "area": (*TURN_OFF, {"area_id": "kitchen"}),
    "floor": (*TURN_OFF, {"floor_id": ["ground"]}),
    "label": (*TURN_OFF, {"label_id": "heavy"}),
    "device": (*TURN_OFF, {"device_id": "plug_device"}),
    "all of its domain": (*TURN_OFF, {"entity_id": "all"}),
    "group": ("homeassistant", "turn_off", {"entity_id": "group.all_plugs"}),
    "group of groups": ("homeassistant", "toggle", {"entity_id": ["group.groups"]}),
    "all": ("homeassistant", "turn_off", {"entity_id": "all"}),
    "scene": ("scene", "turn_on", {"entity_id": "scene.saving"}),
    "all but another": (*TURN_OFF, {"entity_id": "all", "exclude": {"area_id": ["bath"]}}),
    "exclude of another kind": (*TURN_OFF, {"entity_id": PLUG, "exclude": "bath"}),
    "what a scene would be": ("scene", "apply", {"entities": {PLUG: "off"}}),
}
OTHERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "looking after it": ("homeassistant", "update_entity", {"entity_id": PLUG}),
    "another": (*TURN_OFF, {"entity_id": "switch.other"}),
    "another room": (*TURN_OFF, {"area_id": "bath"}),
    "another domain": ("light", "turn_off", {"entity_id": "all"}),
    "none": (*TURN_OFF, {"entity_id": "none"}),
    "excluded": (*TURN_OFF, {"entity_id": "all", "exclude": {"area_id": "kitchen"}}),
    "a scene that is made": ("scene", "create", {"entities": {PLUG: "off"}}),
    "our own": ("equiwatt", "pause", {"entity_id": PLUG}),
}


def call(home: Home, case: tuple[str, str, dict[str, Any]], context: Context) -> None:
    """Fire the event of a service call, as Home Assistant does."""
    domain, service, data = case
    if "device_id" in data:
        data = {"device_id": home.hass.data["plug_device"]}
    home.hass.bus.async_fire(
        EVENT_CALL_SERVICE,
        {"domain": domain, "service": service, "service_data": data},
        context=context,
    )


@pytest.mark.parametrize("case", NAMED)
async def test_call_takes_over(held: Home, provider: Provider, case: str) -> None:
    """A call by a person takes a held device over, with any kind of target."""
    person = Context(user_id=(await held.hass.auth.async_create_user("One")).id)
    call(held, NAMED[case], person)
    await held.settle()
    assert held.state("sensor.equiwatt_held_devices") == "0"


@pytest.mark.parametrize("case", OTHERS)
async def test_unrelated_call(held: Home, provider: Provider, case: str) -> None:
    """A call for other devices does not take it over."""
    person = Context(user_id=(await held.hass.auth.async_create_user("One")).id)
    call(held, OTHERS[case], person)
    await held.settle()
    assert held.state("sensor.equiwatt_held_devices") == "1"


async def test_bare_context(held: Home) -> None:
    """A bare context counts for an automation, a script or HomeKit only."""
    call(held, NAMED["name"], Context())
    await held.settle()
    assert held.state("sensor.equiwatt_held_devices") == "1"
    homekit = Context()
    held.hass.bus.async_fire("homekit_state_change", {"entity_id": PLUG}, context=homekit)
    call(held, NAMED["name"], homekit)
    await held.settle()
    assert held.state("sensor.equiwatt_held_devices") == "0"


async def test_automation_that_asked(live: Home, provider: Provider) -> None:
    """A later call of the automation that paused the device takes it over."""
    (plug,) = await install(live.hass, Plug("Plug"))
    context = Context()
    data = {"entity_id": PLUG}
    for domain, service in (("equiwatt", "pause"), ("switch", "turn_on"), ("switch", "turn_off")):
        await live.hass.services.async_call(domain, service, data, blocking=True, context=context)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert plug.commands == ["turn_off", "turn_on", "turn_off"]


@pytest.mark.parametrize("is_paused", [False, True])
async def test_listeners(live: Home, provider: Provider, is_paused: bool) -> None:
    """There are no listeners while no device is held."""
    await install(live.hass, Plug("Plug"))
    before = dict(live.hass.bus.async_listeners())
    assert "homekit_state_change" not in before
    if is_paused:
        await pause(live.hass, PLUG)
        assert live.hass.bus.async_listeners()["homekit_state_change"] == 1
        await end(live, provider)
        await live.pass_time(3 * MINUTE)
    assert "homekit_state_change" not in live.hass.bus.async_listeners()
    assert live.hass.bus.async_listeners().get("call_service") == before.get("call_service")


async def test_many_contexts(live: Home) -> None:
    """The oldest contexts are forgotten, and a user without a name is no error."""
    calls = ServiceCalls(live.hass, lambda _: None)
    nameless = await live.hass.auth.async_create_user("")
    nameless.name = None
    requester = await calls.async_requester_of(Context(user_id=nameless.id))
    assert requester[0] is None
    events = async_capture_events(live.hass, EVENT_COMMAND)
    for _ in range(MAX_CONTEXTS + 1):
        await calls.async_set("light.one", [], requester, "paused")
    ours = [event.context for event in events]
    assert calls.is_others(ours[0])  # by its parent
    assert not calls.is_others(ours[1])
    assert not calls.is_others(Context(parent_id=ours[1].id))


async def test_hundreds_of_devices(live: Home) -> None:
    """The late report of the first of many devices is no takeover."""
    calls = ServiceCalls(live.hass, lambda _: None)
    requester = (None, Context().id)
    events = async_capture_events(live.hass, EVENT_COMMAND)
    for _ in range(1000):
        await calls.async_set("light.one", [], requester, "paused")
    assert not calls.is_others(events[0].context)


async def test_automation_triggered_before(live: Home, provider: Provider) -> None:
    """An automation takes a device over though it was triggered before the hold."""
    (plug,) = await install(live.hass, Plug("Plug"))
    run = Context()
    live.hass.states.async_set("automation.immersion", "on", {"current": 1}, context=run)
    live.hass.states.async_set("automation.idle", "on", {"current": 0}, context=Context())
    await pause(live.hass, PLUG)
    data = {"entity_id": PLUG}
    await live.hass.services.async_call("switch", "turn_off", data, blocking=True, context=run)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert plug.commands == ["turn_off", "turn_off"]


@pytest.fixture
async def commands(live: Home) -> list[Any]:
    """Return the logbook entries of commands."""
    await install(live.hass, Plug("Plug"))
    events: list[Any] = async_capture_events(live.hass, EVENT_COMMAND)
    return events


async def pause_for(home: Home, context: Context) -> None:
    """Pause the plug as a person."""
    data = {"entity_id": PLUG}
    await home.hass.services.async_call(DOMAIN, "pause", data, blocking=True, context=context)


@pytest.mark.parametrize("restarts", [False, True])
async def test_person(
    live: Home, provider: Provider, commands: list[Any], hass_admin_user: MockUser, restarts: bool
) -> None:
    """Both commands follow from the call and name the person, after a restart too."""
    context = Context(user_id=hass_admin_user.id)
    await pause_for(live, context)
    off = live.hass.states.get(PLUG)
    if restarts:
        await restart(live)
        await started(live)
    await end(live, provider)
    on = live.hass.states.get(PLUG)
    assert off
    assert on
    assert [event.data["asked_by"] for event in commands] == [hass_admin_user.name] * 2
    assert [event.data["action"] for event in commands] == ["paused", "restored"]
    assert [event.context.id for event in commands] == [off.context.id, on.context.id]
    assert {event.context.parent_id for event in commands} == {context.id}


async def test_automation(live: Home, provider: Provider, commands: list[Any]) -> None:
    """An automation is named, and a call without a user has no name."""
    action = {"action": "equiwatt.pause", "target": {"entity_id": PLUG}}
    trigger = {"trigger": "event", "event_type": "now"}
    config = {"automation": {"alias": "Evening", "triggers": trigger, "actions": action}}
    assert await async_setup_component(live.hass, "automation", config)
    live.hass.bus.async_fire("now")
    await live.settle()
    await live.hass.services.async_call("switch", "turn_on", {"entity_id": PLUG}, blocking=True)
    await live.pass_time(40)
    await pause_for(live, Context())
    assert [event.data["asked_by"] for event in commands] == ["Evening", None]


@pytest.mark.parametrize("action", ["restore", "skip"])
async def test_restore_by_another(live: Home, commands: list[Any], action: str) -> None:
    """A restore by a call is named after its caller."""
    users = [
        await live.hass.auth.async_create_user(name, group_ids=["system-admin"])
        for name in ("Ann", "Bob")
    ]
    ann, bob = (Context(user_id=user.id) for user in users)
    await pause_for(live, ann)
    await live.pass_time(MINUTE)
    domain, name, data = (
        (DOMAIN, "restore", {"entity_id": PLUG})
        if action == "restore"
        else ("switch", "turn_on", {"entity_id": "switch.equiwatt_skip"})
    )
    await live.hass.services.async_call(domain, name, data, blocking=True, context=bob)
    await live.settle()
    asked = [(event.data["action"], event.data["asked_by"]) for event in commands]
    assert asked == [("paused", "Ann"), ("restored", "Bob")]


async def test_set(hass: HomeAssistant) -> None:
    """A device is set by the services of its domain, in order and in a context of the requester."""
    seen: list[ServiceCall] = []

    async def note(call: ServiceCall) -> None:
        """Record a call."""
        seen.append(call)

    hass.services.async_register("light", "turn_on", note)
    calls, requester = ServiceCalls(hass, lambda _: None), (None, "01AUTOMATION")

    async def set_light(*sent: Call) -> Answer:
        """Set the light."""
        return await calls.async_set("light.one", sent, requester, "paused")

    call, missing = Call(service="turn_on", data={"brightness": 9}), Call(service="glow")
    assert await set_light(call) is Answer.DONE
    assert seen[0].data == {"entity_id": "light.one", "brightness": 9}
    assert (seen[0].context.user_id, seen[0].context.parent_id) == (None, "01AUTOMATION")
    assert await set_light(missing, call) is Answer.UNTOUCHED
    assert await set_light(call, missing) is Answer.REFUSED
    assert len(seen) == 2
