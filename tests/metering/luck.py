"""Simulated homes whose use in the evenings varies as in real homes."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice
from math import exp, log, sqrt
from random import Random

from custom_components.equiwatt.equivents.model import Equivent
from custom_components.equiwatt.metering.days import is_working
from custom_components.equiwatt.metering.results import Estimate, FinishedResult, Results

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIRST = date(2026, 1, 5)
DAYS = 10


class Calendar:
    """Two equivents a week on working days, and the usual days of each."""

    def __init__(self, random: Random, equivents: int) -> None:
        """Draw the days of equivents, after four weeks without any."""
        self.equivents: list[date] = []
        for week in count(4):
            working = [day for n in range(7) if is_working(day := FIRST + (7 * week + n) * DAY)]
            self.equivents += sorted(random.sample(working, 2))
            if len(self.equivents) >= equivents:
                break
        del self.equivents[equivents:]
        self.days = [
            day
            for n in range((self.equivents[-1] - FIRST).days + 1)
            if is_working(day := FIRST + n * DAY)
        ]
        self.usual = {equivent: self._before(equivent) for equivent in self.equivents}

    def _before(self, equivent: date) -> list[date]:
        """Return the usual days of an equivent."""
        days = (day for day in reversed(self.days) if day < equivent)
        return list(islice((day for day in days if day not in self.equivents), DAYS))


def home(random: Random, calendar: Calendar, deviation: float, cut: float = 0) -> Results:
    """Return the results of a home whose use is log-normal, with a mean of one.

    Its standard deviation is a share of that; in equivents it uses less by a share.
    """
    sigma = sqrt(log(1 + deviation**2))
    used = {day: exp(random.gauss(-(sigma**2) / 2, sigma)) for day in calendar.days}
    results = []
    for day in reversed(calendar.equivents):
        start = datetime.combine(day, time(17), UTC)
        days = {usual.isoformat(): used[usual] for usual in calendar.usual[day]}
        use = used[day] * (1 - cut)
        estimate = Estimate(
            start=start,
            end=start + HOUR,
            days=days,
            days_wanted=DAYS,
            used=use,
            final=True,
            measured_until=start + HOUR,
        )
        results.append(FinishedResult(Equivent(start, start + HOUR), estimate))
    return Results(results)
