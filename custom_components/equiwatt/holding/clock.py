"""The time by which devices are held: what was timed follows a clock that is put right."""

from collections.abc import Callable
from datetime import datetime, timedelta

TOLERANCE = timedelta(seconds=1)
"""How far a clock may be from where it should have got to before it counts as moved."""


class HoldingClock:
    """Sees a clock jump, whoever moved it, by comparing it with one that cannot be set."""

    def __init__(
        self, monotonic: Callable[[], float], on_jump: Callable[[timedelta], None]
    ) -> None:
        """Compare from the first time that is read."""
        self._monotonic = monotonic
        self._on_jump = on_jump
        self._last: tuple[datetime, float] | None = None

    def read(self, now: datetime) -> datetime:
        """Return the time, those who go by it having been told by how much it has jumped."""
        moment = self._monotonic()
        before, self._last = self._last, (now, moment)
        if before:
            jump = now - before[0] - timedelta(seconds=moment - before[1])
            if abs(jump) > TOLERANCE:
                self._on_jump(jump)
            else:
                self._last = before  # so that many small ones add up
        return now
