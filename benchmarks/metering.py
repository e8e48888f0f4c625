"""What the meter costs at the start of an equivent, each five minutes of it, and at rest.

With SQLite and the statistics of two months, as Home Assistant keeps them, of a hundred other
meters beside the home's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
import tempfile
from time import perf_counter, thread_time
from typing import Any, override

from custom_components.equiwatt.equivents.model import Equivent
from custom_components.equiwatt.metering.baseline import GRID, Estimate, Readings, Window, estimate
from custom_components.equiwatt.metering.finished import Account, Equivent as Measured
from custom_components.equiwatt.metering.meter import Meter
from custom_components.equiwatt.metering.readings import async_read_all, async_read_since
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope

from . import world
from .report import Table
from .service import Service

METER = "sensor.meter_0"
METERS = 101
DAYS = 60
KEPT_DAYS = 10
"""For how many days Home Assistant keeps rows of five minutes, unless it is told otherwise."""
TIMES = 30
POLLS = 10_000
HOUR = timedelta(hours=1)
TITLE = f"Meter: {DAYS} days of statistics of {METERS} meters"


def rows(now: datetime, length: timedelta, days: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of all meters, in the order in which time has written them."""
    first = now - timedelta(days=days)
    for number in range(timedelta(days=days) // length):
        start = (first + number * length).timestamp()
        total = start / 3_600 * 0.35
        for meter in range(1, METERS + 1):
            yield {"metadata_id": meter, "start_ts": start, "created_ts": start, "sum": total}


def fill(hass: HomeAssistant, now: datetime) -> int:
    """Write the statistics, and return how many rows they have."""
    from sqlalchemy import insert  # noqa: PLC0415

    from homeassistant.components.recorder.db_schema import (  # noqa: PLC0415
        Statistics,
        StatisticsMeta,
        StatisticsShortTerm,
    )

    known = {"source": "recorder", "unit_of_measurement": "kWh", "has_sum": True, "mean_type": 0}
    meters = [{"statistic_id": f"sensor.meter_{meter}", **known} for meter in range(METERS)]
    hours = list(rows(now, HOUR, DAYS))
    five_minutes = list(rows(now, GRID, KEPT_DAYS))
    with session_scope(hass=hass) as session:
        session.execute(insert(StatisticsMeta), meters)
        session.execute(insert(Statistics), hours)
        session.execute(insert(StatisticsShortTerm), five_minutes)
    return len(hours) + len(five_minutes)


async def timed[T](job: Callable[[], Awaitable[T]]) -> tuple[T, float, float]:
    """Return what a job returned, and its milliseconds: until done, and of the event loop."""
    busy, began = thread_time(), perf_counter()
    result = await job()
    return result, (perf_counter() - began) * 1_000, (thread_time() - busy) * 1_000


class Job:
    """The two things that a meter does, on a database of its own."""

    def __init__(self, hass: HomeAssistant, now: datetime) -> None:
        """Live in an hour's equivent."""
        self._hass = hass
        self._now = now
        start = now - HOUR / 2
        self._window = Window(start=start, end=start + HOUR)
        self._known = Readings()

    async def start(self) -> None:
        """Read two months, and see what is usual."""
        moments = self._window.moments(())
        found = await async_read_all(self._hass, [METER], moments, self._now)
        self._known = found or Readings()
        self._check()

    async def go_on(self) -> None:
        """Read what is new."""
        newer = await async_read_since(self._hass, [METER], self._window.boundaries)
        self._known = self._known.updated(newer)
        self._check()

    def _check(self) -> None:
        """See that what was measured is what is meant."""
        found = estimate(self._window, (), self._known, over=False)
        if found.days_used != found.days_wanted or found.saving is None:
            raise RuntimeError(f"This is no estimate: {found}")


class Idle(Account):
    """An account between two equivents, the last of which was measured."""

    def __init__(self, now: datetime) -> None:
        """Have had one an hour ago."""
        self._now = now
        start = now - 2 * HOUR
        self._past = (Equivent(start, start + HOUR),)
        self._result = Estimate(start=start, end=start + HOUR, days_wanted=10, final=True)

    @override
    def now(self) -> datetime:
        """Return the time."""
        return self._now

    @property
    @override
    def live(self) -> None:
        """Return none."""

    @property
    @override
    def is_announcing(self) -> bool:
        """Return that everybody has heard of it."""
        return False

    @property
    @override
    def ended(self) -> None:
        """Return none, as the last one is listed."""

    @property
    @override
    def past(self) -> tuple[Equivent, ...]:
        """Return the last one."""
        return self._past

    @override
    def result_of(self, equivent: Measured) -> Estimate:
        """Return what was measured."""
        return self._result

    @override
    def keep_result(self, equivent: Measured, result: Estimate) -> None:
        """Complain, as there is nothing to measure."""
        raise RuntimeError("Something was measured at rest")


async def rest(hass: HomeAssistant, now: datetime) -> float:
    """Return the microseconds that each poll costs at rest; see that nothing is read meanwhile."""

    async def find_meters() -> list[str]:
        """Complain, as there is nothing to read."""
        raise RuntimeError("Meters were looked for at rest")

    meter = Meter(hass, world.new_entry(Service()), Idle(now), find_meters)
    meter.async_restore()
    meter.async_start()
    began = thread_time()
    for _ in range(POLLS):
        meter.async_update()
    took = thread_time() - began
    await hass.async_block_till_done(wait_background_tasks=True)
    return took / POLLS * 1_000_000


async def costs(hass: HomeAssistant, now: datetime) -> dict[str, float]:
    """Measure both jobs, each in turn, and then nothing."""
    job = Job(hass, now)
    _, first, _ = await timed(job.start)
    figures = {"meter_first_ms": first}
    for name, work in (("start", job.start), ("five_minutes", job.go_on)):
        took = [await timed(work) for _ in range(TIMES)]
        figures[f"meter_{name}_ms"] = median(done for _, done, _ in took)
        figures[f"meter_{name}_loop_ms"] = median(busy for _, _, busy in took)
    return figures | {"meter_rest_us": await rest(hass, now)}


async def measure(_: asyncio.AbstractEventLoop) -> list[Table]:
    """Measure in a house with a recorder."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory() as folder:
        async with world.home(Path(folder), "recorder:\n") as hass:
            count = await get_instance(hass).async_add_executor_job(fill, hass, now)
            figures = await costs(hass, now)
    table = Table(TITLE, ["", "done after", "event loop"], figures=figures)
    for what, name in (("at the start", "start"), ("each five minutes", "five_minutes")):
        done, busy = figures[f"meter_{name}_ms"], figures[f"meter_{name}_loop_ms"]
        table.rows.append([what, f"{done:.1f} ms", f"{busy:.2f} ms"])
    first = figures["meter_first_ms"]
    idle = figures["meter_rest_us"]
    table.rows.append(["at rest, each poll", "", f"{idle / 1_000:.4f} ms"])
    table.note = f"{count:,} rows. The first time: {first:.0f} ms. At rest nothing is read."
    return [table]
