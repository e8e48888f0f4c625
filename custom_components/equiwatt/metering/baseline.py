"""Usual use of a home in an equivent's half hours, compared with its use.

All figures are estimates from the home's own meters. The provider's forecast and points differ, as
its method is not public.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise, repeat
from math import ceil, sumprod
from statistics import fmean

from ..equivents.model import Equivent
from .days import DAY, LONDON, MAX_DAYS_BACK, days_of, is_working, similar_days
from .results import MIN_DAYS, Estimate, HalfHour, Reason

GRID = timedelta(minutes=5)
HALF_HOUR = timedelta(minutes=30)
HOUR = 3600
WANTED = {True: 10, False: 8}
"""Number of days in an average, by whether they are working days."""
MAX_KWH = 12.0
"""Most kWh that a home can use in a half hour, with a fuse of 100 A."""
MAX_DECREASE = 0.005
"""Most kWh by which a counter may go back, as some do after rounding."""
SLOWEST = timedelta(minutes=15)
"""Longest reporting interval with which energy can be assigned to half hours."""
PACE_ROWS = 3 * 288
"""Number of rows of five minutes, three days' worth, from which a meter's pace is taken."""
PACE_INTERVALS = 3
"""Number of consecutive intervals between changes from which a pace is taken."""
PACE_SECONDS = 2 * HOUR
"""Seconds of rows required to know the pace of a meter with fewer changes than that."""
PACE_SECONDS_STILL = 24 * HOUR
"""Seconds of rows required to know the pace of a meter with at most one change."""
REGULAR = 0.75
"""Share of intervals in which a meter that is polled seldom keeps to its pace."""
COARSE_STEP = 0.05
"""Smallest step of a counter in kWh above which it is too coarse for half hours."""
MIN_POWER = 0.05
"""Least kW that a home draws, unless a battery, panels or another tariff's meter supply it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Period in which an equivent's energy is counted, in whole five minutes and never empty.

    Its times are in aware UTC, the end excluded.
    """

    start: datetime
    end: datetime

    @property
    def bounds(self) -> list[datetime]:
        """Bounds of its settlement half hours; the first and the last may be cut short."""
        bounds = [self.start]
        while bounds[-1] < self.end:
            bounds.append(min(floor(bounds[-1], HALF_HOUR) + HALF_HOUR, self.end))
        return bounds

    @property
    def half_hours(self) -> list[Window]:
        """Settlement half hours of the window."""
        return [Window(start=start, end=end) for start, end in pairwise(self.bounds)]

    @property
    def days_wanted(self) -> int:
        """Number of days in its average."""
        return WANTED[is_working(min(days_of(self.start, self.end)))]

    def on(self, day: date) -> Window:
        """Return the same local time on another day."""
        local = self.start.astimezone(LONDON).time()
        start = datetime.combine(day, local, LONDON).astimezone(UTC)
        return Window(start=start, end=start + (self.end - self.start))


def window_of(start: datetime, end: datetime | None, now: datetime) -> Window | None:
    """Return the window of an equivent, None if it is too short to be measured.

    The API's times are a minute or two after the half hours in which points are counted, so they
    are floored. A missing end is the end of the current half hour.
    """
    start = floor(start, GRID)
    end = floor(end, GRID) if end else floor(max(now, start), HALF_HOUR) + HALF_HOUR
    return Window(start=start, end=end) if end > start else None


def equivent_days(past: Iterable[Equivent], window: Window) -> set[date]:
    """Return the days with equivents, which are not comparable."""
    earliest = window.start - (MAX_DAYS_BACK + 2) * DAY
    recent = (each for each in past if earliest <= each.start)
    return {day for each in recent if each.end for day in days_of(each.start, each.end)}


def floor(moment: datetime, step: timedelta) -> datetime:
    """Return a time floored to a step in UTC, where London's half hours are the same."""
    return moment.astimezone(UTC) - (moment - datetime.min.replace(tzinfo=UTC)) % step


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of a meter in kWh, in order, by the Unix time at which their row ends."""

    five_minutes: Mapping[float, float] = field(default_factory=dict)
    hours: Mapping[float, float] = field(default_factory=dict)

    @property
    def is_hourly(self) -> bool:
        """Return True if there are only rows of hours, which exist once the hour is over."""
        return not self.five_minutes

    @property
    def newest(self) -> datetime | None:
        """Time of the newest reading, None without any."""
        last = next(reversed(self.five_minutes or self.hours), None)
        return None if last is None else datetime.fromtimestamp(last, UTC)

    @property
    def still_since(self) -> datetime | None:
        """Time of the last change, or of the oldest reading without a change."""
        rows = [*self.hours.items(), *self.five_minutes.items()]
        changes = [end for (_, before), (end, after) in pairwise(rows) if before != after]
        return datetime.fromtimestamp(max(changes or [rows[0][0]]), UTC) if rows else None

    def at(self, moment: datetime) -> float | None:
        """Return the reading at a moment.

        Rows of five minutes are purged after some days. Before the first of them, rows of hours
        are interpolated; after it, a missing row is a gap, which its hour's row would only hide.
        """
        end = moment.timestamp()
        if self.five_minutes and end >= next(iter(self.five_minutes)):
            return self.five_minutes.get(end)
        if end in self.hours:
            return self.hours[end]
        hour, passed = divmod(end, HOUR)
        before, after = self.hours.get(hour * HOUR), self.hours.get((hour + 1) * HOUR)
        if before is None or after is None:
            return None
        return before + (after - before) * passed / HOUR

    def is_approximate(self, moments: Iterable[datetime]) -> bool:
        """Return True if the energy between moments is only approximate.

        A row of an hour may hide a gap, except for meters that have only rows of hours.
        """
        exact = self.hours if self.is_hourly else self.five_minutes
        return (self.pace or GRID) > GRID or any(each.timestamp() not in exact for each in moments)

    def energy(self, moments: Sequence[datetime]) -> float | None:
        """Return the energy between the first and the last of several moments.

        None if unknown or more than a home can use. Readings in between may be missing, as the
        counter goes on.
        """
        known = [(moment, kwh) for moment in moments if (kwh := self.at(moment)) is not None]
        if not known or known[0][0] != moments[0] or known[-1][0] != moments[-1]:
            return None
        used = ((after - before, end - start) for (start, before), (end, after) in pairwise(known))
        if not all(-MAX_DECREASE <= kwh <= MAX_KWH * ceil(span / HALF_HOUR) for kwh, span in used):
            return None
        return known[-1][1] - known[0][1]

    @property
    def is_slow(self) -> bool:
        """Return True if energy cannot be assigned to half hours."""
        return self.pace is not None and self.pace > SLOWEST

    @property
    def pace(self) -> timedelta | None:
        """Longest time between two reports, None if unknown.

        Reports without a change are invisible, so it is taken from the fastest few consecutive
        changes. A slow meter is polled at an interval and nearly always keeps to it, unlike a home
        behind a battery, which draws nothing for hours at irregular times.
        """
        rows = list(self.five_minutes.items())[-PACE_ROWS:]
        moves = [(end, after - before) for (_, before), (end, after) in pairwise(rows)]
        moves = [(end, kwh) for end, kwh in moves if kwh]
        waits = [end - start for (start, _), (end, _) in pairwise(moves)]
        in_a_row = [
            max(waits[n : n + PACE_INTERVALS]) for n in range(len(waits) - PACE_INTERVALS + 1)
        ]
        pace = min(in_a_row, default=None)
        if pace is not None and pace <= SLOWEST.total_seconds():
            return timedelta(seconds=pace)
        watched = rows[-1][0] - rows[0][0] if rows else 0
        if not moves or rows[-1][1] - rows[0][1] < MIN_POWER * watched / HOUR:
            return None
        if pace is None:
            is_known = watched >= (PACE_SECONDS if waits else PACE_SECONDS_STILL)
            return timedelta(seconds=min(waits, default=watched)) if is_known else None
        is_coarse = min(kwh for _, kwh in moves) > COARSE_STEP
        return timedelta(seconds=pace) if is_coarse or _is_regular(waits, pace) else None


def _is_regular(waits: Sequence[float], pace: float) -> bool:
    """Return True if intervals between changes are nearly constant; a change may take two rows."""
    waits = [wait for wait in waits if wait > GRID.total_seconds()]
    return sum(pace / 2 <= wait <= 1.5 * pace for wait in waits) >= REGULAR * len(waits)


def usual_days(
    window: Window, equivent_days: Collection[date], meters: Sequence[Readings]
) -> dict[date, list[float]]:
    """Return the use in each half hour of the most recent comparable days without gaps."""
    complete = (
        (day, energies)
        for day in similar_days(window.start, window.end, equivent_days)
        if (energies := _energies(window.on(day), meters))
    )
    return dict(islice(complete, window.days_wanted))


def _energies(window: Window, meters: Sequence[Readings]) -> list[float]:
    """Return the use in each half hour, empty unless all are known."""
    half_hours = list(pairwise(window.bounds))
    known = [energy for each in half_hours if (energy := _energy(meters, each)) is not None]
    return known if len(known) == len(half_hours) else []


def _energy(meters: Sequence[Readings], moments: Sequence[datetime]) -> float | None:
    """Return the energy of all meters, None unless each is known."""
    known = [energy for meter in meters if (energy := meter.energy(moments)) is not None]
    return sum(known) if len(known) == len(meters) else None


def without_figures(window: Window, reason: Reason, *, final: bool = False) -> Estimate:
    """Return an estimate without figures."""
    start, end, wanted = window.start, window.end, window.days_wanted
    return Estimate(start=start, end=end, days_wanted=wanted, final=final, reason=reason)


def estimate(
    window: Window, equivent_days: Collection[date], meters: Sequence[Readings], *, over: bool
) -> Estimate:
    """Return the estimate for a window that is live or over."""
    newest = [moment for meter in meters if (moment := meter.newest)]
    if not newest or len(newest) < len(meters):
        return without_figures(window, Reason.NO_STATISTICS)
    if any(meter.is_slow for meter in meters):
        return without_figures(window, Reason.METER_TOO_SLOW, final=over)
    until = min(*newest, window.end)
    is_begun = until >= window.start and (over or not any(meter.is_hourly for meter in meters))
    is_measured = is_begun and (until == window.end or not over)
    measured = [*(moment for moment in window.bounds if moment < until), until]
    used = _energy(meters, measured) if is_measured else None
    days = usual_days(window, equivent_days, meters)
    is_usual = len(days) >= MIN_DAYS
    usual = [fmean(each) for each in zip(*days.values(), strict=True)] if is_usual else []
    shares = [
        max(min(until, each.end) - each.start, timedelta()) / (each.end - each.start)
        for each in window.half_hours
    ]
    far = [sumprod(shares, energies) for energies in days.values()]
    moments = {moment for day in days if is_usual for moment in window.on(day).bounds}
    if used is not None:
        moments |= {window.start, until}
    return Estimate(
        start=window.start,
        end=window.end,
        half_hours=tuple(
            HalfHour(
                start=each.start,
                usual=energy,
                used=_energy(meters, (each.start, min(each.end, until)))
                if is_begun and until >= each.start
                else None,
            )
            for each, energy in zip(window.half_hours, usual or repeat(None), strict=False)
        ),
        days={day.isoformat(): sum(energies) for day, energies in days.items()},
        days_wanted=window.days_wanted,
        days_so_far=tuple(far) if until < window.end else (),
        used=used,
        approximate=any(meter.is_approximate(moments) for meter in meters),
        final=over and used is not None,
        measured_until=until if is_begun else None,
        reason=_reason(used, is_measured=is_measured, is_usual=is_usual),
    )


def _reason(used: float | None, *, is_measured: bool, is_usual: bool) -> Reason | None:
    """Return the reason why a figure is unknown, first of the use and then of the usual use."""
    if not is_measured:
        return Reason.WAITING_FOR_METER
    if used is None:
        return Reason.METER_GAP
    return None if is_usual else Reason.LEARNING
