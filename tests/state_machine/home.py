"""A Home Assistant with a clock turned by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from copy import deepcopy
from datetime import datetime, timedelta
from email.utils import format_datetime
import logging
import math
from typing import Any, override
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_test_home_assistant
from pytest_homeassistant_custom_component.test_util.aiohttp import mock_aiohttp_client
from yarl import URL

from custom_components.equiwatt import api
from custom_components.equiwatt.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_WEBHOOK_ID, EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, Event, EventStateChangedData, HomeAssistant
from homeassistant.helpers import event as event_helper, frame, restore_state
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util import dt as dt_util

from ..fakes.clock import HandTurnedLoop
from ..fakes.disk import Memory
from ..fakes.home import TOKEN, WEBHOOK_ID
from ..fakes.mocked import Response
from ..fakes.provider import API_URL
from .app import App
from .cloud import MINUTE, SECOND, Answer, Cloud
from .judge import Judge

T0 = datetime(2026, 11, 20, 17, 20, tzinfo=dt_util.UTC)


ENTRY_ID = "01EQUIWATTENTRY00000000000"


class Alarm(logging.Handler):
    """Log handler for exceptions that should not happen."""

    def __init__(self, failures: list[BaseException]) -> None:
        """Subscribe to errors."""
        super().__init__(logging.ERROR)
        self.failures = failures

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception."""
        if record.exc_info and record.exc_info[1]:
            self.failures.append(record.exc_info[1])


class TurnedHome:
    """A Home Assistant with a clock turned by hand."""

    def __init__(self, freezer: FrozenDateTimeFactory) -> None:
        """Start Home Assistant."""
        self.freezer = freezer
        self.loop = HandTurnedLoop()
        self.base = T0
        self.set_up_at = 0.0
        self.skew = timedelta()
        self.error_of_clock = timedelta()
        self.cloud = Cloud()
        self.judge = Judge(self.cloud, self.loop.time)
        self.app = App(self)
        self.newest: datetime | None = None
        self.doubted: tuple[datetime, float] | None = None
        self.is_doubtful = False
        self.failures: list[BaseException] = []
        self.entry = MockConfigEntry()
        self.on_event: Callable[[Event[EventStateChangedData]], None] = lambda _: None
        self._stack = ExitStack()
        self.storage = self._stack.enter_context(Memory().used())
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
        """Start Home Assistant in its loop."""
        hass: HomeAssistant = await self._context.__aenter__()
        hass.data.pop(DATA_CUSTOM_COMPONENTS)
        frame.async_setup(hass)
        return hass

    def stop(self) -> None:
        """Stop Home Assistant and clean up."""
        self.run(self.hass.async_stop(force=True))
        self.run(self._context.__aexit__(None, None, None))
        self.run(self.loop.shutdown_asyncgens())
        self.loop.close()
        logging.getLogger().removeHandler(self._alarm)
        self._stack.close()

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep an uncaught exception."""
        self.failures.append(context.get("exception") or AssertionError(context["message"]))

    @property
    def true(self) -> datetime:
        """Return the true time."""
        return self.base + timedelta(seconds=self.loop.moment)

    @property
    def wall(self) -> datetime:
        """Return the time of the system's clock."""
        return self.true + self.skew

    @property
    def believed(self) -> datetime:
        """Return the time that the integration may assume: wrong until the first answer."""
        return self.true + self.error_of_clock

    def _set_clocks(self) -> None:
        """Set the system's clock."""
        self.freezer.move_to(self.wall)

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, with time passing as needed."""
        return self.loop.run_until_complete(self._run(work))

    async def _run[T](self, work: Awaitable[T]) -> T:
        """Run a coroutine to its end."""
        task = asyncio.ensure_future(work)
        await self._settle()
        while not task.done():
            await self._turn(min(self.loop.next_timer(), self.loop.moment + 60))
        return task.result()

    def pass_time(self, time: timedelta) -> None:
        """Turn the clock, with every timer at its time."""
        self.loop.run_until_complete(self._pass(self.loop.moment + time.total_seconds()))
        self._raise_failures()

    def _raise_failures(self) -> None:
        """Raise the uncaught exceptions."""
        for failure in self.failures:
            raise failure

    async def _pass(self, end: float) -> None:
        """Turn the clock from timer to timer."""
        await self._settle()
        while (due := self.loop.next_timer()) <= end:
            await self._turn(due)
        await self._turn(end)

    async def _turn(self, moment: float) -> None:
        """Turn the clock to a time, unless something is ready before."""
        await self._settle()
        if moment > self.loop.moment:
            self.loop.moment = moment
            self._set_clocks()
        await self._settle()

    async def _settle(self) -> None:
        """Run everything that is ready."""
        await asyncio.sleep(0)
        while not self.loop.is_idle:  # noqa: ASYNC110 - there is no event for that
            await asyncio.sleep(0)

    def step(self) -> None:
        """Run to the next await, or to the next timer if nothing is ready."""
        self.loop.run_until_complete(self._step())

    async def _step(self) -> None:
        """Run everything that is ready once."""
        if self.loop.is_idle:
            self.loop.moment = self.loop.next_timer()
            self._set_clocks()
        await asyncio.sleep(0)

    def jump(self, skew: timedelta) -> None:
        """Set the system's clock wrong or right."""
        self.skew = skew
        self._set_clocks()

    async def answer(self, method: str, url: URL, data: Any) -> Response:
        """Answer a call."""
        calls = self.cloud.calls
        calls.append(self.loop.moment)
        if len(calls) > 1:
            assert calls[-1] - calls[-2] >= 1, "two calls within a second"
        if len(calls) > 10:
            assert calls[-1] - calls[-11] >= 60, "eleven calls within a minute"
        answer, response = self.cloud.answer(self.true)
        headers = {}
        made = None
        if self.cloud.copies:
            copy = self.cloud.copies.popleft()
            response, answer = copy.response, copy.answer
            if copy.mark != "Date":
                headers = {"Age": str(int((self.true - copy.made).total_seconds()))}
            if copy.mark != "Age":
                made = copy.made
        else:
            await asyncio.sleep(self.cloud.slowness.total_seconds())
        made = made or self.true.replace(microsecond=0)
        headers |= {"Date": format_datetime(made, usegmt=True)}
        if "exc" not in response:
            self._take(answer, made, is_copy="Age" in headers)
        else:
            self._take(None, made)
        response = {**response, "headers": {**headers, **response.get("headers", {})}}
        if error := response.pop("exc", None):
            raise error
        return Response(method, url, **response)

    def _take(self, answer: Answer | None, date: datetime, *, is_copy: bool = False) -> None:
        """Apply a received answer to the expected clock and the judge."""
        if answer and not is_copy and not self._accepts(date):
            is_first, self.is_doubtful = not self.is_doubtful, True
            self.cloud.failed |= not is_first
            return
        if answer and not is_copy:
            self.is_doubtful = False
        self.cloud.take(None if is_copy else answer, date, self.loop.moment)
        if answer and not is_copy:
            # With a wrong system clock the time is the header's, which has whole seconds.
            near = abs(self.wall - date) <= 2 * MINUTE
            self.error_of_clock = self.skew if near else date - self.true
            self.judge.take_answer(self.cloud.served[-1])

    def _accepts(self, date: datetime) -> bool:
        """Return True unless a date is old, or the first to contradict the clocks."""
        doubted, self.doubted = self.doubted, None
        is_old = self.newest is not None and date <= self.newest - MINUTE
        is_far = min(abs(date - self.believed), abs(date - self.wall)) > 2 * MINUTE
        if is_old or is_far:
            passed = (self.loop.moment - doubted[1]) * SECOND if doubted else timedelta()
            if not doubted or date <= doubted[0] or abs(date - doubted[0] - passed) > 2 * SECOND:
                self.doubted = (date, self.loop.moment)
                return False
        self.newest = date if is_old or not self.newest else max(date, self.newest)
        return True

    @property
    def is_loaded(self) -> bool:
        """Return True if the entry is loaded."""
        return self.entry.state is ConfigEntryState.LOADED

    def open(self) -> None:
        """Set up a new entry, at the same time of day."""
        self.loop.moment = math.ceil(self.loop.moment / 1800 + 1) * 1800
        self.base, self.skew = T0 - timedelta(seconds=self.loop.moment), timedelta()
        self._set_clocks()
        self.storage.clear()
        restore_state.async_get(self.hass).last_states.clear()
        self.failures.clear()
        self.cloud = Cloud()
        self.judge = Judge(self.cloud, self.loop.time)
        self.forget_calls()
        data = {CONF_TOKEN: TOKEN, CONF_URL: API_URL, CONF_WEBHOOK_ID: WEBHOOK_ID}
        self.entry = MockConfigEntry(domain=DOMAIN, title="equiwatt", data=data, entry_id=ENTRY_ID)
        self.entry.add_to_hass(self.hass)
        self.set_up()

    def close(self) -> None:
        """Remove the entry."""
        self.app.hang_up()
        self.hass.set_state(CoreState.running)
        self.run(self.hass.config_entries.async_remove(ENTRY_ID))
        self._raise_failures()

    def set_up(self) -> None:
        """Set up the entry, with a limiter that uses the tests' clock."""
        self.cloud.answered = False
        self.error_of_clock = self.skew
        self.newest, self.doubted, self.is_doubtful = None, None, False
        self.set_up_at = self.judge.set_up_at = self.loop.moment
        self.run(self.hass.config_entries.async_setup(ENTRY_ID))

    def finish_start(self) -> None:
        """Start Home Assistant, and remove the listeners left by that."""
        self.hass.set_state(CoreState.running)
        self.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
        self.pass_time(2 * SECOND)
        self.hass.bus._listeners.pop(EVENT_HOMEASSISTANT_STARTED, None)

    def unload(self) -> None:
        """Unload the entry, at any stage of its set-up."""
        self.judge.due = None
        while self.entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
            self.pass_time(SECOND)
        self.run(self.hass.config_entries.async_unload(ENTRY_ID))

    def forget_calls(self) -> None:
        """Reset the limiter, as a restart does."""
        self.cloud.calls.clear()
        self.hass.data.pop(api.LIMITERS, None)

    @property
    def stored(self) -> dict[str, Any]:
        """Return the stored data of equivents."""
        data: dict[str, Any] = self.storage.get(f"{DOMAIN}.{ENTRY_ID}", {}).get("data", {})
        return data

    @property
    def traces(self) -> tuple[dict[str, Any], int, int]:
        """Return all traces of the account: on the disk, at the provider and in events."""
        files = {name: file for name, file in self.storage.items() if name.endswith(ENTRY_ID)}
        return deepcopy(files), len(self.cloud.calls), len(self.judge.announced)

    def state(self, entity_id: str) -> str:
        """Return a state."""
        state = self.hass.states.get(entity_id)
        return state.state if state else "missing"
