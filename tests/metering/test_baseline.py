"""Test what is made of readings: every figure of the worked example, and what holds for any."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, cycle, islice
from statistics import fmean
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.equiwatt.metering.baseline import (
    GRID,
    HALF_HOUR,
    WANTED,
    Readings,
    Window,
    estimate,
    usual_days,
    window_of,
)
from custom_components.equiwatt.metering.results import LEAST, Estimate, HalfHour, Reason, in_words

from .example import (
    DAYS,
    EQUIVENT_DAYS,
    EVENT_DAY,
    EXAMPLE,
    WINDOW,
    at,
    counter,
    in_between,
    meter_of,
    minutes,
    readings,
    window,
)

EXPECTED: dict[str, Any] = EXAMPLE["expected"]
CASES: dict[str, dict[str, Any]] = {case["case"]: case for case in EXAMPLE["further_cases"]}
NOW = datetime(2026, 11, 24, 17, 3, tzinfo=UTC)


def is_about(value: float | None) -> Any:
    """Return what equals a figure of the example, which has four decimals at most."""
    return None if value is None else pytest.approx(value, abs=5e-5)


def final(window: Window = WINDOW, known: Sequence[Readings] | None = None) -> Estimate:
    """Return what is known of a window once it is over."""
    return estimate(window, EQUIVENT_DAYS, known or readings(), over=True)


# The window


@pytest.mark.parametrize(
    ("case", "day"),
    [
        (EXAMPLE["event_day"], "2026-11-24"),
        (CASES["equivent 134 s after the half hour"], "2022-11-11"),
        (CASES["simulation"], "2026-11-24"),
    ],
)
def test_windows_of_the_example(case: dict[str, Any], day: str) -> None:
    """Start and end are floored to the grid of five minutes."""
    start, end = (
        datetime.fromisoformat(case.get(f"api_{name}") or case[name]) for name in ("start", "end")
    )
    assert window_of(start, end, NOW) == window(date.fromisoformat(day), *case["window"])


def test_windows_without_a_known_end() -> None:
    """They last until the half hour that is under way is over."""
    start = at(EVENT_DAY, "17:01")
    ends = [("16:59", "17:30"), ("17:01", "17:30"), ("17:29", "17:30"), ("17:30", "18:00")]
    for now, end in ends:
        expected = window(EVENT_DAY, "17:00", end)
        assert window_of(start, None, at(EVENT_DAY, now)) == expected


def test_too_short_to_be_measured() -> None:
    """What starts and ends within five minutes has no window."""
    start = at(EVENT_DAY, "17:01")
    assert window_of(start, start + minutes(3), NOW) is None
    assert window_of(start, start + minutes(4), NOW) == window(EVENT_DAY, "17:00", "17:05")


@given(
    st.timedeltas(timedelta(), timedelta(days=5_000)),
    st.timedeltas(timedelta(minutes=5), timedelta(hours=6)),
)
def test_half_hours_of_any_window(later: timedelta, lasts: timedelta) -> None:
    """They follow one another through the whole window, and change at half hours only."""
    start = NOW + later
    found = window_of(start, start + lasts, NOW)
    assert found
    assert timedelta() <= start - found.start < GRID
    assert timedelta() <= start + lasts - found.end < GRID
    starts = [span.start for span in found.half_hours]
    assert [span.end for span in found.half_hours[:-1]] == starts[1:]
    assert (starts[0], found.half_hours[-1].end) == (found.start, found.end)
    for moment in starts[1:]:
        assert moment.minute % 30 == moment.second == moment.microsecond == 0
    assert all(timedelta() < span.end - span.start <= HALF_HOUR for span in found.half_hours)


def test_the_clock_change() -> None:
    """The same local hours are others in UTC before the clocks went back."""
    case = CASES["clock change"]
    expected = [datetime.fromisoformat(moment) for moment in case["reading_window_utc"]]
    found = window(date(2026, 10, 27), "17:00", "18:00").on(date(2026, 10, 22))
    assert [found.start, found.end] == expected
    days = window(date(2026, 10, 31), "17:00", "18:00").similar_days(())
    assert date.fromisoformat(case["excluded_day"]) not in days


def test_the_clock_change_in_figures() -> None:
    """What was used at five in summer time is compared with five in winter time."""
    event = window(date(2026, 10, 27), "17:00", "18:00")
    kwh = {event.start: 17.0, event.start + HALF_HOUR: 17.5, event.end: 18.0}
    for number in (20, 21, 22):
        for hour, value in ((15, 0), (16, 5), (17, 5.9), (18, 50)):
            kwh[datetime(2026, 10, number, hour, tzinfo=UTC)] = value
        kwh[datetime(2026, 10, number, 16, 30, tzinfo=UTC)] = 5.4
    found = estimate(event, (), [meter_of({}, kwh)], over=True)
    assert (found.usual, found.used, found.days_used) == (is_about(0.9), 1, 3)


# The worked example


def test_the_figures_of_the_example() -> None:
    """0.90 kWh usual, 0.40 used, 0.50 saved."""
    found = final()
    assert found == Estimate(
        start=WINDOW.start,
        end=WINDOW.end,
        half_hours=(
            HalfHour(start=at(EVENT_DAY, "17:00"), usual=is_about(0.4), used=is_about(0.21)),
            HalfHour(start=at(EVENT_DAY, "17:30"), usual=is_about(0.5), used=is_about(0.19)),
        ),
        days=found.days,
        days_wanted=EXPECTED["days_wanted"],
        so_far=is_about(EXPECTED["usual_kwh"]),
        used=is_about(EXPECTED["used_kwh"]),
        lower_than=EXPECTED["days_used"],
        approximate=False,
        final=True,
        measured_until=WINDOW.end,
    )
    assert found.usual == is_about(EXPECTED["usual_kwh"])
    assert found.saving == is_about(EXPECTED["saved_kwh"])
    assert found.lowest_day == is_about(EXPECTED["usual_lowest_day_kwh"])
    assert found.highest_day == is_about(EXPECTED["usual_highest_day_kwh"])
    assert found.days_used == EXPECTED["days_used"]
    assert found.saving
    assert found.usual
    assert 100 * found.saving / found.usual == is_about(EXPECTED["saved_percent"])
    assert (found.days_used == found.days_wanted) is EXPECTED["complete"]


def test_the_days_of_the_example() -> None:
    """The days used are those that were computed by hand."""
    days = usual_days(WINDOW, EQUIVENT_DAYS, readings())
    assert [str(day) for day in days] == EXAMPLE["hand_computation"]["days_used"]


@pytest.mark.parametrize("step", EXAMPLE["live"])
def test_live(step: dict[str, Any]) -> None:
    """Use and what is usual are both measured to the end of the newest row."""
    newest = step["newest_row_ends"]
    used: float = step["meter_since_start" if "meter_since_start" in step else "used_so_far"]
    over = step.get("final", False)
    known = readings((newest, used), newest=newest)
    now = datetime.fromisoformat(f"{EVENT_DAY}T{step['now']}+00:00")
    planned = window_of(at(EVENT_DAY, "17:01"), at(EVENT_DAY, "18:01"), now)
    assert planned
    found = estimate(planned, EQUIVENT_DAYS, known, over=over)
    assert found.used == is_about(used)
    assert found.saving == is_about(step["saved_so_far"])
    assert found.so_far == is_about(step["usual_so_far"])
    assert found.usual == is_about(EXPECTED["usual_kwh"])
    assert (found.measured_until, found.final) == (at(EVENT_DAY, newest), over)
    assert found.reason is None


def test_half_hours_while_live() -> None:
    """One under way counts as far as it goes, one to come has no use yet."""
    first = estimate(WINDOW, EQUIVENT_DAYS, readings(newest="17:00"), over=False)
    assert [half.used for half in first.half_hours] == [0, None]
    early = estimate(WINDOW, EQUIVENT_DAYS, readings(("17:20", 0.15), newest="17:20"), over=False)
    assert [half.used for half in early.half_hours] == [is_about(0.15), None]
    late = estimate(WINDOW, EQUIVENT_DAYS, readings(("17:45", 0.31), newest="17:45"), over=False)
    assert [half.used for half in late.half_hours] == [is_about(0.21), is_about(0.10)]
    assert [half.usual for half in late.half_hours] == [is_about(0.4), is_about(0.5)]


def test_half_past() -> None:
    """The same seven days serve a window from half past to half past."""
    case = CASES["half past"]
    found = final(window(EVENT_DAY, *case["window"]))
    assert found.usual == is_about(case["usual_kwh"])
    assert found.used == is_about(case["used_kwh"])
    assert found.saving == is_about(case["saved_kwh"])
    assert (found.days_used, found.approximate) == (7, False)


def test_a_weekend() -> None:
    """All four days of weekends, none of the week, and no trimming."""
    case = CASES["weekend"]
    saturday = window(date(2026, 11, 28), "17:00", "18:00")
    found = estimate(saturday, EQUIVENT_DAYS, readings(), over=False)
    assert [str(day) for day in found.days] == case["days_used"]
    assert found.usual == is_about(case["usual_kwh"])
    assert [half.usual for half in found.half_hours] == [is_about(0.57), is_about(0.61)]
    assert found.days_wanted == EXAMPLE["rules"]["days"]["non_working"] == 8


def test_more_than_usual() -> None:
    """The saving is negative, and nothing is clipped."""
    case = CASES["used more than usual, or a powerUP"]
    found = final(known=readings(("18:00", case["used_kwh"])))
    assert found.usual == is_about(case["usual_kwh"])
    assert found.saving == is_about(case["saved_kwh"])


@pytest.mark.parametrize("dip", [0.004, 0.006])
def test_a_dip_of_the_counter(dip: float) -> None:
    """A counter that went back by what is shown as nothing is read as it is, else it is a gap."""
    found = final(known=readings(("17:30", 0.21), ("18:00", 0.21 - dip)))
    second, used = (is_about(-dip), is_about(0.21 - dip)) if dip < 0.005 else (None, None)
    assert [half.used for half in found.half_hours] == [is_about(0.21), second]
    assert found.used == used


def test_too_few_days() -> None:
    """The use is known, what is usual is not yet."""
    case = CASES["too few days"]
    kept = {date.fromisoformat(day) for day in case["days"]} | {EVENT_DAY}
    known = {moment: kwh for moment, kwh in counter().items() if moment.date() in kept}
    found = final(known=[meter_of(in_between(known))])
    assert (found.usual, found.saving) == (case["usual_kwh"], case["saved_kwh"])
    assert found.used == is_about(case["used_kwh"])
    assert found.reason == case["reason"]
    assert (found.days_used, found.lowest_day, found.highest_day) == (2, None, None)
    assert [half.usual for half in found.half_hours] == [None, None]
    assert found.final


@pytest.mark.parametrize("over", [True, False])
def test_no_reading_at_the_start(over: bool) -> None:
    """Without it there is no use, and what is usual is known all the same."""
    case = CASES["no reading at the start (row 16:55 missing, meter unavailable)"]
    known = readings(without=[WINDOW.start])
    found = estimate(WINDOW, EQUIVENT_DAYS, known, over=over)
    assert (found.used, found.saving) == (case["used_kwh"], case["saved_kwh"])
    assert found.usual == is_about(case["usual_kwh"])
    assert found.reason == case["reason"]
    assert not found.final
    assert [half.used for half in found.half_hours] == [None, is_about(0.19)]


def test_a_late_meter() -> None:
    """Nothing is made up before its readings are there."""
    case = CASES["late meter (hourly external statistic imported next morning)"]
    late = readings(newest="16:30")
    for over in (False, True):
        found = estimate(WINDOW, EQUIVENT_DAYS, late, over=over)
        expected = case["at_end"]
        assert (found.used, found.saving) == (expected["used_kwh"], expected["saved_kwh"])
        assert (found.reason, found.final) == (expected["reason"], False)
        assert found.measured_until is None
    (before,), (after_import,) = late, readings()
    after = final(known=[before.updated(after_import, at(EVENT_DAY, "16:00"))])
    assert after.used == is_about(case["after_import"]["used_kwh"])
    assert after.saving == is_about(case["after_import"]["saved_kwh"])


def test_the_end_is_not_read_yet() -> None:
    """What was used until the newest reading is no result of an equivent that is over."""
    found = final(known=readings(newest="17:30"))
    assert (found.used, found.saving, found.final) == (None, None, False)
    assert found.reason is Reason.WAITING_FOR_METER


def test_a_gap_in_between() -> None:
    """The counter bridges it: two readings are all it takes."""
    case = CASES["gap inside the window, both boundary rows there"]
    kwh = {moment: value for moment, value in counter().items() if moment.date() < EVENT_DAY}
    for starts, value in case["rows"].items():
        kwh[at(EVENT_DAY, starts) + GRID] = value
    found = final(known=[meter_of(in_between(kwh))])
    assert found.used == is_about(case["used_kwh"])
    assert [half.used for half in found.half_hours] == [None, None]
    assert found.saving == is_about(0.5)


def test_a_day_whose_first_reading_is_gone() -> None:
    """It is left out, instead of counting the whole counter."""
    first = min(moment.date() for moment in counter())
    found = final(known=readings(without=[at(first, "17:00")]))
    assert found.days_used == EXPECTED["days_used"] - 1
    assert found.highest_day == is_about(EXPECTED["usual_highest_day_kwh"])


@pytest.mark.parametrize(("day", "wanted"), [("2026-11-24", 10), ("2026-11-28", 8)])
def test_the_most_recent_days_count(day: str, wanted: int) -> None:
    """A home with two months of readings is compared with its most recent days alone."""
    event = window(date.fromisoformat(day), "17:00", "18:00")
    days = event.similar_days(EQUIVENT_DAYS)
    assert len(days) > wanted
    kwh = {event.start: 1_000.0, event.end: 1_000.0}
    for number, similar in enumerate(days, 1):
        start = event.on(similar).start
        kwh |= {start: 0.0, start + HALF_HOUR: number / 4, start + 2 * HALF_HOUR: number / 2}
    found = estimate(event, EQUIVENT_DAYS, [meter_of({}, kwh)], over=True)
    assert (found.days_used, found.days_wanted) == (wanted, wanted)
    assert (found.lowest_day, found.highest_day) == (0.5, wanted / 2)
    assert found.usual == is_about((1 + wanted) / 4)


@pytest.mark.parametrize("over", [True, False])
def test_no_statistics(over: bool) -> None:
    """Nothing is known, and it says why."""
    for meters in ([], [Readings()], [*readings(), Readings()]):
        found = estimate(WINDOW, EQUIVENT_DAYS, meters, over=over)
        assert found == Estimate(
            start=WINDOW.start, end=WINDOW.end, days_wanted=10, reason=Reason.NO_STATISTICS
        )


# Hours in place of five minutes


def test_approximate_readings() -> None:
    """Hours mark what was made of them, and nothing else."""
    (meter,) = readings()
    newest_day, *_, oldest_day = usual_days(WINDOW, EQUIVENT_DAYS, [meter])
    hours = {moment: kwh for moment, kwh in counter().items() if moment.minute == 0}
    later = {m: kwh for m, kwh in in_between(counter()).items() if m.date() > oldest_day}
    found = final(known=[meter_of(later, hours)])
    assert (found.days_used, found.approximate) == (7, True)
    assert found.usual == is_about(0.9)
    assert not final(known=[meter_of(in_between(counter()), hours)]).approximate
    recent = {m: kwh for m, kwh in later.items() if m.date() >= newest_day}
    assert final(known=[meter_of(recent, hours)]).approximate


def test_newer_rows() -> None:
    """They take the place of all since a time: what is gone was cleared."""
    moments = [at(EVENT_DAY, label) for label in ("16:00", "17:00", "17:05", "17:10", "18:00")]
    old = meter_of(dict.fromkeys(moments[:4], 1.0), {moments[1]: 1.0})
    new = meter_of({moments[3]: 2.0, moments[4]: 3.0}, {moments[4]: 2.0})
    assert old.updated(new, moments[1]) == meter_of(
        {moments[0]: 1.0, moments[1]: 1.0, moments[3]: 2.0, moments[4]: 3.0},
        {moments[1]: 1.0, moments[4]: 2.0},
    )


def test_half_past_of_hours() -> None:
    """A reading that is not there stays missing where an hour beside it is."""
    kwh = {"16:00": 10.0, "17:00": 11.0, "18:00": 14.0, "20:00": 15.0}
    meter = meter_of({}, {at(EVENT_DAY, label): total for label, total in kwh.items()})
    found = {
        label: meter.at(at(EVENT_DAY, label)) for label in ("16:30", "17:30", "18:30", "17:15")
    }
    assert found == {"16:30": 10.5, "17:30": 12.5, "18:30": None, "17:15": 11.75}
    assert meter.is_approximate(at(EVENT_DAY, "16:30"))
    assert not meter.is_approximate(at(EVENT_DAY, "17:00"))
    assert (meter.newest, meter.pace) == (at(EVENT_DAY, "20:00"), None)


# The pace of a meter


def moves(*minutes: float, rows: int, kwh: float = 1) -> Readings:
    """Return a meter with so many rows, which moved so many minutes after the first."""
    noon = at(EVENT_DAY, "12:00")
    each = {noon + row * GRID: kwh * sum(m <= 5 * row for m in minutes) for row in range(rows)}
    return meter_of(each)


def each(minutes: int, hours: float, kwh: float = 1) -> Readings:
    """Return a meter that moved each so many minutes, for some hours."""
    return moves(*range(minutes, int(hours * 60), minutes), rows=int(hours * 12), kwh=kwh)


def twice(minutes: int, hours: int) -> list[int]:
    """Return the minutes of reports that are written in two."""
    return [each + wait for each in range(minutes, hours * 60, minutes) for wait in (0, 5)]


kettles = list(accumulate(islice(cycle((20, 65, 25, 70, 20, 60)), 32)))


@pytest.mark.parametrize(
    ("meter", "pace"),
    [
        (each(5, hours=1), 5),
        (each(10, hours=96), 10),
        (each(30, hours=2), None),  # moved three times: too few to tell
        (each(30, hours=3), 30),
        (each(30, hours=24, kwh=0.03), 30),  # in small steps, as little as 60 W
        (each(60, hours=24), 60),  # pushed each hour
        (each(24 * 60, hours=24), None),  # not there for long enough to say that it does not move
        (each(24 * 60, hours=26, kwh=8), 26 * 60 - 5),  # a day at once: it says nothing of an hour
        (moves(15, 30, 45, 60, 300, 315, 500, 515, rows=120), 15),  # away for some hours
        (moves(30, 55, 90, 120, 145, 180, rows=40), 35),  # not quite to the minute
        (moves(*twice(30, hours=6), rows=72), 25),  # each half hour, in two writes
        (moves(*twice(60, hours=6), rows=72), 55),
        (moves(*range(20, 900, 20), *range(900, 920, 5), rows=288), 5),  # seldom anything to report
        (moves(12, 72, 132, rows=40), 60),  # a new one, pushed each hour
        (moves(5, 10, 150, rows=40), 5),
        (Readings(), None),
        # Those that stand still, or draw little:
        (moves(rows=300), None),  # idle for a day: a tariff, a phase
        (each(24 * 60, hours=72, kwh=0.06), None),  # behind a battery: once a day
        (each(50, hours=72, kwh=0.01), None),  # a battery's 12 W, in steps of 10 Wh
        (each(150, hours=72, kwh=0.1), None),  # 40 W, in steps of 100 Wh
        (moves(40, 65, 180, 400, 425, 700, 725, 990, 1100, 1400, rows=288, kwh=0.04), None),
        (moves(*kettles, rows=288, kwh=0.045), None),  # more of it, at any time
        (moves(*kettles, rows=288, kwh=0.3), 60),  # in such steps: nothing to tell half hours by
    ],
)
def test_the_pace(meter: Readings, pace: float | None) -> None:
    """It is the longest of three times between moves in a row, where these are the shortest."""
    assert meter.pace == (pace and timedelta(minutes=pace))
    assert meter.is_slow == (pace is not None and pace > 15)


def test_the_pace_of_late() -> None:
    """A meter that has become slower, or faster, is so after some days at most."""
    day = 24 * 60
    slower = [*range(5, 6 * day, 5), *range(6 * day, 9 * day, 60)]
    assert moves(*slower, rows=6 * 288).pace == GRID
    assert moves(*slower, rows=9 * 288).pace == timedelta(hours=1)
    faster = [*range(60, 6 * day, 60), *range(6 * day, 7 * day, 5)]
    assert moves(*faster, rows=7 * 288).pace == GRID


def test_slow_meters() -> None:
    """More seldom than each five minutes is approximate, than each quarter of an hour no use."""
    assert not final(known=[each(5, hours=1), *readings()]).approximate
    ten = final(known=[each(10, hours=20), *readings()])
    assert ten.approximate
    assert ten.reason is not Reason.METER_TOO_SLOW
    for over in (False, True):
        slow = each(20, hours=20)
        found = estimate(WINDOW, EQUIVENT_DAYS, [slow, *readings()], over=over)
        assert found == Estimate(
            start=WINDOW.start,
            end=WINDOW.end,
            days_wanted=10,
            final=over,
            reason=Reason.METER_TOO_SLOW,
        )


# Several meters


def idle(kwh: float = 50) -> Readings:
    """Return a meter that stands still on all days of the example."""
    return meter_of(dict.fromkeys(in_between(counter()), kwh))


def test_one_that_stands_still() -> None:
    """The others' figures stay: an idle tariff or phase is a part of nothing."""
    found = final(known=[*readings(), idle()])
    assert (found.usual, found.used) == (is_about(0.9), is_about(0.4))
    assert (found.days_used, found.approximate, found.reason) == (7, False, None)


def test_a_tariff_that_moves_on_sundays() -> None:
    """What it counts is added on the days on which it counts."""
    total, sundays = 50.0, {}
    for moment in in_between(counter()):
        total += 0.1 if moment.weekday() == 6 else 0
        sundays[moment] = total
    tariff = meter_of(sundays)
    assert final(known=[*readings(), tariff]).used == is_about(0.4)
    sunday = window(date(2026, 11, 22), "17:00", "18:00")
    assert estimate(sunday, (), [*readings(), tariff], over=True).used == is_about(0.98 + 1.2)


def test_several_meters() -> None:
    """They are added; a day that one of them lacks is left out, and what one lacks is missing."""
    kwh = in_between(counter())
    parts = [{moment: total * share for moment, total in kwh.items()} for share in (5 / 8, 3 / 8)]
    both = [meter_of(part) for part in parts]
    assert final(known=both).used == is_about(0.4)
    assert final(known=both[:1]).used == is_about(0.25)
    monday = at(date(2026, 11, 23), "17:30")
    lacking = meter_of({m: total for m, total in parts[1].items() if m != monday})
    assert final(known=[both[0], lacking]).days_used == 6
    late = meter_of({m: total for m, total in parts[1].items() if m <= at(EVENT_DAY, "17:30")})
    assert final(known=[both[0], late]).reason is Reason.WAITING_FOR_METER
    live = estimate(WINDOW, EQUIVENT_DAYS, [both[0], late], over=False)
    assert (live.used, live.measured_until) == (is_about(0.21), at(EVENT_DAY, "17:30"))


# What no home can use


def shifted(start: datetime, by: float, end: datetime | None = None) -> Readings:
    """Return the home's meter with readings that are shifted from a time on, until another."""
    kwh = in_between(counter())
    last = end or max(kwh)
    return meter_of({m: total + by * (start <= m <= last) for m, total in kwh.items()})


@pytest.mark.parametrize("by", [1_161.27, 13, -4_600, -0.3])
@pytest.mark.parametrize("label", ["17:05", "17:30", "17:40", "18:00"])
def test_a_jump_in_the_window(label: str, by: float) -> None:
    """It is a gap: 1161 → 0 → 1161, statistics that were cleared, or a sum that was adjusted."""
    for over in (False, True):
        meters = [shifted(at(EVENT_DAY, label), by)]
        found = estimate(WINDOW, EQUIVENT_DAYS, meters, over=over)
        assert (found.used, found.saving, found.lower_than) == (None, None, None)
        assert (found.reason, found.final) == (Reason.METER_GAP, False)
        assert found.usual == is_about(0.9)


def test_a_jump_on_a_usual_day() -> None:
    """The day is left out, and its half hours count for nothing."""
    monday = at(date(2026, 11, 23), "17:15")
    for by in (655, -655):
        found = final(known=[shifted(monday, by)])
        assert (found.days_used, found.used) == (6, is_about(0.4))
        assert found.highest_day == is_about(1.0)


def test_a_jump_outside() -> None:
    """It is none of the window's."""
    for label in ("16:50", "18:05"):
        assert final(known=[shifted(at(EVENT_DAY, label), 1_161)]).saving == is_about(0.5)


def test_a_jump_of_one_of_several() -> None:
    """Each is judged for itself: what two make together may look right."""
    moment = at(EVENT_DAY, "17:40")
    both = [shifted(moment, 5_000), shifted(moment, -5_000)]
    assert final(known=both).reason is Reason.METER_GAP
    small = [shifted(moment, -1), shifted(moment, 1)]
    assert final(known=small).reason is Reason.METER_GAP


def test_a_glitch_that_is_over() -> None:
    """A reading that was wrong for some rows within a half hour spoils none of its ends."""
    glitch = shifted(at(EVENT_DAY, "17:10"), -1_161, at(EVENT_DAY, "17:20"))
    assert final(known=[glitch]).saving == is_about(0.5)
    rows = (m for m in in_between(counter()) if m <= at(EVENT_DAY, "17:15"))
    live = {m: glitch.at(m) or 0 for m in rows}
    assert estimate(WINDOW, EQUIVENT_DAYS, [meter_of(live)], over=False).used is None


def test_a_big_house() -> None:
    """Twelve kilowatt-hours in each half hour are a home's."""
    kwh = in_between(counter("17:00"))
    kwh |= {at(EVENT_DAY, "17:30"): kwh[WINDOW.start] + 12, WINDOW.end: kwh[WINDOW.start] + 24}
    assert final(known=[meter_of(kwh)]).used == is_about(24)
    del kwh[at(EVENT_DAY, "17:30")]
    assert final(known=[meter_of(kwh)]).used == is_about(24)
    kwh[WINDOW.end] += 0.1
    assert final(known=[meter_of(kwh)]).used is None


# How it compares


@pytest.mark.parametrize(
    ("used", "lower_than"), [(0.4, 7), (0.78, 6), (0.8, 6), (0.9, 2), (1.0, 0), (1.3, 0)]
)
def test_lower_than(used: float, lower_than: int) -> None:
    """It is the number of usual days on which more was used: .78 .82 .90 .90 .90 1.00 1.00."""
    assert final(known=readings(("18:00", used))).lower_than == lower_than


def test_lower_than_while_live() -> None:
    """Each day counts as far as the window has gone; before anything is measured none does."""
    live = estimate(WINDOW, EQUIVENT_DAYS, readings(("17:15", 0.2), newest="17:15"), over=False)
    assert live.so_far == is_about(0.2)
    assert live.lower_than == 3  # .23 .22 .21 of halves .46 .44 .42; .40 is as much
    start = estimate(WINDOW, EQUIVENT_DAYS, readings(newest="17:00"), over=False)
    assert (start.so_far, start.used, start.saving, start.lower_than) == (0, 0, 0, None)


def test_nothing_is_rounded() -> None:
    """Sums are rounded once, where they are shown."""
    found = final(known=readings(("18:00", 0.6204)))
    assert found.usual
    assert found.saving == pytest.approx(0.9 - 0.6204, abs=1e-9)


# What holds for any readings

ENERGY = st.floats(0, 5, allow_nan=False).map(lambda value: round(value, 3))
HOMES = st.dictionaries(st.integers(1, 60), st.tuples(ENERGY, ENERGY))
"""What was used in the two half hours, by how many days ago."""


def home(
    used: dict[int, tuple[float, float]], factor: float = 1, offset: float = 0
) -> tuple[Readings]:
    """Return the readings of a home with its use in the window on days so long ago, and now."""
    kwh: dict[datetime, float] = {}
    total = 100.0
    for ago, halves in sorted({**used, 0: (0.25, 0.5)}.items(), reverse=True):
        start = WINDOW.on(EVENT_DAY - timedelta(days=ago)).start
        for half, energy in enumerate((0, *halves)):
            total += energy
            kwh[start + half * HALF_HOUR] = factor * total + offset
    morning = at(EVENT_DAY, "10:00")
    total = kwh[WINDOW.start] - 5
    kwh |= {morning + row * GRID: total + row for row in range(5)}  # it is a fast one
    return (meter_of(kwh),)


def figures(found: Estimate) -> list[float | None]:
    """Return all energies in an estimate."""
    halves = [value for half in found.half_hours for value in (half.usual, half.used)]
    return [found.usual, found.used, found.saving, found.lowest_day, found.highest_day, *halves]


def nearly(values: list[float | None]) -> list[Any]:
    """Return what equals figures that were computed another way."""
    return [None if value is None else pytest.approx(value, abs=1e-6) for value in values]


@given(HOMES, st.floats(-1_000, 100_000))
def test_shifting_all_readings_changes_nothing(
    used: dict[int, tuple[float, float]], offset: float
) -> None:
    """What the counter showed at first does not matter."""
    found = figures(final(known=home(used, offset=offset)))
    assert found == nearly(figures(final(known=home(used))))


@given(HOMES, st.floats(0, 2))
def test_scaling_scales(used: dict[int, tuple[float, float]], factor: float) -> None:
    """Twice the use is twice each figure."""
    scaled = [
        value if value is None else factor * value for value in figures(final(known=home(used)))
    ]
    assert figures(final(known=home(used, factor=factor))) == nearly(scaled)


@given(HOMES, st.data())
def test_scaling_one_day(used: dict[int, tuple[float, float]], data: st.DataObject) -> None:
    """More use on one of the days raises what is usual by its share."""
    known = home(used)
    usual = final(known=known)
    if usual.usual is None:
        return
    day = data.draw(st.sampled_from(list(usual.days)))
    factor = data.draw(st.floats(0, 2))
    ago = (EVENT_DAY - day).days
    scaled = home({**used, ago: (used[ago][0] * factor, used[ago][1] * factor)})
    rise = (factor - 1) * sum(used[ago]) / len(usual.days)
    assert final(known=scaled).usual == pytest.approx(usual.usual + rise, abs=1e-6)


@given(HOMES, st.data())
def test_a_missing_reading_never_lowers_a_figure(
    used: dict[int, tuple[float, float]], data: st.DataObject
) -> None:
    """It takes its day out, as if that had not been, or leaves the use unknown."""
    (known,) = home(used)
    end = data.draw(st.sampled_from(sorted(known.five_minutes)))
    moment = datetime.fromtimestamp(end, UTC)
    rest_of = {each: kwh for each, kwh in known.five_minutes.items() if each != end}
    found = final(known=[Readings(five_minutes=rest_of)])
    if moment.date() == EVENT_DAY:
        assert found.used in (None, final(known=[known]).used)
        assert found.days == final(known=[known]).days
    else:
        ago = (EVENT_DAY - moment.date()).days
        rest = {number: energies for number, energies in used.items() if number != ago}
        assert figures(found) == nearly(figures(final(known=home(rest))))


@given(HOMES, st.sets(st.integers(1, 60)))
def test_equivents_are_as_if_their_days_had_not_been(
    used: dict[int, tuple[float, float]], ago: set[int]
) -> None:
    """What was used on them plays no part."""
    days = EQUIVENT_DAYS | {EVENT_DAY - timedelta(days=number) for number in ago}
    rest = {number: energies for number, energies in used.items() if number not in ago}
    found = estimate(WINDOW, days, home(used), over=True)
    assert figures(found) == nearly(figures(estimate(WINDOW, days, home(rest), over=True)))


@given(HOMES)
def test_no_figure_without_enough_days(used: dict[int, tuple[float, float]]) -> None:
    """Below the least number of days nothing is usual; above the most the recent ones count."""
    eligible = [
        (EVENT_DAY - day).days
        for day in WINDOW.similar_days(EQUIVENT_DAYS)
        if (EVENT_DAY - day).days in used
    ][: WANTED[True]]
    found = final(known=home(used))
    assert found.days_used == len(eligible)
    if len(eligible) < LEAST:
        assert (found.usual, found.saving, found.reason) == (None, None, Reason.LEARNING)
        return
    totals = [sum(used[ago]) for ago in eligible]
    assert found.usual == pytest.approx(sum(totals) / len(totals), abs=1e-6)
    assert found.lowest_day == pytest.approx(min(totals), abs=1e-6)
    assert found.highest_day == pytest.approx(max(totals), abs=1e-6)
    assert found.reason is None


@given(HOMES, st.integers(0, 12))
def test_while_it_goes_on(used: dict[int, tuple[float, float]], rows: int) -> None:
    """With what is usual used at an even rate, nothing is saved at any moment."""
    until = WINDOW.start + rows * GRID
    (known,) = home(used)
    usual = usual_days(WINDOW, EQUIVENT_DAYS, [known])
    if len(usual) < LEAST:
        return
    kwh = {datetime.fromtimestamp(end, UTC): each for end, each in known.five_minutes.items()}
    kwh = {moment: each for moment, each in kwh.items() if moment <= WINDOW.start}
    for row in range(rows):
        mean = fmean(energies[row // 6] for energies in usual.values())
        kwh[WINDOW.start + (row + 1) * GRID] = kwh[WINDOW.start + row * GRID] + mean / 6
    found = estimate(WINDOW, EQUIVENT_DAYS, [meter_of(kwh)], over=False)
    assert found.saving == pytest.approx(0, abs=1e-6)
    assert found.measured_until == until


@pytest.mark.parametrize("kwh", [0.1, 0.2, 0.3, 0.6, 0.7])
@pytest.mark.parametrize("first", [0.0, 4_576.1, 81_234.56])
def test_as_much_as_on_each_usual_day(kwh: float, first: float) -> None:
    """Readings that differ by as much are not told apart by a computer's arithmetic."""
    begins = {WINDOW.on(day).start for day in DAYS}
    rows, total = {}, first
    for begin in sorted(begins):
        for moment, used in ((begin, 0.0), (begin + HALF_HOUR, kwh), (begin + 2 * HALF_HOUR, kwh)):
            rows[moment] = total = round(total + used, 2)
    found = estimate(WINDOW, EQUIVENT_DAYS, [meter_of(in_between(rows))], over=True)
    assert (found.days_used, found.lower_than) == (8, 0)
    word = in_words(found) or ""
    assert word.endswith("less than on 0 of your 8 usual days")
