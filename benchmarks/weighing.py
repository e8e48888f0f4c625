"""Table of the integration's weight, from several processes."""

from statistics import median

from .child import run
from .report import Table, named

ROUNDS = 3
ROWS = (
    ("importing it", "import_ms", "{:.0f} ms"),
    ("setting it up", "set_up_ms", "{:.0f} ms"),
    ("memory, imported and set up", "memory_kib", "{:.0f} KiB"),
    ("event loop, for each poll", "poll_loop_ms", "{:.2f} ms"),
    ("calls of the API on an idle day", "polls_per_day", "{:.0f}"),
    ("memory after that day against before", "memory_growth_kib_per_day", "{:+.1f} KiB"),
    ("recorder rows on an idle day", "rows_per_idle_day", "{:.0f}"),
    ("recorder rows for each equivent", "rows_per_equivent", "{:.0f}"),
)


def weights() -> dict[str, list[float]]:
    """Return the results of processes in both orders."""
    found: dict[str, list[float]] = {}
    orders = ("ours", "diy")
    runs = [("weight", first, "times") for first in orders * ROUNDS]
    runs += [("weight", first, "memory") for first in orders]
    runs += [("day", subject, quantity) for subject in orders for quantity in ("rows", "memory")]
    for arguments in runs:
        for name, value in run(*arguments)[0].figures.items():
            found.setdefault(name, []).append(value)
    return found


def tables() -> list[Table]:
    """Return the table."""
    found = weights()
    table = Table("Weight", ["", "equiwatt", "careful REST"])
    table.figures = {name: median(values) for name, values in found.items()}
    for label, name, form in ROWS:
        cells = [cell(found[named(subject, name)], form) for subject in ("ours", "diy")]
        table.rows.append([label, *cells])
    table.note = "In brackets: the least and the most."
    return [table]


def cell(values: list[float], form: str) -> str:
    """Return the median, and the spread if there is one."""
    text = form.format(median(values))
    if len(values) < 3:
        return text
    number = form.split(" ", maxsplit=1)[0]
    return f"{text} ({number.format(min(values))} to {number.format(max(values))})"
