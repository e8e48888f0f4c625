"""Test reading meters from the statistics of a real recorder."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
import sqlalchemy as sa

from custom_components.equiwatt.metering.baseline import Readings, Window, estimate
from custom_components.equiwatt.metering.readings import (
    Row,
    UnreadableError,
    async_grid_meters,
    async_read,
    async_unfit,
    without_made_up,
)
from custom_components.equiwatt.metering.results import Estimate, Reason
from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    async_import_statistics,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.setup import async_setup_component

from .example import DAYS, EQUIVENT_DAYS, EVENT_DAY, EXAMPLE, WINDOW, at, counter, minutes, window
from .meters import EXTERNAL, HOUR, METER, SECOND_METER, Meters, metadata, rows

HALF_PAST = window(EVENT_DAY, "17:30", "18:30")
MONDAY = date(2026, 11, 23)
EVENING = window(MONDAY, "17:00", "18:00")


def is_about(value: float) -> Any:
    """Return an approximate value for figures from a database."""
    return pytest.approx(value, abs=1e-6)


async def read(hass: HomeAssistant, *meters: str, of: Window = WINDOW) -> tuple[Readings, ...]:
    """Read meters for a window."""
    return await async_read(hass, meters or (METER,), of.start)


async def final(hass: HomeAssistant, *meters: str, of: Window = WINDOW) -> Estimate:
    """Return the estimate of a window that is over."""
    return estimate(of, EQUIVENT_DAYS, await read(hass, *meters, of=of), over=True)


def figures(found: Estimate) -> tuple[Any, Any, Any]:
    """Return the usual use, the use and the saving, to four decimals."""
    each = (found.usual, found.used, found.saving)
    usual, used, saving = (value if value is None else round(value, 4) for value in each)
    return usual, used, saving


def since(day: date, readings: Mapping[datetime, float]) -> dict[datetime, float]:
    """Return the readings of a day and the days after."""
    return {moment: total for moment, total in readings.items() if moment.date() >= day}


# Rows without a reading

FIVE = 300.0


def rows_of(text: str, delay: float = 10) -> list[Row]:
    """Return rows of five minutes: `2!` was written together with the next unmarked one."""
    numbered = [(FIVE * n, each) for n, each in enumerate(text.split(), 1)]
    found: list[Row] = []
    for end, each in numbered:
        on_time = next((e for e, other in numbered if e >= end and "!" not in other), end + FIVE)
        found.append(Row(end, float(each.strip("!")), (on_time if "!" in each else end) + delay))
    return found


def kept(rows: Sequence[Row], *starts: float) -> list[float]:
    """Return the readings that are left."""
    return list(without_made_up(rows, starts).values())


@pytest.mark.parametrize(
    ("rows", "readings"),
    [
        ("1 2 3 4", "1 2 3 4"),
        ("1 1 1 2", "1 1 1 2"),  # idle
        ("1 2 2! 2! 2! 5 6", "1 2 2 2 2 5 6"),  # idle with a busy recorder
        ("1 2! 3! 4! 5", "1 2 3 4 5"),
    ],
)
def test_late_rows(rows: str, readings: str) -> None:
    """Late rows count, moving or not, while Home Assistant was running."""
    assert kept(rows_of(rows), 5.0) == [float(each) for each in readings.split()]


@pytest.mark.parametrize("delay", [10, 130, 180, 290])
@pytest.mark.parametrize("starts", [(), (5.0,)])
def test_slow_recorder(delay: float, starts: tuple[float, ...]) -> None:
    """All rows of a slow recorder count, on evenings without grid import too."""
    rows = rows_of("1 2 3 3 3 3 3 3 4 5 5 6", delay)
    assert kept(rows, *starts) == [row.kwh for row in rows]


@pytest.mark.parametrize(
    ("rows", "readings"),
    [
        ("1 2 2! 2! 2! 5 6", "1 2 5 6"),
        ("1 2 3! 3! 3! 5", "1 2 5"),  # on for the first minutes of a row
        ("2! 2! 2! 5 6", "5 6"),
        ("1 2! 2! 2 2 5", "1 5"),  # the meter reports late
        ("1 2! 2! 2 2 2 2 2 5", "1 2 2 5"),  # idle
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_made_up_rows(rows: str, readings: str, is_known: bool) -> None:
    """Rows of the time while it was off are dropped, even if the start is not recorded."""
    each = rows_of(rows)
    started = max(row.written for row in each if row.is_late) - 8
    found = kept(each, *([5.0, started] if is_known else ()))
    assert found == [float(reading) for reading in readings.split()]


def test_single_made_up_row() -> None:
    """A single such row needs a recorded start, as a busy recorder is late too."""
    rows = [*rows_of("1 2"), Row(3 * FIVE, 2, 3 * FIVE + 200), Row(4 * FIVE, 5, 4 * FIVE + 10)]
    assert kept(rows) == [1, 2, 2, 5]
    assert kept(rows, 5.0, 3 * FIVE + 190) == [1, 2, 5]


def test_off_twice() -> None:
    """Two restarts are handled separately."""
    rows = rows_of("1 2! 2! 2! 3 4! 4! 4! 5")
    starts = [4 * FIVE + 150, 8 * FIVE + 150]
    assert kept(rows, *starts) == [1, 3, 5]
    assert kept(rows) == [1, 3, 5]
    again = rows_of("1 2! 2! 2 2! 2! 2 5")  # off again before the meter has reported
    assert kept(again) == kept(again, 4 * FIVE - 150, 7 * FIVE - 150) == [1, 5]


def test_on_for_a_moment() -> None:
    """Two downtimes are handled separately, though no row in between was written in time."""
    off = [Row(FIVE * n, 2, 1100) for n in (2, 3)]
    again = [Row(FIVE * n, 3, 1700) for n in (4, 5)]
    rows = [Row(FIVE, 1, FIVE + 10), *off, *again, Row(6 * FIVE, 5, 6 * FIVE + 10)]
    assert kept(rows) == kept(rows, 1095, 1695) == [1, 5]


def test_import() -> None:
    """Rows imported in one go count, also where they do not move."""
    rows = [Row(FIVE * n, kwh, 90 * FIVE) for n, kwh in enumerate((1, 2, 2, 2, 2, 3, 4), 1)]
    assert kept(rows) == [1, 2, 2, 2, 2, 3, 4]
    assert kept(rows, 80 * FIVE) == [1, 2, 2, 2, 2, 3]


# Kinds of rows


async def test_meters_of_every_kind(hass: HomeAssistant, meters: Meters) -> None:
    """The figures are those of the example for all kinds of rows and units."""
    kwh = counter()
    await meters.five_minutes(kwh)
    await meters.hours(kwh, EXTERNAL)
    for unit, factor in (("Wh", 1e3), ("MWh", 1e-3), ("GJ", 0.0036)):
        name = f"sensor.in_{unit.lower()}"
        await meters.five_minutes({m: factor * total for m, total in kwh.items()}, name, unit)
        meters.hass.states.async_set(
            name, "1", {"unit_of_measurement": "kWh"}
        )  # the unit shown now
        assert figures(await final(hass, name)) == (0.9, 0.4, 0.5)
    for of, expected in ((WINDOW, (0.9, 0.4, 0.5)), (HALF_PAST, (1.1, 0.89, 0.21))):
        found = await final(hass, of=of)
        assert figures(found) == expected
        assert (found.days_used, found.approximate, found.reason) == (7, False, None)
        assert found.measured_until == of.end
    found = await final(hass, EXTERNAL)
    assert figures(found) == (0.9, 0.4, 0.5)
    assert [half.usual for half in found.half_hours] == [is_about(0.45), is_about(0.45)]
    assert [half.used for half in found.half_hours] == [is_about(0.2), is_about(0.2)]
    assert (found.days_used, found.approximate) == (7, True)
    both = await final(hass, METER, EXTERNAL)
    assert (figures(both), both.approximate) == ((1.8, 0.8, 1.0), True)
    assert await read(hass, "sensor.nothing") == (Readings(),)
    assert await read(hass, "sensor.nothing", METER) == (Readings(), *await read(hass))


async def test_purge_boundary(hass: HomeAssistant, meters: Meters) -> None:
    """Days without rows of five minutes are read by the hour and are approximate."""
    edge = date(2026, 11, 17)
    kwh = counter()
    for day in DAYS:  # hours around the half past windows of older days
        kwh[at(day, "19:00")] = kwh[at(day, "18:30")] + 0.3
    await meters.hours(kwh)
    await meters.five_minutes(since(edge, kwh))
    (found,) = await read(hass, of=HALF_PAST)
    for day in DAYS:
        moments = [at(day, label) for label in ("17:30", "18:00", "18:30")]
        if day >= edge:
            moments = [moment for moment in moments if moment in kwh]
        assert {found.is_approximate([moment]) for moment in moments} == {day < edge}
    assert (await final(hass, of=HALF_PAST)).approximate
    assert found.at(at(edge, "17:30")) == is_about(kwh[at(edge, "17:30")])
    monday = at(date(2026, 11, 16), "18:00")
    half_past = (kwh[monday] + kwh[monday - HOUR]) / 2
    assert found.at(monday - HOUR / 2) == is_about(half_past)
    assert found.at(monday) == is_about(kwh[monday])


async def test_gap_within_an_hour(hass: HomeAssistant, meters: Meters) -> None:
    """An hourly row does not fill a gap, as its reading is older."""
    kwh = counter()
    await meters.hours(kwh)
    del kwh[WINDOW.start]
    await meters.five_minutes(kwh)
    found = await final(hass)
    assert figures(found) == (0.9, None, None)
    assert found.reason is Reason.METER_GAP


async def test_old_rows_are_not_read(hass: HomeAssistant, meters: Meters) -> None:
    """Rows older than any usual day are not read."""
    days = (EVENT_DAY - timedelta(days=ago) for ago in (60, 62, 90))
    moments = [at(day, "17:00") for day in days]
    await meters.hours(dict.fromkeys((*moments[::-1], WINDOW.start), 1.0))
    (found,) = await read(hass)
    assert list(found.hours) == [moments[0].timestamp(), WINDOW.start.timestamp()]


async def test_query_plan(hass: HomeAssistant, meters: Meters) -> None:
    """The query uses the index of meter and time."""
    await meters.five_minutes(counter())
    await meters.hours(counter())
    instance: Any = get_instance(hass)
    plans: list[str] = []

    def explain(cursor: Any, query: str, parameters: Any) -> None:
        """Keep the plan of a query."""
        if "FROM statistics" in query and "statistics_meta" not in query:
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {query}", parameters)
            plans.extend(str(row[-1]) for row in plan)

    def on_query(_: Any, cursor: Any, query: str, parameters: Any, *__: Any) -> None:
        """Explain a query before it runs."""
        explain(cursor, query, parameters)

    sa.event.listen(instance.engine, "before_cursor_execute", on_query)
    await read(hass, METER, SECOND_METER)
    sa.event.remove(instance.engine, "before_cursor_execute", on_query)
    assert len(plans) == 2
    assert all("(metadata_id=? AND start_ts>?)" in plan for plan in plans)


# Behaviour of meters


async def test_reset_and_unavailable(hass: HomeAssistant, meters: Meters) -> None:
    """A reset continues the sum, and an unavailable meter has no rows."""
    start = at(EVENT_DAY, "16:46")

    def states(*reports: tuple[int, float | str]) -> dict[datetime, float | str]:
        """Return the states of a meter by minutes."""
        return {start + minutes(minute): state for minute, state in reports}

    before, after, zero, on = EXAMPLE["further_cases"][7]["meter_states"]
    every = range(0, 90, 2)
    await meters.report_all(
        at(EVENT_DAY, "18:20"),
        {
            "sensor.reset": states((0, before), (35, after), (55, zero), (65, on)),
            "sensor.dip": states((0, 100), (25, 100.5), (45, 100.4)),
            "sensor.glitch": states(*((n, 1161 + n / 100) for n in every), (41, 0)),
            "sensor.bridged": states((0, 100), (20, 100.2), (25, "unavailable"), (60, 100.4)),
            "sensor.late": states((0, 100), (5, "unavailable"), (25, 100.2), (60, 100.4)),
            "sensor.early": states((0, 100), (20, 100.2), (65, "unavailable"), (90, 100.4)),
            "sensor.gone": states((0, 100), (20, 100.2), (25, "unavailable")),
        },
    )
    found = {
        meter: (await async_read(hass, [f"sensor.{meter}"], WINDOW.start))[0]
        for meter in ("reset", "dip", "glitch", "bridged", "late", "early", "gone")
    }
    used = {meter: each.energy([WINDOW.start, WINDOW.end]) for meter, each in found.items()}
    assert used == {
        "reset": is_about(0.4),
        "dip": is_about(0.4),
        "glitch": None,
        "bridged": is_about(0.4),
        "late": None,
        "early": None,
        "gone": None,
    }
    middle = at(EVENT_DAY, "17:30")
    assert found["dip"].energy([WINDOW.start, middle]) == is_about(0.5)
    assert found["dip"].energy([middle, WINDOW.end]) is None
    assert found["gone"].newest == at(EVENT_DAY, "17:15")


async def test_while_it_was_off(hass: HomeAssistant, meters: Meters) -> None:
    """Rows compiled for the time while Home Assistant was off are dropped.

    A restart that takes a minute costs nothing.
    """

    def states(first: str, kwh: float, last: str) -> dict[datetime, float | str]:
        """Return the states of a meter, each three minutes."""
        number = (at(MONDAY, last) - at(MONDAY, first)) // minutes(3)
        return {at(MONDAY, first) + minutes(3 * n): kwh + n / 100 for n in range(number)}

    await meters.report(at(MONDAY, "14:59"), states("14:01", 100, "14:59"))
    await meters.restart(at(MONDAY, "14:59"), at(MONDAY, "15:01"), 100.3)
    await meters.report(at(MONDAY, "16:50"), states("15:04", 100.3, "16:50"))
    await meters.restart(at(MONDAY, "16:50"), at(MONDAY, "18:10"), 103)
    await meters.report(at(MONDAY, "19:05"), states("18:13", 103, "19:05"))
    hours = [at(MONDAY, f"{hour}:00") for hour in (15, 16, 17, 18, 19)]
    (found,) = await read(hass, of=EVENING)
    assert [hour for hour in hours if found.at(hour)] == [hours[0], hours[1], hours[4]]
    assert found.at(at(MONDAY, "18:10")) is None
    assert found.at(at(MONDAY, "16:50"))
    await meters.purge(at(MONDAY, "18:50"))
    (found,) = await read(hass, of=EVENING)
    assert [hour for hour in hours if found.at(hour)] == [hours[0], hours[1], hours[4]]


async def test_imported_rows(hass: HomeAssistant, meters: Meters) -> None:
    """Imported rows count, though they are written late."""
    kwh = {at(MONDAY, "16:00") + n * HOUR: 100.0 + n for n in range(4)}
    meters.freezer.move_to(at(EVENT_DAY, "12:00"))
    async_import_statistics(hass, metadata(METER), rows(kwh, HOUR))
    await meters.five_minutes({at(EVENT_DAY, "11:00"): 110})
    (found,) = await read(hass, of=EVENING)
    assert found.energy([EVENING.start, EVENING.end]) == is_about(1)


async def test_gap_hidden_by_purge(hass: HomeAssistant, meters: Meters) -> None:
    """An hourly row is approximate, as the meter may have been unavailable at its end."""
    states: dict[datetime, float | str] = {
        at(MONDAY, "16:32") + minutes(n): 100 + n / 100 for n in range(0, 36, 3)
    }
    states[at(MONDAY, "17:08")] = "unavailable"
    states |= {at(MONDAY, "18:20") + minutes(n): 102 + n / 100 for n in range(0, 40, 3)}
    await meters.report(at(MONDAY, "19:00"), states)
    (found,) = await read(hass, of=EVENING)
    assert found.energy([EVENING.start, EVENING.end]) is None
    await meters.purge(at(MONDAY, "18:50"))
    (found,) = await read(hass, of=EVENING)
    assert found.energy([EVENING.start, EVENING.end]) is not None
    assert found.is_approximate([EVENING.start])
    assert found.is_approximate([EVENING.end])


# Missing data


async def test_rows_without_a_sum(hass: HomeAssistant, meters: Meters) -> None:
    """Rows of measurements and of gas do not count."""
    outside = metadata("sensor.outside", "°C", "temperature")
    outside["has_sum"], outside["mean_type"] = False, StatisticMeanType.ARITHMETIC
    async_import_statistics(hass, outside, [{"start": at(EVENT_DAY, "17:00"), "mean": 5}])
    gas = metadata("supplier:gas", "m³", "volume")
    async_add_external_statistics(hass, gas, [{"start": at(EVENT_DAY, "17:00"), "sum": 5}])
    await async_wait_recording_done(hass)
    others = ["sensor.outside", "supplier:gas"]
    assert await read(hass, *others) == (Readings(), Readings())
    assert await async_unfit(hass, others) == others


async def test_without_a_recorder(hass: HomeAssistant) -> None:
    """There are no readings and no errors."""
    assert await read(hass) == ()
    assert await async_unfit(hass, [METER]) == [METER]
    assert await async_grid_meters(hass) == []


async def test_database_error(hass: HomeAssistant, meters: Meters) -> None:
    """A read error is not taken for a meter without rows."""
    await meters.five_minutes(counter())

    def break_it() -> None:
        """Drop a table."""
        with session_scope(hass=hass) as session:
            session.execute(sa.text("ALTER TABLE statistics RENAME TO away"))

    await get_instance(hass).async_add_executor_job(break_it)
    with pytest.raises(UnreadableError):
        await read(hass)


# Suitable meters


async def test_suitable_meters(hass: HomeAssistant, meters: Meters) -> None:
    """Energy sensors with statistics, or with states that will have some, are suitable."""
    await meters.five_minutes({WINDOW.end: 1}, unit="Wh")
    await meters.hours({at(EVENT_DAY, "17:00"): 1}, EXTERNAL)
    meters.set_state(5, "sensor.new")
    power = {"state_class": "measurement", "unit_of_measurement": "kWh"}  # another stored format
    hass.states.async_set("sensor.power", "5", power)
    fit = [METER, EXTERNAL, "sensor.new"]
    assert await async_unfit(hass, fit) == []
    unfit = ["sensor.power", "sensor.nothing", "supplier:nothing"]
    assert await async_unfit(hass, [*fit, *unfit]) == unfit


# The Energy dashboard

FLOW = {"stat_cost": None, "entity_energy_price": None, "number_energy_price": None}


NOW_STORED = [{"type": "grid", "stat_energy_from": meter} for meter in (METER, EXTERNAL)]
ONCE_STORED = [
    {
        "type": "grid",
        "flow_from": [{"stat_energy_from": meter, **FLOW} for meter in (METER, EXTERNAL)],
        "flow_to": [],
    }
]


@pytest.mark.parametrize(("version", "sources"), [(3, NOW_STORED), (2, ONCE_STORED)])
async def test_energy_dashboard(
    hass: HomeAssistant,
    meters: Meters,
    hass_storage: dict[str, Any],
    version: int,
    sources: list[dict[str, Any]],
) -> None:
    """The grid imports are found in both stored formats."""
    solar = {"type": "solar", "stat_energy_from": "sensor.solar"}
    out = {"type": "grid", "stat_energy_from": None, "stat_energy_to": "sensor.export"}
    power = {"type": "grid", "stat_rate": "sensor.power"}
    hass_storage["energy"] = {
        "version": 1,
        "minor_version": version,
        "data": {"energy_sources": [solar, *sources, out, power], "device_consumption": []},
    }
    assert await async_setup_component(hass, "energy", {})
    assert await async_grid_meters(hass) == [METER, EXTERNAL]


async def test_empty_energy_dashboard(hass: HomeAssistant, meters: Meters) -> None:
    """The Energy dashboard may not be set up yet."""
    assert await async_setup_component(hass, "energy", {})
    assert await async_grid_meters(hass) == []
