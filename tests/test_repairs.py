"""Test the repair flows."""

from typing import Any

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.issues import async_raise_not_restored, issue_id_of
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.setup import async_setup_component
from tests.fakes.devices.entities import install
from tests.fakes.devices.pretend import Plug
from tests.fakes.home import Home
from tests.fakes.provider import Provider

from .holding.pausing import HOUR, MINUTE, PLUG, end, pause, repairs


async def test_repair_flow(live: Home, provider: Provider) -> None:
    """Confirming the repair clears the issue."""
    assert await async_setup_component(live.hass, "repairs", {})
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    plug.obeys = False
    await end(live, provider)
    await live.pass_time(65 * MINUTE, step=30)
    commands = list(plug.commands)
    flows = repairs_flow_manager(live.hass)
    assert flows
    for _ in range(2):
        flow: Any = await flows.async_init(DOMAIN, data={"issue_id": issue_id_of(PLUG)})
        assert (flow["type"], flow["step_id"]) == ("form", "confirm")
        assert flow["description_placeholders"]["name"] == "Plug"
        flow = await flows.async_configure(flow["flow_id"], {})
        assert flow["type"] == "create_entry"
        assert repairs(live.hass) == []
        async_raise_not_restored(live.hass, PLUG)
    plug.report(available=True)
    await live.settle()
    assert plug.commands == commands


async def test_repair_submitted_too_late(live: Home, provider: Provider) -> None:
    """A flow left open since an earlier equivent does not change the held devices."""
    assert await async_setup_component(live.hass, "repairs", {})
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    plug.obeys = False
    await end(live, provider)
    await live.pass_time(65 * MINUTE, step=30)
    flows = repairs_flow_manager(live.hass)
    assert flows
    flow: Any = await flows.async_init(DOMAIN, data={"issue_id": issue_id_of(PLUG)})
    plug.obeys = True
    plug.report("on")  # turned on by hand
    await live.settle()
    start = live.now
    provider.start(start, start + HOUR)
    await live.poll()
    assert (await pause(live.hass, PLUG))["paused"] == [PLUG]
    await live.pass_time(MINUTE)
    flow = await flows.async_configure(flow["flow_id"], {})
    assert flow["type"] == "create_entry"
    assert live.state("sensor.equiwatt_held_devices") == "1"
    provider.end(start, live.now)
    await live.poll()
    await live.pass_time(5 * MINUTE)
    assert live.state(PLUG) == "on"
