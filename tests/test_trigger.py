"""Test the triggers of the automation editor."""

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
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import Push
from .fakes.actions import simulate
from .fakes.devices.entities import install
from .fakes.devices.pretend import Plug
from .fakes.home import EVENT, LIVE, NOW, Home, add_entry
from .fakes.provider import Provider

HOUR = timedelta(hours=1)
STARTED = "equiwatt.equivent_started"
ENDED = "equiwatt.equivent_ended"
BY_ENTITY = {"entity_id": EVENT}
AUTOMATION = "automation.listener"


def automation_with(*triggers: dict[str, Any]) -> dict[str, Any]:
    """Return an automation that fires an event with its trigger variables."""
    names = ("platform", "start", "end", "source", "test", "skipped", "kind", "description")
    data = {name: f"{{{{ trigger.{name} }}}}" for name in names}
    return {
        "alias": "Listener",
        "triggers": list(triggers),
        "actions": {"event": "heard", "event_data": data},
        "mode": "queued",
    }


def both(target: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Return both triggers on a target."""
    more = {"options": options} if options else {}
    return [{"trigger": trigger, "target": target, **more} for trigger in (STARTED, ENDED)]


class Automations:
    """Automations and the events that they fired."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Subscribe to the events."""
        self.hass = hass
        self.events: list[dict[str, Any]] = []
        hass.bus.async_listen("heard", lambda event: self.events.append(dict(event.data)))

    async def add(self, *triggers: dict[str, Any]) -> None:
        """Set up an automation with triggers."""
        config = {"automation": automation_with(*triggers)}
        assert await async_setup_component(self.hass, "automation", config)
        await self.hass.async_block_till_done()

    async def call(self, action: str) -> None:
        """Call an action on the automation."""
        data = {"entity_id": AUTOMATION}
        await self.hass.services.async_call("automation", action, data, blocking=True)

    @property
    def kinds(self) -> list[str]:
        """Return the triggers that fired, in order."""
        return [event["platform"] for event in self.events]


@pytest.fixture
def automations(hass: HomeAssistant) -> Automations:
    """Return the automations."""
    return Automations(hass)


def device_of(hass: HomeAssistant, entry: MockConfigEntry) -> dr.DeviceEntry:
    """Return the device of an account."""
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return device


async def rehearse(home: Home, seconds: int = 10) -> None:
    """Rehearse an equivent, and wait until it is over."""
    data = {"duration": {"seconds": seconds}}
    await home.hass.services.async_call(DOMAIN, "simulate_equivent", data, blocking=True)
    await home.pass_time(seconds + 5)


async def test_variables(home: Home, provider: Provider, automations: Automations) -> None:
    """The trigger variables contain the equivent and its source."""
    await automations.add(*both(BY_ENTITY))
    provider.start(NOW - timedelta(minutes=1), NOW + HOUR)
    await home.setup()
    provider.end(NOW - timedelta(minutes=1), NOW + timedelta(minutes=1))
    await home.poll()
    assert automations.events == [
        {
            "platform": STARTED,
            "start": "2026-11-20T17:19:00+00:00",
            "end": "2026-11-20T18:20:00+00:00",
            "source": "api",
            "test": False,
            "skipped": False,
            "kind": None,
            "description": "start of an equivent",
        },
        {
            "platform": ENDED,
            "start": "2026-11-20T17:19:00+00:00",
            "end": "2026-11-20T17:21:00+00:00",
            "source": "api",
            "test": False,
            "skipped": False,
            "kind": None,
            "description": "end of an equivent",
        },
    ]


async def test_unknown_end(home: Home, push: Push, automations: Automations) -> None:
    """An unknown end is None."""
    await automations.add(*both(BY_ENTITY))
    await home.setup()
    await push("?event=started")
    (event,) = automations.events
    assert (event["end"], event["source"]) == (None, "webhook")


async def test_once_over_reloads(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push, automations: Automations
) -> None:
    """Each edge fires once: attached before the entry is loaded, and over reloads."""
    await automations.add(*both(BY_ENTITY))
    await home.setup()
    for _ in range(2):
        assert await hass.config_entries.async_reload(home.entry.entry_id)
    hass.config_entries.async_update_entry(home.entry, title="Another name")
    provider.start(NOW, NOW + HOUR)
    await push("?event=started")
    assert automations.kinds == [STARTED]
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert automations.kinds == [STARTED]
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    provider.end(NOW, NOW + timedelta(seconds=1))
    await home.setup()
    await home.pass_time(11)
    assert automations.kinds == [STARTED, ENDED]


async def test_attached_while_loaded(home: Home, push: Push, automations: Automations) -> None:
    """A trigger fires after it was attached, and not while the automation is off."""
    await home.setup()
    await push("?event=started")
    await automations.add(*both(BY_ENTITY))
    assert automations.kinds == []
    await push("?event=ended")
    await home.pass_time(1)
    assert automations.kinds == [ENDED]
    await automations.call("turn_off")
    await push("?event=started")
    await home.pass_time(1)
    assert automations.kinds == [ENDED]
    await automations.call("turn_on")
    await home.pass_time(130)
    await push("?event=ended")
    await home.pass_time(1)
    assert automations.kinds == [ENDED, ENDED]


async def test_reloaded_while_switched_off(
    home: Home, push: Push, automations: Automations
) -> None:
    """An automation that was off fires once for each edge, though the entry was reloaded."""
    await automations.add(*both(BY_ENTITY))
    await home.setup()
    await automations.call("turn_off")
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await automations.call("turn_on")
    await push("?event=started")
    assert automations.kinds == [STARTED]


async def test_removed_and_added(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push, automations: Automations
) -> None:
    """An account that is added again fires by the name of its entity."""
    await automations.add(*both(BY_ENTITY))
    await home.setup()
    await hass.config_entries.async_remove(home.entry.entry_id)
    home.entry = add_entry(hass, webhook_id="another")
    await home.setup()
    await push("?event=started", "another")
    assert automations.kinds == [STARTED]


async def test_waits_for_the_start(
    hass: HomeAssistant,
    home: Home,
    provider: Provider,
    automations: Automations,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An edge from before the start fires once Home Assistant has started."""
    monkeypatch.setattr(announcer, "ARMING", 1)
    hass.set_state(CoreState.starting)
    await automations.add(*both(BY_ENTITY))
    provider.start(NOW, NOW + HOUR)
    await home.setup()
    assert automations.kinds == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.pass_time(2, step=1)
    assert automations.kinds == [STARTED]


async def test_two_edges_in_one_answer(
    home: Home, provider: Provider, automations: Automations
) -> None:
    """Both edges fire, once each, in separate automations."""
    await automations.add(*both(BY_ENTITY))
    provider.start(NOW - HOUR, None)
    await home.setup()
    provider.end(NOW - HOUR, NOW)
    provider.start(NOW, None)
    await home.poll()
    await home.pass_time(0.02, step=0.005)
    assert automations.kinds[0] == STARTED
    assert sorted(automations.kinds) == sorted([STARTED, ENDED, STARTED])


async def test_states_have_changed(
    hass: HomeAssistant, home: Home, push: Push, automations: Automations
) -> None:
    """The entities have changed when a trigger fires."""
    shown: list[tuple[str, Any]] = []

    def look(_: object) -> None:
        """Read the states."""
        event = hass.states.get(EVENT)
        shown.append((home.live, event and event.attributes["event_type"]))

    hass.bus.async_listen("heard", look)
    await automations.add(*both(BY_ENTITY))
    await home.setup()
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert shown == [("on", "started"), ("off", "ended")]


async def test_several_accounts(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push, automations: Automations
) -> None:
    """Only the targeted accounts fire."""
    other = add_entry(hass, token="another-token", webhook_id="another")  # sets up both
    await home.setup()
    theirs = {"device_id": [device_of(hass, other).id]}
    await automations.add(
        {"trigger": STARTED, "target": theirs},
        {"trigger": ENDED, "target": {**theirs, **BY_ENTITY}},
    )
    await push("?event=started")
    assert automations.kinds == []
    await push("?event=ended")
    await home.pass_time(1)
    assert automations.kinds == [ENDED]
    await push("?event=started", "another")
    await push("?event=ended", "another")
    await home.pass_time(1)
    assert automations.kinds == [ENDED, STARTED, ENDED]


@pytest.mark.parametrize("options", [{}, {"rehearsals": True}])
async def test_rehearsals(home: Home, automations: Automations, options: dict[str, Any]) -> None:
    """Rehearsals fire and are marked."""
    await automations.add(*both(BY_ENTITY, **options))
    await home.setup()
    await rehearse(home)
    assert automations.kinds == [STARTED, ENDED]
    assert [event["test"] for event in automations.events] == [True, True]
    assert [event["description"] for event in automations.events] == [
        "start of a rehearsal",
        "end of a rehearsal",
    ]


async def test_kind(home: Home, automations: Automations) -> None:
    """The kind is known at the start and at the end."""
    await automations.add(*both(BY_ENTITY))
    await home.setup()
    await simulate(home.hass, duration=10, kind="power_up")
    await home.pass_time(15)
    assert automations.kinds == [STARTED, ENDED]
    assert [event["kind"] for event in automations.events] == ["power_up"] * 2


async def test_no_rehearsals(home: Home, push: Push, automations: Automations) -> None:
    """Excluded rehearsals do not fire, and equivents do."""
    await automations.add(*both(BY_ENTITY, rehearsals=False))
    await home.setup()
    await rehearse(home)
    assert automations.kinds == []
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert automations.kinds == [STARTED, ENDED]


async def test_faulty_automation(
    hass: HomeAssistant,
    home: Home,
    push: Push,
    automations: Automations,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An automation that fails affects neither others nor paused devices."""
    faulty = {
        "trigger": STARTED,
        "target": BY_ENTITY,
        "variables": {"ratio": "{{ 1 / 0 }}"},
    }
    await automations.add(faulty, {**faulty, "trigger": ENDED}, *both(BY_ENTITY))
    await home.setup()
    (plug,) = await install(hass, Plug("Plug"))
    await push("?event=started")
    await hass.services.async_call(DOMAIN, "pause", {"entity_id": "switch.plug"}, blocking=True)
    await push("?event=ended")
    await home.pass_time(5)
    assert automations.kinds == [STARTED, ENDED]
    assert home.kinds == ["started", "ended"]
    assert plug.commands == ["turn_off", "turn_on"]
    assert caplog.text.count("An automation could not be triggered: ZeroDivisionError") == 2


@pytest.mark.parametrize("trigger", [STARTED, ENDED])
@pytest.mark.parametrize("target", [None, {}, {"entity_id": []}])
async def test_without_target(
    hass: HomeAssistant, hass_client: Any, trigger: str, target: dict[str, Any] | None
) -> None:
    """A trigger without a target is refused."""
    assert await async_setup_component(hass, "automation", {})
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    triggers = {"trigger": trigger} | ({} if target is None else {"target": target})
    config = {"triggers": [triggers], "actions": []}
    answer = await client.post("/api/config/automation/config/one", json=config)
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert "target" in (await answer.json())["message"]


async def test_device_automations(hass: HomeAssistant, home: Home, hass_ws_client: Any) -> None:
    """The editor offers only triggers that work for the device."""
    await ready_for_the_editor(hass)
    await home.setup()
    client = await hass_ws_client(hass)
    device = {"device_id": [device_of(hass, home.entry).id]}
    offered = {}
    for kind in ("triggers", "conditions"):
        await client.send_json_auto_id({"type": f"get_{kind}_for_target", "target": device})
        offered[kind] = set((await client.receive_json())["result"])
    switch = {"switch.turned_off", "switch.turned_on"}  # of the skip switch
    assert offered["triggers"] == {STARTED, ENDED, "event.received", *switch}
    assert offered["conditions"] == {"equiwatt.is_live", "switch.is_off", "switch.is_on"}


async def ready_for_the_editor(hass: HomeAssistant) -> None:
    """Set up the integrations that the editor needs."""
    for component in ("automation", "calendar", "event", "binary_sensor", "sensor"):
        assert await async_setup_component(hass, component, {})


@pytest.mark.parametrize("kind", ["trigger", "condition"])
async def test_described(hass: HomeAssistant, home: Home, hass_ws_client: Any, kind: str) -> None:
    """The editor shows target and options."""
    await ready_for_the_editor(hass)
    await home.setup()
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": f"{kind}_platforms/subscribe"})
    assert (await client.receive_json())["success"]
    descriptions = (await client.receive_json())["event"]
    names = {"trigger": {STARTED, ENDED}, "condition": {"equiwatt.is_live"}}[kind]
    assert {name for name in descriptions if name.startswith(DOMAIN)} == names
    for name in names:
        assert descriptions[name]["target"]["entity"] == [{"integration": "equiwatt"}]
        assert descriptions[name]["fields"]["rehearsals"]["default"] is True


class BrokenImports(MetaPathFinder):
    """Import hook that makes modules fail."""

    def __init__(self, name: str, error: Exception) -> None:
        """Initialize with the modules and their errors."""
        self._name = name
        self._error = error

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Fail for a broken module."""
        if fullname == self._name:
            raise self._error
        return None


@pytest.mark.parametrize("module", ["trigger", "condition"])
@pytest.mark.parametrize("error", [ImportError("changed"), AttributeError("changed")])
async def test_failing_import(
    hass: HomeAssistant,
    home: Home,
    push: Push,
    automations: Automations,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    error: Exception,
) -> None:
    """All else works if Home Assistant has changed an interface of these files."""
    name = f"custom_components.equiwatt.{module}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [BrokenImports(name, error), *sys.meta_path])
    received = {
        "trigger": "event.received",
        "target": BY_ENTITY,
        "options": {"event_type": ["started", "ended"]},
    }
    broken = {
        "trigger": automation_with(*both(BY_ENTITY)),
        "condition": {
            **automation_with(received),
            "conditions": {"condition": "equiwatt.is_live", "target": BY_ENTITY},
        },
    }[module]
    works = {**automation_with(received), "alias": "Works"}
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
    assert automations.kinds == ["event.received", "event.received"]
    assert plug.commands == ["turn_off", "turn_on"]
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    entities = er.async_entries_for_config_entry(er.async_get(hass), home.entry.entry_id)
    assert all(home.state(entity.entity_id) != "unavailable" for entity in entities)
