"""Test the sensor that says whether an equivent is live."""

from datetime import timedelta

import pytest

from .conftest import LIVE, House, Provider
from .fakes.actions import simulate


@pytest.mark.parametrize("minutes", [None, 30], ids=["as in the log", "with a planned end"])
async def test_on_from_start_to_end(house: House, provider: Provider, minutes: int | None) -> None:
    """On from the answer that names one to the one that lists it, each change seen once."""
    await house.setup()
    assert house.live == "off"
    start = house.now + timedelta(seconds=1)
    provider.start(start, start + timedelta(minutes=minutes) if minutes else None)
    await house.poll()
    assert house.live == "on"
    provider.end(start, house.now)
    await house.poll()
    changes = [
        event.data["new_state"] for event in house.changes if event.data["entity_id"] == LIVE
    ]
    assert [state.state for state in changes if state] == ["off", "on", "off"]


async def test_rehearsal_is_marked(house: House, provider: Provider) -> None:
    """A rehearsal says so, here and in the calendar, until a real one takes its place."""
    await house.setup()
    await simulate(house.hass)
    await house.settle()
    assert marks(house) == (True, "Rehearsal")
    provider.start(house.now, house.now + timedelta(hours=1))
    await house.poll()
    assert marks(house) == (False, "Equivent")


def marks(house: House) -> tuple[bool, str]:
    """Return how the live one is marked."""
    live, calendar = (house.hass.states.get(one) for one in (LIVE, "calendar.equiwatt_equivents"))
    assert live
    assert calendar
    return live.attributes["rehearsal"], calendar.attributes["message"]
