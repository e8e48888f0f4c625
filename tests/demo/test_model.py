"""Test the model of the simulated provider, with a clock turned by hand."""

from itertools import pairwise
import json
from pathlib import Path

import pytest

from demo.model import (
    DAY,
    PAST,
    ControlError,
    Equivent,
    Ledger,
    Limiter,
    Settings,
    checked_address,
    masked,
)

NOW = 1_800_000_000.5


def test_limiter_keeps_a_second_between_calls() -> None:
    """A call less than a second after the last is rejected."""
    limiter = Limiter()
    assert limiter.admit(100) is None
    assert limiter.admit(100.999) == 1
    assert limiter.admit(101) is None


def test_limiter_allows_ten_calls_in_sixty_seconds() -> None:
    """The eleventh call is rejected with the time to wait."""
    limiter = Limiter()
    assert [limiter.admit(100 + second) for second in range(10)] == [None] * 10
    assert limiter.admit(110) == 50
    assert limiter.admit(159.9) == 1
    assert limiter.admit(160) is None


def test_rejected_calls_do_not_extend_the_window() -> None:
    """Rejected calls do not count."""
    limiter = Limiter()
    assert limiter.admit(100) is None
    assert [limiter.admit(100 + tenth / 10) for tenth in range(1, 10)] == [1] * 9
    assert limiter.admit(101) is None


def test_recent_past() -> None:
    """The ten real equivents are moved by whole days, which keeps the hour."""
    raw = json.loads(PAST.read_text("utf-8"))
    data = Ledger.recent(NOW).data(NOW, "documented")
    past = data["previous_events"]
    shifts = {new["start_time"] - old["start_time"] for new, old in zip(past, raw, strict=True)}
    assert data["current_event"] is None
    assert len(past) == 10
    assert len(shifts) == 1
    assert shifts.pop() % DAY == 0
    assert 0 < NOW - past[0]["end_time"] < 2 * DAY
    assert all(
        equivent["end_time"] - equivent["start_time"] in range(3_500, 3_600) for equivent in past
    )


def test_year() -> None:
    """The ten are repeated nine times, on the same weekdays and never two at a time."""
    past = Ledger.recent(NOW).data(NOW, "documented", 1_000)["previous_events"]
    assert len(past) == 90
    assert past[0]["end_time"] - past[-1]["start_time"] > 365 * DAY
    starts = [equivent["start_time"] for equivent in past]
    assert {
        (early - late) % (7 * DAY) for early, late in zip(starts[10:], starts, strict=False)
    } == {0}
    assert all(late["start_time"] > early["end_time"] for late, early in pairwise(past))


def test_documented_and_legacy_shape() -> None:
    """A live equivent is `current_event`, or the newest past one without an end."""
    ledger = Ledger([Equivent(100, None, 200)])
    ledger.start(NOW, 60, 0)
    start = int(NOW)
    documented = ledger.data(NOW, "documented")
    assert documented["current_event"] == {
        "start_time": start,
        "end_time": start + 3_600,
    }
    assert documented["previous_events"] == [{"start_time": 100, "end_time": 200}]
    legacy = ledger.data(NOW, "legacy")
    assert legacy["current_event"] is None
    assert legacy["previous_events"] == [
        {"start_time": start, "end_time": None},
        {"start_time": 100, "end_time": 200},
    ]


@pytest.mark.parametrize("shape", ["documented", "legacy"])
def test_both_shapes_agree_once_it_is_over(shape: str) -> None:
    """An ended equivent is among the past ones."""
    ledger = Ledger([])
    ledger.start(NOW, None, 0)
    ledger.end(NOW + 90, 0)
    assert ledger.live is None
    assert ledger.data(NOW + 90, shape) == {  # type: ignore[arg-type]
        "current_event": None,
        "previous_events": [{"start_time": int(NOW), "end_time": int(NOW) + 90}],
    }


def test_lag() -> None:
    """A start and an end are visible after the lag."""
    ledger = Ledger([])
    ledger.start(NOW, 60, 20)
    assert ledger.data(NOW + 19.9, "documented")["current_event"] is None
    assert ledger.data(NOW + 20, "documented")["current_event"]
    ledger.end(NOW + 60, 5)
    assert ledger.data(NOW + 64.9, "documented")["current_event"]
    assert ledger.data(NOW + 65, "documented")["current_event"] is None


def test_ten_past_equivents() -> None:
    """The oldest past equivent is dropped."""
    ledger = Ledger.recent(NOW)
    ledger.start(NOW, 60, 0)
    assert len(ledger.data(NOW, "legacy")["previous_events"]) == 10
    assert len(ledger.data(NOW, "documented")["previous_events"]) == 10


def test_saved_ledger(tmp_path: Path) -> None:
    """A loaded ledger is the same, and an equivent past its planned end is over."""
    file = tmp_path / "provider.json"
    ledger = Ledger.recent(NOW)
    ledger.start(NOW, 60, 0)
    ledger.save(file)
    assert Ledger.load(file, NOW).data(NOW, "legacy") == ledger.data(NOW, "legacy")
    later = NOW + 7_200
    over = Ledger.load(file, later)
    assert over.live is None
    newest = over.data(later, "documented")["previous_events"][0]
    assert newest == {"start_time": int(NOW), "end_time": int(NOW) + 3_600}


@pytest.mark.parametrize("minutes", [0, -1, 1_441, "60", True, float("nan")])
def test_invalid_duration(minutes: float) -> None:
    """An invalid duration is refused."""
    with pytest.raises(ControlError, match="duration"):
        Ledger([]).start(NOW, minutes, 0)


def test_one_live_equivent() -> None:
    """A second start is refused, and so is an end without an equivent."""
    ledger = Ledger([])
    with pytest.raises(ControlError, match="No equivent is live"):
        ledger.end(NOW, 0)
    ledger.start(NOW, 60, 0)
    with pytest.raises(ControlError, match="live already"):
        ledger.start(NOW, 60, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": "round"},
        {"fault": "all"},
        {"lag": -1},
        {"lag": "2"},
        {"shown": -1},
        {"shown": True},
        {"colour": 1},
    ],
)
def test_settings(changes: dict[str, object]) -> None:
    """Unknown settings are refused, and the others unchanged."""
    settings = Settings()
    with pytest.raises(ControlError):
        settings.update({"shape": "legacy"} | changes)
    assert settings == Settings()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (
            "http://127.0.0.1:8123/api/webhook/secret?event=ended",
            "http://127.0.0.1:8123/api/webhook/…",
        ),
        (
            "https://home.example/api/webhook/secret",
            "https://home.example/api/webhook/…",
        ),
        ("https://hooks.example/secret", "https://hooks.example/…"),
        ("https://me:secret@home.example/", "https://home.example/…"),
    ],
)
def test_masked_address(address: str, shown: str) -> None:
    """A masked address shows its host only."""
    assert checked_address(f" {address} ") == address
    assert masked(address) == shown


@pytest.mark.parametrize(
    "address",
    [
        "ftp://secret/",
        "secret",
        5,
        "http:///secret",
        "http://[secret",
        "http://secret:99999",
    ],
)
def test_invalid_address(address: object) -> None:
    """The error does not contain the secret."""
    with pytest.raises(ControlError) as caught:
        checked_address(address)
    assert "secret" not in str(caught.value)
