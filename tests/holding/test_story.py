"""Test what is stored of a held device, and read again."""

from datetime import UTC, datetime
import json
from typing import Any

import pytest

from custom_components.equiwatt.holding.reading import Reading
from custom_components.equiwatt.holding.story import HOLD, Phase, Story

NOW = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)


@pytest.mark.parametrize("released_at", [None, "2026-11-20T17:20:00+00:00"])
def test_version_1(released_at: str | None) -> None:
    """What the first version stored is read: a device that was off, or to be restored."""
    state = {"entity_id": "switch.plug", "state": "on", "attributes": {"a": 1}}
    item = {"state": state, "until": "2026-11-20T18:20:00+00:00", "released_at": released_at}
    story = Story.from_dict(item)
    assert (story.domain, story.before.state) == ("switch", "on")
    assert story.phase is (Phase.RESTORING if released_at else Phase.HELD)
    assert story.reached == (set() if released_at else {HOLD})
    assert story.until == datetime(2026, 11, 20, 18, 20, tzinfo=UTC)
    assert json.loads(json.dumps(story.as_dict())) == story.as_dict()


@pytest.mark.parametrize("until", [None, "soon", 5, "2026-11-20T18:20:00"])
def test_no_time(until: Any) -> None:
    """A time that cannot be made out is none."""
    state = {"entity_id": "switch.plug", "state": "on", "attributes": {}}
    assert Story.from_dict({"state": state, "until": until}).until is None


@pytest.mark.parametrize(
    "change",
    [
        {"domain": "lock"},
        {"phase": "asleep"},
        {"commands": "1"},
        {"reached": None},
        {"before": None},
        {"sent": {"keys": ["on"]}},
    ],
)
def test_damaged(change: dict[str, Any]) -> None:
    """What is none is refused."""
    good = Story(domain="switch", before=Reading(state="on"), seen_at=NOW).as_dict()
    assert Story.from_dict(good).before.state == "on"
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        Story.from_dict(good | change)
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        Story.from_dict({"state": {"entity_id": "lock.one", "state": "on", "attributes": {}}})
