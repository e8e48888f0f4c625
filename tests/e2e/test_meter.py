"""Test measuring in a real process with its own database and a power cut."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
import time

import pytest

from demo.house import House
from demo.pretend_meter import KW, METER
from demo.stage import install_devices, install_meter

from ..fakes.forked import ForkedHouse
from ..fakes.home import LIVE
from ..fakes.process import CHOSEN, SAVING, TOKEN, add, call, measured, saving
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(10)]

HOUR = 3600
CALENDAR = "calendar.equiwatt_equivents"
LOG = "logger:\n  default: warning\n"


@pytest.fixture
async def house(api: Provider, tmp_path: Path, own_port: int) -> AsyncIterator[House]:
    """Run a Home Assistant with a meter, whose devices were paused a day ago."""
    start = int(time.time()) // HOUR * HOUR - 24 * HOUR
    api.previous = [measured(start, start + HOUR)]
    devices = install_devices(tmp_path / "devices")
    configuration = LOG + install_meter(tmp_path, devices, api.previous)
    async with ForkedHouse(tmp_path, configuration=configuration, port=own_port) as house:
        yield house


async def described(house: House, equivents: int) -> list[str]:
    """Wait for some calendar descriptions and return them."""
    path = f"/api/calendars/{CALENDAR}?start=2000-01-01T00:00:00Z&end=2100-01-01T00:00:00Z"
    texts: list[str] = []
    async with asyncio.timeout(60):
        while len(texts) != equivents or not all(texts):
            await asyncio.sleep(0.2)
            events = await house.request("GET", path)
            texts = [event.get("description") or "" for event in events]
    return texts


async def test_meter(house: House, api: Provider) -> None:
    """Past and live equivents, also after a power cut."""
    addresses = await add(house, api)
    assert await house.state(SAVING) is None
    (entry,) = await house.entries("equiwatt")
    result = await house.options(entry["entry_id"], {"source": "energy_dashboard"})
    assert result["errors"] == {"base": "no_grid_import"}
    await house.wait_for(METER, lambda _: True, 60)
    await house.options(entry["entry_id"], CHOSEN, {})
    assert await saving(house, final=True) == pytest.approx(sum(KW.values()), abs=0.3)
    assert ["less than usual" in text for text in await described(house, 1)] == [True]

    # In the last full hour, as rows of five minutes written after a start do not count.
    start = int(time.time()) // HOUR * HOUR - HOUR // 2
    api.current = measured(start, start + 2 * HOUR)
    await call(addresses["started"].split("?")[0])
    await house.wait_for(LIVE, "on")
    known = {"final": False, "start": datetime.fromtimestamp(start, UTC).isoformat()}
    assert await saving(house, **known) == pytest.approx(0, abs=0.2)
    await house.kill()
    api.forget_calls()
    await house.start()
    assert await saving(house, **known) == pytest.approx(0, abs=0.2)

    end = start + 900
    api.current, api.previous = None, [measured(start, end), *api.previous]
    await call(addresses["ended"])
    await house.wait_for(LIVE, "off")
    assert await saving(house, final=True, start=known["start"]) == pytest.approx(0, abs=0.2)
    first, second = await described(house, 2)
    assert "less than usual" in first
    assert second.startswith("Used ")
    assert await house.stop() == 0
    assert house.problems() == []
    assert TOKEN not in house.log()
