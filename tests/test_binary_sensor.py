"""Test the binary sensor of a live equivent."""

from datetime import timedelta

import pytest

from .conftest import Push
from .fakes.actions import simulate
from .fakes.home import LIVE, Home
from .fakes.provider import Provider


@pytest.mark.parametrize("minutes", [None, 30], ids=["as in the log", "with a planned end"])
async def test_on_from_start_to_end(home: Home, provider: Provider, minutes: int | None) -> None:
    """The sensor is on from the answer that names an equivent to the one that lists it."""
    await home.setup()
    assert home.live == "off"
    start = home.now + timedelta(seconds=1)
    provider.start(start, start + timedelta(minutes=minutes) if minutes else None)
    await home.poll()
    assert home.live == "on"
    provider.end(start, home.now)
    await home.poll()
    changes = [event.data["new_state"] for event in home.changes if event.data["entity_id"] == LIVE]
    assert [state.state for state in changes if state] == ["off", "on", "off"]


async def test_first_to_change(home: Home, push: Push) -> None:
    """The sensor changes before all other entities, and the event entity after them."""
    await home.setup()
    for edge in ("started", "ended"):
        before = len(home.changes)
        await push(f"?event={edge}")
        changed = [event.data["entity_id"] for event in home.changes[before:]]
        assert changed[0] == LIVE
        assert changed[-1] == "event.equiwatt_equivent"
        assert {"sensor.equiwatt_current_start", "calendar.equiwatt_equivents"} <= set(changed)
        await home.pass_time(1)  # older releases keep two events apart


async def test_rehearsal(home: Home, provider: Provider) -> None:
    """A rehearsal is marked in the sensor and the calendar until an equivent replaces it."""
    await home.setup()
    await simulate(home.hass)
    await home.settle()
    assert marks(home) == (True, "Rehearsal")
    provider.start(home.now, home.now + timedelta(hours=1))
    await home.poll()
    assert marks(home) == (False, "Equivent")


def marks(home: Home) -> tuple[bool, str]:
    """Return the marks of the live equivent."""
    live, calendar = (
        home.hass.states.get(entity_id) for entity_id in (LIVE, "calendar.equiwatt_equivents")
    )
    assert live
    assert calendar
    return live.attributes["rehearsal"], calendar.attributes["message"]
