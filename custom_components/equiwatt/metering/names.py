"""Keeps to the sensors that the user has chosen, under whatever names, as their statistics do."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_SENSORS
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_entity_registry_updated_event

from ..const import CONF_REGISTRY_IDS


@callback
def async_keep_sensors(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Follow the sensors that an account's options name, also those renamed before this."""
    _note_names(hass, entry)

    @callback
    def on_change(event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        """Set the account up again, which finds the new name."""
        if event.data["action"] == "update" and "entity_id" in event.data["changes"]:
            hass.config_entries.async_schedule_reload(entry.entry_id)

    names = entry.options[CONF_SENSORS]
    entry.async_on_unload(async_track_entity_registry_updated_event(hass, names, on_change))


def _note_names(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Note under which names the sensors are found now, and their ids, which no name changes.

    One that is gone keeps its name, by which another one may take its place and its statistics.
    """
    registry = er.async_get(hass)
    names, ids = entry.options[CONF_SENSORS], entry.options.get(CONF_REGISTRY_IDS, {})
    known = [registry.entities.get_entry(ids[name]) if name in ids else None for name in names]
    found = [one.entity_id if one else name for one, name in zip(known, names, strict=True)]
    noted = {name: one.id for name in found if (one := registry.async_get(name))}
    options = {**entry.options, CONF_SENSORS: found, CONF_REGISTRY_IDS: noted}
    if not noted:
        del options[CONF_REGISTRY_IDS]
    hass.config_entries.async_update_entry(entry, options=options)
