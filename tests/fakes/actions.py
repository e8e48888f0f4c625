"""Calls of the actions."""

from datetime import datetime
from typing import Any

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import Context, HomeAssistant
from homeassistant.setup import async_setup_component

from .home import Home

CALENDAR = "calendar.equiwatt_equivents"
SKIP = "switch.equiwatt_skip"


async def simulate(hass: HomeAssistant, context: Context | None = None, **data: Any) -> None:
    """Rehearse an equivent."""
    await hass.services.async_call(
        DOMAIN, "simulate_equivent", data, blocking=True, context=context
    )


async def apply_scene(
    hass: HomeAssistant, context: Context | None = None, respond: bool = True, **data: Any
) -> Any:
    """Apply scenes and return the response of the action."""
    return await hass.services.async_call(
        DOMAIN, "apply_scene", data, blocking=True, return_response=respond, context=context
    )


async def add_scenes(home: Home, **scenes: dict[str, Any]) -> None:
    """Add scenes, each with its entities and their states."""
    config = [{"name": name, "entities": entities} for name, entities in scenes.items()]
    assert await async_setup_component(home.hass, "scene", {"scene": config})
    await home.settle()


async def turn(home: Home, to: str, entity_id: str = SKIP) -> None:
    """Turn a switch on or off, by default the one that skips an equivent."""
    data = {"entity_id": entity_id}
    await home.hass.services.async_call("switch", f"turn_{to}", data, blocking=True)
    await home.settle()


async def calendar(home: Home, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return the response of the calendar's get_events action."""
    data = {"start_date_time": begin, "end_date_time": end, "entity_id": CALENDAR}
    answer: Any = await home.hass.services.async_call(
        "calendar", "get_events", data, blocking=True, return_response=True
    )
    return list(answer[CALENDAR]["events"])


async def plan(home: Home, start: datetime, end: datetime, summary: str = "powerUP") -> None:
    """Plan an equivent by action."""
    data = {
        "entity_id": CALENDAR,
        "summary": summary,
        "start_date_time": start.isoformat(),
        "end_date_time": end.isoformat(),
    }
    await home.hass.services.async_call("calendar", "create_event", data, blocking=True)
    await home.settle()
