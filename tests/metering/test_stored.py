"""Test that what is stored of an estimate is read again, and that nothing else is."""

from dataclasses import replace
import json
from typing import Any

import pytest

from custom_components.equiwatt.metering.baseline import Estimate, Readings, Reason, estimate
from custom_components.equiwatt.metering.stored import from_stored, to_stored

from .example import EQUIVENT_DAYS, WINDOW, readings


def final() -> Estimate:
    """Return what is known in the end of the worked example's equivent."""
    return estimate(WINDOW, EQUIVENT_DAYS, readings(), over=True)


def stored() -> dict[str, Any]:
    """Return that as it is read from the disk."""
    found: dict[str, Any] = json.loads(json.dumps(to_stored(final())))
    return found


def test_the_figures() -> None:
    """They are stored as people read them, to a tenth of a watt-hour."""
    found = stored()
    assert (found["usual"], found["used"], found["saving"]) == (0.9, 0.4, 0.5)
    assert found["half_hours"] == [
        ["2026-11-24T17:00:00+00:00", 0.4, 0.21],
        ["2026-11-24T17:30:00+00:00", 0.5, 0.19],
    ]


@pytest.mark.parametrize("known", [readings(), Readings(), Readings(kwh=readings().kwh)])
def test_there_and_back(known: Readings) -> None:
    """What is read is what was stored, and final."""
    found = estimate(WINDOW, EQUIVENT_DAYS, known, over=True)
    again = from_stored(json.loads(json.dumps(to_stored(found))))
    assert again
    assert again.final
    assert to_stored(again) == to_stored(found)


def test_a_reason() -> None:
    """It is one of ours."""
    again = from_stored(to_stored(replace(final(), reason=Reason.LEARNING, saving=None)))
    assert again
    assert again.reason is Reason.LEARNING


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {**stored(), "start": None},
        {**stored(), "start": "yesterday"},
        {**stored(), "end": "2026-11-24T18:00:00"},
        {**stored(), "saving": "much"},
        {**stored(), "half_hours": [1]},
        {**stored(), "half_hours": [[1]]},
        {**stored(), "days_used": None},
        {**stored(), "reason": "bored"},
    ],
)
def test_what_cannot_be_read(broken: object) -> None:
    """It is nothing, instead of an error."""
    assert from_stored(broken) is None
