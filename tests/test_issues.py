"""Test the reauth while another flow of the account is open."""

from http import HTTPStatus
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .fakes.home import Home
from .fakes.provider import API_URL, Provider

OTHER = "another-token"


def own_issues(hass: HomeAssistant) -> list[str]:
    """Return the keys of the integration's issues."""
    issues = ir.async_get(hass).issues.values()
    return [str(issue.translation_key) for issue in issues if issue.domain == DOMAIN]


def asking(hass: HomeAssistant) -> list[str]:
    """Return the sources of the open flows."""
    return [flow["context"]["source"] for flow in hass.config_entries.flow.async_progress()]


async def test_refused_during_flow(hass: HomeAssistant, home: Home, provider: Provider) -> None:
    """A repair replaces the reauth while another flow is open."""
    await home.setup()
    await home.entry.start_reconfigure_flow(hass)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await home.poll()
    assert (own_issues(hass), asking(hass)) == (["token_refused"], ["reconfigure"])
    provider.recover()
    await home.pass_time(5 * 60)
    assert (own_issues(hass), asking(hass)) == ([], ["reconfigure"])


async def test_refused_until_flow_is_closed(
    hass: HomeAssistant, home: Home, provider: Provider
) -> None:
    """The repair is cleared once the reauth can start."""
    await home.setup()
    menu = await home.entry.start_reconfigure_flow(hass)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await home.poll()
    hass.config_entries.flow.async_abort(menu["flow_id"])
    await home.pass_time(5 * 60)
    assert (own_issues(hass), asking(hass)) == ([], [SOURCE_REAUTH])


async def test_token_renewed_in_open_flow(
    hass: HomeAssistant, home: Home, provider: Provider
) -> None:
    """The repair is cleared with a new token."""
    await home.setup()
    menu = await home.entry.start_reconfigure_flow(hass)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await home.poll()
    provider.recover()
    configure = hass.config_entries.flow.async_configure
    form = await configure(menu["flow_id"], {"next_step_id": "account"})
    await configure(form["flow_id"], {"token": OTHER, "url": API_URL})
    await home.settle()
    assert (own_issues(hass), asking(hass)) == ([], [])


@pytest.mark.parametrize("known", [True, False])
async def test_fix_repair(hass: HomeAssistant, home: Home, provider: Provider, known: bool) -> None:
    """The repair closes the other flow and starts the reauth, before set-up too."""
    assert await async_setup_component(hass, "repairs", {})
    if known:
        await home.setup()
    await home.entry.start_reconfigure_flow(hass)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    if known:
        await home.poll()
    else:
        assert not await hass.config_entries.async_setup(home.entry.entry_id)
    flows = repairs_flow_manager(hass)
    assert flows
    issue = {"issue_id": f"token_refused_{home.entry.entry_id}"}
    form: Any = await flows.async_init(DOMAIN, data=issue)
    assert form["description_placeholders"] == {"name": "equiwatt"}
    await flows.async_configure(form["flow_id"], {})
    await home.settle()
    assert (own_issues(hass), asking(hass)) == ([], [SOURCE_REAUTH])


@pytest.mark.parametrize("removed", [True, False])
async def test_account_removed(
    hass: HomeAssistant, home: Home, provider: Provider, removed: bool
) -> None:
    """The repair is cleared with the account, and an open repair flow does nothing."""
    assert await async_setup_component(hass, "repairs", {})
    await home.setup()
    await home.entry.start_reconfigure_flow(hass)
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await home.poll()
    flows = repairs_flow_manager(hass)
    assert flows
    issue = {"issue_id": f"token_refused_{home.entry.entry_id}"}
    form: Any = await flows.async_init(DOMAIN, data=issue)
    if removed:
        await hass.config_entries.async_remove(home.entry.entry_id)
        await flows.async_configure(form["flow_id"], {})
        assert asking(hass) == ["reconfigure"]
    else:
        user = ConfigEntryDisabler.USER
        await hass.config_entries.async_set_disabled_by(home.entry.entry_id, user)
    assert own_issues(hass) == []
