"""Joins API, webhook and clock, and tells the entities."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import CALLBACK_TYPE, CoreState, HassJob, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

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
from .equivents.model import Edge, Kind
from .equivents.schedule import delay, offset_of, to_opening
from .equivents.snapshot import Snapshot
from .equivents.tracker import Tracker
from .store import History

STALE_AFTER = timedelta(minutes=15)
"""How long the last known state stands without an answer of the API."""
SETTLE = 0.2
"""Seconds in which a burst of webhook calls is taken together before the API is asked."""
ARMING = 1.0
"""Seconds that automations take to arm their triggers once Home Assistant has started."""

LIMITERS: HassKey[dict[str, RateLimiter]] = HassKey(f"{DOMAIN}_limiters")

type EdgeListener = Callable[[Edge], None]


def async_get_client(hass: HomeAssistant, token: str, url: str) -> EquiwattClient:
    """Return a client that shares its limits with every other one of the same token."""
    limiter = hass.data.setdefault(LIMITERS, {}).setdefault(token, RateLimiter())
    return EquiwattClient(async_get_clientsession(hass), token, url, limiter, dt_util.utcnow)


class EquiwattCoordinator(DataUpdateCoordinator[Snapshot]):
    """Keeps the state of one account and announces its edges."""

    config_entry: ConfigEntry

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Start with nothing known."""
        super().__init__(hass, LOGGER, config_entry=entry, name=DOMAIN, always_update=False)
        token = entry.data[CONF_TOKEN]
        self.client = async_get_client(hass, token, entry.data[CONF_URL])
        self.limiter = hass.data[LIMITERS][token]
        self.clock = Clock(dt_util.utcnow, hass.loop.time)
        self.history = History(hass, entry.entry_id)
        self.tracker = Tracker()
        self.answer = Answer()
        self.answered_at: datetime | None = None
        self.error: EquiwattError | None = None
        self.failures = 0
        self._loaded_at = self.clock.now()
        self._offset = offset_of(entry.entry_id)
        self._announcing = False
        self._outbox: deque[Edge] = deque()
        self._telling: asyncio.Task[None] | None = None
        self._edge_listeners: set[EdgeListener] = set()
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._asking: asyncio.Task[None] | None = None
        self._ask_again = False

    @property
    def is_stale(self) -> bool:
        """Tell whether what is known, or remembered, has gone without an answer for too long."""
        return self.clock.now() >= self._stale_at

    @property
    def _stale_at(self) -> datetime:
        """Return until when what is known stands."""
        return (self.answered_at or self._loaded_at) + STALE_AFTER

    async def async_load(self) -> None:
        """Go on from what is remembered."""
        await self.history.async_load()
        self._loaded_at = self.clock.now()
        history = self.history
        self.tracker = Tracker(
            history.announced, history.pushed_at, history.over, simulated=history.simulated
        )
        self.tracker.past = history.past
        self.data = self.tracker.state

    @callback
    def async_start(self) -> None:
        """Poll from now on, whichever entities listen; announce edges once anyone can hear them."""
        on_unload = self.config_entry.async_on_unload
        on_unload(self.async_add_listener(lambda: None))
        if self.hass.state is CoreState.running:
            self._announce_from_now_on()
        else:
            on_unload(async_at_started(self.hass, self._async_arm))

    async def _async_arm(self, hass: HomeAssistant) -> None:
        """Give automations the time to arm their triggers, which they do at this same moment."""
        await asyncio.sleep(ARMING)
        self._announce_from_now_on()

    @callback
    def _announce_from_now_on(self) -> None:
        """Announce the edges that had to wait, and all that come."""
        self._announcing = True
        self._publish()

    @callback
    def async_listen_edges(self, listener: EdgeListener) -> CALLBACK_TYPE:
        """Call a listener with every edge, after the entities; return how to stop that."""
        self._edge_listeners.add(listener)
        return lambda: self._edge_listeners.discard(listener)

    @callback
    def async_push(self, kind: Kind | None) -> None:
        """Take in a webhook call, and ask the API in the background."""
        now = self.clock.now()
        self.history.note_webhook(now)
        if kind:
            self.tracker.push(kind, now)
        self._publish()
        self.async_ask()

    @callback
    def async_simulate(self, duration: timedelta) -> None:
        """Play an equivent from now on, or move the end of the one that is played."""
        now = self.clock.now()
        self.tracker.simulate(now + duration, now)
        self._publish()

    @callback
    def async_ask(self) -> None:
        """Ask the API soon: once for all requests of a moment, and after the last of them."""
        if isinstance(self.error, RateLimitedError):
            return  # the next poll comes as soon as the provider wants it
        self._ask_again = True
        if self._asking is None or self._asking.done():
            self._asking = self.config_entry.async_create_background_task(
                self.hass, self._async_ask(), f"{DOMAIN} ask"
            )

    async def _async_ask(self) -> None:
        """Ask until no request has come since the last call was made."""
        while self._ask_again:
            await asyncio.sleep(SETTLE)
            self._ask_again = False
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
        self.tracker.shift(self.clock.set(self.client.told_time))
        self.answered_at = now = self.clock.now()
        self.tracker.observe(self.answer, now)
        self._remember()
        self._set_pace()
        self._arm_timer()
        self._clear_error()
        return self.tracker.state

    def _remember(self) -> None:
        """Remember what the API has told."""
        self.history.learn(self.answer.previous)
        self.tracker.past = self.history.past
        self._keep()

    def _keep(self) -> None:
        """Remember what has become of the live one, unless its edges are not announced yet."""
        if not (self.tracker.has_edges or self._outbox):
            self.history.keep(self.tracker)

    def _translate(self, err: EquiwattError) -> Exception:
        """Return what Home Assistant knows an error as; a refused token asks for a new one."""
        known, self.error = self.error, err
        refused = isinstance(err, InvalidTokenError)
        if refused and not self.history.known:
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
        """Set when to ask next. The coordinator counts from the last full second, this from now."""
        awaiting = self.tracker.awaiting
        seconds = delay(self.clock.now(), awaiting, self._offset, self.failures)
        self.update_interval = timedelta(seconds=seconds + self.hass.loop.time() % 1)

    @callback
    def _publish(self) -> None:
        """Tell what changed otherwise than by an answer."""
        self._keep()
        self.data = self.tracker.state
        self.async_update_listeners()

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Tell the entities, and then announce edges, so that both always agree."""
        super().async_update_listeners()
        self._arm_timer()
        if self._announcing:
            self._outbox += self.tracker.take_edges()
        if self._outbox and (self._telling is None or self._telling.done()):
            self._telling = self.hass.async_create_task(self._async_tell(), f"{DOMAIN} tell")

    async def _async_tell(self) -> None:
        """Announce edges in turn, each once it is on the disk."""
        while self._outbox:
            edge = self._outbox[0]
            await self.history.async_announce(edge, self.tracker)
            self._outbox.popleft()
            for listener in tuple(self._edge_listeners):
                listener(edge)

    async def async_settle(self) -> None:
        """Announce what is still to be announced, and write what is still to be written.

        What comes after this is announced when the entry is set up again.
        """
        self._announcing = False
        if self._telling:
            await self._telling
        await self.history.async_flush()

    def _arm_timer(self) -> None:
        """Set the timer to when the clock alone changes something next."""
        self._disarm_timer()
        moment = self.tracker.boundary(self.clock.now())
        if not self.is_stale:
            moment = min(moment, self._stale_at) if moment else self._stale_at
        if moment and not self._shutdown_requested:
            job = HassJob(self._on_boundary, f"{DOMAIN} boundary", cancel_on_shutdown=True)
            seconds = (moment - self.clock.now()).total_seconds()
            self._cancel_timer = async_call_later(self.hass, seconds, job)

    def _disarm_timer(self) -> None:
        """Cancel the timer."""
        if self._cancel_timer:
            self._cancel_timer()
            self._cancel_timer = None

    @callback
    def _on_boundary(self, _: datetime) -> None:
        """Let the clock decide, and ask the API what it says to that."""
        self._cancel_timer = None
        self.tracker.tick(self.clock.now())
        self._publish()
        self.async_ask()

    @override
    async def async_shutdown(self) -> None:
        """Leave no timer behind."""
        await super().async_shutdown()
        self._disarm_timer()
