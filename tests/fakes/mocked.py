"""The fake provider behind Home Assistant's mocked session."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, override

from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMockResponse
from yarl import URL

from .provider import Provider


class Response(AiohttpClientMockResponse):  # type: ignore[misc]
    """A response without the mocked stream of the test helper."""

    @property
    @override
    def content(self) -> Response:
        """Return the stream."""
        return self

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Yield the body."""
        yield self.response


def mocked(provider: Provider) -> Callable[..., Awaitable[Response]]:
    """Return a side effect for the mocked session."""

    async def answer(method: str, url: URL, data: Any) -> Response:
        """Answer a call."""
        return Response(method, url, **provider.reply())

    return answer
