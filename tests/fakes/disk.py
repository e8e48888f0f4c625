"""Memory in place of the disk, with its faults."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pytest_homeassistant_custom_component.common import mock_storage

from homeassistant.helpers.json import prepare_save_json
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError

SAVE = "custom_components.equiwatt.storage.save_json"
"""Writers of files."""

METHODS = ("_async_load", "_async_write_data", "async_remove")
"""The Store's own, which the plugin replaces."""


def to_json(value: Any) -> Any:
    """Return a value as it is read from the disk."""
    return json.loads(prepare_save_json(value)[1])


class Memory:
    """Memory in which the plugin keeps the files of Home Assistant's Store, and we ours."""

    def __init__(self) -> None:
        """Initialize with the plugin's functions, without the mocks around them."""
        # Those are built from signatures, which takes longer than to start a Home Assistant.
        self._files: dict[str, Any] = {}
        with mock_storage(self._files):
            self._methods = {name: getattr(Store, name).side_effect for name in METHODS}

    def _save(self, path: str, content: dict[str, Any], **_: Any) -> None:
        """Store the contents of a file of ours."""
        self._files[Path(path).name] = to_json(content)

    @contextmanager
    def used(self) -> Generator[dict[str, Any]]:
        """Return the files, none at first, and use the memory meanwhile."""
        self._files.clear()
        with patch.multiple(Store, **self._methods), patch(SAVE, self._save):
            yield self._files


@contextmanager
def full_disk(error: Any = WriteError("No space left")) -> Generator[None]:  # noqa: B008
    """Return a disk without space, for our files and for Home Assistant's."""
    with ExitStack() as stack:
        for name in ("_async_write_data", "_write_prepared_data"):
            stack.enter_context(patch.object(Store, name, side_effect=error))
        stack.enter_context(patch(SAVE, side_effect=error))
        yield
