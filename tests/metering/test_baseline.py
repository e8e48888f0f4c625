"""Test the figures of the worked example, and the properties of any readings."""

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
from custom_components.equiwatt.metering.days import similar_days
from custom_components.equiwatt.metering.results import MIN_DAYS, Estimate, HalfHour, Reason

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
    """Return an approximate value for the four decimals of the example."""
    return None if value is None else pytest.approx(value, abs=5e-5)


def final(window: Window = WINDOW, known: Sequence[Readings] | None = None) -> Estimate:
    """Return the estimate of a window that is over."""
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
    """Start and end are floored to five minutes."""
    start, end = (
        datetime.fromisoformat(case.get(f"api_{name}") or case[name]) for name in ("start", "end")
    )
    assert window_of(start, end, NOW) == window(date.fromisoformat(day), *case["window"])


def test_windows_without_a_known_end() -> None:
    """The window lasts until the end of the current half hour."""
    start = at(EVENT_DAY, "17:01")
    ends = [("16:59", "17:30"), ("17:01", "17:30"), ("17:29", "17:30"), ("17:30", "18:00")]
    for now, end in ends:
        expected = window(EVENT_DAY, "17:00", end)
        assert window_of(start, None, at(EVENT_DAY, now)) == expected


def test_too_short() -> None:
    """An equivent within five minutes has no window."""
    start = at(EVENT_DAY, "17:01")
    assert window_of(start, start + minutes(3), NOW) is None
    assert window_of(start, start + minutes(4), NOW) == window(EVENT_DAY, "17:00", "17:05")


@given(
    st.timedeltas(timedelta(), timedelta(days=5_000)),
    st.timedeltas(timedelta(minutes=5), timedelta(hours=6)),
)
def test_half_hours_of_any_window(later: timedelta, lasts: timedelta) -> None:
    """Half hours are contiguous, cover the window, and change on the half hour."""
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


def test_clock_change() -> None:
    """The same local hours have another UTC time before the clocks went back."""
    case = CASES["clock change"]
    expected = [datetime.fromisoformat(moment) for moment in case["reading_window_utc"]]
    found = window(date(2026, 10, 27), "17:00", "18:00").on(date(2026, 10, 22))
    assert [found.start, found.end] == expected
    found = window(date(2026, 10, 31), "17:00", "18:00")
    days = similar_days(found.start, found.end, ())
    assert date.fromisoformat(case["excluded_day"]) not in days


def test_clock_change_in_figures() -> None:
    """The use at five in summer time is compared with the use at five in winter time."""
    event = window(date(2026, 10, 27), "17:00", "18:00")
    kwh = {event.start: 17.0, event.start + HALF_HOUR: 17.5, event.end: 18.0}
    for number in (20, 21, 22):
        for hour, value in ((15, 0), (16, 5), (17, 5.9), (18, 50)):
            kwh[datetime(2026, 10, number, hour, tzinfo=UTC)] = value
        kwh[datetime(2026, 10, number, 16, 30, tzinfo=UTC)] = 5.4
    found = estimate(event, (), [meter_of({}, kwh)], over=True)
    assert (found.usual, found.used, found.days_used) == (is_about(0.9), 1, 3)


# The worked example


def test_figures_of_the_example() -> None:
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
        used=is_about(EXPECTED["used_kwh"]),
        approximate=False,
        final=True,
        measured_until=WINDOW.end,
    )
    assert found.usual == found.so_far == is_about(EXPECTED["usual_kwh"])
    assert found.lower_than == EXPECTED["days_used"]
    assert found.saving == is_about(EXPECTED["saved_kwh"])
    assert found.lowest_day == is_about(EXPECTED["usual_lowest_day_kwh"])
    assert found.highest_day == is_about(EXPECTED["usual_highest_day_kwh"])
    assert found.days_used == EXPECTED["days_used"]
    assert found.saving
    assert found.usual
    assert 100 * found.saving / found.usual == is_about(EXPECTED["saved_percent"])
    assert (found.days_used == found.days_wanted) is EXPECTED["complete"]


def test_days_of_the_example() -> None:
    """The days used are those computed by hand."""
    days = usual_days(WINDOW, EQUIVENT_DAYS, readings())
    assert [str(day) for day in days] == EXAMPLE["hand_computation"]["days_used"]


@pytest.mark.parametrize("step", EXAMPLE["live"])
def test_live(step: dict[str, Any]) -> None:
    """The use and the usual use are both measured to the end of the newest row."""
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
    """The current half hour counts in part, and the next ones have no use yet."""
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


def test_weekend() -> None:
    """All four days of weekends count, none of the week, without trimming."""
    case = CASES["weekend"]
    saturday = window(date(2026, 11, 28), "17:00", "18:00")
    found = estimate(saturday, EQUIVENT_DAYS, readings(), over=False)
    assert list(found.days) == case["days_used"]
    assert found.usual == is_about(case["usual_kwh"])
    assert [half.usual for half in found.half_hours] == [is_about(0.57), is_about(0.61)]
    assert found.days_wanted == EXAMPLE["rules"]["days"]["non_working"] == 8


def test_more_than_usual() -> None:
    """The saving is negative without clipping."""
    case = CASES["used more than usual, or a powerUP"]
    found = final(known=readings(("18:00", case["used_kwh"])))
    assert found.usual == is_about(case["usual_kwh"])
    assert found.saving == is_about(case["saved_kwh"])


@pytest.mark.parametrize("dip", [0.004, 0.006])
def test_dip(dip: float) -> None:
    """A small dip of the counter is a reading, and a larger one is a gap."""
    found = final(known=readings(("17:30", 0.21), ("18:00", 0.21 - dip)))
    second, used = (is_about(-dip), is_about(0.21 - dip)) if dip < 0.005 else (None, None)
    assert [half.used for half in found.half_hours] == [is_about(0.21), second]
    assert found.used == used


def test_too_few_days() -> None:
    """The use is known and the usual use is not."""
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
    """The use is unknown and the usual use is known."""
    case = CASES["no reading at the start (row 16:55 missing, meter unavailable)"]
    known = readings(without=[WINDOW.start])
    found = estimate(WINDOW, EQUIVENT_DAYS, known, over=over)
    assert (found.used, found.saving) == (case["used_kwh"], case["saved_kwh"])
    assert found.usual == is_about(case["usual_kwh"])
    assert found.reason == case["reason"]
    assert not found.final
    assert [half.used for half in found.half_hours] == [None, is_about(0.19)]


def test_late_meter() -> None:
    """Nothing is estimated before the readings are available."""
    case = CASES["late meter (hourly external statistic imported next morning)"]
    late = readings(newest="16:30")
    for over in (False, True):
        found = estimate(WINDOW, EQUIVENT_DAYS, late, over=over)
        expected = case["at_end"]
        assert (found.used, found.saving) == (expected["used_kwh"], expected["saved_kwh"])
        assert (found.reason, found.final) == (expected["reason"], False)
        assert found.measured_until is None
    after = final(known=readings())
    assert after.used == is_about(case["after_import"]["used_kwh"])
    assert after.saving == is_about(case["after_import"]["saved_kwh"])


def test_hourly_meter_while_live() -> None:
    """A meter with hourly rows alone has no figures while an equivent is live."""
    hours = {moment: kwh for moment, kwh in counter("17:00").items() if moment.minute == 0}
    found = estimate(WINDOW, EQUIVENT_DAYS, [meter_of({}, hours)], over=False)
    assert (found.used, found.so_far, found.measured_until) == (None, None, None)
    assert (found.usual, found.reason) == (is_about(0.9), Reason.WAITING_FOR_METER)


def test_end_not_read() -> None:
    """The use up to the newest reading is no final result."""
    found = final(known=readings(newest="17:30"))
    assert (found.used, found.saving, found.final) == (None, None, False)
    assert found.reason is Reason.WAITING_FOR_METER


def test_gap_in_between() -> None:
    """A gap between two readings does not matter."""
    case = CASES["gap inside the window, both boundary rows there"]
    kwh = {moment: value for moment, value in counter().items() if moment.date() < EVENT_DAY}
    for starts, value in case["rows"].items():
        kwh[at(EVENT_DAY, starts) + GRID] = value
    found = final(known=[meter_of(in_between(kwh))])
    assert found.used == is_about(case["used_kwh"])
    assert [half.used for half in found.half_hours] == [None, None]
    assert found.saving == is_about(0.5)


def test_first_reading_missing() -> None:
    """A day without its first reading is left out, instead of counting the whole counter."""
    first = min(moment.date() for moment in counter())
    found = final(known=readings(without=[at(first, "17:00")]))
    assert found.days_used == EXPECTED["days_used"] - 1
    assert found.highest_day == is_about(EXPECTED["usual_highest_day_kwh"])


@pytest.mark.parametrize(("day", "wanted"), [("2026-11-24", 10), ("2026-11-28", 8)])
def test_most_recent_days(day: str, wanted: int) -> None:
    """Only the most recent of two months of days count."""
    event = window(date.fromisoformat(day), "17:00", "18:00")
    days = similar_days(event.start, event.end, EQUIVENT_DAYS)
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
    """The estimate is empty, with a reason."""
    for meters in ([], [Readings()], [*readings(), Readings()]):
        found = estimate(WINDOW, EQUIVENT_DAYS, meters, over=over)
        assert found == Estimate(
            start=WINDOW.start, end=WINDOW.end, days_wanted=10, reason=Reason.NO_STATISTICS
        )


# Hours in place of five minutes


def test_approximate_readings() -> None:
    """Only figures from hourly rows are approximate."""
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


def test_half_past_of_hours() -> None:
    """A reading between two hours needs both of them."""
    kwh = {"16:00": 10.0, "17:00": 11.0, "18:00": 14.0, "20:00": 15.0}
    meter = meter_of({}, {at(EVENT_DAY, label): total for label, total in kwh.items()})
    found = {
        label: meter.at(at(EVENT_DAY, label)) for label in ("16:30", "17:30", "18:30", "17:15")
    }
    assert found == {"16:30": 10.5, "17:30": 12.5, "18:30": None, "17:15": 11.75}
    assert meter.is_approximate([at(EVENT_DAY, "16:30")])
    assert not meter.is_approximate([at(EVENT_DAY, "17:00")])
    assert (meter.newest, meter.pace) == (at(EVENT_DAY, "20:00"), None)


# The pace of a meter


def moves(*minutes: float, rows: int, kwh: float = 1) -> Readings:
    """Return a meter with some rows that moved the given minutes after the first."""
    noon = at(EVENT_DAY, "12:00")
    each = {noon + row * GRID: kwh * sum(m <= 5 * row for m in minutes) for row in range(rows)}
    return meter_of(each)


def each(minutes: int, hours: float, kwh: float = 1) -> Readings:
    """Return a meter that moved at an interval for some hours."""
    return moves(*range(minutes, int(hours * 60), minutes), rows=int(hours * 12), kwh=kwh)


def twice(minutes: int, hours: int) -> list[int]:
    """Return the minutes of reports that are split over two rows."""
    return [each + wait for each in range(minutes, hours * 60, minutes) for wait in (0, 5)]


kettles = list(accumulate(islice(cycle((20, 65, 25, 70, 20, 60)), 32)))


@pytest.mark.parametrize(
    ("meter", "pace"),
    [
        (each(5, hours=1), 5),
        (each(10, hours=96), 10),
        (each(30, hours=2), None),  # moved three times, which is too few
        (each(30, hours=3), 30),
        (each(30, hours=24, kwh=0.03), 30),  # in small steps, as little as 60 W
        (each(60, hours=24), 60),  # pushed each hour
        (each(24 * 60, hours=24), None),  # too new to count as idle
        (each(24 * 60, hours=26, kwh=8), 26 * 60 - 5),  # a whole day at once
        (moves(15, 30, 45, 60, 300, 315, 500, 515, rows=120), 15),  # unavailable for some hours
        (moves(30, 55, 90, 120, 145, 180, rows=40), 35),  # not quite to the minute
        (moves(*twice(30, hours=6), rows=72), 25),  # each half hour, in two writes
        (moves(*twice(60, hours=6), rows=72), 55),
        (moves(*range(20, 900, 20), *range(900, 920, 5), rows=288), 5),  # few reports
        (moves(12, 72, 132, rows=40), 60),  # a new one, pushed each hour
        (moves(5, 10, 150, rows=40), 5),
        (Readings(), None),
        # Idle meters and small loads:
        (moves(rows=300), None),  # idle for a day: a tariff, a phase
        (each(24 * 60, hours=72, kwh=0.06), None),  # behind a battery: once a day
        (each(50, hours=72, kwh=0.01), None),  # a battery's 12 W, in steps of 10 Wh
        (each(150, hours=72, kwh=0.1), None),  # 40 W, in steps of 100 Wh
        (moves(40, 65, 180, 400, 425, 700, 725, 990, 1100, 1400, rows=288, kwh=0.04), None),
        (moves(*kettles, rows=288, kwh=0.045), None),  # more devices at any time
        (moves(*kettles, rows=288, kwh=0.3), 60),  # steps too large for half hours
    ],
)
def test_pace(meter: Readings, pace: float | None) -> None:
    """The pace is the longest of the three shortest successive intervals between moves."""
    assert meter.pace == (pace and timedelta(minutes=pace))
    assert meter.is_slow == (pace is not None and pace > 15)


def test_pace_changes() -> None:
    """A new pace of the meter counts after some days at most."""
    day = 24 * 60
    slower = [*range(5, 6 * day, 5), *range(6 * day, 9 * day, 60)]
    assert moves(*slower, rows=6 * 288).pace == GRID
    assert moves(*slower, rows=9 * 288).pace == timedelta(hours=1)
    faster = [*range(60, 6 * day, 60), *range(6 * day, 7 * day, 5)]
    assert moves(*faster, rows=7 * 288).pace == GRID


def test_slow_meters() -> None:
    """A pace over five minutes is approximate, over a quarter of an hour too slow."""
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


def test_idle_meter() -> None:
    """The others' figures are kept, as an idle tariff or phase adds nothing."""
    found = final(known=[*readings(), idle()])
    assert (found.usual, found.used) == (is_about(0.9), is_about(0.4))
    assert (found.days_used, found.approximate, found.reason) == (7, False, None)


def test_sunday_tariff() -> None:
    """A meter that moves on Sundays only adds to those days."""
    total, sundays = 50.0, {}
    for moment in in_between(counter()):
        total += 0.1 if moment.weekday() == 6 else 0
        sundays[moment] = total
    tariff = meter_of(sundays)
    assert final(known=[*readings(), tariff]).used == is_about(0.4)
    sunday = window(date(2026, 11, 22), "17:00", "18:00")
    assert estimate(sunday, (), [*readings(), tariff], over=True).used == is_about(0.98 + 1.2)


def test_several_meters() -> None:
    """Meters are added, and a day that is missing in one of them is left out."""
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


# Implausible use


def shifted(start: datetime, by: float, end: datetime | None = None) -> Readings:
    """Return the home's meter with readings shifted between two times."""
    kwh = in_between(counter())
    last = end or max(kwh)
    return meter_of({m: total + by * (start <= m <= last) for m, total in kwh.items()})


@pytest.mark.parametrize("by", [1_161.27, 13, -4_600, -0.3])
@pytest.mark.parametrize("label", ["17:05", "17:30", "17:40", "18:00"])
def test_jump_in_the_window(label: str, by: float) -> None:
    """A reset, cleared statistics or an adjusted sum is a gap."""
    for over in (False, True):
        meters = [shifted(at(EVENT_DAY, label), by)]
        found = estimate(WINDOW, EQUIVENT_DAYS, meters, over=over)
        assert (found.used, found.saving, found.lower_than) == (None, None, None)
        assert (found.reason, found.final) == (Reason.METER_GAP, False)
        assert found.usual == is_about(0.9)


def test_jump_on_usual_day() -> None:
    """The day is left out with its half hours."""
    monday = at(date(2026, 11, 23), "17:15")
    for by in (655, -655):
        found = final(known=[shifted(monday, by)])
        assert (found.days_used, found.used) == (6, is_about(0.4))
        assert found.highest_day == is_about(1.0)


def test_jump_outside() -> None:
    """A jump outside the window does not matter."""
    for label in ("16:50", "18:05"):
        assert final(known=[shifted(at(EVENT_DAY, label), 1_161)]).saving == is_about(0.5)


def test_jump_of_one_of_several() -> None:
    """Each meter is checked for jumps, as a sum may hide them."""
    moment = at(EVENT_DAY, "17:40")
    both = [shifted(moment, 5_000), shifted(moment, -5_000)]
    assert final(known=both).reason is Reason.METER_GAP
    small = [shifted(moment, -1), shifted(moment, 1)]
    assert final(known=small).reason is Reason.METER_GAP


def test_short_glitch() -> None:
    """Wrong readings within a half hour do not matter."""
    glitch = shifted(at(EVENT_DAY, "17:10"), -1_161, at(EVENT_DAY, "17:20"))
    assert final(known=[glitch]).saving == is_about(0.5)
    rows = (m for m in in_between(counter()) if m <= at(EVENT_DAY, "17:15"))
    live = {m: glitch.at(m) or 0 for m in rows}
    assert estimate(WINDOW, EQUIVENT_DAYS, [meter_of(live)], over=False).used is None


def test_big_house() -> None:
    """Twelve kilowatt-hours in each half hour are plausible."""
    kwh = in_between(counter("17:00"))
    kwh |= {at(EVENT_DAY, "17:30"): kwh[WINDOW.start] + 12, WINDOW.end: kwh[WINDOW.start] + 24}
    assert final(known=[meter_of(kwh)]).used == is_about(24)
    del kwh[at(EVENT_DAY, "17:30")]
    assert final(known=[meter_of(kwh)]).used == is_about(24)
    kwh[WINDOW.end] += 0.1
    assert final(known=[meter_of(kwh)]).used is None


# Comparison with the usual days


@pytest.mark.parametrize(
    ("used", "lower_than"), [(0.4, 7), (0.78, 6), (0.8, 6), (0.9, 2), (1.0, 0), (1.3, 0)]
)
def test_lower_than(used: float, lower_than: int) -> None:
    """The number of usual days with more use: .78 .82 .90 .90 .90 1.00 1.00."""
    assert final(known=readings(("18:00", used))).lower_than == lower_than


def test_lower_than_while_live() -> None:
    """Each day counts up to the measured part of the window, and none before the first row."""
    live = estimate(WINDOW, EQUIVENT_DAYS, readings(("17:15", 0.2), newest="17:15"), over=False)
    assert live.so_far == is_about(0.2)
    assert live.lower_than == 3  # .23 .22 .21 of halves .46 .44 .42; .40 is equal
    start = estimate(WINDOW, EQUIVENT_DAYS, readings(newest="17:00"), over=False)
    assert (start.so_far, start.used, start.saving, start.lower_than) == (0, 0, 0, None)


def test_nothing_is_rounded() -> None:
    """Sums are not rounded before they are shown."""
    found = final(known=readings(("18:00", 0.6204)))
    assert found.usual
    assert found.saving == pytest.approx(0.9 - 0.6204, abs=1e-9)


# Properties of any readings

ENERGY = st.floats(0, 5, allow_nan=False).map(lambda value: round(value, 3))
HOMES = st.dictionaries(st.integers(1, 60), st.tuples(ENERGY, ENERGY))
"""Use in the two half hours by days ago."""


def home(
    used: dict[int, tuple[float, float]], factor: float = 1, offset: float = 0
) -> tuple[Readings]:
    """Return the readings of a home with its use in the window, now and on earlier days."""
    kwh: dict[datetime, float] = {}
    total = 100.0
    for ago, halves in sorted({**used, 0: (0.25, 0.5)}.items(), reverse=True):
        start = WINDOW.on(EVENT_DAY - timedelta(days=ago)).start
        for half, energy in enumerate((0, *halves)):
            total += energy
            kwh[start + half * HALF_HOUR] = factor * total + offset
    morning = at(EVENT_DAY, "10:00")
    total = kwh[WINDOW.start] - 5
    kwh |= {morning + row * GRID: total + row for row in range(5)}  # a fast meter
    return (meter_of(kwh),)


def figures(found: Estimate) -> list[float | None]:
    """Return all energies of an estimate."""
    halves = [value for half in found.half_hours for value in (half.usual, half.used)]
    return [found.usual, found.used, found.saving, found.lowest_day, found.highest_day, *halves]


def nearly(values: list[float | None]) -> list[Any]:
    """Return an approximate value for figures computed in another way."""
    return [None if value is None else pytest.approx(value, abs=1e-6) for value in values]


@given(HOMES, st.floats(-1_000, 100_000))
def test_shifting_all_readings_changes_nothing(
    used: dict[int, tuple[float, float]], offset: float
) -> None:
    """The first reading of the counter does not matter."""
    found = figures(final(known=home(used, offset=offset)))
    assert found == nearly(figures(final(known=home(used))))


@given(HOMES, st.floats(0, 2))
def test_scaling_scales(used: dict[int, tuple[float, float]], factor: float) -> None:
    """Twice the use doubles each figure."""
    scaled = [
        value if value is None else factor * value for value in figures(final(known=home(used)))
    ]
    assert figures(final(known=home(used, factor=factor))) == nearly(scaled)


@given(HOMES, st.data())
def test_scaling_one_day(used: dict[int, tuple[float, float]], data: st.DataObject) -> None:
    """More use on one day raises the usual use by its share."""
    known = home(used)
    usual = final(known=known)
    if usual.usual is None:
        return
    day = data.draw(st.sampled_from(list(usual.days)))
    factor = data.draw(st.floats(0, 2))
    ago = (EVENT_DAY - date.fromisoformat(day)).days
    scaled = home({**used, ago: (used[ago][0] * factor, used[ago][1] * factor)})
    rise = (factor - 1) * sum(used[ago]) / len(usual.days)
    assert final(known=scaled).usual == pytest.approx(usual.usual + rise, abs=1e-6)


@given(HOMES, st.data())
def test_missing_reading(used: dict[int, tuple[float, float]], data: st.DataObject) -> None:
    """A missing reading drops its day, or makes the use unknown."""
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
def test_days_of_equivents(used: dict[int, tuple[float, float]], ago: set[int]) -> None:
    """Days with equivents do not count."""
    days = EQUIVENT_DAYS | {EVENT_DAY - timedelta(days=number) for number in ago}
    rest = {number: energies for number, energies in used.items() if number not in ago}
    found = estimate(WINDOW, days, home(used), over=True)
    assert figures(found) == nearly(figures(estimate(WINDOW, days, home(rest), over=True)))


@given(HOMES)
def test_number_of_days(used: dict[int, tuple[float, float]]) -> None:
    """The usual use needs the minimum of days, and takes the most recent up to the maximum."""
    eligible = [
        (EVENT_DAY - day).days
        for day in similar_days(WINDOW.start, WINDOW.end, EQUIVENT_DAYS)
        if (EVENT_DAY - day).days in used
    ][: WANTED[True]]
    found = final(known=home(used))
    assert found.days_used == len(eligible)
    if len(eligible) < MIN_DAYS:
        assert (found.usual, found.saving, found.reason) == (None, None, Reason.LEARNING)
        return
    totals = [sum(used[ago]) for ago in eligible]
    assert found.usual == pytest.approx(sum(totals) / len(totals), abs=1e-6)
    assert found.lowest_day == pytest.approx(min(totals), abs=1e-6)
    assert found.highest_day == pytest.approx(max(totals), abs=1e-6)
    assert found.reason is None


@given(HOMES, st.integers(0, 12))
def test_constant_use(used: dict[int, tuple[float, float]], rows: int) -> None:
    """The saving is zero at any moment if the use is the usual one."""
    until = WINDOW.start + rows * GRID
    (known,) = home(used)
    usual = usual_days(WINDOW, EQUIVENT_DAYS, [known])
    if len(usual) < MIN_DAYS:
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
def test_equal_use(kwh: float, first: float) -> None:
    """Floating-point errors do not count as a difference."""
    begins = {WINDOW.on(day).start for day in DAYS}
    rows, total = {}, first
    for begin in sorted(begins):
        for moment, used in ((begin, 0.0), (begin + HALF_HOUR, kwh), (begin + 2 * HALF_HOUR, kwh)):
            rows[moment] = total = round(total + used, 2)
    found = estimate(WINDOW, EQUIVENT_DAYS, [meter_of(in_between(rows))], over=True)
    assert (found.days_used, found.lower_than) == (8, 0)
    sentence = found.in_words or ""
    assert sentence.endswith("less than on 0 of your 8 usual days")
