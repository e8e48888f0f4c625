"""Measure the figures that the documentation quotes; see `scripts/benchmark --help`."""

import argparse
from collections.abc import Callable
from functools import partial
import sys
import time

from . import compare, readme, weighing
from .child import BrokenError, run
from .report import Table, figures_line, figures_of

POINTS: dict[str, Callable[[], list[Table]]] = {
    "edges": partial(run, "edges"),
    "push": partial(run, "push"),
    "reading": partial(run, "reading"),
    "weight": weighing.tables,
    "metering": partial(run, "metering"),
    "methods": partial(run, "methods"),
    "faults": partial(run, "faults"),
}
BOUNDS = {
    # The mean delay of evenly spread homes is half the 7.5 seconds between two calls: 3.75.
    "edge_median_s": 3.8,
    "edge_p95_s": 7.6,
    "day_edge_median_ratio": 1.0,
    "day_edge_p95_ratio": 1.0,
    "planned_edge_median_s": 3.8,
    "planned_edge_p95_s": 7.6,
    "planned_calls_more": 26,
    "calls_per_day": 2_879,
    "fleet_peak_ratio": 1.1,
    "push_ratio_to_native": 0.7,
    "push_ratio_to_floor": 1.3,
    "push_end_s": 0.5,
    "push_end_95_s": 1.3,
    "parse_growth": 1.3,
    "memory_growth_kib_per_day": 16,
    "rows_per_idle_day": 0,
    "usual_working_ratio": 1.03,
    "usual_other_ratio": 1.03,
    "false_edges": 0,
    "lost_edges": 0,
}


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark",
        description="Measure the integration beside what users have without it, on this machine.",
        epilog="Takes a few minutes. Let nothing else run meanwhile.",
    )
    parser.add_argument("--json", action="store_true", help="all figures as one line, the last")
    parser.add_argument(
        "--only", nargs="+", choices=POINTS, metavar="POINT", help=f"some of: {', '.join(POINTS)}"
    )
    parser.add_argument(
        "--readme",
        action="store_true",
        help="keep the results, and let README and docs quote them",
    )
    parser.add_argument(
        "--compare", metavar="COMMIT", help="weight and push beside those of a commit, and no more"
    )
    options = parser.parse_args()
    if options.readme and options.compare:
        parser.error("--readme and --compare don't go together")
    return options


def measured(name: str, measure: Callable[[], list[Table]]) -> list[Table]:
    """Measure a subject and print its tables."""
    began = time.monotonic()
    print(f"  {name} … ", end="", file=sys.stderr, flush=True)
    tables = measure()
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    for table in tables:
        print(f"\n{table.text()}\n", flush=True)
    return tables


def bounds(figures: dict[str, float]) -> Table:
    """Return the table of the figures with a bound."""
    table = Table("Bounds", ["", "measured", "at most", ""])
    for name, bound in BOUNDS.items():
        if name in figures:
            met = "" if figures[name] <= bound else "missed"
            table.rows.append([name, f"{figures[name]:.2f}", f"{bound:g}", met])
    return table


def main() -> int:
    """Measure, and print what could not be measured."""
    try:
        return measure(arguments())
    except BrokenError as error:
        print(f"not done\n{error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 1


def measure(options: argparse.Namespace) -> int:
    """Measure and return True if all bounds are met."""
    points = {name: POINTS[name] for name in options.only or POINTS}
    if options.compare:
        points = {"compare": partial(compare.tables, options.compare)}
    tables = [table for name, point in points.items() for table in measured(name, point)]
    verdict = bounds(figures_of(tables))
    if verdict.rows:
        print(f"\n{verdict.text()}\n")
    if options.readme:
        readme.write(readme.merged(tables))
    if options.json:
        print(figures_line(tables))
    return int(any("missed" in row for row in verdict.rows))


if __name__ == "__main__":
    sys.exit(main())
