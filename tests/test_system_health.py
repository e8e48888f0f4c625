"""Test the system health page."""

from http import HTTPStatus
from typing import Any

from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.equiwatt.const import DOMAIN
from homeassistant.setup import async_setup_component

from .conftest import Push
from .fakes.home import TOKEN, WEBHOOK_ID, Home, add_entry
from .fakes.provider import Provider


async def shown(home: Home) -> dict[str, Any]:
    """Return the contents of the page."""
    assert await async_setup_component(home.hass, "system_health", {})
    await home.settle()
    return dict(await get_system_health_info(home.hass, DOMAIN))


async def test_info(home: Home, provider: Provider, push: Push) -> None:
    """The last call, the last answer, the calls of all accounts, and the webhook."""
    add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    assert "last_webhook" not in await shown(home)
    await home.pass_time(5)
    await push("?event=started")
    await home.settle()
    info = await shown(home)
    assert info == {
        "can_reach_server": "ok",
        "last_answer": home.now,
        "calls_in_last_minute": len(provider.calls),
        "last_webhook": home.now,
    }
    assert not any(secret in str(info) for secret in (TOKEN, WEBHOOK_ID))


async def test_outage(home: Home, provider: Provider) -> None:
    """An outage is shown though the server is reachable without a token."""
    await home.setup()
    answered = home.now
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await home.poll()
    info = await shown(home)
    assert info["can_reach_server"] == {"type": "failed", "error": "invalid auth"}
    assert info["last_answer"] == answered


async def test_nothing_loaded(home: Home) -> None:
    """Nothing is shown without an account."""
    await home.setup()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert await shown(home) == {"calls_in_last_minute": 0}
