"""Test that how a device was is on the disk, and read from there whatever else is."""

from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from tests.conftest import House, Provider
from tests.devices import Plug, install

from .pausing import PLUG, pause


async def test_remembered_before_touched(
    live: House, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it takes to put a device back is on the disk when it gets its command."""
    (plug,) = await install(live.hass, Plug("Plug"))
    stored: list[Any] = []

    def command(what: str) -> bool:
        """Look at the disk."""
        stored.append(hass_storage[f"{DOMAIN}.{live.entry.entry_id}.pause"]["data"]["paused"])
        return True

    monkeypatch.setattr(plug, "command", command)
    await pause(live.hass, PLUG)
    assert [item["state"]["state"] for item in stored[0]] == ["on"]


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"paused": None},
        {"paused": "switch.plug"},
        {"paused": [None, {"state": {"entity_id": "no"}}, {"state": 5}, {}]},
        {"paused": [{"state": {"entity_id": "switch.plug", "state": "on"}, "until": 5}]},
    ],
)
async def test_damaged_memory(
    house: House, provider: Provider, hass_storage: dict[str, Any], content: Any
) -> None:
    """Whatever is on the disk, the integration works."""
    key = f"{DOMAIN}.{house.entry.entry_id}.pause"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": content}
    await house.setup()
    assert house.live == "off"


async def test_some_of_the_memory(
    house: House, provider: Provider, hass_storage: dict[str, Any], caplog: Any
) -> None:
    """What can be read is put back, the rest is said."""
    key = f"{DOMAIN}.{house.entry.entry_id}.pause"
    (plug,) = await install(house.hass, Plug("Plug"))
    plug.report(is_on=False)
    good = {"state": {"entity_id": PLUG, "state": "on", "attributes": {}}, "until": "soon"}
    data = {"paused": [{"state": 5}, good]}
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    await house.setup()
    assert plug.commands == ["on"]
    assert caplog.text.count("cannot be read from the disk") == 1
