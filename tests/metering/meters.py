"""Meters of all kinds, with rows in the real recorder or in a table of the tests."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
import sqlalchemy as sa

from custom_components.equiwatt.metering import (
    meter as meter_module,
    preview,
    readings as readings_module,
)
from custom_components.equiwatt.metering.baseline import GRID, Readings, floor
from custom_components.equiwatt.metering.readings import UnreadableError
from homeassistant.components.recorder.db_schema import (
    RecorderRuns,
    Statistics,
    StatisticsMeta,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    async_import_statistics,
    compile_missing_statistics,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope

from .example import in_between, meter_of

HOUR = timedelta(hours=1)
WRITTEN = timedelta(seconds=10)
"""Delay of Home Assistant's rows after their ends."""
METER = "sensor.meter"
SECOND_METER = "sensor.second_meter"
EXTERNAL = "supplier:import"


def metadata(meter: str, unit: str = "kWh", unit_class: str = "energy") -> StatisticMetaData:
    """Return the metadata of a meter's statistic."""
    found: StatisticMetaData = StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=None,
        source=meter.split(":", maxsplit=1)[0] if ":" in meter else "recorder",
        statistic_id=meter,
        unit_class=unit_class,
        unit_of_measurement=unit,
    )
    return found


def rows(readings: Mapping[datetime, float], length: timedelta) -> list[StatisticData]:
    """Return rows of a length for the readings at their ends."""
    return [
        StatisticData(start=end - length, state=total, sum=total) for end, total in readings.items()
    ]


class Meters:
    """Writer of rows to the recorder, directly or by states."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Initialize with the clock of the tests."""
        self.hass = hass
        self.freezer = freezer

    async def five_minutes(
        self, readings: dict[datetime, float], meter: str = METER, unit: str = "kWh"
    ) -> None:
        """Write rows of five minutes by their ends, interpolated between half hours."""
        every = rows(in_between(readings), GRID)
        get_instance(self.hass).async_import_statistics(
            metadata(meter, unit), every, StatisticsShortTerm
        )
        await async_wait_recording_done(self.hass)
        await self._in_time(meter, readings, StatisticsShortTerm)

    async def hours(
        self, readings: dict[datetime, float], meter: str = METER, unit: str = "kWh"
    ) -> None:
        """Write the rows of hours among the readings."""
        full = {end: total for end, total in readings.items() if end.minute == 0}
        add = async_add_external_statistics if ":" in meter else async_import_statistics
        add(self.hass, metadata(meter, unit), rows(full, HOUR))
        await async_wait_recording_done(self.hass)
        await self._in_time(meter, full, Statistics)

    async def _in_time(
        self,
        meter: str,
        readings: Mapping[datetime, float],
        table: type[Statistics | StatisticsShortTerm],
    ) -> None:
        """Set the rows' creation times to their ends, as for Home Assistant's own rows."""
        ids = sa.select(StatisticsMeta.id).where(StatisticsMeta.statistic_id == meter)
        written = table.start_ts + (table.duration + WRITTEN).total_seconds()
        first, last = min(readings) - table.duration, max(readings) - table.duration
        await self.execute(
            sa.update(table)
            .where(table.metadata_id.in_(ids))
            .where(table.start_ts.between(first.timestamp(), last.timestamp()))
            .values(created_ts=written)
        )

    async def purge(self, before: datetime) -> None:
        """Delete the rows of five minutes before a time, as Home Assistant does after some days."""
        table = StatisticsShortTerm
        await self.execute(sa.delete(table).where(table.start_ts < before.timestamp()))

    async def execute(self, *statements: sa.Executable) -> None:
        """Change the database directly."""

        def job() -> None:
            """Run the statement in the recorder's thread."""
            with session_scope(hass=self.hass) as session:
                for statement in statements:
                    session.execute(statement)

        await get_instance(self.hass).async_add_executor_job(job)

    async def report(
        self, until: datetime, states: Mapping[datetime, float | str], meter: str = METER
    ) -> None:
        """Change the states of a meter and compile its statistics, until a time."""
        await self.report_all(until, {meter: states})

    async def report_all(
        self, until: datetime, states: Mapping[str, Mapping[datetime, float | str]]
    ) -> None:
        """Change the states of meters and compile their statistics, until a time."""
        each = sorted(
            (moment, meter, state)
            for meter, reports in states.items()
            for moment, state in reports.items()
            if moment < until
        )
        start = floor(each[0][0], GRID)
        for moment, meter, state in each:
            start = await self._compile(start, moment)
            self.freezer.move_to(moment)
            self.set_state(state, meter)
        await self._compile(start, until)
        self.freezer.move_to(until)

    async def _compile(self, start: datetime, until: datetime) -> datetime:
        """Compile the statistics due at a time, and return the start of the next row."""
        while start + GRID <= until:
            await async_wait_recording_done(self.hass)
            self.freezer.move_to(start + GRID + WRITTEN)
            do_adhoc_statistics(self.hass, start=start)
            await async_wait_recording_done(self.hass)
            start += GRID
        return start

    async def restart(self, off: datetime, on: datetime, kwh: float, meter: str = METER) -> None:
        """Turn Home Assistant off for a while, and set the meter's reading after it.

        When it has started, the recorder compiles the rows of the time in between.
        """
        self.freezer.move_to(on)
        self.set_state("unavailable", meter)
        self.freezer.move_to(on + WRITTEN)
        self.set_state(kwh, meter)
        await async_wait_recording_done(self.hass)
        # The plugin's recorder started by the machine's clock, which would be a later run.
        await self.execute(
            sa.delete(StatisticsRuns).where(StatisticsRuns.start >= off),
            sa.insert(RecorderRuns).values(start=on, created=on),
        )
        self.freezer.move_to(on + HOUR / 60)
        instance = get_instance(self.hass)
        await instance.async_add_executor_job(compile_missing_statistics, instance)
        await async_wait_recording_done(self.hass)

    def set_state(self, state: float | str, meter: str = METER) -> None:
        """Set the state of a meter."""
        set_state(self.hass, state, meter)


class Tables:
    """Rows of meters without a recorder."""

    def __init__(self, hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace the reading of statistics."""
        self.hass = hass
        self.is_broken = False
        self.error: Exception | None = None
        self.reads = 0
        self._five_minutes: dict[str, dict[datetime, float]] = {}
        self._hours: dict[str, dict[datetime, float]] = {}
        for module in (readings_module, preview):
            monkeypatch.setattr(module, "async_read", self._read)
            monkeypatch.setattr(module, "async_unfit", self._unfit)
        monkeypatch.setattr(meter_module, "async_read", self._read)

    async def five_minutes(self, readings: dict[datetime, float], meter: str = METER) -> None:
        """Write rows of five minutes by their ends, interpolated between half hours."""
        self._five_minutes.setdefault(meter, {}).update(in_between(readings))

    async def hours(self, readings: dict[datetime, float], meter: str = METER) -> None:
        """Write the rows of hours among the readings."""
        full = {end: total for end, total in readings.items() if end.minute == 0}
        self._hours.setdefault(meter, {}).update(full)

    def clear(self, meter: str = METER) -> None:
        """Delete the rows of a meter."""
        self._five_minutes.pop(meter, None)
        self._hours.pop(meter, None)

    def rename(self, old: str, new: str) -> None:
        """Rename a statistic, as the recorder does with its sensor."""
        self._five_minutes[new] = self._five_minutes.pop(old)

    def set_state(self, state: float | str, meter: str = METER) -> None:
        """Set the state of a meter."""
        set_state(self.hass, state, meter)

    async def _read(
        self, hass: HomeAssistant, meters: Sequence[str], start: datetime
    ) -> tuple[Readings, ...]:
        """Return the readings of several meters since a time."""
        self.reads += 1
        if self.error:
            raise self.error
        if self.is_broken:
            raise UnreadableError
        first = start - readings_module.READ_PERIOD
        return tuple(
            meter_of(
                *(
                    {end: kwh for end, kwh in rows.get(meter, {}).items() if end > first}
                    for rows in (self._five_minutes, self._hours)
                )
            )
            for meter in meters
        )

    async def _unfit(self, hass: HomeAssistant, meters: Collection[str]) -> list[str]:
        """Return the meters without rows and without a state."""
        known = self._five_minutes.keys() | self._hours.keys()
        return [meter for meter in meters if meter not in known and not hass.states.get(meter)]


def set_state(hass: HomeAssistant, state: float | str, meter: str) -> None:
    """Set the state of a meter."""
    attributes = {
        "device_class": "energy",
        "state_class": "total_increasing",
        "unit_of_measurement": "kWh",
    }
    hass.states.async_set(meter, str(state), attributes)
