"""Test over real sockets that a call in the middle of a window finds room for its refresh.

All times are a quarter of the real ones, so that a minute of polls takes a quarter of one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from itertools import pairwise
import time
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.equiwatt import coordinator
from custom_components.equiwatt.equivents import client, schedule
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .conftest import WEBHOOK_ID, Watch, add_entry, event_of, said

QUARTER = 1 / 4
GAP, MINUTE, SECOND = 1.0 * QUARTER, 60 * QUARTER, 1.0 * QUARTER
CURRENT_END = "sensor.equiwatt_current_end"
LAST_END = "sensor.equiwatt_last_end"


@pytest.fixture(autouse=True)
def real_limits(no_waiting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the provider's limits back, in quarters, and let one window last for ever."""
    monkeypatch.setattr(client, "CALL_GAP", GAP)
    monkeypatch.setattr(client, "CALL_WINDOW", MINUTE)
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)
    monkeypatch.setattr(coordinator, "BURST", 0.2 * QUARTER)
    monkeypatch.setattr(schedule, "OFTEN", schedule.OFTEN * QUARTER)
    monkeypatch.setattr(schedule, "CLOSES", schedule.OPENS + 2 * schedule.HALF_HOUR)


class Api:
    """An API that tells the truth at once, and notes when it was asked."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.payload = said(None)
        self.times: list[float] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a call."""
        self.times.append(time.monotonic())
        return web.json_response(self.payload)


@pytest.fixture
async def api(socket_enabled: None) -> Api:
    """Return the API."""
    return Api()


@pytest.fixture
async def url(api: Api) -> AsyncIterator[str]:
    """Serve the API, and return its address."""
    app = web.Application()
    app.router.add_get("/api/v3/equivents/", api.answer)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/api/v3/equivents/"))
    await server.close()


async def until(condition: Callable[[], bool]) -> float:
    """Wait until something is so, and return when it was."""
    async with asyncio.timeout(2 * MINUTE):
        while not condition():  # noqa: ASYNC110 - there is no event for that
            await asyncio.sleep(0.002)
    return time.monotonic()


@pytest.mark.long(20)
async def test_confirmed_within_a_second(
    hass: HomeAssistant, api: Api, url: str, hass_client_no_auth: Any
) -> None:
    """After a minute of polls in a window two calls are each confirmed as soon as one may ask."""
    hass.loop.set_debug(False)
    entry = add_entry(hass, url=url)
    assert await hass.config_entries.async_setup(entry.entry_id)
    house = Watch(hass)
    caller = await hass_client_no_auth()
    await until(lambda: api.times[-1] - api.times[0] >= MINUTE)
    asked = len(api.times)
    start = dt_util.utcnow().replace(microsecond=0)

    async def confirmed(kind: str, payload: dict[str, Any], is_known: Callable[[], bool]) -> float:
        """Let the app call, and return the seconds from when the API might be asked."""
        api.payload = payload
        possible = max(time.monotonic(), api.times[-1] + GAP)
        response = await caller.post(f"/api/webhook/{WEBHOOK_ID}?event={kind}")
        assert response.status == 200
        return await until(is_known) - possible

    end = start + timedelta(hours=1)
    named = said(event_of(start, end))
    waited = await confirmed("started", named, lambda: house.state(CURRENT_END) != "unknown")
    assert waited <= SECOND
    assert datetime.fromisoformat(house.state(CURRENT_END)) == end

    await asyncio.sleep(1.5 * QUARTER)
    end = start + timedelta(minutes=7)
    listed = said(None, event_of(start, end))
    waited = await confirmed("ended", listed, lambda: house.state(LAST_END) != "unknown")
    assert waited <= SECOND
    assert datetime.fromisoformat(house.state(LAST_END)) == end

    assert len(api.times) >= asked + 2
    assert house.kinds == ["started", "ended"]
    await asyncio.sleep(MINUTE / 4)
    assert all(later - earlier >= GAP for earlier, later in pairwise(api.times))
    assert all(
        later - earlier >= MINUTE for earlier, later in zip(api.times, api.times[10:], strict=False)
    )
