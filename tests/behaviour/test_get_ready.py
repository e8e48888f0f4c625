"""Test the blueprint that gets ready for an equivent, loaded and run by a real Home Assistant."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from homeassistant.core import CoreState

from ..fakes.actions import plan, turn
from ..fakes.blueprints import AUTOMATION, Use, user_of
from ..fakes.home import NOW, Home
from ..fakes.provider import Provider

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
READY = {
    "event": "ready",
    "event_data": {"for": "{{ start }}", "kind": "{{ kind }}"},
}
SOON = NOW + 100 * MINUTE


class Readiness:
    """The runs of the automation."""

    def __init__(self, home: Home, use: Use) -> None:
        """Listen for them."""
        self._house = home
        self._use = use
        self._events = async_capture_events(home.hass, "ready")
        self._at: list[datetime] = []

    async def setup(self, **inputs: Any) -> None:
        """Set up the account, and an automation with some inputs."""
        await self._house.setup()
        await self._use("get_ready", actions=[READY], **inputs)

    @property
    def starts(self) -> list[str]:
        """Return the starts of the equivents that it got ready for."""
        return [event.data["for"] for event in self._events]

    @property
    def kinds(self) -> list[str | None]:
        """Return their kinds."""
        return [event.data["kind"] for event in self._events]

    async def at(self, moment: datetime) -> list[str]:
        """Return the starts that it got ready for by some time."""
        seconds = (moment - self._house.now).total_seconds()
        await self._house.pass_time(seconds, step=60)
        return self.starts


@pytest.fixture
def ready(home: Home, tmp_path: Path) -> Readiness:
    """Return the runs of the automation."""
    return Readiness(home, user_of(home, tmp_path))


def starts(*moments: datetime) -> list[str]:
    """Return starts as the sensor has them."""
    return [moment.isoformat() for moment in moments]


async def test_so_long_before(home: Home, ready: Readiness) -> None:
    """It runs an hour before the start, once, and knows for what."""
    await ready.setup()
    await plan(home, SOON, SOON + HOUR, "powerDOWN")
    assert await ready.at(SOON - HOUR - MINUTE) == []
    assert await ready.at(SOON - HOUR + MINUTE) == starts(SOON)
    assert ready.kinds == ["power_down"]
    assert await ready.at(SOON + HOUR) == starts(SOON)


async def test_another_time(home: Home, ready: Readiness) -> None:
    """How long before is the user's choice."""
    await ready.setup(lead={"days": 0, "hours": 0, "minutes": 20, "seconds": 0})
    await plan(home, SOON, SOON + HOUR, "powerDOWN")
    assert await ready.at(SOON - 21 * MINUTE) == []
    assert await ready.at(SOON - 19 * MINUTE) == starts(SOON)


async def test_planned_later(home: Home, ready: Readiness) -> None:
    """One that is planned within that time is got ready for at once, and once."""
    await ready.setup()
    await plan(home, NOW + 20 * MINUTE, NOW + HOUR, "Mine")
    assert ready.starts == starts(NOW + 20 * MINUTE)
    assert await ready.at(NOW + HOUR) == starts(NOW + 20 * MINUTE)


async def test_moved(home: Home, ready: Readiness) -> None:
    """One that is moved within that time is got ready for before its new time."""
    await ready.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    assert await ready.at(SOON - 30 * MINUTE) == starts(SOON)
    later = SOON + 50 * MINUTE
    await plan(home, later, later + HOUR, "Mine")
    assert await ready.at(later - HOUR + 2 * MINUTE) == starts(SOON, later)
    assert await ready.at(later + HOUR) == starts(SOON, later)


@pytest.mark.parametrize("told", [90, 1])
async def test_planned_and_announced(
    home: Home, provider: Provider, ready: Readiness, told: int
) -> None:
    """One that the API announces, a little later than planned, was got ready for already."""
    await ready.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    await ready.at(SOON - told * MINUTE)
    real = SOON + timedelta(seconds=76)
    provider.current = {
        "start_time": int(real.timestamp()),
        "end_time": int((real + HOUR).timestamp()),
    }
    assert len(await ready.at(SOON + HOUR)) == 1


async def test_back_to_back(home: Home, ready: Readiness) -> None:
    """One that starts when the one before ends is got ready for too, as soon as it is the next."""
    await ready.setup()
    await plan(home, SOON, SOON + 30 * MINUTE, "One")
    await plan(home, SOON + 30 * MINUTE, SOON + HOUR, "Two")
    assert await ready.at(SOON - MINUTE) == starts(SOON)
    assert await ready.at(SOON + MINUTE) == starts(SOON, SOON + 30 * MINUTE)


async def restart(home: Home, minutes: float) -> None:
    """Restart Home Assistant, as far as automations and the account can tell."""
    one = {"entity_id": "automation.one"}
    await home.hass.services.async_call(AUTOMATION, "turn_off", one, blocking=True)
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await home.settle()
    home.freezer.tick(minutes * 60)
    home.hass.set_state(CoreState.not_running)
    await home.hass.services.async_call(AUTOMATION, "turn_on", one, blocking=True)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    await home.hass.async_start()
    await home.settle()


async def test_home_assistant_starts_within_that_time(home: Home, ready: Readiness) -> None:
    """What was missed while it was off is done when it has started."""
    await ready.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    assert await ready.at(SOON - 90 * MINUTE) == []
    await restart(home, minutes=60)
    assert ready.starts == starts(SOON)
    await restart(home, minutes=10)
    assert await ready.at(SOON + HOUR) == starts(SOON)


async def test_not_once_it_has_started(home: Home, ready: Readiness) -> None:
    """After the start it is too late."""
    await ready.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    await ready.at(SOON - 90 * MINUTE)
    await restart(home, minutes=100)
    assert await ready.at(SOON + HOUR) == []


@pytest.mark.parametrize(("only", "runs"), [({}, 0), ({"only_power_down": False}, 1)])
async def test_power_up(home: Home, ready: Readiness, only: dict[str, Any], runs: int) -> None:
    """It leaves a powerUP out unless the user wants both."""
    await ready.setup(**only)
    await plan(home, SOON, SOON + HOUR, "powerUP")
    assert len(await ready.at(SOON + HOUR)) == runs
    assert ready.kinds == ["power_up"] * runs


async def test_skipped(home: Home, ready: Readiness) -> None:
    """One that is skipped is left out, unless the user thinks better of it in time."""
    await ready.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    await turn(home, "on")
    assert await ready.at(SOON - 30 * MINUTE) == []
    await turn(home, "off")
    assert ready.starts == starts(SOON)


async def test_conditions(home: Home, ready: Readiness) -> None:
    """It runs only if the user's conditions hold."""
    home.hass.states.async_set("person.someone", "not_home")
    at_home = {"condition": "state", "entity_id": "person.someone", "state": "home"}
    await ready.setup(conditions=[at_home])
    await plan(home, SOON, SOON + HOUR, "Mine")
    assert await ready.at(SOON + HOUR) == []


async def test_announced(home: Home, provider: Provider, ready: Readiness) -> None:
    """One that the API announces is got ready for as well."""
    provider.start(SOON, SOON + HOUR)
    await ready.setup()
    assert await ready.at(SOON - HOUR + MINUTE) == starts(SOON)
    assert ready.kinds == [None]


async def test_outage(home: Home, provider: Provider, ready: Readiness) -> None:
    """It needs no answer of the API."""
    await ready.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    provider.error = TimeoutError()
    assert await ready.at(SOON - HOUR + MINUTE) == starts(SOON)
