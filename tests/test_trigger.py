"""Test the triggers that users find in the automation editor."""

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
import sys
from types import ModuleType
from typing import Any, override

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.equiwatt import announcer
from custom_components.equiwatt.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import Push
from .fakes.actions import simulate
from .fakes.devices.simple import Plug, install
from .fakes.home import EVENT, LIVE, NOW, Home, add_entry
from .fakes.provider import Provider

HOUR = timedelta(hours=1)
STARTED = "equiwatt.equivent_started"
ENDED = "equiwatt.equivent_ended"
BY_ENTITY = {"entity_id": EVENT}
AUTOMATION = "automation.listener"


def heard(*triggers: dict[str, Any]) -> dict[str, Any]:
    """Return an automation that fires an event with what its trigger says."""
    names = ("platform", "start", "end", "source", "test", "kind", "description")
    said = {name: f"{{{{ trigger.{name} }}}}" for name in names}
    return {
        "alias": "Listener",
        "triggers": list(triggers),
        "actions": {"event": "heard", "event_data": said},
        "mode": "queued",
    }


def both(target: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Return both triggers on a target."""
    more = {"options": options} if options else {}
    return [{"trigger": trigger, "target": target, **more} for trigger in (STARTED, ENDED)]


class Ear:
    """Hears what automations heard."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Hear nothing yet."""
        self.hass = hass
        self.events: list[dict[str, Any]] = []
        hass.bus.async_listen("heard", lambda event: self.events.append(dict(event.data)))

    async def listen(self, *triggers: dict[str, Any]) -> None:
        """Set an automation up with triggers."""
        config = {"automation": heard(*triggers)}
        assert await async_setup_component(self.hass, "automation", config)
        await self.hass.async_block_till_done()

    async def call(self, action: str) -> None:
        """Call an action on the automation."""
        data = {"entity_id": AUTOMATION}
        await self.hass.services.async_call("automation", action, data, blocking=True)

    @property
    def kinds(self) -> list[str]:
        """Return the triggers that were heard, in order."""
        return [event["platform"] for event in self.events]


@pytest.fixture
def ear(hass: HomeAssistant) -> Ear:
    """Return what hears automations."""
    return Ear(hass)


def device_of(hass: HomeAssistant, entry: MockConfigEntry) -> dr.DeviceEntry:
    """Return the device of an account."""
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return device


async def rehearse(home: Home, seconds: int = 10) -> None:
    """Rehearse an equivent, and wait until it is over."""
    data = {"duration": {"seconds": seconds}}
    await home.hass.services.async_call(DOMAIN, "simulate_equivent", data, blocking=True)
    await home.pass_time(seconds + 5)


async def test_variables(home: Home, provider: Provider, ear: Ear) -> None:
    """An automation learns of which equivent it is, and what brought the news."""
    await ear.listen(*both(BY_ENTITY))
    provider.start(NOW - timedelta(minutes=1), NOW + HOUR)
    await home.setup()
    provider.end(NOW - timedelta(minutes=1), NOW + timedelta(minutes=1))
    await home.poll()
    assert ear.events == [
        {
            "platform": STARTED,
            "start": "2026-11-20T17:19:00+00:00",
            "end": "2026-11-20T18:20:00+00:00",
            "source": "api",
            "test": False,
            "kind": None,
            "description": "start of an equivent",
        },
        {
            "platform": ENDED,
            "start": "2026-11-20T17:19:00+00:00",
            "end": "2026-11-20T17:21:00+00:00",
            "source": "api",
            "test": False,
            "kind": None,
            "description": "end of an equivent",
        },
    ]


async def test_unknown_end(home: Home, push: Push, ear: Ear) -> None:
    """An end that nobody knows is none."""
    await ear.listen(*both(BY_ENTITY))
    await home.setup()
    await push("?event=started")
    (event,) = ear.events
    assert (event["end"], event["source"]) == (None, "webhook")


async def test_once_over_reloads(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push, ear: Ear
) -> None:
    """Each edge is heard once: attached before the entry is loaded, and over its reloads."""
    await ear.listen(*both(BY_ENTITY))
    await home.setup()
    for _ in range(2):
        assert await hass.config_entries.async_reload(home.entry.entry_id)
    hass.config_entries.async_update_entry(home.entry, title="Another name")
    provider.start(NOW, NOW + HOUR)
    await push("?event=started")
    assert ear.kinds == [STARTED]
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert ear.kinds == [STARTED]
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    provider.end(NOW, NOW + timedelta(seconds=1))
    await home.setup()
    await home.pass_time(11)
    assert ear.kinds == [STARTED, ENDED]


async def test_attached_while_loaded(home: Home, push: Push, ear: Ear) -> None:
    """One that is attached later hears from then on, and nothing while it is switched off."""
    await home.setup()
    await push("?event=started")
    await ear.listen(*both(BY_ENTITY))
    assert ear.kinds == []
    await push("?event=ended")
    await home.pass_time(1)
    assert ear.kinds == [ENDED]
    await ear.call("turn_off")
    await push("?event=started")
    await home.pass_time(1)
    assert ear.kinds == [ENDED]
    await ear.call("turn_on")
    await home.pass_time(130)
    await push("?event=ended")
    await home.pass_time(1)
    assert ear.kinds == [ENDED, ENDED]


async def test_reloaded_while_switched_off(home: Home, push: Push, ear: Ear) -> None:
    """One that is switched off and on hears each edge once, though the entry was reloaded."""
    await ear.listen(*both(BY_ENTITY))
    await home.setup()
    await ear.call("turn_off")
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await ear.call("turn_on")
    await push("?event=started")
    assert ear.kinds == [STARTED]


async def test_removed_and_added(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push, ear: Ear
) -> None:
    """An account that is added anew is heard by the name of its entity."""
    await ear.listen(*both(BY_ENTITY))
    await home.setup()
    await hass.config_entries.async_remove(home.entry.entry_id)
    home.entry = add_entry(hass, webhook_id="another")
    await home.setup()
    await push("?event=started", "another")
    assert ear.kinds == [STARTED]


async def test_other_integrations(
    hass: HomeAssistant, home: Home, push: Push, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    """What becomes of another integration's entry is no matter."""
    other = MockConfigEntry(domain="other", state=ConfigEntryState.LOADED)
    other.add_to_hass(hass)
    await ear.listen(*both(BY_ENTITY))
    await home.setup()
    hass.config_entries.async_update_entry(other, title="Another name")
    await push("?event=started")
    assert ear.kinds == [STARTED]
    assert "when dispatching" not in caplog.text


async def test_waits_for_the_start(
    hass: HomeAssistant,
    home: Home,
    provider: Provider,
    ear: Ear,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What began before Home Assistant did is heard once it has started."""
    monkeypatch.setattr(announcer, "ARMING", 1)
    hass.set_state(CoreState.starting)
    await ear.listen(*both(BY_ENTITY))
    provider.start(NOW, NOW + HOUR)
    await home.setup()
    assert ear.kinds == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.pass_time(2, step=1)
    assert ear.kinds == [STARTED]


async def test_two_edges_in_one_answer(home: Home, provider: Provider, ear: Ear) -> None:
    """Both are heard, once each, by automations that run on their own."""
    await ear.listen(*both(BY_ENTITY))
    provider.start(NOW - HOUR, None)
    await home.setup()
    provider.end(NOW - HOUR, NOW)
    provider.start(NOW, None)
    await home.poll()
    await home.pass_time(0.02, step=0.005)
    assert ear.kinds[0] == STARTED
    assert sorted(ear.kinds) == sorted([STARTED, ENDED, STARTED])


async def test_heard_with_the_state_shown(
    hass: HomeAssistant, home: Home, push: Push, ear: Ear
) -> None:
    """Whoever hears of an edge finds the entities changed."""
    shown: list[tuple[str, Any]] = []

    def look(_: object) -> None:
        """Look at the entities."""
        event = hass.states.get(EVENT)
        shown.append((home.live, event and event.attributes["event_type"]))

    hass.bus.async_listen("heard", look)
    await ear.listen(*both(BY_ENTITY))
    await home.setup()
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert shown == [("on", "started"), ("off", "ended")]


async def test_several_accounts(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push, ear: Ear
) -> None:
    """Only the account that is meant is heard, or all of several."""
    other = add_entry(hass, token="another-token", webhook_id="another")  # sets up both
    await home.setup()
    theirs = {"device_id": [device_of(hass, other).id]}
    await ear.listen(
        {"trigger": STARTED, "target": theirs},
        {"trigger": ENDED, "target": {**theirs, **BY_ENTITY}},
    )
    await push("?event=started")
    assert ear.kinds == []
    await push("?event=ended")
    await home.pass_time(1)
    assert ear.kinds == [ENDED]
    await push("?event=started", "another")
    await push("?event=ended", "another")
    await home.pass_time(1)
    assert ear.kinds == [ENDED, STARTED, ENDED]


@pytest.mark.parametrize("options", [{}, {"rehearsals": True}])
async def test_rehearsals(home: Home, ear: Ear, options: dict[str, Any]) -> None:
    """Rehearsals are heard, and known as such."""
    await ear.listen(*both(BY_ENTITY, **options))
    await home.setup()
    await rehearse(home)
    assert ear.kinds == [STARTED, ENDED]
    assert [event["test"] for event in ear.events] == [True, True]
    assert [event["description"] for event in ear.events] == [
        "start of a rehearsal",
        "end of a rehearsal",
    ]


async def test_kind(home: Home, ear: Ear) -> None:
    """Automations know the kind, at the start and at the end."""
    await ear.listen(*both(BY_ENTITY))
    await home.setup()
    await simulate(home.hass, duration=10, kind="power_up")
    await home.pass_time(15)
    assert ear.kinds == [STARTED, ENDED]
    assert [event["kind"] for event in ear.events] == ["power_up"] * 2


async def test_no_rehearsals(home: Home, push: Push, ear: Ear) -> None:
    """Rehearsals are not heard where they are left out; what is real is."""
    await ear.listen(*both(BY_ENTITY, rehearsals=False))
    await home.setup()
    await rehearse(home)
    assert ear.kinds == []
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert ear.kinds == [STARTED, ENDED]


async def test_faulty_automation(
    hass: HomeAssistant,
    home: Home,
    push: Push,
    ear: Ear,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A fault in one automation keeps an edge from nobody: neither others, nor paused devices."""
    faulty = {
        "trigger": STARTED,
        "target": BY_ENTITY,
        "variables": {"ratio": "{{ 1 / 0 }}"},
    }
    await ear.listen(faulty, {**faulty, "trigger": ENDED}, *both(BY_ENTITY))
    await home.setup()
    (plug,) = await install(hass, Plug("Plug"))
    await push("?event=started")
    await hass.services.async_call(DOMAIN, "pause", {"entity_id": "switch.plug"}, blocking=True)
    await push("?event=ended")
    await home.pass_time(5)
    assert ear.kinds == [STARTED, ENDED]
    assert home.kinds == ["started", "ended"]
    assert plug.commands == ["off", "on"]
    assert caplog.text.count("An automation could not be triggered: ZeroDivisionError") == 2


@pytest.mark.parametrize("trigger", [STARTED, ENDED])
@pytest.mark.parametrize("target", [None, {}, {"entity_id": []}])
async def test_without_target(
    hass: HomeAssistant, hass_client: Any, trigger: str, target: dict[str, Any] | None
) -> None:
    """A trigger that could never be heard is refused by the editor, rather than silent."""
    assert await async_setup_component(hass, "automation", {})
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    triggers = {"trigger": trigger} | ({} if target is None else {"target": target})
    config = {"triggers": [triggers], "actions": []}
    answer = await client.post("/api/config/automation/config/one", json=config)
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert "target" in (await answer.json())["message"]


async def test_offered_for_the_device(hass: HomeAssistant, home: Home, hass_ws_client: Any) -> None:
    """The automation editor offers for the device what does not fail silently, and nothing else."""
    await ready_for_the_editor(hass)
    await home.setup()
    client = await hass_ws_client(hass)
    device = {"device_id": [device_of(hass, home.entry).id]}
    offered = {}
    for what in ("triggers", "conditions"):
        await client.send_json_auto_id({"type": f"get_{what}_for_target", "target": device})
        offered[what] = set((await client.receive_json())["result"])
    switch = {"switch.turned_off", "switch.turned_on"}  # of the one that skips an equivent
    assert offered["triggers"] == {STARTED, ENDED, "event.received", *switch}
    assert offered["conditions"] == {"equiwatt.is_live", "switch.is_off", "switch.is_on"}


async def ready_for_the_editor(hass: HomeAssistant) -> None:
    """Set up what the automation editor needs."""
    for component in ("automation", "calendar", "event", "binary_sensor", "sensor"):
        assert await async_setup_component(hass, component, {})


@pytest.mark.parametrize("what", ["trigger", "condition"])
async def test_described(hass: HomeAssistant, home: Home, hass_ws_client: Any, what: str) -> None:
    """The automation editor knows target and options."""
    await ready_for_the_editor(hass)
    await home.setup()
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": f"{what}_platforms/subscribe"})
    assert (await client.receive_json())["success"]
    descriptions = (await client.receive_json())["event"]
    names = {"trigger": {STARTED, ENDED}, "condition": {"equiwatt.is_live"}}[what]
    assert {name for name in descriptions if name.startswith(DOMAIN)} == names
    for name in names:
        assert descriptions[name]["target"]["entity"] == [{"integration": "equiwatt"}]
        assert descriptions[name]["fields"]["rehearsals"]["default"] is True


class Broken(MetaPathFinder):
    """Lets modules fail when they are imported."""

    def __init__(self, name: str, error: Exception) -> None:
        """Keep which, and how."""
        self._name = name
        self._error = error

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Fail for the module that is broken."""
        if fullname == self._name:
            raise self._error
        return None


@pytest.mark.parametrize("module", ["trigger", "condition"])
@pytest.mark.parametrize("error", [ImportError("changed"), AttributeError("changed")])
async def test_all_else_works_without(
    hass: HomeAssistant,
    home: Home,
    push: Push,
    ear: Ear,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    error: Exception,
) -> None:
    """Where Home Assistant has changed what one of the files builds on, all else works."""
    name = f"custom_components.equiwatt.{module}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(name, error), *sys.meta_path])
    received = {
        "trigger": "event.received",
        "target": BY_ENTITY,
        "options": {"event_type": ["started", "ended"]},
    }
    broken = {
        "trigger": heard(*both(BY_ENTITY)),
        "condition": {
            **heard(received),
            "conditions": {"condition": "equiwatt.is_live", "target": BY_ENTITY},
        },
    }[module]
    works = {**heard(received), "alias": "Works"}
    config = {"automation": [{**broken, "alias": "Broken"}, works]}
    assert await async_setup_component(hass, "automation", config)
    await home.setup()
    assert home.state("automation.broken") == "unavailable"
    (plug,) = await install(hass, Plug("Plug"))
    await push("?event=started")
    assert home.state(LIVE) == "on"
    await hass.services.async_call(DOMAIN, "pause", {"entity_id": "switch.plug"}, blocking=True)
    await push("?event=ended")
    await home.pass_time(5)
    assert ear.kinds == ["event.received", "event.received"]
    assert plug.commands == ["off", "on"]
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    entities = er.async_entries_for_config_entry(er.async_get(hass), home.entry.entry_id)
    assert all(home.state(entity.entity_id) != "unavailable" for entity in entities)
