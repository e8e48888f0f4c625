"""Record of a held device, which holds observed facts only, and its JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from types import NoneType, UnionType
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

    def shifted(self, delta: timedelta) -> Self:
        """Return the command with its times shifted by a correction of the clock."""
        return replace(self, at=self.at + delta, refused_at=_shifted(self.refused_at, delta))


@dataclass(frozen=True, kw_only=True)
class DeviceRecord:
    """A device from its first hold until it is restored, taken over or given up."""

    before: DeviceState | None
    """Original state; None until the device is available."""
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
    """Time at which the wanted state was believed, or after the end, last reported as before."""

    @property
    def restoring(self) -> tuple[Command, ...]:
        """Commands since the end of the hold, which restore the device."""
        return tuple(command for command in self.commands if command.at >= self.until)

    @property
    def latest(self) -> datetime:
        """Time of the newest fact."""
        facts = [self.began, self.changed_at, self.here_since, self.settled_at]
        return max([*(fact for fact in facts if fact), *(command.at for command in self.commands)])

    def shifted(self, delta: timedelta) -> Self:
        """Return the record with its times shifted by a correction of the clock."""
        return replace(
            self,
            began=self.began + delta,
            until=self.until + delta,
            commands=tuple(command.shifted(delta) for command in self.commands),
            changed_at=_shifted(self.changed_at, delta),
            here_since=_shifted(self.here_since, delta),
            settled_at=_shifted(self.settled_at, delta),
        )


def _shifted(moment: datetime | None, delta: timedelta) -> datetime | None:
    """Return a time shifted, None if missing."""
    return moment and moment + delta


def to_json(value: Any) -> Any:
    """Return a dataclass or one of its values as JSON values."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    return [to_json(one) for one in value] if isinstance(value, tuple) else value


def from_json[T](kind: type[T], value: Any) -> T:
    """Return a value of a type from its JSON.

    Raise AttributeError, KeyError, TypeError or ValueError if it cannot be read.
    """
    return cast("T", _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    """Return a value of a type, generics and unions with None included."""
    if isinstance(kind, UnionType):
        if value is None and NoneType in get_args(kind):
            return None
        (kind,) = set(get_args(kind)) - {NoneType}
    if is_dataclass(kind):
        hints = _hints(cast("type", kind))
        return cast("Any", kind)(**{name: _read(one, value[name]) for name, one in hints.items()})
    if isinstance(kind, type) and issubclass(kind, datetime):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], one) for one in _checked(list, value))
    if kind is float:
        return float(_checked(int if isinstance(value, int) else float, value))
    return _checked(get_origin(kind) or kind, value)


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """Return the types of a dataclass's fields, by name."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _checked(kind: Any, value: Any) -> Any:
    """Return a value. Raise TypeError if it is not of the type."""
    if not isinstance(value, kind):
        raise TypeError(value)
    return value
