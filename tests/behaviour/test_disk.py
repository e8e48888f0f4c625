"""Test on a real disk that files are private and survive a power cut."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock, patch

import pytest

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR, Store
from homeassistant.util.file import write_utf8_file_atomic

from ..fakes.home import Home

WRITE, LOAD = Store._async_write_data, Store._async_load
"""What writes and reads, before the plugin puts a memory in the place of the disk."""


@pytest.fixture
def folder(hass: HomeAssistant, tmp_path: Path) -> Iterator[Path]:
    """Return the real folder that Home Assistant writes to."""
    hass.config.config_dir = str(tmp_path)
    with (
        patch.object(Store, "_async_write_data", WRITE),
        patch.object(Store, "_async_load", LOAD),
    ):
        yield tmp_path / STORAGE_DIR


@pytest.fixture
def synced() -> Iterator[Mock]:
    """Return the files flushed to the disk before they are renamed."""
    name = "homeassistant.helpers.storage.write_utf8_file_atomic"
    with patch(name, wraps=write_utf8_file_atomic) as synced:
        yield synced


@pytest.mark.parametrize("name", ["equiwatt.entry0", "equiwatt.held_devices"])
async def test_files(folder: Path, synced: Mock, live: Home, name: str) -> None:
    """Files are readable by the user only, and a power cut leaves them whole."""
    live.hass.states.async_set("switch.plug", "on")
    live.hass.services.async_register(
        "switch", "turn_off", lambda _: live.hass.states.async_set("switch.plug", "off")
    )
    data = {"entity_id": "switch.plug"}
    await live.hass.services.async_call(
        "equiwatt", "pause", data, blocking=True, return_response=True
    )
    await live.settle()
    assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert str(folder / name) in {call.args[0] for call in synced.mock_calls}
