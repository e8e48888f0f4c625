"""Faulty answers.

Most carry a lie: a body that, were it believed, would start an equivent while none is live and
end the live one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
import json
from typing import Any

from ..fakes import home
from ..fakes.provider import answer_of
from .server import Answer, Certificate, Exchange, reply, sized

NOW = int(home.NOW.timestamp())
CURRENT = {"start_time": NOW - 600, "end_time": NOW + 3000}
"""The live equivent in tests that have one."""
OLD = {"start_time": NOW - 90_000, "end_time": NOW - 86_400}
APART = timedelta(seconds=11)
"""Seconds between two answers that end the live equivent together."""


@dataclass(frozen=True)
class Fault:
    """Faulty answer: one that stalls needs a short time-out, one in TLS a server with it."""

    answer: Answer
    stalls: bool = False
    tls: bool = False
    refuses: bool = False
    wait: timedelta = APART


def lie_about(live: bool) -> bytes:
    """Return a payload that contradicts the truth twice."""
    if live:
        return json.dumps(answer_of(None, {**CURRENT, "end_time": NOW - 30}, OLD)).encode()
    return json.dumps(answer_of(CURRENT, {**CURRENT, "end_time": None}, OLD)).encode()


def wire(make: Callable[[bytes], bytes]) -> Answer:
    """Answer with bytes made of the lie, then close."""

    async def answer(exchange: Exchange) -> None:
        """Answer a request."""
        await exchange.request()
        await exchange.send(make(exchange.lie))

    return answer


def status(line: bytes, *headers: bytes) -> Answer:
    """Answer with the lie and a status."""
    return wire(lambda lie: sized(lie, *headers, status=b"HTTP/1.1 " + line))


def redirect(line: bytes, *headers: bytes) -> Answer:
    """Redirect to a page with the lie."""

    async def answer(exchange: Exchange) -> None:
        """Redirect, or answer a redirected request with the lie."""
        followed = (await exchange.request()).startswith(b"GET /elsewhere ")
        first = b"200 OK" if followed else line
        await exchange.send(sized(exchange.lie, *headers, status=b"HTTP/1.1 " + first))

    return answer


def headed(*headers: bytes) -> Answer:
    """Answer with the lie and only these headers."""
    return wire(lambda lie: reply(lie, *headers))


def body(make: Callable[[bytes], bytes], *headers: bytes) -> Answer:
    """Answer validly except for the body."""
    return wire(lambda lie: sized(make(lie), *headers))


def shape(change: Callable[[dict[str, Any]], object]) -> Answer:
    """Answer with JSON of another shape."""
    return body(lambda lie: json.dumps(change(json.loads(lie))).encode())


def top(**changes: object) -> Answer:
    """Answer with other values at the top level."""
    return shape(lambda lie: {**lie, **changes})


def data(**changes: object) -> Answer:
    """Answer with other values below `data`."""
    return shape(lambda lie: {**lie, "data": {**lie["data"], **changes}})


def current(**changes: object) -> Answer:
    """Answer with other values in `current_event`."""
    return data(current_event={**CURRENT, **changes})


def without(key: str) -> Answer:
    """Answer without a value, at the top level or below `data`."""

    def leave_out(lie: dict[str, Any]) -> object:
        """Remove the value."""
        below = {name: value for name, value in lie["data"].items() if name != key}
        return {name: value for name, value in {**lie, "data": below}.items() if name != key}

    return shape(leave_out)


def echo(make: Callable[[bytes], bytes]) -> Answer:
    """Answer with bytes that repeat the request line with the token."""

    async def answer(exchange: Exchange) -> None:
        """Repeat the request line."""
        lines = (await exchange.request()).split(b"\r\n")
        line = next(line for line in lines if line.lower().startswith(b"authorization"))
        assert home.TOKEN.encode() in line
        await exchange.send(make(line))

    return answer


def stall(make: Callable[[bytes], bytes], *, read: bool = True) -> Answer:
    """Send a beginning, then nothing."""

    async def answer(exchange: Exchange) -> None:
        """Begin to answer."""
        if read:
            await exchange.request()
        await exchange.send(make(exchange.lie))
        await exchange.stall()

    return answer


def endless(head: bytes, part: bytes, pause: float = 0) -> Answer:
    """Send a head, then the same part as long as the client reads it."""

    async def answer(exchange: Exchange) -> None:
        """Send endlessly."""
        await exchange.request()
        await exchange.send(head)
        while True:
            await exchange.send(part)
            await asyncio.sleep(pause)

    return answer


def reset(make: Callable[[bytes], bytes] | None = None) -> Answer:
    """Reset the connection, at once or after a beginning."""

    async def answer(exchange: Exchange) -> None:
        """Reset the connection."""
        if make:
            await exchange.request()
            await exchange.send(make(exchange.lie))
        await exchange.reset()

    return answer


def under(certificate: Certificate) -> Answer:
    """Answer in TLS with a certificate, which would make the lie believed."""

    async def answer(exchange: Exchange) -> None:
        """Answer."""
        await exchange.encrypt(certificate)
        await exchange.request()
        await exchange.send(sized(exchange.lie))

    return answer


def instead_of_tls(make: Callable[[bytes], bytes]) -> Answer:
    """Answer a handshake with bytes."""

    async def answer(exchange: Exchange) -> None:
        """Answer the client's first bytes."""
        await exchange.reader.read(4096)
        await exchange.send(make(exchange.lie))

    return answer


async def stalled_handshake(exchange: Exchange) -> None:
    """Never answer a handshake."""
    await exchange.stall()


async def reset_handshake(exchange: Exchange) -> None:
    """Reset the connection in the middle of a handshake."""
    await exchange.reader.read(4096)
    await exchange.reset()


async def torn_tls(exchange: Exchange) -> None:
    """Break off in the middle of the body, without TLS's closing alert."""
    await exchange.encrypt(Certificate.GOOD)
    await exchange.request()
    await exchange.send(sized(exchange.lie)[:-20])
    await exchange.reset()


async def broken_record(exchange: Exchange) -> None:
    """Send invalid TLS in the middle of an answer in TLS."""
    below = exchange.writer.transport
    await exchange.encrypt(Certificate.GOOD)
    await exchange.request()
    await exchange.send(sized(exchange.lie)[:-20])
    below.write(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    await exchange.stall()


def in_tls(answer: Answer) -> Answer:
    """Return a valid answer in TLS."""

    async def encrypted(exchange: Exchange) -> None:
        """Answer."""
        await exchange.encrypt(Certificate.GOOD)
        await answer(exchange)

    return encrypted
