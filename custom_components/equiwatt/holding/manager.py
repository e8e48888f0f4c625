"""Holds devices for all accounts' equivents and restores them after these, whatever comes between.

One promise: what it takes to restore is on the disk before anything is touched; it is restored at
the end, after the longest duration, after restarts; what a person changes meanwhile is theirs.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from .commands import async_apply, async_asker_of
from .device import Cause
from .domains import Refusal, move_refusal_of, refusal_of
from .hands import Hands
from .issues import async_clear_not_put_back
from .reading import OFF
from .restoring import Answer
from .store import Asker, HeldDevice
from .story import Outcome, Phase

MANAGER: HassKey[HoldingManager] = HassKey(f"{DOMAIN}_holding")
"""The held devices of all accounts: they are restored even when their entry has gone."""

type Asked = tuple[HeldDevice, Answer, asyncio.Future[bool]]


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account that is set up: its time, and whether devices are held for it now."""

    now: Callable[[], datetime]
    holds: Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asks for."""

    context: Context
    holders: frozenset[str]
    """The accounts whose equivents are meant."""
    longest: timedelta | None = None
    scenes: tuple[str, ...] = ()
    """The scenes that say how; without any, devices are turned off."""


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
            reading = self._hands.reading(held.entity_id)
            self._hands.async_follow(held, held.device.resume(self._hands.now(), reading))
            self._hands.async_release(held)

    async def async_hold(
        self, entity_ids: Iterable[str], request: Request
    ) -> dict[str, Refusal | None]:
        """Hold devices until the equivent ends; return why not, for each that is not.

        Raise HomeAssistantError if that cannot be written, and touch nothing then.
        """
        outcome = {one: self._refusal(one, request) for one in entity_ids}
        wanted = [one for one, refusal in outcome.items() if refusal is None]
        if wanted or request.scenes:
            outcome |= await self._async_hold(wanted, request)
        for entry_id in request.holders:
            account = self._accounts.get(entry_id)
            if account and not account.holds():  # it ended meanwhile
                self.async_release(entry_id)
        return outcome

    def _refusal(self, entity_id: str, request: Request) -> Refusal | None:
        """Return why a device cannot be held; None if it can, or is."""
        held = self._hands.devices.get(entity_id)
        if held and held.device.story.phase is not Phase.GIVEN_UP:
            return None
        refused = move_refusal_of if request.scenes else refusal_of
        return refused(self.hass.states.get(entity_id))

    async def _async_hold(
        self, entity_ids: list[str], request: Request
    ) -> dict[str, Refusal | None]:
        """Write how devices are, and touch them only then."""
        asker = await async_asker_of(self.hass, request.context)
        async with self._lock:
            before = self._as_dicts(entity_ids)
            asked = [self._ask(one, request) for one in entity_ids]
            if not await self._hands.store.async_write():
                self._undo(before)
                raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_stored")
            applied = self._begin(asked, request, asker)
        well = await asyncio.gather(*(answered for _, _, answered in asked))
        outcome = dict(zip(entity_ids, well, strict=True))
        if applied:
            outcome |= {one: what is Outcome.DONE for one, what in (await applied).items()}
        return {one: None if is_well else Refusal.FAILED for one, is_well in outcome.items()}

    def _ask(self, entity_id: str, request: Request) -> Asked:
        """Hold a device in its story alone, and say who for."""
        held = self._hands.async_get(entity_id)
        answer = held.device.hold(
            self._hands.now(), wanted=None if request.scenes else OFF, longest=request.longest
        )
        held.holders |= request.holders
        return held, answer, held.async_ask(self.hass.loop)

    def _begin(
        self, asked: list[Asked], request: Request, asker: Asker
    ) -> asyncio.Task[dict[str, Outcome]] | None:
        """Touch devices, as their stories are on the disk; return what scenes come to."""
        devices, applied = [held for held, _, _ in asked], None
        if request.scenes:
            work = async_apply(self.hass, request.scenes, devices, asker)
            applied = self._hands.async_run(work)
        for held, answer, _ in asked:
            held.asker, held.scenes = asker, applied
            async_clear_not_put_back(self.hass, held.entity_id)
            self._hands.async_follow(held, answer)
        return applied

    def _as_dicts(self, entity_ids: list[str]) -> dict[str, dict[str, Any] | None]:
        """Return what is remembered of devices."""
        devices = self._hands.devices
        return {one: devices[one].as_dict() if one in devices else None for one in entity_ids}

    def _undo(self, before: dict[str, dict[str, Any] | None]) -> None:
        """Remember what was remembered before a hold that could not be written."""
        for entity_id, data in before.items():
            if data is None:
                self._hands.async_forget(entity_id)
            elif held := self._hands.devices.get(entity_id):
                held.undo(data)
                self._hands.async_report(held, Cause.NOBODY)

    @callback
    def async_release(self, entry_id: str) -> None:
        """Restore what is held for an account, and for no other one."""
        for held in self.held_for(entry_id):
            held.holders.discard(entry_id)
            self._hands.async_release(held)

    @callback
    def async_restore(self, entity_ids: Iterable[str]) -> None:
        """Restore devices now, whoever they are held for."""
        for held in self.devices:
            if held.is_held and held.entity_id in entity_ids:
                held.holders.clear()
                self._hands.async_release(held)

    @callback
    def async_forget(self, entity_id: str) -> None:
        """Leave a device alone from now on."""
        self._hands.async_forget(entity_id)

    def _now(self) -> datetime:
        """Return the time of an account, which is the provider's where the system's is wrong."""
        account = next(iter(self._accounts.values()), None)
        return account.now() if account else dt_util.utcnow()
