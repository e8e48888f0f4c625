"""One held device's life: what to do next with it, and whose it is.

It is told what the device says, what became of each command, and the time. It answers with the
next command and when to be asked again, or that the device is restored, somebody's, or given up.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from .plan import is_as, turn_off
from .reading import COMPARED, OFF, Reading, gist
from .restoring import (
    MOST_ANSWERS,
    MOST_COMMANDS,
    Answer,
    Verdict,
    begin_restore,
    believe,
    end,
    is_as_before,
    note,
    plan,
    restore,
    schedule,
    send,
    wait,
)
from .settling import (
    DOUBT,
    LATE,
    doubt,
    has_left,
    has_moved,
    has_shown,
    has_stood,
    is_held,
    is_moving,
    told,
)
from .story import HOLD, Outcome, Phase, Story

COMMAND = timedelta(seconds=30)
"""How long a command may be under way."""


class Cause(StrEnum):
    """What stands behind a report, as far as its context says."""

    OURS = "ours"
    OTHERS = "others"
    NOBODY = "nobody"


def begin(domain: str, before: Reading) -> Device:
    """Return a device that nothing has been asked of."""
    return Device(Story(domain=domain, before=before, last=before, is_present=before.is_known))


class Device:
    """A device that is held, being restored, or given up."""

    def __init__(self, story: Story) -> None:
        """Go on where its story stands."""
        self.story = story

    @property
    def is_ours(self) -> bool:
        """Tell whether its memory counts: what was given up may be as the hold left it still."""
        phase = self.story.phase
        return is_held(self.story) if phase is Phase.GIVEN_UP else phase is not Phase.OVER

    def hold(
        self, now: datetime, *, wanted: Reading | None = OFF, longest: timedelta | None = None
    ) -> Answer:
        """Hold it, or hold it anew; the first memory of a story that is not over is kept."""
        self._tick(now)
        if not self.is_ours:
            self.story = begin(self.story.domain, self.story.last).story
        story = self.story
        until = now + longest if longest else None
        if story.phase is not Phase.HELD or story.is_leaving:
            was_touched = story.sent is not None and story.sent.key != HOLD
            story.begin(Phase.HELD)
            story.doubted = {HOLD} if was_touched else set()
            story.is_owed, story.is_unsure = True, was_touched
        else:
            if wanted == story.wanted:
                until = min(filter(None, (story.until, until)), default=None)
            self._hold_again(wanted)
        story.wanted, story.until = wanted, until
        story.first = {HOLD: told(story)}
        return self._next(now)

    def release(self, now: datetime) -> Answer:
        """Restore it, if it is held."""
        self._tick(now)
        self.story.is_leaving |= self.story.phase is Phase.HELD
        return self._next(now)

    def report(self, now: datetime, reading: Reading, cause: Cause) -> Answer:
        """Hear what the device says, and who stands behind it."""
        self._tick(now)
        story, old = self.story, self.story.last
        has_returned = reading.is_known and not story.is_present
        story.is_present = reading.is_known
        if not reading.is_known:
            return self._next(now)
        story.last = reading
        has_changed = gist(story.domain, reading) != gist(story.domain, old)
        if has_changed or has_returned:
            story.told_at = now
        if has_changed and cause is Cause.OTHERS and self._is_taken(old):
            return end(story, Verdict.THEIRS)
        if has_returned:
            self._drift()
            self._welcome(now)
        self._believe(now)
        return self._next(now)

    def outcome(self, now: datetime, outcome: Outcome) -> Answer:
        """Hear what became of the command that was under way."""
        self._tick(now)
        story = self.story
        if story.sent and story.is_in_flight:
            story.sent = replace(story.sent, outcome=outcome, done_at=now)
            if story.phase is Phase.RESTORING and story.sent.key != HOLD:
                note(story, outcome)
                schedule(story, now)
        return self._next(now)

    def wake(self, now: datetime) -> Answer:
        """See what is due."""
        self._tick(now)
        return self._next(now)

    def resume(self, now: datetime, reading: Reading) -> Answer:
        """Go on after a restart, which a command that was under way may not have outlived."""
        self._tick(now)
        story = self.story
        if story.sent and story.is_in_flight:
            done_at = min(now, story.sent.at + COMMAND)
            story.sent = replace(story.sent, outcome=Outcome.TIMED_OUT, done_at=done_at)
            story.next_at = now if story.phase is Phase.RESTORING else None
            story.is_owed = story.phase is Phase.HELD and story.wanted is not None
        answer = self.report(now, reading, Cause.NOBODY)
        if self._drift():
            return self._next(now)
        if story.phase is Phase.GIVEN_UP:
            return replace(answer, verdict=Verdict.GIVEN_UP)
        return answer

    def _tick(self, now: datetime) -> None:
        """Move all times along with a clock that was put back."""
        story = self.story
        if story.seen_at and now < story.seen_at:
            story.shift(now - story.seen_at)
        story.seen_at = now

    def _next(self, now: datetime) -> Answer:
        """Return what follows; while a command is under way, nothing does."""
        story = self.story
        if story.phase is Phase.HELD and story.until and now >= story.until:
            story.is_leaving = True
        if story.is_leaving:
            if story.is_present and has_left(story, now):
                return self._leave(now)
            self._release(now)
        if story.is_in_flight or story.phase is Phase.OVER:
            return wait(story, now)
        if story.phase is Phase.HELD:
            return self._keep(now)
        if story.phase is Phase.RESTORING:
            return restore(story, now)
        is_back = story.is_present and is_as_before(story)
        return end(story, Verdict.RESTORED) if is_back else Answer()

    def _leave(self, now: datetime) -> Answer:
        """Leave it to whoever has set it, once it has stood by what it says."""
        story = self.story
        if not has_stood(story, now):
            return wait(story, now)
        if story.is_unsure and self._drift():
            return self._next(now)
        return end(story, Verdict.THEIRS)

    def _drift(self) -> bool:
        """Keep what came to be as it is without anybody's doing, until it is restored."""
        story = self.story
        was_held = story.phase is Phase.HELD and HOLD in story.reached and story.is_present
        if not was_held or is_held(story) or is_as_before(story):
            return False
        story.wanted = None
        story.reached.discard(HOLD)
        return True

    def _release(self, now: datetime) -> None:
        """Begin to restore it."""
        story = self.story
        is_known = HOLD in story.reached and (not story.is_present or is_held(story))
        if story.wanted is None and has_moved(story) and HOLD not in story.doubted:
            story.wanted = story.last
            is_known = not is_moving(story, now)  # it has told all that the scene does
        if story.is_unsure and story.sent and now < story.sent.since + doubt(story):
            is_known = False
        begin_restore(story, now, is_held=is_known)

    def _hold_again(self, wanted: Reading | None) -> None:
        """Command what is held already only if it wants something else, or may not have obeyed."""
        story = self.story
        if wanted != story.wanted:
            is_known = HOLD in story.reached or story.sent is None
            story.doubted = set() if is_known else {HOLD}
            story.reached, story.is_owed = set(), True
        elif not (HOLD in story.reached and is_held(story)) and not story.is_in_flight:
            story.reached, story.is_owed = set(), True

    def _keep(self, now: datetime) -> Answer:
        """Return what is to be done next while it is held, no command being under way."""
        story = self.story
        if not story.is_present:
            return wait(story, now)
        self._believe(now)
        if story.is_owed and HOLD not in story.reached:
            story.is_owed = False
            off = story.wanted is not None and story.wanted.is_off
            call = turn_off(story.domain, story.last) if off else None
            return send(story, now, (HOLD,), call)
        story.is_owed = False
        return self._leave(now) if has_left(story, now) else wait(story, now)

    def _believe(self, now: datetime) -> None:
        """Note what the device has reached, though a command may be under way."""
        story = self.story
        if story.phase is not Phase.HELD:
            believe(story, plan(story), now)
            return
        if story.is_owed and story.is_in_flight:
            return  # it speaks of commands that came before the hold's
        if story.wanted is None and not is_moving(story, now):
            is_sure = has_moved(story) and HOLD not in story.doubted
            if has_shown(story, now, DOUBT if is_sure else LATE):
                story.wanted = story.last
        if story.wanted is not None and not is_held(story):
            story.doubted.discard(HOLD)
        elif is_held(story) and (HOLD not in story.doubted or has_shown(story, now, DOUBT)):
            story.doubted.discard(HOLD)
            story.reached.add(HOLD)
            story.is_unsure &= not has_shown(story, now, DOUBT)

    def _is_taken(self, old: Reading) -> bool:
        """Tell whether a change by somebody makes the device theirs; if not, remember it."""
        story = self.story
        if story.phase is not Phase.HELD:
            return True
        has_reached = HOLD in story.reached
        if not is_held(story):
            if has_reached or story.wanted is None:
                return True
            story.is_claimed = True  # our command may yet be carried out
            self._remember(old, story.last.state)
        elif has_reached:
            if not is_as(story.domain, story.wanted or OFF, old):
                return True  # somebody has changed it twice
            self._remember(old, story.before.state)
        return False

    def _remember(self, old: Reading, state: str | None) -> None:
        """Restore what somebody set meanwhile as they set it."""
        story = self.story
        names = COMPARED[story.domain]
        changed = {name: story.last.get(name) for name in names}
        changed = {key: new for key, new in changed.items() if new not in (None, old.get(key))}
        story.before = Reading(state=state, attributes={**story.before.attributes, **changed})

    def _welcome(self, now: datetime) -> None:
        """Try at once when the device is there again."""
        story = self.story
        story.returned_at = now
        may_command = story.commands < MOST_COMMANDS
        if story.phase is Phase.HELD:
            has_failed = story.sent is None or story.sent.outcome is Outcome.FAILED
            is_open = HOLD not in story.reached and story.wanted is not None
            story.is_owed |= is_open and may_command and not has_failed
        elif story.phase is Phase.RESTORING:
            story.next_at = now
        elif may_command and story.answers < MOST_ANSWERS:
            story.phase, story.tries, story.next_at = Phase.RESTORING, 0, now
