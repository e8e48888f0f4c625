"""Test what is made of readings: every figure of the worked example, and what holds for any."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.equiwatt.metering.baseline import (
    GRID,
    HALF_HOUR,
    LEAST,
    SLOWEST,
    WANTED,
    Estimate,
    HalfHour,
    Readings,
    Reason,
    Window,
    estimate,
    usual_of,
    window_of,
)

from .example import (
    DAYS,
    EQUIVENT_DAYS,
    EVENT_DAY,
    EXAMPLE,
    WINDOW,
    at,
    counter,
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


def final(window: Window = WINDOW, known: Readings | None = None) -> Estimate:
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
    assert [span.start for span in found.half_hours] == list(found.boundaries[:-1])
    assert [span.end for span in found.half_hours] == list(found.boundaries[1:])
    assert (found.boundaries[0], found.boundaries[-1]) == (found.start, found.end)
    for moment in found.boundaries[1:-1]:
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
    kwh = {moment: 1.0 * moment.hour for moment in event.boundaries}
    for number in (20, 21, 22):
        for hour, value in ((15, 0), (16, 5), (17, 5.9), (18, 50)):
            kwh[datetime(2026, 10, number, hour, tzinfo=UTC)] = value
        kwh[datetime(2026, 10, number, 16, 30, tzinfo=UTC)] = 5.4
    found = estimate(event, (), Readings(kwh=kwh, newest=event.end), over=True)
    assert (found.usual, found.used, found.days_used) == (is_about(0.9), 1, 3)


def test_the_moments_to_read() -> None:
    """The boundaries of the window, and of the same hours on each similar day."""
    moments = WINDOW.moments(EQUIVENT_DAYS)
    assert {at(day, "17:30") for day in DAYS if day.weekday() < 5} - moments == {
        at(day, "17:30") for day in EQUIVENT_DAYS
    }
    assert {moment.strftime("%H:%M") for moment in moments if moment > at(EVENT_DAY, "00:00")} == {
        "17:00",
        "17:30",
        "18:00",
    }
    assert len(moments) == 3 * (1 + len(WINDOW.similar_days(EQUIVENT_DAYS)))


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
        usual=is_about(EXPECTED["usual_kwh"]),
        used=is_about(EXPECTED["used_kwh"]),
        saving=is_about(EXPECTED["saved_kwh"]),
        days_used=EXPECTED["days_used"],
        days_wanted=EXPECTED["days_wanted"],
        lowest_day=is_about(EXPECTED["usual_lowest_day_kwh"]),
        highest_day=is_about(EXPECTED["usual_highest_day_kwh"]),
        approximate=False,
        final=True,
        measured_until=WINDOW.end,
    )
    assert found.saving
    assert found.usual
    assert 100 * found.saving / found.usual == is_about(EXPECTED["saved_percent"])
    assert (found.days_used == found.days_wanted) is EXPECTED["complete"]


def test_the_days_of_the_example() -> None:
    """The days used are those that were computed by hand."""
    days = usual_of(WINDOW, EQUIVENT_DAYS, readings()).days
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
    assert (found.saving or 0) + (found.used or 0) == is_about(step["usual_so_far"])
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
    """Four days of weekends, none of the week, and no trimming."""
    case = CASES["weekend"]
    saturday = window(date(2026, 11, 28), "17:00", "18:00")
    usual = usual_of(saturday, EQUIVENT_DAYS, readings())
    assert [str(day) for day in usual.days] == case["days_used"]
    assert sum(usual.half_hours) == is_about(case["usual_kwh"])
    assert usual.half_hours == (is_about(0.57), is_about(0.61))
    assert usual.days_wanted == 4


def test_more_than_usual() -> None:
    """The saving is negative, and nothing is clipped."""
    case = CASES["used more than usual, or a powerUP"]
    found = final(known=readings(("18:00", case["used_kwh"])))
    assert found.usual == is_about(case["usual_kwh"])
    assert found.saving == is_about(case["saved_kwh"])


def test_a_dip_of_the_counter() -> None:
    """A counter that went back a little is read as it is."""
    found = final(known=readings(("17:30", 0.21), ("18:00", 0.2)))
    assert [half.used for half in found.half_hours] == [is_about(0.21), is_about(-0.01)]
    assert found.used == is_about(0.2)


def test_too_few_days() -> None:
    """The use is known, what is usual is not yet."""
    case = CASES["too few days"]
    kept = {date.fromisoformat(day) for day in case["days"]} | {EVENT_DAY}
    known = {moment: kwh for moment, kwh in counter().items() if moment.date() in kept}
    found = final(known=replace(readings(), kwh=known))
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
    kwh = counter()
    del kwh[WINDOW.start]
    found = estimate(WINDOW, EQUIVENT_DAYS, replace(readings(), kwh=kwh), over=over)
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
    after = final(known=late.updated(readings()))
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
    found = final(known=Readings(kwh=kwh, newest=WINDOW.end))
    assert found.used == is_about(case["used_kwh"])
    assert [half.used for half in found.half_hours] == [None, None]
    assert found.saving == is_about(0.5)


def test_a_day_whose_first_reading_is_gone() -> None:
    """It is left out, instead of counting the whole counter."""
    first = min(moment.date() for moment in counter())
    kwh = counter()
    del kwh[at(first, "17:00")]
    found = final(known=replace(readings(), kwh=kwh))
    assert found.days_used == EXPECTED["days_used"] - 1
    assert found.highest_day == is_about(EXPECTED["usual_highest_day_kwh"])


@pytest.mark.parametrize(("day", "wanted"), [("2026-11-24", 10), ("2026-11-28", 4)])
def test_the_most_recent_days_count(day: str, wanted: int) -> None:
    """A home with two months of readings is compared with its most recent days alone."""
    event = window(date.fromisoformat(day), "17:00", "18:00")
    kwh = dict.fromkeys(event.boundaries, 0.0)
    days = event.similar_days(EQUIVENT_DAYS)
    assert len(days) > wanted
    for number, similar in enumerate(days, 1):
        for share, moment in enumerate(event.on(similar).boundaries):
            kwh[moment] = share * number / 2
    found = estimate(event, EQUIVENT_DAYS, Readings(kwh=kwh, newest=event.end), over=True)
    assert (found.days_used, found.days_wanted) == (wanted, wanted)
    assert (found.lowest_day, found.highest_day) == (1, wanted)
    assert found.usual == is_about((1 + wanted) / 2)


# Approximate, slow, or not there


def test_approximate_readings() -> None:
    """They mark what was made of them, and nothing else."""
    (newest_day, *_) = usual_of(WINDOW, EQUIVENT_DAYS, readings()).days
    for moment in (at(newest_day, "17:30"), WINDOW.start, WINDOW.end):
        assert final(known=replace(readings(), approximate=frozenset({moment}))).approximate
    for moment in (at(newest_day, "18:30"), at(date(2026, 11, 12), "17:00")):
        assert not final(known=replace(readings(), approximate=frozenset({moment}))).approximate


def test_the_pace_of_the_meter() -> None:
    """More seldom than each five minutes is approximate, more seldom than each quarter no use."""
    assert not final(known=replace(readings(), pace=GRID)).approximate
    assert final(known=replace(readings(), pace=2 * GRID)).approximate
    assert final(known=replace(readings(), pace=SLOWEST)).used == is_about(0.4)
    for over in (False, True):
        slow = replace(readings(), pace=SLOWEST + GRID)
        found = estimate(WINDOW, EQUIVENT_DAYS, slow, over=over)
        assert found == Estimate(
            start=WINDOW.start,
            end=WINDOW.end,
            days_wanted=10,
            final=over,
            reason=Reason.METER_TOO_SLOW,
        )


def test_no_statistics() -> None:
    """Nothing is known, and it says why."""
    found = estimate(WINDOW, EQUIVENT_DAYS, None, over=False)
    assert found == Estimate(
        start=WINDOW.start, end=WINDOW.end, days_wanted=10, reason=Reason.NO_STATISTICS
    )


def test_newer_readings() -> None:
    """They are added; the pace stays, and the newest moment unless there is a newer one."""
    old = Readings(
        kwh={at(EVENT_DAY, "17:00"): 1.0},
        approximate=frozenset({at(EVENT_DAY, "17:00")}),
        newest=at(EVENT_DAY, "17:00"),
        pace=GRID,
    )
    new = Readings(
        kwh={at(EVENT_DAY, "17:30"): 2.0},
        approximate=frozenset({at(EVENT_DAY, "17:30")}),
        newest=at(EVENT_DAY, "17:30"),
    )
    assert old.updated(new) == Readings(
        kwh={**old.kwh, **new.kwh},
        approximate=old.approximate | new.approximate,
        newest=new.newest,
        pace=GRID,
    )
    assert old.updated(Readings()) == old


# What holds for any readings

ENERGY = st.floats(0, 5, allow_nan=False).map(lambda value: round(value, 3))
HOMES = st.dictionaries(st.integers(1, 60), st.tuples(ENERGY, ENERGY))
"""What was used in the two half hours, by how many days ago."""


def home(used: dict[int, tuple[float, float]], factor: float = 1, offset: float = 0) -> Readings:
    """Return the readings of a home with its use in the window on days so long ago, and now."""
    kwh: dict[datetime, float] = {}
    total = 100.0
    for ago, halves in sorted({**used, 0: (0.25, 0.5)}.items(), reverse=True):
        boundaries = WINDOW.on(EVENT_DAY - timedelta(days=ago)).boundaries
        for moment, energy in zip(boundaries, (0, *halves), strict=True):
            total += energy
            kwh[moment] = factor * total + offset
    return Readings(kwh=kwh, newest=WINDOW.end)


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


@given(HOMES, st.floats(0, 100))
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
    usual = usual_of(WINDOW, EQUIVENT_DAYS, known)
    if not usual.half_hours:
        return
    day = data.draw(st.sampled_from(usual.days))
    factor = data.draw(st.floats(0, 10))
    ago = (EVENT_DAY - day).days
    scaled = home({**used, ago: (used[ago][0] * factor, used[ago][1] * factor)})
    after = usual_of(WINDOW, EQUIVENT_DAYS, scaled)
    rise = (factor - 1) * sum(used[ago]) / len(usual.days)
    assert sum(after.half_hours) == pytest.approx(sum(usual.half_hours) + rise, abs=1e-6)


@given(HOMES, st.data())
def test_a_missing_reading_never_lowers_a_figure(
    used: dict[int, tuple[float, float]], data: st.DataObject
) -> None:
    """It takes its day out, as if that had not been, or leaves the use unknown."""
    known = home(used)
    moment = data.draw(st.sampled_from(sorted(known.kwh)))
    without = replace(known, kwh={m: kwh for m, kwh in known.kwh.items() if m != moment})
    found = final(known=without)
    if moment in WINDOW.boundaries:
        assert found.used in (None, final(known=known).used)
        assert usual_of(WINDOW, EQUIVENT_DAYS, without) == usual_of(WINDOW, EQUIVENT_DAYS, known)
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
    if len(eligible) < LEAST[True]:
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
    known = home(used)
    usual = usual_of(WINDOW, EQUIVENT_DAYS, known)
    if not usual.half_hours:
        return
    kwh = {m: value for m, value in known.kwh.items() if m < WINDOW.start}
    total = kwh[WINDOW.start] = 500.0
    for row in range(rows):
        total += usual.half_hours[row // 6] / 6
        kwh[WINDOW.start + (row + 1) * GRID] = total
    found = estimate(WINDOW, EQUIVENT_DAYS, Readings(kwh=kwh, newest=until), over=False)
    assert found.saving == pytest.approx(0, abs=1e-6)
    assert found.measured_until == until
