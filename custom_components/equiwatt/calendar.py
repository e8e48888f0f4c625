"""All equivents as a calendar."""

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .data import EquiwattConfigEntry
from .entity import EquiwattEntity
from .equivents.model import Equivent

PARALLEL_UPDATES = 0

USUAL_LENGTH = timedelta(hours=1)
AHEAD = timedelta(minutes=15)
"""How far ahead an unknown end is shown at least, as calendar triggers look so far ahead."""
HALF_HOUR = 1800

EQUIVENTS = CalendarEntityDescription(
    key="equivents",
    translation_key="equivents",
    # So that the automation editor does not offer the calendar's triggers for the device: Home
    # Assistant looks ahead every 15 minutes only, and they miss what starts unannounced.
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the calendar of an account."""
    async_add_entities([EquiwattCalendar(entry.runtime_data.coordinator, EQUIVENTS)])


class EquiwattCalendar(EquiwattEntity, CalendarEntity):
    """Shows the past, the live and the announced equivents."""

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the live or the announced equivent.

        Its times are by the system's clock, by which Home Assistant decides whether it is on.
        """
        state = self.coordinator.data
        if not (equivent := state.live or state.upcoming):
            return None
        return self._calendar_event(equivent, self.coordinator.clock.error)

    @property
    @override
    def shown(self) -> object:
        """Return what the entity shows."""
        event = self.event
        return (event.start, event.end, event.summary) if event else None

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the equivents that overlap a range, oldest first."""
        state = self.coordinator.data
        known = [e for e in (state.upcoming, state.live, *state.finished) if e]
        return [
            self._calendar_event(equivent)
            for equivent in reversed(known)
            if equivent.start < end_date and self._shown_end(equivent) > start_date
        ]

    def _calendar_event(
        self, equivent: Equivent, clock_error: timedelta = timedelta()
    ) -> CalendarEvent:
        """Return an equivent as a calendar's event, in local time."""
        return CalendarEvent(
            start=dt_util.as_local(equivent.start + clock_error),
            end=dt_util.as_local(self._shown_end(equivent) + clock_error),
            summary="Equivent",
        )

    def _shown_end(self, equivent: Equivent) -> datetime:
        """Return the end, one still ahead for the live one whatever the plan said.

        One that nobody knows moves by half hours only, as each move is a new state.
        """
        if equivent is not self.coordinator.data.live:
            return equivent.end or equivent.start + USUAL_LENGTH
        now = self.coordinator.clock.now()
        if equivent.end and equivent.end > now:
            return equivent.end
        ahead = ceil((now + AHEAD).timestamp() / HALF_HOUR) * HALF_HOUR
        return max(equivent.start + USUAL_LENGTH, datetime.fromtimestamp(ahead, UTC))
