"""A judge, who demands evidence for each edge."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from homeassistant.const import MAJOR_VERSION, MINOR_VERSION

from .cloud import HOUR, MINUTE, Answer, Cloud, Span, same

OVERRUN = 15 * MINUTE
MAX_OPEN = 6 * HOUR
GRACE = 5 * MINUTE
APART = 0 if (MAJOR_VERSION, MINOR_VERSION) >= (2026, 10) else 0.002
"""Seconds by which an event waits for another of the same moment, which older releases need."""


def bound(span: Span) -> datetime:
    """Return until when an equivent may be live at all."""
    return span[1] + OVERRUN if span[1] else span[0] + MAX_OPEN


@dataclass
class Over:
    """An equivent whose end was announced, and why it ended."""

    span: Span
    why: str
    at: datetime
    moment: float

    def is_meant_by(self, span: Span) -> bool:
        """Tell whether this is the one, or a push said that the one was over with it."""
        return same(self.span, span) or (self.why == "push" and span[0] <= self.at)


@dataclass
class Judge:
    """Demands evidence for each edge: from what was served, from a push, or from the clock."""

    cloud: Cloud
    moment: Callable[[], float]
    told: list[tuple[str, str]] = field(default_factory=list)
    pushes: list[tuple[float, str]] = field(default_factory=list)
    overs: list[Over] = field(default_factory=list)
    live: Span | None = None
    pushed_at: datetime | None = None
    pushed_moment: float = 0
    since: float | None = None

    def take_answer(self, answer: Answer, now: datetime) -> None:
        """Let a valid answer confirm or change the live one."""
        named = answer.named
        if not self.live or not named or now >= bound(named):
            return
        if same(named, self.live) or (self.pushed_at and named[0] <= now):
            self.live, self.pushed_at = named, None

    def take_edge(self, kind: str, span: Span, source: str, now: datetime) -> None:
        """Judge an edge."""
        assert self.told or kind == "started", "the first edge is an end"
        assert not self.told or self.told[-1][0] != kind, f"{kind} twice"
        self.told.append((kind, source))
        (self._started if kind == "started" else self._ended)(span, source, now)

    def _pushed(self, kind: str) -> bool:
        """Tell whether a push says so just now, or while edges had to wait."""
        since = self.moment() - APART if self.since is None else self.since
        return any(made >= since and kind == told for made, told in self.pushes)

    def _started(self, span: Span, source: str, now: datetime) -> None:
        """Judge a start."""
        self.live = span
        if source == "webhook":
            assert self._pushed("started"), "started by no push"
            self.pushed_at, self.pushed_moment = now, self.moment()
            return
        answer = self.cloud.served[-1]
        assert answer.named, "started, though the last answer names none"
        assert same(answer.named, span), "started is not what the last answer names"
        assert span[0] <= now < bound(span), "started out of its bounds"
        before = self.cloud.served[:-1]
        assert not any(old.lists(span) for old in before), "started after it was listed as over"
        self._judge_again(span, now)

    def _judge_again(self, span: Span, now: datetime) -> None:
        """Judge a start of one that was live already: only what a push or a gap explains."""
        again = [over for over in self.overs if over.is_meant_by(span)]
        if not again:
            return
        over = again[-1]
        match over.why:
            case "push":
                taken_back = any(at > over.moment and kind == "started" for at, kind in self.pushes)
                # A second less: the provider's Date, which sets a wrong clock, has whole seconds.
                waited = self.moment() - over.moment > GRACE.total_seconds() - 1
                assert taken_back or waited, "back within the grace"
            case "time":
                assert span[1], "back though its time is over"
                assert span[1] > now, "back though its end is past"
            case why:
                assert why in ("grace", "vanished"), f"back after it was {why}"

    def _ended(self, span: Span, source: str, now: datetime) -> None:
        """Judge an end."""
        assert self.live, "an end of nothing"
        self.overs.append(Over(span, self._reason(self.live, source, now), now, self.moment()))
        self.live = self.pushed_at = None

    def _reason(self, live: Span, source: str, now: datetime) -> str:
        """Return why the live one may end, if it may."""
        if source == "webhook":
            assert self._pushed("ended"), "ended by no push"
            return "push"
        if self.pushed_at and self.moment() > self.pushed_moment + GRACE.total_seconds() - 1:
            return "grace"
        if self.cloud.served[-1].lists(live):
            return "listed"
        if live[1] and live[1] <= now and self._not_named(live):
            return "time"
        if bound(live) <= now:
            return "time"
        assert source == "api", "ended by the clock before its time"
        assert self._dropped_for(live) >= timedelta(seconds=10), "ended by a single answer"
        return "vanished"

    def _not_named(self, live: Span) -> bool:
        """Tell whether the API does not say any more, or not at all, that it is live."""
        named = self.cloud.served[-1].named
        return self.cloud.failed or named is None or not same(named, live)

    def _dropped_for(self, live: Span) -> timedelta:
        """Return how long all answers have left the live one out."""
        last = first = self.cloud.served[-1].at
        for answer in reversed(self.cloud.served):
            if answer.named and same(answer.named, live):
                return last - first
            first = answer.at
        return last - first
