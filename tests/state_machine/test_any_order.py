"""Test that each edge has a reason, with any events in any order."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
import pytest

from .cloud import SECOND
from .home import TurnedHome
from .machine import House

LONG = settings.get_current_profile_name() == "long"
STEPS = 5_000
"""Minimum number of steps in each run, each followed by a check."""


@pytest.mark.long(60)
@pytest.mark.timeout(0)
def test_each_edge_has_its_reason(home: TurnedHome) -> None:
    """Each edge has a reason, with any events in any order."""
    House.home, House.steps = home, 0
    profile = settings(
        deadline=None,
        max_examples=1_000 if LONG else 112,
        phases=[Phase.generate],  # shrinking takes hours, replaying with fewer lines seconds
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(House, settings=profile)
    assert House.steps >= STEPS


def test_start_in_the_second_of_a_push(home: TurnedHome) -> None:
    """An equivent starts in the second of a push, by a clock set in whole seconds.

    So by what the house can know one starts after a push that truly came a moment later.
    """
    House.home = home
    house = House()
    house.fault(kind="html", count=1)
    house.wait_long(minutes=53)
    house.push_demo()
    house.serve_old_answer(seconds=616)
    house.jump(minutes=517)
    house.jump(minutes=461)
    house.push_demo()
    house.begin(ahead=0, minutes=39, truly=False)
    house.teardown()


def test_calls_in_the_moment_of_a_check(home: TurnedHome) -> None:
    """Older releases need edges apart, while the state changes at once."""
    House.home = home
    house = House()
    for kind, milliseconds in (("started", 1498), ("ended", 1499), ("started", 1500)):
        home.app.call_later(kind, milliseconds * SECOND / 1000)
    house.wait(seconds=1)
    assert [kind for kind, _ in home.judge.announced] == ["started", "ended", "started"]
    house.teardown()


def test_push_expires_while_unloaded(home: TurnedHome) -> None:
    """An expired push ends, and a later equivent that an answer names starts."""
    House.home = home
    house = House()
    house.begin(ahead=16, minutes=119, truly=False)
    house.push(kind="started", times=1)
    house.restart(down=3700, pull=True, starting=44)
    expected = [("started", "webhook"), ("ended", "clock"), ("started", "api")]
    assert home.judge.announced == expected
    house.teardown()


def test_call_after_first_answer(home: TurnedHome) -> None:
    """An `ended` call may belong to an end that was learned late."""
    House.home = home
    house = House()
    house.idle(hours=2)
    house.wait(seconds=153)
    house.hand_over(ended=None, gap=0, lag=0, legacy=True, started=None)
    house.push_to_and_fro()
    house.push_to_and_fro()
    house.begin_next(minutes=57, seconds=99)
    house.push_later(kind="ended", seconds=21)
    house.restart(down=1154, pull=False, starting=14)
    house.fault(count=4, kind="half")
    house.restart(down=5180, pull=True, starting=20)
    house.wait(seconds=100)
    house.push_demo()
    house.teardown()


def test_restart_during_setup(home: TurnedHome) -> None:
    """Home Assistant may stop during the set-up of the entry."""
    House.home = home
    house = House()
    house.fault(count=13, kind="time-out")
    house.be_slow(seconds=7)
    house.restart(down=2022, pull=True, starting=35)
    house.push(kind="started", times=2)
    house.restart(down=0, pull=True, starting=35)
    house.teardown()


def test_slightly_wrong_clock_after_reload(home: TurnedHome) -> None:
    """The age of an earlier end follows either clock, of which one may be wrong."""
    House.home = home
    house = House()
    house.push_demo()
    house.wait(seconds=187)
    house.go_wrong(seconds=-100)
    house.reload_during_a_call(before=9, down=15, kind="ended", takes=10)
    house.push_demo()
    house.teardown()


def test_unconfirmed_call_before_reload_with_slightly_wrong_clock(home: TurnedHome) -> None:
    """The age of an earlier call follows either clock, too."""
    House.home = home
    house = House()
    house.go_wrong(seconds=-100)
    house.reload_during_a_call(before=16, down=0, kind="started", takes=5)
    house.serve_old_answer(seconds=225)
    house.jump(minutes=-256)
    house.go_wrong(seconds=100)
    house.wait(seconds=142)
    house.teardown()


def test_a_call_before_an_announced_start(home: TurnedHome) -> None:
    """The calendar is on as soon as one is live, though its start is still ahead."""
    House.home = home
    house = House()
    house.push("started", 2)
    house.idle(hours=1)
    house.begin(ahead=14, minutes=73, truly=False)
    house.restart(down=291, pull=True, starting=59)
    house.wait(seconds=272)
    house.begin(ahead=16, minutes=19, truly=True)
    house.reload_during_a_call(before=20, down=15, kind="started", takes=19)
    assert [kind for kind, _ in home.judge.announced] == ["started", "ended", "started"]
    house.teardown()


def test_call_after_outage_and_old_answer(home: TurnedHome) -> None:
    """An answer that may name the live one does not end it, though it may also be old."""
    House.home = home
    house = House()
    house.hand_over(ended=None, gap=30, lag=60, legacy=False, started=None)
    house.fault(count=12, kind="no success, and nothing")
    house.push_demo()
    house.fault(count=15, kind="429")
    house.push_demo()
    house.wait_long(minutes=56)
    house.teardown()


def test_plan_with_wrong_clock(home: TurnedHome) -> None:
    """The calendar is off, though the plan's start has passed by the system's clock."""
    House.home = home
    house = House()
    house.plan(ahead=240, minutes=71, summary="")
    house.jump(minutes=259)
    house.plan(ahead=127, minutes=19, summary="powerUP")
    house.calm_down()
    house.teardown()
