"""The sensor of what is held now."""

from typing import Any, override

from homeassistant.components.sensor import SensorEntity, SensorEntityDescription
from homeassistant.const import Platform

from .data import EquiwattRuntimeData
from .entity import EquiwattLastingEntity

HELD_DEVICES = SensorEntityDescription(key="held_devices", translation_key="held_devices")


class EquiwattHeldDevices(EquiwattLastingEntity, SensorEntity):
    """How many devices are held, and how each was."""

    domain = Platform.SENSOR

    _unrecorded_attributes = frozenset({"entities"})

    def __init__(self, data: EquiwattRuntimeData) -> None:
        """Keep where it is known."""
        super().__init__(data.coordinator, HELD_DEVICES)
        self._holding = data.holding

    @override
    async def async_added_to_hass(self) -> None:
        """Follow what is held."""
        await super().async_added_to_hass()
        self.async_on_remove(self._holding.async_listen(self._handle_coordinator_update))

    @property
    @override
    def native_value(self) -> int:
        """Return how many."""
        return len(self._entities)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return which."""
        return {"entities": self._entities}

    @property
    @override
    def shown(self) -> object:
        """Return what the entity shows."""
        return self._entities

    @property
    def _entities(self) -> list[dict[str, Any]]:
        """Return what is held, until when at the latest, and how it was."""
        live, now = self.coordinator.data.live, self.coordinator.clock.now()
        end = live.end if live and live.end and live.end > now else None  # none in an overrun
        held = self._holding.held_for(self.coordinator.config_entry.entry_id)
        return [one.as_shown(end) for one in held]
