"""A headless Chromium, driven over its own protocol.

async with Browser(folder) as browser:
    await browser.go(url)
    await browser.wait_for("hui-tile-card")     # also within shadow roots
    await browser.shoot(path)
"""

import asyncio
import base64
import contextlib
import itertools
import json
from pathlib import Path
import shutil
from typing import Any, Self

import aiohttp

from .client import HouseError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_SECONDS = 60
PATIENCE = 30
FIND = """
window.__all = (selector, root = document) => {
  const found = [...root.querySelectorAll(selector)];
  for (const element of root.querySelectorAll("*")) {
    if (element.shadowRoot) found.push(...window.__all(selector, element.shadowRoot));
  }
  return found;
};
window.__text = node => node.nodeType === 3 ? node.textContent
  : [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].map(window.__text).join(" ");
window.__place = (selector, text) => {
  const found = window.__all(selector).filter(one => window.__text(one).includes(text));
  found.at(-1).scrollIntoView({ block: "nearest" });
  const { x, y, width, height } = found.at(-1).getBoundingClientRect();
  return [x + width / 2, y + height / 2];
};
window.addEventListener("beforeunload", event => event.stopImmediatePropagation(), true);
"""
"""Looks through shadow roots, of which Home Assistant's pages are made, and lets them be left."""


class Browser:
    """One page of one browser."""

    def __init__(self, folder: Path, width: int = 1280, height: int = 800) -> None:
        """Keep where its profile goes, and how large the page is."""
        self._folder = folder
        self._size = (width, height)
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._stack = contextlib.AsyncExitStack()
        self._socket: aiohttp.ClientWebSocketResponse

    async def __aenter__(self) -> Self:
        """Start it."""
        program = next((path for name in NAMES if (path := shutil.which(name))), None)
        if not program:
            raise HouseError("There is no Chromium. Install chromium or google-chrome.")
        process = await asyncio.create_subprocess_exec(
            *(program, "--headless=new", "--no-sandbox", "--remote-debugging-port=0"),
            *(f"--user-data-dir={self._folder}", "--hide-scrollbars", "--lang=en-GB"),
            f"--window-size={self._size[0]},{self._size[1]}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._stack.push_async_callback(self._end, process)
        try:
            await self._connect()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        await self._stack.aclose()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """End the process."""
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()

    async def _connect(self) -> None:
        """Find the page, and talk to it."""
        port = await self._port()
        session = await self._stack.enter_async_context(aiohttp.ClientSession())
        async with session.get(f"http://127.0.0.1:{port}/json") as response:
            pages = await response.json()
        page = next(page for page in pages if page["type"] == "page")
        self._socket = await self._stack.enter_async_context(
            session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        )
        listening = asyncio.create_task(self._listen())
        self._stack.callback(listening.cancel)
        await self.call("Page.enable")
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=FIND)
        await self.resize(*self._size)

    async def _port(self) -> int:
        """Wait until it tells its port."""
        file = self._folder / "DevToolsActivePort"
        async with asyncio.timeout(START_SECONDS):
            while not file.exists():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.1)
        return int(file.read_text("utf-8").split()[0])

    async def _listen(self) -> None:
        """Hand each answer to whoever waits for it."""
        async for message in self._socket:
            answer = json.loads(message.data)
            if waiting := self._calls.pop(answer.get("id", 0), None):
                waiting.set_result(answer)

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol, and give its result."""
        number = next(self._numbers)
        self._calls[number] = answer = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            result = await answer
        if "error" in result:
            raise HouseError(f"{method}: {result['error']}")
        return result["result"]

    async def resize(self, width: int, height: int) -> None:
        """Give the page a size."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def go(self, url: str) -> None:
        """Open an address."""
        await self.call("Page.navigate", url=url)

    async def run(self, script: str) -> Any:
        """Run a script in the page, and give what it comes to."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise HouseError(f"{script}: {answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    async def wait_for(self, selector: str, text: str = "") -> None:
        """Wait until an element is there, with a text in it if one is given."""
        script = (
            f"!!window.__all && window.__all({json.dumps(selector)})"
            f".some(one => window.__text(one).includes({json.dumps(text)}))"
        )
        try:
            async with asyncio.timeout(PATIENCE):
                while not await self._holds(script):  # noqa: ASYNC110 - a page tells nobody
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise HouseError(f"There is no {selector} with {text!r} on the page.") from None

    async def _holds(self, script: str) -> bool:
        """Tell whether a script comes to something; on a page that is being left it does not."""
        with contextlib.suppress(HouseError):
            return bool(await self.run(script))
        return False

    async def click(self, selector: str, text: str = "") -> None:
        """Click the last element of a kind, with a text in it if one is given."""
        await self.wait_for(selector, text)
        await asyncio.sleep(0.5)  # what has just come may still move
        x, y = await self.run(f"window.__place({json.dumps(selector)}, {json.dumps(text)})")
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def shoot(self, path: Path, settle: float = 1.5) -> None:
        """Take a picture of the page once it has settled."""
        await asyncio.sleep(settle)
        answer = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(answer["data"]))
