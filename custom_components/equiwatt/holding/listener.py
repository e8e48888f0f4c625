"""What a held device waits for: its own reports, changes of its registration, and a moment."""

from collections.abc import Callable, Iterable

from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData
from homeassistant.helpers.event import (
    async_track_entity_registry_updated_event,
    async_track_state_change_event,
)

from ..timer import Timer


class DeviceListener:
    """Follows a set of entities and has one timer, both replaced at will."""

    def __init__(
        self,
        hass: HomeAssistant,
        on_state: Callable[[Event[EventStateChangedData]], None],
        on_registry: Callable[[Event[EventEntityRegistryUpdatedData]], None],
        on_timer: Callable[[], None],
    ) -> None:
        """Follow nothing yet."""
        self._hass = hass
        self._on_state = on_state
        self._on_registry = on_registry
        self._listening: list[CALLBACK_TYPE] = []
        self._timer = Timer(hass, "hold", on_timer)

    @callback
    def async_follow(self, entity_ids: Iterable[str]) -> None:
        """Follow these entities, and no others."""
        for stop in self._listening:
            stop()
        self._listening = []
        if ids := list(entity_ids):
            self._listening = [
                async_track_state_change_event(self._hass, ids, self._on_state),
                async_track_entity_registry_updated_event(self._hass, ids, self._on_registry),
            ]

    @callback
    def async_set_timer(self, seconds: float | None) -> None:
        """Set the timer to so many seconds from now in place of what it was set to."""
        self._timer.async_set(seconds)

    @callback
    def async_stop(self) -> None:
        """Follow nothing any more, and cancel the timer."""
        self.async_follow(())
        self.async_set_timer(None)
