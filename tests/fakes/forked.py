"""A Home Assistant that starts in half a second, as it is forked from a process with its imports.

Neither the integration nor the configuration is imported before the fork.
"""

import asyncio
import multiprocessing
from multiprocessing.context import ForkServerProcess
import os
from pathlib import Path
import sys
from typing import override

from demo.house import ROOT, House

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([f"{__package__}.preloaded"])


def run(log: Path, arguments: tuple[str, ...]) -> None:
    """Run Home Assistant in a new process, as `demo/launcher.py` with arguments does."""
    from demo.launcher import main

    parent = multiprocessing.parent_process()
    assert parent
    assert "custom_components" not in sys.modules
    os.setsid()
    os.dup2(parent.sentinel, 0)  # is closed when the parent ends
    sys.stdin = os.fdopen(0, closefd=False)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.path[:] = [path for path in sys.path if Path(path) != ROOT]
    sys.argv[1:] = arguments
    sys.exit(main())


class ForkedProcess:
    """Process that is forked."""

    def __init__(self, process: ForkServerProcess) -> None:
        """Initialize with a process, and start it."""
        self._process = process
        process.start()

    @property
    def returncode(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.exitcode

    def send_signal(self, signal: int, /) -> None:
        """Send a signal."""
        assert self._process.pid
        os.kill(self._process.pid, signal)

    async def wait(self) -> int:
        """Wait until the process ends, and return its exit code."""
        while (code := self.returncode) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return code


class ForkedHouse(House):
    """House whose process is forked."""

    @override
    async def _launch(self, *arguments: str) -> ForkedProcess:
        """Fork a process that logs to the file."""
        return ForkedProcess(FORKS.Process(target=run, args=(self._log, arguments)))
