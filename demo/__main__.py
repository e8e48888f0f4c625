"""Show the integration in a running Home Assistant; see `scripts/demo --help`."""

import argparse
import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
import fcntl
from pathlib import Path
import shutil
import signal
import sys
from typing import Any

from .check import check
from .client import HouseError
from .house import RESTART_EXIT_CODE, ROOT, PortTakenError, free_port
from .stage import set_up

STATE = ROOT / ".demo"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Start Home Assistant with the integration, and a simulated provider.",
        epilog="With --beta before all others, it is Home Assistant's newest beta.",
    )
    parser.add_argument("--ha-port", type=int, default=8123, metavar="PORT", help="8123 by default")
    parser.add_argument(
        "--provider-port", type=int, default=8130, metavar="PORT", help="8130 by default"
    )
    parser.add_argument(
        "--reset", action="store_true", help="forget what earlier demos left behind"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="play equivents without a browser, and report whether all went well",
    )
    return parser.parse_args()


def require_free_port(port: int, option: str) -> None:
    """Exit with an explanation if a port is in use."""
    try:
        free_port(port)
    except PortTakenError, OverflowError:
        raise HouseError(
            f"Port {port} cannot be used, probably because another program has it;"
            f" choose another one with {option}."
        ) from None


@contextmanager
def state_folder(reset: bool) -> Generator[Path]:
    """Return the demo's folder, for one demo at a time."""
    STATE.mkdir(exist_ok=True)
    (STATE / ".gitignore").write_text("*\n", "utf-8")
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HouseError("A demo is running from this folder already.") from None
        if reset:
            shutil.rmtree(STATE / "home", ignore_errors=True)
            for file in STATE.glob("*.json"):
                file.unlink()
        yield STATE


async def show(ha_port: int, provider_port: int, reset: bool) -> bool:
    """Run until interrupted, or until Home Assistant ends by itself."""
    if ha_port == provider_port:
        raise HouseError("--ha-port and --provider-port must be two different ports.")
    require_free_port(ha_port, "--ha-port")
    require_free_port(provider_port, "--provider-port")
    with state_folder(reset) as folder:
        async with set_up(folder, ha_port, provider_port) as stage:
            account = stage.provider.account()
            print(
                f"\n  Home Assistant          {stage.house.url}"
                f"\n  The simulated provider  {stage.provider.url}"
                "\n\n  To add the account yourself, delete it in Home Assistant first:"
                f"\n  Token                   {account['token']}"
                f"\n  Advanced: API address   {account['url']}"
                "\n\n  You are logged in already. Ctrl-C ends both.",
                flush=True,
            )
            while await stage.house.ended() == RESTART_EXIT_CODE:
                await stage.house.start()
    raise HouseError("Home Assistant ended by itself.")


async def until_signal(work: Coroutine[Any, Any, bool]) -> bool:
    """Run a coroutine until the first signal, and ignore later ones."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    signals: list[int] = []

    def stop(number: int) -> None:
        """Cancel the coroutine."""
        if not signals:
            print("\n  Stopping …", flush=True)
            task.cancel()
        signals.append(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not signals:
            raise
        return False


def main() -> int:
    """Run the demo or its check."""
    options = arguments()
    try:
        if options.check:
            return 0 if asyncio.run(until_signal(check())) else 1
        work = show(options.ha_port, options.provider_port, options.reset)
        asyncio.run(until_signal(work))
    except HouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
