"""A Home Assistant with the integration, and a clock turned by hand."""

from datetime import datetime, timedelta
import math
import time
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.equiwatt.const import DOMAIN
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_WEBHOOK_ID
from homeassistant.core import Event, EventStateChangedData, HomeAssistant
from homeassistant.helpers import event
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import get_scheduled_timer_handles

from .provider import API_URL, Provider

TOKEN = "sentinel-token-5f2c9e"
WEBHOOK_ID = "sentinel-webhook-id-8d1b7a"
LIVE = "binary_sensor.equiwatt_live"
EVENT = "event.equiwatt_equivent"

NOW = datetime(2026, 11, 20, 17, 20, tzinfo=dt_util.UTC)
"""A quiet moment: ten minutes to the next half hour."""

RESOLUTION = time.get_clock_info("monotonic").resolution


def add_entry(
    hass: HomeAssistant,
    token: str = TOKEN,
    webhook_id: str = WEBHOOK_ID,
    url: str = API_URL,
) -> MockConfigEntry:
    """Add an entry with a fixed id, which decides the offset of its polls."""
    entry = MockConfigEntry(
        entry_id=f"entry{len(hass.config_entries.async_entries(DOMAIN))}",
        domain=DOMAIN,
        title="equiwatt",
        data={CONF_TOKEN: token, CONF_URL: url, CONF_WEBHOOK_ID: webhook_id},
    )
    entry.add_to_hass(hass)
    return entry


def fire_timers(hass: HomeAssistant, now: datetime) -> None:
    """Run the timers due by a time, plus the half second by which Home Assistant spreads some.

    The plugin's `async_fire_time_changed` does the same, but builds two mocks for each of them,
    which takes longer than all the rest of a step.
    """
    until = now + timedelta(microseconds=event.RANDOM_MICROSECOND_MAX)
    due = hass.loop.time() + until.timestamp() - time.time()
    with (
        patch.object(event, "time_tracker_utcnow", lambda: until),
        patch.object(event, "time_tracker_timestamp", until.timestamp),
    ):
        for timer in list(get_scheduled_timer_handles(hass.loop)):
            if not timer.cancelled() and timer.when() <= due + RESOLUTION:
                timer._run()
                timer.cancel()


def seconds_to_timer(hass: HomeAssistant) -> float:
    """Return the seconds until `fire_timers` has something to do."""
    timers = get_scheduled_timer_handles(hass.loop)
    due = min((timer.when() for timer in timers if not timer.cancelled()), default=math.inf)
    return due - RESOLUTION - event.RANDOM_MICROSECOND_MAX / 1e6 - hass.loop.time()


class Home:
    """A Home Assistant with an account and its state changes."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        provider: Provider,
        freezer: FrozenDateTimeFactory | None = None,
    ) -> None:
        """Subscribe to the state changes; without a freezer time passes by itself."""
        self.hass = hass
        self.entry = entry
        self.provider = provider
        self._freezer = freezer
        self.changes: list[Event[EventStateChangedData]] = async_capture_events(
            hass, "state_changed"
        )

    @property
    def freezer(self) -> FrozenDateTimeFactory:
        """Return the freezer."""
        assert self._freezer
        return self._freezer

    async def setup(self) -> None:
        """Set up the entry."""
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    # States

    def state(self, entity_id: str) -> str:
        """Return a state."""
        state = self.hass.states.get(entity_id)
        assert state, entity_id
        return state.state

    @property
    def live(self) -> str:
        """Return the state of the binary sensor."""
        return self.state(LIVE)

    @property
    def kinds(self) -> list[str]:
        """Return the types of the announced events."""
        return [edge_type for edge_type, _ in self.edges]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Return types and sources of the announced events."""
        announced: dict[str, tuple[str, str]] = {}
        for change in self.changes:
            state = change.data["new_state"]
            if change.data["entity_id"] == EVENT and state:
                edge_type = state.attributes.get("event_type")
                if edge_type and state.state not in ("unknown", "unavailable"):
                    announced[f"{state.state}{edge_type}"] = (
                        edge_type,
                        state.attributes["source"],
                    )
        return list(announced.values())

    # Time

    @property
    def now(self) -> datetime:
        """Return the time."""
        return dt_util.utcnow()

    async def settle(self) -> None:
        """Wait for everything in progress."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def pass_time(self, seconds: float, step: float = 5) -> None:
        """Turn the clock in small steps, so that timers fire about on time."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            left = (end - self.now).total_seconds()
            # Steps in which nothing is due are taken at once.
            steps = max(1, math.ceil(min(left, seconds_to_timer(self.hass)) / step))
            self.freezer.move_to(min(end, self.now + timedelta(seconds=steps * step)))
            fire_timers(self.hass, self.now)
            await self.settle()

    async def poll(self) -> None:
        """Turn the clock to the next poll, and to the one that soon follows if any is awaited."""
        await self.pass_time(65, step=65)
        await self.pass_time(11, step=11)
