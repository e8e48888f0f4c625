"""A judge that requires evidence for each edge, as the rules say.

Answers, calls and losses are recorded; whether they justify an edge is worked out when the edge
comes. Where edges had to wait, and over restarts, only their order is judged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from homeassistant.const import MAJOR_VERSION, MINOR_VERSION

from .cloud import HOUR, MINUTE, SECOND, Answer, Cloud, Span, same

OVERRUN = 15 * MINUTE
MAX_OPEN = 6 * HOUR
GRACE, PUSH_BOUND, OUT_OF_ORDER, AGREE = 300, 3600, 120, 10
"""Seconds of the rules."""
SLACK = 1
"""Tolerance in seconds of times in whole seconds."""
APART = 0 if (MAJOR_VERSION, MINOR_VERSION) >= (2026, 10) else 0.003
"""Seconds for which an event may wait for another of the same moment, for older releases."""

CLOCKS_APART = 120.0
"""Seconds by which the system's clock may be wrong without being corrected."""


def bound(span: Span) -> datetime:
    """Return the bound of an equivent."""
    return span[1] + OVERRUN if span[1] else span[0] + MAX_OPEN


@dataclass
class Judge:
    """Judge that requires evidence for each edge, and edges for what was served."""

    cloud: Cloud
    moment: Callable[[], float]
    announced: list[tuple[str, str]] = field(default_factory=list)
    announced_at: float = -APART
    """Time of the last announced edge."""
    pushes: list[tuple[float, str, bool]] = field(default_factory=list)
    """Time and event of each call, and whether the last attempt before it had failed."""
    live: Span | None = None
    pushed: float | None = None
    """Time of the call that started the unconfirmed live equivent."""
    over: tuple[Span, float] | None = None
    """The last ended equivent and its time."""
    ended_since: float = 0
    """Earliest time of that end, as its edge may have had to wait."""
    since: float | None = None
    """Time since which edges have to wait."""
    due: Span | None = None
    """Equivent that must be live by the next check, as an answer names it."""
    set_up_at: float = 0
    """Time of the last set-up."""
    ends_at_once: bool = False
    """True if the last call has to end the live equivent."""

    def take_push(self, kind: str) -> None:
        """Record a call as evidence."""
        now = self.moment()
        over = self.over and self.over[1]
        recent = over is not None and now - over <= OUT_OF_ORDER + self._slack(over)
        self.ends_at_once = kind == "ended" and self.pushed is not None and not recent
        self.pushes.append((now, kind, self.cloud.failed))

    def _slack(self, moment: float) -> float:
        """Return the tolerance of the time that has passed since a given time.

        The clocks of two runs may be as far apart as the house accepts.
        """
        return SLACK + (CLOCKS_APART if moment < self.set_up_at else 0)

    @property
    def may_wait(self) -> bool:
        """Return True if an edge may wait for another of the same moment."""
        return self.moment() - self.announced_at < APART

    def take_answer(self, answer: Answer) -> None:
        """Record an accepted answer, which may confirm, change or start the live equivent."""
        named = self._named(answer)
        if self.live and named and not answer.lists_before(self.live, named):
            is_old = (
                self.over and same(named, self.over[0]) and self._named_for(named) <= OUT_OF_ORDER
            )
            is_same = same(named, self.live)
            has_begun = self.pushed is not None and named[0] <= answer.date
            if (is_same or has_begun) and not (self.pushed is not None and is_old):
                self.live, self.pushed = named, None
        if not named or named[0] > answer.date or (named[1] and named[1] <= answer.date):
            return
        is_free = not self.live or (
            self.pushed is None
            and answer.lists(self.live)
            and self.live[1] is not None
            and answer.date >= self.live[1] - OUT_OF_ORDER * SECOND
        )
        if self.since is None and is_free and self._is_new(named):
            self.due = named

    def take_edge(self, kind: str, span: Span, source: str, now: datetime) -> None:
        """Judge an edge."""
        assert self.announced or kind == "started", "the first edge is an end"
        assert not self.announced or self.announced[-1][0] != kind, f"{kind} twice"
        self.announced.append((kind, source))
        self.announced_at = self.moment()
        if self.since is None:
            (self._judge_start if kind == "started" else self._judge_end)(span, source, now)
        if kind == "ended":
            called = self._called("ended") if source == "webhook" else []
            self.over = (span, called[-1] if called else self.moment())
            self.ended_since = self.over[1] if self.since is None else self.since
            self.live = self.pushed = None
            return
        if source != "webhook" and self.over and same(span, self.over[0]):
            self.over = None
        self.live = span
        self.pushed = max(self._called("started"), default=None) if source == "webhook" else None
        self.due = None if self.due and same(span, self.due) else self.due

    def _judge_start(self, span: Span, source: str, now: datetime) -> None:
        """Require a call, an answer that names it live, or one that announced it."""
        if source == "webhook":
            assert self._called("started"), "started by no call"
            return
        if source == "clock":
            assert any(a.named and same(a.named, span) for a in self.cloud.served), "not announced"
            assert span[0] <= now, "started before its time"
            return
        last = self.cloud.served[-1]
        named = self._named(last)
        assert named, "started, though the last answer names none"
        assert same(named, span), "started is not what the last answer names"
        assert span[0] <= last.date, "started before its time"
        assert not span[1] or span[1] > last.date, "started though its end has passed"
        if self.over and same(span, self.over[0]):
            assert self._named_for(span) > OUT_OF_ORDER - SLACK, "taken back too soon"

    def _judge_end(self, span: Span, source: str, now: datetime) -> None:
        """Require a call that may end it, the clock without the API, or answers."""
        assert self.live, "an end of nothing"
        live, provisional = self.live, self.pushed is not None
        age, slack = self.moment() - (self.pushed or 0), self._slack(self.pushed or 0)
        if source == "webhook":
            failed = [failed for at, kind, failed in self._recent(APART) if kind == "ended"]
            near = live[1] is not None and now >= live[1] - (OUT_OF_ORDER + SLACK) * SECOND
            assert failed, "ended by no call"
            assert provisional or near or any(failed), "one call alone has ended it"
        elif source == "clock":
            planned = live[1] is not None and now >= live[1] - SLACK * SECOND and self.cloud.failed
            past = age >= PUSH_BOUND - slack if provisional else now >= bound(live) - SLACK * SECOND
            assert planned or past, "ended by the clock before its time"
        elif provisional and age >= GRACE - slack:
            assert not self._names(self.cloud.served[-1], live), "ended though it is named"
        else:
            self._judge_end_by_answers(live)

    def _judge_end_by_answers(self, live: Span) -> None:
        """Require answers without it: one where an end is due, else two."""
        last = self.cloud.served[-1]
        assert not self._names(last, live), "ended though the last answer names it"
        listed = last.lists(live)
        called = any(kind == "ended" for _, kind, _ in self._recent(OUT_OF_ORDER + SLACK))
        early = (OUT_OF_ORDER if listed else 0) + SLACK
        is_due = live[1] is not None and last.date >= live[1] - early * SECOND
        against = [a.moment for a in self._unbroken(lambda a: not self._names(a, live))]
        is_agreed = against[0] - against[-1] >= AGREE - SLACK / 2
        assert called or is_due or is_agreed, "ended by a single answer"
        lags = last.date - live[0] < (OUT_OF_ORDER - SLACK) * SECOND
        assert listed or called or not lags, "ended by an answer that may lag"

    def _named(self, answer: Answer) -> Span | None:
        """Return the equivent named by an answer, within its bound."""
        return answer.named if answer.named and answer.date < bound(answer.named) else None

    def _names(self, answer: Answer, span: Span) -> bool:
        """Return True if an answer names an equivent, and not the next one after it."""
        named = self._named(answer)
        return bool(named and same(named, span) and not answer.lists_before(span, named))

    def _unbroken(self, condition: Callable[[Answer], bool]) -> Iterator[Answer]:
        """Yield the last answers that meet a condition, newest first."""
        for answer in reversed(self.cloud.served):
            if not condition(answer):
                return
            yield answer

    def _named_for(self, span: Span) -> float:
        """Return for how many seconds answers have named the last ended one since its end."""
        since = max(self.ended_since, self.set_up_at)  # a run does not outlast a restart
        run = self._unbroken(lambda a: self._names(a, span) and a.goes_on and a.moment >= since)
        return self.moment() - min((answer.moment for answer in run), default=self.moment())

    def _is_new(self, span: Span) -> bool:
        """Return True if no answer or call before can be the same equivent."""
        before = [span for a in self.cloud.served[:-1] for span in (a.named, *a.listed) if span]
        return not any(same(span, other) for other in before) and not self.pushes

    def _recent(self, seconds: float) -> list[tuple[float, str, bool]]:
        """Return the calls of the last seconds."""
        return [push for push in self.pushes if push[0] >= self.moment() - seconds]

    def _called(self, kind: str) -> list[float]:
        """Return the times of such calls, recent or while edges had to wait."""
        since = self.moment() - APART if self.since is None else self.since
        return [at for at, called, _ in self.pushes if at >= since and called == kind]
