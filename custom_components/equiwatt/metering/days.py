"""Days that are comparable with an equivent's day, in the UK's calendar."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
MAX_DAYS_BACK = 60
"""Number of days to look back for comparable days."""
DAY = timedelta(days=1)


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """Return the bank holidays of England and Wales, substitute days included.

    They follow from rules. Days proclaimed once, as for a coronation, and holidays moved by
    proclamation are not known and count as ordinary days.
    """
    easter = _easter(year)
    days = {
        easter - 2 * DAY,
        easter + DAY,
        _monday_from(date(year, 5, 1)),
        _monday_from(date(year, 5, 25)),
        _monday_from(date(year, 8, 25)),
    }
    for day in (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)):
        observed = day
        while observed.weekday() >= 5 or observed in days:
            observed += DAY
        days.add(observed)
    return frozenset(days)


def _monday_from(day: date) -> date:
    """Return the first Monday on or after a day."""
    return day + -day.weekday() % 7 * DAY


def _easter(year: int) -> date:
    """Return Easter Sunday, by the anonymous Gregorian algorithm."""
    golden, century, short = year % 19, year // 100, year % 100
    skipped = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - skipped + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (short // 4) - epact - short % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def is_working(day: date) -> bool:
    """Return True if a day is neither at a weekend nor a bank holiday."""
    return day.weekday() < 5 and day not in bank_holidays(day.year)


@cache
def changes_clock(day: date) -> bool:
    """Return True if the clocks go forward or back on a day."""
    midnights = (
        datetime(each.year, each.month, each.day, tzinfo=LONDON) for each in (day, day + DAY)
    )
    before, after = (midnight.utcoffset() for midnight in midnights)
    return before != after


def days_of(start: datetime, end: datetime) -> frozenset[date]:
    """Return the local days that a period covers, its end excluded."""
    first = start.astimezone(LONDON).date()
    last = max(start, end - timedelta.resolution).astimezone(LONDON).date()
    return frozenset(first + n * DAY for n in range((last - first).days + 1))


def similar_days(start: datetime, end: datetime, equivent_days: Collection[date]) -> list[date]:
    """Return the days that are comparable with a period, most recent first.

    They are of the same type, working day or not. Days with an equivent or a change of the clocks
    are left out.
    """
    touched = days_of(start, end)
    first = min(touched)
    return [
        day
        for day in (first - n * DAY for n in range(1, MAX_DAYS_BACK + 1))
        if is_working(day) is is_working(first)
        and not any(
            other in equivent_days or changes_clock(other)
            for other in (day + (each - first) for each in touched)
        )
    ]
