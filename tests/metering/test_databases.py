"""Measure and write statistics with the other databases that Home Assistant can be told to use."""

from collections.abc import Generator
from pathlib import Path
import tempfile

import pytest
from pytest_socket import enable_socket

from .home import Home
from .servers import PROGRAMS, Server, missing, running

pytestmark = pytest.mark.long(15)


@pytest.fixture(scope="module", params=PROGRAMS)
def server(request: pytest.FixtureRequest) -> Generator[Server]:
    """Run a server, or skip the tests by the name of what is missing."""
    if lacking := missing(request.param):
        pytest.skip(lacking)
    enable_socket()  # here it does not last for a test
    with (
        tempfile.TemporaryDirectory(prefix="equiwatt-") as folder,
        running(request.param, Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def recorder_db_url(server: Server, socket_enabled: None) -> str:
    """Return the address of an empty database, for the recorder of the tests."""
    return server.new_database()


async def test_an_equivent(recorded_home: Home) -> None:
    """It is measured while it is live and once it is over."""
    await recorded_home.furnish()
    await recorded_home.start()
    await recorded_home.end()
    assert recorded_home.figures() == (0.9, 0.4, 0.5)
