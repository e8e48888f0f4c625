"""The actions: rehearse an equivent, take part in one, hold devices while it is live."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import voluptuous as vol

from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_ENTITY_ID, ENTITY_MATCH_ALL, Platform
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    State,
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
from homeassistant.helpers.typing import VolDictType
from homeassistant.util.json import JsonValueType

from .const import DOMAIN
from .data import EquiwattConfigEntry
from .equivents.model import Kind
from .holding.eligibility import Refusal, can_pause, scene_refusal_of
from .holding.hold import Request
from .holding.manager import async_get_manager

ATTR_DURATION: Final = "duration"
ATTR_INCLUDE_TESTS: Final = "include_tests"
ATTR_KIND: Final = "kind"
ATTR_MAX_DURATION: Final = "max_duration"
ATTR_PARTICIPANT: Final = "participant"
APPLY_SCENE: Final = "apply_scene"
PAUSE: Final = "pause"
RESTORE: Final = "restore"
SIMULATE_EQUIVENT: Final = "simulate_equivent"
TAKE_PART: Final = "take_part"

ERRORS: Final[dict[Refusal, type[HomeAssistantError]]] = {
    Refusal.UNSUPPORTED: ServiceValidationError,
    Refusal.NOT_FOUND: ServiceValidationError,
    Refusal.FAILED: HomeAssistantError,
}
"""What is raised for what is not held: what was chosen is wrong, or the device fails."""

SHORTEST, LONGEST = timedelta(seconds=10), timedelta(hours=6)

SIMULATE_SCHEMA = vol.Schema(
    {
        vol.Optional(ATTR_DURATION, default=timedelta(minutes=5)): vol.All(
            cv.positive_time_period, vol.Range(min=SHORTEST, max=LONGEST)
        ),
        vol.Optional(ATTR_KIND): vol.Coerce(Kind),
        vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
    }
)
HOLD_OPTIONS: Final[VolDictType] = {
    vol.Optional(ATTR_MAX_DURATION): cv.positive_time_period,
    vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
}
PAUSE_SCHEMA = cv.make_entity_service_schema(HOLD_OPTIONS)
APPLY_SCENE_SCHEMA = vol.Schema({vol.Required(ATTR_ENTITY_ID): cv.entity_ids, **HOLD_OPTIONS})
RESTORE_SCHEMA = vol.Schema(cv.ENTITY_SERVICE_FIELDS)
TAKE_PART_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_PARTICIPANT): cv.string,
        vol.Optional(ATTR_INCLUDE_TESTS, default=True): cv.boolean,
        vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    optional, none = SupportsResponse.OPTIONAL, SupportsResponse.NONE
    for name, action, schema, response in (
        (APPLY_SCENE, _async_apply_scene, APPLY_SCENE_SCHEMA, optional),
        (PAUSE, _async_pause, PAUSE_SCHEMA, optional),
        (RESTORE, _async_restore, RESTORE_SCHEMA, none),
        (SIMULATE_EQUIVENT, _async_simulate, SIMULATE_SCHEMA, none),
        (TAKE_PART, _async_take_part, TAKE_PART_SCHEMA, optional),
    ):
        hass.services.async_register(DOMAIN, name, action, schema, supports_response=response)


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
    coordinator.async_rehearse(call.data[ATTR_DURATION], call.data.get(ATTR_KIND))


async def _async_pause(call: ServiceCall) -> ServiceResponse:
    """Pause devices for the equivent that is live; with several accounts, for all that are."""
    entries = _live_entries(call)
    outcome = await _async_hold(call, entries, await _async_devices(call))
    if call.return_response:
        return _response(outcome, "paused")
    _raise_refusals(outcome, "pause")
    return None


async def _async_apply_scene(call: ServiceCall) -> ServiceResponse:
    """Apply scenes for the equivent that is live, and hold what they name."""
    entries, chosen = _live_entries(call), sorted(set(call.data[ATTR_ENTITY_ID]))
    refused = {one: refusal for one in chosen if (refusal := scene_refusal_of(call.hass, one))}
    scenes = tuple(one for one in chosen if one not in refused)
    named = _members(call.hass, _named_by(call.hass, scenes))
    await _async_check_user(call, {*chosen, *named})
    held = await _async_hold(call, entries, sorted(named), scenes) if scenes else {}
    applied = {one: refused.get(one) or held.pop(one, None) for one in chosen}
    if call.return_response:
        return {**_response(applied, "applied"), **_response(held, "held")}
    _raise_refusals(applied, "scene")
    return None


async def _async_hold(
    call: ServiceCall,
    entries: list[EquiwattConfigEntry],
    entity_ids: list[str],
    scenes: tuple[str, ...] = (),
) -> dict[str, Refusal | None]:
    """Hold devices for the accounts that take part; return why not, for each that is not."""
    holders = frozenset(entry.entry_id for entry in entries if entry.runtime_data.takes_part)
    if not holders:
        return dict.fromkeys((*scenes, *entity_ids), Refusal.SKIPPED)
    request = Request(
        context=call.context,
        holders=holders,
        longest=call.data.get(ATTR_MAX_DURATION) or None,
        scenes=scenes,
    )
    return await async_get_manager(call.hass).async_hold(entity_ids, request)


async def _async_restore(call: ServiceCall) -> None:
    """Restore what is held now: what is chosen of it, or all."""
    manager = async_get_manager(call.hass)
    held = {one.entity_id for one in manager.devices if one.is_held}
    if call.data and call.data.get(ATTR_ENTITY_ID) != ENTITY_MATCH_ALL:
        selected = async_extract_referenced_entity_ids(call.hass, TargetSelection(call.data))
        chosen = selected.referenced | selected.indirectly_referenced
        held &= chosen | _members(call.hass, chosen)
    await _async_check_user(call, held)
    await manager.async_restore(held, call.context)


async def _async_take_part(call: ServiceCall) -> ServiceResponse:
    """Remember who takes part in the live equivent, and say whether they do."""
    entries = _live_entries(call, must=False)
    for entry in entries:
        await _async_check_user(call, _entities(call.hass, entry))
    name, tests = call.data[ATTR_PARTICIPANT], call.data[ATTR_INCLUDE_TESTS]
    joined = [await one.runtime_data.async_join(name, include_tests=tests) for one in entries]
    return {"taking_part": any(joined)}


def _raise_refusals(outcome: dict[str, Refusal | None], action: str) -> None:
    """Raise what is to be mended, if anything is."""
    for reason, error in ERRORS.items():
        if refused := [entity_id for entity_id, why in outcome.items() if why is reason]:
            raise error(
                translation_domain=DOMAIN,
                translation_key=f"{action}_{reason}",
                translation_placeholders={"entities": ", ".join(refused)},
            )


def _entities(hass: HomeAssistant, entry: EquiwattConfigEntry) -> set[str]:
    """Return the entities of an account, which whoever acts for it must be allowed to control."""
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {entity.entity_id for entity in registered}


def _live_entries(call: ServiceCall, *, must: bool = True) -> list[EquiwattConfigEntry]:
    """Return the entries with a live equivent.

    Raise ServiceValidationError if there is no entry, or must be a live equivent and is none.
    """
    loaded: list[EquiwattConfigEntry] = call.hass.config_entries.async_loaded_entries(DOMAIN)
    if call.data.get(ATTR_CONFIG_ENTRY_ID) or not loaded:
        loaded = [_entry(call)]
    live = [entry for entry in loaded if entry.runtime_data.coordinator.data.live]
    if live or not must:
        return live
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="nothing_live")


async def _async_devices(call: ServiceCall) -> list[str]:
    """Return what is to be paused: what is named, and what can be paused of the rest."""
    hass = call.hass
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(call.data))
    named = _members(hass, selected.referenced)
    rest = _members(hass, selected.indirectly_referenced) - named
    states = (hass.states.get(entity_id) for entity_id in rest - _own(hass))
    named |= {state.entity_id for state in states if state and can_pause(state)}
    if not named:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_devices")
    await _async_check_user(call, named)
    return sorted(named)


def _own(hass: HomeAssistant) -> set[str]:
    """Return our own entities, one of which can be turned off: nobody means that by an area."""
    entries = hass.config_entries.async_entries(DOMAIN)
    return {entity_id for entry in entries for entity_id in _entities(hass, entry)}


def _members(hass: HomeAssistant, entity_ids: set[str]) -> set[str]:
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


def _named_by(hass: HomeAssistant, scenes: Iterable[str]) -> set[str]:
    """Return the entities that scenes name."""
    return {one for scene in scenes if (state := hass.states.get(scene)) for one in _listed(state)}


def _listed(state: State) -> set[str]:
    """Return the entities that a group or a scene lists."""
    listed = state.attributes.get(ATTR_ENTITY_ID) or ()
    return {listed} if isinstance(listed, str) else set(listed)


async def _async_check_user(call: ServiceCall, entity_ids: set[str]) -> None:
    """Check that whoever calls may control the entities. Raise Unauthorized or UnknownUser."""
    if not (user_id := call.context.user_id):
        return
    if (user := await call.hass.auth.async_get_user(user_id)) is None:
        raise UnknownUser(context=call.context, permission=POLICY_CONTROL, user_id=user_id)
    for entity_id in entity_ids:
        if not user.permissions.check_entity(entity_id, POLICY_CONTROL):
            raise Unauthorized(context=call.context, entity_id=entity_id, permission=POLICY_CONTROL)


def _response(outcome: dict[str, Refusal | None], done: str) -> dict[str, JsonValueType]:
    """Return what is done and what is not, and why."""
    return {
        done: [entity_id for entity_id, why in outcome.items() if why is None],
        f"not_{done}": [
            {"entity_id": entity_id, "reason": why.value}
            for entity_id, why in outcome.items()
            if why is not None
        ],
    }
