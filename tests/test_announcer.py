"""Test that edges are announced in order, stored first, and once."""

from copy import deepcopy
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from custom_components.equiwatt import announcer
from custom_components.equiwatt.announcer import Announcer
from custom_components.equiwatt.equivents.model import EdgeType, Equivent
from custom_components.equiwatt.equivents.snapshot import Snapshot
from custom_components.equiwatt.store import EquiwattStore
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, Event, EventStateChangedData, HomeAssistant, callback

from .conftest import Push, Recorder
from .fakes.disk import full_disk
from .fakes.home import EVENT, LIVE, NOW, Home
from .fakes.provider import Provider

HOUR = timedelta(hours=1)


async def test_stored_first(
    hass: HomeAssistant, home: Home, push: Push, hass_storage: dict[str, Any]
) -> None:
    """The entity has changed and the edge is stored when listeners are called."""
    found: list[tuple[str, Any]] = []

    @callback
    def look(event: Event[EventStateChangedData]) -> None:
        """Check both in the event entity's state change."""
        if event.data["entity_id"] == EVENT and event.data["old_state"]:
            data = hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]
            found.append((home.state(LIVE), data["snapshot"]["live"] is not None))

    await home.setup()
    hass.bus.async_listen("state_changed", look)
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert found == [("on", True), ("off", False)]


async def test_call_before_reload(hass: HomeAssistant, home: Home, push: Push) -> None:
    """A push is not lost by a reload while edges wait."""
    hass.set_state(CoreState.starting)
    await home.setup()
    await push("?event=started")
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert (home.live, home.edges) == ("on", [])
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.pass_time(1)
    assert (home.live, home.edges) == ("on", [("started", "webhook")])


async def test_call_and_its_end_before_the_start(
    hass: HomeAssistant, home: Home, push: Push
) -> None:
    """An equivent that has begun and ended before automations have armed is not announced."""
    hass.set_state(CoreState.starting)
    await home.setup()
    await push("?event=started")
    await push("?event=ended")
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.pass_time(1)
    assert (home.live, home.edges) == ("off", [])


async def test_unloaded_while_automations_start(
    hass: HomeAssistant, home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unload in the second after the start leaks nothing and loses no edge."""
    monkeypatch.setattr(announcer, "ARMING", 1)
    hass.set_state(CoreState.starting)
    provider.start(NOW, NOW + HOUR)
    await home.setup()
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    await home.pass_time(5, step=1)
    assert home.edges == []
    await home.setup()
    await home.settle()
    assert home.edges == [("started", "api")]


async def test_failed_unload(
    hass: HomeAssistant, live: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edges are announced after an unload that failed."""

    async def refuse(*_: object) -> bool:
        """Fail to unload."""
        return False

    monkeypatch.setattr(hass.config_entries, "async_unload_platforms", refuse)
    assert not await hass.config_entries.async_unload(live.entry.entry_id)
    assert live.entry.state is ConfigEntryState.FAILED_UNLOAD
    provider.end(NOW, NOW + timedelta(minutes=1))
    await live.poll()
    assert live.edges == [("started", "api"), ("ended", "api")]


async def test_edge_during_unload(
    hass: HomeAssistant, live: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edge during an unload is announced after the next set-up."""
    unload = hass.config_entries.async_unload_platforms

    async def answer_first(*arguments: Any) -> bool:
        """Process an answer once the event entity is removed."""
        gone = await unload(*arguments)
        provider.end(NOW, NOW + timedelta(minutes=1))
        live.freezer.move_to(NOW + timedelta(hours=1))
        await live.entry.runtime_data.coordinator.async_refresh()
        return gone

    monkeypatch.setattr(hass.config_entries, "async_unload_platforms", answer_first)
    assert await hass.config_entries.async_reload(live.entry.entry_id)
    await live.settle()
    assert live.live == "off"
    assert live.edges == [("started", "api"), ("ended", "api")]


async def test_disk_full(home: Home, push: Push) -> None:
    """An edge that cannot be stored is announced, as the home must not miss it."""
    await home.setup()
    with full_disk():
        await push("?event=started")
    assert home.edges == [("started", "webhook")]


async def test_unloaded_entry(
    hass: HomeAssistant, live: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """Parts of an unloaded entry announce, write and ask nothing."""
    data = live.entry.runtime_data
    assert await hass.config_entries.async_unload(live.entry.entry_id)
    before, calls = deepcopy(hass_storage), len(provider.calls)
    data.store.async_set_webhook(data.store.webhook.received(live.now))
    data.coordinator.async_push(EdgeType.ENDED)
    data.coordinator.async_rehearse(timedelta(minutes=5), None)
    await data.store.async_flush()
    await live.pass_time(120, step=10)
    assert {key: hass_storage[key] for key in hass_storage if "equiwatt." in key} == {
        key: before[key] for key in before if "equiwatt." in key
    }
    assert live.edges == [("started", "api")]
    assert len(provider.calls) == calls


async def test_failing_listener(home: Home, push: Push, no_secrets_in_log: Recorder) -> None:
    """A listener that fails does not affect the others or the next edge."""
    await home.setup()
    listeners = home.entry.runtime_data.announcer
    types: list[str] = []
    listeners.async_listen(Mock(side_effect=RuntimeError("Broken")))
    listeners.async_listen(lambda edge: types.append(edge.type))
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert types == ["started", "ended"]
    ours = [
        record
        for record in no_secrets_in_log.records
        if record.name.startswith("custom_components.")
    ]
    logged = [record for record in ours if record.exc_info]
    assert len(logged) == 2
    for record in logged:  # the expected traceback
        no_secrets_in_log.records.remove(record)


async def test_waits_for_automations(
    hass: HomeAssistant, home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edges wait until automations have started, a moment after Home Assistant."""
    monkeypatch.setattr(announcer, "ARMING", 3)
    hass.set_state(CoreState.starting)
    provider.start(NOW, NOW + HOUR)
    await home.setup()
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.pass_time(2, step=1)
    assert home.edges == []
    await home.pass_time(2, step=1)
    assert home.edges == [("started", "api")]


async def test_closed(hass: HomeAssistant) -> None:
    """A closed announcer stores nothing, as its successor may."""
    store = EquiwattStore(hass, "one")
    closed = Announcer(hass, store, "one")
    closed.async_close()
    closed.async_add((), Snapshot(live=Equivent(NOW)))
    assert store.snapshot == Snapshot()
