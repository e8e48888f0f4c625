"""How soon an edge is seen without a webhook, by the schedule and by fixed polls.

By a clock of its own, so that it takes no time: the seconds from an edge to the next call.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from random import Random
from statistics import mean, median, quantiles

from custom_components.equiwatt.equivents import schedule

from .report import Table
from .service import LOG

PHASES = 200
DAY = 86_400
EDGES = [moment for event in LOG for moment in event.values() if moment]
"""The nineteen of the log: ten starts and nine ends, in Unix seconds."""
GOLDEN = 0.618034
"""Its multiples spread evenly, whatever the interval of a poll."""

type Delay = Callable[[float, float], float]
"""Seconds to the next call, from the time and the home's offset."""


@dataclass
class Waits:
    """How long edges were waited for."""

    median: float
    p95: float
    worst: float


def scheduled(now: float, offset: float) -> float:
    """Ask as the integration does."""
    return schedule.delay(datetime.fromtimestamp(now, UTC), False, offset)


def fixed(seconds: float) -> Delay:
    """Ask at a fixed interval."""
    return lambda _now, _offset: seconds


def calls(delay: Delay, begin: float, phase: int) -> Iterator[float]:
    """Yield when a home asks: one of many, each with a phase and an offset of its own."""
    offset = schedule.offset_of(f"home {phase}")
    now = begin + phase * GOLDEN % 1 * 300
    while True:
        yield now
        now += delay(now, offset)


def wait(delay: Delay, edge: float, phase: int) -> float:
    """Return the seconds from an edge until it is seen."""
    begin = edge - schedule.HALF_HOUR - 300
    return next(call for call in calls(delay, begin, phase) if call >= edge) - edge


def waits(delay: Delay, edges: list[float]) -> Waits:
    """Return how long edges are waited for, each in all phases."""
    seconds = [wait(delay, edge, phase) for edge in edges for phase in range(PHASES)]
    return Waits(median(seconds), quantiles(seconds, n=20)[-1], max(seconds))


def calls_per_day(delay: Delay) -> float:
    """Return how often homes ask in a day."""
    homes = (calls(delay, EDGES[0], phase) for phase in range(0, PHASES, 20))
    return mean(calls_within(DAY, home) for home in homes)


def calls_within(seconds: float, home: Iterator[float]) -> int:
    """Return how often a home asks from one call on."""
    begin = next(home)
    return 1 + sum(1 for _ in takewhile(lambda call: call < begin + seconds, home))


def any_times() -> list[float]:
    """Return as many edges at arbitrary times of a week; the same ones each time."""
    random = Random(19)  # noqa: S311 - nothing is to be kept secret
    return [EDGES[0] + random.uniform(0, 7 * DAY) for _ in EDGES]


def row(name: str, real: Waits, other: Waits, asked: float) -> list[str]:
    """Return a row of the table."""
    cells = [f"{one.median:.0f} / {one.p95:.0f} / {one.worst:.0f} s" for one in (real, other)]
    return [name, *cells, f"{asked:.0f}"]


async def measure(_: asyncio.AbstractEventLoop) -> list[Table]:
    """Count for the schedule and the fixed polls."""
    head = ["median / 95 % / worst", "the real edges", "at arbitrary times", "calls a day"]
    table = Table(f"Seeing an edge without a webhook, {len(EDGES)} edges, {PHASES} phases", head)
    ways: dict[str, tuple[str, Delay]] = {"": ("equiwatt's schedule", scheduled)}
    ways |= {f"poll_{n}_": (f"a poll every {n} s", fixed(n)) for n in (30, 60, 300)}
    for key, (name, delay) in ways.items():
        real, other = waits(delay, EDGES), waits(delay, any_times())
        asked = calls_per_day(delay)
        table.rows.append(row(name, real, other, asked))
        table.figures |= {
            f"{key}edge_median_s": real.median,
            f"{key}edge_p95_s": real.p95,
            f"{key}edge_worst_s": real.worst,
            f"{key}any_time_median_s": other.median,
            f"{key}any_time_p95_s": other.p95,
            f"{key}calls_per_day": asked,
        }
    return [table]
