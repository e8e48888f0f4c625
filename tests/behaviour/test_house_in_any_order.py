"""Test disturbances of a home: polling off, restarts, disk failures, clocks, headers."""

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
from custom_components.equiwatt.storage import StorageFile
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.util import dt as dt_util

from ..conftest import Push, Recorder
from ..fakes.disk import full_disk
from ..fakes.home import NOW, Home, add_entry
from ..fakes.provider import API_URL, Provider

MINUTE = 60
HOUR = timedelta(hours=1)
Storage = dict[str, Any]


def polling_off(home: Home) -> None:
    """Turn off polling as a user does."""
    home.hass.config_entries.async_update_entry(home.entry, pref_disable_polling=True)


async def test_polling_off_after_one_429(home: Home, provider: Provider, push: Push) -> None:
    """Webhook calls still ask the API after a 429 with polling off."""
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
    assert len(provider.calls) > calls, "no poll follows a webhook call an hour after the 429"
    assert home.edges == [("started", "webhook")], "a false end in mid-equivent"
    assert home.live == "on"


@pytest.mark.parametrize("polling", [False, True])
async def test_push_before_the_api(
    home: Home, provider: Provider, push: Push, polling: bool
) -> None:
    """A push is followed up until it is confirmed, with polling on or off.

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
    """The last state is kept for 15 minutes of failures, not of silence."""
    polling_off(home)
    await home.setup()
    await home.pass_time(3 * 60 * MINUTE, step=600)
    provider.error = TimeoutError()
    await push("?event=started")
    await home.settle()
    assert home.live == "on", "unavailable at the first failure, in the moment that it started"


async def restart(home: Home, storage: Storage, seconds: float) -> None:
    """Unload the account, wait, and set it up again."""
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.freezer.tick(seconds)
    await home.setup()


async def test_rehearsal_over_and_equivent_after_restart(
    hass: HomeAssistant, home: Home, provider: Provider, hass_storage: Storage
) -> None:
    """After a restart `ended` of the announced one comes first, then `started`."""
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


async def test_edge_announced_once_after_failed_write(
    home: Home, provider: Provider, push: Push, hass_storage: Storage
) -> None:
    """Every edge is announced once. The disk is full for a moment, hours before."""
    provider.start(NOW, NOW + timedelta(minutes=30))
    await home.setup()
    assert home.edges == [("started", "api")]
    with full_disk():
        provider.end(NOW, NOW + timedelta(minutes=1))
        await home.poll()
    assert home.edges == [("started", "api"), ("ended", "api")]
    await home.pass_time(5 * 60 * MINUTE, step=60)  # the disk has space again for five hours
    assert hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]["snapshot"]["live"] is None
    await restart(home, hass_storage, 60)
    await home.settle()
    assert home.edges == [("started", "api"), ("ended", "api")]


async def test_edge_announced_once_after_restart(
    home: Home, provider: Provider, hass_storage: Storage
) -> None:
    """`ended` is not announced again after a restart, five hours later."""
    provider.start(NOW, NOW + timedelta(minutes=30))
    await home.setup()
    with full_disk():
        provider.end(NOW, NOW + timedelta(minutes=1))
        await home.poll()
    await home.pass_time(5 * 60 * MINUTE, step=60)
    await restart(home, hass_storage, 60)
    await home.settle()
    assert home.kinds == ["started", "ended"]


def take_tracebacks(recorder: Recorder) -> set[str]:
    """Return the tracebacks in the log and clear them."""
    records = [r for r in recorder.records if r.exc_info and r.levelno > logging.DEBUG]
    recorder.records[:] = [r for r in recorder.records if not r.exc_info]
    return {
        f"{r.name}: {r.getMessage()}: {r.exc_info and r.exc_info[1]!r}"
        for r in records
        if r.name != "aiohttp.access"  # fails with the frozen time
    }


async def test_latest_date(home: Home, provider: Provider, no_secrets_in_log: Recorder) -> None:
    """A `Date` at the end of time raises nothing and polling continues."""
    await home.setup()
    provider.headers = {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"}
    await home.pass_time(35, step=1)
    provider.headers = {}
    provider.start(home.now, home.now + HOUR)
    calls = len(provider.calls)
    await home.pass_time(30 * MINUTE, step=10)
    tracebacks = take_tracebacks(no_secrets_in_log)
    assert (tracebacks, len(provider.calls) - calls > 10, home.live) == (set(), True, "on")


async def test_latest_date_and_call(
    home: Home, provider: Provider, push: Push, no_secrets_in_log: Recorder
) -> None:
    """Calls are answered, never raise, and the webhook id is not logged."""
    await home.setup()
    provider.headers = {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"}
    await home.pass_time(35, step=1)
    provider.headers = {}
    await push("?event=started")
    tracebacks = take_tracebacks(no_secrets_in_log)
    assert (tracebacks, home.live) == (set(), "on")


async def test_earliest_date(
    home: Home, provider: Provider, push: Push, no_secrets_in_log: Recorder
) -> None:
    """A `Date` at the beginning of time raises nothing."""
    await home.setup()
    await push("?event=started")
    provider.headers = {"Date": "Mon, 01 Jan 0001 00:00:00 GMT"}
    await home.pass_time(10 * MINUTE)
    tracebacks = take_tracebacks(no_secrets_in_log)
    assert tracebacks == set()


async def test_failure_before_planned_end(home: Home, provider: Provider) -> None:
    """A call that fails before a planned end is repeated, as the equivent may go on."""
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
async def test_wrong_clock_writes_no_states(
    home: Home,
    provider: Provider,
    writes: list[str],
    hours: int,
) -> None:
    """States are written when they change, with a wrong clock too (0 hours: control)."""
    off = provider.ahead = timedelta(hours=hours)
    provider.start(NOW + off - HOUR, NOW + off + HOUR)
    await home.setup()
    assert home.live == "on"
    writes.clear()
    await home.pass_time(9 * MINUTE, step=0.7)
    assert writes == []


async def test_drift_writes_nothing(
    home: Home, provider: Provider, hass_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written to the disk by a drifting clock after an equivent."""
    provider.start(NOW, NOW + timedelta(minutes=2))
    await home.setup()
    provider.end(NOW, NOW + timedelta(minutes=1))
    await home.poll()
    assert home.kinds == ["started", "ended"]
    await home.pass_time(2 * MINUTE)
    real, drift = dt_util.utcnow, timedelta()

    def drifting() -> Any:
        """Return the system's time, slewed by a few microseconds between two polls."""
        return real() + drift

    monkeypatch.setattr(home.entry.runtime_data.coordinator.clock, "_utcnow", drifting)
    with patch.object(StorageFile, "async_write_soon") as save:
        for count in range(20):
            drift = timedelta(microseconds=3 * count)
            await home.pass_time(31, step=31)
    assert save.call_count == 0


async def test_drift_keeps_rehearsal(
    hass: HomeAssistant, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start of a rehearsal does not move with a drifting clock."""
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
    """Entities become unavailable after 15 minutes of unexpected errors."""
    await home.setup()
    monkeypatch.setattr(Tracker, "observe", Mock(side_effect=RuntimeError("Broken")))
    await home.pass_time(20 * MINUTE, step=10)
    no_secrets_in_log.records[:] = [r for r in no_secrets_in_log.records if not r.exc_info]
    assert home.entry.runtime_data.coordinator.is_stale
    assert home.live == "unavailable"


async def test_retry_after_date_with_slow_clock(home: Home, provider: Provider) -> None:
    """A date in Retry-After is the provider's time, as all others are."""
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


async def test_limiter_shared_during_a_call(
    hass: HomeAssistant,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call in flight counts for the one limiter of its token."""
    monkeypatch.setattr(client, "CALL_GAP", 1.0)
    dialog = async_get_client(hass, "new-token", API_URL)

    def open_another() -> None:
        """Open another dialog during the first one's call."""
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
    """Edges wait until Home Assistant has started, also after a failed unload."""
    hass.set_state(CoreState.starting)
    provider.start(NOW, NOW + HOUR)
    await home.setup()

    async def refuse(*_: object) -> bool:
        """Fail to unload."""
        return False

    monkeypatch.setattr(hass.config_entries, "async_unload_platforms", refuse)
    assert not await hass.config_entries.async_unload(home.entry.entry_id)
    await home.settle()
    edges = home.edges
    monkeypatch.undo()
    await hass.config_entries.async_unload_platforms(home.entry, PLATFORMS)
    assert edges == []


async def test_store_write_not_postponed(
    home: Home, provider: Provider, push: Push, hass_storage: Storage
) -> None:
    """A live equivent that moved is written at once, though three calls come.

    After a power cut it would otherwise be unconfirmed, and ended while it is live.
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
    assert stored["snapshot"]["pushed_at"] is None


async def test_huge_answer_does_not_block(home: Home, provider: Provider) -> None:
    """A huge answer does not block the event loop.

    The limit is that of `tests/benchmarks` and the README (2 µs an event).
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


async def test_doubled_end_and_next_back_to_back(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push
) -> None:
    """A live equivent, a doubled `ended`, and the next one back to back."""
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
