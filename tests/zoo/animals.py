"""Devices as they are sold, without Home Assistant: what they do with commands, and when they tell.

An animal has a truth, which its commands and people change, and tells of it late, twice or never,
as its nature is. Whoever owns it gives it a clock and listens to what it tells.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, override

type Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after so many seconds."""

FROST = 7.0


type Tell = Callable[[str | None, Mapping[str, Any]], object]
"""Hears what an animal tells, without a state if it has no connection."""


@dataclass(frozen=True, kw_only=True)
class Nature:
    """How a device behaves, whatever it is."""

    takes: float = 0
    """Seconds for which a command is under way."""
    acts_after: float = 0
    """Seconds until it has obeyed."""
    tells_after: float = 0
    """Seconds from then until it tells."""
    doubles_after: float | None = None
    """Seconds after which it tells the same again, if it does."""
    loses: frozenset[int] = frozenset()
    """Which of its reports are lost, counted from zero."""
    deaf_to: frozenset[int] = frozenset()
    """Which of its commands it does not hear, counted from zero."""
    is_deaf: bool = False
    fails: bool = False
    """Whether it answers each command with an error."""
    context_seconds: float = 5
    """How long Home Assistant knows whose command a report follows."""


class FailureError(Exception):
    """A device says that a command failed."""


class Animal:
    """A device, and what is pretended of it."""

    domain = ""
    features = 0
    owned: tuple[str, ...] = ()
    """What of its attributes its owner wants back."""

    def __init__(self, name: str, nature: Nature | None = None, **truth: Any) -> None:
        """Be on, as the species is unless told otherwise."""
        self.name = name
        self.nature = nature or Nature()
        self.state: str = "on"
        self.attributes: dict[str, Any] = {"supported_features": self.features}
        self.is_available = True
        self.commands: list[str] = []
        self._told = 0
        self._later: Later = lambda _, job: job()
        self._tell: Tell = lambda _, __: None
        self.on_change: Callable[[], object] = lambda: None
        self.be_born()
        for key, value in truth.items():
            if key == "state":
                self.state = value
            else:
                self.attributes[key] = value

    @property
    def entity_id(self) -> str:
        """Return what Home Assistant calls it."""
        return f"{self.domain}.{self.name}"

    def be_born(self) -> None:
        """Become what the species is."""

    @property
    def essence(self) -> dict[str, Any]:
        """Return what its owner wants back of it; a plug's is that it is on."""
        return {"is_on": self.state not in ("off", "standby"), **self.pick(*self.owned)}

    def pick(self, *names: str) -> dict[str, Any]:
        """Return some of what is true of it."""
        return {name: self.attributes[name] for name in names if name in self.attributes}

    def live(self, later: Later, tell: Tell) -> None:
        """Begin to live by a clock, and to tell."""
        self._later, self._tell = later, tell

    def command(self, service: str, data: Mapping[str, Any]) -> None:
        """Take a command. Raise FailureError if that is its nature."""
        number = len(self.commands)
        given = "".join(f" {key}={value}" for key, value in sorted(data.items()))
        self.commands.append(service + given)
        self.on_change()
        if self.nature.fails:
            raise FailureError(self.name)
        if self.nature.is_deaf or number in self.nature.deaf_to or not self.is_available:
            return
        self._later(self.nature.acts_after, partial(self._act, service, data))

    def by_hand(self, state: str | None = None, **attributes: Any) -> None:
        """Let somebody set it at the device itself."""
        self.state = self.state if state is None else state
        self.attributes |= attributes
        self.report()

    def lose(self, *, is_available: bool = False) -> None:
        """Let it lose its connection, or find it again."""
        self.is_available = is_available
        self._say((self.state, dict(self.attributes)))

    def _act(self, service: str, data: Mapping[str, Any]) -> None:
        """Obey, and tell so."""
        if self.is_available:
            getattr(self, service)(**data)
            self.report()

    def report(self) -> None:
        """Tell what is true now, after the time that it takes."""
        self.on_change()
        number, nature = self._told, self.nature
        self._told += 1
        if number in nature.loses:
            return
        say = partial(self._say, (self.state, dict(self.attributes)))
        self._later(nature.tells_after, say)
        if nature.doubles_after is not None:
            self._later(nature.tells_after + nature.doubles_after, say)

    def _say(self, said: tuple[str, dict[str, Any]]) -> None:
        """Say it, if there is a connection."""
        self._tell(said[0] if self.is_available else None, said[1])

    def turn_on(self, **_: Any) -> None:
        """Be on."""
        self.state = "on"

    def turn_off(self) -> None:
        """Be off."""
        self.state = "off"


class Plug(Animal):
    """A smart plug."""

    domain = "switch"


class Thermostat(Animal):
    """A thermostat; how its modes, presets and temperatures hang together is its own affair."""

    domain = "climate"
    features = 1

    def __init__(
        self,
        name: str,
        nature: Nature | None = None,
        *,
        comes_back_at: float | None = FROST,
        leaves_auto: bool = False,
        leaves_preset: bool = False,
        presets: Mapping[str, float] | None = None,
        **truth: Any,
    ) -> None:
        """Heat to 21 °C."""
        self.comes_back_at = comes_back_at
        self.leaves_auto = leaves_auto
        self.leaves_preset = leaves_preset
        self.presets = dict(presets or {})
        super().__init__(name, nature, **truth)

    def be_born(self) -> None:
        """Heat."""
        self.state = "heat"
        modes = ["off", "heat", "cool", "heat_cool", "auto"]
        self.attributes |= {"temperature": 21.0, "hvac_modes": modes}
        if self.presets:
            self.attributes |= {"preset_mode": "none", "preset_modes": ["none", *self.presets]}

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Return its mode, and what that is about; a schedule has its own temperatures."""
        names = ["preset_mode"]
        if self.state != "auto":
            names += ["temperature", "target_temp_low", "target_temp_high"]
        return {"mode": self.state, **self.pick(*names)}

    def set_hvac_mode(self, hvac_mode: str) -> None:
        """Change the mode, which some do at the price of the temperature."""
        if hvac_mode != self.state and self.comes_back_at is not None:
            for name in ("temperature", "target_temp_low", "target_temp_high"):
                if self.attributes.get(name) is not None:
                    self.attributes[name] = self.comes_back_at
        self.state = hvac_mode

    def set_temperature(self, **degrees: float) -> None:
        """Change what is aimed at, which takes some out of their schedule or preset."""
        self.attributes |= degrees
        if self.leaves_auto and self.state == "auto":
            self.state = "heat"
        if self.leaves_preset and "preset_mode" in self.attributes:
            self.attributes["preset_mode"] = "none"

    def set_preset_mode(self, preset_mode: str) -> None:
        """Choose a preset, which has a temperature of its own."""
        self.attributes["preset_mode"] = preset_mode
        self.attributes["temperature"] = self.presets.get(
            preset_mode, self.attributes["temperature"]
        )

    def set_fan_mode(self, fan_mode: str) -> None:
        """Blow."""
        self.attributes["fan_mode"] = fan_mode

    def turn_off(self) -> None:
        """Be off."""
        self.set_hvac_mode("off")


class Boiler(Animal):
    """A water heater with modes of its own, each of which resets the temperature."""

    domain = "water_heater"
    features = 3

    def be_born(self) -> None:
        """Heat to 55 °C, by a timer."""
        self.state = "timed"
        self.attributes |= {"temperature": 55.0, "operation_list": ["off", "timed", "eco"]}

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Return its mode and its temperature."""
        return {"mode": self.state, **self.pick("temperature")}

    def set_operation_mode(self, operation_mode: str) -> None:
        """Change the mode."""
        self.state = operation_mode
        self.attributes["temperature"] = 35.0

    def set_temperature(self, temperature: float) -> None:
        """Change what is aimed at."""
        self.attributes["temperature"] = temperature


class Lamp(Animal):
    """A lamp, whose colour may be None."""

    domain = "light"
    features = 4

    def be_born(self) -> None:
        """Shine red."""
        self.attributes |= {
            "brightness": 77,
            "color_mode": "rgb",
            "rgb_color": [255, 0, 0],
            "effect": None,
        }

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Return its light; an effect has colours of its own."""
        names = ["effect"] if self.attributes["effect"] else ["brightness", "rgb_color"]
        return super().essence | self.pick(*names)

    def turn_on(self, **given: Any) -> None:
        """Shine, white and bright unless told otherwise."""
        self.state = "on"
        new: dict[str, Any] = {"brightness": 255, "effect": None}
        if self.attributes.get("rgb_color") is not None or "rgb_color" in given:
            new["rgb_color"] = [255, 255, 255]
        self.attributes |= new | given

    def turn_off(self) -> None:
        """Be dark; a lamp that is off tells nothing of its light."""
        self.state = "off"
        self.attributes |= {"brightness": None, "effect": None}


class Player(Animal):
    """A media player that has a song."""

    domain = "media_player"
    features = 128 | 256 | 1 | 16384

    def be_born(self) -> None:
        """Be paused in the song."""
        self.state = "paused"

    def turn_on(self, **_: Any) -> None:
        """Wake without a sound."""
        self.state = "idle"

    def media_play(self) -> None:
        """Play the song."""
        self.state = "playing"


class Fan(Animal):
    """A fan with speeds, which turns either way."""

    domain = "fan"
    features = 1 | 4 | 16 | 32
    owned = ("percentage", "direction")

    def be_born(self) -> None:
        """Turn slowly, backwards."""
        self.attributes |= {"percentage": 33, "direction": "reverse", "preset_mode": None}

    def turn_on(self, percentage: int | None = None, **_: Any) -> None:
        """Turn fast unless told otherwise, and forwards."""
        self.state = "on"
        self.attributes |= {"percentage": percentage or 100, "direction": "forward"}

    def turn_off(self) -> None:
        """Stand still."""
        self.state = "off"
        self.attributes["percentage"] = 0

    def set_percentage(self, percentage: int) -> None:
        """Change the speed."""
        self.attributes["percentage"] = percentage

    def set_direction(self, direction: str) -> None:
        """Change the direction."""
        self.attributes["direction"] = direction


class Humidifier(Animal):
    """A humidifier whose mode has a humidity of its own."""

    domain = "humidifier"
    features = 1
    owned = ("mode", "humidity")

    def be_born(self) -> None:
        """Run by night."""
        modes = ["normal", "night"]
        self.attributes |= {"mode": "night", "humidity": 45, "available_modes": modes}

    def turn_on(self, **_: Any) -> None:
        """Forget the mode."""
        self.state = "on"
        self.attributes |= {"mode": "normal", "humidity": 60}

    def set_mode(self, mode: str) -> None:
        """Change the mode."""
        self.attributes |= {"mode": mode, "humidity": 40}

    def set_humidity(self, humidity: int) -> None:
        """Change what is aimed at."""
        self.attributes["humidity"] = humidity


class Cover(Animal):
    """A blind."""

    domain = "cover"
    features = 1 | 2 | 4
    owned = ("current_position",)

    def be_born(self) -> None:
        """Be half open."""
        self.state = "open"
        self.attributes |= {"current_position": 50}

    def set_cover_position(self, position: int) -> None:
        """Move."""
        self.state = "open" if position else "closed"
        self.attributes["current_position"] = position


class Select(Animal):
    """A battery's mode."""

    domain = "select"

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Return the mode."""
        return {"option": self.state}

    def be_born(self) -> None:
        """Serve the house."""
        self.state = "self_use"
        self.attributes["options"] = ["self_use", "charge", "export"]

    def select_option(self, option: str) -> None:
        """Change the mode."""
        self.state = option


class Number(Animal):
    """A charge limit."""

    domain = "number"

    @property
    @override
    def essence(self) -> dict[str, Any]:
        """Return the limit."""
        return {"value": float(self.state)}

    def be_born(self) -> None:
        """Charge to 80 %."""
        self.state = "80"

    def set_value(self, value: str | float) -> None:
        """Change the limit."""
        self.state = str(value)
