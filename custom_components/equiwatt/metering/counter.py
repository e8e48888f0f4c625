"""What the rows of one meter's statistics tell: its reading at a moment, and how often it reports.

Times are in Unix seconds, as the rows have them; a row's reading is that at its end.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from .baseline import HALF_HOUR, SLOWEST, Readings

HALF = HALF_HOUR.total_seconds()
SEEN = 3 * 288
"""By how many rows of five minutes, those of three days, the pace of a meter is seen."""
FEWEST = 3
"""How many times between two reports, in a row, it takes to know how often a meter reports."""
WHILE = 2 * 3600
"""For how many seconds a meter must have been watched that has not reported as often as that."""
LONG = 24 * 3600
"""For how many seconds one must have been watched that has not reported twice."""


class Row(NamedTuple):
    """One row of a meter's statistics."""

    end: float
    kwh: float
    late: bool
    """Whether it was not written when it ended, but later."""


def without_made_up(rows: Iterable[Row]) -> dict[float, float]:
    """Return the readings but those that the recorder has made up after Home Assistant was off.

    Their rows are written late, when it has started, and repeat the reading from before; so does a
    meter that does not report at once after that. Late rows that do move were imported, or the
    recorder was behind.
    """
    kept: dict[float, float] = {}
    repeated: float | None = None
    until = 0.0
    for row in rows:
        if row.late:
            is_made_up = repeated in (None, row.kwh)
            repeated, until = row.kwh, row.end + SLOWEST.total_seconds()
        else:
            is_made_up = row.kwh == repeated and row.end <= until
            repeated = repeated if is_made_up else None
        if not is_made_up:
            kept[row.end] = row.kwh
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A meter's readings in kWh, in order, by when the row of five minutes or an hour ends."""

    five_minutes: dict[float, float]
    hours: dict[float, float]

    @property
    def newest_rows(self) -> dict[float, float]:
        """Return the finest rows that there are."""
        return self.five_minutes or self.hours

    def at(self, moment: float) -> tuple[float, bool] | None:
        """Return the reading at a moment, and whether it is approximate.

        Rows of five minutes are deleted after some days. Before the first of them the hours'
        serve, and a half past is the mean of two; after it a missing row is a gap, which the row
        of its hour would only hide. Where those of five minutes are gone it may have hidden one.
        """
        if self.five_minutes and moment >= next(iter(self.five_minutes)):
            reading = self.five_minutes.get(moment)
            return None if reading is None else (reading, False)
        if moment in self.hours:
            return self.hours[moment], bool(self.five_minutes)
        before, after = self.hours.get(moment - HALF), self.hours.get(moment + HALF)
        if before is None or after is None:
            return None
        return (before + after) / 2, True

    @property
    def pace(self) -> timedelta | None:
        """Return how much time lies between two reports at most, None if too few were seen.

        A report that brings nothing new cannot be seen: behind a battery a home takes nothing from
        the grid for hours. So it is the time that the meter has kept to for a few reports in a row
        when they came fastest. One that moves each half hour only is written to each half hour,
        whenever the energy was used; it may take two rows for that, but not three.
        """
        rows = list(self.five_minutes.items())[-SEEN:]
        moves = [end for (_, before), (end, after) in pairwise(rows) if before != after]
        between = [end - start for start, end in pairwise(moves)]
        in_a_row = [max(between[n : n + FEWEST]) for n in range(len(between) - FEWEST + 1)]
        if in_a_row:
            return timedelta(seconds=min(in_a_row))
        watched = rows[-1][0] - rows[0][0] if rows else 0
        if watched >= (WHILE if between else LONG):
            return timedelta(seconds=min(between, default=watched))
        return None


def _newest(counters: Sequence[Counter]) -> float | None:
    """Return the end of the newest row that all meters have."""
    first, *others = (counter.newest_rows for counter in counters)
    return next((end for end in reversed(first) if all(end in rows for rows in others)), None)


def readings_of(counters: Sequence[Counter], moments: Collection[datetime]) -> Readings:
    """Return the readings of all meters in one: what one of them lacks is missing in all."""
    end = _newest(counters)
    newest = None if end is None else datetime.fromtimestamp(end, UTC)
    kwh: dict[datetime, float] = {}
    approximate: set[datetime] = set()
    for moment in {*moments} if newest is None else {*moments, newest}:
        each = [counter.at(moment.timestamp()) for counter in counters]
        known = [reading for reading in each if reading is not None]
        if len(known) == len(each):
            kwh[moment] = sum(reading for reading, _ in known)
            if any(rough for _, rough in known):
                approximate.add(moment)
    return Readings(
        kwh=kwh,
        approximate=frozenset(approximate),
        newest=newest,
        pace=max((counter.pace for counter in counters if counter.pace), default=None),
        is_hourly=not all(counter.five_minutes for counter in counters),
    )
