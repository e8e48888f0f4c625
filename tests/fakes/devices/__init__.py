"""Pretend devices for tests of the pure modules, of Home Assistant and of real processes.

The folder is a custom integration, once `install_zoo` has copied it into a configuration:

zoo:
boiler: water heater       # name: kind

The state of a device is in a file beside the configuration, so that it outlives the process.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
import json
from pathlib import Path
import shutil
from typing import TYPE_CHECKING, Any

from .kinds import IN_SCENES, KINDS
from .pretend import PretendDevice

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant, ServiceCall
    from homeassistant.helpers.typing import ConfigType

DOMAIN = "zoo"


class DeviceFile:
    """File of a device: its state and the received commands."""

    def __init__(self, folder: Path, name: str) -> None:
        """Initialize with a path that may not exist."""
        self.path = folder / f"{DOMAIN}_{name}.json"

    def read(self) -> dict[str, Any]:
        """Return the contents."""
        content: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        return content

    def save(self, device: PretendDevice) -> None:
        """Write the state, in one piece even if the process ends here."""
        content = {
            "state": device.state,
            "attributes": device.attributes,
            "essence": device.essence,
            "commands": device.commands,
        }
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(content), "utf-8")
        new.replace(self.path)

    def load(self, device: PretendDevice) -> None:
        """Restore the state of the device from the file."""
        if self.path.exists():
            content = self.read()
            device.state, device.attributes = content["state"], content["attributes"]
            device.commands = content["commands"]
        self.save(device)


def install_zoo(config: Path, devices: Mapping[str, str]) -> str:
    """Copy the zoo into a configuration folder and return its YAML."""
    folder = config / "custom_components" / DOMAIN
    folder.mkdir(parents=True, exist_ok=True)
    for file in Path(__file__).parent.glob("*.py"):
        shutil.copy(file, folder)
    manifest = {"domain": DOMAIN, "name": "Zoo", "version": "1.0.0", "codeowners": []}
    links = dict.fromkeys(("documentation", "issue_tracker"), "https://example.com")
    kind = {"iot_class": "calculated", "integration_type": "hub", "requirements": []}
    (folder / "manifest.json").write_text(json.dumps(manifest | links | kind), "utf-8")
    return f"{DOMAIN}:\n" + "".join(f"  {name}: {row}\n" for name, row in devices.items())


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Add the devices."""
    from .entities import install  # pure tests have no Home Assistant

    devices: dict[str, PretendDevice] = {}
    for name, row in config[DOMAIN].items():
        device = devices[name] = (KINDS | IN_SCENES)[row](name)
        file = DeviceFile(Path(hass.config.config_dir), name)
        await hass.async_add_executor_job(file.load, device)
        device.on_change = partial(file.save, device)
    await install(hass, *devices.values())

    async def flap(_: ServiceCall) -> None:
        """Disconnect all devices for a moment."""
        for available in (False, True):
            for device in devices.values():
                device.report(available=available)
            await asyncio.sleep(0.5)

    hass.services.async_register(DOMAIN, "flap", flap)
    return True
