"""Who takes part in the live equivent, and whether it, or else the next one, is skipped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .answer import MalformedError, as_event, read_event, read_time
from .model import SAME, EdgeType, Equivent
from .snapshot import Edge, Snapshot


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part, and in which equivent: ends are announced after they are known."""

    name: str
    start: datetime
    """The start of the equivent, as far as it was known then."""


@dataclass(frozen=True, slots=True)
class Attendance:
    """What the home does about the live equivent, or else about the next one."""

    participants: tuple[Participant, ...] = ()
    skips_since: datetime | None = None
    """Since when the live one, or else the next one, is to be skipped."""
    skipped: Equivent | None = None
    """The one that used the last skip up, in case it proves to be live still."""

    @property
    def skips(self) -> bool:
        """Return True if the live one, or else the next one, is skipped."""
        return self.skips_since is not None

    def joined_by(self, name: str, equivent: Equivent) -> Attendance:
        """Return it with somebody who takes part in an equivent, once."""
        others = (one for one in self.participants if one.name != name)
        return replace(self, participants=(*others, Participant(name, equivent.start)))

    def skipping(self, since: datetime | None) -> Attendance:
        """Return it as the user wants it from now on."""
        return replace(self, skips_since=since, skipped=None)

    def before(self, edge: Edge) -> Attendance:
        """Return it as it applies to an edge: who took part in what never ended is forgotten.

        An equivent that came and went unseen was the next one, and one that is live again is
        skipped still.
        """
        if edge.type is EdgeType.ENDED:
            return self
        start = edge.equivent.start
        joined = tuple(one for one in self.participants if one.start >= start - SAME)
        found = replace(self, participants=joined).caught_up(edge.after)
        if self.skipped and not edge.test and self.skipped.same_as(edge.equivent):
            return replace(found, skips_since=start)
        return found

    def marked(self, edge: Edge) -> Edge:
        """Return an edge with what is known of it here; who took part is asked at the end."""
        ended = edge.type is EdgeType.ENDED
        names = tuple(one.name for one in self.participants if ended and _is_of(edge, one.start))
        skips = self.before(edge).skips_since
        return replace(edge, skipped=skips is not None and _is_of(edge, skips), participants=names)

    def after(self, edge: Edge) -> Attendance:
        """Return it after an edge: the end of one that the API has confirmed uses a skip up."""
        found = self.before(edge)
        if edge.type is EdgeType.STARTED:
            return found
        left = tuple(one for one in found.participants if not _is_of(edge, one.start))
        found = replace(found, participants=left)
        if found.skips_since and edge.is_history and _is_of(edge, found.skips_since):
            return replace(found, skips_since=None, skipped=edge.equivent)
        return found

    def caught_up(self, known: Snapshot) -> Attendance:
        """Return it after a time in which nobody watched: what was to be skipped may be history."""
        last, since = known.last, self.skips_since
        if since and last and last.start >= since:
            return replace(self, skips_since=None)
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored: nothing for those who never use it."""
        joined = {one.name: int(one.start.timestamp()) for one in self.participants}
        since, over = self.skips_since, self.skipped
        return {
            **({"skips_since": int(since.timestamp())} if since else {}),
            **({"skipped": as_event(over)} if over else {}),
            **({"participants": joined} if joined else {}),
        }


def read_attendance(data: Mapping[str, Any]) -> tuple[Attendance, int]:
    """Return what is stored of it, and how much of that cannot be read."""
    items = data.get("participants", {})
    is_dict = isinstance(items, dict)
    joined = {name: _read(read_time, start) for name, start in items.items()} if is_dict else {}
    since = _read(read_time, data.get("skips_since"))
    skipped = _read(read_event, data.get("skipped"))
    unreadable = sum(start is None for start in joined.values()) + (not is_dict)
    unreadable += since is None and data.get("skips_since") is not None
    unreadable += skipped is None and data.get("skipped") is not None
    found = tuple(Participant(name, start) for name, start in joined.items() if start)
    return Attendance(found, since, skipped), unreadable


def _is_of(edge: Edge, moment: datetime) -> bool:
    """Return True if a moment belongs to an edge's equivent, or to an earlier one."""
    return edge.type is EdgeType.STARTED or edge.equivent.end is None or moment < edge.equivent.end


def _read[T](read: Callable[[object], T], value: object) -> T | None:
    """Return a value that was stored, None if there is none or it cannot be read."""
    try:
        return None if value is None else read(value)
    except MalformedError:
        return None
