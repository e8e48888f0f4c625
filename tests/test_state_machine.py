"""Hold the whole integration against a plain model of what truly happened.

A real Home Assistant runs on an event loop whose time is turned by hand, so that days pass in
seconds and every timer fires exactly when it would. The provider knows the truth and serves it
late, in disorder, with gaps or not at all; a judge demands evidence for each edge.
Each run of the tests takes the same steps; `--hypothesis-profile=long` looks for new ones for an
hour or so, and shortens what fails.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from itertools import pairwise
import logging
import math
from typing import Any, override
from unittest.mock import patch

import aiohttp
from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
    mock_storage,
)
from pytest_homeassistant_custom_component.test_util.aiohttp import (
    AiohttpClientMockResponse,
    mock_aiohttp_client,
)
from yarl import URL

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.coordinator import LIMITERS
from custom_components.equiwatt.equivents.client import RateLimiter
from homeassistant.components.webhook import async_handle_webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    CONF_TOKEN,
    CONF_URL,
    CONF_WEBHOOK_ID,
    EVENT_HOMEASSISTANT_STARTED,
    MAJOR_VERSION,
    MINOR_VERSION,
)
from homeassistant.core import CoreState, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import event as event_helper, frame, restore_state
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util import dt as dt_util
from homeassistant.util.aiohttp import MockRequest
from homeassistant.util.async_ import get_scheduled_timer_handles

from .conftest import API_URL, EVENT, LIVE, TOKEN, WEBHOOK_ID, event_of, said

T0 = datetime(2026, 11, 20, 17, 20, tzinfo=dt_util.UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SAME = 10 * MINUTE
OVERRUN = 15 * MINUTE
MAX_OPEN = 6 * HOUR
GRACE = 5 * MINUTE
APART = 0 if (MAJOR_VERSION, MINOR_VERSION) >= (2026, 10) else 0.002
"""Seconds by which an event waits for another of the same moment, which older releases need."""
ENTRY_ID = "01EQUIWATTENTRY00000000000"

LONG = settings.get_current_profile_name() == "long"
STEPS = 5_000
"""How many steps, each followed by a check, every run of the tests takes at least."""

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
    "half": {"text": '{"success": true, "data": {"current_event": nul'},
    "time-out": {"exc": TimeoutError()},
    "refused": {"exc": aiohttp.ClientConnectionError("No route")},
}


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the machine, which has a Home Assistant of its own."""


@pytest.fixture(autouse=True)
def no_waiting() -> None:
    """Wait as the product does: the time is turned by hand anyway."""


class HandTurnedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until it is turned, and that needs no threads."""

    moment = 0.0

    def __init__(self) -> None:
        """Start at zero; after weeks a float is no finer than this."""
        super().__init__()
        self._clock_resolution = 1e-6

    @override
    def time(self) -> float:
        """Return the time."""
        return self.moment

    @override
    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run it here and now."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as err:  # noqa: BLE001
            future.set_exception(err)
        return future

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is left to do before time passes."""
        return not self._ready  # type: ignore[attr-defined]

    def next_timer(self) -> float:
        """Return when the next timer fires, to the millisecond that clocks show."""
        handles = get_scheduled_timer_handles(self)
        due = min((h.when() for h in handles if not h.cancelled()), default=math.inf)
        return due if due == math.inf else max(self.moment, math.ceil(due * 1000) / 1000)


@dataclass
class Truth:
    """One equivent as it really is: when it became known, and its plans for the end."""

    announced: datetime
    start: datetime
    plans: list[tuple[datetime, datetime]]

    def end(self, at: datetime) -> datetime:
        """Return the end as planned at some time, which is the real one once it has passed."""
        return [end for made, end in self.plans if made <= at or made == self.announced][-1]

    def is_over(self, at: datetime) -> bool:
        """Tell whether it was over."""
        return self.end(at) <= at

    def is_live(self, at: datetime) -> bool:
        """Tell whether it was live."""
        return self.start <= at < self.end(at)


type Span = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class Answer:
    """A valid answer that was served."""

    at: datetime
    named: Span | None
    listed: tuple[Span, ...]

    def lists(self, span: Span) -> bool:
        """Tell whether it lists an equivent as finished."""
        return any(same(span, other) for other in self.listed)


def same(one: Span, other: Span) -> bool:
    """Tell whether both are one equivent: close, and none over before the other began."""
    first, second = sorted((one, other), key=lambda span: span[0])
    return second[0] - first[0] <= SAME and not (first[1] and first[1] <= second[0])


def bound(span: Span) -> datetime:
    """Return until when an equivent may be live at all."""
    return span[1] + OVERRUN if span[1] else span[0] + MAX_OPEN


@dataclass
class Cloud:
    """The provider: what is true, and how badly it tells."""

    truths: list[Truth] = field(default_factory=list)
    legacy: bool = False
    lag: timedelta = timedelta()
    glitches: deque[tuple[str, Any]] = field(default_factory=deque)
    served: list[Answer] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    failed: bool = False
    answered: bool = False

    def live(self, at: datetime) -> Truth | None:
        """Return the one that is truly live."""
        return next((truth for truth in self.truths if truth.is_live(at)), None)

    def is_changing(self, at: datetime) -> bool:
        """Tell whether one has just started or ended, or is so near that a push may mean it."""
        near = any(at < truth.start <= at + SAME for truth in self.truths)
        return near or self.live(at) is not self.live(at - 75 * SECOND)

    def answer(self, now: datetime) -> dict[str, Any]:
        """Return what is served, the next glitch first."""
        glitch: tuple[str, Any] = self.glitches.popleft() if self.glitches else ("truth", None)
        kind, detail = glitch
        self.failed = kind == "fault"
        self.answered |= not self.failed
        if self.failed:
            return FAULTS[detail] or {"json": self.lie(now)}
        at = now - (detail if kind == "old" else self.lag)
        known = [t for t in reversed(self.truths) if t.announced <= at]
        named = next(((t.start, t.end(at)) for t in known if not t.is_over(at)), None)
        listed = tuple((t.start, t.end(at)) for t in known if t.is_over(at))[:10]
        if named and (kind == "drop" or (self.legacy and named[0] > at)):
            named = None
        legacy = (named[0], None) if named and self.legacy else None
        self.served.append(Answer(now, legacy or named, listed))
        current = None if self.legacy else named
        previous = (legacy, *listed) if legacy else listed
        return {"json": payload_of(current, *previous)}

    def lie(self, now: datetime) -> dict[str, Any]:
        """Return the contrary of the truth, said to be no success."""
        if live := self.live(now):
            payload = payload_of(None, (live.start, now + SECOND))
        else:
            payload = payload_of((now - MINUTE, now + HOUR))
        return {**payload, "success": False}


def payload_of(current: Span | None, *previous: Span) -> dict[str, Any]:
    """Return a payload that tells of some equivents."""
    named = event_of(*current) if current else None
    return said(named, *(event_of(*span) for span in previous))


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


class Alarm(logging.Handler):
    """Keeps what was caught and logged, but should not have happened."""

    def __init__(self, failures: list[BaseException]) -> None:
        """Listen to errors."""
        super().__init__(logging.ERROR)
        self.failures = failures

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception."""
        if record.exc_info and record.exc_info[1]:
            self.failures.append(record.exc_info[1])


class Home:
    """A Home Assistant on a clock that is turned by hand."""

    def __init__(self, freezer: FrozenDateTimeFactory) -> None:
        """Start it."""
        self.freezer = freezer
        self.loop = HandTurnedLoop()
        self.base = T0
        self.set_up_at = 0.0
        self.skew = timedelta()
        self.error_of_clock = timedelta()
        self.cloud = Cloud()
        self.judge = Judge(self.cloud, self.loop.time)
        self.failures: list[BaseException] = []
        self.storage: dict[str, Any] = {}
        self.entry = MockConfigEntry()
        self.on_event: Callable[[Event[EventStateChangedData]], None] = lambda _: None
        self._stack = ExitStack()
        self._stack.enter_context(mock_storage(self.storage))
        self.mocker = self._stack.enter_context(mock_aiohttp_client())
        self.mocker.get(API_URL, side_effect=self.answer)
        for name, value in (
            ("timestamp", lambda: dt_util.as_timestamp(self.wall)),
            ("utcnow", lambda: self.wall),
        ):
            self._stack.enter_context(patch.object(event_helper, f"time_tracker_{name}", value))
        self.loop.set_exception_handler(self._fail)
        self._alarm = Alarm(self.failures)
        logging.getLogger().addHandler(self._alarm)
        self._set_clocks()
        self._context = async_test_home_assistant()
        self.hass: HomeAssistant = self.run(self._start())

    async def _start(self) -> HomeAssistant:
        """Start Home Assistant."""
        hass: HomeAssistant = await self._context.__aenter__()
        hass.data.pop(DATA_CUSTOM_COMPONENTS)
        frame.async_setup(hass)
        return hass

    def stop(self) -> None:
        """Stop it, and leave nothing behind."""
        self.run(self.hass.async_stop(force=True))
        self.run(self._context.__aexit__(None, None, None))
        self.run(self.loop.shutdown_asyncgens())
        self.loop.close()
        logging.getLogger().removeHandler(self._alarm)
        self._stack.close()

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep what nobody caught."""
        self.failures.append(context.get("exception") or AssertionError(context["message"]))

    @property
    def true(self) -> datetime:
        """Return what time it truly is."""
        return self.base + timedelta(seconds=self.loop.moment)

    @property
    def wall(self) -> datetime:
        """Return what time the system's clock shows."""
        return self.true + self.skew

    @property
    def believed(self) -> datetime:
        """Return what a house may believe: wrong after a start, until an answer tells the time."""
        return self.true + self.error_of_clock

    def _set_clocks(self) -> None:
        """Let the system's clock follow."""
        self.freezer.move_to(self.wall)

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end, letting as much time pass as it takes."""
        return self.loop.run_until_complete(self._run(work))

    async def _run[T](self, work: Awaitable[T]) -> T:
        """Run something to its end."""
        task = asyncio.ensure_future(work)
        await self._settle()
        while not task.done():
            await self._turn(min(self.loop.next_timer(), self.loop.moment + 60))
        return task.result()

    def pass_time(self, time: timedelta) -> None:
        """Let time pass, and every timer fire when it would."""
        self.loop.run_until_complete(self._pass(self.loop.moment + time.total_seconds()))
        self._raise_failures()

    def _raise_failures(self) -> None:
        """Raise what nobody caught."""
        for failure in self.failures:
            raise failure

    async def _pass(self, end: float) -> None:
        """Turn the clock from timer to timer."""
        await self._settle()
        while (due := self.loop.next_timer()) <= end:
            await self._turn(due)
        await self._turn(end)

    async def _turn(self, moment: float) -> None:
        """Turn the clock to a moment, unless there is something to do before."""
        await self._settle()
        if moment > self.loop.moment:
            self.loop.moment = moment
            self._set_clocks()
        await self._settle()

    async def _settle(self) -> None:
        """Let everything happen that can."""
        await asyncio.sleep(0)
        while not self.loop.is_idle:  # noqa: ASYNC110 - there is no event for that
            await asyncio.sleep(0)

    def jump(self, skew: timedelta) -> None:
        """Set the system's clock wrong, or right."""
        self.skew = skew
        self._set_clocks()

    async def answer(self, method: str, url: URL, data: Any) -> AiohttpClientMockResponse:
        """Answer a call."""
        calls = self.cloud.calls
        calls.append(self.loop.moment)
        if len(calls) > 1:
            assert calls[-1] - calls[-2] >= 1, "two calls within a second"
        if len(calls) > 10:
            assert calls[-1] - calls[-11] >= 60, "eleven calls within a minute"
        response = dict(self.cloud.answer(self.true))
        date = {"Date": format_datetime(self.true, usegmt=True)}
        response["headers"] = {**date, **response.get("headers", {})}
        if not self.cloud.failed:
            self.error_of_clock = self.skew if abs(self.skew) <= 2 * MINUTE else timedelta()
            self.judge.take_answer(self.cloud.served[-1], self.believed)
        if error := response.pop("exc", None):
            raise error
        return AiohttpClientMockResponse(method, url, **response)

    @property
    def is_loaded(self) -> bool:
        """Tell whether the entry works."""
        return self.entry.state is ConfigEntryState.LOADED

    def open(self) -> None:
        """Begin anew: at the same time of day, with an entry that nobody has seen."""
        self.loop.moment = math.ceil(self.loop.moment / 1800 + 1) * 1800
        self.base, self.skew = T0 - timedelta(seconds=self.loop.moment), timedelta()
        self._set_clocks()
        self.storage.clear()
        restore_state.async_get(self.hass).last_states.clear()
        self.failures.clear()
        self.cloud = Cloud()
        self.judge = Judge(self.cloud, self.loop.time)
        data = {CONF_TOKEN: TOKEN, CONF_URL: API_URL, CONF_WEBHOOK_ID: WEBHOOK_ID}
        self.entry = MockConfigEntry(domain=DOMAIN, title="equiwatt", data=data, entry_id=ENTRY_ID)
        self.entry.add_to_hass(self.hass)
        self.set_up()

    def close(self) -> None:
        """Remove the entry."""
        self.hass.set_state(CoreState.running)
        self.run(self.hass.config_entries.async_remove(ENTRY_ID))
        self._raise_failures()

    def set_up(self) -> None:
        """Set the entry up, with a limiter that goes by our clock."""
        self.cloud.calls.clear()
        self.cloud.answered = False
        self.error_of_clock = self.skew
        self.set_up_at = self.loop.moment
        limiter = RateLimiter(lambda: self.loop.moment)
        self.hass.data[LIMITERS] = {TOKEN: limiter}
        self.run(self.hass.config_entries.async_setup(ENTRY_ID))

    def finish_start(self) -> None:
        """Be started, which Home Assistant is only once: it leaves listeners to that behind."""
        self.hass.set_state(CoreState.running)
        self.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
        self.pass_time(2 * SECOND)
        self.hass.bus._listeners.pop(EVENT_HOMEASSISTANT_STARTED, None)

    def unload(self) -> None:
        """Unload the entry, however far its set-up has come."""
        self.run(self.hass.config_entries.async_unload(ENTRY_ID))

    def push(self, query: str, body: bytes = b"") -> None:
        """Call the webhook."""
        request = MockRequest(body, "machine", "POST", query_string=query)
        response = self.run(async_handle_webhook(self.hass, WEBHOOK_ID, request))
        assert response.status == HTTPStatus.OK

    def state(self, entity_id: str) -> str:
        """Return a state."""
        state = self.hass.states.get(entity_id)
        return state.state if state else "missing"


class House(RuleBasedStateMachine):
    """A house in which anything happens that may."""

    home: Home
    steps = 0

    def __init__(self) -> None:
        """Set an entry up in the running Home Assistant."""
        super().__init__()
        self.seen: tuple[str, str] | None = None
        self.errors: list[AssertionError] = []
        self.remove_listener = self.home.hass.bus.async_listen("state_changed", self.on_change)
        self.home.open()

    @property
    def cloud(self) -> Cloud:
        """Return the provider."""
        return self.home.cloud

    @callback
    def on_change(self, event: Event[EventStateChangedData]) -> None:
        """Judge each edge that the event entity announces."""
        state = event.data["new_state"]
        if event.data["entity_id"] != EVENT or not state:
            return
        kind = state.attributes.get("event_type")
        if not kind or state.state in ("unknown", "unavailable"):
            return
        if self.seen == (state.state, kind):
            return  # restored
        self.seen = (state.state, kind)
        end = state.attributes["end"]
        span = (
            datetime.fromisoformat(state.attributes["start"]),
            datetime.fromisoformat(end) if end else None,
        )
        try:
            self.home.judge.take_edge(kind, span, state.attributes["source"], self.home.believed)
        except AssertionError as err:
            self.errors.append(err)

    @rule(seconds=st.integers(1, 600))
    def wait(self, seconds: int) -> None:
        """Let a little time pass."""
        self.home.pass_time(seconds * SECOND)
        self.check()

    @rule(minutes=st.integers(10, 100))
    def wait_long(self, minutes: int) -> None:
        """Let much time pass."""
        self.home.pass_time(minutes * MINUTE)
        self.check()

    @rule(ahead=st.integers(0, 20), minutes=st.integers(2, 120), truly=st.booleans())
    def begin(self, ahead: int, minutes: int, truly: bool) -> None:
        """Announce an equivent, or start one at once, as well by the clock of real ones."""
        now = self.home.true.replace(microsecond=0)
        if self.cloud.truths and not self.cloud.truths[-1].is_over(now - SAME):
            return
        start = now + ahead * MINUTE
        if truly:
            start = (
                start.replace(minute=start.minute // 30 * 30, second=0) + 30 * MINUTE + 65 * SECOND
            )
        end = start + minutes * MINUTE
        announced = start if truly else now
        self.cloud.truths.append(Truth(announced, start, [(announced, end)]))
        self.check()

    @precondition(lambda self: self.cloud.live(self.home.true))
    @rule(minutes=st.integers(0, 90))
    def move_end(self, minutes: int) -> None:
        """End the live one now, or later or earlier than planned."""
        now = self.home.true.replace(microsecond=0)
        if (live := self.cloud.live(now)) and live.start < now:
            live.plans.append((now, now + minutes * MINUTE))
        self.check()

    @rule(legacy=st.booleans())
    def speak(self, legacy: bool) -> None:
        """Answer in one shape or the other."""
        self.cloud.legacy = legacy

    @rule(seconds=st.integers(0, 400))
    def fall_behind(self, seconds: int) -> None:
        """Answer with what was true some time ago."""
        self.cloud.lag = seconds * SECOND

    @rule(seconds=st.integers(10, 1200))
    def serve_an_old_one(self, seconds: int) -> None:
        """Serve one answer from long ago."""
        self.cloud.glitches.append(("old", seconds * SECOND))

    @rule()
    def leave_out(self) -> None:
        """Leave the live one out of one answer."""
        self.cloud.glitches.append(("drop", None))

    @rule(kind=st.sampled_from(sorted(FAULTS)), count=st.integers(1, 25))
    def fault(self, kind: str, count: int) -> None:
        """Be out of order for some answers."""
        self.cloud.glitches.extend([("fault", kind)] * count)

    @precondition(lambda self: self.cloud.live(self.home.true))
    @rule(kind=st.sampled_from(sorted(FAULTS)), count=st.integers(2, 5))
    def fault_while_live(self, kind: str, count: int) -> None:
        """Be out of order while an equivent is live that everybody knows of."""
        self.wait(130)
        self.fault(kind, count)
        self.wait(130)

    @rule(kind=st.sampled_from(["started", "ended"]), times=st.integers(1, 3))
    def push(self, kind: str, times: int) -> None:
        """Call the webhook, rightly or wrongly, early or late."""
        for _ in range(times):
            self.home.judge.pushes.append((self.home.loop.moment, kind))
            self.home.push(f"event={kind}")
        self.check()

    @rule()
    def push_demo(self) -> None:
        """Press the app's demo buttons."""
        self.push("started", 1)
        self.home.pass_time(20 * SECOND)
        self.push("ended", 1)

    @precondition(lambda self: self.cloud.live(self.home.true))
    @rule()
    def push_to_and_fro(self) -> None:
        """Press one button after the other while one is live that everybody knows of."""
        self.wait(130)
        for kind in ("ended", "started", "ended"):
            self.push(kind, 1)
        self.wait(130)

    @rule(body=st.sampled_from([b"", b"{", b"[]", b"event=over", b"\xff\xfe"]))
    def push_nonsense(self, body: bytes) -> None:
        """Call the webhook with nothing that could be understood."""
        self.home.push("", body)
        self.check()

    @rule(pull=st.booleans(), down=st.integers(0, 5400), starting=st.integers(0, 60))
    def restart(self, pull: bool, down: int, starting: int) -> None:
        """Reload the entry, or lose everything but what is on disk, for a while."""
        home = self.home
        self.check()
        disk = deepcopy(home.storage)
        home.unload()
        if pull:
            home.storage.clear()
            home.storage.update(disk)
        home.pass_time(down * SECOND)
        if home.skew:  # with a wrong clock and no answer to put it right nobody could know better
            self.cloud.glitches.clear()
        if starting:
            home.judge.since = home.loop.moment
            home.hass.set_state(CoreState.starting)
        home.set_up()
        if starting:
            told = len(home.judge.told)
            home.pass_time(starting * SECOND)
            assert len(home.judge.told) == told, "an edge before anybody can hear it"
            home.finish_start()
            home.judge.since = None
        self.check()

    @rule(minutes=st.integers(-600, 600))
    def jump(self, minutes: int) -> None:
        """Let the system's clock jump by hours."""
        self.home.jump(minutes * MINUTE)
        self.check()

    @rule()
    def calm_down(self) -> None:
        """With no faults for a while the truth is known."""
        home = self.home
        self.cloud.glitches.clear()
        self.cloud.lag = timedelta()
        if home.skew:
            home.jump(timedelta())
        if home.entry.state is ConfigEntryState.SETUP_ERROR:
            home.unload()
            home.set_up()
        home.pass_time(8 * MINUTE)
        while self.cloud.is_changing(home.true):
            home.pass_time(75 * SECOND)
        expected = self.cloud.live(home.true) is not None
        assert home.state(LIVE) == ("on" if expected else "off"), "not the truth"
        self.check()

    @rule(hours=st.integers(1, 3))
    def idle(self, hours: int) -> None:
        """Ask seldom while nothing happens."""
        self.calm_down()
        if self.cloud.truths and not self.cloud.truths[-1].is_over(self.home.true):
            return
        calls = len(self.cloud.calls)
        changes: list[Event[EventStateChangedData]] = []
        stop = self.home.hass.bus.async_listen("state_changed", changes.append)
        self.home.pass_time(hours * HOUR)
        stop()
        assert changes == []
        asked = len(self.cloud.calls) - calls
        assert asked <= 1_950 / 24 * hours + 3
        assert asked >= 1_500 / 24 * hours - 3
        self.check()

    def check(self) -> None:
        """Check what always holds."""
        type(self).steps += 1
        home, judge = self.home, self.home.judge
        home.pass_time(SECOND / 2)
        for error in self.errors:
            raise error
        if not home.is_loaded:
            return
        started = bool(judge.told) and judge.told[-1][0] == "started"
        state = home.state(LIVE)
        assert state in ("on" if started else "off", "unavailable"), "edge and state disagree"
        answered = self.cloud.served[-1].at if self.cloud.served else T0
        silence = home.true - answered
        if not self.cloud.answered:  # what is remembered stands as long after a restart
            silence = min(silence, (home.loop.moment - home.set_up_at) * SECOND)
        if silence >= 15 * MINUTE + SECOND:
            assert state == "unavailable", "known, though nobody has answered for long"
        if state == "unavailable":
            assert silence >= 15 * MINUTE - SECOND
        past = home.entry.runtime_data.coordinator.data.finished
        for later, earlier in pairwise((e.start, e.end) for e in past):
            assert not same(later, earlier), "one equivent twice"
        self.check_bounds()

    def check_bounds(self) -> None:
        """Check that nothing is live past its time."""
        home, judge = self.home, self.home.judge
        if not judge.live:
            return
        if judge.pushed_at:
            ago = home.loop.moment - max(judge.pushed_moment, home.set_up_at)
            assert ago < GRACE.total_seconds() + 2, "unconfirmed for too long"
        elif not home.error_of_clock:
            assert home.true < bound(judge.live) + 2 * SECOND, "live past its bounds"

    @override
    def teardown(self) -> None:
        """Remove the entry."""
        self.remove_listener()
        self.home.close()


@pytest.fixture
def home(freezer: FrozenDateTimeFactory) -> Generator[Home]:
    """Return the Home Assistant that all examples share."""
    home = Home(freezer)
    yield home
    home.stop()


@pytest.mark.timeout(0)
def test_whatever_happens(home: Home) -> None:
    """Each edge has its reason, whatever happens in whichever order."""
    House.home, House.steps = home, 0
    profile = settings(deadline=None, suppress_health_check=list(HealthCheck))
    if not LONG:
        profile = settings(profile, max_examples=200, phases=[Phase.generate])
    run_state_machine_as_test(House, settings=profile)
    assert House.steps >= STEPS
