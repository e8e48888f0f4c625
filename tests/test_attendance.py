"""Test who takes part: what is remembered of it, and what the end of an equivent lists."""

from typing import Any

import pytest

from custom_components.equiwatt.attendance import Attendance, read_attendance
from custom_components.equiwatt.const import DOMAIN

from .conftest import EVENT, House, Provider
from .holding.pausing import MINUTE, end, restart, started
from .test_services import simulate


async def take_part(house: House, participant: str, **data: Any) -> bool:
    """Let somebody take part, and return whether they do."""
    data["participant"] = participant
    answer: Any = await house.hass.services.async_call(
        DOMAIN, "take_part", data, blocking=True, return_response=True
    )
    assert answer.keys() == {"taking_part"}
    return bool(answer["taking_part"])


def participants(house: House) -> list[str] | None:
    """Return whom the last event lists."""
    state = house.hass.states.get(EVENT)
    assert state
    listed: list[str] | None = state.attributes.get("participants")
    return listed


@pytest.mark.parametrize("restarts", [False, True])
async def test_listed_at_the_end(live: House, provider: Provider, restarts: bool) -> None:
    """Who took part is listed at the end, once each, restarts or not; nobody at the next one's."""
    assert participants(live) is None
    assert [await take_part(live, name) for name in ("one", "two", "one")] == [True] * 3
    if restarts:
        await restart(live)
        await started(live)
    await live.pass_time(MINUTE)
    await end(live, provider)
    assert participants(live) == ["two", "one"]
    await simulate(live.hass, duration={"seconds": 10})
    await live.pass_time(15)
    assert live.kinds[-1] == "ended"
    assert participants(live) == []


async def test_not_taking_part(house: House, provider: Provider) -> None:
    """Nobody takes part in nothing, in a rehearsal that they do not want, or in what is skipped."""
    await house.setup()
    assert not await take_part(house, "one")
    await simulate(house.hass, duration={"minutes": 5})
    await house.settle()
    assert not await take_part(house, "one", include_tests=False)
    assert await take_part(house, "two", config_entry_id=house.entry.entry_id)
    skip = {"entity_id": "switch.equiwatt_skip"}
    await house.hass.services.async_call("switch", "turn_on", skip, blocking=True)
    assert not await take_part(house, "three")
    await house.pass_time(6 * MINUTE)
    assert participants(house) == ["two"]


@pytest.mark.parametrize(
    ("data", "unreadable"),
    [
        ({}, 0),
        ({"participants": "one"}, 1),
        ({"participants": [None]}, 1),
        ({"skips_since": "soon"}, 1),
    ],
)
def test_damaged(data: dict[str, Any], unreadable: int) -> None:
    """What cannot be read is left out, and counted."""
    assert read_attendance(data) == (Attendance(), unreadable)
