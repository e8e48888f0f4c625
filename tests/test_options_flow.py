"""Test the dialog of the options as far as no meter is chosen; tests/metering has the rest."""

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er

from .fakes.home import Home


async def test_no_meter(hass: HomeAssistant, live: Home) -> None:
    """Without a meter there is nothing to preview, and nothing more to see afterwards."""
    before = set(er.async_get(hass).entities)
    flow = await hass.config_entries.options.async_init(live.entry.entry_id)
    assert (flow["type"], flow["step_id"], flow["errors"]) == (FlowResultType.FORM, "init", {})
    done = await hass.config_entries.options.async_configure(flow["flow_id"], {"source": "off"})
    assert (done["type"], done["data"]) == (FlowResultType.CREATE_ENTRY, {"source": "off"})
    await live.settle()
    assert set(er.async_get(hass).entities) == before
    assert live.live == "on"


async def test_energy_dashboard_that_does_not_run(hass: HomeAssistant, live: Home) -> None:
    """A dashboard that is not there has no grid import, and the choice is kept in the form."""
    flow = await hass.config_entries.options.async_init(live.entry.entry_id)
    choice = {"source": "energy_dashboard"}
    form = await hass.config_entries.options.async_configure(flow["flow_id"], choice)
    assert form["errors"] == {"base": "no_grid_import"}
    assert form["data_schema"]
    (source,) = [key for key in form["data_schema"].schema if key == "source"]
    assert source.description == {"suggested_value": "energy_dashboard"}


async def test_sensors_without_the_recorder(hass: HomeAssistant, live: Home) -> None:
    """Where Home Assistant records nothing there are no statistics of any meter."""
    hass.states.async_set("sensor.meter", "100", {"device_class": "energy"})
    flow = await hass.config_entries.options.async_init(live.entry.entry_id)
    choice = {"source": "sensors", "sensors": ["sensor.meter"]}
    form = await hass.config_entries.options.async_configure(flow["flow_id"], choice)
    assert form["errors"] == {"base": "no_statistics"}
