"""Test the clients of the API: their sessions and limits."""

from typing import Any

import pytest
from yarl import URL

from custom_components.equiwatt import api
from custom_components.equiwatt.equivents import client
from homeassistant.core import HomeAssistant

from .fakes.home import TOKEN, Home
from .fakes.provider import API_URL


async def test_limiters_are_dropped(
    hass: HomeAssistant, home: Home, aioclient_mock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rejected token leaves no limiter and is stored nowhere."""
    await home.setup()
    for number in range(5):
        await api.async_get_client(hass, f"mistyped-{number}", API_URL).async_get_equivents()
    limiters = hass.data[api.LIMITERS]
    kept = set(limiters)
    assert len(kept) == 6
    assert not any(TOKEN in key or "mistyped" in key for key in kept)
    with monkeypatch.context() as patched:
        patched.setattr(client, "CALL_WINDOW", 0)  # as if a minute had passed
        again = api.async_get_client(hass, TOKEN, API_URL)
    assert len(limiters) == 1
    await again.async_get_equivents()
    assert home.entry.runtime_data.coordinator.client.limiter.recent_calls == 2


async def test_no_cookies(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each account has its own session, which keeps no cookies."""
    monkeypatch.setattr(api, "EquiwattClient", lambda session, *_: session)
    sessions: list[Any] = [api.async_get_client(hass, token, API_URL) for token in ("one", "two")]
    assert sessions[0] is not sessions[1]
    for session in sessions:
        session.cookie_jar.update_cookies({"session": "1"}, URL(API_URL))
        assert not session.cookie_jar.filter_cookies(URL(API_URL))
