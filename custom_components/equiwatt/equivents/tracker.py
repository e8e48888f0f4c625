"""State machine of the live equivent, driven by the API, the webhook and the clock.

A false end costs the user more than a late one, and a false start costs comfort. So neither a call
nor a single answer ends an equivent that the API has confirmed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .answer import Answer
from .model import EdgeType, Equivent, Source
from .snapshot import Edge, Over, Snapshot, add_finished

OVERRUN = timedelta(minutes=15)
"""Time after its planned end for which the API may name an equivent."""
MAX_OPEN = timedelta(hours=6)
"""Longest duration of an equivent without an end."""
PUSH_GRACE = timedelta(minutes=5)
"""Age of a push from which an answer may contradict it."""
PUSH_BOUND = timedelta(hours=1)
"""Time after which a push expires while the API cannot be reached."""
OUT_OF_ORDER = timedelta(minutes=2)
"""Time within which calls and answers may refer to the same change."""
CONFIRMATION_INTERVAL = timedelta(seconds=10)
"""Time between two answers that are required to end an equivent without other evidence."""
MIN_CORRECTION = timedelta(seconds=1)
"""Smallest correction of the clock that matters."""


class Tracker:
    """Live state of an account; all times are aware UTC."""

    def __init__(self, restored: Snapshot | None = None) -> None:
        """Initialize with the snapshot of the last announced edge."""
        self._restored = self.snapshot = restored or Snapshot()
        self._missed_at: datetime | None = None
        """Time of the first answer that contradicts the live equivent."""
        self._named_at: datetime | None = None
        """Time of the first of consecutive answers that name the last ended equivent."""
        self._ended_call_at: datetime | None = None
        """Time of an `ended` call that no answer has confirmed."""
        self._has_failed: bool | None = None
        """True if the last request to the API failed, None before the first."""
        self._edges: list[Edge] = []

    def take_edges(self) -> list[Edge]:
        """Return the edges since the last call."""
        edges, self._edges = self._edges, []
        return edges

    def observe(self, answer: Answer, now: datetime, date: datetime | None = None) -> None:
        """Apply an answer that was received at `now` and has the server's `date`, if any."""
        self._has_failed = False
        self._restored = Snapshot()  # spared by the first correction after a restart only
        at = date or now
        named, upcoming = self._named(answer, at, timedelta() if date else OUT_OF_ORDER)
        named = self._credible(named, at, now)
        is_confirmed = named and self.snapshot.is_live(named)
        if (self.snapshot.pushed_at or self.snapshot.rehearsal) and not is_confirmed:
            self._expire(now)
        finished = [listed for listed in answer.previous if listed.end and listed.end <= at]
        self._set(upcoming=upcoming, past=add_finished(self.snapshot.past, finished))
        self._compare(named, finished, at, now)
        if named and not self.snapshot.real and not (named.end and named.end <= at):
            self._start(named, Source.API)
        self.tick(now)

    def fail(self, now: datetime) -> None:
        """Apply a failed request: planned times decide until the API answers again."""
        self._has_failed = True
        self.tick(now)

    def push(self, edge_type: EdgeType, now: datetime) -> None:
        """Apply a webhook call that was received at `now`."""
        live, over = self.snapshot.real, self.snapshot.over
        if edge_type is EdgeType.STARTED and not live:
            self._start(Equivent(now.replace(microsecond=0)), Source.WEBHOOK, pushed_at=now)
        elif edge_type is EdgeType.ENDED and live and not (over and _is_recent(over.at, now)):
            is_near = live.end is not None and now >= live.end - OUT_OF_ORDER
            if self.snapshot.pushed_at or is_near or self._has_failed:
                self._end(Equivent(live.start, now), Source.WEBHOOK, now)
            else:
                self._ended_call_at = now

    def rehearse(self, end: datetime, now: datetime) -> None:
        """Start a rehearsal until `end`, or change the end of the live rehearsal.

        A live equivent is not touched; an equivent that starts replaces a rehearsal silently.
        """
        if self.snapshot.real:
            return
        live = self.snapshot.live
        start = live.start if live else now.replace(microsecond=0)
        equivent = Equivent(start, end.replace(microsecond=0))
        self._set(live=equivent, rehearsal=True)
        if not live:
            self._add_edge(EdgeType.STARTED, equivent, Source.SIMULATION)

    def tick(self, now: datetime) -> None:
        """Apply the passing of time."""
        if self._has_failed is None:
            return  # after a restart the clock may be wrong until the API has been asked
        self._expire(now)
        upcoming = self.snapshot.upcoming
        if upcoming and upcoming.start <= now:
            self._set(upcoming=None)
            if not self.snapshot.real and now < _bound(upcoming):
                self._start(upcoming, Source.CLOCK)

    def shift(self, by: timedelta) -> None:
        """Shift times that were taken from a clock that has been corrected.

        Restored times are from an earlier run, whose clock may have been right.
        """
        if abs(by) < MIN_CORRECTION:
            return
        snapshot, live, restored = self.snapshot, self.snapshot.live, self._restored
        self._missed_at = self._missed_at and self._missed_at + by
        self._named_at = self._named_at and self._named_at + by
        self._ended_call_at = self._ended_call_at and self._ended_call_at + by
        if snapshot.over and snapshot.over != restored.over:
            self._set(over=replace(snapshot.over, at=snapshot.over.at + by))
        if snapshot.pushed_at and snapshot.pushed_at != restored.pushed_at:
            self._set(pushed_at=snapshot.pushed_at + by)
        if live and (snapshot.pushed_at or snapshot.rehearsal) and live != restored.live:
            self._set(live=Equivent(live.start + by, live.end and live.end + by))

    def awaiting(self, now: datetime) -> bool:
        """Return True while another answer is needed soon."""
        over = self.snapshot.over
        changes = (self._ended_call_at, over.at if over else None)
        runs = (self.snapshot.pushed_at, self._missed_at, self._named_at)
        return any(runs) or any(_is_recent(moment, now) for moment in changes)

    def boundary(self, now: datetime) -> datetime | None:
        """Return the next time at which the clock alone may change the state."""
        live, upcoming = self.snapshot.live, self.snapshot.upcoming
        moments = (upcoming and upcoming.start, live and live.end, self._deadline)
        return min((moment for moment in moments if moment and moment > now), default=None)

    @property
    def _deadline(self) -> datetime | None:
        """Time at which the live equivent ends without an answer."""
        live, pushed_at = self.snapshot.live, self.snapshot.pushed_at
        if pushed_at:
            return pushed_at + PUSH_BOUND
        if live and live.end and (self.snapshot.rehearsal or self._has_failed):
            return live.end
        return _bound(live) if live else None

    def _expire(self, now: datetime) -> None:
        """End the live equivent at its deadline."""
        pushed_at, deadline = self.snapshot.pushed_at, self._deadline
        if pushed_at and pushed_at > now:
            self._set(pushed_at=now)  # an earlier run's clock was ahead, or ours is behind
        elif (live := self.snapshot.live) and deadline and now >= deadline:
            if self.snapshot.rehearsal:
                self._set(live=None, rehearsal=False)
                self._add_edge(EdgeType.ENDED, live, Source.SIMULATION)
            else:
                self._end(Equivent(live.start, deadline), Source.CLOCK, now)

    def _named(
        self, answer: Answer, at: datetime, tolerance: timedelta
    ) -> tuple[Equivent | None, Equivent | None]:
        """Return the live and the announced equivent of an answer."""
        newest = next(iter(answer.previous), None)
        is_open = newest and (newest.end is None or newest.start <= at < newest.end)
        found = answer.current or (newest if is_open else None)
        if found is None or at >= _bound(found):
            return None, None
        if found.start <= at + tolerance or self.snapshot.is_live(found):
            return found, None
        return None, found

    def _credible(self, named: Equivent | None, at: datetime, now: datetime) -> Equivent | None:
        """Return the named equivent, None if it is the one that ended last.

        Servers lag, so only consecutive answers over some time make that live again.
        """
        over = self.snapshot.over
        is_over = named and over and named.same_as(over.equivent)
        if named and is_over and not (named.end and named.end <= at):
            self._named_at = self._named_at or now
            return named if now - self._named_at > OUT_OF_ORDER else None
        self._named_at = None
        return None if is_over else named

    def _compare(
        self, named: Equivent | None, finished: Sequence[Equivent], at: datetime, now: datetime
    ) -> None:
        """Confirm, doubt or end the live equivent according to an answer."""
        live, pushed_at = self.snapshot.real, self.snapshot.pushed_at
        if not live:
            return
        listed = next((over for over in finished if over.same_as(live)), None)
        is_next = named and listed and listed.end and named.start >= listed.end
        if named and not is_next and (pushed_at or named.same_as(live)):
            self._confirm(named)
            return
        if pushed_at and not listed:
            if now - pushed_at >= PUSH_GRACE and not self._named_at:
                self._end(Equivent(live.start, now), Source.API, now)
            return
        is_called = _is_recent(self._ended_call_at, now)
        if not (listed or is_called) and at - live.start < OUT_OF_ORDER:
            return  # servers lag
        is_due = live.end and at >= live.end - (OUT_OF_ORDER if listed else timedelta())
        is_agreed = self._missed_at and now - self._missed_at >= CONFIRMATION_INTERVAL
        if is_called or is_due or is_agreed:
            over = listed or Equivent(live.start, min(live.end or now, now))
            self._end(over, Source.API, now)
        else:
            self._missed_at = self._missed_at or now

    def _set(self, **changes: Any) -> None:
        """Replace fields of the snapshot."""
        self.snapshot = replace(self.snapshot, **changes)

    def _add_edge(self, edge_type: EdgeType, equivent: Equivent, source: Source) -> None:
        """Add an edge for `take_edges`."""
        self._edges.append(Edge(edge_type, equivent, source, self.snapshot))

    def _confirm(self, named: Equivent, pushed_at: datetime | None = None) -> None:
        """Set the live equivent, and revoke its end if it was believed to be over."""
        self._missed_at = None
        over = self.snapshot.over
        if over and not pushed_at and named.same_as(over.equivent):
            over = None
        self._set(live=named, rehearsal=False, pushed_at=pushed_at, over=over)

    def _start(self, named: Equivent, source: Source, pushed_at: datetime | None = None) -> None:
        """Start an equivent, silently if it replaces a rehearsal."""
        is_silent = self.snapshot.rehearsal
        self._confirm(named, pushed_at)
        if not is_silent:
            self._add_edge(EdgeType.STARTED, named, source)

    def _end(self, over: Equivent, source: Source, now: datetime) -> None:
        """End the live equivent, not a rehearsal."""
        end = max((over.end or now).replace(microsecond=0), over.start + timedelta(seconds=1))
        over = Equivent(over.start, end)
        # The API may never list an equivent known from a push alone, and the end of an equivent
        # past its bound is unknown, so neither becomes history.
        is_history = not self.snapshot.pushed_at and end < _bound(self.snapshot.live or over)
        past = add_finished(self.snapshot.past, [over] if is_history else [])
        self._missed_at = self._named_at = self._ended_call_at = None
        self._set(live=None, pushed_at=None, over=Over(over, now), past=past)
        self._add_edge(EdgeType.ENDED, over, source)


def _bound(equivent: Equivent) -> datetime:
    """Return the latest time at which an equivent can be live."""
    return equivent.end + OVERRUN if equivent.end else equivent.start + MAX_OPEN


def _is_recent(moment: datetime | None, now: datetime) -> bool:
    """Return True if calls and answers may still refer to a change at a moment."""
    return moment is not None and timedelta() <= now - moment <= OUT_OF_ORDER
