"""Test the timer."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.equiwatt.timer import Timer
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util


async def turn(hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float) -> None:
    """Turn the clock."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass, dt_util.utcnow())
    await hass.async_block_till_done()


async def test_fires_once(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """The timer fires once, after the delay set last."""
    fired: list[bool] = []
    timer = Timer(hass, "test", lambda: fired.append(timer.is_set))
    timer.async_set(10)
    timer.async_set(60)
    assert timer.is_set
    await turn(hass, freezer, 30)
    assert fired == []
    await turn(hass, freezer, 31)
    await turn(hass, freezer, 120)
    assert fired == [False]


async def test_unset(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """The timer can be unset and set again, until it is closed."""
    fired: list[None] = []
    timer = Timer(hass, "test", lambda: fired.append(None))
    timer.async_set(10)
    timer.async_set(None)
    await turn(hass, freezer, 11)
    assert fired == []
    timer.async_set(-5)
    await turn(hass, freezer, 1)
    assert len(fired) == 1
    timer.async_set(10)
    timer.async_close()
    timer.async_set(10)
    assert not timer.is_set
    await turn(hass, freezer, 11)
    assert len(fired) == 1


async def test_brought_forward(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """The timer can be brought forward, but not postponed, nor set if it is not set."""
    fired: list[None] = []
    timer = Timer(hass, "test", lambda: fired.append(None))
    timer.async_bring_forward(1)
    assert not timer.is_set
    timer.async_set(20)
    timer.async_bring_forward(30)
    timer.async_bring_forward(10)
    await turn(hass, freezer, 11)
    assert len(fired) == 1
