"""Test storing a record, and moving it with the clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.equiwatt.holding.device_state import DeviceState
from custom_components.equiwatt.holding.record import Command, DeviceRecord, shifted
from custom_components.equiwatt.storage import from_json
from tests.fakes.disk import to_json

NOW = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
ON = DeviceState(domain="switch", state="on")
RECORD = DeviceRecord(
    before=ON,
    wanted={"state": "off"},
    began=NOW,
    until=NOW + timedelta(hours=1),
    commands=(Command(at=NOW, values={"state": "off"}, found=ON, refused_at=NOW),),
    seen=replace(ON, attributes={"temperature": 21}),
    changed_at=NOW,
    here_since=None,
    settled_at=NOW + timedelta(seconds=90),
)


def stored() -> dict[str, Any]:
    """Return the record after a round trip to the disk."""
    content: dict[str, Any] = to_json(RECORD)
    return content


def test_stored() -> None:
    """A record is read as it was written."""
    assert from_json(DeviceRecord, stored()) == RECORD


@pytest.mark.parametrize(
    "damage",
    [
        {"before": 5},
        {"before": {"domain": "switch", "state": 5, "attributes": {}}},
        {"wanted": None},
        {"wanted": ["off"]},
        {"began": "soon"},
        {"began": "2026-11-20T17:20:00"},
        {"until": None},
        {"commands": {}},
        {"commands": [5]},
        {"changed_at": 5},
    ],
)
def test_damaged(damage: dict[str, Any]) -> None:
    """A field of another type is no record."""
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        from_json(DeviceRecord, stored() | damage)


@pytest.mark.parametrize("key", ["before", "until", "commands", "settled_at"])
def test_incomplete(key: str) -> None:
    """A missing field is no record."""
    content = stored()
    del content[key]
    with pytest.raises(KeyError):
        from_json(DeviceRecord, content)


def test_shifted() -> None:
    """All times move with the clock, and nothing else."""
    hour = timedelta(hours=1)
    moved = shifted(RECORD, hour)
    assert shifted(moved, -hour) == RECORD
    assert moved.commands[0].refused_at == NOW + hour
    assert (moved.until, moved.here_since) == (RECORD.until + hour, None)
