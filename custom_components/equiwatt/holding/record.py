"""Record of a held device, which holds observed facts only, and its JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from types import UnionType
from typing import Any, Self, cast, get_args, get_origin, get_type_hints

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

    def shifted(self, delta: timedelta) -> Self:
        """Return the record with its times shifted by a correction of the clock."""
        return _shifted(self, delta)


def _shifted[T](value: T, delta: timedelta) -> T:
    """Return a value with all its times shifted."""
    if isinstance(value, datetime):
        return cast("T", value + delta)
    if isinstance(value, tuple):
        return cast("T", tuple(_shifted(one, delta) for one in value))
    if isinstance(value, Command | DeviceRecord):
        parts = {one.name: _shifted(getattr(value, one.name), delta) for one in fields(value)}
        return replace(value, **parts)
    return value


def to_json(value: Any) -> Any:
    """Return a dataclass or one of its values as JSON values."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    return [to_json(one) for one in value] if isinstance(value, tuple) else value


def from_json(kind: Any, value: Any) -> Any:
    """Return a value of a type, which may be generic or a union with None, from its JSON.

    Raise AttributeError, KeyError, TypeError or ValueError if it cannot be read.
    """
    if isinstance(kind, UnionType):
        return None if value is None else from_json(get_args(kind)[0], value)
    if is_dataclass(kind):
        types = get_type_hints(kind)
        return cast("Any", kind)(
            **{name: from_json(one, value[name]) for name, one in types.items()}
        )
    if isinstance(kind, type) and issubclass(kind, datetime):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    origin = get_origin(kind) or kind
    if not isinstance(value, {tuple: list, float: int | float}.get(origin, origin)):
        raise TypeError(value)
    return tuple(from_json(get_args(kind)[0], one) for one in value) if origin is tuple else value
