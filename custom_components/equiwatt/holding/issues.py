"""Repair issues for devices that could not be restored."""

from hashlib import sha256

from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN

NOT_RESTORED = "not_restored"


@callback
def async_raise_not_restored(hass: HomeAssistant, entity_id: str) -> None:
    """Raise the issue of a device.

    Home Assistant's diagnostics include the names in a persistent issue. So it is raised again at
    each start, unless there is no account left that would do so.
    """
    state = hass.states.get(entity_id)
    accounts = hass.config_entries.async_entries(DOMAIN, include_disabled=False)
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id_of(entity_id),
        is_fixable=True,
        is_persistent=not accounts,
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
    ir.async_delete_issue(hass, DOMAIN, issue_id_of(entity_id))


def issue_id_of(entity_id: str) -> str:
    """Return the id of a device's issue, hashed as Home Assistant's diagnostics include it."""
    return f"{NOT_RESTORED}_{sha256(entity_id.encode()).hexdigest()[:12]}"
