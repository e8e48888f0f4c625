"""A house with an account and a meter, on the evening of the example."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.recorder import get_instance

from ..fakes.home import Home
from ..fakes.provider import Provider, event_of
from .example import EQUIVENT_DAYS, EVENT_DAY, at, counter, in_between
from .meters import METER, Meters, Tables

QUIET = at(EVENT_DAY, "17:00") + timedelta(seconds=40)
START = at(EVENT_DAY, "17:01") + timedelta(seconds=7)
END = at(EVENT_DAY, "18:01") + timedelta(seconds=2)
SENSORS = {"source": "sensors", "sensors": [METER]}
FIGURES = ("usual_use", "use", "saving")


class MeteredHome(Home):
    """A house whose meter's rows appear as time passes."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        provider: Provider,
        freezer: FrozenDateTimeFactory,
        meters: Meters | Tables,
    ) -> None:
        """Start at a quiet moment before the equivent."""
        super().__init__(hass, entry, provider, freezer)
        self.meters = meters
        self.kwh = in_between(counter())
        self.made = QUIET - timedelta(days=60)
        freezer.move_to(QUIET)
        provider.previous = [
            event_of(at(day, "16:31"), at(day, "17:31"))
            for day in sorted(EQUIVENT_DAYS, reverse=True)
        ]

    def choose(self, **options: Any) -> None:
        """Choose a meter."""
        self.hass.config_entries.async_update_entry(self.entry, options=options)

    async def setup_with_meter(self) -> None:
        """Set up everything with a meter."""
        self.choose(**SENSORS)
        await self.make_rows()
        await self.setup()

    async def make_rows(self, until: datetime | None = None) -> None:
        """Create the missing rows that end up to a time, by default now."""
        until = until or self.now
        new = {moment: kwh for moment, kwh in self.kwh.items() if self.made < moment <= until}
        self.made = max(self.made, until)
        if new:
            await self.meters.five_minutes(new)

    async def move_to(self, label: str, seconds: int = 0) -> None:
        """Turn the clock and create the rows in between."""
        end = at(EVENT_DAY, label) + timedelta(seconds=seconds)
        while self.now < end:
            step = min(60.0, (end - self.now).total_seconds())
            await self.make_rows(self.now + timedelta(seconds=step - 10))
            await self.pass_time(step, step=step)

    async def start(self) -> None:
        """Start the equivent."""
        self.provider.start(START, END)
        await self.move_to("17:02", 30)
        assert self.live == "on"

    async def end(self) -> None:
        """End the equivent and list it in the API."""
        await self.move_to("18:01", 10)
        self.provider.end(START, END)
        await self.move_to("18:02", 30)
        assert self.live == "off"

    def sensor(self, key: str, suffix: str = "") -> State:
        """Return the state of one of the three sensors."""
        state = self.hass.states.get(f"sensor.equiwatt_{key}{suffix}")
        assert state
        return state

    def figures(self, suffix: str = "") -> tuple[float | None, ...]:
        """Return the figures of the three sensors."""
        states = (self.sensor(key, suffix).state for key in FIGURES)
        return tuple(None if state == "unknown" else float(state) for state in states)

    async def calendar(self, suffix: str = "") -> list[dict[str, Any]]:
        """Return the calendar events of the evening."""
        calendar = f"calendar.equiwatt_equivents{suffix}"
        answer: Any = await self.hass.services.async_call(
            "calendar",
            "get_events",
            {
                "entity_id": calendar,
                "start_date_time": at(EVENT_DAY, "12:00"),
                "end_date_time": at(EVENT_DAY, "23:00"),
            },
            blocking=True,
            return_response=True,
        )
        events: list[dict[str, Any]] = answer[calendar]["events"]
        return events

    async def rows(self, name: str) -> dict[datetime, tuple[float, float]]:
        """Return the rows of a statistic of the account: states and sums by the hour."""
        await async_wait_recording_done(self.hass)
        statistic_id = f"equiwatt:{name}"
        found: Any = await get_instance(self.hass).async_add_executor_job(
            *(statistics_during_period, self.hass, at(EVENT_DAY, "00:00") - timedelta(days=400)),
            *(None, {statistic_id}, "hour", None, {"state", "sum"}),
        )
        return {
            datetime.fromtimestamp(row["start"], UTC): (
                round(row["state"], 2),
                round(row["sum"], 2),
            )
            for row in found.get(statistic_id, [])
        }
