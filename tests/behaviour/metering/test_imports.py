"""Test that the metering modules are imported only by the accounts that use them."""

from functools import cache
import subprocess
import sys

import pytest

WITH = "import custom_components.equiwatt.metering.meter as _, sys; print(*sys.modules)"
WITHOUT = """
from importlib import import_module
from pathlib import Path
import sys

from custom_components import equiwatt

for path in Path(equiwatt.__file__).parent.glob("*.py"):
    if path.stem not in ("__init__", "logbook", "system_health"):
        import_module(f"{equiwatt.__name__}.{path.stem}")
print(*sys.modules)
"""
"""Modules besides the metering ones and the platforms that Home Assistant imports later."""
OURS = "custom_components.equiwatt.metering"


@cache
def modules(code: str) -> list[str]:
    """Return the modules imported by a fresh Python that runs some code."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("code", [WITH, WITHOUT])
def test_no_recorder(code: str) -> None:
    """Neither the recorder nor the Energy dashboard is imported before it is used."""
    found = modules(code)
    assert "custom_components.equiwatt" in found
    assert not any(name.startswith("homeassistant.components.recorder") for name in found)
    assert not any(name.startswith("homeassistant.components.energy") for name in found)
    assert not any(name.startswith("sqlalchemy") for name in found)


def test_no_metering() -> None:
    """An account without a meter imports only the modules that store results."""
    assert f"{OURS}.baseline" in modules(WITH)
    found = {name for name in modules(WITHOUT) if name.startswith(OURS)}
    assert found == {OURS, f"{OURS}.days", f"{OURS}.results"}
