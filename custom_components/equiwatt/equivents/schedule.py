"""Schedule of requests to the API.

In a log of ten equivents from 2022-12-09, every start is 61 to 134 seconds after a half hour, and
every end 62 to 63 seconds after one. So requests are frequent then, and around planned starts. As
today's pattern is not known, they are at most 30 seconds apart by day, as users poll with YAML.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from zlib import crc32

HALF_HOUR = 1800.0
OPENS = 60.0
CLOSES = 150.0
PLAN_OPENS, PLAN_CLOSES = -60.0, 180.0
"""Seconds relative to a planned start at which its window opens and closes."""
WINDOW_INTERVAL = 7.5
"""Seconds between requests in a window."""
AWAITING_INTERVAL = 10.0
"""Seconds between requests while another answer is awaited."""
DAY_INTERVAL = 30.0
NIGHT_INTERVAL = 60.0
DAY = range(6, 22)
"""Hours in UTC at which equivents are likely."""
MIN_INTERVAL = 1.0
"""Least seconds between requests; a request so shortly before an opening replaces it."""
MIN_RETRY_DELAY = 2.0
"""Least seconds until a failed request is repeated."""
LAST_RETRY = 12.0
"""Seconds before a planned end at which a failed request is repeated: its time-out and a margin."""


def offset_of(identifier: str) -> float:
    """Return the offset of a home's requests in seconds.

    Offsets cover the interval between the requests of a window, so that homes spread evenly.
    """
    return crc32(identifier.encode()) / (1 << 32) * WINDOW_INTERVAL


def delay(
    now: datetime,
    awaiting: bool,
    offset: float,
    planned: Iterable[datetime] = (),
) -> float:
    """Return the seconds until the next request.

    `awaiting` means that another answer is needed soon, `planned` are the starts of plans. No
    opening of a window is missed.
    """
    starts = list(planned)
    opening = to_opening(now, offset, starts)
    if opening < MIN_INTERVAL or _is_open(now, offset, starts):
        return WINDOW_INTERVAL
    if awaiting:
        return min(AWAITING_INTERVAL, opening)
    wait = DAY_INTERVAL if now.astimezone(UTC).hour in DAY else NIGHT_INTERVAL
    if opening - WINDOW_INTERVAL < wait < opening - MIN_INTERVAL:
        # Ask before any home's window opens, to keep the load off the openings.
        return opening - WINDOW_INTERVAL
    return min(wait, opening)


def delay_before_end(wait: float, end: datetime, now: datetime) -> float:
    """Return the seconds until a failed request is repeated, at most `wait`.

    It is repeated before a planned end, which the clock would decide without an answer.
    """
    left = (end - now).total_seconds()
    return min(wait, max(MIN_RETRY_DELAY, left - LAST_RETRY)) if left > MIN_RETRY_DELAY else wait


def to_opening(now: datetime, offset: float, planned: Iterable[datetime] = ()) -> float:
    """Return the seconds until the next opening of a window."""
    half_hour = HALF_HOUR - (now.timestamp() - OPENS - offset) % HALF_HOUR
    openings = (PLAN_OPENS - _since(start, now, offset) for start in planned)
    return min((half_hour, *(opening for opening in openings if opening > 0)))


def _is_open(now: datetime, offset: float, planned: Iterable[datetime]) -> bool:
    """Return True in a window: after a half hour, or around a planned start."""
    # Rounded, as inexact floats would add a request.
    since = round((now.timestamp() - OPENS - offset) % HALF_HOUR, 3) % HALF_HOUR
    if since < CLOSES - OPENS:
        return True
    return any(
        PLAN_OPENS <= round(_since(start, now, offset), 3) < PLAN_CLOSES for start in planned
    )


def _since(start: datetime, now: datetime, offset: float) -> float:
    """Return the seconds since a planned start, less the home's offset."""
    return (now - start).total_seconds() - offset
