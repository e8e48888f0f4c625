"""What a device tells of itself, and whether that is what was wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

POWER = "power"
"""The name under which a reading tells whether the device is on, in whatever state."""
OFF_STATES = ("off", "standby")
NO_EFFECT = (None, "off", "None")
"""What a light tells of its effect while it has none."""

COMPARED: dict[str, tuple[str, ...]] = {
    "climate": (
        "preset_mode",
        "temperature",
        "target_temp_low",
        "target_temp_high",
        "fan_mode",
        "swing_mode",
        "swing_horizontal_mode",
        "humidity",
    ),
    "cover": ("current_position", "current_tilt_position"),
    "fan": ("percentage", "preset_mode", "direction", "oscillating"),
    "humidifier": ("mode", "humidity"),
    "input_boolean": (),
    "input_datetime": (),
    "input_number": (),
    "input_select": (),
    "input_text": (),
    "light": (
        "brightness",
        "color_mode",
        "effect",
        "color_temp_kelvin",
        "rgb_color",
        "rgbw_color",
        "rgbww_color",
    ),
    "media_player": (),
    "number": (),
    "remote": (),
    "select": (),
    "switch": (),
    "text": (),
    "water_heater": ("temperature", "away_mode"),
}
"""What is compared besides the state, by domain. What is not here cannot be held."""
TOLERANCE = {
    "state": 0.01,
    "temperature": 1.0,
    "target_temp_low": 1.0,
    "target_temp_high": 1.0,
    "humidity": 2.0,
    "current_position": 5.0,
    "current_tilt_position": 5.0,
    "percentage": 10.0,
    "brightness": 26.0,
    "color_temp_kelvin": 250.0,
    "rgb_color": 26.0,
    "rgbw_color": 26.0,
    "rgbww_color": 26.0,
}
"""How far a number may be off, as devices round; what is not here must be the same."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a device tells of itself at one moment; without a state nothing is known of it."""

    state: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Tell whether the device could be asked at all."""
        return self.state is not None

    @property
    def is_off(self) -> bool:
        """Tell whether the device says that it is off."""
        return self.state in OFF_STATES

    def get(self, name: str) -> Any:
        """Return what is told under a name: an attribute, the state, or whether it is on."""
        if name == "state":
            return self.state
        if name == POWER:
            return not self.is_off if self.is_known else None
        return self.attributes.get(name)


OFF = Reading(state="off")
UNKNOWN = Reading(state=None)


@dataclass(frozen=True, kw_only=True)
class Call:
    """An action of the device's own domain."""

    service: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that is restored, how, and what the device tells when it is."""

    key: str
    calls: tuple[Call, ...]
    """Ways to do it, taken in turn."""
    wanted: Mapping[str, Any]
    """What the device is to tell, by attribute."""
    also: str = ""
    """The step that the same call does besides."""
    listed: tuple[str, str] | None = None
    """The attribute in which the device lists what can be set, and what is to be set."""
    is_extra: bool = False
    """Whether it is let go of where the device refuses it."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the steps that a call does."""
        return (self.key, self.also) if self.also else (self.key,)

    def is_met(self, reading: Reading, share: float = 1) -> bool:
        """Tell whether the device says that this is done, within a share of what may be off."""
        return all(_is_near(name, value, reading, share) for name, value in self.wanted.items())

    def is_same(self, reading: Reading) -> bool:
        """Tell whether the device says exactly this: what is near may be what a scene has set."""
        return self.is_met(reading, 0)

    def is_possible(self, reading: Reading) -> bool:
        """Tell whether the device still offers what is to be set."""
        return self.listed is None or self.listed[1] in (reading.get(self.listed[0]) or ())

    def told(self, reading: Reading) -> list[Any]:
        """Return what the device tells of this."""
        return [reading.get(name) for name in self.wanted]


def gist(domain: str, reading: Reading) -> tuple[Any, ...]:
    """Return what counts of a reading: the rest changes by itself."""
    return (reading.state, *(reading.get(name) for name in COMPARED[domain]))


def _is_near(name: str, wanted: Any, reading: Reading, share: float) -> bool:
    """Tell whether a device says what is wanted, as exactly as devices do."""
    told = reading.get(name)
    if name == "effect" and wanted in NO_EFFECT:
        return told in NO_EFFECT
    if (tolerance := TOLERANCE.get(name)) is None:
        return bool(told == wanted)
    try:
        pairs = zip(_numbers(wanted), _numbers(told), strict=True)
        return all(abs(one - other) <= tolerance * share for one, other in pairs)
    except TypeError, ValueError:
        return bool(told == wanted)


def _numbers(value: Any) -> list[float]:
    """Return a number or several. Raise TypeError or ValueError for what is none."""
    return [float(one) for one in (value if isinstance(value, list | tuple) else [value])]
