"""The worked example: the use of a home in November 2026, with the expected figures."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
import json
from pathlib import Path
from typing import Any

from custom_components.equiwatt.metering.baseline import GRID, HALF_HOUR, Readings, Window

EXAMPLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "baseline_example.json").read_text("utf-8")
)
LABELS = ("16:30", "17:00", "17:30", "18:00")
EVENT_DAY = date(2026, 11, 24)
EQUIVENT_DAYS = frozenset(
    date.fromisoformat(day["date"]) for day in EXAMPLE["days"] if day["verdict"] == "equivent"
)
DAYS: dict[date, dict[str, float | None]] = {
    date.fromisoformat(day["date"]): {label: day[label] for label in LABELS}
    for day in EXAMPLE["days"]
} | {EVENT_DAY: EXAMPLE["event_day"]["used"]}


def at(day: date, label: str) -> datetime:
    """Return a time on a winter's day, in UTC as on London's clocks."""
    return datetime.fromisoformat(f"{day}T{label}").replace(tzinfo=UTC)


def window(day: date, start: str, end: str) -> Window:
    """Return a window on a winter's day."""
    return Window(start=at(day, start), end=at(day, end))


WINDOW = window(EVENT_DAY, "17:00", "18:00")


def counter(newest: str = "18:30") -> dict[datetime, float]:
    """Return the meter's readings at each half hour, until a time on the event's day.

    Where the example has no value the meter was away: neither of its two readings is there.
    """
    kwh: dict[datetime, float] = {}
    missing: set[datetime] = set()
    total = 4_576.1
    for day, used in DAYS.items():
        kwh[at(day, LABELS[0])] = total = total + 3
        for label in LABELS:
            start, energy = at(day, label), used[label]
            if energy is None:
                missing |= {start, start + HALF_HOUR}
            kwh[start + HALF_HOUR] = total = total + (energy or 0)
    until = at(EVENT_DAY, newest)
    return {moment: kwh[moment] for moment in kwh if moment <= until and moment not in missing}


def in_between(kwh: dict[datetime, float]) -> dict[datetime, float]:
    """Return readings with interpolated ones every five minutes."""
    found: dict[datetime, float] = {}
    for (start, before), (end, after) in pairwise(kwh.items()):
        rows = 6 if end - start == HALF_HOUR else 1
        for row in range(rows):
            found[start + row * GRID] = before + (after - before) * row / 6
    return found | kwh


def meter_of(
    kwh: Mapping[datetime, float], hours: Mapping[datetime, float] | None = None
) -> Readings:
    """Return a meter with rows of five minutes and of hours, by their ends."""

    def rows(readings: Mapping[datetime, float]) -> dict[float, float]:
        """Return rows by Unix time, in order."""
        return {moment.timestamp(): readings[moment] for moment in sorted(readings)}

    return Readings(five_minutes=rows(kwh), hours=rows(hours or {}))


def readings(
    *extra: tuple[str, float], newest: str = "18:30", without: Collection[datetime] = ()
) -> tuple[Readings, ...]:
    """Return the home's readings until a time on the event's day.

    Further readings of that day can be given: the time, and the use since the equivent's start.
    """
    kwh = counter(newest)
    for label, used in extra:
        kwh[at(EVENT_DAY, label)] = kwh[WINDOW.start] + used
    known = {moment: each for moment, each in in_between(kwh).items() if moment not in without}
    return (meter_of(known),)


def minutes(number: float) -> timedelta:
    """Return some minutes as a timedelta."""
    return number * GRID / 5
