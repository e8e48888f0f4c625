"""Take the pictures of the documentation; see `scripts/screenshots`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
import sys
import tempfile
from typing import Any

from playwright.async_api import Error as BrowserError

from .browser import Browser
from .client import HouseError
from .house import ROOT
from .provider import DEMO_TOKEN
from .stage import DASHBOARD, DEVICES, DOMAIN, Stage, set_up

IMAGES = ROOT / "docs" / "images"
LIVE = "binary_sensor.equiwatt_live"
SAVING = "sensor.equiwatt_saving"
TOTAL_SAVING = "sensor.equiwatt_total_saving"
BELOW_THE_BAR = "one => { one.style.scrollMarginTop = '72px'; one.scrollIntoView(); }"
PAGE = (1280, 900)
DASHBOARD_SIZE = (1440, 860)
PHONE = (390, 844)
DEVICE_SIZE = (1280, 1300)
HOUSE_SIZE = (1280, 1000)
BLUEPRINT_SIZE = (1280, 1560)
ROUNDS = (
    "results",
    "dashboard",
    "meter",
    "triggers",
    "blueprint",
    "calendar",
    "repair",
    "removal",
    "flow",
)
ADDRESS = "ha-code-editor"
MASK = """
fields => {
  for (const field of fields) {
    field.value = field.value.replace(
      /https?:\\/\\/.*\\/api\\/webhook\\/[^?]*/,
      "https://your-address/api/webhook/••••••••••••");
  }
}
"""
"""Style that hides the webhook's addresses, which are secret in a demo too."""

HIDE_MISSING = """
images => {
  for (const image of images.filter(one => !one.naturalWidth)) image.style.visibility = "hidden";
}
"""
"""Logos of other integrations, which would come from the internet."""


class Photographer:
    """The pages and their pictures."""

    def __init__(self, stage: Stage, browser: Browser) -> None:
        """Initialize with the stage."""
        self.stage = stage
        self.browser = browser

    async def shoot(self, name: str) -> None:
        """Take a picture."""
        await self.browser.screenshot(IMAGES / f"{name}.png")
        print(f"  docs/images/{name}.png", flush=True)

    async def open(self, path: str, text: str) -> None:
        """Open a page of Home Assistant and wait for a text."""
        await self.browser.page.goto(f"{self.stage.house.url}/{path}")
        await self.browser.wait_for_text(text)

    async def mask(self) -> None:
        """Hide the addresses of the webhook."""
        await self.browser.find(ADDRESS, "/api/webhook/").wait_for()
        await self.browser.page.locator(ADDRESS).evaluate_all(MASK)

    async def dashboard(self) -> None:
        """Take the dashboard before an equivent, during it on each screen, and after.

        Nothing is saved before ten minutes or so have passed. The device and the house have most to
        show during it and right after it.
        """
        house = self.stage.house
        await self.browser.resize(*DASHBOARD_SIZE)
        for name in DEVICES:
            await house.wait_for(
                f"switch.{name}", "on", 30
            )  # they report "off" until they are read
        await house.wait_for(SAVING, is_final, 60)
        await self.open(DASHBOARD, "Not live")
        await self.browser.wait_for_text("An estimate from your own meter")
        await self.shoot("dashboard-idle")
        self.stage.provider.start(minutes=60)
        await house.wait_for(SAVING, has_saving, 900)
        await self.browser.wait_for_text("Restore now")
        await self.shoot("dashboard-live")
        await self.browser.set_dark()
        await self.shoot("dashboard-dark")
        await self.browser.set_dark(dark=False)
        await self.browser.resize(*PHONE)
        await self.shoot("dashboard-phone")
        await self.browser.resize(620, 560)
        heading = self.browser.find("hui-heading-card", "Am I beating it?")
        await heading.evaluate(BELOW_THE_BAR)
        await self.shoot("saving")
        await self.device()
        self.stage.provider.end()
        await self.house()
        await self.browser.resize(*DASHBOARD_SIZE)
        await house.wait_for(SAVING, is_final, 400)
        await self.open(DASHBOARD, "Not live")
        await self.browser.wait_for_text("An estimate from your own meter")
        await self.shoot("dashboard-after")
        await self.browser.resize(*PAGE)

    async def results(self) -> None:
        """Take the view of a year's results on each screen."""
        await self.stage.house.wait_for(TOTAL_SAVING, is_number, 60)
        await self.browser.resize(*DASHBOARD_SIZE)
        await self.open(f"{DASHBOARD}/equiwatt-results", "The last five")
        await asyncio.sleep(3)  # until the charts are drawn
        await self.shoot("results")
        await self.browser.set_dark()
        await self.shoot("results-dark")
        await self.browser.set_dark(dark=False)
        await self.browser.resize(*PHONE)
        await asyncio.sleep(1)
        await self.shoot("results-phone")
        await self.browser.resize(*PAGE)

    async def device(self) -> None:
        """Take the device page."""
        registry = await self.stage.house.command("config/device_registry/list")
        (device,) = [device for device in registry if device["name"] == "equiwatt"]
        await self.browser.resize(*DEVICE_SIZE)
        await self.open(f"config/devices/device/{device['id']}", "Last duration")
        await self.shoot("device")

    async def house(self) -> None:
        """Take the demo's devices after they are restored."""
        for name in DEVICES:
            await self.stage.house.wait_for(f"switch.{name}", "on", 90)
        await self.browser.resize(*HOUSE_SIZE)
        await self.open(f"{DASHBOARD}/house", "What happened")
        await asyncio.sleep(3)
        await self.shoot("house")

    async def meter(self) -> None:
        """Take the dialog of the meter."""
        await self.browser.resize(900, 760)
        await self.open("config/integrations/integration/equiwatt", "equiwatt")
        await self.browser.page.get_by_role("button", name="Configure").first.click()
        await self.browser.wait_for_text("Your electricity meter")
        await self.browser.click("ha-button", "Submit")
        await self.browser.wait_for_text("This meter is suitable")
        await self.shoot("meter")
        await self.browser.resize(*PAGE)

    async def triggers(self) -> None:
        """Take the device's triggers in the automation editor."""
        await self.open("config/automation/edit/new", "Add trigger")
        await self.browser.click("ha-button", "Add trigger")
        services = self.browser.page.locator("wa-tree-item").filter(has_text="Services").first
        await services.evaluate("item => { item.expanded = true; }")
        await self.browser.click("wa-tree-item", "equiwatt")
        await self.browser.wait_for_text("Event received")
        await self.browser.page.locator("wa-tree-item img").evaluate_all(HIDE_MISSING)
        await self.shoot("triggers")

    async def repair(self) -> None:
        """Take the repair of changed webhook addresses, and submit it."""
        house = self.stage.house
        self.stage.provider.start(minutes=60)  # calls the webhook, which is then in use
        await house.wait_for(LIVE, "on", 90)
        await house.command("config/core/update", external_url="https://home.example.org")
        await self.browser.resize(900, 900)
        await self.open("config/repairs", "webhook addresses")
        await self.browser.click("ha-list-item-button", "webhook addresses")
        await self.browser.find(ADDRESS, "home.example.org").wait_for()
        await self.mask()
        await self.shoot("repair")
        await self.browser.click("ha-button", "Submit")
        await self.browser.wait_for_text("There are currently no repairs pending")
        self.stage.provider.end()
        await house.wait_for(LIVE, "off", 90)
        await self.browser.resize(*PAGE)

    async def removal(self) -> None:
        """Take the menu of the entry, and delete the entry."""
        await self.browser.resize(900, 860)
        await self.open("config/integrations/integration/equiwatt", "equiwatt")
        await self.browser.click("ha-row-item ha-dropdown ha-icon-button")
        await self.shoot("menu")
        await self.browser.click("ha-row-item ha-dropdown-item", "Delete")
        await self.browser.wait_for_text("Delete equiwatt?")
        await self.browser.click("ha-button", "Delete")
        async with asyncio.timeout(30):
            while await self.stage.house.entries(DOMAIN):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.1)
        await self.browser.resize(*PAGE)

    async def flow(self) -> None:
        """Take the config flow: empty, with a wrong token, and with the addresses at its end."""
        if await self.stage.house.entries(DOMAIN):
            await self.removal()
        await self.browser.resize(900, 760)
        path = "config/integrations/dashboard/add?domain=equiwatt"
        await self.open(path, "Do you want to set up equiwatt?")
        await self.browser.click("ha-button", "OK")
        await self.browser.wait_for_text("Connect your account")
        await self.shoot("flow-token")
        await self.fill_in("wrong-token")
        await self.browser.wait_for_text("accept this token")
        await self.toggle_advanced()  # the section stays open for a custom address, as the demo's
        await self.shoot("flow-wrong-token")
        await self.fill_in(DEMO_TOKEN)
        await self.browser.wait_for_text("Treat the addresses like a password")
        await self.mask()
        await self.shoot("flow-addresses")
        await self.browser.click("ha-button", "Submit")
        await self.browser.wait_for_text("import the blueprint")
        await self.browser.resize(*PAGE)

    async def fill_in(self, token: str) -> None:
        """Submit the form with a token, and the address of the simulated provider."""
        await self.browser.find("input[name=token]").fill(token)
        await self.toggle_advanced()
        await self.browser.find("input[name=url]").fill(self.stage.provider.api_url)
        await self.browser.click("ha-button", "Submit")

    async def toggle_advanced(self) -> None:
        """Expand or collapse the section with the address of the API."""
        await self.browser.click("ha-expansion-panel [role=heading]", "Advanced")

    async def blueprint(self) -> None:
        """Take the form of a blueprint."""
        await self.browser.resize(*BLUEPRINT_SIZE)
        await self.open("config/automation/edit/pause_devices", "Longest pause")
        await self.shoot("blueprint")
        await self.browser.resize(*PAGE)

    async def calendar(self) -> None:
        """Take the calendar."""
        await self.open("calendar", "Today")
        await self.shoot("calendar")


def has_saving(state: dict[str, Any]) -> bool:
    """Return True if the live equivent has a saving."""
    is_live = state["attributes"].get("final") is False
    return is_live and state["state"] != "unknown" and float(state["state"]) > 0.15


def is_number(state: dict[str, Any]) -> bool:
    """Return True if the state is a number."""
    return state["state"] not in ("unknown", "unavailable")


def is_final(state: dict[str, Any]) -> bool:
    """Return True if the result is final."""
    return state["attributes"].get("final") is True


async def take(wanted: list[str]) -> bool:
    """Take all pictures or the given ones, and return True if none failed."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    well = True
    with tempfile.TemporaryDirectory(prefix="equiwatt-pictures-") as folder:
        async with (
            set_up(Path(folder)) as stage,
            Browser(*PAGE) as browser,
        ):
            photographer = Photographer(stage, browser)
            rounds: dict[str, Callable[[], Awaitable[None]]] = {
                name: getattr(photographer, name) for name in ROUNDS
            }
            for name in wanted or rounds:
                try:
                    await rounds[name]()
                except (HouseError, BrowserError) as error:
                    await browser.screenshot(Path(folder).parent / f"equiwatt-{name}-failed.png")
                    print(f"  {name}: {error}", file=sys.stderr)
                    well = False
    return well


if __name__ == "__main__":
    sys.exit(not asyncio.run(take(sys.argv[1:])))
