"""Test pauses and scenes against a plain model, in any order of events."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import Context, CoreState
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component
from tests.fakes.devices.entities import install
from tests.fakes.devices.pretend import Plug
from tests.fakes.home import Home
from tests.fakes.provider import Provider
from tests.fakes.samples import sampled

HOUR = timedelta(hours=1)
STEPS = 60
SEEDS = 40
NAMES = ("One", "Two", "Three")


class StubbornPlug(Plug):
    """A plug that may ignore commands to turn on."""

    deaf = False

    def turn_on(self, **_: Any) -> None:
        """Turn on, or not."""
        self.state = "off" if self.deaf else "on"


@dataclass
class ExpectedHome:
    """A home with the expected state of each device once everything is over."""

    home: Home
    provider: Provider
    random: Random
    plugs: dict[str, StubbornPlug]
    expected: dict[str, bool]

    def any(self) -> tuple[str, StubbornPlug]:
        """Draw any device."""
        return self.random.choice(list(self.plugs.items()))

    async def pause(self) -> None:
        """Pause some devices, for a while or until the end."""
        chosen = self.random.sample(list(self.plugs), self.random.randint(1, len(self.plugs)))
        longest = self.random.choice([0, 0, 30, 200, 900])
        live = self.home.live == "on"
        with nullcontext() if live else pytest.raises(ServiceValidationError, match="No equivent"):
            await self.home.hass.services.async_call(
                DOMAIN,
                "pause",
                {"entity_id": chosen, "max_duration": longest},
                blocking=True,
                return_response=True,
            )

    async def apply_scenes(self) -> None:
        """Apply scenes that turn devices off, for a while or until the end."""
        chosen = [
            f"scene.{plug.name}".lower() for plug in self.plugs.values() if plug.state == "on"
        ]
        if chosen and self.home.live == "on":
            data = {"entity_id": chosen, "max_duration": self.random.choice([0, 0, 200, 900])}
            await self.home.hass.services.async_call(
                DOMAIN, "apply_scene", data, blocking=True, return_response=True
            )

    async def turn(self) -> None:
        """Turn a device on or off by hand, if it is available and obeys."""
        entity_id, plug = self.any()
        on = plug.state == "off"
        if not plug.is_available or plug.deaf:
            return
        await self.home.hass.services.async_call(
            "switch",
            "turn_on" if on else "turn_off",
            {"entity_id": entity_id},
            blocking=True,
            context=Context(parent_id="01SOMEBODY"),
        )
        self.expected[entity_id] = on

    async def lose(self) -> None:
        """Make a device unavailable or available."""
        _, plug = self.any()
        plug.report(available=not plug.is_available)

    async def deafen(self) -> None:
        """Make a device ignore commands, or obey again."""
        _, plug = self.any()
        plug.deaf = not plug.deaf

    async def start_or_end(self) -> None:
        """Start or end an equivent."""
        if self.provider.current:
            await self.end()
        else:
            now = self.home.now
            self.provider.start(now, now + HOUR)
            await self.home.poll()

    def let_end(self) -> None:
        """End the equivent, unnoticed until the next poll."""
        if self.provider.current:
            start = self.provider.current["start_time"]
            self.provider.current = None
            end = int(self.home.now.timestamp())
            self.provider.previous.insert(0, {"start_time": start, "end_time": end})

    async def end(self) -> None:
        """End the equivent and poll."""
        if self.provider.current:
            self.let_end()
            await self.home.poll()

    async def restart(self) -> None:
        """Restart, with an end and a change by hand possible in between."""
        entry_id = self.home.entry.entry_id
        hass = self.home.hass
        assert await hass.config_entries.async_unload(entry_id)
        self.home.freezer.tick(self.random.choice([1, 60, 600]))
        if self.random.random() < 0.3:
            self.let_end()
        entity_id, plug = self.any()
        if plug.is_available and plug.state == "off" and not plug.deaf:
            plug.report("on")
            self.expected[entity_id] = True
        hass.set_state(CoreState.starting)
        assert await hass.config_entries.async_setup(entry_id)
        hass.set_state(CoreState.running)
        hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
        await self.home.settle()

    async def wait(self) -> None:
        """Turn the clock."""
        await self.home.pass_time(self.random.choice([1, 20, 45, 240]), step=20)

    async def all_over(self) -> None:
        """End the equivent, with every device available and obedient."""
        await self.end()
        for plug in self.plugs.values():
            plug.deaf = False
            plug.report(available=True)
        await self.home.pass_time(20 * 60, step=20)  # rounds are up to 15 minutes apart
        assert self.home.live == "off"
        assert {name: plug.state == "on" for name, plug in self.plugs.items()} == self.expected


@pytest.mark.parametrize("seed", sampled(SEEDS, quick=8))
async def test_devices_end_as_expected(home: Home, provider: Provider, seed: int) -> None:
    """Each device ends as people left it, or as it was before the pause."""
    random = Random(seed)  # noqa: S311
    await home.setup()
    devices = await install(home.hass, *(StubbornPlug(name) for name in NAMES))
    plugs = {device.entity_id: device for device in devices}
    for plug in plugs.values():
        plug.report("on" if random.random() < 0.7 else "off")
    scenes = [{"name": name, "entities": {f"switch.{name.lower()}": "off"}} for name in NAMES]
    assert await async_setup_component(home.hass, "scene", {"scene": scenes})
    expected = {entity_id: plug.state == "on" for entity_id, plug in plugs.items()}
    model = ExpectedHome(home, provider, random, plugs, expected)
    steps = [
        model.pause,
        model.pause,
        model.apply_scenes,
        *[model.turn] * 5,
        model.lose,
        model.deafen,
    ]
    steps += [model.start_or_end, model.restart, model.wait, model.wait]
    for _ in range(STEPS):
        await random.choice(steps)()
    await model.all_over()
