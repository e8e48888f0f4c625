"""Controller of held devices: processes their reports, carries out decisions, stores records."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from homeassistant.const import STATE_OFF
from homeassistant.core import (
    CALLBACK_TYPE,
    Context,
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData
from homeassistant.helpers.event import (
    async_track_entity_registry_updated_event,
    async_track_state_change_event,
)

from ..const import DOMAIN, LOGGER
from ..timer import Timer
from .contexts import Contexts
from .device import (
    LONGEST,
    Decision,
    Outcome,
    Report,
    calls_of,
    commanded,
    hold,
    is_confirmed,
    is_held,
    refused,
    release,
    step,
)
from .device_state import wanted_of
from .eligibility import Refusal, device_state_of, refusal_of, scene_wanted_of, set_back
from .issues import async_clear_not_restored, async_raise_not_restored
from .service_calls import Answer, async_announce, async_apply_scene, async_set
from .steps import Call
from .store import LATER, HeldDevice, HoldingStore, Requester

PATIENCE = 30
"""Seconds for which an action waits for the devices' reports."""
APART = timedelta(seconds=1)
"""Time between commands to several devices in later rounds: hubs lose simultaneous ones."""
CLOCK_TOLERANCE = timedelta(seconds=1)
"""Difference between the clock and the event loop's time above which the clock was corrected."""
ABANDONED = timedelta(minutes=3)
"""Time after which an unrestored device gets an issue, if no account is left."""
OFF = {"state": "off"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to hold devices."""

    context: Context
    holders: frozenset[str]
    """Entry ids of the accounts whose equivents devices are held for."""
    longest: timedelta | None = None
    scenes: tuple[str, ...] = ()
    """Scenes that set the devices; without any, the devices are turned off or set back."""
    degrees: float | None = None
    """Degrees by which heating is turned down instead of off."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A hold that has begun, whose devices have yet to confirm it."""

    scenes: tuple[str, ...]
    applied: asyncio.Task[dict[str, Refusal | None]]
    """Result of applying the scenes."""
    entity_ids: list[str]
    refusals: dict[str, Refusal]


class HoldingController:
    """Takes each held device from its reports to the next command."""

    def __init__(self, hass: HomeAssistant, wall: Callable[[], datetime]) -> None:
        """Initialize without held devices."""
        self.hass = hass
        self.devices: dict[str, HeldDevice] = {}
        self.store = HoldingStore(hass, lambda: self.devices)
        self.contexts = Contexts(hass, self._on_call)
        self._wall = wall
        self._clock: tuple[datetime, float] | None = None
        self._timer = Timer(hass, "hold", self._on_timer)
        self._due_at: dict[str, datetime] = {}
        self._slots: dict[str, datetime] = {}
        self._last_slot: datetime | None = None
        self._removed: set[str] = set()
        self._listening: list[CALLBACK_TYPE] = []
        self._watchers: list[Callable[[], None]] = []
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._is_running = False

    # Time and listeners

    def read_clock(self) -> datetime:
        """Return the time; after a correction of the clock, shift all times first."""
        now, moment = self._wall(), self.hass.loop.time()
        before, since = self._clock or (now, moment)
        jump = now - before - timedelta(seconds=moment - since)
        if self._clock is None or abs(jump) > CLOCK_TOLERANCE:  # small drifts add up
            self._clock = now, moment
            self._shift(jump)
        return now

    @callback
    def async_listen(self, watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call a watcher at each change. Return a function that removes it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    @callback
    def async_start(self) -> None:
        """Resume what was held before, unless already running."""
        if self._is_running:
            return
        self._is_running = True
        self._subscribe()
        for entity_id in tuple(self.devices):
            self._report(entity_id, self.hass.states.get(entity_id))

    @callback
    def async_stop(self) -> None:
        """Stop without restoring: the next start resumes from the disk."""
        self._is_running = False
        self._subscribe()
        self._timer.async_close()

    def _subscribe(self) -> None:
        """Subscribe to the devices that are held now, if any."""
        while self._listening:
            self._listening.pop()()
        if not (entity_ids := list(self.devices)) or not self._is_running:
            self.contexts.async_stop()
            return
        self.contexts.async_start()
        self._listening = [
            async_track_state_change_event(self.hass, entity_ids, self._on_state),
            async_track_entity_registry_updated_event(self.hass, entity_ids, self._on_registry),
        ]

    def _shift(self, jump: timedelta) -> None:
        """Shift all times by a correction of the clock."""
        if not jump:
            return
        for entity_id, held in self.devices.items():
            self.devices[entity_id] = replace(held, record=held.record.shifted(jump))
        self._due_at = {entity_id: at + jump for entity_id, at in self._due_at.items()}
        self._slots = {entity_id: at + jump for entity_id, at in self._slots.items()}
        self._last_slot = self._last_slot and self._last_slot + jump
        self.store.async_save_soon()

    # A new hold

    async def async_begin(self, entity_ids: list[str], request: Request) -> Begun:
        """Write the records of a hold, again if a device changed meanwhile; then begin it.

        Raise HomeAssistantError, without touching a device, if they cannot be written.
        """
        self.async_start()
        requester = await self.contexts.async_requester_of(request.context)
        async with self._lock:
            while True:
                known = {entity_id: self.devices.get(entity_id) for entity_id in entity_ids}
                begun = {
                    entity_id: self._begin(entity_id, request, requester)
                    for entity_id in entity_ids
                }
                refusals = {one: why for one, why in begun.items() if isinstance(why, Refusal)}
                started = [new for new in begun.values() if not isinstance(new, Refusal)]
                held = {device.entity_id: device for device, _ in started}
                if held and not await self.store.async_write(held):
                    self.store.async_save_soon(LATER)
                    key = "not_stored"
                    raise HomeAssistantError(translation_domain=DOMAIN, translation_key=key)
                if all(self._is_unchanged(device, known[one]) for one, device in held.items()):
                    break
            self.devices |= held
            self._subscribe()
            for device, calls in started:
                async_clear_not_restored(self.hass, device.entity_id)
                self._step(device.entity_id)
                if calls:
                    number = len(device.record.commands) - 1
                    self._run(self._async_send(device.entity_id, number, calls, restores=False))
            return Begun(
                scenes=request.scenes,
                applied=self._run(self._async_apply(request.scenes, requester, list(held))),
                entity_ids=entity_ids,
                refusals=refusals,
            )

    async def async_answers(self, begun: Begun) -> dict[str, Refusal | None]:
        """Wait for reports. Return by device and scene why it is not held, None if it is."""
        waiting = [entity_id for entity_id in begun.entity_ids if entity_id not in begun.refusals]
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while any(self._is_awaited(entity_id) for entity_id in waiting):
                    await self._changed.wait()
                await asyncio.wait([begun.applied])
        applied = begun.applied.result() if begun.applied.done() else {}
        scenes = {scene: applied.get(scene, Refusal.NO_ANSWER) for scene in begun.scenes}
        refusals = begun.refusals
        return scenes | {
            entity_id: refusals.get(entity_id) or self._result_of(entity_id)
            for entity_id in begun.entity_ids
        }

    def _begin(
        self, entity_id: str, request: Request, requester: Requester
    ) -> tuple[HeldDevice, list[Call]] | Refusal:
        """Return the held device and the calls that set it, or why it cannot be held."""
        now = self.read_clock()
        known = self._known(entity_id, now)
        wanted = self._wanted(entity_id, request, known, now)
        if isinstance(wanted, Refusal):
            return wanted
        state = device_state_of(self.hass.states.get(entity_id))
        until = now + min(request.longest or LONGEST, LONGEST)
        record = hold(known.record if known else None, state, wanted, now, until)
        record, decision = step(record, None, now)
        values, calls = decision.command, []
        if request.scenes and state:  # the scenes command it themselves
            record = commanded(record, wanted, now)
        elif values is not None:
            calls = calls_of(record, values, now)
            record = commanded(record, values, now)
        others = known.holders if known and now < known.record.until else ()
        held = HeldDevice(
            entity_id=entity_id,
            record=record,
            holders=tuple(sorted({*request.holders, *others})),
            requester=requester,
            degrees=None if record.before else request.degrees,
        )
        return held, calls

    def _known(self, entity_id: str, now: datetime) -> HeldDevice | None:
        """Return the device, None if another person or automation has changed it."""
        known = self.devices.get(entity_id)
        is_kept = known and (known.record.restoring or is_held(known.record, now))
        return known if is_kept else None

    def _wanted(
        self, entity_id: str, request: Request, known: HeldDevice | None, now: datetime
    ) -> Mapping[str, Any] | Refusal:
        """Return the wanted state of a device, or why it cannot be held."""
        state = self.hass.states.get(entity_id)
        before = known.record.before if known else None
        if request.scenes:
            return scene_wanted_of(self.hass, entity_id, request.scenes)
        if request.degrees is not None:
            is_off = known and now < known.record.until and state and state.state == STATE_OFF
            if state and before and not is_off:  # a repeated set-back starts from the first value
                state = State(entity_id, before.state, before.attributes)
            wanted = set_back(state, request.degrees)
            if isinstance(wanted, Refusal):
                return {} if wanted is Refusal.UNAVAILABLE else wanted
            return wanted_of(wanted)
        refusal = refusal_of(state)
        is_held = refusal is Refusal.ALREADY_OFF and known is not None
        return OFF if is_held or refusal in (None, Refusal.UNAVAILABLE) else refusal

    def _is_unchanged(self, held: HeldDevice, known: HeldDevice | None) -> bool:
        """Return True if a device is still as its record was written."""
        if self.devices.get(held.entity_id) is not known:
            return False
        state, seen = device_state_of(self.hass.states.get(held.entity_id)), held.record.seen
        return state is None or seen is None or known is not None or state.is_same(seen)

    async def _async_apply(
        self, scenes: tuple[str, ...], requester: Requester, entity_ids: list[str]
    ) -> dict[str, Refusal | None]:
        """Apply scenes. Return by scene why it failed, None if it did not."""
        applied: dict[str, Refusal | None] = {}
        for scene in scenes:
            context = self.contexts.ours(requester)
            async_announce(self.hass, scene, requester, context, "applied")
            answer = await async_apply_scene(self.hass, scene, context)
            applied[scene] = None if answer is Answer.DONE else Refusal.FAILED
        if any(applied.values()):
            for entity_id in entity_ids:
                if self._is_awaited(entity_id):  # a scene does not report which device refused
                    held = self.devices[entity_id]
                    number = len(held.record.commands) - 1
                    self._set_device(
                        replace(held, record=refused(held.record, number, self.read_clock()))
                    )
            self._dispatch()
        return applied

    def _is_awaited(self, entity_id: str) -> bool:
        """Return True if a device may still report that it is held."""
        held = self.devices.get(entity_id)
        is_over = held is None or self.read_clock() >= held.record.until
        return not is_over and self._result_of(entity_id) is Refusal.NO_ANSWER

    def _result_of(self, entity_id: str) -> Refusal | None:
        """Return why a device is not confirmed to be held, None once it is."""
        held = self.devices.get(entity_id)
        if held is None or entity_id in self._removed:
            return Refusal.FAILED
        record = held.record
        if record.here_since is None:
            return Refusal.UNAVAILABLE
        if is_confirmed(record):
            return None
        has_failed = record.commands and record.commands[-1].refused_at
        return Refusal.FAILED if has_failed else Refusal.NO_ANSWER

    # What devices report

    @callback
    def _on_state(self, event: Event[EventStateChangedData]) -> None:
        """Process a report and its context."""
        entity_id, state = event.data["entity_id"], event.data["new_state"]
        if state:
            self._removed.discard(entity_id)
        self._report(entity_id, state, is_others=self.contexts.is_others(event.context))

    def _report(self, entity_id: str, state: State | None, *, is_others: bool = False) -> None:
        """Process a report; work out the set-back of a device that was unavailable until now."""
        held = self.devices[entity_id]
        read = device_state_of(state)
        if read and held.degrees is not None:
            wanted = set_back(state, held.degrees)
            if isinstance(wanted, Refusal):
                self._remove(entity_id, Outcome.RESTORED)
                return
            record = replace(held.record, wanted=wanted_of(wanted))
            self._set_device(replace(held, record=record, degrees=None))
        self._step(entity_id, Report(state=read, is_others=is_others))

    @callback
    def _on_call(self, entity_ids: set[str]) -> None:
        """Stop holding devices that another person or automation sets."""
        for entity_id in entity_ids & self.devices.keys():
            if self.devices[entity_id].record.commands:
                self._remove(entity_id, Outcome.TAKEN_OVER)

    @callback
    def _on_registry(self, event: Event[EventEntityRegistryUpdatedData]) -> None:
        """Follow a renamed entity, and mark a removed one."""
        if event.data["action"] == "remove":
            self._removed.add(event.data["entity_id"])
            self._report(event.data["entity_id"], None)
        elif event.data["action"] == "update" and "entity_id" in event.data["changes"]:
            old, new = event.data["changes"]["entity_id"], event.data["entity_id"]
            self._set_device(replace(self._pop(old), entity_id=new))
            self._subscribe()
            self._report(new, self.hass.states.get(new))

    @callback
    def _on_timer(self) -> None:
        """Process the devices that are due."""
        now = self.read_clock()
        for entity_id in [one for one, at in self._due_at.items() if at <= now]:
            self._step(entity_id)
        self._dispatch()

    # Decisions and commands

    def _step(self, entity_id: str, report: Report | None = None) -> None:
        """Process a device; an error closes it without affecting the others."""
        now = self.read_clock()
        if (held := self.devices.get(entity_id)) is None:
            return
        try:
            record, decision = step(held.record, report, now)
        except Exception as err:  # noqa: BLE001  # a damaged record may raise anything
            LOGGER.warning("%s cannot be restored: %r", entity_id, err)
            self._remove(entity_id, Outcome.GIVEN_UP)
            return
        self._set_device(replace(held, record=record))
        is_gone = entity_id in self._removed and now >= record.until
        if decision.outcome or is_gone:
            self._remove(entity_id, decision.outcome or Outcome.RESTORED)
            return
        self._due_at.pop(entity_id, None)
        if decision.look_at:
            self._due_at[entity_id] = decision.look_at
        if record.commands and not self.hass.config_entries.async_entries(
            DOMAIN, include_disabled=False
        ):
            self._schedule_issue(entity_id, record.until + ABANDONED, now)
        if decision.command is not None:
            self._command(entity_id, decision, now)
        self._dispatch()

    def _command(self, entity_id: str, decision: Decision, now: datetime) -> None:
        """Command a device, in a later round with a delay after the device before."""
        slot = self._slots.pop(entity_id, None)
        if decision.is_repeated and (slot is None or now < slot):
            slot = slot or max([now, *(at + APART for at in [self._last_slot] if at)])
            self._last_slot = slot
            if now < slot:
                self._slots[entity_id] = self._due_at[entity_id] = slot
                return
        held, values = self.devices[entity_id], decision.command or {}
        calls = calls_of(held.record, values, now)
        record = commanded(held.record, values, now)
        self._set_device(replace(held, record=record))
        number, restores = len(record.commands) - 1, now >= record.until
        self._run(self._async_send(entity_id, number, calls, restores=restores))
        self._step(entity_id)

    async def _async_send(
        self, entity_id: str, number: int, calls: list[Call], *, restores: bool
    ) -> None:
        """Send a command once it is on the disk, unless the device was taken over meanwhile."""
        await self.store.async_flush()
        held = self.devices.get(entity_id)
        if held is None or number >= len(held.record.commands):
            return
        answer = Answer.UNTOUCHED
        is_stale = restores != (self.read_clock() >= held.record.until)
        if not is_stale:
            context = self.contexts.ours(held.requester)
            is_off = held.record.commands[number].values == OFF
            action = "restored" if restores else "paused" if is_off else "changed"
            async_announce(self.hass, entity_id, held.requester, context, action)
            answer = await async_set(self.hass, entity_id, calls, context)
        if answer is Answer.DONE or not (held := self.devices.get(entity_id)):
            return
        if answer is Answer.UNTOUCHED and not is_stale and len(held.record.commands) == 1:
            self._remove(entity_id, Outcome.RESTORED)
            return
        self._set_device(replace(held, record=refused(held.record, number, self.read_clock())))
        self._step(entity_id)

    def _set_device(self, held: HeldDevice) -> None:
        """Replace a device's record and save it soon."""
        if self.devices.get(held.entity_id) != held:
            self.devices[held.entity_id] = held
            self.store.async_save_soon()

    @callback
    def async_release(
        self, held: HeldDevice, holders: tuple[str, ...], requester: Requester | None = None
    ) -> None:
        """Restore a device, unless other accounts hold it."""
        if holders:
            self._set_device(replace(held, holders=holders))
            self._dispatch()
            return
        record = release(held.record, self.read_clock())
        self._set_device(replace(held, record=record, requester=requester or held.requester))
        self._step(held.entity_id)
        self._run(self.store.async_flush())

    def _remove(self, entity_id: str, outcome: Outcome) -> None:
        """Remove a device, raising or clearing its issue."""
        self._pop(entity_id)
        if outcome is Outcome.GIVEN_UP:
            async_raise_not_restored(self.hass, entity_id)
        else:
            async_clear_not_restored(self.hass, entity_id)
        self._subscribe()
        self.store.async_save_soon()
        self._dispatch()
        self._run(self.async_tidy())

    def _pop(self, entity_id: str) -> HeldDevice:
        """Remove and return a device, with its due times."""
        self._removed.discard(entity_id)
        self._due_at.pop(entity_id, None)
        self._slots.pop(entity_id, None)
        return self.devices.pop(entity_id)

    async def async_tidy(self) -> None:
        """Write what has ended, and delete the file once no account and no device is left."""
        # A power cut before the delayed write would resume a hold that has ended.
        await self.store.async_flush()
        if not self.devices and not self.hass.config_entries.async_entries(DOMAIN):
            await self.store.async_remove()

    def _schedule_issue(self, entity_id: str, at: datetime, now: datetime) -> None:
        """Raise the issue of a device in time: without an entry, no restart would resume it."""
        if now >= at:
            async_raise_not_restored(self.hass, entity_id)
        else:
            self._due_at[entity_id] = min(at, self._due_at.get(entity_id, at))

    def _dispatch(self) -> None:
        """Set the timer and notify the watchers."""
        next_look = min(self._due_at.values(), default=None)
        now = self.read_clock()
        self._timer.async_set((next_look - now).total_seconds() if next_look else None)
        self._changed.set()
        self._changed.clear()
        for watcher in tuple(self._watchers):
            watcher()

    def _run[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine in the background."""
        return self.hass.async_create_background_task(work, f"{DOMAIN} hold")
