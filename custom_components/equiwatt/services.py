"""Actions: rehearse an equivent, take part in it, hold devices during it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import voluptuous as vol

from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_ENTITY_ID, CONF_EXCLUDE, ENTITY_MATCH_ALL
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
from .holding.eligibility import Refusal, Request, can_pause, can_set_back, scene_refusal_of
from .holding.manager import async_get_manager
from .target import async_select, listed_by, members_of, without_excluded

ATTR_DEGREES: Final = "degrees"
ATTR_DURATION: Final = "duration"
ATTR_INCLUDE_TESTS: Final = "include_tests"
ATTR_KIND: Final = "kind"
ATTR_MAX_DURATION: Final = "max_duration"
ATTR_PARTICIPANT: Final = "participant"
APPLY_SCENE: Final = "apply_scene"
PAUSE: Final = "pause"
RESTORE: Final = "restore"
SET_BACK: Final = "set_back"
SIMULATE_EQUIVENT: Final = "simulate_equivent"
TAKE_PART: Final = "take_part"

type Action = Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse | None]]
type Outcome = dict[str, Refusal | None]
"""Reason why each entity is not held, None if it is."""

ERRORS: Final[dict[Refusal, type[HomeAssistantError]]] = {
    Refusal.UNSUPPORTED: ServiceValidationError,
    Refusal.NOT_FOUND: ServiceValidationError,
    Refusal.FAILED: HomeAssistantError,
}
"""Errors for entities that are not held, by the reason that raises them."""

SET_UP_SECONDS = 10
"""Seconds for which an action waits for an account that is being set up or reloaded."""
SHORTEST, LONGEST = timedelta(seconds=10), timedelta(hours=6)
MIN_DEGREES, DEGREES, MAX_DEGREES = 0.5, 2, 10

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
    vol.Optional(ATTR_MAX_DURATION): vol.All(cv.positive_time_period, vol.Range(max=LONGEST)),
    vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
}
TARGET: Final[VolDictType] = {
    # Home Assistant's own fields include it from 2026.11.
    vol.Optional(CONF_EXCLUDE): vol.Schema(cv.TARGET_FIELDS),
    **cv.ENTITY_SERVICE_FIELDS,
}
"""Target fields, none required so that a missing target gets a translated error."""
PAUSE_SCHEMA = vol.Schema({**TARGET, **HOLD_OPTIONS})
SET_BACK_SCHEMA = vol.Schema(
    {
        vol.Optional(ATTR_DEGREES, default=DEGREES): vol.All(
            vol.Coerce(float), vol.Range(min=MIN_DEGREES, max=MAX_DEGREES)
        ),
        **TARGET,
        **HOLD_OPTIONS,
    }
)
APPLY_SCENE_SCHEMA = vol.Schema({vol.Required(ATTR_ENTITY_ID): cv.entity_ids, **HOLD_OPTIONS})
RESTORE_SCHEMA = vol.Schema(TARGET)
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
        (SET_BACK, _async_set_back, SET_BACK_SCHEMA, optional),
        (SIMULATE_EQUIVENT, _async_simulate, SIMULATE_SCHEMA, none),
        (TAKE_PART, _async_take_part, TAKE_PART_SCHEMA, optional),
    ):
        hass.services.async_register(
            DOMAIN, name, _when_set_up(action), schema, supports_response=response
        )


def _when_set_up(action: Action) -> Action:
    """Return an action that first waits for accounts that are being set up or reloaded."""

    async def async_act(call: ServiceCall) -> ServiceResponse | None:
        """Wait, and run the action even if an account takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SET_UP_SECONDS):
                for entry in call.hass.config_entries.async_entries(DOMAIN):
                    async with entry.setup_lock:
                        pass
        return await action(call)

    return async_act


async def _async_simulate(call: ServiceCall) -> None:
    """Start a rehearsal, or change the end of the live one.

    With several accounts, it includes all that have no live equivent.
    """
    entries = await _async_entries(call)
    idle = [entry for entry in entries if not entry.runtime_data.coordinator.data.real]
    if not idle:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="already_live")
    for entry in idle:
        coordinator = entry.runtime_data.coordinator
        coordinator.async_rehearse(call.data[ATTR_DURATION], call.data.get(ATTR_KIND))


async def _async_pause(call: ServiceCall) -> ServiceResponse:
    """Pause devices for the live equivents of all accounts or the chosen one."""
    outcome = await _async_hold_target(call, PAUSE, can_pause)
    return _result(call, PAUSE, outcome, paused=outcome)


async def _async_set_back(call: ServiceCall) -> ServiceResponse:
    """Turn thermostats and water heaters down for the live equivents."""
    outcome = await _async_hold_target(call, SET_BACK, can_set_back)
    return _result(call, SET_BACK, outcome, set_back=outcome)


async def _async_apply_scene(call: ServiceCall) -> ServiceResponse:
    """Apply scenes for the live equivents, and hold the entities that they set."""
    chosen = sorted(set(call.data[ATTR_ENTITY_ID]))
    if not chosen:
        raise _nothing_to(APPLY_SCENE)
    refused = {
        scene: refusal for scene in chosen if (refusal := scene_refusal_of(call.hass, scene))
    }
    scenes = tuple(scene for scene in chosen if scene not in refused)
    named = members_of(call.hass, listed_by(call.hass, scenes))
    await _async_check_user(call, {*chosen, *named})
    entries = _live_entries(call)
    held = await _async_hold(call, entries, named, scenes) if scenes else {}
    applied = {scene: refused.get(scene) or held.pop(scene, None) for scene in chosen}
    return _result(call, APPLY_SCENE, applied, applied=applied, held=held)


async def _async_hold_target(
    call: ServiceCall, action: str, can_hold: Callable[[State], bool]
) -> Outcome:
    """Hold the named entities, and those of areas, devices and labels that can be held."""
    own = _own(call.hass)
    chosen = async_select(
        call.hass, call.data, lambda state: state.entity_id not in own and can_hold(state)
    )
    if not chosen:
        raise _nothing_to(action)
    await _async_check_user(call, chosen)
    return await _async_hold(call, _live_entries(call), chosen)


async def _async_hold(
    call: ServiceCall,
    entries: list[EquiwattConfigEntry],
    entity_ids: set[str],
    scenes: tuple[str, ...] = (),
) -> Outcome:
    """Hold entities for the accounts that take part."""
    holders = frozenset(entry.entry_id for entry in entries if entry.runtime_data.takes_part)
    if not holders:
        return dict.fromkeys((*scenes, *sorted(entity_ids)), Refusal.SKIPPED)
    request = Request(
        context=call.context,
        holders=holders,
        longest=call.data.get(ATTR_MAX_DURATION) or None,
        scenes=scenes,
        degrees=call.data.get(ATTR_DEGREES),
    )
    own = entity_ids & _own(call.hass)
    held = await async_get_manager(call.hass).async_hold(sorted(entity_ids - own), request)
    return dict(sorted((held | dict.fromkeys(own, Refusal.UNSUPPORTED)).items()))


async def _async_restore(call: ServiceCall) -> None:
    """Restore the chosen held devices, or all without a target."""
    hass, manager = call.hass, async_get_manager(call.hass)
    await manager.async_load()  # which a hold that is being written delays
    held = {device.entity_id for device in manager.held_for()}
    if call.data and call.data.get(ATTR_ENTITY_ID) != ENTITY_MATCH_ALL:
        selected = async_extract_referenced_entity_ids(hass, TargetSelection(call.data))
        chosen = selected.referenced | selected.indirectly_referenced
        if not chosen:
            raise _nothing_to(RESTORE)
        held &= chosen | members_of(hass, chosen)
    held = without_excluded(hass, held, call.data)
    await _async_check_user(call, held)
    await manager.async_restore(held, call.context)


async def _async_take_part(call: ServiceCall) -> ServiceResponse:
    """Add a participant to the live equivents. Respond with whether it takes part."""
    entries = await _async_entries(call)
    accounts = [entry.runtime_data for entry in entries]  # which may be unloaded meanwhile
    live = [account for account in accounts if account.coordinator.data.live]
    name, tests = call.data[ATTR_PARTICIPANT], call.data[ATTR_INCLUDE_TESTS]
    joined = [await account.async_join(name, include_tests=tests) for account in live]
    return {"taking_part": any(joined)}


def _nothing_to(action: str) -> ServiceValidationError:
    """Return the error of an action without a usable target."""
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=f"nothing_to_{action}")


def _result(
    call: ServiceCall, action: str, chosen: Outcome, **outcomes: Outcome
) -> ServiceResponse:
    """Return the response if requested. Raise an error for the reasons in ERRORS otherwise."""
    if call.return_response:
        response: dict[str, JsonValueType] = {}
        for done, outcome in outcomes.items():
            response[done] = [one for one, why in outcome.items() if why is None]
            response[f"not_{done}"] = [
                {"entity_id": one, "reason": why.value} for one, why in outcome.items() if why
            ]
        return response
    for reason, error in ERRORS.items():
        if refused := [entity_id for entity_id, why in chosen.items() if why is reason]:
            raise error(
                translation_domain=DOMAIN,
                translation_key=f"{action}_{reason}",
                translation_placeholders={"entities": ", ".join(refused)},
            )
    return None


def _entities(hass: HomeAssistant, entry: EquiwattConfigEntry) -> set[str]:
    """Return the entities of an account."""
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {entity.entity_id for entity in registered}


def _entries(call: ServiceCall) -> list[EquiwattConfigEntry]:
    """Return the chosen entry, or all. Raise ServiceValidationError if there is none."""
    loaded: list[EquiwattConfigEntry] = call.hass.config_entries.async_loaded_entries(DOMAIN)
    if loaded and not call.data.get(ATTR_CONFIG_ENTRY_ID):
        return loaded
    return [async_get_config_entry(call.hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID))]


async def _async_entries(call: ServiceCall) -> list[EquiwattConfigEntry]:
    """Return the chosen entry, or all, whose entities the caller may control."""
    for entry in (entries := _entries(call)):
        await _async_check_user(call, _entities(call.hass, entry))
    return entries


def _live_entries(call: ServiceCall) -> list[EquiwattConfigEntry]:
    """Return the entries with a live equivent. Raise ServiceValidationError if there is none."""
    if live := [one for one in _entries(call) if one.runtime_data.coordinator.data.live]:
        return live
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="nothing_live")


def _own(hass: HomeAssistant) -> set[str]:
    """Return our own entities, as the switch must not be paused."""
    entries = hass.config_entries.async_entries(DOMAIN)
    return {entity_id for entry in entries for entity_id in _entities(hass, entry)}


async def _async_check_user(call: ServiceCall, entity_ids: set[str]) -> None:
    """Check that the caller may control the entities. Raise Unauthorized or UnknownUser."""
    if not (user_id := call.context.user_id):
        return
    if (user := await call.hass.auth.async_get_user(user_id)) is None:
        raise UnknownUser(context=call.context, permission=POLICY_CONTROL, user_id=user_id)
    if not entity_ids and not user.permissions.access_all_entities(POLICY_CONTROL):
        raise Unauthorized(context=call.context, permission=POLICY_CONTROL)
    for entity_id in entity_ids:
        if not user.permissions.check_entity(entity_id, POLICY_CONTROL):
            raise Unauthorized(context=call.context, entity_id=entity_id, permission=POLICY_CONTROL)
