"""A user's and the app's calls to a real Home Assistant process."""

import asyncio
import signal
from typing import Any

from aiohttp import ClientSession

from demo.house import House
from demo.pretend_meter import METER
from demo.stage import addresses_in

from .home import LIVE
from .provider import Provider

TOKEN = "sentinel-token-3b9d"
CURRENT_END = "sensor.equiwatt_current_end"
SAVING = "sensor.equiwatt_saving"
CHOSEN = {"source": "sensors", "sensors": [METER]}
"""Options that choose the demo's meter."""


def filled_in(token: str, url: str) -> dict[str, Any]:
    """Return a user's input."""
    return {"token": token, "advanced": {"url": url}}


async def add(house: House, api: Provider) -> dict[str, str]:
    """Add the account and return the webhook's addresses."""
    form = await house.flow("equiwatt", filled_in(f"Bearer {TOKEN}", api.url))
    assert form["step_id"] == "addresses"
    result = await house.submit(form["flow_id"], {})
    assert result["type"] == "create_entry"
    second = {"name": "The same", **filled_in(TOKEN, api.url)}
    again = await house.flow("equiwatt", second)
    assert again["reason"] == "already_configured"
    await house.wait_for(LIVE, "off")
    return addresses_in(form)


async def stored(house: House) -> None:
    """Wait until the entry is on the disk, without which it does not survive a power cut."""
    file = house.folder / ".storage" / "core.config_entries"
    async with asyncio.timeout(60):
        while not file.exists() or TOKEN not in file.read_text("utf-8"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def call(address: str) -> None:
    """Call a webhook as the app does."""
    async with ClientSession() as session, session.post(address) as response:
        assert response.status == 200


def measured(start: int, end: int) -> dict[str, int]:
    """Return an equivent as the API names it, a minute later than its half hours."""
    return {"start_time": start + 67, "end_time": end + 62}


async def saving(house: House, **attributes: Any) -> float:
    """Wait for the saving with some attributes, and return its state."""
    wanted = attributes.items()
    state = await house.wait_for(
        SAVING,
        lambda state: (
            state["state"] not in ("unknown", "unavailable")
            and wanted <= {k: v for k, v in state["attributes"].items() if k in attributes}.items()
        ),
        30,
    )
    return float(state["state"])


async def end_process(house: House, sign: signal.Signals) -> None:
    """End the process."""
    await (house.stop() if sign is signal.SIGTERM else house.kill())
