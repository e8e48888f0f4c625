"""Storage of an account: its equivents, results, plans and webhook."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any, override

from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER
from .equivents.answer import MalformedError, as_event, read_event, read_events, read_time
from .equivents.attendance import Attendance, read_attendance
from .equivents.planned import Plans, read_plans
from .equivents.snapshot import MAX_EQUIVENTS, Edge, Over, Snapshot
from .metering.results import FinishedResult, Results, as_stored, read_results, with_result

VERSION = 1
SAVE_DELAY = 30

UNWRITTEN: HassKey[dict[str, dict[str, Any]]] = HassKey(f"{DOMAIN}_unwritten")
"""Data of accounts that were unloaded while the disk could not be written."""


class TolerantStore(Store[dict[str, Any]]):
    """Store that reports failed writes, and also reads files of newer versions."""

    def __init__(self, hass: HomeAssistant, key: str) -> None:
        """Initialize the store, private to Home Assistant's user and replaced atomically."""
        super().__init__(
            hass,
            VERSION,
            f"{DOMAIN}.{key}",
            private=True,
            atomic_writes=True,
            max_readable_version=VERSION + 100,
        )
        self.is_written = False
        """True if the last write succeeded."""
        self.on_failure: Callable[[], None] = lambda: None
        """Called after a failed write, which Home Assistant does not repeat."""

    @override
    async def async_save(self, data: dict[str, Any]) -> None:
        """Write the data. Raise WriteError on failure, which Home Assistant only logs."""
        self.is_written = self.hass.state is CoreState.stopping  # its final write follows
        try:
            await super().async_save(data)
        except OSError as err:
            raise WriteError(f"Cannot write {self.key}") from err
        if not self.is_written:
            raise WriteError(f"Cannot write {self.key}")

    @override
    async def _async_write_data(self, data: dict[str, Any]) -> None:
        """Write the data and note the result."""
        self.is_written = False
        try:
            await super()._async_write_data(data)
            self.is_written = True
        finally:
            if not self.is_written:
                self.on_failure()

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: Any
    ) -> Any:
        """Return the data unchanged, as the reader skips unknown and malformed parts."""
        return old_data


@dataclass(frozen=True, slots=True)
class WebhookFacts:
    """Stored facts about the webhook."""

    received_at: datetime | None = None
    """Time of the last call."""
    shown: str | None = None
    """Digest of the addresses last shown, empty if there were none."""
    missed: int = 0
    """Number of consecutive equivents without a call."""

    def received(self, now: datetime) -> WebhookFacts:
        """Return the facts after a call."""
        return replace(self, received_at=now.replace(microsecond=0), missed=0)


class EquiwattStore:
    """Storage of an account."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize an empty storage."""
        self._hass = hass
        self._store = TolerantStore(hass, entry_id)
        self._store.on_failure = lambda: self._save_later(SAVE_DELAY)
        self.known = False
        """True if anything is stored, so not before the account's first answer."""
        self.snapshot = Snapshot()
        """Snapshot of the last announced edge, or the current one if no edge is waiting."""
        self.webhook = WebhookFacts()
        self.results: Results = ()
        self.meters: tuple[str, ...] = ()
        """Ids of the meters by which past equivents have been measured."""
        self._listeners: set[CALLBACK_TYPE] = set()
        self.attendance = Attendance()
        self.plans = Plans()
        self._saving: asyncio.Task[None] | None = None
        self._is_pending = False
        self._is_closed = False

    async def async_load(self) -> None:
        """Load the readable parts, and log a warning if there are others."""
        stored: Any = self._take_unwritten()
        if stored:
            self._save_later(SAVE_DELAY)
        else:
            stored = await self._store.async_load()
        if stored is None:
            return
        self.known = True
        reader = _Reader(stored if isinstance(stored, dict) else {})
        self.snapshot, self.webhook = reader.snapshot(), reader.webhook()
        self.results, self.attendance = reader.results(), reader.attendance()
        self.meters = reader.meters()
        self.plans = reader.plans()
        if reader.unreadable:
            LOGGER.warning(
                "Part of the stored history cannot be read and is left out; %d equivents are kept",
                len(self.snapshot.past),
            )

    async def async_remove(self) -> None:
        """Delete the file."""
        self._take_unwritten()
        await self._store.async_remove()

    def _take_unwritten(self) -> dict[str, Any] | None:
        """Return the data that could not be written when the account was unloaded."""
        return self._hass.data.get(UNWRITTEN, {}).pop(self._store.key, None)

    async def async_close(self) -> None:
        """Write pending changes and stop writing: a reloaded entry owns the file from now on."""
        if self._saving:
            await self._saving
        self._is_closed = True
        if self._is_pending:
            try:
                await self._store.async_save(self._data())
            except WriteError:
                self._hass.data.setdefault(UNWRITTEN, {})[self._store.key] = self._data()

    @callback
    def async_keep(self, snapshot: Snapshot) -> None:
        """Store the snapshot when no edge is waiting."""
        snapshot, before = replace(snapshot, upcoming=None), self.snapshot
        if snapshot == before:
            return
        self.snapshot = snapshot
        if not (before.live or snapshot.live):
            self.attendance = self.attendance.caught_up(snapshot)
            self.plans = self.plans.caught_up(snapshot)
        live = (snapshot.live, snapshot.pushed_at, snapshot.rehearsal)
        if live == (before.live, before.pushed_at, before.rehearsal):
            self._save_later(SAVE_DELAY)
        else:  # not with a delay of 0, which an earlier delay would postpone
            self._saving = self._hass.async_create_task(self._async_try(), f"{DOMAIN} save")

    @callback
    def async_set_known(self) -> None:
        """Store that the API has answered, even without equivents."""
        if not self.known:
            self._save_later(SAVE_DELAY)

    @callback
    def async_set_webhook(self, facts: WebhookFacts) -> None:
        """Store facts about the webhook."""
        self.webhook = facts
        self._save_later(SAVE_DELAY)

    @callback
    def async_keep_results(self, *results: FinishedResult) -> None:
        """Store results, and notify the listeners."""
        for result in results:
            self.results = with_result(self.results, result)
        self._save_later(SAVE_DELAY)
        for listener in tuple(self._listeners):
            listener()

    @callback
    def async_listen_results(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener when results change. Return a function that removes it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    @callback
    def async_set_meters(self, meters: tuple[str, ...]) -> None:
        """Store the ids of the meters by which past equivents have been measured."""
        if meters != self.meters:
            self.meters = meters
            self._save_later(SAVE_DELAY)

    @callback
    def async_keep_attendance(self, attendance: Attendance) -> None:
        """Store the attendance."""
        if attendance != self.attendance:
            self.attendance = attendance
            self._save_later(0)

    @callback
    def async_keep_plans(self, plans: Plans) -> None:
        """Store the plans."""
        if plans != self.plans:
            self.plans = plans
            self._save_later(0)

    async def async_write(self, edge: Edge) -> None:
        """Write the snapshot after an edge; a full disk does not prevent announcing it."""
        self.snapshot = replace(edge.after, upcoming=None)
        self.attendance = self.attendance.after(edge)
        self.plans = self.plans.after(edge)
        await self._async_try()

    async def _async_try(self) -> None:
        """Write all data now, or later if it fails."""
        with suppress(WriteError):
            await self.async_flush()

    async def async_flush(self) -> None:
        """Write all data now. Raise WriteError if it fails."""
        self.known = True
        self._is_pending = False
        if self._is_closed:
            return
        try:
            await self._store.async_save(self._data())
        except WriteError:
            self._is_pending = True
            raise

    def _save_later(self, seconds: float) -> None:
        """Write all data after a delay, and when Home Assistant stops."""
        self.known = self._is_pending = True
        if not self._is_closed:
            self._store.async_delay_save(self._data, seconds)

    def _data(self) -> dict[str, Any]:
        """Return the stored form, with equivents in the provider's format."""
        snapshot, webhook = self.snapshot, self.webhook
        return {
            "announced": as_event(snapshot.live) if snapshot.live else None,
            # Rounded up, so that a restored push is not older.
            "pushed_at": ceil(snapshot.pushed_at.timestamp()) if snapshot.pushed_at else None,
            "simulated": snapshot.rehearsal,
            "over": _over(snapshot.over) if snapshot.over else None,
            "webhook_at": _seconds(webhook.received_at),
            "webhook_shown": webhook.shown,
            "webhook_missed": webhook.missed,
            "equivents": [as_event(equivent) for equivent in snapshot.past],
            **self.attendance.as_dict(),
            **self.plans.as_dict(),
            **({"results": [as_stored(result) for result in self.results]} if self.results else {}),
            **({"meters": list(self.meters)} if self.meters else {}),
        }


class _Reader:
    """Reader of the stored form that counts unreadable items."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Initialize the reader."""
        self._data = data
        self.unreadable = 0

    def snapshot(self) -> Snapshot:
        """Return the snapshot."""
        items = self._data.get("equivents")
        past, skipped = read_events(items if isinstance(items, list) else [items])
        self.unreadable += skipped
        live = self._read(read_event, self._data.get("announced"))
        pushed_at = self._read(read_time, self._data.get("pushed_at"))
        return Snapshot(
            live=live,
            rehearsal=live is not None and self._data.get("simulated") is True,
            pushed_at=pushed_at if live else None,
            over=self._over(self._data.get("over")),
            past=tuple(equivent for equivent in past if equivent.end)[:MAX_EQUIVENTS],
        )

    def webhook(self) -> WebhookFacts:
        """Return the facts about the webhook."""
        shown, missed = self._data.get("webhook_shown"), self._data.get("webhook_missed")
        return WebhookFacts(
            received_at=self._read(read_time, self._data.get("webhook_at")),
            shown=shown if isinstance(shown, str) else None,
            missed=missed if isinstance(missed, int) else 0,
        )

    def results(self) -> Results:
        """Return the results, none without a meter."""
        results, skipped = read_results(self._data.get("results", []))
        self.unreadable += skipped
        return results

    def meters(self) -> tuple[str, ...]:
        """Return the ids of the meters."""
        meters = self._data.get("meters", [])
        found = meters if isinstance(meters, list) else ()
        return tuple(meter for meter in found if isinstance(meter, str))

    def attendance(self) -> Attendance:
        """Return the attendance."""
        attendance, skipped = read_attendance(self._data)
        self.unreadable += skipped
        return attendance

    def plans(self) -> Plans:
        """Return the plans."""
        plans, skipped = read_plans(self._data)
        self.unreadable += skipped
        return plans

    def _read[T](self, read: Callable[[object], T], value: object) -> T | None:
        """Return an optional value, None if it cannot be read."""
        try:
            return None if value is None else read(value)
        except MalformedError:
            self.unreadable += 1
            return None

    def _over(self, item: object) -> Over | None:
        """Return the last ended equivent, if any."""
        if not isinstance(item, dict):
            self.unreadable += item is not None
            return None
        equivent, at = self._read(read_event, item), self._read(read_time, item.get("at"))
        self.unreadable += equivent is not None and item.get("at") is None
        return Over(equivent, at) if equivent and at else None


def _seconds(moment: datetime | None) -> int | None:
    """Return a time in Unix seconds."""
    return int(moment.timestamp()) if moment else None


def _over(over: Over) -> dict[str, Any]:
    """Return the stored form of the last ended equivent."""
    return {**as_event(over.equivent), "at": _seconds(over.at)}
