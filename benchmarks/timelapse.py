"""Time that skips what a process would only have waited for.

Clocks go on as they do everywhere, but while a loop is skipping, a wait with nothing else to do is
over at once and all clocks are put forward by it. So a day passes in seconds, every timer fires in
its order and about when it would, and what is measured is what a day really does. `install` must
run before Home Assistant is imported, since much of it keeps the clock's functions.
"""

import asyncio
from datetime import UTC, datetime
import heapq
import selectors
import time
from typing import Any, override

START = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
"""A quiet moment: ten minutes to the next half hour."""
GRAIN = 0.01
"""Seconds to wait at a time for another thread that is at work."""

_real_monotonic = time.monotonic
_began = _real_monotonic()


class _Skipped:
    """How many seconds were skipped so far, on all clocks."""

    seconds = 0.0


def monotonic() -> float:
    """Return the seconds of the monotonic clock."""
    return _real_monotonic() + _Skipped.seconds


def timestamp() -> float:
    """Return the time as Unix seconds."""
    return START.timestamp() + monotonic() - _began


def utcnow() -> datetime:
    """Return the time, aware UTC."""
    return datetime.fromtimestamp(timestamp(), UTC)


def install() -> None:
    """Let everything that is imported from now on go by these clocks."""
    time.monotonic, time.time = monotonic, timestamp
    from homeassistant.helpers import event  # noqa: PLC0415
    from homeassistant.util import dt as dt_util  # noqa: PLC0415

    dt_util.utcnow = event.time_tracker_utcnow = utcnow  # type: ignore[assignment]
    dt_util.now = lambda time_zone=None: utcnow().astimezone(
        time_zone or dt_util.get_default_time_zone()
    )


class _Selector(selectors.DefaultSelector):
    """Skips a wait when its loop may, and nobody else is at work."""

    skipping = False
    working = 0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait, or put the clocks forward."""
        if not self.skipping or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        if self.working or timeout is None:
            return super().select(GRAIN)
        if not (ready := super().select(0)):
            time.sleep(0)  # other threads, and bytes on loopback, have their chance
            ready = super().select(0)
        if not ready:
            _Skipped.seconds += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    """An event loop that can skip what it would wait for."""

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        """Start without skipping."""
        self._waits = _Selector()
        super().__init__(self._waits)

    @override
    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run it in a thread; nothing is skipped meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self._waits.working += 1
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: object) -> None:
        """Note that a thread has done its work."""
        self._waits.working -= 1

    async def skip(self, seconds: float) -> None:
        """Let time pass without waiting for it."""
        self._waits.skipping = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waits.skipping = False

    def tidy(self) -> None:
        """Drop cancelled timers, as asyncio does itself once there are a hundred."""
        self._scheduled = [timer for timer in self._scheduled if not timer.cancelled()]
        heapq.heapify(self._scheduled)
