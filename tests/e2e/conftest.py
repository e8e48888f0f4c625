"""Shared fixtures: the sockets of real processes, and a provider for the real Home Assistant."""

from collections.abc import AsyncIterator

import pytest
from pytest_socket import socket_allow_hosts

from ..fakes.provider import Provider


@pytest.fixture(autouse=True)
def local_sockets(socket_enabled: None) -> None:
    """Allow the sockets through which processes are forked, besides those of the plugin."""
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)


@pytest.fixture
async def api() -> AsyncIterator[Provider]:
    """Return a provider on a socket."""
    provider = Provider()
    provider.refused = {"wrong-token"}
    async with provider.serve():
        yield provider
