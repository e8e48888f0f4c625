"""Everything that is known of a held device: facts only, from which the rest follows."""

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
    """What was commanded: state and attributes."""
    found: DeviceState
    """What the device reported at that moment."""
    refused_at: datetime | None = None
    """When the device answered with an error."""

    def shifted(self, delta: timedelta) -> Self:
        """Return the command as if the clock had always been right."""
        return replace(self, at=self.at + delta, refused_at=_shifted(self.refused_at, delta))


@dataclass(frozen=True, kw_only=True)
class DeviceRecord:
    """A device from its first hold until it is restored, taken over or given up."""

    before: DeviceState | None
    """How it was; None until it is available."""
    wanted: Mapping[str, Any]
    """How the hold wants it: state and attributes."""
    began: datetime
    until: datetime
    commands: tuple[Command, ...] = ()
    seen: DeviceState | None = None
    """What it reported last."""
    changed_at: datetime | None = None
    """When it last reported something else while it was available; None if it has not since."""
    here_since: datetime | None = None
    """Since when it has been available; None while it is not."""
    found: DeviceState | None = None
    """How it was found after it had been unavailable, where nothing we know of had made it so."""
    settled_at: datetime | None = None
    """When it had been as wanted for long enough; after the end, when it last was as before."""

    @property
    def restoring(self) -> tuple[Command, ...]:
        """Commands since the end of the hold."""
        return tuple(command for command in self.commands if command.at >= self.until)

    @property
    def latest(self) -> datetime:
        """Time of the newest fact."""
        facts = [self.began, self.changed_at, self.here_since, self.settled_at]
        return max([*(fact for fact in facts if fact), *(one.at for one in self.commands)])

    def shifted(self, delta: timedelta) -> Self:
        """Return the record as if the clock had always been right."""
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
    """Return a time that may be missing, moved."""
    return moment and moment + delta


def to_json(value: Any) -> Any:
    """Return a record, or what it consists of, in values that JSON has."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    return [to_json(one) for one in value] if isinstance(value, tuple) else value


def from_json[T](kind: type[T], value: Any) -> T:
    """Return what was stored as a value of a type.

    Raise AttributeError, KeyError, TypeError or ValueError for what is none.
    """
    return cast("T", _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    """Return a value of a type, which may be generic or a union with None."""
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
        return tuple(_read(get_args(kind)[0], one) for one in _like(list, value))
    if kind is float:
        return float(_like(int if isinstance(value, int) else float, value))
    return _like(get_origin(kind) or kind, value)


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """Return the types of a dataclass's fields by name."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _like(kind: Any, value: Any) -> Any:
    """Return a value. Raise TypeError if it is not of a type."""
    if not isinstance(value, kind):
        raise TypeError(value)
    return value
