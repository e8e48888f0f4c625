"""How a device is restored: which step is next, when to try again, when to leave it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .plan import steps
from .reading import Call, Step
from .settling import ANSWER, DOUBT, ECHO, LATE, ON_ITS_WAY, doubt, has_stood, is_on_its_way
from .story import Outcome, Phase, Sent, Story

RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 15, 15, 15))
MOST_COMMANDS = 8
MOST_ANSWERS = 3


class Verdict(StrEnum):
    """How a story ends, or pauses until somebody looks after the device."""

    RESTORED = "restored"
    THEIRS = "theirs"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, kw_only=True)
class Command:
    """What is to be done with the device now."""

    key: str
    call: Call | None
    """None where a scene does it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What follows from what was said."""

    command: Command | None = None
    verdict: Verdict | None = None
    wake_at: datetime | None = None


def plan(story: Story) -> list[Step]:
    """Return the steps, without those that undo an earlier one."""
    return [one for one in steps(story.domain, story.before) if one.key not in story.dropped]


def is_as_before(story: Story) -> bool:
    """Tell whether a device says that it is as it was."""
    return all(step.is_met(story.last) for step in plan(story))


def wait(story: Story, now: datetime) -> Answer:
    """Return when something may be due."""
    moments = [story.until, story.next_at]
    moments += [one + ECHO for one in (story.told_at, story.returned_at) if one]
    moments += [story.told_at + ANSWER] if story.told_at else []
    if sent := story.sent:
        moments += [sent.since + delay for delay in (ECHO, ANSWER, DOUBT, ON_ITS_WAY, LATE)]
    return Answer(wake_at=min((one for one in moments if one and one > now), default=None))


def end(story: Story, verdict: Verdict) -> Answer:
    """Leave the device alone from now on."""
    story.phase = Phase.GIVEN_UP if verdict is Verdict.GIVEN_UP else Phase.OVER
    return Answer(verdict=verdict)


def send(story: Story, now: datetime, keys: tuple[str, ...], call: Call | None) -> Answer:
    """Send a command, of which the story keeps that it is under way."""
    story.sent = Sent(keys=keys, at=now)
    story.commands += 1
    return replace(wait(story, now), command=Command(key=keys[0], call=call))


def begin_restore(story: Story, now: datetime, *, is_held: bool) -> None:
    """Begin to restore; what has not told that it was held may be so all the same, or soon."""
    sent, is_mixed = story.sent, story.commands > 1
    story.begin(Phase.RESTORING)
    story.released_at = story.next_at = now
    may_mix_up = is_mixed and sent is not None and now < sent.since + ECHO
    story.is_unsure = sent is not None and (not is_held or may_mix_up)
    if sent and not is_held:
        story.doubted = {step.key for step in plan(story)}


def schedule(story: Story, now: datetime) -> None:
    """Say when to try again, a command having been carried out or not."""
    story.next_at = now + (*RETRIES, ANSWER)[story.tries]


def note(story: Story, outcome: Outcome) -> None:
    """Note what failed, and that what comes after what did not may be tried anew."""
    found, sent = plan(story), story.sent
    keys = {one.key for one in found if sent and one.key in sent.keys}
    is_hanging = outcome is Outcome.TIMED_OUT and any(story.given.get(key, 0) > 1 for key in keys)
    if outcome is Outcome.FAILED or is_hanging:
        story.failed |= keys
        story.dropped |= {one.key for one in found if one.is_extra and one.key in keys}
    else:
        first = next((n for n, one in enumerate(found) if one.key in keys), len(found))
        story.failed -= {one.key for one in found[first:]}


def restore(story: Story, now: datetime) -> Answer:
    """Return what is to be done next, no command being under way."""
    found = plan(story)
    if story.is_present:
        believe(story, found, now)
        lost = next((n for n, one in enumerate(found) if _is_lost(story, one)), None)
        if lost is not None and not _is_undone(story, found, lost, now):
            is_echo = story.sent is not None and now < story.sent.since + ECHO
            is_open = is_echo or not has_stood(story, now)
            return wait(story, now) if is_open else end(story, Verdict.THEIRS)
    number = _next_step(story, found)
    if number is None:
        return wait(story, now) if _may_fall_back(story, now) else end(story, Verdict.RESTORED)
    return _pursue(story, now, found, number)


def believe(story: Story, found: list[Step], now: datetime) -> None:
    """Note what has been reached, in order: a later step counts when the earlier ones are done."""
    in_order = not _is_early(story, now)
    for step in found:
        is_met = step.is_met(story.last)
        if not is_met or _is_settled(story, step, now):
            story.doubted.discard(step.key)
        is_met = is_met and (step.is_same(story.last) or _has_answered(story, step, now))
        if not is_met and _is_stuck(story, step):
            continue
        in_order = in_order and is_met and step.key not in story.doubted
        if in_order:
            story.reached.add(step.key)


def _has_answered(story: Story, step: Step, now: datetime) -> bool:
    """Tell whether what is near may be an answer: it may as well be what the device was before."""
    sent, told_at = story.sent, story.told_at
    if not sent or step.key not in story.given:
        return False
    return (told_at is not None and told_at >= sent.at) or now >= sent.since + ANSWER


def _is_stuck(story: Story, step: Step) -> bool:
    """Tell whether a device refuses a step, or does not offer it: it keeps nothing else waiting."""
    return step.key in story.failed or not step.is_possible(story.last)


def _next_step(story: Story, found: list[Step]) -> int | None:
    """Return the first step that is open: one that is stuck after all others."""
    ahead = [n for n, one in enumerate(found) if one.key not in story.reached]
    ahead.sort(key=lambda n: (_is_stuck(story, found[n]), not found[n].is_possible(story.last)))
    return ahead[0] if ahead else None


def _is_early(story: Story, now: datetime) -> bool:
    """Tell whether a device that nothing was asked of yet may tell what was before the hold."""
    sent = story.sent
    if story.given or not sent:
        return False
    return story.is_in_flight or now < sent.since + ECHO


def _may_fall_back(story: Story, now: datetime) -> bool:
    """Tell whether what was told may be of an earlier command, or yet be undone by the last."""
    sent, returned_at = story.sent, story.returned_at
    has_answered = bool(sent and story.given and returned_at and sent.at >= returned_at)
    if returned_at and now < returned_at + ECHO and not has_answered:
        return True
    if not sent or not (story.is_unsure or story.commands > 1):
        return False
    return now < sent.since + (doubt(story) if story.is_unsure else ECHO)


def _is_settled(story: Story, step: Step, now: datetime) -> bool:
    """Tell whether a device has stood by what it said for long enough to go on with the next step.

    Whether all of it lasts may take longer to be seen.
    """
    sent = story.sent
    if sent is None or now < sent.since + DOUBT:
        return False
    return step.key in {*sent.keys, *story.given, *story.failed}


def _is_lost(story: Story, step: Step) -> bool:
    """Tell whether a device has gone away from what it had reached."""
    return step.key in story.reached and not step.is_met(story.last)


def _later(story: Story, found: list[Step], number: int) -> Step | None:
    """Return the step after this one that the last command of this restore was for."""
    sent = story.sent
    if not sent or sent.key not in story.given or found[number].key in sent.keys:
        return None
    return next((one for one in found[number + 1 :] if one.key == sent.key), None)


def _is_undone(story: Story, found: list[Step], number: int, now: datetime) -> bool:
    """Tell whether a step that was lost is open again: it was never asked for, or undone by us."""
    sent = story.sent
    if sent and found[number].key in story.given:
        is_later = _later(story, found, number) is not None
        is_earlier = sent.key in story.given and sent.key in {one.key for one in found[:number]}
        is_recent = now <= sent.since + (DOUBT if is_earlier else ANSWER)
        is_ours = (is_later or is_earlier) and sent.outcome is not Outcome.FAILED
        is_old = story.is_unsure and now < sent.since + doubt(story)
        if not (is_ours and is_recent) and not is_old:
            return False
    story.reached -= {one.key for one in found[number:]}
    return True


def _pursue(story: Story, now: datetime, found: list[Step], number: int) -> Answer:
    """Go on with the first step that is open."""
    step = found[number]
    if not story.is_present or not step.is_possible(story.last):
        return _walk(story, now)
    is_stuck = _is_stuck(story, step)
    later = None if is_stuck else _later(story, found, number)
    if is_stuck or later or (story.sent and step.key in story.sent.keys):
        if is_on_its_way(story, now):
            return wait(story, now)
        if not is_stuck and _answers_otherwise(story, step, now):
            return end(story, Verdict.GIVEN_UP)
        is_due = story.next_at is None or now >= story.next_at
        if not is_due or step.is_met(story.last):
            return wait(story, now)
        if later and later.is_met(story.last):  # not before: it may tell for a moment what was
            story.dropped.add(later.key)
    return _command(story, now, found, number)


def _walk(story: Story, now: datetime) -> Answer:
    """Let a try pass in which nothing can be done."""
    if story.next_at is None or now >= story.next_at:
        if story.tries == len(RETRIES):
            return end(story, Verdict.GIVEN_UP)
        schedule(story, now)
        story.tries += 1
    return wait(story, now)


def _answers_otherwise(story: Story, step: Step, now: datetime) -> bool:
    """Count a command that moved the device elsewhere; tell whether that makes it hopeless."""
    sent = story.sent
    if not sent or sent.is_judged or not sent.done_at or now < sent.done_at + ANSWER:
        return False
    story.sent = replace(sent, is_judged=True)
    told = step.told(story.last)
    has_moved = told != story.first.get(step.key, told) and not step.is_met(story.last)
    story.answers += sent.outcome is Outcome.DONE and has_moved
    return story.answers >= MOST_ANSWERS


def _command(story: Story, now: datetime, found: list[Step], number: int) -> Answer:
    """Send the command of a step, or give up when there were enough of them."""
    step = found[number]
    times = story.given.get(step.key, 0)
    if story.commands >= MOST_COMMANDS or (times and story.tries >= len(RETRIES)):
        return end(story, Verdict.GIVEN_UP)
    story.tries += bool(times)
    story.reached -= {one.key for one in found[number:]}
    for one in found[number:]:
        if one.key in step.keys:
            story.given[one.key] = story.given.get(one.key, 0) + 1
    if not step.is_met(story.last):
        story.first.setdefault(step.key, step.told(story.last))
    way = max(0, times - 1) % len(step.calls)  # the next way once the first has had two tries
    return send(story, now, step.keys, step.calls[way])
