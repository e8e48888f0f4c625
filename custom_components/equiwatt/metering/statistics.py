"""Long-term statistics of use and saving in equivents.

An equivent counts in the hour in which it began, as shorter rows are purged.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
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
from .results import Results

HOUR = timedelta(hours=1)
EPOCH = datetime.fromtimestamp(0, UTC)
DECIMALS = 4
ATTEMPTS = 3
"""Number of attempts to write rows that do not appear."""
NAMES = {"usual": "usual use", "used": "use", "saving": "saving"}
"""Statistics of an account, with the names that follow its title."""


class Row(NamedTuple):
    """One hour of a statistic: its energy, and the sum until its end."""

    state: float
    sum: float


type Rows = Mapping[datetime, Row]


def changed_rows(
    held: Rows, energies: Mapping[datetime, float], since: datetime
) -> dict[datetime, Row]:
    """Return the rows to write to bring the recorder's rows up to date.

    Home Assistant cannot delete single rows, so a withdrawn figure becomes 0.
    """
    # Rows older than every known equivent were not withdrawn: the store was lost.
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


def statistic_ids(entry_id: str = "") -> dict[str, str]:
    """Return the ids of an account's statistics; the first account's have no suffix."""
    suffix = f"_{entry_id.lower()}" if entry_id else ""
    return {name: f"{DOMAIN}:{name}{suffix}" for name in NAMES}


class StatisticsWriter:
    """Writes an account's statistics when its results change, one write at a time."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, store: EquiwattStore) -> None:
        """Initialize with nothing to write."""
        self._hass = hass
        self._entry = entry
        self._store = store
        self._results: Results | None = None
        self._writing = asyncio.Lock()

    @callback
    def async_update(self) -> None:
        """Write changed results in the background."""
        if self._results is not self._store.results and "recorder" in self._hass.config.components:
            self._results = self._store.results
            self._entry.async_create_background_task(
                self._hass, self._async_write(), f"{DOMAIN} statistics"
            )

    async def _async_write(self) -> None:
        """Write rows until the recorder has them all."""
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        async with self._writing:
            try:
                # The recorder queues rows without an acknowledgement, so they are compared again.
                for _ in range(ATTEMPTS):
                    if not await self._async_write_changes():
                        return
                    await get_instance(self._hass).async_block_till_done()
            except SQLAlchemyError as err:
                LOGGER.debug("The statistics cannot be written now: %s", type(err).__name__)

    async def _async_write_changes(self) -> bool:
        """Write the rows that differ from the recorder's. Return True if there were any."""
        recorder, own = get_instance(self._hass), statistic_ids(self._entry.entry_id)
        ids = statistic_ids() if _is_first(self._hass, self._entry.entry_id) else own
        held = await recorder.async_add_executor_job(
            _recorded, self._hass, {*ids.values(), *own.values()}
        )
        # An account becomes the first when the account before is removed.
        if former := [each for each in own.values() if each in held and ids != own]:
            recorder.async_clear_statistics(former)
        past = self._store.snapshot.past
        since = past[-1].start if past else dt_util.utcnow()
        changes, counted = {}, (self._store.results or Results()).counted
        for name in ids:
            energies = {each.equivent.start: getattr(each.estimate, name) for each in counted}
            changes[name] = changed_rows(held.get(ids[name], {}), energies, since)
        for name, rows in changes.items():
            if rows:
                self._async_import(ids[name], name, rows)
        return any(changes.values())

    @callback
    def _async_import(self, statistic_id: str, name: str, rows: Rows) -> None:
        """Queue rows for the recorder, replacing those of the same hours."""
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


def _recorded(hass: HomeAssistant, ids: set[str]) -> dict[str, dict[datetime, Row]]:
    """Return the recorder's rows. Must be run in its executor.

    They are read in their stored unit, so that every row differs after a user has changed it: an
    import sets the unit but does not convert the existing rows.
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
    """Delete the statistics of a removed account."""
    ids = list(statistic_ids(entry_id).values())
    if _is_first(hass, entry_id):
        ids += statistic_ids().values()
    get_instance(hass).async_clear_statistics(ids)


def _is_first(hass: HomeAssistant, entry_id: str) -> bool:
    """Return True if an account is the oldest, by entry ids, which sort by time."""
    entries = hass.config_entries.async_entries(DOMAIN)
    return entry_id <= min((entry.entry_id for entry in entries), default=entry_id)
