"""Test faulty answers over real sockets: each moves nothing, and the next good one counts.

Most faults carry a lie: a body that, were it believed, would start an equivent while none is live
and end the live one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
import gzip
from ipaddress import IPv4Address
import json
import logging
from pathlib import Path
import socket
import ssl
import struct
from typing import Any
import zlib

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.equivents import client
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util, ssl as ssl_util

from .conftest import EVENT, LIVE, TOKEN, Watch, add_entry, said

pytestmark = pytest.mark.usefixtures("socket_enabled")

LAST_START = "sensor.equiwatt_last_start"

NOW = int(datetime.now(UTC).timestamp())
CURRENT = {"start_time": NOW - 600, "end_time": NOW + 3000}
"""The equivent that is live, when one is."""
OLD = {"start_time": NOW - 90_000, "end_time": NOW - 86_400}
POLL = timedelta(seconds=320)
"""Later than the next poll, however long it was put off, and sooner than anything is stale."""
SHORT = aiohttp.ClientTimeout(total=0.1)


class Certificate(StrEnum):
    """What a server shows in TLS."""

    GOOD = "good"
    UNKNOWN = "unknown authority"
    EXPIRED = "expired"
    OTHER = "another host"
    MUTUAL = "wants one of the client"


type Contexts = Mapping[Certificate, ssl.SSLContext]


class Exchange:
    """One connection, as the server sees it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        contexts: Contexts,
        lie: bytes,
    ) -> None:
        """Keep both directions, and what a faulty answer may say."""
        self.reader = reader
        self.writer = writer
        self.contexts = contexts
        self.lie = lie

    async def encrypt(self, certificate: Certificate) -> None:
        """Go on in TLS."""
        await self.writer.start_tls(self.contexts[certificate])

    async def request(self) -> bytes:
        """Return the head of the request."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Send bytes, however slowly the client takes them."""
        self.writer.write(data)
        await self.writer.drain()

    async def stall(self) -> None:
        """Say nothing until the client gives up."""
        while await self.reader.read(65536):
            pass

    async def reset(self) -> None:
        """Reset the connection."""
        await asyncio.sleep(0.01)  # so that the client has read what came before
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


type Answer = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """A faulty answer: one that stalls needs a short time-out, one in TLS a server with it."""

    answer: Answer
    stalls: bool = False
    tls: bool = False
    refuses: bool = False


def lie_about(live: bool) -> bytes:
    """Return a payload that contradicts the truth, in two ways at once."""
    if live:
        return json.dumps(said(None, {**CURRENT, "end_time": NOW - 30}, OLD)).encode()
    return json.dumps(said(CURRENT, {**CURRENT, "end_time": None}, OLD)).encode()


def reply(body: bytes, *headers: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return the bytes of a reply, without a length."""
    head = [status, b"Content-Type: application/json", b"Connection: close", *headers]
    return b"\r\n".join([*head, b"", body])


def sized(body: bytes, *headers: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return the bytes of a reply with its length."""
    return reply(body, b"Content-Length: %d" % len(body), *headers, status=status)


def wire(make: Callable[[bytes], bytes]) -> Answer:
    """Answer a request with bytes made of the lie, then close."""

    async def answer(exchange: Exchange) -> None:
        """Answer a request."""
        await exchange.request()
        await exchange.send(make(exchange.lie))

    return answer


def status(line: bytes, *headers: bytes) -> Answer:
    """Answer with the lie under a status."""
    return wire(lambda lie: sized(lie, *headers, status=b"HTTP/1.1 " + line))


def redirect(line: bytes, *headers: bytes) -> Answer:
    """Answer with a redirect to where the lie is told."""

    async def answer(exchange: Exchange) -> None:
        """Redirect, or lie to whoever followed."""
        followed = (await exchange.request()).startswith(b"GET /elsewhere ")
        first = b"200 OK" if followed else line
        await exchange.send(sized(exchange.lie, *headers, status=b"HTTP/1.1 " + first))

    return answer


def headed(*headers: bytes) -> Answer:
    """Answer with the lie under headers, and no length but theirs."""
    return wire(lambda lie: reply(lie, *headers))


def body(make: Callable[[bytes], bytes], *headers: bytes) -> Answer:
    """Answer well but for the body."""
    return wire(lambda lie: sized(make(lie), *headers))


def shape(change: Callable[[dict[str, Any]], object]) -> Answer:
    """Answer with JSON of another shape."""
    return body(lambda lie: json.dumps(change(json.loads(lie))).encode())


def top(**changes: object) -> Answer:
    """Answer with other values on the top level."""
    return shape(lambda lie: {**lie, **changes})


def data(**changes: object) -> Answer:
    """Answer with other values below `data`."""
    return shape(lambda lie: {**lie, "data": {**lie["data"], **changes}})


def current(**changes: object) -> Answer:
    """Answer with other values in `current_event`."""
    return data(current_event={**CURRENT, **changes})


def without(key: str) -> Answer:
    """Answer without a value, on the top level or below `data`."""

    def leave_out(lie: dict[str, Any]) -> object:
        """Leave it out."""
        below = {name: value for name, value in lie["data"].items() if name != key}
        return {name: value for name, value in {**lie, "data": below}.items() if name != key}

    return shape(leave_out)


def echo(make: Callable[[bytes], bytes]) -> Answer:
    """Answer with bytes that repeat the request's line with the token."""

    async def answer(exchange: Exchange) -> None:
        """Repeat it."""
        lines = (await exchange.request()).split(b"\r\n")
        line = next(line for line in lines if line.lower().startswith(b"authorization"))
        assert TOKEN.encode() in line
        await exchange.send(make(line))

    return answer


def stall(make: Callable[[bytes], bytes], *, read: bool = True) -> Answer:
    """Send a beginning, and then nothing."""

    async def answer(exchange: Exchange) -> None:
        """Begin to answer."""
        if read:
            await exchange.request()
        await exchange.send(make(exchange.lie))
        await exchange.stall()

    return answer


def endless(head: bytes, part: bytes, pause: float = 0) -> Answer:
    """Send a head, and then the same part for as long as the client takes it."""

    async def answer(exchange: Exchange) -> None:
        """Send without end."""
        await exchange.request()
        await exchange.send(head)
        while True:
            await exchange.send(part)
            await asyncio.sleep(pause)

    return answer


def reset(make: Callable[[bytes], bytes] | None = None) -> Answer:
    """Reset the connection, at once or after a beginning."""

    async def answer(exchange: Exchange) -> None:
        """Reset it."""
        if make:
            await exchange.request()
            await exchange.send(make(exchange.lie))
        await exchange.reset()

    return answer


async def close(exchange: Exchange) -> None:
    """Close the connection without a word."""


def under(certificate: Certificate) -> Answer:
    """Answer in TLS with a certificate; whoever accepts it believes the lie."""

    async def answer(exchange: Exchange) -> None:
        """Answer."""
        await exchange.encrypt(certificate)
        await exchange.request()
        await exchange.send(sized(exchange.lie))

    return answer


def instead_of_tls(make: Callable[[bytes], bytes]) -> Answer:
    """Answer the beginning of a handshake with bytes."""

    async def answer(exchange: Exchange) -> None:
        """Answer the client's first bytes."""
        await exchange.reader.read(4096)
        await exchange.send(make(exchange.lie))

    return answer


async def stalled_handshake(exchange: Exchange) -> None:
    """Never answer the beginning of a handshake."""
    await exchange.stall()


async def reset_handshake(exchange: Exchange) -> None:
    """Reset the connection in the middle of the handshake."""
    await exchange.reader.read(4096)
    await exchange.reset()


async def torn_tls(exchange: Exchange) -> None:
    """Break off in the middle of the body, without TLS's own farewell."""
    await exchange.encrypt(Certificate.GOOD)
    await exchange.request()
    await exchange.send(sized(exchange.lie)[:-20])
    await exchange.reset()


async def broken_record(exchange: Exchange) -> None:
    """Send what is no TLS in the middle of an answer in TLS."""
    below = exchange.writer.transport
    await exchange.encrypt(Certificate.GOOD)
    await exchange.request()
    await exchange.send(sized(exchange.lie)[:-20])
    below.write(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    await exchange.stall()


def in_tls(answer: Answer) -> Answer:
    """Make an answer in good TLS."""

    async def encrypted(exchange: Exchange) -> None:
        """Answer."""
        await exchange.encrypt(Certificate.GOOD)
        await answer(exchange)

    return encrypted


ELSEWHERE = b"Location: /elsewhere"
STATUSES = {
    "201": status(b"201 Created"),
    "202": status(b"202 Accepted"),
    "203": status(b"203 Non-Authoritative Information"),
    "204": status(b"204 No Content"),
    "206": status(b"206 Partial Content", b"Content-Range: bytes 0-9/10"),
    "300": redirect(b"300 Multiple Choices", ELSEWHERE),
    "301": redirect(b"301 Moved Permanently", ELSEWHERE),
    "302": redirect(b"302 Found", ELSEWHERE),
    "302 in circles": status(b"302 Found", b"Location: /api/v3/equivents/"),
    "302 to nowhere": status(b"302 Found", b"Location: http://[::bad"),
    "302 without a place": status(b"302 Found"),
    "304": status(b"304 Not Modified"),
    "307": redirect(b"307 Temporary Redirect", ELSEWHERE),
    "308": redirect(b"308 Permanent Redirect", ELSEWHERE),
    "400": status(b"400 Bad Request"),
    "404": status(b"404 Not Found"),
    "405": status(b"405 Method Not Allowed"),
    "407": status(b"407 Proxy Authentication Required", b"Proxy-Authenticate: Basic"),
    "410": status(b"410 Gone"),
    "418": status(b"418 I'm a teapot"),
    "429": status(b"429 Too Many Requests"),
    "429 for a while": status(b"429 Too Many Requests", b"Retry-After: 120"),
    "429 for no sane while": status(b"429 Too Many Requests", b"Retry-After: 1e9"),
    "429 for two whiles": status(b"429 Too Many Requests", b"Retry-After: 5", b"Retry-After: x"),
    "500": status(b"500 Internal Server Error"),
    "502": status(b"502 Bad Gateway"),
    "503": status(b"503 Service Unavailable", b"Retry-After: 3600"),
    "520": status(b"520 Web Server Returned an Unknown Error"),
    "999": status(b"999 Request denied"),
    "no number": status(b"OK OK"),
    "a number of four digits": status(b"2000 OK"),
    "another protocol": wire(lambda lie: sized(lie, status=b"ICY 200 OK")),
    "HTTP/2": wire(lambda lie: b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18 + lie),
    "another version": wire(lambda lie: sized(lie, status=b"HTTP/x.y 200 OK")),
    "no head": wire(lambda lie: lie),
    "only early hints": wire(lambda _: b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "switching protocols": status(b"101 Switching Protocols", b"Upgrade: websocket"),
}
REFUSALS = {
    "401": status(b"401 Unauthorized", b"WWW-Authenticate: Bearer"),
    "403": status(b"403 Forbidden"),
    "401 with an echo": echo(lambda line: sized(line, status=b"HTTP/1.1 401 " + line)),
}
HEADERS = {
    "oversized line": headed(b"X-Padding: " + b"x" * 200_000),
    "oversized reason": wire(lambda lie: sized(lie, status=b"HTTP/1.1 200 " + b"K" * 200_000)),
    "too many lines": headed(*[b"X-%d: x" % number for number in range(40_000)]),
    "no colon": headed(b"nonsense"),
    "no name": headed(b": nonsense"),
    "binary name": headed(b"X-\xff\x00\x01: x"),
    "NUL in a value": headed(b"X-Null: a\x00b"),
    "length not a number": headed(b"Content-Length: many"),
    "length negative": headed(b"Content-Length: -1"),
    "length a float": headed(b"Content-Length: 1e3"),
    "length in hexadecimal": headed(b"Content-Length: 0x100"),
    "length beyond all reason": headed(b"Content-Length: " + b"9" * 30),
    "length too long": wire(lambda lie: reply(lie, b"Content-Length: %d" % (len(lie) + 1))),
    "length too short": wire(lambda lie: reply(lie, b"Content-Length: %d" % (len(lie) - 1))),
    "length zero": headed(b"Content-Length: 0"),
    "two lengths": wire(
        lambda lie: reply(lie, b"Content-Length: 5", b"Content-Length: %d" % len(lie))
    ),
    "length and chunks": wire(
        lambda lie: reply(lie, b"Content-Length: %d" % len(lie), b"Transfer-Encoding: chunked")
    ),
    "chunk without a size": wire(lambda lie: reply(b"zz\r\n" + lie, b"Transfer-Encoding: chunked")),
    "chunk beyond all reason": wire(
        lambda lie: reply(b"f" * 40 + b"\r\n" + lie, b"Transfer-Encoding: chunked")
    ),
    "chunk negative": wire(lambda lie: reply(b"-5\r\n" + lie, b"Transfer-Encoding: chunked")),
    "chunk cut": wire(
        lambda lie: reply(b"%x\r\n" % len(lie) + lie[:-9], b"Transfer-Encoding: chunked")
    ),
    "chunks without the last": wire(
        lambda lie: reply(b"%x\r\n%s\r\n" % (len(lie), lie), b"Transfer-Encoding: chunked")
    ),
    "chunk longer than it says": wire(
        lambda lie: reply(
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(lie) - 5, lie), b"Transfer-Encoding: chunked"
        )
    ),
    "echo in a name": echo(lambda line: sized(b"{}", line.replace(b":", b"\x00:"))),
    "echo in a reason": echo(lambda line: sized(b"{}", status=b"HTTP/1.1 400 " + line)),
    "echo for a status": echo(lambda line: sized(b"{}", status=line)),
    "echo in a length": echo(lambda line: reply(b"{}", b"Content-Length: " + line)),
    "echo in a place": echo(
        lambda line: sized(b"", b"Location: /?" + line, status=b"HTTP/1.1 302 Found")
    ),
}
BODIES = {
    "empty": body(lambda _: b""),
    "blank": body(lambda _: b" \r\n\t"),
    "a page": body(lambda lie: b"<!doctype html><title>Log in</title>" + lie),
    "XML": body(lambda _: b'<?xml version="1.0"?><success>true</success>'),
    "null": body(lambda _: b"null"),
    "true": body(lambda _: b"true"),
    "a number": body(lambda _: b"200"),
    "a text": body(lambda _: b'"OK"'),
    "a JSON text of JSON": body(lambda lie: json.dumps(lie.decode()).encode()),
    "a list": body(lambda lie: b"[" + lie + b"]"),
    "half": body(lambda lie: lie[: len(lie) // 2]),
    "cut by one": body(lambda lie: lie[:-1]),
    "more behind it": body(lambda lie: lie + b"x"),
    "twice": body(lambda lie: lie + lie),
    "twice the same key": body(lambda lie: lie[:-1] + b', "success": false}'),
    "JSONP": body(lambda lie: b"callback(" + lie + b")"),
    "a guard in front": body(lambda lie: b")]}',\n" + lie),
    "a comment": body(lambda lie: b"/* cached */ " + lie),
    "single quotes": body(lambda lie: lie.replace(b'"', b"'")),
    "a comma too many": body(lambda lie: lie[:-1] + b",}"),
    "NaN": body(lambda lie: lie.replace(b"true", b"NaN")),
    "a NUL": body(lambda lie: lie + b"\x00"),
    "a warning in front": body(lambda lie: b"<br />\n<b>Warning</b>: x in y on line 1\n" + lie),
    "binary": body(lambda _: bytes(range(256))),
    "deep lists": body(lambda _: b"[" * 200_000),
    "deep objects": body(lambda _: b'{"data":' * 100_000),
    "deep inside": body(lambda lie: lie[:-1] + b', "x": ' + b"[" * 90_000 + b"]" * 90_000 + b"}"),
    "a huge number": body(lambda lie: lie.replace(b"true", b"9" * 5000)),
    "an echo": echo(sized),
    "an echo in JSON": echo(
        lambda line: sized(json.dumps({"success": False, "msg": line.decode()}).encode())
    ),
}
ENCODINGS = {
    "gzip that is none": body(lambda lie: lie, b"Content-Encoding: gzip"),
    "gzip cut": body(lambda lie: gzip.compress(lie)[:-30], b"Content-Encoding: gzip"),
    "gzip with a wrong sum": body(
        lambda lie: gzip.compress(lie)[:-8] + b"\x00" * 8, b"Content-Encoding: gzip"
    ),
    "gzip not told": body(gzip.compress),
    "gzip twice": body(lambda lie: gzip.compress(gzip.compress(lie)), b"Content-Encoding: gzip"),
    "gzip with a hole": body(
        lambda lie: gzip.compress(lie).replace(gzip.compress(lie)[20:30], b"\xff" * 10),
        b"Content-Encoding: gzip",
    ),
    "gzip of 32 MiB": body(
        lambda lie: gzip.compress(lie + b" " * (1 << 25), 1), b"Content-Encoding: gzip"
    ),
    "deflate that is none": body(lambda lie: lie, b"Content-Encoding: deflate"),
    "deflate cut": body(lambda lie: zlib.compress(lie)[:-20], b"Content-Encoding: deflate"),
    "deflate for gzip": body(zlib.compress, b"Content-Encoding: gzip"),
    "br that is none": body(lambda lie: lie, b"Content-Encoding: br"),
    "zstd that is none": body(lambda lie: lie, b"Content-Encoding: zstd"),
    "an encoding nobody knows": body(gzip.compress, b"Content-Encoding: rot13"),
    "UTF-8 with a mark": body(lambda lie: b"\xef\xbb\xbf" + lie),
    "UTF-16": body(lambda lie: lie.decode().encode("utf-16")),
    "UTF-16 without a mark": body(lambda lie: lie.decode().encode("utf-16-le")),
    "UTF-32": body(lambda lie: lie.decode().encode("utf-32")),
    "Latin-1": body(lambda lie: lie.replace(b"null", b'"\xe9"', 1)),
    "an overlong character": body(lambda lie: lie[:-1] + b', "x": "\xc0\xaf"}'),
    "half a character": body(lambda lie: lie[:-1] + b', "x": "\xe2\x82"}'),
    "a lone surrogate": body(lambda lie: lie[:-1] + b', "x": "\xed\xa0\x80"}'),
}
SHAPES = {
    "success false": top(success=False),
    "success false, data null": top(success=False, data=None, msg="No"),
    "success 1": top(success=1),
    "success 1.0": top(success=1.0),
    "success 'true'": top(success="true"),
    "success null": top(success=None),
    "success missing": without("success"),
    "data null": top(data=None),
    "data a list": top(data=[]),
    "data a text": top(data="none"),
    "data false": top(data=False),
    "data missing": without("data"),
    "data empty": top(data={}),
    "data a step deeper": shape(lambda lie: {"data": lie}),
    "data a step higher": shape(lambda lie: {"success": True, **lie["data"]}),
    "a message": shape(lambda _: {"message": "Unauthenticated."}),
    "current_event missing": without("current_event"),
    "current_event false": data(current_event=False),
    "current_event 0": data(current_event=0),
    "current_event ''": data(current_event=""),
    "current_event []": data(current_event=[]),
    "current_event {}": data(current_event={}),
    "current_event a list of one": data(current_event=[CURRENT]),
    "current_event a time": data(current_event=NOW),
    "no end_time": data(current_event={"start_time": NOW}),
    "no start_time": data(current_event={"end_time": NOW}),
    "start_time null": current(start_time=None),
    "start_time a text": current(start_time=str(NOW - 600)),
    "start_time ISO": current(start_time="2026-11-20T17:00:00Z"),
    "start_time a float": current(start_time=NOW - 600.5),
    "start_time a bool": current(start_time=True),
    "start_time a list": current(start_time=[NOW]),
    "start_time in milliseconds": current(start_time=NOW * 1000),
    "start_time 0": current(start_time=0, end_time=None),
    "start_time negative": current(start_time=-NOW),
    "start_time of a hundred digits": current(start_time=10**100),
    "end_time false": current(end_time=False),
    "end_time a text": current(end_time=""),
    "end_time 0": current(end_time=0),
    "end_time before the start": current(end_time=NOW - 601),
    "end_time at the start": current(end_time=NOW - 600),
    "end_time in milliseconds": current(end_time=NOW * 1000),
    "previous_events missing": without("previous_events"),
    "previous_events null": data(previous_events=None),
    "previous_events an object": data(previous_events={}),
    "previous_events a text": data(previous_events="[]"),
    "previous_events an object of events": shape(
        lambda lie: {
            **lie,
            "data": {**lie["data"], "previous_events": {"0": lie["data"]["previous_events"][0]}},
        }
    ),
}
SIZES = {
    "over a mebibyte": body(lambda lie: lie + b" " * client.MAX_BODY),
    "over a mebibyte before it": body(lambda lie: b" " * client.MAX_BODY + lie),
    "endless chunks": endless(
        reply(b"", b"Transfer-Encoding: chunked"), b"10000\r\n%s\r\n" % (b" " * 65536)
    ),
    "endless until closed": endless(reply(b""), b" " * 65536),
    "an endless line": endless(b"HTTP/1.1 200 OK\r\nX-Padding: ", b"x" * 65536),
    "endless lines": endless(b"HTTP/1.1 200 OK\r\n", b"X-Padding: x\r\n" * 5000),
}
STALLS = {
    "not even read": stall(lambda _: b"", read=False),
    "before the answer": stall(lambda _: b""),
    "in the status": stall(lambda _: b"HTTP/1.1 20"),
    "in the head": stall(lambda _: b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "after the head": stall(lambda lie: sized(lie)[: -len(lie)]),
    "in the body": stall(lambda lie: sized(lie)[:-1]),
    "before the close": stall(reply),
    "in a chunk": stall(lambda lie: reply(b"ff\r\n" + lie, b"Transfer-Encoding: chunked")),
    "before the last chunk": stall(
        lambda lie: reply(b"%x\r\n%s\r\n" % (len(lie), lie), b"Transfer-Encoding: chunked")
    ),
    "drip by drip": endless(sized(b" " * 500)[:-500], b" ", 0.02),
    "a head drip by drip": endless(b"HTTP/1.1 200 OK\r\nX-Padding: ", b"x", 0.02),
    "to be continued for ever": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}
RESETS = {
    "closed at once": close,
    "closed after the request": wire(lambda _: b""),
    "closed in the head": wire(lambda lie: sized(lie)[:40]),
    "closed in the body": wire(lambda lie: sized(lie)[:-1]),
    "reset at once": reset(),
    "reset after the request": reset(lambda _: b""),
    "reset in the head": reset(lambda lie: sized(lie)[:40]),
    "reset in the body": reset(lambda lie: sized(lie)[:-1]),
    "reset in a body without a length": reset(lambda lie: reply(lie)[:-1]),
}
TLS: dict[str, Answer] = {
    "plain for TLS": instead_of_tls(sized),
    "an alert": instead_of_tls(lambda _: b"\x15\x03\x03\x00\x02\x02\x28"),
    "no TLS": instead_of_tls(lambda _: bytes(range(256))),
    "handshake closed": instead_of_tls(lambda _: b""),
    "handshake reset": reset_handshake,
    "torn off": torn_tls,
    **{certificate: under(certificate) for certificate in list(Certificate)[1:]},
    "500 in TLS": in_tls(status(b"500 Internal Server Error")),
    "closed in TLS": in_tls(wire(lambda lie: sized(lie)[:-1])),
}
TLS_STALLS = {
    "handshake stalled": stalled_handshake,
    "stalled in TLS": in_tls(stall(lambda lie: sized(lie)[:-1])),
    "broken record": broken_record,
}

TABLE: dict[str, dict[str, Fault]] = {
    kind: {name: Fault(answer, **traits) for name, answer in answers.items()}
    for kind, answers, traits in (
        ("status", STATUSES, {}),
        ("refusal", REFUSALS, {"refuses": True}),
        ("headers", HEADERS, {}),
        ("body", BODIES, {}),
        ("encoding", ENCODINGS, {}),
        ("shape", SHAPES, {}),
        ("size", SIZES, {}),
        ("stall", STALLS, {"stalls": True}),
        ("reset", RESETS, {}),
        ("TLS", TLS, {"tls": True}),
        ("stall in TLS", TLS_STALLS, {"tls": True, "stalls": True}),
    )
}


class Api:
    """The provider's API as a server on a real socket."""

    def __init__(self, contexts: Contexts) -> None:
        """Begin with nothing to say."""
        self.contexts = contexts
        self.answer: Answer = close
        self.lie = b""
        self.calls = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Listen no more."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a connection; what becomes of it is the client's affair."""
        self.calls += 1
        try:
            await self.answer(Exchange(reader, writer, self.contexts, self.lie))
        except OSError, EOFError:
            pass
        finally:
            writer.close()


def make_context(folder: Path, certificate: Certificate) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, certificate)])
    address = "127.0.0.2" if certificate is Certificate.OTHER else "127.0.0.1"
    until = 2021 if certificate is Certificate.EXPIRED else 2090
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = folder / f"{certificate.name}.crt"
    public.write_bytes(signed.public_bytes(encoding))
    both = folder / f"{certificate.name}.pem"
    both.write_bytes(private + public.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    if certificate is not Certificate.UNKNOWN:
        ssl_util.client_context(alpn_protocols=ssl_util.SSL_ALPN_HTTP11).load_verify_locations(
            public
        )
    if certificate is Certificate.MUTUAL:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    """Return what servers show in TLS; all but one authority is trusted for these tests."""
    folder = tmp_path_factory.mktemp("tls")
    return {certificate: make_context(folder, certificate) for certificate in Certificate}


@pytest.fixture
async def server(contexts: Contexts) -> AsyncIterator[Api]:
    """Return the API, which listens."""
    api = Api(contexts)
    await api.open()
    yield api
    await api.shut()


class Home(Watch):
    """A Home Assistant whose integration really calls the server."""

    def __init__(self, hass: HomeAssistant, server: Api, live: bool, tls: bool) -> None:
        """Let the API tell the truth."""
        super().__init__(hass)
        self.server = server
        self.truth = "on" if live else "off"
        self.tls = tls
        self.news = 0
        server.lie = lie_about(live)
        self.say_news()

    def say_news(self) -> None:
        """Let the API answer well, with one more finished equivent than before."""
        self.news += 1
        newest = {key: value + 60 * self.news for key, value in OLD.items()}
        payload = json.dumps(said(CURRENT if self.truth == "on" else None, newest, OLD)).encode()
        answer = wire(lambda _: sized(payload))
        self.server.answer = in_tls(answer) if self.tls else answer

    async def setup(self) -> None:
        """Set the entry up, by a good answer."""
        self.hass.loop.set_debug(False)  # whose log of every socket takes most of the time
        scheme = "https" if self.tls else "http"
        url = f"{scheme}://127.0.0.1:{self.server.port}/api/v3/equivents/"
        entry = add_entry(self.hass, url=url)
        assert await async_setup_component(self.hass, "homeassistant", {})
        assert await self.hass.config_entries.async_setup(entry.entry_id)
        await self.settle()
        assert self.live == self.truth
        assert self.kinds == (["started"] if self.truth == "on" else [])
        assert self.knows_news
        self.changes.clear()

    async def look(self) -> None:
        """Have the API asked as a user would."""
        await self.hass.services.async_call(
            "homeassistant", "update_entity", {"entity_id": LIVE}, blocking=True
        )
        await self.settle()

    async def poll(self) -> None:
        """Let the next poll happen."""
        async_fire_time_changed(self.hass, dt_util.utcnow() + POLL)
        await self.settle()

    async def ask(self) -> None:
        """Have the API asked at once and by the next poll."""
        await self.look()
        await self.poll()

    @property
    def knows_news(self) -> bool:
        """Tell whether the last good answer shows."""
        start = datetime.fromtimestamp(OLD["start_time"] + 60 * self.news, UTC)
        return self.state(LAST_START) == start.isoformat()

    @property
    def moved(self) -> set[str]:
        """Return which of our entities changed."""
        return {
            event.data["entity_id"]
            for event in self.changes
            if "equiwatt" in event.data["entity_id"]
        }

    @property
    def flows(self) -> int:
        """Return how many dialogs wait for the user."""
        return len(self.hass.config_entries.flow.async_progress_by_handler(DOMAIN))

    async def recover(self) -> None:
        """Let a good answer come that has news, and check that they count, and nothing else."""
        self.say_news()
        await self.poll()
        assert self.knows_news
        assert self.live == self.truth
        assert not {LIVE, EVENT} & self.moved
        assert self.flows == 0


def told(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return what we logged at a level."""
    ours = [r for r in caplog.records if r.name.startswith("custom_components.equiwatt")]
    return [record.getMessage() for record in ours if record.levelno == level]


def check_log(caplog: pytest.LogCaptureFixture) -> None:
    """Check that the log has one line for the loss, one for the return, and no traceback."""
    assert len(told(caplog, logging.ERROR) + told(caplog, logging.WARNING)) == 1
    assert len(told(caplog, logging.INFO)) == 1
    loud = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [record for record in loud if record.exc_info]
    assert not [record for record in loud if "Traceback" in record.getMessage()]


async def check_fault(
    home: Home,
    fault: Fault,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Check that a fault moves nothing, and that the next good answer counts."""
    calls = home.server.calls
    home.server.answer = fault.answer
    with monkeypatch.context() as patch:
        if fault.stalls:
            patch.setattr(client, "TIMEOUT", SHORT)
        await home.ask()
    assert home.server.calls >= calls + 2
    assert home.moved == set()
    assert home.flows == fault.refuses
    await home.recover()
    check_log(caplog)


@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
@pytest.mark.parametrize("faults", TABLE.values(), ids=TABLE)
async def test_faults(
    hass: HomeAssistant,
    server: Api,
    subtests: pytest.Subtests,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    faults: dict[str, Fault],
    live: bool,
) -> None:
    """Each faulty answer moves nothing, and the next good one counts."""
    home = Home(hass, server, live, next(iter(faults.values())).tls)
    await home.setup()
    for name, fault in faults.items():
        with subtests.test(name):
            home.changes.clear()
            caplog.clear()
            await check_fault(home, fault, caplog, monkeypatch)
    assert TOKEN not in str([state.as_dict() for state in hass.states.async_all()])


@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
async def test_nobody_listens(
    hass: HomeAssistant, server: Api, caplog: pytest.LogCaptureFixture, live: bool
) -> None:
    """A refused connection moves nothing either."""
    home = Home(hass, server, live, tls=False)
    await home.setup()
    calls = server.calls
    await server.shut()
    await home.ask()
    assert server.calls == calls
    assert home.moved == set()
    assert len(told(caplog, logging.ERROR)) == 1
    await server.open()
    await home.recover()
    check_log(caplog)


@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
async def test_one_after_another(
    hass: HomeAssistant, server: Api, caplog: pytest.LogCaptureFixture, live: bool
) -> None:
    """Many different faults in a row are one loss, and do not wear the state out."""
    home = Home(hass, server, live, tls=False)
    await home.setup()
    faults = [fault for kind in TABLE.values() for fault in kind.values()]
    plain = [fault for fault in faults if not (fault.stalls or fault.tls or fault.refuses)]
    for fault in plain[::3]:
        server.answer = fault.answer
        await home.poll()
    assert home.moved == set()
    await home.recover()
    check_log(caplog)


async def test_refused_then_out_of_order(hass: HomeAssistant, server: Api) -> None:
    """The question for a new token goes away with the next good answer, whatever came between."""
    home = Home(hass, server, live=False, tls=False)
    await home.setup()
    for name in ("401", "403"):
        server.answer = REFUSALS[name]
        await home.poll()
        assert home.flows == 1
    server.answer = STATUSES["500"]
    await home.poll()
    await home.recover()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
async def test_the_lie_would_be_believed(
    hass: HomeAssistant, server: Api, live: bool, tls: bool
) -> None:
    """Without a fault around it the lie moves everything: the tests above can fail."""
    home = Home(hass, server, live, tls)
    await home.setup()
    server.answer = in_tls(wire(sized)) if tls else wire(sized)
    await home.look()
    assert home.live == ("off" if live else "on")
    assert home.kinds == (["ended"] if live else ["started"])


def test_enough() -> None:
    """The table does not shrink unseen."""
    assert sum(len(faults) for faults in TABLE.values()) >= 200
