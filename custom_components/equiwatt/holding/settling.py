"""When what a device says can be believed: it may tell what was, or be on its way still."""

from datetime import datetime, timedelta
from typing import Any

from .plan import is_as
from .reading import gist
from .story import HOLD, Story

ANSWER = timedelta(minutes=1)
"""How long after a command a device may still be on its way."""
ECHO = timedelta(seconds=30)
"""How long after a command a device may still fall back to what it was before."""
DOUBT = timedelta(seconds=90)
"""After this a device that never said otherwise is believed."""
LATE = timedelta(minutes=10)
"""After this a scene has done what it does: many clouds are asked every five minutes only."""
ON_ITS_WAY = timedelta(minutes=3)
"""How long after a command a device may be moving."""
MOVING = ("opening", "closing")


def has_stood(story: Story, now: datetime) -> bool:
    """Tell whether a device has stood by what it says: an old word is told for a moment only."""
    return story.told_at is None or now >= story.told_at + ECHO


def is_moving(story: Story, now: datetime) -> bool:
    """Tell whether a device is on its way still, or has told of it a moment ago."""
    return story.last.state in MOVING or not has_stood(story, now)


def doubt(story: Story) -> timedelta:
    """Return how long a device may tell what was: longest if nobody knows what a scene asked."""
    return LATE if story.wanted is None else DOUBT


def is_on_its_way(story: Story, now: datetime) -> bool:
    """Tell whether a device is moving since the last command, and not because it returned."""
    sent, told_at = story.sent, story.told_at
    if not sent or now >= sent.since + ON_ITS_WAY:
        return False
    has_told = told_at is not None and told_at != story.returned_at and now < told_at + ANSWER
    return story.last.state in MOVING or has_told


def told(story: Story) -> list[Any]:
    """Return what counts of what a device told last."""
    return list(gist(story.domain, story.last))


def has_moved(story: Story) -> bool:
    """Tell whether it has told anything else since it was asked to be held as it is now."""
    return story.first.get(HOLD) != told(story)


def has_shown(story: Story, now: datetime, patience: timedelta) -> bool:
    """Tell whether the last command of a hold has had so much time to show."""
    return story.sent is not None and not story.is_owed and now >= story.sent.since + patience


def is_held(story: Story) -> bool:
    """Tell whether a device says that it is as the hold wants it."""
    return story.wanted is not None and is_as(story.domain, story.wanted, story.last)


def has_left(story: Story, now: datetime) -> bool:
    """Tell whether it says otherwise than it did, and not because of our command."""
    if is_held(story) or (HOLD not in story.reached and not story.is_claimed):
        return False
    patience = ECHO if HOLD in story.reached and not story.is_unsure else DOUBT
    return story.sent is None or now >= story.sent.since + patience
