"""Test abuse of the webhook over real HTTP."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
import gzip
from itertools import pairwise
import json
import logging
import socket
import struct
import time
from typing import Any

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory, TickingDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.equiwatt import coordinator
from custom_components.equiwatt.equivents import client, tracker
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..fakes.home import EVENT, LIVE, WEBHOOK_ID, Home
from ..fakes.provider import Provider

PATH = f"/api/webhook/{WEBHOOK_ID}"

CALLERS = 40
TIMEOUT = 20
"""Time-out of all waits in seconds."""
GRACE = timedelta(seconds=2)
"""Life of a push in these tests."""


@pytest.fixture
def real_limits(no_waiting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the provider's limits, and shorten the life of a push."""
    monkeypatch.setattr(client, "CALL_GAP", 1.0)
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)
    monkeypatch.setattr(coordinator, "COLLECT_SECONDS", 0.2)
    monkeypatch.setattr(tracker, "PUSH_GRACE", GRACE)


@pytest.fixture(autouse=True)
def no_errors(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """Fail the test if an error or a traceback is logged.

    The test server logs its own for what is not HTTP.
    """
    yield
    ours = [
        record
        for record in caplog.get_records("call")
        if record.name.startswith(("homeassistant", "custom_components"))
    ]
    assert not [r.getMessage() for r in ours if r.levelno >= logging.ERROR]
    assert not [r.getMessage() for r in ours if r.exc_info and r.levelno > logging.DEBUG]


async def until(condition: Callable[[], bool], seconds: float = TIMEOUT) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


class CalledHome(Home):
    """Home with a client for its webhook."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        provider: Provider,
        client: TestClient[Any, Any],
    ) -> None:
        """Start watching."""
        super().__init__(hass, entry, provider)
        self.client = client

    async def call(self, method: str = "POST", **kwargs: Any) -> int:
        """Call the webhook and return the status."""
        async with self.client.request(method, PATH, **kwargs) as response:
            await response.read()
            return response.status

    async def check(self) -> None:
        """Check that valid calls still work, and that none ends what the API names."""
        live, asked = self.live, len(self.provider.times)
        assert await self.call(params={"event": "started"}) == 200
        assert self.live == "on"
        assert await self.call(params={"event": "ended"}) == 200
        assert self.live == live
        await self.settle()
        assert len(self.provider.times) > asked


async def set_up(
    hass: HomeAssistant, entry: MockConfigEntry, provider: Provider, get_client: Any
) -> CalledHome:
    """Return a home with its client, which comes last as no view can be added after it."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return CalledHome(hass, entry, provider, await get_client())


@pytest.fixture(params=["idle", "live"])
async def home(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    hass_client_no_auth: Any,
) -> CalledHome:
    """Return a home without an equivent, and one that is live by the API."""
    if request.param == "live":
        now = dt_util.utcnow()
        provider.start(now - timedelta(minutes=10), now + timedelta(minutes=50))
    home = await set_up(hass, entry, provider, hass_client_no_auth)
    assert home.live == ("on" if request.param == "live" else "off")
    return home


@asynccontextmanager
async def check_unchanged(home: CalledHome) -> AsyncIterator[None]:
    """Check that a call changes nothing and has the API asked."""
    live, calls = home.live, len(home.provider.times)
    home.changes.clear()
    yield
    await home.settle()
    assert home.live == live
    assert not {LIVE, EVENT} & {event.data["entity_id"] for event in home.changes}
    assert len(home.provider.times) > calls
    await home.check()


class Ticker:
    """Timer of how long the event loop was blocked by this process."""

    def __init__(self) -> None:
        """Start ticking."""
        self.worst = 0.0
        self._task = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        """Tick every ten milliseconds and record the longest delay."""
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.01)
            self.worst = max(self.worst, time.thread_time() - before)

    async def stop(self) -> float:
        """Return the longest delay in seconds."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        return self.worst


def check_limits(times: list[float]) -> None:
    """Check that calls were a second apart, and ten a minute at most."""
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(times))
    assert all(later - earlier >= 60.0 for earlier, later in zip(times, times[10:], strict=False))


async def burst(home: CalledHome, calls: int) -> Counter[int]:
    """Send many concurrent calls and count the statuses."""
    statuses: Counter[int] = Counter()

    async def caller(numbers: Iterator[int]) -> None:
        """Call while there are numbers left."""
        for number in numbers:
            params = [{"event": "started"}, {"event": "ended"}, {}][number % 3]
            method = ["POST", "PUT", "GET", "POST"][number % 4]
            statuses[await home.call(method, params=params)] += 1

    numbers = iter(range(calls))
    await asyncio.gather(*(caller(numbers) for _ in range(CALLERS)))
    return statuses


@pytest.mark.usefixtures("real_limits")
@pytest.mark.parametrize("calls", [300, pytest.param(2000, marks=pytest.mark.long(3))])
async def test_burst(home: CalledHome, caplog: pytest.LogCaptureFixture, calls: int) -> None:
    """Thousands of calls are answered within the limits, and then the API decides."""
    asyncio.get_running_loop().set_debug(False)  # as in a real home
    caplog.set_level(logging.WARNING)
    truth = home.live
    ticker = Ticker()
    assert await burst(home, calls) == {200: calls}
    assert await ticker.stop() < 1
    await until(lambda: len(home.provider.times) > 1)
    assert await home.call(params={"event": "ended" if truth == "on" else "started"}) == 200
    assert home.live == "on"
    await until(lambda: home.live == truth, 60 + TIMEOUT)  # when a poll is allowed again
    await asyncio.sleep(1)
    assert home.live == truth
    check_limits(home.provider.times)
    await home.hass.async_block_till_done()  # each edge is stored first
    if truth == "on":
        assert home.kinds == []
        return
    await until(lambda: home.kinds[-1] == "ended")
    assert len(home.kinds) >= 2
    assert all(earlier != later for earlier, later in pairwise(home.kinds))


async def test_ten_a_minute(
    monkeypatch: pytest.MonkeyPatch,
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    clock: TickingDateTimeFactory,
    hass_client_no_auth: Any,
) -> None:
    """The API is asked ten times a minute at most, however long the calls go on."""
    monkeypatch.setattr(client, "CALL_GAP", 0.1)
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)
    home = await set_up(hass, entry, provider, hass_client_no_auth)
    async with asyncio.timeout(TIMEOUT):
        while len(provider.times) < 10:
            assert await home.call() == 200
    for _ in range(100):
        assert await home.call() == 200
        await asyncio.sleep(0.005)
    assert len(provider.times) == 10
    clock.tick(client.CALL_WINDOW)
    await home.check()


MEGABYTES = 3_000_000
BODIES: dict[str, dict[str, Any]] = {
    "3 MB of JSON": {"data": b'{"event": "started", "x": "' + b"x" * MEGABYTES + b'"}'},
    "3 MB of blanks in front": {"data": b" " * MEGABYTES + b'{"event": "started"}'},
    "3 MB of fields": {"data": b"event=started&" + b"x=1&" * (MEGABYTES // 4)},
    "3 MB of nothing": {"data": bytes(MEGABYTES)},
    "many fields": {"data": b"&" * 60_000},
    "deep lists": {"data": b"[" * 60_000},
    "deep and closed": {"data": b"[" * 30_000 + b"]" * 30_000},
    "deep objects": {"data": b'{"event":' * 7000},
    "deep inside": {"data": b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b',"event":"started"}'},
    "3 MB deep": {"data": b"[" * MEGABYTES},
    "a huge number": {"data": b'{"event": ' + b"9" * 60_000 + b"}"},
    "UTF-16": {"data": '{"event": "started"}'.encode("utf-16")},
    "UTF-32": {"data": '{"event": "started"}'.encode("utf-32")},
    "no UTF-8": {"data": b'{"event": "start\xffed"}'},
    "a lone surrogate": {"data": b'{"event": "\xed\xa0\x80"}'},
    "an escaped surrogate": {"data": b'{"event": "\\ud800"}'},
    "a NUL": {"data": b'{"event": "started\\u0000"}'},
    "bad escapes": {"data": b"event=%zz%ff%"},
    "broken gzip": {"data": b"started" * 9, "headers": {"Content-Encoding": "gzip"}},
    "gzip cut": {
        "data": gzip.compress(json.dumps({"event": "x" * 999}).encode())[:-12],
        "headers": {"Content-Encoding": "gzip"},
    },
    "gzip of 32 MiB": {
        "data": gzip.compress(b" " * (1 << 25), 1),
        "headers": {"Content-Encoding": "gzip"},
    },
    "broken deflate": {"data": b"\xff" * 99, "headers": {"Content-Encoding": "deflate"}},
    "broken br": {"data": b"\xff" * 99, "headers": {"Content-Encoding": "br"}},
    "unknown encoding": {"data": b"\xff" * 99, "headers": {"Content-Encoding": "rot13"}},
    "unknown charset": {
        "data": b"event=started\xff",
        "headers": {"Content-Type": "application/json; charset=nonsense"},
    },
    "broken multipart": {
        "data": b"--x\r\nContent-Disposition: form-data; name=event\r\n\r\nstarted",
        "headers": {"Content-Type": "multipart/form-data; boundary=x"},
    },
    "no boundary": {"data": b"--\r\n", "headers": {"Content-Type": "multipart/form-data"}},
    "a list of events": {"json": [{"event": "started"}, {"event": "ended"}]},
    "an event in an event": {"json": {"event": {"event": "ended"}}},
    "a query of 7 kB": {"params": {"x": "x" * 7000}},
    "a broken query": {"params": {"event": b"\xff\x00".decode("latin-1")}},
    "another case": {"params": {"EVENT": "started"}},
    "an event in brackets": {"params": {"event[]": "started"}},
}


async def test_bodies(home: CalledHome) -> None:
    """Calls with any body are answered, and change nothing without a usable event."""
    answers: dict[str, int] = {}

    async def call(name: str, method: str) -> None:
        """Call the webhook with a body."""
        answers[f"{method} {name}"] = await home.call(method, **BODIES[name])

    ticker = Ticker()
    async with check_unchanged(home):
        for method in ("POST", "PUT", "GET"):
            await asyncio.gather(*(call(name, method) for name in BODIES))
    assert await ticker.stop() < 1
    assert {name: status for name, status in answers.items() if status not in (200, 400)} == {}
    assert len(answers) == 3 * len(BODIES)
    assert Counter(answers.values())[200] > 2 * len(BODIES)  # 400: the server's own refusals


OTHERS = (
    "GET",
    "HEAD",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "FOO",
    "post",
)


async def test_other_methods(home: CalledHome) -> None:
    """Other methods are answered and change nothing."""
    contrary = "ended" if home.live == "on" else "started"
    async with check_unchanged(home):
        for method in OTHERS:
            request = f"{method} {PATH}?event={contrary} HTTP/1.1\r\nHost: x\r\n\r\n"
            assert await status_of(home, request.encode()) < 500
        await home.call()


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("home", ["idle"], indirect=True)
async def test_methods(home: CalledHome, method: str) -> None:
    """The two accepted methods start and end."""
    assert await home.call(method, params={"event": "started"}) == 200
    assert home.live == "on"
    assert await home.call(method, params={"event": "ended"}) == 200
    assert home.live == "off"


async def status_of(home: CalledHome, data: bytes) -> int:
    """Send bytes, close, and return the status of the response, or 0."""
    reader, writer = await asyncio.open_connection(home.client.host, home.client.port)
    try:
        async with asyncio.timeout(TIMEOUT):
            writer.write(data)
            await writer.drain()
            line = await reader.readline()
    except ConnectionError:
        return 0
    finally:
        writer.close()
    return int(line.split()[1]) if line else 0


POST = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()
EVENT_BODY = b'{"event": "started"}'
GARBLED = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    f"POST {PATH}\r\n\r\n".encode(),
    f"POST {PATH}?event=started HTTP/9.9\r\n\r\n".encode(),
    f"POST {PATH}?event=started&x=".encode() + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
    f"POST {PATH}\x00?event=started HTTP/1.1\r\n\r\n".encode(),
    f"POST /api/webhook/%00%ff/{WEBHOOK_ID}?event=started HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    POST + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    POST + b"X: x\r\n" * 20_000 + b"\r\n",
    POST + b"no colon\r\n\r\n",
    POST + b"\xff\x00: x\r\n\r\n",
    POST + b"Content-Length: many\r\n\r\n" + EVENT_BODY,
    POST + b"Content-Length: -20\r\n\r\n" + EVENT_BODY,
    POST + b"Content-Length: 20\r\nContent-Length: 19\r\n\r\n" + EVENT_BODY,
    POST + b"Content-Length: 20\r\nTransfer-Encoding: chunked\r\n\r\n" + EVENT_BODY,
    POST + b"Transfer-Encoding: rot13\r\n\r\n" + EVENT_BODY,
    POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + EVENT_BODY,
    POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n" + EVENT_BODY,
]


async def test_garbled(home: CalledHome) -> None:
    """Garbled requests are refused or taken as a plain call, and change nothing."""
    async with check_unchanged(home):
        statuses = [await status_of(home, data) for data in GARBLED]
        await home.call()
    assert not [status for status in statuses if status >= 500]
    assert Counter(statuses)[400] > len(GARBLED) // 2


@pytest.mark.parametrize("home", ["live"], indirect=True)
async def test_slow(home: CalledHome, freezer: FrozenDateTimeFactory) -> None:
    """Slow bodies are waited for two seconds, and delay no other call."""

    async def drip(head: bytes) -> bytes:
        """Send a body byte by byte until the response arrives."""
        reader, writer = await asyncio.open_connection(home.client.host, home.client.port)
        writer.write(head)
        answer = asyncio.create_task(reader.readline())
        while not answer.done():
            writer.write(b" ")
            await asyncio.wait([answer], timeout=0.1)
        writer.close()
        return answer.result()

    async def pass_time(tenths: int) -> None:
        """Turn the clock, with more turns of the loop than any call needs."""
        for _ in range(tenths):
            freezer.tick(0.1)
            for _ in range(50):
                await asyncio.sleep(0)

    # The clock is turned by hand, as a slow machine needs more than two seconds for the call.
    async with check_unchanged(home):
        head = POST + b"Content-Length: 60000\r\n\r\n" + EVENT_BODY[:-1]
        drips = [asyncio.create_task(drip(head)) for _ in range(60)]
        await pass_time(3)
        assert await home.call() == 200
        await pass_time(16)
        assert not any(task.done() for task in drips)
        await pass_time(6)
        assert all(task.done() for task in drips)
        assert {task.result() for task in drips} == {b"HTTP/1.1 200 OK\r\n"}


async def test_hang_up(home: CalledHome) -> None:
    """A caller that hangs up causes no error, and the API is asked."""

    async def hang_up(number: int) -> None:
        """Send a part of a request, and close or reset the connection."""
        _, writer = await asyncio.open_connection(home.client.host, home.client.port)
        writer.write((POST + b"Content-Length: 20\r\n\r\n" + EVENT_BODY)[: -1 - number % 90])
        await writer.drain()
        if number % 2:
            await asyncio.sleep(0.01)
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        writer.close()

    calls = len(home.provider.times)
    async with check_unchanged(home):
        await asyncio.gather(*(hang_up(number) for number in range(100)))
        await until(lambda: len(home.provider.times) > calls)


async def test_unknown_address(home: CalledHome) -> None:
    """Calls to unknown addresses are answered alike and reach no account."""
    calls = len(home.provider.times)
    live = home.live
    for webhook_id in ("x", WEBHOOK_ID[:-1], WEBHOOK_ID.upper(), f"{WEBHOOK_ID}%20"):
        url = URL(f"/api/webhook/{webhook_id}?event=started", encoded=True)
        async with home.client.post(url) as response:
            assert response.status == 200
        url = url.with_query(event="ended")
        async with home.client.post(url) as response:
            assert response.status == 200
    await home.settle()
    assert home.live == live
    assert len(home.provider.times) == calls
