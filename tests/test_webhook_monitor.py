"""Test the repairs of the webhook: other addresses, and a silence."""

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
    """Return the repairs that are shown, without the ignored ones."""
    issues = ir.async_get(home.hass).issues.values()
    shown = [one for one in issues if one.active and not one.dismissed_version]
    end = f"_{home.entry.entry_id}"
    return [one.issue_id.removesuffix(end) for one in shown if one.domain == DOMAIN]


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
    """Return the addresses that a repair shows, each in a field to copy it from."""
    fields = {str(marker): (marker, field) for marker, field in form["data_schema"].schema.items()}
    assert fields.pop("unused")
    for _, field in fields.values():
        assert field.serialize() == {"selector": {"template": {"read_only": True}}}
    return {name: marker.description["suggested_value"] for name, (marker, _) in fields.items()}


async def reconfigure(home: Home, option: str) -> Any:
    """Choose from the menu of Reconfigure, and submit what that shows, if anything."""
    flow = home.hass.config_entries.flow
    menu = await home.entry.start_reconfigure_flow(home.hass)
    result = await flow.async_configure(menu["flow_id"], {"next_step_id": option})
    while result["type"] == "form":
        result = await flow.async_configure(menu["flow_id"], {})
    await home.settle()
    return result


async def fix(home: Home, key: str, **filled_in: bool) -> Any:
    """Go through a repair, and return its form."""
    form = await begin_fix(home, key)
    flows = repairs_flow_manager(home.hass)
    assert flows
    result = await flows.async_configure(form["flow_id"], filled_in)
    assert result["type"] == "create_entry"
    await home.settle()
    return form


async def equivent(home: Home, provider: Provider, push: Push | None = None) -> None:
    """Let an equivent come and go, with calls of the webhook or without."""
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
    """Another address is told, shown by the dialog only, and then known."""
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
    """An address that is again what it was needs no attention."""
    await move(used, NEW)
    assert repairs(used) == [CHANGED]
    await move(used, OLD)
    assert repairs(used) == []


async def test_not_shown_until_submitted(used: Home) -> None:
    """Who only opens the repair is told again."""
    await move(used, NEW)
    await begin_fix(used, CHANGED)
    await move(used, NEW)
    assert repairs(used) == [CHANGED]


async def test_lost(used: Home) -> None:
    """No address any more is told too, and so is the next one."""
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
    """Who has seen the addresses under Reconfigure knows them, also from an entry that is down."""
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


async def test_seen_while_the_disk_is_full(used: Home) -> None:
    """What has been seen from an entry that is down is known once it is set up."""
    await move(used, NEW)
    assert await used.hass.config_entries.async_unload(used.entry.entry_id)
    with full_disk():
        assert (await fix(used, CHANGED))["step_id"] == "confirm"
    await used.setup()
    assert repairs(used) == []


async def test_changed_meanwhile(used: Home) -> None:
    """A change while the integration was not loaded is told when it is."""
    assert await used.hass.config_entries.async_unload(used.entry.entry_id)
    await move(used, NEW)
    assert repairs(used) == []
    await used.setup()
    assert repairs(used) == [CHANGED]


async def test_never_called(home: Home, provider: Provider) -> None:
    """Who does without the webhook is told nothing of it."""
    await async_process_ha_core_config(home.hass, {"external_url": OLD})
    await home.setup()
    await move(home, NEW)
    for _ in range(3):
        await equivent(home, provider)
    assert repairs(home) == []


async def test_never_had_an_address(home: Home) -> None:
    """Nor is who was told that there is none, when there is one."""
    await home.setup()
    assert (await reconfigure(home, "show_addresses"))["reason"] == "no_address"
    await move(home, NEW)
    assert repairs(home) == []


async def test_called_at_the_old_address(home: Home, provider: Provider, push: Push) -> None:
    """The first call comes after the change: it is told at the end of the next equivent."""
    await async_process_ha_core_config(home.hass, {"external_url": OLD})
    await home.setup()
    await move(home, NEW)
    await equivent(home, provider, push)
    assert repairs(home) == [CHANGED]


async def test_address_that_nobody_was_shown(home: Home, push: Push) -> None:
    """The first address there is counts as known: who found it has pasted it."""
    await home.setup()
    await push("")
    await move(home, OLD)
    assert repairs(home) == []
    await move(home, NEW)
    assert repairs(home) == [CHANGED]


def cloud_tells(home: Home) -> None:
    """Tell, as the cloud does, that its connection has changed."""
    from homeassistant.components.cloud import SIGNAL_CLOUD_CONNECTION_STATE, CloudConnectionState

    state = CloudConnectionState.CLOUD_DISCONNECTED
    async_dispatcher_send(home.hass, SIGNAL_CLOUD_CONNECTION_STATE, state)


async def test_cloud(used: Home, cloud: Cloud) -> None:
    """A new subscription gives other addresses; an outage of the cloud is no change."""
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.settle()
    assert repairs(used) == [CHANGED]
    form = await fix(used, CHANGED)
    assert shown_in(form)["started_url"].startswith("https://hooks.nabu.casa/")
    cloud.iot.connected = False
    cloud_tells(used)
    await used.settle()
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.settle()
    assert repairs(used) == []
    cloud.is_logged_in = False
    cloud_tells(used)
    await used.settle()
    assert repairs(used) == [CHANGED]
    cloud.is_logged_in = cloud.iot.connected = True
    cloud_tells(used)
    await used.settle()
    assert repairs(used) == []


async def test_silent(used: Home, provider: Provider, push: Push) -> None:
    """Two equivents in a row without a call are told, and the next call takes it back."""
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
    """A call in between starts the count anew."""
    for calls in (None, push, None):
        await equivent(used, provider, calls)
    assert repairs(used) == []


async def test_called_a_little_early(used: Home, provider: Provider, push: Push) -> None:
    """A call that comes before the API knows of a start belongs to it, whatever it says."""
    await push("")
    await used.pass_time(60)
    await equivent(used, provider)
    await equivent(used, provider)
    assert repairs(used) == []
    await equivent(used, provider)
    assert repairs(used) == [SILENT]


async def test_silence_over_a_restart(used: Home, provider: Provider) -> None:
    """What was missed is remembered, and told anew."""
    await equivent(used, provider)
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.pass_time(120)
    await equivent(used, provider)
    assert repairs(used) == [SILENT]
    ir.async_delete_issue(used.hass, DOMAIN, f"{SILENT}_{used.entry.entry_id}")  # as a restart does
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.settle()
    assert repairs(used) == [SILENT]


async def test_silence_is_looked_into(used: Home, provider: Provider) -> None:
    """Who has seen to it is told again after two more only."""
    await equivent(used, provider)
    await equivent(used, provider)
    form = await fix(used, SILENT)
    assert form["step_id"] == "confirm"
    assert shown_in(form)["ended_url"].startswith(OLD)
    await equivent(used, provider)
    assert repairs(used) == []
    await equivent(used, provider)
    assert repairs(used) == [SILENT]


async def test_other_addresses_explain_a_silence(used: Home, provider: Provider) -> None:
    """One thing at a time: what was missed at an address that nobody calls does not count."""
    await move(used, NEW)
    await equivent(used, provider)
    await equivent(used, provider)
    assert repairs(used) == [CHANGED]
    await fix(used, CHANGED)
    await equivent(used, provider)
    assert repairs(used) == []


async def test_what_nobody_could_call_about(used: Home, provider: Provider) -> None:
    """Equivents that began while Home Assistant was down or cut off, and rehearsals, are none."""
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
    """Who says that the webhook is not used any more hears no more of it, until it calls again."""
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


async def test_silence_is_meant(used: Home, provider: Provider) -> None:
    """The same may be said of a silence."""
    await equivent(used, provider)
    await equivent(used, provider)
    await fix(used, SILENT, unused=True)
    await equivent(used, provider)
    await equivent(used, provider)
    assert repairs(used) == []


async def test_ignored(used: Home, provider: Provider) -> None:
    """A repair that was ignored stays so, restarts or not."""
    await equivent(used, provider)
    await equivent(used, provider)
    ir.async_ignore_issue(used.hass, DOMAIN, f"{SILENT}_{used.entry.entry_id}", ignore=True)
    assert await used.hass.config_entries.async_reload(used.entry.entry_id)
    await used.pass_time(120)
    await equivent(used, provider)
    assert repairs(used) == []


@pytest.mark.parametrize("how", ["disable", "remove"])
async def test_gone(used: Home, how: str) -> None:
    """Nothing is told of an entry that is disabled or removed, and a dialog left open just ends."""
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
    """Addresses that were shown for an entry that never worked leave nothing behind."""
    provider.error = ClientConnectionError()
    await home.hass.config_entries.async_setup(home.entry.entry_id)
    await reconfigure(home, "show_addresses")
    assert f"{DOMAIN}.{home.entry.entry_id}" not in hass_storage
