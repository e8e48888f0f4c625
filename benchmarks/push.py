"""Time from a webhook call to the state change, and to the API's confirmation.

Home Assistant and the client are two processes with real HTTP between them on loopback. A time is
from before the call is sent until a listener within Home Assistant sees the state change.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain, count, cycle, permutations
import json
from pathlib import Path
from statistics import median, quantiles
import tempfile
from time import monotonic, time

import aiohttp

from demo.house import House
from demo.stage import addresses_in
from tests.fakes.provider import FINISHED, Provider

from . import observer, world
from .report import Table, spread

CALLS = 500
WARM_UP = 30
PAUSE = 0.01
"""Seconds after a call, as an automation's trace or a file would delay the next one."""
ACCOUNTS = len(observer.FLOORS)
SECOND = 1.5
"""Seconds until the calls of a set-up no longer delay others by the limits."""
NEAR = 100
"""Seconds to a planned end that is near enough for a call to end the equivent."""
LIVE = "binary_sensor.equiwatt_live"
NATIVE = "input_boolean.native"
FLOOR = "benchmark.floor"
API_SECONDS = 0.1
TRIPS = 20
ATTEMPTS = 50
EDGES = ("started", "ended")
TOKENS = count()
"""Numbers of the tokens, as each account needs its own with its own limits."""


class Caller:
    """Client of the house with a persistent connection, as the provider's server may have."""

    def __init__(self, house: House, session: aiohttp.ClientSession) -> None:
        """Initialize with the address of the house."""
        self._url = house.url
        self._session = session
        self._numbers = count()

    async def call(self, path: str, edge: str) -> float:
        """Call a webhook and return the time before it.

        No call repeats an address, as client and server keep those that they have parsed, but real
        calls are days apart.
        """
        url = f"{self._url}{path}?event={edge}&number={next(self._numbers)}"
        began = monotonic()
        async with self._session.post(url) as response:
            await response.read()
        return began

    async def seen(self) -> dict[str, list[float]]:
        """Return the times of the state changes since the last call."""
        async with self._session.get(self._url + observer.SEEN) as response:
            changes: dict[str, list[float]] = {}
            for entity_id, moment in await response.json():
                changes.setdefault(entity_id, []).append(moment)
            return changes


def install_observer(place: Path) -> None:
    """Install the observer as an integration."""
    place.mkdir(parents=True)
    place.joinpath("manifest.json").write_text(json.dumps(observer.MANIFEST), "utf-8")
    text = Path(observer.__file__).read_text("utf-8")
    place.joinpath("__init__.py").write_text(text, "utf-8")


@asynccontextmanager
async def running_house(folder: Path, provider: Provider) -> AsyncGenerator[House]:
    """Run a house with the peer's configuration, the native webhooks and the observer."""
    install_observer(folder / "custom_components" / observer.DOMAIN)
    native, numbers = world.peer("native", provider), range(ACCOUNTS)
    automations = "".join(native.replace("NUMBER", str(number)) for number in numbers)
    helpers = "".join(f"  native_{number}:\n" for number in numbers)
    configuration = world.peer("configuration", provider).replace(
        "input_boolean:\n", f"input_boolean:\n{helpers}"
    )
    configuration += f"automation native:\n{automations}{observer.DOMAIN}:\n"
    async with House(folder, configuration=configuration) as house:
        yield house


async def account(house: House, provider: Provider, name: str | None) -> dict[str, str]:
    """Add an account, by a name unless it is the first; return its webhook and entry."""
    given = {"token": f"token-{next(TOKENS)}", "advanced": {"url": provider.url}}
    form = await house.flow("equiwatt", given | ({"name": name} if name else {}))
    addresses = addresses_in(form)
    entry = (await house.submit(form["flow_id"], {}))["result"]["entry_id"]
    paths = {edge: addresses[edge].removeprefix(house.url).split("?")[0] for edge in EDGES}
    return {**paths, "entry_id": entry}


async def add_accounts(house: House, providers: list[Provider]) -> list[dict[str, str]]:
    """Add accounts and wait until the limits allow their pushes."""
    first = await account(house, providers[0], None)  # the others ask for names after it
    named = enumerate(providers[1:], 1)
    others = (account(house, provider, f"Home {number}") for number, provider in named)
    added = [first, *await asyncio.gather(*others)]
    await asyncio.sleep(SECOND)
    return added


async def remove(house: House, added: list[dict[str, str]]) -> None:
    """Remove accounts."""
    for paths in added:
        entry_id = paths["entry_id"]
        await house.request("DELETE", f"/api/config/config_entries/entry/{entry_id}")


async def pushes(house: House, caller: Caller, provider: Provider) -> dict[str, list[float]]:
    """Call all three in every order in turn, and return the milliseconds of each.

    Each start and its end are those of an account of their own, as a second end within two minutes
    would say nothing new, and of an automation, a helper and a state of their own, as nothing used
    rarely is in a cache. Accounts come in batches, so that calls follow calls, not a set-up.
    """
    entities = {"ours": LIVE, "native": NATIVE, "floor": FLOOR}
    orders = cycle(permutations(entities))
    times: dict[str, list[float]] = {name: [] for name in entities}
    while len(times["ours"]) < WARM_UP + CALLS:
        added = await add_accounts(house, [provider] * ACCOUNTS)
        called: dict[str, list[float]] = {name: [] for name in entities}
        await caller.seen()
        for number, (ours, order) in enumerate(zip(added, orders, strict=False)):
            for edge in EDGES:
                paths = {
                    "ours": ours[edge],
                    "native": f"/api/webhook/native-{number}",
                    "floor": f"/api/webhook/{observer.FLOORS[number]}",
                }
                for name in order:
                    called[name].append(await caller.call(paths[name], edge))
                    await asyncio.sleep(PAUSE)
        seen = await caller.seen()
        for name, prefix in entities.items():
            changes = [
                moments for entity_id, moments in seen.items() if entity_id.startswith(prefix)
            ]
            times[name] += durations(called[name], sorted(chain.from_iterable(changes)))
        await remove(house, added)
    return {name: durations[WARM_UP:] for name, durations in times.items()}


def durations(called: list[float], seen: list[float]) -> list[float]:
    """Return the milliseconds from each call to its state change, which must exist."""
    if len(called) != len(seen):
        raise RuntimeError(f"{len(called)} calls made {len(seen)} changes")
    return [(late - early) * 1_000 for early, late in zip(called, seen, strict=True)]


def push_table(times: dict[str, list[float]]) -> Table:
    """Return the table of the pushes."""
    ours, native, floor = (median(times[name]) for name in ("ours", "native", "floor"))
    table = Table(f"Push to state, {CALLS} calls each", ["", "median", "5 % to 95 %", "ours is"])
    for name, label in (
        ("ours", "equiwatt's webhook"),
        ("native", "webhook automation that toggles a helper"),
        ("floor", "bare webhook that writes an entity"),
    ):
        middle = median(times[name])
        ratio = "" if name == "ours" else f"{ours / middle:.2f} of it"
        table.rows.append([label, f"{middle:.2f} ms", spread(times[name], "ms"), ratio])
        table.figures[f"push_{name}_median_ms"] = middle
    table.figures |= {
        "push_ratio_to_native": ours / native,
        "push_ratio_to_floor": ours / floor,
        "push_floor_ratio_to_native": floor / native,
        "push_above_floor_us": (ours - floor) * 1_000,
    }
    return table


@asynccontextmanager
async def accounts(
    house: House, live: dict[str, int] | None = None
) -> AsyncGenerator[list[tuple[dict[str, str], Provider]]]:
    """Run accounts, each with a slow API of its own."""
    async with AsyncExitStack() as stack:
        serving = (world.new_provider(API_SECONDS).serve() for _ in range(ACCOUNTS))
        providers = [await stack.enter_async_context(provider) for provider in serving]
        for provider in providers:
            provider.set_answer(live, FINISHED)
        added = await add_accounts(house, providers)
        yield list(zip(added, providers, strict=True))
        await remove(house, added)


async def confirmations(house: House, caller: Caller) -> dict[str, list[float]]:
    """Return the milliseconds until the API of several accounts confirms starts and ends.

    The ends come half an hour early, so that it is the API's word that ends the equivent.
    """
    times: dict[str, list[float]] = {}
    async with accounts(house) as added:
        await caller.seen()
        for edge in EDGES:
            times[edge] = [
                await confirmation(caller, path[edge], edge, opens) for path, opens in added
            ]
    return times


async def near_ends(house: House, caller: Caller) -> list[float]:
    """End equivents by calls near their planned end, and return the milliseconds."""
    now, times = int(time()), []
    async with accounts(house, {"start_time": now - 600, "end_time": now + NEAR}) as added:
        for paths, _ in added:
            await caller.seen()
            began = await caller.call(paths["ended"], "ended")
            await asyncio.sleep(10 * PAUSE)
            changes = await caller.seen()
            [end] = (moments for name, moments in changes.items() if name.startswith(LIVE))
            times += durations([began], end)
    return times


async def confirmation(caller: Caller, path: str, edge: str, provider: Provider) -> float:
    """Call and return the milliseconds until the sensor that only the API changes."""
    now = int(time())
    if edge == "started":
        provider.set_answer({"start_time": now - 600, "end_time": now + 1_800}, FINISHED)
        sensor = "sensor.equiwatt_current_end"
    else:
        provider.set_answer(None, [{"start_time": now - 600, "end_time": now}, *FINISHED])
        sensor = "sensor.equiwatt_last_end"
    began = await caller.call(path, edge)
    for _ in range(ATTEMPTS):
        await asyncio.sleep(2 * API_SECONDS)
        for entity_id, moments in (await caller.seen()).items():
            if entity_id.startswith(sensor):
                return (moments[0] - began) * 1_000
    raise RuntimeError(f"A push that {edge} was not confirmed")


async def round_trip(session: aiohttp.ClientSession) -> float:
    """Return the milliseconds of one call of the API."""
    times = []
    async with world.new_provider(API_SECONDS).serve() as provider:
        for _ in range(TRIPS):
            began = monotonic()
            async with session.get(provider.url, headers={"Connection": "close"}) as response:
                await response.read()
            times.append((monotonic() - began) * 1_000)
    return median(times)


def certainty_table(certain: dict[str, list[float]], near: list[float], trip: float) -> Table:
    """Return the table of the confirmations, and of ends without one."""
    times, ends = certain["started"] + certain["ended"], certain["ended"]
    middle = median(times)
    title = f"Push to certainty, with an API that takes {API_SECONDS * 1_000:.0f} ms"
    table = Table(title, ["", "median", "5 % to 95 %"])
    table.rows = [
        ["from the call until the API has confirmed", f"{middle:.0f} ms", spread(times, "ms")],
        ["an end that is called half an hour early", f"{median(ends):.0f} ms", spread(ends, "ms")],
        [
            "an end that is called near the planned one",
            f"{median(near):.2f} ms",
            spread(near, "ms"),
        ],
        ["one round trip", f"{trip:.0f} ms", f"{middle / trip:.1f} round trips"],
    ]
    table.figures = {
        "push_end_s": median(ends) / 1_000,
        "push_end_95_s": quantiles(ends, n=20)[-1] / 1_000,
        "push_end_near_ms": median(near),
        "certainty_median_ms": middle,
        "round_trip_ms": trip,
        "certainty_ratio_to_round_trip": middle / trip,
    }
    return table


async def measure(_: asyncio.AbstractEventLoop) -> list[Table]:
    """Measure the pushes."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            world.new_provider().serve() as provider,
            running_house(Path(folder), provider) as house,
            aiohttp.ClientSession() as session,
        ):
            caller = Caller(house, session)
            times = await pushes(house, caller, provider)
            certain = await confirmations(house, caller)
            near = await near_ends(house, caller)
            trip = await round_trip(session)
            return [push_table(times), certainty_table(certain, near, trip)]
