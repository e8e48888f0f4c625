"""Test how often a restore is tried, and when there were enough tries."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, override

import pytest

from custom_components.equiwatt.holding.restoring import MOST_COMMANDS, Verdict
from tests.zoo.animals import Boiler, FailureError, Nature, Plug, Thermostat
from tests.zoo.keeper import calls, held, keep, no_more

MINUTE = 60
HOUR = 3600


@pytest.mark.parametrize("nature", [Nature(deaf_to=frozenset(range(1, 20)))])
def test_tries(nature: Nature) -> None:
    """A deaf device is tried again ever more seldom, and given up after an hour."""
    keeper, clock = held(Plug("one", nature))
    keeper.release()
    times: list[int] = []
    for minute in range(70):
        if len(keeper.animal.commands) > len(times) + 1:
            times.append(minute)
        clock.turn(MINUTE)
    assert times == [0, 1, 3, 7, 15, 30, 45, 60]
    assert keeper.verdicts == [Verdict.GIVEN_UP]
    keeper.by_hand("on")
    assert keeper.verdicts == [Verdict.GIVEN_UP, Verdict.RESTORED]


def test_errors() -> None:
    """An error is no answer: the device is tried again as one that is deaf."""
    plug = Plug("one")
    keeper, clock = held(plug)
    plug.nature = Nature(fails=True)
    keeper.release()
    clock.turn(5 * MINUTE)
    assert len(plug.commands) == 4
    plug.nature = Nature()
    clock.turn(5 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]


def test_command_that_hangs() -> None:
    """A command is waited for half a minute, and counts as given."""
    keeper, clock = held(Plug("one", Nature(takes=100, deaf_to=frozenset({1}))))
    keeper.release()
    clock.turn(89)
    assert keeper.told.is_off
    clock.turn(1)
    assert keeper.told.state == "on"


def test_another_state_three_times() -> None:
    """A device that answers three times with something else is given up at once."""

    class Stubborn(Boiler):
        """A water heater that knows better."""

        def set_operation_mode(self, operation_mode: str) -> None:
            """Save energy."""
            self.state = operation_mode if operation_mode == "off" else "eco"

    keeper, clock = held(Stubborn("one"))
    keeper.release()
    clock.turn(5 * MINUTE)
    assert keeper.verdicts == [Verdict.GIVEN_UP]
    assert len(calls(keeper.animal)) == 3
    keeper.animal.lose()
    keeper.find()
    no_more(keeper, clock)


def test_mode_that_is_gone() -> None:
    """What a device does not offer any more is waited for; the rest is restored meanwhile."""
    keeper, clock = held(Boiler("one"))
    keeper.by_hand(operation_list=["off", "eco"])
    keeper.release()
    clock.turn(59 * MINUTE)
    assert keeper.verdicts == []
    clock.turn(2 * MINUTE)
    assert keeper.verdicts == [Verdict.GIVEN_UP]
    assert calls(keeper.animal) == ["set_temperature temperature=55.0"]


@pytest.mark.parametrize("minutes", [30, 300])
def test_returns(minutes: int) -> None:
    """A device that returns from unavailable is restored at once, even after it was given up."""
    keeper, clock = held(Plug("one"))
    keeper.animal.lose()
    keeper.release()
    clock.turn(minutes * MINUTE)
    assert keeper.verdicts == ([] if minutes < 60 else [Verdict.GIVEN_UP])
    keeper.restart()
    clock.turn(2 * MINUTE)
    keeper.find()
    assert keeper.told.state == "on"
    assert keeper.verdicts[-1] is Verdict.RESTORED


def test_returns_between_tries() -> None:
    """So is one that was deaf before."""
    keeper, clock = held(Plug("one", Nature(deaf_to=frozenset({1, 2, 3}))))
    keeper.release()
    clock.turn(4 * MINUTE)
    keeper.animal.lose()
    clock.turn(1)
    keeper.find()
    assert keeper.told.state == "on"
    clock.turn(30)  # it has had several commands, and may fall back
    assert keeper.verdicts == [Verdict.RESTORED]


def test_flapping() -> None:
    """A device that comes and goes is restored when it stays for long enough."""
    keeper, clock = held(Thermostat("one", Nature(acts_after=4)))
    keeper.release()
    for _ in range(3):
        keeper.animal.lose()
        clock.turn(7)
        keeper.find()
        clock.turn(3)
    clock.turn(HOUR)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert keeper.animal.attributes["temperature"] == 21


def test_returns_while_it_is_held() -> None:
    """A device that was lost before it was off is turned off when it returns."""
    keeper, clock = keep(Plug("one", Nature(acts_after=2)))
    keeper.hold()
    keeper.animal.lose()
    clock.turn(MINUTE)
    keeper.find()
    clock.turn(MINUTE)
    assert keeper.told.is_off
    keeper.animal.lose()
    keeper.find()
    assert keeper.animal.commands == ["turn_off", "turn_off"]


def test_given_up_and_theirs() -> None:
    """Who sets a device that was given up has looked after it."""
    keeper, clock = held(Plug("one", Nature(deaf_to=frozenset(range(1, 9)))))
    keeper.release()
    clock.turn(2 * HOUR)
    keeper.somebody("turn_on")
    assert keeper.verdicts == [Verdict.GIVEN_UP, Verdict.THEIRS]


def test_theirs_after_a_step() -> None:
    """What is taken away after it was reached, while a later step waits, is somebody's doing."""
    keeper, clock = held(Thermostat("one", Nature(deaf_to=frozenset({2, 3}))))
    keeper.release()
    clock.turn(2.5 * MINUTE)
    assert keeper.told.state == "heat"
    keeper.animal.nature = Nature(fails=True)
    clock.turn(MINUTE)
    keeper.by_hand("off")
    clock.turn(MINUTE)
    assert keeper.verdicts == [Verdict.THEIRS]
    no_more(keeper, clock)


class Failing(Thermostat):
    """A thermostat that does not take its preset, in one way or another."""

    how = "fails"

    def __init__(self, how: str) -> None:
        """Heat by a preset."""
        self.how = how
        super().__init__("one", presets={"eco": 17.5}, preset_mode="eco", temperature=17.5)

    @override
    def command(self, service: str, data: Mapping[str, Any]) -> None:
        """Refuse the preset, or take for ever."""
        super().command(service, {} if service == "set_preset_mode" else data)
        self.nature = replace(self.nature, takes=0)
        if service == "set_preset_mode" and self.how == "fails":
            raise FailureError(self.name)
        if service == "set_preset_mode":
            self.nature = replace(self.nature, takes=60)

    @override
    def set_hvac_mode(self, hvac_mode: str) -> None:
        """End the preset."""
        super().set_hvac_mode(hvac_mode)
        self.attributes["preset_mode"] = "none"

    @override
    def set_preset_mode(self, preset_mode: str | None = None) -> None:
        """Do nothing."""


@pytest.mark.parametrize("how", ["fails", "hangs", "is not offered"])
def test_step_that_is_refused(how: str) -> None:
    """A preset that cannot be had keeps no home at the frost temperature; a repair names it."""
    keeper, clock = held(Failing(how))
    if how == "is not offered":
        keeper.by_hand(preset_modes=["none"])
    keeper.release()
    clock.turn(4 * MINUTE)
    assert (keeper.told.state, keeper.told.get("temperature")) == ("heat", 17.5)
    clock.turn(HOUR)
    assert (keeper.verdicts, keeper.told.get("temperature")) == ([Verdict.GIVEN_UP], 17.5)
    assert len(calls(keeper.animal)) <= MOST_COMMANDS


def test_step_that_fails_at_first() -> None:
    """A step that fails for a while is tried again, and with it what came after it."""
    thermostat = Thermostat("one", Nature())
    keeper, clock = held(thermostat)
    thermostat.nature = Nature(fails=True)
    keeper.release()
    clock.turn(10 * MINUTE)
    thermostat.nature = Nature()
    clock.turn(10 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert (keeper.told.state, keeper.told.get("temperature")) == ("heat", 21)
    assert calls(thermostat)[:2] == [
        "set_hvac_mode hvac_mode=heat",
        "set_temperature temperature=21.0",
    ]
