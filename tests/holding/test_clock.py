"""Test that a clock that is moved is noticed, and by how much."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.equiwatt.holding.clock import HoldingClock

NOW = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("error", [HOUR, -HOUR, timedelta(seconds=2)])
def test_jump(error: timedelta) -> None:
    """Time that passes is no jump; a clock that is set is one, once."""
    moment, jumps = 0.0, list[timedelta]()
    clock = HoldingClock(lambda: moment, jumps.append)
    assert clock.read(NOW) == NOW
    moment = 3600.0
    assert clock.read(NOW + HOUR) == NOW + HOUR
    assert jumps == []
    assert clock.read(NOW + HOUR + error) == NOW + HOUR + error
    moment = 7200.0
    clock.read(NOW + 2 * HOUR + error)
    assert jumps == [error]


def test_small_steps() -> None:
    """A clock that is moved little by little is noticed in the end."""
    jumps: list[timedelta] = []
    clock = HoldingClock(lambda: 0.0, jumps.append)
    for number in range(10):
        clock.read(NOW + timedelta(seconds=number * 0.3))
    assert jumps == [timedelta(seconds=1.2), timedelta(seconds=1.2)]
