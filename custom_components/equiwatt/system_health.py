"""System health of the equiwatt integration."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .data import EquiwattConfigEntry


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register the system health information."""
    register.async_register_info(system_health_info)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the latest times of all accounts, and the total of their calls.

    Unknown values are left out, as without an account or a call.
    """
    entries: list[EquiwattConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    coordinators = [entry.runtime_data.coordinator for entry in entries]
    stores = [entry.runtime_data.store for entry in entries]
    errors = [coordinator.error.reason for coordinator in coordinators if coordinator.error]
    info = {
        "can_reach_server": _reachability(errors) if entries else None,
        "last_answer": _latest(coordinator.answered_at for coordinator in coordinators),
        "calls_in_last_minute": sum(
            coordinator.client.limiter.recent_calls for coordinator in coordinators
        ),
        "last_webhook": _latest(store.webhook.received_at for store in stores),
    }
    return {key: value for key, value in info.items() if value is not None}


def _reachability(errors: list[str]) -> str | dict[str, str]:
    """Return the result of the last calls."""
    return {"type": "failed", "error": errors[0].replace("_", " ")} if errors else "ok"


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    """Return the latest time, None without any."""
    return max(filter(None, moments), default=None)
