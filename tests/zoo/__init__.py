"""Devices as they are sold: for tests of the pure parts, of Home Assistant, and of real processes.

The folder is a custom integration, once it is copied into a configuration by `move_in`:

    zoo:
      boiler: water heater       # what it is called: its row

What a device is stands in a file beside the configuration, so that it outlives the process.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
import json
from pathlib import Path
import shutil
from typing import TYPE_CHECKING, Any

from .animals import Animal
from .rows import ROWS, SCENES

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant, ServiceCall
    from homeassistant.helpers.typing import ConfigType

DOMAIN = "zoo"


class Cage:
    """The file of an animal: what it is, and the commands that it was given."""

    def __init__(self, folder: Path, name: str) -> None:
        """Look at a file that need not be there."""
        self.path = folder / f"{DOMAIN}_{name}.json"

    def read(self) -> dict[str, Any]:
        """Return what it holds."""
        content: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        return content

    def keep(self, animal: Animal) -> None:
        """Write what the animal is; whole, even if the process ends right here."""
        content = {
            "state": animal.state,
            "attributes": animal.attributes,
            "essence": animal.essence,
            "commands": animal.commands,
        }
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(content), "utf-8")
        new.replace(self.path)

    def wake(self, animal: Animal) -> None:
        """Let the animal be what it was when the process ended."""
        if self.path.exists():
            content = self.read()
            animal.state, animal.attributes = content["state"], content["attributes"]
            animal.commands = content["commands"]
        self.keep(animal)


def move_in(config: Path, animals: Mapping[str, str]) -> str:
    """Copy the zoo into a configuration's folder, and return what its configuration says of it."""
    folder = config / "custom_components" / DOMAIN
    folder.mkdir(parents=True, exist_ok=True)
    for file in Path(__file__).parent.glob("*.py"):
        if file.name != "keeper.py":
            shutil.copy(file, folder)
    manifest = {"domain": DOMAIN, "name": "Zoo", "version": "1.0.0", "codeowners": []}
    links = dict.fromkeys(("documentation", "issue_tracker"), "https://example.com")
    kind = {"iot_class": "calculated", "integration_type": "hub", "requirements": []}
    (folder / "manifest.json").write_text(json.dumps(manifest | links | kind), "utf-8")
    return f"{DOMAIN}:\n" + "".join(f"  {name}: {row}\n" for name, row in animals.items())


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Let the animals in."""
    from .entities import async_let_in  # as the pure tests know no Home Assistant

    animals: dict[str, Animal] = {}
    for name, row in config[DOMAIN].items():
        animal = animals[name] = (ROWS | SCENES)[row](name)
        cage = Cage(Path(hass.config.config_dir), name)
        await hass.async_add_executor_job(cage.wake, animal)
        animal.on_change = partial(cage.keep, animal)
    await async_let_in(hass, *animals.values())

    async def by_hand(call: ServiceCall) -> None:
        """Let somebody set an animal at the device itself."""
        data = dict(call.data)
        animals[data.pop("name")].by_hand(data.pop("state", None), **data)

    async def flap(_: ServiceCall) -> None:
        """Let all lose their connection for a moment."""
        for is_available in (False, True):
            for animal in animals.values():
                animal.lose(is_available=is_available)
            await asyncio.sleep(0.5)

    hass.services.async_register(DOMAIN, "by_hand", by_hand)
    hass.services.async_register(DOMAIN, "flap", flap)
    return True
