"""Targets: the accounts of triggers and conditions, the entities of actions."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import voluptuous as vol

from homeassistant.const import ATTR_ENTITY_ID, CONF_EXCLUDE, CONF_OPTIONS, CONF_TARGET, Platform
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN, LOGGER

CONF_REHEARSALS: Final = "rehearsals"


def validated(config: ConfigType) -> ConfigType:
    """Return the configuration of a trigger or condition. Raise vol.Invalid if it is invalid."""
    options = {vol.Optional(CONF_REHEARSALS, default=True): cv.boolean}
    schema = vol.Schema(
        {
            vol.Required(CONF_TARGET): cv.TARGET_FIELDS,
            vol.Required(CONF_OPTIONS, default={}): options,
        }
    )
    valid: ConfigType = schema(config)
    if not TargetSelection(valid[CONF_TARGET]).has_any_target:  # it would never trigger
        raise vol.Invalid("choose an equiwatt device or one of its entities", [CONF_TARGET])
    return valid


@callback
def async_reached(hass: HomeAssistant, target: TargetSelection) -> set[str]:
    """Return the entry ids of the accounts whose device or entities are in a target.

    A named device counts even if all its entities are hidden or disabled.
    """
    selected = async_extract_referenced_entity_ids(hass, target, expand_group=False)
    named = target.device_ids & selected.referenced_devices  # without excluded devices
    devices, entities = dr.async_get(hass), er.async_get(hass)
    reached = {
        entry.entry_id
        for entry in hass.config_entries.async_entries(DOMAIN)
        for device in dr.async_entries_for_config_entry(devices, entry.entry_id)
        if device.id in named and not device.disabled
    }
    for entity_id in selected.referenced | selected.indirectly_referenced:
        entity = entities.async_get(entity_id)
        if entity and entity.platform == DOMAIN and not entity.disabled and entity.config_entry_id:
            reached.add(entity.config_entry_id)
    return reached


@callback
def async_warn_of_unreached(what: str, target: dict[str, Any]) -> None:
    """Log that the target of a trigger or condition reaches no account."""
    LOGGER.warning(
        "The target of the %s reaches no equiwatt account, so nothing comes of it: %s", what, target
    )


@callback
def async_select(
    hass: HomeAssistant, target: dict[str, Any], is_eligible: Callable[[State], bool]
) -> set[str]:
    """Return the named entities of a target, and the eligible ones of areas, devices and labels."""
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(target))
    named = members_of(hass, selected.referenced)
    states = map(hass.states.get, members_of(hass, selected.indirectly_referenced))
    eligible = {state.entity_id for state in states if state and is_eligible(state)}
    return without_excluded(hass, named | eligible, target)


@callback
def members_of(hass: HomeAssistant, entity_ids: Iterable[str]) -> set[str]:
    """Return the entities with groups replaced by their members, which are held separately."""
    pending, seen, found = set(entity_ids), set[str](), set[str]()
    while pending:
        entity_id = pending.pop()
        seen.add(entity_id)
        state = hass.states.get(entity_id)
        members = set[str]()
        if state and state.domain != Platform.SCENE:
            members = _listed(state) or _configured(hass, entity_id)
        pending |= members - seen
        if not members:
            found.add(entity_id)
    return found


@callback
def listed_by(hass: HomeAssistant, scenes: Iterable[str]) -> set[str]:
    """Return the entities that scenes set."""
    return {
        entity_id
        for scene in scenes
        if (state := hass.states.get(scene))
        for entity_id in _listed(state)
    }


@callback
def without_excluded(
    hass: HomeAssistant, entity_ids: set[str], target: Mapping[str, Any]
) -> set[str]:
    """Return the entities that a target does not exclude."""
    exclude = target.get(CONF_EXCLUDE)
    if not exclude or not isinstance(exclude, dict):  # another action's own field
        return entity_ids
    asked = TargetSelection({ATTR_ENTITY_ID: list(entity_ids), CONF_EXCLUDE: exclude})
    left = async_extract_referenced_entity_ids(hass, asked, expand_group=False).referenced
    # Releases before 2026.11 ignore the exclusion above.
    excluded = async_extract_referenced_entity_ids(
        hass, TargetSelection(dict(exclude)), primary_entities_only=False
    )
    return left - members_of(hass, excluded.referenced | excluded.indirectly_referenced)


def _listed(state: State) -> set[str]:
    """Return the entities that a group or a scene lists."""
    listed = state.attributes.get(ATTR_ENTITY_ID) or ()
    return {listed} if isinstance(listed, str) else set(listed)


def _configured(hass: HomeAssistant, entity_id: str) -> set[str]:
    """Return the members of a group helper, which does not list them while it is unavailable."""
    registry = er.async_get(hass)
    entity = registry.async_get(entity_id)
    if not entity or entity.platform != "group" or not entity.config_entry_id:
        return set()
    options = hass.config_entries.async_get_known_entry(entity.config_entry_id).options
    return set(er.async_validate_entity_ids(registry, options["entities"]))
