"""Eligibility of devices: the reasons for which they cannot be held."""

from collections.abc import Iterable
from enum import StrEnum
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

# Every supported release has them in these places; the newest defines them in `const`.
from homeassistant.components.fan import FanEntityFeature  # type: ignore[attr-defined]
from homeassistant.components.homeassistant.scene import DATA_PLATFORM
from homeassistant.components.media_player.const import MediaPlayerEntityFeature
from homeassistant.components.water_heater import WaterHeaterEntityFeature  # type: ignore[attr-defined]
from homeassistant.const import ATTR_SUPPORTED_FEATURES, ATTR_TEMPERATURE, STATE_OFF, Platform
from homeassistant.core import HomeAssistant, State

from ..target import members_of
from .device_state import SIGNIFICANT, DeviceState
from .steps import MODES, TOGGLES, turns_off_by_switch

FEATURES = {
    Platform.FAN: FanEntityFeature.TURN_OFF | FanEntityFeature.TURN_ON,
    Platform.MEDIA_PLAYER: MediaPlayerEntityFeature.TURN_OFF | MediaPlayerEntityFeature.TURN_ON,
}
"""Features that turning a device off and on requires, by domain."""

WITH_TEMPERATURE: dict[str, int] = {
    Platform.CLIMATE: (
        ClimateEntityFeature.TARGET_TEMPERATURE | ClimateEntityFeature.TARGET_TEMPERATURE_RANGE
    ),
    Platform.WATER_HEATER: WaterHeaterEntityFeature.TARGET_TEMPERATURE,
}
"""Features of which setting a device back requires one, by domain."""
DOWN, UP = -1, 1
HEATING, COOLING = {ATTR_TEMPERATURE: DOWN}, {ATTR_TEMPERATURE: UP}
RANGE = {ATTR_TARGET_TEMP_LOW: DOWN, ATTR_TARGET_TEMP_HIGH: UP}
# A single temperature of a mode that heats and cools stays: a lower one would start the cooling.
SET_BACK: dict[str, tuple[dict[str, int], ...]] = {
    HVACMode.COOL: (COOLING, RANGE),
    HVACMode.HEAT: (HEATING, RANGE),
    HVACMode.HEAT_COOL: (RANGE,),
}
"""Temperatures to set, and the direction that uses less, by a thermostat's mode."""
FINEST_STEP = 0.1
"""Step of a device that reports none."""


class Refusal(StrEnum):
    """Reason why a device is not held."""

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
    """Return the reason why a device cannot be paused, None if it can."""
    if state is None:
        return Refusal.NOT_FOUND
    if not can_pause(state):
        return Refusal.UNSUPPORTED
    if (read := device_state_of(state)) is None:
        return Refusal.UNAVAILABLE
    return Refusal.ALREADY_OFF if read.is_off else None


def scene_refusal_of(hass: HomeAssistant, entity_id: str) -> Refusal | None:
    """Return the reason why a scene cannot be applied, None if it can."""
    if hass.states.get(entity_id) is None:
        return Refusal.NOT_FOUND
    return None if scene_states_of(hass, entity_id) else Refusal.UNSUPPORTED


def scene_states_of(hass: HomeAssistant, entity_id: str) -> dict[str, State]:
    """Return the states that a scene sets; only Home Assistant's own scenes expose them."""
    if (platform := hass.data.get(DATA_PLATFORM)) is None:
        return {}
    config = getattr(platform.entities.get(entity_id), "scene_config", None)
    return dict(config.states) if config else {}


def scene_wanted_of(
    hass: HomeAssistant, entity_id: str, scenes: Iterable[str]
) -> dict[str, Any] | Refusal:
    """Return a device's state in the last scene that sets it, or why it cannot be restored."""
    if (state := hass.states.get(entity_id)) is None:
        return Refusal.NOT_FOUND
    wanted: dict[str, Any] = {}
    for found in (one for scene in scenes for one in scene_states_of(hass, scene).values()):
        if can_restore(state) and entity_id in members_of(hass, [found.entity_id]):
            features = {ATTR_SUPPORTED_FEATURES: state.attributes.get(ATTR_SUPPORTED_FEATURES)}
            read = DeviceState.read(state.domain, found.state, features | found.attributes)
            wanted = read.significant if read else wanted
    return wanted or Refusal.UNSUPPORTED


def can_pause(state: State) -> bool:
    """Return True if a device can be turned off and on again."""
    if state.domain in FEATURES:
        needed = FEATURES[Platform(state.domain)]
        features = int(state.attributes.get(ATTR_SUPPORTED_FEATURES) or 0)
        return features & needed == needed
    if state.domain in MODES:
        listed, _, _ = MODES[state.domain]
        is_listed = STATE_OFF in (state.attributes.get(listed) or ())
        return is_listed or turns_off_by_switch(state.domain, state.attributes)
    return state.domain in TOGGLES


def can_restore(state: State) -> bool:
    """Return True if a device can be restored after a scene."""
    return state.domain in SIGNIFICANT


def can_set_back(state: State) -> bool:
    """Return True if the device supports setting a temperature."""
    features = int(state.attributes.get(ATTR_SUPPORTED_FEATURES) or 0)
    return bool(features & WITH_TEMPERATURE.get(state.domain, 0))


def set_back(state: State | None, degrees: float) -> dict[str, float] | Refusal:
    """Return the temperatures to set a device back to, or why it cannot be."""
    if state is None:
        return Refusal.NOT_FOUND
    if state.domain not in WITH_TEMPERATURE:
        return Refusal.UNSUPPORTED
    if (read := device_state_of(state)) is None:
        return Refusal.UNAVAILABLE
    return Refusal.ALREADY_OFF if read.is_off else _wanted(state, degrees)


def _wanted(state: State, degrees: float) -> dict[str, float] | Refusal:
    """Return the temperatures to set back a device that is on, or why it cannot be."""
    if state.state == HVACMode.AUTO:
        return Refusal.IN_SCHEDULE
    directions = _directions(state)
    if not directions or not can_set_back(state):
        return Refusal.NO_TEMPERATURE
    before = {name: float(state.attributes[name]) for name in directions}
    wanted = {name: _moved(state, before[name], degrees, directions[name]) for name in directions}
    # Many radiator valves report their lowest temperature when they are off.
    return Refusal.ALREADY_OFF if wanted == before else wanted


def _directions(state: State) -> dict[str, int]:
    """Return the directions in which a device's temperatures move, by attribute."""
    is_water_heater = state.domain == Platform.WATER_HEATER
    ways = (HEATING,) if is_water_heater else SET_BACK.get(state.state, ())
    found = (way for way in ways if all(state.attributes.get(name) is not None for name in way))
    return next(found, {})


def _moved(state: State, before: float, degrees: float, direction: int) -> float:
    """Return a temperature moved by whole steps of the device, within its limit."""
    step = float(state.attributes.get(ATTR_TARGET_TEMP_STEP) or FINEST_STEP)
    limit = state.attributes.get(ATTR_MIN_TEMP if direction == DOWN else ATTR_MAX_TEMP)
    steps = max(1, round(degrees / step))
    if limit is not None:
        room = direction * (float(limit) - before) / step
        steps = max(0, min(steps, math.floor(round(room, 3))))
    return round(before + direction * steps * step, 2) if steps else before


def device_state_of(state: State | None) -> DeviceState | None:
    """Return the state of a device, None if it is unavailable."""
    return DeviceState.read(state.domain, state.state, state.attributes) if state else None
