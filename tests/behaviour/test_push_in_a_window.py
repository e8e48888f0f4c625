"""Test over real sockets that a webhook call in a polling window is followed up at once.

All times are a quarter of the real ones, so that a minute of polls takes a quarter of one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from itertools import pairwise
import time
from typing import Any

import pytest

from custom_components.equiwatt import coordinator
from custom_components.equiwatt.equivents import client, schedule
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..fakes.home import WEBHOOK_ID, Home, add_entry
from ..fakes.provider import Provider

QUARTER = 1 / 4
GAP, MINUTE, SECOND = 1.0 * QUARTER, 60 * QUARTER, 1.0 * QUARTER
CURRENT_END = "sensor.equiwatt_current_end"
LAST_END = "sensor.equiwatt_last_end"


@pytest.fixture(autouse=True)
def real_limits(no_waiting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the provider's limits, in quarters, and make one window last for ever."""
    monkeypatch.setattr(client, "CALL_GAP", GAP)
    monkeypatch.setattr(client, "CALL_WINDOW", MINUTE)
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)
    monkeypatch.setattr(coordinator, "COLLECT_SECONDS", 0.2 * QUARTER)
    monkeypatch.setattr(schedule, "WINDOW_INTERVAL", schedule.WINDOW_INTERVAL * QUARTER)
    monkeypatch.setattr(schedule, "CLOSES", schedule.OPENS + 2 * schedule.HALF_HOUR)


@pytest.fixture
async def provider(socket_enabled: None) -> AsyncIterator[Provider]:
    """Return a provider on a socket."""
    async with Provider().serve() as provider:
        yield provider


async def until(condition: Callable[[], bool]) -> float:
    """Wait for a condition and return the time when it was met."""
    async with asyncio.timeout(2 * MINUTE):
        while not condition():  # noqa: ASYNC110 - there is no event for that
            await asyncio.sleep(0.002)
    return time.monotonic()


@pytest.mark.long(20)
async def test_confirmed_within_a_second(
    hass: HomeAssistant, provider: Provider, hass_client_no_auth: Any
) -> None:
    """Two calls after a minute of polls are each confirmed as soon as the limits allow."""
    hass.loop.set_debug(False)
    home = Home(hass, add_entry(hass, url=provider.url), provider)
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
    assert waited <= SECOND
    assert datetime.fromisoformat(home.state(CURRENT_END)) == end

    await asyncio.sleep(1.5 * QUARTER)
    end = dt_util.utcnow().replace(microsecond=0)
    provider.end(start, end)
    waited = await confirmed("ended", lambda: home.state(LAST_END) != "unknown")
    assert waited <= SECOND
    assert datetime.fromisoformat(home.state(LAST_END)) == end

    assert len(provider.times) >= asked + 2
    await until(lambda: home.kinds == ["started", "ended"])  # the event follows the sensors
    await asyncio.sleep(MINUTE / 4)
    assert all(later - earlier >= GAP for earlier, later in pairwise(provider.times))
    tenth = zip(provider.times, provider.times[10:], strict=False)
    assert all(later - earlier >= MINUTE for earlier, later in tenth)
