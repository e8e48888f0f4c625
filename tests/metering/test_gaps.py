"""Test what is made of the time in which Home Assistant was off, or a meter away.

When Home Assistant starts, its recorder makes up the rows of the time in which it was off, each
with the reading from before: as if nothing had been used.
"""

from datetime import date, datetime

import pytest

from custom_components.equiwatt.metering.baseline import Readings, Reason
from custom_components.equiwatt.metering.readings import async_read_all, async_read_since
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant

from .example import EVENT_DAY, WINDOW, at, counter, minutes, window
from .meters import HOUR, METER, Meters, metadata, rows
from .test_readings import figures, final, is_about

MONDAY = date(2026, 11, 23)
EVENING = window(MONDAY, "17:00", "18:00")


async def evening(hass: HomeAssistant) -> Readings:
    """Read the meter for an evening at which nothing was."""
    found = await async_read_all(hass, [METER], EVENING.boundaries, at(MONDAY, "19:00"))
    assert found
    return found


@pytest.mark.parametrize(
    ("off", "on", "boundaries"),
    [
        ("16:50", "18:10", []),
        ("16:50", "17:21", ["17:30", "18:00"]),
        ("16:50", "17:01", ["17:30", "18:00"]),
        ("17:07", "17:24", ["17:00", "17:30", "18:00"]),
        ("17:07", "17:58", ["17:00", "18:00"]),
        ("17:52", "18:40", ["17:00", "17:30"]),
        ("16:59", "17:01", ["17:00", "17:30", "18:00"]),  # a restart costs a minute at most
    ],
)
async def test_off_on_a_usual_day(
    hass: HomeAssistant, meters: Meters, off: str, on: str, boundaries: list[str]
) -> None:
    """What was shown while it was off is a gap, and no reading."""
    before = {at(MONDAY, "16:02") + minutes(n): 100 + n / 100 for n in range(0, 240, 3)}
    states = {moment: kwh for moment, kwh in before.items() if moment < at(MONDAY, off)}
    await meters.report(at(MONDAY, off), states)
    await meters.restart(at(MONDAY, off), at(MONDAY, on), 101.3)
    after = {at(MONDAY, on) + minutes(n): 101.3 + n / 100 for n in range(1, 90, 3)}
    await meters.report(at(MONDAY, "18:50"), after)
    assert [moment for moment in EVENING.boundaries if moment in (await evening(hass)).kwh] == [
        at(MONDAY, label) for label in boundaries
    ]


async def test_off_on_one_of_several_days(hass: HomeAssistant, meters: Meters) -> None:
    """The day is left out, and does not lower what is usual."""
    kwh = counter("16:30")
    for label in ("17:00", "17:30", "18:00", "18:30"):
        del kwh[at(MONDAY, label)]
    await meters.five_minutes(
        {moment: each for moment, each in kwh.items() if moment.date() < MONDAY}
    )
    total = kwh[at(MONDAY, "16:30")]
    await meters.report(at(MONDAY, "16:50"), {at(MONDAY, "16:31"): total})
    await meters.restart(at(MONDAY, "16:50"), at(MONDAY, "18:10"), total + 1)
    await meters.five_minutes({m: each for m, each in counter().items() if m.date() == EVENT_DAY})
    found = await final(hass)
    assert (found.days_used, found.lowest_day) == (6, is_about(0.82))


@pytest.mark.parametrize(
    ("off", "on"), [("16:50", "17:20"), ("17:40", "18:11"), ("17:40", "18:02")]
)
async def test_off_at_an_end_of_an_equivent(
    hass: HomeAssistant, meters: Meters, off: str, on: str
) -> None:
    """What it used is not known, rather than too little."""
    await meters.five_minutes(counter("16:30"))
    total = counter("16:30")[at(EVENT_DAY, "16:30")]
    readings = {at(EVENT_DAY, "16:31") + minutes(n): total + n / 100 for n in range(0, 150, 3)}
    states = {moment: kwh for moment, kwh in readings.items() if moment < at(EVENT_DAY, off)}
    await meters.report(at(EVENT_DAY, off), states)
    await meters.restart(at(EVENT_DAY, off), at(EVENT_DAY, on), total + 2)
    found = await final(hass)
    assert (figures(found), found.final) == ((0.9, None, None), False)
    assert found.reason is Reason.WAITING_FOR_METER
    after = {at(EVENT_DAY, on) + minutes(n): total + 2 + n / 100 for n in range(1, 60, 3)}
    await meters.report(at(EVENT_DAY, "18:20"), after)
    found = await final(hass)
    assert (figures(found), found.reason) == ((0.9, None, None), Reason.METER_GAP)


async def test_off_amid_an_equivent(hass: HomeAssistant, meters: Meters) -> None:
    """It is measured until the newest real reading; the counter bridges what lies between."""
    await meters.five_minutes(counter("16:30"))
    total = counter("16:30")[at(EVENT_DAY, "16:30")]
    states = {at(EVENT_DAY, "16:36"): total, at(EVENT_DAY, "17:06"): total + 0.1}
    await meters.report(at(EVENT_DAY, "17:12"), states)
    await meters.restart(at(EVENT_DAY, "17:12"), at(EVENT_DAY, "17:31"), total + 0.3)
    found = await async_read_since(hass, [METER], WINDOW.boundaries)
    assert found.newest == at(EVENT_DAY, "17:10")
    await meters.report(at(EVENT_DAY, "17:36"), {at(EVENT_DAY, "17:33"): total + 0.4})
    found = await async_read_since(hass, [METER], WINDOW.boundaries)
    assert found.newest == at(EVENT_DAY, "17:35")
    assert found.energy(WINDOW.start, found.newest) == is_about(0.4)


async def test_off_on_a_day_that_is_read_by_the_hour(hass: HomeAssistant, meters: Meters) -> None:
    """The row of an hour is made up as those of five minutes are, and outlasts them."""
    states = {at(MONDAY, "14:01") + minutes(n): 100 + n / 100 for n in range(0, 169, 3)}
    await meters.report(at(MONDAY, "16:50"), states)
    await meters.restart(at(MONDAY, "16:50"), at(MONDAY, "18:10"), 103)
    after = {at(MONDAY, "18:11") + minutes(n): 103 + n / 100 for n in range(0, 60, 3)}
    await meters.report(at(MONDAY, "19:00"), after)
    await meters.purge(at(MONDAY, "18:50"))
    hours = [at(MONDAY, f"{hour}:00") for hour in (15, 16, 17, 18, 19)]
    found = await async_read_all(hass, [METER], hours, at(MONDAY, "19:00"))
    assert found
    assert [hour for hour in hours if hour in found.kwh] == [hours[0], hours[1], hours[4]]


async def test_what_was_imported_counts(hass: HomeAssistant, meters: Meters) -> None:
    """It is written late, but tells what was used."""
    kwh = {at(MONDAY, "16:00") + n * HOUR: 100.0 + n for n in range(4)}
    meters.freezer.move_to(at(EVENT_DAY, "12:00"))
    async_import_statistics(hass, metadata(METER), rows(kwh, HOUR))
    await meters.five_minutes({at(EVENT_DAY, "11:00"): 110})
    assert (await evening(hass)).energy(EVENING.start, EVENING.end) == is_about(1)


async def test_a_gap_that_the_purge_hides(hass: HomeAssistant, meters: Meters) -> None:
    """An hour's row does not tell whether the meter was there at its end: it is approximate."""
    states: dict[datetime, float | str] = {
        at(MONDAY, "16:02") + minutes(n): 100 + n / 100 for n in range(0, 66, 3)
    }
    states[at(MONDAY, "17:08")] = "unavailable"
    states |= {at(MONDAY, "18:20") + minutes(n): 102 + n / 100 for n in range(0, 40, 3)}
    await meters.report(at(MONDAY, "19:00"), states)
    assert (await evening(hass)).energy(EVENING.start, EVENING.end) is None
    await meters.purge(at(MONDAY, "18:50"))
    found = await evening(hass)
    assert found.energy(EVENING.start, EVENING.end) == is_about(0.06)
    assert found.blurred([EVENING.start])
    assert found.blurred([EVENING.end])
