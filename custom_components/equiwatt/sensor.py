"""Sensors: times of equivents, held devices, use and saving."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, override

from homeassistant.components.sensor import (
    DOMAIN as SENSOR_DOMAIN,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
)
from homeassistant.const import MATCH_ALL, EntityCategory, Platform, UnitOfEnergy, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import EquiwattCoordinator
from .data import EquiwattConfigEntry, EquiwattRuntimeData
from .entity import EquiwattEntity, EquiwattLastingEntity
from .equivents.model import Equivent
from .metering.results import DECIMALS, Estimate, FinishedResult, total

if TYPE_CHECKING:
    from .metering.meter import Meter

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class EquiwattSensorDescription(SensorEntityDescription):
    """Describes a sensor; `from_api` marks values that are unavailable with the API."""

    value_fn: Callable[[EquiwattRuntimeData], datetime | float | None]
    attributes_fn: Callable[[EquiwattRuntimeData], dict[str, Any]] | None = None
    from_api: bool = True


def _start(equivent: Equivent | None) -> datetime | None:
    """Return the start of an equivent."""
    return equivent.start if equivent else None


def _end(equivent: Equivent | None) -> datetime | None:
    """Return the end of an equivent, None if unknown."""
    return equivent.end if equivent else None


def _seconds(equivent: Equivent | None) -> float | None:
    """Return the duration of a finished equivent."""
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
        key="next_start",
        translation_key="next_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda data: data.coordinator.next_start[0],
        attributes_fn=lambda data: {"kind": data.coordinator.next_start[1]},
        # Plans are the user's and valid without the API.
        from_api=False,
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


HELD_DEVICES = SensorEntityDescription(key="held_devices", translation_key="held_devices")


@dataclass(frozen=True, kw_only=True)
class EquiwattMeterDescription(SensorEntityDescription):
    """Describes an estimate in kWh, without a state class as estimates are no counter."""

    value_fn: Callable[[Estimate], float | None]
    device_class: SensorDeviceClass = SensorDeviceClass.ENERGY
    native_unit_of_measurement: str = UnitOfEnergy.KILO_WATT_HOUR
    suggested_display_precision: int = DECIMALS


METER_SENSORS = (
    EquiwattMeterDescription(
        key="usual_use",
        translation_key="usual_use",
        value_fn=lambda estimate: estimate.usual,
    ),
    EquiwattMeterDescription(
        key="use",
        translation_key="use",
        value_fn=lambda estimate: estimate.used,
    ),
    EquiwattMeterDescription(
        key="saving",
        translation_key="saving",
        value_fn=lambda estimate: estimate.saving,
    ),
)

TOTAL_SAVING = SensorEntityDescription(
    key="total_saving",
    translation_key="total_saving",
    device_class=SensorDeviceClass.ENERGY,
    native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
    suggested_display_precision=DECIMALS,
)
LATEST = 5
"""Number of results in the total saving's attributes."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of an account."""
    data = entry.runtime_data
    async_add_entities(EquiwattSensor(data, description) for description in SENSORS)
    async_add_entities([EquiwattHeldDevices(data)])
    if meter := data.meter:
        async_add_entities(
            EquiwattMeterSensor(data.coordinator, description, meter)
            for description in METER_SENSORS
        )
        async_add_entities([EquiwattTotalSaving(data)])
    else:
        _remove_meter_sensors(hass, entry)


@callback
def _remove_meter_sensors(hass: HomeAssistant, entry: EquiwattConfigEntry) -> None:
    """Remove the sensors of a meter that is no longer chosen."""
    registry = er.async_get(hass)
    for description in (*METER_SENSORS, TOTAL_SAVING):
        unique_id = f"{entry.entry_id}_{description.key}"
        if entity_id := registry.async_get_entity_id(SENSOR_DOMAIN, DOMAIN, unique_id):
            registry.async_remove(entity_id)


class EquiwattSensor(EquiwattEntity, SensorEntity):
    """Sensor of a time or a duration."""

    domain = Platform.SENSOR

    entity_description: EquiwattSensorDescription

    def __init__(self, data: EquiwattRuntimeData, description: EquiwattSensorDescription) -> None:
        """Initialize the sensor."""
        super().__init__(data.coordinator, description)
        self._data = data

    @property
    @override
    def available(self) -> bool:
        """Return True if the value does not depend on the API, or the API is available."""
        return super().available or not self.entity_description.from_api

    @property
    @override
    def native_value(self) -> datetime | float | None:
        """Return the value."""
        return self.entity_description.value_fn(self._data)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return the attributes, if the sensor has any."""
        attributes_fn = self.entity_description.attributes_fn
        return attributes_fn(self._data) if attributes_fn else None

    @property
    @override
    def shown(self) -> object:
        """Return what the entity shows."""
        return self.native_value, self.extra_state_attributes


class EquiwattHeldDevices(EquiwattLastingEntity, SensorEntity):
    """Sensor of the number of held devices."""

    domain = Platform.SENSOR

    _unrecorded_attributes = frozenset({"entities"})

    def __init__(self, data: EquiwattRuntimeData) -> None:
        """Initialize the sensor."""
        super().__init__(data.coordinator, HELD_DEVICES)
        self._holding = data.holding

    @override
    async def async_added_to_hass(self) -> None:
        """Update when a device is held or restored."""
        await super().async_added_to_hass()
        self.async_on_remove(self._holding.async_listen(self._handle_coordinator_update))

    @property
    @override
    def native_value(self) -> int:
        """Return the number of held devices."""
        return len(self.shown)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the held devices."""
        return {"entities": self.shown}

    @property
    @override
    def shown(self) -> list[dict[str, Any]]:
        """Return the held devices, each with its deadline and original state."""
        live, now = self.coordinator.data.live, self.coordinator.clock.now()
        end = live.end if live and live.end and live.end > now else None  # unknown in an overrun
        held = self._holding.held_for(self.coordinator.config_entry.entry_id)
        return [held_device.as_shown(end) for held_device in held]


class EquiwattMeterSensor(EquiwattLastingEntity, SensorEntity):
    """Sensor of the use, the usual use or the saving in an equivent."""

    domain = Platform.SENSOR

    entity_description: EquiwattMeterDescription
    _unrecorded_attributes = frozenset({MATCH_ALL})

    def __init__(
        self,
        coordinator: EquiwattCoordinator,
        description: EquiwattMeterDescription,
        meter: Meter,
    ) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, description)
        self._meter = meter

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the meter."""
        await super().async_added_to_hass()
        self.async_on_remove(self._meter.async_listen(self._handle_coordinator_update))

    @property
    @override
    def native_value(self) -> float | None:
        """Return the figure."""
        estimate = self._meter.estimate
        return _rounded(self.entity_description.value_fn(estimate)) if estimate else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return the estimate behind the figure."""
        return _attributes(self._meter.estimate) if self._meter.estimate else None

    @property
    @override
    def shown(self) -> object:
        """Return what the entity shows."""
        return self._meter.estimate


class EquiwattTotalSaving(EquiwattLastingEntity, SensorEntity):
    """Sensor of the total saving, with the verdict on it."""

    domain = Platform.SENSOR

    _unrecorded_attributes = frozenset({MATCH_ALL})

    def __init__(self, data: EquiwattRuntimeData) -> None:
        """Initialize the sensor with the stored results."""
        super().__init__(data.coordinator, TOTAL_SAVING)
        self._store = data.store
        self._total = total(data.store.results)

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the results."""
        await super().async_added_to_hass()
        self.async_on_remove(self._store.async_listen_results(self._on_results))

    @callback
    def _on_results(self) -> None:
        """Add up the results again."""
        self._total = total(self._store.results)
        self._handle_coordinator_update()

    @property
    @override
    def native_value(self) -> float | None:
        """Return the sum of all savings."""
        return _rounded(self._total.saving)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the spread of the sum, the verdict and the latest results."""
        since = self._total.since
        return {
            "equivents": len(self._total.counted),
            "since": since.isoformat() if since else None,
            "spread": _rounded(self._total.spread),
            "verdict": self._total.verdict.value,
            "latest": [_as_shown(result) for result in self._total.counted[:LATEST]],
        }

    @property
    @override
    def shown(self) -> object:
        """Return what the entity shows."""
        return self._total


def _as_shown(result: FinishedResult) -> dict[str, Any]:
    """Return the figures of one equivent."""
    found = result.estimate
    return {
        "start": result.equivent.start.isoformat(),
        "usual": _rounded(found.usual),
        "used": _rounded(found.used),
        "saving": _rounded(found.saving),
        "lower_than": found.lower_than,
        "days_used": found.days_used,
    }


def _attributes(estimate: Estimate) -> dict[str, Any]:
    """Return the attributes of an estimate, times as the event entity has them."""
    until = estimate.measured_until
    return {
        "start": estimate.start.isoformat(),
        "end": estimate.end.isoformat(),
        "half_hours": [
            {
                "start": half_hour.start.isoformat(),
                "usual": _rounded(half_hour.usual),
                "used": _rounded(half_hour.used),
            }
            for half_hour in estimate.half_hours
        ],
        "days_used": estimate.days_used,
        "days_wanted": estimate.days_wanted,
        "lowest_day": _rounded(estimate.lowest_day),
        "highest_day": _rounded(estimate.highest_day),
        "lower_than": estimate.lower_than,
        "so_far": _rounded(estimate.so_far),
        "approximate": estimate.approximate,
        "final": estimate.final,
        "measured_until": until.isoformat() if until else None,
        "reason": estimate.reason.value if estimate.reason else None,
    }


def _rounded(energy: float | None) -> float | None:
    """Return an energy as shown, without a negative zero."""
    return None if energy is None else round(energy, DECIMALS) + 0.0
