"""Test the front page: in which order it says what."""

import re

from .pages import PAGES, README, slug

TEXT = PAGES[README]
ORDER = [
    *("See it first", "Installation", "Configuration", "Entities", "Actions", "Blueprints"),
    *("Automation examples", "How data is updated", "The webhook", "Use cases"),
    *("Supported functions", "Known limitations", "Troubleshooting", "Privacy and security"),
    *("Removal", "Contributing"),
]


def test_order() -> None:
    """First a picture, what it is and the buttons; then from curiosity to removal, all listed."""
    first, *sections = re.split(r"(?m)^## ", TEXT)
    assert [section.split("\n", 1)[0] for section in sections] == ORDER
    intro = first.split("**Contents:**")[0]
    marks = [
        "docs/images/dashboard-live.png",
        "[equiwatt](",
        "hacs_repository",
        "config_flow_start",
    ]
    places = [intro.index(mark) for mark in marks]
    assert places == sorted(places)
    contents = first.split("**Contents:**")[1]
    assert re.findall(r"\(#([^)]+)\)", contents) == [slug(heading) for heading in ORDER]
