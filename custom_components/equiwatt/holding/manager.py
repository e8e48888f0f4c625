"""Manager of the devices held for all accounts' equivents, from their reports to their commands.

The original states are on the disk before a device is touched. Devices are restored when the
equivent ends, when the longest duration is over, and after restarts, unless a person has changed
them meanwhile.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_ENTITY_ID, EVENT_HOMEASSISTANT_STOP, SERVICE_TURN_ON
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
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util
from homeassistant.util.file import WriteError
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from ..storage import SAVE_DELAY, StorageFile
from ..timer import Timer
from . import device
from .device import MAX_DURATION, Decision, Outcome, Report
from .eligibility import OFF, Refusal, Request, device_state_of, set_back, wanted_for
from .issues import async_clear_not_restored, async_raise_not_restored
from .record import DeviceRecord, shifted
from .service_calls import Answer, ServiceCalls
from .steps import Call, calls_of
from .store import NAME, HeldDevice, Requester, from_stored

MANAGER: HassKey[HoldingManager] = HassKey(f"{DOMAIN}_holding")
"""Shared by all accounts, as devices are restored even when their entry has been removed."""
REPORT_TIMEOUT = 30
"""Seconds for which an action waits for the devices' reports."""
COMMAND_INTERVAL = 1
"""Seconds between commands to several devices in later rounds: hubs lose simultaneous ones."""
CLOCK_TOLERANCE = timedelta(seconds=1)
"""Difference between the clock and the event loop's time above which the clock was corrected."""
SOON = 1
"""Seconds until changes are written."""
ABANDONED = timedelta(minutes=3)
"""Time after which an unrestored device gets an issue, if no account is left."""

type Results = dict[str, Refusal | None]
"""Reason why each scene is not applied and each device not held, None if it is."""


class Account(NamedTuple):
    """An account that is set up."""

    now: Callable[[], datetime]
    holds: Callable[[], bool]
    """Return True while devices are held for its equivent."""
    update: Callable[[], None]
    """Update what is shown of the held devices."""


@callback
def async_get_manager(hass: HomeAssistant) -> HoldingManager:
    """Return the manager that all accounts share."""
    if (manager := hass.data.get(MANAGER)) is None:
        manager = hass.data[MANAGER] = HoldingManager(hass)
    return manager


class HoldingManager:
    """Manager of the held devices of all accounts."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize without accounts and held devices."""
        self.hass = hass
        self._accounts: dict[str, Account] = {}
        self._devices: dict[str, HeldDevice] = {}
        self._not_restored: set[str] = set()
        self._file = StorageFile(hass, NAME, self._stored)
        self._service_calls = ServiceCalls(hass, self._on_call)
        self._clock: tuple[datetime, float] | None = None
        self._timer = Timer(hass, "hold", self._on_timer)
        # Both in the event loop's time, which no correction of the clock moves.
        self._due_at: dict[str, float] = {}
        self._next_slot = 0.0
        self._removed: set[str] = set()
        self._listening: list[CALLBACK_TYPE] = []
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._is_loaded = False
        self._is_running = False
        self._is_updating = False

    @property
    def devices(self) -> list[HeldDevice]:
        """Devices that are held or being restored, by entity id."""
        return sorted(self._devices.values(), key=lambda held: held.entity_id)

    @property
    def _has_accounts(self) -> bool:
        """Return True unless all accounts are disabled or removed."""
        return bool(self.hass.config_entries.async_entries(DOMAIN, include_disabled=False))

    def held_for(self, entry_id: str | None = None) -> list[HeldDevice]:
        """Return the devices held for an account, or for any, or not yet restored, by entity id."""
        now = self._read_clock()
        holders = (held for held in self.devices if entry_id in (None, *held.holders))
        return [held for held in holders if device.is_held(held.record, now)]

    # Hold

    async def async_hold(self, entity_ids: Collection[str], request: Request) -> Results:
        """Hold devices until the equivent ends. Return by scene and device why it is not so.

        Raise HomeAssistantError, without touching a device, if the records cannot be written.
        """
        # A retriggered automation cancels this action, which must not stop half-way.
        begun = await asyncio.shield(self._run(self._async_begin(entity_ids, request)))
        if begun is None:
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_stored")
        plan, applied = begun
        refusals = {entity_id: new for entity_id, new in plan.items() if isinstance(new, Refusal)}
        held = plan.keys() - refusals
        with suppress(TimeoutError):
            async with asyncio.timeout(REPORT_TIMEOUT):
                while any(map(self._is_awaited, held)):
                    await self._changed.wait()
                await asyncio.wait([applied])
        results: Results = dict.fromkeys(request.scenes, Refusal.NO_ANSWER)
        results |= applied.result() if applied.done() else {}
        if Refusal.FAILED in results.values():
            for entity_id in filter(self._is_awaited, held):
                self._refuse(entity_id, -1)  # a scene does not report which device refused
        return results | refusals | {entity_id: self._result_of(entity_id) for entity_id in held}

    async def _async_begin(
        self, entity_ids: Collection[str], request: Request
    ) -> tuple[dict[str, HeldDevice | Refusal], asyncio.Task[Results]] | None:
        """Write a plan, again if it has changed meanwhile, and carry it out.

        Return the plan, and the task that applies the scenes, None if it cannot be written.
        """
        await self.async_load()
        async with self._lock:
            if not self._is_loaded:
                return None  # a write would replace what could not be read
            self._start()
            now, written = self._read_clock(), None
            requester = await self._service_calls.async_requester_of(request.context)
            try:
                while True:
                    plan = {each: self._plan(each, request, requester, now) for each in entity_ids}
                    held = {each: new for each, new in plan.items() if isinstance(new, HeldDevice)}
                    if plan == written or not (held or written):
                        break
                    await self._file.async_write(partial(self._stored, held))
                    written = plan
            except WriteError:
                return None
            sent = {known.entity_id: known.record.commands for known in self.devices}
            self._devices |= held
            self._subscribe()
            for entity_id, new in held.items():
                if new.record.commands != sent.get(entity_id, ()) and not request.scenes:
                    self._run(self._async_send(entity_id, is_written=True))
            applied = self._run(self._async_apply(request.scenes, requester))
            for entity_id in held:
                self.async_forget(entity_id)
                self._step(entity_id)
            for entry_id in request.holders:
                self.async_release(entry_id)  # if its equivent has ended meanwhile
        return plan, applied

    def _plan(
        self, entity_id: str, request: Request, requester: Requester, now: datetime
    ) -> HeldDevice | Refusal:
        """Return a device as it will be held, its first command included, or a refusal."""
        known = self._devices.get(entity_id)
        if known and not (device.restoring(known.record) or device.is_held(known.record, now)):
            known = None  # another person or automation has changed it
        if known:
            # It may have reported since the request began.
            now = max(now, device.latest(known.record))
        wanted = wanted_for(request, self.hass, entity_id, known.record if known else None, now)
        if isinstance(wanted, Refusal):
            return wanted
        state = device_state_of(self.hass.states.get(entity_id))
        until = now + min(request.longest or MAX_DURATION, MAX_DURATION)
        record = device.hold(known.record if known else None, state, wanted, now, until)
        record, decision = device.step(record, None, now)
        command = wanted if request.scenes and state else decision.command
        if command is not None:
            record = device.commanded(record, command, now)
        others = known.holders if known and now < known.record.until else ()
        return HeldDevice(
            entity_id=entity_id,
            record=record,
            holders=tuple(sorted({*request.holders, *others})),
            requester=requester,
            degrees=None if record.before else request.degrees,
        )

    async def _async_apply(self, scenes: Iterable[str], requester: Requester) -> Results:
        """Apply scenes. Return by scene why it failed, None if it did not."""
        applied: Results = {}
        for scene in scenes:
            calls = [Call(service=SERVICE_TURN_ON)]
            answer = await self._service_calls.async_set(scene, calls, requester, "applied")
            applied[scene] = None if answer is Answer.DONE else Refusal.FAILED
        return applied

    def _is_awaited(self, entity_id: str) -> bool:
        """Return True if a device may still report that it is held."""
        is_unanswered = self._result_of(entity_id) is Refusal.NO_ANSWER
        return is_unanswered and self._read_clock() < self._devices[entity_id].record.until

    def _result_of(self, entity_id: str) -> Refusal | None:
        """Return why a device is not confirmed to be held, None once it is."""
        held = self._devices.get(entity_id)
        if held is None or entity_id in self._removed:
            return Refusal.FAILED
        record = held.record
        if record.here_since is None:
            return Refusal.UNAVAILABLE
        if device.is_confirmed(record):
            return None
        has_failed = record.commands and record.commands[-1].refused_at
        return Refusal.FAILED if has_failed else Refusal.NO_ANSWER

    # Release

    @callback
    def async_attach(self, entry: ConfigEntry[Any], account: Account) -> CALLBACK_TYPE:
        """Add an account that is being set up. Return a function that removes it."""
        self._accounts[entry.entry_id] = account

        def detach() -> None:
            """Remove the account, and restore its devices if it is disabled."""
            del self._accounts[entry.entry_id]
            if entry.disabled_by:
                self.async_release(entry.entry_id)

        return detach

    async def async_remove(self, entry_id: str) -> None:
        """Restore the devices of an account that has been removed."""
        self.async_release(entry_id)
        await self._async_tidy()

    async def async_skip(self, entry_id: str, context: Context) -> None:
        """Restore the devices of an account at a person's or automation's request."""
        self.async_release(entry_id, await self._service_calls.async_requester_of(context))

    async def async_restore(self, entity_ids: Collection[str], context: Context) -> None:
        """Restore devices at a request, whichever accounts they are held for."""
        requester = await self._service_calls.async_requester_of(context)
        for held in self.devices:
            if held.entity_id in entity_ids:
                self._release(held, (), requester)

    @callback
    def async_release(
        self, entry_id: str, requester: Requester | None = None, *, end: datetime | None = None
    ) -> None:
        """Restore devices held for this account only, unless its equivent is live.

        If that is the next one already, those requested before the end of the last are restored.
        """
        account, now = self._accounts.get(entry_id), self._read_clock()
        entry = self.hass.config_entries.async_get_entry(entry_id)
        is_reloading = entry is not None and not entry.disabled_by
        holds = account.holds() if account else is_reloading
        for held in self.devices:
            is_over = not holds or (end is not None and held.record.began < end)
            if is_over and entry_id in held.holders and now < held.record.until:
                others = tuple(holder for holder in held.holders if holder != entry_id)
                self._release(held, others, requester)
        self._raise_issues()  # by themselves they outlast restarts only without an account

    def _release(
        self, held: HeldDevice, others: tuple[str, ...], requester: Requester | None = None
    ) -> None:
        """Restore a device, unless other accounts hold it."""
        if others:
            self._set_device(replace(held, holders=others))
            self._dispatch()
            return
        record = device.release(held.record, self._read_clock())
        self._set_device(replace(held, record=record, requester=requester or held.requester))
        self._step(held.entity_id)
        self._run(self._file.async_flush())

    @callback
    def async_forget(self, entity_id: str) -> None:
        """Clear the issue of a device, as once its repair is confirmed."""
        async_clear_not_restored(self.hass, entity_id)
        if entity_id in self._not_restored:
            self._not_restored.remove(entity_id)
            self._file.async_write_soon(SOON)
            self._run(self._async_tidy())

    def _raise_issues(self, *new: str) -> None:
        """Raise the issues of devices that could not be restored, earlier ones included."""
        self._not_restored.update(new)
        for entity_id in self._not_restored:
            async_raise_not_restored(self.hass, entity_id)
        if new:
            self._file.async_write_soon(SOON)

    # Starts and stops

    async def async_load(self, *, warns: bool = True) -> None:
        """Load the held devices, later if they cannot be read, and resume after the start."""
        async with self._lock:
            if self._is_loaded:
                return
            try:
                stored = await self._file.async_load()
            except OSError as err:  # equivents are told without the file
                if warns:
                    LOGGER.warning("The held devices cannot be read from the disk: %s", err)
                self._timer.async_set(SAVE_DELAY)
                return
            self._is_loaded = True
            devices, self._not_restored = from_stored(stored)
            for held in devices:
                self._devices[held.entity_id] = replace(held, record=device.absent(held.record))
            async_at_started(self.hass, self._on_started)
            self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self.async_stop)

    @callback
    def _on_started(self, _: HomeAssistant) -> None:
        """Resume after a start, and restore devices whose accounts no longer exist."""
        self._start()
        for entry_id in {holder for held in self.devices for holder in held.holders}:
            self.async_release(entry_id)
        self._raise_issues()

    @callback
    def async_stop(self, _: Event | None = None) -> None:
        """Stop without restoring: the next start resumes from the disk, if there is an account."""
        if not self._has_accounts:
            unrestored = [held.entity_id for held in self.held_for() if held.record.commands]
            self._raise_issues(*unrestored)
        self._is_running = False
        self._subscribe()
        self._timer.async_close()

    def _start(self) -> None:
        """Resume what was held before, unless already running."""
        if not self._is_running:
            self._is_running = True
            self._subscribe()
            for entity_id in tuple(self._devices):
                self._report(entity_id, self.hass.states.get(entity_id))

    def _subscribe(self) -> None:
        """Subscribe to held devices and service calls, if any, and to the names in issues."""
        while self._listening:
            self._listening.pop()()
        if self._is_running:
            named = self._not_restored | self._devices.keys()
            self._listening = [
                *(self._service_calls.async_listen() if self._devices else ()),
                async_track_state_change_event(self.hass, self._devices, self._on_state),
                async_track_entity_registry_updated_event(self.hass, named, self._on_registry),
            ]

    # Reports

    @callback
    def _on_state(self, event: Event[EventStateChangedData]) -> None:
        """Process a report and its context."""
        entity_id, state = event.data["entity_id"], event.data["new_state"]
        if state:
            self._removed.discard(entity_id)
        is_others = self._service_calls.is_others(event.context)
        self._report(entity_id, state, is_others=is_others)

    def _report(self, entity_id: str, state: State | None, *, is_others: bool = False) -> None:
        """Process a report; work out the set-back of a device that was unavailable until now."""
        read, held = device_state_of(state), self._devices.get(entity_id)
        if read and held and held.degrees is not None:
            wanted = set_back(read, held.degrees)
            if isinstance(wanted, Refusal):
                self._remove(entity_id, Outcome.RESTORED)
                return
            record = replace(held.record, wanted=wanted)
            self._set_device(replace(held, record=record, degrees=None))
        self._step(entity_id, Report(state=read, is_others=is_others))

    @callback
    def _on_call(self, entity_ids: set[str]) -> None:
        """Stop holding devices that another person or automation sets."""
        for entity_id in entity_ids & self._devices.keys():
            if self._devices[entity_id].record.commands:
                self._remove(entity_id, Outcome.TAKEN_OVER)

    @callback
    def _on_registry(self, event: Event[EventEntityRegistryUpdatedData]) -> None:
        """Follow a renamed entity, also with its issue, and mark a removed one."""
        entity_id = event.data["entity_id"]
        old = str(event.data.get("old_entity_id", entity_id))
        if entity_id != old:
            if old in self._not_restored:
                self.async_forget(old)
                self._raise_issues(entity_id)
            if old in self._devices:
                self._set_device(replace(self._pop(old), entity_id=entity_id))
            self._subscribe()
            self._report(entity_id, self.hass.states.get(entity_id))
        elif event.data["action"] == "remove" and entity_id in self._devices:
            self._removed.add(entity_id)
            self._report(entity_id, None)

    @callback
    def _on_timer(self) -> None:
        """Process the devices that are due, or try again to load them."""
        if not self._is_loaded:
            self._run(self.async_load(warns=False))
            return
        moment = self.hass.loop.time()
        for entity_id in [due for due, at in self._due_at.items() if at <= moment]:
            self._step(entity_id)
        self._dispatch()

    # Decisions and commands

    def _step(self, entity_id: str, report: Report | None = None) -> None:
        """Process a device; an error closes it without affecting the others."""
        now = self._read_clock()
        if (held := self._devices.get(entity_id)) is None:
            return
        try:
            record, decision = device.step(held.record, report, now)
        except Exception as err:  # noqa: BLE001  # a damaged record may raise anything
            LOGGER.warning("%s cannot be restored: %r", entity_id, err)
            self._remove(entity_id, Outcome.GIVEN_UP)
            return
        self._set_device(replace(held, record=record))
        is_gone = entity_id in self._removed and now >= record.until
        if decision.outcome or is_gone:
            self._remove(entity_id, decision.outcome or Outcome.RESTORED)
            return
        look_at = decision.look_at or now  # after a command, it is set by the next step
        if record.commands and not self._has_accounts:  # no restart would resume it
            abandoned_at = record.until + ABANDONED
            if now >= abandoned_at:
                self._raise_issues(entity_id)
            else:
                look_at = min(look_at, abandoned_at)
        self._due_at[entity_id] = self.hass.loop.time() + (look_at - now).total_seconds()
        if decision.command is not None:
            self._command(entity_id, decision, now)
        self._dispatch()

    def _command(self, entity_id: str, decision: Decision, now: datetime) -> None:
        """Command a device, in a later round with a delay after the device before."""
        moment = self.hass.loop.time()
        if decision.is_repeated:
            if moment < self._next_slot:
                self._due_at[entity_id] = self._next_slot
                return
            self._next_slot = moment + COMMAND_INTERVAL
        held = self._devices[entity_id]
        record = device.commanded(held.record, decision.command or {}, now)
        self._set_device(replace(held, record=record))
        self._run(self._async_send(entity_id))
        self._step(entity_id)

    async def _async_send(self, entity_id: str, *, is_written: bool = False) -> None:
        """Send the last command once it is on the disk, unless it is out of date by then."""
        record = self._devices[entity_id].record
        number, restores = len(record.commands) - 1, self._read_clock() >= record.until
        is_written = is_written or await self._file.async_flush()
        if (held := self._held_by(entity_id, record)) is None:
            return
        answer = None
        # What is not on the disk is not touched, but restored.
        if (is_written or restores) and restores is (self._read_clock() >= held.record.until):
            is_off = held.record.commands[number].values == OFF
            action = "restored" if restores else "paused" if is_off else "changed"
            answer = await self._service_calls.async_set(
                entity_id, calls_of(held.record, number), held.requester, action
            )
        if answer is Answer.DONE or not (held := self._held_by(entity_id, record)):
            return
        if answer is Answer.UNTOUCHED and len(held.record.commands) == 1:
            self._remove(entity_id, Outcome.RESTORED)
        else:
            self._refuse(entity_id, number)

    def _held_by(self, entity_id: str, record: DeviceRecord) -> HeldDevice | None:
        """Return the device if its record still is this one, with later facts."""
        held = self._devices.get(entity_id)
        # While a record goes on, the original state is the same object.
        return held if held and held.record.before is record.before else None

    def _refuse(self, entity_id: str, number: int) -> None:
        """Mark a command as failed."""
        held = self._devices[entity_id]
        record = device.refused(held.record, number, self._read_clock())
        self._set_device(replace(held, record=record))
        self._step(entity_id)

    def _set_device(self, held: HeldDevice) -> None:
        """Replace a device's record and save it soon."""
        if self._devices.get(held.entity_id) != held:
            self._devices[held.entity_id] = held
            self._file.async_write_soon(SOON)

    def _remove(self, entity_id: str, outcome: Outcome) -> None:
        """Remove a device, raising or clearing its issue."""
        self._pop(entity_id)
        if outcome is Outcome.GIVEN_UP:
            self._raise_issues(entity_id)
        else:
            self.async_forget(entity_id)
        self._subscribe()
        self._file.async_write_soon(SOON)
        self._dispatch()
        self._run(self._async_tidy())

    def _pop(self, entity_id: str) -> HeldDevice:
        """Remove and return a device, with its due time."""
        self._removed.discard(entity_id)
        self._due_at.pop(entity_id, None)
        return self._devices.pop(entity_id)

    async def _async_tidy(self) -> None:
        """Write what has ended, and delete the file once no account and no device is left."""
        # A power cut before the delayed write would resume a hold that has ended.
        await self._file.async_flush()
        is_over = self._is_loaded and not self._devices
        if is_over and not self.hass.config_entries.async_entries(DOMAIN):
            await self._file.async_remove()

    def _stored(self, pending: Mapping[str, HeldDevice] | None = None) -> dict[str, Any]:
        """Return all devices, those about to be held, and the names of those not restored."""
        named = [{ATTR_ENTITY_ID: entity_id} for entity_id in sorted(self._not_restored)]
        return {"devices": [*{**self._devices, **(pending or {})}.values(), *named]}

    def _dispatch(self) -> None:
        """Set the timer, and report the change to actions and entities."""
        next_look = min(self._due_at.values(), default=None)
        self._timer.async_set(next_look and next_look - self.hass.loop.time())
        self._changed.set()
        self._changed.clear()
        if not self._is_updating:
            self._is_updating = True
            self.hass.loop.call_soon(self._update)

    def _update(self) -> None:
        """Update entities, once for the many devices that an action changes at a time."""
        self._is_updating = False
        for account in tuple(self._accounts.values()):
            account.update()

    def _read_clock(self) -> datetime:
        """Return the time of an account; after a correction, shift all times first."""
        account = next(iter(self._accounts.values()), None)
        now, moment = account.now() if account else dt_util.utcnow(), self.hass.loop.time()
        before, since = self._clock or (now, moment)
        jump = now - before - timedelta(seconds=moment - since)
        if self._clock is None or abs(jump) > CLOCK_TOLERANCE:  # small drifts add up
            self._clock = now, moment
            for held in self.devices:
                self._set_device(replace(held, record=shifted(held.record, jump)))
        return now

    def _run[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine in the background."""
        return self.hass.async_create_background_task(work, f"{DOMAIN} hold")
