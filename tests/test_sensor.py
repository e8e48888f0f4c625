"""Test the times of the live and of the last equivent."""

from datetime import timedelta
import json
from pathlib import Path

import pytest

from .conftest import NOW, House, Provider

LOG = json.loads((Path(__file__).parent / "data" / "log_2022_12_09.json").read_text())["data"]
HOUR = timedelta(hours=1)


async def test_idle(house: House, provider: Provider) -> None:
    """With the log's past ones and none live."""
    provider.previous = LOG["previous_events"][1:]
    await house.setup()
    assert house.live == "off"
    assert house.state("sensor.equiwatt_current_start") == "unknown"
    assert house.state("sensor.equiwatt_current_end") == "unknown"
    assert house.state("sensor.equiwatt_last_start") == "2022-12-07T09:01:16+00:00"
    assert house.state("sensor.equiwatt_last_end") == "2022-12-07T10:01:02+00:00"
    assert float(house.state("sensor.equiwatt_last_duration")) == pytest.approx(59.77, abs=0.01)
    assert house.state("event.equiwatt_equivent") == "unknown"
    assert house.state("calendar.equiwatt_equivents") == "off"


async def test_no_history(house: House) -> None:
    """For a new user nothing is known, and nothing breaks."""
    await house.setup()
    for key in ("last_start", "last_end", "last_duration", "current_start", "current_end"):
        assert house.state(f"sensor.equiwatt_{key}") == "unknown"


async def test_live_with_planned_end(house: House, provider: Provider) -> None:
    """The live one's times, and the event's attributes."""
    provider.start(NOW - timedelta(minutes=1), NOW + HOUR)
    await house.setup()
    assert house.state("sensor.equiwatt_current_start") == "2026-11-20T17:19:00+00:00"
    assert house.state("sensor.equiwatt_current_end") == "2026-11-20T18:20:00+00:00"


async def test_ended(house: House, provider: Provider) -> None:
    """After the end the last ones move on."""
    provider.start(NOW, None)
    await house.setup()
    provider.end(NOW, NOW + timedelta(minutes=1))
    await house.pass_time(65, step=65)
    assert house.state("sensor.equiwatt_current_start") == "unknown"
    assert house.state("sensor.equiwatt_last_start") == "2026-11-20T17:20:00+00:00"
    assert house.state("sensor.equiwatt_last_duration") == "1.0"
    told = house.hass.states.get("event.equiwatt_equivent")
    assert told
    assert told.attributes["event_type"] == "ended"
    assert told.attributes["end"] == "2026-11-20T17:21:00+00:00"
