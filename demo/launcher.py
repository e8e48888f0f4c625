"""Run Home Assistant with the installed packages, without downloads, and end with the parent.

Home Assistant sets up a few dozen integrations whatever its configuration says. Those whose
packages are not installed, speech and cameras for instance, would only fill the log with their
failure, so they are left out.
"""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
import json
import os
from pathlib import Path
import signal
import sys
import threading
from types import ModuleType

from homeassistant import __main__ as home_assistant, bootstrap, components
from homeassistant.const import Platform
from homeassistant.helpers import service
from homeassistant.util.package import is_installed

COMPONENTS = Path(components.__path__[0])


@cache
def can_be_set_up(domain: str) -> bool:
    """Return True if the packages of an integration and of its dependencies are installed."""
    manifest = json.loads((COMPONENTS / domain / "manifest.json").read_text("utf-8"))
    if not all(map(is_installed, manifest.get("requirements", ()))):
        return False
    try:
        import_module(f"homeassistant.components.{domain}")
    except ImportError:  # a requirement of another integration
        return False
    return usable(manifest.get("dependencies", ())) == set(manifest.get("dependencies", ()))


def usable(domains: Iterable[str]) -> set[str]:
    """Return the integrations that can be set up."""
    critical = bootstrap.CRITICAL_INTEGRATIONS
    return {domain for domain in domains if domain in critical or can_be_set_up(domain)}


@cache
def base_components() -> dict[str, ModuleType]:
    """Return the modules that the descriptions of actions may refer to."""
    return {
        domain: import_module(f"homeassistant.components.{domain}") for domain in usable(Platform)
    }


def stop_with_parent() -> None:
    """Stop when the other end of the standard input is closed."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def patch_setup() -> None:
    """Patch Home Assistant to set up only the usable integrations."""
    bootstrap.DEFAULT_INTEGRATIONS = usable(bootstrap.DEFAULT_INTEGRATIONS)
    service._base_components = base_components  # noqa: SLF001


def main() -> int:
    """Run Home Assistant with the arguments of the command line."""
    patch_setup()
    threading.Thread(target=stop_with_parent, daemon=True).start()
    return home_assistant.main()


if __name__ == "__main__":
    sys.exit(main())
