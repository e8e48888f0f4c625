"""Test the main paths in a real Home Assistant: push, polling and the clock."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
import time
from typing import Any

import pytest

from demo.house import House

from ..fakes.forked import ForkedHouse
from ..fakes.home import LIVE
from ..fakes.process import CURRENT_END, TOKEN, add, call, filled_in
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(60)]

HTML = "<!doctype html><title>Log in</title>"
CAUSES = [
    (HTTPStatus.INTERNAL_SERVER_ERROR, HTML, "wrong_address"),
    (HTTPStatus.TOO_MANY_REQUESTS, "", "rate_limited"),
    (HTTPStatus.OK, HTML, "unexpected_response"),
    (HTTPStatus.OK, "[]", "unexpected_response"),
    (HTTPStatus.OK, '{"success": false, "msg": "No", "data": null}', "unexpected_response"),
]
"""Answers of the API with an error in the dialog."""
COUNTING = """
logger:
  default: warning
  logs:
    custom_components.equiwatt: info
counter:
  started:
  ended:
automation:
  - alias: Count starts
    mode: queued
    triggers:
      - trigger: event.received
        target: {entity_id: event.equiwatt_equivent}
        options: {event_type: [started]}
    actions:
      - action: counter.increment
        target: {entity_id: counter.started}
  - alias: Count ends
    mode: queued
    triggers:
      - trigger: event.received
        target: {entity_id: event.equiwatt_equivent}
        options: {event_type: [ended]}
    actions:
      - action: counter.increment
        target: {entity_id: counter.ended}
"""


@pytest.fixture
async def house(api: Provider, tmp_path: Path, own_port: int) -> AsyncIterator[House]:
    """Run a Home Assistant that counts the announced edges."""
    async with ForkedHouse(tmp_path, configuration=COUNTING, port=own_port) as house:
        yield house


async def errors_in(house: House, token: str, url: str) -> Any:
    """Submit the form and return its errors."""
    result = await house.flow("equiwatt", filled_in(token, url))
    return result["errors"]["base"]


async def check_causes(house: House, api: Provider) -> None:
    """Check that every cause of a failure has its error in the dialog."""
    assert await errors_in(house, "wrong-token", api.url) == "invalid_auth"
    assert await errors_in(house, TOKEN, "http://127.0.0.1:1/") == "wrong_address"
    assert await errors_in(house, TOKEN, "http://example.com/") == "insecure_url"
    for number, (status, body, reason) in enumerate(CAUSES):
        api.fail(status, body=body)
        assert await errors_in(house, f"token-{number}", api.url) == reason
    api.recover()


def changed_at(state: dict[str, Any]) -> float:
    """Return the time of a state's last change, which does not depend on when it was looked at."""
    return datetime.fromisoformat(state["last_changed"]).timestamp()


async def counted(house: House, starts: int, ends: int) -> None:
    """Check the number of edges in automations."""
    await house.wait_for("counter.started", str(starts))
    await house.wait_for("counter.ended", str(ends))


async def by_push(house: House, api: Provider, addresses: dict[str, str]) -> None:
    """Play a pushed equivent, which the API names in the shape of the log."""
    began = time.time()
    await call(addresses["started"])
    assert changed_at(await house.wait_for(LIVE, "on")) - began < 1
    start = int(time.time())
    api.previous = [{"start_time": start, "end_time": None}]
    await asyncio.sleep(12)  # confirmed by then, without another edge
    await counted(house, 1, 0)
    api.previous = [{"start_time": start, "end_time": int(time.time())}]
    began = time.time()
    await call(addresses["ended"])
    assert changed_at(await house.wait_for(LIVE, "off")) - began < 1
    await counted(house, 1, 1)


async def by_polling_and_clock(house: House, api: Provider) -> None:
    """Play an equivent that is polled, and ends during an outage."""
    start = int(time.time())
    api.current = {"start_time": start, "end_time": start + 3600}
    await house.wait_for(LIVE, "on", 75)
    await counted(house, 2, 1)
    end = int(time.time()) + 15
    api.current = {"start_time": start, "end_time": end}
    await house.call("homeassistant", "update_entity", entity_id=LIVE)
    await house.wait_for(CURRENT_END, datetime.fromtimestamp(end, UTC).isoformat())
    api.is_down = True
    await house.call("homeassistant", "update_entity", entity_id=LIVE)
    assert -0.5 < changed_at(await house.wait_for(LIVE, "off")) - end < 2
    await counted(house, 2, 2)


async def overrun(house: House, api: Provider, addresses: dict[str, str]) -> None:
    """Play an equivent that the API still names after its planned end."""
    await asyncio.sleep(2)
    start, end = int(time.time()), int(time.time()) + 5
    api.current = {"start_time": start, "end_time": end}
    api.is_down = False
    await call(addresses["started"])
    confirmed = datetime.fromtimestamp(end, UTC).isoformat()
    await house.wait_for(
        CURRENT_END, confirmed, 65
    )  # in a window all calls of the minute may be used
    await asyncio.sleep(max(0, end + 5 - time.time()))
    assert (await house.state(LIVE) or {})["state"] == "on"
    await counted(house, 3, 2)
    api.current = None
    api.previous = [{"start_time": start, "end_time": end}, *api.previous]
    await call(addresses["ended"].split("?")[0])
    await house.wait_for(LIVE, "off", 65)
    await counted(house, 3, 3)


async def test_main_paths(house: House, api: Provider) -> None:
    """Errors, a push, a poll and the clock, within the limits and without secrets in the log."""
    await check_causes(house, api)
    addresses = await add(house, api)
    await by_push(house, api, addresses)
    await by_polling_and_clock(house, api)
    await overrun(house, api, addresses)
    assert await house.stop() == 0
    api.check_limits()
    lost = "Error fetching equiwatt data: equiwatt cannot be reached, or its service is down"
    assert [lost in problem for problem in house.problems()] == [True], house.problems()
    assert "Traceback" not in house.log()
    assert TOKEN not in house.log()
    assert addresses["started"].split("/")[-1].split("?")[0] not in house.log()
