"""The README and the pages of the documentation."""

from collections.abc import Iterator
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import parse_yaml

ROOT = Path(__file__).parents[2]
README = "README.md"
CONTRIBUTING = "CONTRIBUTING.md"
SECURITY = "SECURITY.md"


def read(name: str) -> str:
    """Return the text of a file."""
    return (ROOT / name).read_text("utf-8")


PAGES = {
    name: read(name)
    for name in (README, *sorted(f"docs/{page.name}" for page in ROOT.glob("docs/*.md")))
}
"""Texts for users by path."""
TEXTS = {**PAGES, **{name: read(name) for name in (CONTRIBUTING, SECURITY)}}
"""All texts under the same rules."""
EVERYTHING = "\n".join(PAGES.values())


def flat(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())


def headings(text: str) -> list[str]:
    """Return the headings of a text, without comments in examples."""
    return re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?s)```.*?```", "", text))


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links(text: str) -> list[str]:
    """Return the targets of links and pictures in a text."""
    return re.findall(r"\]\(([^)\s]+)\)", text)


def blocks(text: str) -> list[dict[str, Any]]:
    """Return the YAML blocks of a text."""
    shown: list[Any] = [parse_yaml(block) for block in re.findall(r"(?s)```yaml\n(.*?)```", text)]
    return shown


RUN_ELSEWHERE = {"docs/planned.md", "docs/saving.md", "docs/triggers.md"}
"""Pages whose examples have tests of their own, as they need more than a home."""
EXAMPLES = [
    block
    for name, text in PAGES.items()
    if name not in RUN_ELSEWHERE
    for block in blocks(text)
    if "triggers" in block
]
AUTOMATIONS = {example["alias"]: example for example in EXAMPLES}
"""Automations of the pages by name."""


def actions(value: Any) -> Iterator[str]:
    """Yield the names of an automation's actions."""
    if isinstance(value, dict):
        if isinstance(value.get("action"), str):
            yield value["action"]
        for inner in value.values():
            yield from actions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from actions(inner)
