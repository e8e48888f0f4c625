"""The hands of held devices: what they say is heard, what follows is done, and kept."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData

from ..const import DOMAIN, LOGGER
from .clock import HoldingClock
from .contexts import Contexts
from .device import Cause, Device, begin
from .eligibility import reading_of
from .issues import async_clear_not_restored, async_raise_not_restored
from .listener import DeviceListener
from .restoring import Answer, Command, Verdict
from .service_calls import async_carry
from .store import HeldDevice, HoldingStore
from .story import HOLD, Outcome, Phase


class Hands:
    """Lets each device's story go on, from what is heard to what is done."""

    def __init__(self, hass: HomeAssistant, wall: Callable[[], datetime]) -> None:
        """Start with nothing held."""
        self.hass = hass
        self.devices: dict[str, HeldDevice] = {}
        self.store = HoldingStore(hass, self.devices.values)
        self.contexts = Contexts(hass)
        self._wall = wall
        self._clock = HoldingClock(hass.loop.time, self._on_jump)
        self._listener = DeviceListener(hass, self._on_state, self._on_registry, self._on_timer)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watchers: list[Callable[[], None]] = []

    @callback
    def async_listen(self, watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call somebody whenever something changes, and return how to stop that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def now(self) -> datetime:
        """Return the time."""
        return self._clock.read(self._wall())

    @callback
    def async_get(self, entity_id: str) -> HeldDevice:
        """Return a device, whose story begins here unless it has begun."""
        if entity_id not in self.devices:
            before = reading_of(self.hass.states.get(entity_id))
            device = begin(entity_id.partition(".")[0], before)
            self.devices[entity_id] = HeldDevice(entity_id=entity_id, device=device)
            self.async_follow_states()
        return self.devices[entity_id]

    @callback
    def async_follow_states(self) -> None:
        """Hear what devices say from now on: those that there are now."""
        self._listener.async_follow(self.devices)

    @callback
    def async_tell(self, held: HeldDevice, tell: Callable[[Device, datetime], Answer]) -> None:
        """Tell a device's story something, and do what follows, unless it is nobody's any more.

        One that cannot go on keeps no other from its own.
        """
        if held.is_forgotten:
            return
        try:
            answer = tell(held.device, self.now())
        except Exception as err:  # noqa: BLE001  # what was on the disk may say anything
            LOGGER.warning("%s cannot be restored: %r", held.entity_id, err)
            LOGGER.debug("The story of %s:", held.entity_id, exc_info=True)
            self.async_forget(held.entity_id)
            async_raise_not_restored(self.hass, held.entity_id)
        else:
            self._follow(held, answer)

    def _follow(self, held: HeldDevice, answer: Answer) -> None:
        """Do what follows from what was said to a device."""
        if held.is_removed and not held.is_held:
            self.async_forget(held.entity_id)
            return
        if answer.verdict is Verdict.GIVEN_UP:
            async_raise_not_restored(self.hass, held.entity_id)
        elif answer.verdict:
            self.async_forget(held.entity_id)
            return
        held.wake_at = answer.wake_at
        if not held.is_held:
            held.holders.clear()
        self._changed(held)
        if answer.command:  # only now, as it waits for the disk to know of it
            self.async_run(self._async_carry(held, answer.command))
        held.async_answer()

    @callback
    def async_release(self, held: HeldDevice) -> None:
        """Restore a device if it is held for nobody any more."""
        if held.is_held and not held.holders:
            self.async_tell(held, Device.release)

    @callback
    def async_forget(self, entity_id: str) -> None:
        """Leave a device alone from now on."""
        if held := self.devices.pop(entity_id, None):
            held.is_forgotten = True
            held.async_answer()
            async_clear_not_restored(self.hass, entity_id)
            self.async_follow_states()
            self._changed()

    @callback
    def async_report(self, held: HeldDevice, cause: Cause) -> None:
        """Say to a device what it says of itself now."""
        reading = reading_of(self.hass.states.get(held.entity_id))
        self.async_tell(held, partial(Device.report, reading=reading, cause=cause))

    @callback
    def async_run[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something that takes its time, but not longer than there are hands."""
        task = self.hass.async_create_background_task(work, f"{DOMAIN} hold")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def async_close(self) -> None:
        """Write everything and let go of it: whoever goes on does so from what is on the disk."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.store.async_close()
        self._listener.async_stop()
        self.contexts.async_stop()
        for held in self.devices.values():
            held.is_forgotten = True
            held.async_answer()
        self.devices.clear()

    async def _async_carry(self, held: HeldDevice, command: Command) -> None:
        """Carry a command once it is on the disk, if it is wanted still; follow what becomes of it.

        A scene is under way whether it is wanted or not.
        """
        await self.store.async_flush()
        is_wanted = not held.is_forgotten and held.is_held == (command.key == HOLD)
        outcome = Outcome.FAILED
        if is_wanted or command.call is None:
            outcome = await async_carry(self.hass, self.contexts, held, command)
        self.async_tell(held, partial(Device.outcome, outcome=outcome))

    def _changed(self, held: HeldDevice | None = None) -> None:
        """Write what has changed, set the timer to what is due next, and tell who watches."""
        if held is None or held.has_changed():
            self.store.async_save_soon()
        now = self.now()
        moment = min(filter(None, (one.wake_at for one in self.devices.values())), default=None)
        self._listener.async_set_timer((moment - now).total_seconds() if moment else None)
        for watcher in tuple(self._watchers):
            watcher()

    @callback
    def _on_state(self, event: Event[EventStateChangedData]) -> None:
        """Hear what a device says, and who stands behind it."""
        held, state = self.devices[event.data["entity_id"]], event.data["new_state"]
        reading = reading_of(state)
        held.is_removed &= state is None
        cause = self.contexts.cause_of(event.context, held)
        self.async_tell(held, partial(Device.report, reading=reading, cause=cause))

    @callback
    def _on_registry(self, event: Event[EventEntityRegistryUpdatedData]) -> None:
        """Follow an entity that is renamed, and forget one that is removed, and stays so."""
        if event.data["action"] == "remove":
            held = self.devices[event.data["entity_id"]]
            held.is_removed = True
            self.async_report(held, Cause.NOBODY)
        elif event.data["action"] == "update" and "entity_id" in event.data["changes"]:
            self._rename(event.data["changes"]["entity_id"], event.data["entity_id"])

    def _rename(self, old: str, new: str) -> None:
        """Go on with a device under its new name."""
        held = self.devices.pop(old)
        async_clear_not_restored(self.hass, old)
        held.entity_id = new
        self.devices[new] = held
        self.async_follow_states()
        if held.device.story.phase is Phase.GIVEN_UP:
            async_raise_not_restored(self.hass, new)
        self.async_report(held, Cause.NOBODY)

    @callback
    def _on_timer(self) -> None:
        """See what is due."""
        now = self.now()
        for held in [one for one in self.devices.values() if one.wake_at and one.wake_at <= now]:
            self.async_tell(held, Device.wake)
        self._changed()

    def _on_jump(self, jump: timedelta) -> None:
        """Follow a clock that was moved: what was timed keeps its age."""
        for held in self.devices.values():
            held.device.story.shift(jump)
            held.wake_at = held.wake_at and held.wake_at + jump
