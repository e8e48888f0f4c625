"""The actions: rehearse an equivent, and pause devices while one is live."""

from datetime import timedelta
from typing import Final

import voluptuous as vol

from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_ENTITY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.service import async_get_config_entry
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from .const import DOMAIN
from .data import EquiwattConfigEntry
from .holding.domains import Refusal, can_pause

ATTR_DURATION: Final = "duration"
ATTR_MAX_DURATION: Final = "max_duration"
SIMULATE_EQUIVENT: Final = "simulate_equivent"
PAUSE: Final = "pause"

ERRORS: Final[dict[Refusal, type[HomeAssistantError]]] = {
    Refusal.UNSUPPORTED: ServiceValidationError,
    Refusal.NOT_FOUND: ServiceValidationError,
    Refusal.FAILED: HomeAssistantError,
}
"""What is raised for a device that is not paused: what was chosen is wrong, or the device fails."""

SHORTEST, LONGEST = timedelta(seconds=10), timedelta(hours=6)

SIMULATE_SCHEMA = vol.Schema(
    {
        vol.Optional(ATTR_DURATION, default=timedelta(minutes=5)): vol.All(
            cv.positive_time_period, vol.Range(min=SHORTEST, max=LONGEST)
        ),
        vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
    }
)
PAUSE_SCHEMA = cv.make_entity_service_schema(
    {
        vol.Optional(ATTR_MAX_DURATION): cv.positive_time_period,
        vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(DOMAIN, SIMULATE_EQUIVENT, _async_simulate, schema=SIMULATE_SCHEMA)
    hass.services.async_register(
        DOMAIN,
        PAUSE,
        _async_pause,
        schema=PAUSE_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )


def _entry(call: ServiceCall) -> EquiwattConfigEntry:
    """Return the entry that is meant. Raise ServiceValidationError if that is none, or not one."""
    entry: EquiwattConfigEntry = async_get_config_entry(
        call.hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID)
    )
    return entry


async def _async_simulate(call: ServiceCall) -> None:
    """Rehearse an equivent, or move the end of the rehearsal that is live."""
    entry = _entry(call)
    await _async_check_user(call, _entities(call.hass, entry))
    coordinator = entry.runtime_data.coordinator
    if coordinator.data.live and not coordinator.data.rehearsal:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="already_live")
    coordinator.async_rehearse(call.data[ATTR_DURATION])


async def _async_pause(call: ServiceCall) -> ServiceResponse:
    """Pause devices for the equivent that is live; with several accounts, for all that are."""
    entries = _live_entries(call)
    chosen = await _async_devices(call)
    longest = call.data.get(ATTR_MAX_DURATION) or None
    outcome: dict[str, Refusal | None] = {}
    for entry in entries:
        outcome |= await entry.runtime_data.pause.async_pause(chosen, longest, call.context)
    if call.return_response:
        return _response(outcome)
    for reason, error in ERRORS.items():
        if refused := [entity_id for entity_id, why in outcome.items() if why is reason]:
            raise error(
                translation_domain=DOMAIN,
                translation_key=f"pause_{reason}",
                translation_placeholders={"entities": ", ".join(refused)},
            )
    return None


def _entities(hass: HomeAssistant, entry: EquiwattConfigEntry) -> set[str]:
    """Return the entities of an account, which whoever acts for it must be allowed to control."""
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {entity.entity_id for entity in registered}


def _live_entries(call: ServiceCall) -> list[EquiwattConfigEntry]:
    """Return the entries with a live equivent. Raise ServiceValidationError if there is none."""
    loaded: list[EquiwattConfigEntry] = call.hass.config_entries.async_loaded_entries(DOMAIN)
    if call.data.get(ATTR_CONFIG_ENTRY_ID) or not loaded:
        loaded = [_entry(call)]
    if live := [entry for entry in loaded if entry.runtime_data.coordinator.data.live]:
        return live
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="nothing_live")


async def _async_devices(call: ServiceCall) -> list[str]:
    """Return what is to be paused: what is named, and what can be paused of the rest."""
    hass = call.hass
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(call.data))
    named = _members(hass, selected.referenced)
    rest = _members(hass, selected.indirectly_referenced) - named
    states = (hass.states.get(entity_id) for entity_id in rest)
    named |= {state.entity_id for state in states if state and can_pause(state)}
    if not named:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_devices")
    await _async_check_user(call, named)
    return sorted(named)


def _members(hass: HomeAssistant, entity_ids: set[str]) -> set[str]:
    """Return the entities with the members of groups in their place: each has its own state."""
    ahead, seen, found = set(entity_ids), set[str](), set[str]()
    while ahead:
        entity_id = ahead.pop()
        seen.add(entity_id)
        state = hass.states.get(entity_id)
        if state and (members := state.attributes.get(ATTR_ENTITY_ID)):
            ahead |= set(cv.ensure_list(members)) - seen
        else:
            found.add(entity_id)
    return found


async def _async_check_user(call: ServiceCall, entity_ids: set[str]) -> None:
    """Check that whoever calls may control the entities. Raise Unauthorized or UnknownUser."""
    if not (user_id := call.context.user_id):
        return
    if (user := await call.hass.auth.async_get_user(user_id)) is None:
        raise UnknownUser(context=call.context, permission=POLICY_CONTROL, user_id=user_id)
    for entity_id in entity_ids:
        if not user.permissions.check_entity(entity_id, POLICY_CONTROL):
            raise Unauthorized(context=call.context, entity_id=entity_id, permission=POLICY_CONTROL)


def _response(outcome: dict[str, Refusal | None]) -> ServiceResponse:
    """Return what is paused and what is not, and why."""
    return {
        "paused": [entity_id for entity_id, why in outcome.items() if why is None],
        "not_paused": [
            {"entity_id": entity_id, "reason": why.value}
            for entity_id, why in outcome.items()
            if why is not None
        ],
    }
