"""Reads the home's meters from Home Assistant's statistics.

The recorder and the Energy dashboard may be missing, so they are imported only where they are used.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util.unit_conversion import EnergyConverter

from .baseline import Readings, Window, usual_of
from .counter import Counter, Row, readings_of, without_made_up
from .days import DAY, LONDON, LOOK_BACK, is_working

if TYPE_CHECKING:
    from sqlalchemy import Select

    from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm

A_LITTLE = timedelta(hours=2)
"""How much earlier rows are read, for those of two hours that a half past lies between."""
LOOK = timedelta(days=LOOK_BACK + 1) + A_LITTLE
LATE = 120.0
"""How many seconds after its end a row is late. Ten are usual, and a restart takes a minute."""


type FindMeters = Callable[[], Awaitable[Sequence[str]]]


class UnreadableError(Exception):
    """The statistics cannot be read at the moment."""


async def async_grid_meters(hass: HomeAssistant) -> list[str]:
    """Return the meters by which the Energy dashboard counts what comes from the grid."""
    if "energy" not in hass.config.components:
        return []
    from homeassistant.components.energy.data import async_get_manager  # noqa: PLC0415

    manager = await async_get_manager(hass)
    sources = manager.data["energy_sources"] if manager.data else []
    grids = (source for source in sources if source["type"] == "grid")
    meters = (grid.get("stat_energy_from") for grid in grids)
    return list(dict.fromkeys(filter(None, meters)))  # each once, be it under several tariffs


async def async_unfit(hass: HomeAssistant, meters: Collection[str]) -> list[str]:
    """Return those of the meters that have no statistics of energy, nor will have any."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What can be expected of meters."""

    days: int
    """For how many working days there are readings in the evening, of `days_wanted`."""
    days_wanted: int
    pace: timedelta | None
    """How often they report, None if that cannot be seen."""
    is_slow: bool
    """Whether they report too seldom for any figure."""
    is_hourly: bool
    """Whether an hour's energy comes in one figure, so that there is none while it lasts."""


async def async_survey(
    hass: HomeAssistant, meters: Sequence[str], equivent_days: Collection[date], now: datetime
) -> Survey | None:
    """Return what can be expected of meters now; None if one has no statistics at all."""
    window = _evening(now)
    counters = await _async_counters(hass, meters, now - LOOK)
    if not _all_known(counters):
        return None
    readings = readings_of(counters, window.moments(equivent_days))
    usual = usual_of(window, equivent_days, readings)
    return Survey(
        days=len(usual.days),
        days_wanted=usual.days_wanted,
        pace=readings.pace,
        is_slow=readings.is_slow,
        is_hourly=readings.is_hourly,
    )


def _evening(now: datetime) -> Window:
    """Return an hour in which equivents are frequent, on the next working day."""
    day = now.astimezone(LONDON).date()
    while not is_working(day):
        day += DAY
    start = datetime.combine(day, time(17), LONDON).astimezone(UTC)
    return Window(start=start, end=start + timedelta(hours=1))


def _all_known(counters: Sequence[Counter]) -> bool:
    """Tell whether there are meters, and rows of each of them."""
    return bool(counters) and all(counter.newest_rows for counter in counters)


async def async_read_all(
    hass: HomeAssistant, meters: Sequence[str], moments: Collection[datetime], now: datetime
) -> Readings | None:
    """Read the meters at moments of the last two months; None if one has no statistics at all."""
    counters = await _async_counters(hass, meters, now - LOOK)
    return readings_of(counters, moments) if _all_known(counters) else None


async def async_read_since(
    hass: HomeAssistant, meters: Sequence[str], moments: Collection[datetime]
) -> Readings:
    """Read the meters at moments that lie close together, and at the newest one."""
    counters = await _async_counters(hass, meters, min(moments), recent=True)
    return readings_of(counters, moments) if counters else Readings()


class Reader:
    """Reads the meters for a window: all that it takes at first, then what is new."""

    def __init__(self, hass: HomeAssistant, find_meters: FindMeters) -> None:
        """Start with nothing read."""
        self._hass = hass
        self._find_meters = find_meters
        self._meters: Sequence[str] = ()
        self._window: Window | None = None
        self._known: Readings | None = None

    async def async_read(
        self, window: Window, equivent_days: Collection[date], now: datetime
    ) -> Readings | None:
        """Return all that is known; None if there are no statistics to read from."""
        if self._known is None or window != self._window:
            self.forget()
            self._meters = await self._find_meters()
            moments = window.moments(equivent_days)
            self._known = await async_read_all(self._hass, self._meters, moments, now)
            self._window = window
        else:
            newer = await async_read_since(self._hass, self._meters, window.boundaries)
            self._known = self._known.updated(newer)
        return self._known

    def forget(self) -> None:
        """Read all of it anew the next time."""
        self._known = None


async def _async_counters(
    hass: HomeAssistant, meters: Sequence[str], since: datetime, *, recent: bool = False
) -> list[Counter]:
    """Read all rows of the meters by which they can be read from a time on."""
    if "recorder" not in hass.config.components:
        return []
    return await get_instance(hass).async_add_executor_job(
        _counters, hass, meters, since - A_LITTLE, recent
    )


def _counters(
    hass: HomeAssistant, meters: Sequence[str], since: datetime, recent: bool
) -> list[Counter]:
    """Read rows, in the recorder's executor: recent ones by the hour only if there are no finer."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        five_minutes = _rows(hass, meters, since, "5minute")
        coarse = [meter for meter in meters if not (recent and five_minutes[meter])]
        hours = _rows(hass, coarse, since, "hour") if coarse else {}
    except SQLAlchemyError as err:
        raise UnreadableError from err
    return [_counter(five_minutes[meter], hours.get(meter, ())) for meter in meters]


def _counter(five_minutes: Sequence[Row], hours: Sequence[Row]) -> Counter:
    """Return a meter's readings; hours alone were imported, and may well be late."""
    return Counter(
        five_minutes=without_made_up(five_minutes),
        hours=without_made_up(hours) if five_minutes else {row.end: row.kwh for row in hours},
    )


def _rows(
    hass: HomeAssistant,
    meters: Collection[str],
    since: datetime,
    period: Literal["5minute", "hour"],
) -> dict[str, list[Row]]:
    """Return the rows of each meter, oldest first.

    Home Assistant's own function does not tell when a row was written, which would take as long
    again.
    """
    from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm  # noqa: PLC0415

    table = StatisticsShortTerm if period == "5minute" else Statistics
    length = table.duration.total_seconds()
    found: dict[str, list[Row]] = {meter: [] for meter in meters}
    with session_scope(hass=hass, read_only=True) as session:
        for meter, unit, start, total, written in session.execute(_query(table, meters, since)):
            kwh = EnergyConverter.converter_factory(unit, UnitOfEnergy.KILO_WATT_HOUR)(total)
            end = start + length
            found[meter].append(Row(end, kwh, written is not None and written > end + LATE))
    return found


def _query(
    table: type[Statistics | StatisticsShortTerm], meters: Collection[str], since: datetime
) -> Select[tuple[str | None, str | None, float | None, float | None, float | None]]:
    """Return the query for the rows of meters in any unit of energy."""
    from sqlalchemy import select  # noqa: PLC0415

    from homeassistant.components.recorder.db_schema import StatisticsMeta  # noqa: PLC0415

    return (
        select(
            StatisticsMeta.statistic_id,
            StatisticsMeta.unit_of_measurement,
            table.start_ts,
            table.sum,
            table.created_ts,
        )
        .join(StatisticsMeta, StatisticsMeta.id == table.metadata_id)
        .where(StatisticsMeta.statistic_id.in_(meters))
        .where(StatisticsMeta.unit_of_measurement.in_(EnergyConverter.VALID_UNITS))
        .where(table.start_ts >= since.timestamp(), table.sum.is_not(None))
        .order_by(table.metadata_id, table.start_ts)
    )
