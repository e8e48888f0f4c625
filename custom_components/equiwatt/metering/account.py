"""Joins the meter to an account: what it follows, and where it leaves what it has found."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_SENSORS, CONF_SOURCE
from homeassistant.core import HomeAssistant, callback

from ..announcer import Announcer
from ..const import SOURCE_SENSORS
from ..coordinator import EquiwattCoordinator
from ..equivents.model import EdgeType, Equivent
from ..equivents.snapshot import Edge, Ended, EndReason
from ..equivents.tracker import PUSH_GRACE
from ..savings import Saved, saved_of
from ..store import EquiwattStore
from .baseline import Estimate
from .finished import Account, Equivent as Measured
from .meter import Meter
from .names import async_keep_sensors
from .readings import async_grid_meters
from .stored import from_stored, to_stored


class EntryAccount(Account):
    """An account of a config entry, as its meter sees it."""

    def __init__(
        self, coordinator: EquiwattCoordinator, announcer: Announcer, store: EquiwattStore
    ) -> None:
        """Keep what is read and written."""
        self._coordinator = coordinator
        self._announcer = announcer
        self._store = store

    @override
    def now(self) -> datetime:
        """Return the time by which equivents start and end."""
        return self._coordinator.clock.now()

    @property
    @override
    def live(self) -> Equivent | None:
        """Return the live equivent, be it a rehearsal."""
        return self._coordinator.data.live

    @property
    @override
    def is_announcing(self) -> bool:
        """Return True while nobody has heard yet of a start or an end."""
        return self._announcer.is_waiting

    @property
    @override
    def ended(self) -> Equivent | None:
        """Return the real one that ended last, as long as the API has not listed it."""
        state = self._coordinator.data
        if state.ended is None or _may_be_nothing(state.ended):
            return None
        last, newest = state.ended.equivent, next(iter(state.past), None)
        is_listed = newest and (newest.same_as(last) or newest.start > last.start)
        return None if is_listed else last

    @property
    @override
    def past(self) -> Sequence[Equivent]:
        """Return the finished real ones, newest first."""
        return self._coordinator.data.past

    @override
    def result_of(self, equivent: Measured) -> Estimate | None:
        """Return what is stored of a finished equivent."""
        saved = saved_of(self._store.savings, Equivent(equivent.start, equivent.end))
        return from_stored(saved.estimate) if saved else None

    @override
    def keep_result(self, equivent: Measured, result: Estimate) -> None:
        """Store what is final of a finished equivent."""
        known = Equivent(equivent.start, equivent.end)
        self._store.async_keep_saved(Saved(known, to_stored(result)))


def _may_be_nothing(ended: Ended) -> bool:
    """Return True for what only calls have told, such as the demo triggers of the app."""
    if ended.reason is EndReason.PUSH and ended.equivent.end:
        return ended.equivent.end - ended.equivent.start <= PUSH_GRACE
    return ended.reason is EndReason.UNCONFIRMED


@callback
def async_setup_meter(
    hass: HomeAssistant,
    entry: ConfigEntry,
    coordinator: EquiwattCoordinator,
    announcer: Announcer,
    store: EquiwattStore,
) -> Meter:
    """Return the meter that the options name; it follows the account while the entry is loaded."""
    if CONF_SENSORS in entry.options:
        async_keep_sensors(hass, entry)
    account = EntryAccount(coordinator, announcer, store)
    meter = Meter(hass, entry, account, finder(hass, entry.options))
    meter.async_restore()
    follow_edges(entry, announcer, meter)

    def start() -> None:
        """Go on where an automation can hear that something is final now."""
        meter.async_start()
        entry.async_on_unload(coordinator.async_add_listener(meter.async_update))

    announcer.async_when_armed(callback(start))
    return meter


def finder(
    hass: HomeAssistant, options: Mapping[str, Any]
) -> Callable[[], Awaitable[Sequence[str]]]:
    """Return how the meters of some options are found: the dashboard's anew each time."""

    async def sensors() -> list[str]:
        """Return the sensors that the user has chosen."""
        return list(dict.fromkeys(options[CONF_SENSORS]))  # each counts once

    return sensors if options[CONF_SOURCE] == SOURCE_SENSORS else lambda: async_grid_meters(hass)


def follow_edges(entry: ConfigEntry, announcer: Announcer, meter: Meter) -> None:
    """Let a meter measure what starts, and finish what ends."""

    def on_edge(edge: Edge) -> None:
        """Follow one edge."""
        if edge.type is EdgeType.STARTED:
            meter.async_started()
        else:
            meter.async_ended(edge.equivent, rehearsal=edge.test)

    entry.async_on_unload(announcer.async_listen(on_edge))
