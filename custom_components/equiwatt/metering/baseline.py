"""What a home usually uses in an equivent's half hours, what it used, and the difference.

Always an estimate, from the home's own meter. The provider works out its own forecast and its
points by a method that is not public, and its figures differ.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import islice, pairwise

from .days import LONDON, days_of, is_working, similar_days

GRID = timedelta(minutes=5)
HALF_HOUR = timedelta(minutes=30)
SLOWEST = timedelta(minutes=15)
"""How seldom a meter may report for its energy to be believed to lie where its rows say."""
WANTED = {True: 10, False: 4}
"""How many days an average is taken over, by whether they are working days."""
LEAST = {True: 3, False: 2}
"""With how few of them there is none."""


class Reason(StrEnum):
    """Why a figure is not known."""

    LEARNING = "learning"
    METER_GAP = "meter_gap"
    WAITING_FOR_METER = "waiting_for_meter"
    METER_TOO_SLOW = "meter_too_slow"
    NO_STATISTICS = "no_statistics"
    CLOCK_WRONG = "clock_wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time, aware UTC, the end excluded."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Span):
    """When an equivent's energy is counted: on the grid of five minutes, and never empty."""

    @property
    def half_hours(self) -> tuple[Span, ...]:
        """Return the settlement half hours in it; the first and the last may be cut short."""
        cuts = [self.start]
        while cuts[-1] < self.end:
            cuts.append(min(floor(cuts[-1], HALF_HOUR) + HALF_HOUR, self.end))
        return tuple(Span(start=start, end=end) for start, end in pairwise(cuts))

    @property
    def boundaries(self) -> tuple[datetime, ...]:
        """Return the moments between which energy is counted."""
        return (self.start, *(half_hour.end for half_hour in self.half_hours))

    @property
    def is_working(self) -> bool:
        """Tell whether it begins on a working day."""
        return is_working(min(days_of(self.start, self.end)))

    def on(self, day: date) -> Window:
        """Return the same local time on another day."""
        local = self.start.astimezone(LONDON).time()
        start = datetime.combine(day, local, LONDON).astimezone(UTC)
        return Window(start=start, end=start + (self.end - self.start))

    def similar_days(self, equivent_days: Collection[date]) -> list[date]:
        """Return the days that it may be compared with, the most recent first."""
        return similar_days(self.start, self.end, equivent_days)

    def moments(self, equivent_days: Collection[date]) -> frozenset[datetime]:
        """Return when the meter must be read for its estimate."""
        days = self.similar_days(equivent_days)
        windows = (self, *(self.on(day) for day in days))
        return frozenset(moment for window in windows for moment in window.boundaries)


def window_of(start: datetime, end: datetime | None, now: datetime) -> Window | None:
    """Return the window of an equivent, None if it is too short to be measured.

    Equivents start and end a minute or two after a half hour; floored to the grid they are the
    half hours in which points are counted. Where no end is known it is that of the half hour now.
    """
    start = floor(start, GRID)
    end = floor(end, GRID) if end else floor(max(now, start), HALF_HOUR) + HALF_HOUR
    return Window(start=start, end=end) if end > start else None


def floor(moment: datetime, step: timedelta) -> datetime:
    """Return the last full step of a moment, in UTC: a local half hour is one there too."""
    return moment.astimezone(UTC) - (moment - datetime.min.replace(tzinfo=UTC)) % step


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a home's meters showed in all, by the moment; a reading that is missing is not there."""

    kwh: Mapping[datetime, float] = field(default_factory=dict)
    approximate: frozenset[datetime] = frozenset()
    """When a reading was not taken but worked out."""
    newest: datetime | None = None
    """The moment of the newest reading: there is none after it."""
    pace: timedelta | None = None
    """How often the meter reports, of several the slowest one; None if that cannot be seen."""
    is_hourly: bool = False
    """Whether an hour's energy comes in one figure, so that there is none while it lasts."""

    @property
    def is_slow(self) -> bool:
        """Tell whether the meter reports too seldom to say in which half hour energy was used."""
        return self.pace is not None and self.pace > SLOWEST

    def energy(self, start: datetime, end: datetime) -> float | None:
        """Return what was used between two readings: whatever happened in between is counted."""
        if start in self.kwh and end in self.kwh:
            return self.kwh[end] - self.kwh[start]
        return None

    def energies(self, window: Window) -> tuple[float, ...] | None:
        """Return what was used in each half hour, None unless all of it is known."""
        each = [self.energy(span.start, span.end) for span in window.half_hours]
        known = tuple(energy for energy in each if energy is not None)
        return known if len(known) == len(each) else None

    def blurred(self, moments: Collection[datetime]) -> bool:
        """Tell whether energy between moments is known roughly only."""
        return not self.approximate.isdisjoint(moments) or (self.pace or GRID) > GRID

    def updated(self, newer: Readings) -> Readings:
        """Return these with newer ones of the same meters, whose kind was seen before."""
        return Readings(
            kwh={**self.kwh, **newer.kwh},
            approximate=self.approximate | newer.approximate,
            newest=newer.newest or self.newest,
            pace=self.pace,
            is_hourly=self.is_hourly,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usually used in a window, half hour by half hour: empty with too few days."""

    days: tuple[date, ...]
    days_wanted: int
    half_hours: tuple[float, ...] = ()
    lowest_day: float | None = None
    highest_day: float | None = None
    approximate: bool = False


def usual_of(window: Window, equivent_days: Collection[date], readings: Readings) -> Usual:
    """Return the plain mean over the most recent similar days whose readings are all there."""
    working = window.is_working
    complete = (
        (day, energies)
        for day in window.similar_days(equivent_days)
        if (energies := readings.energies(window.on(day))) is not None
    )
    found = dict(islice(complete, WANTED[working]))
    if len(found) < LEAST[working]:
        return Usual(days=tuple(found), days_wanted=WANTED[working])
    totals = [sum(energies) for energies in found.values()]
    return Usual(
        days=tuple(found),
        days_wanted=WANTED[working],
        half_hours=tuple(sum(each) / len(each) for each in zip(*found.values(), strict=True)),
        lowest_day=min(totals),
        highest_day=max(totals),
        approximate=readings.blurred(
            {moment for day in found for moment in window.on(day).boundaries}
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfHour:
    """A half hour of a window: what is usually used in it, and what was, so far."""

    start: datetime
    usual: float | None = None
    used: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """All that is known of an equivent's energy, in kWh."""

    start: datetime
    end: datetime
    half_hours: tuple[HalfHour, ...] = ()
    usual: float | None = None
    """In the whole window."""
    used: float | None = None
    """Until the newest reading."""
    saving: float | None = None
    """What is usual until the newest reading, less what was used; negative when that was more."""
    days_used: int = 0
    days_wanted: int
    lowest_day: float | None = None
    highest_day: float | None = None
    approximate: bool = False
    final: bool = False
    """Whether nothing of it will change any more."""
    measured_until: datetime | None = None
    reason: Reason | None = None


def without_figures(window: Window, reason: Reason, *, final: bool = False) -> Estimate:
    """Return that nothing is known of a window."""
    wanted = WANTED[window.is_working]
    start, end = window.start, window.end
    return Estimate(start=start, end=end, days_wanted=wanted, final=final, reason=reason)


def estimate(
    window: Window, equivent_days: Collection[date], readings: Readings | None, *, over: bool
) -> Estimate:
    """Return what can be said of a window, which is over or still goes on.

    None for readings tells that there are no statistics to read from.
    """
    if readings is None:
        return without_figures(window, Reason.NO_STATISTICS)
    if readings.is_slow:
        return without_figures(window, Reason.METER_TOO_SLOW, final=over)
    usual = usual_of(window, equivent_days, readings)
    start, end = window.start, window.end
    newest = None if readings.is_hourly and not over else readings.newest
    until = min(newest, end) if newest and newest >= start else None
    measured = until is not None and (until == end or not over)
    used = readings.energy(start, until) if until and measured else None
    return Estimate(
        start=start,
        end=end,
        half_hours=_half_hours(window, usual.half_hours, readings, until),
        usual=sum(usual.half_hours) if usual.half_hours else None,
        used=used,
        saving=_saving(window, usual.half_hours, used, until),
        days_used=len(usual.days),
        days_wanted=usual.days_wanted,
        lowest_day=usual.lowest_day,
        highest_day=usual.highest_day,
        approximate=usual.approximate
        or (used is not None and readings.blurred({start, until or end})),
        final=over and used is not None,
        measured_until=until,
        reason=_reason(measured, used, usual),
    )


def _reason(measured: bool, used: float | None, usual: Usual) -> Reason | None:
    """Return why something is not known: of the use first, which spoils more."""
    if not measured:
        return Reason.WAITING_FOR_METER
    if used is None:
        return Reason.METER_GAP
    return None if usual.half_hours else Reason.LEARNING


def _half_hours(
    window: Window, usual: Sequence[float], readings: Readings, until: datetime | None
) -> tuple[HalfHour, ...]:
    """Return the half hours, each with what was used of it until the newest reading."""
    return tuple(
        HalfHour(
            start=span.start,
            usual=usual[index] if usual else None,
            used=readings.energy(span.start, min(span.end, until)) if until else None,
        )
        for index, span in enumerate(window.half_hours)
    )


def _saving(
    window: Window, usual: Sequence[float], used: float | None, until: datetime | None
) -> float | None:
    """Return what is usual until the newest reading, less what was used."""
    if used is None or until is None or not usual:
        return None
    shares = (
        max(min(until, span.end) - span.start, timedelta()) / (span.end - span.start)
        for span in window.half_hours
    )
    return sum(share * each for share, each in zip(shares, usual, strict=True)) - used
