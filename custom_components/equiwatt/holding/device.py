"""The next step of one held device, decided from its record, its report and the time."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Any, NamedTuple, cast

from .device_state import STEPS, DeviceState, distances_of, is_near
from .record import Command, DeviceRecord, shifted
from .steps import steps_back

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MAX_DURATION = timedelta(hours=6, minutes=15)
"""Longest time a device is held: as long as an equivent without an end is live."""
ROUNDS = tuple(n * MINUTE for n in (0, 1, 3, 7, 15, 30, 45, 60))
"""Delays after the first command at which it is repeated."""
HOLD_ROUNDS = ROUNDS + tuple(HOUR + n * HOUR / 2 for n in range(1, 11))
SETTLE_TIME = timedelta(seconds=90)
"""Time for which a device must report the wanted state before it is believed."""
TAKEOVER_DELAY = timedelta(seconds=30)
"""Time for which a new value must last before it counts as set by a person."""
UNDONE_WITHIN = timedelta(seconds=10)
"""Time after a command within which a change of an earlier step is its side effect."""
MAX_COMMANDS = 8
ROUNDED = 0.25
"""Share of the way from old to wanted by which rounding may miss a number."""


class Outcome(StrEnum):
    """Reason why a device is no longer held."""

    RESTORED = "restored"
    TAKEN_OVER = "taken_over"
    GIVEN_UP = "given_up"


class Report(NamedTuple):
    """A device's report, and whether another person or automation caused it."""

    state: DeviceState | None
    """None if it is unavailable or unknown."""
    is_others: bool = False


class Decision(NamedTuple):
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
    return replace(record, until=now, commands=commands, settled_at=None)


def absent(record: DeviceRecord) -> DeviceRecord:
    """Return the record of a device whose changes may have been missed, as after a restart."""
    return replace(record, here_since=None)


def commanded(record: DeviceRecord, values: Mapping[str, Any], now: datetime) -> DeviceRecord:
    """Return the record with a command that is about to be sent."""
    found = cast("DeviceState", record.seen)  # only available devices are commanded
    command = Command(at=now, values=values, found=found)
    return replace(record, commands=(*record.commands, command))


def refused(record: DeviceRecord, number: int, now: datetime) -> DeviceRecord:
    """Return the record with a command marked as failed."""
    commands = list(record.commands)
    commands[number] = replace(commands[number], refused_at=now)
    return replace(record, commands=tuple(commands))


def step(
    record: DeviceRecord, report: Report | None, now: datetime
) -> tuple[DeviceRecord, Decision]:
    """Return the record with the device's report, if any, and the decision."""
    if now < (newest := latest(record)):  # the clock was put back while Home Assistant was down
        record = shifted(record, now - newest)
    if report:
        state = report.state
        if report.is_others and record.commands and state and not state.is_same(record.seen):
            return record, Decision(outcome=Outcome.TAKEN_OVER)
        record = _observe(record, state, now)
    record = _settle(record, now)
    return record, _decide(record, now)


def _observe(record: DeviceRecord, state: DeviceState | None, now: datetime) -> DeviceRecord:
    """Return the record with what the device reports."""
    if state is None:
        return replace(record, here_since=None)
    is_back, is_changed = record.here_since is None, not state.is_same(record.seen)
    if not record.commands:
        record = replace(record, before=state)
    if is_back and is_changed:
        record = replace(record, found=state)
    if now >= record.until and is_before(record, state):
        record = replace(record, settled_at=now)
    elif now >= record.until and _is_old(record, state):
        record = replace(record, settled_at=None)
    changed_at = None if is_back else now if is_changed else record.changed_at
    here_since = now if is_back else record.here_since
    return replace(record, seen=state, changed_at=changed_at, here_since=here_since)


def _settle(record: DeviceRecord, now: datetime) -> DeviceRecord:
    """Return the record, settled if the wanted state has lasted long enough."""
    if record.settled_at or now >= record.until or not is_confirmed(record):
        return record
    return replace(record, settled_at=now) if now - _since(record) >= SETTLE_TIME else record


def _decide(record: DeviceRecord, now: datetime) -> Decision:
    """Return the decision for the phase that the record is in."""
    seen, back = _here(record), restoring(record)
    if now < record.until:
        return _holding(record, seen, now)
    if not record.commands:
        return Decision(outcome=Outcome.RESTORED)
    last_look = record.until + DAY
    if now >= last_look:
        is_restored = seen and is_before(record, seen)
        return Decision(outcome=Outcome.RESTORED if is_restored else Outcome.GIVEN_UP)
    if seen is None:
        return Decision(look_at=last_look)
    if back or _is_left(record, seen):
        return _restoring(record, seen, back, now)
    closing = record.until + HOUR
    return Decision(outcome=Outcome.TAKEN_OVER) if now >= closing else Decision(look_at=closing)


def _holding(record: DeviceRecord, seen: DeviceState | None, now: datetime) -> Decision:
    """Return the decision while the hold lasts."""
    if seen is None or record.settled_at:
        return Decision(look_at=record.until)
    if not record.commands and seen.fits(record.wanted):
        return Decision(outcome=Outcome.RESTORED)
    rounds = [record.began + delay for delay in HOLD_ROUNDS]
    if is_believed(record):
        if is_as_wanted(record, seen):
            return Decision(look_at=min(record.until, _since(record) + SETTLE_TIME))
        if not is_before(record, seen) and not is_ours(record, seen):
            return Decision(look_at=record.until)  # a person's value is judged at the end
        if record.commands[-1].at >= _round(record, rounds, now):
            return _after(now, [record.until, *rounds])
    return Decision(command=record.wanted, is_repeated=now >= rounds[1])


def _restoring(
    record: DeviceRecord, seen: DeviceState, back: tuple[Command, ...], now: datetime
) -> Decision:
    """Return the decision after the end."""
    start, last = (back[0].at, back[-1].at) if back else (now, now)
    steps, undone = steps_back(record, seen), _undone(record, seen, back)
    first = record.commands[0].at
    unseen = _unseen(record, steps).difference(*(command.values for command in back))
    pending = {
        name: value
        for name, value in steps.items()
        if name not in undone and (name in unseen or not seen.fits({name: value}))
    }
    if not pending:
        done = start + HOUR if _stands_since(record) <= first else _since(record) + SETTLE_TIME
        return Decision(outcome=Outcome.RESTORED) if now >= done else Decision(look_at=done)
    is_effect = undone and _stands_since(record) - last < UNDONE_WITHIN
    is_answered = record.settled_at and record.settled_at >= last
    if is_answered and not is_effect and not is_before(record, seen):
        theirs = _stands_since(record) + TAKEOVER_DELAY
        return Decision(outcome=Outcome.TAKEN_OVER) if now >= theirs else Decision(look_at=theirs)
    rounds = [start + delay for delay in ROUNDS]
    due = _round(record, rounds, now)
    for name, value in pending.items() if len(back) < MAX_COMMANDS else ():
        in_round = [command for command in back if name in command.values and command.at >= due]
        if not in_round:
            return Decision(command={name: value}, is_repeated=now >= rounds[1])
        if not in_round[-1].refused_at:
            break  # its report is awaited
    end = max(rounds[-1], last) + SETTLE_TIME
    return Decision(outcome=Outcome.GIVEN_UP) if now >= end else _after(now, [end, *rounds])


def _undone(record: DeviceRecord, seen: DeviceState, back: tuple[Command, ...]) -> set[str]:
    """Return the steps that were carried out, and undid an earlier one."""
    steps, undone = steps_back(record, seen), set[str]()
    for command, after in zip(back, [*(later.found for later in back[1:]), seen], strict=False):
        (name,) = command.values
        earlier = takewhile(name.__ne__, steps)
        was = {each: steps[each] for each in earlier if command.found.fits({each: steps[each]})}
        if after.fits(command.values) and not after.fits(was) and not is_ours(record, after):
            undone.add(name)
    return undone


def _is_old(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a state is the hold's, or one in which a restoring command found it."""
    found = [command.found for command in restoring(record)]
    return is_ours(record, state) or any(map(state.is_same, found))


def is_before(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a device is as it was before the hold."""
    return state.fits(steps_back(record, state))


def is_ours(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a device is as wanted now or earlier, or as it was when it came back."""
    is_wanted = is_as_wanted(record, state) or _was_wanted(record, state)
    return is_wanted or state.is_same(record.found)


def _is_left(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a device shows nothing but wanted, original and found values."""
    if is_ours(record, state) or is_before(record, state):  # as before may be an old report
        return True
    # It may have obeyed in part: a scene may want what it cannot do, or lose a command.
    before, wanted = cast("DeviceState", record.before), record.wanted
    return all(
        state.fits({name: before.get(name)}) or state.fits({name: wanted.get(name)})
        for name in state.significant
    )


def is_as_wanted(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a device is as this hold wants it, give or take its rounding."""
    if state.fits(_with_mode(record, record.wanted)):
        return True
    return not is_before(record, state) and _is_made_of(record, state)


def _was_wanted(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a device is as an earlier hold wanted it."""
    before = cast("DeviceState", record.before)
    # What was wanted before the device was commanded back is over.
    since = takewhile(
        lambda command: command.at >= record.began or not before.fits(command.values),
        reversed(record.commands),
    )
    return any(
        state.fits(_with_mode(record, command.values)) and not before.fits(command.values)
        for command in since
    )


def is_confirmed(record: DeviceRecord) -> bool:
    """Return True if a device has reported the wanted state."""
    seen = _here(record)
    return seen is not None and is_believed(record) and is_as_wanted(record, seen)


def is_held(record: DeviceRecord, now: datetime) -> bool:
    """Return True if the device is held, or has not reported yet that it is restored."""
    seen = _here(record)
    if now < record.until or seen is None:
        return True
    if restoring(record):
        return not is_before(record, seen)
    return _is_left(record, seen)


def is_believed(record: DeviceRecord) -> bool:
    """Return True if the last command was for the wanted state, which reports can confirm."""
    return bool(record.commands) and record.commands[-1].values == record.wanted


def _with_mode(record: DeviceRecord, command: Mapping[str, Any]) -> dict[str, Any]:
    """Return the commanded values, and the original mode unless one is commanded."""
    before = cast("DeviceState", record.before).significant
    return {name: before[name] for name in before if name == "state"} | dict(command)


def _is_made_of(record: DeviceRecord, state: DeviceState) -> bool:
    """Return True if a device has turned the wanted values into its nearest equivalent."""
    if record.wanted.get("state") == "off":
        temperature, lowest = state.get("temperature"), state.get("min_temp")
        return None not in (temperature, lowest) and temperature <= lowest
    before = cast("DeviceState", record.before)
    return all(
        is_near(name, value, state.get(name)) or _is_rounded(name, value, before, state)
        for name, value in _with_mode(record, record.wanted).items()
    )


def _is_rounded(name: str, wanted: Any, before: DeviceState, state: DeviceState) -> bool:
    """Return True if a number differs from the wanted one by at most a step of the device."""
    step_size = float(state.get(STEPS.get(name, "")) or 1)
    missed, way = distances_of(state.get(name), wanted), distances_of(before.get(name), wanted)
    return bool(missed and way) and all(
        part <= min(step_size, whole * ROUNDED) for part, whole in zip(missed, way, strict=True)
    )


def _unseen(record: DeviceRecord, steps: Mapping[str, Any]) -> set[str]:
    """Return the restoring steps to command although the device reports their values."""
    if record.changed_at:
        changed = [name for name in steps if name in record.wanted]
        return {name for name in changed if not is_near(name, steps[name], record.wanted[name])}
    # A device that has reported nothing since may have obeyed, losing its other attributes.
    has_preset = steps.get("preset_mode", "none") != "none"  # which a temperature would end
    return {name for name in steps if not (has_preset and "temperature" in name)}


def _round(record: DeviceRecord, rounds: Iterable[datetime], now: datetime) -> datetime:
    """Return the start of the present round, which a device that came back begins itself."""
    return max(at for at in [record.here_since, *rounds] if at and at <= now)


def restoring(record: DeviceRecord) -> tuple[Command, ...]:
    """Return the commands since the end of the hold, which restore the device."""
    return tuple(command for command in record.commands if command.at >= record.until)


def _here(record: DeviceRecord) -> DeviceState | None:
    """Return the state of the device, None while it is unavailable."""
    return record.seen if record.here_since else None


def _stands_since(record: DeviceRecord) -> datetime:
    """Return the time since which the device reports its state."""
    return record.changed_at or cast("datetime", record.here_since)


def latest(record: DeviceRecord) -> datetime:
    """Return the time of the newest fact."""
    facts = [record.began, record.changed_at, record.here_since, record.settled_at]
    return max(filter(None, [*facts, *(command.at for command in record.commands)]))


def _since(record: DeviceRecord) -> datetime:
    """Return the time of the last change, reconnection or command."""
    return max(_stands_since(record), record.commands[-1].at)


def _after(now: datetime, times: Iterable[datetime]) -> Decision:
    """Return the decision to look again at the next of these times."""
    return Decision(look_at=min(time for time in times if time > now))
