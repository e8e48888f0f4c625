"""Test the repairs of devices that are not restored."""

import pytest

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.issues import async_raise_not_restored, issue_id_of
from homeassistant.helpers import issue_registry as ir
from tests.fakes.devices.simple import Plug, install
from tests.fakes.home import Home
from tests.fakes.provider import Provider

from .pausing import HOUR, MINUTE, PLUG, end, pause, repairs


@pytest.mark.parametrize("fault", ["deaf", "away"])
async def test_repair(live: Home, provider: Provider, fault: str) -> None:
    """A device that does not obey for an hour or is unavailable for a day has a repair."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    plug.obeys = False
    plug.report(available=fault != "away")
    await end(live, provider)
    await live.pass_time(57 * MINUTE, step=30)
    assert repairs(live.hass) == []
    if fault == "away":
        await live.pass_time(23 * HOUR.total_seconds(), step=3600)
        assert repairs(live.hass) == []
    await live.pass_time(5 * MINUTE, step=30)
    assert repairs(live.hass) == [issue_id_of(PLUG)]
    issue = ir.async_get(live.hass).async_get_issue(DOMAIN, issue_id_of(PLUG))
    assert issue
    assert issue.translation_placeholders == {"name": "Plug", "entity_id": PLUG}
    assert issue.is_persistent
    assert "plug" not in issue.issue_id
    commands = list(plug.commands)
    assert commands == ["off"] + ["on"] * (8 if fault == "deaf" else 0)
    plug.obeys = True
    plug.report(available=True)
    await live.pass_time(HOUR.total_seconds(), step=60)
    assert plug.commands == commands
    assert live.state("sensor.equiwatt_held_devices") == "0"


async def test_cleared_by_next_hold(live: Home, provider: Provider) -> None:
    """A new hold clears the repair until the device fails again."""
    await install(live.hass, Plug("Plug"))
    async_raise_not_restored(live.hass, PLUG)
    await pause(live.hass, PLUG)
    assert repairs(live.hass) == []
