"""Test when a device says what was wanted."""

from pathlib import Path
import re
from typing import Any

import pytest

from custom_components.equiwatt.holding import reading
from custom_components.equiwatt.holding.reading import COMPARED, TOLERANCE, Reading


@pytest.mark.parametrize(
    ("name", "wanted", "told", "is_met"),
    [
        ("temperature", 21, 20, True),
        ("temperature", 21, 19.9, False),
        ("temperature", 21, None, False),
        ("target_temp_low", 18, 12, False),
        ("rgb_color", [255, 0, 0], [240, 10, 0], True),
        ("rgb_color", [255, 0, 0], [255, 0, 40], False),
        ("rgb_color", [255, 0, 0], [255, 0], False),
        ("state", "80.0", "80", True),
        ("state", "80", "81", False),
        ("state", "eco", "eco", True),
        ("state", "eco", "heat", False),
        ("preset_mode", "eco", "none", False),
    ],
)
def test_near(name: str, wanted: Any, told: Any, is_met: bool) -> None:
    """Devices round, some more than others."""
    step = reading.Step(key="one", calls=(), wanted={name: wanted})
    told_reading = Reading(
        state=told if name == "state" else "on",
        attributes={} if name == "state" else {name: told},
    )
    assert step.is_met(told_reading) is is_met


def test_table() -> None:
    """The documentation says of each domain what is compared, and how exactly."""
    text = (Path(__file__).parents[2] / "docs" / "actions.md").read_text("utf-8")
    table = text.split("### What is restored")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    assert rows == {
        domain: ", ".join(map(said, names)) or "—" for domain, names in COMPARED.items()
    }
    assert f"a state that is a number by {TOLERANCE['state']}" in text


def said(name: str) -> str:
    """Return what is said of an attribute."""
    return f"`{name}`" + (f" (± {TOLERANCE[name]:g})" if name in TOLERANCE else "")
