"""Test turning down the heating of a real Home Assistant, and its restore after a restart."""

from collections.abc import AsyncIterator
from pathlib import Path
import signal
from typing import Any

import pytest

from demo.client import HouseError
from demo.house import House

from ..fakes.forked import ForkedHouse
from ..fakes.process import add, end_process
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(30)]

HEATING, BATHROOM = "climate.heating", "climate.bathroom"
HELD = "sensor.equiwatt_held_devices"
CONFIGURATION = """
logger:
  default: warning
  logs:
    custom_components.equiwatt: debug
input_boolean:
  boiler:
  rail:
template:
  - sensor:
      - name: Room
        device_class: temperature
        unit_of_measurement: °C
        state: "20.4"
climate:
  - platform: generic_thermostat
    name: Heating
    unique_id: heating
    heater: input_boolean.boiler
    target_sensor: sensor.room
    initial_hvac_mode: heat
    target_temp: 21
    target_temp_step: 0.5
  - platform: generic_thermostat
    name: Bathroom
    unique_id: bathroom
    heater: input_boolean.rail
    target_sensor: sensor.room
    initial_hvac_mode: "off"
    target_temp: 17
scene:
  - name: Saving
    entities:
      climate.heating:
        state: heat
        temperature: 18
"""


@pytest.fixture
async def house(api: Provider, tmp_path: Path, own_port: int) -> AsyncIterator[House]:
    """Run a Home Assistant with a thermostat that heats, and one that is off."""
    async with ForkedHouse(tmp_path, configuration=CONFIGURATION, port=own_port) as house:
        await add(house, api)
        await house.wait_for(HEATING, "heat")
        yield house


async def call(house: House, action: str, **data: Any) -> Any:
    """Call an action and return its response."""
    path = f"/api/services/equiwatt/{action}?return_response"
    return (await house.request("POST", path, data))["service_response"]


async def heats_to(house: House, degrees: float, seconds: float) -> None:
    """Wait for the target temperature."""
    await house.wait_for(
        HEATING, lambda state: state["attributes"]["temperature"] == degrees, seconds
    )


async def test_set_back(house: House) -> None:
    """Heating is restored after a restart and after a power cut, whatever turned it down."""
    await house.call("equiwatt", "simulate_equivent", duration=600)
    await check_refused(house)
    for sign in (signal.SIGTERM, signal.SIGKILL):  # a graceful stop has stored the entry
        await house.call("equiwatt", "simulate_equivent", duration=600)
        await set_back(house)
        await check_restored(house, sign)
    await house.call("equiwatt", "simulate_equivent", duration=600)
    await apply_scene(house)
    await check_restored(house, signal.SIGKILL)
    assert [
        problem for problem in house.problems() if "custom_components.equiwatt" in problem
    ] == []


async def check_refused(house: House) -> None:
    """Check that a missing target and too many degrees are refused."""
    with pytest.raises(HouseError, match=r"[45]00"):  # older releases answer with 500
        await house.call("equiwatt", "set_back")
    with pytest.raises(HouseError, match="400"):
        await house.call("equiwatt", "set_back", entity_id=HEATING, degrees=11)
    await heats_to(house, 21, 1)


async def set_back(house: House) -> None:
    """Turn down the heating; a thermostat that is off stays off."""
    answer = await call(house, "set_back", entity_id=[HEATING, BATHROOM], degrees=1.5)
    assert answer == {
        "set_back": [HEATING],
        "not_set_back": [{"entity_id": BATHROOM, "reason": "already_off"}],
    }
    await heats_to(house, 19.5, 5)


async def apply_scene(house: House) -> None:
    """Turn down the heating by a scene."""
    assert await call(house, "apply_scene", entity_id="scene.saving") == {
        "applied": ["scene.saving"],
        "not_applied": [],
        "held": [HEATING],
        "not_held": [],
    }
    await heats_to(house, 18, 5)


async def check_restored(house: House, sign: signal.Signals) -> None:
    """Check that the heating is held over a restart and restored after it."""
    await end_process(house, sign)
    await house.start()
    held = await house.wait_for(HELD, "1")
    (shown,) = held["attributes"]["entities"]
    assert (shown["entity_id"], shown["state"], shown["temperature"]) == (HEATING, "heat", 21)
    await house.call("equiwatt", "simulate_equivent", duration=10)
    await house.wait_for(HELD, "0", 60)
    await heats_to(house, 21, 10)
    bathroom = await house.state(BATHROOM)
    assert bathroom
    assert (bathroom["state"], bathroom["attributes"]["temperature"]) == ("off", 17)
