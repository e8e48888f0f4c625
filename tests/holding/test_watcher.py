"""Test that a device is followed when it is renamed, and forgotten when it is removed."""

from homeassistant.helpers import entity_registry as er
from tests.conftest import House, Provider
from tests.devices import Plug, install

from .pausing import HOUR, MINUTE, PLUG, disable, end, pause, repairs


async def test_entity_is_renamed_or_removed(live: House, provider: Provider) -> None:
    """A renamed device is restored, a removed one forgotten; without a traceback."""
    await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG, "switch.other")
    registry = er.async_get(live.hass)
    registry.async_update_entity(PLUG, new_entity_id="switch.renamed")
    registry.async_remove("switch.other")
    await live.settle()
    await end(live, provider)
    assert live.state("switch.renamed") == "on"
    await live.pass_time(HOUR.total_seconds() + 120, step=60)
    assert repairs(live.hass) == []


async def test_renamed_while_trying(live: House, provider: Provider) -> None:
    """A device that is renamed while it does not obey is restored under its new name."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    plug.report(available=False)
    await end(live, provider)
    er.async_get(live.hass).async_update_entity(PLUG, new_entity_id="switch.renamed")
    er.async_get(live.hass).async_update_entity("switch.renamed", name="Renamed")
    await live.settle()
    await live.pass_time(59 * MINUTE, step=30)
    plug.report(available=True)
    await live.settle()
    assert live.state("switch.renamed") == "on"
    assert repairs(live.hass) == []


async def test_renamed_while_disabled(live: House) -> None:
    """A device that is renamed while its entry is disabled is restored once, by whoever is left."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    plug.report(available=False)
    await disable(live)
    er.async_get(live.hass).async_update_entity(PLUG, new_entity_id="switch.renamed")
    await live.settle()
    await live.hass.config_entries.async_set_disabled_by(live.entry.entry_id, None)
    await live.settle()
    plug.report(available=True)
    await live.settle()
    assert plug.commands == ["off", "on"]


async def test_removed_and_added_again(live: House, provider: Provider) -> None:
    """A device whose registration is made anew is restored, or named."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(5 * MINUTE)
    er.async_get(live.hass).async_remove(PLUG)
    await live.settle()
    again = Plug("Plug")
    again._attr_is_on = False
    await install(live.hass, again)
    assert live.state(PLUG) == "off"
    await live.pass_time(5 * MINUTE)
    await end(live, provider)
    await live.pass_time(70 * MINUTE, step=30)
    assert live.state(PLUG) == "on" or repairs(live.hass)
