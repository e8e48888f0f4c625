"""What is live now, from the API, the webhook and the clock.

A small state machine. A false end costs the user more than an end noticed late, and a false start
costs comfort; each rule below follows from that.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .answer import Answer
from .clock import TOLERANCE
from .model import Edge, Equivent, Kind, Source
from .snapshot import Ended, EndReason, Snapshot

OVERRUN = timedelta(minutes=15)
"""How long the API may name an equivent after its planned end."""
MAX_OPEN = timedelta(hours=6)
"""How long an equivent without an end may last."""
PUSH_GRACE = timedelta(minutes=5)
"""How long a push stands against the API's word."""
VANISH_CONFIRM = timedelta(seconds=10)
"""How far apart two answers must be that drop an equivent without any other sign of its end."""


class Tracker:
    """Follows one account. All times are aware UTC, and `now` always comes from the caller."""

    def __init__(
        self,
        announced: Equivent | None = None,
        pushed_at: datetime | None = None,
        over: Ended | None = None,
        *,
        simulated: bool = False,
    ) -> None:
        """Start idle, or with the equivent whose start was the last edge announced.

        `pushed_at` is when a push started that one, if the API has not confirmed it, `simulated`
        whether it is played; `over` is the last real one that ended.
        """
        self.live = announced
        self.upcoming: Equivent | None = None
        self.past: tuple[Equivent, ...] = ()
        self.pushed_at = pushed_at
        self.over = over
        self.simulated = simulated and announced is not None
        self._vanished_at: datetime | None = None
        self._remembered = (pushed_at, over and over.at, announced)
        self._reachable = True
        self._edges: list[Edge] = []

    @property
    def state(self) -> Snapshot:
        """Return what is known. The live one is not finished, whatever the list says."""
        finished = 0
        while self.live and finished < len(self.past) and self._is_live(self.past[finished]):
            finished += 1
        past = self.past[finished:]
        return Snapshot(self.live, self.upcoming, self._unlisted(past) + past, self.simulated)

    @property
    def awaiting(self) -> bool:
        """Tell whether a push awaits its confirmation, or a missing equivent a second answer."""
        return self.pushed_at is not None or self._vanished_at is not None

    @property
    def has_edges(self) -> bool:
        """Tell whether there are edges to take."""
        return bool(self._edges)

    def take_edges(self) -> list[Edge]:
        """Return the edges since the last call: at most one end, then at most one start.

        When edges had to wait, what both began and ended meanwhile is history and no edge.
        """
        edges, self._edges = self._edges, []
        ended = [edge for edge in edges[:1] if edge.kind is Kind.ENDED]
        started = [edge for edge in edges[-1:] if edge.kind is Kind.STARTED]
        if ended and started and ended[0].equivent.same_as(started[0].equivent):
            return []
        return ended + started

    def observe(self, answer: Answer, now: datetime) -> None:
        """Take in an answer of the API that arrived at `now`."""
        self._reachable = True
        named = answer.current
        if named and not self._believable(named, now):
            named = None
        self.past = answer.previous
        if self.over and answer.ending_of(self.over.equivent):
            self.over = replace(self.over, ending=EndReason.LISTED)
        if real := self._real:
            self._compare(real, named, answer, now)
        self.upcoming = named if named and named.start > now and not self._is_live(named) else None
        if named and not self._real and named.start <= now:
            self._start(named, Source.API)
        self.tick(now)

    def push(self, kind: Kind, now: datetime) -> None:
        """Take in a webhook call."""
        if kind is Kind.STARTED and not self._real:
            if self.over and self.over.ending is EndReason.PUSH:
                self.over = None
            self._start(Equivent(now.replace(microsecond=0)), Source.WEBHOOK)
            self.pushed_at = now
        elif kind is Kind.ENDED and self._real:
            self._end(now, Source.WEBHOOK, EndReason.PUSH, now)

    def simulate(self, end: datetime, now: datetime) -> None:
        """Play an equivent until `end`, or move the end of the one that is played.

        A real one is not touched. What is played is never over, nor past: real ones start as if
        it had not been there, and take its place if they start meanwhile.
        """
        end = end.replace(microsecond=0)
        if self._real:
            return
        if self.live:
            self.live = replace(self.live, end=end)
        else:
            self.simulated = True
            self.live = Equivent(now.replace(microsecond=0), end)
            self._edges.append(Edge(Kind.STARTED, self.live, Source.SIMULATION))

    def shift(self, by: timedelta) -> None:
        """Follow a clock that was put right: what it has timed keeps its age."""
        if self.over and self.over.at not in self._remembered:
            self.over = replace(self.over, at=self.over.at + by)
        if self._vanished_at:
            self._vanished_at += by
        if self.pushed_at and self.pushed_at not in self._remembered:
            self.pushed_at += by
            if abs(by) > TOLERANCE:
                self.live = Equivent(self.pushed_at.replace(microsecond=0))
        if self.live and self.simulated and self.live not in self._remembered:
            end = self.live.end and self.live.end + by
            self.live = Equivent(self.live.start + by, end)

    def fail(self, now: datetime) -> None:
        """Take in that the API could not be asked: planned times count until it answers."""
        self._reachable = False
        self.tick(now)

    def tick(self, now: datetime) -> None:
        """Let the clock decide what it decides alone."""
        if self.pushed_at and self.pushed_at > now:  # by a clock that was ahead, or is behind
            self.pushed_at = now
        if self.live and self.simulated:
            self._tick_simulated(self.live, now)
        elif self.live and (end := self._clock_end(self.live, now)):
            planned = EndReason.TIME if end == self.live.end else EndReason.BOUND
            ending = EndReason.UNCONFIRMED if self.pushed_at else planned
            self._end(end, Source.CLOCK, ending, now)
        if (upcoming := self.upcoming) and upcoming.start <= now:
            self.upcoming = None
            if not self._real and now < (upcoming.end or upcoming.start + MAX_OPEN):
                self._start(upcoming, Source.CLOCK)

    def boundary(self, now: datetime) -> datetime | None:
        """Return when the clock alone may change something next, and the API is to be asked."""
        moments: list[datetime | None] = [self.upcoming.start if self.upcoming else None]
        if self.over and self.over.ending is EndReason.PUSH:
            moments.append(self.over.at + PUSH_GRACE)
        if self.pushed_at:
            moments.append(self.pushed_at + PUSH_GRACE)
        elif self.live:
            moments += [self.live.end, _bound(self.live)]
        return min((moment for moment in moments if moment and moment > now), default=None)

    @property
    def _real(self) -> Equivent | None:
        """Return the live one unless it is played."""
        return None if self.simulated else self.live

    def _is_live(self, equivent: Equivent) -> bool:
        """Tell whether an equivent is the live one."""
        return self._real is not None and self._real.same_as(equivent)

    def _unlisted(self, listed: tuple[Equivent, ...]) -> tuple[Equivent, ...]:
        """Return the last one, if it ended as planned and the API has yet to list it."""
        if not self.over or self.over.ending is not EndReason.TIME:
            return ()
        last = self.over.equivent
        known = listed and (listed[0].same_as(last) or listed[0].start > last.start)
        return () if known else (last,)

    def _believable(self, named: Equivent, now: datetime) -> bool:
        """Tell whether the API's word counts, after an equivent's bounds and what ended it."""
        # What was listed as over is named only by an answer that is older, from a server that lags.
        listed = Answer(previous=self.past).ending_of(named)
        if now >= _bound(named) or (listed and not self._is_live(named)):
            return False
        # A push that ends contradicts all that had started by then.
        over = self.over
        ended = over and over.ending is EndReason.PUSH and named.start <= over.at
        if not over or not (ended or named.same_as(over.equivent)):
            return True
        match over.ending:
            case EndReason.LISTED:
                return False
            case EndReason.TIME | EndReason.BOUND:
                return named.end is not None and named.end > now  # prolonged
            case EndReason.PUSH:
                return not over.at <= now < over.at + PUSH_GRACE
            case _:
                return True

    def _compare(
        self, live: Equivent, named: Equivent | None, answer: Answer, now: datetime
    ) -> None:
        """Hold the live equivent against an answer: confirmed, over, or missing."""
        provisional = self.pushed_at is not None
        if named and (named.same_as(live) or (provisional and named.start <= now)):
            self._set_live(named)
            self.pushed_at = self._vanished_at = None
        elif listed := answer.ending_of(live):
            self._end(listed, Source.API, EndReason.LISTED, now)
        elif provisional:
            return
        elif live.end and live.end <= now:
            self._end(live.end, Source.API, EndReason.TIME, now)
        elif self._vanished_at is None:
            self._vanished_at = now
        elif now - self._vanished_at >= VANISH_CONFIRM:
            self._end(now, Source.API, EndReason.VANISHED, now)

    def _clock_end(self, live: Equivent, now: datetime) -> datetime | None:
        """Return when the live equivent ended by the clock, if it has."""
        if self.pushed_at:
            end = self.pushed_at + PUSH_GRACE
        elif live.end and not self._reachable:
            end = live.end
        else:
            end = _bound(live)
        return end if end <= now else None

    def _tick_simulated(self, live: Equivent, now: datetime) -> None:
        """End the equivent that is played when its time has come."""
        if live.end is None or live.end <= now:
            self.live, self.simulated = None, False
            self._edges.append(Edge(Kind.ENDED, live, Source.SIMULATION))

    def _start(self, equivent: Equivent, source: Source) -> None:
        """Make an equivent live, quietly in the place of one that is played."""
        if not self.simulated:
            self._edges.append(Edge(Kind.STARTED, equivent, source))
        self.simulated = False
        self._set_live(equivent)

    def _set_live(self, equivent: Equivent) -> None:
        """Take an equivent for the live one; what is live is not over."""
        self.live = equivent
        if self.over and equivent.same_as(self.over.equivent):
            self.over = None

    def _end(self, end: datetime, source: Source, ending: EndReason, now: datetime) -> None:
        """End the live equivent."""
        if TYPE_CHECKING:
            assert self.live
        end = max(end.replace(microsecond=0), self.live.start + timedelta(seconds=1))
        over = Equivent(self.live.start, end)
        self.over = Ended(over, ending, now)
        self.live = self.pushed_at = self._vanished_at = None
        self._edges.append(Edge(Kind.ENDED, over, source))


def _bound(equivent: Equivent) -> datetime:
    """Return until when an equivent may be live at all."""
    return equivent.end + OVERRUN if equivent.end else equivent.start + MAX_OPEN
