"""Shared fixtures: the provider's HTTP, and an entry that uses it."""

from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
import gc
from inspect import iscoroutinefunction, unwrap
from itertools import chain
import logging
import os
from pathlib import Path
import sys
from types import CodeType
from typing import Any, Protocol, cast, override
from unittest.mock import Mock, patch

from aiohttp.test_utils import TestClient
import freezegun
from freezegun.api import FrozenDateTimeFactory, TickingDateTimeFactory
from hypothesis import settings
import jinja2
import pytest
from pytest_homeassistant_custom_component import plugins
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

# Before `hass` starts, or Home Assistant finds the plugin's own test folder.
import custom_components  # noqa: F401
from custom_components.equiwatt import announcer, coordinator
from custom_components.equiwatt.equivents import client
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, HomeAssistant, callback

from .fakes.cloud import NATIVE, Cloud
from .fakes.disk import Memory
from .fakes.home import NOW, TOKEN, WEBHOOK_ID, Home, add_entry
from .fakes.mocked import mocked
from .fakes.provider import API_URL, Provider

# The same examples in each run, for reproducible failures. `--hypothesis-profile=long` searches
# for new ones.
settings.register_profile("long", settings(max_examples=10_000, stateful_step_count=50))
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("quick", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("repeatable")

LOGGER = "custom_components.equiwatt"
VERBOSE = (
    "aiohttp.access",
    "homeassistant.helpers.entity_registry",
    "homeassistant.loader",
    "homeassistant.setup",
)
# These log thirty lines in each test, and each line would be formatted twice.
for _name in VERBOSE:
    logging.getLogger(_name).setLevel(logging.WARNING)
# Once, as each change of a level clears the caches of all loggers.
logging.getLogger(LOGGER).setLevel(logging.DEBUG)
# The plugin's handler formats what pytest reports by itself.
logging.getLogger().handlers.clear()

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as freezegun's own clock


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that deselects long tests."""
    parser.addoption("--quick", action="store_true", help="no real processes, no long searches")
    parser.addoption("--loop-debug", action="store_true", help="let asyncio check each loop")


def pytest_configure(config: pytest.Config) -> None:
    """Try fewer examples in the quick run."""
    gc.freeze()  # no collection looks through the imports again, nor at the end
    if config.getoption("quick") and not config.getoption("--hypothesis-profile"):
        settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """Freeze the collected tests, too."""
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Collect the garbage once, where pytest and Python would look through everything six times."""
    gc.collect()
    gc.freeze()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no tests of real processes in the quick run."""
    return True if config.getoption("quick") and collection_path.name == "e2e" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the longest tests, or start them first with several processes.

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


def seconds_since_epoch() -> float:
    """Return the time of all clocks, worked out in one step."""
    return (freezegun.api.get_current_time() - EPOCH).total_seconds()


def timestamp(time: datetime) -> float:
    """Return the seconds since the epoch, without freezegun's slow time zone."""
    return freezegun.api.real_datetime.timestamp(time if time.tzinfo else time.replace(tzinfo=UTC))


@pytest.fixture(scope="session", autouse=True)
def passing_time() -> None:
    """Patch the clocks once, as each patch looks through all modules."""
    # All callers get the same time; freezegun's check of the stack in each call takes long.
    freezegun.api.call_stack_inspection_limit = 0
    # Python's own methods keep the class, too, and take a quarter of the time.
    own = {name: getattr(datetime, name) for name in ("__add__", "__sub__", "astimezone")}
    for name, method in {**own, "timestamp": timestamp}.items():
        setattr(freezegun.api.FakeDatetime, name, method)
    freezegun.api.fake_time = freezegun.api._get_fake_monotonic = seconds_since_epoch
    # Until the process ends, as event loops that are closed later still use the clock.
    freezegun.freeze_time(tick=True, ignore=["_pytest.", "execnet.", "xdist."]).start()


@pytest.fixture
def clock() -> Generator[TickingDateTimeFactory]:
    """Return a clock that runs, from a time far from the windows of polls, and can be turned."""
    with freezegun.freeze_time(NOW, tick=True) as clock:
        assert isinstance(clock, TickingDateTimeFactory)
        yield clock


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> Generator[None]:
    """Compile each template once, although every Home Assistant has an environment of its own."""
    kept: dict[tuple[Any, ...], CodeType] = {}
    original = jinja2.Environment.compile

    def compile_once(environment: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
        """Compile a template unless it is kept."""
        if not isinstance(source, str) or args or kwargs:
            return original(environment, source, *args, **kwargs)
        key = (type(environment), getattr(environment, "limited", None), source)
        if key not in kept:
            kept[key] = original(environment, source)
        return kept[key]

    with patch.object(jinja2.Environment, "compile", compile_once):
        yield


@pytest.fixture(autouse=True)
def custom_integrations(request: pytest.FixtureRequest) -> None:
    """Enable the custom integration if the test has a Home Assistant."""
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits that have tests of their own."""
    monkeypatch.setattr(client, "CALL_GAP", 0)
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 1000)
    monkeypatch.setattr(coordinator, "COLLECT_SECONDS", 0)
    monkeypatch.setattr(announcer, "ARMING", 0)


@pytest.fixture(scope="session", autouse=True)
def garbage_collection() -> None:
    """Replace the plugin's collection, which takes long as each process runs most modules."""


@pytest.fixture(scope="session")
def memory() -> Memory:
    """Return the memory in the place of the disk."""
    return Memory()


@pytest.fixture
def hass_storage(memory: Memory) -> Generator[dict[str, Any]]:
    """Return the files in memory, ours among them."""
    with memory.used() as files:
        yield files


def has_loop(request: pytest.FixtureRequest) -> bool:
    """Return True if a test runs in an event loop or has a Home Assistant."""
    return iscoroutinefunction(request.function) or "hass" in request.fixturenames


@pytest.fixture(autouse=True)
def configure_event_loop(request: pytest.FixtureRequest) -> None:
    """Configure the loop as the plugin does, but make none for a test of pure code."""
    if has_loop(request) and hasattr(plugins, "configure_event_loop"):  # not in the oldest one
        request.getfixturevalue("configure_event_loop")


@pytest.fixture(autouse=True)
def verify_cleanup(request: pytest.FixtureRequest) -> None:
    """Check as the plugin does that nothing is left in the loop, where there is one."""
    if has_loop(request):
        request.getfixturevalue("verify_cleanup")


@pytest.fixture(scope="session", autouse=True)
def disable_http_server() -> Generator[None]:
    """Bind no port, as with the plugin, but patch Home Assistant once."""
    yield from unwrap(plugins.disable_http_server)()


@pytest.fixture(autouse=True)
def enable_event_loop_debug(request: pytest.FixtureRequest) -> None:
    """Enable the loop's debug mode, as Home Assistant's tests do, for the slow checks only."""
    if has_loop(request) and request.config.getoption("loop_debug"):
        request.getfixturevalue("enable_event_loop_debug")


@pytest.fixture
def provider(aioclient_mock: AiohttpClientMocker) -> Provider:
    """Return the provider of the integration under test."""
    provider = Provider()
    aioclient_mock.get(API_URL, side_effect=mocked(provider))
    return provider


@pytest.fixture
def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return an entry that is not set up yet."""
    return add_entry(hass)


@pytest.fixture
async def home(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    freezer: FrozenDateTimeFactory,
) -> Home:
    """Return a home at a quiet moment, with the entry not set up yet."""
    freezer.move_to(NOW)
    return Home(hass, entry, provider, freezer)


@pytest.fixture
async def live(home: Home, provider: Provider) -> Home:
    """Return a home with an equivent that is live for an hour."""
    provider.start(NOW, NOW + timedelta(hours=1))
    await home.setup()
    assert home.live == "on"
    return home


@pytest.fixture
def writes(hass: HomeAssistant) -> list[str]:
    """Return a list of the entities whose states are written, changed or not."""
    written: list[str] = []

    @callback
    def is_ours(data: Mapping[str, Any]) -> bool:
        """Return True for an entity of the integration."""
        return "equiwatt_" in data["entity_id"]

    @callback
    def write(event: Event[Any]) -> None:
        """Record the entity."""
        written.append(event.data["entity_id"])

    for event_type in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        hass.bus.async_listen(event_type, write, event_filter=is_ours)
    return written


@pytest.fixture
def cloud(hass: HomeAssistant) -> Cloud:
    """Return the client of the cloud integration."""
    for name in NATIVE:
        sys.modules.setdefault(name, Mock())
    from homeassistant.components.cloud.const import DATA_CLOUD

    hass.config.components.add("cloud")
    cloud = Cloud()
    hass.data[DATA_CLOUD] = cast("Any", cloud)
    return cloud


@pytest.fixture
def own_port() -> int:
    """Return a port that no other test process and no connection uses."""
    return 20_000 + os.getpid() % 10_000


class Push(Protocol):
    """Function that calls the webhook over HTTP."""

    async def __call__(self, query: str, webhook_id: str = WEBHOOK_ID) -> int:
        """Call the webhook and return the status."""


@pytest.fixture
def push(hass: HomeAssistant, hass_client_no_auth: Any) -> Push:
    """Return a function that calls the webhook over HTTP."""
    clients: list[TestClient[Any, Any]] = []

    async def call(query: str, webhook_id: str = WEBHOOK_ID) -> int:
        """Call the webhook and return the status."""
        if not clients:  # after the set-up, as no view can be added later
            clients.append(await hass_client_no_auth())
        response = await clients[0].post(f"/api/webhook/{webhook_id}{query}")
        await hass.async_block_till_done()  # the edge is stored and announced
        return response.status

    return call


class Recorder(logging.Handler):
    """Log handler that keeps the records."""

    def __init__(self) -> None:
        """Initialize without records."""
        super().__init__()
        self.records: list[logging.LogRecord] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


@pytest.fixture(autouse=True)
def no_secrets_in_log() -> Generator[Recorder]:
    """Fail the test if the integration logs a secret or a traceback, at any level."""
    handler = Recorder()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)
    format_record = logging.Formatter().format
    everything = "\n".join(format_record(record) for record in handler.records)
    ours = [record for record in handler.records if record.name == LOGGER]
    assert TOKEN not in everything
    assert not any(WEBHOOK_ID in format_record(record) for record in ours)
    assert not any(record.exc_info for record in ours if record.levelno > logging.DEBUG)
