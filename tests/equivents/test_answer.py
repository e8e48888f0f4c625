"""Test the parser of answers."""

from datetime import UTC, datetime
import json
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.equiwatt.equivents.answer import Answer, MalformedError, parse, read_event
from custom_components.equiwatt.equivents.model import Equivent

DATA = Path(__file__).parents[1] / "data"
START = 1_700_000_000


def at(seconds: int) -> datetime:
    """Return a time from Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def event(start: Any, end: Any) -> dict[str, Any]:
    """Return an event of the payload."""
    return {"start_time": start, "end_time": end}


def payload(current: Any, *previous: Any, **extra: Any) -> dict[str, Any]:
    """Return a payload."""
    data = {"current_event": current, "previous_events": list(previous)}
    return {"success": True, "msg": None, "data": data, **extra}


def load(name: str) -> Any:
    """Return a known payload of the provider."""
    return json.loads((DATA / name).read_text())


def test_documented_example() -> None:
    """The example names a live equivent with its planned end, and one past equivent."""
    answer = parse(load("documented.json"))
    assert answer.current == Equivent(at(1667398769), at(1667400569))
    assert answer.previous == (Equivent(at(1667398669), at(1667400469)),)
    assert answer.skipped == 0


def test_real_log() -> None:
    """The newest equivent in the log has no end and counts as current."""
    answer = parse(load("log_2022_12_09.json"))
    assert answer.current is None
    assert len(answer.previous) == 10
    assert answer.previous[0] == Equivent(at(1670601661), None)
    assert answer.previous[1] == Equivent(at(1670403676), at(1670407262))
    assert answer.previous[-1] == Equivent(at(1667590266), at(1667593862))
    durations = [(e.end - e.start).total_seconds() for e in answer.previous if e.end]
    assert (min(durations), max(durations)) == (3529, 3598)
    assert answer.skipped == 0


def test_nothing_live() -> None:
    """There is no current equivent, and none is listed."""
    assert parse(payload(None)) == Answer()


@pytest.mark.parametrize("current", [None, event(START + 9000, START + 9000)])
def test_called_off(current: Any) -> None:
    """An equivent that ends when it starts was called off and is left out."""
    called_off, finished = event(START + 9000, START + 9000), event(START, START + 60)
    answer = parse(payload(current, called_off, finished))
    assert answer == Answer(None, (Equivent(at(START), at(START + 60)),), skipped=0)
    answer = parse(payload(current, called_off, event(START, None)))
    assert answer == Answer(None, (Equivent(at(START)),), skipped=0)


def test_older_open_equivent() -> None:
    """An older equivent without an end is left out."""
    answer = parse(payload(None, event(START + 9000, START + 9600), event(START, None)))
    assert answer.current is None
    assert answer.previous == (Equivent(at(START + 9000), at(START + 9600)),)


def test_sorted_and_without_doubles() -> None:
    """Past equivents are sorted, and duplicates dropped."""
    items = [event(START, None), event(START + 9000, START + 9600), event(START, START + 60)]
    answer = parse(payload(None, *items, items[1]))
    assert answer.previous == (
        Equivent(at(START + 9000), at(START + 9600)),
        Equivent(at(START), at(START + 60)),
    )


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        "x",
        [],
        {},
        {"start_time": START},
        event(None, None),
        event(True, None),
        event(str(START), None),
        event(float(START), None),
        event(-START, None),
        event(START * 1000, None),
        event(10**30, None),
        event(0, None),
        event(START, True),
        event(START, str(START + 60)),
        event(START, -1),
        event(START, 10**12),
        event(START, START - 60),
        event([START], None),
    ],
)
def test_bad_items(bad: Any) -> None:
    """A bad past item is counted and dropped, a bad current item is an error."""
    answer = parse(payload(None, event(START, START + 60), bad))
    assert answer == Answer(None, (Equivent(at(START), at(START + 60)),), skipped=1)
    with pytest.raises(MalformedError):  # the first one may be live
        parse(payload(None, bad, event(START, START + 60)))
    current = event(START + 3600, None)
    answer = parse(payload(current, bad, event(START, START + 60)))
    assert (answer.current, answer.skipped) == (Equivent(at(START + 3600)), 1)
    if bad is not None:
        with pytest.raises(MalformedError):
            parse(payload(bad, event(START, START + 60)))


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        [payload(None)],
        "ok",
        {},
        payload(None, success=False),
        payload(None, success="true"),
        payload(None, success=1),
        payload(None, success=None),
        payload(None, data=None),
        payload(None, data=[]),
        payload(None, data={}),
        payload(None, data={"current_event": None}),
        payload(None, data={"previous_events": []}),
        payload(None, data={"current_event": None, "previous_events": None}),
        payload(None, data={"current_event": None, "previous_events": {}}),
        {"data": {"current_event": None, "previous_events": []}},
        {"message": "Unauthenticated."},
        {"success": False, "msg": "error message in case of error", "data": None},
    ],
)
def test_bad_payloads(bad: Any) -> None:
    """A payload of another shape is an error."""
    with pytest.raises(MalformedError):
        parse(bad)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
TIMES = st.none() | st.integers(START, START + 10**6) | JSON
EVENTS = st.builds(event, TIMES, TIMES) | JSON


@given(current=st.none() | EVENTS, previous=st.lists(EVENTS, max_size=12))
def test_any_items(current: Any, previous: list[Any]) -> None:
    """Any items result in a valid answer, or in an error if a bad one may be live."""
    try:
        answer = parse(payload(current, *previous))
    except MalformedError:
        may_be_live = previous[0] if current is None else current
        with pytest.raises(MalformedError):
            read_event(may_be_live)
        return
    starts = [equivent.start for equivent in answer.previous]
    assert starts == sorted(set(starts), reverse=True)
    assert all(e.end and e.end > e.start for e in answer.previous[1:])
    assert len(answer.previous) + answer.skipped <= len(previous)
    if current is None or current["start_time"] == current["end_time"]:
        assert answer.current is None
    else:
        assert answer.current
        assert answer.current.start == at(current["start_time"])


@given(JSON)
def test_any_payload(value: Any) -> None:
    """Any other payload is an error."""
    with pytest.raises(MalformedError):
        parse(value)
