"""Entities of the pretend devices."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, override

from homeassistant.components.climate import ClimateEntity
from homeassistant.components.climate.const import ClimateEntityFeature, HVACMode
from homeassistant.components.cover import CoverEntity, CoverEntityFeature
from homeassistant.components.fan import FanEntity, FanEntityFeature  # type: ignore[attr-defined]
from homeassistant.components.humidifier import HumidifierEntity
from homeassistant.components.humidifier.const import HumidifierEntityFeature
from homeassistant.components.light import LightEntity
from homeassistant.components.light.const import LightEntityFeature
from homeassistant.components.media_player import MediaPlayerEntity
from homeassistant.components.media_player.const import MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.components.number import NumberEntity
from homeassistant.components.remote import RemoteEntity, RemoteEntityFeature  # type: ignore[attr-defined]
from homeassistant.components.select import SelectEntity
from homeassistant.components.switch import SwitchEntity
from homeassistant.components.water_heater import WaterHeaterEntity, WaterHeaterEntityFeature  # type: ignore[attr-defined]
from homeassistant.const import UnitOfTemperature
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_component import DATA_INSTANCES
from homeassistant.helpers.event import async_call_later
from homeassistant.setup import async_setup_component

from .pretend import PretendDevice

NAMES = {
    "current_position": "current_cover_position",
    "direction": "current_direction",
    "humidity": "target_humidity",
    "target_temp_high": "target_temperature_high",
    "target_temp_low": "target_temperature_low",
    "temperature": "target_temperature",
}
"""Names of attributes in Home Assistant's classes, where they differ."""


def forward(service: str, *names: str) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return a method that sends a command, with the names of its positional arguments."""

    async def method(self: ZooEntity, *args: Any, **given: Any) -> None:
        """Send the command."""
        await self.async_command(service, dict(zip(names, args, strict=False)) | given)

    return method


class ZooEntity(Entity):
    """Entity of a pretend device."""

    _attr_should_poll = False
    features: Callable[[int], int] = int
    state_name = "is_on"
    read_state: Callable[[str], Any] = "on".__eq__

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
        for name, value in attributes.items():
            setattr(self, f"_attr_{NAMES.get(name, name)}", value)
        self._attr_supported_features = self.features(attributes["supported_features"])
        value = None if state == "unknown" else self.read_state(state)
        setattr(self, f"_attr_{self.state_name}", value)

    async def async_command(self, service: str, given: Mapping[str, Any]) -> None:
        """Send a command, which may take a while."""
        data = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in given.items()
            if value is not None and key != "entity_id"
        }
        if self.pretend.before_command:
            await self.pretend.before_command(service)
        try:
            self.pretend.command(service, data)
        finally:
            if self.pretend.nature.takes:
                await asyncio.sleep(self.pretend.nature.takes)

    async_turn_on = forward("turn_on", "percentage", "preset_mode")
    async_turn_off = forward("turn_off")


class ZooSwitch(ZooEntity, SwitchEntity):
    """A plug."""


class ZooRemote(ZooEntity, RemoteEntity):
    """A remote control."""

    features = RemoteEntityFeature


class ZooClimate(ZooEntity, ClimateEntity):
    """A thermostat."""

    _attr_temperature_unit = UnitOfTemperature.CELSIUS
    features = ClimateEntityFeature
    state_name = "hvac_mode"
    read_state = HVACMode
    async_set_hvac_mode = forward("set_hvac_mode", "hvac_mode")
    async_set_temperature = forward("set_temperature")
    async_set_preset_mode = forward("set_preset_mode", "preset_mode")


class ZooWaterHeater(ZooEntity, WaterHeaterEntity):
    """A water heater."""

    _attr_temperature_unit = UnitOfTemperature.CELSIUS
    features = WaterHeaterEntityFeature
    state_name = "current_operation"
    read_state = str
    async_set_operation_mode = forward("set_operation_mode", "operation_mode")
    async_set_temperature = forward("set_temperature")


class ZooLight(ZooEntity, LightEntity):
    """A lamp."""

    features = LightEntityFeature

    @override
    def _update(self, state: str, attributes: Mapping[str, Any]) -> None:
        """Update the attributes from a report."""
        super()._update(state, attributes)
        self._attr_supported_color_modes = set(attributes["supported_color_modes"])


class ZooMediaPlayer(ZooEntity, MediaPlayerEntity):
    """A player."""

    features = MediaPlayerEntityFeature
    state_name = "state"
    read_state = MediaPlayerState
    async_media_play = forward("media_play")


class ZooFan(ZooEntity, FanEntity):
    """A fan."""

    features = FanEntityFeature
    async_set_preset_mode = forward("set_preset_mode", "preset_mode")
    async_set_percentage = forward("set_percentage", "percentage")
    async_set_direction = forward("set_direction", "direction")


class ZooHumidifier(ZooEntity, HumidifierEntity):
    """A humidifier."""

    features = HumidifierEntityFeature
    async_set_mode = forward("set_mode", "mode")
    async_set_humidity = forward("set_humidity", "humidity")


class ZooCover(ZooEntity, CoverEntity):
    """A blind."""

    features = CoverEntityFeature
    state_name = "is_closed"
    read_state = "closed".__eq__
    async_set_cover_position = forward("set_cover_position")


class ZooSelect(ZooEntity, SelectEntity):
    """A battery's mode."""

    state_name = "current_option"
    read_state = str
    async_select_option = forward("select_option", "option")


class ZooNumber(ZooEntity, NumberEntity):
    """A charge limit."""

    state_name = "native_value"
    read_state = float
    async_set_native_value = forward("set_value", "value")


ENTITIES: dict[str, type[ZooEntity]] = {
    "climate": ZooClimate,
    "cover": ZooCover,
    "fan": ZooFan,
    "humidifier": ZooHumidifier,
    "light": ZooLight,
    "media_player": ZooMediaPlayer,
    "number": ZooNumber,
    "remote": ZooRemote,
    "select": ZooSelect,
    "switch": ZooSwitch,
    "water_heater": ZooWaterHeater,
}


async def install[*Devices](hass: HomeAssistant, *devices: *Devices) -> tuple[*Devices]:
    """Add devices to a home."""
    for device in devices:
        assert isinstance(device, PretendDevice)
        assert await async_setup_component(hass, device.domain, {})
        entity = ENTITIES[device.domain](device)
        await hass.data[DATA_INSTANCES][device.domain].async_add_entities([entity])
    return devices
