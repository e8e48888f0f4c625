"""A provider of its own for the real Home Assistant to ask."""

from collections.abc import AsyncIterator

import pytest

from ..fakes.provider import Provider


@pytest.fixture
async def api(socket_enabled: None) -> AsyncIterator[Provider]:
    """Return a provider that listens."""
    provider = Provider()
    provider.refused = {"wrong-token"}
    async with provider.serve():
        yield provider
