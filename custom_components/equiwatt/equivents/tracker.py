"""What is live now, from the API, the webhook and the clock.

A small state machine. A false end costs the user more than an end noticed late, and a false start
costs comfort; each rule below follows from that.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .answer import Answer
from .clock import TOLERANCE
from .model import EdgeType, Equivent, Source, ending_of
from .snapshot import Edge, Ended, EndReason, Snapshot, add_finished

OVERRUN = timedelta(minutes=15)
"""How long the API may name an equivent after its planned end."""
MAX_OPEN = timedelta(hours=6)
"""How long an equivent without an end may last."""
PUSH_GRACE = timedelta(minutes=5)
"""How long a push stands against the API's word."""
OUT_OF_ORDER = timedelta(minutes=2)
"""How far apart calls and answers may be that speak of the same change."""
PUT_RIGHT = timedelta(seconds=1)
"""By how much a clock must be put right to matter: two clocks are never quite equal."""
VANISH_CONFIRM = timedelta(seconds=10)
"""How far apart two answers must be that drop an equivent without any other sign of its end."""
ROUNDING = timedelta(seconds=2)
"""How far a time may lie ahead as it was stored, or the provider's is told, in whole seconds."""


class Tracker:
    """Follows one account. All times are aware UTC, and `now` always comes from the caller."""

    def __init__(self, restored: Snapshot | None = None) -> None:
        """Start with what was known when the last edge was announced."""
        self._restored = self.snapshot = restored or Snapshot()
        self._vanished_at: datetime | None = None
        self._reachable = True
        self._edges: list[Edge] = []

    @property
    def awaiting(self) -> bool:
        """Return True while a push awaits confirmation, or a missing equivent a second answer."""
        return self.snapshot.pushed_at is not None or self._vanished_at is not None

    def take_edges(self) -> list[Edge]:
        """Return the edges since the last call."""
        edges, self._edges = self._edges, []
        return edges

    def observe(self, answer: Answer, now: datetime) -> None:
        """Follow an answer of the API that arrived at `now`."""
        self._reachable = True
        self._learn_end(answer, now)
        named = answer.current
        if named and not _is_believable(self.snapshot, named, now):
            named = None
        if self.snapshot.rehearsal or not (named and self.snapshot.is_live(named)):
            self._tick_unconfirmed(now)
        self._set(past=add_finished(self.snapshot.past, answer.previous))
        if real := self.snapshot.real:
            self._compare(real, named, answer, now)
        ahead = named and named.start > now and not self.snapshot.is_live(named)
        self._set(upcoming=named if ahead else None)
        if named and not self.snapshot.real and named.start <= now:
            self._start(named, Source.API)
        self.tick(now)

    def push(self, edge_type: EdgeType, now: datetime) -> None:
        """Follow a webhook call that was received at `now`."""
        real = self.snapshot.real
        if edge_type is EdgeType.STARTED and not real:
            self._start(Equivent(now.replace(microsecond=0)), Source.WEBHOOK, pushed_at=now)
        elif edge_type is EdgeType.ENDED and real and not _is_late_call(self.snapshot, now):
            self._end(real, now, Source.WEBHOOK, EndReason.PUSH, now)

    def rehearse(self, end: datetime, now: datetime) -> None:
        """Rehearse an equivent until `end`, or move the end of the rehearsal that is live.

        A real one is not touched. A rehearsal is never over, nor past: real ones start as if
        it had not been there, and take its place if they start meanwhile.
        """
        end = end.replace(microsecond=0)
        if self.snapshot.real:
            return
        if live := self.snapshot.live:
            self._set(live=replace(live, end=end))
            return
        equivent = Equivent(now.replace(microsecond=0), end)
        self._set(live=equivent, rehearsal=True)
        self._add_edge(EdgeType.STARTED, equivent, Source.SIMULATION)

    def shift(self, by: timedelta) -> None:
        """Follow a clock that was put right: what was timed by it keeps its age.

        What was restored was timed by an earlier run, whose clock may have been right.
        """
        if abs(by) < PUT_RIGHT:
            return
        snapshot, restored = self.snapshot, self._restored
        ended, ended_before = snapshot.ended, restored.ended
        if ended and not (ended_before and ended.at == ended_before.at):
            self._set(ended=replace(ended, at=ended.at + by))
        if self._vanished_at:
            self._vanished_at += by
        if snapshot.pushed_at and snapshot.pushed_at != restored.pushed_at:
            pushed_at = snapshot.pushed_at + by
            self._set(pushed_at=pushed_at)
            if abs(by) > TOLERANCE:
                self._set(live=Equivent(pushed_at.replace(microsecond=0)))
        if snapshot.live and snapshot.rehearsal and snapshot.live != restored.live:
            self._set(live=_shifted(snapshot.live, by))

    def fail(self, now: datetime) -> None:
        """Go by planned times, as the API could not be asked, until it answers."""
        self._reachable = False
        self.tick(now)

    def tick(self, now: datetime) -> None:
        """Let the clock decide what it decides alone."""
        if (pushed_at := self.snapshot.pushed_at) and pushed_at > now:
            self._set(pushed_at=now)  # it was timed by a clock that was ahead, or is behind
        if self.snapshot.live:
            self._tick_live(self.snapshot.live, now)
        if (upcoming := self.snapshot.upcoming) and upcoming.start <= now:
            self._set(upcoming=None)
            if not self.snapshot.real and now < (upcoming.end or upcoming.start + MAX_OPEN):
                self._start(upcoming, Source.CLOCK)

    def boundary(self, now: datetime) -> datetime | None:
        """Return when the clock alone may change something next, and the API is to be asked."""
        snapshot = self.snapshot
        moments: list[datetime | None] = [snapshot.upcoming.start if snapshot.upcoming else None]
        if snapshot.ended and snapshot.ended.reason is EndReason.PUSH:
            moments.append(snapshot.ended.at + PUSH_GRACE)
        if snapshot.pushed_at:
            moments.append(snapshot.pushed_at + PUSH_GRACE)
        elif snapshot.live:
            moments += [snapshot.live.end, _bound(snapshot.live)]
        return min((moment for moment in moments if moment and moment > now), default=None)

    def _set(self, **changes: Any) -> None:
        """Change what is known."""
        self.snapshot = replace(self.snapshot, **changes)

    def _add_edge(self, edge_type: EdgeType, equivent: Equivent, source: Source) -> None:
        """Add an edge to those that are to be taken."""
        self._edges.append(Edge(edge_type, equivent, source, self.snapshot))

    def _learn_end(self, answer: Answer, now: datetime) -> None:
        """Learn the end of the last one that ended, if an answer lists it."""
        ended = self.snapshot.ended
        end = ended and ending_of(answer.previous, ended.equivent)
        if ended and end and end <= now:
            at = ended.at if ended.reason is EndReason.LISTED else now
            self._set(ended=Ended(replace(ended.equivent, end=end), EndReason.LISTED, at))

    def _compare(
        self, live: Equivent, named: Equivent | None, answer: Answer, now: datetime
    ) -> None:
        """Hold the live equivent against an answer: confirmed, over, or missing."""
        provisional = self.snapshot.pushed_at is not None
        listed = ending_of(answer.previous, live)
        follows = named is not None and listed is not None and named.start >= listed
        confirms = named and (named.same_as(live) or (provisional and named.start <= now))
        if named and confirms and not follows:
            self._set_live(named)
            self._vanished_at = None
        elif listed:
            self._end(live, listed, Source.API, EndReason.LISTED, now)
        elif provisional:
            return
        elif live.end and live.end <= now:
            self._end(live, live.end, Source.API, EndReason.TIME, now)
        elif answer.current and not named:
            return  # it is an old answer, which says nothing of this one
        elif self._vanished_at is None:
            self._vanished_at = now
        elif now - self._vanished_at >= VANISH_CONFIRM:
            self._end(live, now, Source.API, EndReason.VANISHED, now)

    def _tick_unconfirmed(self, now: datetime) -> None:
        """End what is over by the clock, whatever the API names instead: a rehearsal, or a push."""
        if self.snapshot.live and (self.snapshot.rehearsal or self.snapshot.pushed_at):
            self._tick_live(self.snapshot.live, now)

    def _tick_live(self, live: Equivent, now: datetime) -> None:
        """End the live equivent when the clock says so."""
        end, reason = self._clock_end(live)
        if end > now:
            return
        if self.snapshot.rehearsal:
            self._set(live=None, rehearsal=False)
            self._add_edge(EdgeType.ENDED, live, Source.SIMULATION)
        else:
            self._end(live, end, Source.CLOCK, reason, now)

    def _clock_end(self, live: Equivent) -> tuple[datetime, EndReason]:
        """Return when the live equivent ends by the clock alone, and what that end rests on."""
        if self.snapshot.pushed_at:
            return self.snapshot.pushed_at + PUSH_GRACE, EndReason.UNCONFIRMED
        if live.end and (self.snapshot.rehearsal or not self._reachable):
            return live.end, EndReason.TIME
        return _bound(live), EndReason.BOUND

    def _start(self, equivent: Equivent, source: Source, pushed_at: datetime | None = None) -> None:
        """Make an equivent live, silently in the place of a rehearsal."""
        silent = self.snapshot.rehearsal
        self._set_live(equivent, pushed_at)
        if not silent:
            self._add_edge(EdgeType.STARTED, equivent, source)

    def _set_live(self, equivent: Equivent, pushed_at: datetime | None = None) -> None:
        """Make an equivent the live one; what is live has not ended, whatever was said of it."""
        ended = self.snapshot.ended
        if ended and _is_contradicted(equivent, ended, provisional=pushed_at is not None):
            ended = None
        self._set(live=equivent, rehearsal=False, pushed_at=pushed_at, ended=ended)

    def _end(
        self, live: Equivent, end: datetime, source: Source, reason: EndReason, now: datetime
    ) -> None:
        """End the live equivent."""
        end = max(end.replace(microsecond=0), live.start + timedelta(seconds=1))
        over = Equivent(live.start, end)
        self._vanished_at = None
        self._set(live=None, pushed_at=None, ended=Ended(over, reason, now))
        self._add_edge(EdgeType.ENDED, over, source)


def _is_believable(snapshot: Snapshot, named: Equivent, now: datetime) -> bool:
    """Return True if the API's word counts, after an equivent's bounds and what ended it."""
    # What was listed as over is named only by an answer that is older, from a server that lags.
    # An end that is still ahead is a plan, as of the live one that the documented example lists.
    listed = ending_of(snapshot.past, named)
    over = listed is not None and listed <= now
    if now >= _bound(named) or (over and not snapshot.is_live(named)):
        return False
    ended = snapshot.ended
    if not ended or not _is_contradicted(named, ended, provisional=bool(snapshot.pushed_at)):
        return True
    match ended.reason:
        case EndReason.LISTED:
            return False
        case EndReason.TIME | EndReason.BOUND:
            return named.end is not None and named.end > now  # prolonged
        case EndReason.PUSH:
            stands = OUT_OF_ORDER if snapshot.pushed_at else PUSH_GRACE
            return not ended.at - ROUNDING <= now < ended.at + stands
        case _:
            return True


def _is_contradicted(named: Equivent, ended: Ended, *, provisional: bool) -> bool:
    """Return True if what ended last speaks against an equivent that an answer names.

    A push that ends contradicts what had started before, too, but for a push that starts since.
    """
    pushed = ended.reason is EndReason.PUSH and not provisional
    return named.same_as(ended.equivent) or (pushed and named.start <= ended.equivent.start)


def _is_late_call(snapshot: Snapshot, now: datetime) -> bool:
    """Return True if the call for an end speaks of the one whose end the API has just listed."""
    ended = snapshot.ended
    return ended is not None and ended.reason is EndReason.LISTED and now - ended.at < OUT_OF_ORDER


def _bound(equivent: Equivent) -> datetime:
    """Return until when an equivent may be live at all."""
    return equivent.end + OVERRUN if equivent.end else equivent.start + MAX_OPEN


def _shifted(equivent: Equivent, by: timedelta) -> Equivent:
    """Return an equivent whose times have moved."""
    return Equivent(equivent.start + by, equivent.end and equivent.end + by)
