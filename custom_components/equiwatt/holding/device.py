"""The next step of one held device, decided from its record, its report and the time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from .device_state import STEPS, DeviceState, distances_of, is_near
from .record import Command, DeviceRecord
from .steps import Call, calls_for, missing_of, steps_back

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONGEST = timedelta(hours=6, minutes=15)
"""Longest time a device is held: as long as an equivent without an end is live."""
ROUNDS = tuple(n * MINUTE for n in (0, 1, 3, 7, 15, 30, 45, 60))
"""Delays after the first command at which it is repeated."""
HOLD_ROUNDS = ROUNDS + tuple(HOUR + n * HOUR / 2 for n in range(1, 12))
WATCH = timedelta(seconds=90)
"""Time for which a device must report the wanted state before it is believed."""
STILL = timedelta(seconds=30)
"""Time for which a new value must last before it counts as set by a person."""
UNDONE_TIMES = 2
"""Number of times after which a step that undoes another is dropped: one may be a lost command."""
UNDONE = timedelta(seconds=10)
"""Time after a command within which a change of an earlier step is its side effect."""
MOST_COMMANDS = 8
LOWEST = 5.0
"""Lowest temperature of a thermostat that does not report its own."""
ROUNDED = 0.25
"""Share of the way from old to wanted by which rounding may miss a number."""


class Outcome(StrEnum):
    """Reason why a device is no longer held."""

    RESTORED = "restored"
    TAKEN_OVER = "taken_over"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, kw_only=True)
class Report:
    """A device's report, and whether another person or automation caused it."""

    state: DeviceState | None
    """None if it is unavailable or unknown."""
    is_others: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A command, an outcome, or only the time of the next look."""

    command: Mapping[str, Any] | None = None
    is_repeated: bool = False
    """True in a later round, in which commands are spread out."""
    outcome: Outcome | None = None
    look_at: datetime | None = None


def hold(
    record: DeviceRecord | None,
    state: DeviceState | None,
    wanted: Mapping[str, Any],
    now: datetime,
    until: datetime,
) -> DeviceRecord:
    """Return the record of a new hold, which keeps the original state of an earlier one."""
    if record:
        return replace(record, wanted=wanted, began=now, until=until, settled_at=None)
    here_since = now if state else None
    return DeviceRecord(
        before=state, wanted=wanted, began=now, until=until, seen=state, here_since=here_since
    )


def release(record: DeviceRecord, now: datetime) -> DeviceRecord:
    """Return the record with its hold ended now, unless it already was."""
    if now >= record.until:
        return record
    before = now - timedelta.resolution  # a command of this moment was the hold's
    commands = tuple(replace(command, at=min(command.at, before)) for command in record.commands)
    return replace(record, until=now, commands=commands)


def absent(record: DeviceRecord) -> DeviceRecord:
    """Return the record of a device whose changes may have been missed, as after a restart."""
    return replace(record, here_since=None)


def step(
    record: DeviceRecord, report: Report | None, now: datetime
) -> tuple[DeviceRecord, Decision]:
    """Return the record with the device's report, if any, and the decision."""
    if now < record.latest:  # the clock was put back while Home Assistant was down
        record = record.shifted(now - record.latest)
    if report and _is_taken_over(record, report):
        return record, Decision(outcome=Outcome.TAKEN_OVER)
    record = observe(record, report, now)
    return record, decide(record, now)


def _is_taken_over(record: DeviceRecord, report: Report) -> bool:
    """Return True if another person or automation has changed a commanded device."""
    is_changed = report.state is not None and not report.state.is_same(record.seen)
    return report.is_others and is_changed and bool(record.commands)


def commanded(record: DeviceRecord, values: Mapping[str, Any], now: datetime) -> DeviceRecord:
    """Return the record with a command that is about to be sent."""
    found = cast("DeviceState", record.seen)  # only available devices are commanded
    command = Command(at=now, values=values, found=found)
    return replace(record, commands=(*record.commands, command))


def calls_of(record: DeviceRecord, values: Mapping[str, Any], now: datetime) -> list[Call]:
    """Return the calls that carry out a command, in another way after some attempts."""
    before, seen = cast("DeviceState", record.before), cast("DeviceState", record.seen)
    attempt = sum(
        command.values == values for command in record.commands if command.at >= record.began
    )
    if now >= record.until:
        return calls_for(values, before.significant, seen, attempt)
    return calls_for(missing_of(values, seen), values, seen, attempt)


def refused(record: DeviceRecord, number: int, now: datetime) -> DeviceRecord:
    """Return the record with a command marked as failed."""
    commands = list(record.commands)
    commands[number] = replace(commands[number], refused_at=now)
    return replace(record, commands=tuple(commands))


def observe(record: DeviceRecord, report: Report | None, now: datetime) -> DeviceRecord:
    """Return the record with the device's report, settled if it has lasted long enough."""
    if report:
        if report.state is None:
            return replace(record, here_since=None)
        record = _with_state(record, report.state, now)
        if now >= record.until and record.commands and is_before(record, report.state):
            return replace(record, settled_at=now)
    seen = record.seen
    if record.here_since is None or seen is None or record.settled_at or now >= record.until:
        return record
    has_stood = is_believed(record) and now - _since(record) >= WATCH
    return replace(record, settled_at=now) if has_stood and is_as_wanted(record, seen) else record


def _with_state(record: DeviceRecord, state: DeviceState, now: datetime) -> DeviceRecord:
    """Return the record with the report of an available device."""
    is_back, is_changed = record.here_since is None, not state.is_same(record.seen)
    if not record.commands or record.before is None:
        record = replace(record, before=state)
    if is_back and is_changed and record.seen:
        record = replace(record, found=state)
    changed_at = None if is_back else now if is_changed else record.changed_at
    here_since = now if is_back else record.here_since
    return replace(record, seen=state, changed_at=changed_at, here_since=here_since)


def decide(record: DeviceRecord, now: datetime) -> Decision:
    """Return the decision for the phase that the record is in."""
    seen = record.seen if record.here_since else None
    if now < record.until:
        return _holding(record, seen, now)
    if not record.commands:
        return Decision(outcome=Outcome.RESTORED)
    back = record.restoring
    last_look = max([record.until + DAY, *(command.at + HOUR + WATCH for command in back[:1])])
    if now >= last_look and (seen is None or not is_before(record, seen)):
        return Decision(outcome=Outcome.GIVEN_UP)
    if seen is None:
        return Decision(look_at=last_look)
    return _restoring(record, seen, back, now) if back else _comparing(record, seen, now)


def _holding(record: DeviceRecord, seen: DeviceState | None, now: datetime) -> Decision:
    """Return the decision while the hold lasts."""
    if seen is None or record.settled_at:
        return Decision(look_at=record.until)
    rounds = [record.began + delay for delay in HOLD_ROUNDS]
    is_sent, believed = bool(record.commands), is_believed(record)
    if is_as_wanted(record, seen) and (believed or not is_sent):
        if not is_sent:
            return Decision(outcome=Outcome.RESTORED)
        return _after(now, [record.until, _since(record) + WATCH])
    if believed and not is_before(record, seen) and record.changed_at:
        return Decision(look_at=record.until)  # a person's value is judged at the end
    due = max([record.here_since or now, *(at for at in rounds if at <= now)])
    if not believed or record.commands[-1].at < due:
        return Decision(command=record.wanted, is_repeated=now >= rounds[1])
    return _after(now, [record.until, *rounds])


def _comparing(record: DeviceRecord, seen: DeviceState, now: datetime) -> Decision:
    """Return the decision after the end, before the first restoring command."""
    if is_ours(record, seen) or is_before(record, seen):  # the original state may be a stale report
        steps = _steps(record, seen)
        command = _missing_steps(steps, seen) or _changed_steps(record, seen) or steps
        return Decision(command=dict(command[:1]))
    closing = record.until + HOUR
    return Decision(outcome=Outcome.TAKEN_OVER) if now >= closing else Decision(look_at=closing)


def _restoring(
    record: DeviceRecord, seen: DeviceState, back: tuple[Command, ...], now: datetime
) -> Decision:
    """Return the decision after the first restoring command."""
    start, last = back[0].at, back[-1]
    undone = _undone(record, seen, back)
    first = record.commands[0].at
    unanswered = []
    if is_before(record, back[0].found):
        # A device that has reported nothing since may have obeyed, losing its other attributes.
        is_silent = record.changed_at is None or record.changed_at <= first
        unanswered = (
            _safe_steps(_steps(record, seen)) if is_silent else _changed_steps(record, seen)
        )
    asked = {name for command in back for name in command.values}
    pending = [
        (name, value)
        for name, value in _steps(record, seen)
        if undone.count(name) < UNDONE_TIMES
        and (
            not is_near(name, value, seen.get(name))
            or ((name, value) in unanswered and name not in asked)
        )
    ]
    if not pending:
        is_unconfirmed = (record.changed_at or record.here_since or now) <= first
        done = start + HOUR if is_unconfirmed else _since(record) + WATCH
        return Decision(outcome=Outcome.RESTORED) if now >= done else Decision(look_at=done)
    if _is_persons(record, seen, back, is_undone=bool(undone)):
        due_at = (record.changed_at or now) + STILL
        return Decision(outcome=Outcome.TAKEN_OVER) if now >= due_at else Decision(look_at=due_at)
    rounds = [start + delay for delay in ROUNDS]
    if len(back) < MOST_COMMANDS:
        if command := _due(record, pending, back, rounds, now):
            return Decision(command=command, is_repeated=now >= rounds[1])
        end = max(rounds[-1], last.at) + WATCH
        later = rounds
    else:
        end, later = last.at + WATCH, []
    return Decision(outcome=Outcome.GIVEN_UP) if now >= end else _after(now, [end, *later])


def _due(
    record: DeviceRecord,
    pending: list[tuple[str, Any]],
    back: tuple[Command, ...],
    rounds: list[datetime],
    now: datetime,
) -> dict[str, Any] | None:
    """Return the step to command in this round, if any."""
    due = max([record.here_since or now, *(at for at in rounds if at <= now)])
    for name, value in pending:
        same_step = [command for command in back if name in command.values and command.at >= due]
        if not same_step:
            return {name: value}
        if not same_step[-1].refused_at:
            return None  # its report is awaited
    return None


def _is_persons(
    record: DeviceRecord, seen: DeviceState, back: tuple[Command, ...], *, is_undone: bool
) -> bool:
    """Return True if a value, neither the hold's nor the original, was set by a person."""
    last, changed_at = back[-1], record.changed_at
    if record.settled_at is None or record.settled_at < last.at or changed_at is None:
        return False  # not reported since the last command, or found so when it became available
    if is_undone and changed_at - last.at < UNDONE:
        return False
    is_old = is_ours(record, seen) or any(seen.is_same(command.found) for command in back)
    return not is_old and not is_before(record, seen)


def _undone(record: DeviceRecord, seen: DeviceState, back: tuple[Command, ...]) -> list[str]:
    """Return the step of each command that changed an earlier step that was restored already."""
    steps, undone = _steps(record, seen), list[str]()
    names = [name for name, _ in steps]
    for command, after in zip(back, [*(one.found for one in back[1:]), seen], strict=True):
        name = next(iter(command.values))
        if command.refused_at or after.is_same(command.found) or name not in names:
            continue
        if is_ours(record, after):
            continue
        for earlier, value in steps[: names.index(name)]:
            was = is_near(earlier, value, command.found.get(earlier))
            if was and not is_near(earlier, value, after.get(earlier)):
                undone.append(name)
                break
    return undone


def is_before(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a device is as it was before the hold."""
    return state.fits(dict(_steps(record, state)))


def is_ours(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a device is as wanted, or as it was found when it became available."""
    return is_as_wanted(record, state) or state.is_same(record.found)


def is_as_wanted(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a device is as wanted now or earlier, give or take its rounding."""
    if _shows(record, record.wanted, state):
        return True
    before = record.before
    if not record.commands or before is None or is_before(record, state):
        return False
    return _is_made_of(record, before, state) or any(
        _shows(record, command.values, state) and not before.fits(command.values)
        for command in record.commands
    )


def is_confirmed(record: DeviceRecord) -> bool:
    """Return True if a device has reported the wanted state."""
    seen = record.seen if record.here_since else None
    return seen is not None and is_believed(record) and is_as_wanted(record, seen)


def is_held(record: DeviceRecord, now: datetime) -> bool:
    """Return True if the device is held, or has not reported yet that it is restored."""
    seen = record.seen if record.here_since else None
    if now < record.until or seen is None:
        return True
    if record.restoring:
        return not is_before(record, seen)
    return is_ours(record, seen) or is_before(record, seen)


def is_believed(record: DeviceRecord) -> bool:
    """Return True if the last command was for the wanted state, which reports can confirm."""
    return bool(record.commands) and record.commands[-1].values == record.wanted


def _shows(record: DeviceRecord, command: Mapping[str, Any], state: DeviceState) -> bool:
    """Return True if the commanded values are reported, and the mode unless commanded is kept."""
    return state.fits(command) and _has_mode(command, record.before, state)


def _has_mode(command: Mapping[str, Any], before: DeviceState | None, state: DeviceState) -> bool:
    """Return True if the mode is commanded or the original one."""
    return "state" in command or before is None or state.fits({"state": before.get("state")})


def _is_made_of(record: DeviceRecord, before: DeviceState, state: DeviceState) -> bool:
    """Return True if a device has turned the wanted values into its nearest equivalent."""
    wanted = record.wanted
    if wanted.get("state") == "off":
        temperature, lowest = state.get("temperature"), before.get("min_temp")
        return temperature is not None and temperature <= (lowest or LOWEST)
    return _has_mode(wanted, before, state) and all(
        is_near(name, value, state.get(name)) or _is_rounded(name, value, before, state)
        for name, value in wanted.items()
    )


def _is_rounded(name: str, wanted: Any, before: DeviceState, state: DeviceState) -> bool:
    """Return True if a number differs from the wanted one by at most a step of the device."""
    step_size = float(state.get(STEPS.get(name, "")) or 1)
    missed, way = distances_of(state.get(name), wanted), distances_of(before.get(name), wanted)
    return bool(missed and way) and all(
        one <= min(step_size, whole * ROUNDED) for one, whole in zip(missed, way, strict=False)
    )


def _steps(record: DeviceRecord, state: DeviceState) -> list[tuple[str, Any]]:
    """Return the steps that restore a device."""
    return steps_back(record.before, state, record.wanted) if record.before else []


def _missing_steps(steps: Iterable[tuple[str, Any]], state: DeviceState) -> list[tuple[str, Any]]:
    """Return the steps whose value is not reported."""
    return [(name, value) for name, value in steps if not is_near(name, value, state.get(name))]


def _changed_steps(record: DeviceRecord, state: DeviceState) -> list[tuple[str, Any]]:
    """Return the restoring steps of attributes that the hold has changed."""
    wanted = record.wanted
    return [
        (name, value)
        for name, value in _steps(record, state)
        if name in wanted and not is_near(name, value, wanted[name])
    ]


def _safe_steps(steps: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the steps that a silent device can be sent without undoing each other."""
    has_preset = dict(steps).get("preset_mode", "none") != "none"
    return [step for step in steps if not (has_preset and "temperature" in step[0])]


def _since(record: DeviceRecord) -> datetime:
    """Return the time of the last change, reconnection or command."""
    facts = (
        record.changed_at,
        record.here_since,
        *(command.at for command in record.commands[-1:]),
    )
    return max(fact for fact in facts if fact)


def _after(now: datetime, times: Iterable[datetime]) -> Decision:
    """Return the decision to look again at the next of these times."""
    return Decision(look_at=min((one for one in times if one > now), default=None))
