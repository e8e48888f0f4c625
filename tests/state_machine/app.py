"""The equiwatt app, which calls the webhook: at once, late, in disorder, and slowly."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, override

from homeassistant.components.webhook import async_handle_webhook
from homeassistant.util.aiohttp import MockRequest, MockStreamReader

from ..fakes.home import LIVE, WEBHOOK_ID

if TYPE_CHECKING:
    from .home import Home


class Body(MockStreamReader):
    """A body that takes a while to arrive."""

    def __init__(self, content: bytes, takes: timedelta, on_arrival: Callable[[], None]) -> None:
        """Keep what arrives, and what is to happen then."""
        super().__init__(content)
        self._takes = takes
        self._on_arrival = on_arrival
        self._has_arrived = False

    @override
    async def read(self, byte_count: int = -1) -> bytes:
        """Read it, once it is there."""
        if not self._has_arrived:
            await asyncio.sleep(self._takes.total_seconds())
            self._has_arrived = True
            self._on_arrival()
        return await super().read(byte_count)


class Request(MockRequest):
    """A call of the webhook."""

    def __init__(self, query: str, body: Body) -> None:
        """Keep its parts."""
        super().__init__(b"", "machine", "POST", query_string=query)
        self._body = body

    @property
    @override
    def content(self) -> Body:
        """Return the body."""
        return self._body


class App:
    """Calls the webhook of a home."""

    def __init__(self, home: Home) -> None:
        """Start with no call on its way."""
        self._home = home
        self._under_way: set[asyncio.Task[None]] = set()

    def call(self, kind: str) -> None:
        """Say that an equivent has started or ended."""
        self._home.run(self._async_call(kind))

    def call_with(self, body: bytes) -> None:
        """Say something that nobody understands."""
        self._home.run(self._async_post("", Body(body, timedelta(), lambda: None)))

    def call_later(self, kind: str, delay: timedelta) -> None:
        """Say it in a while, whatever the house does then."""
        self._start(self._async_call(kind, delay))

    def call_slowly(self, kind: str, takes: timedelta) -> None:
        """Say it in a body that takes a while to arrive, whatever the house does meanwhile."""
        self._start(self._async_call_slowly(kind, takes))

    def hang_up(self) -> None:
        """Let no call be on its way any more."""
        for call in self._under_way:
            call.cancel()
        self._home.run(asyncio.sleep(0))

    def _start(self, call: Coroutine[Any, Any, None]) -> None:
        """Make a call beside everything else."""
        task = self._home.loop.create_task(call)
        self._under_way.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        """Keep what went wrong in a call."""
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._home.failures.append(error)

    async def _async_call(self, kind: str, delay: timedelta = timedelta()) -> None:
        """Say it in the address."""
        await asyncio.sleep(delay.total_seconds())
        self._home.judge.take_push(kind)
        await self._async_post(f"event={kind}", Body(b"", timedelta(), lambda: None))
        self._check(kind)

    async def _async_call_slowly(self, kind: str, takes: timedelta) -> None:
        """Say it in the body, which counts only if it arrives in time."""
        arrived: list[str] = []

        def on_arrival() -> None:
            """Let the judge know."""
            arrived.append(kind)
            self._home.judge.take_push(kind)

        await self._async_post("", Body(f"event={kind}".encode(), takes, on_arrival))
        for one in arrived:
            self._check(one)

    async def _async_post(self, query: str, body: Body) -> None:
        """Call."""
        response = await async_handle_webhook(self._home.hass, WEBHOOK_ID, Request(query, body))
        assert response.status == HTTPStatus.OK

    def _check(self, kind: str) -> None:
        """Check that a call that has just been received by a loaded entry has changed the state."""
        home = self._home
        state = home.state(LIVE)
        if not home.is_loaded or home.judge.since is not None or state == "unavailable":
            return
        if kind == "started":
            assert state == "on", "not started by a call"
        elif home.judge.ends_at_once:
            assert state == "off", "not ended by a call"
