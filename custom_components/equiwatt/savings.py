"""What the home's meter said of finished equivents, kept whether or not there still is a meter."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

from .equivents.answer import MalformedError, read_event
from .equivents.model import SAME, Equivent
from .equivents.snapshot import MAX_EQUIVENTS

FIGURES = ("usual", "used", "saving")


@dataclass(frozen=True, slots=True)
class Saved:
    """What was measured of one equivent."""

    equivent: Equivent
    estimate: Mapping[str, Any]
    """As `metering/stored.py` writes it, which alone reads all of it."""

    def figure(self, name: str) -> float | None:
        """Return one of the figures in kWh, None if it is not known."""
        value: float | None = self.estimate[name]
        return value


type Savings = tuple[Saved, ...]
"""What was measured, of the newest equivent first."""


def saved_of(savings: Savings, equivent: Equivent) -> Saved | None:
    """Return what was measured of an equivent, whose times may have changed since."""
    latest = equivent.start + SAME
    first = bisect_left(savings, -latest.timestamp(), key=_age)
    near = takewhile(
        lambda saved: saved.equivent.start >= equivent.start - SAME, islice(savings, first, None)
    )
    return next((saved for saved in near if saved.equivent.same_as(equivent)), None)


def with_saved(savings: Savings, new: Saved) -> Savings:
    """Return what was measured with something new, in place of what was known of the same."""
    others = (saved for saved in savings if not saved.equivent.same_as(new.equivent))
    return _newest((*others, new))


def read_savings(items: object) -> tuple[Savings, int]:
    """Return what of it can be read, and how much cannot."""
    if not isinstance(items, list):
        return (), 1
    known = [saved for item in items if (saved := _read(item))]
    return _newest(known), len(items) - len(known)


def _newest(savings: Iterable[Saved]) -> Savings:
    """Return as much as is kept, of the newest equivent first."""
    return tuple(sorted(savings, key=_age)[:MAX_EQUIVENTS])


def _age(saved: Saved) -> float:
    """Return what is the smaller, the newer an equivent is."""
    return -saved.equivent.start.timestamp()


def _read(item: object) -> Saved | None:
    """Return what was measured of one equivent; None if it cannot be read."""
    estimate = item.get("estimate") if isinstance(item, dict) else None
    if not isinstance(estimate, dict) or not all(_is_figure(estimate, name) for name in FIGURES):
        return None
    try:
        return Saved(read_event(item), estimate)
    except MalformedError:
        return None


def _is_figure(estimate: Mapping[str, Any], name: str) -> bool:
    """Return True for a number, or for one that is said not to be known."""
    value = estimate.get(name, "missing")
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
