"""The provider's answers and their JSON.

The payload is known from the help page's example and from a log of 2022-12-09 that users published.
In the example, `current_event` is the live equivent with its planned end. In the log it is null,
while the newest of `previous_events` has no end. Both are read.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from .model import Equivent

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class MalformedError(ValueError):
    """The payload does not have the provider's format."""


class Answer(NamedTuple):
    """An answer of the provider."""

    current: Equivent | None = None
    previous: tuple[Equivent, ...] = ()
    """Listed equivents, newest first, of which only the newest may have no end."""
    skipped: int = 0
    """Number of unusable items of `previous_events`."""


def parse(payload: object) -> Answer:
    """Read the body of an answer.

    A bad past item is left out and counted, unless it may be the live equivent. Raise
    MalformedError for any other deviation, so that no fault reads as "no equivent".
    """
    match payload:
        case {
            "success": True,
            "data": {"current_event": current, "previous_events": list(items)},
        }:
            named = None if current is None else read_event(current)
        case _:
            raise MalformedError("success, current_event or previous_events is missing or wrong")
    if current is None and items:
        read_event(items[0])  # may be the live equivent, so an error in it counts
    listed, skipped = _read_events(items)
    previous = tuple(equivent for equivent in listed if equivent.end or equivent is listed[0])
    return Answer(named, previous, skipped)


def _read_events(items: Iterable[object]) -> tuple[list[Equivent], int]:
    """Return the readable items, newest first without duplicates, and the number of the others."""
    by_start: dict[datetime, Equivent] = {}
    skipped = 0
    for item in items:
        try:
            equivent = read_event(item)
        except MalformedError:
            skipped += 1
            continue
        known = equivent and by_start.get(equivent.start)
        if equivent and (known is None or known.end is None):
            by_start[equivent.start] = equivent
    return sorted(by_start.values(), key=lambda equivent: equivent.start, reverse=True), skipped


def read_event(item: object) -> Equivent | None:
    """Read an event. Return None if it was called off, in that it ends when it starts."""
    if not isinstance(item, Mapping) or not {"start_time", "end_time"} <= item.keys():
        raise MalformedError("an event without start_time and end_time")
    start = _read_time(item["start_time"])
    end = None if item["end_time"] is None else _read_time(item["end_time"])
    if end is not None and end < start:
        raise MalformedError("an event that ends before it starts")
    return None if start == end else Equivent(start, end)


def _read_time(value: object) -> datetime:
    """Read a time in Unix seconds."""
    if not isinstance(value, int):
        raise MalformedError("a time that is not a whole number")
    if not EARLIEST.timestamp() <= value <= LATEST.timestamp():
        raise MalformedError("a time out of all reason")
    return datetime.fromtimestamp(value, UTC)
