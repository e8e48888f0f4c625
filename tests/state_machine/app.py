"""The equiwatt app, which calls the webhook: in time, late, out of order, or slowly."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, override

from homeassistant.components.webhook import async_handle_webhook
from homeassistant.util.aiohttp import MockRequest, MockStreamReader

from ..fakes.home import LIVE, WEBHOOK_ID

if TYPE_CHECKING:
    from .home import TurnedHome


class Body(MockStreamReader):
    """A body that arrives slowly."""

    def __init__(self, content: bytes, takes: timedelta, on_arrival: Callable[[], None]) -> None:
        """Initialize with its content and a callback."""
        super().__init__(content)
        self._takes = takes
        self._on_arrival = on_arrival
        self._has_arrived = False

    @override
    async def read(self, byte_count: int = -1) -> bytes:
        """Read the body once it has arrived."""
        if not self._has_arrived:
            await asyncio.sleep(self._takes.total_seconds())
            self._has_arrived = True
            self._on_arrival()
        return await super().read(byte_count)


class Request(MockRequest):
    """A call of the webhook."""

    def __init__(self, query: str, body: Body) -> None:
        """Initialize its parts."""
        super().__init__(b"", "machine", "POST", query_string=query)
        self._body = body

    @property
    @override
    def content(self) -> Body:
        """Return the body."""
        return self._body


class App:
    """The app, with calls on their way."""

    def __init__(self, home: TurnedHome) -> None:
        """Start without calls."""
        self._home = home
        self._under_way: set[asyncio.Task[None]] = set()

    def call(self, kind: str) -> None:
        """Report that an equivent has started or ended."""
        self._home.run(self._async_call(kind))

    def call_with(self, body: bytes) -> None:
        """Send an invalid call."""
        self._home.run(self._async_post("", Body(body, timedelta(), lambda: None)))

    def call_later(self, kind: str, delay: timedelta) -> None:
        """Report it after a while, in any state of the house."""
        self._start(self._async_call(kind, delay))

    def call_slowly(self, kind: str, takes: timedelta) -> None:
        """Report it in a slow body, in any state of the house."""
        self._start(self._async_call_slowly(kind, takes))

    def hang_up(self) -> None:
        """Cancel all calls on their way."""
        for call in self._under_way:
            call.cancel()
        self._home.run(asyncio.sleep(0))

    def _start(self, call: Coroutine[Any, Any, None]) -> None:
        """Start a call in the background."""
        task = self._home.loop.create_task(call)
        self._under_way.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        """Keep the error of a call."""
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._home.failures.append(error)

    async def _async_call(self, kind: str, delay: timedelta = timedelta()) -> None:
        """Report it in the query."""
        await asyncio.sleep(delay.total_seconds())
        self._home.judge.take_push(kind)
        await self._async_post(f"event={kind}", Body(b"", timedelta(), lambda: None))
        self._check(kind)

    async def _async_call_slowly(self, kind: str, takes: timedelta) -> None:
        """Report it in the body, which counts only if it arrives in time."""
        arrived: list[str] = []

        def on_arrival() -> None:
            """Notify the judge."""
            arrived.append(kind)
            self._home.judge.take_push(kind)

        await self._async_post("", Body(f"event={kind}".encode(), takes, on_arrival))
        for call in arrived:
            self._check(call)

    async def _async_post(self, query: str, body: Body) -> None:
        """Call the webhook."""
        response = await async_handle_webhook(self._home.hass, WEBHOOK_ID, Request(query, body))
        assert response.status == HTTPStatus.OK

    def _check(self, kind: str) -> None:
        """Check that a call to a loaded entry has changed the state."""
        home = self._home
        state = home.state(LIVE)
        if not home.is_loaded or home.judge.since is not None or state == "unavailable":
            return
        if kind == "started":
            assert state == "on", "not started by a call"
        elif home.judge.ends_at_once:
            assert state == "off", "not ended by a call"
