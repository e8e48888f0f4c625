"""Test the options flow without a meter; tests/metering has the rest."""

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er

from .fakes.home import Home


async def test_no_meter(hass: HomeAssistant, live: Home) -> None:
    """Without a meter there is no preview and no change."""
    before = set(er.async_get(hass).entities)
    flow = await hass.config_entries.options.async_init(live.entry.entry_id)
    assert (flow["type"], flow["step_id"], flow["errors"]) == (FlowResultType.FORM, "init", {})
    done = await hass.config_entries.options.async_configure(flow["flow_id"], {"source": "off"})
    assert (done["type"], done["data"]) == (FlowResultType.CREATE_ENTRY, {"source": "off"})
    await live.settle()
    assert set(er.async_get(hass).entities) == before
    assert live.live == "on"


async def test_no_energy_dashboard(hass: HomeAssistant, live: Home) -> None:
    """Without the Energy dashboard there is no grid import, and the form keeps the choice."""
    flow = await hass.config_entries.options.async_init(live.entry.entry_id)
    choice = {"source": "energy_dashboard"}
    form = await hass.config_entries.options.async_configure(flow["flow_id"], choice)
    assert form["errors"] == {"base": "no_grid_import"}
    assert form["data_schema"]
    (source,) = [key for key in form["data_schema"].schema if key == "source"]
    assert source.description == {"suggested_value": "energy_dashboard"}


async def test_sensors_without_the_recorder(hass: HomeAssistant, live: Home) -> None:
    """Without the recorder no meter has statistics."""
    hass.states.async_set("sensor.meter", "100", {"device_class": "energy"})
    flow = await hass.config_entries.options.async_init(live.entry.entry_id)
    choice = {"source": "sensors", "sensors": ["sensor.meter"]}
    form = await hass.config_entries.options.async_configure(flow["flow_id"], choice)
    assert form["errors"] == {"base": "no_statistics"}
