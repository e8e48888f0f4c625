"""Webhook of an account: its addresses, and the calls to them."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
import re
from types import ModuleType
from urllib.parse import parse_qsl

from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import Request, RequestPayloadError, Response
import voluptuous as vol
from yarl import URL

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.network import NoURLAvailableError
from homeassistant.helpers.selector import TemplateSelector, TemplateSelectorConfig
from homeassistant.util.json import json_loads

from .const import DOMAIN
from .data import EquiwattConfigEntry
from .equivents.client import is_secure
from .equivents.model import EdgeType

ATTR_EVENT = "event"
EDGE_TYPES = {edge_type.value: edge_type for edge_type in EdgeType}
MAX_BODY = 64 * 1024
BODY_TIMEOUT = 2
PART = re.compile(r'name="?event"?(?:\r\n[^\r\n]{1,200}){0,9}\r\n\r\n(\w+)\r\n--')
"""The field of a multipart form that has arrived whole."""


async def async_get_addresses(hass: HomeAssistant, webhook_id: str) -> dict[str, str] | None:
    """Return the addresses to paste into the equiwatt app, None if there are none.

    They use the cloudhook with an active Nabu Casa subscription, otherwise the external URL.
    """
    if (base := await _async_cloudhook(hass, webhook_id)) is None:
        try:
            base = webhook.async_generate_url(hass, webhook_id, allow_internal=False)
        except NoURLAvailableError:
            return None
    return {
        f"{edge_type}_url": str(URL(base).update_query({ATTR_EVENT: edge_type}))
        for edge_type in EdgeType
    }


def addresses_schema(addresses: Mapping[str, str]) -> vol.Schema:
    """Return the schema of a form to copy addresses from.

    Template selectors are the only read-only fields with a copy button.
    """
    field = TemplateSelector(TemplateSelectorConfig(read_only=True))
    return vol.Schema(
        {
            vol.Optional(key, description={"suggested_value": address}): field
            for key, address in addresses.items()
        }
    )


def addresses_errors(addresses: Mapping[str, str] | None) -> dict[str, str]:
    """Return the form's error if an address is not encrypted."""
    is_plain = not all(is_secure(address) for address in (addresses or {}).values())
    return {"base": "plain_http"} if is_plain else {}


async def _async_cloudhook(hass: HomeAssistant, webhook_id: str) -> str | None:
    """Return the address of the cloudhook, None without a subscription."""
    if not (cloud := _cloud(hass)) or not cloud.async_active_subscription(hass):
        return None
    with suppress(*_cloud_errors()):
        address: str = await cloud.async_get_or_create_cloudhook(hass, webhook_id)
        return address
    return None


async def async_delete_cloudhook(hass: HomeAssistant, webhook_id: str) -> None:
    """Delete the cloudhook, if any, even without a subscription."""
    if cloud := _cloud(hass):
        with suppress(*_cloud_errors()):
            await cloud.async_delete_cloudhook(hass, webhook_id)


@callback
def async_cloud_is_away(hass: HomeAssistant) -> bool:
    """Return True if the addresses depend on the cloud and it is not connected."""
    cloud = _cloud(hass)
    return bool(
        cloud and cloud.async_active_subscription(hass) and not cloud.async_is_connected(hass)
    )


@callback
def async_listen_addresses(
    hass: HomeAssistant, listener: Callable[[object], None]
) -> list[CALLBACK_TYPE]:
    """Call a listener when the addresses may have changed. Return functions that remove it."""
    stops = [hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, listener)]
    if cloud := _cloud(hass):
        stops.append(cloud.async_listen_connection_change(hass, listener))
    return stops


def _cloud(hass: HomeAssistant) -> ModuleType | None:
    """Return the cloud integration if it is loaded."""
    if "cloud" not in hass.config.components:
        return None
    from homeassistant.components import cloud  # noqa: PLC0415

    return cloud


def _cloud_errors() -> tuple[type[Exception], ...]:
    """Return the errors that the cloud integration raises."""
    from hass_nabucasa import CloudError  # noqa: PLC0415

    return (HomeAssistantError, CloudError, TimeoutError, ValueError)


class EquiwattWebhookManager:
    """Manager of an entry's webhook."""

    def __init__(self, hass: HomeAssistant, entry: EquiwattConfigEntry) -> None:
        """Initialize the manager."""
        self.hass = hass
        self.entry = entry

    @callback
    def async_setup(self) -> None:
        """Register the webhook for as long as the entry is loaded."""
        webhook_id = self.entry.data[CONF_WEBHOOK_ID]
        webhook.async_register(
            self.hass,
            DOMAIN,
            self.entry.title,
            webhook_id,
            self._async_handle,
            local_only=False,
            allowed_methods=[hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_GET],
        )
        self.entry.async_on_unload(lambda: webhook.async_unregister(self.hass, webhook_id))

    async def _async_handle(
        self, hass: HomeAssistant, webhook_id: str, request: Request
    ) -> Response:
        """Handle a call. A call without a usable event only causes a refresh.

        So does any GET, as browsers and link previews make it.
        """
        edge_type = None
        try:
            if request.method != hdrs.METH_GET:
                edge_type = _edge_type(request.query) or _edge_type(
                    _fields(await _async_read(request))
                )
        finally:  # also if the caller disconnects, which cancels the handler
            self._receive(edge_type)
        return Response()

    @callback
    def _receive(self, edge_type: EdgeType | None) -> None:
        """Pass a call to the entry, which may have been reloaded since the call began."""
        if self.entry.state not in (ConfigEntryState.LOADED, ConfigEntryState.FAILED_UNLOAD):
            return
        data = self.entry.runtime_data
        data.coordinator.async_push(edge_type)  # first, as automations wait for the state
        data.store.async_set_webhook(data.store.webhook.received(data.coordinator.clock.now()))
        data.coordinator.async_update_listeners()


def _edge_type(fields: Mapping[str, object]) -> EdgeType | None:
    """Return the edge type that a call names, None without any."""
    return EDGE_TYPES.get(str(fields.get(ATTR_EVENT)).strip().lower())


async def _async_read(request: Request) -> bytes:
    """Return a body, empty if it is large, slow or broken."""
    body = b""
    stream = request.content  # a request through the cloud returns a new stream at each access
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            while len(body) <= MAX_BODY and (chunk := await stream.read(MAX_BODY)):
                body += chunk
    except TimeoutError, OSError, RequestPayloadError, HttpProcessingError:
        return b""
    return body if len(body) <= MAX_BODY else b""


def _fields(body: bytes) -> Mapping[str, object]:
    """Return the fields of a JSON or form body, none for any other."""
    try:
        fields = json_loads(body)
    except ValueError:
        text = body.decode(errors="replace")
        part = PART.search(text)
        return {ATTR_EVENT: part[1]} if part else dict(parse_qsl(text))
    return fields if isinstance(fields, dict) else {}
