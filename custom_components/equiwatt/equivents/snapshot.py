"""What is known of equivents at one moment, as one value."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .model import Equivent


@dataclass(frozen=True, slots=True)
class Snapshot:
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


class EndReason(StrEnum):
    """How the last equivent ended, which decides what makes it live again."""

    LISTED = "listed"
    TIME = "time"
    BOUND = "bound"
    VANISHED = "vanished"
    PUSH = "push"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Ended:
    """The last equivent that ended."""

    equivent: Equivent
    ending: EndReason
    at: datetime
