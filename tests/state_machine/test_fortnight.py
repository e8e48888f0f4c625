"""Test a fortnight for leaks and needless state changes."""

import asyncio
from collections import Counter
from datetime import timedelta
import gc
import logging
import sys

import pytest

from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.util.async_ import get_scheduled_timer_handles

from ..fakes.home import EVENT
from .cloud import HOUR, Truth
from .home import TurnedHome

DAYS = 14
DAY = timedelta(days=1)
EQUIVENTS = {3: True, 6: False, 10: True, 13: False}
"""Days with an equivent, twice a week, and whether the app calls the webhook."""
GROWTH = 18_000
"""Limit of additional memory blocks after some 32,000 calls.

One kept for every second call is found; the tests themselves keep some 2,000 for each equivent.
"""


class Changes:
    """Counters of the state changes of the entities and of the edges."""

    def __init__(self, home: TurnedHome) -> None:
        """Subscribe to the state changes."""
        self.all = self.edges = 0
        home.hass.bus.async_listen("state_changed", self.count)

    @callback
    def count(self, event: Event[EventStateChangedData]) -> None:
        """Count a state change."""
        self.all += "equiwatt" in event.data["entity_id"]
        self.edges += event.data["entity_id"] == EVENT


def live_a_day(home: TurnedHome, called: bool | None) -> int:
    """Simulate a day: with webhook calls, without, or (None) without an equivent.

    Return the number of API calls.
    """
    home.cloud.calls.clear()
    home.cloud.served.clear()
    home.mocker.mock_calls.clear()
    begin = home.loop.moment
    if called is not None:
        home.pass_time(3 * HOUR)
        home.cloud.legacy = not called
        now = home.true.replace(microsecond=0)
        home.cloud.truths.append(Truth(now, now, [(now, now + HOUR)]))
        if called:
            home.app.call("started")
        home.pass_time(HOUR)
        if called:
            home.app.call("ended")
    home.pass_time(DAY - timedelta(seconds=home.loop.moment - begin))
    return len(home.cloud.calls)


def sizes(home: TurnedHome) -> Counter[str]:
    """Return the sizes of all that could leak."""
    gc.collect()
    timers = [h for h in get_scheduled_timer_handles(home.loop) if not h.cancelled()]
    return Counter(
        tasks=len(asyncio.all_tasks(home.loop)),
        timers=len(timers),
        listeners=sum(home.hass.bus.async_listeners().values()),
    )


@pytest.mark.long(30)
def test_fortnight(home: TurnedHome, caplog: pytest.LogCaptureFixture) -> None:
    """A fortnight leaks nothing, and a day without an equivent changes no state."""
    caplog.set_level(logging.INFO, "custom_components.equiwatt")  # tests keep all records
    home.open()
    changes = Changes(home)
    for called in (True, False, None):
        live_a_day(home, called)
    before, edges = sizes(home), changes.edges
    blocks = sys.getallocatedblocks()
    for day in range(3, DAYS):
        seen = changes.all
        called = EQUIVENTS.get(day)
        assert 2_800 <= live_a_day(home, called) <= 2_880
        assert called is not None or changes.all == seen
    assert changes.edges - edges == 2 * len(EQUIVENTS)
    assert sizes(home) <= before
    assert sys.getallocatedblocks() - blocks < GROWTH
    home.close()
