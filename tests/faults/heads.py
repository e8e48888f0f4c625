"""Faults in the status and the headers."""

from .answers import echo, headed, redirect, status, wire
from .server import reply, sized

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
    "a firewall": wire(lambda _: sized(b"error code: 1010", status=b"HTTP/1.1 403 Forbidden")),
    "switching protocols": status(b"101 Switching Protocols", b"Upgrade: websocket"),
}
LIMITS = {
    "429": status(b"429 Too Many Requests"),
    "429 for a while": status(b"429 Too Many Requests", b"Retry-After: 120"),
    "429 for no sane while": status(b"429 Too Many Requests", b"Retry-After: 1e9"),
    "429 for two whiles": status(b"429 Too Many Requests", b"Retry-After: 5", b"Retry-After: x"),
}
REFUSALS = {
    "401": status(b"401 Unauthorized", b"WWW-Authenticate: Bearer"),
    "403": status(b"403 Forbidden"),
    "401 with an echo": echo(
        lambda line: sized(b'"' + line + b'"', status=b"HTTP/1.1 401 " + line)
    ),
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
