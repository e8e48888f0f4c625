"""Switch that skips the live equivent, or the next one."""

from datetime import datetime
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import Platform
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .data import EquiwattConfigEntry
from .entity import EquiwattEntity

PARALLEL_UPDATES = 0

SKIP = SwitchEntityDescription(key="skip")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switch of an account."""
    async_add_entities([EquiwattSkip(entry.runtime_data, SKIP)])


class EquiwattSkip(EquiwattEntity, SwitchEntity):
    """Switch that is on while the live equivent, or the next one, is skipped."""

    domain = Platform.SWITCH
    _from_api = False

    @property
    @override
    def is_on(self) -> bool:
        """Return True while an equivent is skipped."""
        return self._data.store.attendance.skips

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Skip the equivent, and restore the devices held for it."""
        if not self.is_on:
            real = self.coordinator.data.real
            self._set_skip(real.start if real else self.coordinator.clock.now())
            entry_id = self.coordinator.config_entry.entry_id
            await self._data.holding.async_skip(entry_id, self._context or Context())

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Take part again."""
        self._set_skip(None)

    def _set_skip(self, since: datetime | None) -> None:
        """Store since when an equivent is skipped, None if none is."""
        store = self._data.store
        store.async_keep_attendance(store.attendance.skipping(since))
        self._handle_coordinator_update()
