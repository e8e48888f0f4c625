"""Shared fixtures: a server for each test."""

from collections.abc import AsyncIterator

import pytest

from .server import Certificate, Contexts, FaultyProvider, make_context


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    """Return the TLS contexts of servers; all but one authority are trusted here."""
    folder = tmp_path_factory.mktemp("tls")
    return {certificate: make_context(folder, certificate) for certificate in Certificate}


@pytest.fixture
async def server(contexts: Contexts) -> AsyncIterator[FaultyProvider]:
    """Return the API on a socket."""
    provider = FaultyProvider(contexts)
    await provider.open()
    yield provider
    await provider.shut()
