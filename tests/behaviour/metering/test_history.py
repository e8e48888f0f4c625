"""Test measuring the equivents from before the meter was chosen."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.equiwatt.metering.readings import UnreadableError
from custom_components.equiwatt.metering.results import FinishedResult, Reason
from homeassistant.components.recorder.statistics import list_statistic_ids
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance

from ...fakes.provider import event_of
from ...metering.example import EVENT_DAY, at
from ...metering.home import SENSORS, MeteredHome
from ...metering.meters import SECOND_METER, Tables

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIRST = date(2025, 12, 1)
"""A Monday, and the first day of the meter."""
EVENINGS = [date(2026, 2, 3) + n * 21 * DAY for n in range(14)]
"""Tuesdays with an equivent, one in each three weeks."""
USUAL, SAVED = 0.5, 0.2


def evening(day: date) -> tuple[datetime, datetime]:
    """Return the start and end of a day's equivent, a minute after the hours."""
    start = datetime(day.year, day.month, day.day, 17, 1, 7, tzinfo=UTC)
    return start, start + HOUR - timedelta(seconds=5)


def hourly(usual: float = USUAL, since: date = FIRST) -> dict[datetime, float]:
    """Return hourly readings of a meter with less use in each equivent."""
    end, total = datetime(since.year, since.month, since.day, tzinfo=UTC), 0.0
    readings = {}
    starts = {evening(day)[0].replace(minute=0, second=0) for day in EVENINGS}
    while end < at(EVENT_DAY, "17:00"):
        total += usual - (SAVED if end in starts else 0)
        end += HOUR
        readings[end] = total
    return readings


def past_of(home: MeteredHome) -> list[FinishedResult]:
    """Return the stored equivents, newest first."""
    return list(home.entry.runtime_data.store.results)


def savings(home: MeteredHome) -> list[float | None]:
    """Return the stored savings, newest first."""
    kept = (result.estimate.saving for result in past_of(home))
    return [None if saving is None else round(saving, 4) for saving in kept]


@pytest.fixture
def years(home: MeteredHome) -> MeteredHome:
    """Return a house with a year of equivents and no meter yet."""
    home.provider.previous = [event_of(*evening(day)) for day in reversed(EVENINGS)]
    return home


async def test_year(years: MeteredHome) -> None:
    """All equivents are measured when a meter is chosen, and the last one is shown."""
    await years.meters.hours(hourly())
    await years.setup()
    assert years.hass.states.get("sensor.equiwatt_saving") is None
    years.choose(**SENSORS)
    await years.hass.config_entries.async_reload(years.entry.entry_id)
    await years.settle()
    assert savings(years) == [SAVED] * len(EVENINGS)
    assert years.figures() == (USUAL, USUAL - SAVED, SAVED)
    last = past_of(years)[0].estimate
    assert (last.days_used, last.lower_than, last.final) == (10, 10, True)


async def test_purged_rows(years: MeteredHome) -> None:
    """Older equivents are measured by hourly rows and are approximate."""
    readings = hourly()
    await years.meters.hours(readings)
    kept = at(EVENT_DAY, "17:00") - 10 * DAY
    halves = {
        end - step * HOUR / 2: kwh - step * USUAL / 2
        for end, kwh in readings.items()
        for step in (1, 0)
        if end > kept
    }
    await years.meters.five_minutes(halves)
    years.choose(**SENSORS)
    await years.setup()
    assert savings(years) == [SAVED] * len(EVENINGS)
    assert [result.estimate.approximate for result in past_of(years)] == [True] * len(EVENINGS)


async def test_before_the_meter(years: MeteredHome) -> None:
    """Equivents before the first statistics and soon after have no saving."""
    await years.meters.hours(hourly(since=EVENINGS[-3] - 2 * DAY))
    years.choose(**SENSORS)
    await years.setup()
    assert savings(years) == [SAVED, SAVED, *[None] * (len(EVENINGS) - 2)]
    used = [result.estimate.used for result in past_of(years)]
    assert used[2] == pytest.approx(USUAL - SAVED)
    assert used[3:] == [None] * (len(EVENINGS) - 3)


async def test_restart(years: MeteredHome, tables: Tables) -> None:
    """Nothing is read again after a restart, found or not."""
    await years.meters.hours(hourly(since=EVENINGS[5]))
    years.choose(**SENSORS)
    await years.setup()
    before, reads = past_of(years), tables.reads
    assert reads == 1
    assert await years.hass.config_entries.async_reload(years.entry.entry_id)
    await years.settle()
    assert past_of(years) == before
    assert tables.reads == reads


async def test_another_meter(years: MeteredHome) -> None:
    """Another meter measures everything again, and figures it has no data for are kept."""
    await years.meters.hours(hourly())
    await years.meters.hours(hourly(2 * USUAL, EVENINGS[-3] - 60 * DAY), SECOND_METER)
    years.choose(**SENSORS)
    await years.setup()
    years.choose(source="sensors", sensors=[SECOND_METER])
    await years.hass.config_entries.async_reload(years.entry.entry_id)
    await years.settle()
    used = [round(result.estimate.used or 0, 4) for result in past_of(years)]
    assert used == [2 * USUAL - SAVED] * 5 + [USUAL - SAVED] * (len(EVENINGS) - 5)


async def test_wrong_clock(years: MeteredHome) -> None:
    """Another meter does not measure an equivent whose rows have wrong times."""
    await years.meters.hours(hourly())
    await years.meters.hours(hourly(), SECOND_METER)
    years.choose(**SENSORS)
    await years.setup()
    newest = past_of(years)[0]
    estimate = replace(newest.estimate, used=None, reason=Reason.CLOCK_WRONG)
    years.entry.runtime_data.store.async_keep_results(replace(newest, estimate=estimate))
    years.choose(source="sensors", sensors=[SECOND_METER])
    await years.hass.config_entries.async_reload(years.entry.entry_id)
    await years.settle()
    assert savings(years) == [None, *[SAVED] * (len(EVENINGS) - 1)]


async def test_another_name(years: MeteredHome, tables: Tables) -> None:
    """A renamed sensor is the same meter."""
    registry = er.async_get(years.hass)
    entity = registry.async_get_or_create("sensor", "test", "1", suggested_object_id="meter")
    await years.meters.hours(hourly())
    years.choose(**SENSORS)
    await years.setup()
    reads = tables.reads
    registry.async_update_entity(entity.entity_id, new_entity_id=SECOND_METER)
    await years.settle()
    await years.pass_time(5)
    assert years.entry.options["sensors"] == [SECOND_METER]
    assert tables.reads == reads
    assert savings(years) == [SAVED] * len(EVENINGS)


async def test_listed_late(years: MeteredHome) -> None:
    """An equivent of any age is measured once it is listed."""
    await years.meters.hours(hourly())
    missed = years.provider.previous.pop(4)
    years.choose(**SENSORS)
    await years.setup()
    assert savings(years) == [SAVED] * (len(EVENINGS) - 1)
    years.provider.previous.insert(4, missed)
    await years.poll()
    total = float(years.state("sensor.equiwatt_total_saving"))
    assert total == pytest.approx(SAVED * len(EVENINGS), abs=0.011)
    assert savings(years) == [SAVED] * len(EVENINGS)


async def test_read_error(years: MeteredHome, tables: Tables) -> None:
    """Statistics that cannot be read are read at the next set-up."""
    tables.error = UnreadableError()
    await years.meters.hours(hourly())
    years.choose(**SENSORS)
    await years.setup()
    assert savings(years) == []
    tables.error = None
    assert await years.hass.config_entries.async_reload(years.entry.entry_id)
    await years.settle()
    assert savings(years) == [SAVED] * len(EVENINGS)


async def test_corrected_times(years: MeteredHome) -> None:
    """A past equivent with corrected times is measured again."""
    await years.meters.hours(hourly())
    years.choose(**SENSORS)
    await years.setup()
    years.provider.previous[4]["end_time"] -= 1800
    await years.poll()
    others = [SAVED] * len(EVENINGS)
    assert savings(years) == [*others[:4], SAVED / 2, *others[5:]]


async def test_too_short(years: MeteredHome) -> None:
    """A past equivent too short to measure is left out."""
    await years.meters.hours(hourly())
    start, _ = evening(EVENINGS[3] + DAY)
    years.provider.previous.insert(-4, event_of(start, start + timedelta(minutes=2)))
    years.choose(**SENSORS)
    await years.setup()
    assert len(years.entry.runtime_data.coordinator.data.past) == len(EVENINGS) + 1
    assert savings(years) == [SAVED] * len(EVENINGS)


async def test_no_meter(years: MeteredHome) -> None:
    """Nothing is stored without a meter in the Energy dashboard, until there is one."""
    years.choose(source="energy_dashboard")
    await years.setup()
    assert savings(years) == []


async def test_statistics(recorded_home: MeteredHome) -> None:
    """Past and new equivents are written, and removed with the account."""
    home = recorded_home
    await home.setup_with_meter()
    day = at(date(2026, 11, 18), "16:00")
    assert await home.rows("saving") == {day: (0.49, 0.49)}
    await home.start()
    await home.end()
    end = at(EVENT_DAY, "17:00")
    assert await home.rows("usual") == {day: (0.71, 0.71), end: (0.9, 1.61)}
    assert await home.rows("used") == {day: (0.22, 0.22), end: (0.4, 0.62)}
    assert await home.rows("saving") == {day: (0.49, 0.49), end: (0.5, 0.99)}
    before = await home.rows("saving")
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert await home.rows("saving") == before
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await async_wait_recording_done(home.hass)
    known = await get_instance(home.hass).async_add_executor_job(list_statistic_ids, home.hass)
    assert [each["statistic_id"] for each in known if each["source"] == "equiwatt"] == []
