"""Holds devices for all accounts' equivents and restores them after these, whatever comes between.

One promise: what it takes to restore is on the disk before anything is touched; it is restored at
the end, after the longest duration, after restarts; what a person changes meanwhile is theirs.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from .device import Device
from .eligibility import Refusal, reading_of
from .hands import Hands
from .hold import Hold, Request
from .store import Asker, HeldDevice

MANAGER: HassKey[HoldingManager] = HassKey(f"{DOMAIN}_holding")
"""The held devices of all accounts: they are restored even when their entry has gone."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account that is set up: its time, and whether devices are held for it now."""

    now: Callable[[], datetime]
    holds: Callable[[], bool]


@callback
def async_get_manager(hass: HomeAssistant) -> HoldingManager:
    """Return the manager that all accounts share."""
    if (manager := hass.data.get(MANAGER)) is None:
        manager = hass.data[MANAGER] = HoldingManager(hass)
    return manager


class HoldingManager:
    """Holds devices for all accounts."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start with nothing held."""
        self.hass = hass
        self._accounts: dict[str, Account] = {}
        self._hands = Hands(hass, self._now)
        self._lock = asyncio.Lock()
        self._is_loaded = self._is_running = False

    @property
    def devices(self) -> list[HeldDevice]:
        """Return what is held or restored, by name."""
        return sorted(self._hands.devices.values(), key=lambda one: one.entity_id)

    def held_for(self, entry_id: str) -> list[HeldDevice]:
        """Return what is held for an account, by name."""
        return [one for one in self.devices if one.is_held and entry_id in one.holders]

    @callback
    def async_listen(self, watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call somebody whenever something changes, and return how to stop that."""
        return self._hands.async_listen(watcher)

    async def async_attach(self, entry_id: str, account: Account) -> None:
        """Hold for an account too."""
        self._accounts[entry_id] = account
        await self._async_load()

    async def _async_load(self, *entry_ids: str) -> None:
        """Remember what was held before, also for accounts that are disabled, or gone."""
        async with self._lock:
            self._hands.store.async_open()
            self._hands.contexts.async_start()
            if self._is_loaded:
                return
            self._is_loaded = True
            store, found = self._hands.store, await self._hands.store.async_load()
            entries = self.hass.config_entries.async_entries(DOMAIN)
            known = {entry.entry_id for entry in entries}.union(entry_ids)
            for held in found + await store.async_take_over(sorted(known)):
                first = self._hands.devices.setdefault(held.entity_id, held)
                first.holders |= held.holders
            await store.async_remove_taken_over()

    @callback
    def async_start(self, entry_id: str) -> None:
        """Go on with what was held before, now that Home Assistant has started."""
        self._resume()
        if not self._accounts[entry_id].holds():
            self.async_release(entry_id)

    async def async_detach(self, entry_id: str, *, is_disabled: bool) -> None:
        """Leave an account; one that is disabled holds nothing any more."""
        self._accounts.pop(entry_id, None)
        if is_disabled:
            self._leave(entry_id)
        else:
            await self._async_close()

    async def _async_close(self) -> None:
        """Stop here, if there is no account any more: the next one goes on from the disk."""
        async with self._lock:
            if not self._accounts:
                await self._hands.async_close()
                self._is_loaded = self._is_running = False

    async def async_remove(self, entry_id: str) -> None:
        """Restore what was held for an account that is gone; leave nothing after the last one."""
        await self._async_load(entry_id)
        if not self.hass.config_entries.async_entries(DOMAIN):
            await self._hands.store.async_remove()
        self._leave(entry_id)

    def _leave(self, entry_id: str) -> None:
        """Restore what is held for an account, though it may have been the last one."""
        self._resume()
        self.async_release(entry_id)

    def _resume(self) -> None:
        """Go on from what is on the disk, once; what is held for nobody any more is restored."""
        if self._is_running:
            return
        self._is_running = True
        entries = self.hass.config_entries.async_entries(DOMAIN, include_disabled=False)
        self._hands.async_follow_states()
        for held in self.devices:
            held.holders &= {entry.entry_id for entry in entries}
            reading = reading_of(self.hass.states.get(held.entity_id))
            self._hands.async_tell(held, partial(Device.resume, reading=reading))
            self._hands.async_release(held)

    async def async_hold(
        self, entity_ids: Iterable[str], request: Request
    ) -> dict[str, Refusal | None]:
        """Hold devices until the equivent ends; return why not, for each that is not.

        Raise HomeAssistantError if that cannot be written, and touch nothing then.
        """
        outcome = await Hold(self._hands, request, self._lock).async_begin(entity_ids)
        for entry_id in request.holders:
            account = self._accounts.get(entry_id)
            if account and not account.holds():  # it ended meanwhile
                self.async_release(entry_id)
        return outcome

    @callback
    def async_release(self, entry_id: str, asker: Asker | None = None) -> None:
        """Restore what is held for an account, and for no other one."""
        for held in self.held_for(entry_id):
            held.holders.discard(entry_id)
            self._release(held, asker)

    @callback
    def async_end(self, entry_id: str, end: datetime) -> None:
        """Restore what is held for an account's equivent that has ended.

        Where the next one is live already, what was asked for since the end is held for that.
        """
        account = self._accounts.get(entry_id)
        for held in self.held_for(entry_id):
            is_for_next = account and account.holds() and held.asked_at and held.asked_at >= end
            if not is_for_next:
                held.holders.discard(entry_id)
                self._release(held, None)

    async def async_skip(self, entry_id: str, context: Context) -> None:
        """Restore what is held for an account, as somebody asks for it now."""
        self.async_release(entry_id, await self._hands.contexts.async_asker_of(context))

    async def async_restore(self, entity_ids: Iterable[str], context: Context) -> None:
        """Restore devices now, whoever they are held for, as somebody asks for it."""
        asker = await self._hands.contexts.async_asker_of(context)
        for held in self.devices:
            if held.is_held and held.entity_id in entity_ids:
                held.holders.clear()
                self._release(held, asker)

    def _release(self, held: HeldDevice, asker: Asker | None) -> None:
        """Restore a device if it is held for nobody any more, in the name of who asked for that."""
        if asker and not held.holders:
            held.asker = asker
        self._hands.async_release(held)

    @callback
    def async_forget(self, entity_id: str) -> None:
        """Leave a device alone from now on."""
        self._hands.async_forget(entity_id)

    def _now(self) -> datetime:
        """Return the time of an account, which is the provider's where the system's is wrong."""
        account = next(iter(self._accounts.values()), None)
        return account.now() if account else dt_util.utcnow()
