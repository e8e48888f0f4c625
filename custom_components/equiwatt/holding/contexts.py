"""Attribution of service calls and changes to us or to others, by their contexts."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

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
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.script import ATTR_CUR
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from ..target import listed_by, members_of, without_excluded
from .store import Requester

KEPT = 256
"""Number of contexts to remember, of ours as of others."""
RUNS = ("automation_triggered", "script_started", "homekit_state_change")
"""Events that carry the context of an automation's, a script's or HomeKit's actions.

The context of a time trigger or of HomeKit has neither a user nor a parent, and the state of a
retriggered automation loses the context of its previous run.
"""
RUNNING = ("automation", "script")
"""Domains whose states have the context of their last run."""
SCENE = "scene"
READING = {"browse_media", "search_media"}
"""Services that change nothing."""
SETTING = {SERVICE_TOGGLE, SERVICE_TURN_OFF, SERVICE_TURN_ON}
"""Services of Home Assistant itself that set devices, unlike `update_entity` and others."""


class Contexts:
    """Tracker of the latest contexts, ours and those of automations and scripts."""

    def __init__(self, hass: HomeAssistant, on_call: Callable[[set[str]], None]) -> None:
        """Initialize without listening."""
        self._hass = hass
        self._on_call = on_call
        self._ours: dict[str, None] = {}
        self._others: dict[str, None] = {}
        self._listening: list[CALLBACK_TYPE] = []

    @callback
    def async_start(self) -> None:
        """Subscribe to runs of automations and scripts, and to service calls."""
        if not self._listening:
            listen = self._hass.bus.async_listen
            self._listening = [listen(event, self._on_run) for event in RUNS]
            self._listening.append(listen(EVENT_CALL_SERVICE, self._on_service))
            for state in self._hass.states.async_all(RUNNING):
                if state.attributes.get(ATTR_CUR):  # a run that began before the hold
                    _add(self._others, state.context.id)

    @callback
    def async_stop(self) -> None:
        """Unsubscribe."""
        while self._listening:
            self._listening.pop()()

    def ours(self, requester: Requester) -> Context:
        """Return a new context of ours, without a user, who may be deleted by then."""
        context = Context(parent_id=requester.context_id)
        _add(self._ours, context.id)
        return context

    def is_others(self, context: Context) -> bool:
        """Return True if a context belongs to another person or automation."""
        if context.id in self._ours or context.parent_id in self._ours:
            return False
        return bool(context.user_id or context.parent_id or context.id in self._others)

    async def async_requester_of(self, context: Context) -> Requester:
        """Return the automation, script or person that a context belongs to."""
        _add(self._others, context.id)  # later actions of the same run are not ours
        for state in self._hass.states.async_all(RUNNING):
            if state.context.id == context.id:
                return Requester(name=state.name, context_id=context.id)
        auth = self._hass.auth
        user = await auth.async_get_user(context.user_id) if context.user_id else None
        return Requester(name=user.name if user else None, context_id=context.id)

    @callback
    def _on_run(self, event: Event[dict[str, Any]]) -> None:
        """Remember the context of an automation or a script."""
        _add(self._others, event.context.id)

    @callback
    def _on_service(self, event: Event[dict[str, Any]]) -> None:
        """Report the devices that another person's or automation's call targets."""
        if self.is_others(event.context) and (called := called_by(self._hass, event.data)):
            self._on_call(called)


def called_by(hass: HomeAssistant, call: Mapping[str, Any]) -> set[str]:
    """Return the entities that a service call may set, however they are targeted."""
    domain, service, data = call["domain"], call["service"], call["service_data"]
    is_for_all = domain in (HOMEASSISTANT_DOMAIN, SCENE)
    if (is_for_all and service not in {*SETTING, "apply"}) or service in READING:
        return set()
    chosen = without_excluded(hass, members_of(hass, _selected(hass, data)), data)
    if domain == SCENE:
        return members_of(hass, {*listed_by(hass, chosen), *(data.get("entities") or ())})
    return {one for one in chosen if is_for_all or one.partition(".")[0] == domain}


def _selected(hass: HomeAssistant, data: Mapping[str, Any]) -> set[str]:
    """Return the entities of a target."""
    keys = {str(key) for key in cv.ENTITY_SERVICE_FIELDS} - {CONF_EXCLUDE}  # no list of ids
    target = {key: _listed(data[key]) for key in keys if key in data}
    if ENTITY_MATCH_ALL in target.get(ATTR_ENTITY_ID, ()):
        return set(hass.states.async_entity_ids())
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(target))
    return selected.referenced | selected.indirectly_referenced


def _listed(value: Any) -> list[str]:
    """Return a list of ids, which may be given separated by commas."""
    if isinstance(value, str):
        return [one.strip() for one in value.split(",")]
    return [str(one) for one in value] if isinstance(value, Iterable) else []


def _add(known: dict[str, None], context_id: str) -> None:
    """Add a context and drop the oldest."""
    known.pop(context_id, None)
    known[context_id] = None
    if len(known) > KEPT:
        del known[next(iter(known))]
