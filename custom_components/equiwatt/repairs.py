"""Repairs: a device that does not come back after an equivent, a webhook that needs attention."""

from typing import Any, override

import voluptuous as vol

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.selector import BooleanSelector

from .const import CONF_UNUSED, DOMAIN
from .memory import PAUSES
from .webhook import async_get_addresses
from .webhook_watch import async_note_shown

NOT_PUT_BACK = "not_put_back"
WEBHOOK_SCHEMA = vol.Schema({vol.Required(CONF_UNUSED, default=False): BooleanSelector()})


@callback
def async_tell_not_put_back(hass: HomeAssistant, entry_id: str, state: State) -> None:
    """Tell the user that a device, once in this state, does not come back."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{NOT_PUT_BACK}_{state.entity_id}",
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=NOT_PUT_BACK,
        translation_placeholders={"name": state.name, "entity_id": state.entity_id},
        data={"entry_id": entry_id, "entity_id": state.entity_id},
    )


@callback
def async_settle_not_put_back(hass: HomeAssistant, entity_id: str) -> None:
    """Take that back."""
    ir.async_delete_issue(hass, DOMAIN, f"{NOT_PUT_BACK}_{entity_id}")


class NotPutBackFlow(ConfirmRepairFlow):
    """A device that did not come back: the user has dealt with it."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Leave the device alone once the user says so."""
        if user_input is not None and self.data:
            manager = self.hass.data.get(PAUSES, {}).get(str(self.data["entry_id"]))
            if manager:
                manager.async_forget(str(self.data["entity_id"]))
        return await super().async_step_confirm(user_input)


class WebhookFlow(RepairsFlow):
    """A webhook that needs attention: shows its addresses, which stand nowhere else."""

    def __init__(self, entry_id: str) -> None:
        """Keep whose addresses they are."""
        self.entry_id = entry_id
        self.addresses: dict[str, str] | None = None

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Show the addresses, or say that there are none."""
        entry = self.hass.config_entries.async_get_known_entry(self.entry_id)
        self.addresses = await async_get_addresses(self.hass, entry.data[CONF_WEBHOOK_ID])
        return self.async_show_form(
            step_id="confirm" if self.addresses else "no_address",
            data_schema=WEBHOOK_SCHEMA,
            description_placeholders=self.addresses,
        )

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Remember that they were shown, or that nobody uses them any more."""
        unused = bool(user_input and user_input[CONF_UNUSED])
        if entry := self.hass.config_entries.async_get_entry(self.entry_id):
            await async_note_shown(self.hass, entry, self.addresses, unused=unused)
        return self.async_create_entry(data={})

    async_step_no_address = async_step_confirm


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of a repair."""
    if data and not issue_id.startswith(NOT_PUT_BACK):
        return WebhookFlow(data["entry_id"])
    return NotPutBackFlow()
