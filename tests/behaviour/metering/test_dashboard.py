"""Test the view of results in docs/dashboard.md: the savings, and whether they were luck."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from custom_components.equiwatt.equivents.model import Kind
from custom_components.equiwatt.metering.statistics import statistic_ids
from demo.stage import views_of_page
from homeassistant.core import State
from homeassistant.helpers.template import Template
from homeassistant.util.yaml import parse_yaml

from ...fakes.results import result
from ...metering.example import EVENT_DAY, at
from ...metering.home import MeteredHome

TOTAL = "sensor.equiwatt_total_saving"
NOTHING = "Nothing has been measured yet"
DAY = timedelta(days=1)


def cards() -> list[dict[str, Any]]:
    """Return the cards of the view."""
    view: Any = parse_yaml(views_of_page()[1])
    return [card for section in view["sections"] for card in section["cards"]]


def rendered(home: MeteredHome, words: str) -> list[str]:
    """Return the lines of the text card whose template has the given words."""
    (card,) = [card for card in cards() if words in card.get("content", "")]
    text: str = Template(card["content"], home.hass).async_render(parse_result=False)
    return text.splitlines()


def colours(home: MeteredHome) -> list[str]:
    """Return the current colours of the total's tiles."""
    state = home.hass.states.get(TOTAL)
    assert state
    tiles = [card for card in cards() if card.get("entity") == TOTAL]
    return [tile["color"] for tile in tiles if all(map(partial(holds, state), tile["visibility"]))]


def holds(state: State, condition: dict[str, Any]) -> bool:
    """Return True if a card's condition is met."""
    value = state.attributes[condition["attribute"]] if "attribute" in condition else state.state
    wanted = condition.get("state", condition.get("state_not"))
    is_one = value in (wanted if isinstance(wanted, list) else [wanted])
    return is_one is ("state" in condition)


async def setup_results(home: MeteredHome, *used: float) -> None:
    """Set up a home with results: a usual use of one kilowatt-hour, and nothing before."""
    home.provider.previous = []
    await home.setup_with_meter()
    await home.hass.config.async_set_time_zone("Europe/London")
    usual = [0.55 + 0.1 * n for n in range(10)]
    store = home.entry.runtime_data.store
    start = at(EVENT_DAY, "17:01") - timedelta(days=4 * len(used))
    store.async_keep_results(
        *(result(start + 4 * n * DAY, kwh, *usual) for n, kwh in enumerate(used))
    )
    home.entry.runtime_data.coordinator.async_update_listeners()
    await home.settle()


@pytest.mark.parametrize(
    ("used", "words", "colour"),
    [
        ((0.4,), "**Too early to tell.**", "grey"),
        ((1.1, 0.9, 1.2, 0.8), "**No clear difference yet.**", "grey"),
        ((0.4,) * 8, "**Your home uses less than usual in equivents.**", "green"),
        ((1.9,) * 8, "**Your home uses more than usual in equivents.**", "amber"),
    ],
)
async def test_verdict(home: MeteredHome, used: tuple[float, ...], words: str, colour: str) -> None:
    """A figure is grey until there is a verdict, and never green below zero."""
    await setup_results(home, *used)
    first, _, second, *_ = rendered(home, "verdict")
    assert first.startswith(words)
    count = f"{len(used)} equivent{'' if len(used) == 1 else 's'} since "
    assert second.startswith(count)
    assert colours(home) == [colour]


async def test_last_five(home: MeteredHome) -> None:
    """The usual use, the use and the comparison with the usual days of each equivent."""
    await setup_results(home, 0.5, 0.5, 0.5, 0.3, 1.2, 0.4)
    head, _, *rows = rendered(home, "latest")
    assert head == "| Equivent | Usual | Used | Less by | Less than on |"
    assert rows[:2] == [
        "| 20 Nov, 17:01 | 1.00 | 0.40 | 0.60 | 10 of 10 days |",
        "| 16 Nov, 17:01 | 1.00 | 1.20 | \N{MINUS SIGN}0.20 | 3 of 10 days |",
    ]
    assert [row.startswith("| ") for row in rows[:6]] == [True] * 5 + [False]
    assert rows[-1].startswith("Estimates from your own meter, in kWh")


async def test_nothing_yet(home: MeteredHome) -> None:
    """A powerUP is left out of the total, and without results there is no figure."""
    await setup_results(home)
    store = home.entry.runtime_data.store
    store.async_keep_results(result(at(EVENT_DAY, "12:01"), 2, 1, 1, 1, kind=Kind.POWER_UP))
    home.entry.runtime_data.coordinator.async_update_listeners()
    await home.settle()
    assert home.state(TOTAL) == "unknown"
    assert colours(home) == []
    for state in ("unknown", "without a meter"):
        assert rendered(home, NOTHING)[0].startswith(NOTHING), state
        home.hass.states.async_remove(TOTAL)


def test_charts() -> None:
    """The charts show the statistics under their ids."""
    charts = [card for card in cards() if card["type"] == "statistics-graph"]
    assert [chart["period"] for chart in charts] == ["month", "day"]
    for chart in charts:
        assert [entity["entity"] for entity in chart["entities"]] == [statistic_ids()["saving"]]
        assert chart["stat_types"] == ["change"]
