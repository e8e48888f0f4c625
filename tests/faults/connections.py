"""Faults of the connection: too much, too slow, broken off, and in TLS."""

from custom_components.equiwatt.equivents import client

from .answers import (
    body,
    broken_record,
    endless,
    in_tls,
    instead_of_tls,
    reset,
    reset_handshake,
    stall,
    stalled_handshake,
    status,
    torn_tls,
    under,
    wire,
)
from .server import Answer, Certificate, close, reply, sized

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
    **{certificate.value: under(certificate) for certificate in list(Certificate)[1:]},
    "500 in TLS": in_tls(status(b"500 Internal Server Error")),
    "closed in TLS": in_tls(wire(lambda lie: sized(lie)[:-1])),
}
TLS_STALLS = {
    "handshake stalled": stalled_handshake,
    "stalled in TLS": in_tls(stall(lambda lie: sized(lie)[:-1])),
    "broken record": broken_record,
}
