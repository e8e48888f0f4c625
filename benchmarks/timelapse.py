"""Time that skips the waits of a process.

Clocks run as usual, but while a loop is skipping, a wait with nothing else to do is over at once,
and all clocks are turned by it. So a day passes in seconds, with all that happens in a day.
`install` must run before Home Assistant is imported, as much of it keeps the clock's functions.
"""

from datetime import UTC, datetime
import time

from tests.fakes.clock import Clock, SkippingLoop

START = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
"""A quiet moment: ten minutes to the next half hour."""

clock = Clock(flows=True)


class Loop(SkippingLoop):
    """Event loop that turns the clocks of this process."""

    def __init__(self) -> None:
        """Start without skipping."""
        super().__init__(clock)


def timestamp() -> float:
    """Return the time in Unix seconds."""
    return START.timestamp() + clock()


def utcnow() -> datetime:
    """Return the time as aware UTC."""
    return datetime.fromtimestamp(timestamp(), UTC)


def install() -> None:
    """Patch the clocks of all later imports."""
    time.monotonic, time.time = clock, timestamp
    from homeassistant.helpers import event  # noqa: PLC0415
    from homeassistant.util import dt as dt_util  # noqa: PLC0415

    dt_util.utcnow = event.time_tracker_utcnow = utcnow  # type: ignore[assignment]
    dt_util.now = lambda time_zone=None: utcnow().astimezone(
        time_zone or dt_util.get_default_time_zone()
    )
