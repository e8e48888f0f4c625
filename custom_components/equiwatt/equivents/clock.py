"""Clock that corrects the system's when it is wrong or jumps.

A small computer without a battery-backed clock starts with the time of its last shutdown, and jumps
once it reaches a time server. The provider's answers carry a Date header, which equivents follow.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=2)
"""Difference from the provider's clock above which the system's is wrong."""
MEASUREMENT_TOLERANCE = timedelta(seconds=2)
"""Largest difference between two measurements of the same wrong clock."""
RESOLUTION = timedelta(seconds=1)
"""Resolution of a Date header."""
COPY_AGE = timedelta(minutes=1)
"""Difference from an earlier answer's date above which an answer is an old copy."""


class Clock:
    """Clock that each answer sets, and the monotonic clock advances in between."""

    def __init__(self, utcnow: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        """Initialize with the system's time."""
        self._utcnow = utcnow
        self._monotonic = monotonic
        self._time, self._set_at = utcnow(), monotonic()
        self._error = timedelta()
        self._newest: datetime | None = None
        """Latest date of an answer."""
        self._doubted: tuple[datetime, float] | None = None
        """Date of the last answer if not accepted, and the monotonic time of its receipt."""

    @property
    def is_in_doubt(self) -> bool:
        """Return True if the date of the last answer was not accepted."""
        return self._doubted is not None

    def accepts(self, date: datetime | None) -> bool:
        """Return True unless an answer that has just been received may be an old copy.

        A date that contradicts an earlier answer or the system's clock is accepted once the date of
        the next answer has advanced with the monotonic clock.
        """
        doubted, self._doubted = self._doubted, None
        if date is None:
            return True
        is_old = self._newest is not None and date <= self._newest - COPY_AGE
        is_far = min(abs(date - self.now()), abs(date - self._utcnow())) > TOLERANCE
        if (is_old or is_far) and not self._has_advanced(date, doubted):
            self._doubted = (date, self._monotonic())
            return False
        self._newest = date if is_old or not self._newest else max(date, self._newest)
        return True

    def _has_advanced(self, date: datetime, doubted: tuple[datetime, float] | None) -> bool:
        """Return True if a date has advanced from a doubted date by the time that has passed."""
        if not doubted:
            return False
        progress, passed = date - doubted[0], timedelta(seconds=self._monotonic() - doubted[1])
        is_copy = not progress and passed >= RESOLUTION
        return not is_copy and abs(progress - passed) <= MEASUREMENT_TOLERANCE

    def set(self, server_time: datetime | None) -> timedelta:
        """Set the clock to the server's time if the system's is wrong. Return the correction.

        Without a server's time, the system's is used.
        """
        before, own = self.now(), self._utcnow()
        is_wrong = server_time is not None and abs(server_time - own) > TOLERANCE
        self._time = server_time if server_time and is_wrong else own
        self._set_at = self._monotonic()
        return self._time - before

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return self._time + timedelta(seconds=self._monotonic() - self._set_at)

    @property
    def error(self) -> timedelta:
        """Return the time by which the system's clock is ahead, 0 within the tolerance."""
        error = self._utcnow() - self.now()
        if abs(error) <= TOLERANCE:
            self._error = timedelta()
        elif abs(error - self._error) > MEASUREMENT_TOLERANCE:  # not a date's rounding
            self._error = error
        return self._error
