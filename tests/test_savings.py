"""Test what is kept of what was measured: found, replaced, bounded, and read again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.equiwatt.equivents.model import Equivent
from custom_components.equiwatt.equivents.snapshot import MAX_EQUIVENTS
from custom_components.equiwatt.savings import Saved, Savings, read_savings, saved_of, with_saved

START = datetime(2026, 11, 24, 17, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FIGURES = {"usual": 0.9, "used": 0.4, "saving": 0.5}


def saved(start: datetime, **figures: float | None) -> Saved:
    """Return what was measured of an hour."""
    return Saved(Equivent(start, start + HOUR), FIGURES | figures)


def kept(*starts: datetime) -> Savings:
    """Return what was measured, one after another."""
    savings: Savings = ()
    for start in starts:
        savings = with_saved(savings, saved(start))
    return savings


def starts(savings: Savings) -> list[datetime]:
    """Return when the equivents started."""
    return [each.equivent.start for each in savings]


def test_newest_first() -> None:
    """In whatever order they were measured."""
    days = [START + n * 24 * HOUR for n in (3, 1, 2)]
    assert starts(kept(*days)) == sorted(days, reverse=True)


def test_bounded() -> None:
    """The oldest one goes, as that of the equivents does."""
    first = with_saved((), saved(START))
    many = tuple(saved(START + n * HOUR) for n in range(MAX_EQUIVENTS, 0, -1))
    full = with_saved(many[1:] + first, saved(START + MAX_EQUIVENTS * HOUR))
    assert full == many


@pytest.mark.parametrize("moved", [-10, -1, 0, 1, 10])
def test_found_and_replaced_under_other_times(moved: int) -> None:
    """An equivent stays the same though the provider puts its times right."""
    savings = kept(START - 24 * HOUR, START, START + HOUR, START + 24 * HOUR)
    again = Equivent(START + moved * MINUTE, START + moved * MINUTE + HOUR / 2)
    found = saved_of(savings, again)
    assert found
    assert found.equivent.start == START
    replaced = with_saved(savings, Saved(again, FIGURES | {"saving": 0.1}))
    assert len(replaced) == 4
    found = saved_of(replaced, again)
    assert found
    assert found.figure("saving") == 0.1


@pytest.mark.parametrize("moved", [-30, -11, 11, 30])
def test_not_found(moved: int) -> None:
    """Another equivent, before or after it, is another one."""
    other = Equivent(START + moved * MINUTE, START + moved * MINUTE + HOUR)
    assert saved_of(kept(START), other) is None
    assert saved_of((), other) is None
    assert len(with_saved(kept(START), Saved(other, FIGURES))) == 2


def test_back_to_back() -> None:
    """Two short ones within ten minutes are not mistaken for one another."""
    first = Equivent(START, START + 5 * MINUTE)
    second = Equivent(START + 5 * MINUTE, START + 10 * MINUTE)
    savings = with_saved(
        with_saved((), Saved(first, FIGURES)), Saved(second, FIGURES | {"saving": 0.1})
    )
    for equivent, saving in ((first, 0.5), (second, 0.1)):
        found = saved_of(savings, equivent)
        assert found
        assert found.figure("saving") == saving


GOOD = {
    "start_time": int(START.timestamp()),
    "end_time": int((START + HOUR).timestamp()),
    "estimate": {**FIGURES, "what": "a later version has"},
}


@pytest.mark.parametrize("figures", [{}, {"saving": None, "usual": None}, {"used": 1}])
def test_read(figures: dict[str, Any]) -> None:
    """Everything is kept, what is not understood too."""
    item = GOOD | {"estimate": {**FIGURES, "what": "a later version has", **figures}}
    (found,), skipped = read_savings([item])
    assert (found.equivent, skipped) == (Equivent(START, START + HOUR), 0)
    assert found.estimate == item["estimate"]


@pytest.mark.parametrize(
    "item",
    [
        None,
        7,
        {},
        {**GOOD, "estimate": None},
        {**GOOD, "estimate": {"usual": 0.9, "used": 0.4}},
        {**GOOD, "estimate": FIGURES | {"saving": "much"}},
        {**GOOD, "estimate": FIGURES | {"used": True}},
        {**GOOD, "start_time": "early"},
        {**GOOD, "end_time": 0},
    ],
)
def test_unreadable(item: Any) -> None:
    """It is left out and counted, the rest is kept."""
    savings, skipped = read_savings([item, GOOD])
    assert (starts(savings), skipped) == ([START], 1)


@pytest.mark.parametrize("items", [None, {}, "x"])
def test_no_list(items: Any) -> None:
    """There is nothing to be read."""
    assert read_savings(items) == ((), 1)
