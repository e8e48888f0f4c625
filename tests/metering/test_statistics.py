"""Test what equivents leave in Home Assistant's long-term statistics."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from unittest.mock import patch

from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from sqlalchemy.exc import SQLAlchemyError

from custom_components.equiwatt.equivents.model import Equivent, Kind
from custom_components.equiwatt.metering.results import Estimate, FinishedResult
from custom_components.equiwatt.metering.statistics import (
    ATTEMPTS,
    NAMES,
    Row,
    StatisticsWriter,
    changed_rows,
    statistic_ids,
)
from custom_components.equiwatt.store import EquiwattStore
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.statistics import (
    async_change_statistics_unit,
    list_statistic_ids,
    statistics_during_period,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance

from ..fakes.home import add_entry

HOUR = timedelta(hours=1)
STATISTICS = "homeassistant.components.recorder.statistics"
FIRST = datetime(2026, 10, 24, 21, tzinfo=UTC)
"""The clocks go back in the night after it."""

minutes = st.integers(0, 24 * 60)
kwh = st.floats(-2, 12).map(lambda energy: round(energy, 4))
energies = st.dictionaries(minutes.map(lambda n: FIRST + timedelta(minutes=n)), kwh, max_size=8)


def written(held: dict[datetime, Row], changes: dict[datetime, Row]) -> dict[datetime, Row]:
    """Return the rows that are held after some were written, in the order of time."""
    return dict(sorted({**held, **changes}.items()))


def hour_of(moment: datetime) -> datetime:
    """Return the hour in which a moment lies."""
    return moment.replace(minute=0)


@given(st.lists(energies, max_size=4), energies)
def test_sums_never_jump(before: list[dict[datetime, float]], now: dict[datetime, float]) -> None:
    """Each sum is that of all energies until then, whatever was written before."""
    held: dict[datetime, Row] = {}
    for each in (*before, now):
        held = written(held, changed_rows(held, each, FIRST))
    assert changed_rows(held, now, FIRST) == {}
    states: dict[datetime, float] = dict.fromkeys(held, 0.0)
    for start, energy in now.items():
        states[hour_of(start)] += energy
    for hour, row in held.items():
        assert row.state == pytest.approx(states[hour], abs=1e-4)
    for (_, earlier), (_, later) in pairwise([(FIRST, Row(0, 0)), *held.items()]):
        assert later.sum - earlier.sum == pytest.approx(later.state, abs=2e-4)
    assert sum(row.state for row in held.values()) == pytest.approx(sum(now.values()), abs=1e-3)


@given(energies, energies)
def test_only_what_changes_is_written(
    before: dict[datetime, float], now: dict[datetime, float]
) -> None:
    """No row is written again as it is, and none before the first that changes."""
    held = changed_rows({}, before, FIRST)
    changes = changed_rows(held, now, FIRST)
    assert not changes.items() & held.items()
    hours = {hour_of(start) for start in {**before, **now}}
    same = {hour for hour in hours if hour < min(changes, default=FIRST)}
    for hour in same:
        assert held[hour].state == pytest.approx(
            sum(energy for start, energy in now.items() if hour_of(start) == hour), abs=1e-4
        )


@given(energies, energies, st.integers(2, 48))
def test_what_no_memory_reaches_stays(
    before: dict[datetime, float], now: dict[datetime, float], hours: int
) -> None:
    """Rows that are older than every known equivent are kept, and the sums go on from them."""
    since = FIRST + timedelta(days=2)
    known = {start + timedelta(days=2, hours=hours): energy for start, energy in now.items()}
    held = changed_rows({}, before, FIRST)
    changes = changed_rows(held, known, since)
    assert not changes.keys() & held.keys()
    total = sum(before.values()) + sum(now.values())
    newest = max(written(held, changes).items(), default=(FIRST, Row(0, 0)))[1]
    assert newest.sum == pytest.approx(total, abs=2e-3)


def test_an_hour() -> None:
    """Two in one hour add up; one that was withdrawn counts nothing, and later sums follow."""
    early, late = FIRST + timedelta(minutes=2), FIRST + timedelta(minutes=40)
    other = FIRST + 3 * HOUR
    held = changed_rows({}, {early: 0.5, late: 0.25, other: 1}, FIRST)
    assert held == {FIRST: Row(0.75, 0.75), other: Row(1, 1.75)}
    assert changed_rows(held, {late: 0.25, other: 1}, FIRST) == {
        FIRST: Row(0.25, 0.25),
        other: Row(1, 1.25),
    }
    assert changed_rows(held, {}, FIRST) == {FIRST: Row(0, 0), other: Row(0, 0)}


def test_an_equivent_that_began_in_the_hour_before() -> None:
    """It counts in one of the two hours, though it is the oldest that is known."""
    held = changed_rows({}, {FIRST - timedelta(minutes=2): 0.5}, FIRST - timedelta(minutes=2))
    changes = changed_rows(held, {FIRST: 0.5}, FIRST)
    assert written(held, changes) == {FIRST - HOUR: Row(0, 0), FIRST: Row(0.5, 0.5)}


def test_ids() -> None:
    """The first account's are short; another's bear its entry id in lower case."""
    assert statistic_ids()["saving"] == "equiwatt:saving"
    assert statistic_ids("01KBX")["used"] == "equiwatt:used_01kbx"


class Account:
    """An account whose figures change, and what the recorder has of them."""

    def __init__(self, hass: HomeAssistant, known: dict[datetime, float | None]) -> None:
        """Start with some equivents and what each saved."""
        self.hass = hass
        self.entry = add_entry(hass)
        self.store = EquiwattStore(hass, self.entry.entry_id)
        self.writer = StatisticsWriter(hass, self.entry, self.store)
        self.know(known)

    def know(self, known: dict[datetime, float | None], kind: Kind | None = None) -> None:
        """Keep what some equivents saved of the kilowatt-hour that is usual, or that none did."""
        for start, saving in known.items():
            found = Estimate(
                start=start,
                end=start + HOUR,
                days={FIRST.date() - n * timedelta(days=1): 1.0 for n in range(10)},
                days_wanted=10,
                so_far=None if saving is None else 1.0,
                used=None if saving is None else 1 - saving,
                final=True,
            )
            self.store.async_keep_results(
                FinishedResult(Equivent(start, start + HOUR), found, kind)
            )

    async def write(self) -> None:
        """Write what has changed, and wait until the recorder has done so."""
        self.writer.async_update()
        await self.hass.async_block_till_done(wait_background_tasks=True)
        await async_wait_recording_done(self.hass)

    async def rows(self, entry_id: str = "") -> dict[str, dict[datetime, Row]]:
        """Return the rows of the statistics by name."""
        ids = statistic_ids(entry_id)
        found = await get_instance(self.hass).async_add_executor_job(
            *(statistics_during_period, self.hass, FIRST - 48 * HOUR, None),
            *(set(ids.values()), "hour", {"energy": "kWh"}, {"state", "sum"}),
        )
        return {
            name: {
                datetime.fromtimestamp(row["start"], UTC): Row(row["state"] or 0, row["sum"] or 0)
                for row in found.get(statistic_id, [])
            }
            for name, statistic_id in ids.items()
        }


async def test_is_written(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """All three are there, as Home Assistant's cards know them."""
    account = Account(hass, {FIRST: 0.5, FIRST + timedelta(minutes=70): -0.25})
    await account.write()
    rows = await account.rows()
    assert rows["saving"] == {FIRST: Row(0.5, 0.5), FIRST + HOUR: Row(-0.25, 0.25)}
    assert rows["usual"] == {FIRST: Row(1, 1), FIRST + HOUR: Row(1, 2)}
    assert rows["used"] == {FIRST: Row(0.5, 0.5), FIRST + HOUR: Row(1.25, 1.75)}
    found = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    assert {one["statistic_id"] for one in found} == set(statistic_ids().values())
    for one in found:
        assert (one["has_sum"], one["unit_class"]) == (True, "energy")
        assert one["statistics_unit_of_measurement"] == "kWh"
    assert {one["name"] for one in found} == {f"equiwatt {name}" for name in NAMES.values()}


async def test_is_written_again_when_a_figure_changes(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """Twice the same changes nothing; another figure, or none, changes its row and later sums."""
    account = Account(hass, {FIRST: 0.5, FIRST + 2 * HOUR: 0.25, FIRST + 4 * HOUR: 1})
    await account.write()
    before = await account.rows()
    account.writer = StatisticsWriter(hass, account.entry, account.store)  # after a restart
    await account.write()
    await account.write()
    assert await account.rows() == before
    account.know({FIRST + 2 * HOUR: 0.75})
    await account.write()
    assert (await account.rows())["saving"] == {
        FIRST: Row(0.5, 0.5),
        FIRST + 2 * HOUR: Row(0.75, 1.25),
        FIRST + 4 * HOUR: Row(1, 2.25),
    }
    account.know({FIRST + 2 * HOUR: None})
    account.writer.async_update()  # two changes at once
    account.know({FIRST + 6 * HOUR: 1})
    await account.write()
    assert (await account.rows())["saving"] == {
        FIRST: Row(0.5, 0.5),
        FIRST + 2 * HOUR: Row(0, 0.5),
        FIRST + 4 * HOUR: Row(1, 1.5),
        FIRST + 6 * HOUR: Row(1, 2.5),
    }


async def test_one_change_after_another(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """What was handed to the recorder a moment ago counts, though it is not written yet."""
    account = Account(hass, {FIRST: 0.5, FIRST + 2 * HOUR: 1})
    account.writer.async_update()
    await hass.async_block_till_done(wait_background_tasks=True)
    account.know({FIRST + 2 * HOUR: None})
    await account.write()
    expected = {FIRST: Row(0.5, 0.5), FIRST + 2 * HOUR: Row(0, 0.5)}
    assert (await account.rows())["saving"] == expected


async def test_a_power_up_is_left_out(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """It rewards what would count against the saving."""
    account = Account(hass, {FIRST: 0.5})
    account.know({FIRST + 2 * HOUR: -1}, Kind.POWER_UP)
    await account.write()
    rows = await account.rows()
    assert rows["saving"] == rows["used"] == {FIRST: Row(0.5, 0.5)}


async def test_another_unit(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Where a user has changed the unit, all is written again in ours."""
    account = Account(hass, {FIRST: 0.5, FIRST + 2 * HOUR: 1})
    await account.write()
    before = await account.rows()
    await async_change_statistics_unit(
        *(hass, "equiwatt:saving"), new_unit_of_measurement="Wh", old_unit_of_measurement="kWh"
    )
    account.know({FIRST + 4 * HOUR: 1})
    await account.write()
    after = (await account.rows())["saving"]
    assert after == {**before["saving"], FIRST + 4 * HOUR: Row(1, 2.5)}


async def test_statistics_that_a_user_deleted(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """They are written again with the next change."""
    account = Account(hass, {FIRST: 0.5})
    await account.write()
    get_instance(hass).async_clear_statistics(["equiwatt:saving"])
    await async_wait_recording_done(hass)
    account.know({FIRST + 2 * HOUR: 1})
    await account.write()
    expected = {FIRST: Row(0.5, 0.5), FIRST + 2 * HOUR: Row(1, 1.5)}
    assert (await account.rows())["saving"] == expected


async def test_rows_that_never_appear(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """They are not written for ever."""
    account = Account(hass, {FIRST: 0.5})
    with patch(f"{STATISTICS}.async_add_external_statistics") as add:
        await account.write()
    assert add.call_count == ATTEMPTS * len(NAMES)
    await account.write()
    assert (await account.rows())["saving"] == {FIRST: Row(0.5, 0.5)}


async def test_a_database_that_cannot_be_read(
    recorder_mock: Recorder, hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told in the debug log, and written with the next change."""
    account = Account(hass, {FIRST: 0.5})
    with patch(f"{STATISTICS}.statistics_during_period", side_effect=SQLAlchemyError("secret")):
        await account.write()
    assert "cannot be written now: SQLAlchemyError" in caplog.text
    await account.write()
    assert (await account.rows())["saving"] == {FIRST: Row(0.5, 0.5)}


async def test_accounts(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """A second account has statistics of its own, and the first one's names once that is gone."""
    first, second = Account(hass, {FIRST: 0.5}), Account(hass, {FIRST: 1})
    await first.write()
    await second.write()
    assert (await second.rows("entry1"))["saving"] == {FIRST: Row(1, 1)}
    assert (await first.rows())["saving"] == {FIRST: Row(0.5, 0.5)}
    await hass.config_entries.async_remove(first.entry.entry_id)
    await async_wait_recording_done(hass)
    assert (await first.rows())["saving"] == {}
    assert (await second.rows("entry1"))["saving"] == {FIRST: Row(1, 1)}
    await second.write()
    assert (await second.rows())["saving"] == {FIRST: Row(1, 1)}
    assert (await second.rows("entry1"))["saving"] == {}
    await hass.config_entries.async_remove(second.entry.entry_id)
    await async_wait_recording_done(hass)
    found = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    assert found == []


async def test_the_second_account_is_removed(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """The first one's statistics stay."""
    first, second = Account(hass, {FIRST: 0.5}), Account(hass, {FIRST: 1})
    await first.write()
    await second.write()
    await hass.config_entries.async_remove(second.entry.entry_id)
    await async_wait_recording_done(hass)
    assert (await first.rows())["saving"] == {FIRST: Row(0.5, 0.5)}
    assert (await second.rows("entry1"))["saving"] == {}
