"""Somebody who holds an animal for an equivent as the manager does, by a clock turned by hand."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
import heapq
from itertools import count
import json
from typing import Any

from custom_components.equiwatt.holding.device import COMMAND, Cause, Device, begin
from custom_components.equiwatt.holding.reading import OFF, UNKNOWN, Reading
from custom_components.equiwatt.holding.restoring import Answer, Command, Verdict
from custom_components.equiwatt.holding.story import Outcome, Phase, Story

from .animals import Animal, FailureError

START = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
TIMEOUT = COMMAND.total_seconds()


class Clock:
    """Time that passes when it is told to, and a wall clock that may be wrong."""

    def __init__(self) -> None:
        """Start at zero."""
        self.seconds = 0.0
        self.error = 0.0
        self._jobs: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    @property
    def now(self) -> datetime:
        """Return what the wall clock says."""
        return START + timedelta(seconds=self.seconds + self.error)

    def later(self, seconds: float, job: Callable[[], None]) -> None:
        """Call a function after so many seconds."""
        heapq.heappush(self._jobs, (self.seconds + seconds, next(self._number), job))

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        end = self.seconds + seconds
        while self._jobs and self._jobs[0][0] <= end:
            self.seconds, _, job = heapq.heappop(self._jobs)
            job()
        self.seconds = end


class Keeper:
    """Carries commands to an animal, and its word back; keeps no more than what is stored."""

    def __init__(self, animal: Animal, clock: Clock) -> None:
        """Watch the animal from now on."""
        self.animal, self.clock = animal, clock
        self.device: Device | None = None
        self.verdicts: list[Verdict] = []
        self.sent: list[Command] = []
        self.dropped: set[str] = set()
        self.told = UNKNOWN
        self._context: tuple[Cause, float] | None = None
        self._run = 0
        self._wakes = 0
        animal.live(clock.later, self._hear)
        self._hear(animal.state, dict(animal.attributes))

    @property
    def phase(self) -> Phase:
        """Return where the story stands; over where there is none."""
        return self.device.story.phase if self.device else Phase.OVER

    def hold(self, wanted: Reading | None = OFF, seconds: float | None = None) -> None:
        """Hold the animal."""
        device = self.device or begin(self.animal.domain, self.told)
        self.device = device
        longest = None if seconds is None else timedelta(seconds=seconds)
        self._follow(device.hold(self.clock.now, wanted=wanted, longest=longest))
        self.clock.turn(0)

    def release(self) -> None:
        """Restore it."""
        if self.device:
            self._follow(self.device.release(self.clock.now))
        self.clock.turn(0)

    def restart(self, seconds: float = 0, between: Callable[[], None] = lambda: None) -> None:
        """Forget all that is not stored, and come back later."""
        stored = json.dumps(self.device.story.as_dict()) if self.device else ""
        self.device = None
        self._run += 1
        self._context = None
        between()
        self.clock.turn(seconds)
        if stored:
            self.device = Device(Story.from_dict(json.loads(stored)))
            assert json.loads(stored) == json.loads(json.dumps(self.device.story.as_dict()))
            self._follow(self.device.resume(self.clock.now, self.told))
        self.clock.turn(0)

    def somebody(self, service: str, **data: Any) -> None:
        """Let a person or another automation command the animal through Home Assistant."""
        self._context = Cause.OTHERS, self.clock.seconds
        self.animal.command(service, data)
        self.clock.turn(0)

    def by_hand(self, state: str | None = None, **attributes: Any) -> None:
        """Let somebody set the animal at the device itself."""
        self.animal.by_hand(state, **attributes)
        self.clock.turn(0)

    def find(self) -> None:
        """Let the animal find its connection again."""
        self.animal.lose(is_available=True)
        self.clock.turn(0)

    def _hear(self, state: str | None, attributes: Mapping[str, Any]) -> None:
        """Hear the animal, with the context that Home Assistant still knows."""
        reading = UNKNOWN if state is None else Reading(state=state, attributes=dict(attributes))
        if reading == self.told:
            return
        self.told = reading
        cause = Cause.NOBODY
        if self._context:
            kind, since = self._context
            if self.clock.seconds - since < self.animal.nature.context_seconds:
                cause = kind
        self._told(reading, cause)
        if self.device:
            self._follow(self.device.report(self.clock.now, reading, cause))

    def _told(self, reading: Reading, cause: Cause) -> None:
        """Hear what the device is about to be told."""

    def _follow(self, answer: Answer) -> None:
        """Do what is to be done."""
        if answer.verdict and self.device:
            self.verdicts.append(answer.verdict)
            self.dropped = set(self.device.story.dropped)
            if answer.verdict is not Verdict.GIVEN_UP:
                self.device = None
                return
        self._wakes += 1
        if answer.wake_at:
            seconds = (answer.wake_at - self.clock.now).total_seconds()
            wakes, run = self._wakes, self._run
            self.clock.later(seconds, lambda: self._wake(wakes, run))
        if answer.command:
            self._send(answer.command)

    def _wake(self, wakes: int, run: int) -> None:
        """Wake it, unless it has been spoken to since."""
        if self.device and (wakes, run) == (self._wakes, self._run):
            self._follow(self.device.wake(self.clock.now))

    def _send(self, command: Command) -> None:
        """Carry a command, and say what became of it when it is carried out."""
        self.sent.append(command)
        self._context = Cause.OURS, self.clock.seconds
        takes, outcome = self.animal.nature.takes, Outcome.DONE
        try:
            if command.call:
                self.animal.command(command.call.service, command.call.data)
        except FailureError:
            outcome = Outcome.FAILED
        if takes > TIMEOUT:
            takes, outcome = TIMEOUT, Outcome.TIMED_OUT
        run, device = self._run, self.device
        self.clock.later(takes, lambda: self._done(run, device, outcome))

    def _done(self, run: int, device: Device | None, outcome: Outcome) -> None:
        """Say what became of a command, if whoever gave it is still there."""
        if self.device and self.device is device and run == self._run:
            self._follow(self.device.outcome(self.clock.now, outcome))

    def is_like(self, essence: dict[str, Any]) -> bool:
        """Tell whether the animal truly is as it was, but for what it cannot be at once."""
        now = self.animal.essence
        return {k: now.get(k) for k in essence.keys() - self.dropped} == {
            key: value for key, value in essence.items() if key not in self.dropped
        }


def keep(animal: Animal) -> tuple[Keeper, Clock]:
    """Return a keeper of an animal, and the clock of both."""
    clock = Clock()
    return Keeper(animal, clock), clock


def held(animal: Animal) -> tuple[Keeper, Clock]:
    """Return them after a while in which the animal has been held."""
    keeper, clock = keep(animal)
    keeper.hold()
    clock.turn(300)
    assert keeper.told.is_off
    return keeper, clock


def calls(animal: Animal) -> list[str]:
    """Return the commands, without those that turn off."""
    return [one for one in animal.commands if not one.endswith("off")]


def no_more(keeper: Keeper, clock: Clock) -> None:
    """See that nothing is commanded any more."""
    count = len(keeper.animal.commands)
    clock.turn(7200)
    assert len(keeper.animal.commands) == count
