"""Test what a loaded entry works with."""

from custom_components.equiwatt.data import EquiwattRuntimeData

from .fakes.home import Home
from .fakes.provider import Provider
from .holding.pausing import end


async def test_takes_part(live: Home, provider: Provider) -> None:
    """A home takes part in what is live and not skipped."""

    def takes_part() -> bool:
        """Return what it says now."""
        data: EquiwattRuntimeData = live.entry.runtime_data
        return data.takes_part

    assert takes_part()
    skip = {"entity_id": "switch.equiwatt_skip"}
    await live.hass.services.async_call("switch", "turn_on", skip, blocking=True)
    assert not takes_part()
    await end(live, provider)
    assert not takes_part()
