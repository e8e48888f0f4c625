"""Test the decisions about one held device, with devices from users' reports.

Each test holds a pretend device by a clock turned by hand, and nothing of Home Assistant.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from custom_components.equiwatt.equivents.tracker import MAX_OPEN, OVERRUN
from custom_components.equiwatt.holding.device import (
    MAX_DURATION,
    Outcome,
    Report,
    absent,
    commanded,
    hold,
    is_confirmed,
    is_held,
    release,
    step,
)
from custom_components.equiwatt.holding.device_state import DeviceState
from custom_components.equiwatt.holding.record import DeviceRecord
from tests.fakes.devices.kinds import IN_SCENES, KINDS
from tests.fakes.devices.pretend import (
    Boiler,
    Cover,
    FailureError,
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
OFF_STATE = {"state": "off"}


def restored(keeper: Keeper) -> bool:
    """Return True if the device was restored and released."""
    return keeper.outcome is Outcome.RESTORED


def calls(keeper: Keeper) -> list[str]:
    """Return the commands of the restore."""
    commands = keeper.device.commands
    return commands[[*(command.endswith("off") for command in commands), False].index(False) :]


# Devices from users' reports


@pytest.mark.parametrize("seconds", [31, 65, 120])
@pytest.mark.parametrize("length", [40, 150, HOUR])
def test_stale_report(seconds: int, length: int) -> None:
    """A cloud plug reports off, on again from a stale report, and off: it is restored."""
    nature = Nature(reports_after=0.8, stale_reports=((4.2, seconds - 5),))
    keeper, clock = keep(Plug("one", nature))
    keeper.hold()
    clock.turn(length)
    keeper.release()
    clock.turn(HOUR)
    assert keeper.device.state == "on"
    assert restored(keeper)


def test_reverts() -> None:
    """A charger that reverts ten seconds after a command is commanded until it stays."""
    keeper, clock = keep(Select("one", Nature(reverts=1)))
    keeper.hold(CHARGE)
    clock.turn(2 * MINUTE)
    assert keeper.device.state == "charge"
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.device.state == "self_use"
    assert restored(keeper)


@pytest.mark.parametrize("reverts", [1, 2])
def test_restore_reverts(reverts: int) -> None:
    """A restore that reverts is commanded again, in spite of its first echo."""
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


def test_fan_with_preset_and_speed() -> None:
    """The speed is restored beside the preset."""
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


def test_lamp_with_effect() -> None:
    """A lamp with an effect has its brightness restored."""
    keeper, clock = keep(Lamp("one", effect="rainbow"))
    keeper.hold({"state": "on", "brightness": 20})
    clock.turn(HOUR)
    assert keeper.device.attributes["brightness"] == 20
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.device.attributes["brightness"] == 77
    assert keeper.device.attributes["effect"] == "rainbow"
    assert restored(keeper)


class WhiteLamp(Lamp):
    """A dimmable lamp without colours, as a scene's group may contain."""

    def reset(self) -> None:
        """Set a white light."""
        super().reset()
        self.attributes |= {"color_mode": "brightness", "rgb_color": None}

    def turn_on(self, **given: Any) -> None:
        """Turn on without the colour."""
        super().turn_on(**{name: given[name] for name in given if name != "rgb_color"})


def test_scene_obeyed_in_part() -> None:
    """A lamp that cannot show a scene's colour has its brightness restored."""
    keeper, clock = keep(WhiteLamp("one"))
    keeper.hold({"state": "on", "brightness": 20, "rgb_color": [255, 0, 0]})
    clock.turn(HOUR)
    assert keeper.device.attributes["brightness"] == 20
    assert keeper.record
    assert not is_confirmed(keeper.record)
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.device.attributes["brightness"] == 77
    assert restored(keeper)


def test_scene_changed_in_part() -> None:
    """A brightness that is neither a scene's nor the original one is a person's."""
    keeper, clock = keep(WhiteLamp("one"))
    keeper.hold({"state": "on", "brightness": 20, "rgb_color": [255, 0, 0]})
    clock.turn(10 * MINUTE)
    keeper.by_hand("on", brightness=150)
    keeper.release()
    clock.turn(2 * HOUR)
    assert keeper.device.attributes["brightness"] == 150
    assert keeper.outcome is Outcome.TAKEN_OVER


def test_lamp_turned_on_with_light() -> None:
    """The command that turns a lamp on contains its brightness."""
    keeper, _ = held(Lamp("one"))
    keeper.release()
    assert keeper.device.commands == [OFF, "turn_on brightness=77 rgb_color=[255, 0, 0]"]


class OverriddenThermostat(Thermostat):
    """A thermostat that loses its preset with its mode, and refuses presets it does not offer."""

    def set_hvac_mode(self, hvac_mode: str) -> None:
        """Set the mode without a preset."""
        super().set_hvac_mode(hvac_mode)
        self.attributes["preset_mode"] = "none"

    def set_preset_mode(self, preset_mode: str) -> None:
        """Set an offered preset."""
        if preset_mode not in self.attributes["preset_modes"]:
            raise FailureError(preset_mode)
        super().set_preset_mode(preset_mode)


def test_fan_with_preset_not_offered() -> None:
    """A fan is turned on without a preset that it does not offer, and refuses."""
    keeper, _ = held(Fan("one", preset_mode="Custom", preset_modes=["auto", "sleep"]))
    keeper.release()
    assert keeper.device.commands[:2] == [OFF, "turn_on percentage=33"]


@pytest.mark.parametrize("preset", ["Override", "Boost"])
def test_preset_not_offered(preset: str) -> None:
    """Mode and temperature are restored without a repair for the preset."""
    keeper, clock = held(OverriddenThermostat("one", presets={"eco": 17.0}, preset_mode=preset))
    keeper.release()
    clock.turn(HOUR + 5 * MINUTE)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)
    assert restored(keeper)
    assert not any("preset" in call for call in keeper.device.commands)


@pytest.mark.parametrize("length", [2 * MINUTE, HOUR])
def test_available_late(length: int) -> None:
    """A device that was unavailable at the start is paused when it is available."""
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


def test_available_after_the_end() -> None:
    """A device that is available only after the end is not commanded."""
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


def test_available_as_wanted() -> None:
    """A device that turns up as wanted is not commanded."""
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
    """A device behind a slow queue is held and restored."""
    keeper, clock = keep(Thermostat("one", Nature(takes=seconds, acts_after=seconds)))
    keeper.hold()
    clock.turn(HOUR)
    assert keeper.device.state == "off"
    keeper.release()
    clock.turn(20 * MINUTE)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)
    assert restored(keeper)


def test_three_days_later() -> None:
    """A device that returns after three days is not commanded, and has a repair."""
    keeper, clock = held(Plug("one"))
    keeper.device.report(available=False)
    clock.turn(HOUR)
    keeper.release()
    clock.turn(DAY - HOUR)
    assert keeper.record
    clock.turn(2 * HOUR)
    assert keeper.outcome is Outcome.GIVEN_UP
    keeper.find()
    clock.turn(HOUR)
    assert keeper.device.commands == [OFF]


def test_available_just_in_time() -> None:
    """A device that is available again at the end of the day of waiting is restored."""
    keeper, clock = held(Plug("one", Nature(acts_after=20)))
    keeper.device.report(available=False)
    keeper.release()
    clock.turn(DAY - 10)
    keeper.find()
    clock.turn(10 * MINUTE)
    assert keeper.device.state == "on"
    assert restored(keeper)


@pytest.mark.parametrize("is_restoring", [False, True])
def test_old_backup(is_restoring: bool) -> None:
    """An old record from a backup is not commanded."""
    keeper, clock = held(Plug("one"))
    if is_restoring:
        keeper.device.obeys = False
        keeper.release()
    disk = keeper.disk
    keeper.release()
    clock.turn(3 * DAY)
    keeper.device.obeys, keeper.device.state = True, "off"
    keeper.by_hand("off")
    commands = list(keeper.device.commands)
    keeper.disk = disk
    keeper.restart()
    keeper.release()
    clock.turn(DAY)
    assert keeper.outcome is Outcome.GIVEN_UP
    assert keeper.device.commands == commands


def test_old_backup_of_restored_device() -> None:
    """A device that is as before needs no repair."""
    keeper, clock = held(Plug("one"))
    disk = keeper.disk
    keeper.release()
    clock.turn(3 * DAY)
    commands = list(keeper.device.commands)
    keeper.disk = disk
    keeper.restart()
    keeper.release()
    clock.turn(HOUR)
    assert restored(keeper)
    assert keeper.device.commands == commands


# Takeovers


@pytest.mark.parametrize("at_the_end", [False, True])
def test_call_of_another(at_the_end: bool) -> None:
    """A command of a person or an automation takes the device over."""
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


def test_context_of_another() -> None:
    """A change with the context of another takes the device over."""
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
    """A value set at the thermostat is kept, while it is held and afterwards."""
    keeper, clock = held(Thermostat("one"))
    keeper.by_hand("heat", temperature=23.0)
    commands = list(keeper.device.commands)
    clock.turn(HOUR)
    assert keeper.record
    assert is_held(keeper.record, clock.now)
    keeper.release()
    assert keeper.record
    assert not is_held(keeper.record, clock.now)
    clock.turn(HOUR - 1)
    assert keeper.record
    clock.turn(2)
    assert keeper.outcome is Outcome.TAKEN_OVER
    assert keeper.device.commands == commands


@pytest.mark.parametrize("then", ["wanted", "before"])
def test_temporary_third_value(then: str) -> None:
    """A device is restored after a temporary change, such as an open window."""
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


def test_preset_left_by_hand() -> None:
    """A person may leave the preset soon after it and a temperature were restored."""
    device = Thermostat("one", presets={"eco": 16.0}, preset_mode="eco", temperature=18.5)
    keeper, clock = held(device)
    keeper.release()
    clock.turn(30)
    keeper.by_hand(preset_mode="none")
    clock.turn(HOUR)
    assert keeper.outcome is Outcome.TAKEN_OVER
    assert device.attributes["preset_mode"] == "none"


@pytest.mark.parametrize("seconds", [5, 20])
def test_new_value_after_the_end(seconds: int) -> None:
    """A value set by hand after the restore is kept once it has stood for half a minute."""
    keeper, clock = held(Thermostat("one"))
    keeper.release()
    clock.turn(seconds)
    commands = list(keeper.device.commands)
    keeper.by_hand(temperature=23.0)
    clock.turn(29.5)
    assert keeper.record
    clock.turn(1)
    assert keeper.outcome is Outcome.TAKEN_OVER
    assert keeper.device.commands == commands


def test_turned_off_soon_after_the_end() -> None:
    """A device turned off by hand within 90 seconds of the end is turned on again."""
    keeper, clock = held(Plug("one"))
    keeper.release()
    clock.turn(20)
    keeper.by_hand("off")
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "on"
    assert restored(keeper)


def test_third_value_before_a_gap() -> None:
    """A person's value is theirs although the device was unavailable since."""
    keeper, clock = held(Thermostat("one"))
    keeper.by_hand("heat", temperature=23.0)
    clock.turn(MINUTE)
    keeper.device.report(available=False)
    clock.turn(MINUTE)
    keeper.find()
    clock.turn(20 * MINUTE)
    keeper.restart(MINUTE)
    commands = list(keeper.device.commands)
    keeper.release()
    clock.turn(2 * HOUR)
    assert keeper.outcome is Outcome.TAKEN_OVER
    assert keeper.device.commands == commands == ["set_hvac_mode hvac_mode=off"]


def test_turned_on_while_held() -> None:
    """A device turned on by hand while it is held stays on."""
    keeper, clock = held(Plug("one"))
    keeper.by_hand("on")
    clock.turn(HOUR)
    assert keeper.device.commands == [OFF]
    keeper.release()
    clock.turn(HOUR)
    assert keeper.device.state == "on"


# Gaps and restarts


@pytest.mark.parametrize("found", ["on", "off"])
@pytest.mark.parametrize("moment", ["held", "over", "restoring"])
def test_power_cut(found: str, moment: str) -> None:
    """A device is restored after a power cut, in any state."""
    keeper, clock = held(Plug("one"))
    if moment == "restoring":
        keeper.release()
        clock.turn(1)
    keeper.device.report(available=False)
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


def test_third_state_after_gap() -> None:
    """A device is restored from a third state after one gap or several."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold()
    keeper.device.report(available=False)
    clock.turn(MINUTE)
    keeper.device.state, keeper.device.attributes["temperature"] = "heat", 12.0
    keeper.find()
    clock.turn(10 * MINUTE)
    assert keeper.device.state == "off"
    keeper.device.report(available=False)
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
    """Holding and restoring continue after a restart."""
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
def test_corrected_clock(seconds: float) -> None:
    """The deadline and the rounds keep their length when the clock is corrected."""
    keeper, clock = keep(Plug("one"))
    keeper.hold(seconds=10 * MINUTE)
    clock.turn(5 * MINUTE)
    keeper.jump(seconds)
    clock.turn(4 * MINUTE)
    assert keeper.device.state == "off"
    clock.turn(2 * MINUTE)
    assert keeper.device.state == "on"


def test_clock_set_back_while_down() -> None:
    """Times in the future count as now."""
    keeper, clock = held(Plug("one"))
    keeper.release()
    keeper.restart(10, lambda: setattr(clock, "error", -HOUR))
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "on"
    assert restored(keeper)


# Commands


def test_rounds_of_a_hold() -> None:
    """A deaf device is commanded in ever longer rounds, and released at the end."""
    keeper, clock = keep(Plug("one", obeys=False))
    keeper.hold()
    clock.turn(6 * HOUR + 1)
    at = [seconds for seconds, _ in keeper.sent]
    minutes = [0, 1, 3, 7, 15, 30, 45, *range(60, 361, 30)]
    assert at == pytest.approx([60.0 * minute for minute in minutes])
    assert [command.is_repeated for command in keeper.decided] == [False] + [True] * (len(at) - 1)


def test_rounds_of_a_restore() -> None:
    """A deaf device is given up after eight commands."""
    keeper, clock = held(Plug("one"))
    keeper.device.obeys = False
    start = clock.turned
    keeper.release()
    clock.turn(HOUR + 89.5)
    assert keeper.record
    clock.turn(1)
    assert keeper.outcome is Outcome.GIVEN_UP
    at = [seconds - start for seconds, _ in keeper.sent[1:]]
    assert at == pytest.approx([60.0 * minute for minute in (0, 1, 3, 7, 15, 30, 45, 60)])
    repeated = [command.is_repeated for command in keeper.decided[1:]]
    assert repeated == [False] + [True] * 7


def test_failed_hold_is_retried() -> None:
    """A command that failed is repeated in the next round."""
    keeper, clock = keep(Plug("one", Nature(fails_at=frozenset({0}))))
    keeper.hold()
    clock.turn(59)
    assert keeper.device.commands == [OFF]
    assert keeper.device.state == "on"
    clock.turn(2)
    assert keeper.device.commands == [OFF, OFF]
    assert keeper.device.state == "off"


def test_held_is_not_commanded_again() -> None:
    """A device that was as wanted for 90 seconds is not commanded again."""
    keeper, clock = held(Plug("one"))
    keeper.by_hand("on")
    clock.turn(5 * HOUR)
    assert keeper.device.commands == [OFF]


def test_lost_command() -> None:
    """A command that the hub lost is repeated a minute later."""
    keeper, clock = keep(Plug("one", Nature(deaf_to=frozenset({0}))))
    keeper.hold()
    clock.turn(59)
    assert keeper.device.state == "on"
    clock.turn(2)
    assert keeper.device.state == "off"


@pytest.mark.parametrize("lost", [1, 2, 20])
def test_lost_command_of_second_hold(lost: int) -> None:
    """A paused plug that misses a scene which wants it as it was before is turned on again."""
    deaf_to = frozenset(range(1, 1 + lost))
    keeper, clock = held(Plug("one", Nature(deaf_to=deaf_to)))
    keeper.hold({"state": "on"})
    assert keeper.record
    assert not is_confirmed(keeper.record)
    clock.turn(10 * MINUTE)
    is_on = lost < 4  # rounds until then
    assert is_confirmed(keeper.record) is is_on
    assert keeper.device.commands == [OFF] + ["turn_on"] * (lost + 1 if is_on else 4)
    keeper.device.nature = Nature()
    keeper.release()
    clock.turn(2 * HOUR)
    assert keeper.device.state == "on"
    assert restored(keeper)


def test_turned_on_and_off_while_held() -> None:
    """A person may turn a held device on, off and on again."""
    keeper, clock = held(Plug("one"))
    for state in ("on", "off", "on"):
        keeper.by_hand(state)
        clock.turn(20)
    clock.turn(HOUR)
    assert keeper.device.commands == [OFF]


def test_step_that_undoes_another() -> None:
    """A temperature that ends the preset is dropped, as the preset came first."""
    device = Thermostat(
        "one", leaves_preset=True, presets={"eco": 16.0}, preset_mode="eco", temperature=18.5
    )
    keeper, clock = held(device)
    keeper.release()
    clock.turn(HOUR + 5 * MINUTE)
    assert device.attributes["preset_mode"] == "eco"
    assert restored(keeper)
    assert calls(keeper).count("set_temperature temperature=18.5") == 1


def test_lost_step_that_looks_undone() -> None:
    """A step that was lost, though it was reported, wins over the next, which seems to undo it."""
    keeper, clock = held(Humidifier("one", Nature(deaf_to=frozenset({2}), corrects_after=10)))
    keeper.release()
    clock.turn(HOUR)
    assert keeper.device.attributes["mode"] == "night"
    assert calls(keeper).count("set_humidity humidity=45") == 1
    assert restored(keeper)


def test_refused_step() -> None:
    """A refused step does not block the next one, and the device is given up."""
    keeper, clock = held(Boiler("one"))
    heater = keeper.device

    def command(service: str, data: Any) -> None:
        """Refuse the mode."""
        heater.error = FailureError() if service == "set_operation_mode" else None
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


def test_preset_that_never_reports() -> None:
    """A device without reports gets its preset without a temperature, which might end it."""
    device = Thermostat(
        "one",
        Nature(is_silent=True),
        leaves_preset=True,
        presets={"eco": 16.0},
        preset_mode="eco",
        temperature=18.5,
    )
    keeper, clock = keep(device)
    keeper.hold()
    clock.turn(HOUR)
    keeper.release()
    clock.turn(HOUR)
    assert device.attributes["preset_mode"] == "eco"
    assert restored(keeper)


def test_available_between_rounds() -> None:
    """A device that is available again is commanded at once, not in the next round."""
    keeper, clock = held(Plug("one"))
    keeper.device.obeys = False
    keeper.release()
    clock.turn(10)
    keeper.device.report(available=False)
    keeper.device.obeys = True
    clock.turn(10)
    keeper.find()
    clock.turn(1)
    assert keeper.device.state == "on"


def test_never_reports() -> None:
    """A device without reports is commanded once and watched for an hour."""
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


def test_closed_blind() -> None:
    """A blind that a scene closes, which changes its state as well, is opened again."""
    keeper, clock = keep(Cover("one"))
    keeper.hold({"current_position": 0})
    clock.turn(HOUR)
    assert keeper.device.state == "closed"
    assert keeper.record
    assert is_confirmed(keeper.record)
    keeper.release()
    clock.turn(10 * MINUTE)
    assert keeper.device.attributes["current_position"] == 50
    assert restored(keeper)


def test_schedule() -> None:
    """A thermostat in a schedule is restored to it, without a temperature."""
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


def test_lowest_temperature_is_off() -> None:
    """The lowest temperature counts as off, and as our own command."""
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
    """A number may be off by the device's step, and a quarter of the way at most."""
    now = START
    before = DeviceState(domain="climate", state="heat", attributes={"temperature": 21.0})
    record = hold(None, before, {"temperature": 19.0}, now, now + timedelta(hours=1))
    record = commanded(record, {"temperature": 19.0}, now)
    state = replace(before, attributes={"temperature": wanted})
    record, _ = step(record, Report(state=state), now)
    assert is_confirmed(record) is is_ours


# Repeated holds


def confirms(before: DeviceState, wanted: dict[str, Any], shown: DeviceState) -> bool:
    """Return True if a report confirms a hold."""
    record = hold(None, before, wanted, START, START + timedelta(hours=1))
    record = commanded(record, wanted, START)
    record, _ = step(record, Report(state=shown), START)
    return is_confirmed(record)


@pytest.mark.parametrize(
    ("domain", "name", "step_name", "values"),
    [
        ("climate", "temperature", "target_temp_step", (30.0, 10.0, 13.0)),
        ("fan", "percentage", "percentage_step", (80, 60, 63)),
        ("humidifier", "humidity", "target_humidity_step", (45, 25, 28)),
    ],
)
@pytest.mark.parametrize("size", [None, 5])
def test_rounded_by_step(
    domain: str, name: str, step_name: str, values: tuple[float, ...], size: int | None
) -> None:
    """A number may differ by the step that the device reports."""
    before, wanted, shown = (
        DeviceState(domain=domain, state="on", attributes={step_name: size, name: value})
        for value in values
    )
    assert confirms(before, {name: wanted.get(name)}, shown) is (size == 5)


@pytest.mark.parametrize(
    ("old", "wanted", "shown", "size", "is_ours"),
    [
        (30.0, 10.0, 11.5, None, False),  # the step is one degree
        (30.0, 10.0, 15.0, 9, True),  # just a quarter of the way
        (30.0, 10.0, None, 9, False),
        (None, 10.0, 13.0, 9, False),
        ((30.0, 32.0), (10.0, 52.0), (10.0, 40.0), 9, False),
    ],
)
def test_rounded_in_part(
    old: Any, wanted: Any, shown: Any, size: int | None, is_ours: bool
) -> None:
    """Each number counts, and those that are missing are none."""

    def state(value: Any) -> DeviceState:
        """Return the state of a thermostat with one temperature or a range."""
        is_range = isinstance(value, tuple)
        low, high = value if is_range else (None, None)
        temperatures = {
            "temperature": None if is_range else value,
            "target_temp_low": low,
            "target_temp_high": high,
        }
        attributes = temperatures | {"target_temp_step": size}
        return DeviceState(domain="climate", state="heat_cool", attributes=attributes)

    before = replace(state(old), state="cool")
    assert confirms(before, state(wanted).significant, state(shown)) is is_ours


def test_wanted_in_another_mode() -> None:
    """A temperature in another mode is not as wanted."""
    heat, cool = (
        DeviceState(domain="climate", state=state, attributes={"temperature": temperature})
        for state, temperature in (("heat", 21), ("cool", 19))
    )
    assert not confirms(heat, {"temperature": 19}, cool)
    assert confirms(heat, {"temperature": 19}, replace(cool, state="heat"))


@pytest.mark.parametrize("size", [None, 5])
def test_rounded_state_and_range(size: int | None) -> None:
    """A state that is a number may differ by the step, and each end of a range."""
    before, wanted, shown = (
        DeviceState(domain="number", state=state, attributes={"step": size})
        for state in ("80", "60", "63")
    )
    assert confirms(before, wanted.significant, shown) is (size == 5)
    before, wanted, shown = (
        DeviceState(
            domain="climate",
            state="heat_cool",
            attributes={"target_temp_low": low, "target_temp_high": high, "target_temp_step": size},
        )
        for low, high in ((30.0, 32.0), (10.0, 52.0), (13.0, 49.0))
    )
    assert confirms(before, wanted.significant, shown) is (size == 5)


@pytest.mark.parametrize(
    "device", [Plug("one"), Plug("one", obeys=False), Plug("one", Nature(acts_after=45))]
)
def test_deadline(device: Plug) -> None:
    """A hold ends by itself, whether the device has obeyed or not."""
    keeper, clock = keep(device)
    keeper.hold(seconds=50)
    clock.turn(51)
    assert keeper.device.commands == [OFF, "turn_on"]


def test_deadline_of_a_third_value() -> None:
    """A person's value is judged at the deadline of the hold."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold(seconds=10 * MINUTE)
    clock.turn(20)
    keeper.by_hand("heat", temperature=23.0)
    clock.turn(2 * HOUR)
    assert keeper.outcome is Outcome.TAKEN_OVER


def test_held_again_while_held() -> None:
    """A repeated hold changes the deadline without a command."""
    keeper, clock = keep(Plug("one"))
    keeper.hold(seconds=10 * MINUTE)
    clock.turn(5 * MINUTE)
    keeper.hold(seconds=10 * MINUTE)
    clock.turn(9 * MINUTE)
    assert keeper.device.commands == [OFF]
    clock.turn(5 * MINUTE)
    assert keeper.device.commands == [OFF, "turn_on"]


def test_held_again_without_success() -> None:
    """A repeated hold commands a device that has not obeyed, in rounds from its own start."""
    keeper, clock = keep(Plug("one", obeys=False))
    keeper.hold()
    clock.turn(40 * MINUTE)
    keeper.hold()
    clock.turn(2 * MINUTE)
    at = [seconds - 40 * MINUTE for seconds, _ in keeper.sent]
    assert at[-3:] == pytest.approx([-10 * MINUTE, 0, MINUTE])


def test_held_again_soon() -> None:
    """A repeated hold commands a device that has not obeyed at once."""
    keeper, clock = keep(Plug("one", obeys=False))
    keeper.hold()
    clock.turn(30)
    keeper.hold()
    assert [seconds for seconds, _ in keeper.sent] == [0, 30]


@pytest.mark.parametrize("seconds", [20, 100])
def test_held_again_while_restored(seconds: int) -> None:
    """A device counts as on while our last command was to turn it on."""
    keeper, clock = held(Plug("one", Nature(acts_after=seconds)))
    keeper.release()
    clock.turn(10)
    keeper.hold()
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "off"
    keeper.release()
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "on"
    assert restored(keeper)


def test_first_state_counts() -> None:
    """A device with a pause and a scene is restored to the state before the pause."""
    keeper, clock = held(Thermostat("one"))
    keeper.hold({"state": "heat", "temperature": 17.0})
    clock.turn(5 * MINUTE)
    assert keeper.device.attributes["temperature"] == 17
    keeper.release()
    clock.turn(5 * MINUTE)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)


def test_earlier_wanted_state() -> None:
    """A wanted state of an earlier hold is no takeover."""
    keeper, clock = held(Thermostat("one"))
    keeper.device.obeys = False
    keeper.hold({"state": "heat", "temperature": 17.0})
    clock.turn(20 * MINUTE)
    assert keeper.device.state == "off"
    keeper.device.obeys = True
    keeper.release()
    clock.turn(5 * MINUTE)
    assert (keeper.device.state, keeper.device.attributes["temperature"]) == ("heat", 21)
    assert restored(keeper)


# Shown state


def test_shown_as_held() -> None:
    """The device is shown as held until it reports its earlier state."""
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
    keeper.device.report(available=False)
    assert is_held(keeper.record, clock.now)


@pytest.mark.parametrize("kind", [*KINDS, *IN_SCENES])
def test_kinds(kind: str) -> None:
    """Each known kind of device is restored with few commands."""
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


# Conditions for single kinds of devices


def test_third_value_at_once() -> None:
    """A value set by hand soon after the start is kept in every round."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold()
    clock.turn(20)
    keeper.by_hand("heat", temperature=23.0)
    clock.turn(HOUR)
    assert len(keeper.sent) == 1
    assert keeper.device.attributes["temperature"] == 23


def test_stale_report_at_the_end() -> None:
    """A device that reports its earlier state at the end gets the held part commanded back."""
    keeper, clock = held(Thermostat("one", comes_back_at=None))
    keeper.by_hand("heat")
    keeper.release()
    clock.turn(10 * MINUTE)
    assert calls(keeper) == ["set_hvac_mode hvac_mode=heat"]
    assert restored(keeper)


def test_watched_since_the_command() -> None:
    """A device is restored when it has been as before for 90 seconds since the command."""
    keeper, clock = held(Thermostat("one", comes_back_at=None))
    keeper.by_hand("heat")
    clock.turn(MINUTE)
    keeper.release()
    clock.turn(89.5)
    assert keeper.record
    clock.turn(1)
    assert restored(keeper)


def test_watched_since_the_report() -> None:
    """A device is restored when it has been as before for 90 seconds since its report."""
    keeper, clock = held(Plug("one", Nature(acts_after=45)))
    keeper.release()
    clock.turn(45 + 89.5)
    assert keeper.record
    clock.turn(1)
    assert restored(keeper)


def test_unchanged_mode_is_not_commanded() -> None:
    """A restore commands only what the hold has changed."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold({"state": "heat", "temperature": 17.0})
    clock.turn(5 * MINUTE)
    keeper.release()
    clock.turn(5 * MINUTE)
    assert keeper.device.commands == [
        "set_temperature temperature=17.0",
        "set_temperature temperature=21.0",
    ]
    assert restored(keeper)


def test_available_after_the_last_round() -> None:
    """A device that is available again after the last round has time to obey."""
    keeper, clock = held(Plug("one"))
    keeper.device.obeys = False
    keeper.release()
    keeper.device.report(available=False)
    clock.turn(2 * HOUR)
    keeper.device.obeys, keeper.device.nature = True, Nature(acts_after=20)
    keeper.find()
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "on"
    assert restored(keeper)


def test_plain_command() -> None:
    """A lamp that does not turn on as before is turned on plainly by each fourth command."""
    keeper, clock = held(Lamp("one"))
    keeper.device.obeys = False
    keeper.release()
    clock.turn(HOUR + 5 * MINUTE)
    first = "turn_on brightness=77 rgb_color=[255, 0, 0]"
    assert calls(keeper) == [first] * 3 + ["turn_on"] + [first] * 3 + ["turn_on"]


def test_eight_commands_at_most() -> None:
    """Several refused steps are eight commands in all."""
    keeper, clock = held(Boiler("one"))
    keeper.device.error = FailureError()
    keeper.release()
    clock.turn(HOUR)
    assert keeper.record
    clock.turn(5 * MINUTE)
    assert keeper.outcome is Outcome.GIVEN_UP
    assert len(calls(keeper)) == 8


class SlowPreset(Thermostat):
    """Thermostat that leaves its preset some seconds after a new temperature."""

    seconds = 5.0

    def set_temperature(self, **degrees: float) -> None:
        """Set the temperature and leave the preset later."""
        super().set_temperature(**degrees)
        self._later(self.seconds, lambda: self.report(preset_mode="none"))


@pytest.mark.parametrize(("seconds", "preset"), [(5, "eco"), (9.5, "eco"), (10, "none")])
def test_step_that_undoes_another_later(seconds: float, preset: str) -> None:
    """A step that undoes an earlier one within ten seconds of its echo is dropped."""
    device = SlowPreset("one", presets={"eco": 16.0}, preset_mode="eco", temperature=18.5)
    device.seconds = seconds
    keeper, clock = held(device)
    keeper.release()
    clock.turn(HOUR + 5 * MINUTE)
    assert device.attributes["preset_mode"] == preset
    assert keeper.outcome is (Outcome.RESTORED if preset == "eco" else Outcome.TAKEN_OVER)


def test_lowest_temperature_before() -> None:
    """A thermostat that heated to its lowest temperature does not count as off."""
    keeper, clock = keep(Thermostat("one", Nature(deaf_to=frozenset({0})), temperature=5.0))
    keeper.hold()
    clock.turn(5 * MINUTE)
    assert keeper.device.state == "off"


def test_many_reports() -> None:
    """A device that reports something else all the time is believed nevertheless."""
    keeper, clock = keep(Thermostat("one"))
    keeper.hold()
    for moment in ("held", "restoring"):
        for n in range(6):
            clock.turn(20)
            keeper.by_hand(max_temp=30 + n)
        if moment == "held":
            assert keeper.record
            assert keeper.record.settled_at
            later = clock.now + timedelta(seconds=1)
            assert step(keeper.record, None, later)[0] == keeper.record
            keeper.release()
    assert restored(keeper)


def test_unavailable_at_the_start() -> None:
    """A device that is unavailable has no original state, and none is reported."""
    record = hold(None, None, OFF_STATE, START, START + timedelta(hours=1))
    assert record.here_since is None
    assert not is_confirmed(record)


def test_late_timer() -> None:
    """A wanted state that lasts long enough only after the end answers no restoring command."""
    on, off = (DeviceState(domain="switch", state=state) for state in ("on", "off"))
    record = hold(None, on, OFF_STATE, START, START + timedelta(seconds=100))
    record = commanded(record, OFF_STATE, START)
    record, _ = step(record, Report(state=off), START + timedelta(seconds=20))
    now = START + timedelta(seconds=115)
    record, decision = step(record, None, now)
    assert decision.command == {"state": "on"}
    record = commanded(record, {"state": "on"}, now)
    _, decision = step(record, None, now + timedelta(seconds=50))
    assert decision.outcome is None


def test_reports_between_the_rounds() -> None:
    """A deaf device with many reports is commanded no more often."""
    keeper, clock = held(Thermostat("one"))
    keeper.device.obeys = False
    keeper.release()
    for n in range(65):
        clock.turn(59)
        keeper.by_hand(max_temp=30 + n)
    at = [seconds - 300 for seconds, _ in keeper.sent[1:]]
    assert at == pytest.approx([60.0 * minute for minute in (0, 1, 3, 7, 15, 30, 45, 60)])


# Single facts


def thermostat(state: str, temperature: float, preset: str = "none", **others: Any) -> DeviceState:
    """Return the state of a thermostat."""
    attributes = {"temperature": temperature, "preset_mode": preset, **others}
    return DeviceState(domain="climate", state=state, attributes=attributes)


END = START + timedelta(hours=1)
HEAT, COLD = thermostat("heat", 18.5, "eco"), thermostat("off", 7, "eco")
HELD = replace(
    commanded(hold(None, HEAT, OFF_STATE, START, END), OFF_STATE, START),
    seen=COLD,
    changed_at=START + timedelta(seconds=5),
)


def moment(seconds: float) -> datetime:
    """Return a time after the end."""
    return END + timedelta(seconds=seconds)


def restoring(seen: DeviceState, *commands: tuple[str, Any, DeviceState]) -> DeviceRecord:
    """Return a record with restoring commands, ten seconds apart, and the state reported since."""
    record = HELD
    for number, (name, value, found) in enumerate(commands):
        record = commanded(replace(record, seen=found), {name: value}, moment(10 * number))
    return replace(record, seen=seen, changed_at=moment(10 * len(commands)))


def next_command(record: DeviceRecord) -> Mapping[str, Any] | None:
    """Return the command of the second round."""
    return step(record, None, moment(70))[1].command


def test_longest_hold() -> None:
    """A device is held as long as an equivent without an end is live."""
    assert MAX_DURATION == MAX_OPEN + OVERRUN


@pytest.mark.parametrize("name", ["began", "changed_at", "here_since", "settled_at"])
def test_fact_in_the_future(name: str) -> None:
    """No fact is later than now."""
    now = START + timedelta(minutes=1)
    future: Any = {name: now + timedelta(hours=1)}
    record, _ = step(replace(HELD, **future), None, now)
    assert getattr(record, name) == now


def test_command_in_the_future() -> None:
    """No command is later than now."""
    record, _ = step(commanded(HELD, OFF_STATE, START + timedelta(hours=2)), None, moment(-5))
    assert record.commands[-1].at == moment(-5)


def test_released_twice() -> None:
    """A hold that is over does not end once more."""
    record = release(replace(HELD, settled_at=START), moment(-60))
    assert record.settled_at is None
    for seconds in (-60, 60):
        assert release(record, moment(seconds)) is record


def test_missed_changes() -> None:
    """A device whose changes may have been missed has none since it came back."""
    record = absent(HELD)
    assert record.here_since is None
    record, _ = step(record, Report(state=COLD), moment(-60))
    assert (record.here_since, record.changed_at) == (moment(-60), None)


def test_report_at_the_end() -> None:
    """A report at the end itself is one of the restore."""
    record, _ = step(HELD, Report(state=HEAT), END)
    assert record.settled_at == END
    record, _ = step(record, Report(state=COLD), END)
    assert record.settled_at is None


def test_old_reports() -> None:
    """A state of the hold is old, and so is any in which a restoring command found the device."""
    lukewarm, warm = thermostat("heat", 7, "eco"), thermostat("heat", 12, "eco")
    record = restoring(HEAT, ("state", "heat", lukewarm), ("temperature", 18.5, warm))
    record = replace(record, settled_at=moment(30))
    for state in (COLD, lukewarm, warm):
        assert step(record, Report(state=state), moment(40))[0].settled_at is None
    new = thermostat("heat", 23, "eco")
    assert step(record, Report(state=new), moment(40))[0].settled_at == moment(30)


def test_new_value_before_the_last_command() -> None:
    """A device that was as before only before the last command has not obeyed it yet."""
    warm = thermostat("heat", 25, "eco")
    record = restoring(warm, ("state", "heat", COLD), ("temperature", 18.5, warm))
    record = replace(record, settled_at=moment(5))
    assert step(record, None, moment(55))[1].outcome is None
    record = replace(record, settled_at=moment(15))
    assert step(record, None, moment(55))[1].outcome is Outcome.TAKEN_OVER


def test_left_with_another_attribute() -> None:
    """A device that is as before is restored although it reports an attribute that it lacked."""
    record = replace(HELD, seen=replace(HEAT, attributes={**HEAT.attributes, "humidity": 40}))
    assert is_held(record, END)


def test_lost_temperature_undoes_nothing() -> None:
    """A command that was not carried out has not undone the preset."""
    record = restoring(
        thermostat("heat", 16, "eco"),
        ("state", "heat", COLD),
        ("temperature", 18.5, thermostat("heat", 16, "eco")),
        ("preset_mode", "eco", thermostat("heat", 16)),
    )
    assert next_command(record) == {"temperature": 18.5}


def test_temperature_undoes_only_what_was() -> None:
    """A preset that was not there before the temperature has not been undone by it."""
    record = restoring(
        thermostat("heat", 16, "eco"),
        ("state", "heat", COLD),
        ("temperature", 18.5, thermostat("heat", 16)),
        ("preset_mode", "eco", thermostat("heat", 18.5)),
    )
    assert next_command(record) == {"temperature": 18.5}


def test_report_of_the_hold_undoes_nothing() -> None:
    """A preset that is shown in an old report has not undone the mode."""
    record = restoring(
        thermostat("heat", 18.5),
        ("state", "heat", COLD),
        ("preset_mode", "eco", thermostat("heat", 18.5)),
        ("state", "heat", COLD),
    )
    assert next_command(record) == {"preset_mode": "eco"}


def test_report_as_before_between_steps() -> None:
    """A step follows the one before although the device reports as before, as in an old report."""
    before = thermostat("heat", 21, fan_mode="auto")
    wanted = {"temperature": 17, "fan_mode": "low"}
    record = commanded(hold(None, before, wanted, START, END), wanted, START)
    record = commanded(record, {"temperature": 21}, END)
    record = replace(record, changed_at=moment(5), settled_at=moment(5))
    assert step(record, None, moment(40))[1].command == {"fan_mode": "auto"}


def test_left_in_part() -> None:
    """A device that has obeyed in part is restored, unless another value is a person's."""
    before = thermostat("heat", 21, fan_mode="auto")
    wanted = {"temperature": 17, "fan_mode": "low"}
    record = commanded(hold(None, before, wanted, START, END), wanted, START)
    for fan_mode, is_left in (("auto", True), ("high", False)):
        seen = thermostat("heat", 17, fan_mode=fan_mode)
        assert is_held(replace(record, seen=seen), END) is is_left
