"""Reauthentication, by an issue while an open dialog prevents Home Assistant's request."""

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

TOKEN_REFUSED = "token_refused"  # noqa: S105 - a name


@callback
def async_set_token_issue(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Raise the issue of a refused token if Home Assistant cannot start reauthentication.

    It does not start while the entry is being reconfigured, and a reconfigure flow whose window
    was closed stays open until the next restart.
    """
    if not any(entry.async_get_active_flows(hass, {SOURCE_RECONFIGURE})):
        async_clear_token_issue(hass, entry)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(entry),
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=TOKEN_REFUSED,
        translation_placeholders={"name": entry.title},
        data={"entry_id": entry.entry_id},
    )


@callback
def async_clear_token_issue(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Clear the issue of a refused token."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(entry))


@callback
def async_close_reauth(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Close the request for a new token, as the old token is accepted."""
    async_clear_token_issue(hass, entry)
    _abort(hass, entry, SOURCE_REAUTH)


@callback
def async_ask_instead(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Close the reconfigure flows, and start reauthentication."""
    _abort(hass, entry, SOURCE_RECONFIGURE)
    entry.async_start_reauth(hass)


def _abort(hass: HomeAssistant, entry: ConfigEntry, source: str) -> None:
    """Close the flows of a source."""
    for flow in list(entry.async_get_active_flows(hass, {source})):
        hass.config_entries.flow.async_abort(flow["flow_id"])


def _issue_id(entry: ConfigEntry) -> str:
    """Return the id of the issue."""
    return f"{TOKEN_REFUSED}_{entry.entry_id}"
