"""Simple pretend devices, which can be told to obey or not."""

from typing import Any, override

from homeassistant.components.climate import ClimateEntity
from homeassistant.components.climate.const import ClimateEntityFeature, HVACMode
from homeassistant.components.fan import FanEntity, FanEntityFeature  # type: ignore[attr-defined]
from homeassistant.components.humidifier import HumidifierEntity
from homeassistant.components.light import LightEntity
from homeassistant.components.light.const import ColorMode
from homeassistant.components.media_player import MediaPlayerEntity
from homeassistant.components.media_player.const import MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.components.remote import RemoteEntity
from homeassistant.components.switch import SwitchEntity
from homeassistant.components.water_heater import WaterHeaterEntity, WaterHeaterEntityFeature  # type: ignore[attr-defined]
from homeassistant.const import ATTR_TEMPERATURE, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_component import DATA_INSTANCES
from homeassistant.setup import async_setup_component


class Device(Entity):
    """Device with a list of received commands."""

    _attr_should_poll = False

    def __init__(self, name: str) -> None:
        """Initialize as obedient."""
        self._attr_name = name
        self._attr_unique_id = name
        self.commands: list[str] = []
        self.obeys = True
        self.error: Exception | None = None

    def command(self, what: str) -> bool:
        """Record a command and return True if it is obeyed."""
        self.commands.append(what)
        if self.error:
            raise self.error
        return self.obeys

    def report(self, **values: Any) -> None:
        """Change the state, as the device does by itself."""
        for name, value in values.items():
            setattr(self, f"_attr_{name}", value)
        self.async_write_ha_state()


class Plug(Device, SwitchEntity):
    """A smart plug that is on."""

    _attr_is_on = True

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn on."""
        if self.command("on"):
            self.report(is_on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn off."""
        if self.command("off"):
            self.report(is_on=False)


class Thermostat(Device, ClimateEntity):
    """A thermostat that heats to 21 °C."""

    _attr_hvac_mode = HVACMode.HEAT
    _attr_target_temperature: float | None = 21.0
    _attr_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_supported_features = ClimateEntityFeature.TARGET_TEMPERATURE

    def __init__(self, name: str) -> None:
        """Initialize the features."""
        super().__init__(name)
        self._attr_hvac_modes = [HVACMode.OFF, HVACMode.HEAT, HVACMode.AUTO]

    @override
    async def async_set_hvac_mode(self, hvac_mode: HVACMode) -> None:
        """Set the mode; off resets the temperature."""
        if self.command(hvac_mode):
            self.report(hvac_mode=hvac_mode, target_temperature=7.0)

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        """Set the temperature."""
        if self.command(f"{kwargs[ATTR_TEMPERATURE]:g}"):
            self.report(target_temperature=kwargs[ATTR_TEMPERATURE])


class Boiler(Device, WaterHeaterEntity):
    """A water heater with modes."""

    _attr_current_operation: str | None = "timed"
    _attr_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_supported_features = WaterHeaterEntityFeature.OPERATION_MODE

    def __init__(self, name: str) -> None:
        """Initialize the features."""
        super().__init__(name)
        self._attr_operation_list = ["off", "timed", "eco"]

    @override
    async def async_set_operation_mode(self, operation_mode: str) -> None:
        """Set the mode."""
        if self.command(operation_mode):
            self.report(current_operation=operation_mode)


class Lamp(Device, LightEntity):
    """A red lamp."""

    _attr_is_on = True
    _attr_color_mode = ColorMode.RGB
    _attr_rgb_color: tuple[int, int, int] | None = (255, 0, 0)
    _attr_brightness: int | None = 77

    def __init__(self, name: str) -> None:
        """Initialize the features."""
        super().__init__(name)
        self._attr_supported_color_modes = {ColorMode.RGB}

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn on, white by default."""
        if self.command("on"):
            color = kwargs.get("rgb_color", (255, 255, 255))
            self.report(is_on=True, rgb_color=color, brightness=kwargs.get("brightness", 255))

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn off."""
        if self.command("off"):
            self.report(is_on=False, rgb_color=None, brightness=None)


class Toggle(Device):
    """A device that can be turned on and off."""

    async def async_turn_on(self, *args: Any, **kwargs: Any) -> None:
        """Turn on."""
        if self.command("on"):
            self.report(is_on=True, state=MediaPlayerState.ON)

    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn off."""
        if self.command("off"):
            self.report(is_on=False, state=MediaPlayerState.OFF)


class Player(Toggle, MediaPlayerEntity):
    """A media player."""

    _attr_state = MediaPlayerState.ON
    _attr_supported_features = MediaPlayerEntityFeature.TURN_ON | MediaPlayerEntityFeature.TURN_OFF


class Humidifier(Toggle, HumidifierEntity):
    """A humidifier."""

    _attr_is_on = True


class Remote(Toggle, RemoteEntity):
    """A remote control."""

    _attr_is_on = True


class Ventilator(Device, FanEntity):
    """A fan with speeds."""

    _attr_percentage = 100
    _attr_supported_features = (
        FanEntityFeature.TURN_ON | FanEntityFeature.TURN_OFF | FanEntityFeature.SET_SPEED
    )

    @override
    async def async_turn_on(
        self, percentage: int | None = None, preset_mode: str | None = None, **kwargs: Any
    ) -> None:
        """Turn on, at full speed by default."""
        if self.command("on"):
            self.report(percentage=percentage or 100)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn off."""
        if self.command("off"):
            self.report(percentage=0)

    @override
    async def async_set_percentage(self, percentage: int) -> None:
        """Set the speed."""
        if self.command(f"{percentage} %"):
            self.report(percentage=percentage)


DOMAINS = {
    Boiler: "water_heater",
    Humidifier: "humidifier",
    Lamp: "light",
    Player: "media_player",
    Plug: "switch",
    Remote: "remote",
    Thermostat: "climate",
    Ventilator: "fan",
}


async def install[*Devices](hass: HomeAssistant, *devices: *Devices) -> tuple[*Devices]:
    """Add devices to a home."""
    by_domain: dict[str, list[Device]] = {}
    for device in devices:
        assert isinstance(device, Device)
        by_domain.setdefault(
            next(DOMAINS[cls] for cls in type(device).__mro__ if cls in DOMAINS), []
        ).append(device)
    for domain, entities in by_domain.items():
        assert await async_setup_component(hass, domain, {})
        await hass.data[DATA_INSTANCES][domain].async_add_entities(entities)
    await hass.async_block_till_done()
    return devices
