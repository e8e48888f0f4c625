"""Costs of parsing an answer, and of the calendar's query for a month."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
import gc
from statistics import median
from sys import monitoring
from time import perf_counter
from types import SimpleNamespace
from typing import Any

from custom_components.equiwatt.calendar import EQUIVENTS, EquiwattCalendar
from custom_components.equiwatt.equivents.answer import parse
from custom_components.equiwatt.equivents.model import Equivent, Kind
from custom_components.equiwatt.equivents.planned import Plans
from custom_components.equiwatt.equivents.snapshot import Snapshot
from custom_components.equiwatt.metering.results import Estimate, FinishedResult, Results
from tests.fakes.provider import answer_of, event_of

from .report import Table, spread

SIZES = (10, 100, 1_000, 10_000)
ROUNDS = 15
TOOL = 4
STORED = 2_000
FIRST = datetime(2006, 1, 1, 18, tzinfo=UTC)
TWICE_A_WEEK = timedelta(days=3.5)
HOUR = timedelta(hours=1)
MEASURED = Estimate(
    start=FIRST,
    end=FIRST + HOUR,
    days={(FIRST - timedelta(days=n)).date().isoformat(): 0.9 for n in range(1, 11)},
    days_wanted=10,
    used=0.4,
    measured_until=FIRST + HOUR,
)


def answer(events: int) -> dict[str, Any]:
    """Return an answer with some past events, newest first."""
    starts = (FIRST + number * 2 * HOUR for number in reversed(range(events)))
    return answer_of(None, *(event_of(start, start + HOUR) for start in starts))


def calendar(stored: int = STORED) -> EquiwattCalendar:
    """Return a calendar of some stored equivents with savings."""
    starts = [FIRST + number * TWICE_A_WEEK for number in reversed(range(stored))]
    past = tuple(Equivent(start, start + HOUR) for start in starts)
    entry = SimpleNamespace(entry_id="benchmark", title="equiwatt")
    kinds = tuple((equivent, Kind.POWER_DOWN) for equivent in reversed(past))
    coordinator: Any = SimpleNamespace(
        data=Snapshot(past=past),
        plans=Plans(kinds=kinds),
        clock=SimpleNamespace(now=lambda: FIRST),
        config_entry=entry,
    )
    results = Results(FinishedResult(equivent, MEASURED) for equivent in past)
    store: Any = SimpleNamespace(results=results, result_of=results.of)
    data: Any = SimpleNamespace(coordinator=coordinator, store=store)
    return EquiwattCalendar(data, EQUIVENTS)


def month(calendar: EquiwattCalendar) -> int:
    """Query the month in the middle of the stored data, and return its number of equivents."""
    begin = FIRST + STORED / 2 * TWICE_A_WEEK
    hass: Any = None
    query = calendar.async_get_events(hass, begin, begin + timedelta(days=30))
    try:
        query.send(None)  # it waits for nothing
    except StopIteration as answered:
        return len(answered.value)
    raise RuntimeError("The calendar waits")


def steps(work: Callable[[], object]) -> int:
    """Return the number of instructions of Python.

    That grows as the time does, but is the same on any machine however busy it is.
    """
    count = 0

    def note(_code: object, _offset: int) -> None:
        """Count an instruction."""
        nonlocal count
        count += 1

    instruction = monitoring.events.INSTRUCTION
    monitoring.use_tool_id(TOOL, __name__)
    monitoring.register_callback(TOOL, instruction, note)
    monitoring.set_events(TOOL, instruction)
    try:
        work()
    finally:
        monitoring.set_events(TOOL, monitoring.events.NO_EVENTS)
        monitoring.free_tool_id(TOOL)
    return count


def seconds(work: Callable[[], object], times: int) -> float:
    """Return the seconds of a function, run several times."""
    began = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - began) / times


def reading_times() -> dict[int, list[float]]:
    """Return the microseconds for each event, for several sizes of answers."""
    answers = {size: answer(size) for size in SIZES}
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    gc.collect()
    for _ in range(ROUNDS):
        for size, body in answers.items():
            took = seconds(partial(parse, body), max(1, SIZES[-1] // size))
            times[size].append(took / size * 1e6)
    return times


def month_times() -> list[float]:
    """Return the milliseconds of a query for a month."""
    stored = calendar()
    return [seconds(lambda: month(stored), 10) * 1_000 for _ in range(ROUNDS)]


async def measure(_: asyncio.AbstractEventLoop) -> list[Table]:
    """Measure both."""
    times = reading_times()
    middle = {size: median(values) for size, values in times.items()}
    table = Table("Reading", ["", "median", "5 % to 95 %"])
    for size in SIZES:
        name = f"an event of an answer with {size:,}"
        table.rows.append([name, f"{middle[size]:.2f} µs", spread(times[size], "µs")])
        table.figures[f"parse_{size}_us_per_event"] = middle[size]
    table.figures["parse_growth"] = max(middle[size] for size in SIZES[2:]) / middle[100]
    asked = month_times()
    table.figures["calendar_month_ms"] = median(asked)
    name = f"a month of a calendar with {STORED:,}"
    table.rows.append([name, f"{median(asked):.2f} ms", spread(asked, "ms")])
    growth = table.figures["parse_growth"]
    table.note = f"The time for each event grows by {growth:.2f} from 100 events to 10,000."
    return [table]
