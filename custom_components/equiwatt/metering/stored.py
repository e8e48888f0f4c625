"""How what is known of an equivent's energy is stored, and read again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .baseline import Estimate, HalfHour, Reason

DECIMALS = 4


def to_stored(found: Estimate) -> dict[str, Any]:
    """Return an estimate as JSON has it."""
    return {
        "start": found.start.isoformat(),
        "end": found.end.isoformat(),
        "half_hours": [
            [half.start.isoformat(), _rounded(half.usual), _rounded(half.used)]
            for half in found.half_hours
        ],
        "usual": _rounded(found.usual),
        "used": _rounded(found.used),
        "saving": _rounded(found.saving),
        "days_used": found.days_used,
        "days_wanted": found.days_wanted,
        "lowest_day": _rounded(found.lowest_day),
        "highest_day": _rounded(found.highest_day),
        "approximate": found.approximate,
        "measured_until": found.measured_until and found.measured_until.isoformat(),
        "reason": found.reason,
    }


def from_stored(stored: object) -> Estimate | None:
    """Return an estimate that was stored, always a final one; None if it cannot be read."""
    if not isinstance(stored, Mapping):
        return None
    try:
        return _read(stored)
    except KeyError, TypeError, ValueError:
        return None


def _read(stored: Mapping[str, Any]) -> Estimate:
    """Return an estimate; raise one of several errors where it is not as we have stored it."""
    return Estimate(
        start=_time(stored["start"]),
        end=_time(stored["end"]),
        half_hours=tuple(
            HalfHour(start=_time(start), usual=_energy(usual), used=_energy(used))
            for start, usual, used in stored["half_hours"]
        ),
        usual=_energy(stored["usual"]),
        used=_energy(stored["used"]),
        saving=_energy(stored["saving"]),
        days_used=int(stored["days_used"]),
        days_wanted=int(stored["days_wanted"]),
        lowest_day=_energy(stored["lowest_day"]),
        highest_day=_energy(stored["highest_day"]),
        approximate=bool(stored["approximate"]),
        final=True,
        measured_until=None
        if stored["measured_until"] is None
        else _time(stored["measured_until"]),
        reason=None if stored["reason"] is None else Reason(stored["reason"]),
    )


def _rounded(energy: float | None) -> float | None:
    """Return an energy to a tenth of a watt-hour."""
    return None if energy is None else round(energy, DECIMALS)


def _energy(value: Any) -> float | None:
    """Return an energy that was stored."""
    return None if value is None else float(value)


def _time(value: str) -> datetime:
    """Return a time that was stored, which must be an aware one."""
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time
