"""One equivent, and the edges that its life has."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SAME = timedelta(minutes=10)
"""How far apart two starts may be that are one equivent's."""


@dataclass(frozen=True, slots=True)
class Equivent:
    """One equivent: aware UTC times, the end excluded, and None for an end nobody knows."""

    start: datetime
    end: datetime | None = None

    def same_as(self, other: Equivent) -> bool:
        """Tell whether both are one equivent, whose times the provider may have changed.

        The starts are ten minutes apart at most, and neither was over before the other began.
        """
        first, second = (self, other) if self.start <= other.start else (other, self)
        over = first.end is not None and first.end <= second.start
        return second.start - first.start <= SAME and not over


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
