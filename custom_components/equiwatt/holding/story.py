"""What is remembered of a device that is held: all that it takes to go on after a restart."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from .reading import COMPARED, OFF, UNKNOWN, Reading

HOLD = "hold"
"""The key of the command that begins a hold; those of a restore have the keys of their steps."""


class Phase(StrEnum):
    """Where the story of a device has got to."""

    HELD = "held"
    RESTORING = "restoring"
    GIVEN_UP = "given_up"
    OVER = "over"


class Outcome(StrEnum):
    """What became of a command."""

    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The last command."""

    keys: tuple[str, ...]
    at: datetime
    outcome: Outcome | None = None
    done_at: datetime | None = None
    is_judged: bool = False
    """Whether it has been decided if the device answered with something else."""

    @property
    def key(self) -> str:
        """Return what the command was for."""
        return self.keys[0]

    @property
    def since(self) -> datetime:
        """Return from when on the device may be expected to answer."""
        return self.done_at or self.at


@dataclass(kw_only=True)
class Story:
    """A device from its first hold to its end."""

    domain: str
    before: Reading
    """How it was, and is to be again."""
    wanted: Reading | None = OFF
    """How it is held; None while a scene is still moving it."""
    last: Reading = UNKNOWN
    """What it told last, when it was there."""
    is_present: bool = False
    phase: Phase = Phase.HELD
    until: datetime | None = None
    released_at: datetime | None = None
    sent: Sent | None = None
    is_owed: bool = False
    """Whether the hold's command is still to be sent."""
    is_leaving: bool = False
    """Whether the hold is over, and only whose it is has to be seen."""
    is_claimed: bool = False
    """Whether somebody set it while it had not yet reached what the hold asks."""
    is_unsure: bool = False
    """Whether this began before the device had told how the last phase had ended."""
    reached: set[str] = field(default_factory=set)
    """What it has told that it has reached."""
    doubted: set[str] = field(default_factory=set)
    """What it says already, but may say from before the last command."""
    dropped: set[str] = field(default_factory=set)
    """Steps that undo an earlier one."""
    failed: set[str] = field(default_factory=set)
    """Steps that the device answered with an error, which keep no later one waiting."""
    commands: int = 0
    tries: int = 0
    next_at: datetime | None = None
    answers: int = 0
    """How often it answered with another state than was asked."""
    first: dict[str, list[Any]] = field(default_factory=dict)
    """What it told of each step when that was first commanded."""
    given: dict[str, int] = field(default_factory=dict)
    """How often each step was commanded."""
    told_at: datetime | None = None
    """When it last told anything new."""
    returned_at: datetime | None = None
    """When it was last there again."""
    seen_at: datetime | None = None
    """When anything was last heard, by which a clock that is put back is noticed."""

    @property
    def is_in_flight(self) -> bool:
        """Tell whether the outcome of a command is awaited."""
        return self.sent is not None and self.sent.outcome is None

    def begin(self, phase: Phase) -> None:
        """Begin a phase with nothing reached, tried or doubted."""
        self.phase = phase
        self.until = self.released_at = self.next_at = None
        self.is_owed = self.is_leaving = self.is_claimed = self.is_unsure = False
        self.reached, self.doubted, self.dropped, self.failed = set(), set(), set(), set()
        self.commands = self.tries = self.answers = 0
        self.first, self.given = {}, {}

    def shift(self, delta: timedelta) -> None:
        """Move every time, as the clock was moved."""
        for name in TIMES:
            moment = getattr(self, name)
            setattr(self, name, moment and moment + delta)
        if self.sent:
            done_at = self.sent.done_at and self.sent.done_at + delta
            self.sent = replace(self.sent, at=self.sent.at + delta, done_at=done_at)

    def as_dict(self) -> dict[str, Any]:
        """Return it in plain values."""
        return {
            "domain": self.domain,
            "before": _reading_as_dict(self.before),
            "wanted": self.wanted and _reading_as_dict(self.wanted),
            "last": _reading_as_dict(self.last),
            "phase": self.phase.value,
            "sent": self.sent and _sent_as_dict(self.sent),
            **{name: text_of(getattr(self, name)) for name in TIMES},
            **{name: sorted(getattr(self, name)) for name in SETS},
            **{name: getattr(self, name) for name in PLAIN},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read it. Raise AttributeError, KeyError, TypeError or ValueError for what is none."""
        if "phase" not in data:
            return cls._from_version_1(data)
        wanted, sent = data["wanted"], data["sent"]
        story = cls(
            domain=_domain(data["domain"]),
            before=_known(data["before"]),
            wanted=wanted and _known(wanted),
            last=_reading(data["last"]),
            phase=Phase(data["phase"]),
            sent=sent and _sent(sent),
        )
        for name in TIMES:
            setattr(story, name, moment_of(data[name]))
        for name in SETS:
            setattr(story, name, set(strings(data[name])))
        for name in PLAIN:
            setattr(story, name, _like(getattr(story, name), data[name]))
        return story

    @classmethod
    def _from_version_1(cls, data: Mapping[str, Any]) -> Self:
        """Read what the first version stored of a device that was off, or to be restored."""
        state = data["state"]
        released_at = moment_of(data.get("released_at"))
        return cls(
            domain=_domain(state["entity_id"].partition(".")[0]),
            before=_known(state),
            last=OFF,
            phase=Phase.RESTORING if released_at else Phase.HELD,
            until=moment_of(data.get("until")),
            released_at=released_at,
            reached=set() if released_at else {HOLD},
        )


TIMES = ("until", "released_at", "next_at", "told_at", "returned_at", "seen_at")
SETS = ("reached", "doubted", "dropped", "failed")
PLAIN = (
    "is_present",
    "is_owed",
    "is_leaving",
    "is_claimed",
    "is_unsure",
    "commands",
    "tries",
    "answers",
    "first",
    "given",
)


def _reading_as_dict(reading: Reading) -> dict[str, Any]:
    """Return a reading in plain values."""
    return {"state": reading.state, "attributes": dict(reading.attributes)}


def _reading(data: Mapping[str, Any]) -> Reading:
    """Read a reading."""
    return Reading(state=data["state"], attributes=dict(data["attributes"]))


def _known(data: Mapping[str, Any]) -> Reading:
    """Read a reading. Raise TypeError for one that tells nothing."""
    _like("", data["state"])
    return _reading(data)


def _sent_as_dict(sent: Sent) -> dict[str, Any]:
    """Return a command in plain values."""
    return {
        "keys": list(sent.keys),
        "at": sent.at.isoformat(),
        "outcome": sent.outcome and sent.outcome.value,
        "done_at": text_of(sent.done_at),
        "is_judged": sent.is_judged,
    }


def _sent(data: Mapping[str, Any]) -> Sent:
    """Read a command. Raise ValueError for one that says neither what it was for nor when."""
    at = moment_of(data["at"])
    keys = tuple(strings(data["keys"]))
    if at is None or not keys:
        raise ValueError(data)
    return Sent(
        keys=keys,
        at=at,
        outcome=data["outcome"] and Outcome(data["outcome"]),
        done_at=moment_of(data["done_at"]),
        is_judged=data["is_judged"],
    )


def _domain(name: str) -> str:
    """Return a domain whose devices can be held. Raise KeyError for others."""
    COMPARED[name]
    return name


def text_of(moment: datetime | None) -> str | None:
    """Return a time as text."""
    return moment.isoformat() if moment else None


def _like(default: Any, value: Any) -> Any:
    """Return a value. Raise TypeError if it is not of the kind that it is to be."""
    if type(value) is not type(default):
        raise TypeError(value)
    return value


def strings(value: Any) -> list[str]:
    """Return a list of names. Raise TypeError if it is none."""
    for name in _like([], value):
        _like("", name)
    return list(value)


def moment_of(text: Any) -> datetime | None:
    """Read a time; what cannot be made out, or says no time zone, is none."""
    try:
        moment = datetime.fromisoformat(text)
    except TypeError, ValueError:
        return None
    return moment if moment.tzinfo else None
