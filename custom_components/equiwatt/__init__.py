"""The equiwatt integration."""

from homeassistant.const import CONF_WEBHOOK_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import EquiwattCoordinator
from .data import EquiwattConfigEntry, EquiwattRuntimeData
from .equivents.model import Edge, Kind
from .holding.manager import PauseManager
from .services import async_setup_services
from .store import History
from .webhook import EquiwattWebhookManager, async_delete_cloudhook
from .webhook_monitor import WebhookWatch, async_settle_webhook

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = [Platform.BINARY_SENSOR, Platform.CALENDAR, Platform.EVENT, Platform.SENSOR]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up the actions."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: EquiwattConfigEntry) -> bool:
    """Set up an account from a config entry."""
    coordinator = EquiwattCoordinator(hass, entry)
    await coordinator.async_load()
    if coordinator.history.known:
        await coordinator.async_refresh()  # what is remembered is shown even if this fails
    else:
        await coordinator.async_config_entry_first_refresh()
    manager = EquiwattWebhookManager(hass, entry, coordinator)
    pause = PauseManager(
        hass, entry.entry_id, coordinator.clock.now, lambda: coordinator.data.live is not None
    )
    await pause.async_load()
    entry.runtime_data = EquiwattRuntimeData(coordinator, manager, pause)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    manager.async_setup()
    WebhookWatch(hass, entry).async_setup()
    _async_put_back_after(entry)
    coordinator.async_start()
    return True


def _async_put_back_after(entry: EquiwattConfigEntry) -> None:
    """Put devices back when an equivent has ended, be it before Home Assistant has started."""
    coordinator, pause = entry.runtime_data.coordinator, entry.runtime_data.pause

    def put_back(edge: Edge) -> None:
        """Put everything back at an end."""
        if edge.kind is Kind.ENDED:
            pause.async_release()

    entry.async_on_unload(coordinator.async_listen_edges(put_back))
    entry.async_on_unload(async_at_started(coordinator.hass, pause.async_start))


async def async_unload_entry(hass: HomeAssistant, entry: EquiwattConfigEntry) -> bool:
    """Unload a config entry."""
    await entry.runtime_data.coordinator.async_settle()
    if entry.disabled_by:
        entry.runtime_data.pause.async_leave()
        async_settle_webhook(hass, entry.entry_id)
    else:
        await entry.runtime_data.pause.async_close()
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: EquiwattConfigEntry) -> None:
    """Put paused devices back, and delete what an entry leaves behind."""
    await PauseManager(hass, entry.entry_id, dt_util.utcnow, lambda: False).async_remove()
    await History(hass, entry.entry_id).async_remove()
    async_settle_webhook(hass, entry.entry_id)
    await async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])
