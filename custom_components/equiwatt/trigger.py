"""Triggers of the automation editor.

They use Home Assistant's base class for triggers, but not its less stable helpers for entities.
"""

from collections.abc import Callable
from typing import Any, ClassVar, override

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.target import TargetSelection
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN, LOGGER
from .data import EquiwattConfigEntry
from .equivents.model import EdgeType
from .equivents.snapshot import Edge
from .target import CONF_REHEARSALS, TARGET_SCHEMA, async_reached, async_warn_of_unreached


class EdgeSubscription:
    """Subscription to the edges of all accounts, whose announcers change with every reload."""

    def __init__(
        self, hass: HomeAssistant, listener: Callable[[EquiwattConfigEntry, Edge], None]
    ) -> None:
        """Initialize the subscription."""
        self._hass = hass
        self._listener = listener
        self._unsubscribe: dict[str, CALLBACK_TYPE] = {}

    @callback
    def async_open(self) -> CALLBACK_TYPE:
        """Subscribe to all accounts, also those loaded later. Return a function to unsubscribe."""
        for entry in self._hass.config_entries.async_loaded_entries(DOMAIN):
            self._subscribe(entry)
        stop = async_dispatcher_connect(self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._on_change)

        @callback
        def close() -> None:
            """Stop listening."""
            stop()
            for unsubscribe in self._unsubscribe.values():
                unsubscribe()

        return close

    @callback
    def _on_change(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Subscribe to a loaded account, and unsubscribe when it is unloaded."""
        if entry.domain != DOMAIN:
            return
        subscribed = entry.entry_id in self._unsubscribe
        if entry.state is ConfigEntryState.LOADED and not subscribed:
            self._subscribe(entry)
        if entry.state is ConfigEntryState.NOT_LOADED and subscribed:
            self._unsubscribe.pop(entry.entry_id)()

    def _subscribe(self, entry: EquiwattConfigEntry) -> None:
        """Subscribe to an account."""

        @callback
        def on_edge(edge: Edge) -> None:
            """Pass on an edge. An error in an automation must not affect the others."""
            try:
                self._listener(entry, edge)
            except Exception as err:  # noqa: BLE001 - such as a template's
                LOGGER.error("An automation could not be triggered: %s", err)

        self._unsubscribe[entry.entry_id] = entry.runtime_data.announcer.async_listen(on_edge)


class EquiwattTrigger(Trigger):
    """Trigger on edges of one type, of the accounts that the target reaches."""

    _edge_type: ClassVar[EdgeType]
    _moment: ClassVar[str]

    @override
    @classmethod
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Validate target and options."""
        validated: ConfigType = TARGET_SCHEMA(config)
        return validated

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger."""
        super().__init__(hass, config)
        self._name = config.key
        self._selected = config.target or {}
        self._target = TargetSelection(self._selected)
        self._rehearsals: bool = (config.options or {}).get(CONF_REHEARSALS, True)

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Attach the action to the edges that the trigger covers."""

        @callback
        def on_edge(entry: EquiwattConfigEntry, edge: Edge) -> None:
            """Run the action if the trigger covers an edge."""
            if self._covers(entry, edge):
                what = "a rehearsal" if edge.test else "an equivent"
                run_action(_variables(edge), f"{self._moment} of {what}")

        @callback
        def check_target(hass: HomeAssistant) -> None:
            """Log a warning if the target reaches no account, once all are set up."""
            if not async_reached(hass, self._target):
                async_warn_of_unreached(f"trigger {self._name}", self._selected)

        stop_checking = async_at_started(self._hass, check_target)
        stop_listening = EdgeSubscription(self._hass, on_edge).async_open()

        @callback
        def detach() -> None:
            """Stop listening, and checking if Home Assistant has not started yet."""
            stop_checking()
            stop_listening()

        return detach

    def _covers(self, entry: EquiwattConfigEntry, edge: Edge) -> bool:
        """Return True if the trigger covers an edge.

        The target is resolved at the edge, as areas and labels may change.
        """
        chosen = edge.type is self._edge_type and (self._rehearsals or not edge.test)
        return chosen and entry.entry_id in async_reached(self._hass, self._target)


def _variables(edge: Edge) -> dict[str, Any]:
    """Return the trigger variables, named as the event entity's attributes."""
    start, end = edge.equivent.start, edge.equivent.end
    return {
        "start": start.isoformat(),
        "end": end.isoformat() if end else None,
        "source": edge.source.value,
        "test": edge.test,
        "kind": edge.kind.value if edge.kind else None,
    }


class StartedTrigger(EquiwattTrigger):
    """Triggers when an equivent starts."""

    _edge_type = EdgeType.STARTED
    _moment = "start"


class EndedTrigger(EquiwattTrigger):
    """Triggers when an equivent ends."""

    _edge_type = EdgeType.ENDED
    _moment = "end"


TRIGGERS: dict[str, type[Trigger]] = {
    "equivent_started": StartedTrigger,
    "equivent_ended": EndedTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers by their names."""
    return TRIGGERS
