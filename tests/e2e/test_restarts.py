"""Test restarts of a real Home Assistant at chosen moments, by signal and by power cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
import signal
import time

from aiohttp import web
import pytest

from demo.house import House

from ..fakes.forked import ForkedHouse
from ..fakes.home import LIVE
from ..fakes.process import CURRENT_END, TOKEN, add, call, stored
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(50)]

LAST_START = "sensor.equiwatt_last_start"
CALENDAR = "calendar.equiwatt_equivents"
LOST = "Error fetching equiwatt data: "
BACK = "Fetching equiwatt data recovered"
HOUR = 3600
QUIET = 2.0
"""Seconds in which a waiting edge would be announced after the start."""
CONFIGURATION = """
logger:
  default: warning
  logs:
    custom_components.equiwatt: debug
rest_command:
  tell:
    url: LISTENER
    method: post
    payload: "{{ edges }}"
automation:
  - alias: Tell each edge
    mode: queued
    triggers:
      - trigger: event.received
        target: {entity_id: event.equiwatt_equivent}
        options: {event_type: [started, ended]}
    actions:
      - action: rest_command.tell
        data:
          edges: >-
            {{ trigger.to_state.attributes.event_type }}
            by {{ trigger.to_state.attributes.source }},
            live is {{ states("binary_sensor.equiwatt_live") }}
"""


class EdgeListener:
    """Edges in automations, across all restarts."""

    def __init__(self) -> None:
        """Start without any edges."""
        self.url = ""
        self.heard: list[str] = []
        self._expected: list[str] = []
        self._news = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        """Record an edge of an automation."""
        self.heard.append(await request.text())
        self._news.set()
        return web.Response()

    async def expect(self, *edges: str) -> None:
        """Wait for these edges after all those expected before."""
        self._expected += edges
        with suppress(TimeoutError):
            async with asyncio.timeout(30):  # two answers are ten seconds apart
                while len(self.heard) < len(self._expected):
                    self._news.clear()
                    await self._news.wait()
        assert self.heard == self._expected, self.heard

    async def expect_nothing(self) -> None:
        """Check that there are no further edges."""
        await asyncio.sleep(QUIET)
        assert self.heard == self._expected, self.heard


class RestartedHouse:
    """A house whose Home Assistant is repeatedly ended by one signal."""

    def __init__(
        self, house: House, api: Provider, listener: EdgeListener, sign: signal.Signals
    ) -> None:
        """Start the clock."""
        self.house = house
        self.api = api
        self.edges = listener
        self.addresses: dict[str, str] = {}
        self.losses = 0
        self._sign = sign
        self._began = int(time.time())

    def equivent(self, start: float, end: float) -> dict[str, int]:
        """Return an equivent, with times in hours from the beginning."""
        times = (self._began + int(hours * HOUR) for hours in (start, end))
        return dict(zip(("start_time", "end_time"), times, strict=True))

    async def end(self) -> None:
        """End the process."""
        if self._sign is signal.SIGTERM:
            assert await self.house.stop() == 0
        else:
            await self.house.kill()
        self._check_limits()

    def _check_limits(self) -> None:
        """Check the calls of one process, as the next one knows nothing of them."""
        self.api.check_limits()
        self.api.forget_calls()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """End the process, change the world, and start it again."""
        await self.end()
        yield
        self.losses += self.api.is_down
        await self.house.start()

    async def start_and_end(self) -> None:
        """Start, and end once the API has answered, during the start."""
        starting = asyncio.create_task(self.house.start())
        while not self.api.by_token[TOKEN]:
            await asyncio.wait([starting], timeout=0.01)
        assert not starting.done()
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        await (self.house.stop() if self._sign is signal.SIGTERM else self.house.kill())
        self._check_limits()

    async def poll(self) -> None:
        """Poll by a call without an event."""
        await call(self.addresses["started"].split("?")[0])

    async def shows(self, entity_id: str, moment: int) -> None:
        """Wait for the time in a sensor."""
        await self.house.wait_for(entity_id, datetime.fromtimestamp(moment, UTC).isoformat())

    async def recovers(self, end: int) -> None:
        """End the outage, and wait until an equivent's end is shown and the recovery logged."""
        self.api.is_down = False
        await self.poll()
        await self.shows(CURRENT_END, end)
        async with asyncio.timeout(30):  # a power cut loses what the log's thread has yet to write
            while self.house.log().count(BACK) < self.losses:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def stores(self, moment: int) -> None:
        """Wait for a time on the disk, without which nothing survives a power cut."""
        files = list(self.house.folder.glob(".storage/equiwatt.*"))
        stored = datetime.fromtimestamp(moment, UTC).isoformat()
        for _ in range(500):
            if any(stored in file.read_text("utf-8") for file in files):
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"{moment} is not stored")

    async def lists(self, *equivents: dict[str, int]) -> None:
        """Check the calendar's list."""
        path = f"/api/calendars/{CALENDAR}?start=2000-01-01T00:00:00Z&end=2100-01-01T00:00:00Z"
        events = await self.house.request("GET", path)
        starts = [datetime.fromisoformat(event["start"]["dateTime"]) for event in events]
        assert [start.timestamp() for start in starts] == [
            equivent["start_time"] for equivent in equivents
        ]


@pytest.fixture
async def listener() -> AsyncIterator[EdgeListener]:
    """Listen on a free port."""
    listener = EdgeListener()
    app = web.Application()
    app.router.add_post("/", listener.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield listener
    await runner.cleanup()


@pytest.fixture(params=[signal.SIGTERM, signal.SIGKILL], ids=lambda sign: sign.name)
async def house(
    api: Provider,
    listener: EdgeListener,
    tmp_path: Path,
    own_port: int,
    request: pytest.FixtureRequest,
) -> AsyncIterator[RestartedHouse]:
    """Run a Home Assistant whose automations report the edges."""
    configuration = CONFIGURATION.replace("LISTENER", listener.url)
    async with ForkedHouse(tmp_path, configuration=configuration, port=own_port) as house:
        yield RestartedHouse(house, api, listener, request.param)


async def test_restarts(house: RestartedHouse) -> None:
    """Exactly the missing edges after each restart, and a complete history."""
    await set_up(house)
    await still_live(house)
    await ended_while_down(house)
    await started_while_down(house)
    await another_while_down(house)
    await planned_end_while_down(house)
    await pushed_while_api_is_down(house)
    await ended_before_a_server_that_lags(house)
    await house.end()
    check_log(house)


OLD, FIRST, UNSEEN, SECOND, THIRD = (-48, -47), (-5, -4), (-3, -2.5), (-2, -1.5), (-0.5, 0)


async def set_up(house: RestartedHouse) -> None:
    """Add the account and start the first equivent, whose edge is announced."""
    house.api.previous = [house.equivent(*OLD)]
    house.addresses = await add(house.house, house.api)
    await stored(house.house)
    house.api.current = house.equivent(FIRST[0], 1)
    await house.poll()
    await house.edges.expect("started by api, live is on")


async def still_live(house: RestartedHouse) -> None:
    """End the process just after the edge, and start it in an outage."""
    async with house.away():
        house.api.is_down = True
    await house.edges.expect_nothing()
    await house.shows(LAST_START, house.equivent(*OLD)["start_time"])
    await house.lists(house.equivent(*OLD), house.equivent(*FIRST))
    await house.house.wait_for(LIVE, "on", 0.5)
    house.api.current = house.equivent(FIRST[0], 2)
    await house.recovers(house.equivent(0, 2)["end_time"])


async def ended_while_down(house: RestartedHouse) -> None:
    """End the process again during its start, before the found edge is announced."""
    await house.end()
    house.api.current = None
    house.api.previous = [house.equivent(*FIRST), house.equivent(*OLD)]
    await house.start_and_end()
    await house.house.start()
    async with house.away():
        pass
    await house.edges.expect("ended by api, live is off")
    await house.shows(LAST_START, house.equivent(*FIRST)["start_time"])


async def started_while_down(house: RestartedHouse) -> None:
    """Start another equivent, after a missed one."""
    async with house.away():
        house.api.current = house.equivent(SECOND[0], 1)
        house.api.previous = [house.equivent(*UNSEEN), house.equivent(*FIRST)]
    await house.edges.expect("started by api, live is on")
    await house.shows(LAST_START, house.equivent(*UNSEEN)["start_time"])
    await house.lists(*(house.equivent(*span) for span in (OLD, FIRST, UNSEEN, SECOND)))


async def another_while_down(house: RestartedHouse) -> None:
    """End it and start another."""
    async with house.away():
        house.api.current = house.equivent(THIRD[0], 1)
        house.api.previous = [house.equivent(*SECOND), house.equivent(*UNSEEN)]
    await house.edges.expect("ended by api, live is on", "started by api, live is on")
    await house.shows(LAST_START, house.equivent(*SECOND)["start_time"])


async def planned_end_while_down(house: RestartedHouse) -> None:
    """Change its plan, and start in an outage after the planned end."""
    start, end = house.equivent(*THIRD)["start_time"], int(time.time()) + 6
    house.api.current = {"start_time": start, "end_time": end}
    await house.poll()
    await house.shows(CURRENT_END, end)
    await house.stores(end)
    async with house.away():
        house.api.is_down = True
        await asyncio.sleep(max(0, end - time.time()))
    await house.edges.expect("ended by clock, live is unavailable")


async def pushed_while_api_is_down(house: RestartedHouse) -> None:
    """Push a start during the outage, which the API then confirms.

    It has yet to list the one before: a call for an end soon after that would speak of that one.
    """
    now = int(time.time())
    house.api.current = {"start_time": now, "end_time": now + HOUR}
    house.api.previous = [house.equivent(*SECOND)]
    await call(house.addresses["started"])
    await house.edges.expect("started by webhook, live is on")
    await house.recovers(now + HOUR)
    seen = [house.equivent(*span) for span in (OLD, FIRST, UNSEEN, SECOND, THIRD)]
    await house.lists(*seen, house.api.current)


async def ended_before_a_server_that_lags(house: RestartedHouse) -> None:
    """End it as planned, and name it again by a lagging server after the start."""
    live, before = house.api.current, house.api.previous
    assert live
    over = {**live, "end_time": int(time.time()) + 6}
    house.api.current = over
    await house.poll()
    await house.shows(CURRENT_END, over["end_time"])
    house.api.current, house.api.previous = None, [over, *before]
    await house.edges.expect("ended by api, live is off")
    house.api.current, house.api.previous = live, before
    async with house.away():
        pass
    await house.edges.expect_nothing()
    await house.house.wait_for(LIVE, "off", 0.5)


def check_log(house: RestartedHouse) -> None:
    """Check that each outage and its end is logged once, and no secret."""
    log = house.house.log()
    problems = [
        problem for problem in house.house.problems() if " DEBUG " not in problem.splitlines()[0]
    ]
    assert [LOST in problem for problem in problems] == [True] * house.losses, problems
    assert log.count(BACK) == house.losses
    assert "Traceback" not in "".join(problems)
    assert TOKEN not in log
    assert house.addresses["started"].split("/")[-1].split("?")[0] not in log
