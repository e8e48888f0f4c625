"""Test that edges are announced in order, each on the disk first, and none of them twice."""

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


async def test_on_the_disk_first(
    hass: HomeAssistant, home: Home, push: Push, hass_storage: dict[str, Any]
) -> None:
    """Whoever hears of an edge finds the entity changed, and the edge on the disk."""
    found: list[tuple[str, Any]] = []

    @callback
    def look(event: Event[EventStateChangedData]) -> None:
        """Look at both when the event entity speaks."""
        if event.data["entity_id"] == EVENT and event.data["old_state"]:
            data = hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]
            found.append((home.state(LIVE), data["announced"] is not None))

    await home.setup()
    hass.bus.async_listen("state_changed", look)
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert found == [("on", True), ("off", False)]


async def test_call_before_a_reload(hass: HomeAssistant, home: Home, push: Push) -> None:
    """What only a call tells is not lost by a reload while edges wait: it is not repeated."""
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


async def test_unloaded_while_automations_arm(
    hass: HomeAssistant, home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unload in the second after the start leaves nothing behind, and loses no edge."""
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


async def test_platforms_that_refuse_to_go(
    hass: HomeAssistant, live: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unload that fails leaves an entry that announces as before."""

    async def refuse(*_: object) -> bool:
        """Stay."""
        return False

    monkeypatch.setattr(hass.config_entries, "async_unload_platforms", refuse)
    assert not await hass.config_entries.async_unload(live.entry.entry_id)
    assert live.entry.state is ConfigEntryState.FAILED_UNLOAD
    provider.end(NOW, NOW + timedelta(minutes=1))
    await live.poll()
    assert live.edges == [("started", "api"), ("ended", "api")]


async def test_edge_during_an_unload(
    hass: HomeAssistant, live: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edge that comes while the platforms go is announced once the entry is set up again."""
    unload = hass.config_entries.async_unload_platforms

    async def answer_first(*arguments: Any) -> bool:
        """Let an answer arrive once the event entity has gone."""
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


async def test_disk_that_is_full(home: Home, push: Push) -> None:
    """An edge that cannot be written is announced all the same: the home must not miss it."""
    await home.setup()
    with full_disk():
        await push("?event=started")
    assert home.edges == [("started", "webhook")]


async def test_nothing_of_an_unloaded_entry(
    hass: HomeAssistant, live: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """What still holds parts of an unloaded entry cannot make them announce, write or ask."""
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


async def test_listener_that_fails(home: Home, push: Push, no_secrets_in_log: Recorder) -> None:
    """A listener that fails keeps nobody from hearing of an edge, nor of the next one."""
    await home.setup()
    listeners = home.entry.runtime_data.announcer
    heard: list[str] = []
    listeners.async_listen(Mock(side_effect=RuntimeError("Broken")))
    listeners.async_listen(lambda edge: heard.append(edge.type))
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert heard == ["started", "ended"]
    ours = [one for one in no_secrets_in_log.records if one.name.startswith("custom_components.")]
    logged = [record for record in ours if record.exc_info]
    assert len(logged) == 2
    for record in logged:  # which is what a fault is to look like
        no_secrets_in_log.records.remove(record)


async def test_waits_until_automations_are_armed(
    hass: HomeAssistant, home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They arm as Home Assistant has started, which takes them a moment."""
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
    """Nothing is remembered once it is closed: another one may do so by then."""
    store = EquiwattStore(hass, "one")
    closed = Announcer(hass, store, "one")
    closed.async_close()
    closed.async_add((), Snapshot(live=Equivent(NOW)))
    assert store.snapshot == Snapshot()
