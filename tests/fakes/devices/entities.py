"""Entities of the pretend devices."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, override

from homeassistant.components.climate import ClimateEntity
from homeassistant.components.climate.const import ClimateEntityFeature, HVACMode
from homeassistant.components.cover import CoverEntity
from homeassistant.components.fan import FanEntity, FanEntityFeature  # type: ignore[attr-defined]
from homeassistant.components.humidifier import HumidifierEntity
from homeassistant.components.humidifier.const import HumidifierEntityFeature
from homeassistant.components.light import LightEntity
from homeassistant.components.light.const import ColorMode, LightEntityFeature
from homeassistant.components.media_player import MediaPlayerEntity
from homeassistant.components.media_player.const import MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.components.number import NumberEntity
from homeassistant.components.select import SelectEntity
from homeassistant.components.switch import SwitchEntity
from homeassistant.components.water_heater import WaterHeaterEntity, WaterHeaterEntityFeature  # type: ignore[attr-defined]
from homeassistant.const import UnitOfTemperature
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_component import DATA_INSTANCES
from homeassistant.helpers.event import async_call_later
from homeassistant.setup import async_setup_component

from .pretend import FailureError, PretendDevice


class ZooEntity(Entity):
    """Entity of a pretend device."""

    _attr_should_poll = False

    def __init__(self, device: PretendDevice) -> None:
        """Initialize the name."""
        self.pretend = device
        self._attr_name = device.name
        self._attr_unique_id = device.name
        self._update(device.state, device.attributes)

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the reports of the device."""
        self.pretend.connect(self._later, self._on_report)

    def _later(self, seconds: float, job: Callable[[], None]) -> None:
        """Call a function after some seconds, or at once."""
        if seconds:
            async_call_later(self.hass, seconds, callback(lambda _: job()))
        else:
            job()

    @callback
    def _on_report(self, state: str | None, attributes: Mapping[str, Any]) -> None:
        """Write the state that the device reports."""
        self._attr_available = state is not None
        if state is not None:
            self._update(state, attributes)
        self.async_write_ha_state()

    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        raise NotImplementedError

    async def async_command(self, service: str, **given: Any) -> None:
        """Send a command, which may take a while."""
        failed = False
        data = {
            key: list(value) if isinstance(value, tuple) else value for key, value in given.items()
        }
        try:
            self.pretend.command(service, data)
        except FailureError:
            failed = True
        if self.pretend.nature.takes:
            await asyncio.sleep(self.pretend.nature.takes)
        if failed:
            raise HomeAssistantError("It did not work")

    async def async_turn_on(self, *args: Any, **given: Any) -> None:
        """Turn the device on."""
        await self.async_command(
            "turn_on", **{key: value for key, value in given.items() if value is not None}
        )

    async def async_turn_off(self, **_: Any) -> None:
        """Turn the device off."""
        await self.async_command("turn_off")


class ZooSwitch(ZooEntity, SwitchEntity):
    """A plug."""

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_is_on = state == "on"


class ZooClimate(ZooEntity, ClimateEntity):
    """A thermostat."""

    _attr_temperature_unit = UnitOfTemperature.CELSIUS

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_hvac_mode = HVACMode(state)
        self._attr_hvac_modes = [HVACMode(mode) for mode in attributes["hvac_modes"]]
        self._attr_target_temperature = attributes["temperature"]
        features = ClimateEntityFeature.TARGET_TEMPERATURE
        if "target_temp_low" in attributes:
            features = ClimateEntityFeature.TARGET_TEMPERATURE_RANGE
            self._attr_target_temperature_low = attributes["target_temp_low"]
            self._attr_target_temperature_high = attributes["target_temp_high"]
        if "preset_modes" in attributes:
            features |= ClimateEntityFeature.PRESET_MODE
            self._attr_preset_modes = attributes["preset_modes"]
            self._attr_preset_mode = attributes["preset_mode"]
        self._attr_supported_features = features

    @override
    async def async_set_hvac_mode(self, hvac_mode: HVACMode) -> None:
        """Set the mode."""
        await self.async_command("set_hvac_mode", hvac_mode=str(hvac_mode))

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        """Set the target temperature."""
        await self.async_command("set_temperature", **kwargs)

    @override
    async def async_set_preset_mode(self, preset_mode: str) -> None:
        """Set the preset."""
        await self.async_command("set_preset_mode", preset_mode=preset_mode)


class ZooWaterHeater(ZooEntity, WaterHeaterEntity):
    """A water heater."""

    _attr_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_supported_features = (
        WaterHeaterEntityFeature.OPERATION_MODE | WaterHeaterEntityFeature.TARGET_TEMPERATURE
    )

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_current_operation = state
        self._attr_operation_list = attributes["operation_list"]
        self._attr_target_temperature = attributes["temperature"]

    @override
    async def async_set_operation_mode(self, operation_mode: str) -> None:
        """Set the mode."""
        await self.async_command("set_operation_mode", operation_mode=operation_mode)

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        """Set the target temperature."""
        await self.async_command("set_temperature", temperature=kwargs["temperature"])


class ZooLight(ZooEntity, LightEntity):
    """A lamp."""

    _attr_supported_features = LightEntityFeature.EFFECT

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_is_on = state == "on"
        self._attr_color_mode = ColorMode(attributes["color_mode"])
        self._attr_supported_color_modes = {self._attr_color_mode}
        self._attr_brightness = attributes["brightness"]
        self._attr_effect_list = ["rainbow"]
        self._attr_effect = attributes["effect"]
        color = attributes["rgb_color"]
        self._attr_rgb_color = color and tuple(color)
        self._attr_color_temp_kelvin = attributes.get("color_temp_kelvin")


class ZooMediaPlayer(ZooEntity, MediaPlayerEntity):
    """A player."""

    _attr_supported_features = (
        MediaPlayerEntityFeature.TURN_ON
        | MediaPlayerEntityFeature.TURN_OFF
        | MediaPlayerEntityFeature.PLAY
        | MediaPlayerEntityFeature.PAUSE
    )

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_state = MediaPlayerState(state)

    @override
    async def async_media_play(self) -> None:
        """Play."""
        await self.async_command("media_play")


class ZooFan(ZooEntity, FanEntity):
    """A fan."""

    _attr_supported_features = (
        FanEntityFeature.SET_SPEED
        | FanEntityFeature.DIRECTION
        | FanEntityFeature.TURN_ON
        | FanEntityFeature.TURN_OFF
    )

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_percentage = attributes["percentage"]
        self._attr_current_direction = attributes["direction"]
        if presets := attributes.get("preset_modes"):
            self._attr_preset_modes = presets
            self._attr_preset_mode = attributes["preset_mode"]
            self._attr_supported_features |= FanEntityFeature.PRESET_MODE

    @override
    async def async_turn_on(
        self, percentage: int | None = None, preset_mode: str | None = None, **given: Any
    ) -> None:
        """Turn the fan on, at a speed if one is given."""
        await super().async_turn_on(percentage=percentage, preset_mode=preset_mode, **given)

    @override
    async def async_set_preset_mode(self, preset_mode: str) -> None:
        """Set the preset."""
        await self.async_command("set_preset_mode", preset_mode=preset_mode)

    @override
    async def async_set_percentage(self, percentage: int) -> None:
        """Set the speed."""
        await self.async_command("set_percentage", percentage=percentage)

    @override
    async def async_set_direction(self, direction: str) -> None:
        """Set the direction."""
        await self.async_command("set_direction", direction=direction)


class ZooHumidifier(ZooEntity, HumidifierEntity):
    """A humidifier."""

    _attr_supported_features = HumidifierEntityFeature.MODES

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_is_on = state == "on"
        self._attr_available_modes = attributes["available_modes"]
        self._attr_mode = attributes["mode"]
        self._attr_target_humidity = attributes["humidity"]

    @override
    async def async_set_mode(self, mode: str) -> None:
        """Set the mode."""
        await self.async_command("set_mode", mode=mode)

    @override
    async def async_set_humidity(self, humidity: int) -> None:
        """Set the target humidity."""
        await self.async_command("set_humidity", humidity=humidity)


class ZooCover(ZooEntity, CoverEntity):
    """A blind."""

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_is_closed = state == "closed"
        self._attr_current_cover_position = attributes["current_position"]

    @override
    async def async_set_cover_position(self, **kwargs: Any) -> None:
        """Move."""
        await self.async_command("set_cover_position", position=kwargs["position"])


class ZooSelect(ZooEntity, SelectEntity):
    """A battery's mode."""

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_options = attributes["options"]
        self._attr_current_option = state

    @override
    async def async_select_option(self, option: str) -> None:
        """Change the mode."""
        await self.async_command("select_option", option=option)


class ZooNumber(ZooEntity, NumberEntity):
    """A charge limit."""

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        self._attr_native_value = float(state)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Change the limit."""
        await self.async_command("set_value", value=value)


KINDS: dict[str, type[ZooEntity]] = {
    "climate": ZooClimate,
    "cover": ZooCover,
    "fan": ZooFan,
    "humidifier": ZooHumidifier,
    "light": ZooLight,
    "media_player": ZooMediaPlayer,
    "number": ZooNumber,
    "select": ZooSelect,
    "switch": ZooSwitch,
    "water_heater": ZooWaterHeater,
}


async def async_add_devices(hass: HomeAssistant, *devices: PretendDevice) -> None:
    """Add devices to a home."""
    for domain in {device.domain for device in devices}:
        assert await async_setup_component(hass, domain, {domain: {}})
        entities = [KINDS[domain](device) for device in devices if device.domain == domain]
        await hass.data[DATA_INSTANCES][domain].async_add_entities(entities)
