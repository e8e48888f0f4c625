"""Test an account with a meter while the recorder is disabled."""

from datetime import timedelta
import logging
from typing import Any

import pytest

from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.translation import async_get_translations

from ..fakes.home import NOW, Home
from ..fakes.provider import Provider
from ..metering.home import FIGURES

SENSORS = {"source": "sensors", "sensors": ["sensor.meter"]}
DASHBOARD = {"source": "energy_dashboard"}
HOUR = timedelta(hours=1)
EQUIWATT = "custom_components.equiwatt"


@pytest.mark.parametrize("options", [SENSORS, DASHBOARD], ids=["sensors", "dashboard"])
async def test_everything_else_works(
    home: Home, provider: Provider, caplog: pytest.LogCaptureFixture, options: dict[str, Any]
) -> None:
    """The figures are unknown with a reason, which is logged once."""
    home.hass.states.async_set("sensor.meter", "100", {"device_class": "energy"})
    home.hass.config_entries.async_update_entry(home.entry, options=options)
    await home.setup()
    assert "recorder" not in home.hass.config.components
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    assert home.live == "on"
    caplog.clear()
    await home.pass_time(1800, step=30)
    for key in FIGURES:
        state = home.hass.states.get(f"sensor.equiwatt_{key}")
        assert state
        assert (state.state, state.attributes["reason"]) == ("unknown", "no_statistics")
        assert state.attributes["final"] is False
    provider.end(NOW, home.now)
    await home.poll()
    await home.pass_time(3600, step=60)
    assert home.live == "off"
    assert home.kinds == ["started", "ended"]
    ours = [record for record in caplog.records if record.name.startswith(EQUIWATT)]
    assert [record.getMessage() for record in ours if record.levelno > logging.DEBUG] == []
    assert not [record for record in ours if "statistics" in record.getMessage()]
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_options_error(home: Home) -> None:
    """A meter cannot be chosen, and the error names the likely cause."""
    await home.setup()
    flow = await home.hass.config_entries.options.async_init(home.entry.entry_id)
    form = await home.hass.config_entries.options.async_configure(flow["flow_id"], SENSORS)
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "no_statistics"})
    translations = await async_get_translations(home.hass, "en", "options", {"equiwatt"})
    text = translations["component.equiwatt.options.error.no_statistics"]
    assert "If the recorder is off" in text
