"""Whose contexts are whose: our commands', and those of automations, which may bear no other mark.

What the clock triggers has neither a user nor a parent, and an automation that is triggered again
forgets the context of the run before.
"""

from typing import Any

from homeassistant.const import ATTR_NAME
from homeassistant.core import CALLBACK_TYPE, Context, Event, HomeAssistant, callback

from .device import Cause
from .store import Asker, HeldDevice

KEPT = 256
"""How many contexts are known, of ours as of others."""
RUNS = ("automation_triggered", "script_started")
"""Events under the context of what an automation or a script does, whose components may be off."""


class Contexts:
    """Knows the latest contexts."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Know none yet."""
        self._hass = hass
        self._ours: dict[str, None] = {}
        self._names: dict[str, str] = {}
        self._listening: list[CALLBACK_TYPE] = []

    @callback
    def async_start(self) -> None:
        """Hear of automations and scripts from now on."""
        if not self._listening:
            listen = self._hass.bus.async_listen
            self._listening = [listen(event, self._on_run) for event in RUNS]

    @callback
    def async_stop(self) -> None:
        """Hear of nothing any more."""
        for stop in self._listening:
            stop()
        self._listening = []

    def ours(self, asker: Asker) -> Context:
        """Return a new context of ours, without a user, who may be gone when it is used."""
        context = Context(parent_id=asker.context_id)
        _add(self._ours, context.id, None)
        return context

    def cause_of(self, context: Context, held: HeldDevice) -> Cause:
        """Return what stands behind a report, be it by way of another device that is held."""
        if context.id in self._ours or context.id in held.contexts:
            return Cause.OURS
        is_others = context.user_id or context.parent_id or context.id in self._names
        return Cause.OTHERS if is_others else Cause.NOBODY

    async def async_asker_of(self, context: Context) -> Asker:
        """Return who stands behind a context: an automation, a script or a person."""
        if not (name := self._names.get(context.id)):
            auth = self._hass.auth
            user = await auth.async_get_user(context.user_id) if context.user_id else None
            name = user.name if user else None
        return Asker(name=name, context_id=context.id)

    @callback
    def _on_run(self, event: Event[dict[str, Any]]) -> None:
        """Remember the context; a script that an automation calls runs under the latter's."""
        if event.context.id not in self._names:
            _add(self._names, event.context.id, event.data[ATTR_NAME])


def _add[T](known: dict[str, T], context_id: str, value: T) -> None:
    """Add a context, and forget the oldest."""
    known[context_id] = value
    if len(known) > KEPT:
        del known[next(iter(known))]
