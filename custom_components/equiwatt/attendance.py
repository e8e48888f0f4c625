"""Who takes part in the live equivent, and whether it, or else the next one, is skipped."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .equivents.answer import MalformedError, read_time
from .equivents.model import Kind
from .equivents.snapshot import Edge, Snapshot


@dataclass(frozen=True, slots=True)
class Attendance:
    """What the home does about the live equivent, or else about the next one."""

    participants: tuple[str, ...] = ()
    skips_since: datetime | None = None
    """Since when the live one, or else the next one, is to be skipped."""

    @property
    def skips(self) -> bool:
        """Return True if the live one, or else the next one, is skipped."""
        return self.skips_since is not None

    def joined_by(self, participant: str) -> Attendance:
        """Return it with somebody who takes part, once."""
        others = (one for one in self.participants if one != participant)
        return replace(self, participants=(*others, participant))

    def marked(self, edge: Edge) -> Edge:
        """Return an edge with what is known of it here; who took part is asked at the end."""
        participants = self.participants if edge.kind is Kind.ENDED else ()
        return replace(edge, skipped=self.skips, participants=participants)

    def after(self, edge: Edge) -> Attendance:
        """Return it after an edge: the end of a real one uses a skip up."""
        is_used_up = edge.kind is Kind.ENDED and not edge.test
        return Attendance(skips_since=None if is_used_up else self.skips_since)

    def caught_up(self, announced: Snapshot, known: Snapshot) -> Attendance:
        """Return it after a time in which nobody watched: what was to be skipped may be history."""
        last, since = known.last, self.skips_since
        is_idle = not (announced.live or known.live)
        if since and is_idle and last and last.start >= since:
            return replace(self, skips_since=None)
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored: nothing for those who never use it."""
        since = {"skips_since": int(self.skips_since.timestamp())} if self.skips_since else {}
        return since | ({"participants": list(self.participants)} if self.participants else {})


def read_attendance(data: Mapping[str, Any]) -> tuple[Attendance, int]:
    """Return what is stored of it, and how much of that cannot be read."""
    items = data.get("participants", [])
    found = [one for one in items if isinstance(one, str)] if isinstance(items, list) else []
    unreadable = len(items) - len(found) if isinstance(items, list) else 1
    try:
        value = data.get("skips_since")
        since = None if value is None else read_time(value)
    except MalformedError:
        since, unreadable = None, unreadable + 1
    return Attendance(tuple(found), since), unreadable
