"""Sensors: times of equivents, and held devices."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription
from homeassistant.const import EntityCategory, Platform, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.importlib import async_import_module

from .data import EquiwattConfigEntry, EquiwattRuntimeData
from .entity import EquiwattEntity
from .equivents.model import Equivent

PARALLEL_UPDATES = 0


# Descriptions are never compared nor printed, and those methods, with all fields of Home
# Assistant's description, would take half of their memory.
@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EquiwattSensorDescription(SensorEntityDescription):
    """Describes a sensor; `from_api` marks values that are unavailable with the API."""

    value_fn: Callable[[EquiwattRuntimeData], datetime | float | None]
    attributes_fn: Callable[[EquiwattRuntimeData], dict[str, Any] | None] = lambda _: None
    from_api: bool = True


def _seconds(equivent: Equivent | None) -> float | None:
    """Return the duration of a finished equivent."""
    if equivent is None or equivent.end is None:
        return None
    return (equivent.end - equivent.start).total_seconds()


def _held(data: EquiwattRuntimeData) -> list[dict[str, Any]]:
    """Return the held devices, each with its deadline and original state."""
    live, now = data.coordinator.data.live, data.coordinator.clock.now()
    end = live.end if live and live.end and live.end > now else None  # unknown in an overrun
    held = data.holding.held_for(data.coordinator.config_entry.entry_id)
    return [held_device.as_shown(end) for held_device in held]


SENSORS = (
    EquiwattSensorDescription(
        key="current_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: live.start if (live := data.coordinator.data.live) else None,
    ),
    EquiwattSensorDescription(
        key="current_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: live.end if (live := data.coordinator.data.live) else None,
    ),
    EquiwattSensorDescription(
        key="next_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: data.coordinator.next_start[0],
        attributes_fn=lambda data: {"kind": data.coordinator.next_start[1]},
        # Plans are the user's and valid without the API.
        from_api=False,
    ),
    EquiwattSensorDescription(
        key="last_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: last.start if (last := data.coordinator.data.last) else None,
    ),
    EquiwattSensorDescription(
        key="last_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: last.end if (last := data.coordinator.data.last) else None,
    ),
    EquiwattSensorDescription(
        key="last_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.MINUTES,
        suggested_display_precision=0,
        value_fn=lambda data: _seconds(data.coordinator.data.last),
    ),
    EquiwattSensorDescription(
        key="last_webhook",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda data: data.store.webhook.received_at,
        from_api=False,
    ),
    EquiwattSensorDescription(
        key="held_devices",
        value_fn=lambda data: len(_held(data)),
        attributes_fn=lambda data: {"entities": _held(data)},
        from_api=False,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of an account."""
    data = entry.runtime_data
    sensors = [EquiwattSensor(data, description) for description in SENSORS]
    if data.meter:  # else its modules aren't imported
        metering = await async_import_module(hass, f"{__package__}.metering.sensors")
        sensors += (metering.MeterSensor(data, description) for description in metering.SENSORS)
    _remove_others(hass, entry, sensors)
    async_add_entities(sensors)


@callback
def _remove_others(
    hass: HomeAssistant, entry: EquiwattConfigEntry, sensors: Iterable[EquiwattSensor]
) -> None:
    """Remove the sensors of a meter that is no longer chosen."""
    registry, unique_ids = er.async_get(hass), {sensor.unique_id for sensor in sensors}
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if entity.domain == Platform.SENSOR and entity.unique_id not in unique_ids:
            registry.async_remove(entity.entity_id)


class EquiwattSensor(EquiwattEntity, SensorEntity):
    """Sensor of an account."""

    domain = Platform.SENSOR

    _unrecorded_attributes = frozenset({"entities"})
    """Too long to be recorded."""
    entity_description: EquiwattSensorDescription

    def __init__(self, data: EquiwattRuntimeData, description: EquiwattSensorDescription) -> None:
        """Initialize the sensor."""
        super().__init__(data, description)
        self._from_api = description.from_api

    @property
    @override
    def native_value(self) -> datetime | float | None:
        """Return the value."""
        return self.entity_description.value_fn(self._data)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return the attributes, if the sensor has any."""
        return self.entity_description.attributes_fn(self._data)
