"""Test the event entity."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.equiwatt import announcer
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .conftest import Push
from .fakes.home import NOW, Home
from .fakes.provider import Provider

HOUR = timedelta(hours=1)


async def test_attributes(home: Home, provider: Provider) -> None:
    """An event contains its equivent and its source."""
    provider.start(NOW - timedelta(minutes=1), NOW + HOUR)
    await home.setup()
    event = home.hass.states.get("event.equiwatt_equivent")
    assert event
    assert {
        key: event.attributes[key] for key in ("event_type", "start", "end", "source", "test")
    } == {
        "event_type": "started",
        "start": "2026-11-20T17:19:00+00:00",
        "end": "2026-11-20T18:20:00+00:00",
        "source": "api",
        "test": False,
    }


@pytest.mark.parametrize("kind", ["started", "ended"])
async def test_purpose_specific_trigger(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push, kind: str
) -> None:
    """The trigger of the automation editor fires once for each edge."""
    events: list[Any] = []
    hass.bus.async_listen("events", events.append)
    automation = {
        "triggers": {
            "trigger": "event.received",
            "target": {"entity_id": "event.equiwatt_equivent"},
            "options": {"event_type": [kind]},
        },
        "actions": {"event": "events"},
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await home.setup()
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert len(events) == 1


async def test_two_edges_in_a_millisecond(
    hass: HomeAssistant, home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end and a start in one answer are both events, even with equal states."""
    monkeypatch.setattr(announcer, "EDGE_INTERVAL", 0.002)
    provider.start(NOW - HOUR, None)
    await home.setup()
    provider.end(NOW - HOUR, NOW)
    provider.start(NOW, None)
    await home.poll()
    assert home.edges == [("started", "api"), ("ended", "api")]
    await home.pass_time(0.02, step=0.005)
    assert home.edges == [("started", "api"), ("ended", "api"), ("started", "api")]
    assert await hass.config_entries.async_unload(home.entry.entry_id)


async def test_unloaded_between_two_edges(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push
) -> None:
    """Unloading an entry with a pending edge leaks nothing."""
    provider.start(NOW - HOUR, None)
    await home.setup()
    provider.end(NOW - HOUR, NOW)
    provider.start(NOW, None)
    await push("")
    await home.settle()
    assert await hass.config_entries.async_unload(home.entry.entry_id)
