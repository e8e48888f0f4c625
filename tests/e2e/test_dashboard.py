"""Test the dashboard view of the page in a browser."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
import time

import pytest

from demo.house import House
from demo.pretend_meter import METER
from demo.stage import install_devices, install_meter, is_known, views_of_page
from homeassistant.util.yaml import parse_yaml

from ..fakes.forked import ForkedHouse
from ..fakes.home import LIVE
from ..fakes.process import CHOSEN, add, call, measured, saving
from ..fakes.provider import Provider

pytest.importorskip("playwright", reason="scripts/test brings it where there is a Chromium")

from playwright.async_api import TimeoutError as BrowserTimeoutError

from demo.browser import Browser, installed

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long(40),
    pytest.mark.skipif(not installed(), reason="there is no Chromium"),
]

HOUR = 3600
DESK, PHONE = (1280, 800), (390, 844)
PATH = "equiwatt-pasted"
HEATER, RAIL = "input_boolean.immersion_heater", "input_boolean.towel_rail"
LASTED = "sensor.equiwatt_last_duration"
SKIP = "switch.equiwatt_skip"
CONFIGURATION = """\
logger:
  default: warning
lovelace:
input_boolean:
  immersion_heater:
    name: Immersion heater
    initial: true
  towel_rail:
    name: Towel rail
    initial: true
"""
BROKEN = "hui-error-card, hui-warning, hui-error-section, hui-warning-element, hui-error-badge"
OF_THE_METER = ("Saving", "Used", "Usual for the whole equivent", "An estimate from your own meter")


class Dashboard:
    """The view in a browser."""

    def __init__(self, browser: Browser, house: House) -> None:
        """Initialize with the address."""
        self._browser = browser
        self._page = browser.page
        self._url = f"{house.url}/{PATH}"

    async def open(self, view: str = "equiwatt") -> None:
        """Open a view."""
        await self._page.goto(f"{self._url}/{view}")

    async def shows(self, *texts: str, without: tuple[str, ...] = ()) -> None:
        """Check that some texts are shown and others are not, on a phone in the dark too."""
        await self._check(texts, without)
        await self._browser.resize(*PHONE)
        await self._browser.set_dark()
        await self._check(texts, without)
        await self._browser.resize(*DESK)
        await self._browser.set_dark(dark=False)

    async def _check(self, texts: tuple[str, ...], without: tuple[str, ...]) -> None:
        """Wait for the expected texts, and check what is true at any time."""
        for text in texts:
            try:
                await self._browser.wait_for_text(text)
            except BrowserTimeoutError:
                await self._page.reload()  # under load, a page may have missed an update
                await self._browser.wait_for_text(text)
        for text in (*without, "Unknown", "Unavailable"):
            await self._browser.wait_until_gone(text)
        assert await self._page.locator(BROKEN).count() == 0
        # A resized page is laid out a moment later.
        await self._page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")

    async def press(self, text: str) -> None:
        """Press a button."""
        await self._browser.click("hui-button-card", text)

    async def confirm(self) -> None:
        """Confirm a button's question."""
        await self._browser.click("ha-dialog ha-button", "OK")

    async def toggle(self, text: str) -> None:
        """Press the toggle of a tile."""
        tile = self._browser.find("hui-tile-card", text)
        await tile.locator("ha-control-switch").click()


@pytest.fixture
async def house(api: Provider, tmp_path: Path, own_port: int) -> AsyncIterator[House]:
    """Run a Home Assistant with the frontend, two devices and an unused meter."""
    start = int(time.time()) // HOUR * HOUR - 24 * HOUR
    devices = install_devices(tmp_path / "devices")
    furniture = CONFIGURATION + install_meter(tmp_path, devices, [measured(start, start + HOUR)])
    async with ForkedHouse(
        tmp_path, configuration=furniture, port=own_port, frontend=True
    ) as house:
        yield house


@pytest.fixture
async def dashboard(house: House) -> AsyncIterator[Dashboard]:
    """Create a dashboard with the view, and open a browser."""
    made = {"url_path": PATH, "title": "equiwatt", "mode": "storage"}
    await house.command("lovelace/dashboards/create", **made)
    config = {"views": [parse_yaml(view) for view in views_of_page()]}
    await house.command("lovelace/config/save", url_path=PATH, config=config)
    async with Browser(*DESK) as browser:
        yield Dashboard(browser, house)


async def plan_tomorrow(house: House, title: str) -> None:
    """Plan an equivent in place of the last plan."""
    day = datetime.now(UTC).date() + timedelta(days=1)
    await house.call(
        "calendar",
        "create_event",
        entity_id="calendar.equiwatt_equivents",
        summary=title,
        start_date_time=f"{day} 17:00:00",
        end_date_time=f"{day} 18:00:00",
    )


def problems(house: House) -> list[str]:
    """Return the house's problems, without those of a browser that leaves a page meanwhile."""
    return [record for record in house.problems() if "ClientConnectionResetError" not in record]


async def test_equivent(house: House, api: Provider, dashboard: Dashboard) -> None:
    """Without a meter: no account, a rehearsal, held devices, a skip, the end, an outage."""
    await dashboard.open()
    missing = ("There is no binary_sensor.equiwatt_live", "Add or enable your account")
    await dashboard.shows(*missing, without=("Rehearse", "No answer"))
    addresses = await add(house, api)
    await dashboard.open("equiwatt-results")
    await dashboard.shows("Nothing has been measured yet", without=("Saved in all", "Each month"))
    await dashboard.open()
    nothing = (
        *OF_THE_METER,
        "There is no",
        "Restore now",
        "Planned end",
        "This is a rehearsal",
        "Log it",
    )
    await dashboard.shows("Not live", "No equivent has finished yet", without=nothing)
    await dashboard.press("Rehearse")
    await house.wait_for(LIVE, "on")
    gone: tuple[str, ...] = ("Rehearse", "Log it", "Skip", *OF_THE_METER)
    await dashboard.shows("Live now", "This is a rehearsal", "Planned end", without=gone)
    await house.call("equiwatt", "simulate_equivent", duration=10)
    await dashboard.shows("Rehearse for one minute", without=("This is a rehearsal",))

    for kind, words in (("power_up", "powerUP: use more"), ("power_down", "powerDOWN: use less")):
        await house.call("equiwatt", "simulate_equivent", duration=60, kind=kind)
        await dashboard.shows("Live now", words, "This is a rehearsal")
    await house.call("equiwatt", "simulate_equivent", duration=10)
    await dashboard.shows("Not live", without=("powerUP", "powerDOWN", "Next:"))
    for title, words in (("powerUP", "Next: powerUP, use more"), ("", "Next: powerDOWN, use less")):
        await plan_tomorrow(house, title)
        await dashboard.shows("Not live", words)

    start = int(time.time())
    api.current = {"start_time": start, "end_time": None}
    await call(addresses["started"])
    live = await house.wait_for(LIVE, "on")
    gone = ("Rehearse", "Planned end", "Not live", "This is a rehearsal")
    await dashboard.shows("Live now", "Log it", "Skip this one", "Started", without=gone)
    await house.call("equiwatt", "pause", entity_id=[HEATER, RAIL])
    await dashboard.shows("Immersion heater", "Towel rail", "Restore now")
    await dashboard.press("Restore now")
    await dashboard.confirm()
    await house.wait_for(HEATER, "on")
    await dashboard.shows("Live now", without=("Restore now", "Immersion heater"))
    await dashboard.toggle("Skip this one")
    await house.wait_for(SKIP, "on")
    await dashboard.shows("Skip this one", without=("Log it",))
    assert (await house.wait_for(LIVE, "on"))["last_changed"] == live["last_changed"]

    api.current, api.previous = None, [{"start_time": start, "end_time": int(time.time())}]
    await call(addresses["ended"])
    await house.wait_for(LASTED, is_known, 70)
    gone = ("Live now", "No equivent has finished yet", *OF_THE_METER)
    await dashboard.shows("Not live", "The last one", "Lasted", "Skip the next one", without=gone)
    (entry,) = await house.entries("equiwatt")
    disabled = {"entry_id": entry["entry_id"], "disabled_by": "user"}
    await house.command("config_entries/disable", **disabled)
    gone = ("Live now", "Lasted", "Today", *missing)
    await dashboard.shows("No answer from equiwatt", without=gone)
    assert problems(house) == []


async def test_with_a_meter(house: House, api: Provider, dashboard: Dashboard) -> None:
    """With a meter: use and usual use while live, and the saving of the last equivent."""
    # In the last full hour, as rows of five minutes written after a start do not count.
    start = int(time.time()) // 3600 * 3600 - 1800
    addresses = await add(house, api)
    (entry,) = await house.entries("equiwatt")
    await house.wait_for(METER, lambda _: True, 60)
    await house.options(entry["entry_id"], CHOSEN, {})
    await dashboard.open()
    await dashboard.shows("No equivent has finished yet", without=OF_THE_METER)
    await dashboard.open("equiwatt-results")
    await dashboard.shows("Nothing has been measured yet", without=("Saved in all", "Each month"))
    await dashboard.open()

    api.current = measured(start, start + 2 * HOUR)
    await call(addresses["started"].split("?")[0])
    await house.wait_for(LIVE, "on")
    await saving(house, final=False)
    await dashboard.shows("Am I beating it?", "Planned end", "Until", *OF_THE_METER)
    api.current, api.previous = None, [measured(start, start + 900)]
    await call(addresses["ended"])
    await saving(house, final=True)
    await dashboard.shows("The last one", "Lasted", *OF_THE_METER, without=("Am I beating it?",))
    await dashboard.open("equiwatt-results")
    await dashboard.shows("Saved in all", "Too early to tell", "The last five", "Each month")
    await dashboard.open()
    for name in ("saving", "usual_use"):  # as on the first days with a meter
        state = {"state": "unknown", "attributes": {"reason": "learning", "half_hours": []}}
        await house.request("POST", f"/api/states/sensor.equiwatt_{name}", state)
    await dashboard.shows(
        "Too few similar days yet", "Used", without=("Usual for the whole equivent",)
    )
    assert problems(house) == []
