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

from .conftest import Push
from .fakes.home import NOW, TOKEN, WEBHOOK_ID, Home, add_entry
from .fakes.provider import API_URL, Provider

TRANSLATIONS = Path(equiwatt.__file__).parent / "translations" / "en.json"
EXCEPTIONS = json.loads(TRANSLATIONS.read_text())["exceptions"]


async def webhooks(hass: HomeAssistant, hass_ws_client: Any) -> list[str]:
    """Return the ids of the webhooks of the integration, as the user interface lists them."""
    socket = await hass_ws_client(hass)
    await socket.send_json_auto_id({"type": "webhook/list"})
    answer = await socket.receive_json()
    return [hook["webhook_id"] for hook in answer["result"] if hook["domain"] == DOMAIN]


async def test_reload_and_unload(
    home: Home, provider: Provider, hass_ws_client: Any, push: Push
) -> None:
    """The entry can be set up and unloaded any number of times."""
    await home.setup()
    assert await async_setup_component(home.hass, "websocket_api", {})
    for _ in range(3):
        assert await home.hass.config_entries.async_reload(home.entry.entry_id)
        assert home.entry.state is ConfigEntryState.LOADED
        assert await webhooks(home.hass, hass_ws_client) == [WEBHOOK_ID]
    assert await push("?event=started") == 200
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.NOT_LOADED
    assert await webhooks(home.hass, hass_ws_client) == []
    calls = len(provider.calls)
    await home.pass_time(3600, step=60)
    assert await push("?event=started") == 200
    await home.settle()
    assert len(provider.calls) == calls
    assert home.state("binary_sensor.equiwatt_live") == "unavailable"


async def test_unload_while_polling(home: Home, provider: Provider, push: Push) -> None:
    """An entry is unloaded in the middle of a push's poll."""
    await home.setup()
    await push("?event=started")
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await home.settle()
    assert home.entry.state is ConfigEntryState.NOT_LOADED


async def test_removed(home: Home) -> None:
    """A removed entry leaves no entity and no device."""
    await home.setup()
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    assert not home.hass.states.async_entity_ids()
    assert not dr.async_get(home.hass).devices
    assert not er.async_get(home.hass).entities


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
    home: Home, provider: Provider, status: int, error: Exception | None, reason: str
) -> None:
    """The set-up is retried later, with a reason."""
    provider.fail(HTTPStatus(status), {"Retry-After": "1"})
    provider.error = error
    assert not await home.hass.config_entries.async_setup(home.entry.entry_id)
    assert home.entry.state.value == "setup_retry"
    message = EXCEPTIONS[reason]["message"]
    shown = home.entry.error_reason_translation_key or f"{home.entry.reason}."
    assert shown in (reason, message)  # older releases show the message
    provider.recover()
    await home.pass_time(30)
    assert home.entry.state.value == "loaded"
    assert home.live == "off"


async def test_no_free_call(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The set-up is retried later, instead of waiting for the limits of the API."""
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)
    monkeypatch.setattr(coordinator, "MAX_WAIT", 0.01)
    for _ in range(10):
        await async_get_client(hass, TOKEN, API_URL).async_get_equivents()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert len(provider.calls) == 10


async def test_refused_at_setup(home: Home, provider: Provider) -> None:
    """A refused token starts a reauth."""
    provider.fail(HTTPStatus.UNAUTHORIZED)
    assert not await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert home.entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = home.hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH


async def test_two_entries(
    home: Home, provider: Provider, push: Push, freezer: FrozenDateTimeFactory
) -> None:
    """Each of two accounts receives its own pushes."""
    other = add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    assert other.state is ConfigEntryState.LOADED
    assert home.state("binary_sensor.equiwatt_live_2") == "off"
    assert await push("?event=started", "another-webhook") == 200
    assert home.live == "off"
    assert home.state("binary_sensor.equiwatt_live_2") == "on"
    await home.hass.config_entries.async_remove(other.entry_id)
    assert await push("?event=started") == 200
    assert home.live == "on"
    assert home.hass.states.get("binary_sensor.equiwatt_live_2") is None


async def test_starts_live(home: Home, provider: Provider) -> None:
    """An equivent that is live at set-up is announced once."""
    provider.start(NOW, None)
    await home.setup()
    assert home.live == "on"
    assert home.edges == [("started", "api")]
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert home.live == "on"
