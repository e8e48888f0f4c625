"""Test what is over: which of it is still to be measured, and which ended last."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from custom_components.equiwatt.metering.baseline import Estimate
from custom_components.equiwatt.metering.finished import PATIENCE, Equivent, Finished

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 24, 18, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Over:
    """An equivent that is over, or one whose end nobody knows."""

    start: datetime
    end: datetime | None


LAST = Over(NOW - HOUR, NOW)
BEFORE = Over(NOW - 30 * HOUR, NOW - 29 * HOUR)
LONG_AGO = Over(NOW - PATIENCE - HOUR, NOW - PATIENCE)
SHORT = Over(NOW - HOUR, NOW - HOUR + timedelta(minutes=2))


@dataclass
class Account:
    """An account, as far as this is concerned."""

    past: tuple[Over, ...] = ()
    ended: Over | None = None
    live: Over | None = None
    is_announcing: bool = False
    results: dict[datetime, Estimate] = field(default_factory=dict)

    def now(self) -> datetime:
        """Return the time."""
        return NOW

    def result_of(self, equivent: Equivent) -> Estimate | None:
        """Return what was kept."""
        return self.results.get(equivent.start)

    def keep_result(self, equivent: Equivent, result: Estimate) -> None:
        """Keep a result."""
        self.results[equivent.start] = result


def result(equivent: Over) -> Estimate:
    """Return what is final of one whose times lie a minute after the half hours."""
    minute = timedelta(minutes=1)
    assert equivent.end
    return Estimate(start=equivent.start - minute, end=equivent.end - minute, days_wanted=10)


def test_nothing() -> None:
    """An account may have had no equivent yet."""
    finished = Finished(Account())
    assert (finished.latest, finished.unfinished()) == (None, [])


def test_what_the_api_has_not_listed() -> None:
    """It comes before what the API lists."""
    finished = Finished(Account(past=(BEFORE,), ended=LAST))
    assert finished.latest == LAST
    assert finished.unfinished() == [LAST, BEFORE]


def test_what_is_kept() -> None:
    """It is finished, unless its times have changed since."""
    finished = Finished(Account(past=(LAST, BEFORE)))
    finished.keep(LAST, result(LAST))
    assert finished.result_of(LAST) == result(LAST)
    assert finished.unfinished() == [BEFORE]
    finished.keep(LAST, replace(result(LAST), end=NOW))
    assert finished.unfinished() == [LAST, BEFORE]


def test_what_is_not_waited_for() -> None:
    """After two days, of no known end, or too short to be measured."""
    endless = Over(NOW - HOUR, None)
    finished = Finished(Account(past=(endless, SHORT, LONG_AGO)))
    assert finished.unfinished() == []


def test_too_short() -> None:
    """It is passed over by what is shown."""
    assert Finished(Account(past=(SHORT, BEFORE))).latest == BEFORE


def test_a_rehearsal() -> None:
    """It ended last, is not waited for, and leaves nothing with the account."""
    account = Account(past=(BEFORE,))
    finished = Finished(account)
    finished.rehearse(LAST)
    assert finished.latest == LAST
    assert finished.unfinished() == [LAST, BEFORE]
    assert [finished.patience(each) for each in (LAST, BEFORE)] == [timedelta(), PATIENCE]
    finished.keep(LAST, result(LAST))
    assert finished.result_of(LAST) == result(LAST)
    assert finished.unfinished() == [BEFORE]
    assert account.results == {}
    finished.rehearse(LAST)
    assert finished.result_of(LAST) is None


def test_what_was_missed_after_a_rehearsal() -> None:
    """What ended later counts, in whichever order it became known."""
    missed = Over(NOW - HOUR / 2, NOW)
    finished = Finished(Account(past=(missed, BEFORE)))
    finished.rehearse(Over(NOW - HOUR / 2, NOW - HOUR / 4))
    assert finished.latest == missed
    assert finished.unfinished()[0] == missed
    finished.rehearse(Over(NOW, NOW + HOUR))
    assert finished.latest == Over(NOW, NOW + HOUR)


def test_a_rehearsal_too_short() -> None:
    """It is passed over, too."""
    finished = Finished(Account(past=(BEFORE,)))
    finished.rehearse(SHORT)
    assert finished.latest == BEFORE
