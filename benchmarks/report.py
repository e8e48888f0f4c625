"""Results as tables for people and as figures for programs."""

from dataclasses import dataclass, field
import json
from statistics import quantiles


@dataclass
class Table:
    """Table with figures by name."""

    title: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    note: str = ""

    def text(self) -> str:
        """Return the table in aligned columns."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]
        padded = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        rule = "  ".join("-" * width for width in widths)
        text = [self.title, "", padded[0], rule, *padded[1:]]
        return "\n".join([*text, *([self.note] if self.note else [])])


def figures_of(tables: list[Table]) -> dict[str, float]:
    """Return all figures."""
    return {name: value for table in tables for name, value in table.figures.items()}


def figures_line(tables: list[Table]) -> str:
    """Return all figures as one line of JSON."""
    return json.dumps({name: round(value, 4) for name, value in figures_of(tables).items()})


def spread(values: list[float], unit: str) -> str:
    """Return the range of nine in ten values."""
    parts = quantiles(values, n=20)
    return f"{parts[0]:.2f} to {parts[-1]:.2f} {unit}"


def named(subject: str, figure: str) -> str:
    """Return the name of a figure: plain for ours, with a prefix for a peer's."""
    return figure if subject == "ours" else f"{subject}_{figure}"
