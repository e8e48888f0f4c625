"""Shared fixtures: a recorder or tables, and meters with rows in them."""

from datetime import UTC, datetime
import logging

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from ..fakes.provider import Provider
from .home import MeteredHome
from .meters import Meters, Tables


@pytest.fixture
def mock_recorder_before_hass(request: pytest.FixtureRequest) -> None:
    """Prepare the recorder before Home Assistant, as it must be, where a test has one."""
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("async_test_recorder")


@pytest.fixture
async def meters(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> Meters:
    """Return a writer of meters' rows to a recorder, on the evening of the example."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)  # the plugin logs each query
    freezer.move_to(datetime(2026, 11, 24, 18, 1, 2, tzinfo=UTC))
    assert await async_setup_component(hass, "sensor", {})
    await hass.async_block_till_done()
    return Meters(hass, freezer)


@pytest.fixture
def tables(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """Return a writer of meters' rows without a recorder."""
    return Tables(hass, monkeypatch)


@pytest.fixture
async def home(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    freezer: FrozenDateTimeFactory,
    tables: Tables,
) -> MeteredHome:
    """Return a house with a meter that is not chosen yet."""
    return MeteredHome(hass, entry, provider, freezer, tables)


@pytest.fixture
async def recorded_home(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    freezer: FrozenDateTimeFactory,
    meters: Meters,
) -> MeteredHome:
    """Return a house whose meter is recorded."""
    return MeteredHome(hass, entry, provider, freezer, meters)
