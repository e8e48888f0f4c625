"""Test measuring and the statistics with the other databases of the recorder."""

from collections.abc import Generator
from datetime import date
from pathlib import Path
import tempfile

import pytest
from pytest_socket import enable_socket

from custom_components.equiwatt.metering.baseline import HALF_HOUR

from ...metering.example import EVENT_DAY, at
from ...metering.home import END, START, MeteredHome
from ...metering.servers import PROGRAMS, Server, missing, running

pytestmark = pytest.mark.long(15)


@pytest.fixture(scope="module", params=PROGRAMS)
def server(request: pytest.FixtureRequest) -> Generator[Server]:
    """Run a database server, or skip the tests with the name of the missing program."""
    if lacking := missing(request.param):
        pytest.skip(lacking)
    enable_socket()  # it stops within the test here
    with (
        tempfile.TemporaryDirectory(prefix="equiwatt-") as folder,
        running(request.param, Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def recorder_db_url(server: Server, socket_enabled: None) -> str:
    """Return the address of an empty database for the recorder."""
    return server.new_database()


async def test_equivent(recorded_home: MeteredHome) -> None:
    """An equivent with a meter, and one from before it, with their statistics.

    The statistics of both are written, corrected and deleted.
    """
    home = recorded_home
    await home.setup_with_meter()
    await home.start()
    await home.end()
    assert home.figures() == (0.9, 0.4, 0.5)
    before, end = at(date(2026, 11, 18), "16:00"), at(EVENT_DAY, "17:00")
    assert await home.rows("saving") == {before: (0.49, 0.49), end: (0.5, 0.99)}
    home.provider.end(START, END - HALF_HOUR)  # the API corrects the times
    await home.pass_time(60, step=30)
    assert await home.rows("saving") == {before: (0.49, 0.49), end: (0.19, 0.68)}
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    assert await home.rows("saving") == {}
