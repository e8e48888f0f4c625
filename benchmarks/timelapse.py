"""Time that skips what a process would only have waited for.

Clocks go on as they do everywhere, but while a loop is skipping, a wait with nothing else to do is
over at once and all clocks are put forward by it. So a day passes in seconds, and what is measured
is what a day really does. `install` must run before Home Assistant is imported, since much of it
keeps the clock's functions.
"""

from datetime import UTC, datetime
import time

from tests.fakes.clock import Clock, SkippingLoop

START = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
"""A quiet moment: ten minutes to the next half hour."""

clock = Clock(flows=True)


class Loop(SkippingLoop):
    """An event loop that turns the clock of this process."""

    def __init__(self) -> None:
        """Start without skipping."""
        super().__init__(clock)


def timestamp() -> float:
    """Return the time as Unix seconds."""
    return START.timestamp() + clock()


def utcnow() -> datetime:
    """Return the time, aware UTC."""
    return datetime.fromtimestamp(timestamp(), UTC)


def install() -> None:
    """Let everything that is imported from now on go by these clocks."""
    time.monotonic, time.time = clock, timestamp
    from homeassistant.helpers import event  # noqa: PLC0415
    from homeassistant.util import dt as dt_util  # noqa: PLC0415

    dt_util.utcnow = event.time_tracker_utcnow = utcnow  # type: ignore[assignment]
    dt_util.now = lambda time_zone=None: utcnow().astimezone(
        time_zone or dt_util.get_default_time_zone()
    )
