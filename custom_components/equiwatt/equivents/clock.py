"""The time, also where the system's clock is wrong or jumps.

A small computer without a clock of its own starts with yesterday's time, and jumps by hours once it
has asked the network. The provider's answers carry its time, by which equivents start and end.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=2)
"""How far the system's clock may be from the provider's before that is believed instead."""
UNSURE = timedelta(seconds=2)
"""How far two looks at the same wrong clock may be apart."""
RESOLUTION = timedelta(seconds=1)
"""Smallest step of a server's date."""
COPY = timedelta(minutes=1)
"""How much older than an earlier answer a copy is."""


class Clock:
    """A clock that goes on by the monotonic one between answers, and is set by each of them."""

    def __init__(self, utcnow: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        """Start with the system's time."""
        self._utcnow = utcnow
        self._monotonic = monotonic
        self._time, self._set_at = utcnow(), monotonic()
        self._error = timedelta()
        self._newest: datetime | None = None
        """Latest date of an answer."""
        self._doubted: tuple[datetime, float] | None = None
        """Date of the last answer if that was not accepted, and when it was received."""

    @property
    def is_in_doubt(self) -> bool:
        """Return True if the date of the last answer was not accepted."""
        return self._doubted is not None

    def accepts(self, date: datetime | None) -> bool:
        """Return True unless an answer that has just been received is, or may be, an old copy.

        A date that contradicts an earlier one, or the system's clock, is accepted once a second
        answer goes on from it as the monotonic clock did.
        """
        doubted, self._doubted = self._doubted, None
        if date is None:
            return True
        is_old = self._newest is not None and date <= self._newest - COPY
        is_far = min(abs(date - self.now()), abs(date - self._utcnow())) > TOLERANCE
        if (is_old or is_far) and not self._goes_on(date, doubted):
            self._doubted = (date, self._monotonic())
            return False
        self._newest = date if is_old or not self._newest else max(date, self._newest)
        return True

    def _goes_on(self, date: datetime, doubted: tuple[datetime, float] | None) -> bool:
        """Return True if a date follows a doubted one by as much as has passed meanwhile."""
        if not doubted:
            return False
        went_on, passed = date - doubted[0], timedelta(seconds=self._monotonic() - doubted[1])
        is_copy = not went_on and passed >= RESOLUTION
        return not is_copy and abs(went_on - passed) <= UNSURE

    def set(self, server_time: datetime | None) -> timedelta:
        """Set it to the server's time if the system's is far from that, and return by how much.

        An answer that bears no time leaves it to the system's.
        """
        before, own = self.now(), self._utcnow()
        far = server_time is not None and abs(server_time - own) > TOLERANCE
        self._time = server_time if server_time and far else own
        self._set_at = self._monotonic()
        self._note_error()
        return self._time - before

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return self._time + timedelta(seconds=self._monotonic() - self._set_at)

    @property
    def error(self) -> timedelta:
        """Return by how much the system's clock is ahead, nothing within reason."""
        return self._error

    def _note_error(self) -> None:
        """Keep the error of the system's clock; a server's time is to the second only."""
        error = self._utcnow() - self.now()
        if abs(error) <= TOLERANCE:
            self._error = timedelta()
        elif abs(error - self._error) > UNSURE:
            self._error = error
