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
    pause: HoldingManager
    meter: Meter | None = None
    """What follows the user's own meter, which not everybody has."""


type EquiwattConfigEntry = ConfigEntry[EquiwattRuntimeData]
