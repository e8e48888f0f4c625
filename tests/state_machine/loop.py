"""An event loop whose time is turned by hand."""

import asyncio
import math
from typing import Any, override

from homeassistant.util.async_ import get_scheduled_timer_handles


class HandTurnedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until it is turned, and that needs no threads."""

    moment = 0.0

    def __init__(self) -> None:
        """Start at zero; after weeks a float is no finer than this."""
        super().__init__()
        self._clock_resolution = 1e-6

    @override
    def time(self) -> float:
        """Return the time."""
        return self.moment

    @override
    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run it here and now."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as err:  # noqa: BLE001
            future.set_exception(err)
        return future

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is left to do before time passes."""
        return not self._ready  # type: ignore[attr-defined]

    def next_timer(self) -> float:
        """Return when the next timer fires, to the millisecond that clocks show."""
        handles = get_scheduled_timer_handles(self)
        due = min((h.when() for h in handles if not h.cancelled()), default=math.inf)
        return due if due == math.inf else max(self.moment, math.ceil(due * 1000) / 1000)
