"""Test the runtime data of an entry."""

from custom_components.equiwatt.data import EquiwattRuntimeData

from .fakes.home import Home
from .fakes.provider import Provider
from .holding.pausing import end


async def test_takes_part(live: Home, provider: Provider) -> None:
    """A home takes part in a live equivent that is not skipped."""

    def takes_part() -> bool:
        """Return the current value."""
        data: EquiwattRuntimeData = live.entry.runtime_data
        return data.takes_part

    assert takes_part()
    skip = {"entity_id": "switch.equiwatt_skip"}
    await live.hass.services.async_call("switch", "turn_on", skip, blocking=True)
    assert not takes_part()
    await end(live, provider)
    assert not takes_part()
