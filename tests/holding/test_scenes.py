"""Test that what a scene moves is restored, in Home Assistant."""

from homeassistant.setup import async_setup_component
from tests.conftest import House, Provider
from tests.devices import Plug, install

from .pausing import MINUTE, end
from .scenes import add_scene, apply


async def test_scene_of_a_group(live: House, provider: Provider) -> None:
    """A scene that names a group holds its members."""
    one, two = await install(live.hass, Plug("One"), Plug("Two"))
    groups = {"both": {"entities": ["switch.one", "switch.two"]}}
    assert await async_setup_component(live.hass, "group", {"group": groups})
    await add_scene(live.hass, {"group.both": "off"})
    outcome = await apply(live.hass)
    assert outcome["held"] == ["switch.one", "switch.two"]
    assert (one.is_on, two.is_on) == (False, False)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert (one.is_on, two.is_on) == (True, True)
