"""When to ask the API next.

In the ten equivents of a log from 2022-12-09 every start lies 61 to 134 seconds after a half hour
and every end 62 to 63 seconds after one. So the API is asked often then, and seldom otherwise.
"""

from datetime import datetime
from zlib import crc32

HALF_HOUR = 1800.0
OPENS = 60.0
CLOSES = 150.0
OFTEN = 10.0
SELDOM = 60.0
LONGEST = 300.0
PATIENCE = 5
"""How many calls may fail in a row before the next ones are made less often."""
MAX_OFFSET = 5.0


def offset_of(identifier: str) -> float:
    """Return the seconds, under five, by which one home asks later than another."""
    return crc32(identifier.encode()) % 1000 / 1000 * MAX_OFFSET


def delay(now: datetime, awaiting: bool, offset: float, failures: int = 0) -> float:
    """Return the seconds to the next call, after so many failed ones in a row.

    `awaiting` tells that something needs another answer soon. No window's opening is stepped over.
    """
    if awaiting or HALF_HOUR - to_opening(now, offset) < CLOSES - OPENS:
        return OFTEN
    doublings = min(max(failures - PATIENCE, 0), 3)
    return min(SELDOM * (1 << doublings), LONGEST, to_opening(now, offset))


def to_opening(now: datetime, offset: float) -> float:
    """Return the seconds to the next opening of a window."""
    return HALF_HOUR - (now.timestamp() - OPENS - offset) % HALF_HOUR
