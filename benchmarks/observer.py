"""Integration in the measured Home Assistant that records the times of state changes.

It is also the floor of the comparison. Its times are of the monotonic clock, which all processes of
a machine share.
"""

import logging
from time import monotonic

from aiohttp.web import Request, Response

from homeassistant.components import webhook
from homeassistant.components.binary_sensor import BinarySensorDeviceClass, BinarySensorEntity  # type: ignore[attr-defined]
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.entity_component import EntityComponent
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.helpers.typing import ConfigType

DOMAIN = "benchmark"
FLOORS = [f"benchmark.floor_{number}" for number in range(12)]
"""Entities, of which each has a webhook whose id is the entity's."""
SEEN = "/api/benchmark/seen"
MANIFEST = {
    "domain": DOMAIN,
    "name": "Benchmark",
    "codeowners": [],
    "dependencies": ["http", "webhook"],
    "version": "0.0.0",
}


class Floor(BinarySensorEntity):
    """Binary sensor like ours that a webhook sets, the minimum of a webhook with an entity."""

    _attr_should_poll = False
    _attr_is_on = False
    _attr_device_class = BinarySensorDeviceClass.RUNNING

    def __init__(self, entity_id: str) -> None:
        """Initialize with an id, and with attributes that never change."""
        self.entity_id = self._attr_unique_id = entity_id
        self._attr_extra_state_attributes = {"rehearsal": False, "kind": None}

    async def async_handle(
        self, hass: HomeAssistant, webhook_id: str, request: Request
    ) -> Response:
        """Write the state that a call names."""
        self._attr_is_on = request.query["event"] == "started"
        self.async_write_ha_state()
        return Response()


class Seen(HomeAssistantView):
    """View of the state changes since the last request."""

    url = SEEN
    name = "benchmark:seen"
    requires_auth = False

    def __init__(self) -> None:
        """Initialize without changes."""
        self.changes: list[tuple[str, float]] = []

    @callback
    def note(self, event: Event[EventStateChangedData]) -> None:
        """Record a state change."""
        old, new = event.data["old_state"], event.data["new_state"]
        if old and new and old.state != new.state:
            self.changes.append((event.data["entity_id"], monotonic()))

    async def get(self, request: Request) -> Response:
        """Return the recorded changes and drop them."""
        changes, self.changes = self.changes, []
        return self.json(changes)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Subscribe to state changes, before all other listeners."""
    seen = Seen()
    hass.bus.async_listen(EVENT_STATE_CHANGED, seen.note)
    hass.http.register_view(seen)
    floors = [Floor(entity_id) for entity_id in FLOORS]
    component = EntityComponent[Floor](logging.getLogger(DOMAIN), DOMAIN, hass)
    await component.async_add_entities(floors)
    for floor in floors:
        webhook.async_register(hass, DOMAIN, DOMAIN, floor.entity_id, floor.async_handle)
    return True
