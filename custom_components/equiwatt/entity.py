"""The base of the equiwatt entities."""

from typing import override

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN, EQUIWATT_SITE
from .coordinator import EquiwattCoordinator


class EquiwattEntity(CoordinatorEntity[EquiwattCoordinator]):
    """An entity of an account."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: EquiwattCoordinator, description: EntityDescription) -> None:
        """Name it by its description and put it on the account's device."""
        super().__init__(coordinator)
        entry_id = coordinator.config_entry.entry_id
        self.entity_description = description
        self._attr_unique_id = f"{entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, entry_id)},
            name="equiwatt",
            manufacturer="equiwatt",
            configuration_url=EQUIWATT_SITE,
        )

    @property
    @override
    def available(self) -> bool:
        """Return True while the last answer is not too old, or a rehearsal needs none."""
        return not self.coordinator.is_stale or self.coordinator.data.rehearsal
