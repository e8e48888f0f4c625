"""Results of finished equivents: how they are stored, and their total."""

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
"""Of the kWh that are shown."""
NOISE = 1e-6
"""By how many kWh differences of counters that are equal may differ, as they are binary numbers."""
LEAST = 3
"""How many similar days an average takes."""
FEWEST = 4
"""How many equivents a verdict takes."""
FEWEST_SPREAD = 2
"""How many equivents it takes to know the spread of their sum."""
ONCE_IN_TWENTY = 1.645
"""How many standard deviations a normal mean exceeds, to one side, by luck once in twenty."""
FOUR_IN_FIVE = 1.3
"""How many a sum keeps within in 80 of 100 cases: 1.28, and more as they are seen of few days."""


class Reason(StrEnum):
    """Why a figure is not known."""

    LEARNING = "learning"
    METER_GAP = "meter_gap"
    WAITING_FOR_METER = "waiting_for_meter"
    METER_TOO_SLOW = "meter_too_slow"
    NO_STATISTICS = "no_statistics"
    CLOCK_WRONG = "clock_wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfHour:
    """A half hour of a window: its usual use, and its use so far."""

    start: datetime
    usual: float | None = None
    used: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An estimate for an equivent, in kWh, not rounded."""

    start: datetime
    end: datetime
    half_hours: tuple[HalfHour, ...] = ()
    days: Mapping[date, float] = field(default_factory=dict)
    """The use of each usual day, the most recent first."""
    days_wanted: int
    so_far: float | None = None
    """The usual use until the newest reading."""
    used: float | None = None
    """The use until the newest reading."""
    lower_than: int | None = None
    """On how many of the usual days more was used until then."""
    approximate: bool = False
    final: bool = False
    measured_until: datetime | None = None
    reason: Reason | None = None

    @property
    def usual(self) -> float | None:
        """Return the usual use in the whole window."""
        return fmean(self.days.values()) if len(self.days) >= LEAST else None

    @property
    def saving(self) -> float | None:
        """Return the usual use so far, less the use; negative when that was more."""
        return None if self.so_far is None or self.used is None else self.so_far - self.used

    @property
    def days_used(self) -> int:
        """Return the number of usual days."""
        return len(self.days)

    @property
    def lowest_day(self) -> float | None:
        """Return the lowest use of a usual day."""
        return None if self.usual is None else min(self.days.values())

    @property
    def highest_day(self) -> float | None:
        """Return the highest use of a usual day."""
        return None if self.usual is None else max(self.days.values())


@dataclass(frozen=True, slots=True)
class FinishedResult:
    """The final estimate for a finished equivent."""

    equivent: Equivent
    estimate: Estimate
    kind: Kind | None = None

    @property
    def counts(self) -> bool:
        """Return True if it is part of the total: a powerUP rewards what a total would deduct."""
        return self.estimate.saving is not None and self.kind != Kind.POWER_UP


type Results = tuple[FinishedResult, ...]
"""Results, newest equivent first."""


class Verdict(StrEnum):
    """Whether a difference is more than luck."""

    TOO_EARLY = "too_early"
    LESS = "less"
    MORE = "more"
    NO_DIFFERENCE = "no_difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The total of all results that count."""

    counted: Results
    saving: float | None
    spread: float | None
    """By how much luck alone would move the saving, in 80 of 100 cases."""
    verdict: Verdict

    @property
    def since(self) -> datetime | None:
        """Return when the first of them started."""
        return self.counted[-1].equivent.start if self.counted else None


def result_of(results: Results, equivent: Equivent) -> FinishedResult | None:
    """Return the result of an equivent, whose times may have changed since."""
    latest = equivent.start + SAME
    first = bisect_left(results, -latest.timestamp(), key=_age)
    near = takewhile(
        lambda result: result.equivent.start >= equivent.start - SAME,
        islice(results, first, None),
    )
    return next((result for result in near if result.equivent.same_as(equivent)), None)


def with_result(results: Results, new: FinishedResult) -> Results:
    """Return the results with a new one, in place of the one of the same equivent."""
    others = (result for result in results if not result.equivent.same_as(new.equivent))
    return _newest((*others, new))


def read_results(items: object) -> tuple[Results, int]:
    """Return the stored results that can be read, and the number of those that cannot."""
    if not isinstance(items, list):
        return (), 1
    known = [result for item in items if (result := _read(item))]
    return _newest(known), len(items) - len(known)


def as_stored(result: FinishedResult) -> dict[str, Any]:
    """Return a result in JSON's types, without figures that follow from others."""
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
    """Return the total of all results that count."""
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

    Where nothing has changed each rank is as likely as any other, whatever the home's habits: the
    share of n usual days on which more was used is 1/2, with a variance of (n + 2) / 12n, and each
    usual day that two equivents share adds 1 / 12nm for both. The sum of all is as good as normal,
    and must be as far from its mean as it is by luck once in twenty.
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
    """Return the share of usual days on which more was used; as much counts half."""
    used, days = estimate.used or 0.0, [*estimate.days.values()]
    return (days_above(days, used) + _days_equal(days, used) / 2) / len(days)


def _spread(estimates: Sequence[Estimate]) -> float | None:
    """Return by how much luck alone would move the sum of the savings, in 80 of 100 cases.

    An equivent's use varies as that of all days in the same hours does, and so does each of its
    usual days, of whose mean a part of one n-th is shared with the equivents around it.
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
    """Return the time of day and the type of day, by which days are alike."""
    local = estimate.start.astimezone(LONDON)
    return local.time(), is_working(local.date())


def _neighbours(estimates: Sequence[Estimate]) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of equivents that share usual days, and the product of the shares of both."""
    for one, each in enumerate(estimates):
        for other in range(one + 1, len(estimates)):
            if each.start - estimates[other].start > LOOK_BACK * DAY:
                break
            shared = len(each.days.keys() & estimates[other].days.keys())
            if shared:
                yield one, other, shared / (each.days_used * estimates[other].days_used)


def compared(found: Estimate) -> str | None:
    """Return how a use compares with the usual one, in neutral words: more may be wanted."""
    if found.saving is None:
        return None
    saving = round(found.saving, DECIMALS)
    if not saving:
        return "as much as usual"
    return f"{abs(saving):.2f} kWh {_word(saving)} than usual"


def in_words(found: Estimate) -> str | None:
    """Return how a use compares with the usual one, and with each usual day."""
    if found.saving is None or found.used is None:
        return None
    days, word = [*found.days.values()], _word(round(found.saving, DECIMALS))
    above = days_above(days, found.used)
    count = above if word == "less" else len(days) - above - _days_equal(days, found.used)
    return f"{compared(found)}; {word} than on {count} of your {len(days)} usual days"


def _word(saving: float) -> str:
    """Return the word for a saving."""
    return "more" if saving < 0 else "less"


def days_above(days: Iterable[float], used: float) -> int:
    """Return the number of days on which more was used."""
    return sum(day - used > NOISE for day in days)


def _days_equal(days: Iterable[float], used: float) -> int:
    """Return the number of days on which as much was used."""
    return sum(abs(day - used) <= NOISE for day in days)


def _newest(results: Iterable[FinishedResult]) -> Results:
    """Return as many as are kept, of the newest equivent first."""
    return tuple(sorted(results, key=_age)[:MAX_EQUIVENTS])


def _age(result: FinishedResult) -> float:
    """Return a number that is the smaller, the newer an equivent is."""
    return -result.equivent.start.timestamp()


def _read(item: object) -> FinishedResult | None:
    """Return a stored result; None if it cannot be read."""
    if not isinstance(item, dict):
        return None
    try:
        kind = None if item["kind"] is None else Kind(item["kind"])
        equivent = read_event(item)
        return FinishedResult(equivent, _estimate(item), kind) if equivent else None
    except AttributeError, KeyError, MalformedError, TypeError, ValueError:
        return None


def _estimate(item: Mapping[str, Any]) -> Estimate:
    """Return a stored estimate, always a final one; raise where it is not as it was stored."""
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
    """Return a stored energy."""
    return None if value is None else float(value)


def _time(value: str) -> datetime:
    """Return a stored time, which must be an aware one."""
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time
