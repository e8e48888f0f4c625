"""Test that docstrings are written as in Home Assistant's own code."""

import ast
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("benchmarks", "custom_components", "demo", "tests")

OPENINGS = "Give|He|Hear|How|It|Leave|Let|Nobody|Say|So|Somebody|Tell|What|Whether|Who|Whoever"
PHRASES = (
    "any more|anew|as far as|be it|is to be|lest|nobody|says so|somebody|tells|told of|whoever"
)
SUSPECT = re.compile(rf"\"(?:{OPENINGS})\b|\b(?:{PHRASES})\b")
"""Text in each file with an odd docstring, and few others, which are parsed."""
ODD = re.compile(rf"^(?:{OPENINGS})\b|\b(?:{PHRASES})\b")


def odd(path: Path, source: str) -> list[str]:
    """Return an explanation for each docstring that is worded differently, attributes included."""
    if not SUSPECT.search(source):
        return []
    return [
        f"{path}:{node.lineno}: “{node.value.value.splitlines()[0]}” "
        f"should begin with an imperative or a noun, without “{found[0]}”; see CONTRIBUTING.md"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and (found := ODD.search(node.value.value.splitlines()[0]))
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings(folder: str) -> None:
    """Docstrings begin with an imperative or a noun and avoid roundabout phrases."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    found = [line for path in paths for line in odd(path.relative_to(ROOT), path.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Tell whether the device is off.", "Tell"),
        ("What is known of the live equivent.", "What"),
        ("Return True if somebody has changed it.", "somebody"),
        ("Return True if the device reports that it is off.", None),
        ("Time of the last command.", None),
    ],
)
def test_wording_is_explained(text: str, word: str | None) -> None:
    """The message quotes the docstring and the word to replace."""
    found = odd(Path("module.py"), f'def function() -> None:\n    """{text}"""\n')
    assert len(found) == (word is not None)
    assert all(text in line and f"“{word}”" in line for line in found)
