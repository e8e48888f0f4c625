"""Memory and database rows of a day of polling."""

import asyncio
from contextlib import AsyncExitStack
import gc
from pathlib import Path
import sqlite3
import tempfile
import tracemalloc

from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from tests.fakes.provider import FINISHED, Provider

from . import timelapse, world
from .report import Table, named

DAY = 86_400
DAYS = 2
WARM_UP = 7_200
ROWS = """
SELECT COUNT(*) FROM states JOIN states_meta USING (metadata_id)
WHERE last_updated_ts > ? AND states_meta.entity_id IN ({})
"""


def entities(hass: HomeAssistant) -> list[str]:
    """Return the integration's entities, or the peer's without its automations."""
    ids = hass.states.async_entity_ids()
    named = [entity_id for entity_id in ids if "equiwatt" in entity_id or "equivent" in entity_id]
    return [entity_id for entity_id in named if not entity_id.startswith(("automation.", "scene."))]


def count(database: Path, ids: list[str], since: float) -> int:
    """Return the number of rows of the entities since some time."""
    places = ", ".join("?" * len(ids))
    with sqlite3.connect(database) as connection:
        return int(connection.execute(ROWS.format(places), [since, *ids]).fetchone()[0])


def memory(loop: timelapse.Loop, provider: Provider) -> float:
    """Return the KiB in use, without the provider's record of calls."""
    provider.forget_calls()
    loop.tidy()
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 1024


class WatchedHouse:
    """House with counters of its rows."""

    def __init__(self, hass: HomeAssistant, folder: Path, loop: timelapse.Loop) -> None:
        """Initialize with the house and its entities."""
        self._hass = hass
        self._database = folder / "home-assistant_v2.db"
        self._loop = loop

    async def rows(self, seconds: float) -> int:
        """Turn the clock and return the number of new rows."""
        since = timelapse.timestamp()
        await self._loop.skip(seconds)
        await asyncio.sleep(0.1)
        await get_instance(self._hass).async_block_till_done()
        return count(self._database, entities(self._hass), since)


async def rows(house: WatchedHouse, provider: Provider) -> dict[str, float]:
    """Count the rows of an idle day, and of an equivent after it."""
    await house.rows(WARM_UP)
    asked = len(provider.calls)
    return {
        "rows_per_idle_day": await house.rows(DAY),
        "polls_per_day": len(provider.calls) - asked,
        "rows_per_equivent": await equivent(house, provider),
    }


async def growth(loop: timelapse.Loop, provider: Provider) -> dict[str, float]:
    """Compare the memory before and after idle days."""
    await loop.skip(DAY)
    before = memory(loop, provider)
    await loop.skip(DAYS * DAY)
    return {"memory_growth_kib_per_day": (memory(loop, provider) - before) / DAYS}


async def equivent(house: WatchedHouse, provider: Provider) -> int:
    """Play a documented equivent by polling, and return its rows."""
    start = int(timelapse.timestamp()) + 60
    live = {"start_time": start, "end_time": start + 3_600}
    provider.set_answer(live, FINISHED)
    rows = await house.rows(3_700)
    provider.set_answer(None, [live, *FINISHED])
    return rows + await house.rows(600)


async def measure(loop: timelapse.Loop, subject: str, quantity: str) -> list[Table]:
    """Measure ours or the peer: the rows with a recorder, the memory without."""
    if quantity == "memory":
        tracemalloc.start()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = await stack.enter_async_context(world.new_provider().serve())
        configuration = world.peer("configuration", provider) if subject == "diy" else ""
        configuration += "\nrecorder:\n" if quantity == "rows" else ""
        hass = await stack.enter_async_context(world.home(folder, configuration))
        if subject == "ours":
            await hass.config_entries.async_add(world.new_entry(provider))
        work = (
            growth(loop, provider)
            if quantity == "memory"
            else rows(WatchedHouse(hass, folder, loop), provider)
        )
        figures = {named(subject, name): value for name, value in (await work).items()}
    return [Table(subject, [], figures=figures)]
