"""Test the client over real sockets, and its limits with a fake clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address
from itertools import pairwise
import json
from pathlib import Path
import socket
import ssl
import traceback

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings, strategies as st
import pytest

from custom_components.equiwatt.equivents import client
from custom_components.equiwatt.equivents.answer import parse
from custom_components.equiwatt.equivents.client import (
    EquiwattClient,
    EquiwattError,
    InvalidTokenError,
    RateLimitedError,
    RateLimiter,
    UnexpectedResponseError,
    UnreachableError,
    clean_token,
    is_secure,
    retry_after,
)
from tests.fakes.clock import Clock
from tests.fakes.home import TOKEN

GOOD = (Path(__file__).parents[1] / "data" / "documented.json").read_text()
NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
LOOPBACK = IPv4Address("127.0.0.1")

pytestmark = pytest.mark.usefixtures("socket_enabled")

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """Serve one answer for all requests and yield the address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/api/v3/equivents/"))


@asynccontextmanager
async def raw(data: bytes, *, stall: bool = False) -> AsyncIterator[str]:
    """Serve raw bytes, then close or stall, and yield the address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a connection."""
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()
        if stall:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/api/v3/equivents/"


@asynccontextmanager
async def connect(url: str, token: str = TOKEN) -> AsyncIterator[EquiwattClient]:
    """Yield a client."""
    async with aiohttp.ClientSession() as session:
        yield EquiwattClient(session, token, url, RateLimiter(), lambda: NOW)


async def outcome(url: str, token: str = TOKEN) -> EquiwattError:
    """Return the error of a call, and check that it does not contain the token."""
    async with connect(url, token) as subject:
        with pytest.raises(EquiwattError) as caught:
            await subject.async_get_equivents()
        assert token not in repr(subject)
    error: BaseException | None = caught.value
    assert token not in "".join(traceback.format_exception(caught.value))
    while error:
        assert token not in f"{error!r} {error} {error.args}"
        assert isinstance(error, EquiwattError)
        error = error.__cause__ or error.__context__
    return caught.value


async def test_good_answer() -> None:
    """A valid answer is parsed, and the call is as documented."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        """Return a valid answer."""
        seen.append(request)
        return web.Response(text=GOOD, content_type="application/json")

    async with serving(answer) as url, connect(url) as subject:
        assert await subject.async_get_equivents() == parse(json.loads(GOOD))
    assert seen[0].method == "GET"
    assert seen[0].path == "/api/v3/equivents/"
    assert seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen[0].headers["Accept"] == "application/json"


STATUSES = [
    (201, UnexpectedResponseError),
    (204, UnexpectedResponseError),
    (301, UnexpectedResponseError),
    (302, UnexpectedResponseError),
    (307, UnexpectedResponseError),
    (400, UnexpectedResponseError),
    (401, InvalidTokenError),
    (403, InvalidTokenError),
    (404, UnexpectedResponseError),
    (418, UnexpectedResponseError),
    (429, RateLimitedError),
    (500, UnreachableError),
    (502, UnreachableError),
    (503, UnreachableError),
    (599, UnreachableError),
]


@pytest.mark.parametrize(("status", "error"), STATUSES)
async def test_statuses(status: int, error: type[EquiwattError]) -> None:
    """Each status has one cause, even with a valid body, and redirects are not followed."""
    calls = 0

    async def answer(request: web.Request) -> web.Response:
        """Return the status."""
        nonlocal calls
        calls += 1
        headers = {"Location": "/elsewhere"} if status in (301, 302, 307) else {}
        return web.Response(status=status, text=GOOD, headers=headers)

    async with serving(answer) as url:
        assert type(await outcome(url)) is error
    assert calls == 1


@pytest.mark.parametrize(
    "text",
    ["\n<html>Blocked</html>", "error code: 1010", "[" * 100_000],
    ids=["page", "line", "deep"],
)
@pytest.mark.parametrize("status", [401, 403])
async def test_proxy_status(status: int, text: str) -> None:
    """A refusal that is not JSON comes from a proxy and does not refuse the token."""

    async def answer(request: web.Request) -> web.Response:
        """Return a proxy's page."""
        return web.Response(status=status, text=text)

    async with serving(answer) as url:
        assert type(await outcome(url)) is UnexpectedResponseError


def from_a_cache(age: str) -> Answer:
    """Return a handler with a valid answer of some age."""

    async def answer(request: web.Request) -> web.Response:
        """Return a valid answer."""
        return web.Response(text=GOOD, headers={"Age": age})

    return answer


@pytest.mark.parametrize("age", ["0", "60", "soon"])
async def test_fresh_copies(age: str) -> None:
    """A cached answer counts up to an age of a minute."""
    async with serving(from_a_cache(age)) as url, connect(url) as subject:
        assert await subject.async_get_equivents() == parse(json.loads(GOOD))


@pytest.mark.parametrize("age", ["61", "9" * 400])
async def test_old_copies(age: str) -> None:
    """An older cached answer is an error."""
    async with serving(from_a_cache(age)) as url:
        assert type(await outcome(url)) is UnexpectedResponseError


BODIES = {
    "empty": b"",
    "html": b"<!doctype html><title>Log in</title>",
    "list": b"[]",
    "null": b"null",
    "half": GOOD[:60].encode(),
    "refused": b'{"success": false, "msg": "error message in case of error", "data": null}',
    "message": b'{"message": "Unauthenticated."}',
    "latin1": GOOD.replace("null", '"\u00e9"').encode("latin-1"),
    "utf16": GOOD.encode("utf-16"),
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "huge number": b'{"success": true, "data": ' + b"9" * 5000 + b"}",
    "nan": b'{"success": NaN}',
    "too large": b'"' + b" " * client.MAX_BODY + b'"',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_bodies(body: bytes) -> None:
    """A body that is not the API's is unexpected."""

    async def answer(request: web.Request) -> web.Response:
        """Return the body."""
        return web.Response(body=body, content_type="application/json")

    async with serving(answer) as url:
        assert type(await outcome(url)) is UnexpectedResponseError


async def test_body_limit() -> None:
    """An endless body is read up to a mebibyte."""
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        """Return an endless body."""
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 1 << 28:
            await response.write(b" " * 65536)
            sent += 65536
        return response

    async with serving(answer) as url:
        assert type(await outcome(url)) is UnexpectedResponseError
    assert sent < 1 << 25


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WIRES = {
    "closed": (b"", UnreachableError),
    "no http": (b"\x00\xff\x00 nonsense\r\n\r\n", UnreachableError),
    "half head": (b"HTTP/1.1 200 OK\r\nContent-", UnreachableError),
    "short body": (HEAD + b"Content-Length: 9000\r\n\r\n" + GOOD.encode(), UnreachableError),
    "bad chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", UnreachableError),
    "bad gzip": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        UnreachableError,
    ),
}


@pytest.mark.parametrize(("data", "error"), WIRES.values(), ids=WIRES)
async def test_connection_errors(data: bytes, error: type[EquiwattError]) -> None:
    """A failed connection is unreachable, and one that breaks off or carries no answer."""
    async with raw(data) as url:
        assert type(await outcome(url)) is error


DATES = [
    b"Fri, 31 Dec 9999 23:59:59 -1400",
    b"Sat, 20 Nov 2026 17:20:00 +99999999",
    b"nonsense",
    b"\xff\xfe",
    b"",
]


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("status", [b"200 OK", b"429 No", b"503 No"])
async def test_impossible_dates(date: bytes, status: bytes) -> None:
    """A date out of range is ignored."""
    head = b"HTTP/1.1 " + status + b"\r\nDate: " + date + b"\r\nRetry-After: " + date
    body = b"\r\nContent-Length: %d\r\n\r\n" % len(GOOD.encode()) + GOOD.encode()
    async with raw(head + body) as url, connect(url) as subject:
        with suppress(EquiwattError):
            assert await subject.async_get_equivents() == parse(json.loads(GOOD))
        assert subject.server_time is None


HEADERS = [
    *[b"Date", b"Retry-After", b"Content-Type", b"Content-Encoding", b"Set-Cookie"],
    *[b"Content-Length", b"Transfer-Encoding", b"Location", b"Connection"],
]


@settings(max_examples=80, deadline=None)
@given(
    status=st.integers(0, 999),
    headers=st.lists(
        st.tuples(
            st.sampled_from(HEADERS),
            st.binary(max_size=30) | st.sampled_from([*DATES, b"gzip", b"deflate", b"chunked"]),
        ),
        max_size=5,
    ),
    body=st.binary(max_size=80) | st.just(GOOD.encode()),
)
def test_any_response(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """The client raises its own exceptions only, without the token."""
    lines = [b"HTTP/1.1 %d X" % status, *(name + b": " + value for name, value in headers)]

    async def ask() -> EquiwattError | None:
        """Call a server that sends it, and return the error."""
        async with raw(b"\r\n".join(lines) + b"\r\n\r\n" + body) as url, connect(url) as subject:
            try:
                await subject.async_get_equivents()
            except EquiwattError as err:
                return err
        return None

    error = asyncio.run(ask())
    assert TOKEN not in repr(error) + str(vars(error) if error else "")


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200", HEAD + b"Content-Length: 9\r\n\r\n{"])
async def test_timeout(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call takes ten seconds at most."""
    assert client.TIMEOUT.total == 10
    monkeypatch.setattr(client, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    async with raw(data, stall=True) as url:
        assert type(await outcome(url)) is UnreachableError


async def test_unreachable(unused_tcp_port: int) -> None:
    """A closed port and an unknown host are unreachable."""
    assert type(await outcome(f"http://127.0.0.1:{unused_tcp_port}/")) is UnreachableError


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return the TLS context of a server with a self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def test_tls_is_verified(tmp_path: Path) -> None:
    """A self-signed certificate is refused before the token is sent."""
    context = self_signed(tmp_path)
    received: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        """Accept one connection."""
        with suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True) as tls:
            received.append(tls.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = asyncio.create_task(asyncio.to_thread(serve, listener))
        error = await outcome(f"https://127.0.0.1:{listener.getsockname()[1]}/")
        await server
    assert type(error) is UnreachableError
    assert "Certificate" in str(error)
    assert received == []


@pytest.mark.parametrize("token", ["a\r\nX: y", "a b", "caf\u00e9", "\x7f", "\u200b"])
async def test_impossible_token(token: str) -> None:
    """A token that fits in no header is refused without a call."""
    assert type(await outcome("http://127.0.0.1:1/", token)) is InvalidTokenError


async def test_rate_limited() -> None:
    """The error contains the seconds to wait."""

    async def answer(request: web.Request) -> web.Response:
        """Return the status for too many requests."""
        return web.Response(status=429, headers={"Retry-After": "17"})

    async with serving(answer) as url:
        error = await outcome(url)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == 17


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 60),
        ("", 60),
        ("5", 5),
        (" 5 ", 5),
        ("3600", 3600),
        ("86400", 86400),
        ("0", 60),
        ("-5", 60),
        ("1.5", 60),
        ("9" * 400, 60),
        ("\u0665", 60),
        ("soon", 60),
        ("Fri, 20 Nov 2026 17:00:42 GMT", 42),
        ("Fri, 20 Nov 2026 17:00:42 -0000", 42),
        ("Fri, 20 Nov 2026 16:59:00 GMT", 60),
        ("Sat, 21 Nov 2026 17:00:00 GMT", 86400),
        ("Fri, 99 Nov 2026 17:00:00 GMT", 60),
    ],
)
def test_retry_after(header: str | None, seconds: float) -> None:
    """Seconds and dates count in full, and anything else as a minute."""
    assert retry_after(header, NOW) == seconds


async def test_server_time() -> None:
    """The answer contains the server's time, if there is one."""

    async def answer(request: web.Request) -> web.Response:
        """Return a valid answer with another time."""
        return web.Response(text=GOOD, headers={"Date": "Sat, 07 Nov 2026 12:00:00 GMT"})

    async with serving(answer) as url, connect(url) as subject:
        assert subject.server_time is None
        await subject.async_get_equivents()
        assert subject.server_time == datetime(2026, 11, 7, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("abc", "abc"),
        ("  abc\n", "abc"),
        ("Bearer abc", "abc"),
        (" bearer   abc ", "abc"),
        ("Bearer", "Bearer"),
        ("bearerabc", "bearerabc"),
        ("  ", ""),
    ],
)
def test_clean_token(text: str, token: str) -> None:
    """Blanks and a leading Bearer are dropped."""
    assert clean_token(text) == token


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("https://app.equiwatt.com/api/v3/equivents/", True),
        ("http://app.equiwatt.com/api/v3/equivents/", False),
        ("http://localhost:8130/", True),
        ("http://127.0.0.1:8130/", True),
        ("http://127.8.9.10/", True),
        ("http://[::1]:8130/", True),
        ("http://127.0.0.1.example.com/", False),
        ("http://localhost.example.com/", False),
        ("http://192.168.1.2/", False),
        ("http://user:pass@localhost/", False),
        ("https://user@example.com/", False),
        ("https://", False),
        ("ftp://example.com/", False),
        ("app.equiwatt.com", False),
        ("https://[::1", False),
        ("https://example.com:99999/", False),
        ("", False),
    ],
)
def test_is_secure(url: str, secure: bool) -> None:
    """Addresses are secure with https or on this machine."""
    assert is_secure(url) is secure


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the real limits."""
    monkeypatch.setattr(client, "CALL_GAP", 1.0)
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)


def check_limits(times: list[float]) -> None:
    """Check the times of calls against the provider's limits."""
    assert all(late - early >= 1 for early, late in pairwise(times))
    assert all(late - early >= 60 for early, late in zip(times, times[10:], strict=False))


@pytest.mark.usefixtures("limits")
class TestLimiter:
    """One call a second, ten a minute."""

    async def test_pace(self) -> None:
        """The first call is free, then one a second, the eleventh a minute after the first."""
        clock = Clock()
        limiter = RateLimiter(clock, clock.sleep)
        times = []
        for _ in range(35):
            async with limiter.turn():
                times.append(clock())
        assert times[0] == 0
        assert times[9] - times[0] < 9.2
        assert 60 <= times[10] - times[0] < 60.5
        check_limits(times)
        assert limiter.recent_calls <= 10

    async def test_counts_from_the_answer(self) -> None:
        """The gap begins at the answer, however long the call took, failed or not."""
        clock = Clock()
        limiter = RateLimiter(clock, clock.sleep)

        async def fail_slowly() -> None:
            """Make a call that fails."""
            async with limiter.turn():
                await clock.sleep(7)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await fail_slowly()
        async with limiter.turn():
            assert clock() >= 8

    async def test_first_come_first_served(self) -> None:
        """Callers are served in order, and a cancelled one does not block the others."""
        clock = Clock()
        limiter = RateLimiter(clock, clock.sleep)
        served: list[int] = []

        async def call(number: int) -> None:
            """Make a call."""
            async with limiter.turn():
                served.append(number)

        async with limiter.turn():
            tasks = [asyncio.create_task(call(number)) for number in range(8)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            tasks[3].cancel()
        await asyncio.sleep(0)
        tasks[1].cancel()  # the caller whose turn is next, waiting for the gap
        await asyncio.gather(*tasks, return_exceptions=True)
        assert served == [2, 4, 5, 6, 7]

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(st.floats(0, 90), st.floats(0, 12), st.booleans()), min_size=2, max_size=30
        )
    )
    async def test_any_pattern(self, callers: list[tuple[float, float, bool]]) -> None:
        """The limits hold for any callers, slow answers and cancellations."""
        clock = Clock()
        limiter = RateLimiter(clock, clock.sleep)
        times: list[float] = []

        async def call(takes: float) -> None:
            """Make a call of some seconds, with its arrival somewhere in between."""
            async with limiter.turn():
                await clock.sleep(takes * 0.7)
                times.append(clock())
                await clock.sleep(takes * 0.3)

        tasks = []
        for pause, takes, cancelled in callers:
            clock.turn(pause / 10)
            tasks.append(asyncio.create_task(call(takes)))
            await asyncio.sleep(0)
            if cancelled:
                tasks[len(tasks) // 2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        check_limits(times)
        async with limiter.turn():
            pass


async def test_broken_connection() -> None:
    """A broken connection is not retried at once, which would break the limit."""
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the first call, and close the connection at the second."""
        nonlocal connections
        connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Connection: close" in head
        if connections == 1:
            length = f"Connection: close\r\nContent-Length: {len(GOOD)}\r\n\r\n"
            writer.write(HEAD + length.encode() + GOOD.encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, connect(url) as subject:
        await subject.async_get_equivents()
        with pytest.raises(UnreachableError):
            await subject.async_get_equivents()
    assert connections == 2


async def test_client_limits(limits: None) -> None:
    """The server's clock shows the calls of several callers a second apart."""
    times: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        """Return a valid answer after a moment."""
        times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.05)
        return web.Response(text=GOOD)

    async with serving(answer) as url, connect(url) as subject:
        await asyncio.gather(*(subject.async_get_equivents() for _ in range(3)))
    check_limits(times)
    assert len(times) == 3


@pytest.mark.usefixtures("limits")
async def test_patience() -> None:
    """A caller that does not wait is refused at once without a free call, and blocks no other."""
    async with serving(good) as url:
        limiter = RateLimiter()
        async with aiohttp.ClientSession() as session:
            subject = EquiwattClient(session, TOKEN, url, limiter, lambda: datetime.now(UTC))
            await subject.async_get_equivents()
            with pytest.raises(RateLimitedError) as refusal:
                await subject.async_get_equivents(patience=0.05)
            assert 0 < refusal.value.retry_after <= 1
            await subject.async_get_equivents(patience=5)


async def good(request: web.Request) -> web.Response:
    """Return a valid answer."""
    return web.Response(text=GOOD, content_type="application/json")
