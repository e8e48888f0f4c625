"""What was measured of equivents: how it is stored, and what all of them tell together."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import islice, takewhile
from statistics import fmean
from typing import Any

from ..equivents.answer import MalformedError, read_event
from ..equivents.model import SAME, Equivent, Kind
from ..equivents.snapshot import MAX_EQUIVENTS

DECIMALS = 2
"""Of the kWh that are shown."""
LEAST = 3
"""How many similar days an average takes."""


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
    """All that is known of an equivent's energy, in kWh, not rounded."""

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
    """What was measured of a finished equivent."""

    equivent: Equivent
    estimate: Estimate
    kind: Kind | None = None

    @property
    def counts(self) -> bool:
        """Return True if it is part of the total: a powerUP rewards what a total would deduct."""
        return self.estimate.saving is not None and self.kind != Kind.POWER_UP


type Results = tuple[FinishedResult, ...]
"""What was measured, of the newest equivent first."""


def result_of(results: Results, equivent: Equivent) -> FinishedResult | None:
    """Return what was measured of an equivent, whose times may have changed since."""
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
    """Return a result in JSON's types: only what does not follow from the rest."""
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
    count = above if word == "less" else len(days) - above - days.count(found.used)
    return f"{compared(found)}; {word} than on {count} of your {len(days)} usual days"


def _word(saving: float) -> str:
    """Return the word for a saving."""
    return "more" if saving < 0 else "less"


def days_above(days: Iterable[float], used: float) -> int:
    """Return the number of days on which more was used."""
    return sum(day > used for day in days)


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
