"""The accounts that the target of a trigger or condition reaches, the entities of an action's."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import voluptuous as vol

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_ENTITY_ID, CONF_EXCLUDE, CONF_OPTIONS, CONF_TARGET, Platform
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from .const import DOMAIN

CONF_REHEARSALS: Final = "rehearsals"


def _not_empty(target: dict[str, Any]) -> dict[str, Any]:
    """Refuse a target that would reach nothing, which a user would never be told."""
    if not TargetSelection(target).has_any_target:
        raise vol.Invalid("choose an equiwatt device, or its event entity")
    return target


TARGET_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_TARGET): vol.All(cv.TARGET_FIELDS, _not_empty),
        vol.Required(CONF_OPTIONS, default={}): {
            vol.Optional(CONF_REHEARSALS, default=True): cv.boolean
        },
    }
)


@callback
def async_reaches(hass: HomeAssistant, target: TargetSelection, entry: ConfigEntry) -> bool:
    """Return True if a target names an account's device, or reaches its event entity.

    A device that is named counts even where its event entity is hidden or disabled.
    """
    selected = async_extract_referenced_entity_ids(hass, target, expand_group=False)
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    named = target.device_ids & selected.referenced_devices  # without what a target excludes
    if any(device.id in named and not device.disabled for device in devices):
        return True
    entities = er.async_get(hass)
    unique_id = f"{entry.entry_id}_equivent"
    entity_id = entities.async_get_entity_id(Platform.EVENT, DOMAIN, unique_id)
    if not entity_id or entities.entities[entity_id].disabled:
        return False
    return entity_id in selected.referenced | selected.indirectly_referenced


@callback
def members_of(hass: HomeAssistant, entity_ids: Iterable[str]) -> set[str]:
    """Return the entities with the members of groups in their place: each has its own state."""
    ahead, seen, found = set(entity_ids), set[str](), set[str]()
    while ahead:
        entity_id = ahead.pop()
        seen.add(entity_id)
        state = hass.states.get(entity_id)
        members = _listed(state) if state and state.domain != Platform.SCENE else set()
        ahead |= members - seen
        if not members:
            found.add(entity_id)
    return found


@callback
def listed_by(hass: HomeAssistant, scenes: Iterable[str]) -> set[str]:
    """Return the entities that scenes set."""
    return {one for scene in scenes if (state := hass.states.get(scene)) for one in _listed(state)}


@callback
def without_excluded(
    hass: HomeAssistant, entity_ids: set[str], target: Mapping[str, Any]
) -> set[str]:
    """Return the entities that a target does not exclude."""
    if not (exclude := target.get(CONF_EXCLUDE)):
        return entity_ids
    asked = TargetSelection({ATTR_ENTITY_ID: list(entity_ids), CONF_EXCLUDE: exclude})
    left = async_extract_referenced_entity_ids(hass, asked, expand_group=False).referenced
    # Releases before 2026.11 have returned all of them.
    excluded = async_extract_referenced_entity_ids(
        hass, TargetSelection(exclude), primary_entities_only=False
    )
    return left - members_of(hass, excluded.referenced | excluded.indirectly_referenced)


def _listed(state: State) -> set[str]:
    """Return the entities that a group or a scene lists."""
    listed = state.attributes.get(ATTR_ENTITY_ID) or ()
    return {listed} if isinstance(listed, str) else set(listed)
