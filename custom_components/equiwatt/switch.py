"""Switch that skips the live equivent, or the next one."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import Platform
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .data import EquiwattConfigEntry, EquiwattRuntimeData
from .entity import EquiwattLastingEntity
from .equivents.snapshot import Edge

PARALLEL_UPDATES = 0

SKIP = SwitchEntityDescription(key="skip", translation_key="skip")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switch of an account."""
    async_add_entities([EquiwattSkip(entry.runtime_data)])


class EquiwattSkip(EquiwattLastingEntity, SwitchEntity):
    """Switch that is on while the live equivent, or the next one, is skipped."""

    domain = Platform.SWITCH

    def __init__(self, data: EquiwattRuntimeData) -> None:
        """Initialize the switch."""
        super().__init__(data.coordinator, SKIP)
        self._data = data

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to edges, as the end of an equivent uses up a skip."""
        await super().async_added_to_hass()
        self.async_on_remove(self._data.announcer.async_listen(self._on_edge))

    @property
    @override
    def is_on(self) -> bool:
        """Return True while an equivent is skipped."""
        return self._data.store.attendance.skips

    @property
    @override
    def shown(self) -> object:
        """Return what the entity shows."""
        return self.is_on

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Skip the equivent, and restore the devices held for it."""
        if not self.is_on:
            self._set_skip(skips=True)
            entry_id = self.coordinator.config_entry.entry_id
            await self._data.holding.async_skip(entry_id, self._context or Context())

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Take part again."""
        self._set_skip(skips=False)

    def _set_skip(self, *, skips: bool) -> None:
        """Store whether an equivent is skipped."""
        store, real = self._data.store, self.coordinator.data.real
        since = real.start if real else self.coordinator.clock.now()
        store.async_keep_attendance(store.attendance.skipping(since if skips else None))
        self._handle_coordinator_update()

    @callback
    def _on_edge(self, edge: Edge) -> None:
        """Turn off when the skipped equivent has ended."""
        self._handle_coordinator_update()
