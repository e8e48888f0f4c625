"""Test when the API is asked."""

from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from statistics import median, quantiles

from hypothesis import given, strategies as st
import pytest

from custom_components.equiwatt.equivents.schedule import MAX_OFFSET, delay, offset_of

LOG = json.loads((Path(__file__).parents[1] / "data" / "log_2022_12_09.json").read_text())
EVENTS = LOG["data"]["previous_events"]
EDGES = [t for e in EVENTS for t in (e["start_time"], e["end_time"]) if t]
HOUR = datetime(2026, 11, 20, 17, tzinfo=UTC)


def polls(begin: float, end: float, offset: float) -> list[float]:
    """Return when the API is asked from `begin` to `end`."""
    times = [begin]
    while times[-1] < end:
        now = datetime.fromtimestamp(times[-1], UTC)
        times.append(times[-1] + delay(now, False, offset))
    return times


def test_sees_the_real_edges() -> None:
    """The nineteen edges of the log, each in fifty phases and homes, are seen soon."""
    assert len(EDGES) == 19
    waits = []
    for edge in EDGES:
        for phase in range(50):
            offset = offset_of(f"home {phase}")
            begin = edge - 5400 - phase * 1.2
            waits.append(next(t for t in polls(begin, edge + 60, offset) if t >= edge) - edge)
    assert median(waits) <= 8
    assert quantiles(waits, n=20)[-1] <= 12
    assert max(waits) <= 12


@pytest.mark.parametrize("offset", [0, 1.7, MAX_OFFSET])
def test_calls_a_day(offset: float) -> None:
    """A day has 1,900 calls at most, whatever the offset."""
    begin = HOUR.timestamp() + 7
    assert 1_700 < len(polls(begin, begin + 86_400, offset)) <= 1_900


@pytest.mark.parametrize(
    ("second", "expected"),
    [(0, 60), (30, 30), (59, 1), (60, 10), (65, 10), (149, 10), (150, 60), (1800, 60), (1830, 30)],
)
def test_pace(second: int, expected: float) -> None:
    """Every ten seconds from 60 to 150 seconds after a half hour, every minute otherwise."""
    now = HOUR + timedelta(seconds=second)
    assert delay(now, False, 0) == expected
    assert delay(now + timedelta(seconds=4), False, 4) == expected


@given(seconds=st.floats(0, 86_400), offset=st.floats(0, MAX_OFFSET))
def test_never_steps_over_an_opening(seconds: float, offset: float) -> None:
    """The next call is never after the next opening of a window."""
    now = HOUR + timedelta(seconds=seconds)
    opening = 1800 - (now.timestamp() - 60 - offset) % 1800
    assert 0 < delay(now, False, offset) <= max(opening, 10)
    assert delay(now, False, offset) <= 60


@pytest.mark.parametrize(
    ("failures", "expected"), [(0, 60), (5, 60), (6, 120), (7, 240), (8, 300), (400, 300)]
)
def test_back_off(failures: int, expected: float) -> None:
    """Failed calls are repeated less and less often, up to five minutes, but not in a window."""
    quiet = HOUR + timedelta(seconds=300)
    assert delay(quiet, False, 0, failures) == expected
    assert delay(HOUR + timedelta(seconds=1870), False, 0, failures) == 10
    assert delay(HOUR + timedelta(seconds=1840), False, 0, failures) == 20


@given(st.floats(0, 86_400))
def test_awaiting(seconds: float) -> None:
    """A push that awaits its confirmation is asked about every ten seconds."""
    assert delay(HOUR + timedelta(seconds=seconds), True, 0) == 10


def test_offsets_differ() -> None:
    """Homes ask at different times, and each at the same one always."""
    offsets = {offset_of(f"entry {number}") for number in range(100)}
    assert len(offsets) > 50
    assert all(0 <= offset < MAX_OFFSET for offset in offsets)
    assert offset_of("a") == offset_of("a")
