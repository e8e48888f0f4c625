"""Test that each edge has its reason, whatever happens in whichever order."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
import pytest

from .home import Home
from .machine import House

LONG = settings.get_current_profile_name() == "long"
STEPS = 5_000
"""How many steps, each followed by a check, every run of the tests takes at least."""


@pytest.mark.long(60)
@pytest.mark.timeout(0)
def test_each_edge_has_its_reason(home: Home) -> None:
    """Each edge has its reason, whatever happens in whichever order."""
    House.home, House.steps = home, 0
    profile = settings(deadline=None, suppress_health_check=list(HealthCheck))
    if not LONG:
        profile = settings(profile, max_examples=200, phases=[Phase.generate])
    run_state_machine_as_test(House, settings=profile)
    assert House.steps >= STEPS
