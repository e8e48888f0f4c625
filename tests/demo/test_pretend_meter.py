"""Test the simulated meter of the demo."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
import logging
from pathlib import Path
from statistics import mean
from time import sleep as wait
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_test_home_assistant
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.equiwatt.metering.readings import async_read
from demo.pretend_meter import (
    DOMAIN,
    FIRST_KWH,
    HALF_HOUR,
    HOUR,
    KW,
    METER as METER_ENTITY,
    ROW,
    SHORT_TERM,
    Meter,
    Reading,
    async_setup,
    base_kw,
    devices_kw,
    floor,
    history,
    past_kw,
    rows,
)
from demo.stage import DEVICES, MANIFEST, METER, METER_DAYS, install_devices, install_meter
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.setup import async_setup_component

from ..fakes.home import fire_timers

FIRST_START = datetime(2026, 11, 25, 15, 52, 41, tzinfo=UTC)
OWN_ROW = timedelta(seconds=10)
"""Delay of Home Assistant's own rows after a full five minutes."""
LAST_TICK = timedelta(seconds=20)
NOW = datetime(2026, 11, 25, 11, 7, 43, tzinfo=UTC)
START = datetime(2026, 11, 24, 16, tzinfo=UTC)


@dataclass
class RestartedHome:
    """A Home Assistant with the meter that can be restarted."""

    freezer: FrozenDateTimeFactory
    test_recorder: Any
    folder: Path

    @asynccontextmanager
    async def run(self, moment: datetime) -> AsyncGenerator[HomeAssistant]:
        """Start at a time, with a running recorder."""
        self.freezer.move_to(moment)
        options = {"config_dir": str(self.folder), "initial_state": CoreState.not_running}
        devices = str(install_devices(self.folder / "devices"))
        config = {DOMAIN: {"devices": devices, "paused": [], "days": 1, "by_chance": False}}
        async with async_test_home_assistant(**options) as hass, self.test_recorder(hass):
            assert await async_setup_component(hass, "sensor", {})
            assert await async_setup(hass, config)
            await hass.async_start()
            await get_instance(hass).async_recorder_ready.wait()  # the rows of the downtime are due
            await self._go_to(hass, moment)
            yield hass
            await hass.async_stop()

    async def count(self, hass: HomeAssistant, until: datetime) -> None:
        """Count, and compile the rows of five minutes."""
        full = floor(datetime.now(UTC), ROW) + ROW
        while full - LAST_TICK <= until:
            await self._go_to(hass, full - LAST_TICK)
            if full + OWN_ROW <= until:
                await self._go_to(hass, full + OWN_ROW)
            full += ROW
        await self._go_to(hass, until)

    async def _go_to(self, hass: HomeAssistant, moment: datetime) -> None:
        """Turn the clock, and wait for the meter's state."""
        self.freezer.move_to(moment)
        for _ in range(50):
            fire_timers(hass, moment)
            await hass.async_block_till_done(wait_background_tasks=True)
            await async_wait_recording_done(hass)
            if (state := hass.states.get(METER_ENTITY)) and state.last_reported >= moment:
                return
        pytest.fail(f"The meter did not count at {moment}.")


async def readings_of(hass: HomeAssistant) -> dict[datetime, float]:
    """Return the readings of each five minutes that the integration finds."""
    (readings,) = await async_read(hass, [METER_ENTITY], datetime.now(UTC))
    return {datetime.fromtimestamp(end, UTC): kwh for end, kwh in readings.five_minutes.items()}


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the logged errors."""
    return [record.message for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture
def house(
    freezer: FrozenDateTimeFactory, async_test_recorder: Any, tmp_path: Path
) -> RestartedHome:
    """Return a Home Assistant that is not running yet."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)  # the plugin logs each query
    return RestartedHome(freezer, async_test_recorder, tmp_path)


def test_devices(tmp_path: Path) -> None:
    """Devices that are on count."""
    assert set(KW) == set(DEVICES)
    for name in DEVICES:
        (tmp_path / name).write_text("off\n", "utf-8")
    assert devices_kw(tmp_path) == 0
    (tmp_path / "towel_rail").write_text("on\n", "utf-8")
    assert devices_kw(tmp_path) == KW["towel_rail"]


def test_more_than_a_year(tmp_path: Path) -> None:
    """A new meter has a reading of each half hour, and recent ones of each five minutes."""
    ago = timedelta(days=METER_DAYS)
    first = Reading.load(tmp_path / "meter.json", NOW, ago)
    assert first == Reading(floor(NOW - ago, HOUR), FIRST_KWH)
    readings = history(first, NOW, [], by_chance=True)
    assert readings[-1].moment == floor(NOW, ROW)
    steps = [late.moment - early.moment for early, late in pairwise(readings)]
    recent = SHORT_TERM // ROW
    assert {*steps[:-recent]} == {HALF_HOUR, ROW}
    assert {*steps[-recent:]} == {ROW}
    kwh = [reading.kwh for reading in readings]
    assert kwh == sorted(kwh)
    assert 20 < (kwh[-1] - kwh[0]) / METER_DAYS < 50  # a day
    assert history(first, NOW, [], by_chance=True) == readings


def test_random_past() -> None:
    """The use of an evening varies between half and twice, paused or not."""
    hours = [START + number * 24 * HOUR for number in range(100)]
    taken = [past_kw(hour, paused=False, by_chance=True) for hour in hours]
    least, *_, most = sorted(taken)
    assert most > 3 * least
    rest = [past_kw(hour, paused=True, by_chance=True) for hour in hours]
    assert 0.3 < mean(rest) / mean(taken) < 0.6
    assert all(low <= high for low, high in zip(rest, taken, strict=True))


def test_paused_past() -> None:
    """Past equivents have a lower use, by the devices' power."""
    first = Reading(START - HOUR, 100)
    span = ((START + timedelta(seconds=67)).timestamp(), (START + HOUR).timestamp())
    always, paused = (history(first, START + HOUR, spans) for spans in ([], [span]))
    assert always[12] == paused[12]
    assert always[-1].kwh - paused[-1].kwh == pytest.approx(sum(KW.values()))


def test_continues(tmp_path: Path) -> None:
    """The meter continues from its last reading and fills in the missing ones."""
    file = tmp_path / "meter.json"
    Reading(NOW, 200).save(file)
    readings = history(Reading.load(file, NOW + HOUR), NOW + HOUR, [])
    assert readings[0] == Reading(NOW, 200)
    assert readings[1].moment == datetime(2026, 11, 25, 11, 10, tzinfo=UTC)
    assert readings[-1].kwh - 200 == pytest.approx(sum(KW.values()) + base_kw(NOW), rel=0.1)


def test_rows() -> None:
    """Rows start before their reading as in Home Assistant, and hourly ones end on an hour."""
    readings = history(Reading(START - HOUR, 100), START, [])
    assert [row["start"] for row in rows(readings, HOUR)] == [START - 2 * HOUR, START - HOUR]
    five_minutes = rows(readings, ROW)
    assert len(five_minutes) == 13
    assert five_minutes[-1] == {
        "start": START - ROW,
        "state": readings[-1].kwh,
        "sum": readings[-1].kwh,
    }


def test_installed(tmp_path: Path) -> None:
    """The meter is an integration of its own."""
    configuration = install_meter(
        tmp_path, tmp_path / "devices", [{"start_time": 1, "end_time": 2}]
    )
    assert configuration.startswith(f"{MANIFEST['domain']}: ")
    folder = tmp_path / "custom_components" / METER.stem
    assert {file.name for file in folder.iterdir()} == {"__init__.py", "manifest.json"}


@pytest.mark.long(3)
@pytest.mark.parametrize(
    ("persistent_database", "enable_statistics", "enable_missing_statistics"), [(True, True, True)]
)
@pytest.mark.parametrize(
    ("off", "on", "delay"),
    [
        ("15:54:57", "15:55:03", 0),
        ("15:54:57", "15:55:11", 0),
        ("15:54:57", "15:56:30", 0),
        ("15:56:02", "15:56:09", 0),
        ("15:58:02", "16:00:00", 0),
        ("15:59:58", "16:00:03", 0),
        ("15:59:58", "17:01:03", 0),
        ("16:00:03", "16:00:07", 0),
        ("16:00:03", "16:00:07", 0.5),
    ],
)
async def test_restarts_at_any_time(
    house: RestartedHome,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    off: str,
    on: str,
    delay: float,
) -> None:
    """There is one reading for each five minutes, even of those without Home Assistant."""
    missing = Meter._missing

    def missing_later(meter: Meter, now: datetime) -> list[Reading]:
        """Work out the readings, on a slow disk after the recorder has made its rows."""
        wait(delay)
        return missing(meter, now)

    monkeypatch.setattr(Meter, "_missing", missing_later)
    stopped, started = (datetime.fromisoformat(f"2026-11-25T{time}+00:00") for time in (off, on))
    async with house.run(FIRST_START) as hass:
        await house.count(hass, stopped)
    async with house.run(started) as hass:
        await house.count(hass, end := started + timedelta(minutes=11))
        found = await readings_of(hass)
    assert errors(caplog) == []
    assert max(found) == floor(end, ROW)
    assert all(late - early == ROW for early, late in pairwise(found))
    assert all(0.01 < late - early < 0.5 for early, late in pairwise(found.values()))
