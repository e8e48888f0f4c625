"""A simulated electricity meter: an integration of the demo's Home Assistant.

pretend_meter:
devices: /folder          a file for each device that is "on" or "off"
paused: [[start, end]]    when in the past the devices were off, in Unix seconds
days: 30                  length of its past when it is new
by_chance: false          whether the past differs from day to day, as in a real house

It counts a base use that depends on the time of day, and the use of each device that is on. It
imports the statistics of its past when it is new, and those of the time in between after a restart.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import json
from math import exp
from pathlib import Path
from random import Random
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsMeta,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.models import StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.tasks import (
    CompileMissingStatisticsTask,
    RecorderTask,
    SynchronizeTask,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.helpers.start import async_at_started

DOMAIN = "pretend_meter"
METER = "sensor.electricity_meter"
HOME = ZoneInfo("Europe/London")
ROW = timedelta(minutes=5)
HALF_HOUR = timedelta(minutes=30)
HOUR = timedelta(hours=1)
SHORT_TERM = timedelta(days=10)
"""Time for which Home Assistant keeps rows of five minutes."""
TICK = timedelta(seconds=10)
FIRST_KWH = 4_321.0
KW = {"immersion_heater": 0.9, "towel_rail": 0.15, "car_charger": 1.2}
"""Mean power of each device while it is on, in kW."""
SHARES = {"immersion_heater": 0.5, "towel_rail": 0.7, "car_charger": 0.4}
"""Share of hours in the past in which each device was on."""
SPREAD = 0.35
"""Standard deviation of the logarithm of the base use."""
NIGHT_AND_MORNING = (0.18, 0.18, 0.18, 0.18, 0.18, 0.22, 0.45, 0.7, 0.5, 0.35, 0.3, 0.3)
AFTERNOON_AND_EVENING = (0.45, 0.35, 0.3, 0.35, 0.55, 0.8, 0.95, 0.8, 0.65, 0.55, 0.4, 0.25)
BASE_KW = NIGHT_AND_MORNING + AFTERNOON_AND_EVENING
"""Base use of the house by hour, in kW."""
ATTRIBUTES = {
    "friendly_name": "Electricity meter",
    "icon": "mdi:meter-electric-outline",
    "device_class": "energy",
    "state_class": "total_increasing",
    "unit_of_measurement": "kWh",
}


def base_kw(moment: datetime) -> float:
    """Return the base use without devices, which differs slightly from day to day."""
    local = moment.astimezone(HOME)
    daily = 0.9 + 0.2 * (local.toordinal() * 7 % 11) / 10
    return BASE_KW[local.hour] * daily * (1.2 if local.weekday() >= 5 else 1)


def past_kw(moment: datetime, *, paused: bool, by_chance: bool) -> float:
    """Return the random use of an hour in the past, the same in each demo."""
    if not by_chance:
        return base_kw(moment) + (0 if paused else sum(KW.values()))
    random = Random(int(moment.timestamp() // 3_600))  # noqa: S311 - it keeps no secret
    base = base_kw(moment) * exp(random.gauss(0, SPREAD))
    devices = sum(kw for name, kw in KW.items() if random.random() < SHARES[name])
    return base + (0 if paused else devices)


@dataclass(frozen=True)
class Reading:
    """Reading of the meter at some time."""

    moment: datetime
    kwh: float

    def later(self, moment: datetime, kw: float) -> Reading:
        """Return the reading after some time with a given use."""
        return Reading(moment, self.kwh + (moment - self.moment) / HOUR * kw)

    def save(self, file: Path) -> None:
        """Write the reading to a file, in one piece even in a power cut."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps([self.moment.timestamp(), self.kwh]), "utf-8")
        new.replace(file)

    @classmethod
    def load(cls, file: Path, now: datetime, ago: timedelta = timedelta()) -> Self:
        """Load the reading from a file, or return the first one of the past."""
        if not file.exists():
            return cls(floor(now - ago, HOUR), FIRST_KWH)
        seconds, kwh = json.loads(file.read_text("utf-8"))
        return cls(datetime.fromtimestamp(seconds, UTC), kwh)


def floor(moment: datetime, step: timedelta) -> datetime:
    """Return the last full step before a time."""
    return moment - (moment - datetime.min.replace(tzinfo=UTC)) % step


def history(
    first: Reading,
    until: datetime,
    paused: Iterable[tuple[float, float]],
    *,
    by_chance: bool = False,
) -> list[Reading]:
    """Return the readings of each five minutes, with the devices on unless they were paused.

    Older than the rows of five minutes there are those of each half hour.
    """
    spans = list(paused)
    readings = [first]
    recent = until - SHORT_TERM - HOUR
    while True:
        began = readings[-1].moment
        step = HALF_HOUR if began < recent else ROW
        end = floor(began, step) + step
        if end > until:
            return readings
        middle = (began + (end - began) / 2).timestamp()
        is_paused = any(start <= middle < over for start, over in spans)
        kw = past_kw(began, paused=is_paused, by_chance=by_chance)
        readings.append(readings[-1].later(end, kw))


def devices_kw(folder: Path) -> float:
    """Return the use of the devices that are on."""
    return sum(kw for name, kw in KW.items() if (folder / name).read_text("utf-8").strip() == "on")


@dataclass(slots=True)
class DateRowsTask(RecorderTask):
    """Task that dates the meter's rows as if each had been written at its end.

    An import dates them all alike. The last of them would look like one that the recorder wrote
    after Home Assistant was off, whose reading was never seen.
    """

    def run(self, instance: Recorder) -> None:
        """Update the rows."""
        meter = select(StatisticsMeta.id).where(StatisticsMeta.statistic_id == METER)
        with session_scope(session=instance.get_session()) as session:
            for table in (Statistics, StatisticsShortTerm):
                end = table.start_ts + table.duration.total_seconds()
                of_meter = update(table).where(table.metadata_id.in_(meter))
                session.execute(of_meter.values(created_ts=end))


class Meter:
    """Meter that counts."""

    def __init__(self, hass: HomeAssistant, config: dict[str, Any]) -> None:
        """Initialize with the configuration and the file of the last reading."""
        self._hass = hass
        self._devices = Path(config["devices"])
        self._paused = [(start, end) for start, end in config["paused"]]
        self._ago = timedelta(days=config["days"])
        self._by_chance = config["by_chance"]
        self._file = Path(hass.config.path("pretend_meter.json"))
        self._counting = asyncio.Lock()

    async def async_show_stored(self) -> None:
        """Show the last reading, if any.

        Without a state the recorder makes no row when it catches up, soon after a restart.
        """
        if kwh := await self._hass.async_add_executor_job(self._stored):
            self._show(kwh)

    def _stored(self) -> float | None:
        """Return the last reading, None if the meter is new."""
        return Reading.load(self._file, datetime.now(UTC)).kwh if self._file.exists() else None

    async def async_start(self) -> None:
        """Import the missing statistics, and start counting."""
        while readings := await self._hass.async_add_executor_job(self._missing, datetime.now(UTC)):
            await self._async_import(readings)
            await self._hass.async_add_executor_job(readings[-1].save, self._file)
        await self._async_count()
        async_track_time_interval(self._hass, self._async_count, TICK, cancel_on_shutdown=True)

    def _missing(self, now: datetime) -> list[Reading]:
        """Return the readings since the last one."""
        first = Reading.load(self._file, now, self._ago)
        return history(first, now, self._paused, by_chance=self._by_chance)[1:]

    async def _async_count(self, _: datetime | None = None) -> None:
        """Update and show the reading."""
        async with self._counting:
            kwh = await self._hass.async_add_executor_job(self._count, datetime.now(UTC))
            self._show(kwh)

    def _count(self, now: datetime) -> float:
        """Add the use since the last reading."""
        reading = Reading.load(self._file, now)
        reading = reading.later(now, base_kw(reading.moment) + devices_kw(self._devices))
        reading.save(self._file)
        return reading.kwh

    @callback
    def _show(self, kwh: float) -> None:
        """Write a reading as a state."""
        self._hass.states.async_set(METER, f"{kwh:.4f}", ATTRIBUTES)

    async def _async_import(self, readings: list[Reading]) -> None:
        """Import readings as hourly rows, and recent ones as short-term rows too.

        A row that Home Assistant makes fails beside one that is there already. So it first makes
        those that are due by now, instead of a moment later.
        """
        metadata: StatisticMetaData = {
            "mean_type": StatisticMeanType.NONE,
            "has_sum": True,
            "name": None,
            "source": "recorder",
            "statistic_id": METER,
            "unit_class": "energy",
            "unit_of_measurement": "kWh",
        }
        kept = datetime.now(UTC) - SHORT_TERM
        recent = [reading for reading in readings if reading.moment > kept]
        imported = self._hass.loop.create_future()
        recorder = get_instance(self._hass)
        recorder.queue_task(CompileMissingStatisticsTask())
        recorder.async_import_statistics(metadata, rows(readings, HOUR), Statistics)
        recorder.async_import_statistics(metadata, rows(recent, ROW), StatisticsShortTerm)
        recorder.queue_task(DateRowsTask())
        recorder.queue_task(SynchronizeTask(imported))
        await imported


def rows(readings: Iterable[Reading], length: timedelta) -> list[Any]:
    """Return rows of a length, each with the reading at its end."""
    return [
        {"start": reading.moment - length, "state": reading.kwh, "sum": reading.kwh}
        for reading in readings
        if floor(reading.moment, length) == reading.moment
    ]


async def async_setup(hass: HomeAssistant, config: dict[str, Any]) -> bool:
    """Set up the meter."""
    meter = Meter(hass, config[DOMAIN])
    await meter.async_show_stored()

    async def start(_: HomeAssistant) -> None:
        """Start once the recorder is running."""
        await meter.async_start()

    async_at_started(hass, start)
    return True
