"""Test the dialogs.

Most of them with a set-up that does nothing, as what they lead to has tests of its own.
"""

from collections.abc import Iterator
from http import HTTPStatus
import json
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import aiohttp
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker
from yarl import URL

from custom_components.equiwatt import config_flow
from custom_components.equiwatt.const import BLUEPRINT_URL, DEFAULT_URL, DOMAIN
from custom_components.equiwatt.equivents import client
from custom_components.equiwatt.equivents.client import EquiwattClient
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.data_entry_flow import FlowResultType, section

from .conftest import Push
from .fakes.cloud import Cloud
from .fakes.home import TOKEN, WEBHOOK_ID, Home, add_entry
from .fakes.mocked import mocked
from .fakes.provider import API_URL, Provider

OTHER = "another-token"
LOCAL = "http://127.0.0.1:8130/api/v3/equivents/"
HOME = "https://example.org"
TEXTS = Path(config_flow.__file__).parent / "translations" / "en.json"
TRANSLATIONS = json.loads(TEXTS.read_text("utf-8"))
ABORTS = TRANSLATIONS["config"]["abort"]
ERRORS = TRANSLATIONS["config"]["error"]


def user_input(token: str = TOKEN, url: str = API_URL, name: str | None = None) -> dict[str, Any]:
    """Return what a user fills in."""
    named = {} if name is None else {"name": name}
    return {**named, "token": token, "advanced": {"url": url}}


async def begin(hass: HomeAssistant) -> Any:
    """Open the dialog."""
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def fill_in(hass: HomeAssistant, flow: Any, values: dict[str, Any]) -> Any:
    """Fill in the form."""
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], values)
    await hass.async_block_till_done()
    return result


def addresses(base: str, webhook_id: str) -> dict[str, str]:
    """Return the addresses of a webhook."""
    kinds = ("started", "ended")
    return {f"{kind}_url": f"{base}/api/webhook/{webhook_id}?event={kind}" for kind in kinds}


def shown_addresses(result: Any) -> dict[str, str]:
    """Return the addresses that a form shows, each in a field to copy it from."""
    fields = result["data_schema"].schema
    for field in fields.values():
        assert field.serialize() == {"selector": {"template": {"read_only": True}}}
    return {str(marker): marker.description["suggested_value"] for marker in fields}


def fields(schema: Any) -> Iterator[str]:
    """Yield what a form shows of each field."""
    for marker, field in schema.schema.items():
        default = marker.default() if callable(marker.default) else None
        yield f"{marker} default={default} {marker.description}"
        if isinstance(field, section):
            yield from fields(field.schema)


def folded(result: Any) -> bool:
    """Return True if the section of the first form is folded."""
    (advanced,) = [one for one in result["data_schema"].schema.values() if isinstance(one, section)]
    return bool(advanced.options["collapsed"])


def shown(result: Any) -> str:
    """Return all that a form shows of itself."""
    form = "\n".join(fields(result["data_schema"]))
    return f"{form} {result['errors']} {result['description_placeholders']}"


@pytest.fixture
def mock_setup_entry() -> Iterator[AsyncMock]:
    """Set up nothing."""
    with patch("custom_components.equiwatt.async_setup_entry", return_value=True) as mocked:
        yield mocked


@pytest.fixture
async def reachable(hass: HomeAssistant) -> None:
    """Give Home Assistant an address on the internet."""
    await async_process_ha_core_config(hass, {"external_url": HOME})


async def test_user(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, reachable: None
) -> None:
    """A token in, two addresses to copy, and an entry."""
    flow = await begin(hass)
    assert flow["type"] is FlowResultType.FORM
    assert flow["step_id"] == "user"
    assert flow["errors"] == {}
    assert DEFAULT_URL in shown(flow)
    result = await fill_in(hass, flow, user_input(f" Bearer {TOKEN}\n"))
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "addresses"
    assert mock_setup_entry.call_count == 0
    told = shown_addresses(result)
    result = await fill_in(hass, flow, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "equiwatt"
    webhook_id = result["data"].pop("webhook_id")
    assert len(webhook_id) == 64
    assert result["data"] == {"token": TOKEN, "url": API_URL}
    assert told == addresses(HOME, webhook_id)
    assert result["description"] == "default"
    assert result["description_placeholders"] == {"blueprint_url": BLUEPRINT_URL}
    assert result["result"].unique_id is None
    assert mock_setup_entry.call_count == 1
    assert len(provider.calls) == 1


ON_THE_WAY = [
    (HOME, {}),
    ("http://127.0.0.1:8123", {}),
    ("http://example.org", {"base": "plain_http"}),
]


@pytest.mark.parametrize(("base", "errors"), ON_THE_WAY)
async def test_addresses_without_encryption(
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    base: str,
    errors: dict[str, str],
) -> None:
    """Addresses that can be read on their way say so, and can be used all the same."""
    await async_process_ha_core_config(hass, {"external_url": base})
    flow = await begin(hass)
    result = await fill_in(hass, flow, user_input())
    assert (result["step_id"], result["errors"]) == ("addresses", errors)
    assert (await fill_in(hass, flow, {}))["type"] is FlowResultType.CREATE_ENTRY


async def test_addresses_cannot_be_changed(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, reachable: None
) -> None:
    """What is sent back in place of an address changes nothing."""
    flow = await begin(hass)
    told = shown_addresses(await fill_in(hass, flow, user_input()))
    result = await fill_in(hass, flow, {"started_url": "https://example.com"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"].keys() == {"token", "url", "webhook_id"}
    assert told == addresses(HOME, result["data"]["webhook_id"])


async def test_no_address(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """Without an address for the outside the dialog says so."""
    result = await fill_in(hass, await begin(hass), user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["description"] == "no_address"
    assert result["description_placeholders"] == {"blueprint_url": BLUEPRINT_URL}
    assert mock_setup_entry.call_count == 1


async def test_set_up(hass: HomeAssistant, provider: Provider, push: Push, reachable: None) -> None:
    """The account works, and so do the addresses that were shown."""
    flow = await begin(hass)
    told = shown_addresses(await fill_in(hass, flow, user_input()))
    entry = (await fill_in(hass, flow, {}))["result"]
    assert entry.state is ConfigEntryState.LOADED
    address = URL(told["started_url"])
    await push(f"?{address.query_string}", address.name)
    live = hass.states.get("binary_sensor.equiwatt_live")
    assert live
    assert live.state == "on"


async def test_addresses_that_are_not_wanted(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, cloud: Cloud
) -> None:
    """Who closes the dialog at the addresses leaves no cloudhook behind, who submits keeps it."""
    flow = await begin(hass)
    result = await fill_in(hass, flow, user_input())
    assert shown_addresses(result)["ended_url"].startswith("https://hooks.nabu.casa/")
    assert len(cloud.hooks) == 1
    hass.config_entries.flow.async_abort(flow["flow_id"])
    await hass.async_block_till_done()
    assert cloud.hooks == {}
    flow = await begin(hass)
    await fill_in(hass, flow, user_input())
    result = await fill_in(hass, flow, {})
    assert list(cloud.hooks) == [result["data"]["webhook_id"]]


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
    mock_setup_entry: AsyncMock,
    status: int,
    body: str | None,
    error: Exception | None,
    reason: str,
) -> None:
    """Each cause has its sentence, the token stays in its field, and the next try may succeed."""
    flow = await begin(hass)
    provider.fail(HTTPStatus(status), {"Retry-After": "1"})
    provider.body, provider.error = body, error
    result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": reason}
    assert shown(result).count(TOKEN) == 1
    assert folded(result)
    provider.recover()
    result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_unexpected_error(
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
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
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    monkeypatch: pytest.MonkeyPatch,
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
async def test_no_token(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, token: str
) -> None:
    """What cannot be a token is refused without a call."""
    flow = await begin(hass)
    result = await fill_in(hass, flow, user_input(token))
    assert result["errors"] == {"base": "invalid_auth"}
    assert provider.calls == []
    assert (await fill_in(hass, flow, user_input()))["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://app.equiwatt.com/", "insecure_url"),
        ("HTTP://192.168.1.2/", "insecure_url"),
        ("https:/app.equiwatt.com/", "invalid_url"),
        ("https://me:secret@app.equiwatt.com/", "invalid_url"),
        ("x", "invalid_url"),
        ("", "invalid_url"),
    ],
)
async def test_insecure(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, url: str, reason: str
) -> None:
    """The token is never sent where others can read it; what was typed stays in sight."""
    flow = await begin(hass)
    result = await fill_in(hass, flow, user_input(url=url))
    assert result["errors"] == {"base": reason}
    assert f"'suggested_value': '{url}'" in shown(result)
    assert f"'suggested_value': '{TOKEN}'" in shown(result)
    assert not folded(result)
    assert provider.calls == []
    assert (await fill_in(hass, flow, user_input()))["type"] is FlowResultType.CREATE_ENTRY


async def test_mistyped_address(
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    aioclient_mock: AiohttpClientMocker,
) -> None:
    """An address of the user's own at which nothing answers is named, not the connection."""
    mistyped = API_URL.replace("equiwatt", "equiwat")
    aioclient_mock.get(mistyped, exc=aiohttp.ClientConnectionError())
    flow = await begin(hass)
    result = await fill_in(hass, flow, user_input(url=mistyped))
    assert result["errors"] == {"base": "wrong_address"}
    assert "typing mistakes" in ERRORS["wrong_address"]
    assert not folded(result)
    result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_loopback(
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    aioclient_mock: AiohttpClientMocker,
) -> None:
    """Within this machine http is fine."""
    aioclient_mock.get(LOCAL, side_effect=mocked(provider))
    result = await fill_in(hass, await begin(hass), user_input(url=f" {LOCAL} "))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == LOCAL


async def test_already_configured(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """The same token again aborts without a call, another one is a second account."""
    add_entry(hass)
    mine = user_input(f"Bearer {TOKEN}", name="Mine again")
    result = await fill_in(hass, await begin(hass), mine)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert provider.calls == []
    result = await fill_in(hass, await begin(hass), user_input(OTHER, name="Mum"))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_second_account(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """A second account has a name of its own; the first one is not asked for any."""
    flow = await begin(hass)
    assert "name" not in flow["data_schema"].schema
    result = await fill_in(hass, flow, user_input())
    assert result["title"] == "equiwatt"
    flow = await begin(hass)
    assert list(flow["data_schema"].schema) == ["name", "token", "advanced"]
    for taken in (" ", " Equiwatt "):
        result = await fill_in(hass, flow, user_input(OTHER, name=taken))
        assert result["errors"] == {"name": "name_taken"}
        assert f"'suggested_value': '{OTHER}'" in shown(result)
    result = await fill_in(hass, flow, user_input(OTHER, name=" Mum's house "))
    assert result["title"] == "Mum's house"
    assert result["data"]["token"] == OTHER
    assert len(provider.calls) == 2


async def test_account_added_while_a_dialog_is_open(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """Who began as the first account is asked for a name where another one came first."""
    flow = await begin(hass)
    add_entry(hass)
    result = await fill_in(hass, flow, user_input(OTHER))
    assert result["errors"] == {"name": "name_taken"}
    assert provider.calls == []
    result = await fill_in(hass, flow, user_input(OTHER, name="Mum"))
    assert result["title"] == "Mum"


async def test_added_meanwhile(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, reachable: None
) -> None:
    """Two dialogs at once add no account twice."""
    flows = [await begin(hass), await begin(hass)]
    for flow in flows:
        await fill_in(hass, flow, user_input())
    first, second = [await fill_in(hass, flow, {}) for flow in flows]
    assert first["type"] is FlowResultType.CREATE_ENTRY
    assert second["type"] is FlowResultType.ABORT
    assert second["reason"] == "already_configured"
    assert mock_setup_entry.call_count == 1


def text_of(result: Any) -> str:
    """Return the sentence that a dialog ends with, wherever Home Assistant takes it from."""
    assert result["type"] is FlowResultType.ABORT
    assert result.get("translation_domain") in (None, DOMAIN)
    return str(ABORTS[result["reason"]])


async def test_reauth(
    hass: HomeAssistant, entry: MockConfigEntry, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """A new token is tried, taken and used."""
    flow = await entry.start_reauth_flow(hass)
    assert flow["step_id"] == "reauth_confirm"
    assert TOKEN not in shown(flow)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    result = await fill_in(hass, flow, {"token": OTHER})
    assert result["errors"] == {"base": "invalid_auth"}
    assert shown(result).count(OTHER) == 1
    provider.recover()
    result = await fill_in(hass, flow, {"token": f"bearer {OTHER}"})
    assert result["reason"] == "reauth_successful"
    assert text_of(result) == "Home Assistant now uses the new token."
    assert entry.data == {"token": OTHER, "url": API_URL, "webhook_id": WEBHOOK_ID}
    assert mock_setup_entry.call_count == 1


async def test_reauth_with_a_known_token(hass: HomeAssistant, home: Home) -> None:
    """Another account's token is not taken."""
    await home.setup()
    add_entry(hass, OTHER, "another-webhook")
    result = await fill_in(hass, await home.entry.start_reauth_flow(hass), {"token": OTHER})
    assert result["reason"] == "already_configured"
    assert home.entry.data["token"] == TOKEN


async def test_reauth_after_refusal(hass: HomeAssistant, home: Home, provider: Provider) -> None:
    """The whole way: refused while polling, asked for, renewed."""
    await home.setup()
    provider.fail(HTTPStatus.FORBIDDEN)
    await home.poll()
    (flow,) = hass.config_entries.flow.async_progress()
    provider.recover()
    result = await fill_in(hass, flow, {"token": OTHER})
    assert result["reason"] == "reauth_successful"
    await home.settle()
    assert hass.config_entries.flow.async_progress() == []
    assert home.live == "off"


async def test_reauth_after_a_dialog(hass: HomeAssistant, home: Home, provider: Provider) -> None:
    """A dialog that was open when the token was refused, and is closed, puts the question off."""
    await home.setup()
    menu = await home.entry.start_reconfigure_flow(hass)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await home.poll()
    hass.config_entries.flow.async_abort(menu["flow_id"])
    await home.poll()
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH


async def choose(hass: HomeAssistant, entry: MockConfigEntry, option: str) -> Any:
    """Choose from the menu of what can be reconfigured."""
    menu = await entry.start_reconfigure_flow(hass)
    assert menu["type"] is FlowResultType.MENU
    assert menu["step_id"] == "reconfigure"
    assert option in menu["menu_options"]
    return await fill_in(hass, menu, {"next_step_id": option})


async def test_menu(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Each choice has its text, and the first one changes nothing."""
    menu = await entry.start_reconfigure_flow(hass)
    assert menu["menu_options"] == ["show_addresses", "account", "new_addresses"]
    texts = TRANSLATIONS["config"]["step"]["reconfigure"]["menu_options"]
    assert set(texts) == set(menu["menu_options"])


async def test_show_addresses(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    reachable: None,
) -> None:
    """The addresses are shown again, which changes, calls and reloads nothing."""
    before = dict(entry.data)
    result = await choose(hass, entry, "show_addresses")
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "show_addresses"
    assert shown_addresses(result) == addresses(HOME, WEBHOOK_ID)
    assert TOKEN not in shown(result)
    result = await fill_in(hass, result, {})
    assert result["reason"] == "addresses_shown"
    assert "saved" not in text_of(result)
    assert entry.data == before
    assert provider.calls == []
    assert mock_setup_entry.call_count == 0


@pytest.mark.parametrize(("base", "errors"), ON_THE_WAY)
async def test_addresses_shown_without_encryption(
    hass: HomeAssistant, home: Home, provider: Provider, base: str, errors: dict[str, str]
) -> None:
    """So wherever they are shown again."""
    await home.setup()
    await async_process_ha_core_config(hass, {"external_url": base})
    result = await choose(hass, home.entry, "show_addresses")
    assert result["errors"] == errors
    assert (await fill_in(hass, result, {}))["reason"] == "addresses_shown"
    result = await fill_in(hass, await choose(hass, home.entry, "new_addresses"), {})
    assert (result["step_id"], result["errors"]) == ("addresses_made", errors)


async def test_no_address_to_show(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Without an address for the outside it says so at once."""
    result = await choose(hass, entry, "show_addresses")
    assert result["reason"] == "no_address"
    assert "no webhook addresses" in text_of(result)


@pytest.mark.parametrize("token", [{}, {"token": ""}, {"token": " "}, {"token": f"Bearer {TOKEN}"}])
async def test_nothing_changed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    token: dict[str, str],
) -> None:
    """Submitting without a change changes, calls and reloads nothing."""
    before = dict(entry.data)
    result = await choose(hass, entry, "account")
    assert result["step_id"] == "account"
    assert TOKEN not in shown(result)
    assert WEBHOOK_ID not in shown(result)
    assert API_URL in shown(result)
    result = await fill_in(hass, result, {**token, "url": f"{API_URL} "})
    assert result["reason"] == "nothing_changed"
    assert text_of(result)
    assert entry.data == before
    assert provider.calls == []
    assert mock_setup_entry.call_count == 0


async def test_reconfigure_token(
    hass: HomeAssistant, entry: MockConfigEntry, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """A new token is tried; a wrong one changes nothing."""
    flow = await choose(hass, entry, "account")
    values = {"token": OTHER, "url": API_URL}
    provider.fail(HTTPStatus.UNAUTHORIZED)
    result = await fill_in(hass, flow, values)
    assert result["errors"] == {"base": "invalid_auth"}
    assert shown(result).count(OTHER) == 1
    assert TOKEN not in shown(result)
    assert entry.data["token"] == TOKEN
    assert mock_setup_entry.call_count == 0
    provider.recover()
    result = await fill_in(hass, flow, values)
    assert result["reason"] == "reconfigure_successful"
    assert text_of(result) == "Your changes are saved."
    assert entry.data == {"token": OTHER, "url": API_URL, "webhook_id": WEBHOOK_ID}
    assert mock_setup_entry.call_count == 1


async def test_reconfigure_with_a_known_token(
    hass: HomeAssistant, entry: MockConfigEntry, provider: Provider
) -> None:
    """Another account's token is not taken."""
    add_entry(hass, OTHER, "another-webhook")
    flow = await choose(hass, entry, "account")
    result = await fill_in(hass, flow, {"token": OTHER, "url": API_URL})
    assert result["reason"] == "already_configured"
    assert entry.data["token"] == TOKEN


async def test_reconfigure_address(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    aioclient_mock: AiohttpClientMocker,
) -> None:
    """Another address is tried with the token that is kept."""
    aioclient_mock.get(LOCAL, side_effect=mocked(provider))
    flow = await choose(hass, entry, "account")
    result = await fill_in(hass, flow, {"token": OTHER, "url": "http://10.0.0.1/"})
    assert result["errors"] == {"base": "insecure_url"}
    assert "http://10.0.0.1/" in shown(result)
    assert OTHER in shown(result)
    assert TOKEN not in shown(result)
    assert provider.calls == []
    result = await fill_in(hass, flow, {"url": LOCAL})
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {"token": TOKEN, "url": LOCAL, "webhook_id": WEBHOOK_ID}
    assert mock_setup_entry.call_count == 1


async def test_new_addresses(
    hass: HomeAssistant, home: Home, provider: Provider, push: Push, reachable: None
) -> None:
    """New addresses work as soon as they are shown, and the old ones do not any more."""
    await home.setup()
    result = await choose(hass, home.entry, "new_addresses")
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "new_addresses"
    assert home.entry.data["webhook_id"] == WEBHOOK_ID  # until the user has said so
    result = await fill_in(hass, result, {})
    assert result["step_id"] == "addresses_made"
    await home.settle()
    new = home.entry.data["webhook_id"]
    assert new != WEBHOOK_ID
    assert shown_addresses(result) == addresses(HOME, new)
    await push("?event=started")
    assert home.live == "off"
    await push("?event=started", new)
    assert home.live == "on"
    result = await fill_in(hass, result, {})
    assert result["reason"] == "addresses_shown"
    assert home.entry.data == {"token": TOKEN, "url": API_URL, "webhook_id": new}


async def test_new_addresses_without_any(
    hass: HomeAssistant, entry: MockConfigEntry, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """Without an address for the outside the old ones are made worthless all the same."""
    result = await fill_in(hass, await choose(hass, entry, "new_addresses"), {})
    assert result["reason"] == "no_address"
    assert entry.data["webhook_id"] != WEBHOOK_ID
    assert mock_setup_entry.call_count == 1
