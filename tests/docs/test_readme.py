"""Test that the front page is short and in a new user's order."""

import re

from .pages import PAGES, README, TEXTS, blocks, flat, links

TEXT = PAGES[README]
LINES = 230
ORDER = [
    *("Know this first", "Installation", "Configuration", "Entities", "Blueprints", "An example"),
    *("Actions", "Saving", "Known limitations", "Troubleshooting", "Removal"),
    *("Try it without an account", "Find out more"),
]


def sections() -> dict[str, str]:
    """Return the texts below the headings."""
    return dict(section.split("\n", 1) for section in re.split(r"(?m)^## ", TEXT)[1:])


def test_order() -> None:
    """A picture, a description and the buttons; then the facts, and further pages last."""
    intro = TEXT.split("\n## ", 1)[0]
    marks = [
        "docs/images/dashboard-live.png",
        "[equiwatt](",
        "hacs_repository",
        "config_flow_start",
    ]
    places = [intro.index(mark) for mark in marks]
    assert places == sorted(places)
    assert list(sections()) == ORDER


def test_length() -> None:
    """The front page has three sentences about the product, and one example."""
    assert TEXT.count("\n") <= LINES
    what = next(text for text in TEXT.split("\n\n") if text.startswith("[equiwatt]("))
    assert (
        len(re.findall(r"[.!?](?= |$)", flat(what).replace("(https://www.equiwatt.com)", ""))) == 3
    )
    assert len(blocks(TEXT)) == 1
    assert sections()["Troubleshooting"].count("\n- **") == 5


def test_links_to_every_page() -> None:
    """Each page is linked, that for developers too."""
    linked = {target.partition("#")[0] for target in links(sections()["Find out more"])}
    assert linked >= TEXTS.keys() - {README}


def test_limits_first() -> None:
    """The limits of the integration come before the installation."""
    first = sections()["Know this first"]
    for word in ("powerUP", "opt in", "log that you took part", "controls"):
        assert word in first
