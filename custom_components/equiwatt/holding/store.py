"""Held devices, and their stored form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import valid_entity_id

from ..const import LOGGER
from ..storage import DAMAGED, from_json
from .device import MAX_DURATION, is_confirmed
from .record import DeviceRecord

NAME = "held_devices"
"""Name of the file, which all accounts share, as they may share devices."""

Requester = tuple[str | None, str | None]
"""Name and context of a hold's requester, to which the logbook also attributes the restoring."""


@dataclass(frozen=True, kw_only=True)
class HeldDevice:
    """A device that is held or being restored."""

    entity_id: str
    record: DeviceRecord
    holders: tuple[str, ...] = ()
    """Entry ids of the accounts for whose equivents the device is or was held."""
    requester: Requester = (None, None)
    degrees: float | None = None
    """Degrees by which to set the device back once it is available."""

    def as_shown(self, end: datetime | None) -> dict[str, Any]:
        """Return the sensor's attributes of the device: its deadline and its original state."""
        record, before = self.record, self.record.before
        own = record.until if record.until < record.began + MAX_DURATION else None
        until = min(filter(None, (own, end)), default=None)
        return {
            "entity_id": self.entity_id,
            "until": until.isoformat() if until else None,
            "confirmed": is_confirmed(record),
            **(before.significant if before else {}),
            "state": before.state if before else None,
        }


def from_stored(stored: Any) -> tuple[list[HeldDevice], set[str]]:
    """Return the held devices, and those that could not be restored or cannot be read."""
    items = stored.get("devices") if isinstance(stored, dict) else None
    devices, not_restored = list[HeldDevice](), set[str]()
    for item in items if isinstance(items, list) else []:
        try:
            device = from_json(HeldDevice, item)
            device.as_shown(None)  # raises what would keep the sensor from showing the others
            devices.append(device)
        except DAMAGED:
            entity_id = item.get(ATTR_ENTITY_ID) if isinstance(item, dict) else None
            if isinstance(entity_id, str) and valid_entity_id(entity_id):
                not_restored.add(entity_id)
            else:
                LOGGER.warning("A held device cannot be read from the disk, and is left as it is")
    return devices, not_restored
