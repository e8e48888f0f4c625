"""Test when the meter is read, and which results are shown and stored."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
import logging
from types import SimpleNamespace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.equivents.clock import TOLERANCE
from custom_components.equiwatt.equivents.model import EdgeType, Equivent, Source
from custom_components.equiwatt.equivents.planned import Plans
from custom_components.equiwatt.equivents.snapshot import Edge, Snapshot
from custom_components.equiwatt.metering.meter import Meter
from custom_components.equiwatt.metering.results import Estimate, FinishedResult, Reason, Results
from homeassistant.core import CALLBACK_TYPE, HomeAssistant
from homeassistant.util import dt as dt_util

from ..conftest import Recorder
from ..fakes.home import fire_timers
from .example import EQUIVENT_DAYS, EVENT_DAY, WINDOW, at, counter, in_between, minutes
from .meters import EXTERNAL, HOUR, METER, Tables

START = at(EVENT_DAY, "17:01") + timedelta(seconds=7)
END = at(EVENT_DAY, "18:01") + timedelta(seconds=2)
LIVE = Equivent(START, END)
BEFORE = tuple(
    Equivent(at(day, "16:31"), at(day, "17:31")) for day in sorted(EQUIVENT_DAYS, reverse=True)
)
EMPTY = Estimate(start=WINDOW.start, end=WINDOW.end, days_wanted=10)
RESULT = replace(EMPTY, used=0.5, final=True)


class Account:
    """An account for the meter: coordinator, announcer and store in one."""

    def __init__(self) -> None:
        """Start with the past equivents of the example."""
        self.live: Equivent | None = None
        self.is_waiting = False
        self.past: tuple[Equivent, ...] = BEFORE
        self.results = Results()
        self.kept: list[Estimate] = []
        self.behind = timedelta()
        """Time by which the system's clock is behind."""
        self.plans = Plans()
        self.armed: list[CALLBACK_TYPE] = []
        self.edges: list[Callable[[Edge], None]] = []
        self.polls: list[CALLBACK_TYPE] = []
        self.updates = 0
        """Number of updates of the entities."""
        self.shown_results = 0

    @property
    def clock(self) -> SimpleNamespace:
        """Return the clock, whose small errors are ignored."""
        error = -self.behind if abs(self.behind) > TOLERANCE else timedelta()
        return SimpleNamespace(now=lambda: dt_util.utcnow() + self.behind, error=error)

    @property
    def data(self) -> Snapshot:
        """Return the snapshot."""
        return Snapshot(live=self.live, past=self.past)

    def async_listen(self, listener: Callable[[Edge], None]) -> CALLBACK_TYPE:
        """Subscribe to edges."""
        self.edges.append(listener)
        return lambda: self.edges.remove(listener)

    def async_when_armed(self, action: CALLBACK_TYPE) -> None:
        """Call a function once automations have started."""
        self.armed.append(action)

    def async_add_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Subscribe to polls."""
        self.polls.append(listener)
        return lambda: self.polls.remove(listener)

    def async_keep_results(self, result: FinishedResult) -> None:
        """Store the final results."""
        self.results = self.results.with_result(result)
        self.kept.append(result.estimate)

    def result_of(self, equivent: Equivent) -> FinishedResult | None:
        """Return the stored result of an equivent."""
        return self.results.of(equivent)

    def result(self, equivent: Equivent, found: Estimate) -> None:
        """Store an earlier result."""
        self.results = self.results.with_result(FinishedResult(equivent, found))

    def async_update_listeners(self) -> None:
        """Count an update of the entities, and the results that they show."""
        self.updates += 1
        self.shown_results = len(self.kept)

    def poll(self) -> None:
        """Poll the API."""
        for listener in self.polls:
            listener()


class Evening:
    """The evening of the example, with a meter whose rows appear as time passes."""

    def __init__(self, hass: HomeAssistant, tables: Tables, freezer: FrozenDateTimeFactory) -> None:
        """Set up an account with a meter."""
        self.hass = hass
        self.tables = tables
        self.freezer = freezer
        self.account = Account()
        self.entry = MockConfigEntry(domain=DOMAIN)
        self.kwh = in_between(counter())
        self.made = at(EVENT_DAY, "17:00")
        self.choose(METER)

    def choose(self, *meters: str) -> None:
        """Choose meters."""
        self.entry = MockConfigEntry(
            domain=self.entry.domain, options={"source": "sensors", "sensors": list(meters)}
        )
        self.entry.add_to_hass(self.hass)
        self.restart()

    def restart(self) -> Evening:
        """Create the meter again, as after a restart of Home Assistant."""
        self.account.edges.clear()
        self.account.polls.clear()
        self.account.armed.clear()
        account: Any = self.account
        account.hass, account.config_entry = self.hass, self.entry
        self.meter = Meter(account, account, account)
        self.meter.async_setup()
        return self

    def begin(self) -> None:
        """Start the meter once Home Assistant has started."""
        for action in self.account.armed:
            action()
        self.account.armed.clear()

    async def settle(self) -> None:
        """Wait for everything in progress."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def move_to(self, label: str, seconds: int = 0, *, rows: bool = True) -> None:
        """Turn the clock and create the rows in between."""
        await self.move(at(EVENT_DAY, label) + timedelta(seconds=seconds), rows)

    async def move(self, end: datetime, rows: bool = True) -> None:
        """Turn the clock in steps of half a minute."""
        while dt_util.utcnow() < end:
            now = min(end, dt_util.utcnow() + timedelta(seconds=30))
            if rows:  # before the clock is turned, which fires timers at once
                await self.make_rows(now - timedelta(seconds=10))
            self.freezer.move_to(now)
            fire_timers(self.hass, now)
            await self.settle()

    async def make_rows(self, until: datetime) -> None:
        """Create the missing rows that end up to a time."""
        new = {m: total for m, total in self.kwh.items() if self.made < m <= until}
        self.made = max(self.made, until)
        await self.tables.five_minutes(new)

    def announce(self, type_: EdgeType, equivent: Equivent, *, rehearsal: bool = False) -> None:
        """Announce a start or an end."""
        source = Source.SIMULATION if rehearsal else Source.API
        for listener in self.account.edges:
            listener(Edge(type_, equivent, source, self.account.data))

    async def start(self, live: Equivent = LIVE) -> None:
        """Start an equivent."""
        self.begin()
        self.account.live = live
        self.announce(EdgeType.STARTED, live)
        await self.settle()

    async def end(self, ended: Equivent = LIVE, *, rehearsal: bool = False) -> None:
        """End the equivent, listed in the API or not."""
        self.begin()
        self.account.live = None
        if not rehearsal and ended not in self.account.past:
            self.account.past = (ended, *self.account.past)
        self.announce(EdgeType.ENDED, ended, rehearsal=rehearsal)
        await self.settle()

    async def list(self, ended: Equivent = LIVE) -> None:
        """List an equivent in the API."""
        self.begin()
        others = (each for each in self.account.past if each.start != ended.start)
        self.account.past = (ended, *others)
        self.account.poll()
        await self.settle()

    def known(self) -> Estimate | None:
        """Return the estimate, or None."""
        return self.meter.estimate

    def estimate(self) -> Estimate:
        """Return the estimate, which must exist."""
        assert self.meter.estimate
        return self.meter.estimate

    def shown(self) -> tuple[float | None, float | None, float | None]:
        """Return the usual use, the use and the saving, to four decimals."""
        found = self.estimate()
        each = (found.usual, found.used, found.saving)
        usual, used, saving = (value if value is None else round(value, 4) for value in each)
        return usual, used, saving

    @property
    def reason(self) -> Reason | None:
        """Return the reason for an unknown figure."""
        return self.estimate().reason

    def final(self) -> bool:
        """Return True if the estimate is final."""
        return self.estimate().final

    def reads(self) -> int:
        """Return the number of reads since the last call."""
        number, self.tables.reads = self.tables.reads, 0
        return number


@pytest.fixture
async def evening(hass: HomeAssistant, tables: Tables, freezer: FrozenDateTimeFactory) -> Evening:
    """Return the evening, just before the equivent."""
    freezer.move_to(START)
    await tables.five_minutes(counter("17:00"))
    return Evening(hass, tables, freezer)


# An equivent from its start to its end


async def test_equivent(evening: Evening) -> None:
    """The saving grows while live, is final at the end, and is stored."""
    evening.begin()
    await evening.settle()
    assert evening.known() is None
    assert evening.reads() == 0
    await evening.start()
    assert evening.shown() == (0.9, 0, 0)
    await evening.move_to("17:21")
    assert evening.shown() == (0.9, 0.14, 0.1267)
    await evening.move_to("17:46")
    assert evening.shown() == (0.9, 0.305, 0.345)
    assert not evening.final()
    await evening.move(END)
    await evening.end()
    assert evening.shown() == (0.9, 0.4, 0.5)
    assert evening.final()
    assert evening.account.kept == [evening.meter.estimate]
    await evening.list()
    assert evening.account.kept == [evening.meter.estimate]
    evening.reads()
    await evening.move_to("23:59")
    assert (evening.reads(), len(evening.account.kept)) == (0, 1)
    assert evening.shown() == (0.9, 0.4, 0.5)


async def test_times_of_reading(evening: Evening) -> None:
    """The meter is read at the start, half a minute after each five minutes, and at the end."""
    evening.begin()
    await evening.start()
    assert evening.reads() == 1
    await evening.move_to("17:05", 29)
    assert evening.reads() == 0
    await evening.move_to("17:05", 39)
    assert evening.reads() == 1
    await evening.move_to("17:30")
    assert evening.reads() == 4
    await evening.move(END)
    assert evening.reads() == 7
    evening.account.live, evening.account.past = None, (LIVE, *BEFORE)  # the API lists it
    evening.account.poll()
    await evening.end()
    assert (evening.reads(), len(evening.account.kept)) == (1, 1)


async def test_updates_of_the_entities(evening: Evening) -> None:
    """The entities are updated only if the estimate has changed."""
    await evening.start()
    assert evening.account.updates == 1
    await evening.start()
    assert evening.account.updates == 1
    await evening.move_to("17:06")
    assert evening.account.updates == 2


async def test_end_is_moved(evening: Evening) -> None:
    """The usual use follows the window."""
    await evening.start(Equivent(START))
    assert evening.shown() == (0.4, 0, 0)
    evening.account.live = LIVE
    await evening.move_to("17:06")
    assert evening.shown()[0] == 0.9
    evening.account.live = Equivent(START, END + HOUR / 2)
    await evening.move_to("17:11")
    assert evening.shown()[0] == 1.5


async def test_days_of_equivents(evening: Evening) -> None:
    """The days of the account's equivents are left out."""
    evening.account.past = BEFORE[:1]
    await evening.start()
    assert evening.meter.estimate
    assert evening.meter.estimate.days_used == 8
    assert evening.shown()[0] != 0.9


async def test_long_history(evening: Evening) -> None:
    """Equivents of years ago are ignored."""
    long_ago = tuple(Equivent(each.start - 365 * 24 * HOUR, None) for each in BEFORE)
    evening.account.past = (*BEFORE, Equivent(at(date(2026, 11, 23), "17:00")), *long_ago)
    await evening.start()
    assert evening.shown() == (0.9, 0, 0)


async def test_too_short(evening: Evening) -> None:
    """An equivent within five minutes has no figures and no retries."""
    short = Equivent(START, START + minutes(2))
    await evening.start(short)
    await evening.move_to("17:03")
    await evening.end(short)
    await evening.list(short)
    evening.begin()
    await evening.settle()
    assert (evening.known(), evening.account.kept) == (None, [])
    await evening.move_to("17:20")
    assert evening.reads() == 0


# Rehearsals


async def test_rehearsal(evening: Evening) -> None:
    """A rehearsal has live and final figures, which are not stored."""
    rehearsal = Equivent(START, START + HOUR / 2)
    await evening.start(rehearsal)
    await evening.move_to("17:21")
    assert evening.shown() == (0.4, 0.14, 0.1267)
    await evening.move_to("17:31", 7)
    await evening.end(rehearsal, rehearsal=True)
    assert evening.shown() == (0.4, 0.21, 0.19)
    assert evening.final()
    evening.reads()
    await evening.move_to("23:00")
    assert (evening.reads(), evening.account.kept) == (0, [])
    evening.restart().begin()
    await evening.settle()
    assert evening.known() is None


async def test_rehearsal_not_measured(evening: Evening) -> None:
    """An unmeasured rehearsal is tried once more, then final without figures."""
    rehearsal = Equivent(START, START + HOUR / 2)
    await evening.start(rehearsal)
    await evening.move(START + HOUR / 2, rows=False)
    await evening.end(rehearsal, rehearsal=True)
    assert (evening.shown(), evening.final()) == ((0.4, None, None), False)
    evening.reads()
    await evening.move(START + 4 * HOUR, rows=False)
    assert (evening.reads(), evening.final()) == (1, True)
    assert evening.reason is Reason.WAITING_FOR_METER


async def test_rehearsal_after_equivent(evening: Evening) -> None:
    """An unfinished equivent is finished after a rehearsal, which stays shown."""
    await evening.move(END, rows=False)
    evening.account.past = (LIVE, *BEFORE)
    rehearsal = Equivent(END + minutes(10), END + minutes(20))
    await evening.start(rehearsal)
    await evening.move_to("18:21", 2)
    assert evening.account.kept == []
    await evening.end(rehearsal, rehearsal=True)
    assert [found.start for found in evening.account.kept] == [WINDOW.start]
    found = evening.known()
    assert found
    assert (found.start, found.final) == (at(EVENT_DAY, "18:10"), True)


# Late and unavailable meters


async def test_last_row_is_late(evening: Evening) -> None:
    """An equivent that ends on the second is final half a minute later, with its last row."""
    planned = Equivent(START, WINDOW.end)
    await evening.start(planned)
    await evening.move(WINDOW.end)
    await evening.end(planned)
    assert (evening.shown(), evening.final()) == ((0.9, None, None), False)
    assert evening.reason is Reason.WAITING_FOR_METER
    await evening.move_to("18:00", 39)
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)
    evening.reads()
    await evening.move_to("19:30")
    assert evening.reads() == 0


async def test_late_meter(evening: Evening) -> None:
    """A statistic that is imported the next morning is read within an hour."""
    evening.choose(EXTERNAL)
    before = {m: total for m, total in counter().items() if m.date() < EVENT_DAY}
    await evening.tables.hours(before, EXTERNAL)
    await evening.start()
    assert (evening.shown(), evening.reason) == ((0.9, None, None), Reason.WAITING_FOR_METER)
    await evening.move(END)
    await evening.end()
    await evening.list()
    evening.reads()
    evening.account.poll()  # as after each poll
    await evening.settle()
    assert evening.reads() == 0
    await evening.move_to("18:50")
    assert evening.reads() == 1
    await evening.move_to("23:50")
    assert evening.reads() == 5
    assert (evening.shown(), evening.final()) == ((0.9, None, None), False)
    await evening.tables.hours(counter(), EXTERNAL)
    await evening.move_to("23:50", 3_600)
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)
    assert evening.account.kept == [evening.meter.estimate]


async def test_late_days(evening: Evening) -> None:
    """All days are read again at the end, as their rows may have been imported meanwhile."""
    evening.choose(EXTERNAL)
    early = {m: total for m, total in counter().items() if m.date() < date(2026, 11, 23)}
    await evening.tables.hours(early, EXTERNAL)
    await evening.start()
    assert evening.estimate().days_used == 6
    await evening.tables.hours(counter(), EXTERNAL)
    await evening.move(END)
    await evening.end()
    assert (evening.shown(), evening.estimate().days_used) == ((0.9, 0.4, 0.5), 7)


async def test_meter_without_rows(evening: Evening) -> None:
    """After two days the result is final and stored without figures."""
    await evening.move(END, rows=False)
    await evening.list()
    evening.reads()
    for hour in range(1, 60):
        evening.freezer.move_to(END + hour * HOUR)
        fire_timers(evening.hass, dt_util.utcnow())
        await evening.settle()
        assert evening.final() is (hour >= 47)
    assert evening.reads() == 47
    assert (evening.shown(), evening.reason) == ((0.9, None, None), Reason.WAITING_FOR_METER)
    assert evening.account.kept == [evening.known()]


async def test_slow_meter(evening: Evening) -> None:
    """A meter that is too slow has a reason, no figures, and no retries."""
    evening.choose("sensor.slow")
    ends = [START.replace(second=0) - minutes(1 + 5 * n) for n in range(100)]
    kwh = {end: 100.0 + (end - ends[-1]) // HOUR for end in reversed(ends)}
    await evening.tables.five_minutes(kwh, "sensor.slow")
    await evening.start()
    assert (evening.shown(), evening.reason) == ((None, None, None), Reason.METER_TOO_SLOW)
    await evening.move_to("17:11")
    assert evening.reason is Reason.METER_TOO_SLOW
    await evening.move(END)
    await evening.end()
    assert (evening.final(), evening.reason) == (True, Reason.METER_TOO_SLOW)
    await evening.list()
    assert evening.account.kept == [evening.known()]
    evening.reads()
    await evening.move_to("20:00")
    assert evening.reads() == 0


async def test_no_statistics(evening: Evening) -> None:
    """The reason is shown until there are statistics."""
    evening.choose("sensor.nothing")
    await evening.start()
    assert (evening.shown(), evening.reason) == ((None, None, None), Reason.NO_STATISTICS)
    await evening.tables.five_minutes(evening.kwh, "sensor.nothing")
    await evening.move_to("17:06")
    assert (evening.shown()[0], evening.reason) == (0.9, None)


async def test_database_error(evening: Evening, caplog: pytest.LogCaptureFixture) -> None:
    """The estimate is kept, and the next read may succeed."""
    await evening.start()
    evening.tables.is_broken = True
    await evening.move(at(EVENT_DAY, "17:06"), rows=False)
    assert evening.shown() == (0.9, 0, 0)
    assert "The statistics cannot be read now" in caplog.text
    evening.tables.is_broken = False
    await evening.move_to("17:21")
    assert evening.shown() == (0.9, 0.14, 0.1267)


async def test_database_error_at_the_end(evening: Evening) -> None:
    """The estimate is not final until the next read succeeds."""
    await evening.start()
    await evening.move_to("17:56")
    evening.tables.is_broken = True
    await evening.move(END, rows=False)
    await evening.end()
    await evening.move(END + HOUR, rows=False)
    assert (evening.shown()[0], evening.final()) == (0.9, False)
    evening.tables.is_broken = False
    await evening.move(END + 2 * HOUR)
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)


@pytest.mark.parametrize("rehearsal", [False, True])
async def test_database_stays_broken(evening: Evening, rehearsal: bool) -> None:
    """After two days the result is final without any figures."""
    await evening.start()
    await evening.move_to("17:26")
    evening.tables.is_broken = True
    evening.freezer.move_to(END)
    await evening.end(rehearsal=rehearsal)
    for hour in range(1, 49):
        evening.freezer.move_to(END + hour * HOUR)
        fire_timers(evening.hass, dt_util.utcnow())
        await evening.settle()
        assert evening.final() is (hour >= 47)
    evening.tables.is_broken = False
    assert (evening.shown(), evening.reason) == ((None, None, None), Reason.NO_STATISTICS)
    assert evening.account.kept == ([] if rehearsal else [evening.known()])


async def test_database_error_as_end_is_moved(evening: Evening) -> None:
    """The new window is read in full once it can be."""
    await evening.start(Equivent(START))
    assert evening.shown() == (0.4, 0, 0)
    evening.tables.is_broken = True
    evening.account.live = LIVE
    evening.account.poll()
    await evening.settle()
    assert evening.shown() == (0.4, 0, 0)
    evening.tables.is_broken = False
    await evening.move_to("17:21")
    assert evening.shown() == (0.9, 0.14, 0.1267)


async def test_database_error_at_the_start(evening: Evening) -> None:
    """The figures of the last equivent are not shown for the live one."""
    before = replace(RESULT, start=at(EVENT_DAY, "15:00"), end=at(EVENT_DAY, "16:00"))
    earlier = Equivent(before.start + minutes(1), before.end + minutes(1))
    evening.account.past = (earlier, *BEFORE)
    evening.account.result(earlier, before)
    evening.restart().begin()
    await evening.settle()
    assert evening.known() == before
    evening.tables.is_broken = True
    await evening.start()
    assert (evening.shown(), evening.final()) == ((None, None, None), False)
    assert evening.reason is Reason.WAITING_FOR_METER
    found = evening.known()
    assert found
    assert (found.start, found.end, found.days_wanted) == (WINDOW.start, WINDOW.end, 10)
    evening.tables.is_broken = False
    await evening.move_to("17:06")
    assert evening.shown()[0] == 0.9


async def test_database_error_at_second_start(evening: Evening) -> None:
    """The figures of an unfinished equivent are not shown for the next one."""
    await evening.start(Equivent(START, START + HOUR / 2))
    evening.tables.is_broken = True
    await evening.start(Equivent(START + HOUR / 2, END))
    assert evening.estimate().start == at(EVENT_DAY, "17:30")
    assert evening.reason is Reason.WAITING_FOR_METER


async def test_database_error_at_end_of_rehearsal(evening: Evening) -> None:
    """The read is retried within the hour until it succeeds."""
    rehearsal = Equivent(START, START + HOUR / 2)
    await evening.start(rehearsal)
    await evening.move_to("17:30")
    evening.tables.is_broken = True
    await evening.move(rehearsal.start + HOUR / 2, rows=False)
    await evening.end(rehearsal, rehearsal=True)
    await evening.move_to("17:40", rows=False)
    assert not evening.final()
    evening.tables.is_broken = False
    await evening.make_rows(at(EVENT_DAY, "17:35"))
    await evening.move_to("18:40", rows=False)
    assert (evening.shown(), evening.final()) == ((0.4, 0.21, 0.19), True)
    evening.reads()
    await evening.move_to("20:40", rows=False)
    assert evening.reads() == 0


# Errors


def errors_in(log: Recorder) -> list[str]:
    """Return the expected errors with tracebacks since the last call."""
    errors = [each.getMessage() for each in log.records if each.levelno >= logging.ERROR]
    log.records.clear()
    return errors


@pytest.mark.parametrize("over", [False, True])
async def test_unexpected_error(evening: Evening, no_secrets_in_log: Recorder, over: bool) -> None:
    """An unexpected error is logged once, and the next equivent is measured."""
    evening.tables.error = RuntimeError("out of memory")
    if over:
        await evening.move(END)
        await evening.end()
        await evening.move(END + 3 * HOUR + minutes(2))
    else:
        await evening.start()
        await evening.move_to("17:16")
    assert evening.reads() == 4
    assert errors_in(no_secrets_in_log) == ["Unexpected error measuring an equivent"]
    evening.tables.error = None
    await evening.move(dt_util.utcnow() + (HOUR if over else minutes(5)))
    assert evening.shown() == ((0.9, 0.4, 0.5) if over else (0.9, 0.14, 0.1267))
    evening.tables.error = RuntimeError("out of memory")
    await evening.start(Equivent(dt_util.utcnow(), dt_util.utcnow() + HOUR))
    assert len(errors_in(no_secrets_in_log)) == 1


async def test_cleared_statistics(evening: Evening) -> None:
    """Readings from before a clearing are dropped, and the next equivent has figures."""
    await evening.start()
    await evening.move_to("17:21")
    assert evening.shown() == (0.9, 0.14, 0.1267)
    evening.tables.clear()
    start = evening.kwh[at(EVENT_DAY, "17:20")]
    evening.kwh = {moment: total - start for moment, total in evening.kwh.items()}
    await evening.move_to("17:41")
    assert (evening.shown()[1:], evening.reason) == ((None, None), Reason.METER_GAP)
    await evening.move(END)
    await evening.end()
    assert (evening.shown()[1:], evening.final()) == ((None, None), False)
    later = Equivent(at(EVENT_DAY, "18:05"), at(EVENT_DAY, "18:30"))
    await evening.start(later)
    await evening.move_to("18:26")
    assert evening.estimate().used == pytest.approx(0.7 * 20 / 30)


async def test_adjusted_sum(evening: Evening) -> None:
    """Rows read before an adjustment of the sum are read again."""
    await evening.start()
    await evening.move_to("17:21")
    evening.kwh = {moment: total - 4_600 for moment, total in evening.kwh.items()}
    evening.made = at(EVENT_DAY, "16:50")
    await evening.move_to("17:46")
    assert evening.shown() == (0.9, 0.305, 0.345)


# A wrong clock


async def test_wrong_clock(evening: Evening) -> None:
    """No figures while the clock is wrong, nor at the end if it is right by then."""
    evening.account.behind = minutes(20)
    late = Equivent(START + minutes(20), END + minutes(20))
    await evening.start(late)
    assert (evening.shown(), evening.reason) == ((None, None, None), Reason.CLOCK_WRONG)
    await evening.move_to("17:30")
    assert evening.reason is Reason.CLOCK_WRONG
    evening.account.behind = timedelta()
    await evening.move_to("18:21", 2)
    await evening.end(late)
    assert (evening.shown(), evening.reason) == ((None, None, None), Reason.CLOCK_WRONG)
    assert evening.final()
    await evening.list(late)
    assert evening.account.kept == [evening.known()]


async def test_wrong_clock_afterwards(evening: Evening) -> None:
    """An equivent that ended before is measured once the clock is right again."""
    await evening.tables.five_minutes(evening.kwh)
    await evening.move(END + HOUR, rows=False)
    evening.account.past = (LIVE, *BEFORE)
    evening.account.behind = -minutes(3)
    evening.restart().begin()
    await evening.settle()
    assert (evening.reason, evening.final()) == (Reason.CLOCK_WRONG, False)
    evening.account.behind = -minutes(1)  # a false report is allowed
    await evening.move(END + 3 * HOUR, rows=False)
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)


# Restarts


async def test_restart_after_another_equivent(evening: Evening) -> None:
    """The stored result of another equivent is not shown for the live one."""
    earlier = Equivent(at(EVENT_DAY, "15:01"), at(EVENT_DAY, "16:01"))
    evening.account.past = (earlier, *BEFORE)
    before = replace(RESULT, start=at(EVENT_DAY, "15:00"), end=at(EVENT_DAY, "16:00"))
    evening.account.result(earlier, before)
    evening.account.live = LIVE
    evening.restart()
    assert evening.known() == replace(EMPTY, reason=Reason.WAITING_FOR_METER)
    evening.begin()
    await evening.settle()
    assert evening.shown() == (0.9, 0, 0)


async def test_fast_meter_after_slow_one(evening: Evening) -> None:
    """A faster meter measures once what the old one was too slow for."""
    await evening.tables.five_minutes(evening.kwh)
    await evening.move(END, rows=False)
    slow = replace(EMPTY, final=True, reason=Reason.METER_TOO_SLOW)
    evening.account.past = (LIVE, *BEFORE)
    evening.account.result(LIVE, slow)
    evening.restart().begin()
    await evening.settle()
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)
    assert evening.account.kept == [evening.known()]


async def test_slow_meter_after_restart(evening: Evening) -> None:
    """A slow meter is read once more after a restart."""
    evening.choose("sensor.slow")
    ends = [START.replace(second=0) - minutes(1 + 5 * n) for n in range(100)]
    kwh = {end: 100.0 + (end - ends[-1]) // HOUR for end in reversed(ends)}
    await evening.tables.five_minutes(kwh, "sensor.slow")
    await evening.move(END, rows=False)
    await evening.list()
    slow = evening.known()
    assert slow
    assert slow.reason is Reason.METER_TOO_SLOW
    evening.restart().begin()
    await evening.settle()
    assert evening.known() == slow
    evening.reads()
    await evening.move_to("20:00", rows=False)
    await evening.list()
    assert evening.reads() == 0


async def test_restart_while_live(evening: Evening) -> None:
    """Measuring continues after a restart."""
    await evening.start()
    await evening.move_to("17:10")
    evening.restart().begin()
    await evening.settle()
    await evening.move_to("17:21")
    assert evening.shown() == (0.9, 0.14, 0.1267)


async def test_restart_after_equivent(evening: Evening) -> None:
    """The stored result is shown without a query."""
    await evening.move(END)
    await evening.list()
    result = evening.meter.estimate
    evening.reads()
    evening.restart().begin()
    await evening.settle()
    assert evening.meter.estimate == result
    assert (evening.reads(), evening.final()) == (0, True)


async def test_missed_end(evening: Evening) -> None:
    """An equivent that ended during a restart is measured after it."""
    await evening.start()
    evening.account.live, evening.account.past = None, (LIVE, *BEFORE)
    await evening.tables.five_minutes(evening.kwh)
    evening.freezer.move_to(END + 3 * HOUR)
    evening.restart().begin()
    await evening.settle()
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)
    assert evening.account.kept == [evening.meter.estimate]


async def test_two_missed_ends(evening: Evening) -> None:
    """Both equivents are measured, and the newer one is shown."""
    first, second = Equivent(START, START + HOUR / 2), Equivent(START + HOUR / 2, END)
    evening.account.past = (second, first, *BEFORE)
    await evening.tables.five_minutes(evening.kwh)
    evening.freezer.move_to(END + 3 * HOUR)
    evening.begin()
    await evening.settle()
    assert evening.shown() == (0.5, 0.19, 0.31)
    assert [found.start for found in evening.account.kept] == [
        at(EVENT_DAY, "17:30"),
        at(EVENT_DAY, "17:00"),
    ]
    assert evening.account.shown_results == 2


async def test_no_equivents(evening: Evening) -> None:
    """There is nothing to show yet."""
    evening.account.past = ()
    evening.begin()
    await evening.settle()
    assert evening.known() is None


async def test_while_an_end_is_announced(evening: Evening) -> None:
    """The result is not final before its end has been announced."""
    await evening.start()
    await evening.move(END)
    evening.account.is_waiting = True
    evening.account.live, evening.account.past = None, (LIVE, *BEFORE)
    evening.account.poll()
    await evening.settle()
    assert not evening.final()
    evening.account.is_waiting = False
    await evening.end()
    assert evening.final()


# Later answers of the API


async def test_listed_with_other_times(evening: Evening) -> None:
    """The listed half hours are measured again and replace the stored result."""
    await evening.tables.five_minutes(evening.kwh)
    await evening.move(END, rows=False)
    await evening.end(Equivent(START, START + HOUR / 2))
    assert evening.shown() == (0.4, 0.21, 0.19)
    await evening.list(Equivent(START, START + HOUR / 2))
    before = evening.account.updates
    await evening.list()
    assert evening.account.updates == before + 2  # stored, and shown as final at once
    assert evening.shown() == (0.9, 0.4, 0.5)
    assert [found.end for found in evening.account.kept] == [at(EVENT_DAY, "17:30"), WINDOW.end]
    evening.reads()
    evening.account.poll()
    await evening.list()
    assert evening.reads() == 0


async def test_two_in_a_row(evening: Evening) -> None:
    """The first is finished once the second is over, which stays shown."""
    first, second = Equivent(START, START + HOUR / 2), Equivent(START + HOUR / 2, END)
    await evening.start(first)
    await evening.move_to("17:31", 7)
    await evening.end(first)
    await evening.start(second)
    await evening.list(first)
    assert evening.meter.estimate
    assert evening.meter.estimate.start == at(EVENT_DAY, "17:30")
    await evening.move(END)
    await evening.end(second)
    await evening.list(second)
    assert [(found.start, found.final) for found in evening.account.kept] == [
        (at(EVENT_DAY, "17:00"), True),
        (at(EVENT_DAY, "17:30"), True),
    ]
    assert evening.shown() == (0.5, 0.19, 0.31)
