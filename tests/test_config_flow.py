"""Test the config flow.

Most tests mock the set-up of the entry, which has tests of its own.
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
    """Return the user's input."""
    named = {} if name is None else {"name": name}
    return {**named, "token": token, "advanced": {"url": url}}


async def begin(hass: HomeAssistant) -> Any:
    """Start the flow."""
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def fill_in(hass: HomeAssistant, flow: Any, values: dict[str, Any]) -> Any:
    """Submit the form."""
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], values)
    await hass.async_block_till_done()
    return result


def addresses(base: str, webhook_id: str) -> dict[str, str]:
    """Return the addresses of a webhook."""
    kinds = ("started", "ended")
    return {f"{kind}_url": f"{base}/api/webhook/{webhook_id}?event={kind}" for kind in kinds}


def shown_addresses(result: Any) -> dict[str, str]:
    """Return the addresses in a form, each in a field of its own."""
    fields = result["data_schema"].schema
    for field in fields.values():
        assert field.serialize() == {"selector": {"template": {"read_only": True}}}
    return {str(marker): marker.description["suggested_value"] for marker in fields}


def fields(schema: Any) -> Iterator[str]:
    """Yield the parts of each field in a form."""
    for marker, field in schema.schema.items():
        default = marker.default() if callable(marker.default) else None
        yield f"{marker} default={default} {marker.description}"
        if isinstance(field, section):
            yield from fields(field.schema)


def folded(result: Any) -> bool:
    """Return True if the section of the first form is collapsed."""
    (advanced,) = [
        field for field in result["data_schema"].schema.values() if isinstance(field, section)
    ]
    return bool(advanced.options["collapsed"])


def shown(result: Any) -> str:
    """Return everything that a form shows."""
    form = "\n".join(fields(result["data_schema"]))
    return f"{form} {result['errors']} {result['description_placeholders']}"


@pytest.fixture
def mock_setup_entry() -> Iterator[AsyncMock]:
    """Mock the set-up of the entry."""
    with patch("custom_components.equiwatt.async_setup_entry", return_value=True) as mocked:
        yield mocked


@pytest.fixture
async def reachable(hass: HomeAssistant) -> None:
    """Set an external URL."""
    await async_process_ha_core_config(hass, {"external_url": HOME})


async def test_user(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, reachable: None
) -> None:
    """A token results in two addresses to copy, and an entry."""
    flow = await begin(hass)
    assert flow["type"] is FlowResultType.FORM
    assert flow["step_id"] == "user"
    assert flow["errors"] == {}
    assert DEFAULT_URL in shown(flow)
    result = await fill_in(hass, flow, user_input(f" Bearer {TOKEN}\n"))
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "addresses"
    assert mock_setup_entry.call_count == 0
    form_addresses = shown_addresses(result)
    result = await fill_in(hass, flow, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "equiwatt"
    webhook_id = result["data"].pop("webhook_id")
    assert len(webhook_id) == 64
    assert result["data"] == {"token": TOKEN, "url": API_URL}
    assert form_addresses == addresses(HOME, webhook_id)
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
async def test_insecure_addresses(
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    base: str,
    errors: dict[str, str],
) -> None:
    """Unencrypted addresses have a warning and can be used."""
    await async_process_ha_core_config(hass, {"external_url": base})
    flow = await begin(hass)
    result = await fill_in(hass, flow, user_input())
    assert (result["step_id"], result["errors"]) == ("addresses", errors)
    assert (await fill_in(hass, flow, {}))["type"] is FlowResultType.CREATE_ENTRY


async def test_read_only_addresses(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, reachable: None
) -> None:
    """Changes to the shown addresses are ignored."""
    flow = await begin(hass)
    form_addresses = shown_addresses(await fill_in(hass, flow, user_input()))
    result = await fill_in(hass, flow, {"started_url": "https://example.com"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"].keys() == {"token", "url", "webhook_id"}
    assert form_addresses == addresses(HOME, result["data"]["webhook_id"])


async def test_no_address(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """The flow says that there is no address for the outside."""
    result = await fill_in(hass, await begin(hass), user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["description"] == "no_address"
    assert result["description_placeholders"] == {"blueprint_url": BLUEPRINT_URL}
    assert mock_setup_entry.call_count == 1


async def test_set_up(hass: HomeAssistant, provider: Provider, push: Push, reachable: None) -> None:
    """The account and the shown addresses work."""
    flow = await begin(hass)
    form_addresses = shown_addresses(await fill_in(hass, flow, user_input()))
    entry = (await fill_in(hass, flow, {}))["result"]
    assert entry.state is ConfigEntryState.LOADED
    address = URL(form_addresses["started_url"])
    await push(f"?{address.query_string}", address.name)
    live = hass.states.get("binary_sensor.equiwatt_live")
    assert live
    assert live.state == "on"


async def test_closed_at_the_addresses(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, cloud: Cloud
) -> None:
    """Closing the flow at the addresses deletes the cloudhook, submitting keeps it."""
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
    (200, None, aiohttp.ClientError(), "cannot_connect"),
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
    """Each error has a text, the token is kept, and the next try may succeed."""
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
    """An unexpected error has a text, and its class is logged."""
    flow = await begin(hass)
    with monkeypatch.context() as patch:
        error = AsyncMock(side_effect=RuntimeError(f"Bearer {TOKEN}"))
        patch.setattr(EquiwattClient, "async_get_equivents", error)
        result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": "unknown"}
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage() == "Unexpected RuntimeError while a token was tried"
    assert not record.exc_info
    result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_no_free_call(
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The flow refuses too many tries, instead of waiting for a minute."""
    monkeypatch.setattr(client, "CALLS_PER_WINDOW", 10)
    monkeypatch.setattr(config_flow, "MAX_WAIT", 0.01)
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
async def test_invalid_token(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, token: str
) -> None:
    """An invalid token is refused without a call."""
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
    """The token is never sent unencrypted, and the input is kept."""
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
    """An unreachable custom address is named as the cause."""
    mistyped = API_URL.replace("equiwatt", "equiwat")
    aioclient_mock.get(mistyped, exc=aiohttp.ClientConnectionError())
    flow = await begin(hass)
    result = await fill_in(hass, flow, user_input(url=mistyped))
    assert result["errors"] == {"base": "wrong_address"}
    assert "typing mistakes" in ERRORS["wrong_address"]
    assert not folded(result)


async def test_address_without_slash(
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    aioclient_mock: AiohttpClientMocker,
) -> None:
    """An address whose last slash is missing is redirected, and the error names the slash."""
    without = API_URL.removesuffix("/")
    aioclient_mock.get(without, status=301, headers={"Location": API_URL})
    flow = await begin(hass)
    result = await fill_in(hass, flow, user_input(url=without))
    assert result["errors"] == {"base": "unexpected_response"}
    assert "slash at its end" in ERRORS["unexpected_response"]
    assert not folded(result)
    result = await fill_in(hass, flow, user_input())
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_loopback(
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    aioclient_mock: AiohttpClientMocker,
) -> None:
    """Loopback addresses may use http."""
    aioclient_mock.get(LOCAL, side_effect=mocked(provider))
    result = await fill_in(hass, await begin(hass), user_input(url=f" {LOCAL} "))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == LOCAL


async def test_already_configured(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """The same token aborts without a call, another one is a second account."""
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
    """A second account needs a name, the first one does not."""
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


async def test_account_added_during_flow(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """The flow asks for a name if another account was added first."""
    flow = await begin(hass)
    add_entry(hass)
    result = await fill_in(hass, flow, user_input(OTHER))
    assert result["errors"] == {"name": "name_taken"}
    assert provider.calls == []
    result = await fill_in(hass, flow, user_input(OTHER, name="Mum"))
    assert result["title"] == "Mum"


async def test_two_dialogs(
    hass: HomeAssistant,
    provider: Provider,
    mock_setup_entry: AsyncMock,
    reachable: None,
    aioclient_mock: AiohttpClientMocker,
) -> None:
    """Of two dialogs that are open at once, the later one to be finished asks for a name."""
    aioclient_mock.get(LOCAL, side_effect=mocked(provider))
    flows = [await begin(hass), await begin(hass)]
    first = await fill_in(hass, flows[0], user_input())
    second = await fill_in(hass, flows[1], user_input(OTHER, LOCAL))
    before = shown_addresses(second)
    assert (await fill_in(hass, first, {}))["title"] == "equiwatt"
    second = await fill_in(hass, second, {})
    assert second["errors"] == {"name": "name_taken"}
    for entered in ("equiwatt", OTHER, LOCAL):
        assert f"'suggested_value': '{entered}'" in shown(second)
    second = await fill_in(hass, second, user_input(OTHER, LOCAL, name="Mum"))
    assert shown_addresses(second) == before
    second = await fill_in(hass, second, {})
    assert (second["title"], second["data"]["token"]) == ("Mum", OTHER)


async def test_added_twice(
    hass: HomeAssistant, provider: Provider, mock_setup_entry: AsyncMock, reachable: None
) -> None:
    """Two flows at once add an account once."""
    flows = [await begin(hass), await begin(hass)]
    for flow in flows:
        await fill_in(hass, flow, user_input())
    first, second = [await fill_in(hass, flow, {}) for flow in flows]
    assert first["type"] is FlowResultType.CREATE_ENTRY
    assert second["type"] is FlowResultType.ABORT
    assert second["reason"] == "already_configured"
    assert mock_setup_entry.call_count == 1


def text_of(result: Any) -> str:
    """Return the text that a flow ends with, wherever Home Assistant takes it from."""
    assert result["type"] is FlowResultType.ABORT
    assert result.get("translation_domain") in (None, DOMAIN)
    return str(ABORTS[result["reason"]])


async def test_reauth(
    hass: HomeAssistant, entry: MockConfigEntry, provider: Provider, mock_setup_entry: AsyncMock
) -> None:
    """A new token is checked, stored and used."""
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


async def test_reauth_with_known_token(hass: HomeAssistant, home: Home) -> None:
    """The token of another account is refused."""
    await home.setup()
    add_entry(hass, OTHER, "another-webhook")
    result = await fill_in(hass, await home.entry.start_reauth_flow(hass), {"token": OTHER})
    assert result["reason"] == "already_configured"
    assert home.entry.data["token"] == TOKEN


async def test_reauth_while_another_account_is_added(
    hass: HomeAssistant, home: Home, provider: Provider
) -> None:
    """The token of an account that another dialog adds meanwhile is refused."""
    await home.setup()
    flow = await home.entry.start_reauth_flow(hass)
    provider.on_call = lambda: add_entry(hass, OTHER, "another-webhook")
    result = await fill_in(hass, flow, {"token": OTHER})
    assert result["reason"] == "already_configured"
    assert home.entry.data["token"] == TOKEN


async def test_reauth_after_refusal(hass: HomeAssistant, home: Home, provider: Provider) -> None:
    """A token that is refused while polling is asked for and renewed."""
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


async def test_reauth_after_closed_flow(
    hass: HomeAssistant, home: Home, provider: Provider
) -> None:
    """Closing a flow that was open at the refusal postpones the reauth."""
    await home.setup()
    menu = await home.entry.start_reconfigure_flow(hass)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await home.poll()
    hass.config_entries.flow.async_abort(menu["flow_id"])
    await home.poll()
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH


async def choose(hass: HomeAssistant, entry: MockConfigEntry, option: str) -> Any:
    """Choose from the menu of the reconfigure flow."""
    menu = await entry.start_reconfigure_flow(hass)
    assert menu["type"] is FlowResultType.MENU
    assert menu["step_id"] == "reconfigure"
    assert option in menu["menu_options"]
    return await fill_in(hass, menu, {"next_step_id": option})


async def test_menu(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Each option has a text, and the first one changes nothing."""
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
    """The addresses are shown without a change, a call or a reload."""
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
async def test_show_insecure_addresses(
    hass: HomeAssistant, home: Home, provider: Provider, base: str, errors: dict[str, str]
) -> None:
    """Unencrypted addresses have a warning here too."""
    await home.setup()
    await async_process_ha_core_config(hass, {"external_url": base})
    result = await choose(hass, home.entry, "show_addresses")
    assert result["errors"] == errors
    assert (await fill_in(hass, result, {}))["reason"] == "addresses_shown"
    result = await fill_in(hass, await choose(hass, home.entry, "new_addresses"), {})
    assert (result["step_id"], result["errors"]) == ("addresses_made", errors)


async def test_show_no_address(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """The flow says that there is no address for the outside."""
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
    """Submitting without a change causes no call and no reload."""
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
    """A new token is checked, and a wrong one changes nothing."""
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


async def test_reconfigure_with_known_token(
    hass: HomeAssistant, entry: MockConfigEntry, provider: Provider
) -> None:
    """The token of another account is refused."""
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
    """A new address is checked with the stored token."""
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
    """New addresses work once they are shown, and the old ones stop working."""
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
    """The old addresses stop working without an address for the outside too."""
    result = await fill_in(hass, await choose(hass, entry, "new_addresses"), {})
    assert result["reason"] == "no_address"
    assert entry.data["webhook_id"] != WEBHOOK_ID
    assert mock_setup_entry.call_count == 1
