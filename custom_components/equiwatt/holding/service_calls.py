"""Carries commands to devices, in the name of whoever asked for them."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from homeassistant.const import ATTR_ENTITY_ID, ATTR_NAME, SERVICE_TURN_ON, Platform
from homeassistant.core import Context, HomeAssistant

from ..const import LOGGER
from .contexts import Contexts
from .device import COMMAND
from .reading import Call
from .restoring import Command
from .store import Asker, HeldDevice
from .story import HOLD, Outcome

COMMAND_SECONDS = COMMAND.total_seconds()
"""How long a device may take to carry out a command."""

EVENT_COMMAND = "equiwatt_command"
"""The first event of each command's context, by which the logbook knows whose it is."""
ATTR_ASKED_BY = "asked_by"
ATTR_RESTORES = "restores"


async def async_call(hass: HomeAssistant, entity_id: str, call: Call, context: Context) -> None:
    """Give a device a command. Raise whatever its integration raises."""
    domain = entity_id.partition(".")[0]
    data = {ATTR_ENTITY_ID: entity_id, **call.data}
    await hass.services.async_call(domain, call.service, data, blocking=True, context=context)


async def async_carry(
    hass: HomeAssistant, contexts: Contexts, held: HeldDevice, command: Command
) -> Outcome:
    """Carry a command to a device, or wait for the scenes that do; return what became of it."""
    if command.call is None:
        return worst((await asyncio.shield(held.scenes)).values()) if held.scenes else Outcome.DONE
    context = contexts.ours(held.asker)
    held.contexts.append(context.id)
    _fire(hass, held.entity_id, held.asker, context, restores=command.key != HOLD)
    call = async_call(hass, held.entity_id, command.call, context)
    return await _async_outcome(held.entity_id, call)


async def async_apply(
    hass: HomeAssistant,
    contexts: Contexts,
    scenes: Iterable[str],
    devices: Iterable[HeldDevice],
    asker: Asker,
) -> dict[str, Outcome]:
    """Apply scenes, whose changes of these devices are ours; return what became of each."""
    outcomes = {}
    for scene in scenes:
        context = contexts.ours(asker)
        for held in devices:
            held.contexts.append(context.id)
        _fire(hass, scene, asker, context, restores=False)
        call = hass.services.async_call(
            Platform.SCENE,
            SERVICE_TURN_ON,
            {ATTR_ENTITY_ID: scene},
            blocking=True,
            context=context,
        )
        outcomes[scene] = await _async_outcome(scene, call)
    return outcomes


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return that of several outcomes which counts."""
    return next((one for one in outcomes if one is not Outcome.DONE), Outcome.DONE)


async def _async_outcome(entity_id: str, call: Coroutine[Any, Any, Any]) -> Outcome:
    """Return what becomes of a call."""
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            await call
    except TimeoutError:
        LOGGER.debug("%s did not obey within %d s", entity_id, COMMAND_SECONDS)
        return Outcome.TIMED_OUT
    except Exception as err:  # noqa: BLE001  # one device must not keep others from theirs
        LOGGER.debug("%s did not obey: %s", entity_id, err)
        return Outcome.FAILED
    return Outcome.DONE


def _fire(
    hass: HomeAssistant, entity_id: str, asker: Asker, context: Context, *, restores: bool
) -> None:
    """Let the logbook know whose command it is that comes now."""
    state = hass.states.get(entity_id)
    data = {
        ATTR_ENTITY_ID: entity_id,
        ATTR_NAME: state.name if state else entity_id,
        ATTR_ASKED_BY: asker.name,
        ATTR_RESTORES: restores,
    }
    hass.bus.async_fire(EVENT_COMMAND, data, context=context)
