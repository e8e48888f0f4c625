"""Test the common properties of all entities."""

from datetime import timedelta

from homeassistant.helpers import area_registry as ar, device_registry as dr, entity_registry as er

from .fakes.home import Home
from .fakes.provider import Provider

ENTITIES = {
    "sensor.equiwatt_held_devices": "held_devices",
    "switch.equiwatt_skip": "skip",
    "binary_sensor.equiwatt_live": "live",
    "calendar.equiwatt_equivents": "equivents",
    "event.equiwatt_equivent": "equivent",
    "sensor.equiwatt_current_end": "current_end",
    "sensor.equiwatt_current_start": "current_start",
    "sensor.equiwatt_last_duration": "last_duration",
    "sensor.equiwatt_last_end": "last_end",
    "sensor.equiwatt_last_start": "last_start",
    "sensor.equiwatt_last_webhook": "last_webhook",
    "sensor.equiwatt_next_start": "next_start",
}
DIAGNOSTIC = {"calendar.equiwatt_equivents", "sensor.equiwatt_last_webhook"}
WITHOUT_API = {
    "event.equiwatt_equivent",
    "sensor.equiwatt_held_devices",
    "sensor.equiwatt_last_webhook",
    "sensor.equiwatt_next_start",
    "switch.equiwatt_skip",
}
"""Entities that stay available while the API does not answer."""


async def test_entities_and_device(home: Home) -> None:
    """All entities belong to one service device."""
    await home.setup()
    entities = er.async_entries_for_config_entry(er.async_get(home.hass), home.entry.entry_id)
    assert {e.entity_id: e.unique_id for e in entities} == {
        entity_id: f"{home.entry.entry_id}_{key}" for entity_id, key in ENTITIES.items()
    }
    assert {e.entity_id for e in entities if e.entity_category} == DIAGNOSTIC
    (device,) = dr.async_entries_for_config_entry(dr.async_get(home.hass), home.entry.entry_id)
    assert device.name == "equiwatt"
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert device.manufacturer == "equiwatt"  # of the service device, as in Home Assistant


async def test_short_names(home: Home) -> None:
    """Names fit into the ten letters beside a time on the device page."""
    await home.setup()
    entities = er.async_entries_for_config_entry(er.async_get(home.hass), home.entry.entry_id)
    times = [e for e in entities if e.original_device_class == "timestamp"]
    assert times
    assert [e.original_name for e in times if len(e.original_name or "") > 10] == []


async def test_ids_in_area(home: Home) -> None:
    """Entity ids do not depend on the device's area and name."""
    await home.setup()
    registry, devices = er.async_get(home.hass), dr.async_get(home.hass)
    (device,) = dr.async_entries_for_config_entry(devices, home.entry.entry_id)
    area = ar.async_get(home.hass).async_create("Kitchen")
    devices.async_update_device(device.id, area_id=area.id, name_by_user="Rewards")
    await home.settle()
    assert [
        registry.async_regenerate_entity_id(registry.entities[entity_id]) for entity_id in ENTITIES
    ] == list(ENTITIES)


async def test_unavailable_without_answers(home: Home, provider: Provider) -> None:
    """Entities of the API are unavailable without answers, those of edges and calls are not."""
    await home.setup()
    provider.error = TimeoutError()
    await home.pass_time(timedelta(minutes=17).total_seconds(), step=60)
    known = {entity_id for entity_id in ENTITIES if home.state(entity_id) != "unavailable"}
    assert known == WITHOUT_API
    provider.recover()
    await home.pass_time(timedelta(minutes=6).total_seconds(), step=60)
    assert not [entity_id for entity_id in ENTITIES if home.state(entity_id) == "unavailable"]
