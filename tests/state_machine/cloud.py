"""The provider: the truth, and its faulty answers."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import aiohttp

from ..fakes.provider import answer_of, event_of

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SAME = 10 * MINUTE
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": HTTPStatus.INTERNAL_SERVER_ERROR, "text": "Oops"},
    "401": {"status": HTTPStatus.UNAUTHORIZED, "json": {"message": "Unauthenticated."}},
    "429": {"status": HTTPStatus.TOO_MANY_REQUESTS, "headers": {"Retry-After": "45"}},
    "429 without": {"status": HTTPStatus.TOO_MANY_REQUESTS},
    "html": {"text": "<html><body>Back soon</body></html>"},
    "no success": {"json": {"success": False, "msg": "No", "data": None}},
    "no success, and nothing": {
        "json": {
            "success": False,
            "msg": "No",
            "data": {"current_event": None, "previous_events": []},
        }
    },
    "no success, and a lie": {},
    "unreadable first": {
        "json": answer_of(
            None,
            {"start_time": None, "end_time": None},
            {"start_time": 1_700_000_000, "end_time": 1_700_003_600},
        )
    },
    "half": {"text": '{"success": true, "data": {"current_event": nul'},
    "time-out": {"exc": TimeoutError()},
    "refused": {"exc": aiohttp.ClientConnectionError("No route")},
}


@dataclass
class Truth:
    """A real equivent: when it became known, and its planned ends."""

    announced: datetime
    start: datetime
    plans: list[tuple[datetime, datetime]]

    def end(self, at: datetime) -> datetime:
        """Return the planned end at some time, which is the real one once it has passed."""
        return [end for made, end in self.plans if made <= at or made == self.announced][-1]

    def is_over(self, at: datetime) -> bool:
        """Return True if it was over."""
        return self.end(at) <= at

    def is_live(self, at: datetime) -> bool:
        """Return True if it was live."""
        return self.start <= at < self.end(at)


type Span = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class Answer:
    """A valid answer of the provider."""

    named: Span | None
    listed: tuple[Span, ...]
    date: datetime = EARLIEST
    """Date of the answer, by which it is judged."""
    moment: float = 0
    """Time of arrival."""

    @property
    def goes_on(self) -> bool:
        """Return True if it names an equivent without an end, or with one ahead."""
        return self.named is not None and (self.named[1] is None or self.named[1] > self.date)

    def lists_before(self, span: Span, following: Span) -> bool:
        """Return True if it lists an equivent as over before another began."""
        return any(same(span, over) and over[1] and over[1] <= following[0] for over in self.listed)

    def lists(self, span: Span) -> bool:
        """Return True if it lists an equivent as finished."""
        return any(same(span, other) for other in self.listed)


def same(span: Span, other: Span) -> bool:
    """Return True if the equivents are the same: close, and none over before the other began."""
    first, second = sorted((span, other), key=lambda span: span[0])
    return second[0] - first[0] <= SAME and not (first[1] and first[1] <= second[0])


@dataclass(frozen=True)
class Copy:
    """A copy of an answer that a proxy serves."""

    made: datetime
    response: dict[str, Any]
    answer: Answer
    mark: str
    """The header that shows that it is old: its Age, its Date, or both."""


@dataclass
class Cloud:
    """The provider: the truth, and its faulty answers."""

    truths: list[Truth] = field(default_factory=list)
    legacy: bool = False
    lag: timedelta = timedelta()
    slowness: timedelta = timedelta()
    """Seconds until an answer arrives."""
    glitches: deque[tuple[str, Any]] = field(default_factory=deque)
    served: list[Answer] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    copies: deque[Copy] = field(default_factory=deque)
    """Copies to serve before any other answer."""
    failed: bool = False
    answered: bool = False

    def live(self, at: datetime) -> Truth | None:
        """Return the equivent that is really live."""
        return next((truth for truth in self.truths if truth.is_live(at)), None)

    def is_changing(self, at: datetime) -> bool:
        """Return True if a start or end is so near that a push may mean it."""
        near = any(at < truth.start <= at + SAME for truth in self.truths)
        return near or self.live(at) is not self.live(at - 75 * SECOND)

    def is_free(self, at: datetime) -> bool:
        """Return True if a new equivent cannot be mistaken for the last."""
        return not self.truths or self.truths[-1].is_over(at - SAME)

    def answer(self, now: datetime) -> tuple[Answer | None, dict[str, Any]]:
        """Return the response, the next glitch first, and its content if it is valid."""
        glitch: tuple[str, Any] = self.glitches.popleft() if self.glitches else ("truth", None)
        kind, detail = glitch
        if kind == "fault":
            return None, FAULTS[detail] or {"json": self.lie(now)}
        at = now - (detail if kind == "old" else self.lag)
        found = [truth for truth in self.truths if truth.announced <= at]
        called_off = [t for t in found if t.end(at) == t.start]
        known = [t for t in found if t not in called_off]
        spans: Iterator[Span] = ((t.start, t.end(at)) for t in known if not t.is_over(at))
        named: Span | None = next(spans, None)
        over: Iterator[Span] = ((t.start, t.end(at)) for t in reversed(known) if t.is_over(at))
        listed = tuple(over)[:10]
        if named and (kind == "drop" or (self.legacy and named[0] > at)):
            named = None
        if named and named[0] < now - MINUTE and kind == "over":
            listed = ((named[0], now.replace(microsecond=0) - 5 * SECOND), *listed)
            named = None
        if named and self.legacy:
            named = (named[0], None)
        is_listed = named is not None and (self.legacy or (kind == "hide" and named[0] <= at))
        current = None if is_listed else named
        previous = (named, *listed) if named and is_listed else listed
        off = ((t.start, t.start) for t in reversed(called_off))
        return Answer(named, listed), {"json": payload_of(current, *off, *previous)}

    def take(self, answer: Answer | None, date: datetime, moment: float) -> None:
        """Record an answer that was received and accepted."""
        self.failed = answer is None
        self.answered |= not self.failed
        if answer:
            self.served.append(replace(answer, date=date, moment=moment))

    def lie(self, now: datetime) -> dict[str, Any]:
        """Return the contrary of the truth with `success: false`."""
        if live := self.live(now):
            payload = payload_of(None, (live.start, now + SECOND))
        else:
            payload = payload_of((now - MINUTE, now + HOUR))
        return {**payload, "success": False}


def payload_of(current: Span | None, *previous: Span) -> dict[str, Any]:
    """Return a payload with some equivents."""
    named = event_of(*current) if current else None
    return answer_of(named, *(event_of(*span) for span in previous))
