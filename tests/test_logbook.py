"""Test that the logbook names equiwatt and the requester."""

from datetime import timedelta
import logging
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.equiwatt.holding.service_calls import EVENT_COMMAND
from homeassistant.components.recorder.core import Recorder
from homeassistant.const import EVENT_CALL_SERVICE
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.setup import async_setup_component

from .fakes.actions import add_scenes, apply_scene
from .fakes.devices.entities import install
from .fakes.devices.pretend import Plug, Thermostat
from .fakes.home import Home
from .fakes.provider import Provider
from .holding.pausing import PLUG, end, restart, started


@pytest.fixture
def mock_recorder_before_hass(async_test_recorder: Any) -> None:
    """Prepare the recorder before Home Assistant, as it must be."""


@pytest.fixture
async def recorded(recorder_mock: Recorder, hass: HomeAssistant, live: Home) -> Home:
    """Return a house with a logbook."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)  # the plugin logs each query
    hass.config.components.add("frontend")  # the frontend is in a package of its own
    assert await async_setup_component(hass, "logbook", {})
    await live.settle()

    @callback
    def tick(_: object) -> None:
        """Turn the clock, which orders the rows."""
        live.freezer.tick(timedelta(milliseconds=1))

    for event in (EVENT_COMMAND, EVENT_CALL_SERVICE):
        hass.bus.async_listen(event, tick)
    return live


async def activity(home: Home, client: Any, *entity_ids: str) -> list[dict[str, Any]]:
    """Return the logbook, of all or of the given entities."""
    await async_wait_recording_done(home.hass)
    await client.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": "2026-11-20T17:00:00+00:00",
            "end_time": "2026-11-20T19:00:00+00:00",
            **({"entity_ids": entity_ids} if entity_ids else {}),
        }
    )
    rows: list[dict[str, Any]] = (await client.receive_json())["result"]
    return rows


@pytest.mark.parametrize("restarts", [False, True])
async def test_activity(
    recorded: Home,
    provider: Provider,
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: MockUser,
    restarts: bool,
) -> None:
    """Off and on are by equiwatt for its requester, after a restart too."""
    client = await hass_ws_client(recorded.hass)
    await install(recorded.hass, Plug("Plug"))
    context, data = Context(user_id=hass_admin_user.id), {"entity_id": PLUG}
    await recorded.hass.services.async_call(
        "equiwatt", "pause", data, blocking=True, context=context
    )
    if restarts:
        await restart(recorded)
        await started(recorded)
    await end(recorded, provider)
    rows = [row for row in await activity(recorded, client, PLUG) if "context_message" in row]
    assert [row["state"] for row in rows] == ["off", "on"]
    assert {row["context_domain"] for row in rows} == {"equiwatt"}
    assert {row["context_name"] for row in rows} == {f"equiwatt for {hass_admin_user.name}"}
    messages = [row["context_message"] for row in rows]
    assert messages == ["paused by equiwatt", "restored by equiwatt"]


async def test_without_a_user(recorded: Home, hass_ws_client: WebSocketGenerator) -> None:
    """A call without a user or an automation names equiwatt alone."""
    client = await hass_ws_client(recorded.hass)
    await install(recorded.hass, Plug("Plug"))
    await recorded.hass.services.async_call("equiwatt", "pause", {"entity_id": PLUG}, blocking=True)
    rows = [row for row in await activity(recorded, client, PLUG) if "context_message" in row]
    assert [row["context_message"] for row in rows] == ["paused by equiwatt"]
    assert [row["context_name"] for row in rows] == ["equiwatt"]


async def test_heating_and_scenes(recorded: Home, hass_ws_client: WebSocketGenerator) -> None:
    """Heating is turned down, and a scene is applied."""
    client = await hass_ws_client(recorded.hass)
    await install(recorded.hass, Plug("Plug"), Thermostat("Thermostat"))
    await add_scenes(recorded, Off={PLUG: "off"})
    heating = {"entity_id": "climate.thermostat"}
    await recorded.hass.services.async_call("equiwatt", "set_back", heating, blocking=True)
    await apply_scene(recorded.hass, entity_id="scene.off")
    rows = [row for row in await activity(recorded, client) if "message" in row]
    messages = {row["entity_id"]: row["message"] for row in rows if row["name"] == "equiwatt"}
    assert messages == {
        "climate.thermostat": "changed by equiwatt",
        "scene.off": "applied by equiwatt",
    }


async def test_automation(
    recorded: Home, provider: Provider, hass_ws_client: WebSocketGenerator
) -> None:
    """Off and on are by equiwatt for the automation that asked for it."""
    client = await hass_ws_client(recorded.hass)
    await install(recorded.hass, Plug("Plug"))
    automation = {
        "alias": "Evening",
        "triggers": {"trigger": "event", "event_type": "evening"},
        "actions": {"action": "equiwatt.pause", "target": {"entity_id": PLUG}},
    }
    assert await async_setup_component(recorded.hass, "automation", {"automation": automation})
    recorded.hass.bus.async_fire("evening")
    await recorded.settle()
    await end(recorded, provider)
    rows = [row for row in await activity(recorded, client, PLUG) if "context_message" in row]
    assert [(row["state"], row["context_name"]) for row in rows] == [
        ("off", "equiwatt for Evening"),
        ("on", "equiwatt for Evening"),
    ]
