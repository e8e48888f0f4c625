"""Test the stored results: lookup, limit, storage and the total."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.equiwatt.equivents.model import Equivent, Kind
from custom_components.equiwatt.equivents.snapshot import MAX_EQUIVENTS
from custom_components.equiwatt.metering.baseline import Readings, estimate
from custom_components.equiwatt.metering.results import (
    Estimate,
    FinishedResult,
    Reason,
    Results,
    Verdict,
)
from custom_components.equiwatt.storage import from_json

from ..fakes.disk import to_json
from ..fakes.results import result as measured
from .example import EQUIVENT_DAYS, WINDOW, meter_of, readings

START = datetime(2026, 11, 24, 17, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FINAL = estimate(WINDOW, EQUIVENT_DAYS, readings(), over=True)
RESULT = FinishedResult(Equivent(START, START + HOUR), FINAL)


def result(start: datetime, used: float = 0.4, length: timedelta = HOUR) -> FinishedResult:
    """Return the result of an hour."""
    return FinishedResult(Equivent(start, start + length), replace(FINAL, used=used))


def kept(*starts: datetime) -> Results:
    """Return results, added one after another."""
    results = Results()
    for start in starts:
        results = results.with_result(result(start))
    return results


def starts(results: Results) -> list[datetime]:
    """Return the starts of the equivents."""
    return [each.equivent.start for each in results]


def test_newest_first() -> None:
    """Results are sorted, in any order of measuring."""
    days = [START + n * 24 * HOUR for n in (3, 1, 2)]
    assert starts(kept(*days)) == sorted(days, reverse=True)


def test_bounded() -> None:
    """The oldest result is dropped with its equivent."""
    first = Results().with_result(result(START))
    many = tuple(result(START + n * HOUR) for n in range(MAX_EQUIVENTS, 0, -1))
    full = Results((*many[1:], *first)).with_result(result(START + MAX_EQUIVENTS * HOUR))
    assert full == many


@pytest.mark.parametrize("moved", [-10, -1, 0, 1, 10])
def test_found_and_replaced_under_other_times(moved: int) -> None:
    """A result is found and replaced though the API corrects its times."""
    results = kept(START - 24 * HOUR, START, START + HOUR, START + 24 * HOUR)
    again = result(START + moved * MINUTE, used=0.8, length=HOUR / 2)
    found = results.of(again.equivent)
    assert found
    assert found.equivent.start == START
    replaced = results.with_result(again)
    assert len(replaced) == 4
    assert replaced.of(again.equivent) == again


@pytest.mark.parametrize("moved", [-30, -11, 11, 30])
def test_not_found(moved: int) -> None:
    """Another equivent before or after has no result."""
    other = result(START + moved * MINUTE)
    assert kept(START).of(other.equivent) is None
    assert Results().of(other.equivent) is None
    assert len(kept(START).with_result(other)) == 2


def test_back_to_back() -> None:
    """Two short equivents within ten minutes have separate results."""
    first = result(START, used=0.1, length=5 * MINUTE)
    second = result(START + 5 * MINUTE, used=0.2, length=5 * MINUTE)
    results = Results((first,)).with_result(second)
    for each in (first, second):
        assert results.of(each.equivent) == each


# On the disk


def read(result: FinishedResult) -> FinishedResult:
    """Return a result after a round trip to the disk."""
    found: FinishedResult = from_json(FinishedResult, to_json(result))
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
def test_round_trip(known: tuple[Readings, ...]) -> None:
    """A result is read as it was stored, to the last digit."""
    found = replace(estimate(WINDOW, EQUIVENT_DAYS, known, over=True), final=True)
    final = replace(RESULT, estimate=found, kind=Kind.POWER_DOWN)
    assert read(final) == final


def test_no_derived_figures() -> None:
    """Figures that follow from the days and the use are not stored."""
    assert to_json(RESULT)["estimate"].keys() == {
        "start",
        "end",
        "half_hours",
        "days",
        "days_so_far",
        "days_wanted",
        "used",
        "approximate",
        "final",
        "measured_until",
        "reason",
    }
    assert to_json(RESULT)["estimate"]["days_so_far"] == []


def test_too_few_days() -> None:
    """Without enough days there is no usual use."""
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
    assert read(replace(RESULT, estimate=learning)).estimate == learning


# The total

USUAL = (0.4, 0.6, 0.8, 1.0, 1.2)
"""A mean of 0.8, and a standard deviation of the root of 0.1."""


def evenings(*used: float, share_days: bool = False, apart: int = 70) -> Results:
    """Return equivents, newest first, each with five usual days before it."""
    results = Results()
    for number, each in enumerate(used):
        start = START + number * timedelta(days=apart)
        finished = measured(start, each, *USUAL)
        if share_days:  # all with the same days
            days = {str(START.date() - timedelta(days=n)): kwh for n, kwh in enumerate(USUAL, 1)}
            finished = replace(finished, estimate=replace(finished.estimate, days=days))
        results = results.with_result(finished)
    return results


def test_no_total() -> None:
    """There is no total without figures."""
    unknown = replace(FINAL, used=None)
    for results in ((), (replace(RESULT, estimate=unknown),)):
        found = Results(results)
        assert (found.saving, found.since, found.spread) == (None, None, None)
        assert (found.counted, found.verdict) == ((), Verdict.TOO_EARLY)


def test_total() -> None:
    """The total covers all equivents with figures except powerUPs."""
    results = evenings(0.5, 0.9, 0.3)
    up = measured(START + timedelta(days=500), 3.0, *USUAL, kind=Kind.POWER_UP)
    down = measured(START + timedelta(days=600), 0.7, *USUAL, kind=Kind.POWER_DOWN)
    learning = measured(START + timedelta(days=700), 0.7)
    for each in (up, down, learning):
        results = results.with_result(each)
    found = Results(results)
    assert found.saving == pytest.approx(0.3 - 0.1 + 0.5 + 0.1)
    assert (len(found.counted), found.since) == (4, START)
    assert found.counted[0] == down


def test_spread() -> None:
    """The variance of all twelve days, 6 / 5 of it for each of two equivents at the mean."""
    assert evenings(0.8).spread is None
    a_day = 2 * (2 * 0.4**2 + 2 * 0.2**2) / 11
    assert evenings(0.8, 0.8).spread == pytest.approx(1.3 * (2 * 1.2 * a_day) ** 0.5)
    shared = evenings(0.8, 0.8, share_days=True, apart=2).spread  # five of five days
    assert shared == pytest.approx(1.3 * ((2 * 1.2 + 2 * 5 / 25) * 0.4 / 6) ** 0.5)


@pytest.mark.parametrize(
    ("used", "verdict"),
    [
        ((0.3, 0.3, 0.3), Verdict.TOO_EARLY),
        ((0.3, 0.3, 0.3, 0.3), Verdict.LESS),
        ((1.3, 1.3, 1.3, 1.3), Verdict.MORE),
        ((0.3, 1.3, 0.3, 1.3), Verdict.NO_DIFFERENCE),
        ((0.8, 0.8, 0.8, 0.8), Verdict.NO_DIFFERENCE),
        # Ranks of 1, 1, .8 and .6, of which a half makes 1.4. By luck once in twenty: 1.645 times
        # the root of 4 * 7 / 60, or 1.12, and half a step of 1 / 5 more.
        ((0.3, 0.3, 0.5, 0.7), Verdict.LESS),
        ((0.3, 0.3, 0.7, 0.7), Verdict.NO_DIFFERENCE),  # 1.2
        ((1.3, 1.3, 1.1, 0.9), Verdict.MORE),
        ((1.3, 1.3, 0.9, 0.9), Verdict.NO_DIFFERENCE),
    ],
)
def test_verdict(used: tuple[float, ...], verdict: Verdict) -> None:
    """The verdict follows from the mean rank."""
    assert evenings(*used).verdict is verdict


def test_shared_days() -> None:
    """Twelve pairs of five shared days add 12 * 5 / (12 * 25): 1.645 times the root of .67."""
    used = (0.3, 0.3, 0.5, 0.7)
    assert evenings(*used, share_days=True, apart=2).verdict is Verdict.NO_DIFFERENCE
    assert evenings(*[0.3] * 4, share_days=True, apart=2).verdict is Verdict.LESS


def test_no_use() -> None:
    """A home without any use has no verdict either way."""
    results = tuple(measured(START - n * timedelta(days=70), 0.0, *[0.0] * 10) for n in range(30))
    found = Results(results)
    assert (found.saving, found.spread, found.verdict) == (0, 0, Verdict.NO_DIFFERENCE)


def test_sentence() -> None:
    """The sentence is neutral."""
    assert measured(START, 0.3, *USUAL).estimate.in_words == (
        "0.50 kWh less than usual; less than on 5 of your 5 usual days"
    )
    assert measured(START, 1.0, *USUAL).estimate.in_words == (
        "0.20 kWh more than usual; more than on 3 of your 5 usual days"
    )
    assert measured(START, 0.7999, *USUAL).estimate.in_words == (
        "as much as usual; less than on 3 of your 5 usual days"
    )
    learning = measured(START, 0.7999).estimate
    assert (learning.compared, learning.in_words) == (None, None)
