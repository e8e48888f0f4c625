"""Participation in the live equivent, and skipping it or the next equivent."""

from dataclasses import dataclass, replace
from datetime import datetime

from .model import SAME, EdgeType, Equivent
from .snapshot import Edge, Snapshot


@dataclass(frozen=True, slots=True)
class Attendance:
    """Participants of the live equivent, and the skip of it or the next equivent."""

    participants: tuple[tuple[str, datetime], ...] = ()
    """Names, and starts of their equivents, as the next may start before an end is announced."""
    skips_since: datetime | None = None
    """Time of the skip of the live equivent, or of the next if none is live."""
    skipped: Equivent | None = None
    """Equivent that used up the last skip, to restore the skip if its end proves wrong."""

    @property
    def skips(self) -> bool:
        """Return True if the live equivent, or the next if none is live, is skipped."""
        return self.skips_since is not None

    def has_skipped(self, equivent: Equivent) -> bool:
        """Return True if an equivent has used up the last skip."""
        return self.skipped is not None and self.skipped.same_as(equivent)

    def joined_by(self, name: str, equivent: Equivent) -> Attendance:
        """Add a participant to an equivent."""
        others = (each for each in self.participants if each[0] != name)
        return replace(self, participants=(*others, (name, equivent.start)))

    def skipping(self, since: datetime | None) -> Attendance:
        """Set or clear the skip."""
        return replace(self, skips_since=since, skipped=None)

    def before(self, edge: Edge) -> Attendance:
        """Return the attendance that applies to an edge.

        At a start, participants of earlier equivents are dropped. An equivent that came and went
        unseen has used up a skip, and an equivent that is live again is still skipped.
        """
        if edge.type is EdgeType.ENDED:
            return self
        start = edge.equivent.start
        joined = tuple(each for each in self.participants if each[1] >= start - SAME)
        found = replace(self, participants=joined).caught_up(edge.after)
        if not edge.test and self.has_skipped(edge.equivent):
            return replace(found, skips_since=start)
        return found

    def marked(self, edge: Edge) -> Edge:
        """Add the skip to an edge, and the participants to an end."""
        ended = edge.type is EdgeType.ENDED
        names = tuple(name for name, start in self.participants if ended and _is_of(edge, start))
        skips = self.before(edge).skips_since
        return edge._replace(skipped=skips is not None and _is_of(edge, skips), participants=names)

    def after(self, edge: Edge) -> Attendance:
        """Apply an edge: the end of an equivent, not of a rehearsal, uses up a skip."""
        found = self.before(edge)
        if edge.type is EdgeType.STARTED:
            return found
        left = tuple(each for each in found.participants if not _is_of(edge, each[1]))
        found = replace(found, participants=left)
        if found.skips_since and not edge.test and _is_of(edge, found.skips_since):
            return replace(found, skips_since=None, skipped=edge.equivent)
        return found

    def caught_up(self, known: Snapshot) -> Attendance:
        """Use up the skip if its equivent came and went unseen."""
        last, since = known.last, self.skips_since
        if since and last and last.start >= since:
            return replace(self, skips_since=None)
        return self


def _is_of(edge: Edge, moment: datetime) -> bool:
    """Return True if a moment is not after an edge's equivent."""
    return edge.type is EdgeType.STARTED or edge.equivent.end is None or moment < edge.equivent.end
