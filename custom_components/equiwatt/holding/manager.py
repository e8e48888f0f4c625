"""Manager of the devices held for all accounts' equivents.

The original states are on the disk before a device is touched. Devices are restored when the
equivent ends, when the longest duration is over, and after restarts, unless a person has changed
them meanwhile.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Context, Event, HomeAssistant, callback
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from .controller import Begun, HoldingController, Request
from .device import absent, is_held
from .eligibility import Refusal
from .issues import async_clear_not_restored
from .store import HeldDevice, Requester

MANAGER: HassKey[HoldingManager] = HassKey(f"{DOMAIN}_holding")
"""Shared by all accounts, as devices are restored even when their entry has been removed."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account that is set up: its clock, and whether devices are held for it now."""

    now: Callable[[], datetime]
    holds: Callable[[], bool]


@callback
def async_get_manager(hass: HomeAssistant) -> HoldingManager:
    """Return the manager that all accounts share."""
    if (manager := hass.data.get(MANAGER)) is None:
        manager = hass.data[MANAGER] = HoldingManager(hass)
    return manager


class HoldingManager:
    """Manager of the held devices of all accounts."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize without accounts."""
        self.hass = hass
        self._accounts: dict[str, Account] = {}
        self._controller = HoldingController(hass, self._now)

    async def async_load(self) -> None:
        """Load the held devices, and resume once Home Assistant has started."""
        for held in await self._controller.store.async_load():
            record = absent(held.record)
            self._controller.devices[held.entity_id] = replace(held, record=record)
        async_at_started(self.hass, self._start)
        self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self.async_stop)

    @callback
    def async_stop(self, _: Event | None = None) -> None:
        """Stop without restoring: the next start resumes from the disk."""
        self._controller.async_stop()

    @property
    def devices(self) -> list[HeldDevice]:
        """Devices that are held or being restored, by entity id."""
        return sorted(self._controller.devices.values(), key=lambda one: one.entity_id)

    @property
    def held(self) -> list[HeldDevice]:
        """Devices that are held or not yet restored, by entity id."""
        now = self._controller.read_clock()
        return [held for held in self.devices if is_held(held.record, now)]

    def held_for(self, entry_id: str) -> list[HeldDevice]:
        """Return the devices held for an account or not yet restored, by entity id."""
        return [held_device for held_device in self.held if entry_id in held_device.holders]

    @callback
    def async_listen(self, watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call a watcher at each change. Return a function that removes it."""
        return self._controller.async_listen(watcher)

    @callback
    def async_attach(self, entry_id: str, account: Account) -> None:
        """Add an account that is being set up."""
        self._accounts[entry_id] = account

    @callback
    def async_start(self, entry_id: str) -> None:
        """Restore the devices of an account, unless its equivent is still live."""
        if not self._accounts[entry_id].holds():
            self.async_release(entry_id)

    @callback
    def async_detach(self, entry_id: str, *, is_disabled: bool) -> None:
        """Remove an account that is unloaded, and restore its devices if it is disabled."""
        self._accounts.pop(entry_id, None)
        if is_disabled:
            self.async_release(entry_id)

    async def async_remove(self, entry_id: str) -> None:
        """Restore the devices of an account that has been removed."""
        self.async_release(entry_id)
        await self._controller.async_tidy()

    async def async_hold(
        self, entity_ids: Iterable[str], request: Request
    ) -> dict[str, Refusal | None]:
        """Hold devices until the equivent ends. Return by device why it is not held.

        Raise HomeAssistantError, without touching a device, if the records cannot be written.
        """
        # A retriggered automation cancels this action, which must not stop half-way.
        work = self._async_begin(list(entity_ids), request)
        task = self.hass.async_create_background_task(work, f"{DOMAIN} hold")
        return await self._controller.async_answers(await asyncio.shield(task))

    async def _async_begin(self, entity_ids: list[str], request: Request) -> Begun:
        """Begin to hold devices, and restore them if the equivent has ended meanwhile."""
        begun = await self._controller.async_begin(entity_ids, request)
        for entry_id in request.holders:
            account = self._accounts.get(entry_id)
            if account and not account.holds():
                self.async_release(entry_id)
        return begun

    @callback
    def async_end(self, entry_id: str, end: datetime) -> None:
        """Restore the devices of an account whose equivent has ended.

        If the next equivent is already live, devices requested since the end stay held for it.
        """
        account = self._accounts.get(entry_id)
        self.async_release(entry_id, since=end if account and account.holds() else None)

    async def async_skip(self, entry_id: str, context: Context) -> None:
        """Restore the devices of an account at a person's or automation's request."""
        self.async_release(entry_id, await self._controller.contexts.async_requester_of(context))

    async def async_restore(self, entity_ids: Iterable[str], context: Context) -> None:
        """Restore devices at a request, whichever accounts they are held for."""
        requester = await self._controller.contexts.async_requester_of(context)
        for held in self.devices:
            if held.entity_id in entity_ids:
                self._controller.async_release(held, (), requester)

    @callback
    def async_forget(self, entity_id: str) -> None:
        """Clear the issue of a device once its repair is confirmed."""
        async_clear_not_restored(self.hass, entity_id)

    @callback
    def _start(self, _: HomeAssistant) -> None:
        """Resume after a start, and restore devices whose accounts no longer exist."""
        entries = self.hass.config_entries.async_entries(DOMAIN, include_disabled=False)
        known = {entry.entry_id for entry in entries}
        self._controller.async_start()
        for held in self.devices:
            if not known.intersection(held.holders):
                self._controller.async_release(held, ())

    @callback
    def async_release(
        self,
        entry_id: str,
        requester: Requester | None = None,
        *,
        since: datetime | None = None,
    ) -> None:
        """Restore devices held for this account only, except those requested since a time."""
        now = self._controller.read_clock()
        for held in self.devices:
            is_later = since is not None and held.record.began >= since
            if entry_id in held.holders and held.record.until > now and not is_later:
                others = tuple(holder for holder in held.holders if holder != entry_id)
                self._controller.async_release(held, others, requester)

    def _now(self) -> datetime:
        """Return the time of an account, which corrects a wrong system clock."""
        account = next(iter(self._accounts.values()), None)
        return account.now() if account else dt_util.utcnow()
