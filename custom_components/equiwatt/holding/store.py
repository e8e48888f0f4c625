"""Storage of the held devices, written through as it must survive a power cut."""

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
"""Errors raised by a stored device that cannot be read."""
SOON, LATER = 1, 30
"""Seconds until changes are written, and until a failed write is repeated."""


@dataclass(frozen=True, kw_only=True)
class Requester:
    """Requester of a hold, to which the logbook also attributes the restoring."""

    name: str | None = None
    context_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class HeldDevice:
    """A device that is held or being restored."""

    entity_id: str
    record: DeviceRecord
    holders: tuple[str, ...] = ()
    """Entry ids of the accounts for whose equivents the device is or was held."""
    requester: Requester = Requester()
    degrees: float | None = None
    """Degrees by which to set the device back once it is available."""

    def as_shown(self, end: datetime | None) -> dict[str, Any]:
        """Return the sensor's attributes of the device: its deadline and its original state."""
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
    """File of the held devices of all accounts, which may share devices."""

    def __init__(
        self, hass: HomeAssistant, devices: Callable[[], Mapping[str, HeldDevice]]
    ) -> None:
        """Initialize with a function that returns the devices to write."""
        self._hass = hass
        self._devices = devices
        self._store = self._open()
        self._timer = Timer(hass, "held devices", self._write_soon)
        self._lock = asyncio.Lock()
        self._is_dirty = False

    async def async_load(self) -> list[HeldDevice]:
        """Return the devices that can be read, and log the others."""
        stored: Any = None
        try:
            stored = await self._store.async_load()
        except Exception as err:  # noqa: BLE001  # devices can be held without the file
            LOGGER.warning("The held devices cannot be read from the disk: %s", err)
        items = stored.get("devices") if isinstance(stored, dict) else None
        return self._read(items if isinstance(items, list) else [])

    async def async_write(self, pending: Mapping[str, HeldDevice]) -> bool:
        """Write all devices and new ones. Return True if they are on the disk."""
        async with self._lock:
            return await self._async_write({**self._devices(), **pending})

    async def async_flush(self) -> None:
        """Write changes that are not written yet."""
        async with self._lock:
            if self._is_dirty and not await self._async_write(self._devices()):
                self.async_save_soon(LATER)

    @callback
    def async_save_soon(self, seconds: float = SOON) -> None:
        """Write all devices soon, and when Home Assistant stops."""
        self._is_dirty = True
        self._store.async_delay_save(self._data, LATER)
        self._timer.async_set(seconds)

    async def async_remove(self) -> None:
        """Delete the file."""
        async with self._lock:
            self._timer.async_set(None)
            await self._async_write({})  # cancels the delayed write
            await self._store.async_remove()

    def _open(self) -> Store[dict[str, Any]]:
        """Return the file, private to Home Assistant's user and replaced atomically."""
        return Store(self._hass, VERSION, KEY, private=True, atomic_writes=True)

    async def _async_write(self, devices: Mapping[str, HeldDevice]) -> bool:
        """Write devices and read them back, as Home Assistant only logs that a disk is full."""
        data, self._is_dirty = as_stored(devices.values()), False
        try:
            await self._store.async_save(data)
            is_written = await self._open().async_load() == data
        except Exception as err:  # noqa: BLE001  # disks raise anything
            LOGGER.debug("The held devices cannot be written: %s", err)
            is_written = False
        self._is_dirty |= not is_written
        return is_written

    @callback
    def _write_soon(self) -> None:
        """Write changes in the background."""
        self._hass.async_create_background_task(self.async_flush(), f"{DOMAIN} held devices")

    def _read(self, items: Iterable[Any]) -> list[HeldDevice]:
        """Return the devices that can be read. Raise an issue for each other with an entity id."""
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
        """Return the stored form of all devices."""
        return as_stored(self._devices().values())


def as_stored(devices: Iterable[HeldDevice]) -> dict[str, Any]:
    """Return the stored form of devices."""
    return {"devices": [to_json(held) for held in devices]}
