"""Test that the entities of a scene are restored."""

from functools import partial
from typing import Any

from homeassistant.components.light.const import ColorMode, LightEntityFeature
from homeassistant.setup import async_setup_component
from tests.fakes.devices.entities import async_add_devices
from tests.fakes.devices.pretend import Cover, Select
from tests.fakes.devices.simple import Lamp, Plug, install
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
    assert (one.is_on, two.is_on) == (False, False)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert (one.is_on, two.is_on) == (True, True)


async def test_pause_unsupported(live: Home) -> None:
    """An entity that cannot be turned off is unsupported, though a scene holds it."""
    await async_add_devices(live.hass, Select("battery"))
    await add_scene(live.hass, {"select.battery": "charge"})
    await apply(live.hass)
    outcome = await pause(live.hass, "select.battery")
    assert outcome["not_paused"] == [{"entity_id": "select.battery", "reason": "unsupported"}]


async def test_taken_over_after_unsupported_pause(live: Home, provider: Provider) -> None:
    """Changes by a person stay after a pause that was unsupported."""
    blind = Cover("blind", state="open", current_position=100)
    await async_add_devices(live.hass, blind)
    await add_scene(live.hass, {"cover.blind": {"state": "open", "current_position": 40}})
    await apply(live.hass)
    await live.pass_time(2 * MINUTE)
    await pause(live.hass, "cover.blind")
    blind.by_hand(current_position=70)
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

    _attr_supported_features = LightEntityFeature.EFFECT
    _attr_effect: str | None = "off"

    def __init__(self, name: str) -> None:
        """Initialize the features."""
        super().__init__(name)
        self._attr_effect_list = ["off", "rainbow"]

    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn the lamp on."""
        self.command("on")
        self.report(
            is_on=True,
            rgb_color=kwargs.get("rgb_color", self._attr_rgb_color),
            brightness=kwargs.get("brightness", self._attr_brightness),
            effect=kwargs.get("effect", self._attr_effect),
        )


async def test_effect(live: Home, provider: Provider) -> None:
    """A lamp with an effect of a scene is restored to no effect and its colour."""
    (lamp,) = await install(live.hass, EffectLamp("Lamp"))
    before = lamp.brightness, lamp.rgb_color
    colors = {"brightness": 77, "rgb_color": [0, 0, 255]}
    await add_scene(live.hass, {"light.lamp": {"state": "on", "effect": "rainbow", **colors}})
    await hold_and_end(live, provider)
    assert (lamp.effect, lamp.brightness, lamp.rgb_color) == ("off", *before)
    assert repairs(live.hass) == []


async def test_pause_without_an_effect(live: Home, provider: Provider) -> None:
    """A paused lamp without an effect is restored with one command."""
    (lamp,) = await install(live.hass, EffectLamp("Lamp"))
    await pause(live.hass, "light.lamp")
    await live.pass_time(MINUTE)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert (live.state("light.lamp"), lamp.commands) == ("on", ["off", "on"])


class WhiteLamp(Lamp):
    """Lamp in white mode."""

    _attr_color_mode = ColorMode.WHITE
    _attr_rgb_color: tuple[int, int, int] | None = None

    def __init__(self, name: str) -> None:
        """Initialize the features."""
        super().__init__(name)
        self._attr_supported_color_modes = {ColorMode.RGB, ColorMode.WHITE}

    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn the lamp on."""
        self.command("on")
        mode = ColorMode.RGB if "rgb_color" in kwargs else self._attr_color_mode
        self.report(
            is_on=True,
            color_mode=ColorMode.WHITE if "white" in kwargs else mode,
            rgb_color=None if "white" in kwargs else kwargs.get("rgb_color", self._attr_rgb_color),
        )


async def test_white(live: Home, provider: Provider) -> None:
    """A white lamp that a scene made red is restored to white."""
    (lamp,) = await install(live.hass, WhiteLamp("Lamp"))
    red = {"color_mode": "rgb", "rgb_color": [255, 0, 0], "brightness": lamp.brightness}
    await add_scene(live.hass, {"light.lamp": {"state": "on", **red}})
    await hold_and_end(live, provider)
    assert (lamp.color_mode, repairs(live.hass)) == (ColorMode.WHITE, [])


async def test_select_standby(live: Home, provider: Provider) -> None:
    """The option *standby* of a select is not *off*, as it is for a media player."""
    battery = Select("battery", state="standby")
    battery.attributes["options"] = ["standby", "zero", "off"]
    await async_add_devices(live.hass, battery)
    await add_scene(live.hass, {"select.battery": "zero"})
    await hold_and_end(live, provider)
    assert (battery.state, repairs(live.hass)) == ("standby", [])
