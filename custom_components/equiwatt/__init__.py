"""The equiwatt integration."""

from homeassistant.const import CONF_WEBHOOK_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv

from .const import DOMAIN
from .coordinator import EquiwattConfigEntry, EquiwattCoordinator, EquiwattRuntimeData
from .history import History
from .webhook import EquiwattWebhookManager, async_delete_cloudhook

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = [Platform.BINARY_SENSOR, Platform.CALENDAR, Platform.EVENT, Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: EquiwattConfigEntry) -> bool:
    """Set up an account from a config entry."""
    coordinator = EquiwattCoordinator(hass, entry)
    await coordinator.async_load()
    if coordinator.history.known:
        await coordinator.async_refresh()  # what is remembered is shown even if this fails
    else:
        await coordinator.async_config_entry_first_refresh()
    manager = EquiwattWebhookManager(hass, entry, coordinator)
    entry.runtime_data = EquiwattRuntimeData(coordinator, manager)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    manager.async_setup()
    coordinator.async_start()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: EquiwattConfigEntry) -> bool:
    """Unload a config entry."""
    await entry.runtime_data.coordinator.async_settle()
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: EquiwattConfigEntry) -> None:
    """Delete what an entry leaves behind: its history, and its cloudhook."""
    await History(hass, entry.entry_id).async_remove()
    await async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])
