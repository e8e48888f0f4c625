"""All equivents as a calendar."""

from datetime import datetime, timedelta
from typing import override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .data import EquiwattConfigEntry
from .entity import EquiwattEntity
from .equivents.model import Equivent

PARALLEL_UPDATES = 0

USUAL_LENGTH = timedelta(hours=1)
AHEAD = timedelta(minutes=30)
"""How far ahead an unknown end is shown: calendar triggers look fifteen minutes ahead."""

EQUIVENTS = CalendarEntityDescription(key="equivents", translation_key="equivents")


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
        """Return the live or the announced equivent."""
        state = self.coordinator.data
        equivent = state.live or state.upcoming
        return self._calendar_event(equivent) if equivent else None

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

    def _calendar_event(self, equivent: Equivent) -> CalendarEvent:
        """Return an equivent as a calendar's event, in local time."""
        return CalendarEvent(
            start=dt_util.as_local(equivent.start),
            end=dt_util.as_local(self._shown_end(equivent)),
            summary="Equivent",
        )

    def _shown_end(self, equivent: Equivent) -> datetime:
        """Return the end, one still ahead for the live one whatever the plan said."""
        if equivent is not self.coordinator.data.live:
            return equivent.end or equivent.start + USUAL_LENGTH
        now = dt_util.utcnow()
        if equivent.end and equivent.end > now:
            return equivent.end
        ahead = (now + AHEAD).replace(second=0, microsecond=0)
        return max(equivent.start + USUAL_LENGTH, ahead)
