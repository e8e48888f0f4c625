"""Test the polling schedule."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
import json
from pathlib import Path
from random import Random
from statistics import median, quantiles

from hypothesis import given, strategies as st
import pytest

from custom_components.equiwatt.equivents.schedule import (
    WINDOW_INTERVAL,
    delay,
    delay_before_end,
    offset_of,
)

from ..fakes.samples import sampled

LOG = json.loads((Path(__file__).parents[1] / "data" / "log_2022_12_09.json").read_text())
EVENTS = LOG["data"]["previous_events"]
EDGES = [t for e in EVENTS for t in (e["start_time"], e["end_time"]) if t]
HOUR = datetime(2026, 11, 20, 17, tzinfo=UTC)


def polls(begin: float, end: float, offset: float, *planned: float) -> list[float]:
    """Return the times of the polls from `begin` to `end`."""
    times, starts = [begin], [datetime.fromtimestamp(start, UTC) for start in planned]
    while times[-1] < end:
        now = datetime.fromtimestamp(times[-1], UTC)
        times.append(times[-1] + delay(now, False, offset, planned=starts))
    return times


def test_real_edges() -> None:
    """The nineteen edges of the log are seen soon, in fifty phases and homes each."""
    assert len(EDGES) == 19
    waits = []
    for edge in EDGES:
        for phase in range(50):
            offset = offset_of(f"home {phase}")
            begin = edge - 1830 - phase * 1.2
            waits.append(next(t for t in polls(begin, edge + 60, offset) if t >= edge) - edge)
    assert median(waits) <= 3.8  # half the interval, as homes are spread evenly
    assert quantiles(waits, n=20)[-1] <= 7.6
    assert max(waits) <= 7.6


@pytest.mark.long(1)
def test_edges_at_other_times() -> None:
    """Edges at any other time by day are seen as soon as by polling every 30 seconds."""
    random = Random(7)  # noqa: S311 - nothing is to be kept secret
    ours, plain = [], []
    for _ in range(100):
        edge = HOUR.replace(hour=7).timestamp() + random.uniform(0, 14 * 3600)
        for phase in range(20):
            begin = edge - 1830 - 3 * phase
            offset = phase / 20 * WINDOW_INTERVAL
            ours.append(next(t for t in polls(begin, edge + 60, offset) if t >= edge) - edge)
            plain.append(random.uniform(0, 30))
    assert median(ours) <= median(plain)
    assert quantiles(ours, n=20)[-1] <= quantiles(plain, n=20)[-1]
    assert max(ours) <= 30


@pytest.mark.parametrize("offset", [0, 1.7, WINDOW_INTERVAL])
def test_calls_a_day(offset: float) -> None:
    """A day has fewer calls than with polling every 30 seconds, at any offset."""
    begin = HOUR.timestamp() + 7
    assert 2_800 < len(polls(begin, begin + 86_400, offset)) < 2_880


@given(
    planned=st.floats(0, 86_400),
    late=st.floats(-50, 180),
    home=st.integers(0, 200),
    phase=st.floats(0, 60),
)
def test_planned_start(planned: float, late: float, home: int, phase: float) -> None:
    """A start from a minute before to three minutes after its plan is seen soon."""
    offset, start = offset_of(f"home {home}"), HOUR.timestamp() + planned
    edge = start + late
    times = polls(start - 1800 - phase, edge + 60, offset, start)
    assert next(t for t in times if t >= edge) - edge <= WINDOW_INTERVAL
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1


@pytest.mark.parametrize("home", sampled(20, quick=5))
def test_calls_of_a_plan(home: int) -> None:
    """A plan at an odd time adds some 25 calls to a day."""
    offset, begin = offset_of(f"home {home}"), HOUR.timestamp() + 7
    planned = begin + 3600 + 17 * 60
    usual = len(polls(begin, begin + 86_400, offset))
    assert 20 <= len(polls(begin, begin + 86_400, offset, planned)) - usual <= 26


@given(seconds=st.floats(0, 86_400), planned=st.lists(st.floats(-3600, 86_400)))
def test_plan_delays_no_call(seconds: float, planned: list[float]) -> None:
    """A plan delays no call, and no call comes sooner than in a window."""
    now = HOUR + timedelta(seconds=seconds)
    starts = [HOUR + timedelta(seconds=start) for start in planned]
    assert 1 <= delay(now, False, 3, planned=starts) <= max(delay(now, False, 3), WINDOW_INTERVAL)


@pytest.mark.parametrize("home", sampled(20, quick=5))
def test_window_closes_on_time(home: int) -> None:
    """A fractional offset adds no call to a window."""
    offset = offset_of(f"home {home}")
    times = polls(HOUR.timestamp() + 60 + offset, HOUR.timestamp() + 86_460, offset)
    steps = [round(later - earlier, 3) for earlier, later in pairwise(times)]
    assert steps.count(WINDOW_INTERVAL) == 48 * 12


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        *[(0, 30), (30, 30), (58, 2), (59.5, 7.5), (60, 7.5), (65, 7.5), (149, 7.5), (150, 30)],
        *[(1800, 30), (1840, 20), (1860, 7.5)],
    ],
)
def test_pace(second: float, expected: float) -> None:
    """Every 7.5 seconds from 60 to 150 seconds after a half hour, every half minute otherwise."""
    now = HOUR + timedelta(seconds=second)
    assert delay(now, False, 0) == expected
    assert delay(now + timedelta(seconds=4), False, 4) == expected


@pytest.mark.parametrize(("hour", "expected"), [(5, 60), (6, 30), (21, 30), (22, 60), (0, 60)])
def test_day_and_night(hour: int, expected: float) -> None:
    """The interval by night is a minute, in UTC for any time zone."""
    now = HOUR.replace(hour=hour, minute=10)
    assert delay(now, False, 0) == expected
    assert delay(now.astimezone(timezone(timedelta(hours=5))), False, 0) == expected


@given(seconds=st.floats(0, 86_400), offset=st.floats(0, WINDOW_INTERVAL))
def test_window_opening(seconds: float, offset: float) -> None:
    """The next call is never after the next opening of a window."""
    now = HOUR + timedelta(seconds=seconds)
    opening = 1800 - (now.timestamp() - 60 - offset) % 1800
    assert 0 < delay(now, False, offset) <= max(opening, 7.5)
    assert delay(now, False, offset) <= 60


@pytest.mark.parametrize(
    ("to_opening", "expected"),
    [
        (40, 30),
        (37.5, 30),
        (37, 29.5),
        (31.5, 24),
        (30.5, 30),
        (30, 30),
        (8, 8),
        (7.5, 7.5),
        (3, 3),
    ],
)
def test_call_before_window_opening(to_opening: float, expected: float) -> None:
    """A call due right before the own window comes before the first window opens."""
    now = HOUR + timedelta(seconds=1860 + 5 - to_opening)
    assert delay(now, False, 5) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("left", "expected"),
    [(600, 30), (42, 30), (41, 29), (14, 2), (13, 2), (2.5, 2), (2, 30), (0, 30), (-60, 30)],
)
def test_retry_before_planned_end(left: float, expected: float) -> None:
    """A failed call is retried in time for an answer before the planned end."""
    assert delay_before_end(30, HOUR + timedelta(seconds=left), HOUR) == expected


@given(st.floats(0, 86_400))
def test_awaiting(seconds: float) -> None:
    """A call is due every ten seconds at least while a push awaits its confirmation."""
    now = HOUR + timedelta(seconds=seconds)
    assert delay(now, True, 0) == min(10, delay(now, False, 0))


def test_offsets_differ() -> None:
    """The offsets of homes differ, and each stays the same."""
    offsets = {offset_of(f"entry {number}") for number in range(100)}
    assert len(offsets) == 100
    assert max(offsets) > 0.9 * WINDOW_INTERVAL
    assert min(offsets) < 0.1 * WINDOW_INTERVAL
    assert all(0 <= offset < WINDOW_INTERVAL for offset in offsets)
    assert offset_of("a") == offset_of("a")
