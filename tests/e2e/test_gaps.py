"""Test the rows that a real recorder compiles for the time while Home Assistant was off."""

import asyncio
from contextlib import closing
from pathlib import Path
import sqlite3
import time

import pytest

from custom_components.equiwatt.metering.readings import Row, without_made_up

from ..fakes.forked import ForkedHouse

pytestmark = [pytest.mark.e2e, pytest.mark.long(5)]

METER = "sensor.house_meter"
CONFIGURATION = """
recorder:
input_number:
  reading: {min: 0, max: 1000, step: 0.001, initial: 100.5}
template:
  - sensor:
      - name: House meter
        unique_id: house_meter
        state: "{{ states('input_number.reading') }}"
        unit_of_measurement: kWh
        device_class: energy
        state_class: total_increasing
logger:
  default: warning
"""
OFF = 7200
EARLIER = """
UPDATE states SET last_updated_ts = last_updated_ts - :off,
    last_changed_ts = last_changed_ts - :off, last_reported_ts = last_reported_ts - :off;
UPDATE events SET time_fired_ts = time_fired_ts - :off;
UPDATE recorder_runs SET start = datetime(start, '-' || :off || ' seconds'),
    end = datetime(end, '-' || :off || ' seconds');
DELETE FROM statistics_short_term;
DELETE FROM statistics_runs;
INSERT INTO statistics_runs (start)
    SELECT strftime('%Y-%m-%d %H:%M:00.000000', (:now - :off) / 300 * 300 - 300, 'unixepoch')
"""
ROWS = (
    "SELECT start_ts + 300, sum, created_ts FROM statistics_short_term"
    " JOIN statistics_meta ON statistics_meta.id = metadata_id"
    " WHERE statistic_id = ? ORDER BY start_ts"
)


def let_two_hours_pass(database: Path) -> None:
    """Make all recorded rows two hours older."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in EARLIER.split(";"):
            connection.execute(statement, {"off": OFF, "now": int(time.time())})


def rows_of(database: Path) -> list[Row]:
    """Return the meter's rows of five minutes."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute(ROWS, (METER,)).fetchall()
    return [Row(end, total, written) for end, total, written in found]


async def test_off_for_two_hours(tmp_path: Path, own_port: int) -> None:
    """Rows of that time are distinguished from measured ones."""
    database = tmp_path / "home-assistant_v2.db"
    async with ForkedHouse(tmp_path, configuration=CONFIGURATION, port=own_port) as house:
        await house.wait_for(METER, lambda state: state["state"] == "100.5")
        assert await house.stop() == 0
        let_two_hours_pass(database)
        off = time.time() - OFF
        await house.start()
        async with asyncio.timeout(60):
            while len(found := rows_of(database)) < OFF // 300 - 1:  # noqa: ASYNC110
                await asyncio.sleep(0.5)
    assert len({row.kwh for row in found}) == 1
    assert [row for row in found if off + 300 < row.end < off + OFF]
    started = max(row.written for row in found if row.is_late) - 1
    for starts in ((), (off, started)):
        assert not without_made_up(found, starts)
