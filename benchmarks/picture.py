"""Chart of the edges seen over time, drawn from the benchmark's table."""

from collections.abc import Iterator
from pathlib import Path

from .edges import SEEN
from .report import Table

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 56, 52
# GitHub's own colours of text and background. The two lines also differ in dash and label, for
# readers who are colour-blind.
THEMES = {
    "light": {"text": "#1f2328", "grid": "#d1d9e0", "lines": ("#0a6847", "#9a6700")},
    "dark": {"text": "#f0f6fc", "grid": "#3d444d", "lines": ("#3fb68b", "#d4a72c")},
}
DASHES = ("", "7 5")
SECONDS = (0, 5, 10, 15, 20, 25, 30)
SHARES = (0, 25, 50, 75, 100)
LABELLED_AT = (12, 18)
"""Second at which each line has its label."""


def curves(table: Table) -> dict[str, list[tuple[float, float]]]:
    """Return the seconds and percentages of each row in the table."""
    return {
        name: [(float(row[0]), float(row[column].rstrip("%"))) for row in table.rows]
        for column, name in enumerate(table.head[1:], 1)
    }


def place(seconds: float, share: float) -> tuple[float, float]:
    """Return the position of a point in pixels from the upper left."""
    x = LEFT + seconds / SECONDS[-1] * (WIDTH - LEFT - RIGHT)
    y = HEIGHT - BOTTOM - share / SHARES[-1] * (HEIGHT - TOP - BOTTOM)
    return round(x, 1), round(y, 1)


def grid(theme: str) -> Iterator[str]:
    """Yield the grid lines with their labels."""
    text, line = THEMES[theme]["text"], THEMES[theme]["grid"]
    for share in SHARES:
        (left, y), (right, _) = place(0, share), place(SECONDS[-1], share)
        yield f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="{line}"/>'
        yield label(left - 10, y + 5, f"{share} %", f'text-anchor="end" fill="{text}"')
    for seconds in SECONDS:
        x, y = place(seconds, 0)
        yield label(x, y + 22, f"{seconds}", f'text-anchor="middle" fill="{text}"')
    x, y = place(SECONDS[-1] / 2, 0)
    yield label(x, y + 42, "seconds after the start or end", f'text-anchor="middle" fill="{text}"')


def label(x: float, y: float, text: str, attributes: str) -> str:
    """Return a text element."""
    return f'<text x="{x:g}" y="{y:g}" {attributes}>{text}</text>'


def drawn(table: Table, theme: str) -> str:
    """Return the chart as SVG for a light or a dark page."""
    colours = THEMES[theme]
    heading = "Starts and ends noticed without a webhook"
    parts = [*grid(theme), label(LEFT, 28, heading, f'font-weight="600" fill="{colours["text"]}"')]
    for number, (name, points) in enumerate(curves(table).items()):
        path = " ".join(f"{x:g},{y:g}" for x, y in (place(*point) for point in points))
        colour = colours["lines"][number]
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="3"'
            f' stroke-dasharray="{DASHES[number]}"/>'
        )
        x, y = place(*points[LABELLED_AT[number]])
        parts.append(label(x + 8, y + 26, name, f'fill="{colour}"'))
    inner = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="15">\n<title>{SEEN}</title>\n'
        f"{inner}\n</svg>\n"
    )


def pictures(tables: list[Table]) -> dict[Path, str]:
    """Return the charts by file."""
    (table,) = (table for table in tables if table.title == SEEN)
    return {IMAGES / f"edges-{theme}.svg": drawn(table, theme) for theme in THEMES}
