"""Estimates and results of equivents, their JSON and their total."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import StrEnum
from itertools import islice, takewhile
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from ..equivents.answer import MalformedError, read_event
from ..equivents.model import SAME, Equivent, Kind
from ..equivents.snapshot import MAX_EQUIVENTS
from .days import DAY, LONDON, LOOK_BACK, is_working

DECIMALS = 2
"""Decimals of shown kWh."""
NOISE = 1e-6
"""Difference in kWh up to which energies are equal, as binary fractions are inexact."""
LEAST = 3
"""Number of similar days that an average requires."""
FEWEST = 4
"""Number of equivents that a verdict requires."""
FEWEST_SPREAD = 2
"""Number of equivents that the spread of their sum requires."""
ONCE_IN_TWENTY = 1.645
"""Standard deviations that a normal mean exceeds on one side by luck once in twenty times."""
FOUR_IN_FIVE = 1.3
"""Standard deviations within which a sum lies in 80 of 100 cases: 1.28, and more for few days."""


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
    days: Mapping[date, float] = field(default_factory=dict)
    """Use on each usual day, most recent first."""
    days_wanted: int
    so_far: float | None = None
    """Usual use until the newest reading."""
    used: float | None = None
    """Use until the newest reading."""
    lower_than: int | None = None
    """Number of usual days with more use until then."""
    approximate: bool = False
    final: bool = False
    measured_until: datetime | None = None
    reason: Reason | None = None

    @property
    def usual(self) -> float | None:
        """Usual use in the whole window."""
        return fmean(self.days.values()) if len(self.days) >= LEAST else None

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


type Results = tuple[FinishedResult, ...]
"""Results, latest equivent first."""


class Verdict(StrEnum):
    """Verdict on a total: a difference that luck alone does not explain."""

    TOO_EARLY = "too_early"
    LESS = "less"
    MORE = "more"
    NO_DIFFERENCE = "no_difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Total of all results that count."""

    counted: Results
    saving: float | None
    spread: float | None
    """Margin within which luck alone moves the saving in 80 of 100 cases."""
    verdict: Verdict

    @property
    def since(self) -> datetime | None:
        """Start of the first equivent that counts."""
        return self.counted[-1].equivent.start if self.counted else None


def result_of(results: Results, equivent: Equivent) -> FinishedResult | None:
    """Return the result of an equivent, even if its times have been corrected since."""
    latest = equivent.start + SAME
    first = bisect_left(results, -latest.timestamp(), key=_age)
    near = takewhile(
        lambda result: result.equivent.start >= equivent.start - SAME,
        islice(results, first, None),
    )
    return next((result for result in near if result.equivent.same_as(equivent)), None)


def with_result(results: Results, new: FinishedResult) -> Results:
    """Add a result, replacing the earlier result of the same equivent."""
    others = (result for result in results if not result.equivent.same_as(new.equivent))
    return _newest((*others, new))


def read_results(items: object) -> tuple[Results, int]:
    """Return the stored results that can be read, and the number of the others."""
    if not isinstance(items, list):
        return (), 1
    known = [result for item in items if (result := _read(item))]
    return _newest(known), len(items) - len(known)


def as_stored(result: FinishedResult) -> dict[str, Any]:
    """Return the JSON of a result, without figures that follow from others."""
    equivent, estimate = result.equivent, result.estimate
    return {
        "start_time": int(equivent.start.timestamp()),
        "end_time": int(equivent.end.timestamp()) if equivent.end else None,
        "kind": result.kind,
        "start": estimate.start.isoformat(),
        "end": estimate.end.isoformat(),
        "half_hours": [
            [half.start.isoformat(), half.usual, half.used] for half in estimate.half_hours
        ],
        "days": {day.isoformat(): kwh for day, kwh in estimate.days.items()},
        "days_wanted": estimate.days_wanted,
        "used": estimate.used,
        "approximate": estimate.approximate,
        "measured_until": estimate.measured_until and estimate.measured_until.isoformat(),
        "reason": estimate.reason,
    }


def total(results: Results) -> Total:
    """Return the total of the results that count."""
    counted = tuple(result for result in results if result.counts)
    estimates = [result.estimate for result in counted]
    return Total(
        counted=counted,
        saving=sum(each.saving or 0 for each in estimates) if estimates else None,
        spread=_spread(estimates),
        verdict=_verdict(estimates),
    )


def _verdict(estimates: Sequence[Estimate]) -> Verdict:
    """Return the verdict by the mean rank of the equivents among their usual days.

    If nothing has changed, each rank is equally likely, whatever the home's habits: the share of n
    usual days with more use has a mean of 1/2 and a variance of (n + 2) / 12n, and each usual day
    that two equivents share adds 1 / 12nm for both. The sum is approximately normal, and must
    exceed what luck alone reaches once in twenty times.
    """
    count = len(estimates)
    if count < FEWEST:
        return Verdict.TOO_EARLY
    excess = sum(map(_rank, estimates)) - count / 2
    variance = sum((each.days_used + 2) / (12 * each.days_used) for each in estimates)
    variance += 2 * sum(share / 12 for _, _, share in _neighbours(estimates))
    step = 1 / max(each.days_used for each in estimates)
    if abs(excess) - step / 2 <= ONCE_IN_TWENTY * sqrt(variance):
        return Verdict.NO_DIFFERENCE
    return Verdict.LESS if excess > 0 else Verdict.MORE


def _rank(estimate: Estimate) -> float:
    """Return the share of usual days with more use; a day with equal use counts half."""
    used, days = estimate.used or 0.0, [*estimate.days.values()]
    return (days_above(days, used) + _days_equal(days, used) / 2) / len(days)


def _spread(estimates: Sequence[Estimate]) -> float | None:
    """Return the margin within which luck alone moves the total in 80 of 100 cases.

    The use in an equivent and on its n usual days varies as that of all days in the same hours.
    Equivents that share a usual day share one n-th of its deviation.
    """
    if len(estimates) < FEWEST_SPREAD:
        return None
    uses: dict[tuple[time, bool], dict[date, float]] = defaultdict(dict)
    for each in estimates:
        uses[_hours(each)] |= {**each.days, each.start.date(): each.used or 0.0}
    deviations = {hours: stdev(days.values()) for hours, days in uses.items()}
    each_one = [deviations[_hours(each)] for each in estimates]
    variance = sum(
        deviation**2 * (1 + 1 / each.days_used)
        for deviation, each in zip(each_one, estimates, strict=True)
    )
    variance += 2 * sum(
        share * each_one[one] * each_one[other] for one, other, share in _neighbours(estimates)
    )
    return FOUR_IN_FIVE * sqrt(variance)


def _hours(estimate: Estimate) -> tuple[time, bool]:
    """Return the time and the type of day, by which days are comparable."""
    local = estimate.start.astimezone(LONDON)
    return local.time(), is_working(local.date())


def _neighbours(estimates: Sequence[Estimate]) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs of equivents that share usual days, with the weight of the shared days."""
    for one, each in enumerate(estimates):
        for other in range(one + 1, len(estimates)):
            if each.start - estimates[other].start > LOOK_BACK * DAY:
                break
            shared = len(each.days.keys() & estimates[other].days.keys())
            if shared:
                yield one, other, shared / (each.days_used * estimates[other].days_used)


def compared(found: Estimate) -> str | None:
    """Return the difference from usual in words, neutral as a powerUP rewards more use."""
    if found.saving is None:
        return None
    saving = round(found.saving, DECIMALS)
    if not saving:
        return "as much as usual"
    return f"{abs(saving):.2f} kWh {_word(saving)} than usual"


def in_words(found: Estimate) -> str | None:
    """Return the difference from usual and the number of usual days exceeded, in words."""
    if found.saving is None or found.used is None:
        return None
    days, word = [*found.days.values()], _word(round(found.saving, DECIMALS))
    above = days_above(days, found.used)
    count = above if word == "less" else len(days) - above - _days_equal(days, found.used)
    return f"{compared(found)}; {word} than on {count} of your {len(days)} usual days"


def _word(saving: float) -> str:
    """Return "more" or "less" for a saving."""
    return "more" if saving < 0 else "less"


def days_above(days: Iterable[float], used: float) -> int:
    """Return the number of days with more use."""
    return sum(day - used > NOISE for day in days)


def _days_equal(days: Iterable[float], used: float) -> int:
    """Return the number of days with equal use."""
    return sum(abs(day - used) <= NOISE for day in days)


def _newest(results: Iterable[FinishedResult]) -> Results:
    """Return the results to keep, latest equivent first."""
    return tuple(sorted(results, key=_age)[:MAX_EQUIVENTS])


def _age(result: FinishedResult) -> float:
    """Return the sort key of a result, lowest for the latest equivent."""
    return -result.equivent.start.timestamp()


def _read(item: object) -> FinishedResult | None:
    """Return a stored result, None if it cannot be read."""
    if not isinstance(item, dict):
        return None
    try:
        kind = None if item["kind"] is None else Kind(item["kind"])
        equivent = read_event(item)
        return FinishedResult(equivent, _estimate(item), kind) if equivent else None
    except AttributeError, KeyError, MalformedError, TypeError, ValueError:
        return None


def _estimate(item: Mapping[str, Any]) -> Estimate:
    """Return a stored estimate, which is final. Raise an error if it is malformed."""
    days = {date.fromisoformat(day): float(kwh) for day, kwh in item["days"].items()}
    used = _energy(item["used"])
    estimate = Estimate(
        start=_time(item["start"]),
        end=_time(item["end"]),
        half_hours=tuple(
            HalfHour(start=_time(start), usual=_energy(usual), used=_energy(half_used))
            for start, usual, half_used in item["half_hours"]
        ),
        days=days,
        days_wanted=int(item["days_wanted"]),
        used=used,
        approximate=bool(item["approximate"]),
        final=True,
        measured_until=None if item["measured_until"] is None else _time(item["measured_until"]),
        reason=None if item["reason"] is None else Reason(item["reason"]),
    )
    if used is None or estimate.usual is None:
        return estimate
    return replace(estimate, so_far=estimate.usual, lower_than=days_above(days.values(), used))


def _energy(value: Any) -> float | None:
    """Return a stored energy, which may be unknown."""
    return None if value is None else float(value)


def _time(value: str) -> datetime:
    """Return a stored time. Raise ValueError if it is naive."""
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time
