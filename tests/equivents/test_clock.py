"""Test the time with a wrong or jumping system clock."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.equiwatt.equivents.clock import TOLERANCE, Clock

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class System:
    """The two clocks of a system."""

    def __init__(self) -> None:
        """Start with the right time."""
        self.wall = NOW
        self.monotonic = 100.0
        self.clock = Clock(lambda: self.wall, lambda: self.monotonic)

    def sleep(self, seconds: float) -> None:
        """Turn both clocks."""
        self.wall += seconds * SECOND
        self.monotonic += seconds


@pytest.mark.parametrize("jump", [timedelta(hours=3), timedelta(days=-300)])
def test_jumps(jump: timedelta) -> None:
    """A jump between two answers is ignored, and so is one that the answers contradict."""
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


@pytest.mark.parametrize("date", [None, NOW + TOLERANCE, NOW - TOLERANCE])
def test_small_differences(date: datetime | None) -> None:
    """A server that is slightly off or sends no date does not set the clock."""
    system = System()
    system.clock.set(date)
    assert system.clock.now() == NOW


def test_wrong_from_the_start() -> None:
    """A clock that starts a day behind is set by the first answer."""
    system = System()
    system.wall -= timedelta(days=1)
    clock = Clock(lambda: system.wall, lambda: system.monotonic)
    system.sleep(1)
    assert clock.set(NOW) == timedelta(days=1) - SECOND
    assert clock.set(NOW) == timedelta()
    system.sleep(1)
    assert clock.now() == NOW + SECOND


def accepts(system: System, *dates: float | None) -> list[bool]:
    """Return which of some dates are accepted, received a second apart."""
    found = []
    for date in dates:
        system.sleep(1)
        found.append(system.clock.accepts(None if date is None else NOW + date * SECOND))
    return found


def test_plausible_dates() -> None:
    """A plausible date is accepted, and so is a missing one."""
    assert accepts(System(), 1, 120, 61, None, 62) == [True] * 5


def test_wrong_clock() -> None:
    """A date far from the system's is accepted once a second one agrees."""
    system = System()
    assert accepts(system, 7200) == [False]
    assert [system.clock.is_in_doubt] == [True]
    assert accepts(system, 7201) == [True]
    assert [system.clock.is_in_doubt] == [False]
    system.clock.set(NOW + 7201 * SECOND)
    assert accepts(system, 7202, 7203) == [True, True]
    system.wall += 7200 * SECOND
    assert accepts(system, 7204) == [True]


def test_copy() -> None:
    """A date a minute or more before an earlier one is never accepted."""
    system = System()
    assert accepts(system, 1, -58, -59, -59, -59) == [True, True, False, False, False]
    assert accepts(system, 6, None, 2, -58) == [True, True, True, False]


def test_server_was_ahead() -> None:
    """An older date is accepted once a second answer continues from it."""
    assert accepts(System(), 110, 2, 3, 4, -57) == [True, False, True, True, False]


def test_different_copies() -> None:
    """Copies of different ages do not confirm each other."""
    assert accepts(System(), 1, -1200, -600, -300, 5) == [True, False, False, False, True]
