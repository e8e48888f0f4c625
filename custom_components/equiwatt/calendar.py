"""Calendar of past, live, announced and planned equivents."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from math import ceil
from typing import Any, override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.components.calendar.const import CalendarEntityFeature
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util
from homeassistant.util.uuid import random_uuid_hex

from .const import DOMAIN
from .data import EquiwattConfigEntry
from .entity import EquiwattEntity
from .equivents.model import Equivent, Kind
from .equivents.planned import Plan, Plans, RefusedError, new_plan

PARALLEL_UPDATES = 0

USUAL_LENGTH = timedelta(hours=1)
MIN_AHEAD = timedelta(minutes=15)
"""Least time until an unknown end, as Home Assistant's calendar triggers look so far ahead."""
HALF_HOUR = 1800
KINDS = {Kind.POWER_DOWN: "powerDOWN", Kind.POWER_UP: "powerUP"}
"""Names of the kinds as equiwatt writes them."""

EQUIVENTS = CalendarEntityDescription(
    key="equivents",
    # Hides the calendar's triggers from the device in the automation editor: Home Assistant looks
    # ahead every 15 minutes only, and misses unannounced equivents.
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the calendar of an account."""
    async_add_entities([EquiwattCalendar(entry.runtime_data, EQUIVENTS)])


class EquiwattCalendarEvent(CalendarEvent):
    """Event whose times compare correctly at the end of summer time.

    Python compares local times of one zone by the wall clock, which is set back then, so that an
    end may lie before its start.
    """

    @override
    def __post_init__(self) -> None:
        """Skip the validation, which compares local times."""

    @property
    @override
    def start_datetime_local(self) -> datetime:
        """Return the local start with a fixed offset."""
        return _local_moment(super().start_datetime_local)

    @property
    @override
    def end_datetime_local(self) -> datetime:
        """Return the local end with a fixed offset."""
        return _local_moment(super().end_datetime_local)


class EquiwattCalendar(EquiwattEntity, CalendarEntity):
    """Calendar of an account."""

    domain = Platform.CALENDAR

    _attr_supported_features = (
        CalendarEntityFeature.CREATE_EVENT
        | CalendarEntityFeature.DELETE_EVENT
        | CalendarEntityFeature.UPDATE_EVENT
    )

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the live equivent, or the next one until it starts.

        Its times follow the system's clock, by which Home Assistant sets the state.
        """
        state, now = self.coordinator.data, self.coordinator.clock.now()
        error = self.coordinator.clock.error
        if state.live:
            event = self._equivent_event(state.live, error)
            # A call may come before an announced start, and the system's clock may be slow.
            passed = dt_util.utcnow().replace(second=0, microsecond=0)
            return replace(event, start=dt_util.as_local(min(event.start_datetime_local, passed)))
        events = [self._plan_event(plan, error) for plan in self._open_plans() if plan.start > now]
        if state.upcoming and state.upcoming.start > now:
            events.append(self._equivent_event(state.upcoming, error))
        return min(events, key=lambda event: event.start_datetime_local, default=None)

    @property
    @override
    def shown(self) -> object:
        """Return the event and all plans, which an open calendar shows."""
        now = self.coordinator.clock.now()
        return (
            self.coordinator.data.live,
            self.event,
            [(plan, _summary(plan, now)) for plan in self._open_plans()],
        )

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the equivents and plans in a range, oldest first."""
        state = self.coordinator.data
        known = [e for e in (state.upcoming, state.live, *state.finished) if e]
        events = [
            self._equivent_event(equivent)
            for equivent in known
            if equivent.start < end_date and self._shown_end(equivent) > start_date
        ]
        events += [
            self._plan_event(plan)
            for plan in self._open_plans()
            if plan.start < end_date and plan.end > start_date
        ]
        return sorted(events, key=lambda event: event.start_datetime_local)

    @override
    async def async_create_event(self, **kwargs: Any) -> None:
        """Plan an equivent."""
        with _translated_refusals():
            plan = new_plan(random_uuid_hex(), kwargs, self.coordinator.clock.now())
            await self._async_store(self.coordinator.plans.added(plan))

    @override
    async def async_update_event(
        self,
        uid: str,
        event: dict[str, Any],
        recurrence_id: str | None = None,
        recurrence_range: str | None = None,
    ) -> None:
        """Move or change a plan."""
        with _translated_refusals():
            plans = self.coordinator.plans.removed(uid)
            plan = new_plan(uid, self._with_own_texts(uid, event), self.coordinator.clock.now())
            await self._async_store(plans.added(plan))

    @override
    async def async_delete_event(
        self, uid: str, recurrence_id: str | None = None, recurrence_range: str | None = None
    ) -> None:
        """Delete a plan."""
        with _translated_refusals():
            await self._async_store(self.coordinator.plans.removed(uid))

    def _with_own_texts(self, uid: str, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event with the plan's own texts, unless the user has changed the shown ones.

        A plan that did not happen is shown with other texts, which must not be stored.
        """
        plan = next(plan for plan in self.coordinator.plans.plans if plan.uid == uid)
        shown = self._plan_event(plan)
        own = {"summary": plan.summary, "description": plan.description}
        return event | {
            key: words
            for key, words in own.items()
            if (event.get(key) or None) == getattr(shown, key)
        }

    async def _async_store(self, plans: Plans) -> None:
        """Store the plans, and show them."""
        self.coordinator.async_set_plans(plans)
        await self._data.store.async_flush()

    def _open_plans(self) -> tuple[Plan, ...]:
        """Return the plans to show."""
        now = self.coordinator.clock.now()
        return self.coordinator.plans.open(self.coordinator.data, now)

    def _plan_event(self, plan: Plan, clock_error: timedelta = timedelta()) -> CalendarEvent:
        """Return the calendar event of a plan, in local time."""
        now = self.coordinator.clock.now()
        return EquiwattCalendarEvent(
            start=dt_util.as_local(plan.start + clock_error),
            end=dt_util.as_local(plan.end + clock_error),
            summary=_summary(plan, now),
            description=(plan.description if now < plan.end else plan.summary) or None,
            uid=plan.uid,
        )

    def _equivent_event(
        self, equivent: Equivent, clock_error: timedelta = timedelta()
    ) -> CalendarEvent:
        """Return the calendar event of an equivent, in local time."""
        state, plans = self.coordinator.data, self.coordinator.plans
        is_rehearsal = state.rehearsal and equivent is state.live
        if equivent is state.live:
            kind = plans.live_kind(state)
        elif equivent is state.upcoming:
            kind = plans.kind_of_live(equivent)
        else:
            kind = plans.kind_of(equivent)
        result = None if equivent is state.live else self._data.store.result_of(equivent)
        found = result.estimate if result else None
        words = [
            "Rehearsal" if is_rehearsal else "Equivent",
            KINDS[kind] if kind else None,
            found.compared if found else None,
        ]
        return EquiwattCalendarEvent(
            start=dt_util.as_local(equivent.start + clock_error),
            end=dt_util.as_local(self._shown_end(equivent) + clock_error),
            summary=" \N{MIDDLE DOT} ".join(filter(None, words)),
            description=found.description if found else None,
            # The frontend offers to edit every event, and fails without an id.
            uid=str(int(equivent.start.timestamp())),
        )

    def _shown_end(self, equivent: Equivent) -> datetime:
        """Return the end to show, which is in the future for the live equivent.

        An unknown end moves in half hours, as each change is a new state.
        """
        if equivent is not self.coordinator.data.live:
            return equivent.end or equivent.start + USUAL_LENGTH
        now = self.coordinator.clock.now()
        if equivent.end and equivent.end > now:
            return equivent.end
        ahead = ceil((now + MIN_AHEAD).timestamp() / HALF_HOUR) * HALF_HOUR
        return max(equivent.start + USUAL_LENGTH, datetime.fromtimestamp(ahead, UTC))


@contextmanager
def _translated_refusals() -> Generator[None]:
    """Raise ServiceValidationError for a RefusedError."""
    try:
        yield
    except RefusedError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key=f"plan_{err.reason}"
        ) from err


def _summary(plan: Plan, now: datetime) -> str:
    """Return the title of a plan."""
    return (plan.summary or "Planned equivent") if now < plan.end else "Planned, did not happen"


def _local_moment(local: datetime) -> datetime:
    """Return a local time with a fixed offset instead of its zone."""
    return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()))
