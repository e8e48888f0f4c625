"""Shared fixtures: a server for each test."""

from collections.abc import AsyncIterator

import pytest

from .server import Api, Certificate, Contexts, make_context


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    """Return the TLS contexts of servers; all but one authority are trusted here."""
    folder = tmp_path_factory.mktemp("tls")
    return {certificate: make_context(folder, certificate) for certificate in Certificate}


@pytest.fixture
async def server(contexts: Contexts) -> AsyncIterator[Api]:
    """Return the API on a socket."""
    api = Api(contexts)
    await api.open()
    yield api
    await api.shut()
