"""A device's reported state, and its comparison within the device's rounding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

PLAYER_STATES = {
    "standby": "off",
    **dict.fromkeys(("idle", "paused", "playing", "buffering"), "on"),
}
"""States of a media player that are treated alike: playback is not restored."""
NO_EFFECT = (None, "off", "None", "Solid", "*Solid*")
"""Effects that lights report while they show a plain colour."""
AWAY = ("unavailable", "unknown")
COVER_SET_POSITION = 4

COLORS = {
    "color_temp": "color_temp_kelvin",
    "hs": "rgb_color",
    "rgb": "rgb_color",
    "rgbw": "rgbw_color",
    "rgbww": "rgbww_color",
    "xy": "rgb_color",
}
"""By a light's colour mode: the attribute by which its colour is compared and set."""

INPUTS = ("input_boolean", "input_datetime", "input_number", "input_select", "input_text")
AIR = ("fan_mode", "swing_mode", "swing_horizontal_mode")
PLAIN = ("media_player", "number", "select", "switch", "text")
SIGNIFICANT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(INPUTS + PLAIN, ()),
    "climate": ("preset_mode", "temperature", "temperature_range", *AIR, "humidity"),
    "cover": ("current_position", "current_tilt_position"),
    "fan": ("preset_mode", "percentage", "direction", "oscillating"),
    "humidifier": ("mode", "humidity"),
    "light": ("effect", "brightness", *COLORS.values(), "color_mode"),
    "remote": ("current_activity",),
    "water_heater": ("away_mode", "temperature"),
}
"""Attributes that are compared and restored after the state, by domain, in the order of setting."""
OFFERED = {
    "current_activity": "activity_list",
    "effect": "effect_list",
    "fan_mode": "fan_modes",
    "mode": "available_modes",
    "preset_mode": "preset_modes",
    "swing_horizontal_mode": "swing_horizontal_modes",
    "swing_mode": "swing_modes",
}
"""Attribute that lists the accepted values, by the attribute that takes them."""
STEPS = {
    "humidity": "target_humidity_step",
    "percentage": "percentage_step",
    "state": "step",
    "temperature": "target_temp_step",
    "temperature_range": "target_temp_step",
}
"""Attribute with the step to which the device rounds, by the rounded attribute."""
DESCRIBING = {
    *OFFERED.values(),
    *STEPS.values(),
    "has_date",
    "has_time",
    "max_temp",
    "min_temp",
    "operation_list",
    "supported_features",
    "target_temp_high",
    "target_temp_low",
}

TOLERANCES = {
    "brightness": 3.0,
    "color_temp_kelvin": 200.0,
    **dict.fromkeys(("current_position", "current_tilt_position"), 5.0),
    **dict.fromkeys(("humidity", "percentage"), 1.5),
    **dict.fromkeys(("rgb_color", "rgbw_color", "rgbww_color"), 26.0),
    **dict.fromkeys(("temperature", "temperature_range"), 0.3),
}
"""Largest difference at which numbers count as equal: devices round and convert them."""
EXACT = 0.01


@dataclass(frozen=True, kw_only=True)
class DeviceState:
    """State and attributes of an available device, as JSON values."""

    domain: str
    state: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, domain: str, state: str, attributes: Mapping[str, Any]) -> Self | None:
        """Return the device's state, None if it is unavailable or unknown."""
        if state in AWAY:
            return None
        kept = {*SIGNIFICANT.get(domain, ()), *DESCRIBING}
        found = {str(key): _plain(value) for key, value in attributes.items() if key in kept}
        return cls(domain=domain, state=str(state), attributes=found)

    @property
    def is_off(self) -> bool:
        """Return True if the device reports that it is off."""
        return bool(self.get("state") == "off")

    def get(self, name: str) -> Any:
        """Return the state or an attribute, None if missing."""
        if name == "state":
            alike = PLAYER_STATES if self.domain == "media_player" else {}
            return alike.get(self.state, self.state)
        if name == "temperature_range":
            limits = [self.attributes.get(f"target_temp_{end}") for end in ("low", "high")]
            return None if None in limits else limits
        return self.attributes.get(name)

    @property
    def significant(self) -> dict[str, Any]:
        """State and attributes to compare and restore, in the order of setting."""
        if self.is_off:
            return {"state": "off"}
        names = SIGNIFICANT.get(self.domain, ())
        if self.domain == "cover":
            return self._cover(names)
        found = {name: self.get(name) for name in ("state", *names)}
        if self.domain == "light":
            found |= self._light()
        if not found.get("percentage"):
            found["percentage"] = None  # some presets of fans have no speed
        return {name: value for name, value in found.items() if value is not None}

    def _light(self) -> dict[str, Any]:
        """Return what a light shows only at times: its effect, or else one colour."""
        mode = self.get("color_mode")
        no_effects = [name for name in self.get("effect_list") or () if name in NO_EFFECT]
        shown: dict[str, Any] = {"color_mode": mode if mode == "white" else None}
        if self.get("effect") not in NO_EFFECT:
            return shown | dict.fromkeys(COLORS.values())
        others = [name for name in COLORS.values() if mode and name != COLORS.get(mode)]
        return shown | dict.fromkeys(others) | {"effect": next(iter(no_effects), None)}

    def _cover(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return the position of a cover if it can be set, else whether it is open."""
        found = {name: value for name in names if (value := self.get(name)) is not None}
        features = int(self.get("supported_features") or 0)
        if features & COVER_SET_POSITION and "current_position" in found:
            return found
        return {"state": {"opening": "open", "closing": "closed"}.get(self.state, self.state)}

    def fits(self, wanted: Mapping[str, Any]) -> bool:
        """Return True if all wanted values are reported."""
        return all(is_near(name, value, self.get(name)) for name, value in wanted.items())

    def is_same(self, other: DeviceState | None) -> bool:
        """Return True if no significant attribute differs."""
        if other is None:
            return False
        mine, others = self.significant, other.significant
        return mine.keys() == others.keys() and self.fits(others)

    def offers(self, name: str, value: Any) -> bool:
        """Return True unless the device lists its accepted values without this value."""
        listed = self.get(OFFERED.get(name, ""))
        return not listed or value in listed


def is_near(name: str, value: Any, other: Any) -> bool:
    """Return True if two values are equal within a device's rounding."""
    if value == other or (name == "effect" and value in NO_EFFECT and other in NO_EFFECT):
        return True
    distances = distances_of(value, other)
    return bool(distances) and max(distances) <= TOLERANCES.get(name, 0) + EXACT


def distances_of(value: Any, other: Any) -> list[float]:
    """Return the differences of numbers or lists, none if the values cannot be compared."""
    pair = [found if isinstance(found, list) else [found] for found in (value, other)]
    try:
        return [abs(float(first) - float(second)) for first, second in zip(*pair, strict=True)]
    except TypeError, ValueError:
        return []


def _plain(value: Any) -> Any:
    """Return a value as JSON restores it, so that stored and reported states are equal."""
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, Enum):
        return _plain(value.value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
