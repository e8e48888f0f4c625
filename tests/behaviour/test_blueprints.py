"""Test the blueprints in a real Home Assistant."""

import asyncio
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.equiwatt import coordinator
from custom_components.equiwatt.const import DOMAIN
from homeassistant.components.blueprint import models
from homeassistant.components.blueprint.schemas import BLUEPRINT_SCHEMA
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict, parse_yaml

from ..conftest import Push
from ..fakes.actions import plan, simulate
from ..fakes.blueprints import AUTOMATION, FOLDER, Use, messages, titles, user_of
from ..fakes.devices.entities import install
from ..fakes.devices.pretend import Plug, Thermostat
from ..fakes.disk import full_disk
from ..fakes.home import NOW, Home, add_entry, fire_timers
from ..fakes.provider import Provider
from ..holding.pausing import until

BLUEPRINTS = sorted((FOLDER / "automation" / "equiwatt").glob("*.yaml"))
HOUR = timedelta(hours=1)
MINUTE = 60
PLUG = "switch.plug"
START = {"event": "acted", "event_data": {"at": "start"}}
END = {"event": "acted", "event_data": {"at": "end"}}

INPUTS: dict[str, dict[str, Any]] = {
    "pause_devices": {"devices": {"entity_id": PLUG}, "notify_start": True, "notify_end": True},
    "do_this_and_that": {"start_actions": [START], "end_actions": [END]},
}


@pytest.fixture
def use(home: Home, tmp_path: Path) -> Use:
    """Return a function that sets up an automation of a blueprint."""
    return user_of(home, tmp_path)


@pytest.fixture
def acted(home: Home) -> list[Any]:
    """Return the runs of the user's actions."""
    events: list[Any] = async_capture_events(home.hass, "acted")
    return events


async def play(home: Home, provider: Provider) -> None:
    """Start and end an equivent."""
    start = home.now
    provider.start(start, start + HOUR)
    await home.poll()
    assert home.live == "on"
    await home.pass_time(MINUTE)
    provider.end(start, home.now)
    await home.poll()
    assert home.live == "off"


def action_times(acted: list[Any]) -> list[str]:
    """Return the times at which the actions ran."""
    return [event.data["at"] for event in acted]


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
def test_valid(path: Path) -> None:
    """The blueprint is valid, and every input is used and described."""
    data = load_yaml_dict(str(path))
    blueprint = models.Blueprint(
        data, path=path.name, expected_domain=AUTOMATION, schema=BLUEPRINT_SCHEMA
    )
    assert blueprint.validate() is None
    assert blueprint.metadata["source_url"].endswith(f"/blueprints/automation/equiwatt/{path.name}")
    assert blueprint.metadata["homeassistant"]["min_version"] == "2026.7.0"
    for name in blueprint.inputs:
        assert f"!input {name}" in path.read_text("utf-8")


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
def test_import(path: Path) -> None:
    """The file that an import stores can be loaded again."""
    imported = models.Blueprint(load_yaml_dict(str(path)), schema=BLUEPRINT_SCHEMA)
    saved: Any = parse_yaml(imported.yaml())
    again = models.Blueprint(saved, expected_domain=AUTOMATION, schema=BLUEPRINT_SCHEMA)
    assert again.inputs == imported.inputs


async def test_pauses_and_restores(home: Home, provider: Provider, use: Use) -> None:
    """Devices are turned off at the start and restored at the end, without a notification."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await use("pause_devices", devices={"entity_id": PLUG})
    await play(home, provider)
    assert plug.commands == ["turn_off", "turn_on"]
    assert messages(home) == []


async def test_longest_pause(home: Home, provider: Provider, use: Use) -> None:
    """The longest pause is passed to the action."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await use("pause_devices", devices={"entity_id": PLUG}, max_duration={"seconds": 30})
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    await home.pass_time(35)
    assert (home.live, plug.commands) == ("on", ["turn_off", "turn_on"])


@pytest.mark.parametrize(("at_home", "runs"), [("home", True), ("not_home", False)])
async def test_conditions(
    home: Home, provider: Provider, use: Use, acted: list[Any], at_home: str, runs: bool
) -> None:
    """The extra conditions are checked at the start, and the end follows the start."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    home.hass.states.async_set("person.someone", at_home)
    condition = {"condition": "state", "entity_id": "person.someone", "state": "home"}
    await use(
        "pause_devices",
        devices={"entity_id": PLUG},
        conditions=[condition],
        notify_end=True,
    )
    await home.pass_time(10 * MINUTE)
    start = home.now
    provider.start(start, start + HOUR)
    await home.poll()
    home.hass.states.async_set("person.someone", "home" if at_home == "not_home" else "not_home")
    provider.end(start, home.now)
    await home.poll()
    assert plug.commands == (["turn_off", "turn_on"] if runs else [])
    assert len(messages(home)) == runs


@pytest.mark.parametrize(("at_home", "expected"), [("home", ["start", "end"]), ("not_home", [])])
async def test_actions_and_conditions(
    home: Home, provider: Provider, use: Use, acted: list[Any], at_home: str, expected: list[str]
) -> None:
    """The actions for the end run if those for the start ran."""
    await home.setup()
    home.hass.states.async_set("person.someone", at_home)
    condition = {"condition": "state", "entity_id": "person.someone", "state": "home"}
    await use("do_this_and_that", start_actions=[START], end_actions=[END], conditions=[condition])
    await home.pass_time(10 * MINUTE)
    start = home.now
    provider.start(start, start + HOUR)
    await home.poll()
    home.hass.states.async_set("person.someone", "home" if at_home == "not_home" else "not_home")
    await home.pass_time(10 * MINUTE)
    provider.end(start, home.now)
    await home.poll()
    assert action_times(acted) == expected


@pytest.mark.parametrize(("include", "expected"), [(True, ["start", "end"]), (False, [])])
async def test_rehearsals(
    home: Home, use: Use, acted: list[Any], include: bool, expected: list[str]
) -> None:
    """Rehearsals are an option."""
    await home.setup()
    await use("do_this_and_that", start_actions=[START], end_actions=[END], include_tests=include)
    await simulate(home.hass, duration=10)
    await home.pass_time(15)
    assert action_times(acted) == expected


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize(
    ("summary", "only", "acts"),
    [
        ("powerUP", {}, False),
        ("powerUP", {"only_power_down": False}, True),
        ("powerDOWN", {}, True),
        (None, {}, True),
    ],
)
async def test_only_power_down(
    home: Home,
    provider: Provider,
    use: Use,
    acted: list[Any],
    name: str,
    summary: str | None,
    only: dict[str, bool],
    acts: bool,
) -> None:
    """A powerUP is ignored at its start and end, unless the user wants both."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await use(name, **INPUTS[name], **only)
    if summary:
        await plan(home, NOW, NOW + HOUR, summary)
    await play(home, provider)
    assert bool(acted or titles(home)) is acts


@pytest.mark.parametrize("kind", ["power_up", "power_down"])
async def test_rehearse_power_up(home: Home, use: Use, acted: list[Any], kind: str) -> None:
    """A rehearsal of a powerUP runs the actions."""
    await home.setup()
    await use("do_this_and_that", **INPUTS["do_this_and_that"])
    await simulate(home.hass, duration=10, kind=kind)
    await home.pass_time(15)
    assert action_times(acted) == (["start", "end"] if kind == "power_down" else [])


@pytest.mark.parametrize("include", [True, False])
async def test_rehearsed_pause(home: Home, use: Use, include: bool) -> None:
    """A rehearsal pauses devices, and its notification begins with "Rehearsal"."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await use(
        "pause_devices",
        devices={"entity_id": PLUG},
        include_tests=include,
        notify_start=True,
        notify_end=True,
    )
    await simulate(home.hass, duration=10)
    await home.settle()
    expected = "It should end at 09:20.\n\nPaused: Plug.\n\nThere is nothing to log."
    assert messages(home) == ([expected] if include else [])
    assert titles(home) == (["Rehearsal: an equivent has started"] if include else [])
    await home.pass_time(15)
    assert plug.commands == (["turn_off", "turn_on"] if include else [])
    over = ["Rehearsal: an equivent has started", "Rehearsal: the equivent is over"]
    assert titles(home) == (over if include else [])
    await simulate(home.hass, duration=10)
    await home.pass_time(15)
    assert titles(home) == (over if include else [])  # those of the first equivent are replaced


async def test_notifications(home: Home, provider: Provider, use: Use) -> None:
    """Start and end are persistent notifications with a reminder, for each equivent."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    plug.report("off")
    await use("pause_devices", devices={"entity_id": PLUG}, notify_start=True, notify_end=True)
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    off = "None of your devices were on, so there was nothing to pause."
    started = f"It should end at 10:20.\n\n{off}\n\nLog it in the equiwatt app."
    assert messages(home) == [started]
    assert titles(home) == ["An equivent has started"]
    provider.end(NOW, home.now)
    await home.poll()
    over = (
        "Paused devices are going back to how they were, unless you have restored them already."
        " Logged it in the app yet?"
    )
    assert messages(home) == [started, over]
    assert titles(home) == ["An equivent has started", "The equivent is over"]
    await home.pass_time(20 * MINUTE, step=60)
    await play(home, provider)
    assert len(messages(home)) == 4


@pytest.mark.parametrize(
    ("minutes", "expected"), [(10, "Paused until 09:31: Plug."), (90, "Paused: Plug.")]
)
async def test_notifies_longest_pause(
    home: Home, provider: Provider, use: Use, minutes: int, expected: str
) -> None:
    """The message names the longest pause where it ends before the equivent."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    longest = {"hours": 0, "minutes": minutes, "seconds": 0}
    devices = {"entity_id": PLUG}
    await use("pause_devices", devices=devices, notify_start=True, max_duration=longest)
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    (message,) = messages(home)
    assert message.split("\n\n")[1] == expected


async def test_notifies_not_paused(home: Home, provider: Provider, use: Use) -> None:
    """The message names each device that is not paused, with the reason."""
    await home.setup()
    _, lamp, heater = await install(home.hass, Plug("Plug"), Plug("Lamp"), Plug("Heater"))
    lamp.report("off")
    heater.report(available=False)
    devices = {"entity_id": [PLUG, "switch.lamp", "switch.heater", "switch.nowhere"]}
    longest = {"hours": 0, "minutes": 30, "seconds": 0}
    await use("pause_devices", devices=devices, notify_start=True, max_duration=longest)
    provider.start(NOW, None)
    await home.poll()
    (message,) = messages(home)
    assert message == (
        "When it ends is not known yet.\n\nPaused until 09:51: Plug.\n\n"
        "Not changed: Heater (unavailable; changed once it is back), Lamp (already off), "
        "switch.nowhere (not found).\n\nLog it in the equiwatt app."
    )


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize(
    ("error", "seconds", "expected"),
    [
        (None, 2, "It should end at 10:20."),
        (TimeoutError(), 5, "When it ends is not known yet."),
    ],
)
async def test_notifies_end_after_call(
    home: Home,
    provider: Provider,
    push: Push,
    use: Use,
    acted: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: Exception | None,
    seconds: float,
    expected: str,
) -> None:
    """A notification alone waits for the end that a call does not name, for five seconds."""
    monkeypatch.setattr(coordinator, "COLLECT_SECONDS", 2)
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await use(name, **{**INPUTS[name], "notify_start": True})
    provider.start(NOW, NOW + HOUR)
    provider.error = error
    call = asyncio.create_task(push("?event=started"))
    await until(lambda: bool(plug.commands or acted))
    for waited in (seconds - 1, 1):
        for _ in range(100):
            await asyncio.sleep(0)
        assert messages(home) == []
        home.freezer.tick(waited)
        fire_timers(home.hass, home.now)
    await call
    (message,) = messages(home)
    assert message.startswith(expected)
    assert len([*plug.commands, *acted]) == 1


@pytest.mark.parametrize("away", [True, False])
async def test_notifies_nothing_paused(
    home: Home, provider: Provider, use: Use, away: bool
) -> None:
    """The message says that all devices were off only if all of them were."""
    await home.setup()
    lamp, heater = await install(home.hass, Plug("Lamp"), Plug("Heater"))
    lamp.report("off")
    heater.report(available=False) if away else heater.report("off")
    devices = {"entity_id": ["switch.lamp", "switch.heater"]}
    await use("pause_devices", devices=devices, notify_start=True)
    provider.start(NOW, None)
    await home.poll()
    (message,) = messages(home)
    assert ("None of your devices were on" in message) is not away
    assert ("Heater (unavailable" in message) is away


async def test_notifies_full_disk(home: Home, provider: Provider, use: Use) -> None:
    """The message names the log where there is no reason."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await use("pause_devices", devices={"entity_id": PLUG}, notify_start=True)
    provider.start(NOW, NOW + HOUR)
    with full_disk():
        await home.poll()
    (message,) = messages(home)
    assert (
        "Something went wrong, so not everything you chose was changed. Look for equiwatt under"
        in message
    )
    assert plug.commands == []


COLD = {"entity_id": "climate.thermostat"}


@pytest.mark.parametrize(
    ("inputs", "expected", "temperature"),
    [
        ({"heating": COLD}, "Turned down: Thermostat.", 19),
        ({"heating": COLD, "degrees": 1.5}, "Turned down: Thermostat.", 19.5),
        (
            {"heating": COLD, "devices": {"entity_id": PLUG}},
            "Paused: Plug.\n\nTurned down: Thermostat.",
            19,
        ),
        ({"heating": {"area_id": ["kitchen"]}}, "Turned down: Thermostat.", 19),
        ({"heating": {"entity_id": [], "area_id": "kitchen"}}, "Turned down: Thermostat.", 19),
        ({"heating": {"entity_id": []}, "devices": {"entity_id": PLUG}}, "Paused: Plug.", 21),
        (
            {"heating": {"entity_id": [*COLD.values(), "climate.nowhere"]}},
            "Turned down: Thermostat.\n\nNot changed: climate.nowhere (not found).",
            19,
        ),
    ],
)
async def test_turns_down(  # the input and its result
    home: Home,
    provider: Provider,
    use: Use,
    inputs: dict[str, Any],
    expected: str,
    temperature: float,
) -> None:
    """Heating is turned down and restored, with or without devices to pause."""
    await home.setup()
    plug, thermostat = await install(home.hass, Plug("Plug"), Thermostat("Thermostat"))
    area = ar.async_get(home.hass).async_create("Kitchen")
    er.async_get(home.hass).async_update_entity("climate.thermostat", area_id=area.id)
    await use("pause_devices", notify_start=True, **inputs)
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    (message,) = messages(home)
    assert message == f"It should end at 10:20.\n\n{expected}\n\nLog it in the equiwatt app."
    assert (thermostat.temperature, thermostat.state) == (temperature, "heat")
    await home.pass_time(2 * MINUTE)
    provider.end(NOW, home.now)
    await home.poll()
    assert (thermostat.temperature, thermostat.state) == (21, "heat")
    assert plug.commands == (["turn_off", "turn_on"] if "devices" in inputs else [])


@pytest.mark.parametrize("inputs", [{}, {"devices": {"entity_id": []}, "heating": {"area_id": ""}}])
async def test_nothing_chosen(
    home: Home,
    provider: Provider,
    use: Use,
    caplog: pytest.LogCaptureFixture,
    inputs: dict[str, Any],
) -> None:
    """Without devices the log names the missing input."""
    await home.setup()
    await use("pause_devices", notify_start=True, **inputs)
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    (message,) = messages(home)
    assert "Something went wrong" in message
    assert "There is nothing to pause. Choose devices" in caplog.text


async def test_two_automations(home: Home, provider: Provider, use: Use) -> None:
    """Two automations keep separate notifications of an equivent."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    inputs = {"notify_start": True, "notify_end": True}
    await use(
        "pause_devices",
        also=("do_this_and_that", {**INPUTS["do_this_and_that"], **inputs}),
        devices={"entity_id": PLUG},
        **inputs,
    )
    await play(home, provider)
    started, over = "An equivent has started", "The equivent is over"
    assert sorted(titles(home)) == [started, started, over, over]


async def test_notifies_phone(home: Home, provider: Provider, use: Use) -> None:
    """Messages are sent to the chosen notification entities."""
    sent: list[Any] = []
    home.hass.services.async_register("notify", "send_message", sent.append)
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await use(
        "pause_devices",
        devices={"entity_id": PLUG},
        notify_start=True,
        notify_end=True,
        notify_entities=["notify.my_phone"],
    )
    await play(home, provider)
    assert [call.data["entity_id"] for call in sent] == [["notify.my_phone"]] * 2
    assert "Paused: Plug." in sent[0].data["message"]
    assert messages(home) == []


def measure(home: Home, saving: object, **attributes: Any) -> None:
    """Report a result of the meter."""
    registry, key = er.async_get(home.hass), "equiwatt_saving"
    registry.async_get_or_create(
        "sensor", DOMAIN, key, config_entry=home.entry, suggested_object_id=key
    )
    attributes = {"start": NOW.isoformat(), "end": (NOW + HOUR).isoformat(), **attributes}
    home.hass.states.async_set("sensor.equiwatt_saving", str(saving), attributes)


@pytest.mark.parametrize(
    ("notify", "saving", "expected"),
    [
        (
            True,
            0.504,
            "Your home used 0.50 kWh less than usual; less than on 7 of your 10 usual days.",
        ),
        (
            True,
            -0.4,
            "Your home used 0.40 kWh more than usual; more than on 3 of your 10 usual days.",
        ),
        (True, "unknown", None),
        (False, 0.504, None),
    ],
)
async def test_notifies_saving(
    home: Home, provider: Provider, use: Use, notify: bool, saving: object, expected: str | None
) -> None:
    """The saving is notified once it is final, in neutral words and as an estimate."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await use("pause_devices", devices={"entity_id": PLUG}, notify_saving=notify)
    measure(home, "unavailable")
    yesterday = {"start": (NOW - 24 * HOUR).isoformat(), "end": (NOW - 23 * HOUR).isoformat()}
    measure(home, 0.1, final=True, **yesterday)  # as after a restart
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    measure(home, 0, final=False)
    await home.pass_time(MINUTE)
    provider.end(NOW, home.now)
    await home.poll()
    measure(home, "unknown", final=False, reason="waiting_for_meter")
    await home.pass_time(30 * 3600, step=600)
    assert messages(home) == []
    measure(home, saving, final=True, days_used=10, lower_than=7)
    await home.settle()
    assert [message[: len(expected or "")] for message in messages(home)] == (
        [expected] if expected else []
    )
    assert all("estimate from your own meter" in message for message in messages(home))


async def test_saving_of_earlier_equivent(home: Home, provider: Provider, use: Use) -> None:
    """A late result belongs to the equivent that it was measured in."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await use("pause_devices", devices={"entity_id": PLUG}, notify_saving=True)
    await play(home, provider)
    for end in (NOW, NOW + 24 * HOUR):
        times = {"start": (end - HOUR).isoformat(), "end": end.isoformat()}
        measure(home, 0.1, final=False, **times)
        measure(home, 0.1, final=True, **times)
        await home.settle()
    assert messages(home) == []


async def test_no_saving_without_start(home: Home, provider: Provider, use: Use) -> None:
    """No saving is notified by an automation that did nothing at the start."""
    await home.setup()
    condition = {"condition": "state", "entity_id": "person.someone", "state": "home"}
    devices = {"entity_id": PLUG}
    await use("pause_devices", devices=devices, notify_saving=True, conditions=[condition])
    await home.pass_time(10 * MINUTE)
    start = home.now
    provider.start(start, start + HOUR)
    await home.poll()
    times = {"start": start.isoformat(), "end": (start + HOUR).isoformat()}
    measure(home, 0, final=False, **times)
    provider.end(start, home.now)
    await home.poll()
    measure(home, 0.5, final=True, **times)
    await home.settle()
    assert messages(home) == []


@pytest.mark.parametrize("name", INPUTS)
async def test_restart_does_not_trigger(
    home: Home, provider: Provider, use: Use, acted: list[Any], name: str
) -> None:
    """Reloads, restarts and outages do not run the actions again."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    inputs: dict[str, Any] = (
        {"devices": {"entity_id": PLUG}}
        if name == "pause_devices"
        else {"start_actions": [START], "end_actions": [END]}
    )
    await use(name, **inputs)
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    provider.error = TimeoutError()
    await home.pass_time(20 * MINUTE, step=30)
    provider.recover()
    await home.poll()
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert len(plug.commands) + len(acted) == 1


@pytest.mark.parametrize("at_home", [True, False])
async def test_end_after_a_restart(
    home: Home, provider: Provider, use: Use, acted: list[Any], at_home: bool
) -> None:
    """The actions for the end run after a restart or while the automation was off."""
    hass = home.hass
    await home.setup()
    inputs = {"start_actions": [START], "end_actions": [END]}
    is_home = {"condition": "state", "entity_id": "person.someone", "state": "home"}
    hass.states.async_set("person.someone", "home" if at_home else "not_home")
    await use("do_this_and_that", **inputs, conditions=[is_home])
    start = home.now
    provider.start(start, start + HOUR)
    await home.poll()
    await home.settle()
    for action in ("turn_off", "turn_on"):
        automation = {"entity_id": "automation.one"}
        await hass.services.async_call(AUTOMATION, action, automation, blocking=True)
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    home.freezer.tick(20 * MINUTE)
    hass.set_state(CoreState.starting)
    assert await hass.config_entries.async_setup(home.entry.entry_id)
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.settle()
    provider.end(start, home.now)
    await home.poll()
    assert action_times(acted) == (["start", "end"] if at_home else [])


def both(acted: list[Any], home: Home) -> list[str]:
    """Return the actions of either blueprint at the start and at the end."""
    words = {"An equivent has started": "start", "The equivent is over": "end"}
    return action_times(acted) or [words[title] for title in titles(home)]


@pytest.mark.parametrize("puts_right", [False, True])
@pytest.mark.parametrize("name", INPUTS)
async def test_clock_an_hour_slow(
    home: Home, provider: Provider, use: Use, acted: list[Any], name: str, puts_right: bool
) -> None:
    """The end follows the start though the system's clock is wrong or was corrected."""
    await install(home.hass, Plug("Plug"))
    provider.ahead = HOUR
    await home.setup()
    await use(name, **INPUTS[name])
    start = home.now + HOUR
    provider.start(start, start + HOUR)
    await home.poll()
    assert both(acted, home) == ["start"]
    if puts_right:
        home.freezer.tick(HOUR)
        provider.ahead = timedelta()
    await home.pass_time(10 * MINUTE)
    provider.end(start, home.now + provider.ahead)
    await home.poll()
    assert both(acted, home)[-1] == "end"
    assert len(both(acted, home)) == 2


@pytest.mark.parametrize("minutes", [-6, 6])
@pytest.mark.parametrize("name", INPUTS)
async def test_start_moves(
    home: Home, provider: Provider, use: Use, acted: list[Any], name: str, minutes: int
) -> None:
    """The end follows the start though the API has changed the start."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await use(name, **INPUTS[name])
    await home.pass_time(10 * MINUTE)
    start = home.now
    provider.start(start, start + HOUR)
    await home.poll()
    assert both(acted, home) == ["start"]
    await home.pass_time(10 * MINUTE)
    moved = start + timedelta(minutes=minutes)
    provider.start(moved, moved + HOUR)
    await home.poll()
    assert both(acted, home) == ["start"]
    provider.end(moved, home.now)
    await home.poll()
    assert both(acted, home)[-1] == "end"


@pytest.mark.parametrize("name", INPUTS)
async def test_switched_off_and_on_again(
    home: Home, provider: Provider, use: Use, acted: list[Any], name: str
) -> None:
    """An automation that was off at the start ignores the end."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await use(name, **INPUTS[name])
    automation = {"entity_id": "automation.one"}
    turns: list[tuple[str, str]] = [("turn_off", "turn_on"), ("turn_on", "toggle")]
    for at_start, in_between in turns:
        await home.hass.services.async_call(AUTOMATION, at_start, automation, blocking=True)
        start = home.now
        provider.start(start, start + HOUR)
        await home.poll()
        await home.hass.services.async_call(AUTOMATION, in_between, automation, blocking=True)
        await home.pass_time(20 * MINUTE, step=60)
        if in_between == "toggle":
            assert both(acted, home) == ["start"]
            await home.hass.services.async_call(AUTOMATION, "toggle", automation, blocking=True)
        provider.end(start, home.now)
        await home.poll()
    assert action_times(acted) == (["start", "end"] if acted else [])
    assert both(acted, home)[-1] == "end"


@pytest.mark.parametrize("name", INPUTS)
async def test_skip(home: Home, provider: Provider, use: Use, acted: list[Any], name: str) -> None:
    """The actions and notifications of a skipped equivent are left out."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    config = {"scene": [{"name": "Off", "entities": {PLUG: "off"}}]}
    assert await async_setup_component(home.hass, "scene", config)
    scenes = {"scenes": ["scene.off"]} if name == "do_this_and_that" else {}
    await use(name, **INPUTS[name], **scenes)
    skip = {"entity_id": "switch.equiwatt_skip"}
    await home.hass.services.async_call("switch", "turn_on", skip, blocking=True)
    await play(home, provider)
    assert (plug.commands, action_times(acted), messages(home)) == ([], [], [])


async def test_scene(home: Home, provider: Provider, use: Use, acted: list[Any]) -> None:
    """A scene is applied and restored without any actions for the end."""
    await home.setup()
    _, thermostat = await install(home.hass, Plug("Plug"), Thermostat("Thermostat"))
    cooler = {"state": "heat", "temperature": 19}
    entities = {PLUG: "off", "climate.thermostat": cooler}
    config = {"scene": [{"name": "Eco", "entities": entities}]}
    assert await async_setup_component(home.hass, "scene", config)
    await use("do_this_and_that", scenes=["scene.eco"], start_actions=[START])
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    assert (thermostat.temperature, home.state(PLUG)) == (19, "off")
    await home.pass_time(3 * MINUTE)
    provider.end(NOW, home.now)
    await home.poll()
    assert (thermostat.temperature, home.state(PLUG)) == (21, "on")
    assert action_times(acted) == ["start"]


@pytest.mark.parametrize("full", [True, False])
async def test_notifies_scenes(
    home: Home, provider: Provider, use: Use, acted: list[Any], full: bool
) -> None:
    """The scene blueprint sends the same notifications before the user's actions."""
    counts: list[int] = []
    home.hass.bus.async_listen("acted", lambda _: counts.append(len(messages(home))))
    await home.setup()
    await install(home.hass, Plug("Plug"))
    config = {"scene": [{"name": "Eco", "entities": {PLUG: "off"}}]}
    assert await async_setup_component(home.hass, "scene", config)
    await use(
        "do_this_and_that",
        scenes=["scene.eco", "scene.nowhere"],
        start_actions=[START],
        notify_start=True,
        notify_end=True,
    )
    provider.start(NOW, NOW + HOUR)
    with full_disk() if full else nullcontext():
        await home.poll()
    (message,) = messages(home)
    wrong = "No scene was applied, because something went wrong. Look for equiwatt under"
    assert (wrong in message) is full
    done = "Applied: Eco.\n\nNot applied: scene.nowhere (not found).\n\nLog it in"
    assert (done in message) is not full
    assert message.startswith("It should end at 10:20.")
    provider.end(NOW, home.now)
    await home.poll()
    assert counts == [1]
    assert titles(home) == ["An equivent has started", "The equivent is over"]
    over = (
        "What the scenes changed is going back to how it was, unless you have restored it already."
        " Logged it in the app yet?"
    )
    assert messages(home)[1] == over


async def test_unreachable_phone(
    home: Home, provider: Provider, use: Use, acted: list[Any]
) -> None:
    """Actions run though a notification cannot be sent."""
    await home.setup()
    refuse = Mock(side_effect=HomeAssistantError("No phone"))
    home.hass.services.async_register("notify", "send_message", refuse)
    phone = {"notify_start": True, "notify_end": True, "notify_entities": ["notify.my_phone"]}
    await use("do_this_and_that", **INPUTS["do_this_and_that"], **phone)
    await play(home, provider)
    assert (refuse.call_count, action_times(acted)) == (2, ["start", "end"])


async def test_scene_full_disk(home: Home, provider: Provider, use: Use, acted: list[Any]) -> None:
    """The actions for the end run though a scene could not be applied."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    config = {"scene": [{"name": "Off", "entities": {PLUG: "off"}}]}
    assert await async_setup_component(home.hass, "scene", config)
    await use("do_this_and_that", scenes=["scene.off"], start_actions=[START], end_actions=[END])
    provider.start(NOW, NOW + HOUR)
    with full_disk():
        await home.poll()
        await home.settle()
    await home.pass_time(MINUTE)
    provider.end(NOW, home.now)
    await home.poll()
    assert (action_times(acted), plug.commands) == (["start", "end"], [])


async def test_run_by_hand(
    home: Home, use: Use, acted: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Running the automation by hand does nothing."""
    await home.setup()
    await use("do_this_and_that", start_actions=[START], end_actions=[END])
    await home.hass.services.async_call(
        AUTOMATION, "trigger", {"entity_id": "automation.one"}, blocking=True
    )
    assert action_times(acted) == []
    assert "automation" not in "".join(
        record.getMessage() for record in caplog.records if record.levelname == "ERROR"
    )


async def test_second_account(home: Home, provider: Provider, use: Use) -> None:
    """Each automation follows its own account."""
    other = add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await use("pause_devices", devices={"entity_id": PLUG}, equivent="event.equiwatt_equivent_2")
    first = home.entry.entry_id
    await simulate(home.hass, duration=600, config_entry_id=first)
    assert plug.commands == []
    await simulate(home.hass, duration=10, config_entry_id=other.entry_id)
    await home.pass_time(15)
    assert plug.commands == ["turn_off", "turn_on"]


@pytest.mark.parametrize("name", INPUTS)
async def test_end_of_another_account(
    home: Home, provider: Provider, push: Push, use: Use, acted: list[Any], name: str
) -> None:
    """A notification neither names nor awaits the end of another account's equivent."""
    other = add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await use(name, **INPUTS[name] | {"notify_start": True}, equivent="event.equiwatt_equivent_2")
    await simulate(home.hass, duration=600, config_entry_id=home.entry.entry_id)
    provider.error = TimeoutError()
    assert await push("?event=started", other.data["webhook_id"]) == 200
    (message,) = messages(home)
    assert len([*plug.commands, *acted]) == 1
    assert message.startswith("When it ends is not known yet.")
