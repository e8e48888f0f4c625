"""Test the equivents in Home Assistant's long-term statistics."""

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
from custom_components.equiwatt.equivents.snapshot import Snapshot
from custom_components.equiwatt.metering.results import Estimate, FinishedResult, Results
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
    """Return the rows after some were written, in the order of time."""
    return dict(sorted({**held, **changes}.items()))


def hour_of(moment: datetime) -> datetime:
    """Return the hour of a time."""
    return moment.replace(minute=0)


@given(st.lists(energies, max_size=4), energies)
def test_sums_never_jump(before: list[dict[datetime, float]], now: dict[datetime, float]) -> None:
    """Each sum is the total up to its row, in any order of writing."""
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
def test_only_changes_are_written(
    before: dict[datetime, float], now: dict[datetime, float]
) -> None:
    """Only the first changed row and the later ones are written."""
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
def test_older_rows(before: dict[datetime, float], now: dict[datetime, float], hours: int) -> None:
    """Rows older than all known equivents are kept, and the sums continue from them."""
    since = FIRST + timedelta(days=2)
    known = {start + timedelta(days=2, hours=hours): energy for start, energy in now.items()}
    held = changed_rows({}, before, FIRST)
    changes = changed_rows(held, known, since)
    assert not changes.keys() & held.keys()
    total = sum(before.values()) + sum(now.values())
    newest = max(written(held, changes).items(), default=(FIRST, Row(0, 0)))[1]
    assert newest.sum == pytest.approx(total, abs=2e-3)


def test_two_in_an_hour() -> None:
    """Two in an hour add up, and a withdrawn one counts nothing in all later sums."""
    early, late = FIRST + timedelta(minutes=2), FIRST + timedelta(minutes=40)
    other = FIRST + 3 * HOUR
    held = changed_rows({}, {early: 0.5, late: 0.25, other: 1}, FIRST)
    assert held == {FIRST: Row(0.75, 0.75), other: Row(1, 1.75)}
    assert changed_rows(held, {late: 0.25, other: 1}, FIRST) == {
        FIRST: Row(0.25, 0.25),
        other: Row(1, 1.25),
    }
    assert changed_rows(held, {}, FIRST) == {FIRST: Row(0, 0), other: Row(0, 0)}


def test_start_in_the_hour_before() -> None:
    """An equivent counts in one of two hours, though it is the oldest known one."""
    held = changed_rows({}, {FIRST - timedelta(minutes=2): 0.5}, FIRST - timedelta(minutes=2))
    changes = changed_rows(held, {FIRST: 0.5}, FIRST)
    assert written(held, changes) == {FIRST - HOUR: Row(0, 0), FIRST: Row(0.5, 0.5)}


def test_ids() -> None:
    """The first account has short ids, others contain their entry id in lower case."""
    assert statistic_ids()["saving"] == "equiwatt:saving"
    assert statistic_ids("01KBX")["used"] == "equiwatt:used_01kbx"


class Account:
    """An account with changing figures, and its rows in the recorder."""

    def __init__(self, hass: HomeAssistant, known: dict[datetime, float | None]) -> None:
        """Start with some equivents and their savings."""
        self.hass = hass
        self.entry = add_entry(hass)
        self.store = EquiwattStore(hass, self.entry.entry_id)
        self.writer = StatisticsWriter(hass, self.entry, self.store)
        self.set_savings(known)

    def set_savings(self, known: dict[datetime, float | None], kind: Kind | None = None) -> None:
        """Set the savings of some equivents, or None without a figure."""
        for start, saving in known.items():
            found = Estimate(
                start=start,
                end=start + HOUR,
                days={(FIRST - n * timedelta(days=1)).date().isoformat(): 1.0 for n in range(10)},
                days_wanted=10,
                used=None if saving is None else 1 - saving,
                final=True,
                measured_until=start + HOUR,
            )
            self.store.async_keep_results(
                FinishedResult(Equivent(start, start + HOUR), found, kind)
            )

    async def write(self) -> None:
        """Write the changes and wait for the recorder."""
        self.store.results = Results(self.store.results or ())  # as if one had been measured again
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


async def test_written(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """All three statistics have the metadata of Home Assistant's cards."""
    account = Account(hass, {FIRST: 0.5, FIRST + timedelta(minutes=70): -0.25})
    await account.write()
    rows = await account.rows()
    assert rows["saving"] == {FIRST: Row(0.5, 0.5), FIRST + HOUR: Row(-0.25, 0.25)}
    assert rows["usual"] == {FIRST: Row(1, 1), FIRST + HOUR: Row(1, 2)}
    assert rows["used"] == {FIRST: Row(0.5, 0.5), FIRST + HOUR: Row(1.25, 1.75)}
    found = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    assert {statistic["statistic_id"] for statistic in found} == set(statistic_ids().values())
    for statistic in found:
        assert (statistic["has_sum"], statistic["unit_class"]) == (True, "energy")
        assert statistic["statistics_unit_of_measurement"] == "kWh"
    assert {statistic["name"] for statistic in found} == {
        f"equiwatt {name}" for name in NAMES.values()
    }


async def test_changed_figure(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """A new figure, or none, changes its row and later sums."""
    account = Account(hass, {FIRST: 0.5, FIRST + 2 * HOUR: 0.25, FIRST + 4 * HOUR: 1})
    await account.write()
    before = await account.rows()
    account.writer = StatisticsWriter(hass, account.entry, account.store)  # after a restart
    await account.write()
    await account.write()
    assert await account.rows() == before
    account.set_savings({FIRST + 2 * HOUR: 0.75})
    await account.write()
    assert (await account.rows())["saving"] == {
        FIRST: Row(0.5, 0.5),
        FIRST + 2 * HOUR: Row(0.75, 1.25),
        FIRST + 4 * HOUR: Row(1, 2.25),
    }
    account.set_savings({FIRST + 2 * HOUR: None})
    account.writer.async_update()  # two changes at once
    account.set_savings({FIRST + 6 * HOUR: 1})
    await account.write()
    assert (await account.rows())["saving"] == {
        FIRST: Row(0.5, 0.5),
        FIRST + 2 * HOUR: Row(0, 0.5),
        FIRST + 4 * HOUR: Row(1, 1.5),
        FIRST + 6 * HOUR: Row(1, 2.5),
    }


async def test_withdrawn_oldest(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """The oldest figure is withdrawn, too, as its equivent is still known."""
    account = Account(hass, {FIRST: 0.5, FIRST + 2 * HOUR: 1})
    account.store.snapshot = Snapshot(past=(Equivent(FIRST, FIRST + HOUR),))
    await account.write()
    account.set_savings({FIRST: None})
    await account.write()
    expected = {FIRST: Row(0, 0), FIRST + 2 * HOUR: Row(1, 1)}
    assert (await account.rows())["saving"] == expected


async def test_two_changes(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """A change that the recorder has not written yet counts."""
    account = Account(hass, {FIRST: 0.5, FIRST + 2 * HOUR: 1})
    account.writer.async_update()
    await hass.async_block_till_done(wait_background_tasks=True)
    account.set_savings({FIRST + 2 * HOUR: None})
    await account.write()
    expected = {FIRST: Row(0.5, 0.5), FIRST + 2 * HOUR: Row(0, 0.5)}
    assert (await account.rows())["saving"] == expected


async def test_power_up(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """A powerUP is left out, as it rewards more use."""
    account = Account(hass, {FIRST: 0.5})
    account.set_savings({FIRST + 2 * HOUR: -1}, Kind.POWER_UP)
    await account.write()
    rows = await account.rows()
    assert rows["saving"] == rows["used"] == {FIRST: Row(0.5, 0.5)}


async def test_another_unit(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """All rows are written again if a user has changed the unit."""
    account = Account(hass, {FIRST: 0.5, FIRST + 2 * HOUR: 1})
    await account.write()
    before = await account.rows()
    await async_change_statistics_unit(
        *(hass, "equiwatt:saving"), new_unit_of_measurement="Wh", old_unit_of_measurement="kWh"
    )
    account.set_savings({FIRST + 4 * HOUR: 1})
    await account.write()
    after = (await account.rows())["saving"]
    assert after == {**before["saving"], FIRST + 4 * HOUR: Row(1, 2.5)}


async def test_deleted_by_user(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Deleted statistics are written again with the next change."""
    account = Account(hass, {FIRST: 0.5})
    await account.write()
    get_instance(hass).async_clear_statistics(["equiwatt:saving"])
    await async_wait_recording_done(hass)
    account.set_savings({FIRST + 2 * HOUR: 1})
    await account.write()
    expected = {FIRST: Row(0.5, 0.5), FIRST + 2 * HOUR: Row(1, 1.5)}
    assert (await account.rows())["saving"] == expected


async def test_unchanged_results(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Nothing is read while the results are unchanged, as after most polls."""
    account = Account(hass, {FIRST: 0.5})
    await account.write()
    with patch(f"{STATISTICS}.statistics_during_period") as read:
        account.writer.async_update()
        await hass.async_block_till_done(wait_background_tasks=True)
    assert not read.called


async def test_rows_never_appear(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Writing stops if the rows never appear."""
    account = Account(hass, {FIRST: 0.5})
    with patch(f"{STATISTICS}.async_add_external_statistics") as add:
        await account.write()
    assert add.call_count == ATTEMPTS * len(NAMES)
    await account.write()
    assert (await account.rows())["saving"] == {FIRST: Row(0.5, 0.5)}


async def test_database_error(
    recorder_mock: Recorder, hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """A read error is a debug message, and the next change is written."""
    account = Account(hass, {FIRST: 0.5})
    with patch(f"{STATISTICS}.statistics_during_period", side_effect=SQLAlchemyError("secret")):
        await account.write()
    assert "cannot be written now: SQLAlchemyError" in caplog.text
    await account.write()
    assert (await account.rows())["saving"] == {FIRST: Row(0.5, 0.5)}


async def test_accounts(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """A second account has statistics of its own, and the first names once the first is gone."""
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


async def test_second_account_removed(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """The statistics of the first account are kept."""
    first, second = Account(hass, {FIRST: 0.5}), Account(hass, {FIRST: 1})
    await first.write()
    await second.write()
    await hass.config_entries.async_remove(second.entry.entry_id)
    await async_wait_recording_done(hass)
    assert (await first.rows())["saving"] == {FIRST: Row(0.5, 0.5)}
    assert (await second.rows("entry1"))["saving"] == {}
