"""Test one held device's life, rule by rule, with the devices of the zoo."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, override

import pytest

from custom_components.equiwatt.holding.device import Cause, begin
from custom_components.equiwatt.holding.reading import OFF, UNKNOWN, Reading
from custom_components.equiwatt.holding.restoring import MOST_COMMANDS, Verdict
from custom_components.equiwatt.holding.story import HOLD, Outcome, Phase
from tests.zoo.animals import Animal, Cover, FailureError, Lamp, Nature, Plug, Thermostat
from tests.zoo.keeper import START, calls, held, keep, no_more
from tests.zoo.rows import ROWS, SCENES

MINUTE = 60
HOUR = 3600
ON = Reading(state="on")
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("how", ["end", "stop", "kill", "reload"])
@pytest.mark.parametrize("row", ROWS)
def test_zoo(row: str, how: str) -> None:
    """Each device of the zoo is off while it is held, and as it was afterwards."""
    keeper, clock = keep(ROWS[row]("one"))
    before = keeper.animal.essence
    keeper.hold()
    if how == "kill":
        keeper.restart(20)
    clock.turn(10 * MINUTE)
    assert keeper.told.is_off
    if how == "stop":
        keeper.restart(30)
    keeper.release()
    if how == "reload":
        keeper.restart()
    elif how == "kill":
        keeper.restart(5)
    clock.turn(HOUR)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert keeper.is_like(before)
    assert len(calls(keeper.animal)) <= 6
    no_more(keeper, clock)


@pytest.mark.parametrize("how", ["end", "kill"])
@pytest.mark.parametrize("row", SCENES)
def test_scene(row: str, how: str) -> None:
    """What a scene moved is moved back, whatever the scene made of it."""
    keeper, clock = keep(SCENES[row]("one"))
    before = keeper.animal.essence
    keeper.hold(wanted=None)
    if how == "kill":
        keeper.restart(2)
    state, attributes = {
        "blind": ("closed", {"current_position": 0}),
        "select": ("charge", {}),
        "number": ("100", {}),
    }[row]
    keeper.by_hand(state, **attributes)  # as the scene does
    clock.turn(10 * MINUTE)
    keeper.release()
    clock.turn(HOUR)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert keeper.is_like(before)
    assert len(keeper.animal.commands) == 1


def test_scene_that_changes_nothing() -> None:
    """What a scene left as it was needs no command."""
    keeper, clock = keep(SCENES["select"]("one"))
    keeper.hold(wanted=None)
    clock.turn(10 * MINUTE)
    keeper.release()
    assert keeper.verdicts == [Verdict.RESTORED]
    assert keeper.animal.commands == []


def test_scene_for_a_minute() -> None:
    """What has told something new, and stood by it, is restored at once."""
    keeper, clock = keep(Thermostat("one", state="heat", temperature=21))
    keeper.hold(wanted=None)
    clock.turn(2)
    keeper.by_hand(temperature=19)  # as the scene does
    clock.turn(58)
    keeper.release()
    clock.turn(1)
    assert keeper.told.get("temperature") == 21
    clock.turn(2 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]


def test_scene_again_before_the_first_is_undone() -> None:
    """What says nothing new to a scene has its next step a minute and a half after the last."""
    keeper, clock = keep(Thermostat("one", state="heat", temperature=21))
    keeper.hold(wanted=None)
    keeper.by_hand(temperature=19)  # as the scene does
    clock.turn(11)
    keeper.release()
    clock.turn(MINUTE)
    keeper.hold(wanted=None)  # it is at 19 already
    clock.turn(30)
    keeper.release()
    clock.turn(2 * MINUTE)
    assert keeper.told.get("temperature") == 21
    clock.turn(15 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]


def test_scene_that_somebody_overrules() -> None:
    """What is changed after a scene has settled is theirs, and while it settles, by its context."""
    keeper, clock = keep(SCENES["select"]("one"))
    keeper.hold(wanted=None)
    keeper.by_hand("charge")
    clock.turn(10 * MINUTE)
    keeper.by_hand("export")
    clock.turn(30)
    assert keeper.verdicts == [Verdict.THEIRS]
    keeper.hold(wanted=None)
    keeper.somebody("select_option", option="charge")
    assert keeper.verdicts == [Verdict.THEIRS] * 2


# Rule 1: until it has told that it reached what we asked, its own reports are progress.


def test_own_reports_are_progress() -> None:
    """A cloud thermostat comes back at frost protection, which nobody has set."""
    thermostat = Thermostat("one", Nature(takes=6, context_seconds=0))
    keeper, clock = held(thermostat)
    keeper.release()
    clock.turn(1)
    assert (thermostat.state, thermostat.attributes["temperature"]) == ("heat", 7)
    clock.turn(MINUTE)
    assert (thermostat.state, thermostat.attributes["temperature"]) == ("heat", 21)
    assert len(thermostat.commands) == 3


def test_owner_sets_it_while_it_is_restored() -> None:
    """What somebody sets while a slow thermostat is being restored stays."""
    keeper, clock = held(Thermostat("one", Nature(acts_after=3)))
    keeper.release()
    clock.turn(4)
    keeper.somebody("set_temperature", temperature=18.0)
    clock.turn(HOUR)
    assert keeper.verdicts == [Verdict.THEIRS]
    assert keeper.animal.attributes["temperature"] == 18
    assert calls(keeper.animal)[-1] == "set_temperature temperature=18.0"


@pytest.mark.parametrize("is_by_hand", [True, False])
def test_turned_on_while_it_is_held(is_by_hand: bool) -> None:
    """What somebody turns on is theirs, at the device after a while, by its context at once."""
    keeper, clock = held(Plug("one"))
    if is_by_hand:
        keeper.by_hand("on")
        clock.turn(29)
        assert keeper.verdicts == []
        clock.turn(1)
    else:
        keeper.somebody("turn_on")
    assert keeper.verdicts == [Verdict.THEIRS]
    keeper.release()
    no_more(keeper, clock)


def test_turned_on_by_somebody_at_once() -> None:
    """A context is evidence that somebody did it, right after the command as well."""
    keeper, clock = keep(Plug("one"))
    keeper.hold()
    clock.turn(1)
    keeper.somebody("turn_on")
    assert keeper.verdicts == [Verdict.THEIRS]


def test_echo() -> None:
    """A device that tells for a moment what it was is nobody's; one that stays so is somebody's."""
    keeper, clock = keep(Plug("one"))
    keeper.hold()
    clock.turn(10)
    keeper.by_hand("on")
    clock.turn(1)
    keeper.by_hand("off")
    clock.turn(MINUTE)
    assert keeper.verdicts == []
    keeper.hold()
    assert keeper.animal.commands == ["turn_off"]
    keeper.release()
    assert keeper.told.state == "on"

    keeper, clock = keep(Plug("one"))
    keeper.hold()
    clock.turn(10)
    keeper.by_hand("on")
    clock.turn(29)
    assert keeper.verdicts == []
    clock.turn(1)
    assert keeper.verdicts == [Verdict.THEIRS]


def test_held_again_while_it_falls_back() -> None:
    """A device that does not say any more that it is off is commanded by the next hold."""
    keeper, clock = keep(Plug("one"))
    keeper.hold()
    clock.turn(10)
    keeper.by_hand("on")
    keeper.hold()
    clock.turn(HOUR)
    assert keeper.animal.commands == ["turn_off", "turn_off"]
    assert keeper.told.is_off


def test_set_while_it_is_off() -> None:
    """A temperature that somebody sets for a thermostat that is off is the one it comes back to."""
    keeper, clock = held(Thermostat("one", comes_back_at=None))
    keeper.somebody("set_temperature", temperature=19.0)
    clock.turn(MINUTE)
    keeper.release()
    assert keeper.verdicts == [Verdict.RESTORED]
    assert (keeper.told.state, keeper.told.attributes["temperature"]) == ("heat", 19)


def test_set_before_it_is_off() -> None:
    """What somebody sets while the device is still on its way off is what it comes back to."""
    keeper, clock = keep(Thermostat("one", Nature(acts_after=3), comes_back_at=None))
    keeper.somebody("set_temperature", temperature=18.0)
    clock.turn(1)
    keeper.hold()
    keeper.somebody("set_preset_mode", preset_mode="none")
    clock.turn(10 * MINUTE)
    assert keeper.told.is_off
    keeper.release()
    clock.turn(HOUR)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert (keeper.told.state, keeper.told.attributes["temperature"]) == ("heat", 18)


def test_somebody_keeps_it_on() -> None:
    """A device that never went off while somebody set it is theirs."""
    keeper, clock = keep(Thermostat("one", Nature(deaf_to=frozenset({0}))))
    keeper.hold()
    keeper.somebody("set_temperature", temperature=18.0)
    clock.turn(89)
    assert keeper.verdicts == []
    clock.turn(1)
    assert keeper.verdicts == [Verdict.THEIRS]


# Rule 2: restoring is a plan of steps.


def test_auto() -> None:
    """A thermostat in its schedule gets no temperature, and what its owner sets there stays."""
    thermostat = Thermostat("one", leaves_auto=True, state="auto")
    keeper, clock = held(thermostat)
    keeper.release()
    clock.turn(1)
    keeper.by_hand(temperature=17.0)
    clock.turn(HOUR)
    assert calls(thermostat) == ["set_hvac_mode hvac_mode=auto"]
    assert (thermostat.state, thermostat.attributes["temperature"]) == ("auto", 17)


def test_step_that_undoes_an_earlier_one() -> None:
    """It is dropped, and the earlier one wins."""
    row = ROWS["thermostat whose preset ends with a temperature"]("one")
    keeper, clock = held(row)
    keeper.release()
    clock.turn(HOUR)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert (row.state, row.attributes["preset_mode"]) == ("heat", "eco")
    assert keeper.dropped == {"temperature"}
    assert len(calls(row)) == 3


class Crossed(Thermostat):
    """A thermostat that a temperature turns off."""

    def set_temperature(self, **degrees: float) -> None:
        """Be off, and set to something else."""
        self.attributes["temperature"] = 5.0
        self.state = "off"


def test_step_that_undoes_an_earlier_one_for_nothing() -> None:
    """It is tried again with the earlier one, until that is enough."""
    keeper, clock = held(Crossed("one"))
    keeper.release()
    clock.turn(HOUR)
    assert keeper.verdicts == [Verdict.GIVEN_UP]
    assert len(keeper.animal.commands) - 1 <= MOST_COMMANDS


def test_plain_turn_on() -> None:
    """A lamp that refuses to come on as it was is turned on at least."""

    class Fussy(Lamp):
        """A lamp that knows no colours any more."""

        def turn_on(self, **given: object) -> None:
            """Come on only if asked for nothing else."""
            if not given:
                self.state = "on"
                self.attributes["brightness"] = 255

    keeper, clock = held(Fussy("one"))
    keeper.release()
    clock.turn(2 * HOUR)
    assert keeper.told.state == "on"
    assert keeper.verdicts == [Verdict.GIVEN_UP]


# Rule 4: what a device says is not believed while our last command was to do otherwise.


def test_ended_and_started() -> None:
    """A plug that tells late is off while the second equivent is live, and back afterwards."""
    keeper, clock = held(Plug("one", Nature(tells_after=8)))
    keeper.release()
    clock.turn(1)
    keeper.hold()
    clock.turn(MINUTE)
    assert (keeper.told.state, keeper.animal.state) == ("off", "off")
    keeper.release()
    clock.turn(2 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert keeper.animal.commands == ["turn_off", "turn_on"] * 2


def test_old_report_after_ended_and_started() -> None:
    """What such a plug tells of the restore between two equivents makes it nobody's."""
    keeper, clock = keep(Plug("one", Nature(tells_after=60)))
    keeper.hold()
    keeper.release()
    clock.turn(59)
    keeper.hold()
    clock.turn(2 * MINUTE)
    assert keeper.verdicts == []
    assert (keeper.told.state, keeper.animal.state) == ("off", "off")
    keeper.release()
    clock.turn(2 * MINUTE)
    assert (keeper.verdicts, keeper.told.state) == ([Verdict.RESTORED], "on")


def test_old_word_while_another_command_is_under_way() -> None:
    """What a slow device tells before the hold's command is sent is of the one before."""
    keeper, clock = keep(Plug("one", Nature(takes=40, tells_after=60)))
    keeper.hold()
    clock.turn(36)
    keeper.release()
    clock.turn(6)
    keeper.restart()
    keeper.hold()
    clock.turn(31)
    keeper.release()
    keeper.hold()  # what it tells of now on came before
    clock.turn(HOUR)
    assert (keeper.phase, keeper.told.state, keeper.verdicts) == (Phase.HELD, "off", [])


def test_held_again_while_it_is_away() -> None:
    """A device that could not be restored is off already when it is held again."""
    keeper, clock = held(Plug("one"))
    keeper.animal.lose()
    keeper.release()
    clock.turn(MINUTE)
    keeper.hold()
    keeper.find()
    clock.turn(MINUTE)
    assert keeper.animal.commands == ["turn_off"]
    keeper.release()
    assert keeper.verdicts == [Verdict.RESTORED]


def test_first_memory() -> None:
    """A hold upon a restore that is not finished keeps the first memory, and no deadline."""
    keeper, clock = keep(Thermostat("one", Nature(acts_after=10)))
    keeper.hold(seconds=300)
    clock.turn(315)
    assert (keeper.told.state, keeper.told.attributes["temperature"]) == ("heat", 7)
    keeper.hold()
    clock.turn(HOUR)
    assert keeper.told.is_off
    keeper.release()
    clock.turn(MINUTE)
    assert keeper.told.attributes["temperature"] == 21


def test_held_again_after_it_was_given_up() -> None:
    """What was given up is over: the next hold has its own memory and its own deadline."""
    keeper, clock = held(Thermostat("one", Nature(deaf_to=frozenset(range(1, 9)))))
    keeper.release()
    clock.turn(48 * HOUR)
    assert keeper.phase is Phase.GIVEN_UP
    keeper.by_hand("heat", temperature=19.0)
    keeper.hold(seconds=1800)
    clock.turn(1790)
    assert keeper.told.is_off
    clock.turn(MINUTE)
    assert (keeper.told.state, keeper.told.attributes["temperature"]) == ("heat", 19)


@pytest.mark.parametrize("is_away", [False, True])
def test_held_again_as_it_was_left(is_away: bool) -> None:
    """What was given up, and is still as the hold left it, is restored to the first memory."""
    deaf_to = () if is_away else range(1, 9)
    keeper, clock = held(Thermostat("one", Nature(deaf_to=frozenset(deaf_to))))
    if is_away:
        keeper.animal.lose()
    keeper.release()
    clock.turn(48 * HOUR)
    assert keeper.phase is Phase.GIVEN_UP
    keeper.hold(seconds=1800)
    clock.turn(MINUTE)
    if is_away:
        keeper.find()
    clock.turn(1730)
    assert (keeper.phase, keeper.told.is_off) == (Phase.HELD, True)
    clock.turn(10 * MINUTE)
    assert (keeper.told.state, keeper.told.attributes["temperature"]) == ("heat", 21)


def test_never_told_that_it_is_off() -> None:
    """A device that never said that it is off is turned on all the same, and then believed."""
    keeper, clock = keep(Plug("one", Nature(loses=frozenset({0}))))
    keeper.hold()
    clock.turn(10 * MINUTE)
    assert (keeper.told.state, keeper.animal.state) == ("on", "off")
    keeper.release()
    clock.turn(89)
    assert keeper.verdicts == []
    clock.turn(1)
    assert (keeper.verdicts, keeper.animal.state) == ([Verdict.RESTORED], "on")
    assert keeper.animal.commands == ["turn_off", "turn_on"]


def test_longest() -> None:
    """The shorter of two durations counts; none changes none."""
    keeper, clock = keep(Plug("one"))
    keeper.hold(seconds=600)
    keeper.hold(seconds=1200)
    keeper.hold()
    clock.turn(599)
    assert keeper.told.is_off
    clock.turn(1)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert keeper.animal.commands == ["turn_off", "turn_on"]


def test_scene_upon_a_pause() -> None:
    """The last wish holds, the first memory counts."""
    keeper, clock = held(Thermostat("one"))
    keeper.hold(wanted=None)
    keeper.by_hand("heat", temperature=17.0)
    clock.turn(10 * MINUTE)
    keeper.hold()
    clock.turn(10 * MINUTE)
    assert keeper.told.is_off
    keeper.release()
    assert (keeper.told.state, keeper.told.attributes["temperature"]) == ("heat", 21)


def test_another_wish_while_a_command_is_under_way() -> None:
    """It waits for that, and nothing that was told before is believed."""
    keeper, clock = keep(Plug("one", Nature(takes=5)))
    keeper.hold(wanted=None)
    keeper.hold()
    clock.turn(MINUTE)
    assert keeper.animal.commands == ["turn_off"]


# Rule 5: a restart forgets nothing.


def test_reload_before_it_told() -> None:
    """A plug that has not told that it is off when the entry is reloaded comes back at the end."""
    keeper, clock = keep(Plug("one", Nature(tells_after=8)))
    keeper.hold()
    clock.turn(1)
    keeper.restart()
    clock.turn(MINUTE)
    keeper.release()
    clock.turn(MINUTE)
    assert (keeper.told.state, keeper.verdicts) == ("on", [Verdict.RESTORED])


def test_turned_on_while_down() -> None:
    """What is on after a restart that had been off is somebody's."""
    keeper, clock = held(Plug("one"))
    keeper.restart(MINUTE, lambda: keeper.animal.by_hand("on"))
    clock.turn(30)
    assert keeper.verdicts == [Verdict.THEIRS]
    no_more(keeper, clock)


def test_killed_before_the_command() -> None:
    """A command that may have got lost with the process is given again."""
    device = begin("switch", ON)
    assert device.hold(START).command
    answer = device.resume(START + SECOND, ON)
    assert answer.command
    assert answer.command.key == HOLD


def test_given_up_is_said_again() -> None:
    """After a restart it is known again that a device did not come back."""
    keeper, clock = held(Plug("one", Nature(deaf_to=frozenset(range(1, 9)))))
    keeper.release()
    clock.turn(2 * HOUR)
    keeper.restart(HOUR)
    assert keeper.verdicts == [Verdict.GIVEN_UP] * 2
    no_more(keeper, clock)


def test_clock_that_is_put_back() -> None:
    """Nothing waits for as long as the clock was put back, and for little longer than without."""
    keeper, clock = keep(Plug("one", Nature(deaf_to=frozenset({1, 2}))))
    keeper.hold(seconds=600)
    clock.error = -86_400
    clock.turn(MINUTE)
    keeper.restart()
    clock.turn(600)
    assert len(keeper.animal.commands) == 2
    clock.error -= 3600
    clock.turn(4 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]


def test_clock_that_is_put_back_while_it_is_away() -> None:
    """So it is when nothing could be commanded yet."""
    device = begin("switch", UNKNOWN)
    until = device.hold(START, longest=10 * SECOND).wake_at
    assert until == START + 10 * SECOND
    assert device.wake(START - HOUR * SECOND).wake_at == until - HOUR * SECOND


# What is said out of turn.


def test_out_of_turn() -> None:
    """What is said again, or too late, changes nothing."""
    device = begin("switch", ON)
    assert device.outcome(START, Outcome.DONE).command is None or device
    device = begin("switch", ON)
    device.hold(START)
    device.outcome(START, Outcome.DONE)
    device.report(START, OFF, Cause.OURS)
    assert device.outcome(START, Outcome.FAILED).verdict is None
    assert device.report(START + 100 * SECOND, OFF, Cause.OTHERS).verdict is None
    assert device.release(START + 100 * SECOND).command
    assert device.release(START + 101 * SECOND).command is None
    assert device.report(START + 102 * SECOND, UNKNOWN, Cause.NOBODY).verdict is None
    assert device.outcome(START + 103 * SECOND, Outcome.DONE).command is None
    assert device.report(START + 104 * SECOND, ON, Cause.OURS).verdict is None
    assert device.wake(START + 134 * SECOND).verdict is Verdict.RESTORED
    assert device.wake(START + HOUR * SECOND) == device.release(START + HOUR * SECOND)


def test_held_and_released_while_it_is_away() -> None:
    """A device that nothing was asked of, as it was away, is as it was."""
    device = begin("switch", UNKNOWN)
    device.hold(START)
    device.release(START)
    device.story.before = ON
    assert device.report(START + SECOND, ON, Cause.NOBODY).verdict is None
    assert device.wake(START + 31 * SECOND).verdict is Verdict.RESTORED


def test_failed_hold_is_not_tried_again() -> None:
    """A device that answered the hold with an error is not turned off later on."""
    keeper, clock = keep(Plug("one", Nature(fails=True)))
    keeper.hold()
    clock.turn(1)
    keeper.animal.nature = Nature()
    keeper.animal.lose()
    keeper.find()
    no_more(keeper, clock)
    keeper.hold()
    assert keeper.told.is_off


# What is told for a moment only may be an old word.


@pytest.mark.parametrize("ends_meanwhile", [False, True])
def test_flickers_on_return(ends_meanwhile: bool) -> None:
    """A plug that tells an old state for a moment when it is back is restored."""
    keeper, clock = held(Plug("one"))
    keeper.animal.lose()
    clock.turn(MINUTE)
    if ends_meanwhile:
        keeper.release()
    keeper.animal.state = "on"
    keeper.find()
    clock.turn(5)
    keeper.by_hand("off")
    clock.turn(5 * MINUTE)
    keeper.release()
    clock.turn(MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert keeper.animal.commands == ["turn_off", "turn_on"]


@pytest.mark.parametrize("by_deadline", [False, True])
@pytest.mark.parametrize("stays", [False, True])
def test_flickers_at_the_end(stays: bool, by_deadline: bool) -> None:
    """Whose a device is that says otherwise right before the end is seen when it stands by it."""
    keeper, clock = keep(Plug("one"))
    keeper.hold(seconds=HOUR if by_deadline else None)
    clock.turn(HOUR - 5)
    keeper.by_hand("on")
    clock.turn(5)
    if not by_deadline:
        keeper.release()
    assert keeper.verdicts == []
    if not stays:
        keeper.by_hand("off")
    clock.turn(MINUTE)
    assert keeper.verdicts == [Verdict.THEIRS if stays else Verdict.RESTORED]
    assert keeper.animal.commands == (["turn_off"] if stays else ["turn_off", "turn_on"])


def test_held_anew_while_that_is_seen() -> None:
    """A hold that comes meanwhile commands again, without the deadline of the last."""
    keeper, clock = keep(Plug("one"))
    keeper.hold(seconds=HOUR)
    clock.turn(HOUR - 5)
    keeper.by_hand("on")
    keeper.release()
    clock.turn(1)
    keeper.hold()
    clock.turn(HOUR)
    assert (keeper.phase, keeper.told.state) == (Phase.HELD, "off")
    assert keeper.animal.commands == ["turn_off", "turn_off"]
    keeper.release()
    clock.turn(5 * MINUTE)
    assert keeper.told.state == "on"


# Rule 2, for scenes: what is near is not the same.


@pytest.mark.parametrize("before", ["heat", "off"])
@pytest.mark.parametrize("degrees", [20.0, 19.0])
def test_lowered(before: str, degrees: float) -> None:
    """What a scene lowers a little is as before, also what is off and tells a temperature."""
    keeper, clock = keep(Thermostat("one", comes_back_at=None, state=before))
    keeper.hold(wanted=None)
    keeper.by_hand("heat", temperature=degrees)
    clock.turn(10 * MINUTE)
    keeper.release()
    clock.turn(5 * MINUTE)
    assert keeper.verdicts == [Verdict.RESTORED]
    assert (keeper.told.state, keeper.told.get("temperature")) == (before, 21)


class Refusing(Thermostat):
    """A thermostat that takes no temperature while it is off."""

    @override
    def command(self, service: str, data: Mapping[str, Any]) -> None:
        """Refuse."""
        if service == "set_temperature" and self.state == "off":
            self.commands.append(service)
            raise FailureError(self.name)
        super().command(service, data)


def test_refused() -> None:
    """One that takes no temperature while it is off is off, as it was, and nobody is bothered."""
    keeper, clock = keep(Refusing("one", comes_back_at=None, state="off"))
    keeper.hold(wanted=None)
    keeper.by_hand("heat", temperature=19)
    clock.turn(10 * MINUTE)
    keeper.release()
    clock.turn(5 * MINUTE)
    assert (keeper.verdicts, keeper.told.state) == ([Verdict.RESTORED], "off")
    assert keeper.animal.commands == ["set_hvac_mode hvac_mode=off", "set_temperature"]


def test_dial() -> None:
    """Who turns a thermostat's own dial by a degree after a scene has it."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold(wanted=None)
    keeper.by_hand(temperature=19.0)
    clock.turn(10 * MINUTE)
    keeper.by_hand(temperature=18.0)
    clock.turn(MINUTE)
    assert keeper.verdicts == [Verdict.THEIRS]


def test_scene_that_takes_minutes() -> None:
    """A blind that a scene moves has settled when it stands still."""
    keeper, clock = keep(Cover("one"))
    keeper.hold(wanted=None)
    keeper.by_hand("closing")
    clock.turn(3 * MINUTE)
    keeper.by_hand("open", current_position=10)
    clock.turn(10 * MINUTE)
    assert keeper.verdicts == []
    keeper.release()
    clock.turn(5 * MINUTE)
    assert (keeper.verdicts, keeper.told.get("current_position")) == ([Verdict.RESTORED], 50)


def test_scene_upon_a_short_pause() -> None:
    """The last wish holds: a scene has not the limit of the pause before it."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold(seconds=10 * MINUTE)
    clock.turn(5 * MINUTE)
    keeper.hold(wanted=None)
    keeper.by_hand("heat", temperature=17.0)
    clock.turn(HOUR)
    assert (keeper.phase, keeper.verdicts) == (Phase.HELD, [])


def test_one_animal_per_species() -> None:
    """No two rows of the zoo are the same device."""
    rows: list[Callable[[str], Animal]] = [*ROWS.values(), *SCENES.values()]
    assert len({id(row) for row in rows}) == len(rows)
