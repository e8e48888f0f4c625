"""Record of a held device, which holds observed facts only."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, cast

from .device_state import DeviceState


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that was sent to the device."""

    at: datetime
    values: Mapping[str, Any]
    """Commanded state and attributes."""
    found: DeviceState
    """State that the device reported at that time."""
    refused_at: datetime | None = None
    """Time at which the command failed."""


@dataclass(frozen=True, kw_only=True)
class DeviceRecord:
    """A device from its first hold until it is restored, taken over or given up."""

    before: DeviceState | None
    """Original state; None until the device is available, and not commanded until then."""
    wanted: Mapping[str, Any]
    """Wanted state and attributes."""
    began: datetime
    until: datetime
    commands: tuple[Command, ...] = ()
    seen: DeviceState | None = None
    """Last state reported while available."""
    changed_at: datetime | None = None
    """Time of the last change while available; None if there is none since `here_since`."""
    here_since: datetime | None = None
    """Time since which the device is available; None while it is not."""
    found: DeviceState | None = None
    """State with which the device came back, if changed: no person is known to have set it."""
    settled_at: datetime | None = None
    """Time at which the wanted state was believed.

    After the end, time of the last report as before; None if an old state was reported since.
    """


def shifted[T](value: T, delta: timedelta) -> T:
    """Return a record, or a part of it, with its times shifted by a correction of the clock."""
    if isinstance(value, datetime):
        return cast("T", value + delta)
    if isinstance(value, tuple):
        return cast("T", tuple(shifted(item, delta) for item in value))
    if isinstance(value, Command | DeviceRecord):
        names = [field.name for field in fields(value)]
        return replace(value, **{name: shifted(getattr(value, name), delta) for name in names})
    return value
