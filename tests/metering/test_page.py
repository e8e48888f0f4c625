"""Test what docs/saving.md says: its figures, its automation, its links, and the dashboard's."""

from pathlib import Path
import re
from typing import Any

import pytest

from custom_components.equiwatt.metering.baseline import WANTED
from custom_components.equiwatt.metering.results import LEAST, Reason
from demo.stage import views_to_paste
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml

from ..fakes.blueprints import messages
from .example import EXAMPLE
from .home import FIGURES, Home

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "saving.md").read_text("utf-8")
BLOCKS: list[Any] = [parse_yaml(text) for text in re.findall(r"(?s)```yaml\n(.*?)```", PAGE)]
(AUTOMATION,) = BLOCKS


def table(head: str) -> list[list[str]]:
    """Return the cells of the table whose head begins so."""
    text = PAGE[PAGE.index(f"| {head}") :].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def kwh(cell: str) -> float | None:
    """Return the energy in a cell."""
    found = re.search(r"\d\.\d\d", cell)
    return float(found[0]) if found else None


def test_the_example() -> None:
    """Each figure of the worked example is that which the code is held to."""
    cells = {row[0][4:]: row for row in table("Day ") if re.match(r"[A-Z][a-z]{2} \d\d", row[0])}
    assert len(cells) == len(EXAMPLE["days"])
    for day in EXAMPLE["days"]:
        row = cells[day["date"][-2:]]
        if day["verdict"] == "used":
            assert [kwh(cell) for cell in row[1:3]] == [day["17:00"], day["17:30"]]
            assert not row[3]
        else:
            assert row[3]
    expected, last = EXAMPLE["expected"], table("Day ")[-3:]
    assert [kwh(row[3]) for row in last] == [
        expected["usual_kwh"],
        expected["used_kwh"],
        expected["saved_kwh"],
    ]
    used = EXAMPLE["event_day"]["used"]
    assert [kwh(cell) for cell in last[1][1:3]] == [used["17:00"], used["17:30"]]
    for column in (1, 2):
        usual, spent, saving = (kwh(row[column]) or 0 for row in last)
        assert usual - spent == pytest.approx(saving)
    lowest, highest = expected["usual_lowest_day_kwh"], expected["usual_highest_day_kwh"]
    assert f"between {lowest:.2f} and {highest:.2f} kWh" in PAGE
    live = EXAMPLE["live"][1]
    assert f"or {live['usual_so_far']:.2f} kWh" in PAGE
    assert f"{live['saved_so_far']:.2f} kWh ahead" in PAGE


def test_rules() -> None:
    """How many days there are to be, and must be."""
    assert (WANTED[True], WANTED[False], LEAST) == (10, 8, 3)
    text = " ".join(PAGE.split())
    assert "10 working days, or 8 others" in text
    assert "fewer than three similar days" in text
    assert {row[0].strip("`") for row in table("`reason` | What")} == set(Reason)


async def test_entities_and_attributes(home: Home) -> None:
    """All are described, and no others are."""
    await home.furnish()
    await home.start()
    described = {name for row in table("Attribute |") for name in re.findall(r"`(\w+)`", row[0])}
    shown = home.sensor("saving").attributes.keys()
    assert described == shown - {"device_class", "friendly_name", "unit_of_measurement"}
    named = {row[0].strip("`") for row in table("Entity |")}
    assert named == {f"sensor.equiwatt_{key}" for key in FIGURES}


async def test_the_dashboard(home: Home) -> None:
    """It shows all figures, and each half hour with a dash for what is not known."""
    await home.furnish()
    view: Any = parse_yaml(views_to_paste()[0])
    cards = [card for section in view["sections"] for card in section["cards"]]
    assert {card.get("entity") for card in cards} >= {f"sensor.equiwatt_{key}" for key in FIGURES}
    (markdown,) = [card for card in cards if "half_hours" in card.get("content", "")]
    await home.hass.config.async_set_time_zone("Europe/London")
    await home.start()
    await home.move_to("17:21")
    text: str = Template(markdown["content"], home.hass).async_render(parse_result=False)
    table = text[text.index("| Half hour") :]
    assert table.splitlines()[:4] == [
        "| Half hour | Usual | Used |",
        "|:--|--:|--:|",
        "| 17:00 | 0.40 | 0.14 |",
        "| 17:30 | 0.50 | \N{EN DASH} |",
    ]


async def test_the_automation(home: Home) -> None:
    """It says what was saved, once."""
    await home.furnish()
    assert await async_setup_component(home.hass, "persistent_notification", {})
    assert await async_setup_component(home.hass, "automation", {"automation": [AUTOMATION]})
    await home.start()
    assert messages(home) == []
    await home.end()
    assert messages(home) == [
        "Your home used 0.50 kWh less than usual, by an estimate from your own meter."
    ]


def test_links() -> None:
    """They lead somewhere."""
    headings = re.findall(r"(?m)^#+ (.+)$", PAGE)
    anchors = {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGE):
        path, _, anchor = target.partition("#")
        if path:
            assert (ROOT / "docs" / path).exists(), target
        else:
            assert anchor in anchors
