"""Weight of the integration and of the peer's REST entities.

Both are in one process, in either order in turn: the second one finds the common modules loaded.
The API answers at once on loopback, from a thread of its own.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
import compileall
from contextlib import asynccontextmanager
import gc
from importlib import import_module
from pathlib import Path
import shutil
from statistics import median
import sys
import tempfile
import threading
from time import perf_counter, thread_time
import tracemalloc
from typing import Any

from demo.house import ROOT
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
from tests.fakes.provider import Provider

from . import world
from .report import Table, named

POLLS = 200
MODULES = {
    "ours": [
        f"custom_components.equiwatt{name}"
        for name in ("", ".binary_sensor", ".calendar", ".config_flow", ".event", ".sensor")
    ],
    "diy": [f"homeassistant.components.rest{name}" for name in ("", ".binary_sensor", ".sensor")],
}


def compile_ours(folder: Path) -> None:
    """Import ours from compiled files, as the peer's are and as after any restart."""
    source = ROOT / "custom_components"
    shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder, quiet=1)
    sys.path.insert(0, str(folder))


@asynccontextmanager
async def in_a_thread() -> AsyncGenerator[Provider]:
    """Serve the API from another thread."""
    provider, ready, done = world.new_provider(), threading.Event(), threading.Event()

    async def serve() -> None:
        """Serve until stopped."""
        async with provider.serve():
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    try:
        yield provider
    finally:
        done.set()
        thread.join()


async def set_up(subject: str, hass: HomeAssistant, provider: Provider) -> None:
    """Set up one of them with all of its entities."""
    if subject == "ours":
        await hass.config_entries.async_add(world.new_entry(provider))
    else:
        config: Any = parse_yaml(world.peer("configuration", provider))
        await async_setup_component(hass, "rest", {"rest": config["rest"]})
    await hass.async_block_till_done()


def memory() -> float:
    """Return the KiB in use."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 1024


async def weigh(subject: str, hass: HomeAssistant, provider: Provider) -> dict[str, float]:
    """Import and set up one of them, and return its time or its memory."""
    before, began = memory(), perf_counter()
    for module in MODULES[subject]:
        import_module(module)
    imported = perf_counter()
    await set_up(subject, hass, provider)
    ready = perf_counter()
    if tracemalloc.is_tracing():
        return {named(subject, "memory_kib"): memory() - before}
    return {
        named(subject, "import_ms"): (imported - began) * 1_000,
        named(subject, "set_up_ms"): (ready - imported) * 1_000,
    }


def pollers(hass: HomeAssistant) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return a function that polls each of them, with the provider's limits lifted."""
    api: Any = import_module("custom_components.equiwatt.equivents.client")
    api.CALL_GAP, api.CALLS_PER_WINDOW = 0, sys.maxsize
    (entry,) = hass.config_entries.async_entries("equiwatt")
    return {
        "ours": entry.runtime_data.coordinator.async_refresh,
        "diy": hass.data["rest"]["coordinator"][0].async_refresh,
    }


async def poll(hass: HomeAssistant) -> dict[str, float]:
    """Poll in turn and return the median milliseconds of the event loop for each."""
    times: dict[str, list[float]] = {"ours": [], "diy": []}
    for _ in range(POLLS):
        for subject, refresh in pollers(hass).items():
            began = thread_time()
            await refresh()
            times[subject].append((thread_time() - began) * 1_000)
    return {named(subject, "poll_loop_ms"): median(took) for subject, took in times.items()}


async def measure(_: asyncio.AbstractEventLoop, first: str, quantity: str) -> list[Table]:
    """Weigh both in an order: their times, or their memory."""
    figures: dict[str, float] = {}
    if quantity == "memory":
        tracemalloc.start()
    with tempfile.TemporaryDirectory() as code, tempfile.TemporaryDirectory() as folder:
        compile_ours(Path(code))
        async with in_a_thread() as provider, world.home(Path(folder), "webhook:\n") as hass:
            for subject in ("ours", "diy") if first == "ours" else ("diy", "ours"):
                figures |= await weigh(subject, hass, provider)
            if quantity == "times":
                figures |= await poll(hass)
    return [Table(first, [], figures=figures)]
