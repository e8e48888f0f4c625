"""Memory in place of the disk, with its faults."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.helpers.json import prepare_save_json
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError

SAVE = "custom_components.equiwatt.storage.save_json"
"""Writers of files."""


def to_json(value: Any) -> Any:
    """Return a value as it is read from the disk."""
    return json.loads(prepare_save_json(value)[1])


@contextmanager
def memory(files: dict[str, Any]) -> Generator[None]:
    """Write into the memory that the plugin uses for Home Assistant's Store."""

    def save(path: str, content: dict[str, Any], **_: Any) -> None:
        """Store the contents of a file."""
        files[Path(path).name] = to_json(content)

    with patch(SAVE, save):
        yield


@contextmanager
def full_disk(error: Any = WriteError("No space left")) -> Generator[None]:  # noqa: B008
    """Return a disk without space, for our files and for Home Assistant's."""
    with ExitStack() as stack:
        for name in ("_async_write_data", "_write_prepared_data"):
            stack.enter_context(patch.object(Store, name, side_effect=error))
        stack.enter_context(patch(SAVE, side_effect=error))
        yield
