"""Test the time where the system's clock is wrong or jumps."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.equiwatt.equivents.clock import TOLERANCE, Clock

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class System:
    """A system's two clocks."""

    def __init__(self) -> None:
        """Start right."""
        self.wall = NOW
        self.monotonic = 100.0
        self.clock = Clock(lambda: self.wall, lambda: self.monotonic)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds * SECOND
        self.monotonic += seconds


@pytest.mark.parametrize("jump", [timedelta(hours=3), timedelta(days=-300)])
def test_jumps_are_not_believed(jump: timedelta) -> None:
    """A jump between two answers changes nothing, nor does one that the answers contradict."""
    system = System()
    system.wall += jump
    system.sleep(60)
    assert system.clock.now() == NOW + 60 * SECOND
    system.clock.set(NOW + 60 * SECOND)
    system.sleep(60)
    assert system.clock.now() == NOW + 120 * SECOND
    system.wall -= jump
    system.clock.set(NOW + 120 * SECOND)
    assert system.clock.now() == NOW + 120 * SECOND


@pytest.mark.parametrize("told", [None, NOW + TOLERANCE, NOW - TOLERANCE])
def test_the_system_is_believed_within_reason(told: datetime | None) -> None:
    """A server that is a little off, or tells nothing, sets nothing."""
    system = System()
    system.clock.set(told)
    assert system.clock.now() == NOW


def test_wrong_from_the_start() -> None:
    """A system that starts with yesterday's time is put right by the first answer."""
    system = System()
    system.wall -= timedelta(days=1)
    clock = Clock(lambda: system.wall, lambda: system.monotonic)
    system.sleep(1)
    assert clock.set(NOW) == timedelta(days=1) - SECOND
    assert clock.set(NOW) == timedelta()
    system.sleep(1)
    assert clock.now() == NOW + SECOND
