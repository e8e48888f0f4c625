"""Base entities of the equiwatt integration."""

from typing import ClassVar, override

from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN, EQUIWATT_SITE
from .coordinator import EquiwattCoordinator


class EquiwattEntity(CoordinatorEntity[EquiwattCoordinator]):
    """Entity of an account."""

    _attr_has_entity_name = True
    domain: ClassVar[Platform]

    def __init__(self, coordinator: EquiwattCoordinator, description: EntityDescription) -> None:
        """Initialize the entity."""
        super().__init__(coordinator)
        entry_id = coordinator.config_entry.entry_id
        self.entity_description = description
        self._attr_unique_id = f"{entry_id}_{description.key}"
        # Home Assistant would prefix the area that the user chooses after the set-up, and the
        # blueprints, examples and cards would not find the entity.
        self.entity_id = f"{self.domain}.{DOMAIN}_{description.key}"
        self._attr_device_info = DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, entry_id)},
            name=coordinator.config_entry.title,
            manufacturer="equiwatt",
            configuration_url=EQUIWATT_SITE,
        )
        self._written: object = None

    @property
    @override
    def available(self) -> bool:
        """Return True if the state is not stale, or is a rehearsal's, which needs no answer."""
        return not self.coordinator.is_stale or self.coordinator.data.rehearsal

    @property
    def shown(self) -> object:
        """Value that is compared to the last written one."""
        return None

    @override
    async def async_added_to_hass(self) -> None:
        """Note the value, which Home Assistant writes after this."""
        await super().async_added_to_hass()
        self._written = (self.available, self.shown)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state if it has changed, as most polls bring nothing new."""
        showing = (self.available, self.shown)
        if showing != self._written:
            self._written = showing
            self.async_write_ha_state()


class EquiwattLastingEntity(EquiwattEntity):
    """Entity that does not depend on the API."""

    @property
    @override
    def available(self) -> bool:
        """Return True always."""
        return True
