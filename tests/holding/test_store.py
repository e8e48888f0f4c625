"""Test that how a device was is on the disk, and read from there whatever else is."""

from datetime import UTC, datetime
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from tests.conftest import House, Provider
from tests.devices import Plug, Thermostat, install

from .pausing import PLUG, pause


async def test_remembered_before_touched(
    live: House, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it takes to put a device back is on the disk when it gets its command."""
    (plug,) = await install(live.hass, Plug("Plug"))
    stored: list[Any] = []

    def command(what: str) -> bool:
        """Look at the disk."""
        stored.append(hass_storage[f"{DOMAIN}.held_devices"]["data"]["devices"])
        return True

    monkeypatch.setattr(plug, "command", command)
    await pause(live.hass, PLUG)
    assert [item["before"]["state"] for item in stored[0]] == ["on"]


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
    """What can be read is restored, the rest is said."""
    key = f"{DOMAIN}.{house.entry.entry_id}.pause"
    (plug,) = await install(house.hass, Plug("Plug"))
    plug.report(is_on=False)
    good = {"state": {"entity_id": PLUG, "state": "on", "attributes": {}}, "until": "soon"}
    data = {"paused": [{"state": 5}, good]}
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    await house.setup()
    assert plug.commands == ["on"]
    assert caplog.text.count("cannot be read from the disk") == 1


@pytest.mark.parametrize("version", [1, 7])
async def test_file_of_another_version(
    house: House, provider: Provider, hass_storage: dict[str, Any], version: int
) -> None:
    """What the first version wrote, or a newer one in its way, is restored after the equivent."""
    for name in ("equiwatt.entry0", "equiwatt.entry0.pause"):
        content = (Path(__file__).parents[1] / "data" / "stored" / name).read_bytes()
        hass_storage[name] = {**json.loads(content), "version": version}
    house.freezer.move_to(datetime(2026, 11, 20, 17, 28, tzinfo=UTC))
    plug, heating = await install(house.hass, Plug("Plug"), Thermostat("Heating"))
    plug.report(is_on=False)
    heating.report(hvac_mode="off")
    provider.start(datetime(2026, 11, 20, 17, 26, 40, tzinfo=UTC), None)
    await house.setup()
    await house.pass_time(60)
    assert (house.state(PLUG), house.state("climate.heating")) == ("off", "off")
    await house.pass_time(30 * 60, step=30)
    assert (house.state(PLUG), house.state("climate.heating")) == ("on", "heat")
