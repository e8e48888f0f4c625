"""An equivent, and the edges of its life."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SAME = timedelta(minutes=10)
"""How far apart the starts may be that two answers give for one equivent."""


class EdgeType(StrEnum):
    """Change of an equivent."""

    STARTED = "started"
    ENDED = "ended"


class Source(StrEnum):
    """Source of a change."""

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
    """An equivent: aware UTC times, the end excluded, and None for an unknown end."""

    start: datetime
    end: datetime | None = None

    def same_as(self, other: Equivent) -> bool:
        """Return True if both are the same equivent, whose times the provider may have changed.

        The starts are ten minutes apart at most, and neither was over before the other began.
        """
        first, second = (self, other) if self.start <= other.start else (other, self)
        over = first.end is not None and first.end <= second.start
        return second.start - first.start <= SAME and not over
