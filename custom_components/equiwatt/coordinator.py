"""Polls: when, and what an error means."""

import asyncio
from datetime import datetime, timedelta
from typing import override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .announcer import Announcer
from .const import DOMAIN, LOGGER
from .equivents.answer import Answer
from .equivents.client import (
    EquiwattClient,
    EquiwattError,
    InvalidTokenError,
    RateLimitedError,
    RateLimiter,
)
from .equivents.clock import Clock
from .equivents.model import Kind
from .equivents.schedule import delay, offset_of, to_opening
from .equivents.snapshot import Snapshot
from .equivents.tracker import Tracker
from .store import EquiwattStore

STALE_AFTER = timedelta(minutes=15)
"""How long the last known state stands without an answer of the API."""
BURST = 0.2
"""Seconds in which a burst of webhook calls is taken together before the API is asked."""

LIMITERS: HassKey[dict[str, RateLimiter]] = HassKey(f"{DOMAIN}_limiters")


def async_get_client(hass: HomeAssistant, token: str, url: str) -> EquiwattClient:
    """Return a client that shares its limits with every other one of the same token."""
    limiter = hass.data.setdefault(LIMITERS, {}).setdefault(token, RateLimiter())
    return EquiwattClient(async_get_clientsession(hass), token, url, limiter, dt_util.utcnow)


class EquiwattCoordinator(DataUpdateCoordinator[Snapshot]):
    """Keeps what is known of one account's equivents."""

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, store: EquiwattStore, announcer: Announcer
    ) -> None:
        """Go on from what is remembered."""
        super().__init__(hass, LOGGER, config_entry=entry, name=DOMAIN, always_update=False)
        self.client = async_get_client(hass, entry.data[CONF_TOKEN], entry.data[CONF_URL])
        self.clock = Clock(dt_util.utcnow, hass.loop.time)
        self.tracker = Tracker(store.snapshot)
        self.data = self.tracker.snapshot
        self.answer = Answer()
        self.answered_at: datetime | None = None
        self.error: EquiwattError | None = None
        self.failures = 0
        self._store = store
        self._announcer = announcer
        self._loaded_at = self.clock.now()
        self._offset = offset_of(entry.entry_id)
        self._cancel_boundary: CALLBACK_TYPE | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._refresh_again = False

    @property
    def is_stale(self) -> bool:
        """Return True if what is known has gone without an answer for too long."""
        return self.clock.now() >= self._stale_at

    @property
    def _stale_at(self) -> datetime:
        """Return until when what is known stands."""
        return (self.answered_at or self._loaded_at) + STALE_AFTER

    @callback
    def async_start(self) -> None:
        """Poll from now on, whichever entities listen."""
        self.config_entry.async_on_unload(self.async_add_listener(lambda: None))
        self._set_boundary()

    @callback
    def async_push(self, kind: Kind | None) -> None:
        """Follow a webhook call that says what happened, or not, and refresh in the background."""
        if kind:
            self.tracker.push(kind, self.clock.now())
        self._publish()
        self.async_refresh_soon()

    @callback
    def async_rehearse(self, duration: timedelta) -> None:
        """Rehearse an equivent from now on, or move the end of the rehearsal that is live."""
        now = self.clock.now()
        self.tracker.rehearse(now + duration, now)
        self._publish()

    @callback
    def async_refresh_soon(self) -> None:
        """Refresh soon: once for all requests of a moment, and after the last of them."""
        if isinstance(self.error, RateLimitedError):
            return  # the next poll comes as soon as the provider wants it
        self._refresh_again = True
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = self.config_entry.async_create_background_task(
                self.hass, self._async_refresh_soon(), f"{DOMAIN} refresh"
            )

    async def _async_refresh_soon(self) -> None:
        """Refresh until no request has come since the last call was made."""
        while self._refresh_again:
            await asyncio.sleep(BURST)
            self._refresh_again = False
            await self.async_refresh()

    @override
    async def _async_update_data(self) -> Snapshot:
        """Ask the API once."""
        try:
            self.answer = await self.client.async_get_equivents()
        except EquiwattError as err:
            self.failures += 1
            self.tracker.fail(self.clock.now())
            self._set_pace()
            self._publish()
            raise self._translate(err) from err
        self.failures = 0
        self.tracker.shift(self.clock.set(self.client.server_time))
        self.answered_at = now = self.clock.now()
        self.tracker.observe(self.answer, now)
        self._store.async_set_known()
        self._set_pace()
        self._set_boundary()
        self._clear_error()
        return self._announce()

    def _announce(self) -> Snapshot:
        """Hand on the edges that came about, and return what is known."""
        self._announcer.async_add(self.tracker.take_edges(), self.tracker.snapshot)
        return self.tracker.snapshot

    @callback
    def _publish(self) -> None:
        """Show and announce what changed otherwise than by an answer."""
        self.data = self._announce()
        self._set_boundary()
        self.async_update_listeners()

    def _translate(self, err: EquiwattError) -> Exception:
        """Return what Home Assistant knows an error as; a refused token asks for a new one."""
        known, self.error = self.error, err
        refused = isinstance(err, InvalidTokenError)
        if refused and not self._store.known:
            return ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key=err.reason)
        if refused and not isinstance(known, InvalidTokenError):
            # Not by ConfigEntryAuthFailed, after which a coordinator never polls again: the
            # provider may refuse a good token for a while, and an equivent may be live.
            self.config_entry.async_start_reauth(self.hass)
        wait = None
        if isinstance(err, RateLimitedError):
            # One more, as the coordinator counts from the last full second.
            wait = 1 + min(err.retry_after, to_opening(self.clock.now(), self._offset))
        return UpdateFailed(translation_domain=DOMAIN, translation_key=err.reason, retry_after=wait)

    def _clear_error(self) -> None:
        """Forget the last error, and a question for a new token, as the old one works."""
        if self.error:
            for flow in self.config_entry.async_get_active_flows(self.hass, {SOURCE_REAUTH}):
                self.hass.config_entries.flow.async_abort(flow["flow_id"])
        self.error = None

    def _set_pace(self) -> None:
        """Set when to poll next: a coordinator counts from the last full second, this from now."""
        awaiting = self.tracker.awaiting
        seconds = delay(self.clock.now(), awaiting, self._offset, self.failures)
        self.update_interval = timedelta(seconds=seconds + self.hass.loop.time() % 1)

    def _set_boundary(self) -> None:
        """Set the timer to when the clock alone changes something next."""
        self._unset_boundary()
        moment = self.tracker.boundary(self.clock.now())
        if not self.is_stale:
            moment = min(moment, self._stale_at) if moment else self._stale_at
        if moment and not self._shutdown_requested:
            job = HassJob(self._on_boundary, f"{DOMAIN} boundary", cancel_on_shutdown=True)
            seconds = (moment - self.clock.now()).total_seconds()
            self._cancel_boundary = async_call_later(self.hass, seconds, job)

    def _unset_boundary(self) -> None:
        """Cancel the timer."""
        if self._cancel_boundary:
            self._cancel_boundary()
            self._cancel_boundary = None

    @callback
    def _on_boundary(self, _: datetime) -> None:
        """Let the clock decide, and refresh to see what the API says to that."""
        self._cancel_boundary = None
        self.tracker.tick(self.clock.now())
        self._publish()
        self.async_refresh_soon()

    @override
    async def async_shutdown(self) -> None:
        """Leave no timer behind."""
        await super().async_shutdown()
        self._unset_boundary()
