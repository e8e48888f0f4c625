"""Errors of methods for the usual use, in a year of simulated homes.

The homes follow the constants below and a fixed random seed. In some of their evenings an hour is
taken in which nothing was changed, and each method's estimate from the days before is compared
with the use. The habits are chosen so that the errors are about those found in 14 real homes of
London, Sydney and France.

Run this after a change of how the usual use is estimated.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from math import exp, sqrt
from random import Random
from statistics import fmean, median

from custom_components.equiwatt.metering.baseline import Readings, Window, usual_days
from custom_components.equiwatt.metering.days import LONDON, is_working, similar_days

from .report import Table

HOMES = 40
FIRST_DAY = date(2025, 9, 1)
DAYS = 365
LOOK_BACK = 62
"""Days before the first evening that counts."""
SLOTS = tuple(range(28, 44))
"""Simulated half hours of a day, from 14:00 to 22:00."""
STARTS = (32, 33, 34, 35, 36, 37, 38)
"""Half hours in which an equivent may begin, from 16:00 to 19:00."""
DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)

AT_HOME = {True: (0.8, 1.0), False: (0.6, 0.9)}
"""Range of the share of evenings at home, by type of day."""
HOME_FROM, HOW_EARLY = (26.0, 34.0), 3.0
"""Mean half hour of coming home, and its daily deviation."""
STANDING = (0.04, 0.15)
"""Base load, in kWh per half hour."""
AWAKE = (0.03, 0.12)
"""Light and screens of those who are in."""
MEAL, COOKS = (0.4, 1.6), (0.4, 0.9)
"""Energy of a meal in kWh of about an hour, and its probability on an evening at home."""
TEATIME, PUNCTUAL = (34.0, 40.0), (1.0, 3.0)
"""Mean half hour of cooking, and its daily deviation."""
SHORT, TIMES = (0.3, 1.2), (0.5, 3.0)
"""Energy of a shower, an iron or a heater, and their number in an evening."""
MACHINE, WASHES = (0.8, 2.2), (0.2, 0.8)
"""Energy of a washing machine with its dryer, and the share of days on which they run."""
HEATING, HEATS = (0.1, 0.5), 0.3
"""Power of electric heating on the coldest evenings, and the share of homes with it."""
CLUB = 0.4
"""Share of homes with a weekday on which people are out."""
WEATHER = 0.8
"""Correlation of the weather with that of the day before."""
FAIR = 0.1
"""Largest bias of a method in the comparison, as homes of each year differ by so much."""
ONCE_IN = 3
"""Interval in days between the evaluated days."""


class Home:
    """Home with random habits."""

    def __init__(self, number: int) -> None:
        """Draw the habits."""
        self._random = random = Random(number)  # noqa: S311 - it keeps no secret
        self._in = {working: random.uniform(*often) for working, often in AT_HOME.items()}
        self._comes, self._teatime = random.uniform(*HOME_FROM), random.uniform(*TEATIME)
        self._standing, self._awake = random.uniform(*STANDING), random.uniform(*AWAKE)
        self._cooks, self._meal = random.uniform(*COOKS), random.uniform(*MEAL)
        self._punctual, self._times = random.uniform(*PUNCTUAL), random.uniform(*TIMES)
        self._machine, self._washes = random.uniform(*MACHINE), random.uniform(*WASHES)
        self._heating = random.uniform(*HEATING) if random.random() < HEATS else 0.0
        self._club = random.randrange(5) if random.random() < CLUB else None
        self.lived: dict[date, list[float]] = {}

    def live(self, day: date, cold: float) -> None:
        """Simulate a day with a coldness from 0 to 1."""
        random = self._random
        used = [self._standing * random.uniform(0.5, 1.5) for _ in SLOTS]
        if random.random() < self._in[is_working(day)] and day.weekday() != self._club:
            comes = random.gauss(self._comes, HOW_EARLY)
            self._run(used, comes, 16, 16 * (self._awake + self._heating * cold))
            if random.random() < self._cooks:
                begins = max(comes, random.gauss(self._teatime, self._punctual))
                self._run(used, begins, 2, self._meal * random.uniform(0.5, 1.5))
            while random.random() < self._times / (1 + self._times):
                self._run(used, random.uniform(comes, comes + 16), 1, random.uniform(*SHORT))
        if random.random() < self._washes:
            self._run(used, random.uniform(SLOTS[0] - 6, SLOTS[-1]), 3, self._machine)
        self.lived[day] = used

    @staticmethod
    def _run(used: list[float], begins: float, takes: float, kwh: float) -> None:
        """Add the use of a device over some half hours."""
        for index, slot in enumerate(SLOTS):
            share = min(slot + 1, begins + takes) - max(slot, begins)
            used[index] += kwh * max(share, 0) / takes

    @cached_property
    def readings(self) -> Readings:
        """Return the meter's readings at the simulated half hours."""
        kwh: dict[float, float] = {}
        total = 0.0
        for day, used in self.lived.items():
            kwh[moment(day, SLOTS[0]).timestamp()] = total
            for slot, energy in zip(SLOTS, used, strict=True):
                kwh[moment(day, slot + 1).timestamp()] = total = total + energy
        return Readings(five_minutes=kwh)


@dataclass(frozen=True)
class Evening:
    """An hour of a home in which nothing was changed."""

    home: Home
    window: Window
    day: date
    first: int
    """Index of the first of its two half hours among those simulated."""
    days: Sequence[date]
    """Comparable days, the most recent first."""

    def used(self, day: date, before: int = 0, after: int = 0) -> float:
        """Return the use on a day in the same hour, or in more half hours around it."""
        return sum(self.home.lived[day][self.first - before : self.first + 2 + after])


def moment(day: date, slot: int) -> datetime:
    """Return the start of a half hour of a day in London."""
    local = datetime.combine(day, time(slot // 2, slot % 2 * 30), LONDON)
    return local.astimezone(UTC)


def mean_of(count: int) -> Callable[[Evening], float]:
    """Return the method of a plain mean over some days."""
    return lambda evening: fmean(evening.used(day) for day in evening.days[:count])


def ours(evening: Evening) -> float:
    """Return the integration's usual use."""
    return fmean(map(sum, usual_days(evening.window, (), [evening.home.readings]).values()))


def smoothed(evening: Evening) -> float:
    """Return the mean of ten days over two hours around the hour."""
    return fmean(evening.used(day, 1, 1) / 2 for day in evening.days[:10])


def same_weekday(evening: Evening) -> float:
    """Return the mean of the last four of the same weekday."""
    days = [day for day in evening.days if day.weekday() == evening.day.weekday()]
    return fmean(evening.used(day) for day in days[:4])


def adjusted(evening: Evening) -> float:
    """Return the mean of ten days, scaled by the two hours before."""

    def before(day: date) -> float:
        """Return the use in the two hours before."""
        return evening.used(day, 4) - evening.used(day)

    usual = fmean(before(day) for day in evening.days[:10])
    return mean_of(10)(evening) * min(max(before(evening.day) / usual, 0.25), 4)


def highest(evening: Evening) -> float:
    """Return the mean of the five highest of ten days."""
    return fmean(sorted(evening.used(day) for day in evening.days[:10])[-5:])


def middle(evening: Evening) -> float:
    """Return the median of ten days."""
    return median(evening.used(day) for day in evening.days[:10])


METHODS: Mapping[bool, Mapping[str, Callable[[Evening], float]]] = {
    True: {
        "ours": ours,
        "mean of 10": mean_of(10),
        "smoothed by half an hour": smoothed,
        "mean of 20": mean_of(20),
        "mean of 5": mean_of(5),
        "same weekday, four": same_weekday,
        "adjusted by the two hours before": adjusted,
        "five highest of ten": highest,
        "median of 10": middle,
    },
    False: {"ours": ours, "mean of 8": mean_of(8), "mean of 4": mean_of(4), "median of 8": middle},
}


def homes() -> list[Home]:
    """Return homes with a year of the same weather."""
    found = [Home(number) for number in range(HOMES)]
    random, weather = Random(DAYS), 0.0  # noqa: S311 - it keeps no secret
    for number in range(DAYS):
        day = FIRST_DAY + number * DAY
        weather = WEATHER * weather + sqrt(1 - WEATHER**2) * random.gauss()
        season = abs((day - date(day.year, 7, 15)).days) / 180
        for home in found:
            home.live(day, 1 / (1 + exp(4 - 5 * season - weather)))
    return found


def evenings(home: Home) -> list[Evening]:
    """Return the evaluated hours of a home."""
    random = Random(HOMES)  # noqa: S311 - it keeps no secret
    found = []
    for number in range(LOOK_BACK, DAYS, ONCE_IN):
        day, slot = FIRST_DAY + number * DAY, random.choice(STARTS)
        start = moment(day, slot)
        window = Window(start=start, end=start + 2 * HALF_HOUR)
        days = similar_days(window.start, window.end, ())
        found.append(Evening(home, window, day, slot - SLOTS[0], days))
    return found


@dataclass
class Errors:
    """Errors of a method, as shares of each home's mean use."""

    mean: float
    square: float
    bias: float


def errors(method: Callable[[Evening], float], by_home: Sequence[Sequence[Evening]]) -> Errors:
    """Return the errors of a method."""
    shares: list[list[float]] = []
    for found in by_home:
        used = [evening.used(evening.day) for evening in found]
        mean = fmean(used)
        shares.append(
            [(method(evening) - real) / mean for evening, real in zip(found, used, strict=True)]
        )
    return Errors(
        mean=fmean(fmean(map(abs, home)) for home in shares),
        square=fmean(sqrt(fmean(share**2 for share in home)) for home in shares),
        bias=fmean(map(fmean, shares)),
    )


def tables() -> list[Table]:
    """Return a table of the methods for working days, and one for the others."""
    by_home = [evenings(home) for home in homes()]
    return [table(by_home, working=working) for working in METHODS]


def table(by_home: Sequence[Sequence[Evening]], *, working: bool) -> Table:
    """Return the table of one type of day."""
    days = [[evening for evening in home if is_working(evening.day) is working] for home in by_home]
    found = {name: errors(method, days) for name, method in METHODS[working].items()}
    which = "working" if working else "other"
    fair = [each.square for each in found.values() if abs(each.bias) < FAIR]
    return Table(
        f"Usual use on {which} days: {sum(map(len, days)):,} hours of {HOMES} made-up homes",
        [f"method, {which} days", "mean error", "root mean square", "bias"],
        [
            [name, f"{each.mean:.3f}", f"{each.square:.3f}", f"{100 * each.bias:+.0f} %"]
            for name, each in found.items()
        ],
        {
            f"usual_{which}_square": found["ours"].square,
            f"usual_{which}_ratio": found["ours"].square / min(fair),
        },
        "In shares of each home's mean use. The ratio is that to the best method without a bias.",
    )


async def measure(_: asyncio.AbstractEventLoop) -> list[Table]:
    """Measure the methods."""
    return tables()
