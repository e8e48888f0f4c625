"""Which devices can be held, and why the others cannot."""

from collections.abc import Mapping
from enum import Enum, StrEnum
import math
from typing import Any

from homeassistant.components.climate.const import (
    ATTR_MAX_TEMP,
    ATTR_MIN_TEMP,
    ATTR_TARGET_TEMP_HIGH,
    ATTR_TARGET_TEMP_LOW,
    ATTR_TARGET_TEMP_STEP,
    ClimateEntityFeature,
    HVACMode,
)

# From where every supported release has them, though the newest defines them in `const`.
from homeassistant.components.fan import FanEntityFeature  # type: ignore[attr-defined]
from homeassistant.components.media_player.const import MediaPlayerEntityFeature
from homeassistant.components.water_heater import WaterHeaterEntityFeature  # type: ignore[attr-defined]
from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_SUPPORTED_FEATURES,
    ATTR_TEMPERATURE,
    SERVICE_TURN_OFF,
    STATE_OFF,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import HomeAssistant, State

from .plan import MODES, TOGGLES, turn_off
from .reading import COMPARED, UNKNOWN, Reading

FEATURES = {
    Platform.FAN: FanEntityFeature.TURN_OFF | FanEntityFeature.TURN_ON,
    Platform.MEDIA_PLAYER: MediaPlayerEntityFeature.TURN_OFF | MediaPlayerEntityFeature.TURN_ON,
}
"""Domains in which turning off and on takes these features."""

WITH_TEMPERATURE: dict[str, int] = {
    Platform.CLIMATE: (
        ClimateEntityFeature.TARGET_TEMPERATURE | ClimateEntityFeature.TARGET_TEMPERATURE_RANGE
    ),
    Platform.WATER_HEATER: WaterHeaterEntityFeature.TARGET_TEMPERATURE,
}
"""Domains that can be set back, and the features of which a device needs one."""
DOWN, UP = -1, 1
HEATING, COOLING = {ATTR_TEMPERATURE: DOWN}, {ATTR_TEMPERATURE: UP}
RANGE = {ATTR_TARGET_TEMP_LOW: DOWN, ATTR_TARGET_TEMP_HIGH: UP}
# A single temperature of a mode that heats and cools stays: a lower one would start the cooling.
SET_BACK: dict[str, tuple[dict[str, int], ...]] = {
    HVACMode.COOL: (COOLING, RANGE),
    HVACMode.HEAT: (HEATING, RANGE),
    HVACMode.HEAT_COOL: (RANGE,),
}
"""By a thermostat's mode: the temperatures that may be set, and where each goes to use less."""
FINEST_STEP = 0.1
"""The step of a device that reports none."""


class Refusal(StrEnum):
    """Why a device is not held."""

    ALREADY_OFF = "already_off"
    UNAVAILABLE = "unavailable"
    NO_ANSWER = "no_answer"
    IN_SCHEDULE = "in_schedule"
    NO_TEMPERATURE = "no_temperature"
    UNSUPPORTED = "unsupported"
    NOT_FOUND = "not_found"
    FAILED = "failed"
    SKIPPED = "skipped"


def refusal_of(state: State | None) -> Refusal | None:
    """Return why a device cannot be paused, None if it can."""
    if state is None:
        return Refusal.NOT_FOUND
    if not can_pause(state):
        return Refusal.UNSUPPORTED
    reading = reading_of(state)
    if not reading.is_known:
        return Refusal.UNAVAILABLE
    return Refusal.ALREADY_OFF if reading.is_off else None


def scene_refusal_of(hass: HomeAssistant, entity_id: str) -> Refusal | None:
    """Return why a scene cannot be applied: if it does not say what it moves, None if it can."""
    if (state := hass.states.get(entity_id)) is None:
        return Refusal.NOT_FOUND
    is_told = state.domain == Platform.SCENE and state.attributes.get(ATTR_ENTITY_ID)
    return None if is_told else Refusal.UNSUPPORTED


def move_refusal_of(state: State | None) -> Refusal | None:
    """Return why what a scene moves cannot be restored, None if it can."""
    if state is None:
        return Refusal.NOT_FOUND
    if not can_restore(state):
        return Refusal.UNSUPPORTED
    return None if reading_of(state).is_known else Refusal.UNAVAILABLE


def can_pause(state: State) -> bool:
    """Tell whether a device can be turned off and on again."""
    if state.domain in FEATURES:
        needed = FEATURES[Platform(state.domain)]
        features = int(state.attributes.get(ATTR_SUPPORTED_FEATURES) or 0)
        return features & needed == needed
    if state.domain in MODES:
        listed, _, _ = MODES[state.domain]
        call = turn_off(state.domain, Reading(state=state.state, attributes=state.attributes))
        return call.service == SERVICE_TURN_OFF or STATE_OFF in (state.attributes.get(listed) or ())
    return state.domain in TOGGLES


def can_restore(state: State) -> bool:
    """Tell whether a device that a scene moves can be restored."""
    return state.domain in COMPARED


def can_set_back(state: State) -> bool:
    """Return True if a temperature of the device can be set."""
    features = int(state.attributes.get(ATTR_SUPPORTED_FEATURES) or 0)
    return bool(features & WITH_TEMPERATURE.get(state.domain, 0))


def set_back(state: State | None, degrees: float) -> dict[str, float] | Refusal:
    """Return the temperatures of a device that is set back, or why it cannot be."""
    if state is None:
        return Refusal.NOT_FOUND
    if state.domain not in WITH_TEMPERATURE:
        return Refusal.UNSUPPORTED
    reading = reading_of(state)
    if not reading.is_known:
        return Refusal.UNAVAILABLE
    return Refusal.ALREADY_OFF if reading.is_off else _wanted(state, degrees)


def _wanted(state: State, degrees: float) -> dict[str, float] | Refusal:
    """Return the temperatures of a device that is on when it is set back."""
    if state.state == HVACMode.AUTO:
        return Refusal.IN_SCHEDULE
    directions = _directions(state)
    if not directions or not can_set_back(state):
        return Refusal.NO_TEMPERATURE
    before = {name: float(state.attributes[name]) for name in directions}
    wanted = {name: _moved(state, before[name], degrees, directions[name]) for name in directions}
    # Many valves have no other off than their lowest temperature.
    return Refusal.ALREADY_OFF if wanted == before else wanted


def _directions(state: State) -> dict[str, int]:
    """Return the temperatures of a device that are to be set, and where each goes."""
    is_water_heater = state.domain == Platform.WATER_HEATER
    ways = (HEATING,) if is_water_heater else SET_BACK.get(state.state, ())
    found = (way for way in ways if all(state.attributes.get(name) is not None for name in way))
    return next(found, {})


def _moved(state: State, before: float, degrees: float, direction: int) -> float:
    """Return a temperature moved by whole steps of the device, and not beyond its limit."""
    step = float(state.attributes.get(ATTR_TARGET_TEMP_STEP) or FINEST_STEP)
    limit = state.attributes.get(ATTR_MIN_TEMP if direction == DOWN else ATTR_MAX_TEMP)
    steps = max(1, round(degrees / step))
    if limit is not None:
        room = direction * (float(limit) - before) / step
        steps = max(0, min(steps, math.floor(round(room, 3))))
    return round(before + direction * steps * step, 2) if steps else before


def reading_of(state: State | None) -> Reading:
    """Return what a state says, in values that can be stored."""
    if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        return UNKNOWN
    return Reading(state=str(state.state), attributes=_plain(state.attributes))


def _plain(value: Any) -> Any:
    """Return a value as it comes back from the disk."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, Enum):
        return _plain(value.value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
