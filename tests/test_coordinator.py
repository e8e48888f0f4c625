"""Test polling, errors, pushes and the resulting edges."""

from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.equiwatt import announcer, coordinator
from custom_components.equiwatt.api import async_get_client
from custom_components.equiwatt.equivents import client
from custom_components.equiwatt.equivents.tracker import Tracker
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import Push, Recorder
from .fakes.home import LIVE, NOW, TOKEN, Home
from .fakes.provider import API_URL, Provider

START = NOW + timedelta(minutes=11)
END = START + timedelta(hours=1)
MINUTE = 60


async def go_live(home: Home, provider: Provider, *, planned: bool = True) -> None:
    """Set up without an equivent, then start one that polling sees."""
    await home.setup()
    await home.pass_time(11 * MINUTE)
    provider.start(START, END if planned else None)
    await home.pass_time(20)
    assert home.live == "on"
    assert home.edges == [("started", "api")]


@pytest.mark.parametrize("planned", [True, False])
async def test_by_polling(home: Home, provider: Provider, planned: bool) -> None:
    """Start and end are seen by polling alone, in both shapes of the answer."""
    await go_live(home, provider, planned=planned)
    await home.pass_time(59 * MINUTE)
    provider.end(START, END)
    await home.pass_time(90)
    assert home.live == "off"
    assert [kind for kind, _ in home.edges] == ["started", "ended"]


async def test_polls_on_schedule(home: Home, provider: Provider) -> None:
    """Polls come every half minute, and often in the window after a half hour."""
    await home.setup()
    await home.pass_time(40 * MINUTE, step=1)
    quiet = [t for t in provider.calls if NOW <= t < NOW + timedelta(minutes=11)]
    window = [t for t in provider.calls if START <= t < START + timedelta(seconds=90)]
    assert 22 <= len(quiet) <= 23
    assert 12 <= len(window) <= 14  # timers fire on full seconds here
    assert len(provider.calls) <= 40 * 2 + 12


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (HTTPStatus.INTERNAL_SERVER_ERROR, None),
        (HTTPStatus.UNAUTHORIZED, None),
        (HTTPStatus.TOO_MANY_REQUESTS, None),
        (HTTPStatus.FOUND, None),
        (HTTPStatus.OK, TimeoutError()),
        (HTTPStatus.OK, aiohttp.ClientConnectionError("No route")),
    ],
)
async def test_errors(
    home: Home, provider: Provider, status: HTTPStatus, error: Exception | None
) -> None:
    """Errors end nothing, and entities are unavailable after fifteen minutes."""
    await go_live(home, provider)
    provider.fail(status)
    provider.error = error
    await home.pass_time(14 * MINUTE)
    assert home.live == "on"
    await home.pass_time(2 * MINUTE)
    assert home.live == "unavailable"
    assert home.state("sensor.equiwatt_current_end") == "unavailable"
    assert home.state("event.equiwatt_equivent") != "unavailable"
    assert home.state("sensor.equiwatt_last_webhook") == "unknown"
    provider.recover()
    await home.pass_time(5 * MINUTE)
    assert home.live == "on"
    assert home.edges == [("started", "api")]


async def test_stale_to_the_second(home: Home, provider: Provider) -> None:
    """Entities are unavailable after exactly fifteen minutes, between two polls."""
    await home.setup()
    provider.error = TimeoutError()
    last = provider.calls[-1]
    await home.pass_time(15 * MINUTE - 1, step=1)
    assert home.live == "off"
    await home.pass_time((last - home.now).total_seconds() + 15 * MINUTE + 1, step=1)
    assert home.live == "unavailable"


async def test_asked_before_the_planned_end(home: Home, provider: Provider) -> None:
    """During an outage the API is asked once more before the clock decides, whatever the pace."""
    end = NOW + timedelta(minutes=50)
    provider.start(NOW, end)
    await home.setup()
    provider.error = TimeoutError()
    await home.pass_time(49 * MINUTE)
    await home.pass_time(59, step=1)
    assert [moment for moment in provider.calls if end - timedelta(seconds=13) <= moment < end]


async def test_invalid_answers(home: Home, provider: Provider) -> None:
    """An invalid body ends nothing and starts nothing."""
    await go_live(home, provider)
    for body in ("", "<html>", "[]", '{"success": false, "data": null}', '{"success": true}'):
        provider.body = body
        await home.poll()
        assert home.live == "on"
    assert home.edges == [("started", "api")]


async def test_planned_end_by_the_clock(home: Home, provider: Provider) -> None:
    """The clock ends an equivent at its planned end during an outage, to the second."""
    await go_live(home, provider)
    provider.error = aiohttp.ClientConnectionError()
    await home.pass_time((END - home.now).total_seconds() - 2, step=30)
    provider_state = home.live
    await home.pass_time(2, step=1)
    assert provider_state in ("on", "unavailable")
    assert home.edges == [("started", "api"), ("ended", "clock")]


async def test_planned_end_is_polled(home: Home, provider: Provider) -> None:
    """The API is asked at the planned end and decides."""
    await go_live(home, provider)
    await home.pass_time((END - home.now).total_seconds() - 1, step=10)
    calls = len(provider.calls)
    await home.pass_time(1, step=1)
    assert len(provider.calls) == calls + 1
    assert provider.calls[-1] == END
    assert home.live == "on"
    await home.pass_time(14 * MINUTE)
    assert home.live == "on"
    await home.pass_time(2 * MINUTE)
    assert home.live == "off"
    assert [kind for kind, _ in home.edges] == ["started", "ended"]


async def test_vanished_for_one_poll(home: Home, provider: Provider) -> None:
    """One answer without the live equivent does not end it, and the next comes after 10 s."""
    await go_live(home, provider)
    await home.pass_time(5 * MINUTE)
    named, provider.current = provider.current, None
    calls = len(provider.calls)
    while len(provider.calls) == calls:
        await home.pass_time(1, step=1)
    assert home.live == "on"
    provider.current = named
    await home.pass_time(12, step=1)
    assert len(provider.calls) == calls + 2
    assert home.live == "on"
    provider.current = None
    await home.pass_time(75)
    assert home.live == "off"
    assert home.edges == [("started", "api"), ("ended", "api")]


async def test_push_confirmed(home: Home, provider: Provider, push: Push) -> None:
    """A push is live at once, and confirmed by the API without a second edge."""
    await home.setup()
    assert await push("?event=started") == 200
    assert home.live == "on"
    assert home.edges == [("started", "webhook")]
    assert home.state("sensor.equiwatt_current_end") == "unknown"
    provider.start(NOW, NOW + timedelta(hours=1))
    await home.pass_time(12)
    assert home.state("sensor.equiwatt_current_end") == "2026-11-20T18:20:00+00:00"
    await home.pass_time(10 * MINUTE)
    assert home.live == "on"
    provider.end(NOW, NOW + timedelta(minutes=10))
    assert await push("?event=ended") == 200
    await home.settle()
    assert home.live == "off"
    await home.pass_time(10 * MINUTE)
    assert home.edges == [("started", "webhook"), ("ended", "api")]


async def test_push_unconfirmed(home: Home, provider: Provider, push: Push) -> None:
    """An unconfirmed push ends after five minutes of polls every ten seconds."""
    await home.setup()
    await push("?event=started")
    calls = len(provider.calls)
    await home.pass_time(5 * MINUTE - 1, step=1)
    assert home.live == "on"
    assert 25 <= len(provider.calls) - calls <= 31
    await home.pass_time(11, step=1)
    assert home.live == "off"
    assert home.edges == [("started", "webhook"), ("ended", "api")]


@pytest.mark.parametrize("hours", [-3, 3])
async def test_push_with_wrong_clock(
    home: Home, provider: Provider, push: Push, hours: int
) -> None:
    """A push ends after five minutes though the clock was corrected meanwhile."""
    await home.setup()
    provider.error = TimeoutError()
    await push("?event=started")
    await home.pass_time(4 * MINUTE)
    provider.recover()
    provider.ahead = timedelta(hours=hours)
    true = home.now + provider.ahead
    await home.pass_time(45)
    start = datetime.fromisoformat(home.state("sensor.equiwatt_current_start"))
    assert abs(start + timedelta(minutes=4) - true) < timedelta(minutes=1)
    await home.pass_time(30)
    assert home.edges == [("started", "webhook"), ("ended", "api")]


async def test_push_without_the_api(home: Home, provider: Provider, push: Push) -> None:
    """A push counts during an outage."""
    await home.setup()
    provider.error = TimeoutError()
    await push("?event=started")
    await home.pass_time(10)
    assert home.live == "on"
    await push("?event=ended")
    assert home.live == "off"


async def test_ended_push_is_checked(home: Home, provider: Provider, push: Push) -> None:
    """An `ended` push that the API contradicts changes nothing and is polled for a while."""
    await go_live(home, provider)
    calls = len(provider.calls)
    await push("?event=ended")
    await home.pass_time(2 * MINUTE)
    assert 12 <= len(provider.calls) - calls <= 14
    await home.pass_time(10 * MINUTE)
    assert home.live == "on"
    assert home.edges == [("started", "api")]


async def test_announced(home: Home, provider: Provider) -> None:
    """An announced equivent becomes live at its start."""
    await home.setup()
    provider.start(NOW + timedelta(minutes=5), NOW + timedelta(hours=1))
    await home.pass_time(4 * MINUTE)
    assert home.live == "off"
    assert home.state("calendar.equiwatt_equivents") == "off"
    provider.error = TimeoutError()
    await home.pass_time(MINUTE)
    assert home.live == "on"
    assert home.state("calendar.equiwatt_equivents") == "on"
    assert home.edges == [("started", "clock")]


async def test_rate_limited(home: Home, provider: Provider, push: Push) -> None:
    """No poll follows a 429 before the Retry-After, pushes included."""
    await home.setup()
    provider.fail(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "300"})
    calls = len(provider.calls)
    await home.pass_time(MINUTE + 2)
    assert len(provider.calls) == calls + 1
    await push("?event=started")
    await home.pass_time(4 * MINUTE - 10)
    assert len(provider.calls) == calls + 1
    assert home.live == "on"
    provider.recover()
    await home.pass_time(70)
    assert len(provider.calls) > calls + 1


async def test_outage(home: Home, provider: Provider) -> None:
    """After an outage however long, an answer is noticed as soon as by a poll each half minute."""
    await home.setup()
    provider.fail(HTTPStatus.BAD_GATEWAY)
    await home.pass_time(25 * MINUTE)
    assert home.live == "unavailable"
    provider.recover()
    provider.start(NOW, NOW + timedelta(hours=1))
    await home.pass_time(30, step=1)
    assert home.live == "on"


@pytest.mark.parametrize("polling", [True, False])
@pytest.mark.parametrize("reloads", [False, True])
async def test_retry_after(
    home: Home, provider: Provider, push: Push, polling: bool, reloads: bool
) -> None:
    """No push, window or reload polls before the Retry-After, and a push stays live."""
    home.hass.config_entries.async_update_entry(home.entry, pref_disable_polling=not polling)
    await home.setup()
    provider.fail(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(12 * MINUTE)})
    await push("?event=started")
    await home.settle()
    calls = len(provider.calls)
    await push("?event=started")
    if reloads:
        assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.pass_time(12 * MINUTE - 10)
    assert len(provider.calls) == calls
    assert home.live == "on"
    provider.recover()
    provider.start(NOW, NOW + timedelta(hours=1))
    await home.pass_time(20, step=1)
    assert len(provider.calls) > calls
    assert home.edges == [("started", "webhook")]
    assert home.state("sensor.equiwatt_current_end") == "2026-11-20T18:20:00+00:00"


async def test_token_refused(
    home: Home, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused token starts one reauth, which is aborted once the token works again."""
    await home.setup()
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await home.pass_time(10 * MINUTE)
    (flow,) = home.hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert home.live == "off"
    provider.recover()
    await home.pass_time(5 * MINUTE)
    assert home.hass.config_entries.flow.async_progress() == []
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.live == "off"


async def test_logged_once(
    home: Home, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """One line is logged for the outage, and one for its end."""
    await home.setup()
    provider.fail(HTTPStatus.BAD_GATEWAY)
    await home.pass_time(10 * MINUTE)
    provider.recover()
    await home.pass_time(10 * MINUTE)
    lines = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.equiwatt") and record.levelname != "DEBUG"
    ]
    assert lines == [
        (
            "Error fetching equiwatt data: equiwatt cannot be reached, or its service is down. "
            "Home Assistant keeps trying"
        ),
        "Fetching equiwatt data recovered",
    ]


async def test_disabled_entities(home: Home, provider: Provider, push: Push) -> None:
    """Edges do not depend on the other entities."""
    await home.setup()
    registry = er.async_get(home.hass)
    for entity in er.async_entries_for_config_entry(registry, home.entry.entry_id):
        if entity.domain != "event":
            registry.async_update_entity(
                entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.hass.states.get("binary_sensor.equiwatt_live") is None
    provider.start(NOW, NOW + timedelta(hours=1))
    await home.poll()
    assert home.edges == [("started", "api")]


async def test_all_entities_disabled(home: Home, provider: Provider) -> None:
    """Polling continues with all entities disabled."""
    await home.setup()
    registry = er.async_get(home.hass)
    for entity in er.async_entries_for_config_entry(registry, home.entry.entry_id):
        registry.async_update_entity(entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    calls = len(provider.calls)
    await home.pass_time(5 * MINUTE)
    assert len(provider.calls) >= calls + 4


AUTOMATION = {
    "automation": {
        "triggers": {
            "trigger": "event.received",
            "target": {"entity_id": "event.equiwatt_equivent"},
            "options": {"event_type": ["started"]},
        },
        "actions": {
            "event": "events",
            "event_data": {"live": "{{ states('binary_sensor.equiwatt_live') }}"},
        },
    }
}


async def test_edges_wait_for_automations(
    hass: HomeAssistant, home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edge is announced once, when automations have started."""
    monkeypatch.setattr(announcer, "ARMING", 1)
    events: list[Any] = []
    hass.bus.async_listen("events", events.append)
    hass.set_state(CoreState.not_running)
    provider.start(NOW, None)
    await home.setup()
    assert await async_setup_component(hass, "automation", AUTOMATION)
    assert home.live == "on"
    assert home.edges == []
    hass.set_state(CoreState.starting)
    await home.settle()
    assert home.edges == []
    await hass.async_start()
    assert home.edges == []
    await home.pass_time(1, step=1)
    assert hass.state is CoreState.running
    assert home.edges == [("started", "api")]
    assert [event.data["live"] for event in events] == ["on"]


async def test_state_and_edge_agree(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push
) -> None:
    """The binary sensor has changed when an edge is announced."""
    await home.setup()
    await push("?event=started")
    provider.start(NOW, None)
    await home.pass_time(2 * MINUTE)
    provider.end(NOW, home.now)
    await push("?event=ended")
    await home.settle()
    order = [
        event.data["entity_id"]
        for event in home.changes
        if event.data["entity_id"] in ("binary_sensor.equiwatt_live", "event.equiwatt_equivent")
    ]
    assert order[-4:] == ["binary_sensor.equiwatt_live", "event.equiwatt_equivent"] * 2


async def test_burst(
    home: Home, provider: Provider, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A burst of calls causes one state change and one poll."""
    monkeypatch.setattr(coordinator, "COLLECT_SECONDS", 0.2)
    await home.setup()
    calls = len(provider.calls)
    for _ in range(20):
        await push("?event=started")
    assert len(provider.calls) == calls
    await home.pass_time(5, step=1)
    assert len(provider.calls) == calls + 1
    assert home.edges == [("started", "webhook")]


async def test_update_entity_action(hass: HomeAssistant, home: Home, provider: Provider) -> None:
    """homeassistant.update_entity polls."""
    await async_setup_component(hass, "homeassistant", {})
    await home.setup()
    calls = len(provider.calls)
    await hass.services.async_call(
        "homeassistant",
        "update_entity",
        {"entity_id": ["binary_sensor.equiwatt_live"]},
        blocking=True,
    )
    assert len(provider.calls) == calls + 1


async def test_no_state_writes(home: Home, provider: Provider) -> None:
    """An hour without an equivent writes no state."""
    await home.setup()
    changes = len(home.changes)
    await home.pass_time(60 * MINUTE, step=10)
    assert len(home.changes) == changes


@pytest.mark.parametrize("hours", [3, -3, -5000])
async def test_wrong_system_clock(home: Home, provider: Provider, hours: int) -> None:
    """The provider's time counts with a system clock that is wrong by hours."""
    provider.ahead = timedelta(hours=hours)
    true = NOW + provider.ahead
    provider.start(true - timedelta(minutes=10), true + timedelta(minutes=50))
    await home.setup()
    assert home.live == "on"
    assert home.edges == [("started", "api")]
    provider.error = TimeoutError()
    await home.pass_time(49 * MINUTE, step=30)
    assert home.edges == [("started", "api")]
    await home.pass_time(MINUTE)
    assert home.edges == [("started", "api"), ("ended", "clock")]


@pytest.mark.parametrize("how", ["Age", "Date"])
async def test_cached_answers(home: Home, provider: Provider, how: str) -> None:
    """A cached answer from before the equivent is an error."""
    provider.start(NOW, NOW + timedelta(hours=1))
    await home.setup()
    await home.pass_time(5 * MINUTE)
    provider.on_call = lambda: home.freezer.tick(1.1)
    copied = format_datetime(home.now - timedelta(minutes=20), usegmt=True)
    provider.current, provider.headers = None, {"Age": "1200"} if how == "Age" else {"Date": copied}
    await home.pass_time(6 * MINUTE)
    assert home.live == "on"
    assert home.entry.runtime_data.coordinator.failures > 5
    provider.headers = {}
    provider.start(NOW, NOW + timedelta(hours=1))
    await home.pass_time(6 * MINUTE)
    assert home.entry.runtime_data.coordinator.failures == 0
    assert home.edges == [("started", "api")]


@pytest.mark.parametrize("seconds", [-100, 100])
async def test_slightly_wrong_clock(home: Home, provider: Provider, seconds: int) -> None:
    """A start is seen at the first answer with a system clock 100 s off."""
    provider.ahead = timedelta(seconds=seconds)
    await home.setup()
    start = home.now + provider.ahead
    provider.start(start, start + timedelta(hours=1))
    await home.pass_time(31, step=1)
    assert home.live == "on"
    assert home.edges == [("started", "api")]


async def test_restart_with_fast_clock(home: Home, provider: Provider) -> None:
    """A restart with a clock two hours ahead ends nothing."""
    await go_live(home, provider)
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.freezer.tick(timedelta(hours=2))
    provider.ahead = timedelta(hours=-2)
    await home.setup()
    assert home.live == "on"
    await home.pass_time(5 * MINUTE)
    assert home.edges == [("started", "api")]


async def test_restart_without_the_api(home: Home, provider: Provider) -> None:
    """Before the first answer only the stored live equivent is known, until its end."""
    await home.setup()
    assert home.live == "off"
    provider.error = TimeoutError()
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.live == "unavailable"
    provider.recover()
    provider.start(NOW, NOW + timedelta(hours=1))
    await home.pass_time(6 * MINUTE)
    assert home.live == "on"
    provider.error = TimeoutError()
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.pass_time(50 * MINUTE, step=30)
    assert home.live == "on"
    await home.pass_time(10 * MINUTE, step=30)
    assert home.live == "unavailable"
    assert home.edges == [("started", "api"), ("ended", "clock")]


async def test_available_again(home: Home, provider: Provider) -> None:
    """A valid answer makes the entities available, though its content is the same."""
    await home.setup()
    provider.error = TimeoutError()
    await home.pass_time(17 * MINUTE, step=30)
    assert home.live == "unavailable"
    provider.recover()
    await home.pass_time(4 * MINUTE, step=30)
    assert home.live == "off"


async def test_unchanged_states(home: Home, provider: Provider, writes: list[str]) -> None:
    """Polls without changes write no state, successful or failed."""
    await home.setup()
    writes.clear()
    await home.pass_time(10 * MINUTE, step=10)
    assert writes == []
    provider.fail(HTTPStatus.INTERNAL_SERVER_ERROR)
    await home.pass_time(10 * MINUTE, step=10)
    assert writes == []
    await home.pass_time(6 * MINUTE, step=10)
    assert 1 <= len(writes) == len(set(writes)) <= 9  # unavailable, once each


async def test_unknown_end(home: Home, provider: Provider, writes: list[str]) -> None:
    """Without an end the calendar event grows at each half hour only."""
    provider.start(NOW, None)
    await home.setup()
    await home.pass_time(60 * MINUTE, step=10)
    writes.clear()
    await home.pass_time(60 * MINUTE, step=10)
    assert writes == ["calendar.equiwatt_equivents"] * 2


async def test_polling_disabled(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push
) -> None:
    """Without polling the API is asked at webhook calls and by hand only."""
    hass.config_entries.async_update_entry(home.entry, pref_disable_polling=True)
    provider.start(NOW, NOW + timedelta(minutes=5))
    await home.setup()
    assert len(provider.calls) == 1
    await home.pass_time(60 * MINUTE, step=30)
    assert len(provider.calls) == 1
    assert home.live == "off"  # by the clock: the bound has passed without a poll
    await push("")
    await home.settle()
    assert len(provider.calls) == 2
    await home.pass_time(12 * 60 * MINUTE, step=600)
    assert len(provider.calls) == 2
    assert home.live == "off"
    assert await async_setup_component(hass, "homeassistant", {})
    data = {"entity_id": LIVE}
    await hass.services.async_call("homeassistant", "update_entity", data, blocking=True)
    await home.settle()
    assert len(provider.calls) == 3


async def test_outage_with_polling_disabled(home: Home, provider: Provider, push: Push) -> None:
    """Fifteen minutes count from the first failure, as the last answer may be hours old."""
    home.hass.config_entries.async_update_entry(home.entry, pref_disable_polling=True)
    await home.setup()
    await home.pass_time(2 * 60 * MINUTE, step=600)
    provider.error = TimeoutError()
    await push("")
    await home.pass_time(10 * MINUTE)
    await push("")
    await home.pass_time(4 * MINUTE)
    assert home.live == "off"
    await home.pass_time(2 * MINUTE)
    assert home.live == "unavailable"


async def test_unexpected_error_at_restart(
    home: Home,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    no_secrets_in_log: Recorder,
) -> None:
    """Polling continues after an unexpected error at the first answer."""
    await home.setup()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    observe = Tracker.observe
    monkeypatch.setattr(Tracker, "observe", Mock(side_effect=RuntimeError("Broken")))
    await home.setup()
    calls = len(provider.calls)
    logged = [record for record in no_secrets_in_log.records if record.exc_info]
    assert [record.message for record in logged] == ["Unexpected error fetching equiwatt data"]
    no_secrets_in_log.records.remove(logged[0])  # the expected traceback
    monkeypatch.setattr(Tracker, "observe", observe)
    provider.start(NOW, NOW + timedelta(hours=1))
    await home.pass_time(31, step=31)
    assert len(provider.calls) == calls + 1
    assert home.live == "on"


async def test_setup_without_free_call(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The set-up is retried later without a free call, instead of waiting."""
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 3)
    monkeypatch.setattr(coordinator, "MAX_WAIT", 0.01)
    other = async_get_client(hass, TOKEN, API_URL)
    for _ in range(3):
        await other.async_get_equivents()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert len(provider.calls) == 3
