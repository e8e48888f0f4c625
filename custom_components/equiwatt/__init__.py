"""The equiwatt integration."""

from homeassistant.const import CONF_SOURCE, CONF_WEBHOOK_ID, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.importlib import async_import_module
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType

from .announcer import Announcer
from .const import DOMAIN, SOURCE_OFF
from .coordinator import EquiwattCoordinator
from .data import EquiwattConfigEntry, EquiwattRuntimeData
from .equivents.model import EdgeType
from .equivents.snapshot import Edge
from .holding.manager import Account, async_get_manager
from .issues import async_clear_issues
from .services import async_setup_services
from .store import EquiwattStore
from .webhook import EquiwattWebhookManager, async_delete_cloudhook
from .webhook_monitor import WebhookMonitor

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.CALENDAR,
    Platform.EVENT,
    Platform.SENSOR,
    Platform.SWITCH,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up the actions and the manager of held devices, which work without any loaded entry."""
    async_setup_services(hass)
    await async_get_manager(hass).async_load()
    return True


async def async_setup_entry(hass: HomeAssistant, entry: EquiwattConfigEntry) -> bool:
    """Set up an account from a config entry."""
    store = EquiwattStore(hass, entry.entry_id)
    try:
        await store.async_load()
    except OSError as err:
        # Starting without the file would lose the live equivent and the announced edges.
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN, translation_key="not_readable"
        ) from err
    announcer = Announcer(hass, store, entry.entry_id)
    entry.async_on_unload(store.async_close)
    entry.async_on_unload(announcer.async_close)
    coordinator = EquiwattCoordinator(hass, entry, store, announcer)
    if store.known:
        await coordinator.async_refresh()  # if it fails, the stored state is shown
    else:
        await coordinator.async_config_entry_first_refresh()
    if not store.snapshot.live:
        known = coordinator.tracker.snapshot
        store.async_keep_attendance(store.attendance.caught_up(known))
        store.async_keep_plans(store.plans.caught_up(known))
        coordinator.async_remove_expired_plans()
    meter = None
    if entry.options.get(CONF_SOURCE, SOURCE_OFF) != SOURCE_OFF:  # else its modules aren't imported
        metering = await async_import_module(hass, f"{__package__}.metering.meter")
        meter = metering.async_setup_meter(coordinator, announcer, store)
    holding = async_get_manager(hass)
    entry.runtime_data = EquiwattRuntimeData(store, announcer, coordinator, holding, meter)
    _hold_for(entry)
    # Before the event entity, as the attendance and the plans change with an edge.
    announcer.async_listen(lambda _: coordinator.async_update_listeners())
    # The binary sensor first, so that it is also the first to change, as automations wait for it.
    for platforms in (PLATFORMS[:1], PLATFORMS[1:]):
        await hass.config_entries.async_forward_entry_setups(entry, platforms)
    EquiwattWebhookManager(hass, entry).async_setup()
    WebhookMonitor(hass, entry).async_setup()
    _restore_after_equivents(entry)
    coordinator.async_start()
    entry.async_on_unload(announcer.async_start())
    return True


def _hold_for(entry: EquiwattConfigEntry) -> None:
    """Hold devices for an account until it is unloaded."""
    data = entry.runtime_data
    account = Account(
        now=data.coordinator.clock.now,
        holds=lambda: data.takes_part,
        update=data.coordinator.async_update_listeners,
    )
    entry.async_on_unload(data.holding.async_attach(entry, account))


def _restore_after_equivents(entry: EquiwattConfigEntry) -> None:
    """Restore devices at an end, and at a start after an end that was missed."""
    data, entry_id = entry.runtime_data, entry.entry_id

    def restore(edge: Edge) -> None:
        """Restore the account's devices at an end."""
        if edge.type is EdgeType.ENDED:
            end = edge.equivent.end or data.coordinator.clock.now()
            data.holding.async_release(entry_id, end=end)

    def start(_: HomeAssistant) -> None:
        """Restore devices whose equivent has ended before Home Assistant started."""
        data.holding.async_release(entry_id)

    entry.async_on_unload(data.announcer.async_listen(restore))
    entry.async_on_unload(async_at_started(data.coordinator.hass, callback(start)))


async def async_unload_entry(hass: HomeAssistant, entry: EquiwattConfigEntry) -> bool:
    """Unload a config entry. Edges wait meanwhile, as the event entity is removed first."""
    data = entry.runtime_data
    was_announcing = await data.announcer.async_hold()
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        if was_announcing:
            data.announcer.async_start_announcing()
        return False
    if entry.disabled_by:
        async_clear_issues(hass, entry.entry_id)
    return True


async def async_remove_entry(hass: HomeAssistant, entry: EquiwattConfigEntry) -> None:
    """Restore held devices, and delete the entry's files, issues, statistics and cloudhook."""
    await async_get_manager(hass).async_remove(entry.entry_id)
    await EquiwattStore(hass, entry.entry_id).async_remove()
    async_clear_issues(hass, entry.entry_id)
    if "recorder" in hass.config.components:
        statistics = await async_import_module(hass, f"{__package__}.metering.statistics")
        statistics.async_clear_statistics(hass, entry.entry_id)
    await async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])
