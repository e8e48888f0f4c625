"""All equivents as a calendar."""

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import EquiwattCoordinator
from .data import EquiwattConfigEntry
from .entity import EquiwattEntity
from .equivents.model import Equivent
from .savings import Saved, saved_of
from .store import EquiwattStore

PARALLEL_UPDATES = 0

USUAL_LENGTH = timedelta(hours=1)
AHEAD = timedelta(minutes=15)
"""How far ahead an unknown end is shown at least, as calendar triggers look so far ahead."""
HALF_HOUR = 1800

LABEL = (
    "Estimate from your own meter: what your home used on recent similar days. "
    "equiwatt works out its own forecast and points; the figures will differ."
)

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
    data = entry.runtime_data
    async_add_entities([EquiwattCalendar(data.coordinator, EQUIVENTS, data.store)])


class EquiwattCalendar(EquiwattEntity, CalendarEntity):
    """Shows the past, the live and the announced equivents."""

    domain = Platform.CALENDAR

    def __init__(
        self,
        coordinator: EquiwattCoordinator,
        description: EntityDescription,
        store: EquiwattStore,
    ) -> None:
        """Keep where it is said what was saved."""
        super().__init__(coordinator, description)
        self._store = store

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
        state = self.coordinator.data
        is_rehearsal = state.rehearsal and equivent is state.live
        return CalendarEvent(
            start=dt_util.as_local(equivent.start + clock_error),
            end=dt_util.as_local(self._shown_end(equivent) + clock_error),
            summary="Rehearsal" if is_rehearsal else "Equivent",
            description=self._description(equivent),
        )

    def _description(self, equivent: Equivent) -> str | None:
        """Return what was measured of an equivent that is over."""
        if equivent is self.coordinator.data.live:
            return None
        saved = saved_of(self._store.savings, equivent)
        return _in_words(saved) if saved else None

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


def _in_words(saved: Saved) -> str | None:
    """Return what was measured in neutral words: more than usual may be what was wanted."""
    used, saving = saved.figure("used"), saved.figure("saving")
    if used is None:
        return None
    plain = round(used, 2) + 0.0  # a dip of the meter is no minus nothing
    if saving is None:
        unknown = "What is usual is not known for want of similar days."
        return f"Used {plain:.2f} kWh. {unknown}\n\n{LABEL}"
    compared = _compared(round(saving, 2))
    return f"Used {plain:.2f} kWh, {compared}.\n\n{LABEL}"


def _compared(saving: float) -> str:
    """Return how a use compares with the usual one."""
    if not saving:
        return "as much as usual"
    return f"{abs(saving):.2f} kWh {'less' if saving > 0 else 'more'} than usual"
