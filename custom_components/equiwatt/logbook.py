"""What the activity says of our commands: that they are ours, and who asked for them."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_CONTEXT_ID,
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.components.logbook.models import LazyEventPartialState
from homeassistant.const import ATTR_ENTITY_ID, ATTR_NAME
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .holding.service_calls import ATTR_ASKED_BY, ATTR_RESTORES, EVENT_COMMAND

type Describe = Callable[[LazyEventPartialState], dict[str, Any]]


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, Describe], None]
) -> None:
    """Register how our events are described."""
    async_describe_event(DOMAIN, EVENT_COMMAND, _describe)


@callback
def _describe(event: LazyEventPartialState) -> dict[str, Any]:
    """Describe a command, and with it what follows from it, of which only the name is shown."""
    data = event.data
    doing = "restoring" if data.get(ATTR_RESTORES) else "holding"
    asked_by = data.get(ATTR_ASKED_BY)
    return {
        LOGBOOK_ENTRY_NAME: f"equiwatt for {asked_by}" if asked_by else "equiwatt",
        LOGBOOK_ENTRY_MESSAGE: f"{doing} {data.get(ATTR_NAME)}",
        LOGBOOK_ENTRY_ENTITY_ID: data.get(ATTR_ENTITY_ID),
        LOGBOOK_ENTRY_CONTEXT_ID: event.context_id,
    }
