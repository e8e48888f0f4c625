"""Test which days are comparable with the day of an equivent."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.equiwatt.metering.days import (
    MAX_DAYS_BACK,
    bank_holidays,
    changes_clock,
    days_of,
    is_working,
    similar_days,
)

from .example import EXAMPLE

HOUR = timedelta(hours=1)
DATES = st.dates(date(2000, 1, 1), date(2099, 12, 31))


def test_bank_holidays_of_two_years() -> None:
    """The holidays of 2026 and 2027 are those of the example."""
    expected = [date.fromisoformat(day) for day in EXAMPLE["non_working_days_2026_2027"]]
    assert sorted(bank_holidays(2026) | bank_holidays(2027)) == expected


@pytest.mark.parametrize(
    ("year", "moved"),
    [
        (2016, ["2016-01-01", "2016-12-26", "2016-12-27"]),
        (2017, ["2017-01-02", "2017-12-25", "2017-12-26"]),
        (2020, ["2020-01-01", "2020-12-25", "2020-12-28"]),
        (2021, ["2021-01-01", "2021-12-27", "2021-12-28"]),
        (2022, ["2022-01-03", "2022-12-26", "2022-12-27"]),
        (2023, ["2023-01-02", "2023-12-25", "2023-12-26"]),
        (2028, ["2028-01-03", "2028-12-25", "2028-12-26"]),
    ],
)
def test_substitute_days(year: int, moved: list[str]) -> None:
    """New Year, Christmas and Boxing Day on a weekend move to the next weekdays."""
    found = sorted(str(day) for day in bank_holidays(year) if day.month in (1, 12))
    assert found == moved


@pytest.mark.parametrize(
    "friday",
    ["2000-04-21", "2008-03-21", "2011-04-22", "2024-03-29", "2025-04-18", "2038-04-23"],
)
def test_easter(friday: str) -> None:
    """Good Friday and Easter Monday move by seven weeks."""
    day = date.fromisoformat(friday)
    assert {day, day + timedelta(days=3)} <= bank_holidays(day.year)


@given(st.integers(1990, 2200))
def test_eight_bank_holidays_a_year(year: int) -> None:
    """Each year has eight bank holidays, all on weekdays."""
    days = bank_holidays(year)
    assert len(days) == 8
    assert all(day.weekday() < 5 and not is_working(day) for day in days)


def test_working_days() -> None:
    """Monday to Friday are working days, weekends and Christmas are not."""
    week = [date(2026, 11, 16) + timedelta(days=n) for n in range(7)]
    assert [is_working(day) for day in week] == [True] * 5 + [False] * 2
    assert not is_working(date(2026, 12, 25))


def test_clock_changes() -> None:
    """The clocks change on two days of 2026."""
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [day for day in days if changes_clock(day)] == [date(2026, 3, 29), date(2026, 10, 25)]


@pytest.mark.parametrize(
    ("start", "hours", "days"),
    [
        ("2026-11-24T23:30Z", 0.5, ["2026-11-24"]),
        ("2026-11-24T23:30Z", 1, ["2026-11-24", "2026-11-25"]),
        ("2026-07-24T22:30Z", 0.5, ["2026-07-24"]),
        ("2026-07-24T22:30Z", 1, ["2026-07-24", "2026-07-25"]),
        ("2026-11-24T00:00Z", 0, ["2026-11-24"]),
    ],
)
def test_days_of_a_window(start: str, hours: float, days: list[str]) -> None:
    """Days are in London time, and the end is excluded."""
    begins = datetime.fromisoformat(start)
    assert sorted(days_of(begins, begins + hours * HOUR)) == [
        date.fromisoformat(day) for day in days
    ]


def similar(start: str, *equivents: str, hours: float = 1) -> list[str]:
    """Return the comparable days of an equivent."""
    begins = datetime.fromisoformat(start)
    days = {date.fromisoformat(day) for day in equivents}
    return [str(day) for day in similar_days(begins, begins + hours * HOUR, days)]


def test_tuesday_after_clock_change() -> None:
    """The day of the clock change is left out, and the days before it are not."""
    days = similar("2026-10-27T17:00Z")
    assert days[:4] == ["2026-10-26", "2026-10-23", "2026-10-22", "2026-10-21"]
    sunday = similar("2026-10-31T17:00Z")
    assert sunday[:2] == ["2026-10-24", "2026-10-18"]


def test_over_midnight() -> None:
    """Neither day of a window over midnight may have an equivent or a clock change."""
    assert similar("2026-11-24T23:30Z", "2026-11-20")[:2] == ["2026-11-23", "2026-11-18"]
    assert "2026-10-24" not in similar("2026-11-21T23:30Z")
    assert "2026-10-24" in similar("2026-11-21T22:30Z")


@given(DATES, st.integers(0, 47), st.sets(st.integers(-2, 70)))
def test_any_window(day: date, half_hour: int, ago: set[int]) -> None:
    """Days have the same type and no equivents, within sixty days, most recent first."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + half_hour * HOUR / 2
    (first, *_) = sorted(days_of(start, start + HOUR / 2))
    equivents = {first - timedelta(days=number) for number in ago}
    days = similar_days(start, start + HOUR / 2, equivents)
    assert days == sorted(days, reverse=True)
    assert all(timedelta() < first - each <= timedelta(MAX_DAYS_BACK) for each in days)
    assert all(is_working(each) is is_working(first) for each in days)
    assert equivents.isdisjoint(days)
    left_out = {first - timedelta(n) for n in range(1, MAX_DAYS_BACK + 1)} - equivents - set(days)
    assert all(changes_clock(d) or is_working(d) is not is_working(first) for d in left_out)
