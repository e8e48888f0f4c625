"""Test that what an automation does is not taken for nobody's, nor what we do for a person's."""

from datetime import timedelta
from typing import Any

import pytest

from homeassistant.core import Context
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.conftest import House, Provider
from tests.devices import Lamp, Plug, Thermostat, install

from .pausing import MINUTE, end, pause

CLIMATE = "climate.thermostat"


class Steady(Thermostat):
    """A thermostat that keeps its temperature whatever its mode, as most do."""

    async def async_set_hvac_mode(self, hvac_mode: Any) -> None:
        """Set the mode alone."""
        if self.command(hvac_mode):
            self.report(hvac_mode=hvac_mode)


async def test_setback_while_paused(live: House, provider: Provider) -> None:
    """What an automation sets meanwhile is its own, though the clock triggers it, and no person."""
    (thermostat,) = await install(live.hass, Steady("Thermostat"))
    at = dt_util.as_local(live.now + timedelta(minutes=5)).strftime("%H:%M:%S")
    night = {
        "alias": "Night",
        "triggers": [{"trigger": "time", "at": at}],
        "actions": [
            {
                "action": "climate.set_temperature",
                "target": {"entity_id": CLIMATE},
                "data": {"temperature": 17},
            }
        ],
    }
    assert await async_setup_component(live.hass, "automation", {"automation": night})
    await live.settle()
    await pause(live.hass, CLIMATE)
    await live.pass_time(10 * MINUTE)
    assert (live.state(CLIMATE), thermostat.target_temperature) == ("off", 17)
    await end(live, provider)
    await live.pass_time(10 * MINUTE)
    assert (live.state(CLIMATE), thermostat.target_temperature) == ("off", 17)
    one = {"entity_id": "automation.night"}
    await live.hass.services.async_call("automation", "turn_off", one, blocking=True)


class Wrapper(Plug):
    """A plug that is a lamp by another name, as a template makes it."""

    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn the lamp on, in this one's context."""
        await self._forward("turn_on")
        await super().async_turn_on()

    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn the lamp off."""
        await self._forward("turn_off")
        await super().async_turn_off()

    async def _forward(self, service: str) -> None:
        """Hand on."""
        data = {"entity_id": "light.lamp"}
        await self.hass.services.async_call(
            "light", service, data, blocking=True, context=self._context
        )


@pytest.mark.parametrize("name", ["Aaa", "Kitchen"])
async def test_device_behind_another(live: House, provider: Provider, name: str) -> None:
    """Our own command by way of another entity is ours, not a person's."""
    lamp, _ = await install(live.hass, Lamp("Lamp"), Wrapper(name))
    entities = ["light.lamp", f"switch.{name.lower()}"]
    await live.hass.services.async_call(
        "equiwatt",
        "pause",
        {"entity_id": entities},
        blocking=True,
        context=Context(parent_id="01AUTOMATION"),
    )
    await live.pass_time(2 * MINUTE)
    assert not lamp.is_on
    assert live.state("sensor.equiwatt_held_devices") == "2"
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert [live.state(one) for one in entities] == ["on", "on"]
