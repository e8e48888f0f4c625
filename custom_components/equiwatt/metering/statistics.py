"""Keep what equivents used and saved in Home Assistant's long-term statistics.

An equivent counts in the hour in which it began, as no shorter rows are kept for ever.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import EnergyConverter

from ..const import DOMAIN, LOGGER
from ..equivents.model import SAME
from ..store import EquiwattStore
from .baseline import floor
from .results import FinishedResult

HOUR = timedelta(hours=1)
EPOCH = datetime.fromtimestamp(0, UTC)
DECIMALS = 4
ATTEMPTS = 3
"""How often rows are written that do not appear."""
NAMES = {"usual": "usual use", "used": "use", "saving": "saving"}
"""The statistics of an account, and how each is called after its title."""


class Row(NamedTuple):
    """One hour of a statistic: what counts in it, and in all hours until its end."""

    state: float
    sum: float


type Rows = Mapping[datetime, Row]
type Energies = Mapping[datetime, float]


def changed_rows(held: Rows, energies: Energies, since: datetime) -> dict[datetime, Row]:
    """Return the rows to write so that the held ones show the energies of equivents.

    Home Assistant deletes no single row, so an hour whose figure was withdrawn counts nothing.
    """
    # What is older than every known equivent was not withdrawn: the memory of it is lost.
    first = floor(min([since, *energies]) - SAME, HOUR)
    states = defaultdict(float, dict.fromkeys((hour for hour in held if hour >= first), 0.0))
    for start, energy in energies.items():
        states[floor(start, HOUR)] += energy
    total = next((held[hour].sum for hour in sorted(held, reverse=True) if hour < first), 0.0)
    wanted = {}
    for hour, state in sorted(states.items()):
        total += state
        wanted[hour] = Row(round(state, DECIMALS), round(total, DECIMALS))
    return {hour: row for hour, row in wanted.items() if row != held.get(hour)}


def _energies(results: Iterable[FinishedResult], name: str) -> dict[datetime, float]:
    """Return the energies of one name by when the equivents began."""
    return {result.equivent.start: getattr(result.estimate, name) for result in results}


def statistic_ids(entry_id: str = "") -> dict[str, str]:
    """Return the ids of an account's statistics by name, of the first account without an id."""
    suffix = f"_{entry_id.lower()}" if entry_id else ""
    return {name: f"{DOMAIN}:{name}{suffix}" for name in NAMES}


class StatisticsWriter:
    """Writes an account's statistics when its results have changed, one write at a time."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, store: EquiwattStore) -> None:
        """Start with nothing to write."""
        self._hass = hass
        self._entry = entry
        self._store = store
        self._is_due = False
        self._writing = asyncio.Lock()

    @callback
    def async_update(self) -> None:
        """Write what has changed, in the background; changes that wait are written at once."""
        if not self._is_due and "recorder" in self._hass.config.components:
            self._is_due = True
            self._entry.async_create_background_task(
                self._hass, self._async_write(), f"{DOMAIN} statistics"
            )

    async def _async_write(self) -> None:
        """Write the rows that differ from those that the recorder has, until none does."""
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        async with self._writing:
            self._is_due = False
            try:
                # The recorder takes rows into a queue: another look shows what came of them.
                for _ in range(ATTEMPTS):
                    if not await self._async_write_changes():
                        return
                    await get_instance(self._hass).async_block_till_done()
            except SQLAlchemyError as err:
                LOGGER.debug("The statistics cannot be written now: %s", type(err).__name__)

    async def _async_write_changes(self) -> bool:
        """Write what differs from what the recorder has, and return True if something did."""
        recorder, own = get_instance(self._hass), statistic_ids(self._entry.entry_id)
        ids = statistic_ids() if _is_first(self._hass, self._entry.entry_id) else own
        held = await recorder.async_add_executor_job(
            _held, self._hass, {*ids.values(), *own.values()}
        )
        # An account becomes the first when that one is removed.
        if former := [each for each in own.values() if each in held and ids != own]:
            recorder.async_clear_statistics(former)
        counted = [result for result in self._store.results if result.counts]
        known = (*self._store.snapshot.past, *(result.equivent for result in counted))
        since = min((equivent.start for equivent in known), default=dt_util.utcnow())
        changes = {
            name: changed_rows(held.get(ids[name], {}), _energies(counted, name), since)
            for name in ids
        }
        for name, rows in changes.items():
            if rows:
                self._async_import(ids[name], name, rows)
        return any(changes.values())

    @callback
    def _async_import(self, statistic_id: str, name: str, rows: Rows) -> None:
        """Have the recorder write rows in place of those of the same hours."""
        from homeassistant.components.recorder.models import (  # noqa: PLC0415
            StatisticData,
            StatisticMeanType,
            StatisticMetaData,
        )
        from homeassistant.components.recorder.statistics import async_add_external_statistics  # noqa: PLC0415

        metadata = StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=f"{self._entry.title} {NAMES[name]}",
            source=DOMAIN,
            statistic_id=statistic_id,
            unit_class=EnergyConverter.UNIT_CLASS,
            unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        )
        data = [
            StatisticData(start=hour, state=row.state, sum=row.sum) for hour, row in rows.items()
        ]
        async_add_external_statistics(self._hass, metadata, data)


def _held(hass: HomeAssistant, ids: set[str]) -> dict[str, dict[datetime, Row]]:
    """Return the rows that the recorder has, in its executor.

    They are read in the unit in which they are kept, so that a change of it shows as one of each
    row: the next import would bring back ours, and convert none.
    """
    from homeassistant.components.recorder.statistics import statistics_during_period  # noqa: PLC0415

    found = statistics_during_period(hass, EPOCH, None, ids, "hour", None, {"state", "sum"})
    return {
        statistic_id: {
            datetime.fromtimestamp(row["start"], UTC): Row(
                row.get("state") or 0, row.get("sum") or 0
            )
            for row in rows
        }
        for statistic_id, rows in found.items()
    }


@callback
def async_clear_statistics(hass: HomeAssistant, entry_id: str) -> None:
    """Delete the statistics of an account that was removed."""
    ids = list(statistic_ids(entry_id).values())
    if _is_first(hass, entry_id):
        ids += statistic_ids().values()
    get_instance(hass).async_clear_statistics(ids)


def _is_first(hass: HomeAssistant, entry_id: str) -> bool:
    """Return True for the oldest of the accounts, by entry ids, which follow time."""
    entries = hass.config_entries.async_entries(DOMAIN)
    return entry_id <= min((entry.entry_id for entry in entries), default=entry_id)
