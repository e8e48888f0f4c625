"""What is known at one moment, as one value, and the edges that lead from one to the next."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from .model import SAME, EdgeType, Equivent, Kind, Source

MAX_EQUIVENTS = 2000


@dataclass(frozen=True, slots=True)
class Over:
    """The real equivent that ended last, and when its end was noticed."""

    equivent: Equivent
    at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of an account's equivents."""

    live: Equivent | None = None
    rehearsal: bool = False
    """Whether the live one is a rehearsal."""
    pushed_at: datetime | None = None
    """When a push made the live one so, until the API confirms it."""
    upcoming: Equivent | None = None
    """One that the API has announced."""
    over: Over | None = None
    past: tuple[Equivent, ...] = ()
    """The finished ones, newest first."""

    @property
    def real(self) -> Equivent | None:
        """Return the live one unless it is a rehearsal."""
        return None if self.rehearsal else self.live

    def is_live(self, equivent: Equivent) -> bool:
        """Return True if an equivent is the real one that is live."""
        return self.real is not None and self.real.same_as(equivent)

    @property
    def finished(self) -> tuple[Equivent, ...]:
        """Return the finished ones, newest first: not the live one, whatever the API lists."""
        first = 0
        while first < len(self.past) and self.is_live(self.past[first]):
            first += 1
        return self.past[first:]

    @property
    def last(self) -> Equivent | None:
        """Return the newest finished one."""
        return next(iter(self.finished), None)


@dataclass(frozen=True, slots=True)
class Edge:
    """A change of the live state."""

    type: EdgeType
    equivent: Equivent
    source: Source
    after: Snapshot = field(repr=False)
    """What was known right after it, which is stored with it."""
    skipped: bool = False
    """Whether the home was not to take part, as is known when it is announced."""
    participants: tuple[str, ...] = ()
    """Who took part, as is known when an end is announced."""
    kind: Kind | None = None
    """Whether it rewards using less or more, if the user has planned it."""

    @property
    def test(self) -> bool:
        """Return True for a rehearsal's."""
        return self.source is Source.SIMULATION

    @property
    def is_history(self) -> bool:
        """Return True for the end of an equivent that the API has confirmed."""
        return self.equivent in self.after.past


def add_finished(past: tuple[Equivent, ...], listed: Iterable[Equivent]) -> tuple[Equivent, ...]:
    """Return the finished ones with more of them, whose times replace what was known before."""
    known = set(past)
    new = sorted(set(listed) - known, key=_start)
    if not new:
        return past
    kept = [old for old in past if not any(old.same_as(one) for one in _near(new, old))]
    ordered = sorted(kept + new, key=_start, reverse=True)
    return tuple(ordered[:MAX_EQUIVENTS])


def _near(ordered: list[Equivent], equivent: Equivent) -> list[Equivent]:
    """Return those that may be the same as an equivent, of some in the order of their starts."""
    first = bisect_left(ordered, equivent.start - SAME, key=_start)
    return ordered[first : bisect_right(ordered, equivent.start + SAME, key=_start)]


def _start(equivent: Equivent) -> datetime:
    """Return when an equivent starts."""
    return equivent.start


def net_edges(edges: Iterable[Edge]) -> list[Edge]:
    """Return what is left to announce of edges that had to wait: an end at most, then a start.

    What both began and ended meanwhile is history, and so is an end that was taken back.
    """
    waiting = list(edges)
    ended = [edge for edge in waiting[:1] if edge.type is EdgeType.ENDED]
    started = [edge for edge in waiting[-1:] if edge.type is EdgeType.STARTED]
    if ended and started and ended[0].equivent.same_as(started[0].equivent):
        return []
    return ended + started
