"""What outlasts a restart: every equivent ever seen, and the last edge that was announced."""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import ceil
from typing import Any, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from .const import DOMAIN, LOGGER
from .equivents.answer import read_events
from .equivents.model import Edge, Equivent, Kind, Source
from .equivents.snapshot import Ended, EndReason
from .equivents.tracker import Tracker

VERSION = 1
MAX_EQUIVENTS = 2000
SAVE_DELAY = 30


class _Store(Store[dict[str, Any]]):
    """A store that hands over what other versions have written, for History to read what it can."""

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: Any
    ) -> Any:
        """Return old data as they are."""
        return old_data


class History:
    """The memory of one account."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Start with nothing remembered."""
        self._store = _Store(
            hass,
            VERSION,
            f"{DOMAIN}.{entry_id}",
            private=True,
            atomic_writes=True,
            max_readable_version=VERSION + 100,
        )
        self.known = False
        """Whether there is anything remembered at all: not so before the first answer ever."""
        self.past: tuple[Equivent, ...] = ()
        """The finished ones, newest first."""
        self.announced: Equivent | None = None
        """The equivent whose start was the last edge announced, None after an end."""
        self.pushed_at: datetime | None = None
        """When a push started it, as long as the API has not confirmed it."""
        self.simulated = False
        """Whether it is played, not real."""
        self.over: Ended | None = None
        """The last one that ended, and how: an answer that lags must not make it live again."""
        self.webhook_at: datetime | None = None
        """When a webhook call was last received."""
        self.webhook_shown: str | None = None
        """The digest of the webhook addresses shown last, empty if there were none to show."""
        self.webhook_missed = 0
        """How many equivents in a row have come without any webhook call."""

    async def async_load(self) -> None:
        """Read what can be read, and say once if something could not."""
        stored: Any = await self._store.async_load()
        if stored is None:
            return
        self.known = True
        data = stored if isinstance(stored, dict) else {}
        items = data.get("equivents")
        past, skipped = read_events(items if isinstance(items, list) else [stored])
        self.past = tuple(equivent for equivent in past if equivent.end)[:MAX_EQUIVENTS]
        self.announced, bad = _optional(data.get("announced"))
        self.simulated = data.get("simulated") is True
        self.pushed_at, worse = _optional_time(data.get("pushed_at"))
        self.webhook_at, worst = _optional_time(data.get("webhook_at"))
        self.over, unclear = _optional_over(data.get("over"))
        shown, missed = data.get("webhook_shown"), data.get("webhook_missed")
        self.webhook_shown = shown if isinstance(shown, str) else None
        self.webhook_missed = missed if isinstance(missed, int) else 0
        if skipped or bad or worse or worst or unclear:
            LOGGER.warning(
                "Part of the stored history cannot be read and is left out; %d equivents are kept",
                len(self.past),
            )

    async def async_remove(self) -> None:
        """Forget everything."""
        await self._store.async_remove()

    @callback
    def learn(self, finished: Iterable[Equivent]) -> None:
        """Remember finished equivents, with the times that the provider tells last."""
        known = set(self.past)
        new = [equivent for equivent in finished if equivent not in known]
        if not new and self.known:
            return
        kept = [old for old in self.past if not any(old.same_as(equivent) for equivent in new)]
        ordered = sorted(kept + new, key=lambda equivent: equivent.start, reverse=True)
        self.past = tuple(ordered[:MAX_EQUIVENTS])
        self._save_soon()

    @callback
    def keep(self, tracker: Tracker) -> None:
        """Remember what has become of the announced one since: confirmed, real, or moved."""
        now = (tracker.live, tracker.pushed_at, tracker.simulated)
        if (
            self.announced
            and tracker.live
            and now != (self.announced, self.pushed_at, self.simulated)
        ):
            self.announced, self.pushed_at, self.simulated = now
            self._save_soon(0)

    @callback
    def note_webhook(self, now: datetime) -> None:
        """Remember when a webhook call was received."""
        self.webhook_at = now.replace(microsecond=0)
        self.webhook_missed = 0
        self._save_soon()

    @callback
    def note_missed(self) -> None:
        """Remember that an equivent came without a webhook call."""
        self.webhook_missed += 1
        self._save_soon()

    @callback
    def note_shown(self, digest: str, *, unused: bool = False) -> None:
        """Remember which webhook addresses were shown: what they miss counts from now on.

        Those that nobody uses any more are as good as never called.
        """
        self.webhook_shown, self.webhook_missed = digest, 0
        if unused:
            self.webhook_at = None
        self._save_soon()

    async def async_announce(self, edge: Edge, tracker: Tracker) -> None:
        """Write an edge to the disk, before anybody hears of it."""
        started = edge.kind is Kind.STARTED
        self.announced = edge.equivent if started else None
        self.pushed_at = tracker.pushed_at if started and edge.source is Source.WEBHOOK else None
        self.simulated = started and edge.test
        self.over = tracker.over
        self.known = True
        await self._store.async_save(self._data())

    def _save_soon(self, seconds: float = SAVE_DELAY) -> None:
        """Write everything in a while, and when Home Assistant stops."""
        self.known = True
        self._store.async_delay_save(self._data, seconds)

    async def async_flush(self) -> None:
        """Write everything now."""
        await self._store.async_save(self._data())

    def _data(self) -> dict[str, Any]:
        """Return everything as it is stored: events in the provider's shape, Unix seconds."""
        return {
            "announced": _event(self.announced) if self.announced else None,
            "pushed_at": _seconds_after(self.pushed_at) if self.pushed_at else None,
            "simulated": self.simulated,
            "over": _over(self.over) if self.over else None,
            "webhook_at": _seconds(self.webhook_at),
            "webhook_shown": self.webhook_shown,
            "webhook_missed": self.webhook_missed,
            "equivents": [_event(equivent) for equivent in self.past],
        }


def _seconds(moment: datetime | None) -> int | None:
    """Return a time in Unix seconds."""
    return int(moment.timestamp()) if moment else None


def _seconds_after(moment: datetime) -> int:
    """Return a time in Unix seconds, rounded up so that no push is contradicted before its time."""
    return ceil(moment.timestamp())


def _event(equivent: Equivent) -> dict[str, int | None]:
    """Return an equivent in the provider's shape."""
    return {"start_time": _seconds(equivent.start), "end_time": _seconds(equivent.end)}


def _over(over: Ended) -> dict[str, Any]:
    """Return an equivent that ended in the provider's shape, with how and when that was known."""
    at = _seconds_after(over.at)
    return {**_event(over.equivent), "ending": over.ending.value, "at": at}


def _optional_over(item: object) -> tuple[Ended | None, bool]:
    """Read an equivent that ended, if there is one; and whether that failed."""
    equivent, failed = _optional(item)
    if equivent is None or not isinstance(item, dict):
        return None, failed
    at, _ = _optional_time(item.get("at"))
    if at is None or item.get("ending") not in list(EndReason):
        return None, True
    return Ended(equivent, EndReason(item["ending"]), at), False


def _optional(item: object) -> tuple[Equivent | None, bool]:
    """Read an equivent that may be none; and whether that failed."""
    if item is None:
        return None, False
    equivents, skipped = read_events([item])
    return (equivents[0] if equivents else None), bool(skipped)


def _optional_time(value: object) -> tuple[datetime | None, bool]:
    """Read a time that may be none; and whether that failed."""
    equivent, failed = _optional(value and {"start_time": value, "end_time": None})
    return (equivent.start.astimezone(UTC) if equivent else None), failed
