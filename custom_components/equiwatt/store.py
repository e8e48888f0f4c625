"""Storage of an account: its equivents, results, plans and webhook."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.importlib import async_import_module

from .const import LOGGER
from .equivents.attendance import Attendance
from .equivents.model import Equivent
from .equivents.planned import Plans
from .equivents.snapshot import Edge, Snapshot
from .storage import SAVE_DELAY, StorageFile, readable

if TYPE_CHECKING:
    from .metering.results import FinishedResult, Results


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
        self._file = StorageFile(hass, entry_id, self._data)
        self.known = False
        """True if anything is stored, so not before the account's first answer."""
        self.snapshot = Snapshot()
        """Snapshot of the last announced edge, or the current one if no edge is waiting."""
        self.webhook = WebhookFacts()
        self.results: Results | None = None
        """None without a meter, so that its modules are not imported."""
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
        parts, lost = (stored, []) if isinstance(stored, dict) else ({}, [stored])
        snapshot = readable(Snapshot, parts.get("snapshot", {}), lost)
        if not snapshot.live:  # it may be what cannot be read
            snapshot = replace(snapshot, rehearsal=False, pushed_at=None)
        self.snapshot = snapshot
        self.webhook = readable(WebhookFacts, parts.get("webhook", {}), lost)
        self.attendance = readable(Attendance, parts.get("attendance", {}), lost)
        self.plans = readable(Plans, parts.get("plans", {}), lost)
        if (results := parts.get("results", [])) != []:
            metering = await async_import_module(self._hass, f"{__package__}.metering.results")
            stored_as = tuple[metering.FinishedResult, ...]  # type: ignore[name-defined]
            self.results = metering.Results(readable(stored_as, results, lost))
        self.meters = readable(tuple[str, ...], parts.get("meters", []), lost)
        if lost:
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

    def result_of(self, equivent: Equivent) -> FinishedResult | None:
        """Return the result of an equivent."""
        return self.results.of(equivent) if self.results else None

    @callback
    def async_keep_results(self, *results: FinishedResult) -> None:
        """Store results."""
        from .metering.results import Results  # noqa: PLC0415 - the meter has imported it

        for result in results:
            self.results = (self.results or Results()).with_result(result)
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

    async def async_write(self, edge: Edge) -> Edge:
        """Write the snapshot after an edge. Return the edge with its kind and its attendance.

        A full disk does not prevent announcing it.
        """
        edge = self.plans.marked(self.attendance.marked(edge))
        self.snapshot = replace(edge.after, upcoming=None)
        self.plans = self.plans.after(edge)
        self.attendance = self.attendance.after(edge)
        self.known = True
        await self._file.async_try()
        return edge

    async def async_flush(self) -> None:
        """Write all data now. Raise WriteError if it fails."""
        self.known = True
        await self._file.async_write()

    def _write_soon(self, seconds: float = SAVE_DELAY) -> None:
        """Write all data after a delay."""
        self.known = True
        self._file.async_write_soon(seconds)

    def _data(self) -> dict[str, Any]:
        """Return the data to write."""
        return {
            "snapshot": self.snapshot,
            "webhook": self.webhook,
            "attendance": self.attendance,
            "plans": self.plans,
            "results": self.results or (),
            "meters": self.meters,
        }
