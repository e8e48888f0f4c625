"""Render the icon and the logo; `scripts/screenshots brand`.

The icon has a background of its own; the text of the logo is lighter for dark backgrounds.
"""

import asyncio
import base64
from itertools import product

from .browser import Browser
from .house import ROOT

DRAWINGS = ROOT / "docs" / "brand"
BRAND = ROOT / "custom_components" / "equiwatt" / "brand"
WORD, DARK_WORD = 'fill="#0d7d6c">equiwatt', 'fill="#a9e5d3">equiwatt'
SIZES = {"icon": (256, 256), "logo": (464, 128)}
"""Smaller of the two sizes of each picture, in pixels."""


def drawing(name: str, dark: bool) -> str:
    """Return the address of a drawing for the browser."""
    text = (DRAWINGS / f"{name}.svg").read_text("utf-8")
    if dark:
        text = text.replace(WORD, DARK_WORD)
    return "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()


async def render() -> None:
    """Render all pictures into the integration."""
    async with Browser() as browser:
        for name, dark, scale in product(SIZES, (False, True), (1, 2)):
            width, height = SIZES[name]
            await browser.resize(width * scale, height * scale)
            await browser.page.goto(drawing(name, dark))
            file = f"{'dark_' if dark else ''}{name}{'@2x' if scale == 2 else ''}.png"
            await browser.screenshot(BRAND / file, settle=0.5, background=False)


if __name__ == "__main__":
    asyncio.run(render())
