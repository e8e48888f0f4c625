"""Test what a held device waits for."""

from custom_components.equiwatt.holding.listener import DeviceListener
from homeassistant.core import HomeAssistant


async def test_follows_and_forgets(hass: HomeAssistant) -> None:
    """States of what is followed are passed on, others are not, and none once it has stopped."""
    seen: list[str] = []
    listener = DeviceListener(
        hass, lambda event: seen.append(event.data["entity_id"]), lambda _: None, lambda: None
    )
    listener.async_follow(["switch.one", "switch.two"])
    listener.async_follow(["switch.two"])
    for name in ("switch.one", "switch.two"):
        hass.states.async_set(name, "on")
    await hass.async_block_till_done()
    assert seen == ["switch.two"]
    listener.async_stop()
    hass.states.async_set("switch.two", "off")
    await hass.async_block_till_done()
    assert seen == ["switch.two"]
