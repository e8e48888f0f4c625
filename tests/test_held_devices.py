"""Test that what is held is shown: how many, which, until when, and how they were."""

from datetime import timedelta
from typing import Any

from .conftest import NOW, House, Provider
from .devices import Plug, Thermostat, install
from .holding.pausing import HOUR, PLUG, end, pause

HELD = "sensor.equiwatt_held_devices"


def entities(house: House) -> list[dict[str, Any]]:
    """Return what is shown of each."""
    state = house.hass.states.get(HELD)
    assert state
    assert state.attributes["entities"] is not None
    found: list[dict[str, Any]] = state.attributes["entities"]
    return found


async def test_held(live: House, provider: Provider) -> None:
    """A device is shown while it is held: until the equivent's end, or its longest pause."""
    await install(live.hass, Plug("Plug"), Thermostat("Thermostat"))
    assert (live.state(HELD), entities(live)) == ("0", [])
    await pause(live.hass, PLUG)
    await pause(live.hass, "climate.thermostat", max_duration={"minutes": 10})
    assert live.state(HELD) == "2"
    until = {
        "climate.thermostat": live.now + timedelta(minutes=10),
        PLUG: NOW + HOUR,
    }
    assert entities(live) == [
        {
            "entity_id": "climate.thermostat",
            "until": until["climate.thermostat"].isoformat(),
            "state": "heat",
            "temperature": 21.0,
        },
        {"entity_id": PLUG, "until": until[PLUG].isoformat(), "state": "on"},
    ]
    await live.pass_time(605)
    assert [one["entity_id"] for one in entities(live)] == [PLUG]
    await end(live, provider)
    assert (live.state(HELD), entities(live)) == ("0", [])


async def test_without_an_end(house: House, provider: Provider) -> None:
    """While nobody knows the end, nobody says when."""
    provider.start(NOW, None)
    await house.setup()
    await install(house.hass, Plug("Plug"))
    await pause(house.hass, PLUG)
    assert entities(house) == [{"entity_id": PLUG, "until": None, "state": "on"}]


async def test_overrun(live: House) -> None:
    """While an equivent goes on beyond its planned end, nobody says when."""
    await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG)
    await live.pass_time(HOUR.total_seconds() - 5)
    assert [one["until"] for one in entities(live)] == [(NOW + HOUR).isoformat()]
    await live.pass_time(10)
    assert live.live == "on"
    assert [one["until"] for one in entities(live)] == [None]
    await live.pass_time(60)
    await pause(live.hass, PLUG, max_duration={"minutes": 5})
    assert [one["until"] for one in entities(live)] == [
        (live.now + timedelta(minutes=5)).isoformat()
    ]
