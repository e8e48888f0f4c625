"""Issues of devices that are not restored."""

from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN

NOT_PUT_BACK = "not_put_back"


@callback
def async_raise_not_put_back(hass: HomeAssistant, entry_id: str, state: State) -> None:
    """Raise the issue of a device that was once in this state and is not restored."""
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
def async_clear_not_put_back(hass: HomeAssistant, entity_id: str) -> None:
    """Clear the issue of a device."""
    ir.async_delete_issue(hass, DOMAIN, f"{NOT_PUT_BACK}_{entity_id}")
