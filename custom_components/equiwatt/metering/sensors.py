"""Sensors of the meter: use, usual use and saving."""

from functools import partial
from typing import cast

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import MATCH_ALL, UnitOfEnergy

from ..const import DECIMALS
from ..sensor import EquiwattSensor, EquiwattSensorDescription
from .results import Results, rounded

# No state class, as estimates are no counter.
_energy = partial(
    EquiwattSensorDescription,
    device_class=SensorDeviceClass.ENERGY,
    native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
    suggested_display_precision=DECIMALS,
    attributes_fn=lambda data: data.estimate.as_shown() if data.estimate else None,
    from_api=False,
)

SENSORS = (
    _energy(
        key="usual_use",
        value_fn=lambda data: rounded(data.estimate.usual if data.estimate else None),
    ),
    _energy(
        key="use",
        value_fn=lambda data: rounded(data.estimate.used if data.estimate else None),
    ),
    _energy(
        key="saving",
        value_fn=lambda data: rounded(data.estimate.saving if data.estimate else None),
    ),
    _energy(
        key="total_saving",
        value_fn=lambda data: rounded(results.saving if (results := data.store.results) else None),
        attributes_fn=lambda data: cast("Results", data.store.results).as_shown(),
    ),
)


class MeterSensor(EquiwattSensor):
    """Sensor of the meter, whose attributes are too long to be recorded."""

    _unrecorded_attributes = frozenset({MATCH_ALL})
