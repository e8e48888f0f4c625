"""Test the calendar."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from custom_components.equiwatt.equivents.model import Equivent
from custom_components.equiwatt.equivents.planned import Plan
from custom_components.equiwatt.equivents.snapshot import Snapshot
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .conftest import Push
from .fakes.actions import calendar
from .fakes.disk import to_json
from .fakes.home import NOW, Home
from .fakes.provider import Provider
from .fakes.results import result

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


async def test_live(home: Home, provider: Provider) -> None:
    """The live equivent is on until its planned end."""
    provider.start(NOW - timedelta(minutes=1), NOW + HOUR)
    await home.setup()
    state = home.hass.states.get("calendar.equiwatt_equivents")
    assert state
    assert state.state == "on"
    assert state.attributes["message"] == "Equivent"
    local_end = dt_util.as_local(NOW + HOUR).strftime("%Y-%m-%d %H:%M:%S")
    assert state.attributes["end_time"] == local_end


async def test_live_without_end(home: Home, provider: Provider, push: Push) -> None:
    """An unknown end is unknown, and the calendar event continues."""
    await home.setup()
    await push("?event=started")
    assert home.state("sensor.equiwatt_current_start") == "2026-11-20T17:20:00+00:00"
    assert home.state("sensor.equiwatt_current_end") == "unknown"
    event = home.hass.states.get("event.equiwatt_equivent")
    assert event
    assert event.attributes["end"] is None
    provider.start(NOW, None)
    (shown,) = await calendar(home, NOW, NOW + HOUR)
    assert dt_util.parse_datetime(shown["end"]) == NOW + HOUR
    await home.pass_time(3 * 3600, step=60)
    assert home.state("calendar.equiwatt_equivents") == "on"
    (shown,) = await calendar(home, NOW, NOW + 5 * HOUR)
    assert dt_util.parse_datetime(shown["end"]) == home.now + timedelta(minutes=40)  # 21:00


@pytest.mark.parametrize("slow", [0, 100])
async def test_called_before_an_announced_start(
    home: Home, provider: Provider, push: Push, slow: int
) -> None:
    """The calendar is on while one is live, though its start is still ahead."""
    provider.ahead = timedelta(seconds=slow)
    await home.setup()
    if not slow:
        await push("?event=started")
    start = NOW + timedelta(seconds=slow or 300)
    provider.start(start, NOW + HOUR)
    for _ in range(30):
        await home.pass_time(15)
        assert home.live == home.state("calendar.equiwatt_equivents")
    assert home.live == "on"
    assert home.state("sensor.equiwatt_current_start") == start.isoformat()
    shown = home.hass.states.get("calendar.equiwatt_equivents")
    assert shown
    local_start = dt_util.as_local(start).strftime("%Y-%m-%d %H:%M:%S")
    assert shown.attributes["start_time"] == local_start


async def test_overrun(home: Home, provider: Provider) -> None:
    """The calendar is on while an equivent is live past its planned end."""
    provider.start(NOW - HOUR, NOW + timedelta(minutes=2))
    await home.setup()
    await home.pass_time(5 * 60)
    assert home.live == "on"
    assert home.state("calendar.equiwatt_equivents") == "on"


async def test_range(home: Home, provider: Provider) -> None:
    """Past, live and announced ones, oldest first, without the range's end."""
    start = NOW - 48 * HOUR
    provider.end(start, start + HOUR)
    provider.start(NOW + HOUR, NOW + 2 * HOUR)
    await home.setup()
    events = await calendar(home, NOW - 72 * HOUR, NOW + 24 * HOUR)
    assert [dt_util.parse_datetime(event["start"]) for event in events] == [start, NOW + HOUR]
    assert [event["summary"] for event in events] == ["Equivent", "Equivent"]
    assert await calendar(home, NOW - 72 * HOUR, start) == []
    assert await calendar(home, start + HOUR, NOW) == []
    assert len(await calendar(home, start + HOUR - timedelta(seconds=1), NOW)) == 1


async def test_ended_without_the_api(home: Home, provider: Provider) -> None:
    """An equivent ended by the clock is the last one, and corrected silently later."""
    end = NOW + timedelta(minutes=2)
    provider.start(NOW, end)
    await home.setup()
    provider.error = TimeoutError()
    await home.pass_time(125)
    assert home.state("sensor.equiwatt_last_end") == "2026-11-20T17:22:00+00:00"
    assert home.state("sensor.equiwatt_last_duration") == "2.0"
    assert len(await calendar(home, NOW - HOUR, NOW + HOUR)) == 1
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.state("sensor.equiwatt_last_end") == "unavailable"  # until the first answer
    provider.recover()
    provider.end(NOW + timedelta(seconds=2), end + timedelta(seconds=2))
    await home.poll()
    assert home.state("sensor.equiwatt_last_start") == "2026-11-20T17:20:02+00:00"
    assert home.state("sensor.equiwatt_last_end") == "2026-11-20T17:22:02+00:00"
    assert len(await calendar(home, NOW - HOUR, NOW + HOUR)) == 1
    assert home.edges == [("started", "api"), ("ended", "clock")]


@pytest.mark.parametrize(
    ("used", "days", "summary", "words"),
    [
        (
            0.4,
            (0.3, 0.9, 1.5),
            "0.50 kWh less than usual",
            "Used 0.40 kWh, 0.50 kWh less than usual; less than on 2 of your 3 usual days.\n\nEst",
        ),
        (
            1.3,
            (0.3, 0.9, 1.5),
            "0.40 kWh more than usual",
            "Used 1.30 kWh, 0.40 kWh more than usual; more than on 2 of your 3 usual days.\n\n",
        ),
        (
            0.902,
            (0.3, 0.9, 1.5),
            "as much as usual",
            "Used 0.90 kWh, as much as usual; less than on 1 of your 3 usual days.\n\n",
        ),
        (0.4, (), None, "Used 0.40 kWh. There are not enough similar days to compare it with."),
        (None, (0.3, 0.9, 1.5), None, None),
    ],
)
async def test_saving(
    home: Home,
    provider: Provider,
    hass_storage: dict[str, Any],
    used: float | None,
    days: tuple[float, ...],
    summary: str | None,
    words: str | None,
) -> None:
    """The saving is in the summary of its equivent, in neutral words and as an estimate."""
    provider.end(NOW - 5 * HOUR, NOW - 4 * HOUR)
    measured = result(NOW - 24 * HOUR, used, *days)
    key = f"equiwatt.{home.entry.entry_id}"
    past = (Equivent(NOW - 24 * HOUR + MINUTE, NOW - 23 * HOUR + MINUTE),)
    data = to_json({"snapshot": Snapshot(past=past), "results": [measured]})
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    await home.setup()
    first, second = await calendar(home, NOW - 25 * HOUR, NOW)
    assert first.get("description", "").startswith(words or "")
    assert ("description" in first) is (words is not None)
    assert first["summary"] == f"Equivent · {summary}" if summary else "Equivent"
    assert "description" not in second


@pytest.mark.parametrize("planned", [False, True])
async def test_over_the_end_of_summer_time(home: Home, provider: Provider, planned: bool) -> None:
    """The event has the right length over a clock change, and the calendar is on."""
    await home.hass.config.async_set_time_zone("Europe/London")
    change = datetime(2026, 10, 25, 1, tzinfo=UTC)
    start, end = change - 10 * MINUTE, change + 20 * MINUTE
    home.freezer.move_to(change - HOUR)
    provider.end(change - 48 * HOUR, change - 47 * HOUR)
    await home.setup()
    if planned:
        store = home.entry.runtime_data.store
        plan = Plan("uid", start, end, "")
        home.entry.runtime_data.coordinator.async_set_plans(store.plans.added(plan))
    await home.pass_time(50 * 60, step=30)
    if not planned:
        provider.start(start, end)
    await home.pass_time(5 * 60, step=5)
    assert home.state("calendar.equiwatt_equivents") == ("off" if planned else "on")
    await home.pass_time(10 * 60, step=5)
    assert home.state("calendar.equiwatt_equivents") == ("off" if planned else "on")
    (_, shown) = await calendar(home, change - 20 * 24 * HOUR, change + 24 * HOUR)
    assert (shown["start"], shown["end"]) == (
        "2026-10-25T01:50:00+01:00",
        "2026-10-25T01:20:00+00:00",
    )
    if planned:
        return
    provider.end(start, end)
    await home.pass_time(16 * 60, step=5)
    assert home.state("calendar.equiwatt_equivents") == "off"
    (_, shown) = await calendar(home, change - 20 * 24 * HOUR, change + 24 * HOUR)
    assert shown["end"] == "2026-10-25T01:20:00+00:00"


async def test_condition(hass: HomeAssistant, home: Home, provider: Provider, push: Push) -> None:
    """The condition of a live equivent works with the calendar."""
    events: list[Any] = []
    hass.bus.async_listen("events", events.append)
    automation = {
        "triggers": {"trigger": "event", "event_type": "ask"},
        "conditions": {
            "condition": "calendar.is_event_active",
            "target": {"entity_id": "calendar.equiwatt_equivents"},
        },
        "actions": {"event": "events"},
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await home.setup()
    hass.bus.async_fire("ask")
    await home.settle()
    assert events == []
    await push("?event=started")
    hass.bus.async_fire("ask")
    await home.settle()
    assert len(events) == 1


@pytest.mark.parametrize("ahead", [3 * HOUR, -3 * HOUR])
async def test_on_by_the_providers_clock(home: Home, provider: Provider, ahead: timedelta) -> None:
    """The calendar is on while an equivent is live, with a system clock hours behind or ahead."""

    def date() -> None:
        """Return the time."""
        provider.headers = {"Date": format_datetime(home.now + ahead, usegmt=True)}

    provider.on_call = date
    provider.start(NOW + ahead, NOW + ahead + HOUR)
    await home.setup()
    await home.pass_time(65)
    assert (home.live, home.state("calendar.equiwatt_equivents")) == ("on", "on")
