"""Test the dialog of the meter: what it refuses, and what it says can be expected."""

from datetime import datetime, timedelta
import sys
from typing import Any

import pytest

from homeassistant.components.energy.data import async_get_manager
from homeassistant.data_entry_flow import FlowResultType

from .home import FIGURES, QUIET, SENSORS, MeteredHome
from .meters import EXTERNAL, METER, SECOND_METER, Meters, Tables

DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)
WING = "custom_components.equiwatt.metering"


async def choose(home: MeteredHome, **options: Any) -> Any:
    """Open the dialog, and choose a meter."""
    flow = await home.hass.config_entries.options.async_init(home.entry.entry_id)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "init")
    return await home.hass.config_entries.options.async_configure(flow["flow_id"], options)


async def confirm(home: MeteredHome, result: Any) -> None:
    """Choose it all the same."""
    assert result["type"] is FlowResultType.FORM
    assert result["last_step"]
    result = await home.hass.config_entries.options.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()


async def grid(home: MeteredHome, *meters: str) -> None:
    """Let the Energy dashboard have meters of what comes from the grid."""
    home.hass.config.components.add("energy")
    manager = await async_get_manager(home.hass)
    manager.data = manager.default_preferences()
    sources: list[Any] = [{"type": "grid", "stat_energy_from": meter} for meter in meters]
    manager.data["energy_sources"] = sources


async def report(home: MeteredHome, minutes: int, rows: int = 288) -> None:
    """Let the meter have reported so often, on the last day."""
    newest = QUIET.replace(second=0)
    ends = [newest - n * timedelta(minutes=5) for n in reversed(range(rows))]
    step = timedelta(minutes=minutes)
    await home.meters.five_minutes({end: 100.0 + (end - ends[0]) // step for end in ends})


async def test_sensors(home: MeteredHome) -> None:
    """Which meter it is and what it is good for; what is confirmed is used at once."""
    await home.make_rows()
    await home.setup()
    home.meters.set_state(100)
    result = await choose(home, **SENSORS)
    assert result["step_id"] == "preview"
    assert result["description_placeholders"] == {
        "meters": "meter (`sensor.meter`)",
        "still": "",
        "days": "7",
        "days_wanted": "10",
        "minutes": "5",
    }
    assert home.entry.options == {}
    await confirm(home, result)
    assert home.entry.options == SENSORS
    await home.start()
    assert home.figures() == (0.9, 0, 0)


async def test_several(home: MeteredHome) -> None:
    """Each is named, one that has no state by its id."""
    await home.make_rows()
    await home.meters.five_minutes(home.kwh, SECOND_METER)
    await home.setup()
    result = await choose(home, source="sensors", sensors=[METER, SECOND_METER])
    assert result["description_placeholders"]["meters"] == f"`{METER}`, `{SECOND_METER}`"
    await confirm(home, result)
    assert home.entry.options == {"source": "sensors", "sensors": [METER, SECOND_METER]}


async def test_off(home: MeteredHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is saved without more ado, nothing is imported for it, and the entities go."""
    await home.furnish()
    for name in [name for name in sys.modules if name.startswith(f"{WING}.preview")]:
        monkeypatch.delitem(sys.modules, name)
    result = await choose(home, source="off", sensors=[METER])
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()
    assert home.entry.options == {"source": "off"}
    assert not [key for key in FIGURES if home.hass.states.get(f"sensor.equiwatt_{key}")]
    assert not [name for name in sys.modules if name.startswith(f"{WING}.preview")]


async def test_energy_dashboard(home: MeteredHome) -> None:
    """What it counts as coming from the grid."""
    await home.make_rows()
    await grid(home, METER)
    await home.setup()
    result = await choose(home, source="energy_dashboard", sensors=[SECOND_METER])
    assert result["description_placeholders"]["meters"] == f"`{METER}`"
    await confirm(home, result)
    assert home.entry.options == {"source": "energy_dashboard"}


@pytest.mark.parametrize(
    ("sensors", "error", "named"),
    [
        ({}, "no_sensors", {}),
        ({"sensors": []}, "no_sensors", {}),
        (
            {"sensors": [METER, "sensor.no", "sensor.nope"]},
            "no_statistics",
            {"meters": "`sensor.no`, `sensor.nope`"},
        ),
    ],
)
async def test_no_statistics(
    home: MeteredHome, sensors: dict[str, Any], error: str, named: dict[str, str]
) -> None:
    """Each sensor must have some, those that have none are named; the form keeps its fields."""
    await home.make_rows()
    await home.setup()
    result = await choose(home, source="sensors", **sensors)
    assert (result["step_id"], result["errors"]) == ("init", {"base": error})
    assert result["description_placeholders"] == named
    suggested = {
        str(marker): (marker.description or {}).get("suggested_value")
        for marker in result["data_schema"].schema
    }
    assert suggested == {"source": "sensors", "sensors": sensors.get("sensors")}
    result = await home.hass.config_entries.options.async_configure(result["flow_id"], SENSORS)
    await confirm(home, result)
    assert home.entry.options == SENSORS


async def test_no_grid_import(home: MeteredHome) -> None:
    """Whether or not there is an Energy dashboard; its meter must have statistics too."""
    await home.setup()
    assert (await choose(home, source="energy_dashboard"))["errors"] == {"base": "no_grid_import"}
    await grid(home)
    assert (await choose(home, source="energy_dashboard"))["errors"] == {"base": "no_grid_import"}
    await grid(home, "sensor.gone")
    assert (await choose(home, source="energy_dashboard"))["errors"] == {"base": "no_statistics"}


async def test_a_broken_database(home: MeteredHome) -> None:
    """What cannot be read is not there."""
    await home.make_rows()
    await home.setup()
    tables = home.meters
    assert isinstance(tables, Tables)
    tables.is_broken = True
    assert (await choose(home, **SENSORS))["errors"] == {"base": "no_statistics"}


@pytest.mark.parametrize(
    ("minutes", "step"), [(5, "preview"), (10, "preview_rough"), (30, "preview_too_slow")]
)
async def test_pace(home: MeteredHome, minutes: int, step: str) -> None:
    """How often a meter reports decides what it is good for."""
    await report(home, minutes)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["step_id"] == step
    assert result["description_placeholders"]["minutes"] == str(minutes)
    await confirm(home, result)


async def test_glow_in_the_cloud(recorded_home: MeteredHome) -> None:
    """A Glow's cloud data: today's use, asked each half hour, and what is known by then is late.

    Each night it begins at nothing again, and whole hours arrive at once: a saw-tooth.
    """
    until = QUIET.replace(second=0)
    reports = [until - n * HALF_HOUR for n in reversed(range(40))]
    midnight = until.replace(hour=0)
    states: dict[datetime, float | str] = {}
    for number, moment in enumerate(reports):
        known = moment - (number % 4) * HALF_HOUR - HALF_HOUR  # it arrives every two hours
        day = midnight if moment >= midnight + HALF_HOUR else midnight - DAY
        states[moment] = round(max((known - day) / HALF_HOUR, 0) * 0.2, 2)
    meters = recorded_home.meters
    assert isinstance(meters, Meters)
    await meters.report(until, states)
    recorded_home.freezer.move_to(QUIET)
    await recorded_home.setup()
    result = await choose(recorded_home, **SENSORS)
    assert result["step_id"] == "preview_too_slow"
    assert int(result["description_placeholders"]["minutes"]) >= 30
    await confirm(recorded_home, result)
    recorded_home.kwh = {}
    await recorded_home.start()
    assert recorded_home.figures() == (None, None, None)
    assert recorded_home.sensor("saving").attributes["reason"] == "meter_too_slow"


async def test_hourly(home: MeteredHome) -> None:
    """What is imported by the hour has no live figure."""
    await home.meters.hours(home.kwh, EXTERNAL)
    await home.setup()
    result = await choose(home, source="sensors", sensors=[EXTERNAL])
    assert result["step_id"] == "preview_hourly"
    assert result["description_placeholders"]["days"] == "7"
    await confirm(home, result)


async def stand(home: MeteredHome, days: int, meter: str = METER) -> None:
    """Let a meter have moved for the last time so many days ago."""
    newest = QUIET.replace(second=0)
    rows = [newest - n * timedelta(minutes=5) for n in reversed(range(10 * 288))]
    last = newest - days * DAY
    await home.meters.five_minutes({end: (min(end, last) - rows[0]) / DAY for end in rows}, meter)


@pytest.mark.parametrize(("days", "step"), [(6, "preview_new"), (8, "preview_still")])
async def test_one_that_does_not_move(home: MeteredHome, days: int, step: str) -> None:
    """A meter that has not moved for a week is named, as it may well be dead."""
    await stand(home, days)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["step_id"] == step
    assert result["description_placeholders"]["still"] == (f"`{METER}`" if days > 7 else "")
    await confirm(home, result)


async def test_one_of_several_that_does_not_move(home: MeteredHome) -> None:
    """It is named: the other one may be all that there is to measure."""
    await home.make_rows()
    await stand(home, 9, SECOND_METER)
    await home.setup()
    result = await choose(home, source="sensors", sensors=[METER, SECOND_METER])
    assert result["step_id"] == "preview_still"
    assert result["description_placeholders"]["still"] == f"`{SECOND_METER}`"


async def test_on_a_weekend(home: MeteredHome) -> None:
    """Working days are counted then too, as equivents are most frequent on them."""
    await home.make_rows()
    home.freezer.move_to(QUIET - 2 * DAY)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["description_placeholders"]["days_wanted"] == "10"


async def test_one_that_was_away_for_a_week(home: MeteredHome) -> None:
    """Whether it stood still or was unavailable makes no difference."""
    await home.make_rows(QUIET - 8 * DAY)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["step_id"] == "preview_still"


@pytest.mark.parametrize("rows", [0, 2])
async def test_new(home: MeteredHome, rows: int) -> None:
    """Little can be said of one that has just been added."""
    home.meters.set_state(100)
    if rows:
        await report(home, 5, rows)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["step_id"] == "preview_new"
    await confirm(home, result)


async def test_not_loaded(home: MeteredHome) -> None:
    """A meter can be chosen while the account does not work; equivents are not known then."""
    await home.make_rows()
    result = await choose(home, **SENSORS)
    assert result["description_placeholders"]["days"] == "9"
    await home.hass.config_entries.options.async_configure(result["flow_id"], {})
    assert home.entry.options == SENSORS
