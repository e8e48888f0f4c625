"""An API of its own for the real Home Assistant to ask."""

from collections import defaultdict
from collections.abc import AsyncIterator
from http import HTTPStatus
from itertools import pairwise
import time
from typing import Any

from aiohttp import web
import pytest


class Api:
    """The provider's endpoint, which answers what a test wants and notes each call."""

    def __init__(self) -> None:
        """Answer that nothing is live."""
        self.url = ""
        self.current: dict[str, Any] | None = None
        self.previous: list[dict[str, Any]] = []
        self.answer_with: dict[str, Any] | None = None
        self.down = False
        self.refused = {"wrong-token"}
        self.calls: dict[str, list[float]] = defaultdict(list)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a call."""
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.calls[token].append(time.monotonic())
        if self.down:
            assert request.transport
            request.transport.abort()
        if token in self.refused:
            return web.json_response({"message": "Unauthenticated."}, status=401)
        if self.answer_with:
            return web.Response(**self.answer_with)
        data = {"current_event": self.current, "previous_events": self.previous}
        return web.json_response({"success": True, "msg": None, "data": data})

    def check_limits(self) -> None:
        """Check that no token was used more often than the provider allows."""
        for times in self.calls.values():
            assert all(late - early >= 1 for early, late in pairwise(times))
            assert all(late - early >= 60 for early, late in zip(times, times[10:], strict=False))


@pytest.fixture
async def api(socket_enabled: None) -> AsyncIterator[Api]:
    """Run the API on a free port."""
    api = Api()
    app = web.Application()
    app.router.add_get("/api/v3/equivents/", api.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v3/equivents/"
    yield api
    await runner.cleanup()


HTML = {"text": "<!doctype html><title>Log in</title>", "content_type": "text/html"}
CAUSES: list[tuple[dict[str, Any], str]] = [
    ({"status": HTTPStatus.INTERNAL_SERVER_ERROR, **HTML}, "cannot_connect"),
    ({"status": HTTPStatus.TOO_MANY_REQUESTS}, "rate_limited"),
    (HTML, "unexpected_response"),
    ({"text": "[]"}, "unexpected_response"),
    ({"text": '{"success": false, "msg": "No", "data": null}'}, "unexpected_response"),
]
"""Answers of the API that the dialog has a sentence for."""
