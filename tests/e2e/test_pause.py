"""Pause devices of a real Home Assistant, pull its plug, and see every device come back.

The devices are files outside of it: what they say is what they are, whoever is running.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
import signal
import time

import pytest

from demo.house import House

from ..fakes.process import TOKEN, add, call, end_process
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(120)]

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
    """Switches that are files, and what was said to each."""

    def __init__(self, folder: Path) -> None:
        """Plug them in."""
        self.folder = folder
        folder.mkdir()
        for name, state in DEVICES.items():
            self.say(name, state)
        (self.folder / "acted").touch()

    def say(self, name: str, state: str) -> None:
        """Turn one on or off by hand."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(f"{state}\n")

    def said(self, name: str) -> list[str]:
        """Return what one was told since it was plugged in."""
        return (self.folder / name).read_text("utf-8").split()[1:]

    @property
    def acted(self) -> list[str]:
        """Return what the automation with lists for the start and the end has done."""
        return (self.folder / "acted").read_text("utf-8").split()

    @property
    def dead(self) -> Path:
        """Return the file that makes all of them deaf for being turned on."""
        return self.folder / "dead"

    @property
    def configuration(self) -> str:
        """Return how Home Assistant knows them."""
        switches = (SWITCH.format(name=name, folder=self.folder) for name in DEVICES)
        configuration = CONFIGURATION.format(folder=self.folder)
        return configuration + "".join(switches) + AUTOMATION

    async def shown_in(self, house: House) -> None:
        """Wait until Home Assistant has asked each of them how it is."""
        for name in DEVICES:
            state = (self.folder / name).read_text("utf-8").split()[-1]
            await house.wait_for(f"switch.{name}", state, 5)

    async def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, {name: self.said(name) for name in DEVICES}
            await asyncio.sleep(0.02)


@pytest.fixture
def plugs(tmp_path: Path) -> Plugs:
    """Return four plugs."""
    return Plugs(tmp_path / "plugs")


@pytest.fixture
async def house(
    plugs: Plugs, tmp_path: Path, own_port: int, socket_enabled: None
) -> AsyncIterator[House]:
    """Run a Home Assistant with the plugs."""
    folder, configuration = tmp_path / "home", plugs.configuration
    async with House(folder, configuration=configuration, port=own_port) as house:
        yield house


def equivent(start: float, end: float | None) -> dict[str, int | None]:
    """Return an equivent as the API names it."""
    return {"start_time": int(start), "end_time": None if end is None else int(end)}


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL], ids=lambda sign: sign.name)
async def test_devices_come_back(
    house: House, plugs: Plugs, api: Provider, sign: signal.Signals
) -> None:
    """What was paused comes back after a pulled plug, a deaf hour's beginning and a restart."""
    addresses = await add(house, api)
    await house.wait_for("switch.radio", "on", 5)
    await asyncio.sleep(2)  # until the entry is on the disk
    start = time.time()
    api.current = equivent(start, start + 3600)
    await call(addresses["started"])
    await plugs.until(lambda: plugs.said("heater") == ["off"], 5)  # and others may be to come
    await plugs.until(lambda: plugs.acted == ["start"], 5)
    await end_process(house, sign)
    await asyncio.sleep(0.5)  # for a command under way
    await house.start()
    await house.wait_for(LIVE, "on", 5)
    await call(addresses["started"])
    await plugs.shown_in(house)
    await still_off_when_paused_again(house, plugs)
    await house.call("switch", "turn_on", entity_id="switch.radio")  # which makes it theirs
    await house.wait_for("switch.radio", "on", 5)
    await house.call("switch", "turn_off", entity_id="switch.radio")
    await house.wait_for("switch.radio", "off", 5)
    await ended_while_down(house, plugs, api, sign, start)
    check_log(house, addresses)


async def test_call_for_an_area_or_all(house: House, plugs: Plugs, api: Provider) -> None:
    """What a person calls by its area, or by calling all, is theirs; an update is no such call."""
    await add(house, api)
    await plugs.shown_in(house)
    devices = ["switch.heater", "switch.rail", "switch.radio"]
    area = await house.command("config/area_registry/create", name="Study")
    chosen = {"entity_id": "switch.radio", "area_id": area["area_id"]}
    await house.command("config/entity_registry/update", **chosen)
    await house.call("equiwatt", "simulate_equivent", duration=600)
    await house.call("equiwatt", "pause", entity_id=devices)
    await house.wait_for(HELD, "3", 5)
    await house.call("homeassistant", "update_entity", entity_id="switch.heater")
    await house.call("switch", "turn_on", area_id=area["area_id"])
    await house.wait_for(HELD, "2", 5)
    await house.call("switch", "turn_off", entity_id="all")
    await house.wait_for(HELD, "0", 5)
    await house.call("equiwatt", "simulate_equivent", duration=10)
    await house.wait_for(LIVE, "off", 20)
    await asyncio.sleep(3)
    assert plugs.said("heater") == plugs.said("rail") == ["off", "off"]
    assert plugs.said("radio") == ["off", "on", "off"]


async def still_off_when_paused_again(house: House, plugs: Plugs) -> None:
    """Pause again, for whatever the plug was pulled too early for; the first memory counts."""
    devices = ["switch.heater", "switch.rail", "switch.radio"]
    await house.call("equiwatt", "pause", entity_id=devices)
    await plugs.until(
        lambda: all(plugs.said(one)[-1:] == ["off"] for one in DEVICES if one != "idle"), 5
    )
    assert plugs.said("heater") == ["off"]


async def ended_while_down(
    house: House, plugs: Plugs, api: Provider, sign: signal.Signals, start: float
) -> None:
    """Let the equivent end while Home Assistant is down, and the plugs be deaf at first."""
    plugs.dead.touch()
    await end_process(house, sign)
    api.current = None
    api.previous = [equivent(start, time.time())]
    await house.start()
    await house.wait_for(LIVE, "off", 30)
    await asyncio.sleep(3)
    assert plugs.said("heater") == plugs.said("rail") == ["off"]
    plugs.dead.unlink()
    await end_process(house, sign)  # as each start tries again at once, and not a minute later
    await house.start()
    await plugs.until(lambda: plugs.said("heater") == plugs.said("rail") == ["off", "on"], 10)
    assert plugs.said("radio") == ["off", "on", "off"]
    assert plugs.said("idle") == []
    await house.wait_for("switch.heater", "on", 5)
    assert plugs.acted == ["start", "end"]


def check_log(house: House, addresses: dict[str, str]) -> None:
    """Check that nothing went wrong, and that no secret was logged."""
    ours = [one for one in house.problems() if "custom_components.equiwatt" in one.splitlines()[0]]
    assert ours == []
    assert TOKEN not in house.log()
    assert addresses["started"].split("/")[-1].split("?")[0] not in house.log()
