"""A clock turned by hand: for pure code, for Home Assistant's loop, and for benchmarks.

It needs nothing of the tests' packages, nor of Home Assistant's: the benchmarks put it in place
before they import that.
"""

import asyncio
import heapq
import math
import selectors
import time
from typing import Any, override

WAIT_SECONDS = 0.01
"""Seconds of each wait for another thread that is working."""

_real_monotonic = time.monotonic


class Clock:
    """Seconds that are turned by hand, and may also pass by themselves."""

    def __init__(self, *, flows: bool = False) -> None:
        """Start at zero."""
        self.turned = 0.0
        self._began = _real_monotonic() if flows else None

    def __call__(self) -> float:
        """Return the seconds since the start."""
        flown = 0.0 if self._began is None else _real_monotonic() - self._began
        return self.turned + flown

    def turn(self, seconds: float) -> None:
        """Turn the clock."""
        self.turned += seconds

    async def sleep(self, seconds: float) -> None:
        """Turn the clock instead of waiting, while others run."""
        self.turn(seconds)
        await asyncio.sleep(0)


class HandTurnedLoop(asyncio.SelectorEventLoop):
    """Event loop with a time turned by hand, and without threads."""

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        """Start at zero, as a float is fine enough for some weeks."""
        self.clock = Clock()
        super().__init__()
        self._clock_resolution = 1e-6

    @property
    def moment(self) -> float:
        """Time of the loop."""
        return self.clock.turned

    @moment.setter
    def moment(self, moment: float) -> None:
        """Turn it."""
        self.clock.turned = moment

    @override
    def time(self) -> float:
        """Return the time of the loop."""
        return self.clock.turned

    @override
    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run the function in the loop."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as err:  # noqa: BLE001
            future.set_exception(err)
        return future

    @property
    def is_idle(self) -> bool:
        """Return True if nothing is ready to run."""
        return not self._ready  # type: ignore[attr-defined]

    def next_timer(self) -> float:
        """Return the time of the next timer, to the millisecond."""
        timers = (timer for timer in self._scheduled if not timer.cancelled())
        due = min((timer.when() for timer in timers), default=math.inf)
        return due if due == math.inf else max(self.moment, math.ceil(due * 1000) / 1000)


class _Selector(selectors.DefaultSelector):
    """Selector that skips a wait when its loop may, and no other thread is working."""

    def __init__(self, clock: Clock) -> None:
        """Initialize with the loop's clock."""
        super().__init__()
        self._clock = clock
        self.skipping = False
        self.working = 0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait, or turn the clock."""
        if not self.skipping or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        if self.working or timeout is None:
            return super().select(WAIT_SECONDS)
        if not (ready := super().select(0)):
            time.sleep(0)  # lets other threads run and bytes on loopback arrive
            ready = super().select(0)
        if not ready:
            self._clock.turn(timeout)
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """Event loop that can skip its waits, with sockets and threads.

    While it skips, a wait with nothing else to do is over at once, and the clock is turned by it.
    So every timer fires in its order and about when it would.
    """

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, clock: Clock) -> None:
        """Start without skipping."""
        self._waits = _Selector(clock)
        super().__init__(self._waits)

    @override
    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run the function in a thread, without skipping meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self._waits.working += 1
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: object) -> None:
        """Count a finished thread."""
        self._waits.working -= 1

    async def skip(self, seconds: float) -> None:
        """Skip some time without waiting."""
        self._waits.skipping = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waits.skipping = False

    def tidy(self) -> None:
        """Drop cancelled timers, as asyncio does with more than a hundred."""
        self._scheduled = [timer for timer in self._scheduled if not timer.cancelled()]
        heapq.heapify(self._scheduled)
