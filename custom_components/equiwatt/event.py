"""The start and the end of equivents, as events to build automations on."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EquiwattConfigEntry
from .entity import EquiwattEntity
from .tracker import Edge, Kind

PARALLEL_UPDATES = 0

EQUIVENT = EventEntityDescription(
    key="equivent",
    translation_key="equivent",
    event_types=[kind.value for kind in Kind],
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event entity of an account."""
    async_add_entities([EquiwattEvent(entry.runtime_data.coordinator, EQUIVENT)])


class EquiwattEvent(EquiwattEntity, EventEntity):
    """Announces each start and each end once."""

    @property
    @override
    def available(self) -> bool:
        """Return True always: triggers lose an event that comes straight out of unavailable."""
        return True

    @override
    async def async_added_to_hass(self) -> None:
        """Listen for edges."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_listen_edges(self._announce))

    @callback
    def _announce(self, edge: Edge) -> None:
        """Announce an edge."""
        start, end = edge.equivent.start, edge.equivent.end
        self._trigger_event(
            edge.kind.value,
            {
                "start": start.isoformat(),
                "end": end.isoformat() if end else None,
                "source": edge.source.value,
                "test": edge.test,
            },
        )
        self.async_write_ha_state()
