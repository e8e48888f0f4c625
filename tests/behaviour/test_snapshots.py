"""Test the public interface of the integration against snapshots.

`scripts/test --snapshot-update tests/behaviour/test_snapshots.py` updates them.
"""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
import voluptuous as vol

from custom_components.equiwatt import services
from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.diagnostics import async_get_config_entry_diagnostics
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..fakes.home import Home

SCHEMAS = sorted(name for name in vars(services) if name.endswith("_SCHEMA"))


async def test_entities(live: Home, snapshot: SnapshotAssertion) -> None:
    """Registered entities, and their states while an equivent is live."""
    registry = er.async_get(live.hass)
    for entry in sorted(
        er.async_entries_for_config_entry(registry, live.entry.entry_id),
        key=lambda entry: entry.entity_id,
    ):
        state = live.hass.states.get(entry.entity_id)
        assert state
        shown = state.state if entry.domain != "event" else "when it happened"
        assert {
            "category": entry.entity_category,
            "device_class": entry.original_device_class,
            "name": entry.original_name,
            "translation_key": entry.translation_key,
            "unique_id": entry.unique_id,
            "state": shown,
            "attributes": dict(sorted(state.attributes.items())),
        } == snapshot(name=entry.entity_id)


async def test_device(live: Home, snapshot: SnapshotAssertion) -> None:
    """The device of an account."""
    (device,) = dr.async_entries_for_config_entry(dr.async_get(live.hass), live.entry.entry_id)
    assert {
        "configuration_url": device.configuration_url,
        "entry_type": device.entry_type,
        "identifiers": sorted(device.identifiers),
        "manufacturer": device.manufacturer,
        "model": device.model,
        "name": device.name,
    } == snapshot


async def test_diagnostics(live: Home, snapshot: SnapshotAssertion) -> None:
    """The diagnostics of an account while an equivent is live."""
    assert await async_get_config_entry_diagnostics(live.hass, live.entry) == snapshot


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas(name: str, snapshot: SnapshotAssertion) -> None:
    """The fields of each action, required and optional."""
    assert fields(getattr(services, name)) == snapshot


def fields(schema: Any) -> dict[str, str]:
    """Return the fields of a schema, however it is nested."""
    while not isinstance(schema, vol.Schema) or not isinstance(schema.schema, dict):
        schema = schema.validators[0] if hasattr(schema, "validators") else schema.schema
    return {str(key): type(key).__name__ for key in sorted(schema.schema, key=str)}


async def test_actions(hass: HomeAssistant, live: Home, snapshot: SnapshotAssertion) -> None:
    """All actions, and whether they respond."""
    assert {
        name: service.supports_response.value
        for name, service in sorted(hass.services.async_services_for_domain(DOMAIN).items())
    } == snapshot
