"""Test how meters are read from the statistics that a real recorder keeps."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
import sqlalchemy as sa

from custom_components.equiwatt.metering.baseline import (
    GRID,
    HALF_HOUR,
    Estimate,
    Readings,
    Reason,
    Window,
    estimate,
)
from custom_components.equiwatt.metering.readings import (
    Survey,
    UnreadableError,
    async_grid_meters,
    async_read_all,
    async_read_since,
    async_survey,
    async_unfit,
)
from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    async_import_statistics,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.setup import async_setup_component

from .example import DAYS, EQUIVENT_DAYS, EVENT_DAY, EXAMPLE, WINDOW, at, counter, minutes, window
from .meters import EXTERNAL, HOUR, METER, SECOND_METER, Meters, metadata

HALF_PAST = window(EVENT_DAY, "17:30", "18:30")
NOW = at(EVENT_DAY, "18:31")


def is_about(value: float) -> Any:
    """Return what equals a figure that was read from a database."""
    return pytest.approx(value, abs=1e-6)


async def read(
    hass: HomeAssistant, *meters: str, of: Window = WINDOW, now: datetime = NOW
) -> Readings:
    """Read meters for a window."""
    found = await async_read_all(hass, meters or (METER,), of.moments(EQUIVENT_DAYS), now)
    assert found
    return found


async def final(hass: HomeAssistant, *meters: str, of: Window = WINDOW) -> Estimate:
    """Return what is known of a window that is over."""
    return estimate(of, EQUIVENT_DAYS, await read(hass, *meters, of=of), over=True)


def figures(found: Estimate) -> tuple[Any, Any, Any]:
    """Return what is usual, used and saved, to four decimals."""
    each = (found.usual, found.used, found.saving)
    usual, used, saving = (value if value is None else round(value, 4) for value in each)
    return usual, used, saving


def since(day: date, readings: Mapping[datetime, float]) -> dict[datetime, float]:
    """Return the readings of a day and the days after."""
    return {moment: total for moment, total in readings.items() if moment.date() >= day}


# Which rows


async def test_five_minute_rows(hass: HomeAssistant, meters: Meters) -> None:
    """They give the figures of the example, of a window at half past too."""
    await meters.five_minutes(counter())
    for of, expected in ((WINDOW, (0.9, 0.4, 0.5)), (HALF_PAST, (1.1, 0.89, 0.21))):
        found = await final(hass, of=of)
        assert figures(found) == expected
        assert (found.days_used, found.approximate, found.reason) == (7, False, None)
        assert found.measured_until == of.end


async def test_hourly_rows_only(hass: HomeAssistant, meters: Meters) -> None:
    """On the hour they are as good; the half past between two is their mean."""
    await meters.hours(counter())
    found = await final(hass)
    assert figures(found) == (0.9, 0.4, 0.5)
    assert [half.usual for half in found.half_hours] == [is_about(0.45), is_about(0.45)]
    assert [half.used for half in found.half_hours] == [is_about(0.2), is_about(0.2)]
    assert (found.days_used, found.approximate) == (7, True)


async def test_half_past_of_hourly_rows(hass: HomeAssistant, meters: Meters) -> None:
    """A reading that is not there stays missing where an hour beside it is."""
    kwh = {"16:00": 10.0, "17:00": 11.0, "18:00": 14.0, "20:00": 15.0}
    await meters.hours({at(EVENT_DAY, label): total for label, total in kwh.items()})
    halves = [at(EVENT_DAY, label) for label in ("16:30", "17:30", "18:30", "19:30", "17:15")]
    found = await async_read_all(hass, [METER], halves, NOW)
    assert found
    assert found.kwh == {halves[0]: 10.5, halves[1]: 12.5, at(EVENT_DAY, "20:00"): 15}
    assert found.approximate == {halves[0], halves[1]}
    assert (found.newest, found.pace) == (at(EVENT_DAY, "20:00"), None)


async def test_the_edge_between_both(hass: HomeAssistant, meters: Meters) -> None:
    """Days whose rows of five minutes were deleted are read by the hour, and marked."""
    edge = date(2026, 11, 17)
    kwh = counter()
    for day in DAYS:  # the hours that the half past windows of older days lie between
        kwh[at(day, "19:00")] = kwh[at(day, "18:30")] + 0.3
    await meters.hours(kwh)
    await meters.five_minutes(since(edge, kwh))
    found = await read(hass, of=HALF_PAST)
    assert {moment.date() for moment in found.approximate} == {
        day for day in DAYS if day < edge and day.weekday() < 5 and day not in EQUIVENT_DAYS
    }
    each = {(moment.hour, moment.minute) for moment in found.approximate}
    assert each == {(17, 30), (18, 0), (18, 30)}
    assert estimate(HALF_PAST, EQUIVENT_DAYS, found, over=True).approximate
    assert found.kwh[at(edge, "17:30")] == is_about(kwh[at(edge, "17:30")])
    monday = at(date(2026, 11, 16), "18:00")
    assert found.kwh[monday - HALF_HOUR] == is_about((kwh[monday] + kwh[monday - HOUR]) / 2)
    on_the_hour = (await read(hass)).kwh
    assert on_the_hour[monday] == is_about(kwh[monday])


async def test_a_gap_is_not_filled_from_the_hour(hass: HomeAssistant, meters: Meters) -> None:
    """The row of an hour in which the meter was away has an older reading."""
    kwh = counter()
    await meters.hours(kwh)
    del kwh[WINDOW.start]
    await meters.five_minutes(kwh)
    found = await final(hass)
    assert figures(found) == (0.9, None, None)
    assert found.reason is Reason.METER_GAP


async def test_the_first_row_ever(hass: HomeAssistant, meters: Meters) -> None:
    """A day that the meter was added on is left out, not counted as the whole counter."""
    first = date(2026, 11, 10)
    kwh = since(first, counter())
    del kwh[at(first, "16:30")], kwh[at(first, "17:00")]
    await meters.five_minutes(kwh)
    found = await final(hass)
    assert (found.days_used, found.highest_day) == (6, is_about(1.0))


async def test_old_rows_are_not_read(hass: HomeAssistant, meters: Meters) -> None:
    """What lies further back than any day that may count costs nothing."""
    days = (EVENT_DAY - timedelta(days=ago) for ago in (60, 61, 62, 90))
    old, *older = (at(day, "17:00") for day in days)
    await meters.hours(dict.fromkeys((*older, old, WINDOW.start), 1.0))
    found = await async_read_all(hass, [METER], [old, *older[1:]], NOW)
    assert found
    assert found.kwh.keys() == {old, WINDOW.start}


# What meters do


async def test_a_counter_that_is_reset(hass: HomeAssistant, meters: Meters) -> None:
    """Energy goes on from zero, as the recorder has it in its sum."""
    start = at(EVENT_DAY, "16:50")
    states = EXAMPLE["further_cases"][7]["meter_states"]
    assert states == [100.0, 100.3, 0.0, 0.1]
    await meters.report(
        at(EVENT_DAY, "18:00"),
        {
            start: states[0],
            start + minutes(31): states[1],
            start + minutes(51): states[2],
            start + minutes(61): states[3],
        },
    )
    found = await async_read_since(hass, [METER], WINDOW.boundaries)
    assert found.energy(WINDOW.start, WINDOW.end) == is_about(0.4)


async def test_a_dip(hass: HomeAssistant, meters: Meters) -> None:
    """A counter that goes back a little is no counter that was reset."""
    start = at(EVENT_DAY, "16:50")
    await meters.report(
        at(EVENT_DAY, "18:00"),
        {start: 100, start + minutes(21): 100.5, start + minutes(41): 100.4},
    )
    found = await async_read_since(hass, [METER], WINDOW.boundaries)
    first, second = WINDOW.half_hours
    assert found.energy(first.start, first.end) == is_about(0.5)
    assert found.energy(second.start, second.end) == is_about(-0.1)


@pytest.mark.parametrize(
    ("away", "back", "used", "reason"),
    [
        ("17:11", "17:46", 0.4, None),
        ("16:51", "17:11", None, Reason.METER_GAP),
        ("17:51", "18:16", None, Reason.METER_GAP),
        ("17:11", "18:29", None, Reason.WAITING_FOR_METER),
    ],
)
async def test_a_meter_that_was_away(
    hass: HomeAssistant, meters: Meters, away: str, back: str, used: float, reason: Reason
) -> None:
    """It leaves rows out: between the boundaries the counter bridges them."""
    await meters.five_minutes(since(date(2026, 11, 1), counter("16:30")))
    total = counter()[at(EVENT_DAY, "16:30")] + 0.3
    states: dict[datetime, float | str] = {
        at(EVENT_DAY, "16:36"): total,
        at(EVENT_DAY, "17:09"): total + 0.2,
        at(EVENT_DAY, away): "unavailable",
        at(EVENT_DAY, back): total + 0.4,
    }
    until = at(EVENT_DAY, "18:20")
    states = {moment: state for moment, state in states.items() if moment < until}
    await meters.report(until, states)
    found = await final(hass)
    assert (found.used, found.reason) == (used and is_about(used), reason)
    assert found.usual == is_about(0.9)


@pytest.mark.parametrize(
    ("unit", "factor"), [("Wh", 1e3), ("MWh", 1e-3), ("kWh", 1), ("GJ", 0.0036)]
)
async def test_units(hass: HomeAssistant, meters: Meters, unit: str, factor: float) -> None:
    """Every unit of energy is read in kWh, be the sensor shown in another one or not."""
    await meters.five_minutes({m: factor * total for m, total in counter().items()}, unit=unit)
    assert figures(await final(hass)) == (0.9, 0.4, 0.5)
    meters.hass.states.async_set(METER, "1", {"unit_of_measurement": "MWh"})
    assert figures(await final(hass)) == (0.9, 0.4, 0.5)


async def test_two_meters(hass: HomeAssistant, meters: Meters) -> None:
    """They are added; a day that one of them lacks is left out, and what one lacks is missing."""
    both = counter()
    one = {moment: total * 5 / 8 for moment, total in both.items()}
    other = {moment: total * 3 / 8 for moment, total in both.items()}
    await meters.five_minutes(one)
    await meters.five_minutes(other, SECOND_METER)
    assert figures(await final(hass, METER, SECOND_METER)) == (0.9, 0.4, 0.5)
    assert figures(await final(hass, METER))[1] == 0.25


async def test_what_one_of_two_meters_lacks(hass: HomeAssistant, meters: Meters) -> None:
    """It is missing in all: a day is left out, and the newest reading is the newest of both."""
    both = {moment: total / 2 for moment, total in counter().items()}
    await meters.five_minutes(both)
    lacking = {m: total for m, total in both.items() if m < WINDOW.end}
    lacking = {m: total for m, total in lacking.items() if m.date() != date(2026, 11, 23)}
    await meters.five_minutes(lacking, SECOND_METER)
    found = await read(hass, METER, SECOND_METER)
    assert found.newest == at(EVENT_DAY, "17:30")
    assert estimate(WINDOW, EQUIVENT_DAYS, found, over=True).reason is Reason.WAITING_FOR_METER
    live = estimate(WINDOW, EQUIVENT_DAYS, found, over=False)
    assert (live.days_used, live.used) == (6, is_about(0.21))


async def test_a_meter_of_each_kind(hass: HomeAssistant, meters: Meters) -> None:
    """One with rows of five minutes and one of hours are approximate together."""
    both = {moment: total / 2 for moment, total in counter().items()}
    await meters.five_minutes(both)
    await meters.hours(both, EXTERNAL)
    found = await final(hass, METER, EXTERNAL)
    assert (figures(found), found.approximate) == ((0.9, 0.4, 0.5), True)
    assert found.measured_until == WINDOW.end


async def test_an_external_statistic_that_is_late(hass: HomeAssistant, meters: Meters) -> None:
    """Its figures come with its rows, and are not made up before."""
    kwh = counter()
    await meters.hours({m: total for m, total in kwh.items() if m.date() < EVENT_DAY}, EXTERNAL)
    found = await final(hass, EXTERNAL)
    assert figures(found) == (0.9, None, None)
    assert (found.reason, found.final) == (Reason.WAITING_FOR_METER, False)
    live = await async_read_since(hass, [EXTERNAL], WINDOW.boundaries)
    assert live == Readings(is_hourly=True)
    await meters.hours(kwh, EXTERNAL)
    found = await final(hass, EXTERNAL)
    assert (figures(found), found.final) == ((0.9, 0.4, 0.5), True)


async def test_an_hourly_meter_while_live(hass: HomeAssistant, meters: Meters) -> None:
    """It has no live figures, not even once the first hour of several is there."""
    until = at(EVENT_DAY, "17:00")
    kwh = {m: total for m, total in counter().items() if m <= until}
    await meters.hours(kwh, EXTERNAL)
    long = Window(start=until, end=until + 2 * HOUR)
    for of in (WINDOW, long):
        found = estimate(of, EQUIVENT_DAYS, await read(hass, EXTERNAL, of=of), over=False)
        assert (found.used, found.saving) == (None, None)
        assert (found.reason, found.measured_until) == (Reason.WAITING_FOR_METER, None)
        assert [half.used for half in found.half_hours] == [None] * len(of.half_hours)
    await meters.hours({m: total for m, total in counter().items() if m <= until + HOUR}, EXTERNAL)
    known = await read(hass, EXTERNAL, of=long)
    newer = known.updated(await async_read_since(hass, [EXTERNAL], long.boundaries))
    for readings in (known, newer):
        found = estimate(long, EQUIVENT_DAYS, readings, over=False)
        assert (found.used, found.reason) == (None, Reason.WAITING_FOR_METER)
    await meters.five_minutes(counter())
    both = await read(hass, METER, EXTERNAL)
    assert estimate(WINDOW, EQUIVENT_DAYS, both, over=False).used is None
    assert estimate(WINDOW, EQUIVENT_DAYS, both, over=True).used is not None


@pytest.mark.parametrize(
    ("every", "pace", "slow"), [(2, 5, False), (5, 5, False), (15, 15, False), (30, 30, True)]
)
async def test_the_pace_of_a_meter(
    hass: HomeAssistant, meters: Meters, every: int, pace: int, slow: bool
) -> None:
    """How often a meter reports is seen by its rows."""
    start = at(EVENT_DAY, "14:01")
    states = {start + minutes(n): 100 + n / 1_000 for n in range(0, 240, every)}
    await meters.report(at(EVENT_DAY, "18:00"), states)
    found = await read(hass, now=at(EVENT_DAY, "18:01"))
    assert found.pace == timedelta(minutes=pace)
    assert found.is_slow is slow
    reason = estimate(WINDOW, EQUIVENT_DAYS, found, over=False).reason
    assert (reason is Reason.METER_TOO_SLOW) is slow


# While it is live


async def test_reading_what_is_new(hass: HomeAssistant, meters: Meters) -> None:
    """The rows since the start are added to those that were read before."""
    await meters.five_minutes(counter("17:00"))
    known = await read(hass, now=at(EVENT_DAY, "17:01"))
    assert estimate(WINDOW, EQUIVENT_DAYS, known, over=False).used == 0
    start = counter()[WINDOW.start]
    await meters.five_minutes({at(EVENT_DAY, "17:20"): start + 0.15})
    newer = await async_read_since(hass, [METER], WINDOW.boundaries)
    assert newer.newest == at(EVENT_DAY, "17:20")
    found = estimate(WINDOW, EQUIVENT_DAYS, known.updated(newer), over=False)
    assert found.used == is_about(0.15)
    assert found.saving == pytest.approx(0.1167, abs=5e-5)


async def test_hourly_rows_since(hass: HomeAssistant, meters: Meters) -> None:
    """The two hours that a half past lies between are read."""
    await meters.hours({at(EVENT_DAY, "17:00"): 10, at(EVENT_DAY, "18:00"): 12})
    found = await async_read_since(hass, [METER], HALF_PAST.boundaries)
    assert found.kwh == {HALF_PAST.start: 11, at(EVENT_DAY, "18:00"): 12}


# What is not there


async def test_no_statistics(hass: HomeAssistant, meters: Meters) -> None:
    """A meter without any rows has no statistics, whatever the other one has."""
    await meters.five_minutes(counter())
    for ids in ([SECOND_METER], [METER, SECOND_METER], []):
        assert await async_read_all(hass, ids, WINDOW.boundaries, NOW) is None
        assert await async_survey(hass, ids, EQUIVENT_DAYS, NOW) is None
    assert await async_read_since(hass, [], WINDOW.boundaries) == Readings()


async def test_rows_without_a_sum(hass: HomeAssistant, meters: Meters) -> None:
    """Those of a sensor that is measured, not counted, are none."""
    outside = metadata("sensor.outside", "°C", "temperature")
    outside["has_sum"], outside["mean_type"] = False, StatisticMeanType.ARITHMETIC
    async_import_statistics(hass, outside, [{"start": at(EVENT_DAY, "17:00"), "mean": 5}])
    await async_wait_recording_done(hass)
    found = await async_read_all(hass, ["sensor.outside"], WINDOW.boundaries, NOW)
    assert found is None
    assert await async_unfit(hass, ["sensor.outside"]) == ["sensor.outside"]


async def test_without_a_recorder(hass: HomeAssistant) -> None:
    """There is nothing to read, and nothing fails."""
    assert await async_read_all(hass, [METER], WINDOW.boundaries, NOW) is None
    assert await async_read_since(hass, [METER], WINDOW.boundaries) == Readings()
    assert await async_survey(hass, [METER], (), NOW) is None
    assert await async_unfit(hass, [METER]) == [METER]
    assert await async_grid_meters(hass) == []


async def test_a_broken_database(hass: HomeAssistant, meters: Meters) -> None:
    """What cannot be read says so, and is not taken for a meter without rows."""
    await meters.five_minutes(counter())

    def break_it() -> None:
        """Take a table away."""
        with session_scope(hass=hass) as session:
            session.execute(sa.text("ALTER TABLE statistics RENAME TO away"))

    await get_instance(hass).async_add_executor_job(break_it)
    with pytest.raises(UnreadableError):
        await async_read_all(hass, [METER], WINDOW.boundaries, NOW)


# What can be chosen


async def test_which_meters_fit(hass: HomeAssistant, meters: Meters) -> None:
    """Those of energy that have statistics, or will have."""
    await meters.five_minutes({NOW: 1}, unit="Wh")
    await meters.hours({at(EVENT_DAY, "17:00"): 1}, EXTERNAL)
    meters.set_state(5, "sensor.new")
    power = {"state_class": "measurement", "unit_of_measurement": "kWh"}  # as some have it
    hass.states.async_set("sensor.power", "5", power)
    fit = [METER, EXTERNAL, "sensor.new"]
    assert await async_unfit(hass, fit) == []
    unfit = ["sensor.power", "sensor.nothing", "supplier:nothing"]
    assert await async_unfit(hass, [*fit, *unfit]) == unfit


async def test_gas_does_not_fit(hass: HomeAssistant, meters: Meters) -> None:
    """A counter of something else than energy is no meter."""
    gas = metadata("supplier:gas", "m³", "volume")
    async_add_external_statistics(hass, gas, [{"start": at(EVENT_DAY, "17:00"), "sum": 5}])
    await async_wait_recording_done(hass)
    assert await async_unfit(hass, ["supplier:gas"]) == ["supplier:gas"]


async def test_a_survey(hass: HomeAssistant, meters: Meters) -> None:
    """It says for how many working days there are readings, and how often the meter reports."""
    kwh = counter()
    for number in range(40):
        end = at(EVENT_DAY, "18:30") + number * GRID
        kwh[end] = kwh[at(EVENT_DAY, "18:30")] + number / 10
    await meters.five_minutes(kwh)
    expected = Survey(days=7, days_wanted=10, pace=GRID, is_slow=False, is_hourly=False)
    assert await async_survey(hass, [METER], EQUIVENT_DAYS, NOW) == expected


async def test_a_survey_on_a_weekend(hass: HomeAssistant, meters: Meters) -> None:
    """Working days count on a Sunday too; an hourly meter has no pace, and no live figures."""
    await meters.hours(counter(), EXTERNAL)
    sunday = datetime(2026, 11, 29, 12, tzinfo=UTC)
    expected = Survey(days=8, days_wanted=10, pace=None, is_slow=False, is_hourly=True)
    assert await async_survey(hass, [EXTERNAL], EQUIVENT_DAYS, sunday) == expected
    await meters.five_minutes(counter())
    both = await async_survey(hass, [METER, EXTERNAL], EQUIVENT_DAYS, sunday)
    assert both
    assert both.is_hourly


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
async def test_the_energy_dashboard(
    hass: HomeAssistant,
    meters: Meters,
    hass_storage: dict[str, Any],
    version: int,
    sources: list[dict[str, Any]],
) -> None:
    """Its meters of what comes from the grid are found, whichever way they were stored."""
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


async def test_an_energy_dashboard_without_anything(hass: HomeAssistant, meters: Meters) -> None:
    """Nobody has set it up yet."""
    assert await async_setup_component(hass, "energy", {})
    assert await async_grid_meters(hass) == []
