"""Estimates and results of equivents, and their total."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from functools import cached_property
from itertools import repeat
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from ..const import DECIMALS
from ..equivents.model import SAME, Equivent, Kind
from ..equivents.snapshot import MAX_EQUIVENTS
from .days import LONDON, is_working

ROUNDING_ERROR = 1e-6
"""Difference in kWh up to which energies are equal, as binary fractions are inexact."""
MIN_DAYS = 3
"""Number of similar days that an average requires."""
MIN_EQUIVENTS = 4
"""Number of equivents that a verdict requires."""
MIN_EQUIVENTS_SPREAD = 2
"""Number of equivents that the spread of their sum requires."""
ONCE_IN_TWENTY = 1.645
"""Standard deviations that a normal mean exceeds on one side by luck once in twenty times."""
FOUR_IN_FIVE = 1.3
"""Standard deviations within which a sum lies in 80 of 100 cases: 1.28, and more for few days."""
LATEST = 5
"""Number of results in the total's attributes."""
LABEL = (
    "Estimate from your own meter: what your home used on recent similar days. "
    "equiwatt works out its own forecast and points; the figures will differ."
)


def rounded(energy: float | None) -> float | None:
    """Return an energy as shown, without a negative zero."""
    return None if energy is None else round(energy, DECIMALS) + 0.0


class Reason(StrEnum):
    """Reason why a figure is not known."""

    LEARNING = "learning"
    METER_GAP = "meter_gap"
    WAITING_FOR_METER = "waiting_for_meter"
    METER_TOO_SLOW = "meter_too_slow"
    NO_STATISTICS = "no_statistics"
    CLOCK_WRONG = "clock_wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfHour:
    """Usual use, and use so far, in a half hour of a window."""

    start: datetime
    usual: float | None = None
    used: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Estimate for an equivent, in unrounded kWh."""

    start: datetime
    end: datetime
    half_hours: tuple[HalfHour, ...] = ()
    days: Mapping[str, float] = field(default_factory=dict)
    """Use on each usual day by its ISO date, most recent first."""
    days_so_far: tuple[float, ...] = ()
    """Use on each usual day until the newest reading, empty once that is the end's."""
    days_wanted: int
    used: float | None = None
    """Use until the newest reading."""
    approximate: bool = False
    final: bool = False
    measured_until: datetime | None = None
    reason: Reason | None = None

    @property
    def usual(self) -> float | None:
        """Usual use in the whole window."""
        return fmean(self.days.values()) if len(self.days) >= MIN_DAYS else None

    @property
    def so_far(self) -> float | None:
        """Usual use until the newest reading."""
        is_known = self.usual is not None and self.measured_until is not None
        return fmean(self._measured_days) if is_known else None

    @property
    def lower_than(self) -> int | None:
        """Number of usual days with more use until the newest reading."""
        if self.saving is None or self.used is None or self.measured_until == self.start:
            return None
        return days_above(self._measured_days, self.used)

    @property
    def _measured_days(self) -> Collection[float]:
        """Use on each usual day until the newest reading."""
        return self.days_so_far or self.days.values()

    @property
    def saving(self) -> float | None:
        """Usual use so far minus the use; negative if more was used."""
        return None if self.so_far is None or self.used is None else self.so_far - self.used

    @property
    def days_used(self) -> int:
        """Number of usual days."""
        return len(self.days)

    @property
    def lowest_day(self) -> float | None:
        """Lowest use on a usual day."""
        return None if self.usual is None else min(self.days.values())

    @property
    def highest_day(self) -> float | None:
        """Highest use on a usual day."""
        return None if self.usual is None else max(self.days.values())

    @property
    def compared(self) -> str | None:
        """Difference from usual in words, neutral as a powerUP rewards more use."""
        if self.saving is None:
            return None
        saving = round(self.saving, DECIMALS)
        return f"{abs(saving):.2f} kWh {_word(saving)} than usual" if saving else "as much as usual"

    @property
    def in_words(self) -> str | None:
        """Difference from usual and the number of usual days exceeded, in words."""
        if self.saving is None or self.used is None:
            return None
        days, word = self.days.values(), _word(round(self.saving, DECIMALS))
        count = (days_above if word == "less" else _days_below)(days, self.used)
        return f"{self.compared}; {word} than on {count} of your {len(days)} usual days"

    @property
    def description(self) -> str | None:
        """Description in the calendar, None if the use is unknown."""
        if self.used is None:
            return None
        words = self.in_words
        more = f", {words}." if words else ". There are not enough similar days to compare it with."
        return f"Used {rounded(self.used):.2f} kWh{more}\n\n{LABEL}"

    def as_shown(self) -> dict[str, Any]:
        """Return the sensors' attributes, times as the event entity has them."""
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "half_hours": [
                {
                    "start": half_hour.start.isoformat(),
                    "usual": rounded(half_hour.usual),
                    "used": rounded(half_hour.used),
                }
                for half_hour in self.half_hours
            ],
            "days_used": self.days_used,
            "days_wanted": self.days_wanted,
            "lowest_day": rounded(self.lowest_day),
            "highest_day": rounded(self.highest_day),
            "lower_than": self.lower_than,
            "so_far": rounded(self.so_far),
            "approximate": self.approximate,
            "final": self.final,
            "measured_until": self.measured_until and self.measured_until.isoformat(),
            "reason": self.reason and self.reason.value,
        }


@dataclass(frozen=True, slots=True)
class FinishedResult:
    """Final estimate for a finished equivent."""

    equivent: Equivent
    estimate: Estimate
    kind: Kind | None = None

    @property
    def counts(self) -> bool:
        """Return True if the result is part of the total, where a powerUP would count as a loss."""
        return self.estimate.saving is not None and self.kind != Kind.POWER_UP

    def as_shown(self) -> dict[str, Any]:
        """Return the figures in the total's attributes."""
        return {
            "start": self.equivent.start.isoformat(),
            "usual": rounded(self.estimate.usual),
            "used": rounded(self.estimate.used),
            "saving": rounded(self.estimate.saving),
            "lower_than": self.estimate.lower_than,
            "days_used": self.estimate.days_used,
        }


class Verdict(StrEnum):
    """Verdict on a total: a difference that luck alone does not explain."""

    TOO_EARLY = "too_early"
    LESS = "less"
    MORE = "more"
    NO_DIFFERENCE = "no_difference"


class Results(tuple[FinishedResult, ...]):  # noqa: SLOT001 - it caches what it adds up
    """Results of an account, latest equivent first, and their total."""

    def of(self, equivent: Equivent) -> FinishedResult | None:
        """Return the result of an equivent, even if its times have been corrected since."""
        first = bisect_left(self, -(equivent.start + SAME).timestamp(), key=_age)
        last = bisect_right(self, -(equivent.start - SAME).timestamp(), key=_age)
        return next(
            (result for result in self[first:last] if result.equivent.same_as(equivent)), None
        )

    def with_result(self, new: FinishedResult) -> Results:
        """Add a result, replacing the earlier result of the same equivent."""
        return _newest(
            (*(result for result in self if not result.equivent.same_as(new.equivent)), new)
        )

    @cached_property
    def counted(self) -> tuple[FinishedResult, ...]:
        """Results that are part of the total."""
        return tuple(result for result in self if result.counts)

    @property
    def saving(self) -> float | None:
        """Sum of all savings that count, None without any."""
        return sum(result.estimate.saving or 0 for result in self.counted) if self.counted else None

    @property
    def since(self) -> datetime | None:
        """Start of the first equivent that counts."""
        return self.counted[-1].equivent.start if self.counted else None

    @cached_property
    def spread(self) -> float | None:
        """Margin within which luck alone moves the saving in 80 of 100 cases.

        The use in an equivent and on its n usual days varies as that of all days in the same hours.
        """
        estimates = [result.estimate for result in self.counted]
        if len(estimates) < MIN_EQUIVENTS_SPREAD:
            return None
        uses: dict[tuple[time, bool], dict[str, float]] = defaultdict(dict)
        for each in estimates:
            uses[_hours(each)] |= {**each.days, each.start.date().isoformat(): each.used or 0.0}
        by_hours = {hours: stdev(days.values()) for hours, days in uses.items()}
        deviations = [by_hours[_hours(each)] for each in estimates]
        variance = sum(deviation**2 for deviation in deviations)
        return FOUR_IN_FIVE * sqrt(variance + _variance_of_days(estimates, deviations))

    @cached_property
    def verdict(self) -> Verdict:
        """Verdict by the mean rank of the equivents among their usual days.

        If nothing has changed, each rank is equally likely, whatever the home's habits: the share
        of n usual days with more use has a mean of 1/2 and a variance of (n + 2) / 12n. The sum is
        approximately normal, and must exceed what luck alone reaches once in twenty times.
        """
        estimates = [result.estimate for result in self.counted]
        if len(estimates) < MIN_EQUIVENTS:
            return Verdict.TOO_EARLY
        excess = sum(map(_excess_rank, estimates))
        of_days = _variance_of_days(estimates, repeat(1))
        variance = (sum(1 + 1 / len(each.days) for each in estimates) + of_days) / 12
        step = 1 / max(len(each.days) for each in estimates)
        if abs(excess) - step / 2 <= ONCE_IN_TWENTY * sqrt(variance):
            return Verdict.NO_DIFFERENCE
        return Verdict.LESS if excess > 0 else Verdict.MORE

    def as_shown(self) -> dict[str, Any]:
        """Return the attributes of the total: its spread, the verdict and the latest results."""
        return {
            "equivents": len(self.counted),
            "since": self.since and self.since.isoformat(),
            "spread": rounded(self.spread),
            "verdict": self.verdict.value,
            "latest": [result.as_shown() for result in self.counted[:LATEST]],
        }


def _variance_of_days(estimates: Iterable[Estimate], weights: Iterable[float]) -> float:
    """Return the variance that usual days add to a sum, in which equivents share some of them.

    Each day is one n-th of its equivent's average.
    """
    days: defaultdict[str, float] = defaultdict(float)
    for each, weight in zip(estimates, weights, strict=False):
        for day in each.days:
            days[day] += weight / len(each.days)
    return sum(weight**2 for weight in days.values())


def _excess_rank(estimate: Estimate) -> float:
    """Return by how much the share of usual days with more use exceeds a half.

    A day with equal use counts half.
    """
    days, used = estimate.days.values(), estimate.used or 0.0
    return (days_above(days, used) - _days_below(days, used)) / (2 * len(days))


def _hours(estimate: Estimate) -> tuple[time, bool]:
    """Return the time and the type of day, by which days are comparable."""
    local = estimate.start.astimezone(LONDON)
    return local.time(), is_working(local.date())


def _word(saving: float) -> str:
    """Return "more" or "less" for a saving."""
    return "more" if saving < 0 else "less"


def days_above(days: Iterable[float], used: float) -> int:
    """Return the number of days with more use."""
    return sum(day - used > ROUNDING_ERROR for day in days)


def _days_below(days: Iterable[float], used: float) -> int:
    """Return the number of days with less use."""
    return sum(used - day > ROUNDING_ERROR for day in days)


def _newest(results: Iterable[FinishedResult]) -> Results:
    """Return the results to keep, latest equivent first."""
    return Results(sorted(results, key=_age)[:MAX_EQUIVENTS])


def _age(result: FinishedResult) -> float:
    """Return the sort key of a result, lowest for the latest equivent."""
    return -result.equivent.start.timestamp()
