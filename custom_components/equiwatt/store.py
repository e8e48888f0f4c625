"""Storage of an account: its equivents, results, plans and webhook."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any

from homeassistant.core import HomeAssistant, callback

from .const import LOGGER
from .equivents.answer import Reader, as_event, read_event, read_events, read_time
from .equivents.attendance import Attendance, read_attendance
from .equivents.planned import Plans, read_plans
from .equivents.snapshot import MAX_EQUIVENTS, Edge, Over, Snapshot
from .metering.results import FinishedResult, Results, read_results
from .storage import SAVE_DELAY, StorageFile


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
        self._file = StorageFile(hass, entry_id, self._data)
        self.known = False
        """True if anything is stored, so not before the account's first answer."""
        self.snapshot = Snapshot()
        """Snapshot of the last announced edge, or the current one if no edge is waiting."""
        self.webhook = WebhookFacts()
        self.results = Results()
        self.meters: tuple[str, ...] = ()
        """Ids of the meters by which past equivents have been measured."""
        self.attendance = Attendance()
        self.plans = Plans()

    async def async_load(self) -> None:
        """Load the readable parts, and log a warning if there are others."""
        stored: Any = await self._file.async_load()
        if stored is None:
            return
        self.known = True
        reader, data = Reader(), stored if isinstance(stored, dict) else {}
        self.snapshot = _read_snapshot(data, reader)
        self.webhook = _read_webhook(data, reader)
        self.attendance = read_attendance(data, reader)
        self.plans = read_plans(data, reader)
        self.results = read_results(data, reader)
        meters = data.get("meters")
        self.meters = tuple(map(str, meters)) if isinstance(meters, list) else ()
        if reader.unreadable:
            LOGGER.warning(
                "Part of the stored history cannot be read and is left out; %d equivents are kept",
                len(self.snapshot.past),
            )

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._file.async_remove()

    async def async_close(self) -> None:
        """Write pending changes and stop writing: a reloaded entry owns the file from now on."""
        await self._file.async_close()

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
        is_same = live == (before.live, before.pushed_at, before.rehearsal)
        self._write_soon(SAVE_DELAY if is_same else 0)

    @callback
    def async_set_known(self) -> None:
        """Store that the API has answered, even without equivents."""
        if not self.known:
            self._write_soon()

    @callback
    def async_set_webhook(self, facts: WebhookFacts) -> None:
        """Store facts about the webhook."""
        self.webhook = facts
        self._write_soon()

    @callback
    def async_keep_results(self, *results: FinishedResult) -> None:
        """Store results."""
        for result in results:
            self.results = self.results.with_result(result)
        self._write_soon()

    @callback
    def async_set_meters(self, meters: tuple[str, ...]) -> None:
        """Store the ids of the meters by which past equivents have been measured."""
        if meters != self.meters:
            self.meters = meters
            self._write_soon()

    @callback
    def async_keep_attendance(self, attendance: Attendance) -> None:
        """Store the attendance."""
        if attendance != self.attendance:
            self.attendance = attendance
            self._write_soon(0)

    @callback
    def async_keep_plans(self, plans: Plans) -> None:
        """Store the plans."""
        if plans != self.plans:
            self.plans = plans
            self._write_soon(0)

    async def async_write(self, edge: Edge) -> None:
        """Write the snapshot after an edge; a full disk does not prevent announcing it."""
        self.snapshot = replace(edge.after, upcoming=None)
        self.attendance = self.attendance.after(edge)
        self.plans = self.plans.after(edge)
        self.known = True
        await self._file.async_try()

    async def async_flush(self) -> None:
        """Write all data now. Raise WriteError if it fails."""
        self.known = True
        await self._file.async_write()

    def _write_soon(self, seconds: float = SAVE_DELAY) -> None:
        """Write all data after a delay."""
        self.known = True
        self._file.async_write_soon(seconds)

    def _data(self) -> dict[str, Any]:
        """Return the stored form, with equivents in the provider's format."""
        snapshot, webhook = self.snapshot, self.webhook
        over, received_at = snapshot.over, webhook.received_at
        return {
            "announced": as_event(snapshot.live) if snapshot.live else None,
            # Rounded up, so that a restored push is not older.
            "pushed_at": ceil(snapshot.pushed_at.timestamp()) if snapshot.pushed_at else None,
            "simulated": snapshot.rehearsal,
            "over": {**as_event(over.equivent), "at": int(over.at.timestamp())} if over else None,
            "webhook_at": int(received_at.timestamp()) if received_at else None,
            "webhook_shown": webhook.shown,
            "webhook_missed": webhook.missed,
            "equivents": [as_event(equivent) for equivent in snapshot.past],
            **self.attendance.as_dict(),
            **self.plans.as_dict(),
            **({"results": [result.as_dict() for result in self.results]} if self.results else {}),
            **({"meters": list(self.meters)} if self.meters else {}),
        }


def _read_snapshot(data: Mapping[str, Any], reader: Reader) -> Snapshot:
    """Read the snapshot."""
    items = data.get("equivents")
    past, skipped = read_events(items if isinstance(items, list) else [items])
    reader.unreadable += skipped
    live = reader.optional(read_event, data.get("announced"))
    pushed_at = reader.optional(read_time, data.get("pushed_at"))
    return Snapshot(
        live=live,
        rehearsal=live is not None and data.get("simulated") is True,
        pushed_at=pushed_at if live else None,
        over=reader.optional(_read_over, data.get("over")),
        past=tuple(equivent for equivent in past if equivent.end)[:MAX_EQUIVENTS],
    )


def _read_over(item: Mapping[str, Any]) -> Over | None:
    """Read the last ended equivent."""
    equivent, at = read_event(item), read_time(item.get("at"))
    return Over(equivent, at) if equivent else None


def _read_webhook(data: Mapping[str, Any], reader: Reader) -> WebhookFacts:
    """Read the facts about the webhook."""
    shown, missed = data.get("webhook_shown"), data.get("webhook_missed")
    return WebhookFacts(
        received_at=reader.optional(read_time, data.get("webhook_at")),
        shown=shown if isinstance(shown, str) else None,
        missed=missed if isinstance(missed, int) else 0,
    )
