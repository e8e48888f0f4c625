"""Runtime data of a config entry."""

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.util.file import WriteError

from .announcer import Announcer
from .coordinator import EquiwattCoordinator
from .holding.manager import HoldingManager
from .store import EquiwattStore

if TYPE_CHECKING:
    from .metering.meter import Meter
    from .metering.results import Estimate


class EquiwattRuntimeData(NamedTuple):
    """Runtime data of an account."""

    store: EquiwattStore
    announcer: Announcer
    coordinator: EquiwattCoordinator
    holding: HoldingManager
    """Shared with other accounts, which may hold the same devices."""
    meter: Meter | None = None
    """None without a meter."""

    @property
    def estimate(self) -> Estimate | None:
        """Estimate of the use in the live equivent, or in the last one."""
        return self.meter.estimate if self.meter else None

    @property
    def takes_part(self) -> bool:
        """Return True while an equivent is live, and not skipped."""
        state, attendance = self.coordinator.data, self.store.attendance
        real = state.real
        # Of an equivent that is live again, the skip is restored with its edge, after the states.
        skips = attendance.skips or (real and attendance.has_skipped(real))
        return state.live is not None and not skips

    async def async_join(self, participant: str, *, include_tests: bool) -> bool:
        """Add a participant to the live equivent. Return False if it cannot take part."""
        state, store = self.coordinator.data, self.store
        if not state.live or not self.takes_part or (state.rehearsal and not include_tests):
            return False
        store.async_keep_attendance(store.attendance.joined_by(participant, state.live))
        # Edges reach automations despite a full disk, and so do the participants of an end.
        with suppress(WriteError):
            await store.async_flush()
        return True


type EquiwattConfigEntry = ConfigEntry[EquiwattRuntimeData]
