"""What the page on the system's health says."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from yarl import URL

from homeassistant.components import system_health
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback

from .const import DEFAULT_URL, DOMAIN
from .data import EquiwattConfigEntry


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register what is told."""
    register.async_register_info(system_health_info)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is told of all accounts: their latest times, and their calls together.

    The API's server is asked for without a token, which counts for nobody's limits.
    """
    entries: list[EquiwattConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    coordinators = [entry.runtime_data.coordinator for entry in entries]
    stores = [entry.runtime_data.store for entry in entries]
    url = entries[0].data[CONF_URL] if entries else DEFAULT_URL
    return {
        "can_reach_server": system_health.async_check_can_reach_url(hass, str(URL(url).origin())),
        "last_answer": _latest(one.answered_at for one in coordinators),
        "calls_in_last_minute": sum(one.client.recent_calls for one in coordinators),
        "last_webhook": _latest(one.webhook.received_at for one in stores),
    }


def _latest(moments: Iterable[datetime | None]) -> datetime | str:
    """Return the latest of some moments."""
    return max(filter(None, moments), default="never")
