"""The pretend meter of the demo."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.pretend_meter import (
    DAYS,
    FIRST_KWH,
    HOUR,
    KW,
    ROW,
    Reading,
    base_kw,
    devices_kw,
    floor,
    history,
    rows,
)
from demo.stage import DEVICES, MANIFEST, METER, metered

NOW = datetime(2026, 11, 25, 11, 7, 43, tzinfo=UTC)
START = datetime(2026, 11, 24, 16, tzinfo=UTC)


def test_knows_the_devices(tmp_path: Path) -> None:
    """What is on counts."""
    assert set(KW) == set(DEVICES)
    for name in DEVICES:
        (tmp_path / name).write_text("off\n", "utf-8")
    assert devices_kw(tmp_path) == 0
    (tmp_path / "towel_rail").write_text("on\n", "utf-8")
    assert devices_kw(tmp_path) == KW["towel_rail"]


def test_thirty_days(tmp_path: Path) -> None:
    """A new meter has a reading for each five minutes of thirty days, and never goes back."""
    first = Reading.load(tmp_path / "meter.json", NOW)
    assert first == Reading(floor(NOW - DAYS, HOUR), FIRST_KWH)
    readings = history(first, NOW, [])
    assert readings[-1].moment == floor(NOW, ROW)
    assert len(readings) == 1 + (floor(NOW, ROW) - first.moment) / ROW
    kwh = [reading.kwh for reading in readings]
    assert kwh == sorted(kwh)
    assert 20 < (kwh[-1] - kwh[0]) / 30 < 100  # a day: three devices that are always on


def test_devices_that_were_paused() -> None:
    """In an equivent of the past it used less, by what the devices take."""
    first = Reading(START - HOUR, 100)
    span = ((START + timedelta(seconds=67)).timestamp(), (START + HOUR).timestamp())
    always, paused = (history(first, START + HOUR, spans) for spans in ([], [span]))
    assert always[12] == paused[12]
    assert always[-1].kwh - paused[-1].kwh == pytest.approx(sum(KW.values()))


def test_goes_on_after_a_while(tmp_path: Path) -> None:
    """It continues from where it was, and fills in what was missed."""
    file = tmp_path / "meter.json"
    Reading(NOW, 200).save(file)
    readings = history(Reading.load(file, NOW + HOUR), NOW + HOUR, [])
    assert readings[0] == Reading(NOW, 200)
    assert readings[1].moment == datetime(2026, 11, 25, 11, 10, tzinfo=UTC)
    assert readings[-1].kwh - 200 == pytest.approx(sum(KW.values()) + base_kw(NOW), rel=0.1)


def test_rows_begin_a_row_before_their_reading() -> None:
    """As Home Assistant keeps them; an hour's only where an hour ends."""
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
    """It is an integration of its own, beside ours."""
    configuration = metered(tmp_path, tmp_path / "devices", [{"start_time": 1, "end_time": 2}])
    assert configuration.startswith(f"{MANIFEST['domain']}: ")
    folder = tmp_path / "custom_components" / METER.stem
    assert {file.name for file in folder.iterdir()} == {"__init__.py", "manifest.json"}
