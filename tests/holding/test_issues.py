"""Test the repairs of devices that are not restored."""

from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.issues import async_raise_not_restored, issue_id_of
from custom_components.equiwatt.holding.manager import async_get_manager
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from tests.fakes.actions import simulate
from tests.fakes.devices.entities import install
from tests.fakes.devices.pretend import Plug
from tests.fakes.home import Home
from tests.fakes.provider import Provider

from .pausing import HOUR, KEY, MINUTE, PLUG, disable, end, pause, repairs, restart, started


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
    assert "plug" not in str(issue.to_json()).casefold()  # Home Assistant's diagnostics include it
    commands = list(plug.commands)
    assert commands == ["turn_off"] + ["turn_on"] * (8 if fault == "deaf" else 0)
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


async def restart_without_issues(home: Home) -> None:
    """Restart Home Assistant, which forgets all issues but the persistent ones."""

    def forget() -> None:
        """Forget issues."""
        registry = ir.async_get(home.hass)
        for domain, issue_id in [
            key for key, issue in registry.issues.items() if not issue.is_persistent
        ]:
            registry.async_delete(domain, issue_id)

    await restart(home, forget)
    await started(home)


@pytest.fixture
async def broken(live: Home, provider: Provider) -> Plug:
    """Return a plug that could not be restored."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    plug.obeys = False
    await end(live, provider)
    await live.pass_time(65 * MINUTE, step=30)
    assert repairs(live.hass) == [issue_id_of(PLUG)]
    return plug


async def test_restart(live: Home, broken: Plug) -> None:
    """An issue outlasts restarts until it is confirmed."""
    commands = list(broken.commands)
    for _ in range(2):
        await restart_without_issues(live)
        assert repairs(live.hass) == [issue_id_of(PLUG)]
    async_get_manager(live.hass).async_forget(PLUG)
    await live.pass_time(MINUTE)
    await restart_without_issues(live)
    assert repairs(live.hass) == []
    assert broken.commands == commands


async def test_last_account(live: Home, broken: Plug) -> None:
    """An issue is persistent only while no account is left that would raise it again."""
    registry = ir.async_get(live.hass)

    def is_persistent() -> bool:
        """Return True if Home Assistant stores the issue with its text."""
        issue = registry.async_get_issue(DOMAIN, issue_id_of(PLUG))
        assert issue
        return issue.is_persistent

    await disable(live)
    assert is_persistent()
    await live.hass.config_entries.async_set_disabled_by(live.entry.entry_id, None)
    await live.settle()
    assert not is_persistent()
    assert await live.hass.config_entries.async_remove(live.entry.entry_id)
    assert is_persistent()


async def test_renamed(live: Home, broken: Plug) -> None:
    """An issue follows the device's name until it is held again."""
    old = PLUG
    for new in ("switch.heater", "switch.boiler"):
        er.async_get(live.hass).async_update_entity(old, new_entity_id=new)
        await live.settle()
        assert repairs(live.hass) == [issue_id_of(new)]
        issue = ir.async_get(live.hass).async_get_issue(DOMAIN, issue_id_of(new))
        assert issue
        assert issue.translation_placeholders == {"name": "Plug", "entity_id": new}
        old = new
    broken.obeys = True
    broken.report("on")
    await simulate(live.hass)
    await pause(live.hass, old)
    assert repairs(live.hass) == []


async def test_renamed_before_restored(live: Home) -> None:
    """The issue of a device that is renamed and restored nevertheless is cleared."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    plug.obeys = False
    await disable(live)
    await live.pass_time(4 * MINUTE)
    assert repairs(live.hass) == [issue_id_of(PLUG)]
    er.async_get(live.hass).async_update_entity(PLUG, new_entity_id="switch.renamed")
    await live.settle()
    plug.obeys = True
    await live.pass_time(10 * MINUTE)
    assert live.state("switch.renamed") == "on"
    assert repairs(live.hass) == []


async def test_removed(live: Home, broken: Plug) -> None:
    """An issue outlasts the removal of its device, which may be added again."""
    er.async_get(live.hass).async_remove(PLUG)
    await live.settle()
    assert repairs(live.hass) == [issue_id_of(PLUG)]


async def test_nothing_left_behind(live: Home, broken: Plug, hass_storage: dict[str, Any]) -> None:
    """An issue that follows a new name after the removal of the account leaves no file behind."""
    assert await live.hass.config_entries.async_remove(live.entry.entry_id)
    await live.settle()
    er.async_get(live.hass).async_update_entity(PLUG, new_entity_id="switch.heater")
    await live.pass_time(10)
    assert repairs(live.hass) == [issue_id_of("switch.heater")]
    assert KEY not in hass_storage
