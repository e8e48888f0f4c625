"""Let random devices meet random people, restarts, clocks and equivents.

Each run of the tests takes the same steps; `--hypothesis-profile=long` looks for new ones, and
shortens what fails.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, override

from hypothesis import (
    HealthCheck,
    Phase as HypothesisPhase,
    currently_in_test_context,
    note,
    settings,
    strategies as st,
)
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
import pytest

from custom_components.equiwatt.holding.device import Cause
from custom_components.equiwatt.holding.plan import steps
from custom_components.equiwatt.holding.reading import Reading, gist
from custom_components.equiwatt.holding.restoring import Answer, Command, Verdict
from custom_components.equiwatt.holding.story import Phase

from ..zoo.animals import Animal, Boiler, Fan, Humidifier, Lamp, Nature, Player, Plug, Thermostat
from ..zoo.keeper import Clock, Keeper

LONG = settings.get_current_profile_name() == "long"
LIVES = 500
"""How many lives are made up besides, as a search keeps close to what it has tried."""
STEPS = 5_000
"""How many steps every run of the tests takes at least."""
QUIET = 200
"""Seconds after which nothing of a command is under way any more."""

SPECIES: list[Callable[[str, Nature], Animal]] = [
    Plug,
    Boiler,
    Fan,
    Humidifier,
    Lamp,
    Player,
    Thermostat,
    lambda name, nature: Lamp(name, nature, rgb_color=None),
    lambda name, nature: Lamp(name, nature, effect="rainbow"),
    lambda name, nature: Thermostat(name, nature, comes_back_at=None),
    lambda name, nature: Thermostat(name, nature, leaves_auto=True, state="auto"),
    lambda name, nature: Thermostat(
        name,
        nature,
        leaves_preset=True,
        presets={"eco": 17.0},
        preset_mode="eco",
        temperature=17.0,
    ),
    lambda name, nature: Thermostat(
        name,
        nature,
        leaves_preset=True,
        presets={"eco": 16.0},
        preset_mode="eco",
        temperature=18.5,
    ),
    lambda name, nature: Thermostat(
        name,
        nature,
        state="heat_cool",
        temperature=None,
        target_temp_low=18.0,
        target_temp_high=24.0,
    ),
]
SECONDS = [0, 0, 0, 0.5, 3, 8, 20, 40, 60]
NEVER: frozenset[int] = frozenset()
ONCE = [NEVER, frozenset({0}), frozenset({1}), frozenset({2}), frozenset({4})]
FEW = [*ONCE, frozenset({0, 1}), frozenset({1, 2, 3}), frozenset({2, 5, 8})]

type Choose = Callable[[Sequence[Any]], Any]


def nature(choose: Choose) -> Nature:
    """Choose how a device behaves: it loses reports or commands, never both.

    It loses one report at most: of two, nobody could know.
    """
    acts_after = choose(SECONDS)
    loses, deaf_to = choose([(True, False), (False, True), (False, False)])
    return Nature(
        takes=choose(SECONDS),
        acts_after=acts_after,
        tells_after=min(choose(SECONDS), 60 - acts_after),
        doubles_after=choose([None, None, 1, 10, 20]),
        loses=choose(ONCE) if loses else NEVER,
        deaf_to=choose(FEW) if deaf_to else NEVER,
        is_deaf=choose([False] * 9 + [True]),
        fails=choose([False] * 9 + [True]),
        context_seconds=choose([0, 5, 5, 60]),
    )


@st.composite
def natures(draw: st.DrawFn) -> Nature:
    """Draw how a device behaves."""
    return nature(lambda options: draw(st.sampled_from(options)))


def remark(text: str) -> None:
    """Note what happens, for what is searched and found."""
    if currently_in_test_context():
        note(text)


class Witness(Keeper):
    """A keeper who sees to it that what is promised is kept."""

    def __init__(self, animal: Animal, clock: Clock) -> None:
        """See nothing wrong yet."""
        self.is_theirs = False
        self.is_touched = False
        self.restoring: tuple[Any, int] = (None, 0)
        self.last_command = -1e9
        super().__init__(animal, clock)

    @override
    def _send(self, command: Command) -> None:
        """See that nobody who took over is overruled, and that it is not tried for ever."""
        remark(f"{self.clock.seconds:g}: {command}")
        assert not self.is_theirs, "a command after a person took over"
        assert self.device, "a command after the end of the story"
        story = self.device.story
        assert story.phase in (Phase.HELD, Phase.RESTORING)
        if story.phase is Phase.RESTORING:
            key = story.released_at
            count = self.restoring[1] + 1 if self.restoring[0] is story else 1
            self.restoring = story, count
            assert story.commands <= 8, key
        self.last_command = self.clock.seconds
        super()._send(command)

    @override
    def _follow(self, answer: Answer) -> None:
        """See that nobody's device is called somebody's, unless its last word was lost."""
        is_wrong = answer.verdict is Verdict.THEIRS and not self.is_touched
        assert not is_wrong or self.told.state != self.animal.state, "nobody touched it"
        self.is_touched |= is_wrong  # it says so to this day
        super()._follow(answer)

    @override
    def _told(self, reading: Reading, cause: Cause) -> None:
        """See somebody take over a device that is being restored."""
        remark(f"{self.clock.seconds:g}: told {reading} {cause}")
        if self.device and self.phase is Phase.RESTORING and cause is Cause.OTHERS:
            story = self.device.story
            changed = gist(story.domain, reading) != gist(story.domain, story.last)
            self.is_theirs |= reading.is_known and changed


class Home(RuleBasedStateMachine):
    """A device, its people and its equivents."""

    steps = 0

    @initialize(species=st.sampled_from(SPECIES), nature=natures(), has_people=st.booleans())
    def begin(
        self, species: Callable[[str, Nature], Animal], nature: Nature, has_people: bool
    ) -> None:
        """Plug a device in, in a home where somebody may be."""
        self.has_people = has_people
        self.held_until: float | None = None
        self.is_timed = False
        self.clock = Clock()
        self.animal = species("one", nature)
        self.home = Witness(self.animal, self.clock)
        self.plugged = self.home.told
        self.before, self.essence = self.home.told, self.animal.essence
        self.has_flapped = False
        self.touched_at = -1e9

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing is under way."""
        last = max(self.home.last_command, self.touched_at)
        return self.clock.seconds > last + QUIET

    @rule(seconds=st.sampled_from([None, None, 20, 300, 1800]))
    def hold(self, seconds: float | None) -> None:
        """Hold the device, as the manager would."""
        if self.home.phase in (Phase.OVER, Phase.GIVEN_UP):
            if not self.is_quiet or not self.home.told.is_known or self.home.told.is_off:
                return
            if gist(self.animal.domain, self.home.told) != gist(self.animal.domain, self.truth):
                return
            self.before, self.has_flapped = self.home.told, False
            self.home.is_touched = False
            self.essence = self.animal.essence
        self.home.is_theirs = False
        is_held = self.home.phase is Phase.HELD and not self.is_leaving
        until = self.clock.seconds + (seconds or 1e9)
        self.held_until = min(until, self.held_until) if is_held and self.held_until else until
        self.is_timed |= not is_held
        self.home.hold(seconds=seconds)
        assert self.home.phase is not Phase.GIVEN_UP
        type(self).steps += 1

    @property
    def truth(self) -> Reading:
        """Return what the device truly is."""
        return Reading(state=self.animal.state, attributes=self.animal.attributes)

    @property
    def is_leaving(self) -> bool:
        """Tell whether a hold is over, and only whose the device is has to be seen."""
        return bool(self.home.device and self.home.device.story.is_leaving)

    @rule()
    def release(self) -> None:
        """Let the equivent end."""
        self.held_until = None
        self.home.release()
        type(self).steps += 1

    @rule(seconds=st.sampled_from([0.1, 1, 2, 5, 31, 59, 61, 95, 250, 1000]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.turn(seconds)
        self.check_held()
        type(self).steps += 1

    def check_held(self) -> None:
        """See that what is held, and obeys, is off while nobody wants it otherwise."""
        nature = self.animal.nature
        obeys = not (nature.deaf_to or nature.is_deaf or nature.fails or self.has_flapped)
        if self.home.phase is Phase.HELD and self.is_quiet and obeys and not self.home.is_touched:
            assert self.animal.state == "off", "held, and on"
        if self.is_timed and self.held_until and not self.home.is_touched:
            is_held = self.home.phase is Phase.HELD and not self.is_leaving
            assert is_held is (self.clock.seconds < self.held_until), "not for as long as asked"

    @rule(is_available=st.booleans())
    def flap(self, is_available: bool) -> None:
        """Let the device lose its connection, or find it again."""
        self.has_flapped = True
        self.animal.lose(is_available=is_available)
        self.clock.turn(0)
        type(self).steps += 1

    @rule(
        seconds=st.sampled_from([0, 1, 30, 600, 90_000]),
        touch=st.sampled_from([False, False, True]),
    )
    def restart(self, seconds: float, touch: bool) -> None:
        """Restart, while somebody may use the device."""
        self.home.restart(seconds, self._turn if touch else lambda: None)
        type(self).steps += 1

    @rule(seconds=st.sampled_from([-90_000, -3_600, -70, -5, 5]))
    def move_clock(self, seconds: float) -> None:
        """Let the clock be put right, or wrong."""
        self.clock.error += seconds
        self.is_timed = False
        type(self).steps += 1

    @rule()
    def turn(self) -> None:
        """Let somebody turn the device on or off by hand, at any time."""
        self._turn()
        type(self).steps += 1

    @rule()
    def command(self) -> None:
        """Let somebody command the device through Home Assistant, at any time."""
        if self._touch() and not self.animal.nature.fails:
            call = steps(self.animal.domain, self.before)[0].calls[0]
            self.home.somebody(call.service, **call.data)
        type(self).steps += 1

    @rule()
    def take_over(self) -> None:
        """Let somebody turn on by hand what is held, and see that it is theirs."""
        if self.home.phase is not Phase.HELD or not self.is_quiet or not self.animal.is_available:
            return
        if self.home.told.state != "off" or self.animal.state != "off":
            return
        if self.home.device and self.home.device.story.until:
            return  # it may be restored before that is told
        if not self._touch():
            return
        self._set(is_on=True)
        self.clock.turn(0 if self.animal.nature.loses else self.animal.nature.tells_after)
        if self.home.told.state != "off":
            self.home.is_theirs = True
            self.clock.turn(31)  # a clock that was put back may make it look like an echo
            assert self.home.verdicts[-1] is Verdict.THEIRS
        type(self).steps += 1

    def _touch(self) -> bool:
        """Note that somebody uses the device now, if there is anybody."""
        if not self.has_people:
            return False
        self.home.is_touched, self.touched_at = True, self.clock.seconds
        return True

    def _turn(self) -> None:
        """Turn the device on or off by hand."""
        if self._touch():
            self._set(is_on=self.animal.state == "off")

    def _set(self, *, is_on: bool) -> None:
        """Set the device by hand."""
        if is_on:
            self.home.by_hand(self.plugged.state, **self.plugged.attributes)
        else:
            self.animal.turn_off()
            self.home.by_hand()

    @rule()
    def calm_down(self) -> None:
        """See the end of everything."""
        type(self).steps += 1
        self.held_until = None
        if not self.animal.is_available:
            self.animal.lose(is_available=True)
        self.home.release()
        self.clock.turn(3_600 + 2 * QUIET + 8 * self.animal.nature.takes)
        assert self.home.phase in (Phase.GIVEN_UP, Phase.OVER), "not over after an hour"
        if self.home.is_touched or not self.home.verdicts:
            return
        verdict = self.home.verdicts[-1]
        if verdict is Verdict.RESTORED:
            assert self.home.is_like(self.essence), "not as it was"
        else:
            nature = self.animal.nature
            assert nature.is_deaf or nature.fails or nature.deaf_to or nature.loses, "for nothing"

    @override
    def teardown(self) -> None:
        """See the end."""
        if hasattr(self, "home"):
            self.calm_down()


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Need no Home Assistant."""


def test_whatever_happens() -> None:
    """What is promised of a device is kept, whatever happens in whichever order."""
    Home.steps = 0
    profile = settings(deadline=None, suppress_health_check=list(HealthCheck))
    if not LONG:
        phases = [HypothesisPhase.generate]
        profile = settings(profile, max_examples=300, stateful_step_count=30, phases=phases)
    run_state_machine_as_test(Home, settings=profile)
    assert Home.steps >= STEPS


def live(random: Random) -> None:
    """Live a life, in which holds and ends are as frequent as all the rest."""
    home, choose = Home(), random.choice
    home.begin(species=choose(SPECIES), nature=nature(choose), has_people=choose([True, False]))
    rest: list[Callable[[], None]] = [
        home.release,
        home.calm_down,
        home.turn,
        home.command,
        home.take_over,
        lambda: home.flap(is_available=choose([True, False])),
        lambda: home.restart(seconds=choose([0, 1, 30, 600]), touch=choose([True, False])),
        lambda: home.move_clock(seconds=choose([-3_600, -70, -5, 5])),
    ]
    for _ in range(10):
        home.hold(seconds=choose([None, None, 20, 300, 1800]))
        for step in random.choices(rest, k=random.randint(0, 2)):
            home.wait(seconds=choose([0.1, 1, 5, 31, 61, 250, 1000]))
            step()
    home.teardown()


def test_many_lives() -> None:
    """It is kept in lives that nobody has shaped."""
    for seed in range(LIVES * (5 if LONG else 1)):
        try:
            live(Random(seed))  # noqa: S311
        except AssertionError as err:
            raise AssertionError(f"in life {seed}: {err}") from err
