"""Immutable snapshots of an account's equivents, and the edges between them."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

from .model import SAME, EdgeType, Equivent, Kind, Source

MAX_EQUIVENTS = 2000


@dataclass(frozen=True, slots=True)
class Over:
    """Last ended equivent, and the time at which its end was noticed."""

    equivent: Equivent
    at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Equivents of an account."""

    live: Equivent | None = None
    rehearsal: bool = False
    """True if the live equivent is a rehearsal."""
    pushed_at: datetime | None = None
    """Time of the push that started the live equivent, until the API confirms it."""
    upcoming: Equivent | None = None
    """Equivent that the API has announced."""
    over: Over | None = None
    past: tuple[Equivent, ...] = ()
    """Confirmed equivents, newest first."""

    @property
    def real(self) -> Equivent | None:
        """Live equivent, None during a rehearsal."""
        return None if self.rehearsal else self.live

    def is_live(self, equivent: Equivent) -> bool:
        """Return True if an equivent is live, not a rehearsal."""
        return self.real is not None and self.real.same_as(equivent)

    @property
    def finished(self) -> tuple[Equivent, ...]:
        """Finished equivents, newest first, without the live one, which the API may list."""
        first = 0
        while first < len(self.past) and self.is_live(self.past[first]):
            first += 1
        return self.past[first:]

    @property
    def last(self) -> Equivent | None:
        """Newest finished equivent."""
        return next(iter(self.finished), None)


class Edge(NamedTuple):
    """A change of the live state."""

    type: EdgeType
    equivent: Equivent
    source: Source
    after: Snapshot
    """Snapshot after the edge, with which it is stored."""
    skipped: bool = False
    """True if the equivent is skipped; set on announcing."""
    participants: tuple[str, ...] = ()
    """Names of the participants, set on announcing an end."""
    kind: Kind | None = None
    """Kind of the equivent, if planned."""

    @property
    def test(self) -> bool:
        """Return True if the equivent is a rehearsal."""
        return self.source is Source.SIMULATION

    @property
    def is_history(self) -> bool:
        """Return True for the end of an equivent that the API has confirmed."""
        return self.equivent in self.after.past

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes of the event, which are also the variables of triggers."""
        attributes: dict[str, Any] = {
            **self.equivent.as_dict(),
            "source": self.source.value,
            "test": self.test,
            "skipped": self.skipped,
            "kind": self.kind and self.kind.value,
        }
        if self.type is EdgeType.ENDED:
            attributes["participants"] = list(self.participants)
        return attributes


def add_finished(past: tuple[Equivent, ...], listed: Collection[Equivent]) -> tuple[Equivent, ...]:
    """Add finished equivents, replacing those whose times have been corrected."""
    if not listed:
        return past
    oldest = min(map(_start, listed))
    # Only the newest, as every answer lists the same ten, and years of them may be known.
    known = takewhile(lambda old: old.start >= oldest, past)
    new = sorted(set(listed).difference(known), key=_start)
    if not new:
        return past
    kept = [old for old in past if not any(old.same_as(equivent) for equivent in _near(new, old))]
    ordered = sorted(kept + new, key=_start, reverse=True)
    return tuple(ordered[:MAX_EQUIVENTS])


def _near(ordered: list[Equivent], equivent: Equivent) -> list[Equivent]:
    """Return the equivents near another, from a list in the order of their starts."""
    first = bisect_left(ordered, equivent.start - SAME, key=_start)
    return ordered[first : bisect_right(ordered, equivent.start + SAME, key=_start)]


def _start(equivent: Equivent) -> datetime:
    """Return the start of an equivent."""
    return equivent.start


def net_edges(edges: Iterable[Edge]) -> list[Edge]:
    """Reduce edges that had to wait to at most an end and a start.

    An equivent that began and ended meanwhile is history; an end that was revoked is dropped.
    """
    waiting = list(edges)
    ended = [edge for edge in waiting[:1] if edge.type is EdgeType.ENDED]
    started = [edge for edge in waiting[-1:] if edge.type is EdgeType.STARTED]
    if ended and started and ended[0].equivent.same_as(started[0].equivent):
        return []
    return ended + started
