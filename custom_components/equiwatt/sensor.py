"""The times of the live and of the last equivent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription
from homeassistant.const import EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .data import EquiwattConfigEntry, EquiwattRuntimeData
from .entity import EquiwattEntity
from .equivents.model import Equivent

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class EquiwattSensorDescription(SensorEntityDescription):
    """Describes a sensor; `from_api` marks what is worth no more than the API's word."""

    value_fn: Callable[[EquiwattRuntimeData], datetime | float | None]
    from_api: bool = True


def _start(equivent: Equivent | None) -> datetime | None:
    """Return when an equivent started."""
    return equivent.start if equivent else None


def _end(equivent: Equivent | None) -> datetime | None:
    """Return when an equivent ends or ended."""
    return equivent.end if equivent else None


def _seconds(equivent: Equivent | None) -> float | None:
    """Return how long a finished equivent lasted."""
    if equivent is None or equivent.end is None:
        return None
    return (equivent.end - equivent.start).total_seconds()


SENSORS = (
    EquiwattSensorDescription(
        key="current_start",
        translation_key="current_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: _start(data.coordinator.data.live),
    ),
    EquiwattSensorDescription(
        key="current_end",
        translation_key="current_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: _end(data.coordinator.data.live),
    ),
    EquiwattSensorDescription(
        key="last_start",
        translation_key="last_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: _start(data.coordinator.data.last),
    ),
    EquiwattSensorDescription(
        key="last_end",
        translation_key="last_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: _end(data.coordinator.data.last),
    ),
    EquiwattSensorDescription(
        key="last_duration",
        translation_key="last_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.MINUTES,
        suggested_display_precision=0,
        value_fn=lambda data: _seconds(data.coordinator.data.last),
    ),
    EquiwattSensorDescription(
        key="last_webhook",
        translation_key="last_webhook",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda data: data.store.webhook.received_at,
        from_api=False,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of an account."""
    async_add_entities(EquiwattSensor(entry.runtime_data, description) for description in SENSORS)


class EquiwattSensor(EquiwattEntity, SensorEntity):
    """A time or a duration."""

    entity_description: EquiwattSensorDescription

    def __init__(self, data: EquiwattRuntimeData, description: EquiwattSensorDescription) -> None:
        """Keep what the value is read from."""
        super().__init__(data.coordinator, description)
        self._data = data

    @property
    @override
    def available(self) -> bool:
        """Return True while the value can be relied upon."""
        return super().available or not self.entity_description.from_api

    @property
    @override
    def native_value(self) -> datetime | float | None:
        """Return the value."""
        return self.entity_description.value_fn(self._data)

    @property
    @override
    def shown(self) -> object:
        """Return what the entity shows."""
        return self.native_value
