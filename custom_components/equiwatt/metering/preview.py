"""Preview of meters in the options dialog, before they are chosen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from homeassistant.const import CONF_SOURCE
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..const import SOURCE_ENERGY_DASHBOARD
from ..equivents.model import Equivent
from .baseline import GRID, Readings, Window, equivent_days, usual_days
from .days import DAY, LONDON, is_working
from .readings import UnreadableError, async_find_meters, async_read, async_unfit

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """An error or the dialog's next step, and its placeholders."""

    error: str | None = None
    step: str = ""
    placeholders: dict[str, str] = field(default_factory=dict)


async def async_preview(
    hass: HomeAssistant, options: Mapping[str, Any], past: Iterable[Equivent]
) -> Preview:
    """Return the preview of the meters in the options."""
    meters = await async_find_meters(hass, options)
    if not meters and options[CONF_SOURCE] == SOURCE_ENERGY_DASHBOARD:
        return Preview(error="no_grid_import")
    if not meters:
        return Preview(error="no_sensors")
    if unfit := await async_unfit(hass, meters):
        return _without_statistics(hass, unfit)
    now = dt_util.utcnow()
    try:
        readings = await async_read(hass, meters, now)
    except UnreadableError:
        return _without_statistics(hass, meters)
    pairs = zip(meters, readings, strict=True)
    still = [meter for meter, each in pairs if each.still_since and now - each.still_since > WEEK]
    pace = max((each.pace for each in readings if each.pace), default=None)
    window = _evening(now)
    days = equivent_days(past, window)
    return Preview(
        step=_step(readings, still, pace),
        placeholders={
            "meters": ", ".join(_label(hass, meter) for meter in meters),
            "still": ", ".join(_label(hass, meter) for meter in still),
            "days": str(len(usual_days(window, days, readings))),
            "days_wanted": str(window.days_wanted),
            "minutes": str(round((pace or GRID) / timedelta(minutes=1))),
        },
    )


def _without_statistics(hass: HomeAssistant, meters: Iterable[str]) -> Preview:
    """Return the error that names meters without statistics."""
    named = ", ".join(_label(hass, meter) for meter in meters)
    return Preview(error="no_statistics", placeholders={"meters": named})


def _step(readings: Sequence[Readings], still: Sequence[str], pace: timedelta | None) -> str:
    """Return the step that describes the meters."""
    if not all(each.newest for each in readings):
        return "preview_new"
    if any(each.is_slow for each in readings):
        return "preview_too_slow"
    if still:
        return "preview_still"
    if any(each.is_hourly for each in readings):
        return "preview_hourly"
    if pace is None:
        return "preview_new"
    return "preview_rough" if pace > GRID else "preview"


def _evening(now: datetime) -> Window:
    """Return a typical hour of equivents, on the next working day."""
    day = now.astimezone(LONDON).date()
    while not is_working(day):
        day += DAY
    start = datetime.combine(day, time(17), LONDON).astimezone(UTC)
    return Window(start=start, end=start + timedelta(hours=1))


def _label(hass: HomeAssistant, meter: str) -> str:
    """Return a meter's name and id, or only the id of an external statistic."""
    state = hass.states.get(meter)
    return f"{state.name} (`{meter}`)" if state else f"`{meter}`"
