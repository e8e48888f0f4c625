"""Shared fixtures of the examples: a house with the automations of the pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component

from ..fakes.home import NOW, Home
from ..fakes.provider import Provider
from .pages import AUTOMATIONS, actions

HOUR = timedelta(hours=1)


class Examples:
    """The automations of the pages in a home, and their calls."""

    def __init__(self, home: Home) -> None:
        """Initialize without calls."""
        self.home = home
        self.calls: list[ServiceCall] = []

    async def setup(self, *aliases: str) -> None:
        """Set up some or all automations, with devices that only record the calls."""
        hass = self.home.hass
        blocks = [AUTOMATIONS[alias] for alias in aliases or AUTOMATIONS]
        for name in sorted({name for block in blocks for name in actions(block)}):
            domain, action = name.split(".")
            if domain != DOMAIN:  # the integration's own actions run unchanged
                async_mock_service(hass, domain, action)
        hass.bus.async_listen("call_service", self._record)
        config = {"automation": blocks}
        assert await async_setup_component(hass, "automation", config)
        await self.home.settle()

    def _record(self, event: Any) -> None:
        """Record a call."""
        data = event.data
        call = ServiceCall(self.home.hass, data["domain"], data["service"], data["service_data"])
        self.calls.append(call)

    def runs(self, alias: str) -> int:
        """Return the number of calls with an automation's own text."""
        (action,) = [a for a in AUTOMATIONS[alias]["actions"] if "action" in a]
        title = action.get("data", {}).get("title")
        return sum(
            action["action"] == f"{call.domain}.{call.service}"
            and call.data.get("title") == title
            and set(action.get("target", {}).get("entity_id", "").split())
            == set(call.data.get("entity_id", []))
            for call in self.calls
        )

    def messages(self) -> list[str]:
        """Return the messages to the user."""
        return [call.data["message"] for call in self.calls if "message" in call.data]

    @property
    def entities(self) -> list[str]:
        """Return the entities of the automations."""
        return self.home.hass.states.async_entity_ids("automation")


@pytest.fixture
async def examples(hass: HomeAssistant, home: Home, provider: Provider) -> AsyncIterator[Examples]:
    """Return the automations of the pages, not set up yet."""
    provider.end(NOW - 72 * HOUR, NOW - 71 * HOUR)
    examples = Examples(home)
    yield examples
    data = {"entity_id": examples.entities}
    await hass.services.async_call("automation", "turn_off", data, blocking=True)
