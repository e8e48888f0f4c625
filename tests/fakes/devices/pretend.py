"""Pretend devices without Home Assistant: how they take commands, and when they report.

A device has a truth, which commands and people change. It reports that late, twice, wrongly for a
while or never, as its nature is. Its owner gives it a clock and listens to its reports.
"""

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, override

type Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after so many seconds."""
type ReportCallback = Callable[[str | None, Mapping[str, Any]], object]
"""Receives a report, without a state if the device has no connection."""
type Truth = tuple[str, dict[str, Any]]

FROST = 7.0


@dataclass(frozen=True, kw_only=True)
class Nature:
    """Behaviour of a device."""

    takes: float = 0
    """Seconds until a command arrives."""
    acts_after: float = 0
    """Seconds until the command is carried out."""
    reports_after: float = 0
    """Seconds from then until the report."""
    doubles_after: float | None = None
    """Seconds after which the report is repeated."""
    polled_every: float = 0
    """Seconds between reports, if they do not follow changes."""
    stale_reports: tuple[tuple[float, float], ...] = ()
    """Seconds from a report to a stale one of the state before, and its duration."""
    reverts: int = 0
    """Number of commands that the device itself undoes."""
    reverts_after: float = 10
    loses: frozenset[int] = frozenset()
    """Indices of lost reports."""
    deaf_to: frozenset[int] = frozenset()
    """Indices of lost commands."""
    is_silent: bool = False
    """True if it obeys and never reports."""
    corrects_after: float | None = None
    """Seconds to the truth after a lost command was reported as carried out."""
    fails_at: frozenset[int] = frozenset()
    """Indices of commands that fail."""
    rounds_to: float = 0
    """Step of temperatures and speeds."""
    context_seconds: float = 5
    """Seconds for which Home Assistant keeps the context of a command."""


class FailureError(Exception):
    """A command that a device refused."""


class PretendDevice:
    """Pretend device of any domain."""

    domain = ""
    features = 0
    """Features of all devices, as Home Assistant numbers them."""
    further: ClassVar[dict[str, int]] = {}
    """Features of those with an attribute."""
    owned: tuple[str, ...] = ()
    """Attributes that its owner wants back."""
    rounded: tuple[str, ...] = ("temperature", "percentage", "target_temp_low", "target_temp_high")

    def __init__(
        self, name: str, nature: Nature | None = None, *, obeys: bool = True, **truth: Any
    ) -> None:
        """Initialize the state of the domain, by default on."""
        self.name = name
        self.nature = nature or Nature()
        self.obeys = obeys
        self.error: Exception | None = None
        """Error that each command raises."""
        self.state: str = "on"
        self.attributes: dict[str, Any] = {}
        self.is_available = True
        self.commands: list[str] = []
        self._reports = self._reverted = 0
        self._later: Later = lambda _, job: job()
        self._on_report: ReportCallback = lambda _, __: None
        self.on_change: Callable[[], object] = lambda: None
        self.before_command: Callable[[str], Awaitable[object]] | None = None
        """Awaited before a command of Home Assistant arrives."""
        self.reset()
        for key, value in truth.items():
            if key == "state":
                self.state = value
            else:
                self.attributes[key] = value
        further = sum(self.further[name] for name in self.further if name in self.attributes)
        self.attributes.setdefault("supported_features", self.features + further)
        self._round()

    @property
    def entity_id(self) -> str:
        """Entity id in Home Assistant."""
        return f"{self.domain}.{self.name.lower().replace(' ', '_')}"

    @property
    def truth(self) -> Truth:
        """True state and attributes."""
        return self.state, deepcopy(self.attributes)

    @truth.setter
    def truth(self, truth: Truth) -> None:
        """Set state and attributes."""
        self.state, self.attributes = truth[0], deepcopy(truth[1])

    def reset(self) -> None:
        """Set the initial attributes."""

    @property
    def essence(self) -> dict[str, Any]:
        """The part of the state that its owner wants restored."""
        return {"is_on": self.state not in ("off", "standby"), **self.pick(*self.owned)}

    @property
    def temperature(self) -> Any:
        """Target temperature."""
        return self.attributes["temperature"]

    def pick(self, *names: str) -> dict[str, Any]:
        """Return some attributes."""
        return {name: self.attributes[name] for name in names if name in self.attributes}

    def connect(self, later: Later, hear: ReportCallback) -> None:
        """Start with a clock, and report."""
        self._later, self._on_report = later, hear
        if self.nature.polled_every:
            self._later(self.nature.polled_every, self._poll)

    def command(self, service: str, data: Mapping[str, Any]) -> None:
        """Execute a command, or raise an error."""
        number, nature = len(self.commands), self.nature
        given = "".join(f" {key}={value}" for key, value in sorted(data.items()))
        self.commands.append(service + given)
        self.on_change()
        if self.error:
            raise self.error
        if number in nature.fails_at:
            raise FailureError(self.name)
        if not self.is_available:
            return
        if not self.obeys or number in nature.deaf_to:
            if nature.corrects_after is not None:
                self._pretend(service, data, nature.corrects_after)
            return
        self._later(nature.acts_after, partial(self._act, service, data))

    def report(
        self, state: str | None = None, *, available: bool | None = None, **attributes: Any
    ) -> None:
        """Change by hand or by itself, with or without a connection, and report."""
        self.state = self.state if state is None else state
        self.attributes |= attributes
        if available is None:
            self._report_change()
        else:
            self.is_available = available
            self._report(self.truth)

    def _act(self, service: str, data: Mapping[str, Any]) -> None:
        """Obey and report."""
        if not self.is_available:
            return
        old = self.truth
        self._obey(service, data)
        self._report_change(old)
        if self._reverted < self.nature.reverts:
            self._reverted += 1
            self._later(self.nature.reverts_after, partial(self._revert, old))

    def _obey(self, service: str, data: Mapping[str, Any]) -> None:
        """Change the truth."""
        getattr(self, service)(**data)
        self._round()

    def _round(self) -> None:
        """Round to the values that the device can have."""
        if step := self.nature.rounds_to:
            for name in self.rounded:
                if (value := self.attributes.get(name)) is not None:
                    self.attributes[name] = round(value / step) * step

    def _pretend(self, service: str, data: Mapping[str, Any], seconds: float) -> None:
        """Report that a lost command was obeyed, and the truth later."""
        old = self.truth
        self._obey(service, data)
        self._report(self.truth)
        self.truth = old
        self._later(seconds, self._report_change)

    def _revert(self, old: Truth) -> None:
        """Undo a command."""
        self.truth = old
        self._report_change()

    def _poll(self) -> None:
        """Report when polled."""
        self._report(self.truth)
        self._later(self.nature.polled_every, self._poll)

    def _report_change(self, old: Truth | None = None) -> None:
        """Report the truth after the usual delay."""
        self.on_change()
        number, nature = self._reports, self.nature
        self._reports += 1
        if number in nature.loses or nature.is_silent or nature.polled_every:
            return
        report = partial(self._report, self.truth)
        self._later(nature.reports_after, report)
        if nature.doubles_after is not None:
            self._later(nature.reports_after + nature.doubles_after, report)
        for after, lasts in nature.stale_reports if old else ():
            self._later(nature.reports_after + after, partial(self._report, old))
            self._later(nature.reports_after + after + lasts, self._report_truth)

    def _report_truth(self) -> None:
        """Report the truth now."""
        self._report(self.truth)

    def _report(self, state: Truth | None) -> None:
        """Report a state, if connected."""
        if state:
            self._on_report(state[0] if self.is_available else None, state[1])

    def turn_on(self, **_: Any) -> None:
        """Turn on."""
        self.state = "on"

    def turn_off(self) -> None:
        """Turn off."""
        self.state = "off"


class Plug(PretendDevice):
    """A smart plug."""

    domain = "switch"


class Thermostat(PretendDevice):
    """A thermostat with modes, presets and temperatures of its own logic."""

    domain = "climate"
    features = 1
    further: ClassVar[dict[str, int]] = {"preset_modes": 16, "target_temp_low": 2}

    def __init__(
        self,
        name: str,
        nature: Nature | None = None,
        *,
        comes_back_at: float | None = FROST,
        is_valve: bool = False,
        leaves_auto: bool = False,
        leaves_preset: bool = False,
        presets: Mapping[str, float] | None = None,
        **truth: Any,
    ) -> None:
        """Initialize heating to 21 °C."""
        self.comes_back_at = comes_back_at
        self.is_valve = is_valve
        self.leaves_auto = leaves_auto
        self.leaves_preset = leaves_preset
        self.presets = dict(presets or {})
        super().__init__(name, nature, **truth)

    def reset(self) -> None:
        """Set the heating attributes."""
        self.state = "heat"
        modes = ["off", "heat", "cool", "heat_cool", "auto"]
        self.attributes |= {"temperature": 21.0, "hvac_modes": modes, "min_temp": 5.0}
        if self.presets:
            self.attributes |= {"preset_mode": "none", "preset_modes": ["none", *self.presets]}

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Mode and its values; a schedule has its own temperatures."""
        names = ["preset_mode"]
        if self.state != "auto":
            names += ["temperature", "target_temp_low", "target_temp_high"]
        return {"mode": self.state, **self.pick(*names)}

    def set_hvac_mode(self, hvac_mode: str) -> None:
        """Set the mode, which may reset the temperature."""
        if self.is_valve:
            self.attributes["temperature"] = 5.0 if hvac_mode == "off" else 21.0
            return
        if hvac_mode != self.state and self.comes_back_at is not None:
            for name in ("temperature", "target_temp_low", "target_temp_high"):
                if self.attributes.get(name) is not None:
                    self.attributes[name] = self.comes_back_at
        self.state = hvac_mode

    def set_temperature(self, **degrees: float) -> None:
        """Set the temperature, which may end a schedule or a preset."""
        self.attributes |= degrees
        if self.leaves_auto and self.state == "auto":
            self.state = "heat"
        if self.leaves_preset and "preset_mode" in self.attributes:
            self.attributes["preset_mode"] = "none"

    def set_preset_mode(self, preset_mode: str) -> None:
        """Set a preset with its temperature."""
        self.attributes["preset_mode"] = preset_mode
        self.attributes["temperature"] = self.presets.get(
            preset_mode, self.attributes["temperature"]
        )

    def set_fan_mode(self, fan_mode: str) -> None:
        """Set the fan mode."""
        self.attributes["fan_mode"] = fan_mode

    def turn_off(self) -> None:
        """Turn off."""
        self.set_hvac_mode("off")


class Boiler(PretendDevice):
    """A water heater with modes of its own, each of which resets the temperature."""

    domain = "water_heater"
    features = 3

    def reset(self) -> None:
        """Set 55 °C by a timer."""
        self.state = "timed"
        self.attributes |= {"temperature": 55.0, "operation_list": ["off", "timed", "eco"]}

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Mode and temperature."""
        return {"mode": self.state, **self.pick("temperature")}

    def set_operation_mode(self, operation_mode: str) -> None:
        """Set the mode."""
        self.state = operation_mode
        self.attributes["temperature"] = 35.0

    def set_temperature(self, temperature: float) -> None:
        """Set the temperature."""
        self.attributes["temperature"] = temperature


class Lamp(PretendDevice):
    """A lamp with a colour or None."""

    domain = "light"
    features = 4

    def reset(self) -> None:
        """Set a red light."""
        self.attributes |= {
            "brightness": 77,
            "color_mode": "rgb",
            "supported_color_modes": ["rgb"],
            "rgb_color": [255, 0, 0],
            "effect": None,
            "effect_list": ["rainbow"],
        }

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Light, without the colours of an effect."""
        names = ["brightness", "effect" if self.attributes["effect"] else "rgb_color"]
        return super().essence | self.pick(*names)

    def turn_on(self, *, white: int | None = None, **given: Any) -> None:
        """Turn on, white and bright by default; a lamp that is on keeps the other values."""
        if self.state == "on" and given.keys() == {"brightness"}:
            self.attributes |= given
            return
        self.state = "on"
        new: dict[str, Any] = {"brightness": 255, "effect": None}
        if self.attributes.get("rgb_color") is not None or "rgb_color" in given:
            new["rgb_color"] = [255, 255, 255]
        self.attributes |= new | given
        if white is not None:
            self.attributes |= {"color_mode": "white", "rgb_color": None, "brightness": white}
        elif "rgb_color" in given:
            self.attributes["color_mode"] = "rgb"

    def turn_off(self) -> None:
        """Turn off, without any light attributes."""
        self.state = "off"
        self.attributes |= {"brightness": None, "effect": None}


class Remote(PretendDevice):
    """A remote control."""

    domain = "remote"


class Player(PretendDevice):
    """A media player with a song."""

    domain = "media_player"
    features = 128 | 256 | 1 | 16384

    def reset(self) -> None:
        """Pause the song."""
        self.state = "paused"

    def turn_on(self, **_: Any) -> None:
        """Turn on without playing."""
        self.state = "idle"

    def media_play(self) -> None:
        """Play the song."""
        self.state = "playing"


class Fan(PretendDevice):
    """A fan with speeds and directions."""

    domain = "fan"
    features = 1 | 4 | 16 | 32
    further: ClassVar[dict[str, int]] = {"preset_modes": 8}
    owned = ("percentage", "preset_mode", "direction")

    def reset(self) -> None:
        """Set a slow reverse speed."""
        self.attributes |= {"percentage": 33, "direction": "reverse", "preset_mode": None}

    def turn_on(
        self, percentage: int | None = None, preset_mode: str | None = None, **_: Any
    ) -> None:
        """Turn on, fast by default, and forwards."""
        self.state = "on"
        self.attributes |= {"percentage": percentage or 100, "direction": "forward"}
        if preset_mode:
            self.attributes["preset_mode"] = preset_mode

    def turn_off(self) -> None:
        """Turn off."""
        self.state = "off"
        self.attributes |= {"percentage": 0, "preset_mode": None}

    def set_preset_mode(self, preset_mode: str) -> None:
        """Set the preset."""
        self.attributes["preset_mode"] = preset_mode

    def set_percentage(self, percentage: int) -> None:
        """Set the speed."""
        self.attributes["percentage"] = percentage

    def set_direction(self, direction: str) -> None:
        """Set the direction."""
        self.attributes["direction"] = direction


class Humidifier(PretendDevice):
    """A humidifier with a humidity in each mode."""

    domain = "humidifier"
    features = 1
    owned = ("mode", "humidity")

    def reset(self) -> None:
        """Set the night mode."""
        modes = ["normal", "night"]
        self.attributes |= {"mode": "night", "humidity": 45, "available_modes": modes}

    def turn_on(self, **_: Any) -> None:
        """Turn on without a mode."""
        self.state = "on"
        self.attributes |= {"mode": "normal", "humidity": 60}

    def set_mode(self, mode: str) -> None:
        """Set the mode."""
        self.attributes |= {"mode": mode, "humidity": 40}

    def set_humidity(self, humidity: int) -> None:
        """Set the target humidity."""
        self.attributes["humidity"] = humidity


class Cover(PretendDevice):
    """A blind."""

    domain = "cover"
    features = 1 | 2 | 4
    owned = ("current_position",)

    def reset(self) -> None:
        """Set it half open."""
        self.state = "open"
        self.attributes |= {"current_position": 50}

    def set_cover_position(self, position: int) -> None:
        """Set the position."""
        self.state = "open" if position else "closed"
        self.attributes["current_position"] = position


class Select(PretendDevice):
    """A battery's mode."""

    domain = "select"

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Mode."""
        return {"option": self.state}

    def reset(self) -> None:
        """Set the home mode."""
        self.state = "self_use"
        self.attributes["options"] = ["self_use", "charge", "export"]

    def select_option(self, option: str) -> None:
        """Set the mode."""
        self.state = option


class Number(PretendDevice):
    """A charge limit."""

    domain = "number"

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Limit."""
        return {"value": float(self.state)}

    def reset(self) -> None:
        """Set 80 %."""
        self.state = "80"

    def set_value(self, value: str | float) -> None:
        """Set the limit."""
        self.state = str(value)
