"""A device's reported state, and its comparison within the device's rounding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
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

SIGNIFICANT: dict[str, tuple[str, ...]] = {
    "climate": (
        "state",
        "preset_mode",
        "temperature",
        "temperature_range",
        "fan_mode",
        "swing_mode",
        "swing_horizontal_mode",
        "humidity",
    ),
    "cover": ("state", "current_position", "current_tilt_position"),
    "fan": ("state", "preset_mode", "percentage", "direction", "oscillating"),
    "humidifier": ("state", "mode", "humidity"),
    "input_boolean": ("state",),
    "input_datetime": ("state",),
    "input_number": ("state",),
    "input_select": ("state",),
    "input_text": ("state",),
    "light": (
        "state",
        "effect",
        "brightness",
        "color_temp_kelvin",
        "rgb_color",
        "rgbw_color",
        "rgbww_color",
        "color_mode",
    ),
    "media_player": ("state",),
    "number": ("state",),
    "remote": ("state", "current_activity"),
    "select": ("state",),
    "switch": ("state",),
    "text": ("state",),
    "water_heater": ("state", "away_mode", "temperature"),
}
"""State and attributes that are compared and restored by domain, in the order of setting."""
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
    "hvac_modes",
    "max_temp",
    "min_temp",
    "operation_list",
    "options",
    "supported_features",
    "target_temp_high",
    "target_temp_low",
}

TOLERANCES = {
    "brightness": 3.0,
    "color_temp_kelvin": 200.0,
    "current_position": 5.0,
    "current_tilt_position": 5.0,
    "humidity": 1.5,
    "percentage": 1.5,
    "rgb_color": 26.0,
    "rgbw_color": 26.0,
    "rgbww_color": 26.0,
    "temperature": 0.3,
    "temperature_range": 0.3,
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

    @cached_property
    def significant(self) -> dict[str, Any]:
        """State and attributes to compare and restore, in the order of setting."""
        if self.is_off:
            return {"state": "off"}
        names = SIGNIFICANT.get(self.domain, ("state",))
        if self.domain == "light":
            return self._light
        if self.domain == "cover":
            return self._cover
        found = {name: value for name in names if (value := self.get(name)) is not None}
        if self.domain == "fan" and not found.get("percentage"):
            found.pop("percentage", None)
        return found

    @property
    def _light(self) -> dict[str, Any]:
        """Significant attributes of a light, without its colour during an effect."""
        effect, mode = self.get("effect"), self.get("color_mode")
        listed = [one for one in self.get("effect_list") or () if one in NO_EFFECT]
        names = ["brightness"]
        if effect in NO_EFFECT:
            effect = effect if effect in listed else next(iter(listed), None)
            names += [COLORS[mode]] if mode in COLORS else [] if mode else COLORS.values()
        found = {"state": self.state, "effect": effect}
        found |= {name: self.get(name) for name in names}
        found["color_mode"] = "white" if mode == "white" else None
        return {name: value for name, value in found.items() if value is not None}

    @property
    def _cover(self) -> dict[str, Any]:
        """Significant attributes of a cover: its position if settable, else open or closed."""
        features = int(self.get("supported_features") or 0)
        names = [name for name in SIGNIFICANT["cover"][1:] if self.get(name) is not None]
        if features & COVER_SET_POSITION and "current_position" in names:
            return {name: self.get(name) for name in names}
        return {"state": {"opening": "open", "closing": "closed"}.get(self.state, self.state)}

    @property
    def shown(self) -> dict[str, Any]:
        """Significant attributes with the state as reported."""
        return {**self.significant, "state": self.state}

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


def wanted_of(temperatures: Mapping[str, float]) -> dict[str, Any]:
    """Return temperatures by attribute, both ends of a range as one value."""
    if "target_temp_low" in temperatures:
        return {
            "temperature_range": [temperatures["target_temp_low"], temperatures["target_temp_high"]]
        }
    return dict(temperatures)


def is_near(name: str, one: Any, other: Any) -> bool:
    """Return True if two values are equal within a device's rounding."""
    if one == other:
        return True
    if name == "effect":
        return one in NO_EFFECT and other in NO_EFFECT
    distances = distances_of(one, other)
    return bool(distances) and max(distances) <= TOLERANCES.get(name, 0) + EXACT


def distances_of(one: Any, other: Any) -> list[float]:
    """Return the differences of numbers, none if the values cannot be compared."""
    try:
        pairs = list(zip(_numbers(one), _numbers(other), strict=True))
    except TypeError, ValueError:
        return []
    return [abs(first - second) for first, second in pairs]


def _numbers(value: Any) -> list[float]:
    """Return a number or a list as floats. Raise TypeError or ValueError for anything else."""
    return [float(one) for one in (value if isinstance(value, list) else [value])]


def _plain(value: Any) -> Any:
    """Return a value as JSON restores it, so that stored and reported states are equal."""
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, Enum):
        return _plain(value.value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
