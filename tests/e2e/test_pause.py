"""Test pausing devices of a real Home Assistant through power cuts and restarts.

The devices are files outside of it: their contents are the truth, also while it is down.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
import signal
import time
from typing import Any

import pytest

from demo.house import House

from ..fakes.forked import ForkedHouse
from ..fakes.process import TOKEN, add, call, end_process, stored
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(45)]

LIVE = "binary_sensor.equiwatt_live"
HELD = "sensor.equiwatt_held_devices"
CONFIGURATION = """
logger:
  default: warning
  logs:
    custom_components.equiwatt: debug
shell_command:
  note_start: echo start >> {folder}/acted
  note_end: echo end >> {folder}/acted
command_line:
"""
SWITCH = """\
  - switch:
      name: {name}
      unique_id: {name}
      scan_interval: 1
      command_on: test ! -e {folder}/dead && echo on >> {folder}/{name}
      command_off: echo off >> {folder}/{name}
      command_state: test "$(tail -n 1 {folder}/{name})" = on
"""
AUTOMATION = """
automation:
  - id: pause
    alias: Pause devices
    use_blueprint:
      path: equiwatt/pause_devices.yaml
      input:
        devices:
          entity_id: [switch.heater, switch.rail, switch.idle, switch.radio]
        notify_start: true
  - id: act
    alias: Act at the start and at the end
    use_blueprint:
      path: equiwatt/do_this_and_that.yaml
      input:
        start_actions: [{action: shell_command.note_start}]
        end_actions: [{action: shell_command.note_end}]
"""
DEVICES = {"heater": "on", "rail": "on", "idle": "off", "radio": "on"}


class Plugs:
    """Plugs as files, and the commands to each."""

    def __init__(self, folder: Path) -> None:
        """Create the plugs, all on."""
        self.folder = folder
        folder.mkdir()
        for name, state in DEVICES.items():
            self.turn(name, state)
        (self.folder / "acted").touch()

    def turn(self, name: str, state: str) -> None:
        """Turn a plug on or off by hand."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(f"{state}\n")

    def commands(self, name: str) -> list[str]:
        """Return the commands to a plug since the beginning."""
        return (self.folder / name).read_text("utf-8").split()[1:]

    def state(self, name: str) -> str:
        """Return the state of a plug."""
        return (self.folder / name).read_text("utf-8").split()[-1]

    @property
    def acted(self) -> list[str]:
        """Return the actions of the automation for the start and the end."""
        return (self.folder / "acted").read_text("utf-8").split()

    @property
    def deaf(self) -> Path:
        """Return the file that makes all plugs ignore commands to turn on."""
        return self.folder / "dead"

    @property
    def configuration(self) -> str:
        """Return the configuration of the plugs."""
        switches = (SWITCH.format(name=name, folder=self.folder) for name in DEVICES)
        configuration = CONFIGURATION.format(folder=self.folder)
        return configuration + "".join(switches) + AUTOMATION

    async def shown_in(self, house: House) -> None:
        """Wait until Home Assistant has polled each plug."""
        for name in DEVICES:
            await house.wait_for(f"switch.{name}", partial(self._shows, name))

    def _shows(self, name: str, found: dict[str, Any]) -> bool:
        """Return True if a state is the plug's present one, as a command may still arrive."""
        return bool(found["state"] == self.state(name))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, {name: self.commands(name) for name in DEVICES}
            await asyncio.sleep(0.02)


@pytest.fixture
def plugs(tmp_path: Path) -> Plugs:
    """Return four plugs."""
    return Plugs(tmp_path / "plugs")


@pytest.fixture
async def house(plugs: Plugs, tmp_path: Path, own_port: int) -> AsyncIterator[House]:
    """Run a Home Assistant with the plugs."""
    folder, configuration = tmp_path / "home", plugs.configuration
    async with ForkedHouse(folder, configuration=configuration, port=own_port) as house:
        yield house


def equivent(start: float, end: float | None) -> dict[str, int | None]:
    """Return an equivent as the API names it."""
    return {"start_time": int(start), "end_time": None if end is None else int(end)}


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL], ids=lambda sign: sign.name)
async def test_devices_are_restored(
    house: House, plugs: Plugs, api: Provider, sign: signal.Signals
) -> None:
    """Paused devices are restored after a power cut, a deaf beginning and a restart."""
    addresses = await add(house, api)
    await house.wait_for("switch.radio", "on")
    await stored(house)
    start = time.time()
    api.current = equivent(start, start + 3600)
    await call(addresses["started"])
    await plugs.until(lambda: plugs.commands("heater") == ["off"])  # others may follow
    await plugs.until(lambda: plugs.acted == ["start"])
    await end_process(house, sign)
    await asyncio.sleep(0.5)  # for a command in progress
    await house.start()
    await house.wait_for(LIVE, "on")
    await call(addresses["started"])
    await plugs.shown_in(house)
    await still_off_when_paused_again(house, plugs)
    await house.call("switch", "turn_on", entity_id="switch.radio")  # which makes it theirs
    await house.wait_for("switch.radio", "on")
    await house.call("switch", "turn_off", entity_id="switch.radio")
    await house.wait_for("switch.radio", "off")
    await ended_while_down(house, plugs, api, sign, start)
    check_log(house, addresses)


async def test_call_for_an_area_or_all(house: House, plugs: Plugs, api: Provider) -> None:
    """A call by area or for all takes a device over, an update does not."""
    await add(house, api)
    await plugs.shown_in(house)
    devices = ["switch.heater", "switch.rail", "switch.radio"]
    area = await house.command("config/area_registry/create", name="Study")
    chosen = {"entity_id": "switch.radio", "area_id": area["area_id"]}
    await house.command("config/entity_registry/update", **chosen)
    await house.call("equiwatt", "simulate_equivent", duration=600)  # the automation pauses them
    await house.wait_for(HELD, "3")
    for device in devices:
        await house.wait_for(device, "off")
    await house.call("homeassistant", "update_entity", entity_id="switch.heater")
    await house.call("switch", "turn_on", area_id=area["area_id"])
    await house.wait_for(HELD, "2")
    await house.call("switch", "turn_off", entity_id="all")
    await house.wait_for(HELD, "0")
    await house.call("equiwatt", "simulate_equivent", duration=10)
    await house.wait_for(LIVE, "off")
    await asyncio.sleep(3)
    assert plugs.commands("heater") == plugs.commands("rail") == ["off", "off"]
    assert plugs.commands("radio") == ["off", "on", "off"]


async def still_off_when_paused_again(house: House, plugs: Plugs) -> None:
    """Pause again after an early power cut, which keeps the first state."""
    devices = ["switch.heater", "switch.rail", "switch.radio"]
    await house.call("equiwatt", "pause", entity_id=devices)
    await plugs.until(
        lambda: all(plugs.commands(name)[-1:] == ["off"] for name in DEVICES if name != "idle")
    )
    assert plugs.commands("heater") == ["off"]


async def ended_while_down(
    house: House, plugs: Plugs, api: Provider, sign: signal.Signals, start: float
) -> None:
    """End the equivent while Home Assistant is down, with plugs deaf at first."""
    plugs.deaf.touch()
    await end_process(house, sign)
    api.current = None
    api.previous = [equivent(start, time.time())]
    await house.start()
    await house.wait_for(LIVE, "off")
    await plugs.until(lambda: plugs.acted == ["start", "end"])
    await asyncio.sleep(2)
    assert plugs.commands("heater") == plugs.commands("rail") == ["off"]
    plugs.deaf.unlink()
    await end_process(house, sign)  # each start retries at once, not a minute later
    await house.start()
    await plugs.until(lambda: plugs.commands("heater") == plugs.commands("rail") == ["off", "on"])
    assert plugs.commands("radio") == ["off", "on", "off"]
    assert plugs.commands("idle") == []
    await house.wait_for("switch.heater", "on")
    assert plugs.acted == ["start", "end"]


def check_log(house: House, addresses: dict[str, str]) -> None:
    """Check that nothing failed and no secret was logged."""
    ours = [
        problem
        for problem in house.problems()
        if "custom_components.equiwatt" in problem.splitlines()[0]
    ]
    assert ours == []
    assert TOKEN not in house.log()
    assert addresses["started"].split("/")[-1].split("?")[0] not in house.log()
