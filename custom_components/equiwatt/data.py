"""What a loaded entry works with."""

from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry

from .coordinator import EquiwattCoordinator
from .holding.manager import PauseManager
from .webhook import EquiwattWebhookManager


@dataclass(frozen=True, slots=True)
class EquiwattRuntimeData:
    """The parts of one account that is set up."""

    coordinator: EquiwattCoordinator
    webhook: EquiwattWebhookManager
    pause: PauseManager


type EquiwattConfigEntry = ConfigEntry[EquiwattRuntimeData]
