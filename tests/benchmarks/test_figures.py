"""Test the figures that need no quiet machine."""

import asyncio

import pytest

from benchmarks import compare, edges, methods, picture, reading, readme
from benchmarks.__main__ import BOUNDS
from benchmarks.report import figures_of
from custom_components.equiwatt.equivents.answer import parse
from custom_components.equiwatt.metering.days import is_working


@pytest.mark.long(3)
async def test_edges_without_a_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edges are seen sooner than by a poll every 30 seconds, with fewer calls.

    However many homes ask, no second of a window has many more calls than another. A part of what
    the benchmark counts is enough for that.
    """
    monkeypatch.setattr(edges, "PHASES", 20)
    monkeypatch.setattr(edges, "MOMENTS", 40)
    monkeypatch.setattr(edges, "HOMES", 5_000)
    ours = figures_of(await edges.measure(asyncio.get_running_loop()))
    assert {name for name, bound in BOUNDS.items() if ours.get(name, 0) > bound} == set()
    assert ours["any_time_p95_s"] <= 60
    assert ours["edge_p95_s"] < ours["poll_30_edge_median_s"]
    assert ours["day_edge_median_s"] <= ours["poll_30_day_edge_median_s"]
    assert ours["day_edge_p95_s"] <= ours["poll_30_day_edge_p95_s"]
    assert ours["fleet_peak_ratio"] >= 1
    assert ours["calls_per_day"] < ours["poll_30_calls_per_day"]


@pytest.mark.parametrize("events", [10, 1_000])
def test_parsing_is_linear(events: int) -> None:
    """Each event of an answer takes the same number of steps."""
    few, many = reading.answer(events), reading.answer(10 * events)
    growth = reading.steps(lambda: parse(many)) / reading.steps(lambda: parse(few)) / 10
    assert 0.5 < growth <= 1.1


def test_calendar_month() -> None:
    """Events outside a month cost no more than a comparison."""
    stored = reading.calendar()
    assert reading.month(stored) in (8, 9)
    assert reading.steps(lambda: reading.month(stored)) < 100 * reading.STORED


def test_quoted_figures() -> None:
    """Every figure on a page is that of the stored results."""
    for page, section in readme.sections(readme.load()).items():
        text = (readme.ROOT / page).read_text("utf-8")
        assert section in text
        assert readme.replaced(text, section) == text


def test_bounds() -> None:
    """The stored results are within the project's limits."""
    figures = figures_of(readme.load())
    assert {name for name, bound in BOUNDS.items() if figures[name] > bound} == set()


def test_picture() -> None:
    """The curves are drawn from the results, for light and for dark pages."""
    pictures = picture.pictures(readme.load())
    assert [path.name for path in pictures] == ["edges-light.svg", "edges-dark.svg"]
    for path, drawing in pictures.items():
        assert path.read_text("utf-8") == drawing
        assert f'"images/{path.name}"' in (readme.ROOT / readme.FIGURES).read_text("utf-8")


def test_two_commits_side_by_side() -> None:
    """A ratio is that of adjacent runs, as the machine's speed drifts."""
    names = [name for _, name, _ in compare.ROWS]
    now, then = (dict.fromkeys(names, values) for values in ([1.0, 2, 9], [2.0, 4, 9]))
    table = compare.table_of("abc", now, then)
    assert table.rows[0] == ["importing it", "2.0 ms", "4.0 ms", "0.50"]
    assert (table.figures["import_ms"], table.figures["then_import_ms"]) == (2, 4)


@pytest.mark.long(6)
def test_error_of_the_method() -> None:
    """The page quotes the error of the integration's own method."""
    quoted = figures_of(readme.load())
    by_home = [methods.evenings(home) for home in methods.homes()]
    for working, which in ((True, "working"), (False, "other")):
        days = [
            [evening for evening in home if is_working(evening.day) is working] for home in by_home
        ]
        found = methods.errors(methods.ours, days)
        assert found.square == pytest.approx(quoted[f"usual_{which}_square"])
