"""A judge, who demands evidence for each edge."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from homeassistant.const import MAJOR_VERSION, MINOR_VERSION

from .cloud import HOUR, MINUTE, Answer, Cloud, Span, same

OVERRUN = 15 * MINUTE
MAX_OPEN = 6 * HOUR
GRACE = 5 * MINUTE
OUT_OF_ORDER = 120
"""Seconds that calls and answers may be apart which speak of the same change."""
APART = 0 if (MAJOR_VERSION, MINOR_VERSION) >= (2026, 10) else 0.003
"""Seconds by which an event may wait for another of the same moment, which older releases need."""


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
    listed: float | None = None
    """When the API first listed it."""


@dataclass
class Judge:
    """Demands evidence for each edge: from what was served, from a push, or from the clock.

    And an edge for what was served, where nothing speaks against it.
    """

    cloud: Cloud
    moment: Callable[[], float]
    told: list[tuple[str, str]] = field(default_factory=list)
    told_at: float = -APART
    """When the last edge was announced."""
    pushes: list[tuple[float, str]] = field(default_factory=list)
    overs: list[Over] = field(default_factory=list)
    live: Span | None = None
    pushed_at: datetime | None = None
    pushed_moment: float = 0
    first_pushed_moment: float = 0
    """Differs from the one above where the edge had to wait."""
    expired: bool = False
    """Whether the provisional one has had its time, though its end may wait to be announced."""
    heard_at: float | None = None
    """When the entry had its first answer since it was set up."""
    since: float | None = None
    due: Span | None = None
    """What must be live by the next check, as an answer names it."""

    def take_push(self, kind: str) -> None:
        """Let a call that is received now explain an edge."""
        self.pushes.append((self.moment(), kind))

    @property
    def may_wait(self) -> bool:
        """Tell whether an edge may wait for the one of the same moment to be over."""
        return self.moment() - self.told_at < APART

    @property
    def may_be_late(self) -> bool:
        """Tell whether a call for an end may speak of one that the API has listed by now."""
        age = self._age_of_listing(since_set_up=True)
        return age is not None and age <= OUT_OF_ORDER + 1

    def _age_of_listing(self, *, since_set_up: bool) -> float | None:
        """Return how long ago the API listed the last one.

        An entry that was set up since may have learned it only by its first answer.
        """
        listed = self.overs[-1].listed if self.overs else None
        if listed is None:
            return None
        heard_at = self.moment() if self.heard_at is None else self.heard_at
        return self.moment() - (max(listed, heard_at) if since_set_up else listed)

    def take_answer(self, answer: Answer, now: datetime) -> None:
        """Let a valid answer confirm or change the live one, or demand that one starts."""
        self.heard_at = self.moment() if self.heard_at is None else self.heard_at
        if self.overs and answer.lists(self.overs[-1].span):
            self.overs[-1].listed = self.overs[-1].listed or self.moment()
        named = answer.named
        if named and now >= bound(named):
            named = None
        self.expired = self.expired or self._runs_out(named)
        if named and self.live and self._counts_for(named, self.live, now):
            self.live, self.pushed_at = named, None
        elif self.expired or not named or self.since is not None:
            return
        elif named[0] <= now and self._must_start(named, answer):
            self.due = named

    def _runs_out(self, named: Span | None) -> bool:
        """Tell whether a provisional one has had its time, maybe while nobody was there.

        Then it is confirmed only by an answer that names the same.
        """
        over = self.moment() >= self.pushed_moment + GRACE.total_seconds()
        confirmed = named and self.live and same(named, self.live)
        return self.pushed_at is not None and over and not confirmed

    def _counts_for(self, named: Span, live: Span, now: datetime) -> bool:
        """Tell whether the live one is what an answer names: the same, or while provisional any."""
        if not self.pushed_at:
            return same(named, live)
        begun = named[0] <= now and not self._was_listed(named)
        return not self.expired and (begun or same(named, live)) and not self._is_old(named, now)

    def _is_old(self, named: Span, now: datetime) -> bool:
        """Tell whether an answer names the last one that ended, as it was before its end.

        One whose end a call announced may go on after two minutes, one that the clock ended if it
        is prolonged; one that the API has listed is over.
        """
        over = self.overs[-1] if self.overs else None
        if not over or not same(named, over.span):
            return False
        match over.why:
            case _ if self._was_listed(over.span):
                return True
            case "push":
                return self.moment() - over.moment < OUT_OF_ORDER
            case "time":
                return named[1] is None or named[1] <= now
            case _:
                return False

    def _last_over(self, span: Span) -> Over | None:
        """Return its last end: its own, or a later one's by a call that nothing else explains."""
        for over in reversed(self.overs):
            nearest = over.why == "push" and not self._was_listed(over.span)
            if same(over.span, span) or (nearest and span[0] <= over.span[0]):
                return over
        return None

    def _was_listed(self, span: Span) -> bool:
        """Tell whether the API has ever listed it as finished."""
        return any(answer.lists(span) for answer in self.cloud.served)

    def _must_start(self, named: Span, answer: Answer) -> bool:
        """Tell whether nothing speaks against what an answer names: not even that one is live."""
        if self._was_listed(named) or self._last_over(named):
            return False
        return not self.live or answer.lists(self.live)

    def take_edge(self, kind: str, span: Span, source: str, now: datetime) -> None:
        """Judge an edge."""
        assert self.told or kind == "started", "the first edge is an end"
        assert not self.told or self.told[-1][0] != kind, f"{kind} twice"
        self.told.append((kind, source))
        self.told_at = self.moment()
        self.expired = False
        (self._started if kind == "started" else self._ended)(span, source, now)

    def _pushed(self, kind: str) -> list[float]:
        """Return when pushes said so: just now, or while edges had to wait."""
        since = self.moment() - APART if self.since is None else self.since
        return [made for made, told in self.pushes if made >= since and kind == told]

    def _started(self, span: Span, source: str, now: datetime) -> None:
        """Judge a start."""
        self.live = span
        if self.due and same(span, self.due):
            self.due = None
        if source == "webhook":
            pushed = self._pushed("started")
            assert pushed, "started by no push"
            self.pushed_at, self.pushed_moment = now, self.moment()
            self.first_pushed_moment = pushed[0]
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
        over = self._last_over(span)
        if not over:
            return
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
        over = Over(span, self._reason(self.live, source, now), now, self.moment())
        if over.why == "push":
            over.moment = self._pushed("ended")[-1]
        elif self._was_listed(span):
            over.listed = self.moment()
        self.overs.append(over)
        self.live = self.pushed_at = None

    def _reason(self, live: Span, source: str, now: datetime) -> str:
        """Return why the live one may end, if it may."""
        if source == "webhook":
            assert self._pushed("ended"), "ended by no push"
            age = self._age_of_listing(since_set_up=False)
            late = age is not None and age + APART < OUT_OF_ORDER
            assert not late or self.since is not None, "ended by a call for the one before"
            return "push"
        if self.pushed_at and self.moment() > self.first_pushed_moment + GRACE.total_seconds() - 1:
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
