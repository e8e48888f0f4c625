"""Test the automations of the pages in a real Home Assistant."""

from datetime import timedelta
import logging
import re
from typing import Any

import pytest

from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar, entity_registry as er
from homeassistant.setup import async_setup_component

from ..conftest import Push
from ..fakes.actions import simulate
from ..fakes.devices.entities import install
from ..fakes.devices.pretend import Plug
from ..fakes.home import NOW, Home
from ..fakes.provider import Provider
from .conftest import HOUR, Examples
from .names import (
    ALL_BACK,
    CAR,
    DRYER,
    DURING,
    END,
    FORTNIGHT,
    HALFWAY,
    KITCHEN,
    LOG_IT,
    NEARLY_OVER,
    NOTHING_PLANNED,
    PAUSE,
    POINTS,
    REHEARSAL,
    SILENT,
    START,
    TOOK,
    UNLESS_SKIPPED,
)
from .pages import AUTOMATIONS, EXAMPLES, PAGES, blocks

CARDS = {"cards", "sections", "views"}
"""Keys of a dashboard or of a part of one."""


def turn(home: Home, entity_id: str) -> None:
    """Turn on a device."""
    home.hass.states.async_set(entity_id, "off")
    home.hass.states.async_set(entity_id, "on")


async def test_all_load(examples: Examples, caplog: pytest.LogCaptureFixture) -> None:
    """Each automation is valid, enabled, and has not run yet."""
    await examples.home.setup()
    await examples.setup()
    tested = {
        *(START, END, UNLESS_SKIPPED, LOG_IT, DRYER, HALFWAY),
        *(NEARLY_OVER, FORTNIGHT, POINTS, TOOK, CAR, SILENT, REHEARSAL, PAUSE, KITCHEN),
        *(DURING, ALL_BACK, NOTHING_PLANNED),
    }
    assert set(AUTOMATIONS) == tested
    states = [examples.home.hass.states.get(entity_id) for entity_id in examples.entities]
    assert {state.name for state in states if state and state.state == "on"} == tested
    assert len(states) == len(tested)
    assert examples.calls == []
    complaints = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert not [r.getMessage() for r in complaints if "automation" in r.name + r.getMessage()]


async def test_start_and_end(examples: Examples, push: Push) -> None:
    """The automations run once for a start and an end by webhook."""
    await examples.home.setup()
    await examples.setup()
    await push("?event=started")
    await examples.home.settle()
    assert (examples.runs(START), examples.runs(END), examples.runs(LOG_IT)) == (1, 0, 0)
    await examples.home.pass_time(30)
    await push("?event=ended")
    await examples.home.settle()
    assert (examples.runs(START), examples.runs(END), examples.runs(LOG_IT)) == (1, 1, 1)


async def test_actions(examples: Examples) -> None:
    """The examples of the actions rehearse, pause, restore and report."""
    home = examples.home
    await home.setup()
    names = ("Immersion heater", "Towel rail", "Kettle", "Radio")
    heater, rail, kettle, radio = await install(home.hass, *(Plug(name) for name in names))
    kitchen = ar.async_get(home.hass).async_create("Kitchen")
    for name in ("switch.kettle", "switch.radio"):
        er.async_get(home.hass).async_update_entity(name, area_id=kitchen.id)
    radio.report("off")
    await examples.setup(REHEARSAL, PAUSE, KITCHEN)
    await simulate(home.hass, duration={"hours": 1})
    await home.settle()
    titles = [call.data["title"] for call in examples.calls if "title" in call.data]
    assert sorted(titles) == ["Paused: 1", "Rehearsal"]
    assert "switch.radio" in examples.messages()
    assert [device.commands for device in (heater, rail, kettle, radio)] == [["turn_off"]] * 3 + [
        []
    ]
    await home.pass_time(46 * 60, step=30)
    assert rail.commands == ["turn_off", "turn_on"]
    assert kettle.commands == ["turn_off"]
    await home.pass_time(15 * 60, step=30)
    assert kettle.commands == ["turn_off", "turn_on"]


async def test_front_page(examples: Examples) -> None:
    """The example of the front page holds its devices until the end."""
    home = examples.home
    await home.setup()
    devices = await install(home.hass, Plug("Immersion heater"), Plug("Towel rail"))
    await examples.setup(DURING)
    await simulate(home.hass, duration={"hours": 1})
    await home.settle()
    await home.pass_time(59 * 60, step=30)
    assert [device.commands for device in devices] == [["turn_off"]] * 2
    await home.pass_time(2 * 60, step=30)
    assert [device.commands for device in devices] == [["turn_off", "turn_on"]] * 2


async def test_demo_trigger(examples: Examples, push: Push) -> None:
    """A demo start runs the automations and ends after five minutes."""
    await examples.home.setup()
    await examples.setup()
    await push("?event=started")
    await examples.home.pass_time(290)
    assert (examples.runs(START), examples.runs(END)) == (1, 0)
    await examples.home.pass_time(20)
    assert (examples.runs(START), examples.runs(END)) == (1, 1)


async def test_start_and_end_without_webhook(examples: Examples, provider: Provider) -> None:
    """The automations run for a start and an end by the API."""
    await examples.home.setup()
    await examples.setup()
    provider.start(NOW + timedelta(seconds=10), None)
    await examples.home.poll()
    assert (examples.runs(START), examples.runs(END)) == (1, 0)
    provider.end(NOW + timedelta(seconds=10), NOW + timedelta(minutes=2))
    await examples.home.pass_time(120)
    assert (examples.runs(START), examples.runs(END)) == (1, 1)


@pytest.mark.parametrize(("to", "runs"), [("off", 1), ("on", 0)])
async def test_skip(examples: Examples, push: Push, to: str, runs: int) -> None:
    """The switch skips an equivent."""
    await examples.home.setup()
    await examples.setup(UNLESS_SKIPPED)
    skip = {"entity_id": "switch.equiwatt_skip"}
    await examples.home.hass.services.async_call("switch", f"turn_{to}", skip, blocking=True)
    await push("?event=started")
    await examples.home.settle()
    assert examples.runs(UNLESS_SKIPPED) == runs


async def test_nothing_held(examples: Examples) -> None:
    """A message is sent once no device is held."""
    home = examples.home
    await home.setup()
    await install(home.hass, Plug("Immersion heater"), Plug("Towel rail"))
    await examples.setup(PAUSE, ALL_BACK)
    await simulate(home.hass, duration={"minutes": 5})
    await home.pass_time(4 * 60)
    assert examples.runs(ALL_BACK) == 0
    await home.pass_time(3 * 60)
    assert examples.runs(ALL_BACK) == 1


async def test_conditions(examples: Examples, push: Push) -> None:
    """The warnings are sent during an equivent only."""
    await examples.home.setup()
    await examples.setup()
    for runs in (0, 1):
        turn(examples.home, "switch.tumble_dryer")
        turn(examples.home, "binary_sensor.car_plugged_in")
        await examples.home.settle()
        assert (examples.runs(DRYER), examples.runs(CAR)) == (runs, runs)
        await push("?event=started")


async def test_times(examples: Examples, provider: Provider) -> None:
    """Automations run at their times after the start and before the end."""
    home = examples.home
    await home.setup()
    await examples.setup()
    home.hass.states.async_set("sensor.house_power", "2000")
    provider.start(NOW, NOW + HOUR)
    await home.pass_time(29 * 60, step=30)
    assert (examples.runs(HALFWAY), examples.runs(NEARLY_OVER)) == (0, 0)
    await home.pass_time(2 * 60)
    assert (examples.runs(HALFWAY), examples.runs(NEARLY_OVER)) == (1, 0)
    assert "The home uses 2000 W. Is anything still on?" in examples.messages()
    await home.pass_time(25 * 60, step=30)
    assert (examples.runs(HALFWAY), examples.runs(NEARLY_OVER)) == (1, 1)
    await home.pass_time(4 * 60, step=30)
    provider.end(NOW, NOW + HOUR)
    await home.pass_time(2 * 60)
    assert (examples.runs(TOOK), examples.runs(SILENT)) == (1, 0)
    assert any("took 60 minutes" in message for message in examples.messages())
    await home.pass_time(4 * 60)
    assert examples.runs(SILENT) == 1
    await home.pass_time(23 * 3600 + 1800, step=1800)
    assert examples.runs(POINTS) == 0
    await home.pass_time(1800, step=60)
    assert examples.runs(POINTS) == 1


async def test_webhook_that_works(examples: Examples, provider: Provider, push: Push) -> None:
    """No message is sent about a webhook that calls."""
    await examples.home.setup()
    await examples.setup()
    provider.start(NOW, None)
    await push("?event=started")
    await examples.home.pass_time(60)
    provider.end(NOW, NOW + timedelta(minutes=1))
    await push("?event=ended")
    await examples.home.pass_time(400)
    assert examples.runs(END) == 1
    assert examples.runs(SILENT) == 0


@pytest.mark.parametrize(("days", "runs"), [(3, 0), (20, 1)])
async def test_fortnight(examples: Examples, provider: Provider, days: int, runs: int) -> None:
    """A long silence is reported on a Sunday."""
    start = NOW - timedelta(days=days)
    provider.previous.clear()
    provider.end(start, start + HOUR)
    await examples.home.setup()
    await examples.setup()
    await examples.home.pass_time(4 * 86400, step=600)
    assert examples.runs(FORTNIGHT) == runs


async def test_calendar_triggers(
    hass: HomeAssistant, examples: Examples, provider: Provider
) -> None:
    """Calendar triggers miss an unannounced equivent, as the page warns."""
    events: list[Any] = []
    hass.bus.async_listen("events", events.append)
    config = {
        "triggers": {
            "trigger": "calendar.event_started",
            "target": {"entity_id": "calendar.equiwatt_equivents"},
        },
        "actions": {"event": "events"},
    }
    assert await async_setup_component(hass, "automation", {"automation": config})
    await examples.home.setup()
    await examples.home.pass_time(120)
    provider.start(examples.home.now, examples.home.now + HOUR)
    await examples.home.pass_time(1200, step=10)
    assert examples.home.live == "on"
    assert events == []


def test_all_are_automations() -> None:
    """Each YAML block is an automation or a card, and is shown once."""
    shown = [block for text in PAGES.values() for block in blocks(text)]
    pasted = [block["alias"] for block in shown if "triggers" in block]
    assert all("triggers" in block or block.keys() & CARDS for block in shown)
    assert len(pasted) == len(set(pasted))
    assert AUTOMATIONS.keys() <= set(pasted)
    assert len(AUTOMATIONS) == len(EXAMPLES)


@pytest.mark.parametrize("alias", AUTOMATIONS)
def test_own_entities(alias: str) -> None:
    """Each automation uses an entity of the integration."""
    assert re.search(r"\w+\.equiwatt_\w+", str(AUTOMATIONS[alias]))
