"""Test that what a scene moves is restored, in Home Assistant."""

from homeassistant.setup import async_setup_component
from tests.conftest import House, Provider
from tests.devices import Plug, install
from tests.zoo.animals import Cover, Select
from tests.zoo.entities import async_let_in

from .pausing import MINUTE, end, pause
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


async def test_pause_of_what_cannot_be_paused(live: House) -> None:
    """What cannot be turned off is unsupported, though a scene holds it."""
    await async_let_in(live.hass, Select("battery"))
    await add_scene(live.hass, {"select.battery": "charge"})
    await apply(live.hass)
    outcome = await pause(live.hass, "select.battery")
    assert outcome["not_paused"] == [{"entity_id": "select.battery", "reason": "unsupported"}]


async def test_taken_over_after_a_pause_that_cannot_be(live: House, provider: Provider) -> None:
    """Such a pause changes nothing: what somebody moves afterwards is theirs."""
    blind = Cover("blind", state="open", current_position=100)
    await async_let_in(live.hass, blind)
    await add_scene(live.hass, {"cover.blind": {"state": "open", "current_position": 40}})
    await apply(live.hass)
    await live.pass_time(2 * MINUTE)
    await pause(live.hass, "cover.blind")
    blind.by_hand(current_position=70)
    await live.pass_time(2 * MINUTE)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert blind.attributes["current_position"] == 70
