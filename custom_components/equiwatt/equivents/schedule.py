"""When to ask the API next.

In the ten equivents of a log from 2022-12-09 every start lies 61 to 134 seconds after a half hour
and every end 62 to 63 seconds after one. So the API is asked often then. Where today's edges lie
is not known, so by day it is never asked less often than by those who poll every 30 seconds, and
often around the starts that the user has planned.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from zlib import crc32

HALF_HOUR = 1800.0
OPENS = 60.0
CLOSES = 150.0
PLAN_OPENS, PLAN_CLOSES = -60.0, 180.0
"""Seconds from a planned start at which a window around it opens and closes."""
OFTEN = 7.5
"""Seconds between two calls in a window."""
AWAITING = 10.0
"""Seconds between two calls while something awaits another answer."""
BY_DAY = 30.0
BY_NIGHT = 60.0
DAY = range(6, 22)
"""The hours, in UTC, in which equivents are to be expected."""
GAP = 1.0
"""Seconds between two calls at least: one so shortly before an opening counts as made at it."""
LONGEST = 300.0
PATIENCE = 5
"""How many calls may fail in a row before the next ones are made less often."""
SOON = 2.0
"""Seconds after a failed call in which it is repeated at the soonest."""
LAST_LOOK = 12.0
"""Seconds before a planned end at which a failed call is repeated: a little more than one takes."""


def offset_of(identifier: str) -> float:
    """Return the seconds by which one home asks later than another.

    They cover the whole interval between two calls of a window, so that many homes spread evenly.
    """
    return crc32(identifier.encode()) / (1 << 32) * OFTEN


def delay(
    now: datetime,
    awaiting: bool,
    offset: float,
    failures: int = 0,
    planned: Iterable[datetime] = (),
) -> float:
    """Return the seconds to the next call, after so many failed ones in a row.

    `awaiting` says that something needs another answer soon, `planned` where equivents are planned
    to start. No window's opening is stepped over.
    """
    starts = list(planned)
    opening = to_opening(now, offset, starts)
    if opening < GAP or _is_open(now, offset, starts):
        return OFTEN
    if awaiting:
        return min(AWAITING, opening)
    seldom = BY_DAY if now.astimezone(UTC).hour in DAY else BY_NIGHT
    doublings = min(max(failures - PATIENCE, 0), 3)
    wait = min(seldom * (1 << doublings), LONGEST)
    if opening - OFTEN < wait < opening - GAP:
        # Rather before any home's window opens, or these calls would come on top of the first ones.
        return opening - OFTEN
    return min(wait, opening)


def delay_before_end(wait: float, end: datetime, now: datetime) -> float:
    """Return the seconds to the repetition of a failed call, which is due in `wait`.

    One failed call must not leave a planned end to the clock while the API could tell better.
    """
    left = (end - now).total_seconds()
    return min(wait, max(SOON, left - LAST_LOOK)) if left > SOON else wait


def to_opening(now: datetime, offset: float, planned: Iterable[datetime] = ()) -> float:
    """Return the seconds to the next opening of a window."""
    half_hour = HALF_HOUR - (now.timestamp() - OPENS - offset) % HALF_HOUR
    openings = (PLAN_OPENS - _since(start, now, offset) for start in planned)
    return min((half_hour, *(opening for opening in openings if opening > 0)))


def _is_open(now: datetime, offset: float, planned: Iterable[datetime]) -> bool:
    """Return True in a window: after a half hour, or around a planned start."""
    # Rounded, or the last digits would let a call more be made.
    since = round((now.timestamp() - OPENS - offset) % HALF_HOUR, 3) % HALF_HOUR
    if since < CLOSES - OPENS:
        return True
    return any(
        PLAN_OPENS <= round(_since(start, now, offset), 3) < PLAN_CLOSES for start in planned
    )


def _since(start: datetime, now: datetime, offset: float) -> float:
    """Return the seconds since a planned start, as one home counts them."""
    return (now - start).total_seconds() - offset
