"""Which devices can be held, and why the others cannot."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Any

# From where every supported release has them, though the newest defines them in `const`.
from homeassistant.components.fan import FanEntityFeature  # type: ignore[attr-defined]
from homeassistant.components.media_player.const import MediaPlayerEntityFeature
from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_SUPPORTED_FEATURES,
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
