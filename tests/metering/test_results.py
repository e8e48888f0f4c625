"""Test what is kept of what was measured: found, replaced, bounded, stored and read again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
import json
from typing import Any

import pytest

from custom_components.equiwatt.equivents.model import Equivent, Kind
from custom_components.equiwatt.equivents.snapshot import MAX_EQUIVENTS
from custom_components.equiwatt.metering.baseline import Readings, estimate
from custom_components.equiwatt.metering.results import (
    Estimate,
    FinishedResult,
    Reason,
    Results,
    as_stored,
    read_results,
    result_of,
    with_result,
)

from .example import EQUIVENT_DAYS, WINDOW, meter_of, readings

START = datetime(2026, 11, 24, 17, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FINAL = estimate(WINDOW, EQUIVENT_DAYS, readings(), over=True)
RESULT = FinishedResult(Equivent(START, START + HOUR), FINAL)


def result(start: datetime, used: float = 0.4, length: timedelta = HOUR) -> FinishedResult:
    """Return what was measured of an hour."""
    return FinishedResult(Equivent(start, start + length), replace(FINAL, used=used))


def kept(*starts: datetime) -> Results:
    """Return what was measured, one after another."""
    results: Results = ()
    for start in starts:
        results = with_result(results, result(start))
    return results


def starts(results: Results) -> list[datetime]:
    """Return when the equivents started."""
    return [each.equivent.start for each in results]


def test_newest_first() -> None:
    """In whatever order they were measured."""
    days = [START + n * 24 * HOUR for n in (3, 1, 2)]
    assert starts(kept(*days)) == sorted(days, reverse=True)


def test_bounded() -> None:
    """The oldest one goes, as that of the equivents does."""
    first = with_result((), result(START))
    many = tuple(result(START + n * HOUR) for n in range(MAX_EQUIVENTS, 0, -1))
    full = with_result(many[1:] + first, result(START + MAX_EQUIVENTS * HOUR))
    assert full == many


@pytest.mark.parametrize("moved", [-10, -1, 0, 1, 10])
def test_found_and_replaced_under_other_times(moved: int) -> None:
    """An equivent stays the same though the provider puts its times right."""
    results = kept(START - 24 * HOUR, START, START + HOUR, START + 24 * HOUR)
    again = result(START + moved * MINUTE, used=0.8, length=HOUR / 2)
    found = result_of(results, again.equivent)
    assert found
    assert found.equivent.start == START
    replaced = with_result(results, again)
    assert len(replaced) == 4
    assert result_of(replaced, again.equivent) == again


@pytest.mark.parametrize("moved", [-30, -11, 11, 30])
def test_not_found(moved: int) -> None:
    """Another equivent, before or after it, is another one."""
    other = result(START + moved * MINUTE)
    assert result_of(kept(START), other.equivent) is None
    assert result_of((), other.equivent) is None
    assert len(with_result(kept(START), other)) == 2


def test_back_to_back() -> None:
    """Two short ones within ten minutes are not mistaken for one another."""
    first = result(START, used=0.1, length=5 * MINUTE)
    second = result(START + 5 * MINUTE, used=0.2, length=5 * MINUTE)
    results = with_result(with_result((), first), second)
    for each in (first, second):
        assert result_of(results, each.equivent) == each


# On the disk


def stored(result: FinishedResult = RESULT) -> dict[str, Any]:
    """Return a result as it is read from the disk."""
    found: dict[str, Any] = json.loads(json.dumps(as_stored(result)))
    return found


@pytest.mark.parametrize(
    "known",
    [
        readings(),
        readings(newest="17:30"),
        (),
        (Readings(),),
        (meter_of({WINDOW.start: 0, WINDOW.end: 0.2004}),),
    ],
)
def test_there_and_back(known: tuple[Readings, ...]) -> None:
    """What is read is what was stored, to the last digit, and final."""
    found = replace(estimate(WINDOW, EQUIVENT_DAYS, known, over=True), final=True)
    final = replace(RESULT, estimate=found, kind=Kind.POWER_DOWN)
    (again,), unreadable = read_results([stored(final)])
    if found.used is None:  # how far a day had gone is of no interest then
        final = replace(final, estimate=replace(found, so_far=None))
    assert (again, unreadable) == (final, 0)


def test_only_what_does_not_follow() -> None:
    """Figures that follow from the days and the use are not stored."""
    assert stored().keys() == {
        "start_time",
        "end_time",
        "kind",
        "start",
        "end",
        "half_hours",
        "days",
        "days_wanted",
        "used",
        "approximate",
        "measured_until",
        "reason",
    }


def test_what_follows() -> None:
    """Without enough days nothing is usual."""
    few = dict(list(FINAL.days.items())[:2])
    learning = Estimate(
        start=WINDOW.start,
        end=WINDOW.end,
        days=few,
        days_wanted=10,
        used=0.4,
        reason=Reason.LEARNING,
    )
    assert (learning.usual, learning.saving, learning.days_used) == (None, None, 2)
    assert (learning.lowest_day, learning.highest_day) == (None, None)
    (again,), _ = read_results([stored(replace(RESULT, estimate=learning))])
    assert again.estimate == replace(learning, final=True)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        [],
        {},
        stored() | {"start_time": "early"},
        stored() | {"end_time": 0},
        stored() | {"start": None},
        stored() | {"start": "yesterday"},
        stored() | {"end": "2026-11-24T18:00:00"},
        stored() | {"used": "much"},
        stored() | {"half_hours": [1]},
        stored() | {"half_hours": [[1]]},
        stored() | {"days": [0.4]},
        stored() | {"days": {"Monday": 0.4}},
        stored() | {"days": {"2026-11-23": None}},
        stored() | {"days_wanted": None},
        stored() | {"reason": "bored"},
        stored() | {"kind": "sideways"},
    ],
)
def test_what_cannot_be_read(broken: object) -> None:
    """It is left out and counted, the rest is kept."""
    assert read_results([broken, stored()]) == ((RESULT,), 1)


@pytest.mark.parametrize("items", [None, {}, "x"])
def test_no_list(items: Any) -> None:
    """There is nothing to be read."""
    assert read_results(items) == ((), 1)
