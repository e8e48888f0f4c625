"""Eligibility of devices: the reasons for which they cannot be held."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
import math
from typing import Any, NamedTuple

from homeassistant.components.climate.const import ClimateEntityFeature, HVACMode

# Every supported release has them in these places; the newest defines them in `const`.
from homeassistant.components.fan import FanEntityFeature  # type: ignore[attr-defined]
from homeassistant.components.homeassistant.scene import DATA_PLATFORM
from homeassistant.components.media_player.const import MediaPlayerEntityFeature
from homeassistant.components.water_heater import WaterHeaterEntityFeature  # type: ignore[attr-defined]
from homeassistant.const import ATTR_SUPPORTED_FEATURES, STATE_OFF, Platform
from homeassistant.core import Context, HomeAssistant, State

from ..target import members_of
from .device_state import SIGNIFICANT, DeviceState
from .record import DeviceRecord
from .steps import MODES, TOGGLES, turns_off_by_switch

OFF = {"state": STATE_OFF}
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
type Way = tuple[str, tuple[int, ...]]
"""Temperature to set, and the directions in which to move it."""
RANGE: Way = ("temperature_range", (DOWN, UP))
HEATING: Way = ("temperature", (DOWN,))
COOLING: Way = ("temperature", (UP,))
# A single temperature of a mode that heats and cools stays: a lower one would start the cooling.
SET_BACK: dict[str, tuple[Way, ...]] = {
    HVACMode.COOL: (COOLING, RANGE),
    HVACMode.HEAT: (HEATING, RANGE),
    HVACMode.HEAT_COOL: (RANGE,),
}
"""Ways that use less, by a thermostat's mode."""
DEFAULT_STEP = 0.1
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


class Request(NamedTuple):
    """A request to hold devices."""

    context: Context
    holders: frozenset[str]
    """Entry ids of the accounts whose equivents devices are held for."""
    longest: timedelta | None = None
    scenes: tuple[str, ...] = ()
    """Scenes that set the devices; without any, the devices are turned off or set back."""
    degrees: float | None = None
    """Degrees by which heating is turned down instead of off."""


def wanted_for(
    request: Request, hass: HomeAssistant, entity_id: str, known: DeviceRecord | None, now: datetime
) -> Mapping[str, Any] | Refusal:
    """Return the requested state of a device, empty until it is available, or a refusal."""
    if (state := hass.states.get(entity_id)) is None:
        return Refusal.NOT_FOUND
    if request.scenes:
        return scene_wanted_of(hass, state, request.scenes)
    if not (can_pause(state) if request.degrees is None else state.domain in WITH_TEMPERATURE):
        return Refusal.UNSUPPORTED
    before, seen = (known.before, known.seen) if known else (None, None)
    read = device_state_of(state) or seen
    is_off = read is not None and read.is_off
    if request.degrees is None:
        return Refusal.ALREADY_OFF if is_off and not known else OFF
    if before is None or (is_off and known and now < known.until):
        return set_back(read, request.degrees)
    wanted = set_back(before, request.degrees)  # a repeated one starts from the first value
    # It is still off only from a pause that is over.
    return {"state": before.state, **wanted} if is_off and isinstance(wanted, dict) else wanted


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
    hass: HomeAssistant, state: State, scenes: Iterable[str]
) -> dict[str, Any] | Refusal:
    """Return a device's state in the last scene that sets it, or why it cannot be restored."""
    wanted: dict[str, Any] = {}
    for found in chain.from_iterable(scene_states_of(hass, scene).values() for scene in scenes):
        if state.domain in SIGNIFICANT and state.entity_id in members_of(hass, [found.entity_id]):
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


def can_set_back(state: State | DeviceState) -> bool:
    """Return True if the device supports setting a temperature."""
    features = int(state.attributes.get(ATTR_SUPPORTED_FEATURES) or 0)
    return bool(features & WITH_TEMPERATURE.get(state.domain, 0))


def set_back(state: DeviceState | None, degrees: float) -> dict[str, Any] | Refusal:
    """Return the temperature to set a device back to, none until it is available, or a refusal."""
    if state is None:
        return {}
    if state.is_off:
        return Refusal.ALREADY_OFF
    if state.state == HVACMode.AUTO:
        return Refusal.IN_SCHEDULE
    is_water_heater = state.domain == Platform.WATER_HEATER
    ways = (HEATING,) if is_water_heater else SET_BACK.get(state.state, ())
    name, directions = next((way for way in ways if state.get(way[0]) is not None), ("", ()))
    if not name or not can_set_back(state):
        return Refusal.NO_TEMPERATURE
    is_range, found = name == RANGE[0], state.get(name)
    before = [*map(float, found if is_range else [found])]
    moves = zip(before, directions, strict=True)
    wanted = [_moved(state, value, degrees, direction) for value, direction in moves]
    # Many radiator valves report their lowest temperature when they are off.
    return Refusal.ALREADY_OFF if wanted == before else {name: wanted if is_range else wanted[0]}


def _moved(state: DeviceState, before: float, degrees: float, direction: int) -> float:
    """Return a temperature moved by whole steps of the device, within its limit."""
    step = float(state.get("target_temp_step") or DEFAULT_STEP)
    limit = state.get("min_temp" if direction == DOWN else "max_temp")
    steps = max(1, round(degrees / step))
    if limit is not None:
        room = direction * (float(limit) - before) / step
        steps = max(0, min(steps, math.floor(round(room, 3))))
    return round(before + direction * steps * step, 2) if steps else before


def device_state_of(state: State | None) -> DeviceState | None:
    """Return the state of a device, None if it is unavailable."""
    return DeviceState.read(state.domain, state.state, state.attributes) if state else None
