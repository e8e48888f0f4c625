"""Kinds of devices, each with an oddity that has caused a problem somewhere."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from .pretend import (
    Boiler,
    Cover,
    Fan,
    Humidifier,
    Lamp,
    Nature,
    Number,
    Player,
    Plug,
    PretendDevice,
    Remote,
    Select,
    Thermostat,
)

type Make = Callable[[str], PretendDevice]

KINDS: dict[str, Make] = {
    "plug": Plug,
    "cloud thermostat": lambda name: Thermostat(name, Nature(takes=6)),
    "slow radio thermostat": lambda name: Thermostat(name, Nature(acts_after=45)),
    "thermostat in auto": lambda name: Thermostat(name, leaves_auto=True, state="auto"),
    "thermostat with presets": lambda name: Thermostat(
        name, presets={"eco": 17.0}, preset_mode="eco", temperature=17.0
    ),
    "thermostat whose preset ends with a temperature": lambda name: Thermostat(
        name, leaves_preset=True, presets={"eco": 16.0}, preset_mode="eco", temperature=18.5
    ),
    "thermostat that does not offer its preset": lambda name: Thermostat(
        name, presets={"eco": 17.0}, preset_mode="Override"
    ),
    "thermostat with two setpoints": lambda name: Thermostat(
        name, state="heat_cool", temperature=None, target_temp_low=18.0, target_temp_high=24.0
    ),
    "valve whose off is five degrees": lambda name: Thermostat(name, is_valve=True),
    "plug that reports late": lambda name: Plug(name, Nature(reports_after=8)),
    "plug without contexts": lambda name: Plug(name, Nature(context_seconds=0)),
    "plug that reports twice": lambda name: Plug(name, Nature(doubles_after=3)),
    "plug with an old word": lambda name: Plug(
        name, Nature(reports_after=0.8, stale_reports=((4.2, 26),))
    ),
    "lamp": Lamp,
    "lamp without a colour": lambda name: Lamp(name, rgb_color=None),
    "lamp without a colour temperature": lambda name: Lamp(
        name,
        rgb_color=None,
        color_mode="color_temp",
        color_temp_kelvin=None,
        supported_color_modes=["color_temp"],
    ),
    "lamp in white": lambda name: Lamp(
        name, rgb_color=None, color_mode="white", supported_color_modes=["rgb", "white"]
    ),
    "lamp with an effect": lambda name: Lamp(name, effect="rainbow"),
    "water heater": Boiler,
    "player": Player,
    "fan": Fan,
    "fan with a preset and a speed": lambda name: Fan(
        name, preset_mode="auto", preset_modes=["auto", "sleep"]
    ),
    "humidifier": Humidifier,
    "remote": Remote,
}
"""Obedient devices that can be paused and restored."""
IN_SCENES: dict[str, Make] = {
    "blind": Cover,
    "select": Select,
    "select that goes back": lambda name: Select(name, Nature(reverts=1)),
    "number": Number,
}
"""Devices that only a scene can set."""
SCENES: dict[str, Mapping[str, Any]] = {
    "cover": {"current_position": 10},
    "light": {"state": "on", "brightness": 20},
    "number": {"state": "60"},
    "select": {"state": "charge"},
}
"""Values of a scene by domain."""

type Oddity = Callable[[Random], Nature]

ODDITIES: dict[str, Oddity] = {
    "an old word": lambda random: Nature(stale_reports=(_stale_report(random),)),
    "two old words": lambda random: Nature(
        stale_reports=((random.uniform(1, 20), random.uniform(1, 20)), (random.uniform(45, 90), 30))
    ),
    "goes back once": lambda random: Nature(reverts=1, reverts_after=random.uniform(2, 60)),
    "goes back twice": lambda random: Nature(reverts=2, reverts_after=random.uniform(2, 60)),
    "waits in a queue": lambda random: _queue(7.0 * random.randint(1, 8)),
    "obeys late": lambda random: Nature(acts_after=random.uniform(1, 50)),
    "reports late": lambda random: Nature(reports_after=random.uniform(1, 180)),
    "reports twice": lambda random: Nature(doubles_after=random.uniform(1, 60)),
    "is polled": lambda random: Nature(polled_every=random.uniform(10, 300)),
    "loses a report": lambda random: Nature(loses=frozenset({random.randint(0, 3)})),
    "loses a command": lambda random: Nature(deaf_to=frozenset({random.randint(0, 3)})),
    "loses two commands": lambda random: Nature(
        deaf_to=frozenset({random.randint(0, 1), random.randint(1, 3)})
    ),
    "believes a lost command": lambda random: Nature(
        deaf_to=frozenset({random.randint(0, 2)}), corrects_after=random.uniform(2, 60)
    ),
    "fails once": lambda random: Nature(fails_at=frozenset({random.randint(0, 2)})),
    "never reports": lambda _: Nature(is_silent=True),
    "rounds": lambda random: Nature(rounds_to=random.choice([0.5, 1])),
}
"""Further oddities of devices, from public reports."""


def odd(make: Make, oddities: list[str], random: Random) -> Make:
    """Return the kind of device with further oddities, each unless the kind has its own."""

    def make_odd(name: str) -> PretendDevice:
        """Return a device."""
        device = make(name)
        for oddity in oddities:
            drawn, own, plain = vars(ODDITIES[oddity](random)), vars(device.nature), vars(Nature())
            further = {
                key: value for key, value in drawn.items() if value != plain[key] == own[key]
            }
            device.nature = replace(device.nature, **further)
        return device

    return make_odd


def _queue(seconds: float) -> Nature:
    """Return the nature of a device whose commands wait for those of others."""
    return Nature(takes=seconds, acts_after=seconds)


def _stale_report(random: Random) -> tuple[float, float]:
    """Return when the earlier state is reported again, and for how long."""
    return random.uniform(1, 120), random.uniform(1, 180)
