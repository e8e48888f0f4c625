"""What the tests share: the provider's HTTP, and an entry that uses it."""

import asyncio
from collections.abc import Generator
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import chain
import logging
import os
import sys
import time
from typing import Any, Protocol, cast, override
from unittest.mock import Mock

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from hypothesis import settings
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.test_util.aiohttp import (
    AiohttpClientMocker,
    AiohttpClientMockResponse,
)
from yarl import URL

# Before `hass` starts, or the plugin's own test folder is what Home Assistant finds.
import custom_components  # noqa: F401
from custom_components.equiwatt import announcer, coordinator
from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.equivents import client
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_WEBHOOK_ID
from homeassistant.core import Event, EventStateChangedData, HomeAssistant
from homeassistant.util import dt as dt_util

from .cloud import NATIVE, Cloud

# The same examples at each run: what fails here fails for everybody. `--hypothesis-profile=long`
# looks for new ones.
settings.register_profile("long", settings(max_examples=10_000, stateful_step_count=50))
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

API_URL = "https://app.equiwatt.com/api/v3/equivents/"
TOKEN = "sentinel-token-5f2c9e"
WEBHOOK_ID = "sentinel-webhook-id-8d1b7a"
LIVE = "binary_sensor.equiwatt_live"
EVENT = "event.equiwatt_equivent"

NOW = datetime(2026, 11, 20, 17, 20, tzinfo=dt_util.UTC)
"""A quiet moment: ten minutes to the next half hour."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to leave out what takes long."""
    parser.addoption("--quick", action="store_true", help="no real processes, no long searches")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the longest tests, or start them first where several processes share them.

    A process always has one test in hand besides the one it runs: a short one, so that no long one
    waits behind another.
    """
    seconds = {item: mark.args[0] for item in items if (mark := item.get_closest_marker("long"))}
    long = sorted(seconds, key=lambda item: seconds[item], reverse=True)
    short = [item for item in items if item not in seconds]
    if config.getoption("quick"):
        config.hook.pytest_deselected(items=long)
        items[:] = short
    elif hasattr(config, "workerinput"):
        pairs = chain.from_iterable(zip(long, short, strict=False))
        items[:] = dict.fromkeys([*pairs, *long, *short])


def event_of(start: datetime, end: datetime | None = None) -> dict[str, Any]:
    """Return an event as the provider writes it."""
    ends = int(end.timestamp()) if end else None
    return {"start_time": int(start.timestamp()), "end_time": ends}


def said(current: object, *previous: object) -> dict[str, Any]:
    """Return a good payload."""
    data = {"current_event": current, "previous_events": list(previous)}
    return {"success": True, "msg": None, "data": data}


class Provider:
    """The provider's HTTP: what it answers, and the calls it has seen."""

    def __init__(self) -> None:
        """Answer that nothing is live."""
        self.current: dict[str, Any] | None = None
        self.previous: list[dict[str, Any]] = []
        self.status = HTTPStatus.OK
        self.headers: dict[str, str] = {}
        self.body: str | None = None
        self.error: Exception | None = None
        self.calls: list[datetime] = []
        self.times: list[float] = []
        self.tokens: list[str] = []

    async def answer(self, method: str, url: URL, data: Any) -> AiohttpClientMockResponse:
        """Answer a call."""
        self.calls.append(dt_util.utcnow())
        self.times.append(time.monotonic())
        if self.error:
            raise self.error
        payload = said(self.current, *self.previous)
        return AiohttpClientMockResponse(
            method,
            url,
            status=self.status,
            headers=self.headers,
            **({"json": payload} if self.body is None else {"text": self.body}),
        )

    def start(self, start: datetime, end: datetime | None) -> None:
        """Name an equivent: as documented with a planned end, as in the log without one."""
        if end is None:
            self.previous.insert(0, event_of(start))
        else:
            self.current = event_of(start, end)

    def end(self, start: datetime, end: datetime) -> None:
        """List an equivent among the past ones."""
        self.current = None
        finished = (event for event in self.previous if event["end_time"])
        self.previous = [event_of(start, end), *finished]

    def fail(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> None:
        """Answer with an error."""
        self.status, self.body, self.headers = status, '{"message": "No"}', headers or {}

    def recover(self) -> None:
        """Answer well again."""
        self.status, self.body, self.headers, self.error = HTTPStatus.OK, None, {}, None


@pytest.fixture(autouse=True)
def custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant, if there is one, load the integration."""
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tests the waits that have tests of their own."""
    monkeypatch.setattr(client, "CALL_GAP", 0)
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 1000)
    monkeypatch.setattr(coordinator, "BURST", 0)
    monkeypatch.setattr(announcer, "ARMING", 0)


@pytest.fixture(autouse=True)
async def enable_event_loop_debug(request: pytest.FixtureRequest) -> None:
    """Let the loop check itself, as Home Assistant's own tests do; it takes a third of the time."""
    asyncio.get_running_loop().set_debug(not request.config.getoption("quick"))


@pytest.fixture
def provider(aioclient_mock: AiohttpClientMocker) -> Provider:
    """Return the provider that the integration under test talks to."""
    provider = Provider()
    aioclient_mock.get(API_URL, side_effect=provider.answer)
    return provider


@pytest.fixture
def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return an entry that is not set up yet."""
    return add_entry(hass)


def add_entry(
    hass: HomeAssistant,
    token: str = TOKEN,
    webhook_id: str = WEBHOOK_ID,
    url: str = API_URL,
) -> MockConfigEntry:
    """Add an entry; its id, which decides by how much it asks later, is the same at each run."""
    entry = MockConfigEntry(
        entry_id=f"entry{len(hass.config_entries.async_entries(DOMAIN))}",
        domain=DOMAIN,
        title="equiwatt",
        data={CONF_TOKEN: token, CONF_URL: url, CONF_WEBHOOK_ID: webhook_id},
    )
    entry.add_to_hass(hass)
    return entry


class Watch:
    """A Home Assistant whose states are watched from now on."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin to watch."""
        self.hass = hass
        self.changes: list[Event[EventStateChangedData]] = async_capture_events(
            hass, "state_changed"
        )

    async def settle(self) -> None:
        """Let everything that is under way finish."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    def state(self, entity_id: str) -> str:
        """Return a state."""
        state = self.hass.states.get(entity_id)
        assert state, entity_id
        return state.state

    @property
    def live(self) -> str:
        """Return the state of the binary sensor."""
        return self.state(LIVE)

    @property
    def kinds(self) -> list[str]:
        """Return the types of the events that the event entity announced."""
        return [kind for kind, _ in self.edges]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Return type and source of the events that the event entity announced."""
        told: dict[str, tuple[str, str]] = {}
        for event in self.changes:
            state = event.data["new_state"]
            if event.data["entity_id"] == EVENT and state:
                kind = state.attributes.get("event_type")
                if kind and state.state not in ("unknown", "unavailable"):
                    told[f"{state.state}{kind}"] = (kind, state.attributes["source"])
        return list(told.values())


class House(Watch):
    """A Home Assistant with the integration set up, and a clock to turn."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        provider: Provider,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        """Keep what the tests turn."""
        super().__init__(hass)
        self.entry = entry
        self.provider = provider
        self.freezer = freezer

    @property
    def now(self) -> datetime:
        """Return the time."""
        return dt_util.utcnow()

    async def pass_time(self, seconds: float, step: float = 5) -> None:
        """Let time pass in small steps, so that timers fire about when they would."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.freezer.move_to(min(end, self.now + timedelta(seconds=step)))
            async_fire_time_changed(self.hass, self.now)
            await self.settle()

    async def setup(self) -> None:
        """Set the entry up."""
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    async def poll(self) -> None:
        """Let the next poll happen."""
        await self.pass_time(65, step=65)


@pytest.fixture
async def house(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    freezer: FrozenDateTimeFactory,
) -> House:
    """Return a house at a quiet moment, with the entry not set up yet."""
    freezer.move_to(NOW)
    return House(hass, entry, provider, freezer)


@pytest.fixture
async def live(house: House, provider: Provider) -> House:
    """Return a house in which an equivent is live for an hour."""
    provider.start(NOW, NOW + timedelta(hours=1))
    await house.setup()
    assert house.live == "on"
    return house


@pytest.fixture
def cloud(hass: HomeAssistant) -> Cloud:
    """Return the client that the real cloud integration works with."""
    for name in NATIVE:
        sys.modules.setdefault(name, Mock())
    from homeassistant.components.cloud.const import DATA_CLOUD

    hass.config.components.add("cloud")
    cloud = Cloud()
    hass.data[DATA_CLOUD] = cast("Any", cloud)
    return cloud


@pytest.fixture
def own_port() -> int:
    """Return a port that no other process of the tests uses, nor any connection."""
    return 20_000 + os.getpid() % 10_000


class Push(Protocol):
    """A way to call the webhook over HTTP."""

    async def __call__(self, query: str, webhook_id: str = WEBHOOK_ID) -> int:
        """Call, and return the status."""


@pytest.fixture
def push(hass: HomeAssistant, hass_client_no_auth: Any) -> Push:
    """Return a way to call the webhook over HTTP."""
    clients: list[TestClient[Any, Any]] = []

    async def call(query: str, webhook_id: str = WEBHOOK_ID) -> int:
        """Call, and return the status."""
        if not clients:  # not before everything is set up, after which no view can come
            clients.append(await hass_client_no_auth())
        response = await clients[0].post(f"/api/webhook/{webhook_id}{query}")
        await hass.async_block_till_done()  # the edge is on the disk, and announced
        return response.status

    return call


class Recorder(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        """Keep everything."""
        super().__init__()
        self.records: list[logging.LogRecord] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


@pytest.fixture(autouse=True)
def no_secrets_in_log() -> Generator[Recorder]:
    """Fail any test in which we log a secret or a traceback, at whatever level."""
    handler = Recorder()
    logging.getLogger().addHandler(handler)
    logger = logging.getLogger("custom_components.equiwatt")
    logger.setLevel(logging.DEBUG)
    yield handler
    logging.getLogger().removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    format_record = logging.Formatter().format
    everything = "\n".join(format_record(record) for record in handler.records)
    ours = [record for record in handler.records if record.name == logger.name]
    assert TOKEN not in everything
    assert not any(WEBHOOK_ID in format_record(record) for record in ours)
    assert not any(record.exc_info for record in ours if record.levelno > logging.DEBUG)
