"""Test plans."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.equiwatt.equivents.model import EdgeType, Equivent, Kind, Source
from custom_components.equiwatt.equivents.planned import (
    MAX_DISTANCE,
    MAX_LENGTH,
    RETENTION,
    Plan,
    Plans,
    Refusal,
    RefusedError,
    new_plan,
)
from custom_components.equiwatt.equivents.snapshot import Edge, Snapshot
from custom_components.equiwatt.storage import from_json

from ..fakes.disk import to_json

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIVE = NOON + timedelta(hours=5)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MINUTES = st.integers(-600, 600)


def plan(
    start: datetime = FIVE, length: timedelta = HOUR, summary: str = "", uid: str = ""
) -> Plan:
    """Return a plan."""
    return Plan(uid or start.isoformat(), start, start + length, summary)


def plans(*all_plans: Plan) -> Plans:
    """Return some plans."""
    found = Plans()
    for item in all_plans:
        found = found.added(item)
    return found


def event(start: Any, end: Any, summary: str = "", **more: Any) -> dict[str, Any]:
    """Return an event as calendars pass it."""
    return {"dtstart": start, "dtend": end, "summary": summary, **more}


def ended(equivent: Equivent) -> Edge:
    """Return the edge at the end of an equivent."""
    return Edge(EdgeType.ENDED, equivent, Source.API, Snapshot(past=(equivent,)))


def refusal(*arguments: Any, **more: Any) -> Refusal:
    """Return the reason why an event is refused."""
    with pytest.raises(RefusedError) as caught:
        new_plan("uid", event(*arguments, **more), NOON)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize(
    ("summary", "kind"),
    [
        ("", Kind.POWER_DOWN),
        ("Equivent", Kind.POWER_DOWN),
        ("powerDOWN", Kind.POWER_DOWN),
        ("powerUP", Kind.POWER_UP),
        ("Instant powerUP!", Kind.POWER_UP),
        ("POWER UP tomorrow", Kind.POWER_UP),
        ("power-up", Kind.POWER_UP),
        ("Power_Up", Kind.POWER_UP),
        ("power \u2013 up", Kind.POWER_UP),
        ("power\u00a0up", Kind.POWER_UP),
        ("power of the upper hand", Kind.POWER_DOWN),
    ],
)
def test_kind(summary: str, kind: Kind) -> None:
    """The summary contains the kind, in any case and with blanks, hyphens and underscores."""
    assert new_plan("uid", event(FIVE, FIVE + HOUR, summary), NOON).kind is kind


@pytest.mark.parametrize("summary", ["powerUP powerDOWN", "Power down, then power-up"])
def test_both_kinds(summary: str) -> None:
    """A summary with both kinds is refused."""
    assert refusal(FIVE, FIVE + HOUR, summary) == "both_kinds"


def test_new_plan() -> None:
    """An event becomes a plan in whole seconds and UTC."""
    local = datetime.fromisoformat("2026-11-20T18:00:00.5+01:00")
    made = new_plan("uid", event(local, local + HOUR, "Mine", description=None), NOON)
    assert made == Plan("uid", FIVE, FIVE + HOUR, "Mine")
    assert made.start.tzinfo is UTC
    assert new_plan("uid", event(FIVE, FIVE + HOUR, description="x"), NOON).description == "x"


def test_refusals() -> None:
    """All-day, recurring, long, empty and past events are refused."""
    assert refusal(date(2026, 11, 21), date(2026, 11, 22)) == "all_day"
    assert refusal(FIVE, date(2026, 11, 22)) == "all_day"
    assert refusal(FIVE, FIVE + HOUR, rrule="FREQ=DAILY") == "recurring"
    assert refusal(FIVE, FIVE + MAX_LENGTH + timedelta(seconds=1)) == "length"
    assert refusal(FIVE, FIVE) == "length"
    assert refusal(FIVE, FIVE - HOUR) == "length"
    assert refusal(NOON - HOUR, NOON) == "over"
    new_plan("uid", event(FIVE, FIVE + MAX_LENGTH), NOON)
    new_plan("uid", event(NOON - HOUR, NOON + timedelta(seconds=1)), NOON)


@given(st.lists(st.tuples(MINUTES, st.integers(1, 360)), max_size=12))
def test_newer_replaces_overlapping(times: list[tuple[int, int]]) -> None:
    """The newest plan replaces those that it overlaps, and no others."""
    known = Plans()
    for number, (start, length) in enumerate(times):
        new = plan(FIVE + start * MINUTE, length * MINUTE, uid=str(number))
        before, known = known, known.added(new)
        assert new in known.plans
        assert set(known.plans) - {new} == {p for p in before.plans if not p.overlaps(new)}
        assert list(known.plans) == sorted(known.plans, key=lambda p: p.start)
    for item in known.plans:
        assert not any(item.overlaps(other) for other in known.plans if other is not item)
    for item in known.plans:
        known = known.removed(item.uid)
    assert known == Plans()


def test_back_to_back() -> None:
    """Plans back to back do not overlap."""
    assert len(plans(plan(), plan(FIVE + HOUR)).plans) == 2


def test_only_plans_can_be_removed() -> None:
    """Only plans can be moved or deleted."""
    with pytest.raises(RefusedError, match="not_planned"):
        plans(plan()).removed("x")


@pytest.mark.parametrize(
    ("begins", "ends", "belongs"),
    [
        (0, 60, True),
        (-95, -30, True),
        (-95, -31, False),
        (90, 150, True),
        (91, 150, False),
        (-120, 240, True),
        (40, None, True),
        (90, None, True),
        (91, None, False),
        (-30, None, True),
        (-31, None, False),
    ],
)
def test_belongs(begins: int, ends: int | None, belongs: bool) -> None:
    """A live equivent has the kind of a plan within half an hour of it."""
    live = Equivent(FIVE + begins * MINUTE, None if ends is None else FIVE + ends * MINUTE)
    kind = plans(plan(summary="powerUP")).live_kind(Snapshot(live=live))
    assert kind is (Kind.POWER_UP if belongs else None)


def test_nearest_plan() -> None:
    """Each of two equivents back to back belongs to its own plan, though it overlaps both."""
    both = plans(plan(), plan(FIVE + HOUR, summary="powerUP"))
    first = Equivent(FIVE + MINUTE, FIVE + 61 * MINUTE)
    second = Equivent(FIVE + 61 * MINUTE, FIVE + 121 * MINUTE)
    assert both.kind_of_live(first) is Kind.POWER_DOWN
    assert both.kind_of_live(second) is Kind.POWER_UP
    after = both.after(ended(first))
    assert after.plans == both.plans[1:]
    assert after.kind_of_live(second) is Kind.POWER_UP
    assert after.after(ended(second)).kinds == (
        (first, Kind.POWER_DOWN),
        (second, Kind.POWER_UP),
    )


def test_kind_of_rehearsal() -> None:
    """A rehearsal has its own kind, or none, and fulfils no plan."""
    known = plans(plan())
    live = Equivent(FIVE, FIVE + HOUR)
    rehearsal = Snapshot(live=live, rehearsal=True)
    assert known.live_kind(Snapshot()) is None
    assert known.live_kind(rehearsal) is None
    known = Plans(known.plans, rehearsed=Kind.POWER_UP)
    assert known.live_kind(rehearsal) is Kind.POWER_UP
    edge = Edge(EdgeType.ENDED, live, Source.SIMULATION, Snapshot())
    assert known.marked(edge).kind is Kind.POWER_UP
    assert known.after(edge) == plans(plan())


def test_kind_of_extended_rehearsal() -> None:
    """An extended rehearsal keeps its kind unless another one is given."""
    known, live = Plans(rehearsed=Kind.POWER_UP), Equivent(FIVE, FIVE + HOUR)
    rehearsal = Snapshot(live=live, rehearsal=True)
    assert known.rehearsing(None, rehearsal) == known
    assert known.rehearsing(Kind.POWER_DOWN, rehearsal).rehearsed is Kind.POWER_DOWN
    assert known.rehearsing(None, Snapshot()) == Plans()


def test_fulfilled() -> None:
    """A plan is removed when its equivent is over, which keeps the kind."""
    known = plans(plan(summary="powerUP"))
    live = Equivent(FIVE + MINUTE, FIVE + 61 * MINUTE)
    started = Edge(EdgeType.STARTED, live, Source.API, Snapshot(live=live))
    assert known.marked(started).kind is Kind.POWER_UP
    assert known.after(started) is known
    assert known.marked(ended(live)).kind is Kind.POWER_UP
    over = known.after(ended(live))
    assert over.plans == ()
    listed = Equivent(live.start + MINUTE, FIVE + 58 * MINUTE)
    assert over.kind_of(listed) is Kind.POWER_UP
    assert over.kind_of(Equivent(FIVE - 24 * HOUR, FIVE - 23 * HOUR)) is None
    assert over.kind_of_live(listed) is Kind.POWER_UP  # it is live again
    assert over.after(ended(listed)).kinds == ((listed, Kind.POWER_UP),)
    assert Plans().after(ended(live)) == Plans()


def test_unconfirmed_push() -> None:
    """An unconfirmed push fulfils no plan."""
    edge = Edge(EdgeType.ENDED, Equivent(FIVE, FIVE + 5 * MINUTE), Source.API, Snapshot())
    assert plans(plan()).after(edge) == plans(plan())


@pytest.mark.parametrize(
    ("begins", "ends", "fulfils"),
    [
        (0, 1, True),
        (-60, -5, False),
        (-59, 1, False),
        (-29, 1, False),
        (20, 80, True),
        (80, 90, True),
    ],
)
def test_equivent_before_plan(begins: int, ends: int, fulfils: bool) -> None:
    """An equivent that ends about when a plan starts does not fulfil it."""
    over = Equivent(FIVE + begins * MINUTE, FIVE + ends * MINUTE)
    assert (plans(plan()).after(ended(over)).plans == ()) is fulfils


def test_caught_up() -> None:
    """A missed equivent fulfils its plan; one before the plan does not."""
    known = plans(plan(), plan(FIVE + 24 * HOUR))
    unseen = Equivent(FIVE + MINUTE, FIVE + 61 * MINUTE)
    older = Equivent(FIVE - 72 * HOUR, FIVE - 71 * HOUR)
    before = Equivent(FIVE - 50 * MINUTE, FIVE - 10 * MINUTE)
    found = known.caught_up(Snapshot(past=(unseen, before, older)))
    assert found.plans == known.plans[1:]
    assert found.kinds == ((unseen, Kind.POWER_DOWN),)
    assert found.caught_up(Snapshot(past=(unseen, older))) == found
    assert Plans().caught_up(Snapshot(past=(unseen,))) == Plans()
    assert known.caught_up(Snapshot(past=(older,))) == known
    assert known.caught_up(Snapshot(past=(before, older))) == known


def test_open() -> None:
    """A plan is hidden while its equivent is live or announced, and no other is."""
    both = plans(plan(), plan(FIVE + 3 * HOUR))
    live = Snapshot(live=Equivent(FIVE))
    assert both.open(Snapshot(), NOON) == both.plans
    assert both.open(live, NOON) == both.plans[1:]
    assert both.open(Snapshot(upcoming=Equivent(FIVE)), NOON) == both.plans[1:]
    assert both.open(Snapshot(live=Equivent(NOON)), NOON) == both.plans
    assert both.open(Snapshot(live=Equivent(FIVE), rehearsal=True), NOON) == both.plans
    assert both.open(Snapshot(), FIVE + HOUR + RETENTION) == both.plans[1:]


def test_next_start() -> None:
    """The next start is announced or planned, and still ahead."""
    both = plans(plan(), plan(FIVE + 3 * HOUR, summary="powerUP"))
    later = (FIVE + 3 * HOUR, Kind.POWER_UP)
    assert both.next_start(Snapshot(), NOON) == (FIVE, Kind.POWER_DOWN)
    assert both.next_start(Snapshot(), FIVE) == later
    assert both.next_start(Snapshot(), FIVE + 3 * HOUR) == (None, None)
    assert both.next_start(Snapshot(live=Equivent(FIVE - MINUTE)), FIVE) == later
    announced = Snapshot(upcoming=Equivent(FIVE + MINUTE, FIVE + HOUR))
    assert both.next_start(announced, NOON) == (FIVE + MINUTE, Kind.POWER_DOWN)
    assert both.next_start(announced, FIVE + MINUTE) == later
    assert Plans().next_start(announced, NOON) == (FIVE + MINUTE, None)


def test_unfulfilled() -> None:
    """An unfulfilled plan is kept for 24 hours after its end."""
    known = plans(plan())
    end = FIVE + HOUR
    assert known.kept_at(end + RETENTION - MINUTE) == known
    assert known.kept_at(end + RETENTION) == Plans()
    moments = [NOON, FIVE, end, end + RETENTION]
    assert [known.boundary(moment) for moment in moments] == [*moments[1:], None]


def test_stored() -> None:
    """Stored plans are read unchanged."""
    over = Equivent(NOON, NOON + HOUR)
    known = Plans(
        (plan(summary="Mine"), plan(FIVE + HOUR)), ((over, Kind.POWER_UP),), Kind.POWER_UP
    )
    assert from_json(Plans, to_json(known)) == known


def test_near() -> None:
    """A plan is near within half an hour, as documented."""
    assert (MAX_DISTANCE, RETENTION, MAX_LENGTH) == (30 * MINUTE, 24 * HOUR, 6 * HOUR)
