"""The provider's API on loopback, which says what a measurement wants, as soon as it is asked."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
import json
from typing import Any

from aiohttp import web

from demo.model import PAST

API_PATH = "/api/v3/equivents/"
LOG: list[dict[str, Any]] = json.loads(PAST.read_text("utf-8"))
"""The ten equivents of the log of 2022-12-09, newest first; the newest was live."""
FINISHED = LOG[1:]


class Service:
    """What the API answers, and how often it was asked."""

    def __init__(self, delay: float = 0) -> None:
        """Answer that nothing is live."""
        self.delay = delay
        self.url = ""
        self.calls = 0
        self.down = False
        self.status = HTTPStatus.OK
        self.body = ""
        self.tell(None, FINISHED)

    def tell(self, current: Any, previous: Any) -> None:
        """Answer well from now on."""
        data = {"current_event": current, "previous_events": previous}
        self.say(HTTPStatus.OK, json.dumps({"success": True, "msg": None, "data": data}))

    def say(self, status: HTTPStatus, body: str) -> None:
        """Answer with a status and a body."""
        self.down, self.status, self.body = False, status, body

    async def _answer(self, request: web.Request) -> web.Response:
        """Answer a call, or break the connection off."""
        self.calls += 1
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.down and request.transport:
            request.transport.abort()
        kind = "application/json" if self.body.startswith("{") else "text/html"
        return web.Response(status=self.status, text=self.body, content_type=kind)

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[Service]:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_get(API_PATH, self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}{API_PATH}"
        try:
            yield self
        finally:
            await runner.cleanup()
