"""Repairs: a device that is not restored, a webhook that needs attention, a refused token."""

from typing import Any, override

import voluptuous as vol

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import BooleanSelector

from .const import CONF_UNUSED
from .holding.manager import async_get_manager
from .issues import TOKEN_REFUSED, async_abort_flows
from .webhook import addresses_errors, addresses_schema, async_get_addresses
from .webhook_monitor import async_set_shown

WEBHOOK_SCHEMA = vol.Schema({vol.Required(CONF_UNUSED, default=False): BooleanSelector()})


class NotRestoredFlow(ConfirmRepairFlow):
    """Fix flow of a device that was not restored."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Clear the issue once the user has confirmed."""
        if user_input is not None and self.data:
            async_get_manager(self.hass).async_forget(str(self.data["entity_id"]))
        return await super().async_step_confirm(user_input)


class WebhookFlow(RepairsFlow):
    """Fix flow of a webhook that needs attention, which shows its addresses."""

    def __init__(self, entry_id: str) -> None:
        """Initialize the flow."""
        self.entry_id = entry_id
        self.addresses: dict[str, str] | None = None

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Show the addresses, or a text if there are none."""
        entry = self.hass.config_entries.async_get_known_entry(self.entry_id)
        self.addresses = await async_get_addresses(self.hass, entry.data[CONF_WEBHOOK_ID])
        return self.async_show_form(
            step_id="confirm" if self.addresses else "no_address",
            data_schema=addresses_schema(self.addresses or {}).extend(WEBHOOK_SCHEMA.schema),
            errors=addresses_errors(self.addresses),
        )

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Remember that the addresses were shown, or that they are not used."""
        unused = bool(user_input and user_input[CONF_UNUSED])
        if entry := self.hass.config_entries.async_get_entry(self.entry_id):
            await async_set_shown(self.hass, entry, self.addresses, unused=unused)
        return self.async_create_entry(data={})

    async_step_no_address = async_step_confirm


class TokenFlow(ConfirmRepairFlow):
    """Fix flow of a refused token while another dialog is open."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Close the other dialog once the user has confirmed, and ask for a new token."""
        if user_input is not None and self.data:
            entry = self.hass.config_entries.async_get_entry(str(self.data["entry_id"]))
            if entry:
                async_abort_flows(self.hass, entry, SOURCE_RECONFIGURE)
                entry.async_start_reauth(self.hass)
        return await super().async_step_confirm(user_input)


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the fix flow of an issue."""
    if issue_id.startswith(TOKEN_REFUSED):
        return TokenFlow()
    if data and "entity_id" not in data:
        return WebhookFlow(data["entry_id"])
    return NotRestoredFlow()
