"""Hold random devices by scenes, and by pauses in between: nobody touches them in these stories."""

from collections.abc import Callable
from random import Random
from typing import Any, override

import pytest

from custom_components.equiwatt.holding.reading import OFF
from custom_components.equiwatt.holding.restoring import Command, Verdict
from custom_components.equiwatt.holding.story import Phase

from ..zoo.animals import (
    Animal,
    Boiler,
    Cover,
    Fan,
    Humidifier,
    Lamp,
    Nature,
    Number,
    Plug,
    Select,
    Thermostat,
)
from ..zoo.keeper import Clock, Keeper

STORIES = 400
"""How many stories of each kind every run of the tests plays."""
HOUR = 3600

SCENES: dict[type[Animal], list[tuple[str, dict[str, Any]]]] = {
    Boiler: [
        ("set_operation_mode", {"operation_mode": "eco"}),
        ("set_temperature", {"temperature": 40}),
    ],
    Cover: [("set_cover_position", {"position": 10})],
    Fan: [("set_percentage", {"percentage": 66})],
    Humidifier: [("set_mode", {"mode": "normal"}), ("set_humidity", {"humidity": 55})],
    Lamp: [("turn_on", {"brightness": 200, "rgb_color": [0, 0, 255]})],
    Number: [("set_value", {"value": 60})],
    Plug: [("turn_off", {})],
    Select: [("select_option", {"option": "export"})],
    Thermostat: [
        ("set_hvac_mode", {"hvac_mode": "heat"}),
        ("set_temperature", {"temperature": 20}),
    ],
}
CANNOT_BE_PAUSED = (Cover, Number, Select)


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Need no Home Assistant."""


class SceneKeeper(Keeper):
    """A keeper whose scenes command the animal."""

    @override
    def _send(self, command: Command) -> None:
        """Apply the scene where that is the command."""
        if command.call is None:
            for service, data in SCENES[type(self.animal)]:
                self.animal.command(service, data)
        super()._send(command)


class Story:
    """What befalls one device, as a number says."""

    def __init__(self, number: int, *, is_late: bool) -> None:
        """Choose a device: one that is late, or one that is asked for much at once."""
        self.random = Random(number)  # noqa: S311
        self.clock = Clock()
        self.animal = self.species(self.nature(is_late=is_late))
        self.keeper = SceneKeeper(self.animal, self.clock)
        self.essence = self.animal.essence
        self.log: list[object] = [number, type(self.animal).__name__, self.animal.nature]

    def nature(self, *, is_late: bool) -> Nature:
        """Draw how late it is."""
        choose, most = self.random.choice, 300 if is_late else 50
        acts_after = choose([0, 0, 90, 120, 300] if is_late else [0, 0, 0, 3, 20, 40])
        tells_after = choose([0, 60, 100, 200, 300] if is_late else [0, 0, 0.5, 3, 8, 20, 40])
        return Nature(
            takes=choose([0, 0, 6, 20]),
            acts_after=acts_after,
            tells_after=min(tells_after, most - acts_after),
            doubles_after=choose([None, None, 1, 10]),
            context_seconds=choose([0, 5, 60]),
        )

    def species(self, nature: Nature) -> Animal:
        """Draw what it is."""
        if self.random.random() < 0.2:
            return self.random.choice(
                [
                    Thermostat("one", nature, comes_back_at=None),
                    Thermostat(
                        "one", nature, presets={"eco": 17}, preset_mode="eco", temperature=17
                    ),
                    Lamp("one", nature, effect="rainbow"),
                ]
            )
        return self.random.choice(list(SCENES))("one", nature)

    def wait(self) -> None:
        """Let time pass, or Home Assistant restart."""
        seconds = self.random.choice([0.1, 1, 5, 25, 31, 61, 95, 120, 300, 1000])
        self.log.append(f"{self.clock.seconds:g} wait {seconds}")
        if self.random.random() < 0.25:
            self.log.append("restart")
            self.keeper.restart(seconds)
        else:
            self.clock.turn(seconds)

    def hold(self, *, by_pause: bool) -> None:
        """Hold it."""
        self.log.append(f"{self.clock.seconds:g} {'pause' if by_pause else 'scene'}")
        self.keeper.hold(OFF if by_pause else None)

    def release(self) -> None:
        """Let the equivent end."""
        self.log.append(f"{self.clock.seconds:g} release")
        self.keeper.release()

    def end(self) -> None:
        """See that it is as it was within the hour, or named by a repair; it is nobody's."""
        self.release()
        self.clock.turn(HOUR + 300)
        seen = self.keeper.verdicts, self.animal.commands, self.animal.essence, self.log
        assert Verdict.THEIRS not in self.keeper.verdicts, seen
        assert self.keeper.phase in (Phase.OVER, Phase.GIVEN_UP), seen
        assert self.keeper.phase is Phase.GIVEN_UP or self.keeper.is_like(self.essence), seen


def tell_late(number: int) -> None:
    """Hold a device that is up to five minutes late by a scene, once or again after a while."""
    story = Story(number, is_late=True)
    for _ in range(story.random.randint(1, 2)):
        story.hold(by_pause=False)
        for _ in range(story.random.randint(1, 4)):
            story.wait()
        if story.random.random() < 0.5:
            story.release()
            story.clock.turn(HOUR)
    story.end()


def tell_any_order(number: int) -> None:
    """Hold a device that is slow by scenes and pauses in any order."""
    story = Story(number, is_late=False)
    can_pause = not isinstance(story.animal, CANNOT_BE_PAUSED)
    for _ in range(story.random.randint(1, 8)):
        what = story.random.choice(["scene", "scene", "pause", "release", *["wait"] * 4])
        if what == "wait":
            story.wait()
        elif what == "release":
            story.release()
        elif what == "scene" or can_pause:
            story.hold(by_pause=what == "pause")
    story.end()


@pytest.mark.parametrize("tell", [tell_late, tell_any_order])
def test_stories(tell: Callable[[int], None]) -> None:
    """What nobody touches is as it was within the hour, or named by a repair."""
    for number in range(STORIES):
        tell(number)


def test_old_word_right_after_the_restore() -> None:
    """What a device says again of before the hold is not taken for what the restore made of it."""
    clock, nature = Clock(), Nature(acts_after=20, tells_after=3, doubles_after=10)
    keeper = SceneKeeper(Thermostat("one", nature), clock)
    essence = keeper.animal.essence
    keeper.hold(wanted=None)
    clock.turn(5)
    keeper.hold()
    clock.turn(25)
    keeper.release()
    clock.turn(HOUR)
    assert (keeper.verdicts, keeper.is_like(essence)) == ([Verdict.RESTORED], True)
