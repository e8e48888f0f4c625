"""Planned equivents, and the kinds of the finished ones.

The API neither announces equivents nor names their kinds; the user knows both from the app. Plans
are unknown to the tracker, so that they never start or end an equivent.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
import re
from typing import Any, Literal

from .answer import LATEST
from .model import SAME, EdgeType, Equivent, Kind
from .snapshot import MAX_EQUIVENTS, Edge, Snapshot

MAX_LENGTH = timedelta(hours=6)
MAX_DISTANCE = timedelta(minutes=30)
"""Longest time between a plan and its equivent."""
RETENTION = timedelta(hours=24)
"""Time after its end for which an unfulfilled plan is kept."""
IGNORED = re.compile("[\\s_\u00ad\u2010-\u2015\u2212-]")
"""Blanks, underscores and hyphens, as phones replace hyphens when typing."""


type Refusal = Literal[
    "all_day", "both_kinds", "length", "not_planned", "over", "recurring", "too_far"
]
"""Reason why an event cannot be planned, moved or deleted."""


class RefusedError(Exception):
    """An event cannot be planned, moved or deleted."""

    def __init__(self, reason: Refusal) -> None:
        """Initialize the error."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Plan:
    """An equivent that the user expects."""

    uid: str
    start: datetime
    end: datetime
    summary: str
    description: str = ""

    @property
    def kind(self) -> Kind:
        """Kind that the summary names, powerDOWN without any."""
        return Kind.POWER_UP if Kind.POWER_UP in _kinds_in(self.summary) else Kind.POWER_DOWN

    def is_near(self, equivent: Equivent) -> bool:
        """Return True if an equivent overlaps the plan or lies within half an hour of it."""
        # Of an equivent without an end, only the start is known.
        end = equivent.end or equivent.start
        return equivent.start <= self.end + MAX_DISTANCE and end >= self.start - MAX_DISTANCE

    def is_met_by(self, equivent: Equivent) -> bool:
        """Return True if an equivent fulfils the plan, rather than precedes it."""
        half = (equivent.end - equivent.start) / 2 if equivent.end else MAX_DISTANCE
        return self.is_near(equivent) and self.start < equivent.start + half

    def overlaps(self, other: Plan) -> bool:
        """Return True if the plans overlap."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of an account, and the kinds of its equivents."""

    plans: tuple[Plan, ...] = ()
    """Plans in the order of their starts, without overlaps."""
    kinds: tuple[tuple[Equivent, Kind], ...] = ()
    """Finished equivents of known kinds, in the order of their starts."""
    rehearsed: Kind | None = None
    """Kind of the live rehearsal."""

    def added(self, plan: Plan) -> Plans:
        """Add a plan, replacing any that overlap."""
        others = (old for old in self.plans if not old.overlaps(plan))
        return replace(self, plans=tuple(sorted((*others, plan), key=lambda each: each.start)))

    def removed(self, uid: str) -> Plans:
        """Remove a plan. Raise RefusedError if there is none with the uid."""
        others = tuple(plan for plan in self.plans if plan.uid != uid)
        if len(others) == len(self.plans):
            raise RefusedError("not_planned")
        return replace(self, plans=others)

    def kept_at(self, now: datetime) -> Plans:
        """Remove plans a day after their end."""
        return replace(self, plans=tuple(plan for plan in self.plans if now < plan.end + RETENTION))

    def boundary(self, now: datetime) -> datetime | None:
        """Return the time at which a plan next starts, ends or expires."""
        moments = (
            each for plan in self.plans for each in (plan.start, plan.end, plan.end + RETENTION)
        )
        return min((moment for moment in moments if moment > now), default=None)

    def open(self, known: Snapshot, now: datetime) -> tuple[Plan, ...]:
        """Return the plans whose equivent is neither live nor announced yet."""
        unmet = self._not_met_by(filter(None, (known.real, known.upcoming)))
        return tuple(plan for plan in unmet if now < plan.end + RETENTION)

    def next_start(self, known: Snapshot, now: datetime) -> tuple[datetime | None, Kind | None]:
        """Return the start of the next announced or planned equivent, and its kind."""
        starts: list[tuple[datetime, Kind | None]]
        starts = [(plan.start, plan.kind) for plan in self.open(known, now)]
        if known.upcoming:
            starts.append((known.upcoming.start, self.kind_of_live(known.upcoming)))
        ahead = (item for item in starts if item[0] > now)
        return min(ahead, key=lambda item: item[0], default=(None, None))

    def kind_of(self, equivent: Equivent) -> Kind | None:
        """Return the kind of a finished equivent."""
        first = bisect_left(self.kinds, equivent.start - SAME, key=_start)
        last = bisect_right(self.kinds, equivent.start + SAME, key=_start)
        near = (kind for other, kind in self.kinds[first:last] if other.same_as(equivent))
        return next(near, None)

    def kind_of_live(self, equivent: Equivent) -> Kind | None:
        """Return the kind of a live or announced equivent."""
        plan = self._plan_of(equivent)
        # After a wrong end the plan is gone, but the kind is known.
        return self.kind_of(equivent) or (plan.kind if plan else None)

    def live_kind(self, known: Snapshot) -> Kind | None:
        """Return the kind of the live equivent or rehearsal."""
        if known.live is None:
            return None
        return self.rehearsed if known.rehearsal else self.kind_of_live(known.live)

    def rehearsing(self, kind: Kind | None, known: Snapshot) -> Plans:
        """Set the kind of a rehearsal; a live one keeps its kind if none is given."""
        continues = known.rehearsal and kind is None
        return self if continues else replace(self, rehearsed=kind)

    def marked(self, edge: Edge) -> Edge:
        """Add the kind to an edge."""
        return edge._replace(kind=self.rehearsed if edge.test else self.kind_of_live(edge.equivent))

    def after(self, edge: Edge) -> Plans:
        """Apply an edge: the end of a planned equivent fulfils its plan."""
        if edge.type is EdgeType.STARTED:
            return self
        if edge.test:
            return replace(self, rehearsed=None)
        return self._fulfilled_by(edge.equivent) if edge.is_history else self

    def caught_up(self, known: Snapshot) -> Plans:
        """Fulfil the plans of equivents that came and went unseen."""
        found = self
        for equivent in known.finished:
            end = equivent.end or equivent.start
            if not found.plans or end < found.plans[0].start - MAX_DISTANCE:
                break
            plan = found._plan_of(equivent)
            if plan and plan.is_met_by(equivent):
                found = found._fulfilled_by(equivent)
        return found

    def _not_met_by(self, equivents: Iterable[Equivent]) -> tuple[Plan, ...]:
        """Return the plans that none of the equivents meets."""
        plans = ((self._plan_of(equivent), equivent) for equivent in equivents)
        met = [plan for plan, equivent in plans if plan and plan.is_met_by(equivent)]
        return tuple(plan for plan in self.plans if plan not in met)

    def _plan_of(self, equivent: Equivent) -> Plan | None:
        """Return the plan nearest to an equivent, None without any."""
        near = (plan for plan in self.plans if plan.is_near(equivent))
        return min(near, key=lambda plan: abs(plan.start - equivent.start), default=None)

    def _fulfilled_by(self, equivent: Equivent) -> Plans:
        """Replace the plan of a finished equivent by its kind."""
        if (kind := self.kind_of_live(equivent)) is None:
            return self
        open_plans = self._not_met_by([equivent])
        others = (item for item in self.kinds if not item[0].same_as(equivent))
        kinds = sorted((*others, (equivent, kind)), key=_start)[-MAX_EQUIVENTS:]
        return replace(self, plans=open_plans, kinds=tuple(kinds))


def new_plan(uid: str, event: Mapping[str, Any], now: datetime) -> Plan:
    """Return the plan for a calendar event. Raise RefusedError if it cannot be planned."""
    start, end = event["dtstart"], event["dtend"]
    if event.get("rrule"):
        raise RefusedError("recurring")
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        raise RefusedError("all_day")
    if end > LATEST:
        raise RefusedError("too_far")
    # In UTC, as local times repeat at the end of summer time.
    start, end = (each.astimezone(UTC).replace(microsecond=0) for each in (start, end))
    if not timedelta() < end - start <= MAX_LENGTH:
        raise RefusedError("length")
    if end <= now:
        raise RefusedError("over")
    if len(_kinds_in(event["summary"])) > 1:
        raise RefusedError("both_kinds")
    return Plan(uid, start, end, event["summary"], event.get("description") or "")


def _kinds_in(summary: str) -> set[Kind]:
    """Return the kinds named in a summary."""
    words = IGNORED.sub("", summary).casefold()
    return {kind for kind in Kind if kind.value.replace("_", "") in words}


def _start(item: tuple[Equivent, Kind]) -> datetime:
    """Return the start of an equivent with its kind."""
    return item[0].start
