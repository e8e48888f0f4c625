"""Test the dialogs."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from unittest.mock import AsyncMock

import aiohttp
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.equiwatt import config_flow
from custom_components.equiwatt.const import DEFAULT_URL, DOMAIN
from custom_components.equiwatt.equivents import client
from custom_components.equiwatt.equivents.client import EquiwattClient
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.data_entry_flow import FlowResultType, section

from .conftest import API_URL, TOKEN, WEBHOOK_ID, House, Provider, Push, add_entry

OTHER = "another-token"
LOCAL = "http://127.0.0.1:8130/api/v3/equivents/"


def user_input(token: str = TOKEN, url: str = API_URL) -> dict[str, Any]:
    """Return what a user fills in."""
    return {"token": token, "advanced": {"url": url}}


async def begin(hass: HomeAssistant) -> Any:
    """Open the dialog."""
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def fill_in(hass: HomeAssistant, flow: Any, values: dict[str, Any]) -> Any:
    """Fill in the form."""
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], values)
    await hass.async_block_till_done()
    return result


def fields(schema: Any) -> Iterator[str]:
    """Yield what a form shows of each field."""
    for marker, field in schema.schema.items():
        default = marker.default() if callable(marker.default) else None
        yield f"{marker} default={default} {marker.description}"
        if isinstance(field, section):
            yield from fields(field.schema)


def shown(result: Any) -> str:
    """Return all that a form shows of itself."""
    form = "\n".join(fields(result["data_schema"]))
    return f"{form} {result['errors']} {result['description_placeholders']}"


async def test_user(hass: HomeAssistant, provider: Provider) -> None:
    """A token in, an entry and two addresses out."""
    await async_process_ha_core_config(hass, {"external_url": "https://example.org"})
    flow = await begin(hass)
    assert flow["type"] is FlowResultType.FORM
    assert flow["step_id"] == "user"
    assert DEFAULT_URL in shown(flow)
    result = await fill_in(hass, flow, user_input(f" Bearer {TOKEN}\n"))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "equiwatt"
    webhook_id = result["data"].pop("webhook_id")
    assert len(webhook_id) == 64
    assert result["data"] == {"token": TOKEN, "url": API_URL}
    assert result["description"] == "default"
    assert result["description_placeholders"] == {
        "started_url": f"https://example.org/api/webhook/{webhook_id}?event=started",
        "ended_url": f"https://example.org/api/webhook/{webhook_id}?event=ended",
    }
    entry = result["result"]
    assert entry.unique_id is None
    assert entry.state is ConfigEntryState.LOADED
    assert len(provider.calls) == 2


async def test_no_address(hass: HomeAssistant, provider: Provider) -> None:
    """Without an address for the outside the dialog says so."""
    result = await fill_in(hass, await begin(hass), user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["description"] == "no_address"
    assert not result["description_placeholders"]


CAUSES = [
    (401, None, None, "invalid_auth"),
    (403, None, None, "invalid_auth"),
    (429, None, None, "rate_limited"),
    (500, None, None, "cannot_connect"),
    (503, None, None, "cannot_connect"),
    (200, None, aiohttp.ClientConnectionError(), "cannot_connect"),
    (200, None, TimeoutError(), "cannot_connect"),
    (302, None, None, "unexpected_response"),
    (404, None, None, "unexpected_response"),
    (200, "<html>", None, "unexpected_response"),
    (200, "[]", None, "unexpected_response"),
    (200, "", None, "unexpected_response"),
    (200, '{"success": false, "msg": "No", "data": null}', None, "unexpected_response"),
]


@pytest.mark.parametrize(("status", "body", "error", "reason"), CAUSES)
async def test_errors(
    hass: HomeAssistant,
    provider: Provider,
    status: int,
    body: str | None,
    error: Exception | None,
    reason: str,
) -> None:
    """Each cause has its sentence, the token is shown nowhere, and the next try may succeed."""
    flow = await begin(hass)
    provider.fail(HTTPStatus(status))
    provider.body, provider.error = body, error
    result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": reason}
    assert TOKEN not in shown(result)
    provider.recover()
    result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_unexpected_error(
    hass: HomeAssistant,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What nobody has foreseen has a sentence too, and is logged by its name alone."""
    flow = await begin(hass)
    with monkeypatch.context() as patch:
        error = AsyncMock(side_effect=RuntimeError(f"Bearer {TOKEN}"))
        patch.setattr(EquiwattClient, "async_get_equivents", error)
        result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": "unknown"}
    (record,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert record.getMessage() == "Unexpected RuntimeError while a token was tried"
    assert not record.exc_info
    result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_no_free_place(
    hass: HomeAssistant, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who tries too often is told to wait, instead of being kept waiting for a minute."""
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)
    monkeypatch.setattr(config_flow, "PATIENCE", 0.01)
    flow = await begin(hass)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    for _ in range(10):
        result = await fill_in(hass, flow, user_input())
        assert result["errors"] == {"base": "invalid_auth"}
    provider.recover()
    result = await fill_in(hass, flow, user_input())
    assert result["errors"] == {"base": "rate_limited"}
    assert len(provider.calls) == 10
    monkeypatch.setattr(client, "CALL_WINDOW", 0)
    result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("token", ["", "  ", "two words", "caf\u00e9"])
async def test_no_token(hass: HomeAssistant, provider: Provider, token: str) -> None:
    """What cannot be a token is refused without a call."""
    result = await fill_in(hass, await begin(hass), user_input(token))
    assert result["errors"] == {"base": "invalid_auth"}
    assert provider.calls == []


@pytest.mark.parametrize("url", ["http://app.equiwatt.com/", "http://192.168.1.2/", "x", ""])
async def test_insecure(hass: HomeAssistant, provider: Provider, url: str) -> None:
    """The token is never sent where others can read it; the address stays to be corrected."""
    flow = await begin(hass)
    result = await fill_in(hass, flow, user_input(url=url))
    assert result["errors"] == {"base": "insecure_url"}
    assert f"'suggested_value': '{url}'" in shown(result)
    assert provider.calls == []
    assert (await fill_in(hass, flow, user_input()))["type"] is FlowResultType.CREATE_ENTRY


async def test_loopback(
    hass: HomeAssistant, provider: Provider, aioclient_mock: AiohttpClientMocker
) -> None:
    """Within this machine http is fine."""
    aioclient_mock.get(LOCAL, side_effect=provider.answer)
    result = await fill_in(hass, await begin(hass), user_input(url=f" {LOCAL} "))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == LOCAL


async def test_already_configured(hass: HomeAssistant, provider: Provider) -> None:
    """The same token again aborts without a call, another one is a second account."""
    add_entry(hass)
    result = await fill_in(hass, await begin(hass), user_input(f"Bearer {TOKEN}"))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert provider.calls == []
    result = await fill_in(hass, await begin(hass), user_input(OTHER))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_reauth(hass: HomeAssistant, house: House, provider: Provider) -> None:
    """A new token is tried, taken and used."""
    await house.setup()
    flow = await house.entry.start_reauth_flow(hass)
    assert flow["step_id"] == "reauth_confirm"
    assert TOKEN not in shown(flow)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    result = await fill_in(hass, flow, {"token": OTHER})
    assert result["errors"] == {"base": "invalid_auth"}
    provider.recover()
    result = await fill_in(hass, flow, {"token": f"bearer {OTHER}"})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    await house.settle()
    assert house.entry.data == {"token": OTHER, "url": API_URL, "webhook_id": WEBHOOK_ID}
    assert house.entry.state is ConfigEntryState.LOADED
    assert house.live == "off"


async def test_reauth_with_a_known_token(hass: HomeAssistant, house: House) -> None:
    """Another account's token is not taken."""
    await house.setup()
    add_entry(hass, OTHER, "another-webhook")
    result = await fill_in(hass, await house.entry.start_reauth_flow(hass), {"token": OTHER})
    assert result["reason"] == "already_configured"
    assert house.entry.data["token"] == TOKEN


async def test_reauth_after_refusal(hass: HomeAssistant, house: House, provider: Provider) -> None:
    """The whole way: refused while polling, asked for, renewed."""
    await house.setup()
    provider.fail(HTTPStatus.FORBIDDEN)
    await house.poll()
    (flow,) = hass.config_entries.flow.async_progress()
    provider.recover()
    result = await fill_in(hass, flow, {"token": OTHER})
    assert result["reason"] == "reauth_successful"
    await house.settle()
    assert hass.config_entries.flow.async_progress() == []
    assert house.live == "off"


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry, values: dict[str, Any]
) -> tuple[Any, Any]:
    """Open the dialog and fill it in; return both results."""
    flow = await entry.start_reconfigure_flow(hass)
    return flow, await fill_in(hass, flow, values)


async def test_reconfigure_shows_the_addresses(
    hass: HomeAssistant, house: House, provider: Provider
) -> None:
    """With nothing changed it costs no call of its own, and shows the addresses again."""
    await async_process_ha_core_config(hass, {"external_url": "https://example.org"})
    await house.setup()
    before = dict(house.entry.data)
    flow, result = await reconfigure(hass, house.entry, {"url": API_URL, "new_webhook": False})
    assert TOKEN not in shown(flow)
    assert WEBHOOK_ID not in shown(flow)
    assert API_URL in shown(flow)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigured"
    assert result["description_placeholders"] == {
        "started_url": f"https://example.org/api/webhook/{WEBHOOK_ID}?event=started",
        "ended_url": f"https://example.org/api/webhook/{WEBHOOK_ID}?event=ended",
    }
    await house.settle()
    assert house.entry.data == before
    assert len(provider.calls) == 2  # set up, and set up again


async def test_reconfigure_token(hass: HomeAssistant, house: House, provider: Provider) -> None:
    """A new token is tried; a wrong one changes nothing."""
    await house.setup()
    flow = await house.entry.start_reconfigure_flow(hass)
    values = {"token": OTHER, "url": API_URL, "new_webhook": False}
    provider.fail(HTTPStatus.UNAUTHORIZED)
    result = await fill_in(hass, flow, values)
    assert result["errors"] == {"base": "invalid_auth"}
    assert OTHER not in shown(result)
    assert house.entry.data["token"] == TOKEN
    provider.recover()
    result = await fill_in(hass, flow, values)
    assert result["reason"] == "reconfigured_no_address"
    assert house.entry.data["token"] == OTHER
    await house.settle()


async def test_reconfigure_address(
    hass: HomeAssistant, house: House, provider: Provider, aioclient_mock: AiohttpClientMocker
) -> None:
    """Another address is tried with the token that is kept."""
    await house.setup()
    aioclient_mock.get(LOCAL, side_effect=provider.answer)
    flow = await house.entry.start_reconfigure_flow(hass)
    result = await fill_in(
        hass, flow, {"token": " ", "url": "http://10.0.0.1/", "new_webhook": False}
    )
    assert result["errors"] == {"base": "insecure_url"}
    result = await fill_in(hass, flow, {"url": LOCAL, "new_webhook": False})
    assert result["reason"] == "reconfigured_no_address"
    await house.settle()
    assert house.entry.data == {"token": TOKEN, "url": LOCAL, "webhook_id": WEBHOOK_ID}
    assert house.live == "off"


async def test_reconfigure_new_webhook(
    hass: HomeAssistant, house: House, provider: Provider, push: Push
) -> None:
    """A new webhook address works, and the old one does not any more."""
    await house.setup()
    await reconfigure(hass, house.entry, {"url": API_URL, "new_webhook": True})
    await house.settle()
    new = house.entry.data["webhook_id"]
    assert new != WEBHOOK_ID
    await push("?event=started")
    assert house.live == "off"
    await push("?event=started", new)
    assert house.live == "on"
