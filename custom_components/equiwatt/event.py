"""The start and the end of equivents, as events to build automations on."""

from collections import deque
from datetime import datetime
from typing import Any, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import MAJOR_VERSION, MINOR_VERSION
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .coordinator import EquiwattCoordinator
from .data import EquiwattConfigEntry
from .entity import EquiwattEntity
from .equivents.model import Edge, Kind

PARALLEL_UPDATES = 0

DISTINCT = (MAJOR_VERSION, MINOR_VERSION) >= (2026, 10)
"""Whether Home Assistant itself gives each event a state of its own."""

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

    def __init__(self, coordinator: EquiwattCoordinator, description: EntityDescription) -> None:
        """Start with nothing to tell."""
        super().__init__(coordinator, description)
        self._edges: deque[Edge] = deque()
        self._cancel_timer: CALLBACK_TYPE | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Listen for edges."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_listen_edges(self._announce))
        self.async_on_remove(lambda: self._cancel_timer and self._cancel_timer())

    @callback
    def _announce(self, edge: Edge) -> None:
        """Announce an edge after those that wait."""
        self._edges.append(edge)
        if len(self._edges) == 1:
            self._tell()

    @callback
    def _tell(self, _now: datetime | None = None) -> None:
        """Tell the edges in turn.

        The state is the time in milliseconds. Older releases give two events within one the same
        state, and triggers are deaf to the second, which therefore waits a moment.
        """
        self._cancel_timer = None
        while self._edges:
            if not DISTINCT and self.state == dt_util.utcnow().isoformat(timespec="milliseconds"):
                self._cancel_timer = async_call_later(self.hass, 0.002, self._tell)
                return
            edge = self._edges.popleft()
            self._trigger_event(edge.kind.value, _attributes(edge))
            self.async_write_ha_state()


def _attributes(edge: Edge) -> dict[str, Any]:
    """Return what an event says of its edge."""
    start, end = edge.equivent.start, edge.equivent.end
    return {
        "start": start.isoformat(),
        "end": end.isoformat() if end else None,
        "source": edge.source.value,
        "test": edge.test,
    }
