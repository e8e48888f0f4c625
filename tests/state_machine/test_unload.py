"""Test unloading an entry at every await: it stops, and the next one loses nothing."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from custom_components.equiwatt.storage import StorageFile
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, Event, EventStateChangedData, callback

from ..fakes.home import EVENT, LIVE
from .cloud import HOUR, MINUTE, SECOND, Truth
from .home import TurnedHome

ENOUGH = 200
"""Maximum number of steps."""
LASTS = 4 * SECOND
"""Seconds after which everything has finished."""


@pytest.fixture(autouse=True)
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write after a while."""
    write = StorageFile._async_save

    async def write_slowly(store: StorageFile, data: dict[str, Any]) -> None:
        """Write after a while."""
        await asyncio.sleep(0.1)
        await write(store, data)

    monkeypatch.setattr(StorageFile, "_async_save", write_slowly)


class Edges:
    """Announced edges, without restored states."""

    def __init__(self, home: TurnedHome) -> None:
        """Subscribe to the state changes."""
        self.kinds: list[str] = []
        self._states: set[str] = set()
        self.stop = home.hass.bus.async_listen("state_changed", self._on_change)

    @callback
    def _on_change(self, event: Event[EventStateChangedData]) -> None:
        """Add a new edge."""
        state = event.data["new_state"]
        if event.data["entity_id"] != EVENT or not state or state.state in self._states:
            return
        if kind := state.attributes.get("event_type"):
            self._states.add(state.state)
            self.kinds.append(kind)


def poll(home: TurnedHome) -> None:
    """Do nothing, as a poll comes by itself."""


def call(home: TurnedHome) -> None:
    """Call the webhook."""
    home.app.call_later("started" if home.state(LIVE) == "off" else "ended", timedelta())


def call_slowly(home: TurnedHome) -> None:
    """Call the webhook with a body that arrives slowly."""
    kind = "started" if home.state(LIVE) == "off" else "ended"
    home.app.call_slowly(kind, SECOND / 2)


def call_slowly_without_event(home: TurnedHome) -> None:
    """Call the webhook with a slow body without an event."""
    home.app.call_slowly("over", SECOND / 2)


def start(home: TurnedHome) -> None:
    """Start Home Assistant, which releases the waiting edges."""
    home.hass.set_state(CoreState.running)
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)


def prepare(home: TurnedHome, begin: Callable[[TurnedHome], None], *, live: bool) -> None:
    """Set up an entry, and start or end an equivent right before the next poll."""
    home.open()
    home.cloud.slowness = SECOND / 2
    now = home.true.replace(microsecond=0)
    if live:
        home.cloud.truths.append(Truth(now, now, [(now, now + 10 * MINUTE)]))
        home.pass_time(8 * MINUTE)
        home.cloud.truths[0].plans.append((home.true, home.true + 29 * SECOND))
    if begin is start:
        home.unload()
        home.hass.set_state(CoreState.starting)
    home.pass_time(29 * SECOND)
    if not live:
        home.cloud.truths.append(Truth(home.true, home.true, [(home.true, home.true + HOUR)]))
    if begin is start:
        home.set_up()
    begin(home)


def run_steps(home: TurnedHome, steps: int) -> bool:
    """Run some steps of the loop and return False if it was idle before."""
    end = home.loop.moment + LASTS.total_seconds()
    for _ in range(steps):
        if home.loop.is_idle and home.loop.next_timer() > end:
            return False
        home.step()
    return True


def unload_and_set_up(home: TurnedHome) -> None:
    """Unload the entry, check that it stopped, and set it up again."""
    home.unload()
    before = home.traces
    home.pass_time(MINUTE)
    assert home.traces == before
    home.hass.set_state(CoreState.running)
    home.hass.bus._listeners.pop(EVENT_HOMEASSISTANT_STARTED, None)
    home.set_up()
    home.pass_time(MINUTE)


@pytest.mark.parametrize("live", [False, True], ids=["start", "end"])
@pytest.mark.parametrize("begin", [poll, call, call_slowly, call_slowly_without_event, start])
def test_unload_at_every_await(
    home: TurnedHome, begin: Callable[[TurnedHome], None], live: bool
) -> None:
    """An entry unloaded at any await loses no edge, doubles none, and leaks nothing."""
    expected = ["started", "ended"] if live else ["started"]
    for steps in range(ENOUGH):
        edges = Edges(home)
        prepare(home, begin, live=live)
        goes_on = run_steps(home, steps)
        assert goes_on or edges.kinds == expected, "it had not come to its end"
        unload_and_set_up(home)
        assert edges.kinds == expected, steps
        assert home.state(LIVE) == ("off" if live else "on")
        edges.stop()
        home.close()
        if not goes_on:
            break
    assert 3 < steps < ENOUGH - 1
