"""A Home Assistant of our own, on a clock that is turned by hand."""

from collections.abc import Generator

from freezegun.api import FrozenDateTimeFactory
import pytest

from .home import Home


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the machine, which has a Home Assistant of its own."""


@pytest.fixture(autouse=True)
def no_waiting() -> None:
    """Wait as the product does: the time is turned by hand anyway."""


@pytest.fixture
def home(freezer: FrozenDateTimeFactory) -> Generator[Home]:
    """Return the Home Assistant that all examples share."""
    home = Home(freezer)
    yield home
    home.stop()
