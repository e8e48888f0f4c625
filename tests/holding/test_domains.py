"""Test what is known of devices: can they be paused, are they on, are they as before."""

from typing import Any

import pytest

from custom_components.equiwatt.holding.domains import (
    Refusal,
    can_pause,
    is_as_before,
    is_known,
    is_on,
    refusal_of,
)
from homeassistant.core import State

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
        ("automation.one", {}, False),
        ("lock.one", {}, False),
        ("binary_sensor.one", {}, False),
    ],
)
def test_can_pause(entity_id: str, attributes: dict[str, Any], can: bool) -> None:
    """What can be turned off and on again can be paused."""
    assert can_pause(State(entity_id, "on", attributes)) is can
    refusal = None if can else Refusal.UNSUPPORTED
    assert refusal_of(State(entity_id, "on", attributes)) is refusal


@pytest.mark.parametrize(
    ("state", "known", "on", "refusal"),
    [
        ("on", True, True, None),
        ("playing", True, True, None),
        ("heat", True, True, None),
        ("off", True, False, Refusal.ALREADY_OFF),
        ("standby", True, False, Refusal.ALREADY_OFF),
        ("unknown", False, False, Refusal.UNAVAILABLE),
        ("unavailable", False, False, Refusal.UNAVAILABLE),
    ],
)
def test_on(state: str, known: bool, on: bool, refusal: Refusal | None) -> None:
    """What is not off is on, if it is known at all."""
    device = State("switch.one", state)
    assert (is_known(device), is_on(device), refusal_of(device)) == (known, on, refusal)


def test_no_device() -> None:
    """What is not there is nothing."""
    assert not is_known(None)
    assert not is_on(None)
    assert refusal_of(None) is Refusal.NOT_FOUND
    assert not is_as_before(State("switch.one", "on"), None)


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (("heat", {"temperature": 21}), ("heat", {"temperature": 21}), True),
        (("heat", {"temperature": 21}), ("heat", {"temperature": 20.5}), True),
        (("heat", {"temperature": 21}), ("heat", {"temperature": 7}), False),
        (("heat", {"temperature": 21}), ("heat", {}), False),
        (("heat", {"temperature": None}), ("heat", {"temperature": 7}), True),
        (("heat", {"temperature": 21}), ("auto", {"temperature": 21}), False),
        (("heat", {"temperature": 21}), ("off", {"temperature": 21}), False),
        (("heat_cool", {"target_temp_low": 18}), ("heat_cool", {"target_temp_low": 12}), False),
    ],
)
def test_thermostat_as_before(before: Any, now: Any, same: bool) -> None:
    """A thermostat is as before in its mode, and to the degree it was set to."""
    states = State("climate.one", *before), State("climate.one", *now)
    assert is_as_before(*states) is same


def test_others_as_before() -> None:
    """Other devices are when they are on; what they play, or how bright they are, may change."""
    assert is_as_before(State("media_player.one", "playing"), State("media_player.one", "idle"))
    assert not is_as_before(State("switch.one", "on"), State("switch.one", "off"))
