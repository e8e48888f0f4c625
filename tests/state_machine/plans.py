"""Plans of the user."""

from datetime import timedelta
from typing import Any, override

from hypothesis import strategies as st
from hypothesis.stateful import rule

from homeassistant.components.calendar import CalendarEntity
from homeassistant.components.calendar.const import DATA_COMPONENT
from homeassistant.exceptions import ServiceValidationError

from ..fakes.home import LIVE
from .cloud import MINUTE
from .watched import Watched

SUMMARIES = st.sampled_from(["", "powerUP", "powerDOWN", "powerUP and powerDOWN"])
AHEAD = st.integers(-90, 240)
LONG = st.integers(-5, 400)


class Planner(Watched):
    """Plans that are created, moved and deleted at any time, rightly or wrongly.

    A plan is never the reason of an edge: the judge asks for the same evidence.
    """

    @property
    def calendar(self) -> CalendarEntity | None:
        """Return the calendar, or None while the entry is not loaded."""
        component = self.home.hass.data.get(DATA_COMPONENT)
        return component.get_entity("calendar.equiwatt_equivents") if component else None

    @override
    def check(self) -> None:
        """Check that the calendar is on for a live equivent only."""
        super().check()
        home = self.home
        if home.is_loaded and home.skew == home.error_of_clock:
            shown = home.state("calendar.equiwatt_equivents")
            assert shown == home.state(LIVE), "the calendar is on for a plan alone, or off"

    def event(self, ahead: int, minutes: int, summary: str) -> dict[str, Any]:
        """Return an event in the format of the calendar page."""
        start = self.home.wall + ahead * MINUTE
        return {"dtstart": start, "dtend": start + minutes * MINUTE, "summary": summary}

    def uids(self, calendar: CalendarEntity) -> list[str]:
        """Return the ids of all calendar events."""
        month = timedelta(days=31)
        begin, end = self.home.wall - month, self.home.wall + month
        events = self.home.run(calendar.async_get_events(self.home.hass, begin, end))
        return [event.uid for event in events if event.uid]

    def refusable(self, work: Any) -> None:
        """Run a command that may be refused."""
        try:
            self.home.run(work)
        except ServiceValidationError as err:
            assert str(err.translation_key).startswith("plan_")  # noqa: PT017

    @rule(ahead=AHEAD, minutes=LONG, summary=SUMMARIES)
    def plan(self, ahead: int, minutes: int, summary: str) -> None:
        """Plan an equivent."""
        if calendar := self.calendar:
            self.refusable(calendar.async_create_event(**self.event(ahead, minutes, summary)))
        self.check()

    @rule(which=st.integers(0, 20), ahead=AHEAD, minutes=LONG, summary=SUMMARIES)
    def move_plan(self, which: int, ahead: int, minutes: int, summary: str) -> None:
        """Move a calendar event, which is refused unless it is a plan."""
        if (calendar := self.calendar) and (uids := self.uids(calendar)):
            event = self.event(ahead, minutes, summary)
            self.refusable(calendar.async_update_event(uids[which % len(uids)], event))
        self.check()

    @rule(which=st.integers(0, 20))
    def delete_plan(self, which: int) -> None:
        """Delete a calendar event, which is refused unless it is a plan."""
        if (calendar := self.calendar) and (uids := self.uids(calendar)):
            self.refusable(calendar.async_delete_event(uids[which % len(uids)]))
        self.check()

    def delete_all_plans(self) -> None:
        """Delete every plan."""
        if calendar := self.calendar:
            for uid in self.uids(calendar):
                self.refusable(calendar.async_delete_event(uid))
