"""Test the contexts of commands."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockUser, async_capture_events

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.service_calls import EVENT_COMMAND, Answer, async_set
from custom_components.equiwatt.holding.steps import Call
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
from tests.fakes.devices.simple import Plug, install
from tests.fakes.home import Home
from tests.fakes.provider import Provider

from .pausing import MINUTE, PLUG, end, restart, started


@pytest.fixture
async def commands(live: Home) -> list[Any]:
    """Return the logbook entries of commands."""
    await install(live.hass, Plug("Plug"))
    events: list[Any] = async_capture_events(live.hass, EVENT_COMMAND)
    return events


async def pause(home: Home, context: Context) -> None:
    """Pause the plug as a person."""
    data = {"entity_id": PLUG}
    await home.hass.services.async_call(DOMAIN, "pause", data, blocking=True, context=context)


@pytest.mark.parametrize("restarts", [False, True])
async def test_person(
    live: Home, provider: Provider, commands: list[Any], hass_admin_user: MockUser, restarts: bool
) -> None:
    """Both commands follow from the call and name the person, after a restart too."""
    context = Context(user_id=hass_admin_user.id)
    await pause(live, context)
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
    await pause(live, Context())
    assert [event.data["asked_by"] for event in commands] == ["Evening", None]


@pytest.mark.parametrize("action", ["restore", "skip"])
async def test_restore_by_another(live: Home, commands: list[Any], action: str) -> None:
    """A restore by a call is named after its caller."""
    users = [
        await live.hass.auth.async_create_user(name, group_ids=["system-admin"])
        for name in ("Ann", "Bob")
    ]
    ann, bob = (Context(user_id=user.id) for user in users)
    await pause(live, ann)
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
    """A device is set by the services of its domain, in order and in the given context."""
    seen: list[ServiceCall] = []

    async def note(call: ServiceCall) -> None:
        """Record a call."""
        seen.append(call)

    hass.services.async_register("light", "turn_on", note)
    context, call = Context(), Call(service="turn_on", data={"brightness": 9})
    assert await async_set(hass, "light.one", [call], context) is Answer.DONE
    assert [(call.data, call.context) for call in seen] == [
        ({"entity_id": "light.one", "brightness": 9}, context)
    ]
    missing = Call(service="glow")
    assert await async_set(hass, "light.one", [missing, call], context) is Answer.UNTOUCHED
    assert await async_set(hass, "light.one", [call, missing], context) is Answer.REFUSED
    assert len(seen) == 2
