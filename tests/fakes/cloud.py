"""A stand-in for the client of Home Assistant Cloud."""

from typing import Any
from unittest.mock import Mock

NATIVE = (
    "haffmpeg",
    "haffmpeg.core",
    "haffmpeg.tools",
    "pymicro_vad",
    "pyspeex_noise",
    "turbojpeg",
)
"""Imports of the cloud integration for sound and pictures, which not every machine has."""


class Cloud:
    """Client of Home Assistant Cloud, as in hass.data."""

    def __init__(self) -> None:
        """Start subscribed and connected."""
        self.hooks: dict[str, dict[str, Any]] = {}
        self.is_logged_in = True
        self.subscription_expired = False
        self.iot = Mock(connected=True)
        self.client = Mock(cloudhooks=self.hooks)
        self.cloudhooks = self
        self.error: Exception | None = None

    async def async_create(self, webhook_id: str, managed: bool) -> dict[str, Any]:
        """Create a cloudhook."""
        if self.error:
            raise self.error
        url = f"https://hooks.nabu.casa/{webhook_id[:6]}"
        self.hooks[webhook_id] = {"cloudhook_url": url, "managed": managed}
        return self.hooks[webhook_id]

    async def async_delete(self, webhook_id: str) -> None:
        """Delete a cloudhook, as hass_nabucasa does."""
        if webhook_id not in self.hooks:
            raise ValueError("Hook is not enabled for the cloud.")
        del self.hooks[webhook_id]
