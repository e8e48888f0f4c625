"""The fake provider: its answers, faults and limits, and the received calls.

It stands behind Home Assistant's mocked session (`reply`), or listens on loopback (`serve`). It
needs nothing of the tests' packages, so that the benchmarks ask it, too.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from itertools import pairwise
import json
import time
from typing import Any, Self

from aiohttp import web

from demo.model import API_PATH, PAST, WINDOW, WINDOW_CALLS, event, payload
from homeassistant.util import dt as dt_util

API_URL = f"https://app.equiwatt.com{API_PATH}"
LOG: list[dict[str, Any]] = json.loads(PAST.read_text("utf-8"))
"""The ten equivents of the log of 2022-12-09, newest first; the newest was live."""
FINISHED = LOG[1:]


def event_of(start: datetime, end: datetime | None = None) -> dict[str, int | None]:
    """Return an event in the provider's format."""
    return event(int(start.timestamp()), int(end.timestamp()) if end else None)


def answer_of(current: object, *previous: object) -> dict[str, Any]:
    """Return the body of a valid answer."""
    return payload(current, previous)


class Provider:
    """The provider, with the same answer to all callers."""

    def __init__(self, delay: float = 0) -> None:
        """Start without an equivent, with an optional delay."""
        self.url = API_URL
        self.delay = delay
        self.current: Mapping[str, Any] | None = None
        self.previous: list[dict[str, Any]] = []
        self.status = HTTPStatus.OK
        self.headers: dict[str, str] = {}
        self.ahead = timedelta()
        """Seconds of its clock ahead of the system's."""
        self.body: str | None = None
        self.error: Exception | None = None
        """Error that a call raises in a mocked session."""
        self.is_down = False
        """True to break off connections."""
        self.refused: set[str] = set()
        """Refused tokens."""
        self.calls: list[datetime] = []
        self.times: list[float] = []
        """Times of the calls, by the system's and by the monotonic clock."""
        self.by_token: defaultdict[str, list[float]] = defaultdict(list)
        self.on_call: Callable[[], object] = lambda: None
        """Function called before each answer, which it may change."""

    # Answers

    def set_answer(
        self, current: Mapping[str, Any] | None, previous: Sequence[dict[str, Any]]
    ) -> None:
        """Answer with these equivents."""
        self.recover()
        self.current, self.previous = current, list(previous)

    def start(self, start: datetime, end: datetime | None) -> None:
        """Name an equivent, as documented with a planned end, else as in the log."""
        if end is None:
            self.previous.insert(0, event_of(start))
        else:
            self.current = event_of(start, end)

    def end(self, start: datetime, end: datetime) -> None:
        """List an equivent among the past ones."""
        self.current = None
        finished = (event for event in self.previous if event["end_time"])
        self.previous = [event_of(start, end), *finished]

    def fail(
        self,
        status: HTTPStatus,
        headers: dict[str, str] | None = None,
        body: str = '{"message": "No"}',
    ) -> None:
        """Answer with an error."""
        self.status, self.body, self.headers = status, body, headers or {}

    def recover(self) -> None:
        """Answer validly again."""
        self.status, self.body, self.headers, self.error = HTTPStatus.OK, None, {}, None
        self.is_down = False

    @property
    def text(self) -> str:
        """Return the body of the next answer."""
        return (
            json.dumps(answer_of(self.current, *self.previous)) if self.body is None else self.body
        )

    @property
    def _headers(self) -> dict[str, str]:
        """Return the headers of the next answer, by default with the time."""
        date = format_datetime(dt_util.utcnow() + self.ahead, usegmt=True)
        return {"Date": date, **self.headers}

    # Behind a mocked session

    def reply(self) -> dict[str, Any]:
        """Record a call and return its status, headers and text, or raise its error."""
        self._record()
        if self.error:
            raise self.error
        return {"status": self.status, "headers": self._headers, "text": self.text}

    # On loopback

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a call, or break the connection."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self._record(token)
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.is_down and request.transport:
            request.transport.abort()
        if token in self.refused:
            return web.json_response({"message": "Unauthenticated."}, status=401)
        kind = "application/json" if self.text.startswith(("{", "[")) else "text/html"
        return web.Response(
            status=self.status, headers=self._headers, text=self.text, content_type=kind
        )

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[Self]:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_get(API_PATH, self.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}{API_PATH}"
        try:
            yield self
        finally:
            await runner.cleanup()

    # Calls

    def _record(self, token: str = "") -> None:
        """Record a call."""
        self.on_call()
        self.calls.append(dt_util.utcnow())
        self.times.append(time.monotonic())
        self.by_token[token].append(self.times[-1])

    def forget_calls(self) -> None:
        """Drop the recorded calls."""
        self.calls.clear()
        self.times.clear()
        self.by_token.clear()

    def check_limits(self) -> None:
        """Check that each token was used within the provider's limits."""
        for times in self.by_token.values():
            assert all(late - early >= 1 for early, late in pairwise(times))
            assert all(
                late - early >= WINDOW
                for early, late in zip(times, times[WINDOW_CALLS:], strict=False)
            )
