"""Test the participants: who is remembered, and who is listed at the end."""

import asyncio
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.equivents.attendance import Attendance
from custom_components.equiwatt.equivents.model import EdgeType, Equivent, Source
from custom_components.equiwatt.equivents.snapshot import Edge, Snapshot
from custom_components.equiwatt.storage import StorageFile
from homeassistant.setup import async_setup_component

from ..fakes.actions import simulate
from ..fakes.home import EVENT, LIVE, NOW, Home
from ..fakes.provider import Provider
from ..holding.pausing import HOUR, MINUTE, end, restart, started, until


async def take_part(home: Home, participant: str, **data: Any) -> bool:
    """Call the action and return its response."""
    data["participant"] = participant
    answer: Any = await home.hass.services.async_call(
        DOMAIN, "take_part", data, blocking=True, return_response=True
    )
    assert answer.keys() == {"taking_part"}
    return bool(answer["taking_part"])


def participants(home: Home) -> list[str] | None:
    """Return the participants of the last event."""
    state = home.hass.states.get(EVENT)
    assert state
    listed: list[str] | None = state.attributes.get("participants")
    return listed


@pytest.mark.parametrize("restarts", [False, True])
async def test_listed_at_the_end(live: Home, provider: Provider, restarts: bool) -> None:
    """Participants are listed once at the end, after restarts too, and not at the next one's."""
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


async def test_not_taking_part(home: Home, provider: Provider) -> None:
    """No participant without an equivent, in an unwanted rehearsal or a skipped equivent."""
    await home.setup()
    assert not await take_part(home, "one")
    await simulate(home.hass, duration={"minutes": 5})
    await home.settle()
    assert not await take_part(home, "one", include_tests=False)
    assert await take_part(home, "two", config_entry_id=home.entry.entry_id)
    skip = {"entity_id": "switch.equiwatt_skip"}
    await home.hass.services.async_call("switch", "turn_on", skip, blocking=True)
    assert not await take_part(home, "three")
    await home.pass_time(6 * MINUTE)
    assert participants(home) == ["two"]


async def test_take_part_by_binary_sensor(home: Home, provider: Provider) -> None:
    """A participant that follows the binary sensor is listed at the end."""
    await home.setup()
    automation = {
        "id": "one",
        "alias": "One",
        "triggers": [{"trigger": "state", "entity_id": LIVE, "to": "on"}],
        "actions": [
            {
                "action": "equiwatt.take_part",
                "data": {"participant": "one"},
                "response_variable": "answer",
            },
            {"event": "answered", "event_data": {"yes": "{{ answer.taking_part }}"}},
        ],
    }
    answers: list[Any] = []
    home.hass.bus.async_listen("answered", lambda event: answers.append(event.data["yes"]))
    assert await async_setup_component(home.hass, "automation", {"automation": automation})
    await home.settle()
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    await home.settle()
    assert answers == [True]
    await end(home, provider)
    assert participants(home) == ["one"]


async def test_take_part_with_slow_disk(live: Home, provider: Provider) -> None:
    """A participant of the next equivent is listed, though the last end is still being written."""
    begun, go_on, write = asyncio.Event(), asyncio.Event(), StorageFile._async_save
    await live.pass_time(20 * MINUTE, step=30)
    start = live.now

    async def slow(store: Any, data: dict[str, Any]) -> None:
        """Write slowly, as an old card does."""
        begun.set()
        await go_on.wait()
        await write(store, data)

    with patch.object(StorageFile, "_async_save", slow):
        provider.end(NOW, start)
        provider.start(start, start + HOUR)
        shown = live.hass.async_create_task(live.poll())
        await until(lambda: live.state("sensor.equiwatt_current_start") == start.isoformat())
        await until(begun.is_set)
        call = live.hass.async_create_task(take_part(live, "one"))
        for _ in range(100):
            await asyncio.sleep(0)
        go_on.set()
        await shown
    assert await call
    await live.pass_time(20 * MINUTE, step=30)
    provider.end(start, live.now)
    await live.poll()
    assert live.live == "off"
    assert participants(live) == ["one"]


async def test_take_part_during_start(live: Home, provider: Provider) -> None:
    """A participant that joins before the missed start is announced is listed at the end."""
    await live.pass_time(20 * MINUTE, step=30)
    start = live.now + timedelta(minutes=5)

    def pass_away() -> None:
        """End one equivent and start the next."""
        provider.end(NOW, start)
        provider.start(start, start + HOUR)
        live.freezer.tick(600)

    await restart(live, pass_away)
    await live.pass_time(11)
    assert live.live == "on"
    assert await take_part(live, "one")  # as an automation may do when Home Assistant starts
    await started(live)
    await live.pass_time(20 * MINUTE, step=30)
    assert live.live == "on"
    provider.end(start, live.now)
    await live.poll()
    assert live.live == "off"
    assert participants(live) == ["one"]


def test_never_announced() -> None:
    """Participants of an unannounced equivent are forgotten at the next start."""
    first, second = Equivent(NOW, NOW + HOUR), Equivent(NOW + 2 * HOUR)
    attendance = Attendance().joined_by("one", first).joined_by("two", second)
    after = attendance.after(Edge(EdgeType.STARTED, second, Source.API, Snapshot(live=second)))
    ended = Edge(EdgeType.ENDED, Equivent(second.start, NOW + 3 * HOUR), Source.API, Snapshot())
    assert after.marked(ended).participants == ("two",)
    assert after.after(ended) == Attendance()


def test_next_one_joined() -> None:
    """A participant of the next equivent, which is live before the end is announced, waits."""
    first, second = Equivent(NOW, NOW + HOUR), Equivent(NOW + HOUR)
    attendance = Attendance().joined_by("one", first).joined_by("two", second)
    ended = Edge(EdgeType.ENDED, first, Source.API, Snapshot(live=second))
    assert attendance.marked(ended).participants == ("one",)
    assert attendance.after(ended) == Attendance().joined_by("two", second)


def test_skipped_in_the_moment_of_the_start() -> None:
    """An unobserved equivent uses up its skip; an earlier one does not."""
    skipping = Attendance(skips_since=NOW)
    for start, skips in ((NOW, False), (NOW - timedelta(seconds=1), True)):
        known = Snapshot(past=(Equivent(start, start + HOUR),))
        assert skipping.caught_up(known).skips is skips
