"""Test the dialog of the meter: its errors, and its preview of the figures."""

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
    """Open the dialog and choose a meter."""
    flow = await home.hass.config_entries.options.async_init(home.entry.entry_id)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "init")
    return await home.hass.config_entries.options.async_configure(flow["flow_id"], options)


async def confirm(home: MeteredHome, result: Any) -> None:
    """Confirm the chosen meter."""
    assert result["type"] is FlowResultType.FORM
    assert result["last_step"]
    result = await home.hass.config_entries.options.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()


async def grid(home: MeteredHome, *meters: str) -> None:
    """Set the grid import of the Energy dashboard."""
    home.hass.config.components.add("energy")
    manager = await async_get_manager(home.hass)
    manager.data = manager.default_preferences()
    sources: list[Any] = [{"type": "grid", "stat_energy_from": meter} for meter in meters]
    manager.data["energy_sources"] = sources


async def report(home: MeteredHome, minutes: int, rows: int = 288) -> None:
    """Set how often the meter reported on the last day."""
    newest = QUIET.replace(second=0)
    ends = [newest - n * timedelta(minutes=5) for n in reversed(range(rows))]
    step = timedelta(minutes=minutes)
    await home.meters.five_minutes({end: 100.0 + (end - ends[0]) // step for end in ends})


async def test_sensors(home: MeteredHome) -> None:
    """The preview names the meter and its quality, and confirming applies it."""
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
    """The preview names each meter, by its id where there is no state."""
    await home.make_rows()
    await home.meters.five_minutes(home.kwh, SECOND_METER)
    await home.setup()
    result = await choose(home, source="sensors", sensors=[METER, SECOND_METER])
    assert result["description_placeholders"]["meters"] == f"`{METER}`, `{SECOND_METER}`"
    await confirm(home, result)
    assert home.entry.options == {"source": "sensors", "sensors": [METER, SECOND_METER]}


async def test_off(home: MeteredHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turning the meter off imports nothing and removes the entities."""
    await home.setup_with_meter()
    for name in [name for name in sys.modules if name.startswith(f"{WING}.preview")]:
        monkeypatch.delitem(sys.modules, name)
    result = await choose(home, source="off", sensors=[METER])
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()
    assert home.entry.options == {"source": "off"}
    assert not [key for key in FIGURES if home.hass.states.get(f"sensor.equiwatt_{key}")]
    assert not [name for name in sys.modules if name.startswith(f"{WING}.preview")]


async def test_energy_dashboard(home: MeteredHome) -> None:
    """The preview covers the grid import."""
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
    """Sensors without statistics are named, and the form keeps its values."""
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
    """The Energy dashboard needs a grid import with statistics."""
    await home.setup()
    assert (await choose(home, source="energy_dashboard"))["errors"] == {"base": "no_grid_import"}
    await grid(home)
    assert (await choose(home, source="energy_dashboard"))["errors"] == {"base": "no_grid_import"}
    await grid(home, "sensor.gone")
    assert (await choose(home, source="energy_dashboard"))["errors"] == {"base": "no_statistics"}


async def test_database_error(home: MeteredHome) -> None:
    """Statistics that cannot be read count as missing."""
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
    """The preview depends on how often a meter reports."""
    await report(home, minutes)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["step_id"] == step
    assert result["description_placeholders"]["minutes"] == str(minutes)
    await confirm(home, result)


async def test_glow_cloud(recorded_home: MeteredHome) -> None:
    """The cloud data of a Glow is late: today's use, polled every half hour.

    Each night it begins at nothing again, and whole hours arrive at once: a saw-tooth.
    """
    until = QUIET.replace(second=0)
    reports = [until - n * HALF_HOUR for n in reversed(range(24))]
    midnight = until.replace(hour=0)
    states: dict[datetime, float | str] = {}
    for number, moment in enumerate(reports):
        known = moment - (number % 4) * HALF_HOUR - HALF_HOUR  # reported every two hours
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
    """Hourly imports have no live figures."""
    await home.meters.hours(home.kwh, EXTERNAL)
    await home.setup()
    result = await choose(home, source="sensors", sensors=[EXTERNAL])
    assert result["step_id"] == "preview_hourly"
    assert result["description_placeholders"]["days"] == "7"
    await confirm(home, result)


async def stand(home: MeteredHome, days: int, meter: str = METER) -> None:
    """Set the last move of a meter to some days ago."""
    newest = QUIET.replace(second=0)
    rows = [newest - n * timedelta(minutes=5) for n in reversed(range(10 * 288))]
    last = newest - days * DAY
    await home.meters.five_minutes({end: (min(end, last) - rows[0]) / DAY for end in rows}, meter)


@pytest.mark.parametrize(("days", "step"), [(6, "preview_new"), (8, "preview_still")])
async def test_idle_meter(home: MeteredHome, days: int, step: str) -> None:
    """A meter that has not moved for a week is named."""
    await stand(home, days)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["step_id"] == step
    assert result["description_placeholders"]["still"] == (f"`{METER}`" if days > 7 else "")
    await confirm(home, result)


async def test_idle_meter_of_several(home: MeteredHome) -> None:
    """An idle meter among several is named."""
    await home.make_rows()
    await stand(home, 9, SECOND_METER)
    await home.setup()
    result = await choose(home, source="sensors", sensors=[METER, SECOND_METER])
    assert result["step_id"] == "preview_still"
    assert result["description_placeholders"]["still"] == f"`{SECOND_METER}`"


async def test_weekend(home: MeteredHome) -> None:
    """Working days are counted on a weekend too, as most equivents are on them."""
    await home.make_rows()
    home.freezer.move_to(QUIET - 2 * DAY)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["description_placeholders"]["days_wanted"] == "10"


async def test_unavailable_for_a_week(home: MeteredHome) -> None:
    """An unavailable meter is treated as an idle one."""
    await home.make_rows(QUIET - 8 * DAY)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["step_id"] == "preview_still"


@pytest.mark.parametrize("rows", [0, 2])
async def test_new_meter(home: MeteredHome, rows: int) -> None:
    """A new meter has no pace yet."""
    home.meters.set_state(100)
    if rows:
        await report(home, 5, rows)
    await home.setup()
    result = await choose(home, **SENSORS)
    assert result["step_id"] == "preview_new"
    await confirm(home, result)


async def test_not_loaded(home: MeteredHome) -> None:
    """A meter can be chosen while the account is not loaded, without its equivents."""
    await home.make_rows()
    result = await choose(home, **SENSORS)
    assert result["description_placeholders"]["days"] == "9"
    await home.hass.config_entries.options.async_configure(result["flow_id"], {})
    await home.settle()  # it is loaded now
    assert home.entry.options == SENSORS
