"""Integration in the measured Home Assistant that records the times of state changes.

It is also the floor of the comparison. Its times are of the monotonic clock, which all processes of
a machine share.
"""

from time import monotonic

from aiohttp.web import Request, Response

from homeassistant.components import webhook
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.helpers.typing import ConfigType

DOMAIN = "benchmark"
FLOORS = [f"benchmark.floor_{number}" for number in range(12)]
"""States, of which each has a webhook whose id is the entity's."""
SEEN = "/api/benchmark/seen"
MANIFEST = {
    "domain": DOMAIN,
    "name": "Benchmark",
    "codeowners": [],
    "dependencies": ["http", "webhook"],
    "version": "0.0.0",
}


async def write_floor(hass: HomeAssistant, webhook_id: str, request: Request) -> Response:
    """Write a state: the minimum of a webhook that changes one."""
    hass.states.async_set(webhook_id, request.query["event"])
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
    for floor in FLOORS:
        hass.states.async_set(floor, "ended")
        webhook.async_register(hass, DOMAIN, floor, floor, write_floor)
    return True
