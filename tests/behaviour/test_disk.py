"""Test on a real disk that files are private and survive a power cut."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import json, storage
from homeassistant.helpers.storage import STORAGE_DIR, Store, get_internal_store_manager
from homeassistant.util.file import write_utf8_file_atomic

from ..conftest import Push
from ..fakes.disk import SAVE
from ..fakes.home import Home
from ..holding.pausing import until

WRITE, LOAD, REMOVE = Store._async_write_data, Store._async_load, Store.async_remove
"""The real write, before the plugin replaces the disk by memory."""


@pytest.fixture
def folder(hass: HomeAssistant, tmp_path: Path) -> Iterator[Path]:
    """Return the real folder that Home Assistant writes to."""
    hass.config.config_dir = str(tmp_path)
    (tmp_path / STORAGE_DIR).mkdir()
    with (
        patch(SAVE, json.save_json),
        patch.object(Store, "_async_write_data", WRITE),
        patch.object(Store, "_async_load", LOAD),
        patch.object(Store, "async_remove", REMOVE),
    ):
        yield tmp_path / STORAGE_DIR


@pytest.fixture
def synced() -> Iterator[Mock]:
    """Return the files flushed to the disk before they are renamed."""
    synced = Mock(wraps=write_utf8_file_atomic)
    name = "write_utf8_file_atomic"
    with patch.object(json, name, synced), patch.object(storage, name, synced):
        yield synced


@pytest.mark.parametrize("name", ["equiwatt.entry0", "equiwatt.held_devices"])
async def test_files(folder: Path, synced: Mock, live: Home, name: str) -> None:
    """Files are readable by the user only, and a power cut leaves them whole."""
    live.hass.states.async_set("switch.plug", "on")
    live.hass.services.async_register(
        "switch", "turn_off", callback(lambda _: live.hass.states.async_set("switch.plug", "off"))
    )
    data = {"entity_id": "switch.plug"}
    await live.hass.services.async_call(
        "equiwatt", "pause", data, blocking=True, return_response=True
    )
    await live.settle()
    assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert str(folder / name) in {call.args[0] for call in synced.mock_calls}


async def test_read_only_file(folder: Path, live: Home) -> None:
    """Nothing is touched while the held devices cannot be written, and as usual afterwards."""
    calls = async_mock_service(live.hass, "switch", "turn_off")
    live.hass.states.async_set("switch.plug", "on")
    path = folder / "equiwatt.held_devices"
    path.mkdir()  # root, who runs the tests in containers, may write any file
    data = {"entity_id": "switch.plug"}
    with pytest.raises(HomeAssistantError, match="Nothing was changed"):
        await live.hass.services.async_call("equiwatt", "pause", data, blocking=True)
    assert calls == []
    path.rmdir()
    action = live.hass.services.async_call("equiwatt", "pause", data, blocking=True)
    task = live.hass.async_create_task(action)
    await until(lambda: bool(calls))
    assert path.is_file()
    task.cancel()


async def test_first_file_since_a_start(
    hass: HomeAssistant, folder: Path, home: Home, push: Push
) -> None:
    """A reload finds a file that Home Assistant did not see when it started."""
    hass.data.pop("storage_manager", None)
    await get_internal_store_manager(hass).async_initialize()
    await home.setup()
    await push("?event=started")
    assert (folder / "equiwatt.entry0").exists()
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert (home.live, home.edges) == ("on", [("started", "webhook")])
