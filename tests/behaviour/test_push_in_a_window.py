"""Test over real sockets that a webhook call in a polling window is followed up at once.

The clock is turned by hand, with some turns of the loop for each step. So a slow machine changes
nothing, as the provider and its caller run in the same loop.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.equiwatt import coordinator
from custom_components.equiwatt.equivents import client, schedule
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..fakes.home import NOW, WEBHOOK_ID, Home, add_entry
from ..fakes.provider import Provider

GAP, MINUTE = 1.0, 60
CURRENT_END = "sensor.equiwatt_current_end"
LAST_END = "sensor.equiwatt_last_end"
STEP = 0.05
"""Seconds by which the clock is turned at once."""
TURNS = 30
"""Turns of the loop for each step, more than a call and its answer need."""


@pytest.fixture(autouse=True)
def real_limits(no_waiting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the provider's limits, and make one window last for ever."""
    monkeypatch.setattr(client, "CALL_GAP", GAP)
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)
    monkeypatch.setattr(coordinator, "COLLECT_SECONDS", 0.2)
    monkeypatch.setattr(schedule, "CLOSES", schedule.OPENS + 2 * schedule.HALF_HOUR)


@pytest.fixture
async def provider(socket_enabled: None) -> AsyncIterator[Provider]:
    """Return a provider on a socket."""
    async with Provider().serve() as provider:
        yield provider


async def test_confirmed_within_a_second(
    hass: HomeAssistant,
    provider: Provider,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: Any,
) -> None:
    """Two calls after a minute of polls are each confirmed as soon as the limits allow."""

    async def until(condition: Callable[[], bool], seconds: float = 2 * MINUTE) -> float:
        """Turn the clock until a condition is met, and return the time."""
        for _ in range(round(seconds / STEP)):
            if condition():
                break
            freezer.tick(STEP)
            for _ in range(TURNS):
                await asyncio.sleep(0)
        assert condition()
        return time.monotonic()

    freezer.move_to(NOW)
    home = Home(hass, add_entry(hass, url=provider.url), provider, freezer)
    await home.setup()
    caller = await hass_client_no_auth()
    await until(lambda: provider.times[-1] - provider.times[0] >= MINUTE)
    asked = len(provider.times)
    start = dt_util.utcnow().replace(microsecond=0) - timedelta(minutes=10)

    async def confirmed(kind: str, is_known: Callable[[], bool]) -> float:
        """Call the webhook, and return the seconds from when the limits allowed a poll."""
        possible = max(time.monotonic(), provider.times[-1] + GAP)
        response = await caller.post(f"/api/webhook/{WEBHOOK_ID}?event={kind}")
        assert response.status == 200
        return await until(is_known) - possible

    end = start + timedelta(hours=1)
    provider.start(start, end)
    waited = await confirmed("started", lambda: home.state(CURRENT_END) != "unknown")
    assert waited <= 1
    assert datetime.fromisoformat(home.state(CURRENT_END)) == end

    since = time.monotonic()
    await until(lambda: time.monotonic() >= since + 1.5)
    end = dt_util.utcnow().replace(microsecond=0)
    provider.end(start, end)
    waited = await confirmed("ended", lambda: home.state(LAST_END) != "unknown")
    assert waited <= 1
    assert datetime.fromisoformat(home.state(LAST_END)) == end

    assert len(provider.times) >= asked + 2
    await home.hass.async_block_till_done()  # the event is stored first
    await until(lambda: home.kinds == ["started", "ended"])
    since = time.monotonic()
    await until(lambda: time.monotonic() >= since + MINUTE / 4)
    provider.check_limits()
