"""Calls the services that set devices, attributed to whoever asked for it."""

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
"""The first event of each command's context, by which the logbook knows whose it is."""
ATTR_ASKED_BY = "asked_by"
ATTR_ACTION = "action"

UNTOUCHED = (ServiceNotFound, ServiceValidationError, vol.Invalid)
"""What is raised before anything is touched."""


class Answer(Enum):
    """How a service call ended."""

    DONE = auto()
    REFUSED = auto()
    UNTOUCHED = auto()
    """The call was wrong: the device has heard nothing of it."""


async def async_set(
    hass: HomeAssistant, entity_id: str, calls: Iterable[Call], context: Context
) -> Answer:
    """Set a device by several calls, of which each waits for the one before."""
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
    """Call a service, and wait for as long as it takes."""
    try:
        await hass.services.async_call(domain, service, data, blocking=True, context=context)
    except UNTOUCHED as err:
        LOGGER.debug("%s cannot be set: %s", data[ATTR_ENTITY_ID], err)
        return Answer.UNTOUCHED
    except Exception as err:  # noqa: BLE001  # one device must not keep others from theirs
        LOGGER.debug("%s did not obey: %s", data[ATTR_ENTITY_ID], err)
        return Answer.REFUSED
    return Answer.DONE


@callback
def async_announce(
    hass: HomeAssistant, entity_id: str, requester: Requester, context: Context, action: str
) -> None:
    """Announce a command to the logbook, which names whoever comes first under a context."""
    data = {ATTR_ENTITY_ID: entity_id, ATTR_ASKED_BY: requester.name, ATTR_ACTION: action}
    hass.bus.async_fire(EVENT_COMMAND, data, context=context)
