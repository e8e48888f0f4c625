"""Shared fixture: a provider for the real Home Assistant."""

from collections.abc import AsyncIterator

import pytest

from ..fakes.provider import Provider


@pytest.fixture
async def api(socket_enabled: None) -> AsyncIterator[Provider]:
    """Return a provider on a socket."""
    provider = Provider()
    provider.refused = {"wrong-token"}
    async with provider.serve():
        yield provider
