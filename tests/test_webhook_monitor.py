"""Test the repairs of the webhook: changed addresses and silence."""

from datetime import timedelta
from typing import Any

from aiohttp import ClientConnectionError
import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.setup import async_setup_component

from .conftest import Push
from .fakes.actions import simulate
from .fakes.cloud import Cloud
from .fakes.disk import full_disk
from .fakes.home import WEBHOOK_ID, Home
from .fakes.provider import Provider

CHANGED = "webhook_changed"
SILENT = "webhook_silent"
OLD = "https://old.example.org"
NEW = "https://new.example.org"
MINUTE = timedelta(minutes=1)


def repairs(home: Home) -> list[str]:
    """Return the open repairs that are not ignored."""
    issues = ir.async_get(home.hass).issues.values()
    shown = [issue for issue in issues if issue.active and not issue.dismissed_version]
    end = f"_{home.entry.entry_id}"
    return [issue.issue_id.removesuffix(end) for issue in shown if issue.domain == DOMAIN]


async def move(home: Home, url: str | None) -> None:
    """Change the address of Home Assistant."""
    await home.hass.config.async_update(external_url=url)
    await home.settle()


async def begin_fix(home: Home, key: str) -> Any:
    """Open a repair."""
    flows = repairs_flow_manager(home.hass)
    assert flows
    return await flows.async_init(DOMAIN, data={"issue_id": f"{key}_{home.entry.entry_id}"})


def shown_in(form: Any) -> dict[str, str]:
    """Return the addresses in a repair, each in a field of its own."""
    fields = {str(marker): (marker, field) for marker, field in form["data_schema"].schema.items()}
    assert fields.pop("unused")
    for _, field in fields.values():
        assert field.serialize() == {"selector": {"template": {"read_only": True}}}
    return {name: marker.description["suggested_value"] for name, (marker, _) in fields.items()}


async def reconfigure(home: Home, option: str) -> Any:
    """Choose from the menu of the reconfigure flow, and submit the form, if any."""
    flow = home.hass.config_entries.flow
    menu = await home.entry.start_reconfigure_flow(home.hass)
    result = await flow.async_configure(menu["flow_id"], {"next_step_id": option})
    while result["type"] == "form":
        result = await flow.async_configure(menu["flow_id"], {})
    await home.settle()
    return result


async def fix(home: Home, key: str, **filled_in: bool) -> Any:
    """Submit a repair and return its form."""
    form = await begin_fix(home, key)
    flows = repairs_flow_manager(home.hass)
    assert flows
    result = await flows.async_configure(form["flow_id"], filled_in)
    assert result["type"] == "create_entry"
    await home.settle()
    return form


async def equivent(home: Home, provider: Provider, push: Push | None = None) -> None:
    """Start and end an equivent, with or without webhook calls."""
    start = home.now
    provider.start(start, None)
    if push:
        await push("?event=started")
    await home.poll()
    assert home.live == "on"
    await home.pass_time(600, step=60)
    provider.end(start, home.now)
    if push:
        await push("?event=ended")
    await home.pass_time(600, step=60)
    assert home.live == "off"


@pytest.fixture
async def used(home: Home, push: Push) -> Home:
    """Return a house with an old address, whose webhook has been called."""
    assert await async_setup_component(home.hass, "repairs", {})
    await async_process_ha_core_config(home.hass, {"external_url": OLD})
    await home.setup()
    await push("")
    await home.pass_time(600, step=60)
    return home


async def test_changed(used: Home) -> None:
    """A changed address raises an issue, is shown in the flow only, and is then known."""
    assert repairs(used) == []
    await move(used, NEW)
    assert repairs(used) == [CHANGED]
    issue = ir.async_get(used.hass).async_get_issue(DOMAIN, f"{CHANGED}_{used.entry.entry_id}")
    assert issue
    assert issue.translation_placeholders == {"name": "equiwatt"}
    assert WEBHOOK_ID not in str(issue)
    form = await fix(used, CHANGED)
    assert (form["type"], form["step_id"]) == ("form", "confirm")
    address = f"{NEW}/api/webhook/{WEBHOOK_ID}?event="
    assert shown_in(form) == {
        "started_url": f"{address}started",
        "ended_url": f"{address}ended",
    }
    assert repairs(used) == []
    await move(used, NEW)
    assert repairs(used) == []
    await move(used, OLD)
    assert repairs(used) == [CHANGED]


async def test_changed_back(used: Home) -> None:
    """An address that changed back clears the issue."""
    await move(used, NEW)
    assert repairs(used) == [CHANGED]
    await move(used, OLD)
    assert repairs(used) == []


async def test_not_shown_until_submitted(used: Home) -> None:
    """Opening the repair without submitting keeps the issue."""
    await move(used, NEW)
    await begin_fix(used, CHANGED)
    await move(used, NEW)
    assert repairs(used) == [CHANGED]


async def test_lost(used: Home) -> None:
    """A lost address raises an issue, and so does the next one."""
    await move(used, None)
    assert repairs(used) == [CHANGED]
    form = await fix(used, CHANGED)
    assert form["step_id"] == "no_address"
    assert shown_in(form) == {}
    assert repairs(used) == []
    await move(used, NEW)
    assert repairs(used) == [CHANGED]


@pytest.mark.parametrize("option", ["show_addresses", "new_addresses"])
@pytest.mark.parametrize("loaded", [True, False])
async def test_reconfigured(used: Home, loaded: bool, option: str) -> None:
    """Addresses shown by the reconfigure flow are known, for an unloaded entry too."""
    await move(used, NEW)
    if not loaded:
        assert await used.hass.config_entries.async_unload(used.entry.entry_id)
    assert (await reconfigure(used, option))["reason"] == "addresses_shown"
    assert repairs(used) == []
    if used.entry.state is not ConfigEntryState.LOADED:
        await used.setup()
    await move(used, OLD)
    assert repairs(used) == [CHANGED]


async def test_seen_while_the_disk_cannot_be_read(used: Home, hass_storage: dict[str, Any]) -> None:
    """Addresses are shown all the same, and a change is an issue again once it can be."""
    await move(used, NEW)
    assert await used.hass.config_entries.async_unload(used.entry.entry_id)
    file = hass_storage[f"{DOMAIN}.{used.entry.entry_id}"]
    file["version"] = 1_000
    assert (await fix(used, CHANGED))["step_id"] == "confirm"
    assert repairs(used) == []
    file["version"] = 1
    await used.setup()
    assert repairs(used) == [CHANGED]


async def test_fixed_with_full_disk(used: Home) -> None:
    """Addresses that were seen while the disk was full are known after the set-up."""
    await move(used, NEW)
    assert await used.hass.config_entries.async_unload(used.entry.entry_id)
    with full_disk():
        assert (await fix(used, CHANGED))["step_id"] == "confirm"
    await used.setup()
    assert repairs(used) == []


async def test_changed_meanwhile(used: Home) -> None:
    """A change while the entry was not loaded raises an issue later."""
    assert await used.hass.config_entries.async_unload(used.entry.entry_id)
    await move(used, NEW)
    assert repairs(used) == []
    await used.setup()
    assert repairs(used) == [CHANGED]


async def test_never_called(home: Home, provider: Provider) -> None:
    """An unused webhook raises no issue."""
    await async_process_ha_core_config(home.hass, {"external_url": OLD})
    await home.setup()
    await move(home, NEW)
    for _ in range(3):
        await equivent(home, provider)
    assert repairs(home) == []


async def test_first_address(home: Home) -> None:
    """A first address after none raises no issue."""
    await home.setup()
    assert (await reconfigure(home, "show_addresses"))["reason"] == "no_address"
    await move(home, NEW)
    assert repairs(home) == []


async def test_called_at_the_old_address(home: Home, provider: Provider, push: Push) -> None:
    """A first call after the change raises the issue at the next end."""
    await async_process_ha_core_config(home.hass, {"external_url": OLD})
    await home.setup()
    await move(home, NEW)
    await equivent(home, provider, push)
    assert repairs(home) == [CHANGED]


async def test_unshown_address(home: Home, push: Push) -> None:
    """The first address counts as known though it was not shown."""
    await home.setup()
    await push("")
    await move(home, OLD)
    assert repairs(home) == []
    await move(home, NEW)
    assert repairs(home) == [CHANGED]


def cloud_signal(home: Home) -> None:
    """Send the cloud's signal of a changed connection."""
    from homeassistant.components.cloud import SIGNAL_CLOUD_CONNECTION_STATE, CloudConnectionState

    state = CloudConnectionState.CLOUD_DISCONNECTED
    async_dispatcher_send(home.hass, SIGNAL_CLOUD_CONNECTION_STATE, state)


async def test_cloud(used: Home, cloud: Cloud) -> None:
    """A new subscription changes the addresses, and an outage of the cloud does not."""
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.settle()
    assert repairs(used) == [CHANGED]
    form = await fix(used, CHANGED)
    assert shown_in(form)["started_url"].startswith("https://hooks.nabu.casa/")
    cloud.iot.connected = False
    cloud_signal(used)
    await used.settle()
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.settle()
    assert repairs(used) == []
    cloud.is_logged_in = False
    cloud_signal(used)
    await used.settle()
    assert repairs(used) == [CHANGED]
    cloud.is_logged_in = cloud.iot.connected = True
    cloud_signal(used)
    await used.settle()
    assert repairs(used) == []


async def test_silent(used: Home, provider: Provider, push: Push) -> None:
    """Two equivents in a row without a call raise an issue, which the next call clears."""
    await equivent(used, provider, push)
    await equivent(used, provider)
    assert repairs(used) == []
    await equivent(used, provider)
    assert repairs(used) == [SILENT]
    await push("")
    assert repairs(used) == []
    await equivent(used, provider)
    assert repairs(used) == []


async def test_not_in_a_row(used: Home, provider: Provider, push: Push) -> None:
    """A call in between resets the count."""
    for calls in (None, push, None):
        await equivent(used, provider, calls)
    assert repairs(used) == []


async def test_called_a_little_early(used: Home, provider: Provider, push: Push) -> None:
    """A call before the API knows of the start belongs to it, with any event."""
    await push("")
    await used.pass_time(60)
    await equivent(used, provider)
    await equivent(used, provider)
    assert repairs(used) == []
    await equivent(used, provider)
    assert repairs(used) == [SILENT]


async def test_silence_over_a_restart(used: Home, provider: Provider) -> None:
    """The count survives a restart, and the issue is raised again."""
    await equivent(used, provider)
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.pass_time(120)
    await equivent(used, provider)
    assert repairs(used) == [SILENT]
    ir.async_delete_issue(used.hass, DOMAIN, f"{SILENT}_{used.entry.entry_id}")  # like a restart
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.settle()
    assert repairs(used) == [SILENT]


async def test_silence_fixed(used: Home, provider: Provider) -> None:
    """A confirmed repair is raised again after two more only."""
    await equivent(used, provider)
    await equivent(used, provider)
    form = await fix(used, SILENT)
    assert form["step_id"] == "confirm"
    assert shown_in(form)["ended_url"].startswith(OLD)
    await equivent(used, provider)
    assert repairs(used) == []
    await equivent(used, provider)
    assert repairs(used) == [SILENT]


async def test_changed_address_explains_silence(used: Home, provider: Provider) -> None:
    """Calls missed at an old address do not count."""
    await move(used, NEW)
    await equivent(used, provider)
    await equivent(used, provider)
    assert repairs(used) == [CHANGED]
    await fix(used, CHANGED)
    await equivent(used, provider)
    assert repairs(used) == []


async def test_equivents_without_calls(used: Home, provider: Provider) -> None:
    """Equivents while down or cut off, and rehearsals, do not count."""
    for _ in range(2):
        assert await used.hass.config_entries.async_unload(used.entry.entry_id)
        start = used.now
        provider.start(start, None)
        await used.pass_time(60)
        await used.setup()
        assert used.live == "on"
        provider.end(start, used.now)
        await used.pass_time(300)
    for _ in range(2):
        start = used.now
        provider.error = ClientConnectionError()
        await used.pass_time(600)
        provider.recover()
        provider.start(start, None)
        await used.pass_time(600, step=60)
        assert used.live == "on"
        provider.end(start, used.now)
        await used.pass_time(300)
    for _ in range(2):
        await simulate(used.hass, duration={"minutes": 1})
        await used.pass_time(180)
    assert used.live == "off"
    assert repairs(used) == []
    await equivent(used, provider)
    assert repairs(used) == []


@pytest.mark.parametrize("url", [NEW, None])
async def test_no_longer_used(used: Home, provider: Provider, push: Push, url: str | None) -> None:
    """An unused webhook raises no issues until it is called again."""
    await move(used, url)
    await fix(used, CHANGED, unused=True)
    assert used.state("sensor.equiwatt_last_webhook") == "unknown"
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await move(used, OLD)
    for _ in range(2):
        await equivent(used, provider)
    assert repairs(used) == []
    await equivent(used, provider, push)
    assert repairs(used) == [CHANGED]


async def test_no_longer_used_after_silence(used: Home, provider: Provider) -> None:
    """The issue of silence offers the same option."""
    await equivent(used, provider)
    await equivent(used, provider)
    await fix(used, SILENT, unused=True)
    await equivent(used, provider)
    await equivent(used, provider)
    assert repairs(used) == []


async def test_ignored(used: Home, provider: Provider) -> None:
    """An ignored issue stays ignored, over restarts."""
    await equivent(used, provider)
    await equivent(used, provider)
    ir.async_ignore_issue(used.hass, DOMAIN, f"{SILENT}_{used.entry.entry_id}", ignore=True)
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.pass_time(120)
    await equivent(used, provider)
    assert repairs(used) == []


@pytest.mark.parametrize("how", ["disable", "remove"])
async def test_removed(used: Home, how: str) -> None:
    """A disabled or removed entry has no issues, and an open repair flow ends."""
    await move(used, NEW)
    form = await begin_fix(used, CHANGED)
    entries = used.hass.config_entries
    if how == "disable":
        await entries.async_set_disabled_by(used.entry.entry_id, ConfigEntryDisabler.USER)
    else:
        await entries.async_remove(used.entry.entry_id)
    await used.settle()
    assert repairs(used) == []
    flows = repairs_flow_manager(used.hass)
    assert flows
    result = await flows.async_configure(form["flow_id"], {})
    assert result["type"] == "create_entry"
    await used.settle()
    assert repairs(used) == []


async def test_never_set_up(home: Home, provider: Provider, hass_storage: dict[str, Any]) -> None:
    """Addresses shown for an entry that never loaded leave no trace."""
    provider.error = ClientConnectionError()
    await home.hass.config_entries.async_setup(home.entry.entry_id)
    await reconfigure(home, "show_addresses")
    assert f"{DOMAIN}.{home.entry.entry_id}" not in hass_storage
