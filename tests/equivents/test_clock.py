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


def accepts(system: System, *dates: float | None) -> list[bool]:
    """Return which of some dates are accepted, which are received a second apart."""
    found = []
    for date in dates:
        system.sleep(1)
        found.append(system.clock.accepts(None if date is None else NOW + date * SECOND))
    return found


def test_dates_that_agree_with_the_clock() -> None:
    """A date within reason is accepted, and so is none."""
    assert accepts(System(), 1, 120, 61, None, 62) == [True] * 5


def test_a_wrong_clock() -> None:
    """A date far from the system's is not accepted before a second one agrees."""
    system = System()
    assert accepts(system, 7200) == [False]
    assert [system.clock.is_in_doubt] == [True]
    assert accepts(system, 7201) == [True]
    assert [system.clock.is_in_doubt] == [False]
    system.clock.set(NOW + 7201 * SECOND)
    assert accepts(system, 7202, 7203) == [True, True]
    system.wall += 7200 * SECOND
    assert accepts(system, 7204) == [True]


def test_a_copy() -> None:
    """A date a minute or more before an earlier one is not accepted, however often it comes."""
    system = System()
    assert accepts(system, 1, -58, -59, -59, -59) == [True, True, False, False, False]
    assert accepts(system, 6, None, 2, -58) == [True, True, True, False]


def test_a_server_that_was_ahead() -> None:
    """An older date is accepted once a second answer goes on from it."""
    assert accepts(System(), 110, 2, 3, 4, -57) == [True, False, True, True, False]


def test_copies_that_differ() -> None:
    """Copies of different ages do not agree with each other."""
    assert accepts(System(), 1, -1200, -600, -300, 5) == [True, False, False, False, True]
