"""Test what is known of equivents at one moment."""

from datetime import UTC, datetime, timedelta

from custom_components.equiwatt.equivents.model import Equivent
from custom_components.equiwatt.equivents.snapshot import Snapshot

START = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_last() -> None:
    """The last one is the newest that is finished, whatever is live or announced."""
    newest, oldest = (
        Equivent(START - days * 24 * HOUR, START - days * 24 * HOUR + HOUR) for days in (1, 3)
    )
    live, upcoming = Equivent(START), Equivent(START + 5 * HOUR)
    assert Snapshot(live=live, upcoming=upcoming, past=(newest, oldest)).last == newest
    assert Snapshot(live=live, upcoming=upcoming).last is None


def test_equal_when_nothing_changed() -> None:
    """What has not changed is equal, which is what keeps Home Assistant from writing it again."""
    assert Snapshot(live=Equivent(START)) == Snapshot(live=Equivent(START))
    assert Snapshot(live=Equivent(START)) != Snapshot(live=Equivent(START, START + HOUR))
