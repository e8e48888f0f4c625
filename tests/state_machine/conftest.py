"""A Home Assistant of the tests' own, with a clock turned by hand."""

from collections.abc import Generator
import logging

from freezegun.api import FrozenDateTimeFactory
from hypothesis import settings
import pytest

from .home import TurnedHome


@pytest.fixture(autouse=True)
def no_waiting() -> None:
    """Replace the waits of the tests, as the clock is turned by hand."""


@pytest.fixture(autouse=True)
def no_secrets_in_log(no_secrets_in_log: object) -> Generator[None]:
    """Log errors only in the long search, as pytest keeps millions of lines."""
    if settings.get_current_profile_name() == "long":
        logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def home(freezer: FrozenDateTimeFactory) -> Generator[TurnedHome]:
    """Return the Home Assistant that all examples share."""
    home = TurnedHome(freezer)
    yield home
    home.stop()
