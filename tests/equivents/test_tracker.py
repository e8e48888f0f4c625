"""Test what is live, by the rules. All times are seconds after the start of an equivent."""

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


class Played:
    """A tracker, and what comes to it."""

    def __init__(self, restored: Snapshot | None = None) -> None:
        """Start with what is restored."""
        self.tracker = Tracker(restored)

    @property
    def known(self) -> Snapshot:
        """Return what is known."""
        return self.tracker.snapshot

    @property
    def live(self) -> Equivent | None:
        """Return the live one."""
        return self.known.live

    def names(
        self, seconds: float, equivent: Equivent | None, *previous: Equivent, date: float | None = 0
    ) -> Equivent | None:
        """Take an answer that was made so many seconds later than now, and return what is live."""
        made = None if date is None else at(seconds + date)
        self.tracker.observe(Answer(equivent, previous), at(seconds), made)
        return self.live

    def lists(self, seconds: float, *previous: Equivent) -> Equivent | None:
        """Take an answer that names none, and return what is live."""
        return self.names(seconds, None, *previous)

    def fails(self, seconds: float) -> Equivent | None:
        """Take a failed attempt, and return what is live."""
        self.tracker.fail(at(seconds))
        return self.live

    def push(self, edge_type: EdgeType, seconds: float) -> Equivent | None:
        """Take a call, and return what is live."""
        self.tracker.push(edge_type, at(seconds))
        return self.live

    def tick(self, seconds: float) -> Equivent | None:
        """Let the clock decide, and return what is live."""
        self.tracker.tick(at(seconds))
        return self.live

    def rehearse(self, end: float, seconds: float) -> None:
        """Rehearse."""
        self.tracker.rehearse(at(end), at(seconds))

    def awaits(self, seconds: float) -> bool:
        """Return True if something needs another answer soon."""
        return self.tracker.awaiting(at(seconds))

    def boundary(self, seconds: float) -> float | None:
        """Return when the clock may change something next."""
        boundary = self.tracker.boundary(at(seconds))
        return (boundary - T0).total_seconds() if boundary else None

    @property
    def edges(self) -> list[tuple[EdgeType, Source]]:
        """Return the edges since they were last asked for."""
        return [(edge.type, edge.source) for edge in self.tracker.take_edges()]

    @property
    def changes(self) -> list[tuple[EdgeType, Equivent, Source]]:
        """Return the edges since they were last asked for, with their times."""
        return [(edge.type, edge.equivent, edge.source) for edge in self.tracker.take_edges()]

    @property
    def net(self) -> list[tuple[EdgeType, Source]]:
        """Return what is left to announce of the edges since they were last asked for."""
        return [(edge.type, edge.source) for edge in net_edges(self.tracker.take_edges())]


def started(equivent: Equivent = LIVE) -> Played:
    """Return a home that has seen an equivent start."""
    played = Played()
    assert played.names(1, equivent) == equivent
    assert played.edges == [(STARTED, API)]
    return played


def pushed(seconds: float = 0) -> Played:
    """Return a home whose API knows of none, and that has received a call for a start."""
    played = Played()
    played.lists(seconds - 1)
    assert played.push(STARTED, seconds)
    assert played.edges == [(STARTED, WEBHOOK)]
    return played


class TestNamed:
    """Rule 1: what an answer names."""

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_current(self, equivent: Equivent) -> None:
        """The current one is live."""
        played = Played()
        played.lists(-60)
        assert played.known == Snapshot()
        played.names(1, equivent)
        assert played.known == Snapshot(live=equivent)
        assert played.changes == [(STARTED, equivent, API)]
        assert played.changes == []

    def test_newest_without_an_end(self) -> None:
        """The newest listed one without an end is live, as the log of 2022 has it."""
        played = Played()
        assert played.lists(1, OPEN, span(-3 * HOUR, -2 * HOUR)) == OPEN

    def test_newest_with_an_end_ahead(self) -> None:
        """So is one with an end ahead, once it has begun."""
        played = Played()
        assert not played.lists(-1, LIVE)
        assert played.lists(0, LIVE) == LIVE
        assert played.known.past == ()

    def test_only_the_newest_listed_one(self) -> None:
        """An older one without an end, or with one ahead, is not live."""
        played = Played()
        assert not played.lists(HOUR / 2, span(10 * MINUTE, 20 * MINUTE), LIVE)

    def test_live_is_not_past(self) -> None:
        """The documented example lists the live one as finished too: it is not the last one."""
        listed = span(-100, HOUR - 100)
        played = Played()
        played.names(MINUTE, LIVE, listed)
        assert played.known == Snapshot(live=LIVE)
        played.lists(HOUR, listed)
        assert played.known.last == listed

    def test_listed_as_over_and_named(self) -> None:
        """One that an answer names and lists as over is live."""
        played = started()
        assert played.names(20 * MINUTE, LIVE, span(0, 20 * MINUTE)) == LIVE
        assert played.known.finished == ()

    @pytest.mark.parametrize("by", [-8 * MINUTE, 8 * MINUTE])
    def test_times_change_silently(self, by: float) -> None:
        """Times of the same equivent may change, and drift on; its start may even be ahead."""
        played = started()
        for step in range(1, 5):
            moved = span(step * by, HOUR + step * by)
            assert played.names(10 * MINUTE, moved) == moved
        assert played.edges == []

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_long_past_at_first_sight(self, equivent: Equivent) -> None:
        """One that is past its end when it is first seen never starts."""
        played = Played()
        assert not played.names(MAX_OPEN.total_seconds(), equivent)

    def test_overrun_at_first_sight(self) -> None:
        """One whose end has passed starts nothing, and keeps a live one live."""
        assert not Played().names(HOUR, LIVE)
        assert started().names(HOUR, LIVE) == LIVE


class TestAnnounced:
    """Rule 1: a start that is still to come."""

    def test_starts_by_the_clock(self) -> None:
        """An announced one becomes live at its start."""
        played = Played()
        played.names(-MINUTE, LIVE)
        assert played.known == Snapshot(upcoming=LIVE)
        assert played.boundary(-MINUTE) == 0
        assert not played.tick(-1)
        played.tick(0)
        assert played.known == Snapshot(live=LIVE)
        assert played.changes == [(STARTED, LIVE, CLOCK)]

    def test_by_the_time_of_the_answer(self) -> None:
        """An answer is judged by its own time: our clock may be 100 s slow."""
        played = Played()
        assert not played.names(-101, LIVE, date=100)
        assert played.names(-100, LIVE, date=100) == LIVE
        assert played.lists(HOUR - 100, LIVE)
        assert not played.names(HOUR - 99, None, LIVE, date=100)

    def test_without_a_date(self) -> None:
        """An answer that tells no time gets two minutes."""
        played = Played()
        assert not played.names(-121, LIVE, date=None)
        assert played.names(-120, LIVE, date=None) == LIVE

    def test_called_off(self) -> None:
        """One that is no longer announced does not start."""
        played = Played()
        played.names(-MINUTE, LIVE)
        played.lists(-1)
        assert not played.tick(0)

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_slept_through(self, equivent: Equivent) -> None:
        """One that is past its bound when the clock looks again does not start."""
        played = Played()
        played.names(-MINUTE, equivent)
        assert not played.tick(MAX_OPEN.total_seconds())
        assert played.edges == []

    def test_while_another_is_live(self) -> None:
        """One announced during another starts once that is over."""
        played = started(OPEN)
        soon, over = span(30 * MINUTE, 90 * MINUTE), span(0, 20 * MINUTE)
        played.names(21 * MINUTE, soon, over)
        played.names(22 * MINUTE, soon, over)
        assert played.edges == [(ENDED, API)]
        played.tick(30 * MINUTE)
        assert played.edges == [(STARTED, CLOCK)]

    def test_called_for_a_little_early(self) -> None:
        """A call for a start is confirmed by the same one that starts in a moment."""
        played = pushed(-20)
        assert played.names(-10, LIVE) == LIVE
        assert played.edges == []


class TestEnds:
    """Rule 2: what ends the one that the API has confirmed."""

    @pytest.mark.parametrize("seconds", [HOUR, HOUR + 5])
    def test_listed(self, seconds: float) -> None:
        """After its planned end one answer is enough."""
        played = started()
        assert not played.lists(seconds, LIVE)
        assert played.changes == [(ENDED, LIVE, API)]
        assert played.known == Snapshot(past=(LIVE,), over=Over(LIVE, at(seconds)))

    def test_not_named_after_its_planned_end(self) -> None:
        """It need not be listed."""
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
        """Listed as over is enough from two minutes before its planned end."""
        played = started()
        assert (played.lists(seconds, span(0, seconds - 5)) is None) is is_over

    def test_listed_once_and_named_again(self) -> None:
        """One answer that lists it as over five seconds ago ends nothing."""
        played = started()
        assert played.lists(20 * MINUTE, span(0, 20 * MINUTE - 5))
        for seconds in range(20 * MINUTE + 10, 59 * MINUTE, 30):
            assert played.names(seconds, LIVE)
        assert played.edges == []

    @pytest.mark.parametrize("previous", [(), (span(0, 20 * MINUTE - 5),)])
    def test_two_answers(self, previous: tuple[Equivent, ...]) -> None:
        """Two answers end it that are ten seconds apart, whether or not they list it."""
        played = started(OPEN)
        assert played.lists(20 * MINUTE, *previous)
        assert played.awaits(20 * MINUTE)
        assert played.lists(20 * MINUTE + 9, *previous)
        assert not played.lists(20 * MINUTE + 10, *previous)
        over = previous[0] if previous else span(0, 20 * MINUTE + 10)
        assert played.changes == [(ENDED, over, API)]
        assert played.known.finished == (over,)

    def test_named_in_between(self) -> None:
        """An answer that names it between the two makes the first one worthless."""
        played = started()
        for minute in range(5, 50):
            assert played.lists(minute * MINUTE)
            assert played.names(minute * MINUTE + 10, LIVE)
            assert not played.awaits(minute * MINUTE + 10)
        assert played.edges == []

    def test_listed_with_its_planned_end_ahead(self) -> None:
        """One whose listed end is ahead is not over, though an answer leaves the current one out.

        A public report has the live one among the past ones.
        """
        played = started()
        assert played.names(20 * MINUTE, LIVE, LIVE)
        assert played.lists(21 * MINUTE, LIVE)
        assert not played.awaits(21 * MINUTE)
        assert played.names(22 * MINUTE, LIVE, LIVE)
        assert played.edges == []

    def test_legacy_shape(self) -> None:
        """In the legacy shape, too, one answer that lists it as over ends nothing."""
        played = Played()
        played.lists(1, OPEN)
        assert played.lists(20 * MINUTE, span(0, 20 * MINUTE - 5))
        for seconds in range(20 * MINUTE + 10, 59 * MINUTE, 30):
            assert played.lists(seconds, OPEN)
        assert played.edges == [(STARTED, API)]

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_servers_lag(self, equivent: Equivent) -> None:
        """In its first two minutes an answer that neither names nor lists it says nothing."""
        played = started(equivent)
        for seconds in range(2, 120, 8):
            assert played.lists(seconds) == equivent
        assert not played.awaits(119)
        assert played.lists(120) == equivent
        assert not played.lists(130)

    def test_called_within_the_first_two_minutes(self) -> None:
        """It does after a call for the end."""
        played = started()
        assert played.push(ENDED, 60)
        assert not played.lists(61)

    def test_replaced(self) -> None:
        """Another one that is named with the first as over starts as that ends."""
        played = started()
        assert played.names(3 * HOUR, OTHER, LIVE) == OTHER
        assert played.edges == [(ENDED, API), (STARTED, API)]
        assert played.known.finished == (LIVE,)

    def test_replaced_early(self) -> None:
        """Without any other sign of an end it takes two answers."""
        played, other = started(OPEN), span(30 * MINUTE, None)
        assert played.names(31 * MINUTE, other) == OPEN
        assert played.names(31 * MINUTE + 10, other) == other
        assert played.edges == [(ENDED, API), (STARTED, API)]

    def test_soon_after_a_short_one(self) -> None:
        """One that starts minutes after a short one is another, with edges of its own."""
        short, soon = span(0, 3 * MINUTE), span(4 * MINUTE, None)
        played = started(short)
        assert not played.lists(3 * MINUTE, short)
        assert played.names(5 * MINUTE, soon, short) == soon
        assert played.edges == [(ENDED, API), (STARTED, API)]
        assert played.known.finished == (short,)


class TestWithoutAnswers:
    """Rule 2: what ends when the API cannot be asked, or never stops naming it."""

    def test_planned_end(self) -> None:
        """A planned end ends by the clock, to the second."""
        played = started()
        played.fails(HOUR / 2)
        assert played.boundary(HOUR / 2) == HOUR
        assert played.tick(HOUR - 1)
        assert not played.tick(HOUR)
        assert played.changes == [(ENDED, LIVE, CLOCK)]
        assert played.known.finished == (LIVE,)

    def test_asked_at_the_planned_end(self) -> None:
        """At a planned end the API is asked; when it cannot be, the clock decides."""
        played = started()
        assert played.tick(HOUR)
        assert not played.fails(HOUR + 1)
        assert played.changes == [(ENDED, LIVE, CLOCK)]

    def test_overrun(self) -> None:
        """One that is named past its planned end is live for fifteen minutes, and never again."""
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
        """One without an end is live for six hours at most, and its end is not known."""
        played, bound = started(OPEN), MAX_OPEN.total_seconds()
        assert played.names(bound - 1, OPEN)
        assert played.boundary(1) == bound
        assert not played.tick(bound)
        assert played.changes == [(ENDED, span(0, bound), CLOCK)]
        assert not played.names(bound + 1, OPEN)
        assert played.known.finished == ()

    def test_an_error_is_no_news(self) -> None:
        """Errors neither start nor end anything."""
        idle, live = Played(), started(OPEN)
        for minute in range(300):
            assert not idle.fails(minute * MINUTE)
            assert live.fails(minute * MINUTE) == OPEN
        assert idle.edges == live.edges == []

    @given(st.lists(st.booleans(), max_size=30))
    def test_lost_answers_change_nothing(self, answered: list[bool]) -> None:
        """Whichever answers are lost while it is live, it stays live, and never twice."""
        played = started()
        for minute, arrives in enumerate(answered, start=1):
            assert played.names(minute * MINUTE, LIVE) if arrives else played.fails(minute * MINUTE)
        assert played.edges == []


class TestStartedCall:
    """Rule 3: a call for a start."""

    def test_at_once(self) -> None:
        """It makes one live from the second of the call."""
        played = Played()
        played.push(STARTED, 0.7)
        assert played.known == Snapshot(live=OPEN, pushed_at=at(0.7))
        assert played.awaits(1)
        assert played.changes == [(STARTED, OPEN, WEBHOOK)]

    @pytest.mark.parametrize("real", [span(-40, HOUR), span(-HOUR / 2), span(-HOUR / 2, None)])
    def test_confirmed_silently(self, real: Equivent) -> None:
        """Whatever the API then names as live confirms it with its times, and it lasts."""
        played = pushed()
        assert played.lists(1) == OPEN
        assert played.names(10, real) == real
        assert not played.awaits(10)
        assert played.tick(PUSH_GRACE.total_seconds())
        assert played.names(PUSH_GRACE.total_seconds(), real)
        assert played.edges == []

    def test_not_named_by_an_answer(self) -> None:
        """An answer ends it that is five minutes younger and does not name it."""
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
        """In an outage it stands until an answer names it."""
        played = pushed()
        for seconds in range(1, outage, 30):
            assert played.fails(seconds)
        assert played.names(outage, LIVE) == LIVE
        assert played.edges == []

    def test_while_the_api_cannot_be_asked_for_an_hour(self) -> None:
        """For an hour at most."""
        played, bound = pushed(), int(PUSH_BOUND.total_seconds())
        for seconds in range(1, bound, 30):
            assert played.fails(seconds)
        assert played.boundary(MINUTE) == bound
        assert not played.tick(bound)
        assert played.changes == [(ENDED, span(0, bound), CLOCK)]
        assert played.known.finished == ()

    def test_listed_as_over(self) -> None:
        """Two answers that list it as over end it, whenever they come."""
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
        """The app's demo calls show the loop and leave nothing behind."""
        played = pushed()
        played.lists(1)
        assert not played.push(ENDED, MINUTE)
        assert played.changes == [(ENDED, span(0, MINUTE), WEBHOOK)]
        assert not played.lists(2 * MINUTE)
        assert played.known.finished == ()
        assert played.edges == []


class TestEndedCall:
    """Rule 3: a call for an end."""

    def test_stray(self) -> None:
        """One in the middle of an equivent that every answer names ends nothing."""
        played = started()
        assert played.push(ENDED, 20 * MINUTE)
        for seconds in range(20 * MINUTE + 1, 59 * MINUTE, 10):
            assert played.names(seconds, LIVE)
            assert played.awaits(seconds) is (seconds <= 22 * MINUTE)
        assert played.edges == []

    def test_borne_out(self) -> None:
        """The next answer that does not name it ends it, within two minutes."""
        played = started()
        assert played.push(ENDED, 20 * MINUTE)
        assert played.names(20 * MINUTE + 1, LIVE)
        assert not played.lists(22 * MINUTE, span(0, 20 * MINUTE))
        assert played.changes == [(ENDED, span(0, 20 * MINUTE), API)]

    def test_forgotten(self) -> None:
        """After two minutes it counts no longer."""
        played = started()
        played.push(ENDED, 20 * MINUTE)
        assert played.lists(22 * MINUTE + 1)

    @pytest.mark.parametrize(("seconds", "is_over"), [(HOUR - 121, False), (HOUR - 120, True)])
    def test_near_the_planned_end(self, seconds: float, is_over: bool) -> None:
        """From two minutes before the planned end it ends at once."""
        played = started()
        assert (played.push(ENDED, seconds) is None) is is_over
        assert (played.changes == [(ENDED, span(0, seconds), WEBHOOK)]) is is_over

    def test_after_a_failed_attempt(self) -> None:
        """It ends at once where the API could not be asked before."""
        played = started()
        played.fails(20 * MINUTE)
        assert not played.push(ENDED, 21 * MINUTE)
        assert played.edges == [(ENDED, WEBHOOK)]
        assert played.known.finished == (span(0, 21 * MINUTE),)

    def test_in_the_second_of_its_start(self) -> None:
        """However soon it comes, what ended is remembered as the same."""
        played = Played()
        played.push(STARTED, 0)
        played.push(ENDED, 0)
        assert not played.names(1, OPEN)
        assert played.edges == [(STARTED, WEBHOOK), (ENDED, WEBHOOK)]

    def test_while_idle(self) -> None:
        """It changes nothing while none is live."""
        played = Played()
        assert not played.push(ENDED, 0)
        assert played.edges == []


class TestBackToBack:
    """Rule 3: one ends, the next one starts in that moment, and calls and answers overtake."""

    NEXT = span(HOUR + 2, 2 * HOUR)
    STEPS = ((ENDED, API), (STARTED, API))

    @pytest.mark.parametrize("seconds", [HOUR + 15, HOUR + 130])
    def test_late_call(self, seconds: float) -> None:
        """A call for an end that came by an answer says nothing of the next one."""
        played = started()
        played.names(HOUR + 10, self.NEXT, LIVE)
        played.push(ENDED, seconds)
        played.push(ENDED, seconds)
        for later in range(int(seconds), 2 * HOUR, 10):
            assert played.names(later, self.NEXT, LIVE) == self.NEXT
        assert played.edges == [*self.STEPS]

    def test_late_call_after_the_one_for_the_next_start(self) -> None:
        """It speaks of the end, seconds ago, and not of what started since."""
        played = started()
        played.lists(HOUR + 2, LIVE)
        played.push(STARTED, HOUR + 9)
        assert played.push(ENDED, HOUR + 10)
        assert played.names(HOUR + 12, self.NEXT, LIVE) == self.NEXT
        assert played.edges == [(ENDED, API), (STARTED, WEBHOOK)]

    def test_answer_that_lags(self) -> None:
        """An answer that names the one whose end was called confirms nothing."""
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
        """The next one is seen at the first answer that names it."""
        played = started()
        played.push(ENDED, HOUR + 5 + late)
        assert played.names(HOUR + 6 + late, self.NEXT, LIVE) == self.NEXT
        assert played.edges == [(ENDED, WEBHOOK), (STARTED, API)]

    def test_old_answers_end_nothing(self) -> None:
        """Answers that name the first one after its end do not end the second within its start."""
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
        """What answers go on naming is live again, whatever had ended it."""
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
        """Errors in between count for nothing."""
        played = started(OPEN)
        played.lists(HOUR)
        played.lists(HOUR + 10)
        played.names(HOUR + 20, OPEN)
        played.fails(HOUR + 60)
        assert played.names(HOUR + 141, OPEN)

    def test_an_answer_that_does_not_name_it_does(self) -> None:
        """A run that is broken begins again."""
        played = started(OPEN)
        played.lists(HOUR)
        played.lists(HOUR + 10)
        played.names(HOUR + 20, OPEN)
        played.lists(HOUR + 100)
        assert not played.names(HOUR + 141, OPEN)
        assert not played.names(HOUR + 261, OPEN)
        assert played.names(HOUR + 262, OPEN)

    def test_not_past_its_end(self) -> None:
        """One that is named past its planned end is not live again."""
        played = started()
        played.fails(HOUR)
        for seconds in range(HOUR + 10, HOUR + 15 * MINUTE, 10):
            assert not played.names(seconds, LIVE)

    def test_push_that_was_right(self) -> None:
        """A push that ran out is live again once the API has named it for two minutes."""
        played = pushed()
        played.lists(5 * MINUTE)
        assert not played.names(6 * MINUTE, LIVE)
        assert played.names(8 * MINUTE + 1, LIVE)

    def test_called_back(self) -> None:
        """After calls for the end and the start it is confirmed after two minutes, and stays."""
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
    """Rules 5 and 6: what is restored."""

    def test_the_clock_decides_nothing_before_the_first_answer(self) -> None:
        """Home Assistant may start with its clock hours ahead."""
        played = Played(Snapshot(live=LIVE))
        assert played.tick(2 * HOUR) == LIVE
        played.tracker.shift(-2 * HOUR * SECOND)
        assert played.names(MINUTE, LIVE) == LIVE
        assert played.edges == []

    def test_the_clock_decides_after_a_failure(self) -> None:
        """When the API cannot be asked, planned times count."""
        played = Played(Snapshot(live=LIVE))
        assert played.fails(HOUR - 1)
        assert not played.tick(HOUR)
        assert played.net == [(ENDED, CLOCK)]

    def test_began_and_ended_unseen(self) -> None:
        """What began and ended unseen is history."""
        played = Played()
        played.names(0, LIVE)
        played.lists(HOUR, LIVE)
        assert played.net == []

    def test_only_the_missing_ones(self) -> None:
        """The announced one is over and another live: exactly these two."""
        played = Played(Snapshot(live=LIVE))
        played.names(3 * HOUR, OTHER, LIVE)
        assert played.net == [(ENDED, API), (STARTED, API)]

    def test_announced_one_goes_on(self) -> None:
        """The announced one is still live: none."""
        played = Played(Snapshot(live=LIVE))
        played.names(HOUR / 2, LIVE)
        assert played.net == []

    def test_ended_and_taken_back(self) -> None:
        """An end that was taken back before it was announced: none."""
        played = Played(Snapshot(live=LIVE))
        played.fails(MINUTE)
        played.push(ENDED, 10 * MINUTE)
        for seconds in range(10 * MINUTE, 13 * MINUTE, 10):
            played.names(seconds, LIVE)
        assert played.live == LIVE
        assert played.net == []

    def test_rehearsal_that_is_over(self) -> None:
        """A rehearsal that was announced and is over ends before a real one starts."""
        played = Played(Snapshot(live=span(-HOUR, -HOUR / 2), rehearsal=True))
        played.names(1, LIVE)
        assert played.edges == [(ENDED, SIMULATION), (STARTED, API)]

    def test_push_of_more_than_an_hour_ago(self) -> None:
        """So does a push of more than an hour ago; another one is another."""
        played = Played(Snapshot(live=span(-2 * HOUR, None), pushed_at=at(-2 * HOUR)))
        played.names(1, LIVE)
        assert played.edges == [(ENDED, CLOCK), (STARTED, API)]


class TestShift:
    """Rule 8: the clock is corrected, and what it timed follows."""

    @pytest.mark.parametrize("by", [-5 * HOUR, -1, 1, 5 * HOUR])
    def test_push(self, by: float) -> None:
        """A push keeps its age."""
        played = pushed()
        played.tracker.shift(by * SECOND)
        assert played.live == span(by, None)
        assert played.lists(by + 5 * MINUTE - 1)
        assert not played.lists(by + 5 * MINUTE)

    def test_end(self) -> None:
        """An end that was noticed keeps its age, and so does a call that awaits an answer."""
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
        """Answers that speak against a live one keep their distance, and those that name one."""
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
        """What happened before a restart happened by a clock that was right."""
        known = Snapshot(live=OPEN, pushed_at=T0, over=Over(span(-HOUR, -1), T0))
        played = Played(known)
        played.tracker.shift(-5 * HOUR * SECOND)
        assert played.known == known
        rehearsal = Played(Snapshot(live=LIVE, rehearsal=True))
        rehearsal.tracker.shift(-HOUR * SECOND)
        assert rehearsal.live == LIVE

    def test_restored_from_the_future(self) -> None:
        """A push from the future, by a clock that is behind, is new at most."""
        played = Played(Snapshot(live=OPEN, pushed_at=T0))
        assert played.fails(-5 * HOUR)
        assert played.lists(-5 * HOUR + 5 * MINUTE - 1)
        assert not played.lists(-5 * HOUR + 5 * MINUTE)

    @pytest.mark.parametrize("by", [-3, 3])
    def test_drift(self, by: int) -> None:
        """Microseconds between two clocks move nothing."""
        played = Played()
        played.rehearse(HOUR, 0)
        known = played.known
        played.tracker.shift(timedelta(microseconds=by))
        assert played.known == known


class TestRehearsal:
    """A rehearsal."""

    def test_from_second_to_second(self) -> None:
        """It is live for as long as it is to last, and is not awaited by anything."""
        played = Played()
        played.lists(-1)
        played.rehearse(0.7 + MINUTE, 0.7)
        assert played.known == Snapshot(live=span(0, MINUTE), rehearsal=True)
        assert played.boundary(1) == MINUTE
        assert not played.awaits(1)
        assert played.lists(30)
        assert not played.tick(MINUTE)
        assert played.edges == [(STARTED, SIMULATION), (ENDED, SIMULATION)]

    def test_moved(self) -> None:
        """Another one moves its end silently."""
        played = Played()
        played.rehearse(HOUR, 0)
        played.rehearse(MINUTE, 10)
        assert played.live == span(0, MINUTE)
        assert played.edges == [(STARTED, SIMULATION)]

    def test_never_over_a_real_one(self) -> None:
        """A real one is not touched."""
        played = started()
        played.rehearse(2 * HOUR, MINUTE)
        assert played.known == Snapshot(live=LIVE)
        assert played.edges == []

    @pytest.mark.parametrize("how", ["named", "announced", "call"])
    def test_replaced(self, how: str) -> None:
        """A real one that starts takes its place silently."""
        played = Played()
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
        """What was over before it stays over, and the rehearsal is not history."""
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
    """A provider that does anything it may, and the tracker that follows it."""

    def __init__(self) -> None:
        """Start idle."""
        super().__init__()
        self.now = T0
        self.tracker = Tracker()
        self.plain = Tracker()
        """One that knows of no rehearsals."""
        self.announced = False
        self.live: Equivent | None = None
        self.past: list[Equivent] = []

    @initialize()
    def quiet(self) -> None:
        """Begin with an answer that names nothing."""
        self.observe(Answer())

    def observe(self, answer: Answer) -> None:
        """Take in an answer."""
        for tracker in (self.tracker, self.plain):
            tracker.observe(answer, self.now, self.now)

    @rule(seconds=st.integers(1, 7200))
    def wait(self, seconds: int) -> None:
        """Let time pass, with the timers that the tracker asks for."""
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
        """End it."""
        if self.live and self.live.start < self.now:
            self.past.append(Equivent(self.live.start, self.now))
            self.live = None

    @rule()
    def answer(self) -> None:
        """Answer truly."""
        self.observe(Answer(self.live, tuple(reversed(self.past))))

    @rule()
    def drop(self) -> None:
        """Answer once without the live one."""
        self.observe(Answer(None, tuple(reversed(self.past))))

    @rule()
    def fail(self) -> None:
        """Do not answer."""
        self.tracker.fail(self.now)
        self.plain.fail(self.now)

    @rule(edge_type=st.sampled_from(EdgeType))
    def push(self, edge_type: EdgeType) -> None:
        """Call the webhook, rightly or wrongly."""
        self.tracker.push(edge_type, self.now)
        self.plain.push(edge_type, self.now)

    @rule(seconds=st.integers(10, 21_600))
    def rehearse(self, seconds: int) -> None:
        """Rehearse, or move the end of the rehearsal."""
        self.tracker.rehearse(self.now + seconds * SECOND, self.now)

    @invariant()
    def check_edges(self) -> None:
        """Edges alternate and agree with the state."""
        for edge in self.tracker.take_edges():
            assert (edge.type is STARTED) is not self.announced
            self.announced = not self.announced
            assert edge.type is STARTED or edge.equivent.end
            assert edge.test is (edge.source is SIMULATION)
        assert self.announced is (self.tracker.snapshot.live is not None)

    @invariant()
    def check_rehearsals(self) -> None:
        """Check that a rehearsal changes nothing of what is known of real ones."""
        known, plain = self.tracker.snapshot, self.plain.snapshot
        assert plain.live == known.real
        assert plain.over == known.over
        assert plain.finished == known.finished

    @invariant()
    def check_bounds(self) -> None:
        """Nothing stays live past its bounds."""
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
