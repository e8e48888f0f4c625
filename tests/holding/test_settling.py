"""Test when what a device says after a scene is the scene's doing, and when somebody's."""

import pytest

from custom_components.equiwatt.holding.restoring import Verdict
from tests.zoo.animals import Cover, Nature, Plug, Select, Thermostat
from tests.zoo.keeper import Keeper, held, keep

MINUTE = 60
HOUR = 3600


@pytest.mark.parametrize("seconds", [90, 300, 599])
def test_late(seconds: int) -> None:
    """What a device tells first, within ten minutes, is what the scene made of it."""
    keeper, clock = keep(Select("one"))
    keeper.hold(wanted=None)
    clock.turn(seconds)
    keeper.by_hand("charge")
    clock.turn(HOUR)
    assert keeper.verdicts == []
    keeper.release()
    assert (keeper.told.state, keeper.verdicts) == ("self_use", [Verdict.RESTORED])


def test_later() -> None:
    """After that it was left as it was, and what is told then is somebody's doing."""
    keeper, clock = keep(Select("one"))
    keeper.hold(wanted=None)
    clock.turn(600)
    keeper.by_hand("charge")
    clock.turn(30)
    assert keeper.verdicts == [Verdict.THEIRS]


def test_second_word() -> None:
    """What it has told and stood by is what the scene made of it: the next is somebody's doing."""
    keeper, clock = keep(Select("one"))
    keeper.hold(wanted=None)
    keeper.by_hand("charge")
    clock.turn(90)
    keeper.by_hand("export")
    clock.turn(30)
    assert keeper.verdicts == [Verdict.THEIRS]


def test_released_before_it_told() -> None:
    """What has told nothing is restored all the same, and watched until it cannot be the scene."""
    keeper, clock = keep(Select("one", Nature(deaf_to=frozenset({0}))))
    keeper.hold(wanted=None)
    clock.turn(MINUTE)
    keeper.release()
    assert keeper.animal.commands == ["select_option option=self_use"]
    clock.turn(4 * MINUTE)
    keeper.by_hand("charge")
    clock.turn(1)
    assert keeper.told.state == "self_use"
    clock.turn(10 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]


def test_on_its_way() -> None:
    """What moves is not commanded again for three minutes, and is then."""
    keeper, clock = keep(Cover("one", Nature(deaf_to=frozenset({0}))))
    keeper.hold(wanted=None)
    keeper.by_hand("open", current_position=10)
    clock.turn(10 * MINUTE)
    keeper.release()
    keeper.by_hand("opening")
    clock.turn(179)
    assert len(keeper.animal.commands) == 1
    clock.turn(1)
    assert len(keeper.animal.commands) == 2
    assert keeper.told.get("current_position") == 50


# What is otherwise after a gap, in which nobody was seen, is nobody's.


def forget(keeper: Keeper) -> None:
    """Let a thermostat forget what it was set to, as in a power cut."""
    keeper.animal.by_hand("heat", temperature=7.0)


@pytest.mark.parametrize("how", ["restart", "away"])
@pytest.mark.parametrize("seconds", [0, 20, MINUTE, HOUR])
def test_power_cut(how: str, seconds: int) -> None:
    """A thermostat that comes back from a power cut at frost protection is restored at the end."""
    keeper, clock = held(Thermostat("one"))
    if how == "restart":
        keeper.restart(MINUTE, lambda: forget(keeper))
    else:
        keeper.animal.lose()
        forget(keeper)
        keeper.find()
    clock.turn(seconds)
    assert len(keeper.animal.commands) == 1  # whoever wants it warm meanwhile has it so
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert (keeper.told.state, keeper.told.get("temperature")) == ("heat", 21)


@pytest.mark.parametrize("is_by_hand", [True, False])
def test_set_after_a_power_cut(is_by_hand: bool) -> None:
    """Who sets it after that, to be seen, has it."""
    keeper, clock = held(Thermostat("one"))
    keeper.restart(MINUTE, lambda: forget(keeper))
    clock.turn(5 * MINUTE)
    if is_by_hand:
        keeper.by_hand(temperature=20.0)
    else:
        keeper.somebody("set_temperature", temperature=20.0)
    clock.turn(MINUTE)
    assert (keeper.verdicts, keeper.told.get("temperature")) == ([Verdict.THEIRS], 20)


def test_paused_again_after_a_power_cut() -> None:
    """A new pause turns it off, and the first memory counts."""
    keeper, clock = held(Thermostat("one"))
    keeper.restart(MINUTE, lambda: forget(keeper))
    clock.turn(5 * MINUTE)
    keeper.hold()
    assert keeper.told.is_off
    clock.turn(5 * MINUTE)
    keeper.release()
    clock.turn(5 * MINUTE)
    assert (keeper.told.state, keeper.told.get("temperature")) == ("heat", 21)


def test_command_that_is_not_heard_between_two_ends() -> None:
    """A thermostat that an earlier restore turned on, as it never heard the hold, is restored."""
    keeper, clock = keep(Thermostat("one", Nature(acts_after=60, deaf_to=frozenset({2}))))
    keeper.hold(seconds=20)
    clock.turn(36)
    keeper.hold()
    clock.turn(5 * MINUTE)
    assert (keeper.told.state, keeper.told.get("temperature")) == ("heat", 7)
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert (keeper.told.state, keeper.told.get("temperature")) == ("heat", 21)


def test_what_is_near_is_no_answer() -> None:
    """A thermostat that says 20 still when 21 was asked is not believed before it has answered."""
    keeper, clock = keep(Thermostat("one", Nature(acts_after=3)))
    keeper.hold(wanted=None)
    keeper.by_hand(temperature=20.0)
    clock.turn(5 * MINUTE)
    keeper.release()
    keeper.hold()  # whose memory is to be of 21
    clock.turn(5 * MINUTE)
    assert keeper.told.is_off
    keeper.release()
    clock.turn(5 * MINUTE)
    assert keeper.told.get("temperature") == 21


def test_what_rounds() -> None:
    """A thermostat that only knows full degrees is restored when it has had time to answer."""
    keeper, clock = keep(Thermostat("one", Nature(is_deaf=True)))
    keeper.hold(wanted=None)
    keeper.by_hand(temperature=20.5)
    clock.turn(5 * MINUTE)
    keeper.release()
    clock.turn(59)
    assert keeper.verdicts == []
    clock.turn(1)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert len(keeper.animal.commands) == 1


def test_turned_on_and_off_again() -> None:
    """Who turns on a plug by hand, and off a moment later, wants it off."""
    keeper, clock = held(Plug("one"))
    keeper.by_hand("on")
    clock.turn(20)
    keeper.somebody("turn_off")
    assert keeper.verdicts == [Verdict.THEIRS]
