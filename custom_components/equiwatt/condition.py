"""Condition of the automation editor.

It uses Home Assistant's base class for conditions, but not its less stable helpers for entities.
"""

from typing import Unpack, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import Condition, ConditionCheckParams, ConditionConfig
from homeassistant.helpers.target import TargetSelection
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .coordinator import EquiwattCoordinator
from .data import EquiwattConfigEntry
from .target import CONF_REHEARSALS, async_reached, async_warn_of_unreached, validated


class IsLiveCondition(Condition):
    """Condition that an equivent is live on an account that the target reaches."""

    @override
    @classmethod
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Validate target and options."""
        return validated(config)

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Initialize the condition."""
        super().__init__(hass, config)
        self._selected = config.target or {}
        self._target = TargetSelection(self._selected)
        self._rehearsals: bool = (config.options or {}).get(CONF_REHEARSALS, True)
        self._warned = False

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Return True if an equivent is known to be live."""
        reached = async_reached(self._hass, self._target)
        if not reached and not self._warned:
            self._warned = True
            async_warn_of_unreached("condition equiwatt.is_live", self._selected)
        entries: list[EquiwattConfigEntry]
        entries = self._hass.config_entries.async_loaded_entries(DOMAIN)
        return any(
            self._is_live(entry.runtime_data.coordinator)
            for entry in entries
            if entry.entry_id in reached
        )

    def _is_live(self, coordinator: EquiwattCoordinator) -> bool:
        """Return True if an account has a live equivent, as the binary sensor shows it."""
        if coordinator.data.rehearsal:
            return self._rehearsals
        return coordinator.data.live is not None and not coordinator.is_stale


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions by their names."""
    return {"is_live": IsLiveCondition}
