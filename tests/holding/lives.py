"""Random lives of held devices: their events, and what must be true at the end."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar
from zlib import crc32

from custom_components.equiwatt.holding.device import Outcome
from tests.fakes.devices.kinds import IN_SCENES, KINDS, ODDITIES, SCENES, odd
from tests.fakes.devices.pretend import FailureError, PretendDevice, Thermostat

from .keeper import OFF, Keeper, WallClock

MINUTE, HOUR = 60.0, 3600.0
PROMISE = 63 * MINUTE
MOST = 8
EVERYTHING = KINDS | IN_SCENES


@dataclass
class Life:
    """Random life of a device that is held once."""

    seed: int
    oddities: int = 1
    events: int = 2
    has_people: bool = False
    kind: str = ""
    """Kind of the device, drawn by default."""
    log: list[str] = field(default_factory=list)
    OTHERS: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {
        "cover": ("set_cover_position", {"position": 70}),
        "number": ("set_value", {"value": 70}),
        "select": ("select_option", {"option": "export"}),
        "water_heater": ("set_operation_mode", {"operation_mode": "eco"}),
    }
    """Commands of others by domain."""

    def __post_init__(self) -> None:
        """Draw the device and its events."""
        self.random = random = Random(self.seed)  # noqa: S311
        self.kind = self.kind or max(sorted(EVERYTHING), key=self._rank)
        self.odd = random.sample(sorted(ODDITIES), self.oddities)
        self.device: PretendDevice = odd(EVERYTHING[self.kind], self.odd, random)("one")
        self.clock = WallClock()
        self.before = self.device.essence
        if self.kind == "thermostat whose preset ends with a temperature":
            del self.before["temperature"]  # a restore sets only the preset
        self.wanted = self._wanted()
        if isinstance(self.device, Thermostat) and "temperature" in self.wanted:
            self.wanted["temperature"] = self.device.attributes["temperature"] - 2
        self.back_at: float | None = None
        self.ended_at = 0.0
        self.was_full = False
        self.left_at: int | None = None
        """Number of our commands at the takeover."""

    def _rank(self, kind: str) -> int:
        """Return the rank of a kind in a draw, in which a new kind changes no life of others."""
        return crc32(f"{self.seed} {kind}".encode())

    def _wanted(self) -> dict[str, Any]:
        """Return the wanted state."""
        device, random = self.device, self.random
        if device.domain in SCENES and (self.kind in IN_SCENES or random.random() < 0.5):
            return dict(SCENES[device.domain])
        has_mode = device.state == "heat" and device.attributes.get("temperature")
        if device.domain == "climate" and has_mode and random.random() < 0.5:
            return {"temperature": 0}
        return dict(OFF)

    def play(self) -> str:
        """Run the life and return what is wrong at the end, if anything."""
        random, keeper = self.random, Keeper(self.device, self.clock)
        self.keeper = keeper
        length = random.choice([30, 10 * MINUTE, HOUR, HOUR, 2 * HOUR])
        end = self.clock.turned + length
        times = sorted(random.uniform(-60, length + 90 * MINUTE) for _ in range(self.events))
        events = [(time, random.choice(self.possible_events)) for time in times]
        if self.has_people:
            events.append((random.uniform(1, length + 60), self.take_over))
        events += [(0.0, self.begin), (length, self.end)]
        events.sort(key=lambda event: event[0])
        self.length = length
        for time, event in events:
            self.clock.turn(max(0.0, time - self.clock.turned))
            self.log.append(f"{self.clock.turned:.0f} {event.__name__}")
            event()
        self.come_back()
        keeper.is_on_disk = True
        self.clock.turn(max(0.0, max(end, self.back_at or 0) + PROMISE - self.clock.turned))
        self.clock.turn(60)
        return self.problem()

    @property
    def possible_events(self) -> list[Callable[[], None]]:
        """Possible events."""
        return [
            self.lose,
            self.restart,
            self.cut,
            self.jump,
            self.fill_the_disk,
            self.skip,
            self.hold_again,
        ]

    def begin(self) -> None:
        """Hold the device."""
        self.keeper.hold(self.wanted)

    def end(self) -> None:
        """End the hold."""
        self.ended_at = self.ended_at or self.clock.turned
        self.keeper.release()

    def skip(self) -> None:
        """Skip the equivent, if it is not over."""
        if not self.ended_at and self.keeper.record:
            self.end()

    def hold_again(self) -> None:
        """Hold the device once more, if the equivent is not over."""
        is_over = self.ended_at or self.left_at is not None
        if 0 < self.clock.turned < self.length and not is_over:
            self.begin()

    def take_over(self) -> None:
        """Command the device as a person or an automation, while it is held."""
        if self.keeper.record and self.keeper.record.commands:
            service, data = self.OTHERS.get(self.device.domain, ("turn_off", {}))
            with suppress(FailureError):
                self.keeper.others(service, **data)
            self.left_at = len(self.device.commands)

    def lose(self) -> None:
        """Disconnect the device for a while."""
        if self.device.is_available:
            self.device.report(available=False)
            self.clock.later(self.random.choice([5, 60, 10 * MINUTE, 2 * HOUR]), self.come_back)

    def come_back(self) -> None:
        """Reconnect the device."""
        if not self.device.is_available:
            self.back_at = self.clock.turned
            self.device.report(available=True)

    def restart(self) -> None:
        """Restart Home Assistant."""
        self.keeper.restart(self.random.choice([5, 60, 10 * MINUTE]))
        self._after_restart()

    def cut(self) -> None:
        """Cut the power of Home Assistant."""
        self.keeper.restart(self.random.choice([60, 10 * MINUTE, 2 * HOUR]))
        self._after_restart()

    def _after_restart(self) -> None:
        """End the hold if it was due during the restart."""
        self.back_at = self.clock.turned
        if self.clock.turned > self.length:
            self.keeper.release()

    def jump(self) -> None:
        """Change the wall clock."""
        self.keeper.jump(self.random.choice([-3600, -300, 300, 3600]))

    def fill_the_disk(self) -> None:
        """Fill the disk for a while."""
        self.keeper.is_on_disk, self.was_full = False, True

    def problem(self) -> str:
        """Return what is wrong, if anything."""
        if self.left_at is not None:
            commands = [] if self.was_full else self.device.commands[self.left_at :]
            return f"commanded over: {commands}" if commands else ""
        now, wanted = self.device.essence, self.before
        differs = {
            key: (now.get(key), value) for key, value in wanted.items() if now.get(key) != value
        }
        outcome = self.keeper.outcome
        back = [command for at, command in self.keeper.sent if at >= self.ended_at]
        if len(back) > MOST and not self.was_full:
            return f"{len(back)} commands"
        if differs and outcome is not Outcome.GIVEN_UP:
            return f"{outcome}: {differs}"
        return ""
