"""Test the figures, the automation and the links of docs/saving.md, and of the dashboard."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
import re
from typing import Any

import pytest

from custom_components.equiwatt.metering.baseline import GRID, WANTED, estimate
from custom_components.equiwatt.metering.results import MIN_DAYS, Reason, Verdict
from demo.stage import views_of_page
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml

from ...fakes.blueprints import messages
from ...metering.example import WINDOW, at, meter_of
from ...metering.home import FIGURES, MeteredHome

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "saving.md").read_text("utf-8")
BLOCKS: list[Any] = [parse_yaml(text) for text in re.findall(r"(?s)```yaml\n(.*?)```", PAGE)]
(AUTOMATION,) = BLOCKS


def table(head: str) -> list[list[str]]:
    """Return the cells of the table with the given header."""
    text = PAGE[PAGE.index(f"| {head}") :].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def kwh(cell: str) -> float | None:
    """Return the energy in a cell."""
    found = re.search(r"\d\.\d\d", cell)
    return float(found[0]) if found else None


def test_example() -> None:
    """Each figure follows from the readings in the page's table."""
    rows = {row[0][4:]: row for row in table("Day ") if re.match(r"[A-Z][a-z]{2} \d\d", row[0])}
    assert len(rows) == 14
    readings: dict[datetime, float] = {}
    total = 100.0
    for number, row in sorted(rows.items()):
        start = at(date(2026, 11, int(number)), "17:00")
        assert row[0] == f"{start:%a %d}"
        is_weekend = start.weekday() > 4
        assert (row[3] == "weekend") is is_weekend
        halves = [kwh(cell) for cell in row[1:3]]
        assert all(each is not None for each in halves) is (row[3] == "")
        if row[3] == "":
            readings |= evening(start, total, halves)
        total += 5
    days = {date(2026, 11, int(number)) for number, row in rows.items() if "equivent" in row[3]}
    last = table("Day ")[-3:]
    start = WINDOW.start
    known = meter_of(readings | evening(start, total, [kwh(cell) for cell in last[1][1:3]]))
    found = estimate(WINDOW, days, [known], over=True)
    figures = [(found.usual, "usual"), (found.used, "used"), (found.saving, None)]
    for row, (figure, half) in zip(last, figures, strict=True):
        assert kwh(row[3]) == pytest.approx(figure)
        for column, each in enumerate(found.half_hours, 1):
            value = getattr(each, half) if half else (each.usual or 0) - (each.used or 0)
            assert kwh(row[column]) == pytest.approx(value)
    text = " ".join(PAGE.split())
    assert f"Between {found.lowest_day:.2f} and {found.highest_day:.2f} kWh" in text
    assert found.in_words
    assert f"Used {found.used:.2f} kWh, {found.in_words}." in PAGE
    so_far = {start: total, start + 4 * GRID: total + 0.18}
    live = estimate(WINDOW, days, [meter_of(readings | so_far)], over=False)
    assert f"had used {live.used:.2f} kWh" in text
    assert f"or {live.so_far:.2f} kWh. The home was {live.saving:.2f} kWh ahead." in text


def evening(start: datetime, total: float, halves: Sequence[float | None]) -> dict[datetime, float]:
    """Return the readings of an evening, every five minutes."""
    kwh = {start: total}
    for half, energy in enumerate(halves):
        for row in range(6):
            moment = start + (6 * half + row) * GRID
            kwh[moment + GRID] = kwh[moment] + (energy or 0) / 6
    return kwh


def test_rules() -> None:
    """The numbers of days on the page are those of the code."""
    assert (WANTED[True], WANTED[False], MIN_DAYS) == (10, 8, 3)
    text = " ".join(PAGE.split())
    assert "10 working days, or 8 others" in text
    assert "fewer than three similar days" in text
    assert {row[0].strip("`") for row in table("`reason` | What")} == set(Reason)


async def test_entities_and_attributes(home: MeteredHome) -> None:
    """All entities and attributes are described, and no others."""
    await home.setup_with_meter()
    await home.start()
    described = {name for row in table("Attribute |") for name in re.findall(r"`(\w+)`", row[0])}
    shown = home.sensor("saving").attributes.keys()
    assert described == shown - {"device_class", "friendly_name", "unit_of_measurement"}
    named = {row[0].strip("`") for row in table("Entity |")}
    assert named == {f"sensor.equiwatt_{key}" for key in (*FIGURES, "total_saving")}
    rows = table("Attribute of the total |")
    described = {name for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    shown = home.sensor("total_saving").attributes.keys()
    assert described == shown - {"device_class", "friendly_name", "unit_of_measurement"}
    verdicts = {name for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert verdicts == set(Verdict)


async def test_dashboard_figures(home: MeteredHome) -> None:
    """All figures are shown, and each half hour has a dash where there is no figure."""
    await home.setup_with_meter()
    view: Any = parse_yaml(views_of_page()[0])
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


async def test_automation(home: MeteredHome) -> None:
    """The automation sends the saving once."""
    await home.setup_with_meter()
    assert await async_setup_component(home.hass, "persistent_notification", {})
    assert await async_setup_component(home.hass, "automation", {"automation": [AUTOMATION]})
    await home.start()
    assert messages(home) == []
    await home.end()
    (message,) = messages(home)
    assert message == (
        "Your home used 0.50 kWh less than usual; less than on 7 of your 7 usual days, "
        "by an estimate from your own meter."
    )


def test_links() -> None:
    """All links have a target."""
    headings = re.findall(r"(?m)^#+ (.+)$", PAGE)
    anchors = {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGE):
        path, _, anchor = target.partition("#")
        if path:
            assert (ROOT / "docs" / path).exists(), target
        else:
            assert anchor in anchors
