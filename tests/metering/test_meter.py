"""Test when the meters are read, what is shown, and what is kept."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    async_fire_time_changed,
    mock_config_flow,
    mock_integration,
    mock_platform,
)
import sqlalchemy as sa

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.metering.baseline import Estimate, Reason
from custom_components.equiwatt.metering.finished import Equivent as Known
from custom_components.equiwatt.metering.meter import Meter
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from .example import EQUIVENT_DAYS, EVENT_DAY, WINDOW, at, counter, in_between, minutes
from .meters import EXTERNAL, HOUR, METER, Meters

START, END = at(EVENT_DAY, "17:01"), at(EVENT_DAY, "18:01")
START, END = START + timedelta(seconds=7), END + timedelta(seconds=2)


@dataclass(frozen=True)
class Equivent:
    """One equivent."""

    start: datetime
    end: datetime | None = None


LIVE = Equivent(START, END)
BEFORE = tuple(
    Equivent(at(day, "16:31"), at(day, "17:31")) for day in sorted(EQUIVENT_DAYS, reverse=True)
)


EMPTY = Estimate(start=WINDOW.start, end=WINDOW.end, days_wanted=10)
RESULT = replace(EMPTY, usual=0.8, used=0.5, saving=0.3, days_used=7, final=True)


class Account:
    """An account, as far as the meter is concerned."""

    def __init__(self) -> None:
        """Start with the past equivents of the example."""
        self.live: Known | None = None
        self.is_announcing = False
        self.ended: Known | None = None
        self.past: tuple[Equivent, ...] = BEFORE
        self.results: dict[datetime, Estimate] = {}
        self.kept: list[Estimate] = []
        self.behind = timedelta()
        """How far the system's clock is behind."""

    def now(self) -> datetime:
        """Return the time."""
        return dt_util.utcnow() + self.behind

    def result_of(self, equivent: Known) -> Estimate | None:
        """Return what was kept of an equivent."""
        return self.results.get(equivent.start)

    def keep_result(self, equivent: Known, result: Estimate) -> None:
        """Keep what is final."""
        self.results[equivent.start] = result
        self.kept.append(result)


class Evening:
    """The evening of the example, with a meter whose rows appear as time passes."""

    def __init__(self, hass: HomeAssistant, meters: Meters, freezer: FrozenDateTimeFactory) -> None:
        """Set up an account with a meter."""
        self.hass = hass
        self.meters = meters
        self.freezer = freezer
        self.account = Account()
        self.entry = MockConfigEntry(domain=DOMAIN)
        self.ids: list[str] = [METER]
        self.found = 0
        self.queries: list[str] = []
        self.changes = 0
        self.kwh = in_between(counter())
        self.made = at(EVENT_DAY, "17:00")
        self.meter = Meter(hass, self.entry, self.account, self.find)
        self.restart()

    def restart(self) -> Evening:
        """Have the meter of a Home Assistant that was started again."""
        self.meter.async_stop()
        self.meter = Meter(self.hass, self.entry, self.account, self.find)
        self.meter.async_listen(self.change)
        return self

    def begin(self) -> None:
        """Let the meter begin, once Home Assistant has started."""
        self.meter.async_restore()
        self.meter.async_start()

    async def find(self) -> list[str]:
        """Return which meters the home has."""
        self.found += 1
        return self.ids

    def change(self) -> None:
        """Count a change of the estimate."""
        self.changes += 1

    async def settle(self) -> None:
        """Let everything that is under way finish."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def move_to(self, label: str, seconds: int = 0, *, rows: bool = True) -> None:
        """Let time pass, and the rows of it be made."""
        await self.move(at(EVENT_DAY, label) + timedelta(seconds=seconds), rows)

    async def move(self, end: datetime, rows: bool = True) -> None:
        """Let time pass in steps of half a minute."""
        while dt_util.utcnow() < end:
            now = min(end, dt_util.utcnow() + timedelta(seconds=30))
            if rows:  # before the clock is turned, which makes the loop fire timers at once
                await self.make_rows(now - timedelta(seconds=10))
            self.freezer.move_to(now)
            async_fire_time_changed(self.hass, now)
            await self.settle()

    async def make_rows(self, until: datetime) -> None:
        """Make the rows that end by a time and are not there yet."""
        new = {m: total for m, total in self.kwh.items() if self.made < m <= until}
        self.made = max(self.made, until)
        if new:
            await self.meters.five_minutes(new)

    async def start(self, live: Equivent = LIVE) -> None:
        """Let an equivent become live."""
        self.account.live = live
        self.meter.async_started()
        await self.settle()

    async def end(self, ended: Equivent = LIVE, *, rehearsal: bool = False) -> None:
        """Let the equivent end, whether or not the API has listed it."""
        self.account.live = None
        if not rehearsal and ended not in self.account.past:
            self.account.ended = ended
        self.meter.async_ended(ended, rehearsal=rehearsal)
        await self.settle()

    async def list(self, ended: Equivent = LIVE) -> None:
        """Let the API list an equivent."""
        others = (each for each in self.account.past if each.start != ended.start)
        self.account.ended, self.account.past = None, (ended, *others)
        self.meter.async_update()
        await self.settle()

    def known(self) -> Estimate | None:
        """Return what is shown."""
        return self.meter.estimate

    def estimate(self) -> Estimate:
        """Return what is shown, which is something."""
        assert self.meter.estimate
        return self.meter.estimate

    def shown(self) -> tuple[float | None, float | None, float | None]:
        """Return what is usual, used and saved, to four decimals."""
        found = self.estimate()
        each = (found.usual, found.used, found.saving)
        usual, used, saving = (value if value is None else round(value, 4) for value in each)
        return usual, used, saving

    @property
    def reason(self) -> Reason | None:
        """Return why something is not known."""
        assert self.meter.estimate
        return self.meter.estimate.reason

    def final(self) -> bool:
        """Return whether what is shown will not change any more."""
        assert self.meter.estimate
        return self.meter.estimate.final

    async def break_database(self) -> None:
        """Take a table away."""
        await self.meters.execute(sa.text("ALTER TABLE statistics_short_term RENAME TO away"))

    async def mend_database(self) -> None:
        """Restore it."""
        await self.meters.execute(sa.text("ALTER TABLE away RENAME TO statistics_short_term"))

    def reads(self) -> int:
        """Return how often statistics were read since this was called last."""
        number = sum("FROM statistics_short_term" in query for query in self.queries)
        self.queries.clear()
        return number


@pytest.fixture
async def evening(
    hass: HomeAssistant, meters: Meters, freezer: FrozenDateTimeFactory
) -> AsyncGenerator[Evening]:
    """Return the evening, just before the equivent."""
    freezer.move_to(START)
    found = Evening(hass, meters, freezer)
    await meters.five_minutes(counter("17:00"))
    engine: Any = get_instance(hass).engine

    def note(_: Any, __: Any, query: str, *___: Any) -> None:
        """Note a query."""
        if query.startswith("SELECT statistics_meta.statistic_id"):
            found.queries.append(query)

    sa.event.listen(engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(engine, "before_cursor_execute", note)


# An equivent from its start to its end


async def test_an_equivent(evening: Evening) -> None:
    """The saving grows while it is live, is final at its end, and is kept."""
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


async def test_when_it_is_read(evening: Evening) -> None:
    """Once at the start, half a minute after each five minutes, and once at the end."""
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
    evening.meter.async_update()
    await evening.end()
    assert (evening.reads(), len(evening.account.kept)) == (1, 1)
    assert evening.found == 2


async def test_changes_are_told(evening: Evening) -> None:
    """Listeners are called when something has changed, and no more once they do not want to."""
    calls: list[Estimate | None] = []
    stop = evening.meter.async_listen(lambda: calls.append(evening.meter.estimate))
    await evening.start()
    assert calls == [evening.meter.estimate]
    await evening.start()
    assert len(calls) == 1
    await evening.move_to("17:06")
    assert len(calls) == 2
    stop()
    await evening.move_to("17:11")
    assert (len(calls), evening.changes) == (2, 3)


async def test_the_end_is_moved(evening: Evening) -> None:
    """What is usual follows the window."""
    await evening.start(Equivent(START))
    assert evening.shown() == (0.4, 0, 0)
    evening.account.live = LIVE
    await evening.move_to("17:06")
    assert evening.shown()[0] == 0.9
    evening.account.live = Equivent(START, END + HOUR / 2)
    await evening.move_to("17:11")
    assert evening.shown()[0] == 1.5


async def test_days_of_equivents_are_left_out(evening: Evening) -> None:
    """They are those that the account has had."""
    evening.account.past = BEFORE[:1]
    await evening.start()
    assert evening.meter.estimate
    assert evening.meter.estimate.days_used == 8
    assert evening.shown()[0] != 0.9


async def test_a_long_history(evening: Evening) -> None:
    """Equivents of years ago play no part."""
    long_ago = tuple(Equivent(each.start - 365 * 24 * HOUR, None) for each in BEFORE)
    evening.account.past = (*BEFORE, Equivent(at(date(2026, 11, 23), "17:00")), *long_ago)
    await evening.start()
    assert evening.shown() == (0.9, 0, 0)


async def test_too_short(evening: Evening) -> None:
    """What is over within five minutes has no figures, and is not tried again."""
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


async def test_a_rehearsal(evening: Evening) -> None:
    """It shows live figures and final ones, and nothing of it is kept."""
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


async def test_a_rehearsal_that_is_not_measured(evening: Evening) -> None:
    """It is tried once more, and then it is final that nothing is known."""
    rehearsal = Equivent(START, START + HOUR / 2)
    await evening.start(rehearsal)
    await evening.move(START + HOUR / 2, rows=False)
    await evening.end(rehearsal, rehearsal=True)
    assert (evening.shown(), evening.final()) == ((0.4, None, None), False)
    evening.reads()
    await evening.move(START + 4 * HOUR, rows=False)
    assert (evening.reads(), evening.final()) == (1, True)
    assert evening.reason is Reason.WAITING_FOR_METER


async def test_a_rehearsal_after_a_real_one(evening: Evening) -> None:
    """The real one that is not finished is finished after it, and the rehearsal stays shown."""
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


# Meters that are late, or away


async def test_the_last_row_is_late(evening: Evening) -> None:
    """What ends to the second is final half a minute later, when the row is there."""
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


async def test_a_late_meter(evening: Evening) -> None:
    """An external statistic that comes the next morning is read within an hour."""
    evening.ids = [EXTERNAL]
    before = {m: total for m, total in counter().items() if m.date() < EVENT_DAY}
    await evening.meters.hours(before, EXTERNAL)
    await evening.start()
    assert (evening.shown(), evening.reason) == ((0.9, None, None), Reason.WAITING_FOR_METER)
    await evening.move(END)
    await evening.end()
    await evening.list()
    evening.reads()
    evening.meter.async_update()  # as after each poll
    await evening.settle()
    assert evening.reads() == 0
    await evening.move_to("18:50")
    assert evening.reads() == 1
    await evening.move_to("23:50")
    assert evening.reads() == 5
    assert (evening.shown(), evening.final()) == ((0.9, None, None), False)
    await evening.meters.hours(counter(), EXTERNAL)
    await evening.move_to("23:50", 3_600)
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)
    assert evening.account.kept == [evening.meter.estimate]


async def test_a_meter_that_never_comes(evening: Evening) -> None:
    """After two days it is final that nothing is known, and kept."""
    await evening.move(END, rows=False)
    await evening.list()
    evening.reads()
    for hour in range(1, 60):
        evening.freezer.move_to(END + hour * HOUR)
        async_fire_time_changed(evening.hass, dt_util.utcnow())
        await evening.settle()
        assert evening.final() is (hour >= 47)
    assert evening.reads() == 47
    assert (evening.shown(), evening.reason) == ((0.9, None, None), Reason.WAITING_FOR_METER)
    assert evening.account.kept == [evening.known()]


async def test_a_meter_that_is_too_slow(evening: Evening) -> None:
    """Nothing is shown but the reason, and there is nothing to wait for."""
    evening.ids = ["sensor.slow"]
    ends = [START.replace(second=0) - minutes(1 + 5 * n) for n in range(100)]
    kwh = {end: 100.0 + (end - ends[-1]) // HOUR for end in reversed(ends)}
    await evening.meters.five_minutes(kwh, "sensor.slow")
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
    """It says so, and is better at once when there are some."""
    evening.ids = ["sensor.nothing"]
    await evening.start()
    assert (evening.shown(), evening.reason) == ((None, None, None), Reason.NO_STATISTICS)
    evening.ids = [METER]
    await evening.move_to("17:06")
    assert (evening.shown()[0], evening.reason) == (0.9, None)


async def test_a_broken_database(evening: Evening, caplog: pytest.LogCaptureFixture) -> None:
    """What was shown stays, and the next time may be better."""
    await evening.start()
    await evening.break_database()
    await evening.move(at(EVENT_DAY, "17:06"), rows=False)
    assert evening.shown() == (0.9, 0, 0)
    assert "The statistics cannot be read now" in caplog.text
    await evening.mend_database()
    await evening.move_to("17:21")
    assert evening.shown() == (0.9, 0.14, 0.1267)


async def test_a_database_that_is_broken_at_the_end(evening: Evening) -> None:
    """The next time may be better, and what is shown meanwhile is not final."""
    await evening.start()
    await evening.move_to("17:56")
    await evening.break_database()
    await evening.move(END, rows=False)
    await evening.end()
    await evening.move(END + HOUR, rows=False)
    assert (evening.shown()[0], evening.final()) == (0.9, False)
    await evening.mend_database()
    await evening.move(END + 2 * HOUR)
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)


@pytest.mark.parametrize("rehearsal", [False, True])
async def test_a_database_that_stays_broken(evening: Evening, rehearsal: bool) -> None:
    """After two days it is final that nothing is known: no half of it stays."""
    await evening.start()
    await evening.move_to("17:26")
    await evening.break_database()
    evening.freezer.move_to(END)
    await evening.end(rehearsal=rehearsal)
    for hour in range(1, 49):
        evening.freezer.move_to(END + hour * HOUR)
        async_fire_time_changed(evening.hass, dt_util.utcnow())
        await evening.settle()
        assert evening.final() is (hour >= 47)
    await evening.mend_database()
    assert (evening.shown(), evening.reason) == ((None, None, None), Reason.NO_STATISTICS)
    assert evening.account.kept == ([] if rehearsal else [evening.known()])


async def test_a_broken_database_as_the_end_is_moved(evening: Evening) -> None:
    """All is read for the new window, once it can be."""
    await evening.start(Equivent(START))
    assert evening.shown() == (0.4, 0, 0)
    await evening.break_database()
    evening.account.live = LIVE
    evening.meter.async_update()
    await evening.settle()
    assert evening.shown() == (0.4, 0, 0)
    await evening.mend_database()
    await evening.move_to("17:21")
    assert evening.shown() == (0.9, 0.14, 0.1267)


async def test_a_broken_database_at_the_start(evening: Evening) -> None:
    """The figures of an earlier equivent are not shown for the live one."""
    before = replace(RESULT, start=at(EVENT_DAY, "15:00"), end=at(EVENT_DAY, "16:00"))
    earlier = Equivent(before.start + minutes(1), before.end + minutes(1))
    evening.account.past = (earlier, *BEFORE)
    evening.account.results[earlier.start] = before
    evening.begin()
    await evening.settle()
    assert evening.known() == before
    await evening.break_database()
    await evening.start()
    assert (evening.shown(), evening.final()) == ((None, None, None), False)
    assert evening.reason is Reason.WAITING_FOR_METER
    found = evening.known()
    assert found
    assert (found.start, found.end, found.days_wanted) == (WINDOW.start, WINDOW.end, 10)
    await evening.mend_database()
    await evening.move_to("17:06")
    assert evening.shown()[0] == 0.9


async def test_a_broken_database_at_the_end_of_a_rehearsal(evening: Evening) -> None:
    """It is tried again within the hour, until it can be read."""
    rehearsal = Equivent(START, START + HOUR / 2)
    await evening.start(rehearsal)
    await evening.move_to("17:30")
    await evening.break_database()
    await evening.move(rehearsal.start + HOUR / 2, rows=False)
    await evening.end(rehearsal, rehearsal=True)
    await evening.move_to("17:40", rows=False)
    assert not evening.final()
    await evening.mend_database()
    await evening.make_rows(at(EVENT_DAY, "17:35"))
    await evening.move_to("18:40", rows=False)
    assert (evening.shown(), evening.final()) == ((0.4, 0.21, 0.19), True)
    evening.reads()
    await evening.move_to("20:40", rows=False)
    assert evening.reads() == 0


# A wrong clock


async def test_a_wrong_clock(evening: Evening) -> None:
    """Its rows bear other times, so nothing is shown, be it that the clock is right at the end."""
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


async def test_a_clock_that_is_wrong_afterwards(evening: Evening) -> None:
    """What ended before is measured as soon as the clock is right again."""
    await evening.meters.five_minutes(evening.kwh)
    await evening.move(END + HOUR, rows=False)
    evening.account.past = (LIVE, *BEFORE)
    evening.account.behind = -minutes(3)
    evening.restart().begin()
    await evening.settle()
    assert (evening.reason, evening.final()) == (Reason.CLOCK_WRONG, False)
    evening.account.behind = -minutes(1)  # which it may be
    await evening.move(END + 3 * HOUR, rows=False)
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)


# Restarts


async def test_a_restart_after_another_equivent(evening: Evening) -> None:
    """What is kept of that one is not shown for the live one, be it for a moment."""
    earlier = Equivent(at(EVENT_DAY, "15:01"), at(EVENT_DAY, "16:01"))
    evening.account.past = (earlier, *BEFORE)
    evening.account.results[earlier.start] = replace(
        RESULT, start=at(EVENT_DAY, "15:00"), end=at(EVENT_DAY, "16:00")
    )
    evening.account.live = LIVE
    seen: list[Estimate] = []
    evening.restart()
    evening.meter.async_listen(lambda: seen.append(evening.estimate()))
    evening.begin()
    await evening.settle()
    assert seen[0] == replace(EMPTY, reason=Reason.WAITING_FOR_METER)
    assert seen[1:] == [evening.known()]
    assert evening.shown() == (0.9, 0, 0)


async def test_a_fast_meter_after_a_slow_one(evening: Evening) -> None:
    """What the old one was too slow for is measured by the new one, once."""
    await evening.meters.five_minutes(evening.kwh)
    await evening.move(END, rows=False)
    slow = replace(EMPTY, final=True, reason=Reason.METER_TOO_SLOW)
    evening.account.past, evening.account.results[START] = (LIVE, *BEFORE), slow
    evening.restart().begin()
    await evening.settle()
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)
    assert evening.account.kept == [evening.known()]


async def test_a_slow_meter_after_a_restart(evening: Evening) -> None:
    """It is looked at again, once."""
    evening.ids = ["sensor.slow"]
    ends = [START.replace(second=0) - minutes(1 + 5 * n) for n in range(100)]
    kwh = {end: 100.0 + (end - ends[-1]) // HOUR for end in reversed(ends)}
    await evening.meters.five_minutes(kwh, "sensor.slow")
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


async def test_a_restart_amid_an_equivent(evening: Evening) -> None:
    """It goes on as if nothing had been."""
    await evening.start()
    await evening.move_to("17:10")
    evening.restart().begin()
    await evening.settle()
    await evening.move_to("17:21")
    assert evening.shown() == (0.9, 0.14, 0.1267)


async def test_a_restart_after_an_equivent(evening: Evening) -> None:
    """What was kept is shown, without any query."""
    await evening.move(END)
    await evening.list()
    result = evening.meter.estimate
    evening.reads()
    evening.restart().begin()
    await evening.settle()
    assert evening.meter.estimate == result
    assert (evening.reads(), evening.final()) == (0, True)


async def test_an_end_that_was_missed(evening: Evening) -> None:
    """What ended while Home Assistant was off is measured when it is on again."""
    await evening.start()
    evening.account.live, evening.account.past = None, (LIVE, *BEFORE)
    await evening.meters.five_minutes(evening.kwh)
    evening.freezer.move_to(END + 3 * HOUR)
    evening.restart().begin()
    await evening.settle()
    assert (evening.shown(), evening.final()) == ((0.9, 0.4, 0.5), True)
    assert evening.account.kept == [evening.meter.estimate]


async def test_two_ends_that_were_missed(evening: Evening) -> None:
    """Both are measured, and the newer one is shown."""
    first, second = Equivent(START, START + HOUR / 2), Equivent(START + HOUR / 2, END)
    evening.account.past = (second, first, *BEFORE)
    await evening.meters.five_minutes(evening.kwh)
    evening.freezer.move_to(END + 3 * HOUR)
    evening.begin()
    await evening.settle()
    assert evening.shown() == (0.5, 0.19, 0.31)
    assert [found.start for found in evening.account.kept] == [
        at(EVENT_DAY, "17:30"),
        at(EVENT_DAY, "17:00"),
    ]


async def test_an_account_without_equivents(evening: Evening) -> None:
    """There is nothing to show yet."""
    evening.account.past = ()
    evening.begin()
    await evening.settle()
    assert evening.known() is None


async def test_unloading(hass: HomeAssistant, evening: Evening) -> None:
    """Nothing is read any more."""

    async def setup(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        """Set up an entry with a meter."""
        evening.restart().begin()
        return True

    async def unload(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        """Unload the entry."""
        return True

    mock_integration(hass, MockModule("test", async_setup_entry=setup, async_unload_entry=unload))
    mock_platform(hass, "test.config_flow", None)
    evening.entry = MockConfigEntry(domain="test")
    evening.entry.add_to_hass(hass)
    evening.account.live = LIVE
    with mock_config_flow("test", ConfigFlow):
        assert await hass.config_entries.async_setup(evening.entry.entry_id)
        await evening.settle()
        await evening.move_to("17:10")
        assert evening.reads() == 2
        assert await hass.config_entries.async_unload(evening.entry.entry_id)
        await evening.move_to("17:30")
        assert evening.reads() == 0


async def test_while_an_end_is_announced(evening: Evening) -> None:
    """What is over is not final before everybody has heard of its end."""
    await evening.start()
    await evening.move(END)
    evening.account.is_announcing = True
    evening.account.live, evening.account.past = None, (LIVE, *BEFORE)
    evening.meter.async_update()
    await evening.settle()
    assert not evening.final()
    evening.account.is_announcing = False
    await evening.end()
    assert evening.final()


# What the API says afterwards


async def test_listed_with_other_times(evening: Evening) -> None:
    """The half hours that it lists are measured again, and what was kept is replaced."""
    await evening.meters.five_minutes(evening.kwh)
    await evening.move(END, rows=False)
    await evening.end(Equivent(START, START + HOUR / 2))
    assert evening.shown() == (0.4, 0.21, 0.19)
    await evening.list(Equivent(START, START + HOUR / 2))
    await evening.list()
    assert evening.shown() == (0.9, 0.4, 0.5)
    assert [found.end for found in evening.account.kept] == [at(EVENT_DAY, "17:30"), WINDOW.end]
    evening.reads()
    evening.meter.async_update()
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
