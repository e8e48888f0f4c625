"""Service calls: ours, attributed to their requester, and those of others on held devices."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Any

import voluptuous as vol

from homeassistant.const import (
    ATTR_ENTITY_ID,
    CONF_EXCLUDE,
    ENTITY_MATCH_ALL,
    EVENT_CALL_SERVICE,
    SERVICE_TOGGLE,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
)
from homeassistant.core import (
    CALLBACK_TYPE,
    DOMAIN as HOMEASSISTANT_DOMAIN,
    Context,
    Event,
    HomeAssistant,
    callback,
)
from homeassistant.exceptions import ServiceNotFound, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.script import ATTR_CUR
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.util.limited_size_dict import LimitedSizeDict

from ..const import LOGGER
from ..target import listed_by, members_of, without_excluded
from .steps import Call
from .store import Requester

MAX_CONTEXTS = 4096
"""Number of contexts to remember, of ours as of others: many devices may report late."""
RUN_EVENTS = ("automation_triggered", "script_started", "homekit_state_change")
"""Events that carry the context of an automation's, a script's or HomeKit's actions.

The context of a time trigger or of HomeKit has neither a user nor a parent, and the state of a
retriggered automation loses the context of its previous run.
"""
RUNNING = ("automation", "script")
"""Domains whose states have the context of their last run."""
SCENE = "scene"
READING = {"browse_media", "search_media"}
"""Services that change nothing."""
SETTING = {SERVICE_TOGGLE, SERVICE_TURN_OFF, SERVICE_TURN_ON, "apply"}
"""Services of Home Assistant itself and of scenes that set devices, unlike others."""
UNTOUCHED = (ServiceNotFound, ServiceValidationError, vol.Invalid)
"""Errors that a service call raises before it reaches the device."""
EVENT_COMMAND = "equiwatt_command"
"""First event of each command's context, from which the logbook takes the attribution."""
ATTR_ASKED_BY = "asked_by"
ATTR_ACTION = "action"


class Answer(Enum):
    """Result of our service calls."""

    DONE = auto()
    REFUSED = auto()
    UNTOUCHED = auto()
    """The call was invalid and has not reached the device."""


class ServiceCalls:
    """Makes our service calls, and attributes those of others by the latest contexts."""

    def __init__(self, hass: HomeAssistant, on_call: Callable[[set[str]], None]) -> None:
        """Initialize without listening."""
        self._hass = hass
        self._on_call = on_call
        self._ours: LimitedSizeDict[str, None] = LimitedSizeDict(size_limit=MAX_CONTEXTS)
        self._others: LimitedSizeDict[str, None] = LimitedSizeDict(size_limit=MAX_CONTEXTS)

    @callback
    def async_listen(self) -> list[CALLBACK_TYPE]:
        """Subscribe to runs of automations and scripts, and to service calls."""
        for state in self._hass.states.async_all(RUNNING):
            if state.attributes.get(ATTR_CUR):  # a run that began before the hold
                self._others[state.context.id] = None
        listen = self._hass.bus.async_listen
        runs = [listen(event, self._on_run) for event in RUN_EVENTS]
        return [*runs, listen(EVENT_CALL_SERVICE, self._on_service)]

    async def async_requester_of(self, context: Context) -> Requester:
        """Return the automation, script or person that a context belongs to."""
        self._others[context.id] = None  # later actions of the same run are not ours
        for state in self._hass.states.async_all(RUNNING):
            if state.context.id == context.id:
                return state.name, context.id
        auth = self._hass.auth
        user = await auth.async_get_user(context.user_id) if context.user_id else None
        return user.name if user else None, context.id

    async def async_set(
        self, entity_id: str, calls: Iterable[Call], requester: Requester, action: str
    ) -> Answer:
        """Set an entity by calls, one after the other, under a new context of ours."""
        name, context_id = requester
        context = Context(parent_id=context_id)  # without a user, who may be deleted
        self._ours[context.id] = None
        data = {ATTR_ENTITY_ID: entity_id, ATTR_ASKED_BY: name, ATTR_ACTION: action}
        self._hass.bus.async_fire(EVENT_COMMAND, data, context=context)
        domain, invalid = entity_id.partition(".")[0], Answer.UNTOUCHED
        for call in calls:
            data = {ATTR_ENTITY_ID: entity_id, **call.data}
            try:
                await self._hass.services.async_call(
                    domain, call.service, data, blocking=True, context=context
                )
            except Exception as err:  # noqa: BLE001  # integrations raise anything
                LOGGER.debug("%s did not obey: %s", entity_id, err)
                return invalid if isinstance(err, UNTOUCHED) else Answer.REFUSED
            invalid = Answer.REFUSED
        return Answer.DONE

    def is_others(self, context: Context) -> bool:
        """Return True if a context belongs to another person or automation."""
        if context.id in self._ours or context.parent_id in self._ours:
            return False
        return bool(context.user_id or context.parent_id or context.id in self._others)

    @callback
    def _on_run(self, event: Event[dict[str, Any]]) -> None:
        """Remember the context of an automation or a script."""
        self._others[event.context.id] = None

    @callback
    def _on_service(self, event: Event[dict[str, Any]]) -> None:
        """Report the devices that another person's or automation's call targets."""
        if self.is_others(event.context) and (called := called_by(self._hass, event.data)):
            self._on_call(called)


def called_by(hass: HomeAssistant, call: Mapping[str, Any]) -> set[str]:
    """Return the entities that a service call may set, however they are targeted."""
    domain, service, data = call["domain"], call["service"], call["service_data"]
    is_for_all = domain in (HOMEASSISTANT_DOMAIN, SCENE)
    if service in READING or (is_for_all and service not in SETTING):
        return set()
    chosen = without_excluded(hass, members_of(hass, _selected(hass, data)), data)
    if domain == SCENE:
        return members_of(hass, {*listed_by(hass, chosen), *(data.get("entities") or ())})
    return {found for found in chosen if is_for_all or found.partition(".")[0] == domain}


def _selected(hass: HomeAssistant, data: Mapping[str, Any]) -> set[str]:
    """Return the entities of a target."""
    keys = {str(key) for key in cv.ENTITY_SERVICE_FIELDS} - {CONF_EXCLUDE}  # no list of ids
    target = {key: [*map(str, cv.ensure_list_csv(data[key]))] for key in keys if key in data}
    if ENTITY_MATCH_ALL in target.get(ATTR_ENTITY_ID, ()):
        return set(hass.states.async_entity_ids())
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(target))
    return selected.referenced | selected.indirectly_referenced
