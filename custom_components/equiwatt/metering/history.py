"""Measures equivents that were over before their meter was chosen, and keeps statistics of all."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from ..announcer import Announcer
from ..const import DOMAIN, LOGGER
from ..coordinator import EquiwattCoordinator
from ..equivents.model import Equivent, Kind
from ..store import EquiwattStore
from .baseline import Readings, equivent_days, estimate, window_of
from .meter import PATIENCE, Meter
from .readings import LOOK, UnreadableError, async_find_meters, async_read
from .results import FinishedResult, Reason, result_of
from .statistics import StatisticsWriter


@callback
def async_setup_meter(
    hass: HomeAssistant,
    entry: ConfigEntry,
    coordinator: EquiwattCoordinator,
    announcer: Announcer,
    store: EquiwattStore,
) -> Meter:
    """Return the meter of an account, whose past is looked at once automations are armed."""
    meter = Meter(hass, entry, coordinator, announcer, store)
    meter.async_setup()
    history = History(hass, entry, coordinator, store, meter)
    announcer.async_when_armed(history.async_start)
    return meter


class History:
    """The past of an account, as far as the statistics of its meters reach."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        coordinator: EquiwattCoordinator,
        store: EquiwattStore,
        meter: Meter,
    ) -> None:
        """Start with nothing looked at."""
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
        """Look back now, and whenever the API lists more."""
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._on_update))
        self._entry.async_on_unload(self._store.async_listen_results(self._statistics.async_update))
        self._on_update()
        self._statistics.async_update()

    @callback
    def _on_update(self) -> None:
        """Measure in the background what is new among the past equivents."""
        if self._past is not self._coordinator.data.past:
            self._past = self._coordinator.data.past
            self._entry.async_create_background_task(
                self._hass, self._async_measure(), f"{DOMAIN} history"
            )

    async def _async_measure(self) -> None:
        """Measure what these meters have not measured, and keep it."""
        async with self._measuring:
            meters = await async_find_meters(self._hass, self._entry.options)
            ids = _lasting_ids(self._hass, meters)
            now, is_new = self._coordinator.clock.now(), ids != self._store.meters
            todo = [each for each in self._past if self._is_to_do(each, now, is_new=is_new)]
            try:
                if todo and meters:
                    await self._async_measure_all(todo, meters, now)
            except UnreadableError:
                LOGGER.debug("The statistics of the past cannot be read now")
            else:
                self._store.async_set_meters(ids)

    def _is_to_do(self, equivent: Equivent, now: datetime, *, is_new: bool) -> bool:
        """Return True if an equivent is to be measured here: the meter waits for recent ones."""
        result = result_of(self._store.results, equivent)
        if result is None:
            return equivent.end is not None and now - equivent.end >= PATIENCE
        # The rows of a time when the clock was wrong bear other times.
        return is_new and result.estimate.reason is not Reason.CLOCK_WRONG

    async def _async_measure_all(
        self, todo: Sequence[Equivent], meters: Sequence[str], now: datetime
    ) -> None:
        """Measure equivents, all by one read: each alone would read everything since then."""
        past = self._past
        readings = await async_read(self._hass, meters, min(each.start for each in todo) - LOOK)
        kinds = {each: self._coordinator.plans.kind_of(each) for each in todo}
        found = await self._hass.async_add_executor_job(_measured, kinds, past, readings, now)
        self._store.async_keep_results(*filter(self._is_news, found))
        self._meter.async_refresh()

    def _is_news(self, found: FinishedResult) -> bool:
        """Return True unless other meters have known more."""
        known = result_of(self._store.results, found.equivent)
        is_known = known is not None and known.estimate.saving is not None
        return found.estimate.saving is not None or not is_known


def _lasting_ids(hass: HomeAssistant, meters: Sequence[str]) -> tuple[str, ...]:
    """Return ids of meters that stay when their entities get other names."""
    registry = er.async_get(hass)
    known = {meter: registry.async_get(meter) for meter in meters}
    return tuple(sorted(entity.id if entity else meter for meter, entity in known.items()))


def _measured(
    todo: Mapping[Equivent, Kind | None],
    past: Sequence[Equivent],
    readings: Sequence[Readings],
    now: datetime,
) -> list[FinishedResult]:
    """Return the results of equivents of some kinds, unless they are too short for any."""
    found = []
    for equivent, kind in todo.items():
        if window := window_of(equivent.start, equivent.end, now):
            one = estimate(window, equivent_days(past, window), readings, over=True)
            found.append(FinishedResult(equivent, replace(one, final=True), kind))
    return found
