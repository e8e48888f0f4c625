"""Holds devices for an equivent and restores them after it, whatever comes between."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from homeassistant.core import Context, Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from .domains import (
    Refusal,
    async_restore,
    async_turn_off,
    is_as_before,
    is_known,
    is_on,
    refusal_of,
)
from .issues import async_clear_not_put_back, async_raise_not_put_back
from .listener import DeviceListener
from .store import HeldDevice, HoldingStore

COMMAND_SECONDS = 30
"""How long a device may take to carry out a command."""
TRY_EVERY = timedelta(minutes=1)

MANAGERS: HassKey[dict[str, HoldingManager]] = HassKey(f"{DOMAIN}_pauses")
"""The managers by config entry: devices are restored even when their entry has gone."""

type Command = Callable[[HomeAssistant, State, Context], Awaitable[None]]


class HoldingManager:
    """Pauses devices for one account."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry_id: str,
        now: Callable[[], datetime],
        is_live: Callable[[], bool],
    ) -> None:
        """Start with nothing paused."""
        self.hass = hass
        self._entry_id = entry_id
        self._now = now
        self._is_live = is_live
        self._store = HoldingStore(hass, entry_id)
        self._listener = DeviceListener(hass, self._on_state, self._on_registry, self._on_timer)
        self._until_empty = False

    @property
    def paused(self) -> dict[str, HeldDevice]:
        """Return the paused devices by their entity ids."""
        return self._store.paused

    async def async_load(self) -> None:
        """Remember what was paused before, and take over from a manager that was left behind."""
        pauses = self.hass.data.setdefault(MANAGERS, {})
        if left := pauses.get(self._entry_id):
            await left.async_close()
        await self._store.async_load()
        pauses[self._entry_id] = self

    @callback
    def async_start(self, _: HomeAssistant | None = None) -> None:
        """Go on with what was held before, now that Home Assistant has started."""
        for entity_id, paused in list(self.paused.items()):
            if paused.released_at:
                self._try(entity_id)
            elif is_on(self.hass.states.get(entity_id)):
                self.async_forget(entity_id)  # somebody turned it on meanwhile
        self._follow()
        if not self._is_live():
            self.async_release()

    async def async_close(self) -> None:
        """Stop here; a later manager goes on from what is on the disk."""
        self._stop()
        tasks = [paused.task for paused in self.paused.values() if paused.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._store.async_save()

    @callback
    def async_leave(self) -> None:
        """Restore everything although the entry is gone, and stop when that is done."""
        self._until_empty = True
        self._follow()
        self.async_release()
        self._stop_if_done()

    async def async_remove(self) -> None:
        """Restore everything, and leave nothing on the disk."""
        await self.async_load()
        await self._store.async_remove()
        self.async_leave()

    async def async_pause(
        self, entity_ids: Iterable[str], longest: timedelta | None, context: Context
    ) -> dict[str, Refusal | None]:
        """Turn devices off until the equivent ends; return why not, for each that is not."""
        outcome = {entity_id: self._refusal(entity_id) for entity_id in entity_ids}
        wanted = [entity_id for entity_id, refusal in outcome.items() if refusal is None]
        for entity_id in wanted:
            self._remember(entity_id, self._now() + longest if longest else None)
        if wanted:
            await self._store.async_save()  # before anything is touched
        self._follow()
        done = await asyncio.gather(*(self._async_off(one, context) for one in wanted))
        failed = [entity_id for entity_id, well in zip(wanted, done, strict=True) if not well]
        outcome.update(dict.fromkeys(failed, Refusal.FAILED))
        if not self._is_live():  # it ended meanwhile
            self.async_release()
        return outcome

    @callback
    def async_release(self, entity_ids: Iterable[str] | None = None) -> None:
        """Restore devices, all if none are named."""
        for entity_id in list(self.paused if entity_ids is None else entity_ids):
            paused = self.paused[entity_id]
            if any(entity_id in other.holding for other in self._others()):
                self.async_forget(entity_id)
            elif not paused.released_at:
                paused.released_at = self._now()
                self._try(entity_id)
        self._store.async_save_soon()
        self._arm()

    @property
    def holding(self) -> set[str]:
        """Return the devices that are to stay off."""
        return {entity_id for entity_id, one in self.paused.items() if not one.released_at}

    @callback
    def async_forget(self, entity_id: str) -> HeldDevice | None:
        """Leave a device alone from now on; return what was remembered of it."""
        if not (paused := self.paused.pop(entity_id, None)):
            return None
        if paused.task is not asyncio.current_task():
            paused.cancel()
        async_clear_not_put_back(self.hass, entity_id)
        self._store.async_save_soon()
        self._follow()
        self._stop_if_done()
        return paused

    def _others(self) -> list[HoldingManager]:
        """Return the managers of other accounts."""
        return [other for other in self.hass.data[MANAGERS].values() if other is not self]

    def _refusal(self, entity_id: str) -> Refusal | None:
        """Return why a device cannot be paused; None if it can, or is."""
        if any(entity_id in one.paused for one in (self, *self._others())):
            return None
        return refusal_of(self.hass.states.get(entity_id))

    def _remember(self, entity_id: str, until: datetime | None) -> None:
        """Remember how a device is, unless that is remembered already, here or elsewhere."""
        paused = self.paused.get(entity_id) or self._take_over(entity_id)
        if paused is None:
            state = self.hass.states.get(entity_id)
            assert state  # noqa: S101  # as it was not refused
            paused = HeldDevice(state)
        paused.renew(until)
        self.paused[entity_id] = paused
        async_clear_not_put_back(self.hass, entity_id)

    def _take_over(self, entity_id: str) -> HeldDevice | None:
        """Return what another account's manager remembers, which does not restore it now."""
        for other in self._others():
            if entity_id in other.holding:
                return HeldDevice(other.paused[entity_id].state, other.paused[entity_id].until)
            if entity_id in other.paused:
                return other.async_forget(entity_id)
        return None

    async def _async_off(self, entity_id: str, context: Context) -> bool:
        """Turn a device off, and return True if that went well."""
        if not (paused := self.paused.get(entity_id)):
            return False  # it was removed meanwhile
        async with paused.lock:
            if not is_on(self.hass.states.get(entity_id)):
                paused.seen_off = True
                return True
            return await self._async_command(paused, async_turn_off, context)

    async def _async_command(
        self, paused: HeldDevice, command: Command, parent: Context | None = None
    ) -> bool:
        """Command a device, and return True if that went well."""
        context = Context(parent_id=parent.id, user_id=parent.user_id) if parent else Context()
        paused.command = context.id
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                await command(self.hass, paused.state, context)
        except Exception as err:  # noqa: BLE001  # one device must not keep others from theirs
            LOGGER.debug("%s did not obey: %s", paused.state.entity_id, err)
            return False
        finally:
            paused.commanded_at = self._now()
        return True

    @callback
    def _try(self, entity_id: str) -> None:
        """Try to restore a device, unless that is under way."""
        paused = self.paused[entity_id]
        paused.next_try = self._now() + TRY_EVERY
        if not paused.task or paused.task.done():
            paused.task = self.hass.async_create_background_task(
                self._async_try(paused), f"{DOMAIN} restore {entity_id}"
            )

    async def _async_try(self, paused: HeldDevice) -> None:
        """Restore a device, see whether it obeys, and set when to try again."""
        entity_id = paused.state.entity_id
        async with paused.lock:
            state = self.hass.states.get(entity_id)
            if is_known(state) and not is_as_before(paused.state, state):
                await self._async_command(paused, async_restore)
        if paused.is_back(self.hass.states.get(entity_id), self._now()):
            self.async_forget(entity_id)
        elif paused.is_given_up(self._now()):
            paused.next_try = None
            async_raise_not_put_back(self.hass, self._entry_id, paused.state)
        self._arm()

    @callback
    def _on_state(self, event: Event[EventStateChangedData]) -> None:
        """See a device obey, come back, or be turned on by somebody, whose it is then."""
        entity_id = event.data["entity_id"]
        old, new = event.data["old_state"], event.data["new_state"]
        if new is None or not is_known(new) or not (paused := self.paused.get(entity_id)):
            return
        if not is_on(new):
            paused.seen_off = True
        returned = paused.released_at is not None and not is_known(old)
        turned_on = is_on(new) and not is_on(old) and not returned
        if turned_on and paused.is_somebodys(event.context, self._now()):
            self.async_forget(entity_id)
        elif paused.released_at and not paused.lock.locked():
            if paused.is_back(new, self._now()):
                self.async_forget(entity_id)
            elif returned:
                self._try(entity_id)

    @callback
    def _on_registry(self, event: Event[EventEntityRegistryUpdatedData]) -> None:
        """Follow an entity that is renamed, and forget one that is removed."""
        if event.data["action"] == "remove":
            self.async_forget(event.data["entity_id"])
        elif event.data["action"] == "update" and "entity_id" in event.data["changes"]:
            self._rename(event.data["changes"]["entity_id"], event.data["entity_id"])

    def _rename(self, old: str, new: str) -> None:
        """Go on with a device under its new name."""
        paused = self.paused.pop(old)
        paused.cancel()
        async_clear_not_put_back(self.hass, old)
        paused.state = State(new, paused.state.state, paused.state.attributes)
        self.paused[new] = paused
        self._store.async_save_soon()
        if paused.released_at:
            self._try(new)
        self._follow()

    @callback
    def _follow(self) -> None:
        """Follow what is held, and set the timer to what is to be done next."""
        self._listener.async_follow(self.paused)
        self._arm()

    def _arm(self) -> None:
        """Set the timer to what is to be done next."""
        moment = min(filter(None, (one.due for one in self.paused.values())), default=None)
        self._listener.async_set_timer((moment - self._now()).total_seconds() if moment else None)

    @callback
    def _on_timer(self) -> None:
        """Restore what has been off for long enough, and try again what did not obey."""
        now = self._now()
        due = {entity_id for entity_id, one in self.paused.items() if one.due and one.due <= now}
        for entity_id in due - self.holding:
            self._try(entity_id)
        self.async_release(self.holding & due)

    def _stop(self) -> None:
        """Follow nothing any more, and be found no more."""
        self._listener.async_stop()
        self.hass.data[MANAGERS].pop(self._entry_id, None)

    def _stop_if_done(self) -> None:
        """Stop when all is restored for an entry that is gone."""
        if self._until_empty and not self.paused:
            self._stop()
