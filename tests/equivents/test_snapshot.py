"""Test the snapshot of equivents."""

from datetime import UTC, datetime, timedelta

from custom_components.equiwatt.equivents.model import Equivent
from custom_components.equiwatt.equivents.snapshot import Snapshot

START = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_last() -> None:
    """The last equivent is the newest finished one, with or without a live one."""
    newest, oldest = (
        Equivent(START - days * 24 * HOUR, START - days * 24 * HOUR + HOUR) for days in (1, 3)
    )
    live, upcoming = Equivent(START), Equivent(START + 5 * HOUR)
    assert Snapshot(live=live, upcoming=upcoming, past=(newest, oldest)).last == newest
    assert Snapshot(live=live, upcoming=upcoming).last is None


def test_equal() -> None:
    """Unchanged snapshots are equal, which avoids needless state writes."""
    assert Snapshot(live=Equivent(START)) == Snapshot(live=Equivent(START))
    assert Snapshot(live=Equivent(START)) != Snapshot(live=Equivent(START, START + HOUR))
