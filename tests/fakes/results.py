"""Results of equivents in memory."""

from datetime import datetime, timedelta

from custom_components.equiwatt.equivents.model import Equivent, Kind
from custom_components.equiwatt.metering.results import Estimate, FinishedResult, days_above

HOUR = timedelta(hours=1)


def result(
    start: datetime, used: float | None, *days: float, kind: Kind | None = None
) -> FinishedResult:
    """Return the result of an hour, with the use of usual days before it."""
    usual = {start.date() - timedelta(days=n): kwh for n, kwh in enumerate(days, 1)}
    is_known = bool(days) and used is not None
    estimate = Estimate(
        start=start,
        end=start + HOUR,
        days=usual,
        days_wanted=10,
        so_far=sum(days) / len(days) if is_known else None,
        used=used,
        lower_than=days_above(days, used) if is_known and used is not None else None,
        final=True,
    )
    return FinishedResult(Equivent(start, start + HOUR), estimate, kind)
