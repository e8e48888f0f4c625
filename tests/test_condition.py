"""Test the condition of the automation editor."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component

from .conftest import Push
from .fakes.home import EVENT, NOW, Home, add_entry
from .fakes.provider import Provider

HOUR = timedelta(hours=1)
BY_ENTITY = {"entity_id": EVENT}


class Automation:
    """Automation with the condition, triggered by an event."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize without a result."""
        self.hass = hass
        self.answers: list[bool] = []
        hass.bus.async_listen("answer", lambda event: self.answers.append(event.data["live"]))

    async def set_up(self, target: dict[str, Any], **options: Any) -> None:
        """Set up the automation."""
        more = {"options": options} if options else {}
        condition = {"condition": "equiwatt.is_live", "target": target, **more}
        answers = {
            "if": [condition],
            "then": {"event": "answer", "event_data": {"live": True}},
            "else": {"event": "answer", "event_data": {"live": False}},
        }
        automation = {"triggers": {"trigger": "event", "event_type": "ask"}, "actions": answers}
        assert await async_setup_component(self.hass, "automation", {"automation": automation})
        await self.hass.async_block_till_done()

    async def is_live(self) -> bool:
        """Trigger the automation and return the result."""
        self.hass.bus.async_fire("ask")
        await self.hass.async_block_till_done()
        return self.answers.pop()


@pytest.fixture
def automation(hass: HomeAssistant) -> Automation:
    """Return an automation that is not set up yet."""
    return Automation(hass)


async def test_live(home: Home, push: Push, automation: Automation) -> None:
    """The condition is true while an equivent is live, though set up before the entry."""
    await automation.set_up(BY_ENTITY)
    assert not await automation.is_live()
    await home.setup()
    assert not await automation.is_live()
    await push("?event=started")
    assert await automation.is_live()
    await push("?event=ended")
    assert not await automation.is_live()


async def test_entry_not_loaded(home: Home, provider: Provider, automation: Automation) -> None:
    """The condition is false while the entry is not loaded."""
    await automation.set_up(BY_ENTITY)
    provider.start(NOW, NOW + HOUR)
    await home.setup()
    assert await automation.is_live()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert not await automation.is_live()
    await home.setup()
    assert await automation.is_live()
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    assert not await automation.is_live()


async def test_stale(home: Home, provider: Provider, automation: Automation) -> None:
    """The condition follows the sensor until it is unavailable."""
    await automation.set_up(BY_ENTITY)
    provider.start(NOW, NOW + HOUR)
    await home.setup()
    provider.error = TimeoutError()
    await home.pass_time(14 * 60, step=60)
    assert home.live == "on"
    assert await automation.is_live()
    await home.pass_time(3 * 60, step=60)
    assert home.live == "unavailable"
    assert not await automation.is_live()
    provider.recover()
    await home.pass_time(6 * 60, step=60)
    assert await automation.is_live()


@pytest.mark.parametrize("rehearsals", [True, False])
async def test_rehearsal(
    home: Home, provider: Provider, automation: Automation, rehearsals: bool
) -> None:
    """Rehearsals count unless they are excluded, without answers too; equivents always do."""
    await automation.set_up(BY_ENTITY, rehearsals=rehearsals)
    await home.setup()
    provider.error = TimeoutError()
    await home.pass_time(17 * 60, step=60)
    data = {"duration": {"minutes": 15}}
    await home.hass.services.async_call(DOMAIN, "simulate_equivent", data, blocking=True)
    await home.settle()
    assert home.live == "on"
    assert await automation.is_live() is rehearsals
    provider.recover()
    provider.start(home.now, home.now + HOUR)
    await home.pass_time(6 * 60, step=60)
    assert await automation.is_live()


async def test_several_accounts(
    hass: HomeAssistant, home: Home, push: Push, automation: Automation
) -> None:
    """The condition is true if one of the targeted accounts has a live equivent."""
    other = add_entry(hass, token="another-token", webhook_id="another")  # sets up both
    await home.setup()
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), other.entry_id)
    await automation.set_up({"device_id": device.id})
    await push("?event=started")
    assert not await automation.is_live()
    await push("?event=started", "another")
    assert await automation.is_live()
    await push("?event=ended")
    assert await automation.is_live()


async def test_either_account(
    hass: HomeAssistant, home: Home, push: Push, automation: Automation
) -> None:
    """One live equivent is enough."""
    other = add_entry(hass, token="another-token", webhook_id="another")  # sets up both
    await home.setup()
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), other.entry_id)
    await automation.set_up({"device_id": device.id, **BY_ENTITY})
    await push("?event=started")
    assert await automation.is_live()


@pytest.mark.parametrize("target", [None, {}, {"area_id": []}])
async def test_without_target(
    hass: HomeAssistant, hass_client: Any, target: dict[str, Any] | None
) -> None:
    """A condition without a target is refused."""
    assert await async_setup_component(hass, "automation", {})
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    condition = {"condition": "equiwatt.is_live"} | ({} if target is None else {"target": target})
    trigger = {"trigger": "event", "event_type": "ask"}
    config = {"triggers": [trigger], "conditions": [condition], "actions": []}
    answer = await client.post("/api/config/automation/config/one", json=config)
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert "target" in (await answer.json())["message"]
