"""The held devices on the disk, as they must outlast a power cut."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeassistant.core import HomeAssistant, callback, valid_entity_id
from homeassistant.helpers.storage import Store

from ..const import DOMAIN, LOGGER
from ..timer import Timer
from .device import LONGEST, is_confirmed
from .issues import async_raise_not_restored
from .record import DeviceRecord, from_json, to_json

VERSION = 1
KEY = f"{DOMAIN}.held_devices"
DAMAGED = (AttributeError, KeyError, TypeError, ValueError)
"""What is raised for a device that cannot be read."""
SOON, LATER = 1, 30
"""Seconds until changes are written, and until that is tried again on a full disk."""


@dataclass(frozen=True, kw_only=True)
class Requester:
    """Who asked for a hold: the logbook names them when the device is restored, too."""

    name: str | None = None
    context_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class HeldDevice:
    """A device that is held or restored."""

    entity_id: str
    record: DeviceRecord
    holders: tuple[str, ...] = ()
    """The accounts for whose equivents it is held, or was."""
    requester: Requester = Requester()
    degrees: float | None = None
    """By how much it is set back, once it is available."""

    def as_shown(self, end: datetime | None) -> dict[str, Any]:
        """Return until when it is held at the latest, the equivent having this end; how it was."""
        record = self.record
        own = record.until if record.until < record.began + LONGEST else None
        until = min(filter(None, (own, end)), default=None)
        return {
            "entity_id": self.entity_id,
            "until": until.isoformat() if until else None,
            "confirmed": is_confirmed(record),
            **(record.before.shown if record.before else {"state": None}),
        }


class HoldingStore:
    """The file of all held devices: two accounts may hold the same one."""

    def __init__(
        self, hass: HomeAssistant, devices: Callable[[], Mapping[str, HeldDevice]]
    ) -> None:
        """Write what there is then, whenever something is to be written."""
        self._hass = hass
        self._devices = devices
        self._store = self._open()
        self._timer = Timer(hass, "held devices", self._write_soon)
        self._lock = asyncio.Lock()
        self._is_dirty = False

    async def async_load(self) -> list[HeldDevice]:
        """Return what can be read, and log what cannot be."""
        stored: Any = None
        try:
            stored = await self._store.async_load()
        except Exception as err:  # noqa: BLE001  # devices can be held all the same
            LOGGER.warning("The held devices cannot be read from the disk: %s", err)
        items = stored.get("devices") if isinstance(stored, dict) else None
        return self._read(items if isinstance(items, list) else [])

    async def async_write(self, pending: Mapping[str, HeldDevice]) -> bool:
        """Write everything and what is to be held; return True if it is on the disk."""
        async with self._lock:
            return await self._async_write({**self._devices(), **pending})

    async def async_flush(self) -> None:
        """Write what has changed, unless another has done so meanwhile."""
        async with self._lock:
            if self._is_dirty and not await self._async_write(self._devices()):
                self.async_save_soon(LATER)

    @callback
    def async_save_soon(self, seconds: float = SOON) -> None:
        """Write everything within a moment, and when Home Assistant stops."""
        self._is_dirty = True
        self._store.async_delay_save(self._data, LATER)
        self._timer.async_set(seconds)

    async def async_remove(self) -> None:
        """Delete the file."""
        async with self._lock:
            self._timer.async_set(None)
            await self._async_write({})  # in place of what was to be written later
            await self._store.async_remove()

    def _open(self) -> Store[dict[str, Any]]:
        """Return the file, which is kept from other users of the machine, and whole."""
        return Store(self._hass, VERSION, KEY, private=True, atomic_writes=True)

    async def _async_write(self, devices: Mapping[str, HeldDevice]) -> bool:
        """Write devices, and read them back: Home Assistant only logs that a disk is full."""
        data, self._is_dirty = as_stored(devices.values()), False
        try:
            await self._store.async_save(data)
            is_written = await self._open().async_load() == data
        except Exception as err:  # noqa: BLE001  # whatever a disk raises
            LOGGER.debug("The held devices cannot be written: %s", err)
            is_written = False
        self._is_dirty |= not is_written
        return is_written

    @callback
    def _write_soon(self) -> None:
        """Write what has changed."""
        self._hass.async_create_background_task(self.async_flush(), f"{DOMAIN} held devices")

    def _read(self, items: Iterable[Any]) -> list[HeldDevice]:
        """Return the devices that can be read; an issue names each other one that has a name."""
        found = []
        for item in items:
            try:
                found.append(from_json(HeldDevice, item))
            except DAMAGED:
                LOGGER.warning("A held device cannot be read from the disk, and is left as it is")
                with suppress(*DAMAGED):
                    if valid_entity_id(item["entity_id"]):
                        async_raise_not_restored(self._hass, item["entity_id"])
        return found

    def _data(self) -> dict[str, Any]:
        """Return everything as it is stored."""
        return as_stored(self._devices().values())


def as_stored(devices: Iterable[HeldDevice]) -> dict[str, Any]:
    """Return devices as they are stored."""
    return {"devices": [to_json(one) for one in devices]}
