"""Meters of all kinds, whose rows the real recorder keeps."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.equiwatt.metering.baseline import GRID
from homeassistant.components.recorder.db_schema import StatisticsShortTerm
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    async_import_statistics,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance

from .example import in_between

HOUR = timedelta(hours=1)
METER = "sensor.meter"
SECOND_METER = "sensor.second_meter"
EXTERNAL = "supplier:import"


def metadata(meter: str, unit: str = "kWh", unit_class: str = "energy") -> StatisticMetaData:
    """Return what the recorder knows a meter by."""
    found: StatisticMetaData = StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=None,
        source=meter.split(":", maxsplit=1)[0] if ":" in meter else "recorder",
        statistic_id=meter,
        unit_class=unit_class,
        unit_of_measurement=unit,
    )
    return found


def rows(readings: Mapping[datetime, float], length: timedelta) -> list[StatisticData]:
    """Return rows of a length by what the meter showed when they ended."""
    return [
        StatisticData(start=end - length, state=total, sum=total) for end, total in readings.items()
    ]


class Meters:
    """Writes rows to the recorder, or has it make them from states."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Keep what is turned."""
        self.hass = hass
        self.freezer = freezer

    async def five_minutes(
        self, readings: dict[datetime, float], meter: str = METER, unit: str = "kWh"
    ) -> None:
        """Write rows of five minutes, by when they end; between half hours those in between."""
        every = rows(in_between(readings), GRID)
        get_instance(self.hass).async_import_statistics(
            metadata(meter, unit), every, StatisticsShortTerm
        )
        await async_wait_recording_done(self.hass)

    async def hours(
        self, readings: dict[datetime, float], meter: str = METER, unit: str = "kWh"
    ) -> None:
        """Write those rows of hours that end on an hour, by when they end."""
        full = {end: total for end, total in readings.items() if end.minute == 0}
        add = async_add_external_statistics if ":" in meter else async_import_statistics
        add(self.hass, metadata(meter, unit), rows(full, HOUR))
        await async_wait_recording_done(self.hass)

    async def report(
        self, until: datetime, states: Mapping[datetime, float | str], meter: str = METER
    ) -> None:
        """Let a meter change its state, and the recorder make its rows until a time."""
        for moment, state in states.items():
            self.freezer.move_to(moment)
            self.set_state(state, meter)
        await async_wait_recording_done(self.hass)
        start = min(states).replace(minute=0)
        while start < until:
            do_adhoc_statistics(self.hass, start=start)
            start += GRID
        self.freezer.move_to(until)
        await async_wait_recording_done(self.hass)

    def set_state(self, state: float | str, meter: str = METER) -> None:
        """Set the state of a meter."""
        attributes = {
            "device_class": "energy",
            "state_class": "total_increasing",
            "unit_of_measurement": "kWh",
        }
        self.hass.states.async_set(meter, str(state), attributes)
