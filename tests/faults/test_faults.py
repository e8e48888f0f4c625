"""Test faulty answers over real sockets: each moves nothing, and the next good one counts."""

import asyncio
import logging

import aiohttp
from freezegun.api import TickingDateTimeFactory
import pytest

from custom_components.equiwatt import announcer
from custom_components.equiwatt.equivents import client
from homeassistant.core import HomeAssistant

from ..fakes.home import TOKEN
from .answers import APART, Fault, in_tls, sized, wire
from .heads import REFUSALS, STATUSES
from .home import FaultyHome
from .server import Api
from .table import TABLE

pytestmark = pytest.mark.usefixtures("socket_enabled")

SHORT = aiohttp.ClientTimeout(total=0.1)


def told(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return what we logged at a level."""
    ours = [r for r in caplog.records if r.name.startswith("custom_components.equiwatt")]
    return [record.getMessage() for record in ours if record.levelno == level]


def check_log(caplog: pytest.LogCaptureFixture) -> None:
    """Check that the log has one line for the loss, one for the return, and no traceback."""
    assert len(told(caplog, logging.ERROR) + told(caplog, logging.WARNING)) == 1
    assert len(told(caplog, logging.INFO)) == 1
    loud = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [record for record in loud if record.exc_info]
    assert not [record for record in loud if "Traceback" in record.getMessage()]


async def check_fault(
    home: FaultyHome,
    fault: Fault,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Check that a fault moves nothing, and that the next good answer counts."""
    calls = home.server.calls
    home.server.answer = fault.answer
    with monkeypatch.context() as patch:
        if fault.stalls:
            patch.setattr(client, "TIMEOUT", SHORT)
        await home.ask(fault.wait)
    assert home.server.calls >= calls + 2
    assert home.moved == set()
    assert home.flows == fault.refuses
    await home.recover()
    check_log(caplog)


@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
@pytest.mark.parametrize("faults", TABLE.values(), ids=TABLE)
async def test_a_fault_moves_nothing(
    hass: HomeAssistant,
    server: Api,
    clock: TickingDateTimeFactory,
    subtests: pytest.Subtests,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    faults: dict[str, Fault],
    live: bool,
) -> None:
    """Each faulty answer moves nothing, and the next good one counts."""
    home = FaultyHome(hass, server, clock, live=live, tls=next(iter(faults.values())).tls)
    await home.setup()
    for name, fault in faults.items():
        with subtests.test(name):
            home.changes.clear()
            caplog.clear()
            await check_fault(home, fault, caplog, monkeypatch)
    assert TOKEN not in str([state.as_dict() for state in hass.states.async_all()])


@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
async def test_a_refused_connection_moves_nothing(
    hass: HomeAssistant,
    server: Api,
    clock: TickingDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    live: bool,
) -> None:
    """A refused connection moves nothing either."""
    home = FaultyHome(hass, server, clock, live=live)
    await home.setup()
    calls = server.calls
    await server.shut()
    await home.ask(APART)
    assert server.calls == calls
    assert home.moved == set()
    assert len(told(caplog, logging.ERROR)) == 1
    await server.open()
    await home.recover()
    check_log(caplog)


@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
async def test_faults_in_a_row_are_one_loss(
    hass: HomeAssistant,
    server: Api,
    clock: TickingDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    live: bool,
) -> None:
    """Many different faults in a row are one loss, and do not wear the state out."""
    home = FaultyHome(hass, server, clock, live=live)
    await home.setup()
    faults = [fault for kind in TABLE.values() for fault in kind.values()]
    plain = [fault for fault in faults if not (fault.stalls or fault.tls or fault.refuses)]
    for fault in plain[::3]:
        server.answer = fault.answer
        await home.poll()
        if fault.wait > APART:
            clock.tick(fault.wait)
    assert home.moved == set()
    await home.recover()
    check_log(caplog)


async def test_the_question_for_a_token_goes_away(
    hass: HomeAssistant, server: Api, clock: TickingDateTimeFactory
) -> None:
    """The question for a new token goes away with the next good answer, whatever came between."""
    home = FaultyHome(hass, server, clock, live=False)
    await home.setup()
    for name in ("401", "403"):
        server.answer = REFUSALS[name]
        await home.poll()
        assert home.flows == 1
    server.answer = STATUSES["500"]
    await home.poll()
    await home.recover()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
async def test_the_lie_would_be_believed(
    hass: HomeAssistant, server: Api, clock: TickingDateTimeFactory, live: bool, tls: bool
) -> None:
    """Without a fault around it the lie moves everything: the tests above can fail."""
    home = FaultyHome(hass, server, clock, live=live, tls=tls)
    await home.setup()
    server.answer = in_tls(wire(sized)) if tls else wire(sized)
    await home.ask(APART)
    assert home.live == ("off" if live else "on")
    await asyncio.sleep(2 * announcer.APART)  # from the edge of the set-up, on older releases
    await home.settle()
    assert home.kinds == (["ended"] if live else ["started"])


def test_the_table_does_not_shrink() -> None:
    """The table does not shrink unseen."""
    assert sum(len(faults) for faults in TABLE.values()) >= 200
