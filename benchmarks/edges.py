"""Interval of edges without a webhook, for the schedule and for fixed polls.

The delay is the time from an edge to the next call, in a simulated time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from random import Random
from statistics import mean, median, quantiles

from custom_components.equiwatt.equivents import schedule
from tests.fakes.provider import LOG

from .report import Table

PHASES = 200
DAY = 86_400
EDGES = [moment for event in LOG for moment in event.values() if moment]
"""The nineteen edges of the log: ten starts and nine ends, in Unix seconds."""
MOMENTS = 300
"""Number of edges at random times by day, each in fewer phases."""
DAY_PHASES = 50
LATE = [event["start_time"] % int(schedule.HALF_HOUR) for event in LOG]
"""Seconds of the ten starts after their announced half hours."""
ODD_TIME = 5_000
"""Seconds from the beginning of a day to a planned start far from any window."""
HOMES = 100_000
WINDOW = int(schedule.CLOSES - schedule.OPENS)
SEEN = "Real edges seen within so many seconds, without a webhook"
GOLDEN, PLASTIC = 0.618034, 0.754878
"""Factors whose multiples spread evenly for any polling interval, and together in the plane."""

type Interval = Callable[[float, float], float]
"""Return the seconds to the next call, from the time and the home's offset."""


@dataclass
class Delays:
    """Delays of edges."""

    seconds: list[float]

    @property
    def median(self) -> float:
        """Return the median delay in seconds."""
        return median(self.seconds)

    @property
    def p95(self) -> float:
        """Return the 95th percentile of the delays in seconds."""
        return quantiles(self.seconds, n=20)[-1]

    @property
    def worst(self) -> float:
        """Return the longest delay in seconds."""
        return max(self.seconds)

    def share(self, seconds: float) -> float:
        """Return the share of edges seen within some seconds."""
        return mean(delay <= seconds for delay in self.seconds)


def scheduled(now: float, offset: float) -> float:
    """Return the integration's next call."""
    return schedule.delay(datetime.fromtimestamp(now, UTC), False, offset)


def planned(start: float) -> Interval:
    """Return the integration's next call with a planned start."""
    starts = [datetime.fromtimestamp(start, UTC)]
    return lambda now, offset: schedule.delay(
        datetime.fromtimestamp(now, UTC), False, offset, planned=starts
    )


def fixed(seconds: float) -> Interval:
    """Return the next call of a fixed interval."""
    return lambda _now, _offset: seconds


def calls(interval: Interval, begin: float, phase: int) -> Iterator[float]:
    """Yield the calls of a home, one of many with phases and offsets of their own."""
    offset = schedule.offset_of(f"home {phase}")
    now = begin + phase * GOLDEN % 1 * 300
    while True:
        yield now
        now += interval(now, offset)


def delay_of(interval: Interval, edge: float, phase: int) -> float:
    """Return the seconds from an edge to the next call."""
    begin = edge - schedule.HALF_HOUR - 300
    return next(call for call in calls(interval, begin, phase) if call >= edge) - edge


def delays_of(interval: Interval, edges: list[float]) -> Delays:
    """Return the delays of edges, each in all phases."""
    return Delays([delay_of(interval, edge, phase) for edge in edges for phase in range(PHASES)])


def seen_table(ways: dict[str, Delays]) -> Table:
    """Return the share of edges seen within each number of seconds."""
    table = Table(SEEN, ["seconds", *ways])
    for second in range(31):
        shares = (f"{delays.share(second):.1%}" for delays in ways.values())
        table.rows.append([str(second), *shares])
    return table


def calls_per_day(interval: Interval) -> float:
    """Return the number of calls in a day."""
    homes = (calls(interval, EDGES[0], phase) for phase in range(0, PHASES, 20))
    return mean(calls_within(DAY, home) for home in homes)


def calls_within(seconds: float, home: Iterator[float]) -> int:
    """Return the number of calls in some time after a first one."""
    begin = next(home)
    return 1 + sum(1 for _ in takewhile(lambda call: call < begin + seconds, home))


def any_times() -> list[float]:
    """Return edges at arbitrary times of a week, the same ones in each run."""
    random = Random(19)  # noqa: S311 - nothing is to be kept secret
    return [EDGES[0] + random.uniform(0, 7 * DAY) for _ in EDGES]


def moments_by_day() -> list[float]:
    """Return edges at random times from 07 to 21 UTC, the same ones in each run."""
    random = Random(7)  # noqa: S311 - nothing is to be kept secret
    seven = EDGES[0] // DAY * DAY + 7 * 3600
    return [seven + random.uniform(0, 14 * 3600) for _ in range(MOMENTS)]


def delays_by_day(interval: Interval) -> Delays:
    """Return the delays of edges at any time by day.

    Each edge moves through half a minute from phase to phase: the windows bring all homes into
    step, so that another phase of the home alone makes little difference.
    """
    seconds = [
        delay_of(interval, edge + phase * PLASTIC % 1 * 30, phase)
        for edge in moments_by_day()
        for phase in range(DAY_PHASES)
    ]
    return Delays(seconds)


def delays_of_planned() -> Delays:
    """Return the delays of planned starts, to the minute, at any time by day."""
    seconds = []
    for number, moment in enumerate(moments_by_day()):
        plan = moment // 60 * 60
        edge = plan + LATE[number % len(LATE)]
        seconds += [delay_of(planned(plan), edge, phase) for phase in range(DAY_PHASES)]
    return Delays(seconds)


def planned_table() -> Table:
    """Return the delays of planned starts, and their extra calls in a day."""
    found = delays_of_planned()
    usual, asked = calls_per_day(scheduled), calls_per_day(planned(EDGES[0] // 60 * 60 + ODD_TIME))
    cells = [f"{found.median:.1f} / {found.p95:.1f} / {found.worst:.1f} s", f"{asked - usual:.0f}"]
    return Table(
        f"Seeing a planned start at any time by day, {MOMENTS} starts, {DAY_PHASES} phases",
        ["", "median / 95 % / worst", "calls more a day"],
        [["equiwatt's schedule", *cells]],
        {
            "planned_edge_median_s": found.median,
            "planned_edge_p95_s": found.p95,
            "planned_calls_more": asked - usual,
        },
    )


def fleet_peak_ratio() -> float:
    """Return the ratio of calls in the busiest second of a window to its mean.

    The homes come into the window in any phase, as after half an hour of calls that take a while.
    """
    opening = EDGES[0] // schedule.HALF_HOUR * schedule.HALF_HOUR + schedule.OPENS
    seconds: Counter[int] = Counter()
    for home in range(HOMES):
        for call in calls(scheduled, opening - 300, home):
            if call >= opening + WINDOW:
                break
            seconds[int(call - opening)] += call >= opening
    return max(seconds.values()) / (seconds.total() / WINDOW)


def row(name: str, real: Delays, by_day: Delays, other: Delays, asked: float) -> list[str]:
    """Return a row of the table."""
    each = (real, by_day, other)
    cells = [f"{delays.median:.0f} / {delays.p95:.0f} / {delays.worst:.0f} s" for delays in each]
    return [name, *cells, f"{asked:.0f}"]


async def measure(_: asyncio.AbstractEventLoop) -> list[Table]:
    """Measure the schedule and the fixed polls."""
    head = ["median / 95 % / worst", "the real edges", "by day", "at any time", "calls a day"]
    table = Table(f"Seeing an edge without a webhook, {len(EDGES)} edges, {PHASES} phases", head)
    ways: dict[str, tuple[str, Interval]] = {"": ("equiwatt's schedule", scheduled)}
    ways |= {f"poll_{n}_": (f"a poll every {n} s", fixed(n)) for n in (30, 60, 300)}
    seen: dict[str, Delays] = {}
    for key, (name, interval) in ways.items():
        real, by_day, other = (
            delays_of(interval, EDGES),
            delays_by_day(interval),
            delays_of(interval, any_times()),
        )
        asked = calls_per_day(interval)
        if key in {"", "poll_30_"}:
            seen[name] = real
        table.rows.append(row(name, real, by_day, other, asked))
        table.figures |= {
            f"{key}edge_median_s": real.median,
            f"{key}edge_p95_s": real.p95,
            f"{key}edge_worst_s": real.worst,
            f"{key}day_edge_median_s": by_day.median,
            f"{key}day_edge_p95_s": by_day.p95,
            f"{key}any_time_median_s": other.median,
            f"{key}any_time_p95_s": other.p95,
            f"{key}calls_per_day": asked,
        }
    for name in ("day_edge_median", "day_edge_p95"):
        ratio = table.figures[f"{name}_s"] / table.figures[f"poll_30_{name}_s"]
        table.figures[f"{name}_ratio"] = ratio
    table.figures["fleet_peak_ratio"] = fleet_peak_ratio()
    return [table, planned_table(), seen_table(seen)]
