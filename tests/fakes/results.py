"""Results of equivents in memory."""

from datetime import datetime, timedelta

from custom_components.equiwatt.equivents.model import Equivent, Kind
from custom_components.equiwatt.metering.results import Estimate, FinishedResult

HOUR = timedelta(hours=1)


def result(
    start: datetime, used: float | None, *days: float, kind: Kind | None = None
) -> FinishedResult:
    """Return the result of an hour, with the use of usual days before it."""
    usual = {(start - timedelta(days=n)).date().isoformat(): kwh for n, kwh in enumerate(days, 1)}
    estimate = Estimate(
        start=start,
        end=start + HOUR,
        days=usual,
        days_wanted=10,
        used=used,
        final=True,
        measured_until=start + HOUR,
    )
    return FinishedResult(Equivent(start, start + HOUR), estimate, kind)
