"""Test random lives of held devices, with a clock turned by hand.

There are 2,000 of them, in `--hypothesis-profile=long` 20,000.
"""

from hypothesis import settings
import pytest

from ..holding.lives import EVERYTHING, Life

PARTS = 4
LIVES = 20_000 if settings.get_profile("long") is settings.default else 2_000
ONE_IN = 1_000
"""Number of devices with one oddity of which one may end wrong.

Of the 20,000 twelve do: a humidifier loses the command that sets its mode, but reports the mode
until the humidity is set, which therefore seems to have undone it.
"""


def wrong_lives(lives: list[Life]) -> dict[int, tuple[str, list[str], list[str], str]]:
    """Return the lives that end wrong, with their events."""
    return {
        life.seed: (life.kind, life.odd, life.log, problem)
        for life in lives
        if (problem := life.play())
    }


@pytest.mark.parametrize("kind", EVERYTHING)
def test_kind(kind: str) -> None:
    """Five lives of each kind of device run as the many below."""
    assert wrong_lives([Life(seed, kind=kind) for seed in range(5)]) == {}


@pytest.mark.long(4)
@pytest.mark.parametrize("part", range(PARTS))
def test_untouched(part: int) -> None:
    """An untouched device is restored within 63 minutes, or a repair names it.

    It may lose its connection, and Home Assistant be restarted, killed, or its disk full; clocks
    are corrected, the equivent is skipped, or the device held once more; and each device has an
    oddity. No restore takes more than eight commands.
    """
    seeds = range(part, LIVES, PARTS)
    wrong = wrong_lives([Life(seed) for seed in seeds])
    assert len(wrong) <= max(2, len(seeds) // ONE_IN), wrong


@pytest.mark.long(2)
@pytest.mark.parametrize("events", [0, 2])
def test_taken_over(events: int) -> None:
    """A command of a person or an automation is never overridden."""
    seeds = range(LIVES // 8)
    wrong = wrong_lives([Life(seed, events=events, has_people=True) for seed in seeds])
    assert not any(problem.startswith("commanded over") for *_, problem in wrong.values()), wrong


@pytest.mark.long(2)
def test_two_oddities() -> None:
    """Of devices with two oddities six in a thousand end wrong.

    A third of those lose or undo commands and never report, which leaves no evidence.
    """
    seeds = range(LIVES // 8)
    wrong = wrong_lives([Life(seed, oddities=2, events=0) for seed in seeds])
    assert len(wrong) <= max(3, len(seeds) * 8 // ONE_IN), wrong
