"""Test the integration's part of the page on the system's health."""

from http import HTTPStatus
from typing import Any

from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.equiwatt.const import DOMAIN
from homeassistant.setup import async_setup_component

from .conftest import TOKEN, WEBHOOK_ID, House, Provider, Push, add_entry


async def shown(house: House) -> dict[str, Any]:
    """Return what the page shows."""
    assert await async_setup_component(house.hass, "system_health", {})
    await house.settle()
    return dict(await get_system_health_info(house.hass, DOMAIN))


async def test_what_is_shown(house: House, provider: Provider, push: Push) -> None:
    """How the last call ended, the last answer, the calls of all accounts, and the webhook."""
    add_entry(house.hass, "another-token", "another-webhook")
    await house.setup()
    assert "last_webhook" not in await shown(house)
    await house.pass_time(5)
    await push("?event=started")
    await house.settle()
    info = await shown(house)
    assert info == {
        "can_reach_server": "ok",
        "last_answer": house.now,
        "calls_in_last_minute": len(provider.calls),
        "last_webhook": house.now,
    }
    assert not any(secret in str(info) for secret in (TOKEN, WEBHOOK_ID))


async def test_outage(house: House, provider: Provider) -> None:
    """An outage is shown though the server can be reached by whoever has no token."""
    await house.setup()
    answered = house.now
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await house.poll()
    info = await shown(house)
    assert info["can_reach_server"] == {"type": "failed", "error": "invalid auth"}
    assert info["last_answer"] == answered


async def test_nothing_loaded(house: House) -> None:
    """Without an account there is nothing to say of one."""
    await house.setup()
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    assert await shown(house) == {"calls_in_last_minute": 0}
