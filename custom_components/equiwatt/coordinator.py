"""Coordinator: polls the API and handles its errors."""

import asyncio
from collections import deque
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .announcer import Announcer
from .api import MAX_WAIT, async_get_client
from .const import DOMAIN, LOGGER
from .equivents.answer import Answer
from .equivents.client import (
    EquiwattError,
    InvalidTokenError,
    RateLimitedError,
    UnexpectedResponseError,
)
from .equivents.clock import Clock
from .equivents.model import EdgeType, Kind
from .equivents.planned import Plans
from .equivents.schedule import delay, delay_before_end, offset_of
from .equivents.snapshot import Snapshot
from .equivents.tracker import Tracker
from .issues import TOKEN_REFUSED, async_abort_flows, async_set_issue
from .store import EquiwattStore
from .timer import Timer

STALE_AFTER = timedelta(minutes=15)
"""Time for which the last known state is valid while requests fail."""
RECENT = 30
"""Number of recent changes in the diagnostics."""
COLLECT_SECONDS = 0.2
"""Seconds for which webhook calls are collected before one request."""


class EquiwattCoordinator(DataUpdateCoordinator[Snapshot]):
    """Coordinator of an account's equivents.

    It has its own timer instead of an update interval, which Home Assistant rounds to seconds and
    applies only while there are listeners.
    """

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, store: EquiwattStore, announcer: Announcer
    ) -> None:
        """Initialize the coordinator from the stored snapshot."""
        # Not always, as each answer is published here, with the changes that the clock alone makes.
        super().__init__(hass, LOGGER, config_entry=entry, name=DOMAIN, always_update=False)
        self.client = async_get_client(hass, entry.data[CONF_TOKEN], entry.data[CONF_URL])
        self.clock = Clock(dt_util.utcnow, hass.loop.time)
        self.tracker = Tracker(announcer.latest)
        self.data = self.tracker.snapshot
        self.answer = Answer()
        self.answered_at: datetime | None = None
        self.error: EquiwattError | None = None
        self.failures = 0
        self.pace = 0.0
        """Seconds between the last answer and the next poll."""
        self.recent: deque[dict[str, Any]] = deque(maxlen=RECENT)
        """Edges, calls, and changes of the error, which explain a late edge."""
        self._store = store
        self._announcer = announcer
        self._failing_since = self.clock.now()
        self._offset = offset_of(entry.entry_id)
        self._patience: float | None = MAX_WAIT
        self._poll = Timer(hass, "poll", self._on_poll)
        self._boundary = Timer(hass, "boundary", self._on_boundary)
        self._plan = Timer(hass, "plan", self._on_plan)
        self._refreshing: asyncio.Task[None] | None = None
        self._refresh_again = False
        self._note("loaded")
        announcer.async_listen(
            lambda edge: self._note(edge.type, source=edge.source, **edge.equivent.as_dict())
        )

    @property
    def plans(self) -> Plans:
        """Plans and kinds of equivents."""
        return self._store.plans

    @property
    def next_start(self) -> tuple[datetime | None, Kind | None]:
        """Start and kind of the next announced or planned equivent."""
        return self.plans.next_start(self.data, self.clock.now())

    @property
    def is_stale(self) -> bool:
        """Return True if the state is too old to be shown.

        Before the first answer, only a restored live equivent is shown; afterwards, requests must
        have failed for long. No request is no failure, as polling may be disabled.
        """
        if self.answered_at is None:
            return self.data.live is None
        return self.failures > 0 and self.clock.now() >= self._stale_at(self.answered_at)

    def _stale_at(self, answered_at: datetime) -> datetime:
        """Return the time at which the state becomes stale.

        With polling disabled, the time starts at the first failure instead of the last answer.
        """
        is_off = self.config_entry.pref_disable_polling
        return (self._failing_since if is_off else answered_at) + STALE_AFTER

    @callback
    def async_start(self) -> None:
        """Wait for a turn without a limit from now on, as no set-up is waiting."""
        self._patience = None
        self._set_boundary()

    @callback
    def async_push(self, edge_type: EdgeType | None) -> None:
        """Apply a webhook call, if it names an edge, and refresh in the background."""
        if edge_type:
            self.tracker.push(edge_type, self.clock.now())
        self._publish()
        self._note("called", event=edge_type)
        self.async_refresh_soon()

    @callback
    def async_rehearse(self, duration: timedelta, kind: Kind | None) -> None:
        """Start a rehearsal, or change the end of the live one."""
        now = self.clock.now()
        self._store.async_keep_plans(self.plans.rehearsing(kind, self.data))
        self.tracker.rehearse(now + duration, now)
        self._publish()

    @callback
    def async_set_plans(self, plans: Plans) -> None:
        """Store plans, show them and poll around their starts.

        The next poll is never postponed, as an automation may change plans frequently.
        """
        self._store.async_keep_plans(plans)
        self._poll.async_bring_forward(self._seconds_to_poll())
        self._set_boundary()
        self.async_update_listeners()

    @callback
    def async_remove_expired_plans(self) -> None:
        """Remove expired plans, unless no answer has confirmed the clock yet."""
        if self.answered_at:
            self._store.async_keep_plans(self.plans.kept_at(self.clock.now()))

    @callback
    def async_refresh_soon(self) -> None:
        """Refresh soon, once for a burst of requests and after the last of them."""
        if self.client.limiter.blocked_for:
            self._poll.async_set(self.client.limiter.blocked_for)
            return
        self._refresh_again = True
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = self.config_entry.async_create_background_task(
                self.hass, self._async_refresh_soon(), f"{DOMAIN} refresh"
            )

    async def _async_refresh_soon(self) -> None:
        """Refresh until there is no new request."""
        while self._refresh_again:
            await asyncio.sleep(COLLECT_SECONDS)
            self._refresh_again = False
            await self.async_refresh()

    @override
    async def _async_update_data(self) -> Snapshot:
        """Request the equivents."""
        try:
            return self._follow(await self._async_answer())
        except EquiwattError as err:
            raise self._fail(err) from err
        except Exception:
            self.failures += 1
            self._set_boundary()
            raise
        finally:
            self._set_poll()

    async def _async_answer(self) -> Answer:
        """Return an answer; if its date contradicts the clock, a second answer must agree."""
        for _ in range(1 if self.clock.is_in_doubt else 2):
            call = self.client.async_get_equivents(self._patience)
            # In a task of the entry, so that unloading cancels it.
            answer = await self.config_entry.async_create_background_task(
                self.hass, call, f"{DOMAIN} call"
            )
            if self.clock.accepts(self.client.server_time):
                return answer
        raise UnexpectedResponseError("An old copy of an answer, or its date is wrong")

    def _follow(self, answer: Answer) -> Snapshot:
        """Apply an answer. Return the new snapshot."""
        self.tracker.shift(self.clock.set(self.client.server_time))
        now = self.clock.now()
        self.tracker.observe(answer, now, self.client.server_time)
        if self.error or not self.answered_at:
            self._note("answered")
        self.answer, self.answered_at, self.failures = answer, now, 0
        self._store.async_set_known()
        async_set_issue(self.hass, self.config_entry, TOKEN_REFUSED, applies=False)
        async_abort_flows(self.hass, self.config_entry, SOURCE_REAUTH)
        self.error = None
        self._publish()
        return self.data

    def _note(self, change: str, **details: Any) -> None:
        """Note a change for the diagnostics."""
        self.recent.append({"at": self.clock.now(), "change": change, **details})

    @callback
    def _publish(self) -> None:
        """Show and announce the current state."""
        self.data = self.tracker.snapshot
        self.async_update_listeners()  # first, as automations wait for it
        self._announcer.async_add(self.tracker.take_edges(), self.data)
        self._set_boundary()

    def _fail(self, err: EquiwattError) -> Exception:
        """Apply an error. Return the exception for Home Assistant."""
        if self.error is None or self.error.reason != err.reason:
            self._note(err.reason)
        self.error = err
        self._failing_since = self._failing_since if self.failures else self.clock.now()
        self.failures += 1
        self.tracker.fail(self.clock.now())
        self._publish()
        refused = isinstance(err, InvalidTokenError)
        if refused:
            # Home Assistant starts no reauthentication while the entry is being reconfigured, and
            # a dialog whose window was closed stays open until the next restart.
            open_flows = self.config_entry.async_get_active_flows(self.hass, {SOURCE_RECONFIGURE})
            async_set_issue(self.hass, self.config_entry, TOKEN_REFUSED, applies=any(open_flows))
        if refused and not self._store.known:
            return ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key=err.reason)
        if refused:
            # At each refusal, as Home Assistant ignores it while another dialog is open. Not by
            # ConfigEntryAuthFailed, which keeps the entry from loading at a restart and ends
            # polling: the server may refuse a valid token for a while, an equivent may be live,
            # and held devices must be restored.
            self.config_entry.async_start_reauth(self.hass)
        wait = err.retry_after if isinstance(err, RateLimitedError) else None
        return UpdateFailed(translation_domain=DOMAIN, translation_key=err.reason, retry_after=wait)

    def _set_poll(self) -> None:
        """Set the timer of the next poll.

        With polling disabled, only a webhook call is followed up.
        """
        self.pace = self._seconds_to_poll()
        is_off = self.config_entry.pref_disable_polling
        asks = not is_off or self.tracker.awaiting(self.clock.now())
        self._poll.async_set(self.pace if asks else None)

    def _seconds_to_poll(self) -> float:
        """Return the seconds from now to the next poll."""
        if blocked := self.client.limiter.blocked_for:
            return blocked
        now = self.clock.now()
        starts = [plan.start for plan in self.plans.plans]
        wait = delay(now, self.tracker.awaiting(now), self._offset, starts)
        if self.failures and (live := self.tracker.snapshot.live) and live.end:
            return delay_before_end(wait, live.end, now)
        return wait

    def _set_boundary(self) -> None:
        """Set the timers of the next changes that the clock alone makes."""
        now = self.clock.now()
        moments = [self.tracker.boundary(now)]
        if self.failures and self.answered_at and not self.is_stale:
            moments.append(self._stale_at(self.answered_at))
        moment = min(filter(None, moments), default=None)
        self._boundary.async_set((moment - now).total_seconds() if moment else None)
        planned = self.plans.boundary(now)
        self._plan.async_set((planned - now).total_seconds() if planned else None)

    @callback
    def _on_poll(self) -> None:
        """Poll in a task of the entry."""
        self.config_entry.async_create_background_task(
            self.hass, self.async_refresh(), f"{DOMAIN} poll"
        )

    @callback
    def _on_boundary(self) -> None:
        """Apply the passing of time, and refresh to confirm it."""
        self.tracker.tick(self.clock.now())
        self._publish()
        if not self.config_entry.pref_disable_polling:
            self.async_refresh_soon()

    @callback
    def _on_plan(self) -> None:
        """Show that a plan has started, ended or expired."""
        self.async_remove_expired_plans()
        self._set_boundary()
        self.async_update_listeners()

    @override
    async def async_shutdown(self) -> None:
        """Close the timers."""
        await super().async_shutdown()
        for timer in (self._poll, self._boundary, self._plan):
            timer.async_close()
