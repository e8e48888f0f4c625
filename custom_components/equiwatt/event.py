"""Event entity of the start and the end of equivents."""

from typing import Any, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .announcer import Announcer
from .coordinator import EquiwattCoordinator
from .data import EquiwattConfigEntry
from .entity import EquiwattLastingEntity
from .equivents.model import EdgeType
from .equivents.snapshot import Edge

PARALLEL_UPDATES = 0

EQUIVENT = EventEntityDescription(
    key="equivent",
    translation_key="equivent",
    event_types=[edge_type.value for edge_type in EdgeType],
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event entity of an account."""
    data = entry.runtime_data
    async_add_entities([EquiwattEvent(data.coordinator, EQUIVENT, data.announcer)])


class EquiwattEvent(EquiwattLastingEntity, EventEntity):
    """Event entity of an account's equivents, always available.

    Home Assistant's triggers ignore an event that follows `unavailable`.
    """

    domain = Platform.EVENT

    def __init__(
        self,
        coordinator: EquiwattCoordinator,
        description: EntityDescription,
        announcer: Announcer,
    ) -> None:
        """Initialize the event entity."""
        super().__init__(coordinator, description)
        self._announcer = announcer

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to edges."""
        await super().async_added_to_hass()
        self.async_on_remove(self._announcer.async_listen(self._on_edge))

    @callback
    def _on_edge(self, edge: Edge) -> None:
        """Trigger the event of an edge."""
        self._trigger_event(edge.type.value, _attributes(edge))
        self.async_write_ha_state()


def _attributes(edge: Edge) -> dict[str, Any]:
    """Return the attributes of an edge's event."""
    start, end = edge.equivent.start, edge.equivent.end
    attributes: dict[str, Any] = {
        "start": start.isoformat(),
        "end": end.isoformat() if end else None,
        "source": edge.source.value,
        "test": edge.test,
        "skipped": edge.skipped,
        "kind": edge.kind.value if edge.kind else None,
    }
    if edge.type is EdgeType.ENDED:
        attributes["participants"] = list(edge.participants)
    return attributes
