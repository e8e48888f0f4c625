"""A headless Chromium of the system, controlled by Playwright.

async with Browser() as browser:
await browser.page.goto(url)
await browser.find("hui-tile-card", "Live now").wait_for()      # also within shadow roots
await browser.click("ha-button", "Submit")
await browser.screenshot(path)
"""

import asyncio
import contextlib
from pathlib import Path
import shutil
from typing import Self

from playwright.async_api import Locator, Page, async_playwright, expect

from .client import HouseError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_SECONDS = 30


def installed() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """Browser with one page."""

    def __init__(self, width: int = 1280, height: int = 800) -> None:
        """Initialize with the size of the page."""
        self._size = (width, height)
        self._stack = contextlib.AsyncExitStack()
        self.page: Page

    async def __aenter__(self) -> Self:
        """Start the browser."""
        if not (program := installed()):
            raise HouseError("There is no Chromium. Install chromium or google-chrome.")
        try:
            playwright = await self._stack.enter_async_context(async_playwright())
            browser = await playwright.chromium.launch(executable_path=program)
            self._stack.push_async_callback(browser.close)
            self.page = await browser.new_page(locale="en-GB", timezone_id="Europe/London")
            self.page.set_default_timeout(PATIENCE_SECONDS * 1000)
            await self.resize(*self._size)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the browser."""
        await self._stack.aclose()

    async def resize(self, width: int, height: int) -> None:
        """Set the size of the page."""
        await self.page.set_viewport_size({"width": width, "height": height})

    async def set_dark(self, *, dark: bool = True) -> None:
        """Set the preferred colour scheme to dark or light."""
        await self.page.emulate_media(color_scheme="dark" if dark else "light")

    def find(self, selector: str, text: str = "") -> Locator:
        """Return the last element of a kind, with a text in it if one is given."""
        found = self.page.locator(selector)
        return (found.filter(has_text=text) if text else found).last

    async def wait_for_text(self, text: str) -> None:
        """Wait until a text is shown anywhere on the page."""
        await self.page.get_by_text(text).filter(visible=True).first.wait_for()

    async def wait_until_gone(self, text: str) -> None:
        """Wait until a text is shown nowhere on the page."""
        found = self.page.get_by_text(text).filter(visible=True)
        await expect(found).to_have_count(0, timeout=PATIENCE_SECONDS * 1000)

    async def click(self, selector: str, text: str = "") -> None:
        """Click the last element of a kind, with a text in it if one is given."""
        await self.find(selector, text).click()

    async def screenshot(self, path: Path, settle: float = 1.5, *, background: bool = True) -> None:
        """Take a screenshot of the page once it has settled."""
        await asyncio.sleep(settle)
        await self.page.screenshot(path=path, omit_background=not background)
