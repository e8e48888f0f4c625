"""Run a measurement in a new process, independent of earlier ones."""

import asyncio
from dataclasses import asdict
from importlib import import_module
import json
import os
from pathlib import Path
import subprocess
import sys

from . import timelapse
from .report import Table

ROOT = Path(__file__).parent.parent
SECONDS = 600
SKIPPING = ("day", "faults")
"""Measurements with clocks that skip waits."""


class BrokenError(Exception):
    """Measurement that failed, with its last output."""


def run(module: str, *arguments: str, root: Path = ROOT) -> list[Table]:
    """Measure in a new process with the code in a folder, and return the tables."""
    command = [sys.executable, "-m", "benchmarks.child", module, *arguments]
    done = subprocess.run(  # noqa: S603
        command,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise BrokenError(f"{module}: {done.stdout[-2_000:]}{done.stderr[-4_000:]}")
    return [Table(**table) for table in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    """Measure and print the tables as the last line."""
    if sys.argv[1] in SKIPPING:
        timelapse.install()
    module = import_module(f"benchmarks.{sys.argv[1]}")
    with asyncio.Runner(loop_factory=timelapse.Loop) as runner:
        tables = runner.run(module.measure(runner.get_loop(), *sys.argv[2:]))
    print(json.dumps([asdict(table) for table in tables]))


if __name__ == "__main__":
    main()
