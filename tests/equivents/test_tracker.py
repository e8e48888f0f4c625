"""Test the rules of the tracker. All times are seconds after the start of an equivent."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
import pytest

from custom_components.equiwatt.equivents.answer import Answer
from custom_components.equiwatt.equivents.model import EdgeType, Equivent, Source
from custom_components.equiwatt.equivents.snapshot import Over, Snapshot, net_edges
from custom_components.equiwatt.equivents.tracker import (
    MAX_OPEN,
    OVERRUN,
    PUSH_BOUND,
    PUSH_GRACE,
    Tracker,
)

T0 = datetime(2026, 11, 20, 17, 1, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = 60
HOUR = 3600

STARTED, ENDED = EdgeType.STARTED, EdgeType.ENDED
API, WEBHOOK, CLOCK, SIMULATION = Source.API, Source.WEBHOOK, Source.CLOCK, Source.SIMULATION


def at(seconds: float) -> datetime:
    """Return a time."""
    return T0 + seconds * SECOND


def span(start: float = 0, end: float | None = HOUR) -> Equivent:
    """Return an equivent."""
    return Equivent(at(start), None if end is None else at(end))


LIVE, OPEN, OTHER = span(), span(end=None), span(3 * HOUR, 4 * HOUR)


class Tracked:
    """A tracker with helpers for its inputs."""

    def __init__(self, restored: Snapshot | None = None) -> None:
        """Start with a restored snapshot."""
        self.tracker = Tracker(restored)

    @property
    def known(self) -> Snapshot:
        """Return the snapshot."""
        return self.tracker.snapshot

    @property
    def live(self) -> Equivent | None:
        """Return the live equivent."""
        return self.known.live

    def names(
        self, seconds: float, equivent: Equivent | None, *previous: Equivent, date: float | None = 0
    ) -> Equivent | None:
        """Process an answer, made some seconds later, and return the live equivent."""
        made = None if date is None else at(seconds + date)
        self.tracker.observe(Answer(equivent, previous), at(seconds), made)
        return self.live

    def lists(self, seconds: float, *previous: Equivent) -> Equivent | None:
        """Process an answer without a current equivent, and return the live one."""
        return self.names(seconds, None, *previous)

    def fails(self, seconds: float) -> Equivent | None:
        """Process a failed attempt, and return the live equivent."""
        self.tracker.fail(at(seconds))
        return self.live

    def push(self, edge_type: EdgeType, seconds: float) -> Equivent | None:
        """Process a webhook call, and return the live equivent."""
        self.tracker.push(edge_type, at(seconds))
        return self.live

    def tick(self, seconds: float) -> Equivent | None:
        """Process the passing of time, and return the live equivent."""
        self.tracker.tick(at(seconds))
        return self.live

    def rehearse(self, end: float, seconds: float) -> None:
        """Start a rehearsal."""
        self.tracker.rehearse(at(end), at(seconds))

    def awaits(self, seconds: float) -> bool:
        """Return True if another answer is awaited."""
        return self.tracker.awaiting(at(seconds))

    def boundary(self, seconds: float) -> float | None:
        """Return the next time at which the clock may change something."""
        boundary = self.tracker.boundary(at(seconds))
        return (boundary - T0).total_seconds() if boundary else None

    @property
    def edges(self) -> list[tuple[EdgeType, Source]]:
        """Return the edges since the last call."""
        return [(edge.type, edge.source) for edge in self.tracker.take_edges()]

    @property
    def changes(self) -> list[tuple[EdgeType, Equivent, Source]]:
        """Return the edges since the last call, with their times."""
        return [(edge.type, edge.equivent, edge.source) for edge in self.tracker.take_edges()]

    @property
    def net(self) -> list[tuple[EdgeType, Source]]:
        """Return the net edges to announce since the last call."""
        return [(edge.type, edge.source) for edge in net_edges(self.tracker.take_edges())]


def started(equivent: Equivent = LIVE) -> Tracked:
    """Return a tracker with a live equivent."""
    tracked = Tracked()
    assert tracked.names(1, equivent) == equivent
    assert tracked.edges == [(STARTED, API)]
    return tracked


def pushed(seconds: float = 0) -> Tracked:
    """Return a tracker with a push that the API does not name."""
    tracked = Tracked()
    tracked.lists(seconds - 1)
    assert tracked.push(STARTED, seconds)
    assert tracked.edges == [(STARTED, WEBHOOK)]
    return tracked


class TestNamed:
    """Rule 1: which equivent an answer names."""

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_current(self, equivent: Equivent) -> None:
        """The current one is live."""
        tracked = Tracked()
        tracked.lists(-60)
        assert tracked.known == Snapshot()
        tracked.names(1, equivent)
        assert tracked.known == Snapshot(live=equivent)
        assert tracked.changes == [(STARTED, equivent, API)]
        assert tracked.changes == []

    def test_newest_without_an_end(self) -> None:
        """The newest listed one without an end is live, as in the log of 2022."""
        tracked = Tracked()
        assert tracked.lists(1, OPEN, span(-3 * HOUR, -2 * HOUR)) == OPEN

    def test_newest_with_an_end_ahead(self) -> None:
        """The newest listed one with an end ahead is live once it has begun."""
        tracked = Tracked()
        assert not tracked.lists(-1, LIVE)
        assert tracked.lists(0, LIVE) == LIVE
        assert tracked.known.past == ()

    def test_only_the_newest_listed_one(self) -> None:
        """An older one without an end, or with one ahead, is not live."""
        tracked = Tracked()
        assert not tracked.lists(HOUR / 2, span(10 * MINUTE, 20 * MINUTE), LIVE)

    def test_live_is_not_past(self) -> None:
        """A live one that is listed as finished too is not the last one."""
        listed = span(-100, HOUR - 100)
        tracked = Tracked()
        tracked.names(MINUTE, LIVE, listed)
        assert tracked.known == Snapshot(live=LIVE)
        tracked.lists(HOUR, listed)
        assert tracked.known.last == listed

    def test_listed_as_over_and_named(self) -> None:
        """A current one that is listed as over is live."""
        tracked = started()
        assert tracked.names(20 * MINUTE, LIVE, span(0, 20 * MINUTE)) == LIVE
        assert tracked.known.finished == ()

    @pytest.mark.parametrize("by", [-8 * MINUTE, 8 * MINUTE])
    def test_times_change_silently(self, by: float) -> None:
        """The times of an equivent may change without an edge, and its start may even be ahead."""
        tracked = started()
        for step in range(1, 5):
            moved = span(step * by, HOUR + step * by)
            assert tracked.names(10 * MINUTE, moved) == moved
        assert tracked.edges == []

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_long_past_at_first_sight(self, equivent: Equivent) -> None:
        """An equivent first seen after its bound never starts."""
        tracked = Tracked()
        assert not tracked.names(MAX_OPEN.total_seconds(), equivent)

    def test_overrun_at_first_sight(self) -> None:
        """An equivent past its end does not start, and a live one stays live."""
        assert not Tracked().names(HOUR, LIVE)
        assert started().names(HOUR, LIVE) == LIVE


class TestAnnounced:
    """Rule 1: an announced start."""

    def test_starts_by_the_clock(self) -> None:
        """An announced one becomes live at its start."""
        tracked = Tracked()
        tracked.names(-MINUTE, LIVE)
        assert tracked.known == Snapshot(upcoming=LIVE)
        assert tracked.boundary(-MINUTE) == 0
        assert not tracked.tick(-1)
        tracked.tick(0)
        assert tracked.known == Snapshot(live=LIVE)
        assert tracked.changes == [(STARTED, LIVE, CLOCK)]

    def test_by_the_time_of_the_answer(self) -> None:
        """An answer is judged by its own time, with a system clock 100 s slow."""
        tracked = Tracked()
        assert not tracked.names(-101, LIVE, date=100)
        assert tracked.names(-100, LIVE, date=100) == LIVE
        assert tracked.lists(HOUR - 100, LIVE)
        assert not tracked.names(HOUR - 99, None, LIVE, date=100)

    def test_without_a_date(self) -> None:
        """An answer without a date gets a tolerance of two minutes."""
        tracked = Tracked()
        assert not tracked.names(-121, LIVE, date=None)
        assert tracked.names(-120, LIVE, date=None) == LIVE

    def test_called_off(self) -> None:
        """An announcement that is withdrawn does not start."""
        tracked = Tracked()
        tracked.names(-MINUTE, LIVE)
        tracked.lists(-1)
        assert not tracked.tick(0)

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_slept_through(self, equivent: Equivent) -> None:
        """An announced one does not start after its bound."""
        tracked = Tracked()
        tracked.names(-MINUTE, equivent)
        assert not tracked.tick(MAX_OPEN.total_seconds())
        assert tracked.edges == []

    def test_while_another_is_live(self) -> None:
        """An announced one starts once the live one is over."""
        tracked = started(OPEN)
        soon, over = span(30 * MINUTE, 90 * MINUTE), span(0, 20 * MINUTE)
        tracked.names(21 * MINUTE, soon, over)
        tracked.names(22 * MINUTE, soon, over)
        assert tracked.edges == [(ENDED, API)]
        tracked.tick(30 * MINUTE)
        assert tracked.edges == [(STARTED, CLOCK)]

    def test_called_for_a_little_early(self) -> None:
        """A push is confirmed by an announced one that starts a moment later."""
        tracked = pushed(-20)
        assert tracked.names(-10, LIVE) == LIVE
        assert tracked.edges == []


class TestEnds:
    """Rule 2: the end of a confirmed equivent."""

    @pytest.mark.parametrize("seconds", [HOUR, HOUR + 5])
    def test_listed(self, seconds: float) -> None:
        """One answer is enough after the planned end."""
        tracked = started()
        assert not tracked.lists(seconds, LIVE)
        assert tracked.changes == [(ENDED, LIVE, API)]
        assert tracked.known == Snapshot(past=(LIVE,), over=Over(LIVE, at(seconds)))

    def test_not_named_after_its_planned_end(self) -> None:
        """The answer does not have to list it."""
        tracked = started()
        assert tracked.lists(HOUR - 1)
        assert not tracked.lists(HOUR)
        assert tracked.changes == [(ENDED, LIVE, API)]
        assert tracked.known.finished == (LIVE,)
        listed = span(-1, HOUR + 3)
        tracked.lists(HOUR + 60, listed)
        assert tracked.known.finished == (listed,)

    @pytest.mark.parametrize(("seconds", "is_over"), [(HOUR - 121, False), (HOUR - 120, True)])
    def test_listed_shortly_before_its_planned_end(self, seconds: float, is_over: bool) -> None:
        """One answer that lists it is enough from two minutes before the planned end."""
        tracked = started()
        assert (tracked.lists(seconds, span(0, seconds - 5)) is None) is is_over

    def test_listed_once_and_named_again(self) -> None:
        """One answer that lists it as over five seconds ago does not end it."""
        tracked = started()
        assert tracked.lists(20 * MINUTE, span(0, 20 * MINUTE - 5))
        for seconds in range(20 * MINUTE + 10, 59 * MINUTE, 30):
            assert tracked.names(seconds, LIVE)
        assert tracked.edges == []

    @pytest.mark.parametrize("previous", [(), (span(0, 20 * MINUTE - 5),)])
    def test_two_answers(self, previous: tuple[Equivent, ...]) -> None:
        """Two answers ten seconds apart end it, listed or not."""
        tracked = started(OPEN)
        assert tracked.lists(20 * MINUTE, *previous)
        assert tracked.awaits(20 * MINUTE)
        assert tracked.lists(20 * MINUTE + 9, *previous)
        assert not tracked.lists(20 * MINUTE + 10, *previous)
        over = previous[0] if previous else span(0, 20 * MINUTE + 10)
        assert tracked.changes == [(ENDED, over, API)]
        assert tracked.known.finished == (over,)

    def test_named_in_between(self) -> None:
        """An answer that names it between the two resets the count."""
        tracked = started()
        for minute in range(5, 50):
            assert tracked.lists(minute * MINUTE)
            assert tracked.names(minute * MINUTE + 10, LIVE)
            assert not tracked.awaits(minute * MINUTE + 10)
        assert tracked.edges == []

    def test_listed_with_its_planned_end_ahead(self) -> None:
        """A listed end ahead does not end it without a current one.

        A public report has the live one among the past ones.
        """
        tracked = started()
        assert tracked.names(20 * MINUTE, LIVE, LIVE)
        assert tracked.lists(21 * MINUTE, LIVE)
        assert not tracked.awaits(21 * MINUTE)
        assert tracked.names(22 * MINUTE, LIVE, LIVE)
        assert tracked.edges == []

    def test_legacy_shape(self) -> None:
        """One answer of the legacy shape that lists it as over does not end it."""
        tracked = Tracked()
        tracked.lists(1, OPEN)
        assert tracked.lists(20 * MINUTE, span(0, 20 * MINUTE - 5))
        for seconds in range(20 * MINUTE + 10, 59 * MINUTE, 30):
            assert tracked.lists(seconds, OPEN)
        assert tracked.edges == [(STARTED, API)]

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_servers_lag(self, equivent: Equivent) -> None:
        """An answer that neither names nor lists it is ignored in its first two minutes."""
        tracked = started(equivent)
        for seconds in range(2, 120, 8):
            assert tracked.lists(seconds) == equivent
        assert not tracked.awaits(119)
        assert tracked.lists(120) == equivent
        assert not tracked.lists(130)

    def test_called_within_the_first_two_minutes(self) -> None:
        """Such an answer counts after an `ended` call."""
        tracked = started()
        assert tracked.push(ENDED, 60)
        assert not tracked.lists(61)

    def test_replaced(self) -> None:
        """The next one starts as an answer lists the first as over."""
        tracked = started()
        assert tracked.names(3 * HOUR, OTHER, LIVE) == OTHER
        assert tracked.edges == [(ENDED, API), (STARTED, API)]
        assert tracked.known.finished == (LIVE,)

    def test_replaced_early(self) -> None:
        """The next one needs two answers without another sign of the end."""
        tracked, other = started(OPEN), span(30 * MINUTE, None)
        assert tracked.names(31 * MINUTE, other) == OPEN
        assert tracked.names(31 * MINUTE + 10, other) == other
        assert tracked.edges == [(ENDED, API), (STARTED, API)]

    def test_soon_after_a_short_one(self) -> None:
        """An equivent minutes after a short one has edges of its own."""
        short, soon = span(0, 3 * MINUTE), span(4 * MINUTE, None)
        tracked = started(short)
        assert not tracked.lists(3 * MINUTE, short)
        assert tracked.names(5 * MINUTE, soon, short) == soon
        assert tracked.edges == [(ENDED, API), (STARTED, API)]
        assert tracked.known.finished == (short,)


class TestWithoutAnswers:
    """Rule 2: the end without answers, or with answers that never stop naming it."""

    def test_planned_end(self) -> None:
        """The clock ends it at its planned end, to the second."""
        tracked = started()
        tracked.fails(HOUR / 2)
        assert tracked.boundary(HOUR / 2) == HOUR
        assert tracked.tick(HOUR - 1)
        assert not tracked.tick(HOUR)
        assert tracked.changes == [(ENDED, LIVE, CLOCK)]
        assert tracked.known.finished == (LIVE,)

    def test_asked_at_the_planned_end(self) -> None:
        """The API is asked at the planned end; the clock decides if that fails."""
        tracked = started()
        assert tracked.tick(HOUR)
        assert not tracked.fails(HOUR + 1)
        assert tracked.changes == [(ENDED, LIVE, CLOCK)]

    def test_overrun(self) -> None:
        """An overrun lasts fifteen minutes and happens once."""
        tracked, bound = started(), HOUR + OVERRUN.total_seconds()
        for seconds in range(HOUR, int(bound), 60):
            assert tracked.tick(seconds)
            assert tracked.names(seconds, LIVE)
        assert tracked.boundary(HOUR) == bound
        assert not tracked.tick(bound)
        assert tracked.edges == [(ENDED, CLOCK)]
        for seconds in range(int(bound), 2 * HOUR, 60):
            assert not tracked.names(seconds, LIVE)

    def test_open_for_six_hours(self) -> None:
        """An equivent without an end lasts six hours at most, and its end is unknown."""
        tracked, bound = started(OPEN), MAX_OPEN.total_seconds()
        assert tracked.names(bound - 1, OPEN)
        assert tracked.boundary(1) == bound
        assert not tracked.tick(bound)
        assert tracked.changes == [(ENDED, span(0, bound), CLOCK)]
        assert not tracked.names(bound + 1, OPEN)
        assert tracked.known.finished == ()

    def test_an_error_is_no_news(self) -> None:
        """Errors neither start nor end anything."""
        idle, live = Tracked(), started(OPEN)
        for minute in range(300):
            assert not idle.fails(minute * MINUTE)
            assert live.fails(minute * MINUTE) == OPEN
        assert idle.edges == live.edges == []

    @given(st.lists(st.booleans(), max_size=30))
    def test_lost_answers_change_nothing(self, answered: list[bool]) -> None:
        """Lost answers neither end it nor start it twice."""
        tracked = started()
        for minute, arrives in enumerate(answered, start=1):
            assert (
                tracked.names(minute * MINUTE, LIVE) if arrives else tracked.fails(minute * MINUTE)
            )
        assert tracked.edges == []


class TestStartedCall:
    """Rule 3: a `started` call."""

    def test_at_once(self) -> None:
        """The equivent is live from the second of the call."""
        tracked = Tracked()
        tracked.push(STARTED, 0.7)
        assert tracked.known == Snapshot(live=OPEN, pushed_at=at(0.7))
        assert tracked.awaits(1)
        assert tracked.changes == [(STARTED, OPEN, WEBHOOK)]

    @pytest.mark.parametrize("real", [span(-40, HOUR), span(-HOUR / 2), span(-HOUR / 2, None)])
    def test_confirmed_silently(self, real: Equivent) -> None:
        """Any live one of the API confirms it, and its times replace those of the call."""
        tracked = pushed()
        assert tracked.lists(1) == OPEN
        assert tracked.names(10, real) == real
        assert not tracked.awaits(10)
        assert tracked.tick(PUSH_GRACE.total_seconds())
        assert tracked.names(PUSH_GRACE.total_seconds(), real)
        assert tracked.edges == []

    def test_not_named_by_an_answer(self) -> None:
        """An answer without it, five minutes after the call, ends it."""
        tracked, grace = pushed(), int(PUSH_GRACE.total_seconds())
        for seconds in range(1, grace, 7):
            assert tracked.lists(seconds)
            assert tracked.tick(seconds)
        assert tracked.tick(grace)
        assert tracked.awaits(grace)
        assert not tracked.lists(grace)
        assert tracked.changes == [(ENDED, span(0, grace), API)]
        assert tracked.known.finished == ()

    @pytest.mark.parametrize("outage", [6 * MINUTE, 59 * MINUTE])
    def test_while_the_api_cannot_be_asked(self, outage: int) -> None:
        """The equivent stays live in an outage, until an answer comes."""
        tracked = pushed()
        for seconds in range(1, outage, 30):
            assert tracked.fails(seconds)
        assert tracked.names(outage, LIVE) == LIVE
        assert tracked.edges == []

    def test_while_the_api_cannot_be_asked_for_an_hour(self) -> None:
        """The equivent stays live for an hour at most."""
        tracked, bound = pushed(), int(PUSH_BOUND.total_seconds())
        for seconds in range(1, bound, 30):
            assert tracked.fails(seconds)
        assert tracked.boundary(MINUTE) == bound
        assert not tracked.tick(bound)
        assert tracked.changes == [(ENDED, span(0, bound), CLOCK)]
        assert tracked.known.finished == ()

    def test_listed_as_over(self) -> None:
        """Two answers that list it as over end it, at any time."""
        tracked, listed = pushed(), span(-1, MINUTE)
        assert tracked.lists(2 * MINUTE, listed)
        assert not tracked.lists(2 * MINUTE + 10, listed)
        assert tracked.changes == [(ENDED, listed, API)]

    def test_repeated(self) -> None:
        """A second call changes nothing."""
        tracked = pushed()
        assert tracked.push(STARTED, 4 * MINUTE) == OPEN
        assert not tracked.lists(5 * MINUTE)
        assert tracked.edges == [(ENDED, API)]

    def test_demo(self) -> None:
        """The app's demo calls start and end it, and it is not remembered."""
        tracked = pushed()
        tracked.lists(1)
        assert not tracked.push(ENDED, MINUTE)
        assert tracked.changes == [(ENDED, span(0, MINUTE), WEBHOOK)]
        assert not tracked.lists(2 * MINUTE)
        assert tracked.known.finished == ()
        assert tracked.edges == []


class TestEndedCall:
    """Rule 3: an `ended` call."""

    def test_stray(self) -> None:
        """A stray call in the middle of a named equivent does not end it."""
        tracked = started()
        assert tracked.push(ENDED, 20 * MINUTE)
        for seconds in range(20 * MINUTE + 1, 59 * MINUTE, 10):
            assert tracked.names(seconds, LIVE)
            assert tracked.awaits(seconds) is (seconds <= 22 * MINUTE)
        assert tracked.edges == []

    def test_borne_out(self) -> None:
        """The next answer without it ends it, within two minutes."""
        tracked = started()
        assert tracked.push(ENDED, 20 * MINUTE)
        assert tracked.names(20 * MINUTE + 1, LIVE)
        assert not tracked.lists(22 * MINUTE, span(0, 20 * MINUTE))
        assert tracked.changes == [(ENDED, span(0, 20 * MINUTE), API)]

    def test_forgotten(self) -> None:
        """The call is forgotten after two minutes."""
        tracked = started()
        tracked.push(ENDED, 20 * MINUTE)
        assert tracked.lists(22 * MINUTE + 1)

    @pytest.mark.parametrize(("seconds", "is_over"), [(HOUR - 121, False), (HOUR - 120, True)])
    def test_near_the_planned_end(self, seconds: float, is_over: bool) -> None:
        """The equivent ends at once from two minutes before the planned end."""
        tracked = started()
        assert (tracked.push(ENDED, seconds) is None) is is_over
        assert (tracked.changes == [(ENDED, span(0, seconds), WEBHOOK)]) is is_over

    def test_after_a_failed_attempt(self) -> None:
        """The equivent ends at once if the last attempt had failed."""
        tracked = started()
        tracked.fails(20 * MINUTE)
        assert not tracked.push(ENDED, 21 * MINUTE)
        assert tracked.edges == [(ENDED, WEBHOOK)]
        assert tracked.known.finished == (span(0, 21 * MINUTE),)

    def test_in_the_second_of_its_start(self) -> None:
        """An equivent that ends in the second of its start is remembered as the same."""
        tracked = Tracked()
        tracked.push(STARTED, 0)
        tracked.push(ENDED, 0)
        assert not tracked.names(1, OPEN)
        assert tracked.edges == [(STARTED, WEBHOOK), (ENDED, WEBHOOK)]

    def test_while_idle(self) -> None:
        """The call changes nothing while none is live."""
        tracked = Tracked()
        assert not tracked.push(ENDED, 0)
        assert tracked.edges == []


class TestBackToBack:
    """Rule 3: equivents back to back, with calls and answers that overtake each other."""

    NEXT = span(HOUR + 2, 2 * HOUR)
    STEPS = ((ENDED, API), (STARTED, API))

    @pytest.mark.parametrize("seconds", [HOUR + 15, HOUR + 130])
    def test_late_call(self, seconds: float) -> None:
        """An `ended` call after the answer does not end the next one."""
        tracked = started()
        tracked.names(HOUR + 10, self.NEXT, LIVE)
        tracked.push(ENDED, seconds)
        tracked.push(ENDED, seconds)
        for later in range(int(seconds), 2 * HOUR, 10):
            assert tracked.names(later, self.NEXT, LIVE) == self.NEXT
        assert tracked.edges == [*self.STEPS]

    def test_late_call_after_the_one_for_the_next_start(self) -> None:
        """An `ended` call after `started` belongs to the one before."""
        tracked = started()
        tracked.lists(HOUR + 2, LIVE)
        tracked.push(STARTED, HOUR + 9)
        assert tracked.push(ENDED, HOUR + 10)
        assert tracked.names(HOUR + 12, self.NEXT, LIVE) == self.NEXT
        assert tracked.edges == [(ENDED, API), (STARTED, WEBHOOK)]

    def test_answer_that_lags(self) -> None:
        """An answer that names the ended one confirms nothing."""
        tracked = started()
        tracked.push(ENDED, HOUR + 2)
        tracked.push(STARTED, HOUR + 3)
        tracked.names(HOUR + 4, LIVE)
        assert tracked.known.pushed_at
        assert tracked.names(HOUR + 14, self.NEXT, LIVE) == self.NEXT
        assert not tracked.known.pushed_at
        assert tracked.edges == [(ENDED, WEBHOOK), (STARTED, WEBHOOK)]

    def test_called_again_and_named_after_an_outage(self) -> None:
        """Answers that go on naming it confirm the second call, though an end came between."""
        played = started(OPEN)
        played.fails(20 * MINUTE)
        played.push(ENDED, 20 * MINUTE + 1)
        played.push(STARTED, 20 * MINUTE + 2)
        for late in (400, 410, 510):
            assert played.names(20 * MINUTE + late, OPEN)
            assert played.known.pushed_at
        assert played.names(20 * MINUTE + 521, OPEN) == OPEN
        assert not played.known.pushed_at
        assert played.edges == [(ENDED, WEBHOOK), (STARTED, WEBHOOK)]

    @pytest.mark.parametrize("late", [0, 60])
    def test_only_the_end_is_called(self, late: float) -> None:
        """The next one starts with the first answer that names it."""
        tracked = started()
        tracked.push(ENDED, HOUR + 5 + late)
        assert tracked.names(HOUR + 6 + late, self.NEXT, LIVE) == self.NEXT
        assert tracked.edges == [(ENDED, WEBHOOK), (STARTED, API)]

    def test_old_answers_end_nothing(self) -> None:
        """Answers that name the first one do not end the second just after its start."""
        tracked = started()
        tracked.names(HOUR + 10, self.NEXT, LIVE)
        tracked.names(HOUR + 18, LIVE)
        tracked.names(HOUR + 29, LIVE)
        assert tracked.live == self.NEXT


class TestTakenBack:
    """Rule 4: a wrong end is taken back."""

    @pytest.mark.parametrize("named", [OPEN, span(0, 2 * HOUR)])
    @pytest.mark.parametrize("how", ["listed", "clock", "call"])
    def test_named_for_two_minutes(self, named: Equivent, how: str) -> None:
        """An equivent that answers still name is live again, however it ended."""
        tracked = started()
        match how:
            case "listed":
                tracked.lists(HOUR, LIVE)
            case "clock":
                tracked.fails(HOUR)
            case "call":
                tracked.push(ENDED, HOUR)
        assert len(tracked.edges) == 1
        for seconds in range(10, 131, 10):
            assert not tracked.names(HOUR + seconds, named)
            assert tracked.awaits(HOUR + seconds)
        assert tracked.names(HOUR + 131, named) == named
        assert tracked.changes == [(STARTED, named, API)]
        assert tracked.known.over is None
        assert tracked.known.finished == ()

    def test_a_call_does_not_break_the_run(self) -> None:
        """A `started` call meanwhile is confirmed once answers have named it for two minutes."""
        played = started(OPEN)
        played.fails(20 * MINUTE)
        played.push(ENDED, 20 * MINUTE + 1)
        played.names(20 * MINUTE + 10, OPEN)
        played.push(STARTED, 21 * MINUTE)
        played.names(22 * MINUTE + 10, OPEN)
        assert played.known.pushed_at
        assert played.names(22 * MINUTE + 11, OPEN) == OPEN
        assert not played.known.pushed_at

    def test_errors_do_not_break_the_run(self) -> None:
        """Errors in between are ignored."""
        tracked = started(OPEN)
        tracked.lists(HOUR)
        tracked.lists(HOUR + 10)
        tracked.names(HOUR + 20, OPEN)
        tracked.fails(HOUR + 60)
        assert tracked.names(HOUR + 141, OPEN)

    def test_an_answer_that_does_not_name_it_does(self) -> None:
        """An answer without it in between starts the two minutes again."""
        tracked = started(OPEN)
        tracked.lists(HOUR)
        tracked.lists(HOUR + 10)
        tracked.names(HOUR + 20, OPEN)
        tracked.lists(HOUR + 100)
        assert not tracked.names(HOUR + 141, OPEN)
        assert not tracked.names(HOUR + 261, OPEN)
        assert tracked.names(HOUR + 262, OPEN)

    def test_not_past_its_end(self) -> None:
        """An equivent past its planned end does not become live again."""
        tracked = started()
        tracked.fails(HOUR)
        for seconds in range(HOUR + 10, HOUR + 15 * MINUTE, 10):
            assert not tracked.names(seconds, LIVE)

    def test_push_that_was_right(self) -> None:
        """An expired push is live again once the API has named it for two minutes."""
        tracked = pushed()
        tracked.lists(5 * MINUTE)
        assert not tracked.names(6 * MINUTE, LIVE)
        assert tracked.names(8 * MINUTE + 1, LIVE)

    def test_called_back(self) -> None:
        """Calls for the end and the start are confirmed after two minutes."""
        tracked = started()
        tracked.fails(20 * MINUTE)
        tracked.push(ENDED, 21 * MINUTE)
        tracked.push(STARTED, 21 * MINUTE + 10)
        assert tracked.names(22 * MINUTE, LIVE) != LIVE
        assert tracked.names(24 * MINUTE + 1, LIVE) == LIVE
        assert tracked.lists(30 * MINUTE) == LIVE
        for seconds in range(30 * MINUTE + 10, 50 * MINUTE, 10):
            assert tracked.names(seconds, LIVE) == LIVE


class TestRestart:
    """Rules 5 and 6: the restored state."""

    def test_the_clock_decides_nothing_before_the_first_answer(self) -> None:
        """The clock, which may be hours ahead, ends nothing before the first answer."""
        tracked = Tracked(Snapshot(live=LIVE))
        assert tracked.tick(2 * HOUR) == LIVE
        tracked.tracker.shift(-2 * HOUR * SECOND)
        assert tracked.names(MINUTE, LIVE) == LIVE
        assert tracked.edges == []

    def test_the_clock_decides_after_a_failure(self) -> None:
        """Planned times count once an attempt has failed."""
        tracked = Tracked(Snapshot(live=LIVE))
        assert tracked.fails(HOUR - 1)
        assert not tracked.tick(HOUR)
        assert tracked.net == [(ENDED, CLOCK)]

    def test_began_and_ended_unseen(self) -> None:
        """A missed equivent has no edges."""
        tracked = Tracked()
        tracked.names(0, LIVE)
        tracked.lists(HOUR, LIVE)
        assert tracked.net == []

    def test_only_the_missing_ones(self) -> None:
        """The announced one is over and another live: two edges."""
        tracked = Tracked(Snapshot(live=LIVE))
        tracked.names(3 * HOUR, OTHER, LIVE)
        assert tracked.net == [(ENDED, API), (STARTED, API)]

    def test_announced_one_goes_on(self) -> None:
        """The announced one is still live: no edge."""
        tracked = Tracked(Snapshot(live=LIVE))
        tracked.names(HOUR / 2, LIVE)
        assert tracked.net == []

    def test_ended_and_taken_back(self) -> None:
        """An end was taken back before it was announced: no edge."""
        tracked = Tracked(Snapshot(live=LIVE))
        tracked.fails(MINUTE)
        tracked.push(ENDED, 10 * MINUTE)
        for seconds in range(10 * MINUTE, 13 * MINUTE, 10):
            tracked.names(seconds, LIVE)
        assert tracked.live == LIVE
        assert tracked.net == []

    def test_rehearsal_that_is_over(self) -> None:
        """An announced rehearsal ends before an equivent starts."""
        tracked = Tracked(Snapshot(live=span(-HOUR, -HOUR / 2), rehearsal=True))
        tracked.names(1, LIVE)
        assert tracked.edges == [(ENDED, SIMULATION), (STARTED, API)]

    def test_push_of_more_than_an_hour_ago(self) -> None:
        """An announced push ends after an hour, unless the first answer names the same one."""
        tracked = Tracked(Snapshot(live=span(-2 * HOUR, None), pushed_at=at(-2 * HOUR)))
        tracked.names(1, LIVE)
        assert tracked.edges == [(ENDED, CLOCK), (STARTED, API)]
        tracked = Tracked(Snapshot(live=OPEN, pushed_at=T0))
        assert tracked.names(HOUR + 1, span(60, 2 * HOUR)) == span(60, 2 * HOUR)
        assert tracked.edges == []


class TestShift:
    """Rule 8: stored times follow a corrected clock."""

    @pytest.mark.parametrize("by", [-5 * HOUR, -1, 1, 5 * HOUR])
    def test_push(self, by: float) -> None:
        """A push keeps its age."""
        tracked = pushed()
        tracked.tracker.shift(by * SECOND)
        assert tracked.live == span(by, None)
        assert tracked.lists(by + 5 * MINUTE - 1)
        assert not tracked.lists(by + 5 * MINUTE)

    def test_end(self) -> None:
        """Ends and pending calls keep their age."""
        tracked = started()
        tracked.lists(HOUR, LIVE)
        tracked.tracker.shift(5 * HOUR * SECOND)
        assert tracked.awaits(6 * HOUR + 120)
        assert not tracked.awaits(6 * HOUR + 121)
        tracked = started()
        tracked.push(ENDED, 20 * MINUTE)
        tracked.tracker.shift(-HOUR * SECOND)
        assert not tracked.lists(22 * MINUTE - HOUR)

    def test_answers(self) -> None:
        """Answers for and against a live equivent keep their distance."""
        tracked = started()
        tracked.lists(10 * MINUTE)
        tracked.tracker.shift(-5 * MINUTE * SECOND)
        assert tracked.lists(5 * MINUTE + 9)
        assert not tracked.lists(5 * MINUTE + 10)
        tracked.names(6 * MINUTE, LIVE)
        tracked.tracker.shift(5 * MINUTE * SECOND)
        assert not tracked.names(13 * MINUTE, LIVE)
        assert tracked.names(13 * MINUTE + 1, LIVE)

    def test_restored(self) -> None:
        """Times before a restart are times of a right clock."""
        known = Snapshot(live=OPEN, pushed_at=T0, over=Over(span(-HOUR, -1), T0))
        tracked = Tracked(known)
        tracked.tracker.shift(-5 * HOUR * SECOND)
        assert tracked.known == known
        rehearsal = Tracked(Snapshot(live=LIVE, rehearsal=True))
        rehearsal.tracker.shift(-HOUR * SECOND)
        assert rehearsal.live == LIVE

    def test_restored_and_answered(self) -> None:
        """Times before a restart are shifted, too, once an answer has set the clock."""
        tracked = Tracked(Snapshot(live=OPEN, pushed_at=T0))
        assert tracked.lists(10)
        tracked.tracker.shift(200 * SECOND)
        assert tracked.lists(200 + 5 * MINUTE - 1)
        assert not tracked.lists(200 + 5 * MINUTE)

    def test_restored_from_the_future(self) -> None:
        """A push from the future counts as new."""
        tracked = Tracked(Snapshot(live=OPEN, pushed_at=T0))
        assert tracked.fails(-5 * HOUR)
        assert tracked.lists(-5 * HOUR + 5 * MINUTE - 1)
        assert not tracked.lists(-5 * HOUR + 5 * MINUTE)

    @pytest.mark.parametrize("by", [-3, 3])
    def test_drift(self, by: int) -> None:
        """Microseconds between two clocks change nothing."""
        tracked = Tracked()
        tracked.rehearse(HOUR, 0)
        known = tracked.known
        tracked.tracker.shift(timedelta(microseconds=by))
        assert tracked.known == known


class TestRehearsal:
    """A rehearsal."""

    def test_from_second_to_second(self) -> None:
        """A rehearsal lasts to the second, and awaits no answer."""
        tracked = Tracked()
        tracked.lists(-1)
        tracked.rehearse(0.7 + MINUTE, 0.7)
        assert tracked.known == Snapshot(live=span(0, MINUTE), rehearsal=True)
        assert tracked.boundary(1) == MINUTE
        assert not tracked.awaits(1)
        assert tracked.lists(30)
        assert not tracked.tick(MINUTE)
        assert tracked.edges == [(STARTED, SIMULATION), (ENDED, SIMULATION)]

    def test_moved(self) -> None:
        """Another rehearsal moves its end silently."""
        tracked = Tracked()
        tracked.rehearse(HOUR, 0)
        tracked.rehearse(MINUTE, 10)
        assert tracked.live == span(0, MINUTE)
        assert tracked.edges == [(STARTED, SIMULATION)]

    def test_never_over_a_real_one(self) -> None:
        """A rehearsal does not replace a live equivent."""
        tracked = started()
        tracked.rehearse(2 * HOUR, MINUTE)
        assert tracked.known == Snapshot(live=LIVE)
        assert tracked.edges == []

    @pytest.mark.parametrize("how", ["named", "announced", "call"])
    def test_replaced(self, how: str) -> None:
        """An equivent replaces it silently."""
        tracked = Tracked()
        tracked.names(-MINUTE, LIVE if how == "announced" else None)
        tracked.rehearse(MINUTE, -MINUTE)
        match how:
            case "named":
                tracked.names(0, LIVE)
            case "announced":
                tracked.tick(0)
            case "call":
                tracked.push(STARTED, 0)
        assert tracked.edges == [(STARTED, SIMULATION)]
        assert not tracked.known.rehearsal
        assert tracked.live
        assert tracked.live.start == T0

    def test_leaves_nothing(self) -> None:
        """A rehearsal is not part of the history, and past equivents stay over."""
        tracked = started()
        tracked.lists(HOUR, LIVE)
        over = tracked.known.over
        tracked.rehearse(HOUR + 2 * MINUTE, HOUR + MINUTE)
        tracked.fails(HOUR + 90)
        assert tracked.known.rehearsal
        tracked.tick(HOUR + 2 * MINUTE)
        assert tracked.known == Snapshot(past=(LIVE,), over=over)
        assert not tracked.names(HOUR + 3 * MINUTE, LIVE)


class RandomProvider(RuleBasedStateMachine):
    """A random provider, and the tracker that follows it."""

    def __init__(self) -> None:
        """Start without an equivent."""
        super().__init__()
        self.now = T0
        self.tracker = Tracker()
        self.plain = Tracker()
        """Tracker without the rehearsals."""
        self.announced = False
        self.live: Equivent | None = None
        self.past: list[Equivent] = []

    @initialize()
    def quiet(self) -> None:
        """Start with an empty answer."""
        self.observe(Answer())

    def observe(self, answer: Answer) -> None:
        """Process an answer."""
        for tracker in (self.tracker, self.plain):
            tracker.observe(answer, self.now, self.now)

    @rule(seconds=st.integers(1, 7200))
    def wait(self, seconds: int) -> None:
        """Turn the clock, with the timers of the tracker."""
        end = self.now + seconds * SECOND
        while (boundary := self.tracker.boundary(self.now)) and boundary <= end:
            self.now = boundary
            self.tracker.tick(self.now)
            self.plain.tick(self.now)
            self.check_edges()
        self.now = end

    @rule(planned=st.booleans(), minutes=st.integers(1, 120))
    def begin(self, planned: bool, minutes: int) -> None:
        """Start an equivent."""
        if self.live is None and (not self.past or self.now - self.past[-1].start > HOUR * SECOND):
            end = self.now + minutes * MINUTE * SECOND if planned else None
            self.live = Equivent(self.now.replace(microsecond=0), end)

    @rule()
    def finish(self) -> None:
        """End the equivent."""
        if self.live and self.live.start < self.now:
            self.past.append(Equivent(self.live.start, self.now))
            self.live = None

    @rule()
    def answer(self) -> None:
        """Return a true answer."""
        self.observe(Answer(self.live, tuple(reversed(self.past))))

    @rule()
    def drop(self) -> None:
        """Return one answer without the live equivent."""
        self.observe(Answer(None, tuple(reversed(self.past))))

    @rule()
    def fail(self) -> None:
        """Return an error."""
        self.tracker.fail(self.now)
        self.plain.fail(self.now)

    @rule(edge_type=st.sampled_from(EdgeType))
    def push(self, edge_type: EdgeType) -> None:
        """Call the webhook, rightly or wrongly."""
        self.tracker.push(edge_type, self.now)
        self.plain.push(edge_type, self.now)

    @rule(seconds=st.integers(10, 21_600))
    def rehearse(self, seconds: int) -> None:
        """Start a rehearsal, or move its end."""
        self.tracker.rehearse(self.now + seconds * SECOND, self.now)

    @invariant()
    def check_edges(self) -> None:
        """Check that edges alternate and agree with the state."""
        for edge in self.tracker.take_edges():
            assert (edge.type is STARTED) is not self.announced
            self.announced = not self.announced
            assert edge.type is STARTED or edge.equivent.end
            assert edge.test is (edge.source is SIMULATION)
        assert self.announced is (self.tracker.snapshot.live is not None)

    @invariant()
    def check_rehearsals(self) -> None:
        """Check that a rehearsal changes nothing about real equivents."""
        known, plain = self.tracker.snapshot, self.plain.snapshot
        assert plain.live == known.real
        assert plain.over == known.over
        assert plain.finished == known.finished

    @invariant()
    def check_bounds(self) -> None:
        """Check that nothing is live past its bound."""
        known = self.tracker.snapshot
        if known.rehearsal:
            assert known.live
            assert known.live.end
            assert self.now < known.live.end
        elif known.pushed_at:
            assert self.now < known.pushed_at + PUSH_BOUND
        elif known.live and known.live.end:
            assert self.now < known.live.end + OVERRUN
        elif known.live:
            assert self.now < known.live.start + MAX_OPEN
        boundary = self.tracker.boundary(self.now)
        assert boundary is None or boundary > self.now


TestProvider = RandomProvider.TestCase
TestProvider.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
