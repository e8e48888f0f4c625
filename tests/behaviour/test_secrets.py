"""Test that secrets stay in the entry and in the dialog with the addresses."""

from http import HTTPStatus
import json
import traceback
from typing import Any

import aiohttp
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)

from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.helpers.json import JSONEncoder
from homeassistant.setup import async_setup_component

from ..conftest import Push
from ..fakes.home import TOKEN, WEBHOOK_ID, Home
from ..fakes.provider import Provider


async def everything(home: Home, hass_client: Any) -> str:
    """Return all that Home Assistant shows, logs or stores of the integration."""
    hass = home.hass
    parts: list[Any] = [
        await get_diagnostics_for_config_entry(hass, hass_client, home.entry),
        [state.as_dict() for state in hass.states.async_all()],
        [issue.to_json() for issue in ir.async_get(hass).issues.values()],
        [entity.extended_dict for entity in er.async_get(hass).entities.values()],
        [
            device.dict_repr
            for device in dr.async_entries_for_config_entry(dr.async_get(hass), home.entry.entry_id)
        ],
        [flow["context"] for flow in hass.config_entries.flow.async_progress()],
        [event.data for event in home.changes],
        [home.entry.title, home.entry.reason],
    ]
    error = home.entry.runtime_data.coordinator.last_exception
    text = "".join(traceback.format_exception(error)) if error else ""
    return json.dumps(parts, cls=JSONEncoder, default=str) + text


async def test_no_secrets(
    home: Home, provider: Provider, push: Push, hass_client: Any, hass_storage: dict[str, Any]
) -> None:
    """No secret is shown through errors, pushes and a refused token."""
    assert await async_setup_component(home.hass, "diagnostics", {})
    await async_process_ha_core_config(home.hass, {"external_url": "https://example.org"})
    await home.setup()
    await push("?event=started")
    for status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.BAD_GATEWAY, HTTPStatus.TOO_MANY_REQUESTS):
        provider.fail(status)
        await home.poll()
        text = await everything(home, hass_client)
        assert "equiwatt_live" in text
        assert TOKEN not in text
        assert WEBHOOK_ID not in text
    provider.recover()
    provider.error = aiohttp.ClientConnectionError(f"Bearer {TOKEN}")
    await home.pass_time(300)
    assert TOKEN not in await everything(home, hass_client)
    await push("?event=ended")
    kept = json.dumps(hass_storage[f"equiwatt.{home.entry.entry_id}"], default=str)
    assert TOKEN not in kept
    assert WEBHOOK_ID not in kept
