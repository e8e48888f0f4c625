"""The time, also where the system's clock is wrong or jumps.

A small computer without a clock of its own starts with yesterday's time, and jumps by hours once it
has asked the network. The provider's answers carry its time, by which equivents start and end.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=2)
"""How far the system's clock may be from the provider's before that is believed instead."""


class Clock:
    """Goes on by the monotonic clock between answers, and is set by each of them."""

    def __init__(self, utcnow: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        """Start with the system's time."""
        self._utcnow = utcnow
        self._monotonic = monotonic
        self._time, self._set_at = utcnow(), monotonic()

    def set(self, told: datetime | None) -> timedelta:
        """Set it by what an answer told (None if it told nothing): within reason the system's.

        Return by how much it was put forward.
        """
        before, own = self.now(), self._utcnow()
        self._time = told if told and abs(told - own) > TOLERANCE else own
        self._set_at = self._monotonic()
        return self._time - before

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return self._time + timedelta(seconds=self._monotonic() - self._set_at)
