"""What the dialog says of meters before they are chosen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from homeassistant.const import CONF_SOURCE
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..const import SOURCE_ENERGY_DASHBOARD
from ..equivents.model import Equivent
from .account import finder
from .baseline import GRID
from .days import days_of
from .readings import Survey, UnreadableError, async_survey, async_unfit


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """An error, or which step of the dialog has the right words, and what is filled in there."""

    error: str | None = None
    step: str = ""
    placeholders: dict[str, str] = field(default_factory=dict)


async def async_preview(
    hass: HomeAssistant, options: Mapping[str, Any], past: Iterable[Equivent]
) -> Preview:
    """Return what can be expected of the meters that some options name."""
    meters = await finder(hass, options)()
    if not meters and options[CONF_SOURCE] == SOURCE_ENERGY_DASHBOARD:
        return Preview(error="no_grid_import")
    if not meters or await async_unfit(hass, meters):
        return Preview(error="no_statistics")
    try:
        survey = await async_survey(hass, meters, _days(past), dt_util.utcnow())
    except UnreadableError:
        return Preview(error="no_statistics")
    return Preview(step=_step(survey), placeholders=_placeholders(hass, meters, survey))


def _days(past: Iterable[Equivent]) -> set[date]:
    """Return the days of equivents, which count for nothing."""
    return {day for each in past if each.end for day in days_of(each.start, each.end)}


def _step(survey: Survey | None) -> str:
    """Return the step whose words suit the meters."""
    if survey is None:
        return "preview_new"
    if survey.is_hourly:
        return "preview_hourly"
    if survey.is_slow:
        return "preview_too_slow"
    if survey.pace is None:
        return "preview_new"
    return "preview_rough" if survey.pace > GRID else "preview"


def _placeholders(
    hass: HomeAssistant, meters: Sequence[str], survey: Survey | None
) -> dict[str, str]:
    """Return which meters they are, for how many days they serve, and how often they report."""
    pace = survey.pace if survey and survey.pace else GRID
    return {
        "meters": ", ".join(_named(hass, meter) for meter in meters),
        "days": str(survey.days if survey else 0),
        "days_wanted": str(survey.days_wanted if survey else 0),
        "minutes": str(round(pace.total_seconds() / 60)),
    }


def _named(hass: HomeAssistant, meter: str) -> str:
    """Return a meter's name and id: an external statistic has no name that is worth showing."""
    state = hass.states.get(meter)
    return f"{state.name} (`{meter}`)" if state else f"`{meter}`"
