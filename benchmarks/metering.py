"""Costs of the meter when it is chosen, in an equivent, after it, and at rest.

With SQLite and the statistics of more than a year, as Home Assistant keeps them, of a hundred other
meters beside the home's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
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
from custom_components.equiwatt.metering.meter import History, Meter
from custom_components.equiwatt.metering.readings import async_read
from custom_components.equiwatt.metering.results import Estimate, FinishedResult, Results
from custom_components.equiwatt.store import EquiwattStore
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope

from . import world
from .report import Table

METER = "sensor.meter_0"
METERS = 101
DAYS = 430
EQUIVENTS = 60
"""Number of equivents in the year before."""
KEPT_DAYS = 10
"""Days for which Home Assistant keeps rows of five minutes by default."""
TIMES = 30
POLLS = 10_000
HOUR = timedelta(hours=1)
JOBS = {
    "choose": f"when it is chosen, with {EQUIVENTS} equivents",
    "write": "when a figure changes",
    "measure": "at the start of an equivent, and each five minutes of it",
}
TITLE = f"Meter: {DAYS} days of statistics of {METERS} meters"


def rows(now: datetime, length: timedelta, days: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of all meters, in the order of their creation."""
    first = now - timedelta(days=days)
    for number in range(timedelta(days=days) // length):
        start = (first + number * length).timestamp()
        total = start / 3_600 * 0.35
        for meter in range(1, METERS + 1):
            yield {"metadata_id": meter, "start_ts": start, "created_ts": start, "sum": total}


def fill(hass: HomeAssistant, now: datetime) -> int:
    """Write the statistics and return the number of rows."""
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
    """Return a job's result and milliseconds: in total, and of the event loop."""
    busy, began = thread_time(), perf_counter()
    result = await job()
    return result, (perf_counter() - began) * 1_000, (thread_time() - busy) * 1_000


class Job:
    """The job of a meter in an equivent."""

    def __init__(self, hass: HomeAssistant, now: datetime) -> None:
        """Initialize an equivent of an hour."""
        self._hass = hass
        start = now - HOUR / 2
        self._window = Window(start=start, end=start + HOUR)

    async def measure(self) -> None:
        """Read two months, and check the estimate."""
        readings = await async_read(self._hass, [METER], self._window.start)
        found = estimate(self._window, (), readings, over=False)
        if found.days_used != found.days_wanted or found.saving is None:
            raise RuntimeError(f"This is no estimate: {found}")


async def rest(hass: HomeAssistant, now: datetime) -> float:
    """Return the microseconds of each poll at rest, and check that nothing is read."""
    start = now - 2 * HOUR
    past = (Equivent(start, start + HOUR),)
    result = Estimate(start=start, end=start + HOUR, days_wanted=10, final=True)
    polls: list[Callable[[], None]] = []

    def listen(poll: Callable[[], None]) -> Callable[[], None]:
        """Keep the listener of polls."""
        polls.append(poll)
        return polls.clear

    coordinator: Any = SimpleNamespace(
        hass=hass,
        config_entry=world.new_entry(world.new_provider()),
        data=Snapshot(past=past),
        clock=SimpleNamespace(now=lambda: now),
        async_add_listener=listen,
        async_update_listeners=lambda: None,
    )
    announcer: Any = SimpleNamespace(
        is_waiting=False,
        async_listen=lambda _: lambda: None,
        async_when_armed=lambda action: action(),
    )
    results = Results([FinishedResult(past[0], result)])
    store: Any = SimpleNamespace(results=results, result_of=results.of)
    Meter(coordinator, announcer, store).async_setup()
    began = thread_time()
    for _ in range(POLLS):
        polls[0]()
    took = thread_time() - began
    await hass.async_block_till_done(wait_background_tasks=True)
    return took / POLLS * 1_000_000


class Past:
    """Account with a year of equivents when its meter is chosen."""

    def __init__(self, hass: HomeAssistant, now: datetime) -> None:
        """Create an equivent of an hour every six days."""
        starts = [now - timedelta(days=3 + 6 * number, hours=5) for number in range(EQUIVENTS)]
        self._hass = hass
        self._past = tuple(Equivent(start, start + HOUR) for start in starts)
        entry = SimpleNamespace(
            options={"source": "sensors", "sensors": [METER]},
            entry_id=world.ENTRY_ID,
            title="equiwatt",
            async_on_unload=lambda _: None,
            async_create_background_task=self._create_task,
        )
        self._polls: list[Callable[[], None]] = []
        self._coordinator: Any = SimpleNamespace(
            hass=hass,
            config_entry=entry,
            data=Snapshot(past=self._past),
            clock=SimpleNamespace(now=lambda: now),
            plans=SimpleNamespace(kind_of=lambda _: None),
            async_add_listener=self._polls.append,
            async_update_listeners=self._poll,
        )
        self._meter: Any = SimpleNamespace(async_measure=lambda: None)
        self._tasks: list[asyncio.Task[None]] = []
        self._store = EquiwattStore(hass, world.ENTRY_ID)

    def _create_task(self, hass: HomeAssistant, job: Coroutine[Any, Any, None], name: str) -> None:
        """Create a background task that can be waited for."""
        self._tasks.append(hass.async_create_background_task(job, name))

    def _poll(self) -> None:
        """Notify the newest history."""
        self._polls[-1]()

    async def choose(self) -> None:
        """Measure all equivents and write the statistics."""
        self._store = EquiwattStore(self._hass, world.ENTRY_ID)
        history = History(self._coordinator, self._store, self._meter)
        history.async_start()
        await self._done()
        known = [result for result in self._store.results or () if result.counts]
        if len(known) != EQUIVENTS:
            raise RuntimeError(f"{len(known)} of {EQUIVENTS} were measured")

    async def write(self) -> None:
        """Write the statistics after a change in the last equivent."""
        newest = next(iter(self._store.results or ()))
        used = (newest.estimate.used or 0) + 0.1
        changed = replace(newest, estimate=replace(newest.estimate, used=used))
        self._store.async_keep_results(changed)
        self._poll()
        await self._done()

    async def _done(self) -> None:
        """Wait for all tasks."""
        while self._tasks:
            await self._tasks.pop()
        await get_instance(self._hass).async_block_till_done()


async def stalled(job: Callable[[], Awaitable[None]]) -> float:
    """Return the longest time in milliseconds for which a job blocked the event loop."""
    longest = 0.0

    async def watch() -> None:
        """Measure the delay of the event loop."""
        nonlocal longest
        while True:
            began = perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, perf_counter() - began - 0.001)

    watching = asyncio.create_task(watch())
    await job()
    watching.cancel()
    return longest * 1_000


@contextmanager
def counted(hass: HomeAssistant) -> Iterator[list[str]]:
    """Count the queries of a job."""
    from sqlalchemy import event  # noqa: PLC0415

    queries: list[str] = []

    def keep(*arguments: Any) -> None:
        """Record a query."""
        queries.append(arguments[2])

    engine = get_instance(hass).engine
    event.listen(engine, "before_cursor_execute", keep)
    yield queries
    event.remove(engine, "before_cursor_execute", keep)


async def costs(hass: HomeAssistant, now: datetime) -> dict[str, float]:
    """Measure each job in turn, and then the time at rest."""
    job, past = Job(hass, now), Past(hass, now)
    _, first, _ = await timed(job.measure)
    figures = {"meter_first_ms": first}
    jobs = ((past.choose, 5), (past.write, TIMES), (job.measure, TIMES))
    for name, (work, times) in zip(JOBS, jobs, strict=True):
        with counted(hass) as queries:
            await work()
            figures[f"meter_{name}_queries"] = len(queries)
        took = [await timed(work) for _ in range(times)]
        figures[f"meter_{name}_ms"] = median(done for _, done, _ in took)
        figures[f"meter_{name}_loop_ms"] = median(busy for _, _, busy in took)
    figures["meter_choose_stall_ms"] = await stalled(past.choose)
    return figures | {"meter_rest_us": await rest(hass, now)}


async def measure(_: asyncio.AbstractEventLoop) -> list[Table]:
    """Measure in a house with a recorder."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory() as folder:
        async with world.home(Path(folder), "recorder:\n") as hass:
            count = await get_instance(hass).async_add_executor_job(fill, hass, now)
            figures = await costs(hass, now)
    table = Table(TITLE, ["", "done after", "event loop", "queries"], figures=figures)
    for name, label in JOBS.items():
        done, busy = figures[f"meter_{name}_ms"], figures[f"meter_{name}_loop_ms"]
        queries = f"{figures[f'meter_{name}_queries']:.0f}"
        table.rows.append([label, f"{done:.1f} ms", f"{busy:.2f} ms", queries])
    idle = figures["meter_rest_us"]
    table.rows.append(["at rest, each poll", "", f"{idle / 1_000:.4f} ms", "0"])
    table.note = (
        f"{count:,} rows. The first read: {figures['meter_first_ms']:.0f} ms. While a meter is"
        f" chosen nothing else waits for longer than {figures['meter_choose_stall_ms']:.0f} ms."
    )
    return [table]
