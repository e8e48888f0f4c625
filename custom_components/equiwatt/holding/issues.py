"""Issues of devices that are not restored."""

from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN

NOT_RESTORED = "not_restored"


@callback
def async_raise_not_restored(hass: HomeAssistant, entity_id: str) -> None:
    """Raise the issue of a device that is not restored."""
    state = hass.states.get(entity_id)
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{NOT_RESTORED}_{entity_id}",
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=NOT_RESTORED,
        translation_placeholders={
            "name": state.name if state else entity_id,
            ATTR_ENTITY_ID: entity_id,
        },
        data={ATTR_ENTITY_ID: entity_id},
    )


@callback
def async_clear_not_restored(hass: HomeAssistant, entity_id: str) -> None:
    """Clear the issue of a device."""
    ir.async_delete_issue(hass, DOMAIN, f"{NOT_RESTORED}_{entity_id}")
