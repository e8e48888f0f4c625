"""Test what the entities say of an equivent."""

from datetime import timedelta
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.equiwatt import announcer
from custom_components.equiwatt.equivents.model import Kind
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .conftest import NOW, House, Provider, Push

LOG = json.loads((Path(__file__).parent / "data" / "log_2022_12_09.json").read_text())["data"]
HOUR = timedelta(hours=1)


async def calendar(house: House, begin: Any, end: Any) -> list[dict[str, Any]]:
    """Return the calendar's events in a range, as the action returns them."""
    answer = await house.hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": "calendar.equiwatt_equivents",
            "start_date_time": begin,
            "end_date_time": end,
        },
        blocking=True,
        return_response=True,
    )
    assert answer
    events: Any = answer["calendar.equiwatt_equivents"]
    return list(events["events"])


async def test_idle(house: House, provider: Provider) -> None:
    """With the log's past ones and none live."""
    provider.previous = LOG["previous_events"][1:]
    await house.setup()
    assert house.live == "off"
    assert house.state("sensor.equiwatt_current_start") == "unknown"
    assert house.state("sensor.equiwatt_current_end") == "unknown"
    assert house.state("sensor.equiwatt_last_start") == "2022-12-07T09:01:16+00:00"
    assert house.state("sensor.equiwatt_last_end") == "2022-12-07T10:01:02+00:00"
    assert float(house.state("sensor.equiwatt_last_duration")) == pytest.approx(59.77, abs=0.01)
    assert house.state("event.equiwatt_equivent") == "unknown"
    assert house.state("calendar.equiwatt_equivents") == "off"


async def test_no_history(house: House) -> None:
    """For a new user nothing is known, and nothing breaks."""
    await house.setup()
    for key in ("last_start", "last_end", "last_duration", "current_start", "current_end"):
        assert house.state(f"sensor.equiwatt_{key}") == "unknown"


async def test_live_with_planned_end(house: House, provider: Provider) -> None:
    """The live one's times, and the event's attributes."""
    provider.start(NOW - timedelta(minutes=1), NOW + HOUR)
    await house.setup()
    assert house.state("sensor.equiwatt_current_start") == "2026-11-20T17:19:00+00:00"
    assert house.state("sensor.equiwatt_current_end") == "2026-11-20T18:20:00+00:00"
    event = house.hass.states.get("event.equiwatt_equivent")
    assert event
    assert {
        key: event.attributes[key] for key in ("event_type", "start", "end", "source", "test")
    } == {
        "event_type": "started",
        "start": "2026-11-20T17:19:00+00:00",
        "end": "2026-11-20T18:20:00+00:00",
        "source": "api",
        "test": False,
    }
    state = house.hass.states.get("calendar.equiwatt_equivents")
    assert state
    assert state.state == "on"
    assert state.attributes["message"] == "Equivent"
    local_end = dt_util.as_local(NOW + HOUR).strftime("%Y-%m-%d %H:%M:%S")
    assert state.attributes["end_time"] == local_end


async def test_live_without_end(house: House, provider: Provider, push: Push) -> None:
    """An unknown end is unknown; the calendar shows the live one as going on all the same."""
    await house.setup()
    await push("?event=started")
    assert house.state("sensor.equiwatt_current_start") == "2026-11-20T17:20:00+00:00"
    assert house.state("sensor.equiwatt_current_end") == "unknown"
    told = house.hass.states.get("event.equiwatt_equivent")
    assert told
    assert told.attributes["end"] is None
    provider.start(NOW, None)
    (shown,) = await calendar(house, NOW, NOW + HOUR)
    assert dt_util.parse_datetime(shown["end"]) == NOW + HOUR
    await house.pass_time(3 * 3600, step=60)
    assert house.state("calendar.equiwatt_equivents") == "on"
    (shown,) = await calendar(house, NOW, NOW + 5 * HOUR)
    assert dt_util.parse_datetime(shown["end"]) == house.now + timedelta(minutes=30)


async def test_overrun_in_the_calendar(house: House, provider: Provider) -> None:
    """One that is live past its planned end is on in the calendar too."""
    provider.start(NOW - HOUR, NOW + timedelta(minutes=2))
    await house.setup()
    await house.pass_time(5 * 60)
    assert house.live == "on"
    assert house.state("calendar.equiwatt_equivents") == "on"


async def test_calendar_range(house: House, provider: Provider) -> None:
    """Past, live and announced ones, oldest first; the range's end excluded."""
    start = NOW - 48 * HOUR
    provider.end(start, start + HOUR)
    provider.start(NOW + HOUR, NOW + 2 * HOUR)
    await house.setup()
    events = await calendar(house, NOW - 72 * HOUR, NOW + 24 * HOUR)
    assert [dt_util.parse_datetime(event["start"]) for event in events] == [start, NOW + HOUR]
    assert [event["summary"] for event in events] == ["Equivent", "Equivent"]
    assert await calendar(house, NOW - 72 * HOUR, start) == []
    assert await calendar(house, start + HOUR, NOW) == []
    assert len(await calendar(house, start + HOUR - timedelta(seconds=1), NOW)) == 1


async def test_ended(house: House, provider: Provider) -> None:
    """After the end the last ones move on."""
    provider.start(NOW, None)
    await house.setup()
    provider.end(NOW, NOW + timedelta(minutes=1))
    await house.pass_time(65, step=65)
    assert house.state("sensor.equiwatt_current_start") == "unknown"
    assert house.state("sensor.equiwatt_last_start") == "2026-11-20T17:20:00+00:00"
    assert house.state("sensor.equiwatt_last_duration") == "1.0"
    told = house.hass.states.get("event.equiwatt_equivent")
    assert told
    assert told.attributes["event_type"] == "ended"
    assert told.attributes["end"] == "2026-11-20T17:21:00+00:00"


async def test_ended_without_the_api(house: House, provider: Provider) -> None:
    """What ended by the clock is the last one, over a restart too, and put right in silence."""
    end = NOW + timedelta(minutes=2)
    provider.start(NOW, end)
    await house.setup()
    provider.error = TimeoutError()
    await house.pass_time(125)
    for _ in range(2):
        assert house.state("sensor.equiwatt_last_end") == "2026-11-20T17:22:00+00:00"
        assert house.state("sensor.equiwatt_last_duration") == "2.0"
        assert len(await calendar(house, NOW - HOUR, NOW + HOUR)) == 1
        await house.hass.config_entries.async_reload(house.entry.entry_id)
        await house.settle()
    provider.recover()
    provider.end(NOW + timedelta(seconds=2), end + timedelta(seconds=2))
    await house.poll()
    assert house.state("sensor.equiwatt_last_start") == "2026-11-20T17:20:02+00:00"
    assert house.state("sensor.equiwatt_last_end") == "2026-11-20T17:22:02+00:00"
    assert len(await calendar(house, NOW - HOUR, NOW + HOUR)) == 1
    assert house.edges == [("started", "api"), ("ended", "clock")]


@pytest.mark.parametrize("kind", ["started", "ended"])
async def test_purpose_specific_trigger(
    hass: HomeAssistant, house: House, provider: Provider, push: Push, kind: str
) -> None:
    """The trigger that users pick in the editor hears each edge once."""
    heard: list[Any] = []
    hass.bus.async_listen("heard", heard.append)
    automation = {
        "triggers": {
            "trigger": "event.received",
            "target": {"entity_id": "event.equiwatt_equivent"},
            "options": {"event_type": [kind]},
        },
        "actions": {"event": "heard"},
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await house.setup()
    await push("?event=started")
    await push("?event=ended")
    await house.pass_time(1)
    assert len(heard) == 1


async def test_two_edges_in_a_millisecond(
    hass: HomeAssistant, house: House, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end and a start in one answer are both heard, also where their states would be equal."""
    monkeypatch.setattr(announcer, "APART", 0.002)
    provider.start(NOW - HOUR, None)
    await house.setup()
    provider.end(NOW - HOUR, NOW)
    provider.start(NOW, None)
    await house.pass_time(65, step=65)
    assert house.edges == [("started", "api"), ("ended", "api")]
    house.entry.runtime_data.coordinator.async_push(Kind.ENDED)
    await hass.async_block_till_done()
    assert house.edges == [("started", "api"), ("ended", "api")]
    await house.pass_time(0.02, step=0.005)
    assert house.edges == [
        ("started", "api"),
        ("ended", "api"),
        ("started", "api"),
        ("ended", "webhook"),
    ]
    assert await hass.config_entries.async_unload(house.entry.entry_id)


async def test_unloaded_between_two_edges(
    hass: HomeAssistant, house: House, provider: Provider, push: Push
) -> None:
    """An entry that is unloaded with an edge still to tell leaves nothing behind."""
    provider.start(NOW - HOUR, None)
    await house.setup()
    provider.end(NOW - HOUR, NOW)
    provider.start(NOW, None)
    await push("")
    await house.settle()
    assert await hass.config_entries.async_unload(house.entry.entry_id)


async def test_condition(hass: HomeAssistant, house: House, provider: Provider, push: Push) -> None:
    """The condition that an equivent is live works on the calendar."""
    heard: list[Any] = []
    hass.bus.async_listen("heard", heard.append)
    automation = {
        "triggers": {"trigger": "event", "event_type": "ask"},
        "conditions": {
            "condition": "calendar.is_event_active",
            "target": {"entity_id": "calendar.equiwatt_equivents"},
        },
        "actions": {"event": "heard"},
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await house.setup()
    hass.bus.async_fire("ask")
    await house.settle()
    assert heard == []
    await push("?event=started")
    hass.bus.async_fire("ask")
    await house.settle()
    assert len(heard) == 1
