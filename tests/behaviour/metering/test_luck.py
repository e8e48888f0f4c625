"""Test with simulated homes how often luck is taken for a saving, and a saving for luck."""

from collections import Counter
from functools import cache
from itertools import chain, repeat
from random import Random

from hypothesis import settings
import pytest

from custom_components.equiwatt.metering.results import Results, Verdict

from ...metering.luck import Calendar, home

pytestmark = pytest.mark.long(10)

MOST = 24
SEEN = (4, 8, MOST)
DEVIATIONS = (0.7, 1.0)
HOMES_PER_CALENDAR = 5


def number_of_homes() -> int:
    """Return the number of simulated homes: all with `--hypothesis-profile=long`."""
    return 10_000 if settings().max_examples > 1_000 else 500


def slack(share: float) -> float:
    """Return the tolerance of a share measured with fewer homes than the figures."""
    homes = number_of_homes()
    return 0 if homes >= 10_000 else 300 * (share * (1 - share) / homes) ** 0.5


@cache
def live(deviation: float, cut: float) -> dict[int, Counter[str]]:
    """Return how many of 100 homes have each verdict, by number of equivents."""
    random, homes = Random(24), number_of_homes()  # noqa: S311
    found: dict[int, Counter[str]] = {seen: Counter() for seen in SEEN}
    calendars = (Calendar(random, MOST) for _ in range(homes // HOMES_PER_CALENDAR))
    for calendar in chain.from_iterable(repeat(each, HOMES_PER_CALENDAR) for each in calendars):
        results = home(random, calendar, deviation, cut)
        for seen in SEEN:
            all_of_them = Results(results[-seen:])
            assert all_of_them.saving is not None
            assert all_of_them.spread
            found[seen][all_of_them.verdict] += 1
            found[seen]["within"] += abs(all_of_them.saving) <= all_of_them.spread
    return {
        seen: Counter({what: 100 * number / homes for what, number in counted.items()})
        for seen, counted in found.items()
    }


@pytest.mark.parametrize("deviation", DEVIATIONS)
@pytest.mark.parametrize("seen", SEEN)
def test_no_change(deviation: float, seen: int) -> None:
    """One home in twenty has a wrong verdict on either side, and four in five lie in the spread."""
    found = live(deviation, 0)[seen]
    assert found[Verdict.LESS] <= 5.6 + slack(0.05)
    assert found[Verdict.MORE] <= 5.6 + slack(0.05)
    assert 78 - slack(0.2) <= found["within"] <= 82 + slack(0.2)


@pytest.mark.parametrize(
    ("deviation", "seen", "least"), [(0.7, 8, 48), (0.7, 24, 86), (1.0, 8, 33), (1.0, 24, 68)]
)
def test_less_use(deviation: float, seen: int, least: float) -> None:
    """A cut by 40 % is found, the sooner the less the evenings of a home differ."""
    found = live(deviation, 0.4)[seen]
    assert found[Verdict.LESS] >= least - slack(0.4)
    assert found[Verdict.MORE] <= 1 + slack(0.01)
