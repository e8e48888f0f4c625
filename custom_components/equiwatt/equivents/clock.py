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


class Clock:
    """Goes on by the monotonic clock between answers, and is set by each of them."""

    def __init__(self, utcnow: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        """Start with the system's time."""
        self._utcnow = utcnow
        self._monotonic = monotonic
        self._time, self._set_at = utcnow(), monotonic()
        self._error = timedelta()

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
        """Keep by how much the system's clock is ahead; a server's time is to the second only."""
        error = self._utcnow() - self.now()
        if abs(error) <= TOLERANCE:
            self._error = timedelta()
        elif abs(error - self._error) > UNSURE:
            self._error = error
