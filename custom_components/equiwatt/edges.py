"""What is told of equivents: the edges, how the last one ended, and what is known in all."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .equivents import Equivent


class Kind(StrEnum):
    """What happened to an equivent."""

    STARTED = "started"
    ENDED = "ended"


class Source(StrEnum):
    """What brought the news."""

    API = "api"
    WEBHOOK = "webhook"
    CLOCK = "clock"
    SIMULATION = "simulation"


@dataclass(frozen=True, slots=True)
class Edge:
    """A change of the live state."""

    kind: Kind
    equivent: Equivent
    source: Source

    @property
    def test(self) -> bool:
        """Tell whether it is rehearsed."""
        return self.source is Source.SIMULATION


@dataclass(frozen=True, slots=True)
class State:
    """What is known: the live equivent, an announced one, and the finished ones, newest first."""

    live: Equivent | None = None
    upcoming: Equivent | None = None
    past: tuple[Equivent, ...] = ()
    simulated: bool = False
    """Whether the live one is played, not real."""

    @property
    def last(self) -> Equivent | None:
        """Return the newest finished one."""
        return self.past[0] if self.past else None


class Ending(StrEnum):
    """How the last equivent ended, which decides what makes it live again."""

    LISTED = "listed"
    TIME = "time"
    BOUND = "bound"
    VANISHED = "vanished"
    PUSH = "push"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Over:
    """The last equivent that ended."""

    equivent: Equivent
    ending: Ending
    at: datetime
