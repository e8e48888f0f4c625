"""Test what the house knows, when, and that each edge is announced once."""

from datetime import datetime, timedelta
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
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import API_URL, LIVE, NOW, TOKEN, House, Provider, Push, Recorder

START = NOW + timedelta(minutes=11)
END = START + timedelta(hours=1)
MINUTE = 60


async def go_live(house: House, provider: Provider, *, planned: bool = True) -> None:
    """Set up idle, and let an equivent start that polling sees."""
    await house.setup()
    await house.pass_time(11 * MINUTE)
    provider.start(START, END if planned else None)
    await house.pass_time(20)
    assert house.live == "on"
    assert house.edges == [("started", "api")]


@pytest.mark.parametrize("planned", [True, False])
async def test_by_polling(house: House, provider: Provider, planned: bool) -> None:
    """Start and end are seen by polling alone, in either shape of the answer."""
    await go_live(house, provider, planned=planned)
    await house.pass_time(59 * MINUTE)
    provider.end(START, END)
    await house.pass_time(90)
    assert house.live == "off"
    assert [kind for kind, _ in house.edges] == ["started", "ended"]


async def test_polls_on_schedule(house: House, provider: Provider) -> None:
    """Every half minute at quiet times, often in the window after a half hour."""
    await house.setup()
    await house.pass_time(40 * MINUTE, step=1)
    quiet = [t for t in provider.calls if NOW <= t < NOW + timedelta(minutes=11)]
    window = [t for t in provider.calls if START <= t < START + timedelta(seconds=90)]
    assert 22 <= len(quiet) <= 23
    assert 12 <= len(window) <= 14  # timers here fire at full seconds
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
async def test_errors_are_no_news(
    house: House, provider: Provider, status: HTTPStatus, error: Exception | None
) -> None:
    """No error ends anything; for fifteen minutes the last state stands, then nothing is known."""
    await go_live(house, provider)
    provider.fail(status)
    provider.error = error
    await house.pass_time(14 * MINUTE)
    assert house.live == "on"
    await house.pass_time(2 * MINUTE)
    assert house.live == "unavailable"
    assert house.state("sensor.equiwatt_current_end") == "unavailable"
    assert house.state("event.equiwatt_equivent") != "unavailable"
    assert house.state("sensor.equiwatt_last_webhook") == "unknown"
    provider.recover()
    await house.pass_time(5 * MINUTE)
    assert house.live == "on"
    assert house.edges == [("started", "api")]


async def test_stale_to_the_second(house: House, provider: Provider) -> None:
    """The last state stands for fifteen minutes, no longer, though polls are a minute apart."""
    await house.setup()
    provider.error = TimeoutError()
    last = provider.calls[-1]
    await house.pass_time(15 * MINUTE - 1, step=1)
    assert house.live == "off"
    await house.pass_time((last - house.now).total_seconds() + 15 * MINUTE + 1, step=1)
    assert house.live == "unavailable"


async def test_garbage_is_no_news(house: House, provider: Provider) -> None:
    """A body that is not the API's ends nothing and starts nothing."""
    await go_live(house, provider)
    for body in ("", "<html>", "[]", '{"success": false, "data": null}', '{"success": true}'):
        provider.body = body
        await house.poll()
        assert house.live == "on"
    assert house.edges == [("started", "api")]


async def test_planned_end_by_the_clock(house: House, provider: Provider) -> None:
    """While the API is down a planned end passes to the second."""
    await go_live(house, provider)
    provider.error = aiohttp.ClientConnectionError()
    await house.pass_time((END - house.now).total_seconds() - 2, step=30)
    provider_state = house.live
    await house.pass_time(2, step=1)
    assert provider_state in ("on", "unavailable")
    assert house.edges == [("started", "api"), ("ended", "clock")]


async def test_planned_end_is_asked_about(house: House, provider: Provider) -> None:
    """At a planned end the API is asked at once, and its word counts."""
    await go_live(house, provider)
    await house.pass_time((END - house.now).total_seconds() - 1, step=10)
    calls = len(provider.calls)
    await house.pass_time(1, step=1)
    assert len(provider.calls) == calls + 1
    assert provider.calls[-1] == END
    assert house.live == "on"
    await house.pass_time(14 * MINUTE)
    assert house.live == "on"
    await house.pass_time(2 * MINUTE)
    assert house.live == "off"
    assert [kind for kind, _ in house.edges] == ["started", "ended"]


async def test_vanished_for_one_poll(house: House, provider: Provider) -> None:
    """One answer without the live one ends nothing, and is checked ten seconds later."""
    await go_live(house, provider)
    await house.pass_time(5 * MINUTE)
    named, provider.current = provider.current, None
    calls = len(provider.calls)
    while len(provider.calls) == calls:
        await house.pass_time(1, step=1)
    assert house.live == "on"
    provider.current = named
    await house.pass_time(12, step=1)
    assert len(provider.calls) == calls + 2
    assert house.live == "on"
    provider.current = None
    await house.pass_time(75)
    assert house.live == "off"
    assert house.edges == [("started", "api"), ("ended", "api")]


async def test_push_confirmed(house: House, provider: Provider, push: Push) -> None:
    """A push is there at once, and confirmed by the API without a second edge."""
    await house.setup()
    assert await push("?event=started") == 200
    assert house.live == "on"
    assert house.edges == [("started", "webhook")]
    assert house.state("sensor.equiwatt_current_end") == "unknown"
    provider.start(NOW, NOW + timedelta(hours=1))
    await house.pass_time(12)
    assert house.state("sensor.equiwatt_current_end") == "2026-11-20T18:20:00+00:00"
    await house.pass_time(10 * MINUTE)
    assert house.live == "on"
    provider.end(NOW, NOW + timedelta(minutes=10))
    assert await push("?event=ended") == 200
    await house.settle()
    assert house.live == "off"
    await house.pass_time(10 * MINUTE)
    assert house.edges == [("started", "webhook"), ("ended", "api")]


async def test_push_unconfirmed(house: House, provider: Provider, push: Push) -> None:
    """A push that no answer confirms ends after five minutes, asked about every ten seconds."""
    await house.setup()
    await push("?event=started")
    calls = len(provider.calls)
    await house.pass_time(5 * MINUTE - 1, step=1)
    assert house.live == "on"
    assert 25 <= len(provider.calls) - calls <= 31
    await house.pass_time(11, step=1)
    assert house.live == "off"
    assert house.edges == [("started", "webhook"), ("ended", "api")]


@pytest.mark.parametrize("hours", [-3, 3])
async def test_push_by_a_wrong_clock(
    house: House, provider: Provider, push: Push, hours: int
) -> None:
    """A push ends after five minutes though the clock was put right meanwhile."""
    await house.setup()
    provider.error = TimeoutError()
    await push("?event=started")
    await house.pass_time(4 * MINUTE)
    provider.recover()
    provider.ahead = timedelta(hours=hours)
    true = house.now + provider.ahead
    await house.pass_time(45)
    start = datetime.fromisoformat(house.state("sensor.equiwatt_current_start"))
    assert abs(start + timedelta(minutes=4) - true) < timedelta(minutes=1)
    await house.pass_time(30)
    assert house.edges == [("started", "webhook"), ("ended", "api")]


async def test_push_without_the_api(house: House, provider: Provider, push: Push) -> None:
    """A push counts while the API is down."""
    await house.setup()
    provider.error = TimeoutError()
    await push("?event=started")
    await house.pass_time(10)
    assert house.live == "on"
    await push("?event=ended")
    assert house.live == "off"


async def test_ended_push_is_checked(house: House, provider: Provider, push: Push) -> None:
    """An ended push that the API contradicts changes nothing, and is asked about for a while."""
    await go_live(house, provider)
    calls = len(provider.calls)
    await push("?event=ended")
    await house.pass_time(2 * MINUTE)
    assert 12 <= len(provider.calls) - calls <= 14
    await house.pass_time(10 * MINUTE)
    assert house.live == "on"
    assert house.edges == [("started", "api")]


async def test_announced(house: House, provider: Provider) -> None:
    """An announced one becomes live at its start, by the clock."""
    await house.setup()
    provider.start(NOW + timedelta(minutes=5), NOW + timedelta(hours=1))
    await house.pass_time(4 * MINUTE)
    assert house.live == "off"
    assert house.state("calendar.equiwatt_equivents") == "off"
    provider.error = TimeoutError()
    await house.pass_time(MINUTE)
    assert house.live == "on"
    assert house.state("calendar.equiwatt_equivents") == "on"
    assert house.edges == [("started", "clock")]


async def test_rate_limited(house: House, provider: Provider, push: Push) -> None:
    """After a 429 nobody asks for as long as the provider says, a push included."""
    await house.setup()
    provider.fail(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "300"})
    calls = len(provider.calls)
    await house.pass_time(MINUTE + 2)
    assert len(provider.calls) == calls + 1
    await push("?event=started")
    await house.pass_time(4 * MINUTE - 10)
    assert len(provider.calls) == calls + 1
    assert house.live == "on"
    provider.recover()
    await house.pass_time(70)
    assert len(provider.calls) > calls + 1


async def test_back_off(house: House, provider: Provider) -> None:
    """Repeated failures are tried again less and less often, but never past a window's opening."""
    await house.setup()
    provider.fail(HTTPStatus.BAD_GATEWAY)
    await house.pass_time(11 * MINUTE - 2)
    assert len(provider.calls) <= 10
    calls = len(provider.calls)
    await house.pass_time(8, step=1)
    assert calls < len(provider.calls) <= calls + 2


@pytest.mark.parametrize("polling", [True, False])
@pytest.mark.parametrize("reloads", [False, True])
async def test_until_the_time_that_the_provider_named(
    house: House, provider: Provider, push: Push, polling: bool, reloads: bool
) -> None:
    """After a 429 not even a push, a window or a reload asks before, and a push stands."""
    house.hass.config_entries.async_update_entry(house.entry, pref_disable_polling=not polling)
    await house.setup()
    provider.fail(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(12 * MINUTE)})
    await push("?event=started")
    await house.settle()
    calls = len(provider.calls)
    await push("?event=started")
    if reloads:
        assert await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.pass_time(12 * MINUTE - 10)
    assert len(provider.calls) == calls
    assert house.live == "on"
    provider.recover()
    provider.start(NOW, NOW + timedelta(hours=1))
    await house.pass_time(20, step=1)
    assert len(provider.calls) > calls
    assert house.edges == [("started", "webhook")]
    assert house.state("sensor.equiwatt_current_end") == "2026-11-20T18:20:00+00:00"


async def test_token_refused_for_a_while(
    house: House, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """One reauth, not one a poll; it goes away by itself when the token works again."""
    await house.setup()
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await house.pass_time(10 * MINUTE)
    (flow,) = house.hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert house.live == "off"
    provider.recover()
    await house.pass_time(5 * MINUTE)
    assert house.hass.config_entries.flow.async_progress() == []
    assert house.entry.state is ConfigEntryState.LOADED
    assert house.live == "off"


async def test_logged_once(
    house: House, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when the API is lost, in plain words, and one when it is back."""
    await house.setup()
    provider.fail(HTTPStatus.BAD_GATEWAY)
    await house.pass_time(10 * MINUTE)
    provider.recover()
    await house.pass_time(10 * MINUTE)
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


async def test_polls_without_entities(house: House, provider: Provider, push: Push) -> None:
    """Edges do not depend on any other entity being enabled."""
    await house.setup()
    registry = er.async_get(house.hass)
    for entity in er.async_entries_for_config_entry(registry, house.entry.entry_id):
        if entity.domain != "event":
            registry.async_update_entity(
                entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.settle()
    assert house.hass.states.get("binary_sensor.equiwatt_live") is None
    provider.start(NOW, NOW + timedelta(hours=1))
    await house.poll()
    assert house.edges == [("started", "api")]


async def test_polls_without_any_entity(house: House, provider: Provider) -> None:
    """The API is asked even when every entity is disabled."""
    await house.setup()
    registry = er.async_get(house.hass)
    for entity in er.async_entries_for_config_entry(registry, house.entry.entry_id):
        registry.async_update_entity(entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.settle()
    calls = len(provider.calls)
    await house.pass_time(5 * MINUTE)
    assert len(provider.calls) >= calls + 4


AUTOMATION = {
    "automation": {
        "triggers": {
            "trigger": "event.received",
            "target": {"entity_id": "event.equiwatt_equivent"},
            "options": {"event_type": ["started"]},
        },
        "actions": {
            "event": "heard",
            "event_data": {"live": "{{ states('binary_sensor.equiwatt_live') }}"},
        },
    }
}


async def test_edges_wait_for_automations(
    hass: HomeAssistant, house: House, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edge is announced when Home Assistant has started and automations listen, and once."""
    monkeypatch.setattr(announcer, "ARMING", 1)
    heard: list[Any] = []
    hass.bus.async_listen("heard", heard.append)
    hass.set_state(CoreState.not_running)
    provider.start(NOW, None)
    await house.setup()
    assert await async_setup_component(hass, "automation", AUTOMATION)
    assert house.live == "on"
    assert house.edges == []
    hass.set_state(CoreState.starting)
    await house.settle()
    assert house.edges == []
    await hass.async_start()
    assert house.edges == []
    await house.pass_time(1, step=1)
    assert hass.state is CoreState.running
    assert house.edges == [("started", "api")]
    assert [event.data["live"] for event in heard] == ["on"]


async def test_began_and_ended_before_the_start(
    hass: HomeAssistant, house: House, provider: Provider, push: Push
) -> None:
    """What began and ended while Home Assistant was starting is no edge."""
    hass.set_state(CoreState.starting)
    await house.setup()
    await push("?event=started")
    await push("?event=ended")
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await house.settle()
    assert house.edges == []


async def test_state_and_edge_agree(
    hass: HomeAssistant, house: House, provider: Provider, push: Push
) -> None:
    """When an edge is announced the binary sensor says the same already."""
    await house.setup()
    await push("?event=started")
    provider.start(NOW, None)
    await house.pass_time(2 * MINUTE)
    provider.end(NOW, house.now)
    await push("?event=ended")
    await house.settle()
    order = [
        event.data["entity_id"]
        for event in house.changes
        if event.data["entity_id"] in ("binary_sensor.equiwatt_live", "event.equiwatt_equivent")
    ]
    assert order[-4:] == ["binary_sensor.equiwatt_live", "event.equiwatt_equivent"] * 2


async def test_burst_asks_once(
    house: House, provider: Provider, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A burst of calls changes the state once and asks the API once."""
    monkeypatch.setattr(coordinator, "BURST", 0.2)
    await house.setup()
    calls = len(provider.calls)
    for _ in range(20):
        await push("?event=started")
    assert len(provider.calls) == calls
    await house.pass_time(5, step=1)
    assert len(provider.calls) == calls + 1
    assert house.edges == [("started", "webhook")]


async def test_update_entity_action(hass: HomeAssistant, house: House, provider: Provider) -> None:
    """homeassistant.update_entity asks the API."""
    await async_setup_component(hass, "homeassistant", {})
    await house.setup()
    calls = len(provider.calls)
    await hass.services.async_call(
        "homeassistant",
        "update_entity",
        {"entity_id": ["binary_sensor.equiwatt_live"]},
        blocking=True,
    )
    assert len(provider.calls) == calls + 1


async def test_no_churn(house: House, provider: Provider) -> None:
    """While nothing happens no state is written: an hour leaves no row in the recorder."""
    await house.setup()
    changes = len(house.changes)
    await house.pass_time(60 * MINUTE, step=10)
    assert len(house.changes) == changes


@pytest.mark.parametrize("hours", [3, -3, -5000])
async def test_wrong_system_clock(house: House, provider: Provider, hours: int) -> None:
    """With a clock that is wrong by hours the provider's own time decides what is live."""
    provider.ahead = timedelta(hours=hours)
    true = NOW + provider.ahead
    provider.start(true - timedelta(minutes=10), true + timedelta(minutes=50))
    await house.setup()
    assert house.live == "on"
    assert house.edges == [("started", "api")]
    provider.error = TimeoutError()
    await house.pass_time(49 * MINUTE, step=30)
    assert house.edges == [("started", "api")]
    await house.pass_time(MINUTE)
    assert house.edges == [("started", "api"), ("ended", "clock")]


async def test_available_again_with_the_same_answer(house: House, provider: Provider) -> None:
    """A good answer makes the entities available at once, though it brings nothing new."""
    await house.setup()
    provider.error = TimeoutError()
    await house.pass_time(17 * MINUTE, step=30)
    assert house.live == "unavailable"
    provider.recover()
    await house.pass_time(4 * MINUTE, step=30)
    assert house.live == "off"


async def test_nothing_is_written_that_has_not_changed(
    house: House, provider: Provider, writes: list[str]
) -> None:
    """Polls that bring nothing new write no state, be they good or failed ones."""
    await house.setup()
    writes.clear()
    await house.pass_time(10 * MINUTE, step=10)
    assert writes == []
    provider.fail(HTTPStatus.INTERNAL_SERVER_ERROR)
    await house.pass_time(10 * MINUTE, step=10)
    assert writes == []
    await house.pass_time(6 * MINUTE, step=10)
    assert 1 <= len(writes) == len(set(writes)) <= 9  # unavailable, once each


async def test_unknown_end_moves_by_half_hours(
    house: House, provider: Provider, writes: list[str]
) -> None:
    """While an equivent without an end is live, the calendar moves at each half hour only."""
    provider.start(NOW, None)
    await house.setup()
    await house.pass_time(60 * MINUTE, step=10)
    writes.clear()
    await house.pass_time(60 * MINUTE, step=10)
    assert writes == ["calendar.equiwatt_equivents"] * 2


async def test_polling_switched_off(
    hass: HomeAssistant, house: House, provider: Provider, push: Push
) -> None:
    """An account whose polling the user has switched off asks at webhook calls and by hand only."""
    hass.config_entries.async_update_entry(house.entry, pref_disable_polling=True)
    provider.start(NOW, NOW + timedelta(minutes=5))
    await house.setup()
    assert len(provider.calls) == 1
    await house.pass_time(60 * MINUTE, step=30)
    assert len(provider.calls) == 1
    assert house.live == "off"  # by the clock: the bound has passed, and nobody was asked
    await push("")
    await house.settle()
    assert len(provider.calls) == 2
    await house.pass_time(12 * 60 * MINUTE, step=600)
    assert len(provider.calls) == 2
    assert house.live == "off"
    assert await async_setup_component(hass, "homeassistant", {})
    data = {"entity_id": LIVE}
    await hass.services.async_call("homeassistant", "update_entity", data, blocking=True)
    await house.settle()
    assert len(provider.calls) == 3


async def test_unexpected_error_at_a_restart(
    house: House,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    no_secrets_in_log: Recorder,
) -> None:
    """A fault of our own at the first answer keeps nobody from asking again."""
    await house.setup()
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    observe = Tracker.observe
    monkeypatch.setattr(Tracker, "observe", Mock(side_effect=RuntimeError("Broken")))
    await house.setup()
    calls = len(provider.calls)
    logged = [record for record in no_secrets_in_log.records if record.exc_info]
    assert [record.message for record in logged] == ["Unexpected error fetching equiwatt data"]
    no_secrets_in_log.records.remove(logged[0])  # which is what a fault of our own is to look like
    monkeypatch.setattr(Tracker, "observe", observe)
    provider.start(NOW, NOW + timedelta(hours=1))
    await house.pass_time(31, step=31)
    assert len(provider.calls) == calls + 1
    assert house.live == "on"


async def test_set_up_does_not_wait_for_the_limits(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With no call left in this minute the set-up is tried again later, instead of waiting."""
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 3)
    monkeypatch.setattr(coordinator, "PATIENCE", 0.01)
    other = async_get_client(hass, TOKEN, API_URL)
    for _ in range(3):
        await other.async_get_equivents()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert len(provider.calls) == 3
