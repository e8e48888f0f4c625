"""Test that devices are restored although the power fails at any moment of a hold."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.equiwatt.storage import StorageFile
from tests.fakes.devices.entities import install
from tests.fakes.devices.pretend import Plug, Thermostat
from tests.fakes.home import Home
from tests.fakes.provider import Provider
from tests.fakes.samples import sampled

from ..holding.pausing import KEY, MINUTE, PLUG, end, pause, repairs, restart, started, until

CLIMATE = "climate.thermostat"
MOMENTS = 28
"""Number of moments before and after each write and each command."""


class Power:
    """The power, which fails at a moment: nothing is written or commanded from then on."""

    def __init__(self) -> None:
        """Initialize with power for ever."""
        self.moments = 0
        self.fails_at = 0
        self.has_failed = False

    def cut(self, work: Callable[..., None]) -> Callable[..., None]:
        """Return a function that the power may cut before and after its work."""

        def cut(*args: Any) -> None:
            """Work if there is power."""
            self.tick()
            work(*args)
            self.tick()

        return cut

    def tick(self) -> None:
        """Pass a moment. Raise CancelledError if the power fails, as nothing goes on then."""
        self.moments += 1
        self.has_failed |= self.moments == self.fails_at
        if self.has_failed:
            raise asyncio.CancelledError


@pytest.fixture
def power() -> Iterator[Power]:
    """Return the power of the disk."""
    power, save = Power(), StorageFile._async_save

    async def save_held(file: StorageFile, data: dict[str, Any]) -> None:
        """Write the held devices if there is power before and after it."""
        is_ours = file.key == KEY
        if is_ours:
            power.tick()
        await save(file, data)
        if is_ours:
            power.tick()

    with patch.object(StorageFile, "_async_save", save_held):
        yield power


async def live_through(home: Home, provider: Provider, power: Power) -> None:
    """Pause two devices, and restart as soon as the power has failed; then restore them."""
    plug, thermostat = await install(home.hass, Plug("Plug"), Thermostat("Thermostat"))
    for device in (plug, thermostat):
        device.command = power.cut(device.command)  # type: ignore[method-assign]

    async def hold() -> None:
        """Pause the devices."""
        action = home.hass.async_create_task(pause(home.hass, PLUG, CLIMATE))
        await until(lambda: action.done() or power.has_failed)
        action.cancel()

    for part in (
        hold,
        lambda: home.pass_time(3 * MINUTE),
        lambda: end(home, provider),
        lambda: home.pass_time(5 * MINUTE),
    ):
        await part()
        if power.has_failed:
            power.has_failed = False
            await restart(home)
            await started(home)
    await home.pass_time(70 * MINUTE, step=30)
    assert (home.state(PLUG), home.state(CLIMATE)) == ("on", "heat")
    assert thermostat.temperature == 21
    assert repairs(home.hass) == []
    assert home.state("sensor.equiwatt_held_devices") == "0"


async def test_moments(live: Home, provider: Provider, power: Power) -> None:
    """The power is cut at all moments of a hold below."""
    await live_through(live, provider, power)
    assert power.moments == MOMENTS


@pytest.mark.parametrize("moment", sampled(MOMENTS, quick=7))
async def test_power_cut(live: Home, provider: Provider, power: Power, moment: int) -> None:
    """Both devices are as before in the end."""
    power.fails_at = moment + 1
    await live_through(live, provider, power)
    assert power.moments > moment
