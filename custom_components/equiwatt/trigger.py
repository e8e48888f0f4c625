"""Triggers of the automation editor.

They use Home Assistant's base class for triggers, but not its less stable helpers for entities.
"""

from typing import override

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.target import TargetSelection
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType

from .announcer import async_listen_to_all
from .const import LOGGER
from .equivents.model import EdgeType
from .equivents.snapshot import Edge
from .target import CONF_REHEARSALS, async_reached, async_warn_of_unreached, validated


class EquiwattTrigger(Trigger):
    """Trigger on edges of the type that its name ends with, of the accounts in its target."""

    @override
    @classmethod
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Validate target and options."""
        return validated(config)

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger."""
        super().__init__(hass, config)
        self._name = config.key
        self._edge_type = EdgeType(config.key.rpartition("_")[2])
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
        def on_edge(entry_id: str, edge: Edge) -> None:
            """Run the action if the trigger covers an edge."""
            if not self._covers(entry_id, edge):
                return
            moment = "start" if edge.type is EdgeType.STARTED else "end"
            what = "a rehearsal" if edge.test else "an equivent"
            try:
                run_action(edge.as_dict(), f"{moment} of {what}")
            except Exception as err:  # noqa: BLE001 - such as a template's
                LOGGER.error("An automation could not be triggered: %s", err)

        @callback
        def check_target(hass: HomeAssistant) -> None:
            """Log a warning if the target reaches no account, once all are set up."""
            if not async_reached(hass, self._target):
                async_warn_of_unreached(f"trigger {self._name}", self._selected)

        stop_checking = async_at_started(self._hass, check_target)
        stop_listening = async_listen_to_all(self._hass, on_edge)

        @callback
        def detach() -> None:
            """Stop listening, and checking if Home Assistant has not started yet."""
            stop_checking()
            stop_listening()

        return detach

    def _covers(self, entry_id: str, edge: Edge) -> bool:
        """Return True if the trigger covers an edge.

        The target is resolved at the edge, as areas and labels may change.
        """
        chosen = edge.type is self._edge_type and (self._rehearsals or not edge.test)
        return chosen and entry_id in async_reached(self._hass, self._target)


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers by their names."""
    return dict.fromkeys(("equivent_started", "equivent_ended"), EquiwattTrigger)
