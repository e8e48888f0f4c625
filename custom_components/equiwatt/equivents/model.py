"""One equivent: when it starts, when it ends, and which other one is the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SAME = timedelta(minutes=10)
"""How far apart the starts may be that two answers give for one equivent."""


class EdgeType(StrEnum):
    """What happened to an equivent."""

    STARTED = "started"
    ENDED = "ended"


class Source(StrEnum):
    """What brought the news."""

    API = "api"
    WEBHOOK = "webhook"
    CLOCK = "clock"
    SIMULATION = "simulation"


class Kind(StrEnum):
    """Whether an equivent rewards using less or using more."""

    POWER_DOWN = "power_down"
    POWER_UP = "power_up"


@dataclass(frozen=True, slots=True)
class Equivent:
    """One equivent: aware UTC times, the end excluded, and None for an end nobody knows."""

    start: datetime
    end: datetime | None = None

    def same_as(self, other: Equivent) -> bool:
        """Return True if both are one equivent, whose times the provider may have changed.

        The starts are ten minutes apart at most, and neither was over before the other began.
        """
        first, second = (self, other) if self.start <= other.start else (other, self)
        over = first.end is not None and first.end <= second.start
        return second.start - first.start <= SAME and not over


def ending_of(finished: Iterable[Equivent], equivent: Equivent) -> datetime | None:
    """Return the end under which an equivent is listed among finished ones, None if it is not."""
    for one in finished:
        if one.end and one.end > equivent.start and one.same_as(equivent):
            return one.end
    return None
