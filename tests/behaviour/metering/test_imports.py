"""Test that the metering modules are imported only by the accounts that use them."""

from functools import cache
import subprocess
import sys

import pytest

IMPORTS = """
from importlib import import_module
from pathlib import Path
import sys

from custom_components import equiwatt

for path in Path(equiwatt.__file__).parent.glob("*.py"):
    if path.stem not in ("__init__", "logbook", "system_health"):
        import_module(f"{equiwatt.__name__}.{path.stem}")
print(*sys.modules)
import custom_components.equiwatt.metering.meter
print(*sys.modules)
"""
"""Modules without the metering ones and two later platforms; then the meter."""
OURS = "custom_components.equiwatt.metering"


@cache
def imports() -> list[list[str]]:
    """Return the modules imported by a fresh Python, without the meter and with it."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True
    )
    return [line.split() for line in done.stdout.splitlines()]


def modules(*, metered: bool) -> list[str]:
    """Return the modules imported without the meter or with it."""
    return imports()[metered]


@pytest.mark.parametrize("metered", [False, True])
def test_no_recorder(metered: bool) -> None:
    """Neither the recorder nor the Energy dashboard is imported before it is used."""
    found = modules(metered=metered)
    assert "custom_components.equiwatt" in found
    assert not any(name.startswith("homeassistant.components.recorder") for name in found)
    assert not any(name.startswith("homeassistant.components.energy") for name in found)
    assert not any(name.startswith("sqlalchemy") for name in found)


def test_no_metering() -> None:
    """An account without a meter imports nothing of it."""
    assert f"{OURS}.baseline" in modules(metered=True)
    assert not [name for name in modules(metered=False) if name.startswith(OURS)]
