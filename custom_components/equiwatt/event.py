"""Event entity of the start and the end of equivents."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .data import EquiwattConfigEntry
from .entity import EquiwattEntity
from .equivents.model import EdgeType
from .equivents.snapshot import Edge

PARALLEL_UPDATES = 0

EQUIVENT = EventEntityDescription(key="equivent", event_types=[each.value for each in EdgeType])


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event entity of an account."""
    async_add_entities([EquiwattEvent(entry.runtime_data, EQUIVENT)])


class EquiwattEvent(EquiwattEntity, EventEntity):
    """Event entity of an account's equivents, always available.

    Home Assistant's triggers ignore an event that follows `unavailable`.
    """

    domain = Platform.EVENT
    _from_api = False

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to edges."""
        await super().async_added_to_hass()
        self.async_on_remove(self._data.announcer.async_listen(self._on_edge))

    @callback
    def _on_edge(self, edge: Edge) -> None:
        """Trigger the event of an edge."""
        self._trigger_event(edge.type.value, edge.as_dict())
        self._handle_coordinator_update()
