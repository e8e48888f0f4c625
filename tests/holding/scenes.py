"""Shared helpers of the tests of scenes."""

from typing import Any

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from tests.fakes.home import Home
from tests.fakes.provider import Provider

from .pausing import MINUTE, end


async def add_scene(hass: HomeAssistant, entities: dict[str, Any]) -> None:
    """Add the scene for saving."""
    config = {"scene": [{"name": "Saving", "entities": entities}]}
    assert await async_setup_component(hass, "scene", config)
    await hass.async_block_till_done()


async def apply(hass: HomeAssistant, *scenes: str) -> Any:
    """Apply scenes and return the response of the action."""
    data = {"entity_id": list(scenes) or ["scene.saving"]}
    return await hass.services.async_call(
        DOMAIN, "apply_scene", data, blocking=True, return_response=True
    )


async def hold_and_end(home: Home, provider: Provider, seconds: float = 20 * MINUTE) -> None:
    """Hold with the scene for a while, end the equivent, and wait more than an hour."""
    outcome = await apply(home.hass)
    assert (outcome["applied"], outcome["not_held"]) == (["scene.saving"], [])
    await home.pass_time(seconds)
    await end(home, provider)
    await home.pass_time(70 * MINUTE, step=30)
