"""What was paused, and how it was before: on the disk, as it must outlast a pulled plug."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import json
from typing import Any

from homeassistant.core import Context, HomeAssistant, State, callback
from homeassistant.exceptions import InvalidEntityFormatError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from .domains import is_as_before

VERSION = 1
ECHO = timedelta(seconds=30)
"""How long after a command a device may still tell what it did before."""
GIVE_UP_AFTER = timedelta(hours=1)
"""How long a device is tried to be put back before the user is told."""


@dataclass(slots=True, eq=False)
class Paused:
    """A device that was turned off. What is not stored counts within one run only."""

    state: State
    """How it was before."""
    until: datetime | None = None
    """When it has been off for long enough, whatever else goes on."""
    released_at: datetime | None = None
    """Since when it is to be put back."""
    seen_off: bool = True
    """Whether it has told that it is off: until then it may still tell that it is on."""
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
        """Tell whether the last command is so fresh that the device may tell what was before."""
        return self.commanded_at is not None and now - self.commanded_at < ECHO

    def is_back(self, state: State | None, now: datetime) -> bool:
        """Tell whether the device is as it was, and not just still telling so."""
        return (self.seen_off or not self.is_fresh(now)) and is_as_before(self.state, state)

    def is_given_up(self, now: datetime) -> bool:
        """Tell whether the device has been tried to be put back for long enough."""
        return self.released_at is not None and now - self.released_at >= GIVE_UP_AFTER

    def is_somebodys(self, context: Context, now: datetime) -> bool:
        """Tell whether a change is not our doing, nor the device telling what was before."""
        if context.id == self.command:
            return False
        return bool(context.user_id or context.parent_id) or not self.is_fresh(now)

    def cancel(self) -> None:
        """Stop putting it back."""
        if self.task:
            self.task.cancel()
            self.task = None

    def renew(self, until: datetime | None) -> None:
        """Keep it off, for no longer than told here or before."""
        self.cancel()
        self.released_at = self.next_try = None
        self.seen_off = False
        self.until = min(filter(None, (self.until, until)), default=None)


class PauseMemory:
    """The paused devices of one account."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Start with nothing paused."""
        self.paused: dict[str, Paused] = {}
        self._lasting = True
        self._store = Store[dict[str, Any]](
            hass, VERSION, f"{DOMAIN}.{entry_id}.pause", private=True, atomic_writes=True
        )

    async def async_load(self) -> None:
        """Read what can be read, and say once if something could not."""
        stored: Any = await self._store.async_load()
        items = stored.get("paused") if isinstance(stored, dict) else stored
        for item in items if isinstance(items, list) else [items] if items else []:
            if paused := _read(item):
                self.paused[paused.state.entity_id] = paused
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


def _written(paused: Paused) -> dict[str, Any]:
    """Return a paused device as it is stored."""
    return {
        "state": json.loads(paused.state.as_dict_json),
        "until": paused.until and paused.until.isoformat(),
        "released_at": paused.released_at and paused.released_at.isoformat(),
    }


def _read(item: Any) -> Paused | None:
    """Read a paused device, None if it cannot be made out."""
    try:
        if state := State.from_dict(item["state"]):
            return Paused(state, _time(item.get("until")), _time(item.get("released_at")))
    except AttributeError, KeyError, TypeError, ValueError, InvalidEntityFormatError:
        pass
    return None


def _time(text: str | None) -> datetime | None:
    """Read a time; one that cannot be made out is none."""
    return dt_util.parse_datetime(text) if text else None
