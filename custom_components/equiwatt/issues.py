"""Issues of an account: a refused token, changed webhook addresses, a silent webhook."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

TOKEN_REFUSED = "token_refused"  # noqa: S105 - a name
WEBHOOK_CHANGED = "webhook_changed"
WEBHOOK_SILENT = "webhook_silent"
SEVERITIES = {
    TOKEN_REFUSED: ir.IssueSeverity.ERROR,
    WEBHOOK_CHANGED: ir.IssueSeverity.WARNING,
    WEBHOOK_SILENT: ir.IssueSeverity.WARNING,
}


@callback
def async_set_issue(hass: HomeAssistant, entry: ConfigEntry, key: str, *, applies: bool) -> None:
    """Raise an issue of an account if it applies, and clear it if not."""
    if not applies:
        async_clear_issues(hass, entry.entry_id, key)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{key}_{entry.entry_id}",
        is_fixable=True,
        severity=SEVERITIES[key],
        translation_key=key,
        translation_placeholders={"name": entry.title},
        data={"entry_id": entry.entry_id},
    )


@callback
def async_clear_issues(hass: HomeAssistant, entry_id: str, *keys: str) -> None:
    """Clear the issues of an account, all if no keys are given."""
    for key in keys or SEVERITIES:
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry_id}")


def async_abort_flows(hass: HomeAssistant, entry: ConfigEntry, source: str) -> None:
    """Close the flows of an account that have a source."""
    for flow in list(entry.async_get_active_flows(hass, {source})):
        hass.config_entries.flow.async_abort(flow["flow_id"])
