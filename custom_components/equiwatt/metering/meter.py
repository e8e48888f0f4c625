"""Follows an account's equivents with its meters: when to read them, and what to show and keep."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..equivents.clock import TOLERANCE
from .baseline import GRID, Estimate, Reason, Window, estimate, floor, window_of, without_figures
from .days import DAY, LOOK_BACK, days_of
from .finished import PATIENCE, Account, Equivent, Finished
from .readings import FindMeters, Reader, UnreadableError

ROWS_MADE = timedelta(seconds=30)
"""How long after each five minutes their row is surely there: it is made after ten seconds."""
HOURLY = timedelta(hours=1)


class Meter:
    """Shows what is known of the live equivent or the last one; reads nothing in between."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, account: Account, find_meters: FindMeters
    ) -> None:
        """Start with nothing measured."""
        self.estimate: Estimate | None = None
        """What is known of the live equivent, or of the last one."""
        self._hass = hass
        self._entry = entry
        self._account = account
        self._finished = Finished(account)
        self._reader = Reader(hass, find_meters)
        self._past: Sequence[Equivent] = ()
        self._measured: Equivent | None = None
        """The live one, with the times by which it was measured last."""
        self._misdated: datetime | None = None
        """When the window began that was live while the system's clock was wrong."""
        self._reading = asyncio.Lock()
        self._listeners: set[CALLBACK_TYPE] = set()
        self._cancel_timer: CALLBACK_TYPE | None = None

    @callback
    def async_restore(self) -> None:
        """Show what is kept of the last equivent, or that a live one waits for its figures."""
        if self._account.live:
            self._show_unread()
        else:
            self._show_kept()

    @callback
    def async_start(self) -> None:
        """Measure what is live, or go on with what is not finished."""
        self._entry.async_on_unload(self.async_stop)
        self._past = self._account.past
        if self._account.live or self._finished.unfinished():
            self._read()

    @callback
    def async_stop(self) -> None:
        """Cancel the timer: nothing is read until something happens."""
        if self._cancel_timer:
            self._cancel_timer()
            self._cancel_timer = None

    @callback
    def async_listen(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener when the estimate has changed; return how to stop that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    @callback
    def async_started(self) -> None:
        """Measure what has become live."""
        self._read()

    @callback
    def async_ended(self, equivent: Equivent, *, rehearsal: bool) -> None:
        """Finish what was live: the account knows real ones, but no rehearsal that is over."""
        if rehearsal:
            self._finished.rehearse(equivent)
        self._read()

    @callback
    def async_update(self) -> None:
        """Follow the API, which names other times of the live one, or lists others as finished."""
        live = self._account.live
        if live and self._measured and live != self._measured:
            self._measured = live
            self._read()
        if self._past is not self._account.past:
            self._past = self._account.past
            if self._finished.unfinished():
                self._read()

    @callback
    def _read(self, _: datetime | None = None) -> None:
        """Read the meters in the background, once everybody has heard of an edge."""
        self._entry.async_create_background_task(
            self._hass, self._async_read(), f"{DOMAIN} meter", eager_start=False
        )

    async def _async_read(self) -> None:
        """Measure all that is to be measured now, and set the timer to the next time."""
        async with self._reading:
            again = None
            try:
                await self._async_measure()
            except UnreadableError:
                LOGGER.debug("The statistics cannot be read now")
                self._show_unread()
                again = HOURLY
            self._set_timer(again)

    async def _async_measure(self) -> None:
        """Measure what is live, or else all that is over and not finished."""
        self._measured = live = self._account.live
        if live:
            self._show(await self._async_estimate(live))
            return
        if self._account.is_announcing:
            return  # whoever hears of a result is to have heard of the end
        unfinished, latest = self._finished.unfinished(), self._finished.latest
        if latest not in unfinished:
            self._show_kept()
        for equivent in unfinished:
            found = await self._async_final(equivent)
            if found and found.final:
                self._finished.keep(equivent, found)
            if equivent == latest:
                self._show_found(found)

    async def _async_estimate(
        self, equivent: Equivent, *, over: bool = False, gives_up: bool = False
    ) -> Estimate | None:
        """Return what is known of an equivent; None if it is too short to be measured."""
        now = self._account.now()
        window = window_of(equivent.start, equivent.end, now)
        if window is None:
            return None
        is_wrong = abs(now - dt_util.utcnow()) > TOLERANCE
        if is_wrong and not over:
            self._misdated = window.start
        if is_wrong or self._misdated == window.start:  # its rows bear other times
            final = over and self._misdated == window.start
            return without_figures(window, Reason.CLOCK_WRONG, final=final)
        days = _equivent_days(self._finished.real, window)
        try:
            readings = await self._reader.async_read(window, days, now)
        except UnreadableError:
            if not gives_up:
                raise
            readings = None
        return estimate(window, days, readings, over=over)

    async def _async_final(self, ended: Equivent) -> Estimate | None:
        """Return what is known of an equivent that is over: final, if it is the last try."""
        self._reader.forget()
        gives_up = self._next_try(ended, PATIENCE) is None
        found = await self._async_estimate(ended, over=True, gives_up=gives_up)
        is_last_try = self._next_try(ended, self._finished.patience(ended)) is None
        return replace(found, final=True) if found and is_last_try else found

    @callback
    def _show(self, found: Estimate | None) -> None:
        """Show an estimate, where it has changed."""
        if found != self.estimate:
            self.estimate = found
            for listener in tuple(self._listeners):
                listener()

    @callback
    def _show_found(self, found: Estimate | None) -> None:
        """Show what was found of something that is over: `final` turns true once it is."""
        shown = self.estimate
        if found and found.final and not (shown and _goes_on(shown, found)):
            self._show(replace(found, final=False))
        self._show(found)

    @callback
    def _show_kept(self) -> None:
        """Show what is final of what ended last: `final` turned true when that was found."""
        latest = self._finished.latest
        if self.estimate and not self.estimate.final:
            self._show(None)
        self._show(self._finished.result_of(latest) if latest else None)

    @callback
    def _show_unread(self) -> None:
        """Show that a live one waits for its first figures, rather than those of another."""
        live, shown = self._account.live, self.estimate
        window = window_of(live.start, live.end, self._account.now()) if live else None
        if window and (shown is None or shown.final or shown.start != window.start):
            self._show(without_figures(window, Reason.WAITING_FOR_METER))

    @callback
    def _set_timer(self, again: timedelta | None) -> None:
        """Set the timer to when to read next: never, if all is finished and nothing has failed."""
        self.async_stop()
        now = self._account.now()
        if moment := self._next_read(now) or (again and now + again):
            job = HassJob(self._read, f"{DOMAIN} meter", cancel_on_shutdown=True)
            self._cancel_timer = async_call_later(self._hass, moment - now, job)
        else:
            self._reader.forget()

    def _next_read(self, now: datetime) -> datetime | None:
        """Return when to read next."""
        if self._account.live:
            return _next_row(now)
        over = ((each, self._finished.patience(each)) for each in self._finished.unfinished())
        tries = (self._next_try(each, patience) for each, patience in over)
        return min((moment for moment in tries if moment), default=None)

    def _next_try(self, ended: Equivent, patience: timedelta) -> datetime | None:
        """Return when to read again for an equivent whose readings are not all there.

        Once with the next row, then each hour, until it has taken too long.
        """
        now = self._account.now()
        row, end = _next_row(now), ended.end or now
        if row - end <= GRID:
            return row
        return now + HOURLY if now + HOURLY - end < patience else None


def _goes_on(shown: Estimate, found: Estimate) -> bool:
    """Return True if what is shown is not final yet, or is so of the same equivent."""
    overlap = shown.start < found.end and found.start < shown.end
    return overlap or not shown.final


def _equivent_days(past: Sequence[Equivent], window: Window) -> set[date]:
    """Return the days of real equivents, with which a window is not compared."""
    earliest = window.start - (LOOK_BACK + 2) * DAY
    recent = (each for each in past if each.start >= earliest)
    return {day for each in recent if each.end for day in days_of(each.start, each.end)}


def _next_row(now: datetime) -> datetime:
    """Return when the next row of five minutes is there."""
    return floor(now - ROWS_MADE, GRID) + GRID + ROWS_MADE
