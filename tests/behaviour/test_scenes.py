"""Test that the entities of a scene are restored."""

from functools import partial
from typing import Any

from homeassistant.setup import async_setup_component
from tests.fakes.devices.entities import install
from tests.fakes.devices.kinds import KINDS
from tests.fakes.devices.pretend import Cover, Lamp, Plug, Select
from tests.fakes.home import Home
from tests.fakes.provider import Provider

from ..holding.pausing import MINUTE, end, pause, repairs
from ..holding.scenes import add_scene, apply, hold_and_end


async def test_scene_of_a_group(live: Home, provider: Provider) -> None:
    """A scene with a group holds the group's members."""
    one, two = await install(live.hass, Plug("One"), Plug("Two"))
    groups = {"both": {"entities": ["switch.one", "switch.two"]}}
    assert await async_setup_component(live.hass, "group", {"group": groups})
    await add_scene(live.hass, {"group.both": "off"})
    outcome = await apply(live.hass)
    assert outcome["held"] == ["switch.one", "switch.two"]
    assert (one.state, two.state) == ("off", "off")
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert (one.state, two.state) == ("on", "on")


async def test_pause_unsupported(live: Home) -> None:
    """An entity that cannot be turned off is unsupported, though a scene holds it."""
    await install(live.hass, Select("battery"))
    await add_scene(live.hass, {"select.battery": "charge"})
    await apply(live.hass)
    outcome = await pause(live.hass, "select.battery")
    assert outcome["not_paused"] == [{"entity_id": "select.battery", "reason": "unsupported"}]


async def test_taken_over_after_unsupported_pause(live: Home, provider: Provider) -> None:
    """Changes by a person stay after a pause that was unsupported."""
    blind = Cover("blind", state="open", current_position=100)
    await install(live.hass, blind)
    await add_scene(live.hass, {"cover.blind": {"state": "open", "current_position": 40}})
    await apply(live.hass)
    await live.pass_time(2 * MINUTE)
    await pause(live.hass, "cover.blind")
    blind.report(current_position=70)
    await live.pass_time(2 * MINUTE)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert blind.attributes["current_position"] == 70


class SlowBlind(Cover):
    """Blind that moves slowly and reports its position."""

    seconds = 120.0

    def set_cover_position(self, position: int) -> None:
        """Move by a tenth of the way at a time."""
        begun = int(self.attributes["current_position"])
        for n in range(1, 11):
            place = round(begun + (position - begun) * n / 10)
            self._later(self.seconds * n / 10, partial(self.arrive, place))

    def arrive(self, place: int) -> None:
        """Report a position."""
        super().set_cover_position(place)
        self.report()


class EffectLamp(Lamp):
    """Red lamp that reports "off" without an effect, and keeps an effect until it is stopped."""

    def turn_on(self, **given: Any) -> None:
        """Turn on, with the earlier values by default."""
        self.state = "on"
        self.attributes |= given

    def turn_off(self) -> None:
        """Turn off, and keep the values."""
        self.state = "off"


EFFECTS: dict[str, Any] = {"effect": "off", "effect_list": ["off", "rainbow"]}


async def test_effect(live: Home, provider: Provider) -> None:
    """A lamp with an effect of a scene is restored to no effect and its colour."""
    (lamp,) = await install(live.hass, EffectLamp("Lamp", **EFFECTS))
    before = lamp.essence
    colors = {"brightness": 77, "rgb_color": [0, 0, 255]}
    await add_scene(live.hass, {"light.lamp": {"state": "on", "effect": "rainbow", **colors}})
    await hold_and_end(live, provider)
    assert (lamp.essence, repairs(live.hass)) == (before, [])


async def test_pause_without_an_effect(live: Home, provider: Provider) -> None:
    """A paused lamp without an effect is restored with one command."""
    (lamp,) = await install(live.hass, EffectLamp("Lamp", **EFFECTS))
    await pause(live.hass, "light.lamp")
    await live.pass_time(MINUTE)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert (live.state("light.lamp"), len(lamp.commands)) == ("on", 2)


async def test_white(live: Home, provider: Provider) -> None:
    """A white lamp that a scene made red is restored to white."""
    (lamp,) = await install(live.hass, KINDS["lamp in white"]("Lamp"))
    red = {"color_mode": "rgb", "rgb_color": [255, 0, 0], "brightness": 77}
    await add_scene(live.hass, {"light.lamp": {"state": "on", **red}})
    await hold_and_end(live, provider)
    assert (lamp.attributes["color_mode"], repairs(live.hass)) == ("white", [])


async def test_select_standby(live: Home, provider: Provider) -> None:
    """The option *standby* of a select is not *off*, as it is for a media player."""
    battery = Select("battery", state="standby")
    battery.attributes["options"] = ["standby", "zero", "off"]
    await install(live.hass, battery)
    await add_scene(live.hass, {"select.battery": "zero"})
    await hold_and_end(live, provider)
    assert (battery.state, repairs(live.hass)) == ("standby", [])
