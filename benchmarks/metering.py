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
from types import SimpleNamespace
from typing import Any

from custom_components.equiwatt.equivents.model import Equivent
from custom_components.equiwatt.equivents.snapshot import Snapshot
from custom_components.equiwatt.metering.baseline import GRID, Window, estimate
from custom_components.equiwatt.metering.meter import Meter
from custom_components.equiwatt.metering.readings import Reader
from custom_components.equiwatt.metering.results import Estimate, FinishedResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope

from . import world
from .report import Table

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
        options = {"source": "sensors", "sensors": [METER]}
        entry: Any = SimpleNamespace(options=options)
        self._reader = Reader(hass, entry)
        start = now - HOUR / 2
        self._window = Window(start=start, end=start + HOUR)

    async def start(self) -> None:
        """Read two months, and see what is usual."""
        self._reader.forget()
        await self.go_on()

    async def go_on(self) -> None:
        """Read what is new, and see that what was measured is what is meant."""
        meters = await self._reader.async_read(self._window)
        found = estimate(self._window, (), meters, over=False)
        if found.days_used != found.days_wanted or found.saving is None:
            raise RuntimeError(f"This is no estimate: {found}")


async def rest(hass: HomeAssistant, now: datetime) -> float:
    """Return the microseconds that each poll costs at rest; see that nothing is read meanwhile."""
    start = now - 2 * HOUR
    past = (Equivent(start, start + HOUR),)
    result = Estimate(start=start, end=start + HOUR, days_wanted=10, final=True)
    polls: list[Callable[[], None]] = []

    def listen(poll: Callable[[], None]) -> Callable[[], None]:
        """Keep what is called after each poll."""
        polls.append(poll)
        return polls.clear

    coordinator: Any = SimpleNamespace(
        data=Snapshot(past=past),
        clock=SimpleNamespace(now=lambda: now),
        async_add_listener=listen,
    )
    announcer: Any = SimpleNamespace(
        is_waiting=False,
        async_listen=lambda _: lambda: None,
        async_when_armed=lambda action: action(),
    )
    store: Any = SimpleNamespace(results=(FinishedResult(past[0], result),))
    entry = world.new_entry(world.new_provider())
    Meter(hass, entry, coordinator, announcer, store).async_setup()
    began = thread_time()
    for _ in range(POLLS):
        polls[0]()
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
