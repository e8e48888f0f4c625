"""Test that faulty answers over real sockets change nothing."""

import asyncio
from itertools import islice
import logging

import aiohttp
from freezegun.api import TickingDateTimeFactory
import pytest

from custom_components.equiwatt import announcer
from custom_components.equiwatt.equivents import client
from homeassistant.core import HomeAssistant

from ..fakes.home import TOKEN
from .answers import APART, Fault, in_tls, wire
from .heads import REFUSALS, STATUSES
from .home import FaultyHome
from .server import FaultyProvider, sized
from .table import TABLE

pytestmark = pytest.mark.usefixtures("socket_enabled")

SHORT = aiohttp.ClientTimeout(total=0.1)


def logged(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return the messages of the integration at a level."""
    ours = [r for r in caplog.records if r.name.startswith("custom_components.equiwatt")]
    return [record.getMessage() for record in ours if record.levelno == level]


def check_log(caplog: pytest.LogCaptureFixture) -> None:
    """Check that the outage and its end are logged once, without a traceback."""
    assert len(logged(caplog, logging.ERROR) + logged(caplog, logging.WARNING)) == 1
    assert len(logged(caplog, logging.INFO)) == 1
    loud = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [record for record in loud if record.exc_info]
    assert not [record for record in loud if "Traceback" in record.getMessage()]


async def check_fault(
    home: FaultyHome,
    fault: Fault,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Check that a fault changes nothing, and that the next valid answer counts."""
    calls = len(home.server.calls)
    home.server.fault = fault.answer
    with monkeypatch.context() as patch:
        if fault.stalls:
            patch.setattr(client, "TIMEOUT", SHORT)
        await home.refresh_and_poll(fault.wait)
    assert len(home.server.calls) >= calls + 2
    assert home.changed == set()
    assert home.flows == fault.refuses
    await home.recover()
    check_log(caplog)


@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
@pytest.mark.parametrize("faults", TABLE.values(), ids=TABLE)
async def test_fault(
    hass: HomeAssistant,
    server: FaultyProvider,
    clock: TickingDateTimeFactory,
    subtests: pytest.Subtests,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
    faults: dict[str, Fault],
    live: bool,
) -> None:
    """Each faulty answer changes nothing, and the next valid one counts."""
    distance = 2 if pytestconfig.getoption("quick") else 1
    home = FaultyHome(hass, server, clock, live=live, tls=next(iter(faults.values())).tls)
    await home.setup()
    for name, fault in islice(faults.items(), None, None, distance):
        with subtests.test(name):
            home.changes.clear()
            caplog.clear()
            await check_fault(home, fault, caplog, monkeypatch)
    assert TOKEN not in str([state.as_dict() for state in hass.states.async_all()])


@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
async def test_refused_connection(
    hass: HomeAssistant,
    server: FaultyProvider,
    clock: TickingDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    live: bool,
) -> None:
    """A refused connection changes nothing."""
    home = FaultyHome(hass, server, clock, live=live)
    await home.setup()
    calls = len(server.calls)
    await server.shut()
    await home.refresh_and_poll(APART)
    assert len(server.calls) == calls
    assert home.changed == set()
    assert len(logged(caplog, logging.ERROR)) == 1
    await server.open()
    await home.recover()
    check_log(caplog)


@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
async def test_faults_in_a_row(
    hass: HomeAssistant,
    server: FaultyProvider,
    clock: TickingDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    live: bool,
) -> None:
    """Many different faults are one outage and keep the state."""
    home = FaultyHome(hass, server, clock, live=live)
    await home.setup()
    faults = [fault for kind in TABLE.values() for fault in kind.values()]
    plain = [fault for fault in faults if not (fault.stalls or fault.tls or fault.refuses)]
    for fault in plain[::3]:
        server.fault = fault.answer
        await home.poll()
        if fault.wait > APART:
            clock.tick(fault.wait)
    assert home.changed == set()
    await home.recover()
    check_log(caplog)


async def test_reauth_is_aborted(
    hass: HomeAssistant, server: FaultyProvider, clock: TickingDateTimeFactory
) -> None:
    """A reauth is aborted by the next valid answer, with any faults in between."""
    home = FaultyHome(hass, server, clock, live=False)
    await home.setup()
    for name in ("401", "403"):
        server.fault = REFUSALS[name]
        await home.poll()
        assert home.flows == 1
    server.fault = STATUSES["500"]
    await home.poll()
    await home.recover()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("live", [False, True], ids=["idle", "live"])
async def test_lie_without_fault(
    hass: HomeAssistant,
    server: FaultyProvider,
    clock: TickingDateTimeFactory,
    live: bool,
    tls: bool,
) -> None:
    """Without a fault the lie changes everything, so the tests above can fail."""
    home = FaultyHome(hass, server, clock, live=live, tls=tls)
    await home.setup()
    server.fault = in_tls(wire(sized)) if tls else wire(sized)
    await home.refresh_and_poll(APART)
    assert home.live == ("off" if live else "on")
    await asyncio.sleep(2 * announcer.EDGE_INTERVAL)  # from the set-up's edge, in older releases
    await home.settle()
    assert home.kinds == (["ended"] if live else ["started"])


def test_number_of_faults() -> None:
    """The number of faults does not shrink unnoticed."""
    assert sum(len(faults) for faults in TABLE.values()) >= 200
