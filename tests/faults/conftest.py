"""A server for each test."""

from collections.abc import AsyncIterator, Iterator

import freezegun
from freezegun.api import TickingDateTimeFactory
import pytest

from .server import Api, Certificate, Contexts, make_context


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    """Return what servers show in TLS; all but one authority is trusted for these tests."""
    folder = tmp_path_factory.mktemp("tls")
    return {certificate: make_context(folder, certificate) for certificate in Certificate}


@pytest.fixture
async def server(contexts: Contexts) -> AsyncIterator[Api]:
    """Return the API, which listens."""
    api = Api(contexts)
    await api.open()
    yield api
    await api.shut()


@pytest.fixture
def clock() -> Iterator[TickingDateTimeFactory]:
    """Return a clock that goes on by itself, and can be turned besides."""
    with freezegun.freeze_time(tick=True) as clock:
        assert isinstance(clock, TickingDateTimeFactory)
        yield clock
