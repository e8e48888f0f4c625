"""The held devices and their stories: on the disk, as they must outlast a pulled plug."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from homeassistant.core import HomeAssistant, callback, valid_entity_id

from ..const import LOGGER
from ..store import SAVE_DELAY, TolerantStore
from .device import Device
from .issues import async_raise_not_restored
from .reading import COMPARED
from .story import HOLD, Outcome, Phase, Story, moment_of, strings, text_of

KEY = "held_devices"
DAMAGED = (AttributeError, KeyError, TypeError, ValueError)
"""What is raised for a record that cannot be read."""
KEPT_CONTEXTS = 8
"""How many of our commands' contexts are known again, as slow devices report under old ones."""


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asked for a hold: the logbook names them when the device is restored, too."""

    name: str | None = None
    context_id: str | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class HeldDevice:
    """A device that is held or restored. What is not stored counts within one run only."""

    entity_id: str
    device: Device
    holders: set[str] = field(default_factory=set)
    """The accounts for whose equivents it is held."""
    asker: Asker = Asker()
    asked_at: datetime | None = None
    """When a hold was asked for last."""
    contexts: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_CONTEXTS))
    """The contexts of our last commands."""
    wake_at: datetime | None = None
    is_removed: bool = False
    """Whether it is registered no more, which may be for a while."""
    is_forgotten: bool = False
    scenes: asyncio.Future[dict[str, Outcome]] | None = None
    """What becomes of the scenes that move it."""
    answered: asyncio.Future[bool] | None = None
    """Whether it could be held, once that is known."""
    _stored: dict[str, Any] = field(default_factory=dict)

    @property
    def is_held(self) -> bool:
        """Return True if it is to stay as it is, False if it is to be restored."""
        return self.device.story.phase is Phase.HELD

    @callback
    def async_ask(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[bool]:
        """Return whether it can be held, once that is known."""
        if not self.answered or self.answered.done():
            self.answered = loop.create_future()
        return self.answered

    @callback
    def async_answer(self) -> None:
        """Say whether it could be held, unless a command is under way still."""
        story = self.device.story
        if not self.answered or self.answered.done():
            return
        if self.is_forgotten or not story.is_in_flight:
            sent = story.sent
            is_done = sent is not None and sent.key == HOLD and sent.outcome is Outcome.DONE
            is_held = is_done or HOLD in story.reached
            self.answered.set_result(is_held and not self.is_removed)

    def undo(self, data: dict[str, Any]) -> None:
        """Be what was remembered of it before, but for a command that was carried out meanwhile."""
        before, sent = self.from_dict(data), self.device.story.sent
        story = before.device.story
        if sent and story.sent and sent.at == story.sent.at:
            story.sent = sent
        self.device, self.asker = before.device, before.asker
        self.asked_at = before.asked_at
        self.holders &= before.holders

    def has_changed(self) -> bool:
        """Tell whether there is anything new that is worth to be written."""
        return _lasting(self.as_dict()) != self._stored

    def as_stored(self) -> dict[str, Any]:
        """Return it as it is written now, and remember that."""
        data = self.as_dict()
        self._stored = _lasting(data)
        return data

    def as_shown(self, end: datetime | None) -> dict[str, Any]:
        """Return until when it is held at the latest, the equivent having this end; how it was."""
        story = self.device.story
        until = min(filter(None, (story.until, end)), default=None)
        names = COMPARED[story.domain]
        return {
            "entity_id": self.entity_id,
            "until": until.isoformat() if until else None,
            "state": story.before.state,
            **{name: value for name in names if (value := story.before.get(name)) is not None},
        }

    def as_dict(self) -> dict[str, Any]:
        """Return it in plain values."""
        return {
            "entity_id": self.entity_id,
            "holders": sorted(self.holders),
            "asker": asdict(self.asker),
            "asked_at": text_of(self.asked_at),
            "contexts": list(self.contexts),
            **self.device.story.as_dict(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read it. Raise AttributeError, KeyError, TypeError or ValueError for what is none."""
        return cls(
            entity_id=_entity_id(data),
            device=Device(Story.from_dict(data)),
            holders=set(strings(data.get("holders", []))),
            asker=Asker(**data.get("asker", {})),
            asked_at=moment_of(data.get("asked_at")),
            contexts=deque(strings(data.get("contexts", [])), KEPT_CONTEXTS),
        )


class HoldingStore:
    """The held devices of all accounts: two may hold the same one."""

    def __init__(self, hass: HomeAssistant, devices: Callable[[], Iterable[HeldDevice]]) -> None:
        """Write what there is then, whenever something is to be written."""
        self._hass = hass
        self._devices = devices
        self._store = TolerantStore(hass, KEY)
        self._store.on_failure = self._save_later
        self._is_dirty = False
        self._is_lasting = True
        self._taken_over: list[TolerantStore] = []

    async def async_load(self) -> list[HeldDevice]:
        """Return what can be read, and log what cannot be."""
        stored = await self._store.async_load()
        return self._read(_items(stored, "devices"))

    async def async_take_over(self, entry_ids: Iterable[str]) -> list[HeldDevice]:
        """Return what the first version stored, which had a file for each account."""
        found = []
        for entry_id in entry_ids:
            old = TolerantStore(self._hass, f"{entry_id}.pause")
            if (stored := await old.async_load()) is None:
                continue
            self._taken_over.append(old)
            for one in self._read(_items(stored, "paused")):
                one.holders.add(entry_id)
                found.append(one)
        return found

    async def async_remove_taken_over(self) -> None:
        """Delete files of the first version once what they say is written anew."""
        if self._taken_over and await self.async_write():
            for old in self._taken_over:
                await old.async_remove()
            self._taken_over.clear()

    async def async_write(self) -> bool:
        """Write everything now, and tell whether it is on the disk: a full one says nothing."""
        return await self._async_save() if self._is_lasting else True

    async def _async_save(self) -> bool:
        """Write everything."""
        try:
            await self._store.async_save(self._data())
        except OSError:
            return False
        return not self._store.has_failed

    async def async_flush(self) -> None:
        """Write what has changed."""
        if self._is_dirty:
            await self.async_write()

    @callback
    def async_save_soon(self) -> None:
        """Write everything within a moment, and when Home Assistant stops."""
        self._is_dirty = True
        if self._is_lasting:
            self._store.async_delay_save(self._data, 0)

    def _save_later(self) -> None:
        """Write everything in a while, as there may be room again."""
        self._is_dirty = True
        if self._is_lasting:
            self._store.async_delay_save(self._data, SAVE_DELAY)

    async def async_close(self) -> None:
        """Write what has changed, and nothing any more."""
        self._is_lasting = False
        if self._is_dirty:
            await self._async_save()

    async def async_remove(self) -> None:
        """Leave nothing on the disk from now on."""
        self._is_lasting = False
        await self._store.async_remove()

    @callback
    def async_open(self) -> None:
        """Write from now on, as there is an account that will read it."""
        self._is_lasting = True

    def _read(self, items: Iterable[Any]) -> list[HeldDevice]:
        """Return the devices that can be read; an issue names each other one that has a name."""
        found = []
        for item in items:
            try:
                found.append(HeldDevice.from_dict(item))
            except DAMAGED:
                LOGGER.warning("A held device cannot be read from the disk, and is left as it is")
                with suppress(*DAMAGED):
                    async_raise_not_restored(self._hass, _entity_id(item))
        return found

    def _data(self) -> dict[str, Any]:
        """Return everything as it is stored."""
        self._is_dirty = False
        return {"devices": [one.as_stored() for one in self._devices()]}


def _lasting(data: dict[str, Any]) -> dict[str, Any]:
    """Return what is worth to be written: not what is told and heard all the time."""
    return {key: value for key, value in data.items() if key not in ("last", "seen_at")}


def _items(stored: object, name: str) -> list[Any]:
    """Return the stored items; anything but a list is one that cannot be read."""
    items = stored.get(name) if isinstance(stored, dict) else stored
    if isinstance(items, list):
        return items
    return [items] if items else []


def _entity_id(data: Any) -> str:
    """Return whose record it is, in this form or the first version's; raise as from_dict does."""
    entity_id = data["entity_id"] if "phase" in data else data["state"]["entity_id"]
    if not valid_entity_id(entity_id):
        raise ValueError(entity_id)
    return str(entity_id)
