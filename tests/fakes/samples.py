"""Numbered samples, of which the quick run takes a few."""

from _pytest.mark.structures import ParameterSet
import pytest


def sampled(number: int, *, quick: int) -> list[ParameterSet]:
    """Return the numbers from zero, the first of which are for the quick run too."""
    rest = pytest.mark.long(0)
    return [pytest.param(n, marks=[] if n < quick else [rest]) for n in range(number)]
