"""Test with a real Home Assistant that misleading answers and calls end nothing.

Each account has a provider of its own, so that all are played at once in one process.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
import time
from typing import Any

import pytest

from demo.house import House
from demo.stage import addresses_in
from homeassistant.util import dt as dt_util

from ..fakes.forked import ForkedHouse
from ..fakes.home import LIVE
from ..fakes.process import call, filled_in
from ..fakes.provider import FINISHED, Provider, event_of

pytestmark = [pytest.mark.e2e, pytest.mark.long(30)]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ATTEMPTS = 150
HEATER = """
      - name: heater {number}
        state: "{{{{ is_state('input_boolean.heater_{number}', 'on') }}}}"
        turn_on:
          action: input_boolean.turn_on
          target: {{entity_id: input_boolean.heater_{number}}}
        turn_off:
          action: input_boolean.turn_off
          target: {{entity_id: input_boolean.heater_{number}}}
"""


@dataclass
class Account:
    """An account with a heater and a live equivent."""

    house: House
    api: Provider
    number: int
    started: str
    ended: str
    entry_id: str
    start: datetime
    end: datetime

    def id_of(self, entity_id: str) -> str:
        """Return the id of an entity in this account."""
        return entity_id if self.number == 1 else f"{entity_id}_{self.number}"

    @property
    def heater(self) -> str:
        """Return the entity id of the heater."""
        return f"switch.heater_{self.number}"

    async def begin(self) -> None:
        """Send the call for the start and pause the heater."""
        await call(self.started)
        await self.house.wait_for(self.id_of(LIVE), "on")
        await self.house.call(
            "equiwatt", "pause", entity_id=self.heater, config_entry_id=self.entry_id
        )
        await self.house.wait_for(self.heater, "off")

    async def begin_confirmed(self, *, planned: bool = True) -> None:
        """Begin, and wait for the answer that names the equivent."""
        self.api.start(self.start, self.end if planned else None)
        await self.begin()
        await self.answers(0)

    async def answers(self, more: int, address: str | None = None) -> None:
        """Call, by default without an event, and wait for some more answers."""
        before = len(self.api.times)
        if more:
            await call(address or self.started.split("?")[0])
        for _ in range(ATTEMPTS):
            if len(self.api.times) >= before + more:
                break
            await asyncio.sleep(0.1)
        assert len(self.api.times) >= before + more
        await asyncio.sleep(0.5)

    async def shown(self) -> list[Any]:
        """Return the states of the binary sensor and of the heater, with their times."""
        states = [
            await self.house.state(entity_id) for entity_id in (self.id_of(LIVE), self.heater)
        ]
        return [(state["state"], state["last_changed"]) for state in states if state]

    @property
    def now(self) -> datetime:
        """Return the provider's time."""
        return dt_util.utcnow() + self.api.ahead


async def listed_once(account: Account) -> None:
    """List the live equivent as over once, and name it again."""
    await account.begin_confirmed()
    account.api.end(account.start, dt_util.utcnow() - timedelta(seconds=6))
    await account.answers(1)
    account.api.set_answer(event_of(account.start, account.end), FINISHED)
    await account.answers(1)


async def listed_ahead(account: Account) -> None:
    """List the live equivent among the past ones with its end ahead, repeatedly."""
    await account.begin_confirmed()
    account.api.set_answer(None, [event_of(account.start, account.end), *FINISHED])
    await account.answers(1)
    await asyncio.sleep(10)
    await account.answers(1)


async def pushed_in_an_outage(account: Account) -> None:
    """Answer 502 to all calls since the start."""
    account.api.fail(HTTPStatus.BAD_GATEWAY)
    await account.begin()
    await account.answers(2)


async def pushed_while_rate_limited(account: Account) -> None:
    """Answer 429 with ten minutes to wait."""
    account.api.fail(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "600"})
    before = len(account.api.times)
    await account.begin()
    for _ in range(ATTEMPTS):
        if len(account.api.times) > before:  # up to a second after a poll just before
            break
        await asyncio.sleep(0.1)
    await account.answers(0)
    calls = len(account.api.times)
    await call(account.started)
    await asyncio.sleep(11)
    assert len(account.api.times) == calls


async def stray_end(account: Account) -> None:
    """Send a stray call for the end, which no answer confirms."""
    await account.begin_confirmed()
    await account.answers(2, account.ended)


async def legacy_listed_once(account: Account) -> None:
    """List an equivent without a planned end as over once, and then as live again."""
    await account.begin_confirmed(planned=False)
    account.api.end(account.start, dt_util.utcnow() - timedelta(seconds=6))
    await account.answers(1)
    account.api.set_answer(None, [event_of(account.start), *FINISHED])
    await account.answers(1)


async def lagging(account: Account) -> None:
    """Answer as before the start, seconds after it was named."""
    account.start = dt_util.utcnow().replace(microsecond=0) - timedelta(seconds=5)
    await account.begin_confirmed()
    account.api.set_answer(None, FINISHED)
    await account.answers(1)
    await account.answers(1)
    account.api.set_answer(event_of(account.start, account.end), FINISHED)
    await account.answers(1)


async def copies(account: Account) -> None:
    """Serve a copy from twenty minutes ago."""
    await account.begin_confirmed()
    account.api.set_answer(None, FINISHED)
    account.api.headers = {"Age": "1200"}
    await account.answers(1)
    await account.answers(1)
    account.api.set_answer(event_of(account.start, account.end), FINISHED)
    await account.answers(1)


async def old_dates(account: Account) -> None:
    """Serve a copy from twenty minutes ago that only its date shows to be old."""
    await account.begin_confirmed()
    account.api.set_answer(None, FINISHED)
    account.api.headers = {"Date": format_datetime(account.now - 20 * MINUTE, usegmt=True)}
    await account.answers(1)
    await asyncio.sleep(10)
    await account.answers(1)
    account.api.headers = {}
    account.api.set_answer(event_of(account.start, account.end), FINISHED)
    await account.answers(1)


async def fast_clock(account: Account) -> None:
    """Set up again during an equivent with the system's clock two hours ahead."""
    account.api.ahead = -2 * HOUR
    account.start, account.end = account.start - 2 * HOUR, account.end - 2 * HOUR
    await account.answers(2)  # the first answer contradicts the clock
    await account.begin_confirmed()
    await account.house.call("homeassistant", "reload_config_entry", entry_id=account.entry_id)
    for _ in range(10):
        assert (await account.shown())[1][0] == "off"
        await asyncio.sleep(0.5)
    await account.house.wait_for(account.id_of(LIVE), "on")


ROWS: tuple[Callable[[Account], Coroutine[Any, Any, None]], ...] = (
    listed_once,
    listed_ahead,
    pushed_in_an_outage,
    pushed_while_rate_limited,
    stray_end,
    legacy_listed_once,
    lagging,
    copies,
    old_dates,
    fast_clock,
)


def configuration() -> str:
    """Return a configuration with one heater for each row, all on."""
    numbers = range(1, len(ROWS) + 1)
    helpers = "".join(f"  heater_{number}:\n    initial: true\n" for number in numbers)
    heaters = "".join(HEATER.format(number=number) for number in numbers)
    return f"input_boolean:\n{helpers}template:\n  - switch:{heaters}"


@pytest.fixture
async def house(tmp_path: Path, own_port: int) -> AsyncIterator[House]:
    """Run a Home Assistant with heaters."""
    async with ForkedHouse(tmp_path, configuration=configuration(), port=own_port) as house:
        yield house


async def add(house: House, api: Provider, number: int) -> Account:
    """Add an account whose equivent began twenty minutes ago."""
    name = {"name": f"Home {number}"} if number > 1 else {}
    form = await house.flow("equiwatt", name | filled_in(f"token-{number}", api.url))
    addresses = addresses_in(form)
    entry_id = (await house.submit(form["flow_id"], {}))["result"]["entry_id"]
    now = dt_util.utcnow().replace(microsecond=0)
    start, end = now - 20 * MINUTE, now + 40 * MINUTE
    started, ended = addresses["started"], addresses["ended"]
    account = Account(house, api, number, started, ended, entry_id, start, end)
    await house.wait_for(account.id_of(LIVE), "off")
    return account


async def check(account: Account, row: Callable[[Account], Coroutine[Any, Any, None]]) -> None:
    """Check that a row changes nothing, and that a true end restores the heater."""
    watching = asyncio.create_task(row(account))
    await account.house.wait_for(account.heater, "off")
    before = await account.shown()
    await watching
    after = await account.shown()
    if row is fast_clock:  # a reload writes the state again
        before[0], after[0] = before[0][0], after[0][0]
    assert after == before, row.__name__
    account.api.end(account.start, account.now)
    await call(account.ended)
    await account.house.wait_for(account.heater, "on")


async def test_misleading_answers(house: House) -> None:
    """No row turns the heater on or ends the equivent, even for a moment."""
    async with AsyncExitStack() as stack:
        accounts = []
        for number, _ in enumerate(ROWS, 1):
            api = Provider()
            api.previous = list(FINISHED)
            await stack.enter_async_context(api.serve())
            accounts.append(await add(house, api, number))
        await asyncio.sleep(1.5)  # the limiter's gap after the calls of the set-up
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for account, row in zip(accounts, ROWS, strict=True):
                group.create_task(check(account, row))
        assert time.monotonic() - began < 60
        for account in accounts:
            account.api.check_limits()
