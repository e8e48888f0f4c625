"""Base entity of the equiwatt integration."""

from typing import ClassVar, override

from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN, EQUIWATT_SITE
from .coordinator import EquiwattCoordinator
from .data import EquiwattRuntimeData


class EquiwattEntity(CoordinatorEntity[EquiwattCoordinator]):
    """Entity of an account, named, translated and identified by its description's key."""

    _attr_has_entity_name = True
    _from_api = True
    """False if the entity does not depend on the API, and so is always available."""
    domain: ClassVar[Platform]

    def __init__(self, data: EquiwattRuntimeData, description: EntityDescription) -> None:
        """Initialize the entity."""
        super().__init__(data.coordinator)
        self._data = data
        entry, key = data.coordinator.config_entry, description.key
        self.entity_description = description
        self._attr_translation_key = key
        self._attr_unique_id = f"{entry.entry_id}_{key}"
        # Home Assistant would prefix the area that the user chooses after the set-up, and the
        # blueprints, examples and cards would not find the entity.
        self.entity_id = f"{self.domain}.{DOMAIN}_{key}"
        self._written: object = None

    @property
    @override
    def device_info(self) -> DeviceInfo:
        """Return the device of the account."""
        entry = self.coordinator.config_entry
        return DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, entry.entry_id)},
            name=entry.title,
            manufacturer="equiwatt",
            configuration_url=EQUIWATT_SITE,
        )

    @property
    @override
    def available(self) -> bool:
        """Return True unless the state is stale; a rehearsal's needs no answer."""
        is_current = not self.coordinator.is_stale or self.coordinator.data.rehearsal
        return is_current or not self._from_api

    @property
    def shown(self) -> object:
        """Value that is compared to the last written one."""
        return self.state, self.extra_state_attributes

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
