"""Restart a real Home Assistant at chosen moments, in good order and by pulling the plug."""

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

from ..fakes.home import LIVE
from ..fakes.process import CURRENT_END, TOKEN, add, call
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(65)]

LAST_START = "sensor.equiwatt_last_start"
CALENDAR = "calendar.equiwatt_equivents"
LOST = "Error fetching equiwatt data: "
BACK = "Fetching equiwatt data recovered"
HOUR = 3600
QUIET = 2.0
"""Seconds in which an edge that waited for the start of Home Assistant would be heard."""
HEARING = """
logger:
  default: warning
  logs:
    custom_components.equiwatt: debug
rest_command:
  tell:
    url: EAR
    method: post
    payload: "{{ news }}"
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
          news: >-
            {{ trigger.to_state.attributes.event_type }}
            by {{ trigger.to_state.attributes.source }},
            live is {{ states("binary_sensor.equiwatt_live") }}
"""


class Ear:
    """Keeps what automations hear, across all restarts."""

    def __init__(self) -> None:
        """Start with nothing heard and nothing expected."""
        self.url = ""
        self.heard: list[str] = []
        self._expected: list[str] = []
        self._news = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        """Take in what an automation has heard."""
        self.heard.append(await request.text())
        self._news.set()
        return web.Response()

    async def hears(self, *news: str) -> None:
        """Wait until automations have heard this besides all that was expected before."""
        self._expected += news
        with suppress(TimeoutError):
            async with asyncio.timeout(30):  # what takes two answers takes ten seconds
                while len(self.heard) < len(self._expected):
                    self._news.clear()
                    await self._news.wait()
        assert self.heard == self._expected, self.heard

    async def hears_nothing(self) -> None:
        """Check that automations hear nothing but what was expected before."""
        await asyncio.sleep(QUIET)
        assert self.heard == self._expected, self.heard


class Story:
    """A house whose Home Assistant is ended by one signal again and again."""

    def __init__(self, house: House, api: Provider, ear: Ear, sign: signal.Signals) -> None:
        """Begin now."""
        self.house = house
        self.api = api
        self.ear = ear
        self.addresses: dict[str, str] = {}
        self.losses = 0
        self._sign = sign
        self._began = int(time.time())

    def equivent(self, start: float, end: float) -> dict[str, int]:
        """Return an equivent, its times in hours from when the story began."""
        times = (self._began + int(hours * HOUR) for hours in (start, end))
        return dict(zip(("start_time", "end_time"), times, strict=True))

    async def end(self) -> None:
        """End the process."""
        if self._sign is signal.SIGTERM:
            assert await self.house.stop() == 0
        else:
            await self.house.kill()
        self._close_books()

    def _close_books(self) -> None:
        """Check the calls of one process: the next one knows nothing of them."""
        self.api.check_limits()
        self.api.forget_calls()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """End the process, let things happen, and start it again."""
        await self.end()
        yield
        self.losses += self.api.is_down
        await self.house.start()

    async def start_and_end(self) -> None:
        """Start, and end it as soon as the API has answered, while it still starts."""
        starting = asyncio.create_task(self.house.start())
        while not self.api.by_token[TOKEN]:
            await asyncio.wait([starting], timeout=0.01)
        assert not starting.done()
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        await (self.house.stop() if self._sign is signal.SIGTERM else self.house.kill())
        self._close_books()

    async def look(self) -> None:
        """Have the API asked, by a call that says nothing else."""
        await call(self.addresses["started"].split("?")[0])

    async def shows(self, entity_id: str, moment: int) -> None:
        """Wait until a sensor shows a time."""
        await self.house.wait_for(entity_id, datetime.fromtimestamp(moment, UTC).isoformat(), 10)

    async def stores(self, moment: int) -> None:
        """Wait until a time is on the disk, as without it there nothing outlasts a pulled plug."""
        files = list(self.house.folder.glob(".storage/equiwatt.*"))
        for _ in range(500):
            if any(str(moment) in file.read_text("utf-8") for file in files):
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"{moment} is not stored")

    async def lists(self, *equivents: dict[str, int]) -> None:
        """Check what the calendar lists."""
        path = f"/api/calendars/{CALENDAR}?start=2000-01-01T00:00:00Z&end=2100-01-01T00:00:00Z"
        events = await self.house.request("GET", path)
        starts = [datetime.fromisoformat(event["start"]["dateTime"]) for event in events]
        assert [start.timestamp() for start in starts] == [one["start_time"] for one in equivents]


@pytest.fixture
async def ear(socket_enabled: None) -> AsyncIterator[Ear]:
    """Listen on a free port."""
    ear = Ear()
    app = web.Application()
    app.router.add_post("/", ear.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ear.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield ear
    await runner.cleanup()


@pytest.fixture(params=[signal.SIGTERM, signal.SIGKILL], ids=lambda sign: sign.name)
async def story(
    api: Provider, ear: Ear, tmp_path: Path, own_port: int, request: pytest.FixtureRequest
) -> AsyncIterator[Story]:
    """Run a Home Assistant whose automations tell what they hear."""
    configuration = HEARING.replace("EAR", ear.url)
    async with House(tmp_path, configuration=configuration, port=own_port) as house:
        yield Story(house, api, ear, request.param)


async def test_restarts(story: Story) -> None:
    """Exactly the missing edges after each restart, and nothing forgotten."""
    await set_up(story)
    await still_live(story)
    await ended_while_down(story)
    await started_while_down(story)
    await another_while_down(story)
    await planned_end_while_down(story)
    await pushed_while_api_is_down(story)
    await ended_before_a_server_that_lags(story)
    await story.end()
    check_log(story)


OLD, FIRST, UNSEEN, SECOND, THIRD = (-48, -47), (-5, -4), (-3, -2.5), (-2, -1.5), (-0.5, 0)


async def set_up(story: Story) -> None:
    """Add the account, and let the first equivent begin; its edge is heard."""
    story.api.previous = [story.equivent(*OLD)]
    story.addresses = await add(story.house, story.api)
    await asyncio.sleep(2)  # until the entry is on the disk
    story.api.current = story.equivent(FIRST[0], 1)
    await story.look()
    await story.ear.hears("started by api, live is on")


async def still_live(story: Story) -> None:
    """End it as soon as the edge is heard; the API is down when it starts, and comes back."""
    async with story.away():
        story.api.is_down = True
    await story.ear.hears_nothing()
    await story.shows(LAST_START, story.equivent(*OLD)["start_time"])
    await story.lists(story.equivent(*OLD), story.equivent(*FIRST))
    await story.house.wait_for(LIVE, "on", 0.5)
    story.api.is_down = False
    story.api.current = story.equivent(FIRST[0], 2)
    await story.look()
    await story.shows(CURRENT_END, story.equivent(0, 2)["end_time"])


async def ended_while_down(story: Story) -> None:
    """End it again before it has started, and before automations could hear what it found out."""
    await story.end()
    story.api.current = None
    story.api.previous = [story.equivent(*FIRST), story.equivent(*OLD)]
    await story.start_and_end()
    await story.house.start()
    async with story.away():
        pass
    await story.ear.hears("ended by api, live is off")
    await story.shows(LAST_START, story.equivent(*FIRST)["start_time"])


async def started_while_down(story: Story) -> None:
    """Let one pass unseen, which is history, and another one begin."""
    async with story.away():
        story.api.current = story.equivent(SECOND[0], 1)
        story.api.previous = [story.equivent(*UNSEEN), story.equivent(*FIRST)]
    await story.ear.hears("started by api, live is on")
    await story.shows(LAST_START, story.equivent(*UNSEEN)["start_time"])
    await story.lists(*(story.equivent(*one) for one in (OLD, FIRST, UNSEEN, SECOND)))


async def another_while_down(story: Story) -> None:
    """Let it end, and another one begin."""
    async with story.away():
        story.api.current = story.equivent(THIRD[0], 1)
        story.api.previous = [story.equivent(*SECOND), story.equivent(*UNSEEN)]
    await story.ear.hears("ended by api, live is on", "started by api, live is on")
    await story.shows(LAST_START, story.equivent(*SECOND)["start_time"])


async def planned_end_while_down(story: Story) -> None:
    """Let its plan change, the planned end pass, and the API be down at the start."""
    start, end = story.equivent(*THIRD)["start_time"], int(time.time()) + 6
    story.api.current = {"start_time": start, "end_time": end}
    await story.look()
    await story.shows(CURRENT_END, end)
    await story.stores(end)
    async with story.away():
        story.api.is_down = True
        await asyncio.sleep(max(0, end - time.time()))
    await story.ear.hears("ended by clock, live is unavailable")


async def pushed_while_api_is_down(story: Story) -> None:
    """Let one begin by a push while the API is still down; it comes back and confirms that.

    It has yet to list the one before: a call for an end soon after that would speak of that one.
    """
    now = int(time.time())
    story.api.current = {"start_time": now, "end_time": now + HOUR}
    story.api.previous = [story.equivent(*SECOND)]
    await call(story.addresses["started"])
    await story.ear.hears("started by webhook, live is on")
    story.api.is_down = False
    await story.look()
    await story.shows(CURRENT_END, now + HOUR)
    seen = [story.equivent(*one) for one in (OLD, FIRST, UNSEEN, SECOND, THIRD)]
    await story.lists(*seen, story.api.current)


async def ended_before_a_server_that_lags(story: Story) -> None:
    """Let it end as planned, and be named again by a server that lags when it starts again."""
    live, before = story.api.current, story.api.previous
    assert live
    over = {**live, "end_time": int(time.time()) + 6}
    story.api.current = over
    await story.look()
    await story.shows(CURRENT_END, over["end_time"])
    story.api.current, story.api.previous = None, [over, *before]
    await story.ear.hears("ended by api, live is off")
    story.api.current, story.api.previous = live, before
    async with story.away():
        pass
    await story.ear.hears_nothing()
    await story.house.wait_for(LIVE, "off", 0.5)


def check_log(story: Story) -> None:
    """Check that the log tells of each outage and its end once, of nothing else, of no secret."""
    log = story.house.log()
    problems = [one for one in story.house.problems() if " DEBUG " not in one.splitlines()[0]]
    assert [LOST in problem for problem in problems] == [True] * story.losses, problems
    assert log.count(BACK) == story.losses
    assert "Traceback" not in "".join(problems)
    assert TOKEN not in log
    assert story.addresses["started"].split("/")[-1].split("?")[0] not in log
