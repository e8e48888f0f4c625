"""Test installing from a release, using, repairing and removing the integration."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
import subprocess
import time
from typing import Any
from zipfile import ZipFile

import pytest

from demo.house import BLUEPRINTS, ROOT, House
from demo.stage import addresses_in

from ..fakes.forked import ForkedHouse
from ..fakes.home import LIVE
from ..fakes.process import CURRENT_END, SAVING, TOKEN, call, filled_in
from ..fakes.provider import Provider

pytestmark = [pytest.mark.e2e, pytest.mark.long(15)]

HOUR = timedelta(hours=1)
MOVED = "https://moved.example.org"
EVENT = "event.equiwatt_equivent"
HEATER = "input_boolean.heater"
SKIP = "switch.equiwatt_skip"
METER = {
    "statistic_id": "test:meter",
    "source": "test",
    "name": "Meter",
    "unit_class": "energy",
    "unit_of_measurement": "kWh",
    "has_mean": False,
    "mean_type": 0,
    "has_sum": True,
}
HOME = """
recorder:
input_boolean:
  heater:
    initial: true
automation: !include automations.yaml
"""


def house_with_heater(folder: Path, port: int) -> House:
    """Prepare a Home Assistant with a heater, and without the integration."""
    (folder / "automations.yaml").write_text("[]\n", "utf-8")
    return ForkedHouse(folder, configuration=HOME, component=None, port=port)


def install(house: House, version: str) -> None:
    """Install a release as HACS does."""
    archive = house.folder / "equiwatt.zip"
    command = [str(ROOT / "scripts" / "release"), version, str(archive)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    with ZipFile(archive) as release:
        release.extractall(house.folder / "custom_components" / "equiwatt")


async def repairs(house: House) -> list[dict[str, Any]]:
    """Return the integration's repairs."""
    listed = await house.command("repairs/list_issues")
    return [issue for issue in listed["issues"] if issue["domain"] == "equiwatt"]


async def wait_for_repairs(house: House, number: int) -> None:
    """Wait for some number of repairs."""
    for _ in range(100):
        if len(await repairs(house)) == number:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"There are not {number} repairs, but {await repairs(house)}")


async def fix(house: House) -> dict[str, str]:
    """Submit the only repair and return its addresses."""
    (issue,) = await repairs(house)
    assert TOKEN not in str(issue)
    assert "/api/webhook/" not in str(issue)
    which = {"handler": "equiwatt", "issue_id": issue["issue_id"]}
    form = await house.request("POST", "/api/repairs/issues/fix", which)
    done = await house.request("POST", f"/api/repairs/issues/fix/{form['flow_id']}", {})
    assert done["type"] == "create_entry"
    return addresses_in(form)


async def choose_meter(house: House, entry_id: str) -> None:
    """Choose a meter once the device has an area, which must not change the new ids."""
    devices = await house.command("config/device_registry/list")
    (device,) = [device for device in devices if device["name"] == "equiwatt"]
    await house.command("config/device_registry/update", device_id=device["id"], area_id="kitchen")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    rows = [{"start": f"{hour - n * HOUR}", "sum": 400 - n} for n in range(400, 0, -1)]
    await house.command("recorder/import_statistics", metadata=METER, stats=rows)
    chosen = {"source": "sensors", "sensors": [METER["statistic_id"]]}
    async with asyncio.timeout(20):
        while (await house.options(entry_id, chosen))["step_id"] != "preview_hourly":  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    await house.options(entry_id, chosen, {})
    await house.wait_for(SAVING, lambda _: True)
    await house.wait_for(LIVE, "off")


async def use_blueprint(house: House) -> None:
    """Import a blueprint and create an automation, with an id as in the editor."""
    text = (BLUEPRINTS / "pause_devices.yaml").read_text("utf-8")
    await house.command("blueprint/save", domain="automation", path="equiwatt/pause", yaml=text)
    inputs = {"devices": {"entity_id": HEATER}, "notify_start": True, "notify_end": True}
    blueprint = {"path": "equiwatt/pause.yaml", "input": inputs}
    path = f"/api/config/automation/config/{time.time_ns() // 1_000_000}"
    await house.request("POST", path, {"alias": "Pause the heater", "use_blueprint": blueprint})
    await house.wait_for("automation.pause_the_heater", "on")


async def wait_for_notifications(house: House, *expected: str) -> None:
    """Wait until exactly these notifications are shown."""
    titles: list[str] = []
    for _ in range(100):
        shown = await house.command("persistent_notification/get")
        titles = [notification["title"] for notification in shown]
        if sorted(titles) == sorted(expected):
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"There are not {expected}, but {titles}")


async def rehearse(house: House) -> None:
    """Check the automation in a rehearsal, from the start to the end."""
    await house.call("equiwatt", "simulate_equivent", duration=10)
    await house.wait_for(HEATER, "off")
    started, over = "Rehearsal: an equivent has started", "Rehearsal: the equivent is over"
    await wait_for_notifications(house, started)
    await house.wait_for(HEATER, "on")
    await wait_for_notifications(house, started, over)


async def skip_one(house: House, api: Provider, addresses: dict[str, str]) -> None:
    """Skip the next equivent, which is then pushed."""
    await house.call("switch", "turn_on", entity_id=SKIP)
    start = int(time.time())
    api.set_answer({"start_time": start, "end_time": start + 3_600}, [])
    await call(addresses["started"])
    await house.wait_for(LIVE, "on")
    event = await house.wait_for(EVENT, lambda state: not state["attributes"]["test"])
    assert (event["attributes"]["event_type"], event["attributes"]["skipped"]) == ("started", True)
    await house.wait_for(HEATER, "on", 1)
    await house.wait_for(CURRENT_END, lambda state: state["state"] != "unknown", 70)  # confirmed
    api.set_answer(None, [{"start_time": start, "end_time": int(time.time())}])
    await call(addresses["ended"])
    await house.wait_for(SKIP, "off", 70)
    await house.wait_for(HEATER, "on", 1)


async def reconfigure(house: House, entry_id: str, addresses: dict[str, str]) -> None:
    """Show the addresses, which changes nothing, and create new ones."""
    shown = await house.flow("equiwatt", {"next_step_id": "show_addresses"}, entry_id=entry_id)
    assert addresses_in(shown) == addresses
    assert (await house.submit(shown["flow_id"], {}))["reason"] == "addresses_shown"
    made = await house.flow("equiwatt", {"next_step_id": "new_addresses"}, {}, entry_id=entry_id)
    assert not set(addresses_in(made).values()) & set(addresses.values())
    await house.submit(made["flow_id"], {})
    await house.wait_for(LIVE, "off")


async def move(house: House, api: Provider, started: str) -> dict[str, str]:
    """Change the address of Home Assistant and return the addresses in the repair."""
    assert await repairs(house) == []
    await house.command("config/core/update", external_url=MOVED)
    await wait_for_repairs(house, 1)
    addresses = await fix(house)
    assert addresses["started"] == started.replace(house.url, MOVED)
    assert await repairs(house) == []

    await house.stop()
    api.check_limits()
    api.forget_calls()  # of which the next process knows nothing
    await house.start()  # the first address is in the configuration
    await wait_for_repairs(house, 1)
    await house.command("config/core/update", external_url=MOVED)
    await wait_for_repairs(house, 0)
    return addresses


async def test_front_door(api: Provider, tmp_path: Path, own_port: int) -> None:
    """The integration is installed, works, and is removed without traces."""
    async with house_with_heater(tmp_path, own_port) as house:
        await asyncio.to_thread(install, house, "v9.8.7")
        await house.stop()
        await house.start()
        manifest = await house.command("manifest/get", integration="equiwatt")
        assert manifest["version"] == "9.8.7"
        form = await house.flow("equiwatt", filled_in(TOKEN, api.url))
        first = addresses_in(form)
        await house.submit(form["flow_id"], {})
        await house.wait_for(LIVE, "off")

        (entry,) = await house.entries("equiwatt")
        await choose_meter(house, entry["entry_id"])
        await use_blueprint(house)
        await rehearse(house)
        await skip_one(house, api, first)
        moved = await move(house, api, first["started"])
        await reconfigure(house, entry["entry_id"], moved)

        await house.request("DELETE", f"/api/config/config_entries/entry/{entry['entry_id']}")
        assert await house.entries("equiwatt") == []
        # A restored device is watched for a while, and then its file is removed.
        files = {path.name for path in (tmp_path / ".storage").glob("equiwatt*")}
        assert files <= {"equiwatt.held_devices"}
        assert house.problems() == []
        log = house.log()
        assert TOKEN not in log
        assert first["started"].rsplit("/", 1)[1].split("?")[0] not in log
    api.check_limits()
