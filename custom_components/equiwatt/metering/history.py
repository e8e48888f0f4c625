"""Measurement of equivents from before the meter was chosen, and long-term statistics of all."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from ..announcer import Announcer
from ..const import DOMAIN, LOGGER
from ..coordinator import EquiwattCoordinator
from ..equivents.model import Equivent
from ..store import EquiwattStore
from .baseline import Readings, Window, equivent_days, estimate, window_of
from .meter import PATIENCE, Meter
from .readings import LOOK, UnreadableError, async_find_meters, async_read
from .results import Estimate, FinishedResult, Reason, result_of
from .statistics import StatisticsWriter


@callback
def async_setup_meter(
    hass: HomeAssistant,
    entry: ConfigEntry,
    coordinator: EquiwattCoordinator,
    announcer: Announcer,
    store: EquiwattStore,
) -> Meter:
    """Return the meter of an account. Measure its past once automations are armed."""
    meter = Meter(hass, entry, coordinator, announcer, store)
    meter.async_setup()
    history = History(hass, entry, coordinator, store, meter)
    announcer.async_when_armed(history.async_start)
    return meter


class History:
    """Measures an account's past equivents from the statistics of its meters."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        coordinator: EquiwattCoordinator,
        store: EquiwattStore,
        meter: Meter,
    ) -> None:
        """Initialize without past equivents."""
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        self._store = store
        self._meter = meter
        self._past: Sequence[Equivent] = ()
        self._measuring = asyncio.Lock()
        self._statistics = StatisticsWriter(hass, entry, store)

    @callback
    def async_start(self) -> None:
        """Measure the past now, and again when the API lists more."""
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._on_update))
        self._entry.async_on_unload(self._store.async_listen_results(self._statistics.async_update))
        self._on_update()
        self._statistics.async_update()

    @callback
    def _on_update(self) -> None:
        """Measure new past equivents in the background."""
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
        result = result_of(self._store.results, equivent)
        if result is None or window != Window(start=result.estimate.start, end=result.estimate.end):
            return now - window.end >= PATIENCE
        # Rows written while the clock was wrong have wrong times.
        return is_new and result.estimate.reason is not Reason.CLOCK_WRONG

    async def _async_measure_all(
        self, todo: Mapping[Equivent, Window], meters: Sequence[str]
    ) -> None:
        """Measure equivents with one read, as their comparable days overlap."""
        past, kind_of = self._past, self._coordinator.plans.kind_of
        readings = await async_read(self._hass, meters, min(each.start for each in todo) - LOOK)
        found = await self._hass.async_add_executor_job(_measured, todo.values(), past, readings)
        both = zip(todo, found, strict=True)
        results = (FinishedResult(each, one, kind_of(each)) for each, one in both)
        self._store.async_keep_results(*filter(self._is_better, results))
        self._meter.async_refresh()

    def _is_better(self, found: FinishedResult) -> bool:
        """Return True unless the former meters' result is better."""
        known = result_of(self._store.results, found.equivent)
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
