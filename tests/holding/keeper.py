"""A pure controller that holds a pretend device, with a clock turned by hand."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
import heapq
from itertools import count
import json
from typing import Any, override

from custom_components.equiwatt.holding.device import (
    Decision,
    Outcome,
    Report,
    absent,
    commanded,
    hold,
    refused,
    release,
    step,
)
from custom_components.equiwatt.holding.device_state import DeviceState
from custom_components.equiwatt.holding.record import DeviceRecord, shifted
from custom_components.equiwatt.holding.steps import calls_of
from custom_components.equiwatt.storage import from_json
from homeassistant.helpers.json import json_dumps
from tests.fakes.clock import Clock
from tests.fakes.devices.pretend import FailureError, PretendDevice

START = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
LONGEST = 6 * 3600 + 900
OFF = {"state": "off"}


class WallClock(Clock):
    """A wall clock that may be wrong, and runs jobs while it is turned."""

    def __init__(self) -> None:
        """Start at zero."""
        super().__init__()
        self.error = 0.0
        self._jobs: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    @property
    def now(self) -> datetime:
        """Time of the wall clock."""
        return START + timedelta(seconds=self.turned + self.error)

    def later(self, seconds: float, job: Callable[[], None]) -> None:
        """Schedule a function in some seconds."""
        heapq.heappush(self._jobs, (self.turned + seconds, next(self._number), job))

    @override
    def turn(self, seconds: float) -> None:
        """Turn the clock."""
        end = self.turned + seconds
        while self._jobs and self._jobs[0][0] <= end:
            self.turned, _, job = heapq.heappop(self._jobs)
            job()
        self.turned = end


class Keeper:
    """Controller of one device, with no state but the stored record."""

    def __init__(self, device: PretendDevice, clock: WallClock) -> None:
        """Subscribe to the device."""
        self.device, self.clock = device, clock
        self.record: DeviceRecord | None = None
        self.outcomes: list[Outcome] = []
        self.decided: list[Decision] = []
        self.sent: list[tuple[float, Mapping[str, Any]]] = []
        self.reported: DeviceState | None = None
        self.is_on_disk = True
        """True if the disk accepts writes."""
        self.disk = ""
        self._context: tuple[bool, float] | None = None
        self._run = self._looks = 0
        device.connect(clock.later, self._on_report)
        self._on_report(device.state if device.is_available else None, device.attributes)

    @property
    def outcome(self) -> Outcome | None:
        """Outcome of the last record, or None while the device is held."""
        return None if self.record or not self.outcomes else self.outcomes[-1]

    def hold(self, wanted: Mapping[str, Any] = OFF, seconds: float | None = None) -> bool:
        """Hold the device, if the record can be written."""
        now = self.clock.now
        until = now + timedelta(seconds=LONGEST if seconds is None else seconds)
        record = hold(self.record, self.reported, wanted, now, until)
        if not self.is_on_disk:
            return False
        self.record = record
        self._step(None)
        self.clock.turn(0)
        return True

    def release(self) -> None:
        """Restore the device."""
        if self.record:
            self.record = release(self.record, self.clock.now)
            self._step(None)
        self.clock.turn(0)

    def restart(self, seconds: float = 0, between: Callable[[], None] = lambda: None) -> None:
        """Restart with what is stored after a while."""
        self.record = None
        self._run += 1
        self._context = None
        between()
        self.clock.turn(seconds)
        if self.disk:
            self.record = absent(from_json(DeviceRecord, json.loads(self.disk)))
            self._step(Report(state=self.reported))
        self.clock.turn(0)

    def jump(self, seconds: float) -> None:
        """Change the wall clock while the device is held."""
        self.clock.error += seconds
        if self.record:
            self.record = shifted(self.record, timedelta(seconds=seconds))
            self._write()
            self._step(None)

    def others(self, service: str, **data: Any) -> None:
        """Call a service as a person or another automation."""
        self._context = True, self.clock.turned
        if self.record and self.record.commands:  # the call itself is the evidence
            self._end(Outcome.TAKEN_OVER)
        self.device.command(service, data)
        self.clock.turn(0)

    def by_hand(self, state: str | None = None, **attributes: Any) -> None:
        """Change the device itself by hand."""
        self.device.report(state, **attributes)
        self.clock.turn(0)

    def find(self) -> None:
        """Reconnect the device."""
        self.device.report(available=True)
        self.clock.turn(0)

    def _on_report(self, state: str | None, attributes: Mapping[str, Any]) -> None:
        """Process a report with the context that Home Assistant still knows."""
        domain = self.device.domain
        read = DeviceState.read(domain, state or "unavailable", attributes)
        if read == self.reported:
            return
        self.reported = read
        is_others = False
        if self._context:
            is_theirs, since = self._context
            is_known = self.clock.turned - since < self.device.nature.context_seconds
            is_others = is_theirs and is_known
        if self.record:
            self._step(Report(state=read, is_others=is_others))

    def _step(self, report: Report | None) -> None:
        """Carry out the next decision."""
        if not self.record:
            return
        self.record, decision = step(self.record, report, self.clock.now)
        self._schedule(decision)
        if decision.outcome:
            self._end(decision.outcome)
        elif decision.command is not None:
            self.decided.append(decision)
            self._send(decision.command)
        else:
            self._write()

    def _schedule(self, decision: Decision) -> None:
        """Schedule the next decision, unless one is due before."""
        self._looks += 1
        if decision.look_at:
            seconds = (decision.look_at - self.clock.now).total_seconds()
            looks, run = self._looks, self._run
            self.clock.later(max(0.0, seconds), lambda: self._on_time(looks, run))

    def _on_time(self, looks: int, run: int) -> None:
        """Decide again at the scheduled time."""
        if (looks, run) == (self._looks, self._run):
            self._step(None)

    def _end(self, outcome: Outcome) -> None:
        """Stop watching the device."""
        self.outcomes.append(outcome)
        self.record = None
        self._write()

    def _write(self) -> None:
        """Write the record, if the disk accepts it."""
        if self.is_on_disk:
            self.disk = json_dumps(self.record) if self.record else ""

    def _send(self, values: Mapping[str, Any]) -> None:
        """Send a command once the record is written."""
        assert self.record
        now = self.clock.now
        self.record = commanded(self.record, values, now)
        number = len(self.record.commands) - 1
        calls = calls_of(self.record, number)
        self._write()
        self.sent.append((self.clock.turned, values))
        self._context = False, self.clock.turned
        has_failed = False
        for call in calls:
            try:
                self.device.command(call.service, call.data)
            except FailureError:
                has_failed = True
                break
        run = self._run
        self.clock.later(self.device.nature.takes, lambda: self._done(run, number, has_failed))

    def _done(self, run: int, number: int, has_failed: bool) -> None:
        """Process the result of a command."""
        if run == self._run and self.record and number < len(self.record.commands):
            if has_failed:
                self.record = refused(self.record, number, self.clock.now)
            self._step(None)


def keep(device: PretendDevice) -> tuple[Keeper, WallClock]:
    """Return a keeper of a device, with the clock of both."""
    clock = WallClock()
    return Keeper(device, clock), clock


def held(device: PretendDevice) -> tuple[Keeper, WallClock]:
    """Return them after a while in which the device was held."""
    keeper, clock = keep(device)
    keeper.hold()
    clock.turn(300)
    assert keeper.reported
    assert keeper.reported.is_off
    return keeper, clock
