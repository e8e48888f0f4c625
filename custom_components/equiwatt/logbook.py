"""Logbook entries of our commands, attributed to their requester."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_CONTEXT_ID,
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.components.logbook.models import LazyEventPartialState
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .holding.service_calls import ATTR_ACTION, ATTR_ASKED_BY, EVENT_COMMAND

type Describe = Callable[[LazyEventPartialState], dict[str, Any]]


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, Describe], None]
) -> None:
    """Register the description of our events."""
    async_describe_event(DOMAIN, EVENT_COMMAND, _describe)


@callback
def _describe(event: LazyEventPartialState) -> dict[str, Any]:
    """Describe a command, also as the cause of the changes that follow."""
    data = event.data
    asked_by = data.get(ATTR_ASKED_BY)
    return {
        LOGBOOK_ENTRY_NAME: f"equiwatt for {asked_by}" if asked_by else "equiwatt",
        LOGBOOK_ENTRY_MESSAGE: f"{data.get(ATTR_ACTION)} by equiwatt",
        LOGBOOK_ENTRY_ENTITY_ID: data.get(ATTR_ENTITY_ID),
        LOGBOOK_ENTRY_CONTEXT_ID: event.context_id,
    }
