"""Test turning down the heating of a real Home Assistant, and its restore after a restart."""

from collections.abc import AsyncIterator
from pathlib import Path
import signal
from typing import Any

import pytest

from demo.client import HouseError
from demo.house import House

from ..fakes.process import add, end_process
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(60)]

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
"""


@pytest.fixture
async def house(api: Provider, tmp_path: Path, own_port: int) -> AsyncIterator[House]:
    """Run a Home Assistant with a thermostat that heats, and one that is off."""
    async with House(tmp_path, configuration=CONFIGURATION, port=own_port) as house:
        await add(house, api)
        await house.wait_for(HEATING, "heat", 20)
        yield house


async def set_back(house: House, **data: Any) -> Any:
    """Turn heating down and return the response of the action."""
    path = "/api/services/equiwatt/set_back?return_response"
    return (await house.request("POST", path, data))["service_response"]


async def heats_to(house: House, degrees: float, seconds: float) -> None:
    """Wait for the target temperature."""
    await house.wait_for(
        HEATING, lambda state: state["attributes"]["temperature"] == degrees, seconds
    )


async def test_set_back(house: House) -> None:
    """Heating is restored after a power cut and after a restart."""
    await house.call("equiwatt", "simulate_equivent", duration=600)
    await check_refused(house)
    for sign in (signal.SIGKILL, signal.SIGTERM):
        await house.call("equiwatt", "simulate_equivent", duration=600)
        await hold(house, sign)
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


async def hold(house: House, sign: signal.Signals) -> None:
    """Turn down the heating over a restart; a thermostat that is off stays off."""
    answer = await set_back(house, entity_id=[HEATING, BATHROOM], degrees=1.5)
    assert answer == {
        "set_back": [HEATING],
        "not_set_back": [{"entity_id": BATHROOM, "reason": "already_off"}],
    }
    await heats_to(house, 19.5, 5)
    await end_process(house, sign)
    await house.start()
    held = await house.wait_for(HELD, "1", 20)
    (shown,) = held["attributes"]["entities"]
    assert (shown["entity_id"], shown["state"], shown["temperature"]) == (HEATING, "heat", 21)
    await house.call("equiwatt", "simulate_equivent", duration=10)
    await house.wait_for(HELD, "0", 60)
    await heats_to(house, 21, 10)
    bathroom = await house.state(BATHROOM)
    assert bathroom
    assert (bathroom["state"], bathroom["attributes"]["temperature"]) == ("off", 17)
