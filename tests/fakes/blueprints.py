"""The blueprints in use, and their notifications."""

from collections.abc import Awaitable, Callable
from pathlib import Path
import shutil
from typing import Any

from homeassistant.setup import async_setup_component

from .home import Home

FOLDER = Path(__file__).parents[2] / "blueprints"
AUTOMATION = "automation"
ID = "1795616905571"  # as the editor's, which a template would render as a number

type Use = Callable[..., Awaitable[None]]


def user_of(home: Home, folder: Path) -> Use:
    """Return a function that uses a blueprint in a home with a configuration folder."""
    hass = home.hass
    hass.config.config_dir = str(folder)
    shutil.copytree(FOLDER, folder / "blueprints")

    async def use(name: str, also: tuple[str, dict[str, Any]] | None = None, **inputs: Any) -> None:
        """Create an automation of a blueprint, and a second automation."""
        uses = [(name, inputs), *filter(None, [also])]
        automations = [
            {
                "id": f"{int(ID) + number}",
                "alias": ("One", "Two")[number],
                "use_blueprint": {"path": f"equiwatt/{name}.yaml", "input": inputs},
            }
            for number, (name, inputs) in enumerate(uses)
        ]
        config = {"automation": automations}
        assert await async_setup_component(hass, "persistent_notification", {})
        assert await async_setup_component(hass, AUTOMATION, config)
        await home.settle()
        assert home.state("automation.one") == "on"

    return use


def messages(home: Home) -> list[str]:
    """Return the open notifications."""
    return [str(notification["message"]) for notification in _shown(home).values()]


def titles(home: Home) -> list[str]:
    """Return the titles of the open notifications."""
    return [str(notification["title"]) for notification in _shown(home).values()]


def _shown(home: Home) -> dict[str, Any]:
    """Return the open notifications by id."""
    shown: dict[str, Any] = home.hass.data.get("persistent_notification", {})
    return shown
