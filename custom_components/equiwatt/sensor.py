"""Sensors: times of equivents, held devices, use and saving."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast, override

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

from .const import DECIMALS, DOMAIN
from .data import EquiwattConfigEntry, EquiwattRuntimeData
from .entity import EquiwattEntity
from .equivents.model import Equivent

if TYPE_CHECKING:
    from .metering.results import FinishedResult, Results

PARALLEL_UPDATES = 0
LATEST = 5
"""Number of results in the total saving's attributes."""


@dataclass(frozen=True, kw_only=True)
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


def _rounded(energy: float | None) -> float | None:
    """Return an energy as shown, without a negative zero."""
    return None if energy is None else round(energy, DECIMALS) + 0.0


def _total_attributes(data: EquiwattRuntimeData) -> dict[str, Any]:
    """Return the spread of the total saving, the verdict and the latest results."""
    results = cast("Results", data.store.results)  # the meter has set them
    return {
        "equivents": len(results.counted),
        "since": results.since and results.since.isoformat(),
        "spread": _rounded(results.spread),
        "verdict": results.verdict.value,
        "latest": [_as_shown(result) for result in results.counted[:LATEST]],
    }


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


def _attributes(data: EquiwattRuntimeData) -> dict[str, Any] | None:
    """Return the attributes of the shown estimate, times as the event entity has them."""
    if (estimate := data.estimate) is None:
        return None
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
        "measured_until": estimate.measured_until and estimate.measured_until.isoformat(),
        "reason": estimate.reason and estimate.reason.value,
    }


# No state class, as estimates are no counter.
_energy = partial(
    EquiwattSensorDescription,
    device_class=SensorDeviceClass.ENERGY,
    native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
    suggested_display_precision=DECIMALS,
    attributes_fn=_attributes,
    from_api=False,
)

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
)
HELD_DEVICES = EquiwattSensorDescription(
    key="held_devices",
    value_fn=lambda data: len(_held(data)),
    attributes_fn=lambda data: {"entities": _held(data)},
    from_api=False,
)
METER_SENSORS = (
    _energy(
        key="usual_use",
        value_fn=lambda data: _rounded(data.estimate.usual if data.estimate else None),
    ),
    _energy(
        key="use",
        value_fn=lambda data: _rounded(data.estimate.used if data.estimate else None),
    ),
    _energy(
        key="saving",
        value_fn=lambda data: _rounded(data.estimate.saving if data.estimate else None),
    ),
    _energy(
        key="total_saving",
        value_fn=lambda data: _rounded(results.saving if (results := data.store.results) else None),
        attributes_fn=_total_attributes,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of an account."""
    data = entry.runtime_data
    async_add_entities(EquiwattSensor(data, description) for description in SENSORS)
    async_add_entities([EquiwattUnrecordedSensor(data, HELD_DEVICES)])
    if data.meter:
        async_add_entities(
            EquiwattUnrecordedSensor(data, description) for description in METER_SENSORS
        )
    else:
        _remove_meter_sensors(hass, entry)


@callback
def _remove_meter_sensors(hass: HomeAssistant, entry: EquiwattConfigEntry) -> None:
    """Remove the sensors of a meter that is no longer chosen."""
    registry = er.async_get(hass)
    for description in METER_SENSORS:
        unique_id = f"{entry.entry_id}_{description.key}"
        if entity_id := registry.async_get_entity_id(SENSOR_DOMAIN, DOMAIN, unique_id):
            registry.async_remove(entity_id)


class EquiwattSensor(EquiwattEntity, SensorEntity):
    """Sensor of an account or its meter."""

    domain = Platform.SENSOR

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


class EquiwattUnrecordedSensor(EquiwattSensor):
    """Sensor with attributes that are too long to be recorded."""

    _unrecorded_attributes = frozenset({MATCH_ALL})
