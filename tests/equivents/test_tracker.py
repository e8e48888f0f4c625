"""Test what is live, by the rules."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
import pytest

from custom_components.equiwatt.equivents.answer import Answer
from custom_components.equiwatt.equivents.model import EdgeType, Equivent, Source
from custom_components.equiwatt.equivents.snapshot import Ended, EndReason, Snapshot, net_edges
from custom_components.equiwatt.equivents.tracker import (
    MAX_OPEN,
    OUT_OF_ORDER,
    OVERRUN,
    PUSH_GRACE,
    Tracker,
)

T0 = datetime(2026, 11, 20, 17, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)

LIVE = Equivent(T0, T0 + HOUR)
OPEN = Equivent(T0)
ENDED = Equivent(T0, T0 + HOUR)
OTHER = Equivent(T0 + 3 * HOUR, T0 + 4 * HOUR)
NOTHING = Answer()
LISTED = Answer(previous=(ENDED,))

API, WEBHOOK, CLOCK = Source.API, Source.WEBHOOK, Source.CLOCK


def named(equivent: Equivent, *previous: Equivent) -> Answer:
    """Return an answer that names an equivent."""
    return Answer(current=equivent, previous=previous)


def edges(tracker: Tracker) -> list[tuple[EdgeType, Source]]:
    """Return the edges since the last call, without the times."""
    return [(edge.type, edge.source) for edge in tracker.take_edges()]


def changes(tracker: Tracker) -> list[tuple[EdgeType, Equivent, Source]]:
    """Return the edges since the last call."""
    return [(edge.type, edge.equivent, edge.source) for edge in tracker.take_edges()]


def net(tracker: Tracker) -> list[tuple[EdgeType, Source]]:
    """Return what is left to announce of the edges since the last call."""
    return [(edge.type, edge.source) for edge in net_edges(tracker.take_edges())]


def shown(tracker: Tracker) -> Snapshot:
    """Return what users see of what is known."""
    known = tracker.snapshot
    return Snapshot(known.live, known.rehearsal, None, known.upcoming, None, known.finished)


def started(equivent: Equivent = LIVE, after: timedelta = SECOND) -> Tracker:
    """Return a tracker that has seen an equivent start."""
    tracker = Tracker()
    tracker.observe(named(equivent), equivent.start + after)
    assert edges(tracker) == [(EdgeType.STARTED, API)]
    return tracker


class TestApi:
    """The API's word."""

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_named_is_live(self, equivent: Equivent) -> None:
        """One that is named is live."""
        tracker = Tracker()
        tracker.observe(NOTHING, T0 - MINUTE)
        assert shown(tracker) == Snapshot()
        tracker.observe(named(equivent), T0 + SECOND)
        assert shown(tracker) == Snapshot(live=equivent)
        assert changes(tracker) == [(EdgeType.STARTED, equivent, API)]
        assert changes(tracker) == []

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_listed_is_over(self, equivent: Equivent) -> None:
        """One that is listed with an end is over at once."""
        tracker = started(equivent)
        tracker.observe(LISTED, ENDED.end or T0)
        assert shown(tracker) == Snapshot(past=(ENDED,))
        assert changes(tracker) == [(EdgeType.ENDED, ENDED, API)]

    def test_listed_early_is_over(self) -> None:
        """One that is listed with an end before its planned one is over too."""
        tracker = started()
        early = Equivent(T0, T0 + 20 * MINUTE)
        tracker.observe(Answer(previous=(early,)), T0 + 21 * MINUTE)
        assert changes(tracker) == [(EdgeType.ENDED, early, API)]

    def test_times_change_silently(self) -> None:
        """Times of the same equivent may change, and drift on."""
        tracker = started()
        for step in range(1, 5):
            moved = Equivent(T0 + step * 9 * MINUTE, T0 + HOUR + step * 9 * MINUTE)
            tracker.observe(named(moved), T0 + 30 * MINUTE)
            assert tracker.snapshot.live == moved
        assert edges(tracker) == []

    def test_planned_end_not_named(self) -> None:
        """One that is past its planned end and not named any more is over at once."""
        tracker = started()
        tracker.observe(NOTHING, T0 + HOUR)
        assert changes(tracker) == [(EdgeType.ENDED, ENDED, API)]

    def test_planned_end_still_named(self) -> None:
        """One that is named past its planned end is live for fifteen minutes, and never again."""
        tracker = started()
        for seconds in range(3600, 3600 + 15 * 60, 60):
            tracker.tick(T0 + seconds * SECOND)
            tracker.observe(named(LIVE), T0 + seconds * SECOND)
            assert tracker.snapshot.live
        assert tracker.boundary(T0 + HOUR) == T0 + HOUR + OVERRUN
        tracker.tick(T0 + HOUR + OVERRUN)
        assert edges(tracker) == [(EdgeType.ENDED, CLOCK)]
        tracker.observe(named(LIVE), T0 + HOUR + OVERRUN + SECOND)
        tracker.observe(named(LIVE), T0 + 2 * HOUR)
        assert edges(tracker) == []

    def test_overrun_seen_first_by_an_answer(self) -> None:
        """Without a timer an answer after the bound ends it too."""
        tracker = started()
        tracker.observe(named(LIVE), T0 + HOUR + OVERRUN)
        assert [kind for kind, _ in edges(tracker)] == [EdgeType.ENDED]

    def test_open_for_six_hours(self) -> None:
        """One without an end is live for six hours at most."""
        tracker = started(OPEN)
        tracker.observe(named(OPEN), T0 + MAX_OPEN - SECOND)
        assert tracker.snapshot.live
        assert tracker.boundary(T0) == T0 + MAX_OPEN
        tracker.tick(T0 + MAX_OPEN)
        assert changes(tracker) == [
            (EdgeType.ENDED, Equivent(T0, T0 + MAX_OPEN), CLOCK),
        ]
        tracker.observe(named(OPEN), T0 + MAX_OPEN + SECOND)
        assert edges(tracker) == []

    def test_too_old_at_first_sight(self) -> None:
        """One that is long past its bounds when first seen never starts."""
        tracker = Tracker()
        tracker.observe(named(LIVE), T0 + HOUR + OVERRUN)
        tracker.observe(named(OPEN), T0 + MAX_OPEN)
        assert tracker.snapshot.live is None
        assert edges(tracker) == []

    def test_vanished_once(self) -> None:
        """An answer that drops it once ends nothing."""
        tracker = started()
        tracker.observe(NOTHING, T0 + 10 * MINUTE)
        assert tracker.snapshot.live
        assert [tracker.awaiting] == [True]
        tracker.observe(named(LIVE), T0 + 10 * MINUTE + 10 * SECOND)
        assert [tracker.awaiting] == [False]
        tracker.observe(NOTHING, T0 + 20 * MINUTE)
        assert tracker.snapshot.live
        assert edges(tracker) == []

    def test_vanished_twice(self) -> None:
        """A second answer ten seconds later that agrees ends it, an earlier one does not."""
        tracker = started()
        tracker.observe(NOTHING, T0 + 10 * MINUTE)
        tracker.observe(NOTHING, T0 + 10 * MINUTE + 9 * SECOND)
        assert edges(tracker) == []
        tracker.observe(NOTHING, T0 + 10 * MINUTE + 10 * SECOND)
        over = Equivent(T0, T0 + 10 * MINUTE + 10 * SECOND)
        assert changes(tracker) == [(EdgeType.ENDED, over, API)]
        assert not tracker.awaiting

    def test_vanished_and_back(self) -> None:
        """One that vanished for good and is named again is live again."""
        tracker = started()
        tracker.observe(NOTHING, T0 + 10 * MINUTE)
        tracker.observe(NOTHING, T0 + 11 * MINUTE)
        assert edges(tracker) == [(EdgeType.ENDED, API)]
        tracker.observe(named(LIVE), T0 + 12 * MINUTE)
        assert edges(tracker) == [(EdgeType.STARTED, API)]

    def test_lagging_answer_after_the_list(self) -> None:
        """One that was listed as over is not made live by an answer that lags behind."""
        tracker = started(OPEN)
        tracker.observe(LISTED, T0 + HOUR)
        tracker.take_edges()
        tracker.observe(named(OPEN), T0 + HOUR + 5 * SECOND)
        tracker.observe(named(Equivent(T0, T0 + 2 * HOUR)), T0 + HOUR + 9 * SECOND)
        assert tracker.snapshot.live is None
        assert edges(tracker) == []

    def test_lagging_answer_after_an_unseen_one(self) -> None:
        """One that was never seen live, but listed as over, is not started by an older answer."""
        tracker = Tracker()
        tracker.observe(LISTED, T0 + HOUR + SECOND)
        tracker.observe(named(LIVE), T0 + HOUR + 5 * SECOND)
        assert tracker.snapshot.live is None
        assert edges(tracker) == []

    def test_soon_after_a_short_one(self) -> None:
        """One that starts minutes after a short one is another, with edges of its own."""
        tracker = started(OPEN)
        short, soon = Equivent(T0, T0 + 3 * MINUTE), Equivent(T0 + 4 * MINUTE)
        tracker.observe(Answer(previous=(short,)), T0 + 3 * MINUTE)
        assert edges(tracker) == [(EdgeType.ENDED, API)]
        tracker.observe(named(soon, short), T0 + 5 * MINUTE)
        assert edges(tracker) == [(EdgeType.STARTED, API)]
        assert shown(tracker) == Snapshot(live=soon, past=(short,))

    def test_replaced(self) -> None:
        """Another one in its place starts once the first is known to be over."""
        tracker = started()
        now = OTHER.start
        tracker.observe(named(OTHER, ENDED), now)
        assert edges(tracker) == [(EdgeType.ENDED, API), (EdgeType.STARTED, API)]
        assert shown(tracker) == Snapshot(live=OTHER, past=(ENDED,))

    def test_replaced_without_a_word(self) -> None:
        """Another one in its place without any sign of an end needs a second answer too."""
        tracker = started(OPEN)
        other = Equivent(T0 + 30 * MINUTE)
        tracker.observe(named(other), T0 + 31 * MINUTE)
        assert tracker.snapshot.live == OPEN
        tracker.observe(named(other), T0 + 31 * MINUTE + 10 * SECOND)
        assert edges(tracker) == [(EdgeType.ENDED, API), (EdgeType.STARTED, API)]
        assert tracker.snapshot.live == other

    def test_live_is_not_past(self) -> None:
        """The documented example lists the live one as finished too: it is not the last one."""
        listed = Equivent(T0 - 100 * SECOND, T0 + HOUR - 100 * SECOND)
        tracker = Tracker()
        tracker.observe(named(LIVE, listed), T0 + MINUTE)
        assert shown(tracker) == Snapshot(live=LIVE)
        assert tracker.snapshot.last is None
        tracker.observe(Answer(previous=(listed,)), T0 + HOUR)
        assert tracker.snapshot.last == listed


class TestBackToBack:
    """One ends and the next one starts in the same moment, and calls and answers overtake."""

    NEXT = Equivent(T0 + HOUR + 2 * SECOND, T0 + 2 * HOUR)
    STEPS = ((EdgeType.ENDED, API), (EdgeType.STARTED, API))

    def test_late_call_of_the_end(self) -> None:
        """The call for an end that the API has listed by then says nothing of the next one."""
        tracker = started()
        tracker.observe(named(self.NEXT, ENDED), T0 + HOUR + 10 * SECOND)
        tracker.push(EdgeType.ENDED, T0 + HOUR + 15 * SECOND)
        assert edges(tracker) == [*self.STEPS]
        assert tracker.snapshot.live == self.NEXT
        tracker.observe(named(self.NEXT, ENDED), T0 + HOUR + 70 * SECOND)
        tracker.push(EdgeType.ENDED, T0 + HOUR + 10 * SECOND + OUT_OF_ORDER)
        assert edges(tracker) == [(EdgeType.ENDED, WEBHOOK)]

    def test_late_call_of_an_end_by_the_clock(self) -> None:
        """So does one for an end that came by the clock, and was listed afterwards."""
        tracker = started()
        tracker.fail(T0 + HOUR)
        tracker.observe(named(self.NEXT, ENDED), T0 + HOUR + 70 * SECOND)
        tracker.push(EdgeType.ENDED, T0 + HOUR + 3 * MINUTE)
        assert tracker.snapshot.live == self.NEXT

    def test_second_call(self) -> None:
        """A second call for the same end says nothing of the next one, nor does a later third."""
        tracker = started()
        tracker.push(EdgeType.ENDED, T0 + HOUR)
        tracker.observe(named(self.NEXT, ENDED), T0 + HOUR + 10 * SECOND)
        tracker.push(EdgeType.ENDED, T0 + HOUR + 30 * SECOND)
        assert edges(tracker) == [(EdgeType.ENDED, WEBHOOK), (EdgeType.STARTED, API)]
        tracker.push(EdgeType.ENDED, T0 + HOUR + 10 * SECOND + OUT_OF_ORDER)
        assert edges(tracker) == [(EdgeType.ENDED, WEBHOOK)]

    def test_answer_that_lags(self) -> None:
        """An answer that names the one whose end was called confirms nothing."""
        tracker = started()
        tracker.push(EdgeType.ENDED, T0 + HOUR + 2 * SECOND)
        tracker.push(EdgeType.STARTED, T0 + HOUR + 3 * SECOND)
        tracker.observe(named(LIVE), T0 + HOUR + 4 * SECOND)
        tracker.observe(named(self.NEXT, ENDED), T0 + HOUR + 14 * SECOND)
        assert edges(tracker) == [(EdgeType.ENDED, WEBHOOK), (EdgeType.STARTED, WEBHOOK)]
        assert tracker.snapshot.live == self.NEXT
        assert not tracker.awaiting

    @pytest.mark.parametrize("late", [timedelta(), 30 * SECOND])
    def test_only_the_end_is_called(self, late: timedelta) -> None:
        """The next one is seen at the first answer that names it, be it from before the call."""
        tracker = started()
        tracker.push(EdgeType.ENDED, T0 + HOUR + 5 * SECOND + late)
        tracker.observe(named(self.NEXT, ENDED), T0 + HOUR + 6 * SECOND + late)
        assert edges(tracker) == [(EdgeType.ENDED, WEBHOOK), (EdgeType.STARTED, API)]

    def test_answer_that_contradicts_itself(self) -> None:
        """One whose end was called is over once it is listed, though the answer names it too."""
        tracker = started()
        tracker.push(EdgeType.ENDED, T0 + 20 * MINUTE)
        tracker.take_edges()
        listed = Equivent(T0, T0 + 20 * MINUTE)
        for minute in (20, 26):
            tracker.observe(named(Equivent(T0 + MINUTE), listed), T0 + minute * MINUTE + SECOND)
        assert edges(tracker) == []

    def test_short_one(self) -> None:
        """The end that the API lists counts, or a short one would be the same as the next."""
        short = Equivent(T0, T0 + 3 * MINUTE)
        following = Equivent(T0 + 3 * MINUTE, T0 + HOUR)
        tracker = started(short)
        tracker.push(EdgeType.ENDED, T0 + 3 * MINUTE + 10 * SECOND)
        tracker.observe(named(following, short), T0 + 3 * MINUTE + 12 * SECOND)
        assert tracker.snapshot.live == following


class TestAnnounced:
    """Answer whose start is still to come."""

    def test_starts_by_the_clock(self) -> None:
        """An announced one becomes live at its start."""
        tracker = Tracker()
        tracker.observe(named(LIVE), T0 - MINUTE)
        assert shown(tracker) == Snapshot(upcoming=LIVE)
        assert tracker.boundary(T0 - MINUTE) == T0
        tracker.tick(T0 - SECOND)
        assert not tracker.snapshot.live
        tracker.tick(T0)
        assert shown(tracker) == Snapshot(live=LIVE)
        assert changes(tracker) == [(EdgeType.STARTED, LIVE, CLOCK)]

    def test_called_off(self) -> None:
        """One that is no longer announced does not start."""
        tracker = Tracker()
        tracker.observe(named(LIVE), T0 - MINUTE)
        tracker.observe(NOTHING, T0 - SECOND)
        tracker.tick(T0)
        assert shown(tracker) == Snapshot()

    def test_slept_through(self) -> None:
        """One that is over when the clock looks again does not start."""
        tracker = Tracker()
        tracker.observe(named(LIVE), T0 - MINUTE)
        tracker.tick(T0 + HOUR)
        assert shown(tracker) == Snapshot()
        assert edges(tracker) == []

    def test_while_another_is_live(self) -> None:
        """One announced during another: the live one ends by its rules, then the other starts."""
        tracker = started(OPEN)
        soon = Equivent(T0 + 30 * MINUTE, T0 + 90 * MINUTE)
        tracker.observe(named(soon, Equivent(T0, T0 + 20 * MINUTE)), T0 + 21 * MINUTE)
        assert edges(tracker) == [(EdgeType.ENDED, API)]
        tracker.tick(soon.start)
        assert edges(tracker) == [(EdgeType.STARTED, CLOCK)]

    def test_start_put_off_while_live(self) -> None:
        """A live one whose start is moved ahead a little stays live."""
        tracker = started()
        moved = Equivent(T0 + 2 * MINUTE, T0 + HOUR)
        tracker.observe(named(moved), T0 + MINUTE)
        assert shown(tracker) == Snapshot(live=moved)
        assert edges(tracker) == []


class TestUnreachable:
    """The API cannot be asked."""

    def test_planned_end_passes(self) -> None:
        """A planned end ends by the clock, to the second."""
        tracker = started()
        tracker.fail(T0 + 30 * MINUTE)
        assert tracker.boundary(T0 + 30 * MINUTE) == T0 + HOUR
        tracker.tick(T0 + HOUR - SECOND)
        assert tracker.snapshot.live
        tracker.tick(T0 + HOUR)
        assert changes(tracker) == [(EdgeType.ENDED, ENDED, CLOCK)]

    def test_asked_at_the_planned_end(self) -> None:
        """At a planned end the API is asked; when it cannot be, the clock decides."""
        tracker = started()
        tracker.tick(T0 + HOUR)
        assert tracker.snapshot.live
        tracker.fail(T0 + HOUR + SECOND)
        assert changes(tracker) == [(EdgeType.ENDED, ENDED, CLOCK)]

    def test_back_and_still_named(self) -> None:
        """What the clock ended is not live again when the API returns and lags."""
        tracker = started()
        tracker.fail(T0 + HOUR)
        tracker.take_edges()
        tracker.observe(named(LIVE), T0 + HOUR + MINUTE)
        tracker.observe(named(OPEN), T0 + HOUR + 2 * MINUTE)
        assert tracker.snapshot.live is None
        assert edges(tracker) == []

    def test_back_and_prolonged(self) -> None:
        """What the clock ended is live again when the API returns with an end still to come."""
        tracker = started()
        tracker.fail(T0 + HOUR)
        tracker.take_edges()
        longer = Equivent(T0, T0 + 2 * HOUR)
        tracker.observe(named(longer), T0 + HOUR + MINUTE)
        assert changes(tracker) == [(EdgeType.STARTED, longer, API)]
        tracker.observe(named(longer), T0 + 2 * HOUR + OVERRUN - SECOND)
        assert tracker.snapshot.live == longer

    def test_last_before_it_is_listed(self) -> None:
        """What ended as planned is the last one until the API lists it, with other times."""
        earlier = Equivent(T0 - 3 * HOUR, T0 - 2 * HOUR)
        tracker = Tracker(Snapshot(live=LIVE, past=(earlier,)))
        tracker.fail(T0 + HOUR)
        assert tracker.snapshot.finished == (ENDED, earlier)
        tracker.observe(NOTHING, T0 + HOUR + MINUTE)
        assert tracker.snapshot.last == ENDED
        told = Equivent(T0 - MINUTE, T0 + HOUR + MINUTE)
        tracker.observe(Answer(previous=(told,)), T0 + HOUR + 2 * MINUTE)
        assert shown(tracker) == Snapshot(past=(told, earlier))

    def test_last_but_one(self) -> None:
        """What ended as planned is not shown beside a later one that the API lists."""
        tracker = started()
        tracker.fail(T0 + HOUR)
        tracker.observe(Answer(previous=(OTHER,)), T0 + 5 * HOUR)
        assert tracker.snapshot.finished == (OTHER,)

    @pytest.mark.parametrize("equivent", [LIVE, OPEN])
    def test_no_last_by_a_bound(self, equivent: Equivent) -> None:
        """When one that went past its bounds ended nobody knows."""
        tracker = started(equivent)
        tracker.tick(T0 + MAX_OPEN)
        assert edges(tracker) == [(EdgeType.ENDED, CLOCK)]
        assert shown(tracker) == Snapshot()

    def test_failure_is_no_news(self) -> None:
        """An error neither starts nor ends anything."""
        idle, live = Tracker(), started(OPEN)
        for minute in range(300):
            idle.fail(T0 + minute * MINUTE)
            live.fail(T0 + minute * MINUTE)
        assert not idle.snapshot.live
        assert live.snapshot.live == OPEN
        assert edges(idle) == edges(live) == []


class TestPush:
    """Webhook calls."""

    def test_started_at_once(self) -> None:
        """A started push makes one live from the moment of the call."""
        tracker = Tracker()
        tracker.push(EdgeType.STARTED, T0 + timedelta(microseconds=7))
        assert shown(tracker) == Snapshot(live=OPEN)
        assert tracker.awaiting
        assert changes(tracker) == [(EdgeType.STARTED, OPEN, WEBHOOK)]

    def test_confirmed_silently(self) -> None:
        """The API confirms it with its times, and it lasts."""
        tracker = Tracker()
        tracker.push(EdgeType.STARTED, T0)
        tracker.take_edges()
        tracker.observe(NOTHING, T0 + SECOND)
        real = Equivent(T0 - 40 * SECOND, T0 + HOUR)
        tracker.observe(named(real), T0 + 10 * SECOND)
        assert shown(tracker) == Snapshot(live=real)
        assert not tracker.awaiting
        tracker.tick(T0 + PUSH_GRACE)
        tracker.observe(named(real), T0 + PUSH_GRACE)
        assert tracker.snapshot.live
        assert edges(tracker) == []

    def test_confirmed_by_an_announced_one(self) -> None:
        """A push a little early is confirmed by one that starts in a moment."""
        tracker = Tracker()
        tracker.push(EdgeType.STARTED, T0 - 20 * SECOND)
        tracker.observe(named(LIVE), T0 - 10 * SECOND)
        assert shown(tracker) == Snapshot(live=LIVE)

    def test_confirmed_by_one_long_live(self) -> None:
        """A push that comes late means the one that is live, without an edge more."""
        tracker = Tracker()
        tracker.push(EdgeType.STARTED, T0 + 20 * MINUTE)
        tracker.take_edges()
        tracker.observe(named(LIVE), T0 + 20 * MINUTE + SECOND)
        assert tracker.snapshot.live == LIVE
        assert edges(tracker) == []

    def test_unconfirmed(self) -> None:
        """Unconfirmed for five minutes it ends, whatever the API says or does not."""
        tracker = Tracker()
        tracker.push(EdgeType.STARTED, T0)
        tracker.take_edges()
        tracker.observe(NOTHING, T0 + SECOND)
        tracker.observe(NOTHING, T0 + MINUTE)
        tracker.fail(T0 + 2 * MINUTE)
        assert tracker.boundary(T0) == T0 + PUSH_GRACE
        tracker.tick(T0 + PUSH_GRACE - SECOND)
        assert tracker.snapshot.live
        tracker.tick(T0 + PUSH_GRACE)
        over = Equivent(T0, T0 + PUSH_GRACE)
        assert changes(tracker) == [(EdgeType.ENDED, over, CLOCK)]
        tracker.observe(NOTHING, T0 + PUSH_GRACE + SECOND)
        assert tracker.boundary(T0 + PUSH_GRACE) is None

    def test_confirmed_after_the_grace(self) -> None:
        """The API may still say later that it was right."""
        tracker = Tracker()
        tracker.push(EdgeType.STARTED, T0)
        tracker.tick(T0 + PUSH_GRACE)
        tracker.take_edges()
        tracker.observe(named(LIVE), T0 + 6 * MINUTE)
        assert edges(tracker) == [(EdgeType.STARTED, API)]

    def test_short_one_listed(self) -> None:
        """One that the API lists as over already ends."""
        tracker = Tracker()
        tracker.push(EdgeType.STARTED, T0)
        tracker.take_edges()
        listed = Equivent(T0 - SECOND, T0 + MINUTE)
        tracker.observe(Answer(previous=(listed,)), T0 + 2 * MINUTE)
        assert edges(tracker) == [(EdgeType.ENDED, API)]

    def test_ended_at_once(self) -> None:
        """An ended push ends the live one, and answers that lag do not bring it back."""
        tracker = started()
        tracker.push(EdgeType.ENDED, T0 + 50 * MINUTE)
        assert changes(tracker) == [
            (EdgeType.ENDED, Equivent(T0, T0 + 50 * MINUTE), WEBHOOK),
        ]
        tracker.observe(named(LIVE), T0 + 51 * MINUTE)
        assert tracker.snapshot.live is None
        tracker.observe(Answer(previous=(Equivent(T0, T0 + 50 * MINUTE),)), T0 + 52 * MINUTE)
        tracker.observe(named(LIVE), T0 + 56 * MINUTE)
        assert edges(tracker) == []

    def test_ended_in_the_second_of_its_start(self) -> None:
        """However soon the ended push comes, what ended is remembered as the same."""
        tracker = started(OPEN, timedelta())
        tracker.push(EdgeType.ENDED, T0)
        tracker.observe(named(OPEN), T0 + SECOND)
        assert tracker.snapshot.live is None
        assert edges(tracker) == [(EdgeType.ENDED, WEBHOOK)]

    def test_ended_but_still_named(self) -> None:
        """When the API still names it five minutes later, it is live again."""
        tracker = started()
        tracker.push(EdgeType.ENDED, T0 + 10 * MINUTE)
        tracker.take_edges()
        assert tracker.boundary(T0 + 10 * MINUTE) == T0 + 15 * MINUTE
        tracker.observe(named(LIVE), T0 + 15 * MINUTE - SECOND)
        assert tracker.snapshot.live is None
        tracker.observe(named(LIVE), T0 + 15 * MINUTE)
        assert changes(tracker) == [(EdgeType.STARTED, LIVE, API)]

    def test_ended_started_ended(self) -> None:
        """What the API still names has to wait for five minutes, whatever pushes came between."""
        tracker = started()
        for kind, minutes in ((EdgeType.ENDED, 30), (EdgeType.STARTED, 31), (EdgeType.ENDED, 32)):
            tracker.push(kind, T0 + minutes * MINUTE)
        tracker.take_edges()
        tracker.observe(named(LIVE), T0 + 37 * MINUTE - SECOND)
        assert edges(tracker) == []
        assert tracker.boundary(T0 + 36 * MINUTE) == T0 + 37 * MINUTE
        tracker.observe(named(LIVE), T0 + 37 * MINUTE)
        assert changes(tracker) == [(EdgeType.STARTED, LIVE, API)]

    def test_started_after_the_ended_push(self) -> None:
        """A push that ended one says nothing about another that starts later."""
        tracker = started()
        tracker.push(EdgeType.ENDED, T0 + MINUTE)
        tracker.take_edges()
        other = Equivent(T0 + 2 * MINUTE, T0 + HOUR)
        tracker.observe(named(other), T0 + 3 * MINUTE)
        assert changes(tracker) == [(EdgeType.STARTED, other, API)]

    def test_started_takes_ended_back(self) -> None:
        """A started push after an ended one is confirmed by what the API goes on to name."""
        tracker = started()
        tracker.push(EdgeType.ENDED, T0 + 30 * MINUTE)
        tracker.push(EdgeType.STARTED, T0 + 31 * MINUTE)
        tracker.observe(named(LIVE), T0 + 31 * MINUTE + SECOND)
        assert tracker.awaiting
        tracker.observe(named(LIVE), T0 + 30 * MINUTE + OUT_OF_ORDER)
        assert tracker.snapshot.live == LIVE
        tracker.tick(T0 + 36 * MINUTE)
        assert tracker.snapshot.live == LIVE

    def test_to_and_fro(self) -> None:
        """What a push has made live again, and the API has confirmed, stays so."""
        tracker = started()
        for second, kind in enumerate((EdgeType.ENDED, EdgeType.STARTED, EdgeType.ENDED)):
            tracker.push(kind, T0 + 30 * MINUTE + second * SECOND)
        tracker.push(EdgeType.STARTED, T0 + 33 * MINUTE)
        tracker.take_edges()
        for second in (1, 11, 21, 60):
            tracker.observe(named(LIVE), T0 + 33 * MINUTE + second * SECOND)
            assert tracker.snapshot.live == LIVE
            assert not tracker.awaiting
        assert edges(tracker) == []

    def test_doubled(self) -> None:
        """Started while live and ended while idle change nothing."""
        tracker = Tracker()
        tracker.push(EdgeType.ENDED, T0)
        assert shown(tracker) == Snapshot()
        tracker.push(EdgeType.STARTED, T0)
        tracker.take_edges()
        tracker.push(EdgeType.STARTED, T0 + 4 * MINUTE)
        assert tracker.snapshot.live == OPEN
        tracker.tick(T0 + PUSH_GRACE)
        assert edges(tracker) == [(EdgeType.ENDED, CLOCK)]
        tracker.push(EdgeType.ENDED, T0 + 6 * MINUTE)
        assert edges(tracker) == []

    def test_ended_push_within_the_second_of_a_reload(self) -> None:
        """A push that ended one stands from then on, though it is stored in whole seconds."""
        at = T0 + 10 * MINUTE
        over = Ended(Equivent(T0, at), EndReason.PUSH, at)
        tracker = Tracker(Snapshot(ended=over))
        tracker.observe(named(LIVE), at - SECOND / 2)
        tracker.observe(named(LIVE), at + PUSH_GRACE - SECOND)
        assert edges(tracker) == []
        tracker.observe(named(LIVE), at + PUSH_GRACE)
        assert edges(tracker) == [(EdgeType.STARTED, API)]

    def test_demo_triggers(self) -> None:
        """The app's demo triggers show the loop and vanish by themselves."""
        tracker = Tracker()
        tracker.observe(NOTHING, T0 - SECOND)
        tracker.push(EdgeType.STARTED, T0)
        assert edges(tracker) == [(EdgeType.STARTED, WEBHOOK)]
        tracker.observe(NOTHING, T0 + SECOND)
        tracker.push(EdgeType.ENDED, T0 + MINUTE)
        assert edges(tracker) == [(EdgeType.ENDED, WEBHOOK)]
        tracker.observe(NOTHING, T0 + 2 * MINUTE)
        assert shown(tracker) == Snapshot()
        assert edges(tracker) == []


class TestClockPutRight:
    """The clock was wrong, and is put right by an answer."""

    @pytest.mark.parametrize("by", [-5 * HOUR, -SECOND, SECOND, 5 * HOUR])
    def test_push_keeps_its_age(self, by: timedelta) -> None:
        """A push stands for five minutes whatever the clock shows."""
        tracker = Tracker()
        tracker.push(EdgeType.STARTED, T0)
        tracker.shift(by)
        now = T0 + by
        assert tracker.snapshot.live == (Equivent(now) if abs(by) > MINUTE else OPEN)
        tracker.observe(NOTHING, now + 5 * MINUTE - SECOND)
        assert edges(tracker) == [(EdgeType.STARTED, WEBHOOK)]
        tracker.observe(NOTHING, now + 5 * MINUTE)
        assert edges(tracker) == [(EdgeType.ENDED, CLOCK)]

    @pytest.mark.parametrize("by", [-3 * MINUTE, 3 * MINUTE])
    def test_ended_push_keeps_its_age(self, by: timedelta) -> None:
        """A push that ended one stands for five minutes too."""
        tracker = started()
        tracker.push(EdgeType.ENDED, T0 + 10 * MINUTE)
        tracker.take_edges()
        tracker.shift(by)
        tracker.observe(named(LIVE), T0 + 15 * MINUTE + by - SECOND)
        assert edges(tracker) == []
        tracker.observe(named(LIVE), T0 + 15 * MINUTE + by)
        assert edges(tracker) == [(EdgeType.STARTED, API)]

    def test_missing_keeps_its_age(self) -> None:
        """A missing one is missing for as long as before."""
        tracker = started()
        tracker.observe(NOTHING, T0 + 10 * MINUTE)
        tracker.shift(-5 * MINUTE)
        tracker.observe(NOTHING, T0 + 5 * MINUTE + 9 * SECOND)
        assert tracker.snapshot.live
        tracker.observe(NOTHING, T0 + 5 * MINUTE + 10 * SECOND)
        assert edges(tracker) == [(EdgeType.ENDED, API)]

    def test_remembered_stays(self) -> None:
        """What happened before a restart happened by a clock that was right."""
        over = Ended(ENDED, EndReason.PUSH, T0)
        tracker = Tracker(Snapshot(live=OPEN, pushed_at=T0, ended=over))
        tracker.shift(-5 * HOUR)
        assert tracker.snapshot == Snapshot(live=OPEN, pushed_at=T0, ended=over)
        tracker.observe(NOTHING, T0 + 5 * MINUTE)
        assert edges(tracker) == [(EdgeType.ENDED, CLOCK)]

    def test_remembered_from_the_future(self) -> None:
        """A push from the future, by a clock that is behind, is five minutes old at most."""
        tracker = Tracker(Snapshot(live=OPEN, pushed_at=T0))
        for minute in range(5):
            tracker.fail(T0 - 5 * HOUR + minute * MINUTE)
        assert tracker.snapshot.live
        tracker.fail(T0 - 5 * HOUR + 5 * MINUTE)
        assert edges(tracker) == [(EdgeType.ENDED, CLOCK)]

    def test_over_from_the_future(self) -> None:
        """A push that ended one, by a clock that was ahead, does not silence the API for long."""
        tracker = Tracker(Snapshot(ended=Ended(ENDED, EndReason.PUSH, T0 + 5 * HOUR)))
        tracker.observe(named(LIVE), T0 + MINUTE)
        assert edges(tracker) == [(EdgeType.STARTED, API)]


class TestHeldEdges:
    """Edges that had to wait, as while Home Assistant starts."""

    def test_began_and_ended_unseen(self) -> None:
        """What began and ended unseen is history."""
        tracker = Tracker()
        tracker.observe(named(LIVE), T0)
        tracker.observe(LISTED, T0 + HOUR)
        assert net(tracker) == []

    def test_only_the_missing_ones(self) -> None:
        """The announced one is over and another live: exactly these two."""
        tracker = Tracker(Snapshot(live=LIVE))
        assert shown(tracker) == Snapshot(live=LIVE)
        tracker.observe(LISTED, T0 + HOUR)
        tracker.observe(named(OTHER, ENDED), OTHER.start)
        assert net(tracker) == [(EdgeType.ENDED, API), (EdgeType.STARTED, API)]

    def test_announced_one_goes_on(self) -> None:
        """The announced one is still live: none."""
        tracker = Tracker(Snapshot(live=LIVE))
        tracker.observe(named(LIVE), T0 + 30 * MINUTE)
        assert net(tracker) == []

    def test_ended_and_taken_back(self) -> None:
        """An end that was contradicted before anybody heard of it: none."""
        tracker = Tracker(Snapshot(live=LIVE))
        tracker.push(EdgeType.ENDED, T0 + 10 * MINUTE)
        tracker.observe(named(LIVE), T0 + 15 * MINUTE)
        assert tracker.snapshot.live
        assert net(tracker) == []


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
        self.observe(NOTHING)

    def observe(self, answer: Answer) -> None:
        """Take in an answer."""
        self.tracker.observe(answer, self.now)
        self.plain.observe(answer, self.now)

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
        if self.live is None and (not self.past or self.now - self.past[-1].start > HOUR):
            end = self.now + minutes * MINUTE if planned else None
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

    @rule(kind=st.sampled_from(EdgeType))
    def push(self, kind: EdgeType) -> None:
        """Call the webhook, rightly or wrongly."""
        self.tracker.push(kind, self.now)
        self.plain.push(kind, self.now)

    @rule(seconds=st.integers(10, 21_600))
    def rehearse(self, seconds: int) -> None:
        """Rehearse, or move the end of the rehearsal."""
        self.tracker.rehearse(self.now + seconds * SECOND, self.now)

    @invariant()
    def check_edges(self) -> None:
        """Edges alternate and agree with the state."""
        for edge in self.tracker.take_edges():
            assert (edge.type is EdgeType.STARTED) is not self.announced
            self.announced = not self.announced
            assert edge.type is EdgeType.STARTED or edge.equivent.end
            assert edge.test is (edge.source is Source.SIMULATION)
        assert self.announced is (self.tracker.snapshot.live is not None)

    @invariant()
    def check_rehearsals(self) -> None:
        """Check that a rehearsal changes nothing of what is known of real ones."""
        simulated = self.tracker.snapshot.rehearsal
        assert self.plain.snapshot.live == (None if simulated else self.tracker.snapshot.live)
        assert self.plain.snapshot.ended == self.tracker.snapshot.ended
        assert self.plain.snapshot.finished == self.tracker.snapshot.finished

    @invariant()
    def check_bounds(self) -> None:
        """Nothing stays live past its bounds."""
        live = self.tracker.snapshot.live
        if live and self.tracker.snapshot.rehearsal:
            assert live.end
            assert self.now < live.end
        elif live and live.end:
            assert self.now < live.end + OVERRUN
        elif live:
            assert self.now < live.start + MAX_OPEN
        boundary = self.tracker.boundary(self.now)
        assert boundary is None or boundary > self.now


TestProvider = Provider.TestCase
TestProvider.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(st.booleans(), max_size=30))
def test_lost_answers_change_nothing(answered: list[bool]) -> None:
    """Whichever answers are lost while it is live, it stays live, and never twice."""
    tracker = started()
    for minute, arrives in enumerate(answered, start=1):
        now = T0 + minute * MINUTE
        if arrives:
            tracker.observe(named(LIVE), now)
        else:
            tracker.fail(now)
        assert tracker.snapshot.live == LIVE
    assert edges(tracker) == []


class TestSimulation:
    """What is played."""

    def test_never_over_a_real_one(self) -> None:
        """A real one is not touched."""
        tracker = started()
        tracker.rehearse(T0 + 2 * HOUR, T0 + MINUTE)
        assert shown(tracker) == Snapshot(live=LIVE)
        assert edges(tracker) == []

    def test_full_seconds(self) -> None:
        """It lasts as long as it is to, from a full second to a full second."""
        tracker = Tracker()
        now = T0 + timedelta(milliseconds=700)
        tracker.rehearse(now + MINUTE, now)
        assert shown(tracker) == Snapshot(live=Equivent(T0, T0 + MINUTE), rehearsal=True)
        assert tracker.boundary(now) == T0 + MINUTE

    def test_replaced_by_an_announced_one(self) -> None:
        """An announced one that starts takes its place, and so does one that a push starts."""
        for push in (False, True):
            tracker = Tracker()
            tracker.observe(named(LIVE), T0 - MINUTE)
            tracker.rehearse(T0 + MINUTE, T0 - MINUTE)
            assert tracker.snapshot.upcoming == LIVE
            if push:
                tracker.push(EdgeType.STARTED, T0)
            tracker.tick(T0)
            assert [edge.test for edge in tracker.take_edges()] == [True]
            assert not tracker.snapshot.rehearsal
            assert tracker.snapshot.live
            assert tracker.snapshot.live.start == T0

    def test_leaves_nothing(self) -> None:
        """What was over before it stays over, and what it was is not."""
        tracker = started()
        tracker.observe(LISTED, T0 + HOUR)
        over = tracker.snapshot.ended
        assert over
        tracker.rehearse(T0 + HOUR + 2 * MINUTE, T0 + HOUR + MINUTE)
        assert tracker.snapshot.finished == (ENDED,)
        tracker.fail(T0 + HOUR + 90 * SECOND)
        assert tracker.snapshot.rehearsal
        tracker.tick(T0 + HOUR + 2 * MINUTE)
        assert tracker.snapshot.ended == over
        assert shown(tracker) == Snapshot(past=(ENDED,))
        tracker.take_edges()
        tracker.observe(named(LIVE), T0 + HOUR + 3 * MINUTE)  # by a server that lags
        assert edges(tracker) == []

    def test_after_a_restart(self) -> None:
        """It is known to be played still; without one that is live there is none."""
        tracker = Tracker(Snapshot(live=LIVE, rehearsal=True))
        assert tracker.snapshot.rehearsal
        tracker.observe(NOTHING, T0 + MINUTE)
        assert tracker.snapshot.live
        tracker.tick(T0 + HOUR)
        assert [edge.test for edge in tracker.take_edges()] == [True]

    def test_by_a_clock_that_is_put_right(self) -> None:
        """It lasts as long as it is to, whatever the clock said; one from before is as it was."""
        tracker = Tracker()
        tracker.rehearse(T0 + MINUTE, T0)
        tracker.shift(-HOUR)
        assert tracker.snapshot.live == Equivent(T0 - HOUR, T0 - HOUR + MINUTE)
        remembered = Tracker(Snapshot(live=LIVE, rehearsal=True))
        remembered.shift(-HOUR)
        assert remembered.snapshot.live == LIVE
