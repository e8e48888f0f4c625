"""The README's tables, out of the results of the run that it quotes."""

from collections.abc import Iterable
from dataclasses import asdict
import json
from pathlib import Path
import re

from .report import Table, figures_of

README = Path(__file__).parent.parent / "README.md"
RESULTS = Path(__file__).with_name("results.json")
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
FAULTS = "Being right"
HEAD = ("", "equiwatt", "beside it", "ratio")
ROWS = (
    (
        "A real edge seen without a webhook, median",
        "{edge_median_s:.1f} s with {calls_per_day:,.0f} calls a day",
        "{poll_30_edge_median_s:.1f} s with {poll_30_calls_per_day:,.0f}, asking every 30 s",
        ("edge_median_s", "poll_30_edge_median_s"),
    ),
    (
        "the same, 19 of 20",
        "within {edge_p95_s:.1f} s",
        "within {poll_30_edge_p95_s:.1f} s",
        ("edge_p95_s", "poll_30_edge_p95_s"),
    ),
    (
        "An edge at any other time by day, median",
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
        "The busiest second of 100,000 homes, beside their mean one",
        "{fleet_peak_ratio:.2f}",
        "",
        (),
    ),
    (
        "From a webhook call to the state, median",
        "{push_ours_median_ms:.2f} ms",
        "{push_native_median_ms:.2f} ms, a webhook automation that toggles a helper",
        ("push_ours_median_ms", "push_native_median_ms"),
    ),
    (
        "",
        "",
        "{push_floor_median_ms:.2f} ms, the least that any webhook takes",
        ("push_ours_median_ms", "push_floor_median_ms"),
    ),
    (
        "From a webhook call until the API has confirmed",
        "{certainty_median_ms:.0f} ms",
        "{round_trip_ms:.0f} ms, one call of that API",
        ("certainty_median_ms", "round_trip_ms"),
    ),
    (
        "Reading an answer, for each of 10,000 events",
        "{parse_10000_us_per_event:.1f} µs",
        "{parse_100_us_per_event:.1f} µs, for each of 100",
        ("parse_10000_us_per_event", "parse_100_us_per_event"),
    ),
    ("A month of the calendar, out of 2,000", "{calendar_month_ms:.2f} ms", "", ()),
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
        "Event loop, for each poll",
        "{poll_loop_ms:.2f} ms",
        "{diy_poll_loop_ms:.2f} ms",
        ("poll_loop_ms", "diy_poll_loop_ms"),
    ),
    (
        "Memory that a day of polling leaves behind",
        "{memory_growth_kib_per_day:.1f} KiB",
        "{diy_memory_growth_kib_per_day:.1f} KiB",
        (),
    ),
    (
        "Recorder rows, on an idle day and for each equivent",
        "{rows_per_idle_day:.0f} and {rows_per_equivent:.0f}",
        "{diy_rows_per_idle_day:.0f} and {diy_rows_per_equivent:.0f}",
        (),
    ),
    (
        "With a meter: reading two months of it at a start",
        "{meter_start_ms:.0f} ms, of which event loop {meter_start_loop_ms:.1f} ms",
        "",
        (),
    ),
    (
        "With a meter: each five minutes of an equivent",
        "{meter_five_minutes_ms:.1f} ms, of which event loop {meter_five_minutes_loop_ms:.1f} ms",
        "",
        (),
    ),
    ("With a meter: at rest, each poll", "{meter_rest_us:.1f} µs", "", ()),
    (
        "False and lost edges in the faults below",
        "{false_edges:.0f} and {lost_edges:.0f}",
        "{diy_false_edges:.0f} and {diy_lost_edges:.0f}, careful REST sensors",
        (),
    ),
    ("", "", "{naive_false_edges:.0f} and {naive_lost_edges:.0f}, a naive one", ()),
)


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table as Markdown."""
    columns = tuple(head)
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def section(tables: list[Table]) -> str:
    """Return what the README says between its marks."""
    figures = figures_of(tables)
    rows = []
    for what, ours, other, ratio in ROWS:
        cells = (text.format_map(figures) for text in (ours, other))
        rows.append((what, *cells, share(*(figures[name] for name in ratio))))
    (faults,) = (table for table in tables if table.title.startswith(FAULTS))
    parts = (BEGIN, markdown(HEAD, rows), markdown(faults.head, faults.rows), END)
    return "\n\n".join(parts)


def share(value: float | None = None, of: float = 1) -> str:
    """Return a ratio, or nothing where there is none."""
    return "" if value is None else f"{value / of:.2f}"


def load() -> list[Table]:
    """Return the results that the README quotes."""
    return [Table(**table) for table in json.loads(RESULTS.read_text("utf-8"))]


def write(tables: list[Table]) -> None:
    """Keep new results, and let the README quote them."""
    RESULTS.write_text(json.dumps([asdict(table) for table in tables], indent=1) + "\n", "utf-8")
    text = README.read_text("utf-8")
    README.write_text(re.sub(f"(?s){BEGIN}.*{END}", lambda _: section(tables), text), "utf-8")
