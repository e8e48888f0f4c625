"""Test that how a device was is on the disk, and read from there whatever else is."""

from copy import deepcopy
from datetime import UTC, datetime
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from tests.conftest import House, Provider
from tests.devices import Plug, Thermostat, install

from .pausing import MINUTE, PLUG, end, pause, repairs, restart, started


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


def sent(**data: Any) -> dict[str, Any]:
    """Return a command as it is stored, with something else in it."""
    at = "2026-11-20T17:21:00+00:00"
    stored = {"keys": ["hold"], "at": at, "outcome": "done", "done_at": at, "is_judged": False}
    return {"sent": stored | data}


def before(domain: str, state: Any, **attributes: Any) -> dict[str, Any]:
    """Return how a device was, as it is stored."""
    return {"domain": domain, "before": {"state": state, "attributes": attributes}}


DAMAGES: dict[str, dict[str, Any]] = {
    "of no kind": {"domain": "what"},
    "sent without a zone": sent(at="2026-11-20T17:21:00"),
    "sent for nothing": sent(keys=[]),
    "sent for a text": sent(keys="hold"),
    "tried for ever": {"phase": "restoring", "tries": 99},
    "given in words": {"given": {"on": "often"}},
    "an effect of things": before("light", "on", effect={"a": 1}),
    "a climate without modes": before("climate", "heat"),
    "features in words": before("water_heater", "eco", supported_features="many"),
    "a state that is a number": before("switch", 5),
    "what was reached is a number": {"reached": ["hold", 5]},
    "until a number": {"until": 5},
    "for a text": {"holders": "entry0"},
    "asked by a number": {"asker": {"name": 5, "context_id": 7}},
    "contexts in lists": {"contexts": [[]]},
    "wanting nothing": {"wanted": {"state": None, "attributes": {}}},
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_one_that_is_damaged(
    live: House, provider: Provider, hass_storage: dict[str, Any], damage: str
) -> None:
    """One damaged record keeps no other device from its own, and its own is restored, or named."""
    await install(live.hass, Plug("Plug"), Plug("A"))
    await pause(live.hass, PLUG, "switch.a")
    await live.pass_time(MINUTE)
    key = f"{DOMAIN}.held_devices"

    def bend() -> None:
        """Damage the first."""
        (first,) = (i for i in hass_storage[key]["data"]["devices"] if i["entity_id"] == "switch.a")
        first.update(deepcopy(DAMAGES[damage]))

    await restart(live, bend)
    await started(live)
    await end(live, provider)
    assert live.state(PLUG) == "on"
    await live.pass_time(90 * MINUTE, step=60)
    assert live.state("switch.a") == "on" or repairs(live.hass) == ["not_restored_switch.a"]
    assert PLUG not in {one["entity_id"] for one in hass_storage[key]["data"]["devices"]}


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
