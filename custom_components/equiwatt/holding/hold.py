"""One request to hold devices: on the disk first, touched then, undone if it cannot be written."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError

from ..const import DOMAIN
from .device import Cause
from .eligibility import Refusal, move_refusal_of, refusal_of
from .hands import Hands
from .issues import async_clear_not_restored
from .reading import OFF
from .restoring import Answer
from .service_calls import async_apply
from .store import Asker, HeldDevice
from .story import Outcome

type Asked = tuple[HeldDevice, Answer, asyncio.Future[bool]]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asks for."""

    context: Context
    holders: frozenset[str]
    """The accounts whose equivents are meant."""
    longest: timedelta | None = None
    scenes: tuple[str, ...] = ()
    """The scenes that say how; without any, devices are turned off."""
    degrees: float | None = None
    """By how much heating is turned down instead of off."""


class Hold:
    """What becomes of a request."""

    def __init__(self, hands: Hands, request: Request, lock: asyncio.Lock) -> None:
        """Touch nothing yet."""
        self._hands = hands
        self._request = request
        self._lock = lock

    async def async_begin(self, entity_ids: Iterable[str]) -> dict[str, Refusal | None]:
        """Hold devices; return why not, for each that is not, and for each scene."""
        outcome = {one: self._refusal(one) for one in entity_ids}
        wanted = [one for one, refusal in outcome.items() if refusal is None]
        if wanted or self._request.scenes:
            done = await self._async_hold(wanted)
            outcome |= {one: None if well else self._failure(one) for one, well in done.items()}
        return outcome

    def _refusal(self, entity_id: str) -> Refusal | None:
        """Return why a device cannot be held; None if it can, or is."""
        held = self._hands.devices.get(entity_id)
        refusal_for = move_refusal_of if self._request.scenes else refusal_of
        refusal = refusal_for(self._hands.hass.states.get(entity_id))
        if held and held.device.is_ours:
            return refusal if refusal is Refusal.UNSUPPORTED else None
        return refusal

    def _failure(self, entity_id: str) -> Refusal:
        """Return why a hold has not worked: what is away gets its command when it is back."""
        held = self._hands.devices.get(entity_id)
        is_owed = held is not None and held.device.story.is_owed
        return Refusal.UNAVAILABLE if is_owed else Refusal.FAILED

    async def _async_hold(self, entity_ids: list[str]) -> dict[str, bool]:
        """Write how devices are, and touch them only then; return what went well."""
        hands, applied = self._hands, None
        asker = await hands.contexts.async_asker_of(self._request.context)
        async with self._lock:
            asked = await self._async_remember(entity_ids, asker)
            if self._request.scenes:
                applied = self._apply([held for held, _, _ in asked], asker)
            self._touch(asked, applied)
        well = await asyncio.gather(*(answered for _, _, answered in asked))
        return dict(zip(entity_ids, well, strict=True)) | await self._async_applied(applied)

    async def _async_remember(self, entity_ids: list[str], asker: Asker) -> list[Asked]:
        """Write how devices are; how somebody sets one meanwhile is written, too."""
        before = self._as_dicts(entity_ids)
        asked = {one: self._ask(one, asker) for one in entity_ids}
        while await self._hands.store.async_write():
            taken = [one for one, (held, _, _) in asked.items() if held.is_forgotten]
            if not taken:
                return list(asked.values())
            asked |= {one: self._ask(one, asker) for one in taken}
        self._undo(before)
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_stored")

    def _ask(self, entity_id: str, asker: Asker) -> Asked:
        """Hold a device in its story alone, and say who for and who asks."""
        held, request = self._hands.async_get(entity_id), self._request
        wanted = None if request.scenes else OFF
        answer = held.device.hold(self._hands.now(), wanted=wanted, longest=request.longest)
        held.holders |= request.holders
        held.asker, held.asked_at = asker, self._hands.now()
        return held, answer, held.async_ask(self._hands.hass.loop)

    def _apply(self, devices: list[HeldDevice], asker: Asker) -> asyncio.Task[dict[str, Outcome]]:
        """Apply the scenes."""
        hands = self._hands
        work = async_apply(hands.hass, hands.contexts, self._request.scenes, devices, asker)
        return hands.async_run(work)

    def _touch(self, asked: list[Asked], applied: asyncio.Task[dict[str, Outcome]] | None) -> None:
        """Let devices' stories begin, as these are on the disk."""
        for held, answer, _ in asked:
            held.scenes = applied
            async_clear_not_restored(self._hands.hass, held.entity_id)
            self._hands.async_tell(held, partial(_answer, answer))

    async def _async_applied(
        self, applied: asyncio.Task[dict[str, Outcome]] | None
    ) -> dict[str, bool]:
        """Return which scenes went well: none that an unloaded entry was applying."""
        if applied is None:
            return {}
        await asyncio.wait([applied])
        done = {} if applied.cancelled() else applied.result()
        return {scene: done.get(scene) is Outcome.DONE for scene in self._request.scenes}

    def _as_dicts(self, entity_ids: list[str]) -> dict[str, dict[str, Any] | None]:
        """Return what is remembered of devices."""
        devices = self._hands.devices
        return {one: devices[one].as_dict() if one in devices else None for one in entity_ids}

    def _undo(self, before: dict[str, dict[str, Any] | None]) -> None:
        """Remember what was remembered before, but for what was released meanwhile."""
        for entity_id, data in before.items():
            held = self._hands.devices.get(entity_id)
            if data is None:
                self._hands.async_forget(entity_id)
            elif held and held.is_held:
                held.undo(data)
                self._hands.async_report(held, Cause.NOBODY)
                self._hands.async_release(held)


def _answer(answer: Answer, *_: object) -> Answer:
    """Return what was answered when the device was asked."""
    return answer
