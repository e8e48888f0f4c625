"""What a home loses: polling off, restarts, failing disks, wrong clocks, odd headers."""

from datetime import timedelta
from email.utils import format_datetime
from http import HTTPStatus
import logging
from time import process_time
from typing import Any
from unittest.mock import Mock, patch

import pytest

from custom_components.equiwatt import PLATFORMS
from custom_components.equiwatt.api import async_get_client
from custom_components.equiwatt.equivents import client
from custom_components.equiwatt.equivents.tracker import Tracker
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.file import WriteError

from ..conftest import Push, Recorder
from ..fakes.home import NOW, Home, add_entry
from ..fakes.provider import API_URL, Provider

MINUTE = 60
HOUR = timedelta(hours=1)
Storage = dict[str, Any]


def polling_off(home: Home) -> None:
    """Switch polling off, as the user does."""
    home.hass.config_entries.async_update_entry(home.entry, pref_disable_polling=True)


async def test_polling_off_after_one_429(home: Home, provider: Provider, push: Push) -> None:
    """With polling off the API is asked at a webhook call; one 429 ends that for good."""
    polling_off(home)
    await home.setup()
    provider.fail(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "60"})
    await push("")
    await home.settle()
    provider.recover()
    await home.pass_time(60 * MINUTE, step=60)
    calls = len(provider.calls)
    provider.start(home.now, home.now + HOUR)
    await push("?event=started")
    await home.pass_time(6 * MINUTE)
    assert len(provider.calls) > calls, "a webhook call, an hour after the 429, asks nobody"
    assert home.edges == [("started", "webhook")], "a false end in mid-equivent"
    assert home.live == "on"


@pytest.mark.parametrize("polling", [False, True])
async def test_a_push_before_the_api_knows(
    home: Home, provider: Provider, push: Push, polling: bool
) -> None:
    """A push is looked into until confirmed, whether or not anything is polled besides.

    The API names the equivent two seconds after the call.
    """
    if not polling:
        polling_off(home)
    await home.setup()
    await push("?event=started")
    await home.settle()
    await home.pass_time(2, step=1)
    provider.start(NOW, NOW + HOUR)
    await home.pass_time(30 * MINUTE)
    assert home.edges == [("started", "webhook")], "a false end in mid-equivent"
    assert home.live == "on"


async def test_polling_off_and_one_failure(home: Home, provider: Provider, push: Push) -> None:
    """The last state stands for 15 minutes of failures; failures count, not silence."""
    polling_off(home)
    await home.setup()
    await home.pass_time(3 * 60 * MINUTE, step=600)
    provider.error = TimeoutError()
    await push("?event=started")
    await home.settle()
    assert home.live == "on", "unavailable at the first failure, in the moment that it started"


async def restart(home: Home, storage: Storage, seconds: float) -> None:
    """Restart Home Assistant's part that matters: unload, be away for a while, set up again."""
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.freezer.tick(seconds)
    await home.setup()


async def test_rehearsal_over_and_a_real_one_after_a_restart(
    hass: HomeAssistant, home: Home, provider: Provider, hass_storage: Storage
) -> None:
    """After a restart `ended` if the announced one is over, then `started`."""
    await home.setup()
    await hass.services.async_call(
        "equiwatt", "simulate_equivent", {"duration": {"minutes": 5}}, blocking=True
    )
    await home.settle()
    provider.start(NOW + timedelta(minutes=20), NOW + timedelta(minutes=80))
    await restart(home, hass_storage, 30 * MINUTE)
    await home.pass_time(3 * MINUTE)
    assert home.live == "on"
    assert home.edges == [("started", "simulation"), ("ended", "simulation"), ("started", "api")]


async def test_edge_whose_write_failed_is_not_announced_twice(
    home: Home, provider: Provider, push: Push, hass_storage: Storage
) -> None:
    """Every edge exactly once. The disk is full for a moment, and fine hours before."""
    provider.start(NOW, NOW + timedelta(minutes=30))
    await home.setup()
    assert home.edges == [("started", "api")]
    full = patch.object(Store, "_write_prepared_data", side_effect=WriteError("No space left"))
    mocked = patch.object(Store, "_async_write_data", side_effect=WriteError("No space left"))
    with full, mocked:
        provider.end(NOW, NOW + timedelta(minutes=1))
        await home.poll()
    assert home.edges == [("started", "api"), ("ended", "api")]
    await home.pass_time(5 * 60 * MINUTE, step=60)  # there is room again, for five hours
    assert hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]["announced"] is None
    await restart(home, hass_storage, 60)
    await home.settle()
    assert home.edges == [("started", "api"), ("ended", "api")]


async def test_edge_whose_write_failed_restarted(
    home: Home, provider: Provider, hass_storage: Storage
) -> None:
    """The same seen by users: five hours later, after a restart, `ended` comes once more."""
    provider.start(NOW, NOW + timedelta(minutes=30))
    await home.setup()
    with patch.object(Store, "_async_write_data", side_effect=WriteError("No space left")):
        provider.end(NOW, NOW + timedelta(minutes=1))
        await home.poll()
    await home.pass_time(5 * 60 * MINUTE, step=60)
    await restart(home, hass_storage, 60)
    await home.settle()
    assert home.kinds == ["started", "ended"]


def take_tracebacks(recorder: Recorder) -> set[str]:
    """Take the tracebacks out of the log, and return what they say."""
    told = [r for r in recorder.records if r.exc_info and r.levelno > logging.DEBUG]
    recorder.records[:] = [r for r in recorder.records if not r.exc_info]
    return {
        f"{r.name}: {r.getMessage()}: {r.exc_info and r.exc_info[1]!r}"
        for r in told
        if r.name != "aiohttp.access"  # which stumbles over the frozen time
    }


async def test_last_date_of_all(
    home: Home, provider: Provider, no_secrets_in_log: Recorder
) -> None:
    """Whatever the server sends, no exception: one such `Date` ends all polls for good."""
    await home.setup()
    provider.headers = {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"}
    await home.pass_time(35, step=1)
    provider.headers = {}
    provider.start(home.now, home.now + HOUR)
    calls = len(provider.calls)
    await home.pass_time(30 * MINUTE, step=10)
    said = take_tracebacks(no_secrets_in_log)
    assert (said, len(provider.calls) - calls > 10, home.live) == (set(), True, "on")


async def test_last_date_of_all_and_a_call(
    home: Home, provider: Provider, push: Push, no_secrets_in_log: Recorder
) -> None:
    """Every call is answered, never raises, and no log has the webhook's id."""
    await home.setup()
    provider.headers = {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"}
    await home.pass_time(35, step=1)
    provider.headers = {}
    await push("?event=started")
    said = take_tracebacks(no_secrets_in_log)
    assert (said, home.live) == (set(), "on")


async def test_first_date_of_all(
    home: Home, provider: Provider, push: Push, no_secrets_in_log: Recorder
) -> None:
    """The same for the first date there is."""
    await home.setup()
    await push("?event=started")
    provider.headers = {"Date": "Mon, 01 Jan 0001 00:00:00 GMT"}
    await home.pass_time(10 * MINUTE)
    said = take_tracebacks(no_secrets_in_log)
    assert said == set()


async def test_blip_before_the_planned_end(home: Home, provider: Provider) -> None:
    """A call that fails before a planned end is repeated, lest the clock end what goes on."""
    end = NOW + timedelta(minutes=5, seconds=10)  # between two polls
    provider.start(NOW, end)
    await home.setup()
    await home.pass_time(4 * MINUTE + 5, step=1)
    provider.error = TimeoutError()
    calls = len(provider.calls)
    while len(provider.calls) == calls:
        await home.pass_time(1, step=1)
    assert 13 < (end - home.now).total_seconds() < 60
    provider.recover()
    provider.start(NOW, NOW + HOUR)
    await home.pass_time((end - home.now).total_seconds() + 2, step=1)
    assert home.edges == [("started", "api")]


@pytest.mark.parametrize("hours", [0, -3])
async def test_wrong_clock_writes_the_calendar_at_each_poll(
    home: Home,
    provider: Provider,
    writes: list[str],
    hours: int,
) -> None:
    """Entities are written when something they show has changed (0 hours: control)."""
    off = provider.ahead = timedelta(hours=hours)
    provider.start(NOW + off - HOUR, NOW + off + HOUR)
    await home.setup()
    assert home.live == "on"
    writes.clear()
    await home.pass_time(9 * MINUTE, step=0.7)
    assert writes == []


async def test_drift_writes_the_disk_at_each_poll(
    home: Home, provider: Provider, hass_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `test_idle_writes_nothing`, after an equivent, with clocks that drift as all clocks do."""
    provider.start(NOW, NOW + timedelta(minutes=2))
    await home.setup()
    provider.end(NOW, NOW + timedelta(minutes=1))
    await home.poll()
    assert home.kinds == ["started", "ended"]
    await home.pass_time(2 * MINUTE)
    real, drift = dt_util.utcnow, timedelta()

    def drifting() -> Any:
        """Return the system's time, which NTP slews by a few microseconds between two polls."""
        return real() + drift

    monkeypatch.setattr(home.entry.runtime_data.coordinator.clock, "_utcnow", drifting)
    with patch.object(Store, "async_delay_save") as save:
        for count in range(20):
            drift = timedelta(microseconds=3 * count)
            await home.pass_time(31, step=31)
    assert save.call_count == 0


async def test_drift_moves_a_rehearsal(
    hass: HomeAssistant, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entities are written when what they show has changed; a rehearsal's start has not."""
    await home.setup()
    await hass.services.async_call(
        "equiwatt", "simulate_equivent", {"duration": {"minutes": 30}}, blocking=True
    )
    await home.settle()
    start = home.state("sensor.equiwatt_current_start")
    real, drift = dt_util.utcnow, timedelta()
    monkeypatch.setattr(
        home.entry.runtime_data.coordinator.clock, "_utcnow", lambda: real() + drift
    )
    seen = set()
    for count in range(6):
        drift = timedelta(microseconds=3 * (count % 2) - 2)
        await home.pass_time(31, step=31)
        seen.add(home.state("sensor.equiwatt_current_start"))
    assert seen == {start}


async def test_unexpected_errors_go_stale(
    home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch, no_secrets_in_log: Recorder
) -> None:
    """The last known state stands for 15 minutes before entities are unavailable."""
    await home.setup()
    monkeypatch.setattr(Tracker, "observe", Mock(side_effect=RuntimeError("Broken")))
    await home.pass_time(20 * MINUTE, step=10)
    no_secrets_in_log.records[:] = [r for r in no_secrets_in_log.records if not r.exc_info]
    assert home.entry.runtime_data.coordinator.is_stale
    assert home.live == "unavailable"


async def test_retry_after_as_a_date_by_a_slow_clock(home: Home, provider: Provider) -> None:
    """Where the system's clock is off, time is the provider's; so is Retry-After's."""
    true = provider.ahead = timedelta(minutes=15)
    await home.setup()
    provider.fail(HTTPStatus.TOO_MANY_REQUESTS)
    await home.pass_time(35, step=1)
    calls = len(provider.calls)
    while len(provider.calls) == calls:
        limit = home.now + true + timedelta(seconds=10)
        provider.headers = {"Retry-After": format_datetime(limit, usegmt=True)}
        await home.pass_time(1, step=1)
    limited = provider.calls[-1]
    calls = len(provider.calls)
    provider.recover()
    while len(provider.calls) == calls:
        await home.pass_time(1, step=1)
    assert provider.calls[-1] - limited < timedelta(seconds=30)


async def test_limiter_dropped_in_the_middle_of_a_call(
    hass: HomeAssistant,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One limiter per token guards every call; one in flight counts as in use."""
    monkeypatch.setattr(client, "CALL_GAP", 1.0)
    dialog = async_get_client(hass, "new-token", API_URL)

    def open_another() -> None:
        """Open another dialog while the call of the first is under way."""
        if not provider.calls:
            async_get_client(hass, "another-token", API_URL)

    provider.on_call = open_another
    await dialog.async_get_equivents()
    entry = add_entry(hass, "new-token")
    assert await hass.config_entries.async_setup(entry.entry_id)
    first, second = provider.times
    assert second - first >= 1


async def test_unload_refused_before_the_start(
    hass: HomeAssistant, home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edges wait until Home Assistant has started, also after a refused unload."""
    hass.set_state(CoreState.starting)
    provider.start(NOW, NOW + HOUR)
    await home.setup()

    async def refuse(*_: object) -> bool:
        """Stay."""
        return False

    monkeypatch.setattr(hass.config_entries, "async_unload_platforms", refuse)
    assert not await hass.config_entries.async_unload(home.entry.entry_id)
    await home.settle()
    edges = home.edges
    monkeypatch.undo()
    await hass.config_entries.async_unload_platforms(home.entry, PLATFORMS)
    assert edges == []


async def test_store_write_that_is_not_put_off(
    home: Home, provider: Provider, push: Push, hass_storage: Storage
) -> None:
    """The store's own rule (a live one that moved is written at once): three calls put it off.

    After a power cut a confirmed equivent is found unconfirmed, and ended though it is live.
    """
    await home.setup()
    await push("?event=started")
    for _ in range(2):
        await home.pass_time(2, step=1)
        await push("?event=started")
    provider.start(NOW, NOW + HOUR)
    await home.pass_time(11, step=1)
    assert home.state("sensor.equiwatt_current_end") == "2026-11-20T18:20:00+00:00"
    stored = hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]
    assert stored["pushed_at"] is None


async def test_huge_answer_does_not_block(home: Home, provider: Provider) -> None:
    """A body within the mebibyte that is read keeps the event loop busy for seconds at each poll.

    No rule names a limit; `tests/benchmarks` and the README's figure (2 µs an event) do.
    """
    provider.previous = [
        {"start_time": 1_700_000_000 - i * 1800, "end_time": 1_700_000_000 - i * 1800 + 1700}
        for i in range(20_000)
    ]
    await home.setup()
    coordinator_ = home.entry.runtime_data.coordinator
    answer = coordinator_.answer
    began = process_time()
    coordinator_.tracker.observe(answer, home.now)
    assert process_time() - began < 1


async def test_cancelled_by_nothing(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push
) -> None:
    """An equivent live, a doubled `ended`, and the next one back to back."""
    end = NOW + timedelta(minutes=20)
    provider.start(NOW, end)
    await home.setup()
    await home.pass_time(20 * MINUTE, step=10)
    provider.end(NOW, end)
    provider.start(end, end + HOUR)
    await push("?event=ended")
    await home.settle()
    await push("?event=ended")
    await home.settle()
    await home.pass_time(MINUTE)
    assert home.live == "on"
    assert home.kinds == ["started", "ended", "started"]
