"""Test which values of a state are significant, and which states are equal."""

from enum import IntFlag, StrEnum
from typing import Any

import pytest

from custom_components.equiwatt.holding.device_state import SIGNIFICANT, DeviceState, is_near
from custom_components.equiwatt.holding.record import DeviceRecord
from custom_components.equiwatt.holding.store import HeldDevice
from homeassistant.util import dt as dt_util


def read(entity_id: str, state: str, **attributes: Any) -> DeviceState:
    """Return the state of a device."""
    found = DeviceState.read(entity_id.partition(".")[0], state, attributes)
    assert found
    return found


def test_values_can_be_stored() -> None:
    """The values are significant or descriptive, and can be stored as JSON."""

    class Mode(StrEnum):
        """A mode."""

        ECO = "eco"

    class Feature(IntFlag):
        """A feature."""

        ONE = 1

    state = read(
        "light.one",
        "on",
        effect=Mode.ECO,
        supported_features=Feature.ONE,
        rgb_color=(1, 2.5, 3),
        effect_list={Mode.ECO},
        brightness=complex(1),
        friendly_name="Kitchen",
    )
    assert state.attributes == {
        "effect": "eco",
        "supported_features": 1,
        "rgb_color": [1, 2.5, 3],
        "effect_list": ["eco"],
        "brightness": "(1+0j)",
    }
    assert type(state.attributes["effect"]) is str


@pytest.mark.parametrize("state", ["unavailable", "unknown"])
def test_unavailable(state: str) -> None:
    """An unavailable or unknown device has no state."""
    assert DeviceState.read("switch", state, {}) is None


@pytest.mark.parametrize(
    ("state", "significant"),
    [
        (read("switch.one", "on", icon="mdi:plug"), {"state": "on"}),
        (read("media_player.one", "standby"), {"state": "off"}),
        (read("media_player.one", "paused"), {"state": "on"}),
        (read("media_player.one", "off"), {"state": "off"}),
        (read("select.battery", "standby"), {"state": "standby"}),
        (read("select.charger", "idle"), {"state": "idle"}),
        (read("climate.one", "off", temperature=7), {"state": "off"}),
        (
            read("climate.one", "heat_cool", target_temp_low=18, target_temp_high=24),
            {"state": "heat_cool", "temperature_range": [18, 24]},
        ),
        (
            read("climate.one", "heat", temperature=21, target_temp_low=None, target_temp_high=24),
            {"state": "heat", "temperature": 21},
        ),
        (
            read("fan.one", "on", percentage=0, direction="forward"),
            {"state": "on", "direction": "forward"},
        ),
        (read("fan.one", "on", percentage=33), {"state": "on", "percentage": 33}),
        (
            read(
                "light.one",
                "on",
                brightness=9,
                color_mode="hs",
                rgb_color=(1, 2, 3),
                color_temp_kelvin=2000,
            ),
            {"state": "on", "brightness": 9, "rgb_color": [1, 2, 3]},
        ),
        (
            read(
                "light.one",
                "on",
                brightness=9,
                color_mode="rgb",
                rgb_color=(1, 2, 3),
                effect="fire",
            ),
            {"state": "on", "effect": "fire", "brightness": 9},
        ),
        (
            read(
                "light.one",
                "on",
                brightness=9,
                color_mode="rgb",
                rgb_color=(1, 2, 3),
                effect="Solid",
                effect_list=["Solid", "Blink"],
            ),
            {"state": "on", "effect": "Solid", "brightness": 9, "rgb_color": [1, 2, 3]},
        ),
        (
            read("light.one", "on", effect=None, effect_list=["off", "fire"], color_mode="onoff"),
            {"state": "on", "effect": "off"},
        ),
        (read("fan.one", "on", effect_list=["off", "fire"]), {"state": "on"}),
        (
            read("light.one", "on", brightness=9, color_mode="white"),
            {"state": "on", "brightness": 9, "color_mode": "white"},
        ),
        (read("light.one", "on", rgb_color=(1, 2, 3)), {"state": "on", "rgb_color": [1, 2, 3]}),
        (
            read("cover.one", "opening", supported_features=3, current_position=40),
            {"state": "open"},
        ),
        (
            read(
                "cover.one",
                "open",
                supported_features=4,
                current_position=40,
                current_tilt_position=5,
            ),
            {"current_position": 40, "current_tilt_position": 5},
        ),
        (read("cover.one", "closing", supported_features=4), {"state": "closed"}),
    ],
)
def test_significant(state: DeviceState, significant: dict[str, Any]) -> None:
    """The significant values of each domain can be set, in this order."""
    assert state.significant == significant
    assert list(state.significant) == list(significant)


@pytest.mark.parametrize(
    ("name", "one", "other", "near"),
    [
        ("state", "on", "on", True),
        ("state", "on", "off", False),
        ("state", "off", "standby", False),
        ("state", "paused", "off", False),
        ("state", "80", "80.0", True),
        ("state", "80", "80.1", False),
        ("temperature", 21, 21.3, True),
        ("temperature", 21, 21.5, False),
        ("temperature", 21, None, False),
        ("temperature_range", [18, 24], [18.2, 23.8], True),
        ("temperature_range", [18, 24], [18.2, 23], False),
        ("temperature_range", [18, 24], [18], False),
        ("brightness", 77, 80, True),
        ("brightness", 77, 81, False),
        ("effect", None, "None", True),
        ("effect", "*Solid*", "Solid", True),
        ("effect", "off", "rainbow", False),
        ("preset_mode", "eco", "away", False),
        ("oscillating", True, False, False),
        ("state", "off", None, False),
    ],
)
def test_near(name: str, one: Any, other: Any, near: bool) -> None:
    """Numbers are equal within the rounding of devices."""
    assert is_near(name, one, other) is near
    assert is_near(name, other, one) is near


RESTORED = {
    "climate": "preset_mode temperature fan_mode swing_mode swing_horizontal_mode humidity",
    "fan": "preset_mode percentage direction oscillating",
    "humidifier": "mode humidity",
    "remote": "current_activity",
    "water_heater": "away_mode temperature",
    **dict.fromkeys(("input_boolean", "input_datetime", "input_number", "input_select"), ""),
    **dict.fromkeys(("input_text", "media_player", "number", "select", "switch", "text"), ""),
}
"""Attributes that are restored after the state, in this order."""


@pytest.mark.parametrize("domain", RESTORED)
def test_restored_attributes(domain: str) -> None:
    """Each domain restores its own attributes, and no others."""
    names = [name for others in RESTORED.values() for name in others.split()]
    state = read(f"{domain}.one", "on", **dict.fromkeys(names, 5))
    assert domain in SIGNIFICANT
    assert list(state.significant) == ["state", *RESTORED[domain].split()]


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("color_temp", "color_temp_kelvin"),
        ("hs", "rgb_color"),
        ("rgb", "rgb_color"),
        ("rgbw", "rgbw_color"),
        ("rgbww", "rgbww_color"),
        ("xy", "rgb_color"),
    ],
)
def test_color(mode: str, name: str) -> None:
    """A light restores the colour of its mode only."""
    colors = {"rgb_color": [1], "rgbw_color": [2], "rgbww_color": [3], "color_temp_kelvin": 2000}
    state = read("light.one", "on", color_mode=mode, **colors)
    assert state.significant == {"state": "on", name: colors[name]}


@pytest.mark.parametrize("state", ["idle", "paused", "playing", "buffering"])
def test_player(state: str) -> None:
    """A media player is on, whatever it does."""
    assert read("media_player.one", state).significant == {"state": "on"}


@pytest.mark.parametrize(
    ("name", "listing"),
    [
        ("current_activity", "activity_list"),
        ("effect", "effect_list"),
        ("fan_mode", "fan_modes"),
        ("mode", "available_modes"),
        ("preset_mode", "preset_modes"),
        ("swing_horizontal_mode", "swing_horizontal_modes"),
        ("swing_mode", "swing_modes"),
    ],
)
def test_offered(name: str, listing: str) -> None:
    """A device offers the values that it lists."""
    state = read("climate.one", "heat", **{listing: ["one"]})
    assert state.offers(name, "one")
    assert not state.offers(name, "two")


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "color_temp_kelvin": 200,
        "current_position": 5,
        "current_tilt_position": 5,
        "humidity": 1.5,
        "percentage": 1.5,
        "rgb_color": 26,
        "rgbw_color": 26,
        "rgbww_color": 26,
    }.items(),
)
def test_tolerance(name: str, value: float) -> None:
    """Devices convert numbers, which makes small differences."""
    assert is_near(name, 50, 50 + value)
    assert not is_near(name, 50, 51 + value)


@pytest.mark.parametrize(("value", "near"), [("0.01", True), ("0.015", False)])
def test_exact(value: str, near: bool) -> None:
    """Numbers without a tolerance differ by a hundredth at most."""
    assert is_near("state", "0", value) is near


def test_cover_without_features() -> None:
    """The position of a cover that has no features cannot be set."""
    assert read("cover.one", "open", current_position=40).significant == {"state": "open"}


def test_same() -> None:
    """States are the same if their significant values are near."""
    heat = read("climate.one", "heat", temperature=21, hvac_action="idle")
    assert heat.is_same(read("climate.one", "heat", temperature=21.2, hvac_action="heating"))
    assert not heat.is_same(read("climate.one", "heat", temperature=21, preset_mode="eco"))
    assert not read("climate.one", "heat", temperature=21, preset_mode="eco").is_same(heat)
    assert not heat.is_same(None)


def test_limits_are_kept() -> None:
    """Limits and steps are kept, as a device is set back from its stored state."""
    limits = {"min_temp": 5, "max_temp": 30, "target_temp_step": 0.5, "step": 1}
    assert read("climate.one", "heat", **limits).attributes == limits


def test_offers() -> None:
    """A listed value is offered, and without a list any value may be."""
    state = read("climate.one", "heat", preset_modes=["eco"], preset_mode="Override")
    assert state.offers("preset_mode", "eco")
    assert not state.offers("preset_mode", "Override")
    assert state.offers("fan_mode", "low")
    assert state.offers("temperature", 21)


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (None, {"state": None}),
        (read("media_player.one", "paused"), {"state": "paused"}),
        (
            read("cover.one", "open", supported_features=4, current_position=4),
            {"current_position": 4, "state": "open"},
        ),
    ],
)
def test_shown(state: DeviceState | None, shown: dict[str, Any]) -> None:
    """The sensor's attributes of a device contain its original state as it was reported."""
    now = dt_util.utcnow()
    record = DeviceRecord(before=state, wanted={"state": "off"}, began=now, until=now)
    assert HeldDevice(entity_id="fan.one", record=record).as_shown(None) == {
        "entity_id": "fan.one",
        "until": now.isoformat(),
        "confirmed": False,
        **shown,
    }
