"""Test which devices can be held, and with which reasons they are refused."""

from typing import Any

import pytest

from custom_components.equiwatt.holding.eligibility import (
    OFF,
    Refusal,
    Request,
    can_pause,
    can_set_back,
    device_state_of,
    scene_refusal_of,
    set_back,
    wanted_for,
)
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

OFF_AND_ON = {"fan": 16 | 32, "media_player": 256 | 128}


@pytest.mark.parametrize(
    ("entity_id", "attributes", "can"),
    [
        ("switch.one", {}, True),
        ("light.one", {}, True),
        ("input_boolean.one", {}, True),
        ("humidifier.one", {"supported_features": 0}, True),
        ("remote.one", {"supported_features": 4}, True),
        ("fan.one", {"supported_features": OFF_AND_ON["fan"]}, True),
        ("fan.one", {"supported_features": 16}, False),
        ("fan.one", {}, False),
        ("media_player.one", {"supported_features": OFF_AND_ON["media_player"] | 4}, True),
        ("media_player.one", {"supported_features": 256}, False),
        ("climate.one", {"hvac_modes": ["off", "heat"]}, True),
        ("climate.one", {"hvac_modes": ["heat"], "supported_features": 128}, False),
        ("climate.one", {}, False),
        ("water_heater.one", {"operation_list": ["off", "eco"]}, True),
        ("water_heater.one", {"operation_list": None, "supported_features": 8}, True),
        ("water_heater.one", {"operation_list": ["eco"], "supported_features": 2}, False),
        ("sensor.one", {}, False),
        ("cover.one", {}, False),
        ("lock.one", {}, False),
    ],
)
def test_can_pause(entity_id: str, attributes: dict[str, Any], can: bool) -> None:
    """Entities that can be turned off and on can be paused."""
    assert can_pause(State(entity_id, "on", attributes)) is can


@pytest.mark.parametrize(
    ("entity_id", "state", "degrees", "wanted"),
    [
        ("switch.one", "on", None, OFF),
        ("switch.one", "off", None, Refusal.ALREADY_OFF),
        ("switch.one", "unknown", None, OFF),
        ("switch.one", "unavailable", None, OFF),
        ("cover.one", "open", None, Refusal.UNSUPPORTED),
        ("cover.one", "unavailable", None, Refusal.UNSUPPORTED),
        ("switch.one", None, None, Refusal.NOT_FOUND),
        ("switch.one", "on", 2, Refusal.UNSUPPORTED),
        ("switch.one", "unavailable", 2, Refusal.UNSUPPORTED),
        ("climate.one", "off", 2, Refusal.ALREADY_OFF),
        ("climate.one", "unavailable", 2, {}),
        ("climate.one", None, 2, Refusal.NOT_FOUND),
    ],
)
async def test_wanted(
    hass: HomeAssistant,
    entity_id: str,
    state: str | None,
    degrees: float | None,
    wanted: dict[str, Any] | Refusal,
) -> None:
    """A device that is off is refused, and one that is unavailable is wanted later."""
    if state:
        hass.states.async_set(entity_id, state)
    request = Request(context=Context(), holders=frozenset(), degrees=degrees)
    assert wanted_for(request, hass, entity_id, None, dt_util.utcnow()) == wanted


LIMITS = {"supported_features": 3, "min_temp": 7, "max_temp": 35, "target_temp_step": 0.5}
AT_20 = {**LIMITS, "temperature": 20.0}
BETWEEN = {**LIMITS, "target_temp_low": 19, "target_temp_high": 24}
TANK = {"supported_features": 1, "min_temp": 43, "max_temp": 60, "temperature": 50}


@pytest.mark.parametrize(
    ("state", "attributes", "wanted"),
    [
        ("heat", AT_20, {"temperature": 18}),
        ("heat", AT_20 | {"target_temp_low": None, "target_temp_high": None}, {"temperature": 18}),
        ("cool", AT_20, {"temperature": 22}),
        ("heat_cool", BETWEEN, {"temperature_range": [17, 26]}),
        ("heat", BETWEEN | {"temperature": None}, {"temperature_range": [17, 26]}),
        ("cool", BETWEEN, {"temperature_range": [17, 26]}),
        ("heat_cool", AT_20 | BETWEEN, {"temperature_range": [17, 26]}),
        ("heat", AT_20 | BETWEEN, {"temperature": 18}),
        ("heat", AT_20 | {"temperature": 8}, {"temperature": 7}),
        ("cool", AT_20 | {"temperature": 34.5}, {"temperature": 35}),
        ("heat", AT_20 | {"min_temp": None}, {"temperature": 18}),
        ("heat", AT_20 | {"temperature": "20.5"}, {"temperature": 18.5}),
        ("heat", AT_20 | {"target_temp_step": 5}, {"temperature": 15}),
        ("heat", AT_20 | {"target_temp_step": None, "temperature": 8.9}, {"temperature": 7}),
        ("heat", AT_20 | {"target_temp_step": 0.1, "temperature": 7.3}, {"temperature": 7}),
        ("heat", AT_20 | {"target_temp_step": 0.1, "temperature": 20.3}, {"temperature": 18.3}),
        ("heat", AT_20 | {"target_temp_step": 1, "temperature": 8.5}, {"temperature": 7.5}),
        (
            "heat_cool",
            BETWEEN | {"target_temp_low": 7},
            {"temperature_range": [7, 26]},
        ),
        ("off", AT_20, Refusal.ALREADY_OFF),
        ("heat", AT_20 | {"temperature": 7}, Refusal.ALREADY_OFF),
        ("heat", AT_20 | {"temperature": 5}, Refusal.ALREADY_OFF),
        ("cool", AT_20 | {"temperature": 36}, Refusal.ALREADY_OFF),
        ("heat", AT_20 | {"temperature": 7.123}, Refusal.ALREADY_OFF),
        ("heat_cool", BETWEEN | {"min_temp": 19, "max_temp": 24}, Refusal.ALREADY_OFF),
        ("auto", AT_20, Refusal.IN_SCHEDULE),
        ("heat", AT_20 | {"temperature": None}, Refusal.NO_TEMPERATURE),
        ("heat", LIMITS, Refusal.NO_TEMPERATURE),
        ("heat", BETWEEN | {"target_temp_high": None}, Refusal.NO_TEMPERATURE),
        ("heat_cool", AT_20, Refusal.NO_TEMPERATURE),
        ("dry", AT_20, Refusal.NO_TEMPERATURE),
        ("fan_only", AT_20, Refusal.NO_TEMPERATURE),
        ("unavailable", AT_20, {}),
        ("unknown", AT_20, {}),
    ],
)
def test_set_back_thermostat(
    state: str, attributes: dict[str, Any], wanted: dict[str, float] | Refusal
) -> None:
    """Heating goes down, cooling up, ranges apart, in steps and limits; nothing is turned on."""
    assert set_back(device_state_of(State("climate.one", state, attributes)), 2) == wanted


@pytest.mark.parametrize(
    ("state", "attributes", "wanted"),
    [
        ("eco", TANK, {"temperature": 48}),
        ("performance", TANK | {"temperature": 44}, {"temperature": 43}),
        ("timed", TANK | {"target_temp_low": 40, "target_temp_high": 60}, {"temperature": 48}),
        ("eco", TANK | {"target_temp_step": 1.5}, {"temperature": 48.5}),
        ("off", TANK, Refusal.ALREADY_OFF),
        ("auto", TANK, Refusal.IN_SCHEDULE),
        ("eco", TANK | {"temperature": None}, Refusal.NO_TEMPERATURE),
        ("eco", TANK | BETWEEN | {"temperature": None}, Refusal.NO_TEMPERATURE),
        ("eco", TANK | {"supported_features": 2}, Refusal.NO_TEMPERATURE),
        ("unavailable", TANK, {}),
    ],
)
def test_set_back_water_heater(
    state: str, attributes: dict[str, Any], wanted: dict[str, float] | Refusal
) -> None:
    """A water heater is set back in all modes except off and schedules."""
    assert set_back(device_state_of(State("water_heater.one", state, attributes)), 2) == wanted


@pytest.mark.parametrize(
    ("degrees", "step", "wanted"),
    [
        (0.5, 0.5, 19.5),
        (0.5, 1, 19),
        (1.6, 1, 18),
        (10, 0.5, 10),
        (0.5, None, 19.5),
        (3.3, 0, 16.7),
    ],
)
def test_set_back_by_steps(degrees: float, step: float | None, wanted: float) -> None:
    """A device moves by whole steps, at least by one."""
    state = State("climate.one", "heat", AT_20 | {"target_temp_step": step})
    assert set_back(device_state_of(state), degrees) == {"temperature": wanted}


@pytest.mark.parametrize(
    ("entity_id", "features", "can"),
    [
        ("climate.one", 1, True),
        ("climate.one", 2, True),
        ("climate.one", 4 | 128, False),
        ("climate.one", None, False),
        ("water_heater.one", 1 | 2, True),
        ("water_heater.one", 2, False),
        ("fan.one", 1, False),
    ],
)
def test_can_set_back(entity_id: str, features: int | None, can: bool) -> None:
    """Devices with a target temperature can be set back."""
    assert can_set_back(State(entity_id, "heat", {"supported_features": features})) is can


async def test_scene_of_another_integration(hass: HomeAssistant) -> None:
    """A scene without readable states is unsupported."""
    hass.states.async_set("scene.evening", "unknown", {"entity_id": ["light.one"]})
    assert scene_refusal_of(hass, "scene.evening") is Refusal.UNSUPPORTED
    assert scene_refusal_of(hass, "scene.gone") is Refusal.NOT_FOUND
    assert await async_setup_component(hass, "scene", {"scene": []})
    assert scene_refusal_of(hass, "scene.evening") is Refusal.UNSUPPORTED
