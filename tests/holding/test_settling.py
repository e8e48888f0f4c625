"""Test when what a device says after a scene is the scene's doing, and when somebody's."""

import pytest

from custom_components.equiwatt.holding.restoring import Verdict
from tests.zoo.animals import Cover, Nature, Select
from tests.zoo.keeper import keep

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
