"""Test the blueprint that prepares for an equivent in a real Home Assistant."""

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


class Automation:
    """An automation of the blueprint, and its runs."""

    def __init__(self, home: Home, use: Use) -> None:
        """Subscribe to its runs."""
        self._house = home
        self._use = use
        self._events = async_capture_events(home.hass, "ready")
        self._at: list[datetime] = []

    async def setup(self, **inputs: Any) -> None:
        """Set up the account and an automation with some inputs."""
        await self._house.setup()
        await self._use("get_ready", actions=[READY], **inputs)

    @property
    def starts(self) -> list[str]:
        """Return the starts of the equivents that it ran for."""
        return [event.data["for"] for event in self._events]

    @property
    def kinds(self) -> list[str | None]:
        """Return the kinds of the equivents that it ran for."""
        return [event.data["kind"] for event in self._events]

    async def at(self, moment: datetime) -> list[str]:
        """Return the starts that it ran for up to a time."""
        seconds = (moment - self._house.now).total_seconds()
        await self._house.pass_time(seconds, step=60)
        return self.starts


@pytest.fixture
def automation(home: Home, tmp_path: Path) -> Automation:
    """Return the automation of the blueprint, not set up yet."""
    return Automation(home, user_of(home, tmp_path))


def starts(*moments: datetime) -> list[str]:
    """Return starts in the format of the sensor."""
    return [moment.isoformat() for moment in moments]


async def test_default(home: Home, automation: Automation) -> None:
    """The automation runs once, an hour before the start, with the start and the kind."""
    await automation.setup()
    await plan(home, SOON, SOON + HOUR, "powerDOWN")
    assert await automation.at(SOON - HOUR - MINUTE) == []
    assert await automation.at(SOON - HOUR + MINUTE) == starts(SOON)
    assert automation.kinds == ["power_down"]
    assert await automation.at(SOON + HOUR) == starts(SOON)


async def test_another_time(home: Home, automation: Automation) -> None:
    """The user chooses the time before the start."""
    await automation.setup(lead={"days": 0, "hours": 0, "minutes": 20, "seconds": 0})
    await plan(home, SOON, SOON + HOUR, "powerDOWN")
    assert await automation.at(SOON - 21 * MINUTE) == []
    assert await automation.at(SOON - 19 * MINUTE) == starts(SOON)


async def test_planned_later(home: Home, automation: Automation) -> None:
    """An equivent planned within that time runs it at once, and once only."""
    await automation.setup()
    await plan(home, NOW + 20 * MINUTE, NOW + HOUR, "Mine")
    assert automation.starts == starts(NOW + 20 * MINUTE)
    assert await automation.at(NOW + HOUR) == starts(NOW + 20 * MINUTE)


async def test_moved(home: Home, automation: Automation) -> None:
    """A plan moved within that time runs it again for the new start."""
    await automation.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    assert await automation.at(SOON - 30 * MINUTE) == starts(SOON)
    later = SOON + 50 * MINUTE
    await plan(home, later, later + HOUR, "Mine")
    assert await automation.at(later - HOUR + 2 * MINUTE) == starts(SOON, later)
    assert await automation.at(later + HOUR) == starts(SOON, later)


@pytest.mark.parametrize("minutes", [90, 1])
async def test_planned_and_announced(
    home: Home, provider: Provider, automation: Automation, minutes: int
) -> None:
    """A planned equivent that the API announces a little later does not run it again."""
    await automation.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    await automation.at(SOON - minutes * MINUTE)
    real = SOON + timedelta(seconds=76)
    provider.current = {
        "start_time": int(real.timestamp()),
        "end_time": int((real + HOUR).timestamp()),
    }
    assert len(await automation.at(SOON + HOUR)) == 1


async def test_back_to_back(home: Home, automation: Automation) -> None:
    """The next equivent runs it at the end of the one before."""
    await automation.setup()
    await plan(home, SOON, SOON + 30 * MINUTE, "One")
    await plan(home, SOON + 30 * MINUTE, SOON + HOUR, "Two")
    assert await automation.at(SOON - MINUTE) == starts(SOON)
    assert await automation.at(SOON + MINUTE) == starts(SOON, SOON + 30 * MINUTE)


async def restart(home: Home, minutes: float) -> None:
    """Restart Home Assistant for the automations and the account."""
    data = {"entity_id": "automation.one"}
    await home.hass.services.async_call(AUTOMATION, "turn_off", data, blocking=True)
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await home.settle()
    home.freezer.tick(minutes * 60)
    home.hass.set_state(CoreState.not_running)
    await home.hass.services.async_call(AUTOMATION, "turn_on", data, blocking=True)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    await home.hass.async_start()
    await home.settle()


async def test_restart_within_that_time(home: Home, automation: Automation) -> None:
    """A run missed during a restart takes place after it."""
    await automation.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    assert await automation.at(SOON - 90 * MINUTE) == []
    await restart(home, minutes=60)
    assert automation.starts == starts(SOON)
    await restart(home, minutes=10)
    assert await automation.at(SOON + HOUR) == starts(SOON)


async def test_not_after_the_start(home: Home, automation: Automation) -> None:
    """The automation does not run after the start."""
    await automation.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    await automation.at(SOON - 90 * MINUTE)
    await restart(home, minutes=100)
    assert await automation.at(SOON + HOUR) == []


@pytest.mark.parametrize(("only", "expected"), [({}, 0), ({"only_power_down": False}, 1)])
async def test_power_up(
    home: Home, automation: Automation, only: dict[str, Any], expected: int
) -> None:
    """A powerUP is ignored unless the user wants both."""
    await automation.setup(**only)
    await plan(home, SOON, SOON + HOUR, "powerUP")
    assert len(await automation.at(SOON + HOUR)) == expected
    assert automation.kinds == ["power_up"] * expected


async def test_skipped(home: Home, automation: Automation) -> None:
    """A skipped equivent is ignored, unless the user turns the switch off in time."""
    await automation.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    await turn(home, "on")
    assert await automation.at(SOON - 30 * MINUTE) == []
    await turn(home, "off")
    assert automation.starts == starts(SOON)


async def test_conditions(home: Home, automation: Automation) -> None:
    """The automation runs only if the user's conditions are met."""
    home.hass.states.async_set("person.someone", "not_home")
    at_home = {"condition": "state", "entity_id": "person.someone", "state": "home"}
    await automation.setup(conditions=[at_home])
    await plan(home, SOON, SOON + HOUR, "Mine")
    assert await automation.at(SOON + HOUR) == []


async def test_announced(home: Home, provider: Provider, automation: Automation) -> None:
    """An equivent that the API announces runs it."""
    provider.start(SOON, SOON + HOUR)
    await automation.setup()
    assert await automation.at(SOON - HOUR + MINUTE) == starts(SOON)
    assert automation.kinds == [None]


async def test_outage(home: Home, provider: Provider, automation: Automation) -> None:
    """The automation runs during an outage of the API."""
    await automation.setup()
    await plan(home, SOON, SOON + HOUR, "Mine")
    provider.error = TimeoutError()
    assert await automation.at(SOON - HOUR + MINUTE) == starts(SOON)
