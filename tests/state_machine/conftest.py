"""A Home Assistant of our own, on a clock that is turned by hand."""

from collections.abc import Generator
import logging

from freezegun.api import FrozenDateTimeFactory
from hypothesis import settings
import pytest

from .home import Home


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the machine, which has a Home Assistant of its own."""


@pytest.fixture(autouse=True)
def no_waiting() -> None:
    """Wait as the product does: the time is turned by hand anyway."""


@pytest.fixture(autouse=True)
def no_secrets_in_log(no_secrets_in_log: object) -> Generator[None]:
    """Log errors only in the long search: pytest keeps every line of a test, which are millions."""
    if settings.get_current_profile_name() == "long":
        logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def home(freezer: FrozenDateTimeFactory) -> Generator[Home]:
    """Return the Home Assistant that all examples share."""
    home = Home(freezer)
    yield home
    home.stop()
