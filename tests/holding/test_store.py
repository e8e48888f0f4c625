"""Test that the states of devices are stored in time, and read in spite of damage."""

from copy import deepcopy
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.issues import issue_id_of
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
from tests.conftest import Recorder
from tests.fakes.devices.entities import install
from tests.fakes.devices.pretend import Plug
from tests.fakes.home import Home
from tests.fakes.provider import Provider

from .pausing import KEY, MINUTE, PLUG, end, pause, repairs, restart, started


async def test_stored_before_command(live: Home, hass_storage: dict[str, Any]) -> None:
    """The record is on the disk when the device gets its command."""
    (plug,) = await install(live.hass, Plug("Plug"))
    stored: list[Any] = []

    async def read(service: str) -> None:
        """Read the disk."""
        stored.append(hass_storage[KEY]["data"]["devices"])

    plug.before_command = read
    await pause(live.hass, PLUG)
    assert [device["record"]["before"]["state"] for device in stored[0]] == ["on"]
    assert [len(device["record"]["commands"]) for device in stored[0]] == [1]


async def test_takeover_before_power_cut(
    live: Home, hass_storage: dict[str, Any], hass_admin_user: MockUser
) -> None:
    """A takeover is on the disk at once."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    assert hass_storage[KEY]["data"]["devices"]
    call = live.hass.services.async_call
    person = Context(user_id=hass_admin_user.id)
    await call("switch", "turn_on", {"entity_id": PLUG}, blocking=True, context=person)
    await live.hass.async_block_till_done(wait_background_tasks=True)
    assert hass_storage[KEY]["data"]["devices"] == []


@pytest.mark.parametrize("content", [[], {}, {"devices": None}, {"devices": "switch.plug"}, 5])
async def test_damaged_file(
    home: Home, provider: Provider, hass_storage: dict[str, Any], content: Any
) -> None:
    """The integration works with any file on the disk."""
    hass_storage[KEY] = {"version": 1, "minor_version": 1, "key": KEY, "data": content}
    await home.setup()
    assert home.live == "off"


async def test_newer_version(
    live: Home, hass_storage: dict[str, Any], no_secrets_in_log: Recorder
) -> None:
    """A file that cannot be read is not replaced, and resumed once it can be."""
    _, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    await restart(live, lambda: hass_storage[KEY].update(version=9))
    await started(live)
    messages = [record.getMessage() for record in no_secrets_in_log.records]
    assert any("cannot be read from the disk" in message for message in messages)
    assert live.live == "on"
    stored = deepcopy(hass_storage[KEY])
    with pytest.raises(HomeAssistantError, match="Nothing was changed"):
        await pause(live.hass, "switch.other")
    await live.pass_time(MINUTE)
    assert (hass_storage[KEY], other.commands) == (stored, [])
    hass_storage[KEY].update(version=1)
    assert (await pause(live.hass, "switch.other"))["paused"] == ["switch.other"]
    await live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
    await live.settle()
    assert [live.state(PLUG), live.state("switch.other")] == ["on", "on"]


@pytest.mark.parametrize("is_removed", [False, True])
async def test_readable_again(
    live: Home, hass_storage: dict[str, Any], no_secrets_in_log: Recorder, is_removed: bool
) -> None:
    """Held devices are restored once their file can be read, even if the account is removed."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    await restart(live, lambda: hass_storage[KEY].update(version=9))
    await started(live)
    if is_removed:
        await live.hass.config_entries.async_remove(live.entry.entry_id)
    await live.pass_time(80 * MINUTE)
    assert live.state(PLUG) == "off"
    messages = [record.getMessage() for record in no_secrets_in_log.records]
    assert sum("cannot be read from the disk" in message for message in messages) == 1
    hass_storage[KEY].update(version=1)
    await live.pass_time(5 * MINUTE)
    assert live.state(PLUG) == "on"
    assert (KEY not in hass_storage) is is_removed


async def test_repairs_once_readable(live: Home, hass_storage: dict[str, Any]) -> None:
    """A device that was not restored has its repair once the file can be read."""
    devices = {"devices": [{"entity_id": PLUG}]}
    content = {"version": 9, "minor_version": 1, "key": KEY, "data": devices}
    await restart(live, lambda: hass_storage.update({KEY: content}))
    await started(live)
    assert repairs(live.hass) == []
    content["version"] = 1
    await live.pass_time(MINUTE)
    assert repairs(live.hass) == [issue_id_of(PLUG)]


def command(**data: Any) -> dict[str, Any]:
    """Return a stored command with one changed value."""
    found = {"domain": "switch", "state": "on", "attributes": {}}
    at = "2026-11-20T17:21:00+00:00"
    stored = {"at": at, "values": {"state": "off"}, "found": found, "refused_at": None}
    return {"record": {"commands": [stored | data]}}


def before(domain: str, state: Any, **attributes: Any) -> dict[str, Any]:
    """Return the stored earlier state of a device."""
    return {"record": {"before": {"domain": domain, "state": state, "attributes": attributes}}}


DAMAGES: dict[str, dict[str, Any]] = {
    "of no kind": before("what", "on"),
    "commanded without a zone": command(at="2026-11-20T17:21:00"),
    "commanded with a text": command(values="off"),
    "commands in words": {"record": {"commands": "turn_off"}},
    "an effect of things": before("light", "on", effect={"a": 1}),
    "a climate without modes": before("climate", "heat"),
    "features in words": before("water_heater", "eco", supported_features="many"),
    "a state that is a number": before("switch", 5),
    "until a number": {"record": {"until": 5}},
    "until nothing": {"record": {"until": None}},
    "no record": {"record": None},
    "without its original state": {"record": {"before": None}},
    "with effects that are a number": before("light", "on", effect="Fire", effect_list=5),
    "for a text": {"holders": "entry0"},
    "asked by a number": {"requester": [5, 7]},
    "degrees in words": {"degrees": "many"},
    "named by a number": {"entity_id": 5},
    "named in words": {"entity_id": "the plug", "record": None},
    "wanting nothing": {"record": {"wanted": None}},
}


@pytest.mark.parametrize("is_paused_again", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
async def test_damaged_record(
    live: Home, provider: Provider, hass_storage: dict[str, Any], damage: str, is_paused_again: bool
) -> None:
    """A damaged record is dropped with a repair where possible, and the others are restored."""
    await install(live.hass, Plug("Plug"), Plug("A"))
    await pause(live.hass, PLUG, "switch.a")
    await live.pass_time(MINUTE)

    def damage_first() -> None:
        """Damage the first record."""
        (first,) = (i for i in hass_storage[KEY]["data"]["devices"] if i["entity_id"] == "switch.a")
        damaged = deepcopy(DAMAGES[damage])
        if isinstance(record := damaged.pop("record", {}), dict):
            first["record"].update(record)
        else:
            first["record"] = record
        first.update(damaged)

    await restart(live, damage_first)
    await started(live)
    assert (shown := live.hass.states.get("sensor.equiwatt_held_devices"))
    assert PLUG in str(shown.attributes)
    if is_paused_again:
        assert PLUG in (await pause(live.hass, PLUG, "switch.a"))["paused"]
    await end(live, provider)
    assert live.state(PLUG) == "on"
    await live.pass_time(90 * MINUTE, step=300)
    is_named = "entity_id" not in DAMAGES[damage]
    expected = [issue_id_of("switch.a")] if is_named else []
    assert live.state("switch.a") == "on" or repairs(live.hass) == expected
    assert PLUG not in {device["entity_id"] for device in hass_storage[KEY]["data"]["devices"]}
