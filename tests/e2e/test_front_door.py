"""Go in by the front door and out again: installed from a release, repaired, removed."""

import asyncio
from pathlib import Path
import subprocess
from typing import Any
from zipfile import ZipFile

from aiohttp import ClientSession
import pytest

from demo.house import ROOT, House
from demo.stage import addresses_in

from .conftest import Api
from .test_main_paths import LIVE, TOKEN, filled_in

pytestmark = [pytest.mark.e2e, pytest.mark.long(25)]

MOVED = "https://moved.example.org"


def install(house: House, version: str) -> None:
    """Do what HACS does with a release."""
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
    """Wait until there are so many."""
    for _ in range(100):
        if len(await repairs(house)) == number:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"There are not {number} repairs, but {await repairs(house)}")


async def fix(house: House) -> dict[str, str]:
    """Go through the only repair, and return the addresses that it shows."""
    (issue,) = await repairs(house)
    assert TOKEN not in str(issue)
    assert "/api/webhook/" not in str(issue)
    which = {"handler": "equiwatt", "issue_id": issue["issue_id"]}
    form = await house.request("POST", "/api/repairs/issues/fix", which)
    done = await house.request("POST", f"/api/repairs/issues/fix/{form['flow_id']}", {})
    assert done["type"] == "create_entry"
    return addresses_in(form)


async def test_front_door(api: Api, tmp_path: Path, own_port: int) -> None:
    """Copied and started it is there; other addresses are told; removed it leaves nothing."""
    async with House(tmp_path, component=None, port=own_port) as house:
        await asyncio.to_thread(install, house, "v9.8.7")
        await house.stop()
        await house.start()
        manifest = await house.command("manifest/get", integration="equiwatt")
        assert manifest["version"] == "9.8.7"
        form = await house.flow("equiwatt", filled_in(TOKEN, api.url))
        started = addresses_in(form)["started"]
        await house.submit(form["flow_id"], {})
        await house.wait_for(LIVE, "off", 10)

        async with ClientSession() as session, session.post(started) as response:
            assert response.status == 200
        await house.wait_for(LIVE, "on", 5)
        assert await repairs(house) == []
        await house.command("config/core/update", external_url=MOVED)
        await wait_for_repairs(house, 1)
        addresses = await fix(house)
        assert addresses["started"] == started.replace(house.url, MOVED)
        assert await repairs(house) == []

        await house.stop()
        await house.start()  # the configuration has the first address
        await wait_for_repairs(house, 1)
        await house.command("config/core/update", external_url=MOVED)
        await wait_for_repairs(house, 0)

        (entry,) = await house.entries("equiwatt")
        path = f"/api/config/config_entries/entry/{entry['entry_id']}"
        await house.request("DELETE", path)
        assert await house.entries("equiwatt") == []
        assert not list((tmp_path / ".storage").glob("equiwatt*"))
        assert house.problems() == []
        log = house.log()
        assert TOKEN not in log
        assert started.rsplit("/", 1)[1].split("?")[0] not in log
    api.check_limits()
