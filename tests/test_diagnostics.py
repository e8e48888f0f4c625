"""Test the diagnostics."""

from datetime import timedelta
from http import HTTPStatus
import json
from typing import Any

from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.issues import async_raise_not_restored, issue_id_of
from homeassistant.setup import async_setup_component

from .conftest import Push
from .fakes.devices.entities import install
from .fakes.devices.pretend import Plug
from .fakes.home import NOW, TOKEN, WEBHOOK_ID, Home
from .fakes.provider import API_URL, Provider

START = int(NOW.timestamp())


async def test_diagnostics(home: Home, provider: Provider, push: Push, hass_client: Any) -> None:
    """The diagnostics help a maintainer and contain no secret."""
    provider.previous = [{"start_time": START - 9000, "end_time": START - 5400}, {"bad": 1}]
    assert await async_setup_component(home.hass, "diagnostics", {})
    await home.setup()
    await push("?event=started")
    await install(home.hass, Plug("Plug"))
    data = {"entity_id": "switch.plug"}
    await home.hass.services.async_call(DOMAIN, "pause", data, blocking=True)
    await home.settle()
    provider.fail(HTTPStatus.BAD_GATEWAY)
    await home.poll()
    diagnostics = await get_diagnostics_for_config_entry(home.hass, hass_client, home.entry)
    assert diagnostics["state"] == {
        "live": {"start": "2026-11-20T17:20:00+00:00", "end": None},
        "upcoming": None,
        "past": 1,
        "simulated": False,
        "kind": None,
        "awaiting_confirmation": True,
    }
    assert diagnostics["api"] == {
        "polling": True,
        "seconds_of_clock_error": 0,
        "last_answer": "2026-11-20T17:20:00+00:00",
        "last_error": "cannot_connect",
        "failures_in_a_row": 2,
        "stale": False,
        "seconds_to_next_call": diagnostics["api"]["seconds_to_next_call"],
        "calls_in_last_minute": 2,
        "payload": {"current": None, "previous": 1, "skipped": 1},
    }
    assert 10 <= diagnostics["api"]["seconds_to_next_call"] < 61
    assert diagnostics["webhook"] == {
        "last_call": "2026-11-20T17:20:00+00:00",
        "missed_in_a_row": 0,
    }
    plug = {
        "domain": "switch",
        "began": "2026-11-20T17:20:00+00:00",
        "until": "2026-11-20T23:35:00+00:00",
        "available_since": "2026-11-20T17:20:00+00:00",
        "changed_at": "2026-11-20T17:20:00+00:00",
        "settled_at": None,
        "commands": ["2026-11-20T17:20:00+00:00"],
        "refused": [],
    }
    assert diagnostics["holding"] == {"held": [plug], "restored": []}
    assert diagnostics["meter"] == {"source": "off", "sensors": 0, "kept": 0}
    assert diagnostics["default_address"] is True
    text = json.dumps(diagnostics)
    assert not any(secret in text for secret in (TOKEN, WEBHOOK_ID, API_URL))


async def test_late_edge(home: Home, provider: Provider, push: Push, hass_client: Any) -> None:
    """The recent changes show why a start was late: here an outage, and no webhook call."""
    assert await async_setup_component(home.hass, "diagnostics", {})
    await home.setup()
    provider.fail(HTTPStatus.BAD_GATEWAY)
    await home.pass_time(400, step=5)
    provider.recover()
    provider.start(NOW + timedelta(seconds=60), None)
    await home.pass_time(300, step=5)
    await push("")
    downloaded = await get_diagnostics_for_config_entry(home.hass, hass_client, home.entry)
    changes = [(change["change"], change["at"][11:16]) for change in downloaded["recent"]]
    assert changes == [
        ("loaded", "17:20"),
        ("answered", "17:20"),
        ("cannot_connect", "17:20"),
        ("answered", "17:27"),
        ("started", "17:27"),
        ("called", "17:31"),
    ]
    assert downloaded["recent"][4] == {
        "at": downloaded["recent"][4]["at"],
        "change": "started",
        "source": "api",
        "start": "2026-11-20T17:21:00+00:00",
        "end": None,
    }
    assert downloaded["recent"][5]["event"] is None


async def test_download(home: Home, hass_client: Any) -> None:
    """Neither our diagnostics nor the issues that Home Assistant adds name a device."""
    assert await async_setup_component(home.hass, "diagnostics", {})
    await home.setup()
    async_raise_not_restored(home.hass, "switch.plug")
    client = await hass_client()
    answer = await client.get(f"/api/diagnostics/config_entry/{home.entry.entry_id}")
    download = await answer.json()
    assert [issue["issue_id"] for issue in download["issues"]] == [issue_id_of("switch.plug")]
    assert "plug" not in json.dumps(download["issues"])
    assert "plug" not in json.dumps(download["data"])
