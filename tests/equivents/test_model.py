"""Test which equivents are the same."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.equiwatt.equivents.model import Equivent

START = 1_700_000_000


def at(seconds: int) -> datetime:
    """Return a time from Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("minutes", "same"), [(0, True), (10, True), (-10, True), (11, False)])
def test_same(minutes: int, same: bool) -> None:
    """Equivents are the same up to ten minutes between their starts."""
    equivent = Equivent(at(START))
    assert equivent.same_as(Equivent(at(START) + timedelta(minutes=minutes))) is same


def test_different() -> None:
    """An equivent that was over before another began is a different one."""
    short = Equivent(at(START), at(START + 180))
    assert not short.same_as(Equivent(at(START + 180)))
    assert not Equivent(at(START + 240)).same_as(short)
    assert short.same_as(Equivent(at(START + 179)))
