"""Test what is known of Home Assistant's devices: can they be held, and what do they say."""

from enum import IntFlag, StrEnum
from typing import Any

import pytest

from custom_components.equiwatt.holding.eligibility import (
    Refusal,
    can_pause,
    can_restore,
    reading_of,
    refusal_of,
)
from custom_components.equiwatt.holding.reading import UNKNOWN, Call
from custom_components.equiwatt.holding.service_calls import async_call
from homeassistant.core import Context, HomeAssistant, ServiceCall, State

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
    """What can be turned off and on again can be paused."""
    assert can_pause(State(entity_id, "on", attributes)) is can
    assert refusal_of(State(entity_id, "on", attributes)) is (None if can else Refusal.UNSUPPORTED)
    lost = Refusal.UNAVAILABLE if can else Refusal.UNSUPPORTED
    assert refusal_of(State(entity_id, "unavailable", attributes)) is lost


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ("on", None),
        ("playing", None),
        ("off", Refusal.ALREADY_OFF),
        ("standby", Refusal.ALREADY_OFF),
        ("unknown", Refusal.UNAVAILABLE),
        ("unavailable", Refusal.UNAVAILABLE),
    ],
)
def test_refusal(state: str, refusal: Refusal | None) -> None:
    """What is off, or not there, is not paused."""
    assert refusal_of(State("switch.one", state)) is refusal
    assert refusal_of(None) is Refusal.NOT_FOUND


def test_can_restore() -> None:
    """A scene may move more than can be paused, but not everything."""
    assert can_restore(State("cover.one", "open"))
    assert can_restore(State("number.one", "1"))
    assert not can_restore(State("lock.one", "locked"))


def test_reading() -> None:
    """A reading holds what can be stored."""

    class Mode(StrEnum):
        """A mode."""

        ECO = "eco"

    class Feature(IntFlag):
        """A feature."""

        ONE = 1

    attributes = {
        "mode": Mode.ECO,
        "features": Feature.ONE,
        "color": (1, 2.5),
        "inner": {"a": {1}},
        "none": None,
        "object": complex(1),
    }
    reading = reading_of(State("light.one", "on", attributes))
    assert reading.attributes == {
        "mode": "eco",
        "features": 1,
        "color": [1, 2.5],
        "inner": {"a": [1]},
        "none": None,
        "object": "(1+0j)",
    }
    assert type(reading.attributes["mode"]) is str
    assert reading_of(None) == reading_of(State("light.one", "unavailable")) == UNKNOWN


async def test_call(hass: HomeAssistant) -> None:
    """A command is an action of the device's domain, under the context that it is given."""
    seen: list[ServiceCall] = []

    async def note(call: ServiceCall) -> None:
        """Note a call."""
        seen.append(call)

    hass.services.async_register("light", "turn_on", note)
    context = Context()
    await async_call(hass, "light.one", Call(service="turn_on", data={"brightness": 9}), context)
    assert [(call.data, call.context) for call in seen] == [
        ({"entity_id": "light.one", "brightness": 9}, context)
    ]
