"""Faults in the body."""

from functools import cache
import gzip
import json
import zlib

from .answers import CURRENT, NOW, body, current, data, echo, shape, top, without
from .server import sized


@cache  # as that takes a seventh of a second
def zipped_with_blanks(lie: bytes) -> bytes:
    """Return a body that grows to 32 MiB."""
    return gzip.compress(lie + b" " * (1 << 25), 1)


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
    "gzip of 32 MiB": body(zipped_with_blanks, b"Content-Encoding: gzip"),
    "deflate that is none": body(lambda lie: lie, b"Content-Encoding: deflate"),
    "deflate cut": body(lambda lie: zlib.compress(lie)[:-20], b"Content-Encoding: deflate"),
    "deflate for gzip": body(zlib.compress, b"Content-Encoding: gzip"),
    "br that is none": body(lambda lie: lie, b"Content-Encoding: br"),
    "zstd that is none": body(lambda lie: lie, b"Content-Encoding: zstd"),
    "an unknown encoding": body(gzip.compress, b"Content-Encoding: rot13"),
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
