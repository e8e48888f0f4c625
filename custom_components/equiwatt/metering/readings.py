"""Readings of the home's meters from Home Assistant's statistics.

The recorder and the Energy dashboard may be missing, so they are imported where they are used.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from homeassistant.const import CONF_SENSORS, CONF_SOURCE, UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util.unit_conversion import EnergyConverter

from ..const import SOURCE_SENSORS
from .baseline import SLOWEST, Readings
from .days import MAX_DAYS_BACK

if TYPE_CHECKING:
    from sqlalchemy import Select

    from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm

READ_PERIOD = timedelta(days=MAX_DAYS_BACK + 1, hours=2)
"""Time before a window for which rows are read, to interpolate between two hours."""
LATE_AFTER = 120.0
"""Seconds after which a row is late. Ten are usual, and a restart takes a minute."""
BATCH_GAP = 60.0
"""Longest time in seconds between two rows of one batch."""


class UnreadableError(Exception):
    """The statistics cannot be read at the moment."""


async def async_find_meters(hass: HomeAssistant, options: Mapping[str, Any]) -> list[str]:
    """Return the meters of the options; those of the Energy dashboard may change."""
    if options[CONF_SOURCE] == SOURCE_SENSORS:
        return list(dict.fromkeys(options[CONF_SENSORS]))  # without duplicates
    return await async_grid_meters(hass)


async def async_grid_meters(hass: HomeAssistant) -> list[str]:
    """Return the Energy dashboard's meters of grid consumption."""
    if "energy" not in hass.config.components:
        return []
    from homeassistant.components.energy.data import async_get_manager  # noqa: PLC0415

    manager = await async_get_manager(hass)
    sources = manager.data["energy_sources"] if manager.data else []
    grids = (source for source in sources if source["type"] == "grid")
    meters = (grid.get("stat_energy_from") for grid in grids)
    return list(dict.fromkeys(filter(None, meters)))  # one meter may have several tariffs


async def async_unfit(hass: HomeAssistant, meters: Collection[str]) -> list[str]:
    """Return the meters that have no energy statistics and will not have any."""
    if "recorder" not in hass.config.components:
        return list(meters)
    from homeassistant.components.recorder.statistics import async_list_statistic_ids  # noqa: PLC0415

    fit = {
        found["statistic_id"]
        for found in await async_list_statistic_ids(hass, set(meters))
        if found["has_sum"]
        and found["statistics_unit_of_measurement"] in EnergyConverter.VALID_UNITS
    }
    return [meter for meter in meters if meter not in fit]


async def async_read(
    hass: HomeAssistant, meters: Sequence[str], start: datetime
) -> tuple[Readings, ...]:
    """Return the readings of each meter for windows from a time on, none without a recorder."""
    if "recorder" not in hass.config.components:
        return ()
    return await get_instance(hass).async_add_executor_job(_read, hass, meters, start - READ_PERIOD)


class Row(NamedTuple):
    """Row of a meter's statistics, times in Unix seconds."""

    end: float
    kwh: float
    written: float

    @property
    def is_late(self) -> bool:
        """Return True if it was written later than usual."""
        return self.written - self.end > LATE_AFTER


def without_made_up(rows: Iterable[Row], starts: Sequence[float]) -> dict[float, float]:
    """Return the readings without those that the recorder made up after Home Assistant was off.

    After a start the recorder writes the rows of the downtime in one batch, each with the last
    reading. It repeats that reading until the meter reports again, which may take minutes.
    """
    kept: dict[float, float] = {}
    made_up: Row | None = None
    for batch in _batches(rows):
        last = batch[-1]
        until = made_up.end + SLOWEST.total_seconds() if made_up else 0
        if made_up and last.end <= until and not last.is_late and last.kwh == made_up.kwh:
            continue  # too soon for a report in between to be certain
        repeated = list(takewhile(lambda row: row.kwh == last.kwh, reversed(batch)))  # noqa: B023
        made_up = last if _was_off(repeated, starts) else None
        real = batch[: -len(repeated)] if made_up else batch
        kept |= {row.end: row.kwh for row in real}
    return kept


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield late rows of one batch together, and other rows alone."""
    batch: list[Row] = []
    for row in rows:
        before = batch[-1] if batch else row
        is_same_batch = before.is_late and row.is_late and row.written - before.written <= BATCH_GAP
        if batch and not is_same_batch:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _was_off(repeated: Sequence[Row], starts: Sequence[float]) -> bool:
    """Return True if Home Assistant was off at the end of rows that repeat a batch's last reading.

    The recorder purges the times of its starts after some days. Rows are also late after an import
    or under load, but those batches do not end in several equal readings.
    """
    first = repeated[-1]
    if not first.is_late:
        return False
    started = max((start for start in starts if start <= first.written), default=None)
    return len(repeated) > 1 if started is None else started > first.end


def _read(hass: HomeAssistant, meters: Sequence[str], since: datetime) -> tuple[Readings, ...]:
    """Return the readings of each meter. Must be run in the recorder's executor."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        starts, five_minutes, hours = _rows(hass, meters, since)
    except SQLAlchemyError as err:
        raise UnreadableError from err
    return tuple(
        Readings(
            without_made_up(five_minutes[meter], starts),
            without_made_up(hours[meter], starts)
            if five_minutes[meter]
            else {row.end: row.kwh for row in hours[meter]},  # imported, late but real
        )
        for meter in meters
    )


type Rows = dict[str, list[Row]]
"""Rows by meter, oldest first."""


def _rows(
    hass: HomeAssistant, meters: Sequence[str], since: datetime
) -> tuple[list[float], Rows, Rows]:
    """Return the times of Home Assistant's starts, and the rows of five minutes and of hours.

    Home Assistant's own function does not return the time at which a row was written.
    """
    from sqlalchemy import select  # noqa: PLC0415

    from homeassistant.components.recorder.db_schema import (  # noqa: PLC0415
        RecorderRuns,
        Statistics,
        StatisticsMeta as Meta,
        StatisticsShortTerm,
    )
    from homeassistant.components.recorder.models import process_timestamp  # noqa: PLC0415

    wanted = (
        select(Meta.id, Meta.statistic_id, Meta.unit_of_measurement)
        .where(Meta.statistic_id.in_(meters))
        .where(Meta.unit_of_measurement.in_(EnergyConverter.VALID_UNITS))
    )
    with session_scope(hass=hass, read_only=True) as session:
        runs = session.execute(select(RecorderRuns.start))
        starts = [process_timestamp(start).timestamp() for (start,) in runs]
        found: list[Rows] = []
        names = {key: (meter, unit) for key, meter, unit in session.execute(wanted)}
        for table in (StatisticsShortTerm, Statistics):
            length = table.duration.total_seconds()
            rows: Rows = {meter: [] for meter in meters}
            for key, start, total, written in session.execute(_query(table, names, since)):
                meter, unit = names[key]
                kwh = EnergyConverter.converter_factory(unit, UnitOfEnergy.KILO_WATT_HOUR)(total)
                rows[meter].append(Row(start + length, kwh, written or start + length))
            found.append(rows)
    return starts, found[0], found[1]


def _query(
    table: type[Statistics | StatisticsShortTerm], ids: Collection[int], since: datetime
) -> Select[tuple[int | None, float | None, float | None, float | None]]:
    """Return the query for rows of meters.

    It selects ids instead of joining names, as MariaDB reads all rows of a meter for the join.
    """
    from sqlalchemy import select  # noqa: PLC0415

    return (
        select(table.metadata_id, table.start_ts, table.sum, table.created_ts)
        .where(table.metadata_id.in_(ids))
        .where(table.start_ts >= since.timestamp(), table.sum.is_not(None))
        .order_by(table.metadata_id, table.start_ts)
    )
