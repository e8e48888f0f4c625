"""Insert the figures of a run into the documentation."""

from collections.abc import Iterable
from dataclasses import asdict
import json
from pathlib import Path

from . import picture
from .report import Table, figures_of

ROOT = Path(__file__).parent.parent
FIGURES = "docs/figures.md"
QUOTES = {
    "README.md": (
        "Without the webhook, half of the starts and ends in a log of ten real equivents\n"
        "would have been noticed within {edge_median_s:.1f} seconds, and 19 of 20 within\n"
        "{edge_p95_s:.1f}."
    ),
    "docs/how-it-works.md": (
        "That makes {calls_per_day:,.0f} calls a day. Half of the real starts and ends are\n"
        "noticed within {edge_median_s:.1f} seconds and 19 of 20 within {edge_p95_s:.1f}.\n"
        "Add the time that the call takes.\n"
        "A typical webhook call shows within {push_ours_median_ms:.2f} ms of its arrival."
    ),
}
"""Figures within sentences of the pages."""
RESULTS = Path(__file__).with_name("results.json")
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
FLOOR = (
    "A bare webhook that only writes an entity takes {push_floor_median_ms:.2f} ms, which is the "
    "least that an integration's can take,\nand {push_floor_ratio_to_native:.2f} of the "
    "automation's time. equiwatt's takes {push_above_floor_us:.0f} µs more, or "
    "{push_ratio_to_native:.2f} of it."
)
"""Sentences below the first table."""
FAULTS = "Being right"
USUAL = "Usual use"
HEAD = ("", "equiwatt", "next to it", "ratio")
ROWS = (
    (
        "A real start or end noticed without a webhook, median",
        "{edge_median_s:.1f} s with {calls_per_day:,.0f} calls a day",
        "{poll_30_edge_median_s:.1f} s with {poll_30_calls_per_day:,.0f}, checking every 30 s",
        ("edge_median_s", "poll_30_edge_median_s"),
    ),
    (
        "the same, 19 of 20",
        "within {edge_p95_s:.1f} s",
        "within {poll_30_edge_p95_s:.1f} s",
        ("edge_p95_s", "poll_30_edge_p95_s"),
    ),
    (
        "A start or end at any other time by day, median",
        "{day_edge_median_s:.1f} s",
        "{poll_30_day_edge_median_s:.1f} s",
        ("day_edge_median_s", "poll_30_day_edge_median_s"),
    ),
    (
        "the same, 19 of 20",
        "within {day_edge_p95_s:.1f} s",
        "within {poll_30_day_edge_p95_s:.1f} s",
        ("day_edge_p95_s", "poll_30_day_edge_p95_s"),
    ),
    (
        "A start at any other time by day that you have planned, median",
        "{planned_edge_median_s:.1f} s with {planned_calls_more:.0f} calls more",
        "{poll_30_day_edge_median_s:.1f} s",
        ("planned_edge_median_s", "poll_30_day_edge_median_s"),
    ),
    (
        "The busiest second of 100,000 homes, next to their average one",
        "{fleet_peak_ratio:.2f}",
        "",
        (),
    ),
    (
        "From a webhook call to the new state, median",
        "{push_ours_median_ms:.2f} ms",
        "{push_native_median_ms:.2f} ms, a webhook automation that toggles a helper",
        ("push_ours_median_ms", "push_native_median_ms"),
    ),
    (
        "",
        "",
        "{push_floor_median_ms:.2f} ms, a bare webhook that writes an entity",
        ("push_ours_median_ms", "push_floor_median_ms"),
    ),
    (
        "From a webhook call until the API has confirmed",
        "{certainty_median_ms:.0f} ms",
        "{round_trip_ms:.0f} ms, one call of that API",
        ("certainty_median_ms", "round_trip_ms"),
    ),
    (
        "From a call for an end half an hour early to the new state, median",
        "{push_end_s:.2f} s, once the API confirms it",
        "",
        (),
    ),
    ("the same, 19 of 20", "within {push_end_95_s:.2f} s", "", ()),
    (
        "From a call for an end that is due to the new state, median",
        "{push_end_near_ms:.2f} ms",
        "",
        (),
    ),
    (
        "Reading an answer, for each of 10,000 equivents",
        "{parse_10000_us_per_event:.1f} µs",
        "{parse_100_us_per_event:.1f} µs, for each of 100",
        ("parse_10000_us_per_event", "parse_100_us_per_event"),
    ),
    ("A month of the calendar, out of 2,000 equivents", "{calendar_month_ms:.2f} ms", "", ()),
    (
        "Importing it",
        "{import_ms:.0f} ms",
        "{diy_import_ms:.0f} ms, REST entities",
        ("import_ms", "diy_import_ms"),
    ),
    (
        "Setting it up",
        "{set_up_ms:.0f} ms",
        "{diy_set_up_ms:.0f} ms",
        ("set_up_ms", "diy_set_up_ms"),
    ),
    (
        "Memory",
        "{memory_kib:,.0f} KiB",
        "{diy_memory_kib:,.0f} KiB",
        ("memory_kib", "diy_memory_kib"),
    ),
    (
        "Event loop, for each check",
        "{poll_loop_ms:.2f} ms",
        "{diy_poll_loop_ms:.2f} ms",
        ("poll_loop_ms", "diy_poll_loop_ms"),
    ),
    (
        "Memory used up by a day of checks",
        "{memory_growth_kib_per_day:.1f} KiB",
        "{diy_memory_growth_kib_per_day:.1f} KiB",
        (),
    ),
    (
        "Database rows, on an idle day and for each equivent",
        "{rows_per_idle_day:.0f} and {rows_per_equivent:.0f}",
        "{diy_rows_per_idle_day:.0f} and {diy_rows_per_equivent:.0f}",
        (),
    ),
    (
        "With a meter: measuring 60 equivents of the past when it is chosen",
        "{meter_choose_ms:.0f} ms, of which event loop {meter_choose_loop_ms:.1f} ms",
        "",
        (),
    ),
    (
        "With a meter: writing statistics when a figure changes",
        "{meter_write_ms:.0f} ms, of which event loop {meter_write_loop_ms:.1f} ms",
        "",
        (),
    ),
    (
        "With a meter: reading two months of it, every five minutes of an equivent",
        "{meter_measure_ms:.0f} ms, of which event loop {meter_measure_loop_ms:.1f} ms",
        "",
        (),
    ),
    ("With a meter: at rest, for each check", "{meter_rest_us:.1f} µs", "", ()),
    (
        "False and missed starts and ends in the faults below",
        "{false_edges:.0f} and {lost_edges:.0f}",
        "{diy_false_edges:.0f} and {diy_lost_edges:.0f}, careful REST sensors",
        (),
    ),
    ("", "", "{naive_false_edges:.0f} and {naive_lost_edges:.0f}, a naive REST sensor", ()),
)


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table as Markdown."""
    columns = tuple(head)
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sections(tables: list[Table]) -> dict[str, str]:
    """Return the generated text of each page, with its marks."""
    figures = figures_of(tables)
    texts = {page: text.format_map(figures) for page, text in QUOTES.items()}
    texts[FIGURES] = shown_tables(tables)
    return {page: f"{BEGIN}\n\n{text}\n\n{END}" for page, text in texts.items()}


def shown_tables(tables: list[Table]) -> str:
    """Return the tables of figures, of faults, and of the usual use."""
    figures = figures_of(tables)
    rows = []
    for label, ours, other, ratio in ROWS:
        cells = (text.format_map(figures) for text in (ours, other))
        rows.append((label, *cells, share(*(figures[name] for name in ratio))))
    shown = [
        table for title in (FAULTS, USUAL) for table in tables if table.title.startswith(title)
    ]
    return "\n\n".join(
        [
            markdown(HEAD, rows),
            FLOOR.format_map(figures),
            *(markdown(table.head, table.rows) for table in shown),
        ]
    )


def share(value: float | None = None, of: float = 1) -> str:
    """Return a ratio, or an empty text."""
    return "" if value is None else f"{value / of:.2f}"


def load() -> list[Table]:
    """Return the stored results."""
    return [Table(**table) for table in json.loads(RESULTS.read_text("utf-8"))]


def merged(new: list[Table]) -> list[Table]:
    """Return all results, with those of the same figures or title replaced."""
    measured = {*figures_of(new), *(table.title for table in new)}
    return [*(old for old in load() if not {*old.figures, old.title} & measured), *new]


def write(tables: list[Table]) -> None:
    """Store new results and update the pages."""
    RESULTS.write_text(json.dumps([asdict(table) for table in tables], indent=1) + "\n", "utf-8")
    for page, section in sections(tables).items():
        path = ROOT / page
        path.write_text(replaced(path.read_text("utf-8"), section), "utf-8")
    for path, drawing in picture.pictures(tables).items():
        path.write_text(drawing, "utf-8")


def replaced(text: str, section: str) -> str:
    """Return a page with a replaced section between its marks."""
    before, _, rest = text.partition(BEGIN)
    return before + section + rest.partition(END)[2]
