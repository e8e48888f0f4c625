"""Controls of the simulated provider: equivents, settings, and webhook calls."""

import asyncio
from collections import deque
from collections.abc import Iterable
import contextlib
from dataclasses import asdict
import logging
from pathlib import Path
import time
from typing import Any, Self

import aiohttp

from .model import (
    API_PATH,
    CALLS_KEPT,
    EVENTS,
    Call,
    ControlError,
    Ledger,
    Limiter,
    Settings,
    checked_address,
    masked,
)

_LOGGER = logging.getLogger(__name__)


class Controls:
    """Equivents, settings and webhooks of a provider."""

    def __init__(self, tokens: Iterable[str], state_file: Path | None, slow: float) -> None:
        """Initialize with recent equivents, or with those of the state file."""
        now = time.time()
        self.url = ""
        self.slow = slow
        self.settings = Settings()
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.api_calls = 0
        self.over_limit = 0
        self._webhooks: dict[str, str | None] = dict.fromkeys(EVENTS)
        self.limiters = {token: Limiter() for token in tokens}
        self._state_file = state_file
        self._ledger = (
            Ledger.load(state_file, now)
            if state_file and state_file.exists()
            else Ledger.recent(now)
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._planned_end: asyncio.TimerHandle | None = None
        self._stack = contextlib.AsyncExitStack()
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        """Open the session for webhook calls."""
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        )
        self._save()
        self._set_timer()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel the pending webhook calls and close the session."""
        self._cancel_timer()
        for task in self._tasks:
            task.cancel()
        await self._stack.aclose()

    @property
    def api_url(self) -> str:
        """Return the address of the API."""
        return self.url + API_PATH

    def account(self) -> dict[str, str]:
        """Return the token and the address of the account."""
        return {"token": next(iter(self.limiters)), "url": self.api_url}

    def start(self, minutes: float | None = 60) -> None:
        """Start an equivent: the webhook is called at once, and the API changes after the lag."""
        self._ledger.start(time.time(), minutes, self.settings.lag)
        self._changed("started")

    def end(self) -> None:
        """End the live equivent likewise."""
        self._ledger.end(time.time(), self.settings.lag)
        self._changed("ended")

    def trigger(self, event: str) -> None:
        """Call a webhook without an equivent, as the app's button does."""
        if event not in EVENTS:
            raise ControlError(f"The event is one of: {', '.join(EVENTS)}.")
        if not self._push(event):
            raise ControlError(f"There is no webhook address for “{event}” yet.", 409)

    def configure(self, **changes: Any) -> None:
        """Change how the API behaves: shape, lag, fault, shown."""
        self.settings.update(changes)

    def set_webhooks(self, **addresses: str | None) -> None:
        """Set or clear the addresses to call."""
        if set(addresses) - set(EVENTS):
            raise ControlError(f"The addresses are named: {', '.join(EVENTS)}.")
        self._webhooks |= {event: checked_address(address) for event, address in addresses.items()}

    def answer(self) -> dict[str, Any]:
        """Return the API's current answer."""
        return self._ledger.data(time.time(), self.settings.shape, self.settings.shown)

    def state(self) -> dict[str, Any]:
        """Return everything that the page shows, without secrets."""
        live = self._ledger.live
        return {
            "now": time.time(),
            "live": live and {"start_time": live.start, "end_time": live.planned_end},
            "answer": self.answer(),
            "settings": asdict(self.settings),
            "webhooks": {
                event: address and masked(address) for event, address in self._webhooks.items()
            },
            "api_calls": self.api_calls,
            "over_limit": self.over_limit,
            "calls": [asdict(call) for call in reversed(self.calls)],
        }

    def forget_calls(self) -> None:
        """Reset the counters, as a killed client knows nothing of its calls."""
        self.limiters = {token: Limiter() for token in self.limiters}

    def _changed(self, event: str) -> None:
        """Publish a new edge."""
        self._save()
        self._set_timer()
        self._push(event)

    def _save(self) -> None:
        """Save the equivents for a later provider."""
        if self._state_file:
            self._ledger.save(self._state_file)

    def _set_timer(self) -> None:
        """Set the timer for the planned end of the live equivent."""
        self._cancel_timer()
        if (live := self._ledger.live) and live.planned_end:
            self._planned_end = asyncio.get_running_loop().call_later(
                max(0, live.planned_end - time.time()), self.end
            )

    def _cancel_timer(self) -> None:
        """Cancel the timer."""
        if self._planned_end:
            self._planned_end.cancel()
            self._planned_end = None

    def _push(self, event: str) -> bool:
        """Call a webhook in the background, if there is one."""
        if not (address := self._webhooks[event]):
            return False
        task = asyncio.get_running_loop().create_task(self._call_webhook(event, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _call_webhook(self, event: str, address: str) -> None:
        """Call a webhook and record the result."""
        began = time.time()
        status: int | str = "no answer"
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with self._session.post(address) as response:
                status = response.status
        self.record(Call(began, "webhook", "POST", f"{masked(address)} ({event})", status))

    def record(self, call: Call) -> None:
        """Add a call to the list."""
        self.calls.append(call)
        _LOGGER.info("%s %s %s: %s", call.kind, call.method, call.target, call.status)
