"""What a loaded entry works with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry

from .announcer import Announcer
from .coordinator import EquiwattCoordinator
from .holding.manager import HoldingManager
from .store import EquiwattStore

if TYPE_CHECKING:
    from .metering.meter import Meter


@dataclass(frozen=True, slots=True)
class EquiwattRuntimeData:
    """The parts of one account that is set up."""

    store: EquiwattStore
    announcer: Announcer
    coordinator: EquiwattCoordinator
    holding: HoldingManager
    """Shared with other accounts, which may hold the same devices."""
    meter: Meter | None = None
    """What follows the user's own meter, which not everybody has."""

    @property
    def takes_part(self) -> bool:
        """Return True while an equivent is live, and not skipped."""
        return self.coordinator.data.live is not None and not self.store.attendance.skips


type EquiwattConfigEntry = ConfigEntry[EquiwattRuntimeData]
