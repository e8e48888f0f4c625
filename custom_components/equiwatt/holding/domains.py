"""What devices understand: whether they are on, how to turn them off, and how to restore them."""

from enum import StrEnum

from homeassistant.components.climate.const import (
    ATTR_HVAC_MODE,
    ATTR_HVAC_MODES,
    SERVICE_SET_HVAC_MODE,
)

# From where every supported release has them, though the newest defines them in `const`.
from homeassistant.components.fan import FanEntityFeature  # type: ignore[attr-defined]
from homeassistant.components.media_player.const import MediaPlayerEntityFeature
from homeassistant.components.water_heater import (  # type: ignore[attr-defined]
    ATTR_OPERATION_LIST,
    ATTR_OPERATION_MODE,
    SERVICE_SET_OPERATION_MODE,
    WaterHeaterEntityFeature,
)
from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_SUPPORTED_FEATURES,
    ATTR_TEMPERATURE,
    SERVICE_TURN_OFF,
    STATE_OFF,
    STATE_STANDBY,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.helpers.state import async_reproduce_state

SWITCHES = {"input_boolean", Platform.HUMIDIFIER, Platform.LIGHT, Platform.REMOTE, Platform.SWITCH}
"""Domains in which everything can be turned off and on."""
FEATURES = {
    Platform.FAN: FanEntityFeature.TURN_OFF | FanEntityFeature.TURN_ON,
    Platform.MEDIA_PLAYER: MediaPlayerEntityFeature.TURN_OFF | MediaPlayerEntityFeature.TURN_ON,
}
"""Domains in which that takes these features."""
MODES = {
    Platform.CLIMATE: (ATTR_HVAC_MODES, SERVICE_SET_HVAC_MODE, ATTR_HVAC_MODE),
    Platform.WATER_HEATER: (ATTR_OPERATION_LIST, SERVICE_SET_OPERATION_MODE, ATTR_OPERATION_MODE),
}
"""Domains whose state is a mode: the attribute that lists them, and the action that sets one."""
SETPOINTS = (ATTR_TEMPERATURE, "target_temp_low", "target_temp_high")
DEGREE = 1.0


class Refusal(StrEnum):
    """Why a device is not paused."""

    NOT_FOUND = "not_found"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"
    ALREADY_OFF = "already_off"
    FAILED = "failed"


def refusal_of(state: State | None) -> Refusal | None:
    """Return why a device cannot be paused, None if it can."""
    if state is None:
        return Refusal.NOT_FOUND
    if not can_pause(state):
        return Refusal.UNSUPPORTED
    if not is_known(state):
        return Refusal.UNAVAILABLE
    return None if is_on(state) else Refusal.ALREADY_OFF


def is_known(state: State | None) -> bool:
    """Return True if it is known whether a device is on."""
    return state is not None and state.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)


def is_on(state: State | None) -> bool:
    """Return True if a device is known to be on."""
    return state is not None and is_known(state) and state.state not in (STATE_OFF, STATE_STANDBY)


def can_pause(state: State) -> bool:
    """Return True if a device can be turned off and restored."""
    features = int(state.attributes.get(ATTR_SUPPORTED_FEATURES) or 0)
    if state.domain in FEATURES:
        needed = FEATURES[Platform(state.domain)]
        return features & needed == needed
    if state.domain in MODES:
        return _has_switch(state) or STATE_OFF in _modes(state)
    return state.domain in SWITCHES


def is_as_before(before: State, now: State | None) -> bool:
    """Return True if a device is on as it was: in its mode, and set to the degree it was set to."""
    if now is None or not is_on(now):
        return False
    if before.domain not in MODES:
        return True
    return now.state == before.state and all(_is_near(before, now, name) for name in SETPOINTS)


async def async_turn_off(hass: HomeAssistant, state: State, context: Context) -> None:
    """Turn a device off. Raise whatever its integration raises."""
    service, data = SERVICE_TURN_OFF, {ATTR_ENTITY_ID: state.entity_id}
    if state.domain in MODES and not _has_switch(state):
        _, service, field = MODES[Platform(state.domain)]
        data[field] = STATE_OFF
    await hass.services.async_call(state.domain, service, data, blocking=True, context=context)


async def async_restore(hass: HomeAssistant, before: State, context: Context) -> None:
    """Restore a device to how it was. Raise whatever its integration raises."""
    await async_reproduce_state(hass, before, context=context)
    now = hass.states.get(before.entity_id)
    if before.domain == Platform.WATER_HEATER and now and now.state != before.state:
        # Home Assistant reproduces the modes it knows; many water heaters have their own.
        _, service, field = MODES[Platform.WATER_HEATER]
        if before.state in _modes(now):
            data = {ATTR_ENTITY_ID: before.entity_id, field: before.state}
            await hass.services.async_call(
                before.domain, service, data, blocking=True, context=context
            )


def _modes(state: State) -> list[str]:
    """Return the modes that a device has."""
    attribute, _, _ = MODES[Platform(state.domain)]
    return state.attributes.get(attribute) or []


def _has_switch(state: State) -> bool:
    """Return True if a device with modes has a switch besides: some water heaters have."""
    features = int(state.attributes.get(ATTR_SUPPORTED_FEATURES) or 0)
    return state.domain == Platform.WATER_HEATER and bool(
        features & WaterHeaterEntityFeature.ON_OFF
    )


def _is_near(before: State, now: State, name: str) -> bool:
    """Return True if a temperature is set as before; devices round."""
    wanted, told = before.attributes.get(name), now.attributes.get(name)
    if isinstance(wanted, int | float) and isinstance(told, int | float):
        return bool(abs(wanted - told) <= DEGREE)
    return wanted is None
