r"""A Home Assistant process, controlled over HTTP.

async with House(folder, configuration="input_boolean:\n  lamp:\n") as house:
result = await house.flow("equiwatt", {"token": "…", "advanced": {"url": "…"}})
await house.wait_for("binary_sensor.equiwatt_live", "on", seconds=5)
await house.call("equiwatt", "simulate_equivent", duration=5)
await house.stop()          # or kill(), and start() again: the folder is kept
assert not house.problems()

It has one user, needs no password on loopback, and is located in the UK. `configuration` is added
to the base below.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
import json
import os
from pathlib import Path
import re
import shutil
import signal
import socket
import sys
from typing import Protocol, Self

from homeassistant.const import MAJOR_VERSION, MINOR_VERSION

from .client import Client, HouseError

ROOT = Path(__file__).parent.parent
BLUEPRINTS = ROOT / "blueprints" / "automation" / "equiwatt"
LAUNCHER = Path(__file__).with_name("launcher.py")
OPTIONS = ("--skip-pip", "--log-no-color")
START_SECONDS = 180
STOP_SECONDS = 45

# Home Assistant exits with it when the user asks for a restart.
RESTART_EXIT_CODE = 100

BASE = """\
homeassistant:
  name: Home
  latitude: 51.5072
  longitude: -0.1276
  elevation: 20
  unit_system: metric
  time_zone: Europe/London
  country: GB
  currency: GBP
  language: en-GB
  {external_url}
  auth_providers:
    - type: trusted_networks
      trusted_networks: [127.0.0.1/32, "::1/128"]
      allow_bypass_login: true
    - type: homeassistant
config:
"""

RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z]+ \(", re.MULTILINE)


class PortTakenError(HouseError):
    """Port that another process listens on."""


def free_port(port: int = 0) -> int:
    """Return the port if it is free, or any free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTakenError(f"Port {port} is taken.") from error
        return int(probe.getsockname()[1])


class Process(Protocol):
    """Running or ended process."""

    @property
    def returncode(self) -> int | None:
        """Return the exit code, or None while it runs."""

    def send_signal(self, signal: int, /) -> None:
        """Send a signal."""

    async def wait(self) -> int:
        """Wait until the process ends, and return its exit code."""


class House(Client):
    """Folder and process of a Home Assistant, with a client for it."""

    def __init__(
        self,
        folder: Path,
        *,
        configuration: str = "",
        port: int = 0,
        reachable: bool = True,
        frontend: bool = False,
        component: Path | None = ROOT / "custom_components" / "equiwatt",
    ) -> None:
        """Initialize; a reachable house has its own address as external URL."""
        self.port = free_port(port)
        super().__init__(f"http://127.0.0.1:{self.port}")
        self.folder = folder
        self._configuration = configuration
        self._reachable = reachable
        self._frontend = frontend
        self._component = component and component.resolve()
        self._process: Process | None = None
        self._log = folder / "output.log"

    async def __aenter__(self) -> Self:
        """Start the house."""
        self._log.unlink(missing_ok=True)
        await self.open()
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the house."""
        await self.stop()
        await self.close()

    # The process

    async def start(self) -> None:
        """Start the process and wait until it is running."""
        free_port(self.port)
        self.write_folder()
        self._process = await self._launch("--config", str(self.folder), *OPTIONS)
        self._token = ""
        await self._until(self.answers, "answer")
        await self.onboard()
        await self._until(self.runs, "run")

    async def _launch(self, *arguments: str) -> Process:
        """Launch a process that logs to the file."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with self._log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", str(LAUNCHER), *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    async def stop(self) -> int | None:
        """Stop the process gracefully and return its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """Kill the process."""
        await self._end(signal.SIGKILL)

    @property
    def _running(self) -> Process:
        """Return the process."""
        if not self._process:
            raise HouseError("Home Assistant was not started.")
        return self._process

    async def ended(self) -> int:
        """Wait until the process ends by itself, and return its exit code."""
        return await self._running.wait()

    async def _end(self, sign: signal.Signals) -> int | None:
        """Send a signal and wait, or kill the process after a time-out."""
        if not (process := self._process):
            return None
        self._process = None
        if process.returncode is None:
            process.send_signal(sign)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await process.wait()
        except TimeoutError:
            process.send_signal(signal.SIGKILL)
            return await process.wait()

    async def _until(self, condition: Callable[[], Awaitable[bool]], goal: str) -> None:
        """Wait for a condition while the process lives."""
        process = self._running
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await condition():
                    if process.returncode is not None:
                        raise HouseError(f"Home Assistant stopped: {self._end_of_log()}")
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise HouseError(
                f"Home Assistant did not {goal} within {START_SECONDS} s: {self._end_of_log()}"
            ) from None

    def write_folder(self) -> None:
        """Write the parts of the configuration that differ from Home Assistant's defaults."""
        (self.folder / ".storage").mkdir(parents=True, exist_ok=True)
        external = f"external_url: {self.url}" if self._reachable else ""
        text = BASE.format(external_url=external) + self._address()
        if self._frontend:
            text += "frontend:\n"
        else:
            # Home Assistant does not start without its frontend, but accepts an empty folder.
            (self.folder / "pages" / "hass_frontend").mkdir(parents=True, exist_ok=True)
            text += f"frontend:\n  development_repo: {self.folder / 'pages'}\n"
        text += self._configuration
        (self.folder / "configuration.yaml").write_text(text, "utf-8")
        if not (self.folder / ".storage" / "onboarding").exists():
            # This step would set up integrations that use the internet; BASE contains its answers.
            self._store("onboarding", 4, {"done": ["core_config"]})
        self._link_component()

    def _address(self) -> str:
        """Set the address to listen on: from 2026.8 on in the store, before that in YAML."""
        address = {"server_host": ["127.0.0.1"], "server_port": self.port}
        if (MAJOR_VERSION, MINOR_VERSION) < (2026, 8):
            return f"http: {json.dumps(address)}\n"
        self._store("http", 1, address)
        return ""

    def _store(self, key: str, version: int, data: object) -> None:
        """Write a file of Home Assistant's storage."""
        content = {"version": version, "minor_version": 1, "key": key, "data": data}
        (self.folder / ".storage" / key).write_text(json.dumps(content), "utf-8")

    def _link_component(self) -> None:
        """Link the integration into the configuration, and copy its blueprints."""
        if self._component:
            link = self.folder / "custom_components" / self._component.name
            link.parent.mkdir(exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(self._component, target_is_directory=True)
            # No link, as Home Assistant does not follow links for blueprints.
            copies = self.folder / "blueprints" / "automation" / BLUEPRINTS.name
            shutil.copytree(BLUEPRINTS, copies, dirs_exist_ok=True)

    # The log

    def log(self) -> str:
        """Return all log and output since the beginning."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def problems(self) -> list[str]:
        """Return the log records that are errors or have a traceback."""
        log = self.log()
        bounds = [0, *(match.start() for match in RECORD.finditer(log)), len(log)]
        records = [log[start:end] for start, end in pairwise(bounds)]
        return [
            record
            for record in records
            if re.match(r"\S+ \S+ (ERROR|CRITICAL) ", record) or "Traceback" in record
        ]

    def _end_of_log(self) -> str:
        """Return the end of the log."""
        return self.log()[-2_000:].strip() or "it said nothing."
