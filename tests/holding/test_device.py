"""Test what is decided about one held device, with devices as people report them.

Each test holds a pretend device by a clock turned by hand, and nothing of Home Assistant.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_components.equiwatt.holding.device import (
    Outcome,
    Report,
    commanded,
    hold,
    is_confirmed,
    is_held,
    step,
)
from custom_components.equiwatt.holding.device_state import DeviceState
from tests.fakes.devices.kinds import IN_SCENES, KINDS
from tests.fakes.devices.pretend import (
    Boiler,
    Fan,
    Humidifier,
    Lamp,
    Nature,
    Player,
    Plug,
    PretendDevice,
    Select,
    Thermostat,
)

from .keeper import START, Keeper, held, keep

MINUTE, HOUR, DAY = 60, 3600, 86400
CHARGE = {"state": "charge"}
OFF = "turn_off"


def restored(keeper: Keeper) -> bool:
    """Return True if the device is left alone as it was."""
    return keeper.outcome is Outcome.RESTORED


def calls(keeper: Keeper) -> list[str]:
    """Return the commands of the restore."""
    commands = keeper.device.commands
    return commands[[*(one.endswith("off") for one in commands), False].index(False) :]


# Devices as their users report them.


@pytest.mark.parametrize("seconds", [31, 65, 120])
@pytest.mark.parametrize("length", [40, 150, HOUR])
def test_old_word(seconds: int, length: int) -> None:
    """A cloud plug reports off, the old on again, and off for good: it is restored."""
    nature = Nature(tells_after=0.8, old_words=((4.2, seconds - 5),))
    keeper, clock = keep(Plug("one", nature))
    keeper.hold()
    clock.turn(length)
    keeper.release()
    clock.turn(HOUR)
    assert keeper.device.state == "on"
    assert restored(keeper)


def test_goes_back_after_a_while() -> None:
    """A charger that goes back ten seconds after it was set is set until it stands."""
    keeper, clock = keep(Select("one", Nature(reverts=1)))
    keeper.hold(CHARGE)
    clock.turn(2 * MINUTE)
    assert keeper.device.state == "charge"
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.device.state == "self_use"
    assert restored(keeper)


@pytest.mark.parametrize("reverts", [1, 2])
def test_restore_goes_back(reverts: int) -> None:
    """So it is after the end, and not believed at the first echo."""
    keeper, clock = keep(Select("one"))
    keeper.hold(CHARGE)
    clock.turn(HOUR)
    keeper.device.nature = Nature(reverts=reverts)
    keeper.release()
    clock.turn(5)
    assert keeper.device.state == "self_use"
    clock.turn(10 * MINUTE)
    assert keeper.device.state == "self_use"
    assert len(keeper.sent) == 2 + reverts
    assert restored(keeper)


def test_fan_with_a_preset_and_a_speed() -> None:
    """It gets its speed back beside its preset."""
    fan = Fan("one", preset_mode="auto", preset_modes=["auto", "sleep"])
    keeper, clock = held(fan)
    keeper.release()
    clock.turn(10 * MINUTE)
    assert fan.essence == {
        "is_on": True,
        "percentage": 33,
        "preset_mode": "auto",
        "direction": "reverse",
    }


def test_lamp_in_an_effect() -> None:
    """A lamp that a scene has dimmed in an effect is as bright as before."""
    keeper, clock = keep(Lamp("one", effect="rainbow"))
    keeper.hold({"state": "on", "brightness": 20})
    clock.turn(HOUR)
    assert keeper.device.attributes["brightness"] == 20
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.device.attributes["brightness"] == 77
    assert keeper.device.attributes["effect"] == "rainbow"
    assert restored(keeper)


def test_lamp_is_turned_on_as_it_was() -> None:
    """A lamp gets its light with the command that turns it on, and is not bright before."""
    keeper, _ = held(Lamp("one"))
    keeper.release()
    assert keeper.device.commands == [OFF, "turn_on brightness=77 rgb_color=[255, 0, 0]"]


@pytest.mark.parametrize("preset", ["Override", "Boost"])
def test_preset_that_is_not_offered(preset: str) -> None:
    """The thermostat gets its mode and temperature back, and there is nothing to repair."""
    keeper, clock = held(Thermostat("one", presets={"eco": 17.0}, preset_mode=preset))
    keeper.release()
    clock.turn(HOUR + 5 * MINUTE)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)
    assert restored(keeper)


@pytest.mark.parametrize("length", [2 * MINUTE, HOUR])
def test_turns_up_late(length: int) -> None:
    """What is unavailable when the equivent starts is paused when it turns up."""
    plug = Plug("one")
    plug.is_available = False
    keeper, clock = keep(plug)
    keeper.hold()
    clock.turn(MINUTE)
    keeper.find()
    assert plug.state == "off"
    clock.turn(length)
    keeper.release()
    clock.turn(10 * MINUTE)
    assert plug.commands == ["turn_off", "turn_on"]
    assert restored(keeper)


def test_turns_up_too_late() -> None:
    """What turns up only after the end was never touched, and is not."""
    plug = Plug("one")
    plug.is_available = False
    keeper, clock = keep(plug)
    keeper.hold()
    clock.turn(HOUR)
    keeper.release()
    assert restored(keeper)
    keeper.find()
    clock.turn(HOUR)
    assert plug.commands == []


def test_turns_up_off() -> None:
    """What turns up as wanted is left alone."""
    plug = Plug("one", state="off")
    plug.is_available = False
    keeper, clock = keep(plug)
    keeper.hold()
    clock.turn(MINUTE)
    keeper.find()
    assert restored(keeper)
    assert plug.commands == []


@pytest.mark.parametrize("seconds", [7 * n for n in range(1, 9)])
def test_queue(seconds: int) -> None:
    """However long its commands wait in a queue, it is held and restored."""
    keeper, clock = keep(Thermostat("one", Nature(takes=seconds, acts_after=seconds)))
    keeper.hold()
    clock.turn(HOUR)
    assert keeper.device.state == "off"
    keeper.release()
    clock.turn(20 * MINUTE)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)
    assert restored(keeper)


def test_three_days_later() -> None:
    """A device that turns up again after three days is left alone, and a repair names it."""
    keeper, clock = held(Plug("one"))
    keeper.device.lose()
    clock.turn(HOUR)
    keeper.release()
    clock.turn(DAY - HOUR)
    assert keeper.record
    clock.turn(2 * HOUR)
    assert keeper.outcome is Outcome.GIVEN_UP
    keeper.find()
    clock.turn(HOUR)
    assert keeper.device.commands == [OFF]


@pytest.mark.parametrize("is_restoring", [False, True])
def test_backup_from_amid_an_equivent(is_restoring: bool) -> None:
    """Nothing is commanded for what was on the disk days ago, whatever was to be done then."""
    keeper, clock = held(Plug("one"))
    if is_restoring:
        keeper.device.nature = Nature(is_deaf=True)
        keeper.release()
    disk = keeper.disk
    keeper.release()
    clock.turn(3 * DAY)
    keeper.device.nature, keeper.device.state = Nature(), "off"
    keeper.by_hand("off")
    commands = list(keeper.device.commands)
    keeper.disk = disk
    keeper.restart()
    keeper.release()
    clock.turn(DAY)
    assert keeper.outcome is Outcome.GIVEN_UP
    assert keeper.device.commands == commands


def test_backup_of_a_device_that_is_as_before() -> None:
    """A device that is as it was needs no repair."""
    keeper, clock = held(Plug("one"))
    disk = keeper.disk
    keeper.release()
    clock.turn(3 * DAY)
    keeper.disk = disk
    keeper.restart()
    keeper.release()
    clock.turn(HOUR)
    assert len(keeper.device.commands) <= 3
    assert keeper.outcome is not None
    assert keeper.device.state == "on"


# Whose it is.


@pytest.mark.parametrize("at_the_end", [False, True])
def test_another_sets_it(at_the_end: bool) -> None:
    """What a person or another automation commands is theirs from then on."""
    keeper, clock = held(Thermostat("one"))
    if at_the_end:
        keeper.release()
        clock.turn(20)
    keeper.others("set_hvac_mode", hvac_mode="cool")
    commands = list(keeper.device.commands)
    assert keeper.outcome is Outcome.TAKEN_OVER
    keeper.release()
    clock.turn(2 * HOUR)
    assert keeper.device.commands == commands


def test_another_changes_it() -> None:
    """So is what bears the context of another, and changes what we have commanded."""
    keeper, clock = held(Plug("one"))
    record = keeper.record
    assert record
    on = DeviceState(domain="switch", state="on")
    _, decision = step(record, Report(state=on, is_others=True), clock.now)
    assert decision.outcome is Outcome.TAKEN_OVER
    off = DeviceState(domain="switch", state="off")
    _, decision = step(record, Report(state=off, is_others=True), clock.now)
    assert decision.outcome is None
    _, decision = step(replace(record, commands=()), Report(state=on, is_others=True), clock.now)
    assert decision.outcome is None
    _, decision = step(record, Report(state=None, is_others=True), clock.now)
    assert decision.outcome is None


def test_third_value_by_hand() -> None:
    """What somebody sets at the thermostat itself is left, while it is held and afterwards."""
    keeper, clock = held(Thermostat("one"))
    keeper.by_hand("heat", temperature=23.0)
    commands = list(keeper.device.commands)
    clock.turn(HOUR)
    keeper.release()
    assert keeper.record
    assert not is_held(keeper.record, clock.now)
    clock.turn(HOUR - 1)
    assert keeper.record
    clock.turn(2)
    assert keeper.outcome is Outcome.TAKEN_OVER
    assert keeper.device.commands == commands


@pytest.mark.parametrize("then", ["wanted", "before"])
def test_third_value_that_goes(then: str) -> None:
    """An open window was somebody's only for a while: the device is restored after all."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold({"temperature": 19.0})
    clock.turn(5 * MINUTE)
    keeper.by_hand(temperature=5.0)
    clock.turn(20 * MINUTE)
    keeper.release()
    clock.turn(20 * MINUTE)
    assert keeper.device.attributes["temperature"] == 5
    keeper.by_hand(temperature=19.0 if then == "wanted" else 21.0)
    clock.turn(5 * MINUTE)
    assert keeper.device.attributes["temperature"] == 21
    assert restored(keeper)


def test_new_value_after_the_end() -> None:
    """Who turns the dial once it was as before keeps what they set, after half a minute."""
    keeper, clock = held(Thermostat("one"))
    keeper.release()
    clock.turn(20)
    commands = list(keeper.device.commands)
    keeper.by_hand(temperature=23.0)
    clock.turn(29)
    assert keeper.record
    clock.turn(2)
    assert keeper.outcome is Outcome.TAKEN_OVER
    assert keeper.device.commands == commands


def test_turned_off_soon_after_the_end() -> None:
    """Who turns it off by hand within 90 seconds of the end sees it turned on again."""
    keeper, clock = held(Plug("one"))
    keeper.release()
    clock.turn(20)
    keeper.by_hand("off")
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "on"
    assert restored(keeper)


def test_turned_on_while_held() -> None:
    """What is turned on at the device itself once it was off is not turned off again."""
    keeper, clock = held(Plug("one"))
    keeper.by_hand("on")
    clock.turn(HOUR)
    assert keeper.device.commands == [OFF]
    keeper.release()
    clock.turn(HOUR)
    assert keeper.device.state == "on"


# Gaps and restarts.


@pytest.mark.parametrize("found", ["on", "off"])
@pytest.mark.parametrize("moment", ["held", "over", "restoring"])
def test_gap(found: str, moment: str) -> None:
    """How a device comes out of a power cut is nobody's doing: it is restored."""
    keeper, clock = held(Plug("one"))
    if moment == "restoring":
        keeper.release()
        clock.turn(1)
    keeper.device.lose()
    clock.turn(MINUTE)
    if moment == "over":
        keeper.release()
    keeper.device.state = found
    keeper.find()
    if moment == "held":
        clock.turn(20 * MINUTE)
        keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.device.state == "on"
    assert restored(keeper)


def test_found_otherwise_after_a_gap() -> None:
    """So it is where it comes back in a third state, at once or again."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold()
    keeper.device.lose()
    clock.turn(MINUTE)
    keeper.device.state, keeper.device.attributes["temperature"] = "heat", 12.0
    keeper.find()
    clock.turn(10 * MINUTE)
    assert keeper.device.state == "off"
    keeper.device.lose()
    clock.turn(MINUTE)
    keeper.release()
    keeper.device.state, keeper.device.attributes["temperature"] = "heat", 12.0
    keeper.find()
    clock.turn(10 * MINUTE)
    assert keeper.device.attributes["temperature"] == 21
    assert restored(keeper)


@pytest.mark.parametrize("seconds", [0, 5, 600])
@pytest.mark.parametrize("moment", ["at once", "held", "over", "restoring"])
def test_restart(moment: str, seconds: float) -> None:
    """Whatever is going on when Home Assistant is stopped goes on when it has started."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold()
    clock.turn(0 if moment == "at once" else 5 * MINUTE)
    if moment in ("over", "restoring"):
        if moment == "restoring":
            keeper.release()
        keeper.restart(seconds)
    else:
        keeper.restart(seconds)
        clock.turn(5 * MINUTE)
        assert keeper.device.state == "off"
    keeper.release()
    clock.turn(10 * MINUTE)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)
    assert restored(keeper)


@pytest.mark.parametrize("seconds", [-5 * HOUR, 5 * HOUR])
def test_clock_is_put_right(seconds: float) -> None:
    """A deadline is as long as it was meant, and so are the rounds."""
    keeper, clock = keep(Plug("one"))
    keeper.hold(seconds=10 * MINUTE)
    clock.turn(5 * MINUTE)
    keeper.jump(seconds)
    clock.turn(4 * MINUTE)
    assert keeper.device.state == "off"
    clock.turn(2 * MINUTE)
    assert keeper.device.state == "on"


def test_clock_is_put_back_while_down() -> None:
    """What happened in a future that is none any more has happened now."""
    keeper, clock = held(Plug("one"))
    keeper.release()
    keeper.restart(10, lambda: setattr(clock, "error", -HOUR))
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "on"
    assert restored(keeper)


# Commands.


def test_rounds_of_a_hold() -> None:
    """A deaf device is commanded in rounds that become rare, and left alone at the end."""
    keeper, clock = keep(Plug("one", Nature(is_deaf=True)))
    keeper.hold()
    clock.turn(6 * HOUR - 1)
    at = [seconds for seconds, _ in keeper.sent]
    minutes = [0, 1, 3, 7, 15, 30, 45, 60, *range(90, 360, 30)]
    assert at == pytest.approx([60.0 * one for one in minutes])
    assert [command.is_repeated for command in keeper.decided] == [False] + [True] * (len(at) - 1)


def test_rounds_of_a_restore() -> None:
    """A deaf device gets eight commands, and is then given up."""
    keeper, clock = held(Plug("one"))
    keeper.device.nature = Nature(is_deaf=True)
    start = clock.seconds
    keeper.release()
    clock.turn(HOUR + 89)
    assert keeper.record
    clock.turn(2)
    assert keeper.outcome is Outcome.GIVEN_UP
    at = [seconds - start for seconds, _ in keeper.sent[1:]]
    assert at == pytest.approx([60.0 * one for one in (0, 1, 3, 7, 15, 30, 45, 60)])


def test_failed_hold_is_tried_again() -> None:
    """A device that answers its first command with an error gets the next in the next round."""
    keeper, clock = keep(Plug("one", Nature(fails_at=frozenset({0}))))
    keeper.hold()
    clock.turn(59)
    assert keeper.device.commands == [OFF]
    assert keeper.device.state == "on"
    clock.turn(2)
    assert keeper.device.commands == [OFF, OFF]
    assert keeper.device.state == "off"


def test_held_is_not_commanded_again() -> None:
    """What has been as wanted for 90 seconds is left alone, whatever it reports later."""
    keeper, clock = held(Plug("one"))
    keeper.by_hand("on")
    clock.turn(5 * HOUR)
    assert keeper.device.commands == [OFF]


def test_loses_all_but_one_of_several() -> None:
    """A hub that loses the first command gets it again a minute later."""
    keeper, clock = keep(Plug("one", Nature(deaf_to=frozenset({0}))))
    keeper.hold()
    clock.turn(59)
    assert keeper.device.state == "on"
    clock.turn(2)
    assert keeper.device.state == "off"


def test_step_that_undoes_another() -> None:
    """A temperature that ends a preset is dropped: the preset came first."""
    device = Thermostat(
        "one", leaves_preset=True, presets={"eco": 16.0}, preset_mode="eco", temperature=18.5
    )
    keeper, clock = held(device)
    keeper.release()
    clock.turn(HOUR + 5 * MINUTE)
    assert device.attributes["preset_mode"] == "eco"
    assert restored(keeper)
    assert len(calls(keeper)) <= 8


def test_mode_that_is_lost_and_shown() -> None:
    """A step that seems to undo one that was lost, and shown all the same, is commanded again."""
    keeper, clock = held(Humidifier("one", Nature(deaf_to=frozenset({2}), corrects_after=10)))
    keeper.release()
    clock.turn(HOUR)
    assert keeper.device.essence == Humidifier("one").essence
    assert restored(keeper)


def test_refused_step_keeps_no_other_waiting() -> None:
    """A step that is answered with an error lets the next go on, and the device is given up."""
    keeper, clock = held(Boiler("one"))
    heater = keeper.device

    def command(service: str, data: Any) -> None:
        """Refuse the mode."""
        heater.nature = Nature(fails=service == "set_operation_mode")
        PretendDevice.command(heater, service, data)

    heater.command = command  # type: ignore[method-assign]
    keeper.release()
    clock.turn(10)
    assert heater.commands[-2:] == [
        "set_operation_mode operation_mode=timed",
        "set_temperature temperature=55.0",
    ]
    clock.turn(HOUR + 5 * MINUTE)
    assert keeper.outcome is Outcome.GIVEN_UP


def test_never_reports() -> None:
    """A device that reports nothing gets everything once, and is watched for an hour."""
    keeper, clock = keep(Thermostat("one", Nature(is_silent=True)))
    keeper.hold()
    clock.turn(HOUR)
    assert keeper.device.state == "off"
    keeper.release()
    clock.turn(HOUR - 1)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)
    assert keeper.record
    clock.turn(2)
    assert restored(keeper)
    assert len(calls(keeper)) == 2


def test_schedule() -> None:
    """A thermostat that followed a schedule does so again, and has no temperature sent."""
    keeper, clock = held(Thermostat("one", leaves_auto=True, state="auto"))
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.device.state == "auto"
    assert calls(keeper) == ["set_hvac_mode hvac_mode=auto"]


def test_player_is_not_played() -> None:
    """A paused player is turned on, never played."""
    keeper, clock = held(Player("one"))
    keeper.release()
    clock.turn(10 * MINUTE)
    assert calls(keeper) == ["turn_on"]
    assert restored(keeper)


def test_valve_whose_off_is_its_lowest_temperature() -> None:
    """It counts as off, and as nobody's."""
    keeper, clock = keep(Thermostat("one", is_valve=True))
    keeper.hold()
    assert keeper.record
    assert is_confirmed(keeper.record)
    clock.turn(HOUR)
    assert len(keeper.sent) == 1
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.device.attributes["temperature"] == 21
    assert restored(keeper)


@pytest.mark.parametrize(
    ("wanted", "is_ours"),
    [(19.0, True), (19.4, True), (19.9, False), (18.7, True), (18.4, False)],
)
def test_rounded(wanted: float, is_ours: bool) -> None:
    """A number may be off by what the device rounds, but a quarter of the way at most."""
    now = START
    before = DeviceState(domain="climate", state="heat", attributes={"temperature": 21.0})
    record = hold(None, before, {"temperature": 19.0}, now, now + timedelta(hours=1))
    record = commanded(record, {"temperature": 19.0}, now)
    state = replace(before, attributes={"temperature": wanted})
    record, _ = step(record, Report(state=state), now)
    assert is_confirmed(record) is is_ours


# A hold after a hold.


def test_held_again_while_held() -> None:
    """The same again is no new command, but a new deadline."""
    keeper, clock = keep(Plug("one"))
    keeper.hold(seconds=10 * MINUTE)
    clock.turn(5 * MINUTE)
    keeper.hold(seconds=10 * MINUTE)
    clock.turn(9 * MINUTE)
    assert keeper.device.commands == [OFF]
    clock.turn(5 * MINUTE)
    assert keeper.device.commands == [OFF, "turn_on"]


def test_held_again_while_restored() -> None:
    """A device is not believed to be off while our last command was to turn it on."""
    keeper, clock = held(Plug("one", Nature(acts_after=20)))
    keeper.release()
    clock.turn(10)
    keeper.hold()
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "off"
    keeper.release()
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "on"
    assert restored(keeper)


def test_first_memory_counts() -> None:
    """A scene over a pause is restored to how it was before the pause."""
    keeper, clock = held(Thermostat("one"))
    keeper.hold({"state": "heat", "temperature": 17.0})
    clock.turn(5 * MINUTE)
    assert keeper.device.attributes["temperature"] == 17
    keeper.release()
    clock.turn(5 * MINUTE)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)


def test_what_an_earlier_hold_wanted() -> None:
    """A device that shows what an earlier hold wanted is nobody's."""
    keeper, clock = held(Thermostat("one"))
    keeper.device.nature = Nature(is_deaf=True)
    keeper.hold({"state": "heat", "temperature": 17.0})
    clock.turn(20 * MINUTE)
    assert keeper.device.state == "off"
    keeper.device.nature = Nature()
    keeper.release()
    clock.turn(5 * MINUTE)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)
    assert restored(keeper)


# What is shown.


def test_shown_as_held() -> None:
    """It shows as held until it reports as before."""
    keeper, clock = keep(Plug("one", Nature(acts_after=20)))
    keeper.hold()
    assert keeper.record
    assert not is_confirmed(keeper.record)
    clock.turn(21)
    assert is_confirmed(keeper.record)
    clock.turn(5 * MINUTE)
    keeper.release()
    clock.turn(19)
    assert keeper.record
    assert is_held(keeper.record, clock.now)
    clock.turn(2)
    assert not is_held(keeper.record, clock.now)
    keeper.device.lose()
    assert is_held(keeper.record, clock.now)


@pytest.mark.parametrize("kind", [*KINDS, *IN_SCENES])
def test_kinds(kind: str) -> None:
    """Each device that is known is as its owner left it, by few commands."""
    device = (KINDS | IN_SCENES)[kind]("one")
    wanted: dict[str, dict[str, Any]] = {
        "select": CHARGE,
        "number": {"state": "60"},
        "cover": {"current_position": 10},
    }
    before = device.essence
    keeper, clock = keep(device)
    keeper.hold(wanted.get(device.domain, {"state": "off"}))
    clock.turn(HOUR)
    assert device.essence != before
    keeper.release()
    clock.turn(HOUR + 3 * MINUTE)
    if kind == "thermostat whose preset ends with a temperature":
        before.pop("temperature")
    assert {key: device.essence[key] for key in before} == before
    assert restored(keeper)
    assert len(calls(keeper)) <= 8


# Conditions that each keep one kind of device right.


def test_third_value_at_once() -> None:
    """What somebody sets before it was held for long is left alone in every round."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold()
    clock.turn(20)
    keeper.by_hand("heat", temperature=23.0)
    clock.turn(HOUR)
    assert len(keeper.sent) == 1
    assert keeper.device.attributes["temperature"] == 23


def test_old_word_at_the_end() -> None:
    """Of a device that reports at the end how it was only what the hold changed is commanded."""
    keeper, clock = held(Thermostat("one", comes_back_at=None))
    keeper.by_hand("heat")
    keeper.release()
    clock.turn(10 * MINUTE)
    assert calls(keeper) == ["set_hvac_mode hvac_mode=heat"]
    assert restored(keeper)


def test_eight_commands_at_most() -> None:
    """Several steps that are refused in each round are eight commands in all."""
    keeper, clock = held(Boiler("one"))
    keeper.device.nature = Nature(fails=True)
    keeper.release()
    clock.turn(HOUR + 5 * MINUTE)
    assert keeper.outcome is Outcome.GIVEN_UP
    assert len(calls(keeper)) == 8


class Slowly(Thermostat):
    """A thermostat that leaves its preset some seconds after a temperature was set."""

    def set_temperature(self, **degrees: float) -> None:
        """Set the temperature, and leave the preset later."""
        super().set_temperature(**degrees)
        self._later(5, lambda: self.by_hand(preset_mode="none"))


def test_step_that_undoes_another_later() -> None:
    """A step that undoes an earlier one some seconds after its echo is dropped, too."""
    device = Slowly("one", presets={"eco": 16.0}, preset_mode="eco", temperature=18.5)
    keeper, clock = held(device)
    keeper.release()
    clock.turn(HOUR + 5 * MINUTE)
    assert device.attributes["preset_mode"] == "eco"
    assert restored(keeper)


def test_lowest_temperature_before() -> None:
    """A thermostat that heated to its lowest temperature is not off for that."""
    keeper, clock = keep(Thermostat("one", Nature(deaf_to=frozenset({0})), temperature=5.0))
    keeper.hold()
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "off"


def test_reports_between_the_rounds() -> None:
    """A deaf device that reports something else all the time is commanded no more often."""
    keeper, clock = held(Thermostat("one"))
    keeper.device.nature = Nature(is_deaf=True)
    keeper.release()
    for n in range(65):
        clock.turn(59)
        keeper.by_hand(max_temp=30 + n)
    at = [seconds - 300 for seconds, _ in keeper.sent[1:]]
    assert at == pytest.approx([60.0 * one for one in (0, 1, 3, 7, 15, 30, 45, 60)])
