"""What the tests of the metering wing share: a real recorder, and meters whose rows it keeps."""

from datetime import UTC, datetime
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from ..conftest import Provider
from .home import Home
from .meters import Meters


@pytest.fixture
def mock_recorder_before_hass(async_test_recorder: Any) -> None:
    """Prepare the recorder before Home Assistant, as it must be."""


@pytest.fixture
async def meters(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> Meters:
    """Return a way to write rows of meters, on the evening of the example."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)  # the plugin logs each query
    freezer.move_to(datetime(2026, 11, 24, 18, 1, 2, tzinfo=UTC))
    assert await async_setup_component(hass, "sensor", {})
    await hass.async_block_till_done()
    return Meters(hass, freezer)


@pytest.fixture
async def home(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    freezer: FrozenDateTimeFactory,
    meters: Meters,
) -> Home:
    """Return a house with a meter that nobody has chosen yet."""
    return Home(hass, entry, provider, freezer, meters)
