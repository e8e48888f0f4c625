"""Repairs: a device that does not come back after an equivent."""

from typing import Any, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .memory import PAUSES

NOT_PUT_BACK = "not_put_back"


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


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of a repair."""
    return NotPutBackFlow()
