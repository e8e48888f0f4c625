"""Test what the rows of one meter tell, and those of several."""

from datetime import timedelta

import pytest

from custom_components.equiwatt.metering.baseline import GRID, Readings
from custom_components.equiwatt.metering.counter import Counter, Row, readings_of, without_made_up

from .example import EVENT_DAY, at

NOON = at(EVENT_DAY, "12:00")
NO_ROWS = Counter(five_minutes={}, hours={})


def counter(*moves: float, rows: int) -> Counter:
    """Return a meter with so many rows, which moved so many minutes after the first."""
    kwh: dict[float, float] = {}
    for row in range(rows):
        end = NOON + row * GRID
        kwh[end.timestamp()] = sum(after <= 5 * row for after in moves)
    return Counter(five_minutes=kwh, hours={})


def each(minutes: int, hours: float) -> Counter:
    """Return a meter that moved each so many minutes, for some hours."""
    moves = range(minutes, int(hours * 60), minutes)
    return counter(*moves, rows=int(hours * 12))


def twice(minutes: int, hours: int) -> list[int]:
    """Return the minutes of reports that are written in two."""
    return [each + wait for each in range(minutes, hours * 60, minutes) for wait in (0, 5)]


@pytest.mark.parametrize(
    ("meter", "pace"),
    [
        (each(5, hours=1), 5),
        (each(10, hours=96), 10),
        (each(30, hours=2), None),  # moved three times: too few to tell
        (each(30, hours=3), 30),
        (each(60, hours=24), 60),  # pushed each hour
        (each(24 * 60, hours=24), None),  # not there for long enough to say that it does not move
        (each(24 * 60, hours=26), 26 * 60 - 5),  # a day at once, which says nothing of an hour
        (counter(rows=300), 299 * 5),
        (counter(15, 30, 45, 60, 300, 315, 500, 515, rows=120), 15),  # away for some hours
        (counter(30, 55, 90, 120, 145, 180, rows=40), 35),  # not quite to the minute
        (counter(*twice(30, hours=6), rows=72), 25),  # each half hour, in two writes
        (counter(*twice(60, hours=6), rows=72), 55),
        (counter(*range(20, 900, 20), *range(900, 920, 5), rows=288), 5),  # seldom anything to tell
        (counter(12, 72, 132, rows=40), 60),  # a new one, pushed each hour
        (counter(5, 10, 150, rows=40), 5),
        (NO_ROWS, None),
    ],
)
def test_the_pace(meter: Counter, pace: float | None) -> None:
    """It is the longest of three times between moves in a row, where these are the shortest."""
    assert meter.pace == (pace and timedelta(minutes=pace))


def test_the_pace_of_late() -> None:
    """A meter that has become slower, or faster, is so after some days at most."""
    day = 24 * 60
    slower = [*range(5, 6 * day, 5), *range(6 * day, 9 * day, 60)]
    assert counter(*slower, rows=6 * 288).pace == GRID
    assert counter(*slower, rows=9 * 288).pace == timedelta(hours=1)
    faster = [*range(60, 6 * day, 60), *range(6 * day, 7 * day, 5)]
    assert counter(*faster, rows=7 * 288).pace == GRID


def test_the_slowest_of_several() -> None:
    """What several meters make is as slow as the slowest one whose pace is known."""
    meters = [each(5, hours=5), each(30, hours=5), each(10, hours=5), each(60, hours=2)]
    assert readings_of(meters, ()).pace == timedelta(minutes=30)


def test_the_newest_reading_of_several() -> None:
    """It is the newest one that all of them have, of hours with one that has hours only."""
    hourly = Counter(five_minutes={}, hours={NOON.timestamp() + n * 3600: n for n in range(3)})
    meters = [counter(rows=20), counter(5, rows=23), hourly]
    for used, newest in ((meters[:1], 95), (meters[:2], 95), (meters, 60), (meters[::-1], 60)):
        found = readings_of(used, ())
        assert found.newest == NOON + timedelta(minutes=newest)
        assert found.kwh.keys() == {found.newest}
    assert readings_of([*meters, NO_ROWS], [NOON]) == Readings(is_hourly=True)


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ("1 2 3 4", "1 2 3 4"),
        ("1 1 1 2", "1 1 1 2"),  # it is idle
        ("1 2 2! 2! 5 6", "1 2 5 6"),  # Home Assistant was off
        ("1 2 3! 3! 3! 5", "1 2 5"),  # it was on for the first minutes of a row
        ("2! 2! 5 6", "5 6"),
        ("1 2! 2! 2 2 5", "1 5"),  # the meter does not report at once
        ("1 2! 2 2 2 2 2 5", "1 2 2 5"),  # it is idle
        ("1 2! 3 2", "1 3 2"),
        ("1! 2! 3! 4!", "2 3 4"),  # they were imported
        ("1! 2! 2! 4!", "2 4"),
        ("1 2! 2! 3 4! 4! 5", "1 3 5"),  # off twice
    ],
)
def test_made_up_rows(rows: str, kept: str) -> None:
    """Those that were written late, here marked as such, are no readings where they repeat one."""
    each = [
        Row(300.0 * number, float(row.strip("!")), row.endswith("!"))
        for number, row in enumerate(rows.split())
    ]
    found = without_made_up(each)
    assert list(found.values()) == [float(reading) for reading in kept.split()]
    assert found.items() <= {(row.end, row.kwh) for row in each}
