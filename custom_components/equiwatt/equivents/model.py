"""Equivents and the types of their edges."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SAME = timedelta(minutes=10)
"""Longest time between the starts that answers give for one equivent."""


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
    """Kind of an equivent, which rewards using less or more."""

    POWER_DOWN = "power_down"
    POWER_UP = "power_up"


@dataclass(frozen=True, slots=True)
class Equivent:
    """Equivent with aware UTC times, its end excluded and None if unknown."""

    start: datetime
    end: datetime | None = None

    def as_dict(self) -> dict[str, str | None]:
        """Return the times as automations and diagnostics have them."""
        end = self.end.isoformat() if self.end else None
        return {"start": self.start.isoformat(), "end": end}

    def same_as(self, other: Equivent) -> bool:
        """Return True if both are the same equivent, as the provider may correct its times.

        Their starts are at most ten minutes apart, and neither was over before the other began.
        """
        first, second = (self, other) if self.start <= other.start else (other, self)
        over = first.end is not None and first.end <= second.start
        return second.start - first.start <= SAME and not over
