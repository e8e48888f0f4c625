"""Test that a device that does not come back has an issue for as long as that is so."""

import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from tests.conftest import House, Provider
from tests.devices import Plug, install

from .pausing import HOUR, MINUTE, PLUG, end, pause, repairs, restart, started


@pytest.mark.parametrize("dealt_with", ["back", "by hand", "removed"])
async def test_repair(live: House, provider: Provider, dealt_with: str) -> None:
    """After an hour a repair names the device, and goes away when it is dealt with."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    plug.report(available=False)
    await end(live, provider)
    await live.pass_time(59 * MINUTE, step=30)
    assert repairs(live.hass) == []
    await live.pass_time(2 * MINUTE)
    assert repairs(live.hass) == [f"not_restored_{PLUG}"]
    issue = ir.async_get(live.hass).async_get_issue(DOMAIN, f"not_restored_{PLUG}")
    assert issue
    assert issue.translation_placeholders == {"name": "Plug", "entity_id": PLUG}
    if dealt_with == "back":
        plug.report(available=True)
    elif dealt_with == "by hand":
        plug.report(available=True, is_on=True)
    else:
        er.async_get(live.hass).async_remove(PLUG)
    await live.pass_time(30 if dealt_with == "by hand" else 0)  # which might be an old word
    assert repairs(live.hass) == []
    assert plug.commands == ["off", "on"] if dealt_with == "back" else ["off"]
    commands = list(plug.commands)
    await live.pass_time(HOUR.total_seconds(), step=60)
    assert plug.commands == commands


async def test_repair_is_there_after_a_restart(live: House, provider: Provider) -> None:
    """A repair is told again after a restart, as long as its cause is there."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    plug.report(available=False)
    await end(live, provider)
    await live.pass_time(61 * MINUTE, step=30)
    ir.async_delete_issue(live.hass, DOMAIN, f"not_restored_{PLUG}")  # as a restart does
    await restart(live)
    await started(live)
    assert repairs(live.hass) == [f"not_restored_{PLUG}"]
