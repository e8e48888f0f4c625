"""Calls of the services that set devices, attributed to the requester."""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Any

import voluptuous as vol

from homeassistant.const import ATTR_ENTITY_ID, SERVICE_TURN_ON, Platform
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import ServiceNotFound, ServiceValidationError

from ..const import LOGGER
from .steps import Call
from .store import Requester

EVENT_COMMAND = "equiwatt_command"
"""First event of each command's context, from which the logbook takes the attribution."""
ATTR_ASKED_BY = "asked_by"
ATTR_ACTION = "action"

UNTOUCHED = (ServiceNotFound, ServiceValidationError, vol.Invalid)
"""Errors that a service call raises before it reaches the device."""


class Answer(Enum):
    """Result of a service call."""

    DONE = auto()
    REFUSED = auto()
    UNTOUCHED = auto()
    """The call was invalid and has not reached the device."""


async def async_set(
    hass: HomeAssistant, entity_id: str, calls: Iterable[Call], context: Context
) -> Answer:
    """Set a device by several calls, one after the other."""
    for number, call in enumerate(calls):
        data = {ATTR_ENTITY_ID: entity_id, **call.data}
        domain = entity_id.partition(".")[0]
        answer = await _async_call(hass, domain, call.service, data, context)
        if answer is not Answer.DONE:
            return Answer.REFUSED if number else answer
    return Answer.DONE


async def async_apply_scene(hass: HomeAssistant, entity_id: str, context: Context) -> Answer:
    """Apply a scene."""
    data = {ATTR_ENTITY_ID: entity_id}
    return await _async_call(hass, Platform.SCENE, SERVICE_TURN_ON, data, context)


async def _async_call(
    hass: HomeAssistant, domain: str, service: str, data: dict[str, Any], context: Context
) -> Answer:
    """Call a service and wait for its result."""
    try:
        await hass.services.async_call(domain, service, data, blocking=True, context=context)
    except UNTOUCHED as err:
        LOGGER.debug("%s cannot be set: %s", data[ATTR_ENTITY_ID], err)
        return Answer.UNTOUCHED
    except Exception as err:  # noqa: BLE001  # integrations raise anything
        LOGGER.debug("%s did not obey: %s", data[ATTR_ENTITY_ID], err)
        return Answer.REFUSED
    return Answer.DONE


@callback
def async_announce(
    hass: HomeAssistant, entity_id: str, requester: Requester, context: Context, action: str
) -> None:
    """Fire the event of a command: the logbook attributes changes to a context's first event."""
    data = {ATTR_ENTITY_ID: entity_id, ATTR_ASKED_BY: requester.name, ATTR_ACTION: action}
    hass.bus.async_fire(EVENT_COMMAND, data, context=context)
