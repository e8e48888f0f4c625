"""Shared fixtures of the tests of the demo."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from freezegun.api import TickingDateTimeFactory
import pytest

from demo.provider import Provider

TOKEN = "a-token"


@dataclass
class Caller:
    """HTTP client of the provider."""

    provider: Provider
    session: aiohttp.ClientSession

    async def ask(self, token: str = TOKEN, **options: Any) -> tuple[int, Any, str]:
        """Call the API and return status, JSON body and Retry-After."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.get(self.provider.api_url, headers=headers, **options) as response:
            body = (
                await response.json()
                if response.content_type == "application/json"
                else await response.text()
            )
            return response.status, body, response.headers.get("Retry-After", "")

    async def control(self, action: str, body: object = None) -> tuple[int, Any]:
        """Use a control and return status and answer."""
        async with self.session.post(
            f"{self.provider.url}/control/{action}", json=body or {}
        ) as response:
            return response.status, await response.json()


@dataclass
class Listener:
    """Server for webhook calls."""

    address: str = ""
    calls: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Record a call."""
        event = request.query.get("event", "")
        self.calls.append((request.method, event, await request.read()))
        return web.Response()


@pytest.fixture
async def provider(socket_enabled: None, clock: TickingDateTimeFactory) -> AsyncGenerator[Provider]:
    """Run a provider on a free port, at a time that does not depend on the machine's."""
    async with Provider((TOKEN, "another-token"), slow=0.2) as running:
        yield running


@pytest.fixture
async def caller(provider: Provider) -> AsyncGenerator[Caller]:
    """Return a client of the provider."""
    async with aiohttp.ClientSession() as session:
        yield Caller(provider, session)


@pytest.fixture
async def listener(socket_enabled: None) -> AsyncGenerator[Listener]:
    """Run a server for webhook calls."""
    listening = Listener()
    app = web.Application()
    app.router.add_post("/api/webhook/very-secret", listening.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listening.address = f"http://127.0.0.1:{runner.addresses[0][1]}/api/webhook/very-secret"
    yield listening
    await runner.cleanup()
