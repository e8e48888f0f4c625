"""Orders of calls and answers in which the tracker ends, starts or loses what it must not."""

from datetime import timedelta

import pytest

from custom_components.equiwatt.equivents.answer import Answer
from custom_components.equiwatt.equivents.model import EdgeType, Equivent
from custom_components.equiwatt.equivents.tracker import Tracker

from .test_tracker import (
    API,
    ENDED,
    HOUR,
    LIVE,
    MINUTE,
    NOTHING,
    SECOND,
    T0,
    WEBHOOK,
    edges,
    named,
    started,
)

NEXT = Equivent(T0 + HOUR + 2 * SECOND, T0 + 2 * HOUR)
END = T0 + HOUR


def test_doubled_end_call_back_to_back() -> None:
    """`ended` within two minutes after the API listed A and named B changes nothing."""
    tracker = started()
    tracker.push(EdgeType.ENDED, END + 2 * SECOND)
    tracker.observe(named(NEXT, ENDED), END + 5 * SECOND)
    assert tracker.snapshot.live == NEXT
    tracker.push(EdgeType.ENDED, END + 7 * SECOND)  # the same call, delivered twice
    for seconds in range(10, 240, 10):
        tracker.observe(named(NEXT, ENDED), END + seconds * SECOND)
        assert tracker.snapshot.live == NEXT, f"off at +{seconds} s though every answer names it"


def test_next_is_seen_at_the_first_answer_that_names_it() -> None:
    """After A's end was called, B is seen at the first answer that names it."""
    tracker = started()
    tracker.push(EdgeType.ENDED, END + 62 * SECOND)
    tracker.observe(named(NEXT), END + 64 * SECOND)
    assert tracker.snapshot.live == NEXT


def test_late_end_call_after_the_start_call() -> None:
    """A push speaks of the equivent nearest to it: A's end, 8 s ago, not B's start."""
    tracker = started()
    tracker.observe(Answer(previous=(ENDED,)), END + 2 * SECOND)
    tracker.push(EdgeType.STARTED, END + 9 * SECOND)
    tracker.push(EdgeType.ENDED, END + 10 * SECOND)  # A's, delayed by seconds
    for seconds in range(12, 240, 10):
        tracker.observe(named(NEXT, ENDED), END + seconds * SECOND)
        assert tracker.snapshot.live == NEXT, f"off at +{seconds} s though every answer names it"


def test_old_answers_end_nothing() -> None:
    """An answer that names A after its end is old, so that it cannot end B either."""
    tracker = started()
    tracker.observe(named(NEXT, ENDED), END + 10 * SECOND)
    assert edges(tracker) == [(EdgeType.ENDED, API), (EdgeType.STARTED, API)]
    tracker.observe(named(LIVE), END + 18 * SECOND)
    tracker.observe(named(LIVE), END + 29 * SECOND)
    assert edges(tracker) == []
    assert tracker.snapshot.live == NEXT


def documented(end: timedelta = HOUR) -> Answer:
    """Return an answer as documented: the live one is among the past ones, with its planned end."""
    return named(Equivent(T0, T0 + end), Equivent(T0, T0 + end))


def test_documented_shape_after_a_false_end() -> None:
    """If the API, asked five minutes after `ended`, still names it, it is live again."""
    tracker = Tracker()
    tracker.observe(documented(), T0 + SECOND)
    tracker.push(EdgeType.ENDED, T0 + MINUTE)
    for minutes in range(2, 59):
        tracker.observe(documented(), T0 + minutes * MINUTE)
    assert tracker.snapshot.live


def test_documented_shape_after_the_grace() -> None:
    """What `current_event` names is live, though a call came five minutes before."""
    tracker = Tracker()
    tracker.push(EdgeType.STARTED, T0)
    tracker.fail(T0 + 5 * MINUTE)
    assert edges(tracker)[-1][0] is EdgeType.ENDED
    tracker.observe(documented(), T0 + 6 * MINUTE)
    assert tracker.snapshot.live


def test_documented_shape_after_vanishing() -> None:
    """The rule of `test_vanished_and_back`, in the documented shape: named again, live again."""
    tracker = Tracker()
    tracker.observe(documented(), T0 + SECOND)
    tracker.observe(NOTHING, T0 + MINUTE)
    tracker.observe(NOTHING, T0 + MINUTE + 11 * SECOND)
    for minutes in range(2, 59):
        tracker.observe(documented(), T0 + minutes * MINUTE)
    assert tracker.snapshot.live


def test_rehearsal_that_is_over_hides_no_start() -> None:
    """After a restart `ended` if the announced one is over, then `started`."""
    before = Tracker()
    before.rehearse(T0 - 30 * MINUTE, T0 - 35 * MINUTE)
    after = Tracker(before.snapshot)
    after.observe(named(LIVE), T0 + SECOND)
    assert [kind for kind, _ in edges(after)] == [EdgeType.ENDED, EdgeType.STARTED]


def test_push_from_before_a_restart_is_over() -> None:
    """Unconfirmed for five minutes it ends; another an hour later is another."""
    before = Tracker()
    before.push(EdgeType.STARTED, T0 - HOUR)
    after = Tracker(before.snapshot)
    after.observe(named(LIVE), T0 + SECOND)
    assert [kind for kind, _ in edges(after)] == [EdgeType.ENDED, EdgeType.STARTED]


@pytest.mark.parametrize("by", [timedelta(microseconds=-3), timedelta(microseconds=3)])
def test_drift_is_no_change(by: timedelta) -> None:
    """A clock that is put right: microseconds between two clocks move nothing."""
    tracker = Tracker()
    tracker.rehearse(T0 + HOUR, T0)
    known = tracker.snapshot
    tracker.shift(by)
    assert tracker.snapshot == known


def test_two_starts_of_one_minute() -> None:
    """Control: the harness above reads edges as the project's own tests do."""
    tracker = started()
    tracker.push(EdgeType.ENDED, END)
    assert edges(tracker) == [(EdgeType.ENDED, WEBHOOK)]


SHORT = Equivent(T0, T0 + 3 * MINUTE)
SOON = T0 + 3 * MINUTE + SECOND


@pytest.mark.parametrize(
    "planned",
    [
        pytest.param(None, id="no end known, as in the log"),
        pytest.param(T0 + HOUR, id="called off before its planned end"),
    ],
)
def test_next_one_soon_after_a_short_one(planned: None) -> None:
    """Two are one only if neither was over before the other began; A is listed as over."""
    tracker = started(Equivent(T0, planned))
    following = Equivent(SOON, planned)
    tracker.observe(named(following, SHORT), SOON + 5 * SECOND)
    assert edges(tracker) == [(EdgeType.ENDED, API), (EdgeType.STARTED, API)]


def test_late_end_call_of_a_short_one() -> None:
    """`ended` within two minutes after A is listed and B named changes nothing."""
    tracker = started(Equivent(T0))
    following = Equivent(SOON)
    tracker.observe(named(following, SHORT), SOON + 5 * SECOND)
    tracker.push(EdgeType.ENDED, SOON + 20 * SECOND)
    for seconds in range(25, 280, 10):
        tracker.observe(named(following, SHORT), SOON + seconds * SECOND)
        assert tracker.snapshot.live == following, f"off at +{seconds} s"
