"""Test what restoring takes, what is stored of it, and that both speak Home Assistant's words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.equiwatt.holding import plan, reading
from custom_components.equiwatt.holding.plan import PLANS, steps, turn_off
from custom_components.equiwatt.holding.reading import COMPARED, TOLERANCE, UNKNOWN, Reading, gist
from homeassistant.components import climate, cover, fan, humidifier, light, water_heater
from homeassistant.components.cover import CoverEntityFeature
from homeassistant.components.light.const import ColorMode
from homeassistant.components.water_heater import WaterHeaterEntityFeature  # type: ignore[attr-defined]

NOW = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)

type Call = tuple[str, dict[str, Any]]

CASES: list[tuple[str, str, dict[str, Any], list[Call]]] = [
    ("switch", "on", {}, [("turn_on", {})]),
    ("switch", "off", {}, [("turn_off", {})]),
    ("media_player", "playing", {"source": "Radio"}, [("turn_on", {})]),
    ("media_player", "standby", {}, [("turn_off", {})]),
    ("remote", "on", {"current_activity": "TV"}, [("turn_on", {"activity": "TV"})]),
    ("remote", "on", {}, [("turn_on", {})]),
    (
        "climate",
        "heat",
        {"temperature": 21, "fan_mode": "low", "swing_mode": None, "humidity": 40},
        [
            ("set_hvac_mode", {"hvac_mode": "heat"}),
            ("set_temperature", {"temperature": 21}),
            ("set_fan_mode", {"fan_mode": "low"}),
            ("set_humidity", {"humidity": 40}),
        ],
    ),
    (
        "climate",
        "auto",
        {"temperature": 21, "preset_mode": "home"},
        [
            ("set_hvac_mode", {"hvac_mode": "auto"}),
            ("set_preset_mode", {"preset_mode": "home"}),
        ],
    ),
    (
        "climate",
        "heat_cool",
        {"temperature": None, "target_temp_low": 18, "target_temp_high": 24},
        [
            ("set_hvac_mode", {"hvac_mode": "heat_cool"}),
            ("set_temperature", {"target_temp_low": 18, "target_temp_high": 24}),
        ],
    ),
    (
        "climate",
        "cool",
        {"swing_mode": "on", "swing_horizontal_mode": "off"},
        [
            ("set_hvac_mode", {"hvac_mode": "cool"}),
            ("set_swing_mode", {"swing_mode": "on"}),
            ("set_swing_horizontal_mode", {"swing_horizontal_mode": "off"}),
        ],
    ),
    (
        "climate",
        "off",
        {"temperature": 21},
        [("set_hvac_mode", {"hvac_mode": "off"}), ("set_temperature", {"temperature": 21})],
    ),
    (
        "water_heater",
        "timed",
        {"operation_list": ["off", "timed"], "temperature": 55, "away_mode": "off"},
        [
            ("set_operation_mode", {"operation_mode": "timed"}),
            ("set_temperature", {"temperature": 55}),
            ("set_away_mode", {"away_mode": "off"}),
        ],
    ),
    ("water_heater", "on", {"supported_features": 8}, [("turn_on", {})]),
    ("water_heater", "off", {"supported_features": 8}, [("turn_off", {})]),
    ("light", "on", {"brightness": None, "color_mode": "onoff"}, [("turn_on", {})]),
    (
        "light",
        "on",
        {"brightness": 9, "color_mode": "color_temp", "color_temp_kelvin": None},
        [("turn_on", {"brightness": 9}), ("turn_on", {"brightness": 9})],
    ),
    (
        "light",
        "on",
        {"brightness": 9, "color_mode": "hs", "hs_color": [1, 2], "rgb_color": [3, 4, 5]},
        [("turn_on", {"brightness": 9, "hs_color": [1, 2]})] * 2,
    ),
    ("light", "on", {"brightness": 9, "color_mode": "white"}, [("turn_on", {"white": 9})] * 2),
    (
        "light",
        "on",
        {"brightness": 9, "effect": "rainbow", "color_mode": "rgb", "rgb_color": [1, 2, 3]},
        [("turn_on", {"brightness": 9, "effect": "rainbow"})] * 2,
    ),
    (
        "light",
        "on",
        {"brightness": 9, "effect": None, "effect_list": ["rainbow", "None"]},
        [
            ("turn_on", {"brightness": 9}),
            ("turn_on", {"effect": "None"}),
            ("turn_on", {"brightness": 9}),
        ],
    ),
    ("fan", "on", {"percentage": 0}, [("turn_on", {})]),
    (
        "fan",
        "on",
        {"percentage": 33, "preset_mode": "breeze", "oscillating": True, "direction": "reverse"},
        [
            ("turn_on", {"preset_mode": "breeze"}),
            ("set_preset_mode", {"preset_mode": "breeze"}),
            ("set_direction", {"direction": "reverse"}),
            ("oscillate", {"oscillating": True}),
        ],
    ),
    (
        "humidifier",
        "on",
        {"mode": "night", "humidity": 45},
        [("turn_on", {}), ("set_mode", {"mode": "night"}), ("set_humidity", {"humidity": 45})],
    ),
    ("cover", "closing", {}, [("close_cover", {})]),
    ("cover", "open", {"supported_features": 3, "current_position": 40}, [("open_cover", {})]),
    (
        "cover",
        "open",
        {"supported_features": 4 | 128, "current_position": 40, "current_tilt_position": 10},
        [
            ("set_cover_position", {"position": 40}),
            ("set_cover_tilt_position", {"tilt_position": 10}),
        ],
    ),
    ("select", "off", {"options": ["off"]}, [("select_option", {"option": "off"})]),
    ("number", "80", {}, [("set_value", {"value": "80"})]),
    (
        "input_datetime",
        "07:00:00",
        {"has_date": False, "has_time": True},
        [("set_datetime", {"time": "07:00:00"})],
    ),
    (
        "input_datetime",
        "2026-11-20 07:00:00",
        {"has_date": True, "has_time": True},
        [("set_datetime", {"datetime": "2026-11-20 07:00:00"})],
    ),
]


@pytest.mark.parametrize(("domain", "state", "attributes", "wanted"), CASES)
def test_steps(domain: str, state: str, attributes: dict[str, Any], wanted: list[Call]) -> None:
    """Each domain has its steps, which are met by a device that is as before."""
    before = Reading(state=state, attributes=attributes)
    found = steps(domain, before)
    assert [(step.calls[0].service, dict(step.calls[0].data)) for step in found] == wanted
    for step in found:
        assert step.is_met(before) is (state != "closing")
        assert not step.is_met(UNKNOWN)


def test_everything_that_is_checked_is_in_the_table() -> None:
    """The table says what is compared; a change of anything else is none."""
    for domain, state, attributes, _ in CASES:
        for step in steps(domain, Reading(state=state, attributes=attributes)):
            assert set(step.wanted) <= {"state", reading.POWER, *COMPARED[domain]}
    assert set(TOLERANCE) <= {"state"}.union(*COMPARED.values())
    assert set(PLANS) == set(COMPARED)
    one, other = (Reading(state="heat", attributes={"current_temperature": t}) for t in (1, 2))
    assert gist("climate", one) == gist("climate", other)


def test_possible() -> None:
    """A mode can be set while the device lists it."""
    step = steps("climate", Reading(state="heat", attributes={}))[0]
    assert step.is_possible(Reading(state="off", attributes={"hvac_modes": ["off", "heat"]}))
    assert not step.is_possible(Reading(state="off", attributes={"hvac_modes": None}))


def test_a_water_heater_has_two_ways_to_come_on() -> None:
    """One with a switch and modes is given its mode, and turned on if that does not do it."""
    attributes = {"supported_features": 8, "operation_list": ["eco"]}
    step = steps("water_heater", Reading(state="eco", attributes=attributes))[0]
    assert [call.service for call in step.calls] == ["set_operation_mode", "turn_on"]


def test_words() -> None:
    """Attributes and features are Home Assistant's own."""
    assert plan.WATER_HEATER_ON_OFF == WaterHeaterEntityFeature.ON_OFF
    assert plan.COVER_SET_POSITION == CoverEntityFeature.SET_POSITION
    assert plan.COVER_SET_TILT == CoverEntityFeature.SET_TILT_POSITION
    assert set(plan.COLORS) <= set(ColorMode)
    modules: dict[str, Any] = {
        "climate": climate,
        "cover": cover,
        "fan": fan,
        "humidifier": humidifier,
        "light": light,
        "water_heater": water_heater,
    }
    for domain, module in modules.items():
        known = {value for name, value in vars(module).items() if name.startswith("ATTR_")}
        assert set(COMPARED[domain]) - {"temperature"} <= known, domain
    assert turn_off("water_heater", Reading(state="eco")).data == {"operation_mode": "off"}
