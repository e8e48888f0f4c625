"""What is known at one moment, as one value, and the edges that lead from one to the next."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .model import SAME, EdgeType, Equivent, Kind, Source

MAX_EQUIVENTS = 2000


class EndReason(StrEnum):
    """How the last equivent ended, which decides what makes it live again."""

    LISTED = "listed"
    TIME = "time"
    BOUND = "bound"
    VANISHED = "vanished"
    PUSH = "push"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Ended:
    """The last real equivent that ended, and when that was noticed."""

    equivent: Equivent
    reason: EndReason
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
    ended: Ended | None = None
    past: tuple[Equivent, ...] = ()
    """Every one that the API has ever listed as finished, newest first."""

    @property
    def real(self) -> Equivent | None:
        """Return the live one unless it is a rehearsal."""
        return None if self.rehearsal else self.live

    def is_live(self, equivent: Equivent) -> bool:
        """Return True if an equivent is the real one that is live."""
        return self.real is not None and self.real.same_as(equivent)

    @property
    def finished(self) -> tuple[Equivent, ...]:
        """Return the finished ones, newest first, whether or not the API lists the last already.

        The live one is not finished, whatever the list says.
        """
        first = 0
        while first < len(self.past) and self.is_live(self.past[first]):
            first += 1
        past = self.past[first:]
        if not self.ended or self.ended.reason is not EndReason.TIME:
            return past
        last = self.ended.equivent
        listed = past and (past[0].same_as(last) or past[0].start > last.start)
        return past if listed else (last, *past)

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


def add_finished(past: tuple[Equivent, ...], listed: Iterable[Equivent]) -> tuple[Equivent, ...]:
    """Return the finished ones with those that an answer lists, whose times count from now on."""
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
