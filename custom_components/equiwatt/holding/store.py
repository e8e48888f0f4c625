"""The held devices, and how they were before: on the disk, as they must outlast a pulled plug."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import json
from typing import Any

from homeassistant.core import Context, HomeAssistant, State, callback
from homeassistant.exceptions import InvalidEntityFormatError
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..store import TolerantStore
from .domains import is_as_before

ECHO = timedelta(seconds=30)
"""How long after a command a device may still tell what it did before."""
GIVE_UP_AFTER = timedelta(hours=1)
"""For how long restoring a device is tried before an issue is raised."""


@dataclass(slots=True, eq=False)
class HeldDevice:
    """A device that was turned off. What is not stored counts within one run only."""

    state: State
    """How it was before."""
    until: datetime | None = None
    """When to restore it although the equivent goes on."""
    released_at: datetime | None = None
    """Since when it is to be restored."""
    seen_off: bool = True
    """Whether it has reported that it is off: until then it may still report that it is on."""
    command: str = ""
    """The id of the context of the last command."""
    commanded_at: datetime | None = None
    next_try: datetime | None = None
    task: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def due(self) -> datetime | None:
        """Return when something is to be done about it next."""
        return self.next_try if self.released_at else self.until

    def is_fresh(self, now: datetime) -> bool:
        """Return True while the device may still report what was before the last command."""
        return self.commanded_at is not None and now - self.commanded_at < ECHO

    def is_back(self, state: State | None, now: datetime) -> bool:
        """Return True if the device is as it was, and does not just still report so."""
        return (self.seen_off or not self.is_fresh(now)) and is_as_before(self.state, state)

    def is_given_up(self, now: datetime) -> bool:
        """Return True if restoring the device has been tried for long enough."""
        return self.released_at is not None and now - self.released_at >= GIVE_UP_AFTER

    def is_somebodys(self, context: Context, now: datetime) -> bool:
        """Return True if a change is neither ours nor the device reporting what was before."""
        if context.id == self.command:
            return False
        return bool(context.user_id or context.parent_id) or not self.is_fresh(now)

    def cancel(self) -> None:
        """Stop restoring it."""
        if self.task:
            self.task.cancel()
            self.task = None

    def renew(self, until: datetime | None) -> None:
        """Hold it again, until the earlier of both moments."""
        self.cancel()
        self.released_at = self.next_try = None
        self.seen_off = False
        self.until = min(filter(None, (self.until, until)), default=None)


class HoldingStore:
    """The paused devices of one account."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Start with nothing paused."""
        self.paused: dict[str, HeldDevice] = {}
        self._lasting = True
        self._store = TolerantStore(hass, f"{entry_id}.pause")

    async def async_load(self) -> None:
        """Read what can be read, and log what could not."""
        for item in _items(await self._store.async_load()):
            if device := _read(item):
                self.paused[device.state.entity_id] = device
            else:
                LOGGER.warning("A paused device cannot be read from the disk, and is left as it is")

    async def async_save(self) -> None:
        """Write everything now."""
        await self._store.async_save(self._data())

    @callback
    def async_save_soon(self) -> None:
        """Write everything within a moment, and when Home Assistant stops."""
        if self._lasting:
            self._store.async_delay_save(self._data, 0)

    async def async_remove(self) -> None:
        """Leave nothing on the disk from now on."""
        self._lasting = False
        await self._store.async_remove()

    def _data(self) -> dict[str, Any]:
        """Return everything as it is stored."""
        return {"paused": [_written(paused) for paused in self.paused.values()]}


def _items(stored: object) -> list[Any]:
    """Return the stored items; anything but a list is one that cannot be read."""
    items = stored.get("paused") if isinstance(stored, dict) else stored
    if isinstance(items, list):
        return items
    return [items] if items else []


def _written(paused: HeldDevice) -> dict[str, Any]:
    """Return a paused device as it is stored."""
    return {
        "state": json.loads(paused.state.as_dict_json),
        "until": paused.until and paused.until.isoformat(),
        "released_at": paused.released_at and paused.released_at.isoformat(),
    }


def _read(item: Any) -> HeldDevice | None:
    """Return a held device, None if it cannot be read."""
    try:
        if state := State.from_dict(item["state"]):
            return HeldDevice(state, _time(item.get("until")), _time(item.get("released_at")))
    except AttributeError, KeyError, TypeError, ValueError, InvalidEntityFormatError:
        pass
    return None


def _time(text: str | None) -> datetime | None:
    """Return a time, None if it cannot be read."""
    return dt_util.parse_datetime(text) if text else None
