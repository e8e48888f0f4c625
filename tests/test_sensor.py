"""Test the sensors of the live and the last equivent, and of the held devices."""

from datetime import timedelta
import json
from pathlib import Path
from typing import Any

import pytest

from .fakes.devices.entities import install
from .fakes.devices.pretend import Plug, Thermostat
from .fakes.home import NOW, Home
from .fakes.provider import Provider
from .holding.pausing import PLUG, end, pause

LOG = json.loads((Path(__file__).parent / "data" / "log_2022_12_09.json").read_text())["data"]
HOUR = timedelta(hours=1)
HELD = "sensor.equiwatt_held_devices"


async def test_idle(home: Home, provider: Provider) -> None:
    """The log has past equivents, and none is live."""
    provider.previous = LOG["previous_events"][1:]
    await home.setup()
    assert home.live == "off"
    assert home.state("sensor.equiwatt_current_start") == "unknown"
    assert home.state("sensor.equiwatt_current_end") == "unknown"
    assert home.state("sensor.equiwatt_last_start") == "2022-12-07T09:01:16+00:00"
    assert home.state("sensor.equiwatt_last_end") == "2022-12-07T10:01:02+00:00"
    assert float(home.state("sensor.equiwatt_last_duration")) == pytest.approx(59.77, abs=0.01)
    assert home.state("event.equiwatt_equivent") == "unknown"
    assert home.state("calendar.equiwatt_equivents") == "off"


async def test_no_history(home: Home) -> None:
    """A new user has no past equivents."""
    await home.setup()
    for key in ("last_start", "last_end", "last_duration", "current_start", "current_end"):
        assert home.state(f"sensor.equiwatt_{key}") == "unknown"


async def test_live_with_planned_end(home: Home, provider: Provider) -> None:
    """The times of the live equivent and the attributes of the event."""
    provider.start(NOW - timedelta(minutes=1), NOW + HOUR)
    await home.setup()
    assert home.state("sensor.equiwatt_current_start") == "2026-11-20T17:19:00+00:00"
    assert home.state("sensor.equiwatt_current_end") == "2026-11-20T18:20:00+00:00"


async def test_ended(home: Home, provider: Provider) -> None:
    """The last equivent changes after the end."""
    provider.start(NOW, None)
    await home.setup()
    provider.end(NOW, NOW + timedelta(minutes=1))
    await home.poll()
    assert home.state("sensor.equiwatt_current_start") == "unknown"
    assert home.state("sensor.equiwatt_last_start") == "2026-11-20T17:20:00+00:00"
    assert home.state("sensor.equiwatt_last_duration") == "1.0"
    event = home.hass.states.get("event.equiwatt_equivent")
    assert event
    assert event.attributes["event_type"] == "ended"
    assert event.attributes["end"] == "2026-11-20T17:21:00+00:00"


def entities(home: Home) -> list[dict[str, Any]]:
    """Return the attributes of each device."""
    state = home.hass.states.get(HELD)
    assert state
    assert state.attributes["entities"] is not None
    found: list[dict[str, Any]] = state.attributes["entities"]
    return found


async def test_held(live: Home, provider: Provider) -> None:
    """A device is listed until the end of the equivent or its longest pause."""
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
            "confirmed": True,
            "state": "heat",
            "temperature": 21.0,
        },
        {"entity_id": PLUG, "until": until[PLUG].isoformat(), "confirmed": True, "state": "on"},
    ]
    await live.pass_time(605)
    assert [device["entity_id"] for device in entities(live)] == [PLUG]
    await end(live, provider)
    assert (live.state(HELD), entities(live)) == ("0", [])


async def test_without_an_end(home: Home, provider: Provider) -> None:
    """The end of a hold is unknown with the end of the equivent."""
    provider.start(NOW, None)
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await pause(home.hass, PLUG)
    assert entities(home) == [{"entity_id": PLUG, "until": None, "confirmed": True, "state": "on"}]


async def test_overrun(live: Home) -> None:
    """The end of a hold is unknown past the planned end."""
    await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG)
    await live.pass_time(HOUR.total_seconds() - 5)
    assert [device["until"] for device in entities(live)] == [(NOW + HOUR).isoformat()]
    await live.pass_time(10)
    assert live.live == "on"
    assert [device["until"] for device in entities(live)] == [None]
    await live.pass_time(60)
    await pause(live.hass, PLUG, max_duration={"minutes": 5})
    assert [device["until"] for device in entities(live)] == [
        (live.now + timedelta(minutes=5)).isoformat()
    ]
