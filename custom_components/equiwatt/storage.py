"""Files in Home Assistant's storage, whose writes fail with an error, and reading their JSON.

Home Assistant's encoder writes dataclasses by itself.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache, partial
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.json import json_bytes, save_json
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.json import json_loads

from .const import DOMAIN
from .equivents.answer import LATEST
from .timer import Timer

VERSION = 1
SAVE_DELAY = 30
"""Seconds until changes are written, and until a failed write is repeated."""

UNWRITTEN: HassKey[dict[str, Any]] = HassKey(f"{DOMAIN}_unwritten")
"""Data of files that were closed while the disk could not be written."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Time of a clock that was never set. Sums of much earlier or later times cannot be computed."""

DAMAGED = (AttributeError, KeyError, TypeError, ValueError)
"""Errors raised by stored data that cannot be read."""


class StorageFile:
    """File that is private to Home Assistant's user and replaced atomically.

    Home Assistant's Store only logs that a write has failed, and so it only reads here.
    """

    def __init__(self, hass: HomeAssistant, name: str, data: Callable[[], dict[str, Any]]) -> None:
        """Initialize with a function that returns the data to write."""
        self.key = f"{DOMAIN}.{name}"
        self._hass = hass
        self._data = data
        self._store: Store[Any] = Store(hass, VERSION, self.key)
        self._lock = asyncio.Lock()
        self._timer = Timer(hass, "write", self._write)
        self._cancel_final_write: CALLBACK_TYPE | None = None
        """Set while changes are not written."""
        self._is_closed = False

    @property
    def is_pending(self) -> bool:
        """Return True while changes are not written."""
        return self._cancel_final_write is not None

    async def async_load(self) -> Any:
        """Return the stored data, None without any. Raise OSError on failure."""
        if unwritten := self._take_unwritten():
            self.async_write_soon()
            return unwritten
        try:
            data = await self._store.async_load()
            if data is None:
                # Home Assistant would believe until its next start that there is no file.
                await self._store.async_remove()
        except Exception as err:  # a file of another shape may raise anything
            raise OSError(f"Cannot read {self.key}: {err!r}") from err
        return data

    @callback
    def async_write_soon(self, seconds: float = SAVE_DELAY) -> None:
        """Write the data after a delay, and when Home Assistant stops."""
        if self._is_closed:
            return
        if not self._cancel_final_write:
            self._cancel_final_write = self._hass.bus.async_listen_once(
                EVENT_HOMEASSISTANT_FINAL_WRITE, self._async_final_write
            )
            self._timer.async_set(seconds)
        self._timer.async_bring_forward(seconds)

    async def async_write(
        self, data: Callable[[], dict[str, Any]] | None = None, *, only_pending: bool = False
    ) -> None:
        """Write the data, or others instead. Raise WriteError on failure, and repeat it later."""
        async with self._lock:
            if self._is_closed or (only_pending and not self.is_pending):
                return
            self._clear_pending()
            save = self._hass.async_create_task(
                self._async_save((data or self._data)()), f"{DOMAIN} write"
            )
            try:
                await asyncio.wait([save])
            except asyncio.CancelledError:
                # Such as by a restarted automation. No later write may overtake this one.
                await asyncio.wait([save])
                raise
            finally:
                if not save.done() or save.exception():
                    self.async_write_soon()
            if err := save.exception():
                raise WriteError(f"Cannot write {self.key}") from err

    async def async_try(self) -> None:
        """Write the data now, or later if it fails."""
        with suppress(WriteError):
            await self.async_write()

    async def async_flush(self) -> bool:
        """Write pending changes now, once a write under way is over. Return False on failure."""
        with suppress(WriteError):
            await self.async_write(only_pending=True)
            return True
        return False

    async def async_close(self) -> None:
        """Write pending changes and stop writing: another owner may open the file."""
        await self.async_flush()
        async with self._lock:
            self._is_closed = True
        if self.is_pending:
            unwritten = json_loads(json_bytes(self._data()))
            self._hass.data.setdefault(UNWRITTEN, {})[self.key] = unwritten
            self._clear_pending()

    async def async_remove(self) -> None:
        """Delete the file."""
        async with self._lock:
            self._clear_pending()
            self._take_unwritten()
            await self._store.async_remove()

    def _take_unwritten(self) -> Any:
        """Return the data that could not be written when the file was closed."""
        return self._hass.data.get(UNWRITTEN, {}).pop(self.key, None)

    def _clear_pending(self) -> None:
        """Cancel the pending write."""
        self._timer.async_set(None)
        if self._cancel_final_write:
            self._cancel_final_write()
            self._cancel_final_write = None

    @callback
    def _write(self) -> None:
        """Write the data in the background."""
        self._hass.async_create_task(self.async_try(), f"{DOMAIN} write")

    async def _async_final_write(self, _: Event) -> None:
        """Write the data as Home Assistant stops."""
        self._cancel_final_write = None  # it has been called
        await self.async_try()

    async def _async_save(self, data: dict[str, Any]) -> None:
        """Write the data in the format of Home Assistant's Store."""
        content = {"version": VERSION, "minor_version": 1, "key": self.key, "data": data}
        save = partial(save_json, self._store.path, content, private=True, atomic_writes=True)
        await self._hass.async_add_executor_job(save)


@cache
def _types_of(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields, none for another type."""
    return get_type_hints(kind) if is_dataclass(kind) else {}


def from_json(kind: Any, value: Any) -> Any:
    """Return a value of a type from its JSON. Raise one of DAMAGED if it cannot be read."""
    if isinstance(kind, UnionType):
        return None if value is None else from_json(get_args(kind)[0], value)
    if types := _types_of(kind):
        return kind(**{name: from_json(hint, value[name]) for name, hint in types.items()})
    origin, kinds = get_origin(kind) or kind, get_args(kind)
    if origin is Mapping:
        return {key: from_json(kinds[1], item) for key, item in value.items()}
    if origin is tuple and isinstance(value, list):
        each = kinds[:1] * len(value) if kinds[-1] is ... else kinds
        return tuple(map(from_json, each, value, strict=True))
    return _plain(origin, value)


def _plain(kind: Any, value: Any) -> Any:
    """Return a value of a type without parts from its JSON."""
    if kind is Any:
        return value
    if issubclass(kind, Enum):
        return kind(value)
    if issubclass(kind, datetime):
        moment = kind.fromisoformat(value)
        if not EARLIEST <= moment <= LATEST:  # a TypeError if it is naive
            raise ValueError(value)
        return moment
    if not isinstance(value, int | float if kind is float else kind):
        raise TypeError(value)
    return value


def readable(kind: Any, value: Any, lost: list[Any]) -> Any:
    """Return a dataclass or tuple without the fields and items that cannot be read.

    These are added to a list. The fields get their defaults, as do missing ones.
    """
    if (types := _types_of(kind)) and isinstance(value, dict):
        shared = types.keys() & value.keys()
        read = {name: _attempt(types[name], value[name], lost) for name in shared}
        return kind(**{name: found[0] for name, found in read.items() if found})
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(read for item in value for read in _attempt(get_args(kind)[0], item, lost))
    lost.append(value)
    return kind()


def _attempt(kind: Any, value: Any, lost: list[Any]) -> list[Any]:
    """Return a value of a type from its JSON, or nothing if it cannot be read."""
    if get_args(kind)[1:] == (...,):
        return [readable(kind, value, lost)]
    try:
        return [from_json(kind, value)]
    except DAMAGED:
        lost.append(value)
        return []
