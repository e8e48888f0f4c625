"""Holds devices for all accounts' equivents and restores them after these, whatever comes between.

One promise: what it takes to restore is on the disk before anything is touched; it is restored at
the end, after the longest duration, after restarts; what a person changes meanwhile is theirs.
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
        """Hold nothing yet."""
        self.hass = hass
        self._accounts: dict[str, Account] = {}
        self._controller = HoldingController(hass, self._now)

    async def async_load(self) -> None:
        """Go on with what was held before, once Home Assistant has started."""
        for held in await self._controller.store.async_load():
            record = absent(held.record)
            self._controller.devices[held.entity_id] = replace(held, record=record)
        async_at_started(self.hass, self._start)
        self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self.async_stop)

    @callback
    def async_stop(self, _: Event | None = None) -> None:
        """Leave everything to the next start."""
        self._controller.async_stop()

    @property
    def devices(self) -> list[HeldDevice]:
        """Devices that are held or being restored, by name."""
        return sorted(self._controller.devices.values(), key=lambda one: one.entity_id)

    @property
    def held(self) -> list[HeldDevice]:
        """Devices that are held, or not yet back, by name."""
        now = self._controller.read_clock()
        return [one for one in self.devices if is_held(one.record, now)]

    def held_for(self, entry_id: str) -> list[HeldDevice]:
        """Return the devices that are held for an account, or not yet back, by name."""
        return [one for one in self.held if entry_id in one.holders]

    @callback
    def async_listen(self, watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call a watcher at each change, and return how to stop that."""
        return self._controller.async_listen(watcher)

    @callback
    def async_attach(self, entry_id: str, account: Account) -> None:
        """Hold for an account, too."""
        self._accounts[entry_id] = account

    @callback
    def async_start(self, entry_id: str) -> None:
        """Restore what an account held before, unless its equivent is live still."""
        if not self._accounts[entry_id].holds():
            self.async_release(entry_id)

    @callback
    def async_detach(self, entry_id: str, *, is_disabled: bool) -> None:
        """Leave an account; one that is disabled holds nothing."""
        self._accounts.pop(entry_id, None)
        if is_disabled:
            self.async_release(entry_id)

    async def async_remove(self, entry_id: str) -> None:
        """Restore what was held for an account that is gone."""
        self.async_release(entry_id)
        await self._controller.async_tidy()

    async def async_hold(
        self, entity_ids: Iterable[str], request: Request
    ) -> dict[str, Refusal | None]:
        """Hold devices until the equivent ends; return why not, for each that is not.

        Raise HomeAssistantError if that cannot be written, and touch nothing then.
        """
        # An automation that is triggered again cancels this action, but not what is half done.
        work = self._async_begin(list(entity_ids), request)
        task = self.hass.async_create_background_task(work, f"{DOMAIN} hold")
        return await self._controller.async_answers(await asyncio.shield(task))

    async def _async_begin(self, entity_ids: list[str], request: Request) -> Begun:
        """Begin to hold devices; what was asked for too late is restored."""
        begun = await self._controller.async_begin(entity_ids, request)
        for entry_id in request.holders:
            account = self._accounts.get(entry_id)
            if account and not account.holds():
                self.async_release(entry_id)
        return begun

    @callback
    def async_release(self, entry_id: str, requester: Requester | None = None) -> None:
        """Restore what is held for an account, and for no other one."""
        self._release(entry_id, requester)

    @callback
    def async_end(self, entry_id: str, end: datetime) -> None:
        """Restore what is held for an account's equivent that has ended.

        Where the next one is live already, what was asked for since the end is held for that.
        """
        account = self._accounts.get(entry_id)
        self._release(entry_id, since=end if account and account.holds() else None)

    async def async_skip(self, entry_id: str, context: Context) -> None:
        """Restore what is held for an account, as somebody asks for it now."""
        self._release(entry_id, await self._controller.contexts.async_requester_of(context))

    async def async_restore(self, entity_ids: Iterable[str], context: Context) -> None:
        """Restore devices now, whoever they are held for, as somebody asks for it."""
        requester = await self._controller.contexts.async_requester_of(context)
        for held in self.devices:
            if held.entity_id in entity_ids:
                self._controller.async_release(held, (), requester)

    @callback
    def async_forget(self, entity_id: str) -> None:
        """Clear the issue of a device that somebody has dealt with."""
        async_clear_not_restored(self.hass, entity_id)

    @callback
    def _start(self, _: HomeAssistant) -> None:
        """Go on with what was held before; what is held for no account is restored."""
        entries = self.hass.config_entries.async_entries(DOMAIN, include_disabled=False)
        known = {entry.entry_id for entry in entries}
        self._controller.async_start()
        for held in self.devices:
            if not known.intersection(held.holders):
                self._controller.async_release(held, ())

    def _release(
        self,
        entry_id: str,
        requester: Requester | None = None,
        *,
        since: datetime | None = None,
    ) -> None:
        """Restore what an account holds, but for what was asked for since a time."""
        now = self._controller.read_clock()
        for held in self.devices:
            is_later = since is not None and held.record.began >= since
            if entry_id in held.holders and held.record.until > now and not is_later:
                others = tuple(one for one in held.holders if one != entry_id)
                self._controller.async_release(held, others, requester)

    def _now(self) -> datetime:
        """Return the time of an account, which is the provider's where the system's is wrong."""
        account = next(iter(self._accounts.values()), None)
        return account.now() if account else dt_util.utcnow()
