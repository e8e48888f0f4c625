"""The zoo: each device of which it is known that it made something go wrong somewhere."""

from collections.abc import Callable

from .animals import (
    Animal,
    Boiler,
    Cover,
    Fan,
    Humidifier,
    Lamp,
    Nature,
    Number,
    Player,
    Plug,
    Select,
    Thermostat,
)

ROWS: dict[str, Callable[[str], Animal]] = {
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
    "thermostat with two setpoints": lambda name: Thermostat(
        name, state="heat_cool", temperature=None, target_temp_low=18.0, target_temp_high=24.0
    ),
    "plug that tells late": lambda name: Plug(name, Nature(tells_after=8)),
    "plug without contexts": lambda name: Plug(name, Nature(context_seconds=0)),
    "plug that tells twice": lambda name: Plug(name, Nature(doubles_after=3)),
    "lamp": Lamp,
    "lamp without a colour": lambda name: Lamp(name, rgb_color=None),
    "lamp without a colour temperature": lambda name: Lamp(
        name, rgb_color=None, color_mode="color_temp", color_temp_kelvin=None
    ),
    "lamp with an effect": lambda name: Lamp(name, effect="rainbow"),
    "water heater": Boiler,
    "player": Player,
    "fan": Fan,
    "humidifier": Humidifier,
}
"""What can be paused, obeys, and is to come back as it was."""
SCENES: dict[str, Callable[[str], Animal]] = {"blind": Cover, "select": Select, "number": Number}
"""What only a scene can move."""
