"""Test holding all kinds of pretend devices in a real Home Assistant, with restarts and reloads.

The true state of each device is in a file beside the configuration, which outlives the process.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
import signal
import time
from typing import Any

import pytest

from demo.house import House
from tests.fakes import devices as zoo
from tests.fakes.devices.kinds import KINDS

from ..fakes.forked import ForkedHouse
from ..fakes.home import LIVE
from ..fakes.process import add, end_process, stored
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(55)]

LEFT_OUT = (
    "slow radio thermostat",
    "thermostat whose preset ends with a temperature",
    "valve whose off is five degrees",
)
"""Devices that need minutes or are never off, which have tests with a clock turned by hand."""
PAUSED = {f"one_{n}": row for n, row in enumerate(KINDS) if row not in LEFT_OUT}
DEVICES = PAUSED | {row: row for row in ("blind", "select", "number")}
SCENE = """
scene:
  - name: Saving
    entities:
      cover.blind: {state: open, current_position: 10}
      select.select: charge
      number.number: "60"
"""
LOGGER = "logger:\n  default: warning\n"


@pytest.fixture
async def house(tmp_path: Path, own_port: int) -> AsyncIterator[House]:
    """Run a Home Assistant with the zoo."""
    folder = tmp_path / "home"
    folder.mkdir()
    configuration = LOGGER + zoo.install_zoo(folder, DEVICES) + SCENE
    async with ForkedHouse(folder, configuration=configuration, port=own_port) as house:
        yield house


def essences(house: House) -> dict[str, dict[str, Any]]:
    """Return the true states."""
    return {name: zoo.DeviceFile(house.folder, name).read()["essence"] for name in DEVICES}


async def until_they_are(house: House, wanted: dict[str, dict[str, Any]], seconds: float) -> None:
    """Wait for the true states."""
    end = time.monotonic() + seconds
    while (now := essences(house)) != wanted:
        differs = {
            DEVICES[name]: (now[name], wanted[name]) for name in now if now[name] != wanted[name]
        }
        assert time.monotonic() < end, differs
        await asyncio.sleep(0.2)


def commands(house: House) -> dict[str, int]:
    """Return the number of commands to each device."""
    return {name: len(zoo.DeviceFile(house.folder, name).read()["commands"]) for name in DEVICES}


@pytest.mark.parametrize("interruptions", [("end", "flap", "SIGKILL"), ("reload", "SIGTERM")])
async def test_rows(house: House, api: Provider, interruptions: tuple[str, ...]) -> None:
    """Each device is off or as in a scene while it is held, and restored afterwards."""
    await add(house, api)
    await stored(house)
    for how in interruptions:
        await hold(house, how)
    ours = [
        problem
        for problem in house.problems()
        if "custom_components.equiwatt" in problem.splitlines()[0]
    ]
    assert ours == []


async def hold(house: House, how: str) -> None:
    """Hold the devices until the end, with an interruption before it."""
    before, given = essences(house), commands(house)
    entities = [f"{KINDS[row](name).domain}.{name}" for name, row in PAUSED.items()]
    await house.call("equiwatt", "simulate_equivent", duration={"minutes": 10})
    await house.wait_for(LIVE, "on")
    await house.call("equiwatt", "pause", entity_id=entities)
    for entity_id in entities:
        await house.wait_for(entity_id, "off")
    await house.call("equiwatt", "apply_scene", entity_id="scene.saving")
    await house.wait_for("number.number", "60.0")
    if how == "reload":
        (entry,) = await house.entries("equiwatt")
        await house.call("homeassistant", "reload_config_entry", entry_id=entry["entry_id"])
    elif how == "flap":
        await house.call("zoo", "flap")
    elif how != "end":
        await end_process(house, signal.Signals[how])
        await house.start()
    await house.wait_for(LIVE, "on")
    await house.call("equiwatt", "simulate_equivent", duration={"seconds": 10})
    await until_they_are(house, before, 60)
    now = commands(house)
    assert {name for name in DEVICES if now[name] - given[name] > 1 + 8} == set()
