"""Test setting up, reloading, unloading and removing."""

from http import HTTPStatus
import json
from pathlib import Path
from typing import Any

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import equiwatt
from custom_components.equiwatt import coordinator
from custom_components.equiwatt.api import async_get_client
from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.equivents import client
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import API_URL, NOW, TOKEN, WEBHOOK_ID, House, Provider, Push, add_entry

TRANSLATIONS = Path(equiwatt.__file__).parent / "translations" / "en.json"
EXCEPTIONS = json.loads(TRANSLATIONS.read_text())["exceptions"]


async def webhooks(hass: HomeAssistant, hass_ws_client: Any) -> list[str]:
    """Return the ids of the webhooks of the integration, as the user interface lists them."""
    socket = await hass_ws_client(hass)
    await socket.send_json_auto_id({"type": "webhook/list"})
    answer = await socket.receive_json()
    return [hook["webhook_id"] for hook in answer["result"] if hook["domain"] == DOMAIN]


async def test_reload_and_unload(
    house: House, provider: Provider, hass_ws_client: Any, push: Push
) -> None:
    """Whatever is set up is taken down again, any number of times."""
    await house.setup()
    assert await async_setup_component(house.hass, "websocket_api", {})
    for _ in range(3):
        assert await house.hass.config_entries.async_reload(house.entry.entry_id)
        assert house.entry.state is ConfigEntryState.LOADED
        assert await webhooks(house.hass, hass_ws_client) == [WEBHOOK_ID]
    assert await push("?event=started") == 200
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    assert house.entry.state is ConfigEntryState.NOT_LOADED
    assert await webhooks(house.hass, hass_ws_client) == []
    calls = len(provider.calls)
    await house.pass_time(3600, step=60)
    assert await push("?event=started") == 200
    await house.settle()
    assert len(provider.calls) == calls
    assert house.state("binary_sensor.equiwatt_live") == "unavailable"


async def test_unload_while_asking(house: House, provider: Provider, push: Push) -> None:
    """An entry is unloaded in the middle of a call that a push asked for."""
    await house.setup()
    await push("?event=started")
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    await house.settle()
    assert house.entry.state is ConfigEntryState.NOT_LOADED


async def test_removed(house: House) -> None:
    """A removed entry leaves no entity and no device behind."""
    await house.setup()
    await house.hass.config_entries.async_remove(house.entry.entry_id)
    await house.settle()
    assert not house.hass.states.async_entity_ids()
    assert not dr.async_get(house.hass).devices
    assert not er.async_get(house.hass).entities


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (500, None, "cannot_connect"),
        (429, None, "rate_limited"),
        (404, None, "unexpected_response"),
        (200, aiohttp.ClientConnectionError(), "cannot_connect"),
        (200, TimeoutError(), "cannot_connect"),
    ],
)
async def test_not_ready(
    house: House, provider: Provider, status: int, error: Exception | None, reason: str
) -> None:
    """Set-up is tried again later, and says why."""
    provider.fail(HTTPStatus(status), {"Retry-After": "1"})
    provider.error = error
    assert not await house.hass.config_entries.async_setup(house.entry.entry_id)
    assert house.entry.state.value == "setup_retry"
    message = EXCEPTIONS[reason]["message"]
    told = house.entry.error_reason_translation_key or f"{house.entry.reason}."
    assert told in (reason, message)  # the older release tells the message
    provider.recover()
    await house.pass_time(30)
    assert house.entry.state.value == "loaded"
    assert house.live == "off"


async def test_no_free_place(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Set-up is tried again later too rather than kept waiting for the limits of the API."""
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)
    monkeypatch.setattr(coordinator, "PATIENCE", 0.01)
    for _ in range(10):
        await async_get_client(hass, TOKEN, API_URL).async_get_equivents()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert len(provider.calls) == 10


async def test_refused_at_setup(house: House, provider: Provider) -> None:
    """A refused token asks for a new one."""
    provider.fail(HTTPStatus.UNAUTHORIZED)
    assert not await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.settle()
    assert house.entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = house.hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH


async def test_two_entries(
    house: House, provider: Provider, push: Push, freezer: FrozenDateTimeFactory
) -> None:
    """Two accounts live side by side: each push reaches its own."""
    other = add_entry(house.hass, "another-token", "another-webhook")
    await house.setup()
    assert other.state is ConfigEntryState.LOADED
    assert house.state("binary_sensor.equiwatt_live_2") == "off"
    assert await push("?event=started", "another-webhook") == 200
    assert house.live == "off"
    assert house.state("binary_sensor.equiwatt_live_2") == "on"
    await house.hass.config_entries.async_remove(other.entry_id)
    assert await push("?event=started") == 200
    assert house.live == "on"
    assert house.hass.states.get("binary_sensor.equiwatt_live_2") is None


async def test_starts_live(house: House, provider: Provider) -> None:
    """One that is live at set-up is announced once."""
    provider.start(NOW, None)
    await house.setup()
    assert house.live == "on"
    assert house.edges == [("started", "api")]
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    assert house.live == "on"
