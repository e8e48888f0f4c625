"""Test what the page on the system's health says."""

from typing import Any

import aiohttp
import pytest
from pytest_homeassistant_custom_component.common import get_system_health_info
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.equiwatt.const import DOMAIN
from homeassistant.setup import async_setup_component

from .conftest import TOKEN, WEBHOOK_ID, House, Provider, Push, add_entry

SERVER = "https://app.equiwatt.com"


async def told(house: House) -> dict[str, Any]:
    """Return what is told."""
    assert await async_setup_component(house.hass, "system_health", {})
    await house.settle()
    info: dict[str, Any] = await get_system_health_info(house.hass, DOMAIN)
    info["can_reach_server"] = await info["can_reach_server"]
    return info


async def test_what_is_shown(
    house: House, provider: Provider, push: Push, aioclient_mock: AiohttpClientMocker
) -> None:
    """The server, the last answer, the calls of all accounts, and the webhook."""
    aioclient_mock.get(SERVER)
    add_entry(house.hass, "another-token", "another-webhook")
    await house.setup()
    first = await told(house)
    assert first["last_webhook"] == "never"
    await house.pass_time(5)
    await push("?event=started")
    await house.settle()
    info = await told(house)
    assert info == {
        "can_reach_server": "ok",
        "last_answer": house.now,
        "calls_in_last_minute": len(provider.calls),
        "last_webhook": house.now,
    }
    assert not any(secret in str(info) for secret in (TOKEN, WEBHOOK_ID))


@pytest.mark.parametrize("loaded", [True, False])
async def test_out_of_reach(
    house: House, provider: Provider, aioclient_mock: AiohttpClientMocker, loaded: bool
) -> None:
    """A server that cannot be reached is told, whether or not an account is loaded."""
    aioclient_mock.get(SERVER, exc=aiohttp.ClientConnectionError())
    await house.setup()
    if not loaded:
        assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    info = await told(house)
    assert info["can_reach_server"] == {"type": "failed", "error": "unreachable"}
    assert info["last_answer"] == (house.now if loaded else "never")
