"""Numbered samples, of which the quick run takes a few."""

from _pytest.mark.structures import ParameterSet
import pytest


def sampled(number: int, *, quick: int) -> list[ParameterSet]:
    """Return the numbers from zero, of which the quick run takes some at regular distances."""
    rest = pytest.mark.long(0)
    distance = number // quick
    return [pytest.param(n, marks=[rest] if n % distance else []) for n in range(number)]
