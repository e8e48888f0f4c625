"""Measurement of an account's equivents: reads its meters in time, keeps the final estimates."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_SENSORS
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_entity_registry_updated_event

from ..announcer import Announcer
from ..const import CONF_REGISTRY_IDS, DOMAIN, LOGGER
from ..coordinator import EquiwattCoordinator
from ..equivents.model import EdgeType, Equivent
from ..equivents.snapshot import Edge
from ..store import EquiwattStore
from ..timer import Timer
from .baseline import (
    GRID,
    Readings,
    Window,
    equivent_days,
    estimate,
    floor,
    window_of,
    without_figures,
)
from .readings import UnreadableError, async_find_meters, async_read
from .results import Estimate, FinishedResult, Reason, Results
from .statistics import StatisticsWriter

ROW_DELAY = timedelta(seconds=30)
"""Delay after which the row of five minutes exists: the recorder compiles it after ten seconds."""
HOURLY = timedelta(hours=1)
RETRY_PERIOD = timedelta(hours=48)
"""Time after an equivent for which its readings are awaited."""


class Meter:
    """Meter of an account, which reads statistics only while an equivent is live or unfinished."""

    def __init__(
        self, coordinator: EquiwattCoordinator, announcer: Announcer, store: EquiwattStore
    ) -> None:
        """Initialize without an estimate."""
        self.estimate: Estimate | None = None
        """Estimate for the live equivent, or for the last one."""
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._coordinator = coordinator
        self._announcer = announcer
        self._store = store
        self._past: Sequence[Equivent] = ()
        self._rehearsal: Equivent | None = None
        """The last finished rehearsal, which is not stored."""
        self._rehearsed: Estimate | None = None
        """Its final estimate."""
        self._too_slow: set[datetime] = set()
        """Start times of equivents for which this meter is too slow."""
        self._measured: Equivent | None = None
        """The live equivent, with the times for which it was last measured."""
        self._misdated: datetime | None = None
        """Start of the window that was live while the system's clock was wrong."""
        self._has_failed = False
        self._reading = asyncio.Lock()
        self._timer = Timer(self._hass, "meter", self.async_measure)

    @callback
    def async_setup(self) -> None:
        """Subscribe to the account until its entry is unloaded."""
        if CONF_SENSORS in self._entry.options:
            _follow_renames(self._hass, self._entry)
        if self._live:
            self._show_waiting()
        else:
            self._show_final()
        self._entry.async_on_unload(self._announcer.async_listen(self._on_edge))
        self._entry.async_on_unload(self._timer.async_close)
        # Automations must not miss the change of `final`.
        self._announcer.async_when_armed(self._start)

    @property
    def _now(self) -> datetime:
        """Time of the provider's clock."""
        return self._coordinator.clock.now()

    @property
    def _live(self) -> Equivent | None:
        """The live equivent or rehearsal."""
        return self._coordinator.data.live

    @property
    def _over(self) -> Sequence[Equivent]:
        """Finished equivents and the rehearsal, latest end first, as the API may list some late."""
        past = self._coordinator.data.past
        if self._rehearsal is None:
            return past
        return sorted((self._rehearsal, *past), key=lambda each: each.end or each.start)[::-1]

    @property
    def _latest(self) -> Equivent | None:
        """The last equivent that was long enough to be measured."""
        return next((each for each in self._over if self._window(each)), None)

    @property
    def _unfinished(self) -> list[Equivent]:
        """Equivents whose readings are still awaited, latest end first."""
        now = self._now
        recent = (each for each in self._over if each.end and now - each.end < RETRY_PERIOD)
        return [each for each in recent if not self._is_finished(each)]

    def _is_finished(self, equivent: Equivent) -> bool:
        """Return True if an equivent needs no further measurement.

        An equivent for which the former meter was too slow is measured again by a new meter.
        """
        window, kept = self._window(equivent), self._final_estimate(equivent)
        if window is None or kept is None:
            return window is None
        if kept.reason is Reason.METER_TOO_SLOW and equivent.start not in self._too_slow:
            return False
        return (kept.start, kept.end) == (window.start, window.end)

    def _window(self, equivent: Equivent) -> Window | None:
        """Return the window in which an equivent's energy is counted."""
        return window_of(equivent.start, equivent.end, self._now)

    def _final_estimate(self, equivent: Equivent) -> Estimate | None:
        """Return the final estimate for an equivent, if any."""
        if equivent is self._rehearsal:
            return self._rehearsed
        result = self._store.result_of(equivent)
        return result.estimate if result else None

    @callback
    def _start(self) -> None:
        """Measure the live equivent, or those that are not finished."""
        self._past = self._coordinator.data.past
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._on_update))
        if self._live or self._unfinished:
            self.async_measure()

    def _on_edge(self, edge: Edge) -> None:
        """Measure an equivent that has started, or finish one that has ended."""
        if edge.type is EdgeType.ENDED and edge.test:
            self._rehearsal, self._rehearsed = edge.equivent, None
        self.async_measure()

    @callback
    def _on_update(self) -> None:
        """Measure again when the API changes the live equivent's times or the finished ones."""
        live, past = self._live, self._coordinator.data.past
        if live and self._measured and live != self._measured:
            self._measured = live
            self.async_measure()
        if self._past is not past:
            self._past = past
            if self._unfinished:
                self.async_measure()

    @callback
    def async_measure(self) -> None:
        """Measure what is due in the background, after all listeners have been called."""
        self._entry.async_create_background_task(
            self._hass, self._async_read(), f"{DOMAIN} meter", eager_start=False
        )

    async def _async_read(self) -> None:
        """Measure the equivents that are due, and set the timer for the next attempt."""
        async with self._reading:
            now = self._now
            delay: timedelta | None = _next_row(now) - now if self._live else HOURLY
            try:
                await self._async_measure()
                delay, self._has_failed = self._delay(), False
            except UnreadableError:
                LOGGER.debug("The statistics cannot be read now")
                self._show_waiting()
            except Exception:  # noqa: BLE001
                if not self._has_failed:
                    LOGGER.exception("Unexpected error measuring an equivent")
                self._has_failed = True
            finally:
                self._timer.async_set(delay.total_seconds() if delay else None)

    async def _async_measure(self) -> None:
        """Measure the live equivent, or else all unfinished ones."""
        self._measured = live = self._live
        if live:
            self._show(await self._async_estimate(live))
            return
        if self._announcer.is_waiting:
            return  # an end is announced before its result turns final
        unfinished, latest = self._unfinished, self._latest
        if latest not in unfinished:
            self._show_final()
        for equivent in unfinished:
            found = await self._async_final(equivent)
            if found and found.final:
                self._store_result(equivent, found)
            if equivent == latest:
                self._show_latest(found)

    async def _async_estimate(
        self, equivent: Equivent, *, over: bool = False, gives_up: bool = False
    ) -> Estimate | None:
        """Return the estimate for an equivent; None if it is too short to be measured."""
        window = self._window(equivent)
        if window is None:
            return None
        is_wrong = bool(self._coordinator.clock.error)
        if is_wrong and not over:
            self._misdated = window.start
        if is_wrong or self._misdated == window.start:  # its rows have wrong times
            final = over and self._misdated == window.start
            return without_figures(window, Reason.CLOCK_WRONG, final=final)
        try:
            meters = await async_find_meters(self._hass, self._entry.options)
            readings = await async_read(self._hass, meters, window.start)
        except UnreadableError:
            if not gives_up:
                raise
            readings = ()
        return estimate(
            window, equivent_days(self._coordinator.data.past, window), readings, over=over
        )

    async def _async_final(self, ended: Equivent) -> Estimate | None:
        """Return the estimate for an equivent that is over, final at the last attempt."""
        gives_up = self._next_attempt(ended, RETRY_PERIOD) is None
        found = await self._async_estimate(ended, over=True, gives_up=gives_up)
        is_last_attempt = self._next_attempt(ended, self._patience(ended)) is None
        return replace(found, final=True) if found and is_last_attempt else found

    def _store_result(self, equivent: Equivent, found: Estimate) -> None:
        """Store the final estimate for an equivent."""
        if found.reason is Reason.METER_TOO_SLOW:
            self._too_slow.add(equivent.start)
        if equivent is self._rehearsal:
            self._rehearsed = found
        else:
            kind = self._coordinator.plans.kind_of(equivent)
            self._store.async_keep_results(FinishedResult(equivent, found, kind))
            self._coordinator.async_update_listeners()

    @callback
    def _show(self, found: Estimate | None) -> None:
        """Show an estimate."""
        if found != self.estimate:
            self.estimate = found
            self._coordinator.async_update_listeners()

    @callback
    def _show_latest(self, found: Estimate | None) -> None:
        """Show the estimate for an equivent that is over, with one change of `final` to true."""
        shown = self.estimate
        if found and found.final and not (shown and _continues(shown, found)):
            self._show(replace(found, final=False))
        self._show(found)

    @callback
    def _show_final(self) -> None:
        """Show the stored estimate for the last equivent, without another change of `final`."""
        latest = self._latest
        if self.estimate and not self.estimate.final:
            self._show(None)
        self._show(self._final_estimate(latest) if latest else None)

    @callback
    def _show_waiting(self) -> None:
        """Show that the live equivent waits for figures, in place of another equivent's."""
        live, shown = self._live, self.estimate
        window = self._window(live) if live else None
        if window and (shown is None or shown.final or shown.start != window.start):
            self._show(without_figures(window, Reason.WAITING_FOR_METER))

    def _delay(self) -> timedelta | None:
        """Return the time until the next read, None if all equivents are finished."""
        now = self._now
        if self._live:
            return _next_row(now) - now
        attempts = (self._next_attempt(each, self._patience(each)) for each in self._unfinished)
        return min((moment - now for moment in attempts if moment), default=None)

    def _patience(self, equivent: Equivent) -> timedelta:
        """Return the time for which readings are awaited; a rehearsal's are not."""
        return timedelta() if equivent is self._rehearsal else RETRY_PERIOD

    def _next_attempt(self, ended: Equivent, patience: timedelta) -> datetime | None:
        """Return the time of the next read for an equivent with missing readings, None if over.

        It is read with the next row, and then hourly for as long as readings are awaited.
        """
        now = self._now
        row, end = _next_row(now), ended.end or now
        if row - end <= GRID:
            return row
        return now + HOURLY if now + HOURLY - end < patience else None


def _continues(shown: Estimate, found: Estimate) -> bool:
    """Return True if the shown estimate is unfinished or for the same equivent."""
    overlap = shown.start < found.end and found.start < shown.end
    return overlap or not shown.final


def _next_row(now: datetime) -> datetime:
    """Return the time at which the next row of five minutes exists."""
    return floor(now - ROW_DELAY, GRID) + GRID + ROW_DELAY


@callback
def _follow_renames(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Update renamed sensors in the options, now and whenever their names change."""
    _update_names(hass, entry)

    @callback
    def on_change(event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        """Reload the entry, which looks up the new name."""
        if event.data["action"] == "update" and "entity_id" in event.data["changes"]:
            hass.config_entries.async_schedule_reload(entry.entry_id)

    names = entry.options[CONF_SENSORS]
    entry.async_on_unload(async_track_entity_registry_updated_event(hass, names, on_change))


def _update_names(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Update the sensors' names in the options, and store their registry ids.

    A removed sensor keeps its name, as a replacement may take its name and its statistics.
    """
    registry = er.async_get(hass)
    names, ids = entry.options[CONF_SENSORS], entry.options.get(CONF_REGISTRY_IDS, {})
    known = [registry.entities.get_entry(ids[name]) if name in ids else None for name in names]
    found = [
        entity.entity_id if entity else name for entity, name in zip(known, names, strict=True)
    ]
    noted = {name: entity.id for name in found if (entity := registry.async_get(name))}
    options = {**entry.options, CONF_SENSORS: found, CONF_REGISTRY_IDS: noted}
    if not noted:
        del options[CONF_REGISTRY_IDS]
    hass.config_entries.async_update_entry(entry, options=options)


class History:
    """Measures an account's past equivents from the statistics of its meters."""

    def __init__(
        self, coordinator: EquiwattCoordinator, store: EquiwattStore, meter: Meter
    ) -> None:
        """Initialize without past equivents."""
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._coordinator = coordinator
        self._store = store
        self._meter = meter
        self._past: Sequence[Equivent] = ()
        self._measuring = asyncio.Lock()
        self._statistics = StatisticsWriter(self._hass, self._entry, store)

    @callback
    def async_start(self) -> None:
        """Measure the past now, and again when the API lists more."""
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._on_update))
        self._on_update()

    @callback
    def _on_update(self) -> None:
        """Measure new past equivents in the background, and write new results."""
        self._statistics.async_update()
        if self._past is not self._coordinator.data.past:
            self._past = self._coordinator.data.past
            self._entry.async_create_background_task(
                self._hass, self._async_measure(), f"{DOMAIN} history"
            )

    async def _async_measure(self) -> None:
        """Measure the equivents that these meters have not measured, and store the results."""
        async with self._measuring:
            meters = await async_find_meters(self._hass, self._entry.options)
            ids = _registry_ids(self._hass, meters)
            now, is_new = self._coordinator.clock.now(), ids != self._store.meters
            windows = ((each, window_of(each.start, each.end, now)) for each in self._past)
            todo = {
                each: window
                for each, window in windows
                if window and self._needs_measuring(each, window, now, is_new=is_new)
            }
            try:
                if todo and meters:
                    await self._async_measure_all(todo, meters)
            except UnreadableError:
                LOGGER.debug("The statistics of the past cannot be read now")
            else:
                self._store.async_set_meters(ids)

    def _needs_measuring(
        self, equivent: Equivent, window: Window, now: datetime, *, is_new: bool
    ) -> bool:
        """Return True if an equivent needs measuring here; `Meter` measures recent ones."""
        result = self._store.result_of(equivent)
        if result is None or window != Window(start=result.estimate.start, end=result.estimate.end):
            return now - window.end >= RETRY_PERIOD
        # Rows written while the clock was wrong have wrong times.
        return is_new and result.estimate.reason is not Reason.CLOCK_WRONG

    async def _async_measure_all(
        self, todo: Mapping[Equivent, Window], meters: Sequence[str]
    ) -> None:
        """Measure equivents with one read, as their comparable days overlap."""
        past, kind_of = self._past, self._coordinator.plans.kind_of
        readings = await async_read(self._hass, meters, min(each.start for each in todo))
        found = await self._hass.async_add_executor_job(_measured, todo.values(), past, readings)
        both = zip(todo, found, strict=True)
        results = (FinishedResult(each, result, kind_of(each)) for each, result in both)
        self._store.async_keep_results(*filter(self._is_better, results))
        self._meter.async_measure()

    def _is_better(self, found: FinishedResult) -> bool:
        """Return True unless the former meters' result is better."""
        known = self._store.result_of(found.equivent)
        is_known = known is not None and known.estimate.saving is not None
        return found.estimate.saving is not None or not is_known


def _registry_ids(hass: HomeAssistant, meters: Sequence[str]) -> tuple[str, ...]:
    """Return ids of meters that survive renaming their entities."""
    registry = er.async_get(hass)
    known = {meter: registry.async_get(meter) for meter in meters}
    return tuple(sorted(entity.id if entity else meter for meter, entity in known.items()))


def _measured(
    windows: Iterable[Window], past: Sequence[Equivent], readings: Sequence[Readings]
) -> list[Estimate]:
    """Return the final estimate of each window."""
    found = (estimate(each, equivent_days(past, each), readings, over=True) for each in windows)
    return [replace(each, final=True) for each in found]


@callback
def async_setup_meter(
    coordinator: EquiwattCoordinator, announcer: Announcer, store: EquiwattStore
) -> Meter:
    """Return the meter of an account. Measure its past once automations are armed."""
    store.results = store.results or Results()
    meter = Meter(coordinator, announcer, store)
    meter.async_setup()
    announcer.async_when_armed(History(coordinator, store, meter).async_start)
    return meter
