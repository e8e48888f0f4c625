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
    played = Tracked()
    assert played.names(1, equivent) == equivent
    assert played.edges == [(STARTED, API)]
    return played


def pushed(seconds: float = 0) -> Tracked:
    """Return a tracker with a push that the API does not name."""
    played = Tracked()
    played.lists(seconds - 1)
    assert played.push(STARTED, seconds)
    assert played.edges == [(STARTED, WEBHOOK)]
    return played


class TestNamed:
    """Rule 1: which equivent an answer names."""

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_current(self, equivent: Equivent) -> None:
        """The current one is live."""
        played = Tracked()
        played.lists(-60)
        assert played.known == Snapshot()
        played.names(1, equivent)
        assert played.known == Snapshot(live=equivent)
        assert played.changes == [(STARTED, equivent, API)]
        assert played.changes == []

    def test_newest_without_an_end(self) -> None:
        """The newest listed one without an end is live, as in the log of 2022."""
        played = Tracked()
        assert played.lists(1, OPEN, span(-3 * HOUR, -2 * HOUR)) == OPEN

    def test_newest_with_an_end_ahead(self) -> None:
        """The newest listed one with an end ahead is live once it has begun."""
        played = Tracked()
        assert not played.lists(-1, LIVE)
        assert played.lists(0, LIVE) == LIVE
        assert played.known.past == ()

    def test_only_the_newest_listed_one(self) -> None:
        """An older one without an end, or with one ahead, is not live."""
        played = Tracked()
        assert not played.lists(HOUR / 2, span(10 * MINUTE, 20 * MINUTE), LIVE)

    def test_live_is_not_past(self) -> None:
        """A live one that is listed as finished too is not the last one."""
        listed = span(-100, HOUR - 100)
        played = Tracked()
        played.names(MINUTE, LIVE, listed)
        assert played.known == Snapshot(live=LIVE)
        played.lists(HOUR, listed)
        assert played.known.last == listed

    def test_listed_as_over_and_named(self) -> None:
        """A current one that is listed as over is live."""
        played = started()
        assert played.names(20 * MINUTE, LIVE, span(0, 20 * MINUTE)) == LIVE
        assert played.known.finished == ()

    @pytest.mark.parametrize("by", [-8 * MINUTE, 8 * MINUTE])
    def test_times_change_silently(self, by: float) -> None:
        """The times of an equivent may change without an edge, and its start may even be ahead."""
        played = started()
        for step in range(1, 5):
            moved = span(step * by, HOUR + step * by)
            assert played.names(10 * MINUTE, moved) == moved
        assert played.edges == []

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_long_past_at_first_sight(self, equivent: Equivent) -> None:
        """An equivent first seen after its bound never starts."""
        played = Tracked()
        assert not played.names(MAX_OPEN.total_seconds(), equivent)

    def test_overrun_at_first_sight(self) -> None:
        """An equivent past its end does not start, and a live one stays live."""
        assert not Tracked().names(HOUR, LIVE)
        assert started().names(HOUR, LIVE) == LIVE


class TestAnnounced:
    """Rule 1: an announced start."""

    def test_starts_by_the_clock(self) -> None:
        """An announced one becomes live at its start."""
        played = Tracked()
        played.names(-MINUTE, LIVE)
        assert played.known == Snapshot(upcoming=LIVE)
        assert played.boundary(-MINUTE) == 0
        assert not played.tick(-1)
        played.tick(0)
        assert played.known == Snapshot(live=LIVE)
        assert played.changes == [(STARTED, LIVE, CLOCK)]

    def test_by_the_time_of_the_answer(self) -> None:
        """An answer is judged by its own time, with a system clock 100 s slow."""
        played = Tracked()
        assert not played.names(-101, LIVE, date=100)
        assert played.names(-100, LIVE, date=100) == LIVE
        assert played.lists(HOUR - 100, LIVE)
        assert not played.names(HOUR - 99, None, LIVE, date=100)

    def test_without_a_date(self) -> None:
        """An answer without a date gets a tolerance of two minutes."""
        played = Tracked()
        assert not played.names(-121, LIVE, date=None)
        assert played.names(-120, LIVE, date=None) == LIVE

    def test_called_off(self) -> None:
        """An announcement that is withdrawn does not start."""
        played = Tracked()
        played.names(-MINUTE, LIVE)
        played.lists(-1)
        assert not played.tick(0)

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_slept_through(self, equivent: Equivent) -> None:
        """An announced one does not start after its bound."""
        played = Tracked()
        played.names(-MINUTE, equivent)
        assert not played.tick(MAX_OPEN.total_seconds())
        assert played.edges == []

    def test_while_another_is_live(self) -> None:
        """An announced one starts once the live one is over."""
        played = started(OPEN)
        soon, over = span(30 * MINUTE, 90 * MINUTE), span(0, 20 * MINUTE)
        played.names(21 * MINUTE, soon, over)
        played.names(22 * MINUTE, soon, over)
        assert played.edges == [(ENDED, API)]
        played.tick(30 * MINUTE)
        assert played.edges == [(STARTED, CLOCK)]

    def test_called_for_a_little_early(self) -> None:
        """A push is confirmed by an announced one that starts a moment later."""
        played = pushed(-20)
        assert played.names(-10, LIVE) == LIVE
        assert played.edges == []


class TestEnds:
    """Rule 2: the end of a confirmed equivent."""

    @pytest.mark.parametrize("seconds", [HOUR, HOUR + 5])
    def test_listed(self, seconds: float) -> None:
        """One answer is enough after the planned end."""
        played = started()
        assert not played.lists(seconds, LIVE)
        assert played.changes == [(ENDED, LIVE, API)]
        assert played.known == Snapshot(past=(LIVE,), over=Over(LIVE, at(seconds)))

    def test_not_named_after_its_planned_end(self) -> None:
        """The answer does not have to list it."""
        played = started()
        assert played.lists(HOUR - 1)
        assert not played.lists(HOUR)
        assert played.changes == [(ENDED, LIVE, API)]
        assert played.known.finished == (LIVE,)
        told = span(-1, HOUR + 3)
        played.lists(HOUR + 60, told)
        assert played.known.finished == (told,)

    @pytest.mark.parametrize(("seconds", "is_over"), [(HOUR - 121, False), (HOUR - 120, True)])
    def test_listed_shortly_before_its_planned_end(self, seconds: float, is_over: bool) -> None:
        """One answer that lists it is enough from two minutes before the planned end."""
        played = started()
        assert (played.lists(seconds, span(0, seconds - 5)) is None) is is_over

    def test_listed_once_and_named_again(self) -> None:
        """One answer that lists it as over five seconds ago does not end it."""
        played = started()
        assert played.lists(20 * MINUTE, span(0, 20 * MINUTE - 5))
        for seconds in range(20 * MINUTE + 10, 59 * MINUTE, 30):
            assert played.names(seconds, LIVE)
        assert played.edges == []

    @pytest.mark.parametrize("previous", [(), (span(0, 20 * MINUTE - 5),)])
    def test_two_answers(self, previous: tuple[Equivent, ...]) -> None:
        """Two answers ten seconds apart end it, listed or not."""
        played = started(OPEN)
        assert played.lists(20 * MINUTE, *previous)
        assert played.awaits(20 * MINUTE)
        assert played.lists(20 * MINUTE + 9, *previous)
        assert not played.lists(20 * MINUTE + 10, *previous)
        over = previous[0] if previous else span(0, 20 * MINUTE + 10)
        assert played.changes == [(ENDED, over, API)]
        assert played.known.finished == (over,)

    def test_named_in_between(self) -> None:
        """An answer that names it between the two resets the count."""
        played = started()
        for minute in range(5, 50):
            assert played.lists(minute * MINUTE)
            assert played.names(minute * MINUTE + 10, LIVE)
            assert not played.awaits(minute * MINUTE + 10)
        assert played.edges == []

    def test_listed_with_its_planned_end_ahead(self) -> None:
        """A listed end ahead does not end it without a current one.

        A public report has the live one among the past ones.
        """
        played = started()
        assert played.names(20 * MINUTE, LIVE, LIVE)
        assert played.lists(21 * MINUTE, LIVE)
        assert not played.awaits(21 * MINUTE)
        assert played.names(22 * MINUTE, LIVE, LIVE)
        assert played.edges == []

    def test_legacy_shape(self) -> None:
        """One answer of the legacy shape that lists it as over does not end it."""
        played = Tracked()
        played.lists(1, OPEN)
        assert played.lists(20 * MINUTE, span(0, 20 * MINUTE - 5))
        for seconds in range(20 * MINUTE + 10, 59 * MINUTE, 30):
            assert played.lists(seconds, OPEN)
        assert played.edges == [(STARTED, API)]

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_servers_lag(self, equivent: Equivent) -> None:
        """An answer that neither names nor lists it is ignored in its first two minutes."""
        played = started(equivent)
        for seconds in range(2, 120, 8):
            assert played.lists(seconds) == equivent
        assert not played.awaits(119)
        assert played.lists(120) == equivent
        assert not played.lists(130)

    def test_called_within_the_first_two_minutes(self) -> None:
        """Such an answer counts after an `ended` call."""
        played = started()
        assert played.push(ENDED, 60)
        assert not played.lists(61)

    def test_replaced(self) -> None:
        """The next one starts as an answer lists the first as over."""
        played = started()
        assert played.names(3 * HOUR, OTHER, LIVE) == OTHER
        assert played.edges == [(ENDED, API), (STARTED, API)]
        assert played.known.finished == (LIVE,)

    def test_replaced_early(self) -> None:
        """The next one needs two answers without another sign of the end."""
        played, other = started(OPEN), span(30 * MINUTE, None)
        assert played.names(31 * MINUTE, other) == OPEN
        assert played.names(31 * MINUTE + 10, other) == other
        assert played.edges == [(ENDED, API), (STARTED, API)]

    def test_soon_after_a_short_one(self) -> None:
        """An equivent minutes after a short one has edges of its own."""
        short, soon = span(0, 3 * MINUTE), span(4 * MINUTE, None)
        played = started(short)
        assert not played.lists(3 * MINUTE, short)
        assert played.names(5 * MINUTE, soon, short) == soon
        assert played.edges == [(ENDED, API), (STARTED, API)]
        assert played.known.finished == (short,)


class TestWithoutAnswers:
    """Rule 2: the end without answers, or with answers that never stop naming it."""

    def test_planned_end(self) -> None:
        """The clock ends it at its planned end, to the second."""
        played = started()
        played.fails(HOUR / 2)
        assert played.boundary(HOUR / 2) == HOUR
        assert played.tick(HOUR - 1)
        assert not played.tick(HOUR)
        assert played.changes == [(ENDED, LIVE, CLOCK)]
        assert played.known.finished == (LIVE,)

    def test_asked_at_the_planned_end(self) -> None:
        """The API is asked at the planned end; the clock decides if that fails."""
        played = started()
        assert played.tick(HOUR)
        assert not played.fails(HOUR + 1)
        assert played.changes == [(ENDED, LIVE, CLOCK)]

    def test_overrun(self) -> None:
        """An overrun lasts fifteen minutes and happens once."""
        played, bound = started(), HOUR + OVERRUN.total_seconds()
        for seconds in range(HOUR, int(bound), 60):
            assert played.tick(seconds)
            assert played.names(seconds, LIVE)
        assert played.boundary(HOUR) == bound
        assert not played.tick(bound)
        assert played.edges == [(ENDED, CLOCK)]
        for seconds in range(int(bound), 2 * HOUR, 60):
            assert not played.names(seconds, LIVE)

    def test_open_for_six_hours(self) -> None:
        """An equivent without an end lasts six hours at most, and its end is unknown."""
        played, bound = started(OPEN), MAX_OPEN.total_seconds()
        assert played.names(bound - 1, OPEN)
        assert played.boundary(1) == bound
        assert not played.tick(bound)
        assert played.changes == [(ENDED, span(0, bound), CLOCK)]
        assert not played.names(bound + 1, OPEN)
        assert played.known.finished == ()

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
        played = started()
        for minute, arrives in enumerate(answered, start=1):
            assert played.names(minute * MINUTE, LIVE) if arrives else played.fails(minute * MINUTE)
        assert played.edges == []


class TestStartedCall:
    """Rule 3: a `started` call."""

    def test_at_once(self) -> None:
        """The equivent is live from the second of the call."""
        played = Tracked()
        played.push(STARTED, 0.7)
        assert played.known == Snapshot(live=OPEN, pushed_at=at(0.7))
        assert played.awaits(1)
        assert played.changes == [(STARTED, OPEN, WEBHOOK)]

    @pytest.mark.parametrize("real", [span(-40, HOUR), span(-HOUR / 2), span(-HOUR / 2, None)])
    def test_confirmed_silently(self, real: Equivent) -> None:
        """Any live one of the API confirms it, and its times replace those of the call."""
        played = pushed()
        assert played.lists(1) == OPEN
        assert played.names(10, real) == real
        assert not played.awaits(10)
        assert played.tick(PUSH_GRACE.total_seconds())
        assert played.names(PUSH_GRACE.total_seconds(), real)
        assert played.edges == []

    def test_not_named_by_an_answer(self) -> None:
        """An answer without it, five minutes after the call, ends it."""
        played, grace = pushed(), int(PUSH_GRACE.total_seconds())
        for seconds in range(1, grace, 7):
            assert played.lists(seconds)
            assert played.tick(seconds)
        assert played.tick(grace)
        assert played.awaits(grace)
        assert not played.lists(grace)
        assert played.changes == [(ENDED, span(0, grace), API)]
        assert played.known.finished == ()

    @pytest.mark.parametrize("outage", [6 * MINUTE, 59 * MINUTE])
    def test_while_the_api_cannot_be_asked(self, outage: int) -> None:
        """The equivent stays live in an outage, until an answer comes."""
        played = pushed()
        for seconds in range(1, outage, 30):
            assert played.fails(seconds)
        assert played.names(outage, LIVE) == LIVE
        assert played.edges == []

    def test_while_the_api_cannot_be_asked_for_an_hour(self) -> None:
        """The equivent stays live for an hour at most."""
        played, bound = pushed(), int(PUSH_BOUND.total_seconds())
        for seconds in range(1, bound, 30):
            assert played.fails(seconds)
        assert played.boundary(MINUTE) == bound
        assert not played.tick(bound)
        assert played.changes == [(ENDED, span(0, bound), CLOCK)]
        assert played.known.finished == ()

    def test_listed_as_over(self) -> None:
        """Two answers that list it as over end it, at any time."""
        played, listed = pushed(), span(-1, MINUTE)
        assert played.lists(2 * MINUTE, listed)
        assert not played.lists(2 * MINUTE + 10, listed)
        assert played.changes == [(ENDED, listed, API)]

    def test_repeated(self) -> None:
        """A second call changes nothing."""
        played = pushed()
        assert played.push(STARTED, 4 * MINUTE) == OPEN
        assert not played.lists(5 * MINUTE)
        assert played.edges == [(ENDED, API)]

    def test_demo(self) -> None:
        """The app's demo calls start and end it, and it is not remembered."""
        played = pushed()
        played.lists(1)
        assert not played.push(ENDED, MINUTE)
        assert played.changes == [(ENDED, span(0, MINUTE), WEBHOOK)]
        assert not played.lists(2 * MINUTE)
        assert played.known.finished == ()
        assert played.edges == []


class TestEndedCall:
    """Rule 3: an `ended` call."""

    def test_stray(self) -> None:
        """A stray call in the middle of a named equivent does not end it."""
        played = started()
        assert played.push(ENDED, 20 * MINUTE)
        for seconds in range(20 * MINUTE + 1, 59 * MINUTE, 10):
            assert played.names(seconds, LIVE)
            assert played.awaits(seconds) is (seconds <= 22 * MINUTE)
        assert played.edges == []

    def test_borne_out(self) -> None:
        """The next answer without it ends it, within two minutes."""
        played = started()
        assert played.push(ENDED, 20 * MINUTE)
        assert played.names(20 * MINUTE + 1, LIVE)
        assert not played.lists(22 * MINUTE, span(0, 20 * MINUTE))
        assert played.changes == [(ENDED, span(0, 20 * MINUTE), API)]

    def test_forgotten(self) -> None:
        """The call is forgotten after two minutes."""
        played = started()
        played.push(ENDED, 20 * MINUTE)
        assert played.lists(22 * MINUTE + 1)

    @pytest.mark.parametrize(("seconds", "is_over"), [(HOUR - 121, False), (HOUR - 120, True)])
    def test_near_the_planned_end(self, seconds: float, is_over: bool) -> None:
        """The equivent ends at once from two minutes before the planned end."""
        played = started()
        assert (played.push(ENDED, seconds) is None) is is_over
        assert (played.changes == [(ENDED, span(0, seconds), WEBHOOK)]) is is_over

    def test_after_a_failed_attempt(self) -> None:
        """The equivent ends at once if the last attempt had failed."""
        played = started()
        played.fails(20 * MINUTE)
        assert not played.push(ENDED, 21 * MINUTE)
        assert played.edges == [(ENDED, WEBHOOK)]
        assert played.known.finished == (span(0, 21 * MINUTE),)

    def test_in_the_second_of_its_start(self) -> None:
        """An equivent that ends in the second of its start is remembered as the same."""
        played = Tracked()
        played.push(STARTED, 0)
        played.push(ENDED, 0)
        assert not played.names(1, OPEN)
        assert played.edges == [(STARTED, WEBHOOK), (ENDED, WEBHOOK)]

    def test_while_idle(self) -> None:
        """The call changes nothing while none is live."""
        played = Tracked()
        assert not played.push(ENDED, 0)
        assert played.edges == []


class TestBackToBack:
    """Rule 3: equivents back to back, with calls and answers that overtake each other."""

    NEXT = span(HOUR + 2, 2 * HOUR)
    STEPS = ((ENDED, API), (STARTED, API))

    @pytest.mark.parametrize("seconds", [HOUR + 15, HOUR + 130])
    def test_late_call(self, seconds: float) -> None:
        """An `ended` call after the answer does not end the next one."""
        played = started()
        played.names(HOUR + 10, self.NEXT, LIVE)
        played.push(ENDED, seconds)
        played.push(ENDED, seconds)
        for later in range(int(seconds), 2 * HOUR, 10):
            assert played.names(later, self.NEXT, LIVE) == self.NEXT
        assert played.edges == [*self.STEPS]

    def test_late_call_after_the_one_for_the_next_start(self) -> None:
        """An `ended` call after `started` belongs to the one before."""
        played = started()
        played.lists(HOUR + 2, LIVE)
        played.push(STARTED, HOUR + 9)
        assert played.push(ENDED, HOUR + 10)
        assert played.names(HOUR + 12, self.NEXT, LIVE) == self.NEXT
        assert played.edges == [(ENDED, API), (STARTED, WEBHOOK)]

    def test_answer_that_lags(self) -> None:
        """An answer that names the ended one confirms nothing."""
        played = started()
        played.push(ENDED, HOUR + 2)
        played.push(STARTED, HOUR + 3)
        played.names(HOUR + 4, LIVE)
        assert played.known.pushed_at
        assert played.names(HOUR + 14, self.NEXT, LIVE) == self.NEXT
        assert not played.known.pushed_at
        assert played.edges == [(ENDED, WEBHOOK), (STARTED, WEBHOOK)]

    @pytest.mark.parametrize("late", [0, 60])
    def test_only_the_end_is_called(self, late: float) -> None:
        """The next one starts with the first answer that names it."""
        played = started()
        played.push(ENDED, HOUR + 5 + late)
        assert played.names(HOUR + 6 + late, self.NEXT, LIVE) == self.NEXT
        assert played.edges == [(ENDED, WEBHOOK), (STARTED, API)]

    def test_old_answers_end_nothing(self) -> None:
        """Answers that name the first one do not end the second just after its start."""
        played = started()
        played.names(HOUR + 10, self.NEXT, LIVE)
        played.names(HOUR + 18, LIVE)
        played.names(HOUR + 29, LIVE)
        assert played.live == self.NEXT


class TestTakenBack:
    """Rule 4: a wrong end is taken back."""

    @pytest.mark.parametrize("named", [OPEN, span(0, 2 * HOUR)])
    @pytest.mark.parametrize("how", ["listed", "clock", "call"])
    def test_named_for_two_minutes(self, named: Equivent, how: str) -> None:
        """An equivent that answers still name is live again, however it ended."""
        played = started()
        match how:
            case "listed":
                played.lists(HOUR, LIVE)
            case "clock":
                played.fails(HOUR)
            case "call":
                played.push(ENDED, HOUR)
        assert len(played.edges) == 1
        for seconds in range(10, 131, 10):
            assert not played.names(HOUR + seconds, named)
            assert played.awaits(HOUR + seconds)
        assert played.names(HOUR + 131, named) == named
        assert played.changes == [(STARTED, named, API)]
        assert played.known.over is None
        assert played.known.finished == ()

    def test_errors_do_not_break_the_run(self) -> None:
        """Errors in between are ignored."""
        played = started(OPEN)
        played.lists(HOUR)
        played.lists(HOUR + 10)
        played.names(HOUR + 20, OPEN)
        played.fails(HOUR + 60)
        assert played.names(HOUR + 141, OPEN)

    def test_an_answer_that_does_not_name_it_does(self) -> None:
        """An answer without it in between starts the two minutes again."""
        played = started(OPEN)
        played.lists(HOUR)
        played.lists(HOUR + 10)
        played.names(HOUR + 20, OPEN)
        played.lists(HOUR + 100)
        assert not played.names(HOUR + 141, OPEN)
        assert not played.names(HOUR + 261, OPEN)
        assert played.names(HOUR + 262, OPEN)

    def test_not_past_its_end(self) -> None:
        """An equivent past its planned end does not become live again."""
        played = started()
        played.fails(HOUR)
        for seconds in range(HOUR + 10, HOUR + 15 * MINUTE, 10):
            assert not played.names(seconds, LIVE)

    def test_push_that_was_right(self) -> None:
        """An expired push is live again once the API has named it for two minutes."""
        played = pushed()
        played.lists(5 * MINUTE)
        assert not played.names(6 * MINUTE, LIVE)
        assert played.names(8 * MINUTE + 1, LIVE)

    def test_called_back(self) -> None:
        """Calls for the end and the start are confirmed after two minutes."""
        played = started()
        played.fails(20 * MINUTE)
        played.push(ENDED, 21 * MINUTE)
        played.push(STARTED, 21 * MINUTE + 10)
        assert played.names(22 * MINUTE, LIVE) != LIVE
        assert played.names(24 * MINUTE + 1, LIVE) == LIVE
        assert played.lists(30 * MINUTE) == LIVE
        for seconds in range(30 * MINUTE + 10, 50 * MINUTE, 10):
            assert played.names(seconds, LIVE) == LIVE


class TestRestart:
    """Rules 5 and 6: the restored state."""

    def test_the_clock_decides_nothing_before_the_first_answer(self) -> None:
        """The clock, which may be hours ahead, ends nothing before the first answer."""
        played = Tracked(Snapshot(live=LIVE))
        assert played.tick(2 * HOUR) == LIVE
        played.tracker.shift(-2 * HOUR * SECOND)
        assert played.names(MINUTE, LIVE) == LIVE
        assert played.edges == []

    def test_the_clock_decides_after_a_failure(self) -> None:
        """Planned times count once an attempt has failed."""
        played = Tracked(Snapshot(live=LIVE))
        assert played.fails(HOUR - 1)
        assert not played.tick(HOUR)
        assert played.net == [(ENDED, CLOCK)]

    def test_began_and_ended_unseen(self) -> None:
        """A missed equivent has no edges."""
        played = Tracked()
        played.names(0, LIVE)
        played.lists(HOUR, LIVE)
        assert played.net == []

    def test_only_the_missing_ones(self) -> None:
        """The announced one is over and another live: two edges."""
        played = Tracked(Snapshot(live=LIVE))
        played.names(3 * HOUR, OTHER, LIVE)
        assert played.net == [(ENDED, API), (STARTED, API)]

    def test_announced_one_goes_on(self) -> None:
        """The announced one is still live: no edge."""
        played = Tracked(Snapshot(live=LIVE))
        played.names(HOUR / 2, LIVE)
        assert played.net == []

    def test_ended_and_taken_back(self) -> None:
        """An end was taken back before it was announced: no edge."""
        played = Tracked(Snapshot(live=LIVE))
        played.fails(MINUTE)
        played.push(ENDED, 10 * MINUTE)
        for seconds in range(10 * MINUTE, 13 * MINUTE, 10):
            played.names(seconds, LIVE)
        assert played.live == LIVE
        assert played.net == []

    def test_rehearsal_that_is_over(self) -> None:
        """An announced rehearsal ends before an equivent starts."""
        played = Tracked(Snapshot(live=span(-HOUR, -HOUR / 2), rehearsal=True))
        played.names(1, LIVE)
        assert played.edges == [(ENDED, SIMULATION), (STARTED, API)]

    def test_push_of_more_than_an_hour_ago(self) -> None:
        """An announced push ends after an hour; a later one is another."""
        played = Tracked(Snapshot(live=span(-2 * HOUR, None), pushed_at=at(-2 * HOUR)))
        played.names(1, LIVE)
        assert played.edges == [(ENDED, CLOCK), (STARTED, API)]


class TestShift:
    """Rule 8: stored times follow a corrected clock."""

    @pytest.mark.parametrize("by", [-5 * HOUR, -1, 1, 5 * HOUR])
    def test_push(self, by: float) -> None:
        """A push keeps its age."""
        played = pushed()
        played.tracker.shift(by * SECOND)
        assert played.live == span(by, None)
        assert played.lists(by + 5 * MINUTE - 1)
        assert not played.lists(by + 5 * MINUTE)

    def test_end(self) -> None:
        """Ends and pending calls keep their age."""
        played = started()
        played.lists(HOUR, LIVE)
        played.tracker.shift(5 * HOUR * SECOND)
        assert played.awaits(6 * HOUR + 120)
        assert not played.awaits(6 * HOUR + 121)
        played = started()
        played.push(ENDED, 20 * MINUTE)
        played.tracker.shift(-HOUR * SECOND)
        assert not played.lists(22 * MINUTE - HOUR)

    def test_answers(self) -> None:
        """Answers for and against a live equivent keep their distance."""
        played = started()
        played.lists(10 * MINUTE)
        played.tracker.shift(-5 * MINUTE * SECOND)
        assert played.lists(5 * MINUTE + 9)
        assert not played.lists(5 * MINUTE + 10)
        played.names(6 * MINUTE, LIVE)
        played.tracker.shift(5 * MINUTE * SECOND)
        assert not played.names(13 * MINUTE, LIVE)
        assert played.names(13 * MINUTE + 1, LIVE)

    def test_restored(self) -> None:
        """Times before a restart are times of a right clock."""
        known = Snapshot(live=OPEN, pushed_at=T0, over=Over(span(-HOUR, -1), T0))
        played = Tracked(known)
        played.tracker.shift(-5 * HOUR * SECOND)
        assert played.known == known
        rehearsal = Tracked(Snapshot(live=LIVE, rehearsal=True))
        rehearsal.tracker.shift(-HOUR * SECOND)
        assert rehearsal.live == LIVE

    def test_restored_from_the_future(self) -> None:
        """A push from the future counts as new."""
        played = Tracked(Snapshot(live=OPEN, pushed_at=T0))
        assert played.fails(-5 * HOUR)
        assert played.lists(-5 * HOUR + 5 * MINUTE - 1)
        assert not played.lists(-5 * HOUR + 5 * MINUTE)

    @pytest.mark.parametrize("by", [-3, 3])
    def test_drift(self, by: int) -> None:
        """Microseconds between two clocks change nothing."""
        played = Tracked()
        played.rehearse(HOUR, 0)
        known = played.known
        played.tracker.shift(timedelta(microseconds=by))
        assert played.known == known


class TestRehearsal:
    """A rehearsal."""

    def test_from_second_to_second(self) -> None:
        """A rehearsal lasts to the second, and awaits no answer."""
        played = Tracked()
        played.lists(-1)
        played.rehearse(0.7 + MINUTE, 0.7)
        assert played.known == Snapshot(live=span(0, MINUTE), rehearsal=True)
        assert played.boundary(1) == MINUTE
        assert not played.awaits(1)
        assert played.lists(30)
        assert not played.tick(MINUTE)
        assert played.edges == [(STARTED, SIMULATION), (ENDED, SIMULATION)]

    def test_moved(self) -> None:
        """Another rehearsal moves its end silently."""
        played = Tracked()
        played.rehearse(HOUR, 0)
        played.rehearse(MINUTE, 10)
        assert played.live == span(0, MINUTE)
        assert played.edges == [(STARTED, SIMULATION)]

    def test_never_over_a_real_one(self) -> None:
        """A rehearsal does not replace a live equivent."""
        played = started()
        played.rehearse(2 * HOUR, MINUTE)
        assert played.known == Snapshot(live=LIVE)
        assert played.edges == []

    @pytest.mark.parametrize("how", ["named", "announced", "call"])
    def test_replaced(self, how: str) -> None:
        """An equivent replaces it silently."""
        played = Tracked()
        played.names(-MINUTE, LIVE if how == "announced" else None)
        played.rehearse(MINUTE, -MINUTE)
        match how:
            case "named":
                played.names(0, LIVE)
            case "announced":
                played.tick(0)
            case "call":
                played.push(STARTED, 0)
        assert played.edges == [(STARTED, SIMULATION)]
        assert not played.known.rehearsal
        assert played.live
        assert played.live.start == T0

    def test_leaves_nothing(self) -> None:
        """A rehearsal is not part of the history, and past equivents stay over."""
        played = started()
        played.lists(HOUR, LIVE)
        over = played.known.over
        played.rehearse(HOUR + 2 * MINUTE, HOUR + MINUTE)
        played.fails(HOUR + 90)
        assert played.known.rehearsal
        played.tick(HOUR + 2 * MINUTE)
        assert played.known == Snapshot(past=(LIVE,), over=over)
        assert not played.names(HOUR + 3 * MINUTE, LIVE)


class Provider(RuleBasedStateMachine):
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


TestProvider = Provider.TestCase
TestProvider.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
