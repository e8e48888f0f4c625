"""Test the sensor that says whether an equivent is live."""

from datetime import timedelta

import pytest

from .conftest import LIVE, House, Provider


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
