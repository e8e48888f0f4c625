"""Binary sensor of the live equivent."""

from typing import Any, override

# Every supported release has the class here; the newest defines it in `const`.
from homeassistant.components.binary_sensor import (  # type: ignore[attr-defined]
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .data import EquiwattConfigEntry
from .entity import EquiwattEntity

PARALLEL_UPDATES = 0

LIVE = BinarySensorEntityDescription(key="live", device_class=BinarySensorDeviceClass.RUNNING)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensor of an account."""
    async_add_entities([EquiwattLive(entry.runtime_data, LIVE)])


class EquiwattLive(EquiwattEntity, BinarySensorEntity):
    """Binary sensor that is on while an equivent is live."""

    domain = Platform.BINARY_SENSOR

    @property
    @override
    def is_on(self) -> bool:
        """Return True while an equivent is live."""
        return self.coordinator.data.live is not None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the kind, and whether it is a rehearsal."""
        state = self.coordinator.data
        return {"rehearsal": state.rehearsal, "kind": self.coordinator.plans.live_kind(state)}

    @property
    @override
    def shown(self) -> object:
        """Return the source of the state and its attributes."""
        # Automations wait for this entity, and to work out its state twice would take longer.
        return self.coordinator.data, self.coordinator.plans
