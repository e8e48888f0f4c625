"""Test the links, pictures, commands and files on the pages."""

from pathlib import Path
import re

import pytest

from .pages import PAGES, ROOT, TEXTS, headings, links, slug

EVERY_PAGE = pytest.mark.parametrize("name", TEXTS)


@EVERY_PAGE
def test_links(name: str) -> None:
    """Relative links have a target, and others use https."""
    assert links(TEXTS[name])
    for target in links(TEXTS[name]):
        if not target.startswith("https://"):
            assert has_target(name, target), target


def has_target(name: str, target: str) -> bool:
    """Return True if a relative link leads to a file, and to a heading in it."""
    path, _, anchor = target.partition("#")
    file = (ROOT / name).parent.joinpath(path).resolve() if path else ROOT / name
    if not anchor:
        return file.exists()
    return anchor in {slug(heading) for heading in headings(file.read_text("utf-8"))}


def pictures() -> list[tuple[str, str, str]]:
    """Return the pictures of all pages: page, description, path."""
    return [
        (name, described, path)
        for name, text in PAGES.items()
        for described, path in re.findall(r"!\[([^\]]*)\]\(([^):]+)\)", text)
    ]


def test_menu_paths() -> None:
    """Menu paths use the same sign, and cover each release."""
    assert [name for name, text in TEXTS.items() if "→" in text] == []
    for name, text in PAGES.items():
        assert text.count("**Settings > Developer tools >") == text.count("**Settings > Tools >"), (
            name
        )


def test_pictures() -> None:
    """Every picture exists and has a description."""
    assert len(pictures()) >= 5
    for name, described, path in pictures():
        file = Path(ROOT / name).parent / path
        assert file.resolve().parent == ROOT / "docs" / "images"
        content = file.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n"), path
        assert len(content) < 200_000, path
        assert len(described) > 20, path


def test_commands() -> None:
    """The scripts and options exist."""
    text = "\n".join(TEXTS.values())
    named = re.findall(r"(scripts/\w+|\.ci/run)((?: --[\w-]+(?: \d+)?)*)", text)
    assert {script for script, _ in named} >= {"scripts/demo", "scripts/test", "scripts/lint"}
    for script, options in named:
        path = ROOT / script
        assert path.stat().st_mode & 0o111, script
        content = path.read_text("utf-8")
        for option in re.findall(r"--[\w-]+", options):
            assert option in content, (script, option)


@EVERY_PAGE
def test_files(name: str) -> None:
    """The files and folders in backticks exist."""
    for path in re.findall(r"`((?:tests|custom_components|demo)/[\w/.]+)`", TEXTS[name]):
        assert (ROOT / path).exists(), path
