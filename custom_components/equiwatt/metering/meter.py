"""Follows an account's equivents with its meters: when to read them, and what to show and keep."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_SENSORS
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_entity_registry_updated_event
from homeassistant.util import dt as dt_util

from ..announcer import Announcer
from ..const import CONF_REGISTRY_IDS, DOMAIN, LOGGER
from ..coordinator import EquiwattCoordinator
from ..equivents.clock import TOLERANCE
from ..equivents.model import EdgeType, Equivent
from ..equivents.snapshot import Edge
from ..store import EquiwattStore
from ..timer import Timer
from .baseline import GRID, Window, equivent_days, estimate, floor, window_of, without_figures
from .readings import Reader, UnreadableError
from .results import Estimate, FinishedResult, Reason, result_of

ROWS_MADE = timedelta(seconds=30)
"""How long after each five minutes their row is surely there: it is made after ten seconds."""
HOURLY = timedelta(hours=1)
PATIENCE = timedelta(hours=48)
"""For how long after an equivent its readings may come."""


class Meter:
    """The estimate for the live equivent or the last one; reads nothing in between."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        coordinator: EquiwattCoordinator,
        announcer: Announcer,
        store: EquiwattStore,
    ) -> None:
        """Start with nothing measured."""
        self.estimate: Estimate | None = None
        """The estimate for the live equivent, or for the last one."""
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        self._announcer = announcer
        self._store = store
        self._reader = Reader(hass, entry)
        self._past: Sequence[Equivent] = ()
        self._rehearsal: Equivent | None = None
        """The last rehearsal that is over, of which nothing is stored."""
        self._rehearsed: Estimate | None = None
        """Its final estimate."""
        self._too_slow: set[datetime] = set()
        """When equivents began that this meter is too slow for."""
        self._measured: Equivent | None = None
        """The live one, with the times by which it was measured last."""
        self._misdated: datetime | None = None
        """When the window began that was live while the system's clock was wrong."""
        self._has_failed = False
        self._reading = asyncio.Lock()
        self._listeners: set[CALLBACK_TYPE] = set()
        self._timer = Timer(hass, "meter", self._read)

    @callback
    def async_setup(self) -> None:
        """Follow the account while its entry is loaded."""
        if CONF_SENSORS in self._entry.options:
            _keep_sensors(self._hass, self._entry)
        if self._live:
            self._show_unread()
        else:
            self._show_kept()
        self._entry.async_on_unload(self._announcer.async_listen(self._on_edge))
        self._entry.async_on_unload(self._timer.async_close)
        # Once an automation can hear that something is final now.
        self._announcer.async_when_armed(self._start)

    @callback
    def async_listen(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener when the estimate has changed; return a function that stops that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    @property
    def _now(self) -> datetime:
        """Return the time by which equivents start and end."""
        return self._coordinator.clock.now()

    @property
    def _live(self) -> Equivent | None:
        """Return the live equivent, also a rehearsal."""
        return self._coordinator.data.live

    @property
    def _real(self) -> Sequence[Equivent]:
        """Return the finished real ones, newest first."""
        return self._coordinator.data.past

    @property
    def _over(self) -> Sequence[Equivent]:
        """Return the finished equivents by their ends, newest first: the API may list one late."""
        if self._rehearsal is None:
            return self._real
        return sorted((self._rehearsal, *self._real), key=_end_of, reverse=True)

    @property
    def _latest(self) -> Equivent | None:
        """Return the last equivent that was long enough to be measured."""
        return next((each for each in self._over if self._window(each)), None)

    @property
    def _unfinished(self) -> list[Equivent]:
        """Return the equivents whose readings may still come, by their ends, newest first."""
        now = self._now
        recent = (each for each in self._over if each.end and now - each.end < PATIENCE)
        return [each for each in recent if not self._is_finished(each)]

    def _is_finished(self, equivent: Equivent) -> bool:
        """Return True if there is nothing more to measure of an equivent.

        What another meter was too slow for is measured by the one that has been chosen since.
        """
        window, kept = self._window(equivent), self._kept(equivent)
        if window is None or kept is None:
            return window is None
        if kept.reason is Reason.METER_TOO_SLOW and equivent.start not in self._too_slow:
            return False
        return (kept.start, kept.end) == (window.start, window.end)

    def _window(self, equivent: Equivent) -> Window | None:
        """Return when the energy of an equivent is counted."""
        return window_of(equivent.start, equivent.end, self._now)

    def _kept(self, equivent: Equivent) -> Estimate | None:
        """Return the final estimate for an equivent, if there is one."""
        if equivent is self._rehearsal:
            return self._rehearsed
        result = result_of(self._store.results, equivent)
        return result.estimate if result else None

    @callback
    def async_refresh(self) -> None:
        """Show the final estimate for the last equivent, which may be another one now."""
        self._read()

    @callback
    def _start(self) -> None:
        """Measure the live equivent, or go on with those that are not finished."""
        self._past = self._coordinator.data.past
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._on_update))
        if self._live or self._unfinished:
            self._read()

    def _on_edge(self, edge: Edge) -> None:
        """Measure an equivent that has started, or finish one that has ended."""
        if edge.type is EdgeType.ENDED and edge.test:
            self._rehearsal, self._rehearsed = edge.equivent, None
        self._read()

    @callback
    def _on_update(self) -> None:
        """Follow the API, which names other times of the live one, or lists others as finished."""
        live, past = self._live, self._coordinator.data.past
        if live and self._measured and live != self._measured:
            self._measured = live
            self._read()
        if self._past is not past:
            self._past = past
            if self._unfinished:
                self._read()

    @callback
    def _read(self) -> None:
        """Read the meters in the background, once an edge has been announced to all."""
        self._entry.async_create_background_task(
            self._hass, self._async_read(), f"{DOMAIN} meter", eager_start=False
        )

    async def _async_read(self) -> None:
        """Measure all that is to be measured now, and set the timer to the next time."""
        async with self._reading:
            now = self._now
            pause: timedelta | None = _next_row(now) - now if self._live else HOURLY
            try:
                await self._async_measure()
                pause, self._has_failed = self._pause(), False
            except UnreadableError:
                LOGGER.debug("The statistics cannot be read now")
                self._show_unread()
            except Exception:  # noqa: BLE001
                if not self._has_failed:
                    LOGGER.exception("Unexpected error measuring an equivent")
                self._has_failed = True
            finally:
                self._timer.async_set(pause.total_seconds() if pause else None)

    async def _async_measure(self) -> None:
        """Measure the live equivent, or else all that are over and not finished."""
        self._measured = live = self._live
        if live:
            self._show(await self._async_estimate(live))
            return
        if self._announcer.is_waiting:
            return  # a result is final after its end has been announced
        unfinished, latest = self._unfinished, self._latest
        if latest not in unfinished:
            self._show_kept()
        for equivent in unfinished:
            found = await self._async_final(equivent)
            if found and found.final:
                self._keep(equivent, found)
            if equivent == latest:
                self._show_found(found)

    async def _async_estimate(
        self, equivent: Equivent, *, over: bool = False, gives_up: bool = False
    ) -> Estimate | None:
        """Return the estimate for an equivent; None if it is too short to be measured."""
        window = self._window(equivent)
        if window is None:
            return None
        is_wrong = abs(self._now - dt_util.utcnow()) > TOLERANCE
        if is_wrong and not over:
            self._misdated = window.start
        if is_wrong or self._misdated == window.start:  # its rows bear other times
            final = over and self._misdated == window.start
            return without_figures(window, Reason.CLOCK_WRONG, final=final)
        try:
            meters = await self._reader.async_read(window)
        except UnreadableError:
            if not gives_up:
                raise
            meters = ()
        return estimate(window, equivent_days(self._real, window), meters, over=over)

    async def _async_final(self, ended: Equivent) -> Estimate | None:
        """Return the estimate for an equivent that is over: final, if it is the last try."""
        self._reader.forget()
        gives_up = self._next_try(ended, PATIENCE) is None
        found = await self._async_estimate(ended, over=True, gives_up=gives_up)
        is_last_try = self._next_try(ended, self._patience(ended)) is None
        return replace(found, final=True) if found and is_last_try else found

    def _keep(self, equivent: Equivent, found: Estimate) -> None:
        """Keep the final estimate for an equivent."""
        if found.reason is Reason.METER_TOO_SLOW:
            self._too_slow.add(equivent.start)
        if equivent is self._rehearsal:
            self._rehearsed = found
        else:
            kind = self._coordinator.plans.kind_of(equivent)
            self._store.async_keep_results(FinishedResult(equivent, found, kind))

    @callback
    def _show(self, found: Estimate | None) -> None:
        """Show an estimate, where it has changed."""
        if found != self.estimate:
            self.estimate = found
            for listener in tuple(self._listeners):
                listener()

    @callback
    def _show_found(self, found: Estimate | None) -> None:
        """Show the estimate for an equivent that is over, so that `final` turns true once."""
        shown = self.estimate
        if found and found.final and not (shown and _goes_on(shown, found)):
            self._show(replace(found, final=False))
        self._show(found)

    @callback
    def _show_kept(self) -> None:
        """Show the final estimate for the last equivent: `final` turned true when it was found."""
        latest = self._latest
        if self.estimate and not self.estimate.final:
            self._show(None)
        self._show(self._kept(latest) if latest else None)

    @callback
    def _show_unread(self) -> None:
        """Show that a live one waits for its first figures, rather than those of another."""
        live, shown = self._live, self.estimate
        window = self._window(live) if live else None
        if window and (shown is None or shown.final or shown.start != window.start):
            self._show(without_figures(window, Reason.WAITING_FOR_METER))

    def _pause(self) -> timedelta | None:
        """Return how long to wait before reading again: None if all is finished."""
        now = self._now
        if self._live:
            return _next_row(now) - now
        tries = (self._next_try(each, self._patience(each)) for each in self._unfinished)
        return min((moment - now for moment in tries if moment), default=None)

    def _patience(self, equivent: Equivent) -> timedelta:
        """Return for how long readings may come: a rehearsal's are not waited for."""
        return timedelta() if equivent is self._rehearsal else PATIENCE

    def _next_try(self, ended: Equivent, patience: timedelta) -> datetime | None:
        """Return when to read again for an equivent whose readings are not all there.

        Once with the next row, then each hour, until it has taken too long.
        """
        now = self._now
        row, end = _next_row(now), ended.end or now
        if row - end <= GRID:
            return row
        return now + HOURLY if now + HOURLY - end < patience else None


def _end_of(equivent: Equivent) -> datetime:
    """Return when an equivent was over, as far as that is known."""
    return equivent.end or equivent.start


def _goes_on(shown: Estimate, found: Estimate) -> bool:
    """Return True if the shown estimate is not final yet, or is for the same equivent."""
    overlap = shown.start < found.end and found.start < shown.end
    return overlap or not shown.final


def _next_row(now: datetime) -> datetime:
    """Return when the next row of five minutes is there."""
    return floor(now - ROWS_MADE, GRID) + GRID + ROWS_MADE


@callback
def _keep_sensors(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Follow the sensors that an account's options name, also those renamed before this."""
    _note_names(hass, entry)

    @callback
    def on_change(event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        """Reload the account, which finds the new name."""
        if event.data["action"] == "update" and "entity_id" in event.data["changes"]:
            hass.config_entries.async_schedule_reload(entry.entry_id)

    names = entry.options[CONF_SENSORS]
    entry.async_on_unload(async_track_entity_registry_updated_event(hass, names, on_change))


def _note_names(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Note the names of the sensors now, and their ids, which no new name changes.

    One that is gone keeps its name, by which another one may take its place and its statistics.
    """
    registry = er.async_get(hass)
    names, ids = entry.options[CONF_SENSORS], entry.options.get(CONF_REGISTRY_IDS, {})
    known = [registry.entities.get_entry(ids[name]) if name in ids else None for name in names]
    found = [one.entity_id if one else name for one, name in zip(known, names, strict=True)]
    noted = {name: one.id for name in found if (one := registry.async_get(name))}
    options = {**entry.options, CONF_SENSORS: found, CONF_REGISTRY_IDS: noted}
    if not noted:
        del options[CONF_REGISTRY_IDS]
    hass.config_entries.async_update_entry(entry, options=options)
