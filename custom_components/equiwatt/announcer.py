"""Announcement of edges, in order, each stored first, and not before automations are armed."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from homeassistant.const import MAJOR_VERSION, MINOR_VERSION
from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant, callback
from homeassistant.helpers.start import async_at_started
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER
from .equivents.snapshot import Edge, Snapshot, net_edges
from .store import EquiwattStore
from .timer import Timer

ARMING = 1.0
"""Seconds that automations take to attach their triggers once Home Assistant has started."""
EDGE_INTERVAL = 0.0 if (MAJOR_VERSION, MINOR_VERSION) >= (2026, 10) else 0.002
"""Seconds between edges. The state of an event entity is a time in milliseconds; before 2026.10, a
second event within a millisecond does not change it, and triggers miss it."""

UNANNOUNCED: HassKey[dict[str, tuple[Snapshot, deque[Edge]]]] = HassKey(f"{DOMAIN}_unannounced")
"""Snapshot and waiting edges of accounts that were unloaded before announcing them."""

type EdgeListener = Callable[[Edge], None]
LISTENERS: HassKey[list[Callable[[str, Edge], None]]] = HassKey(f"{DOMAIN}_listeners")
"""Listeners to the edges of all accounts, whose announcers change with every reload."""


@callback
def async_listen_to_all(
    hass: HomeAssistant, listener: Callable[[str, Edge], None]
) -> CALLBACK_TYPE:
    """Call a listener with every edge and its entry's id. Return a function that removes it."""
    listeners = hass.data.setdefault(LISTENERS, [])
    listeners.append(listener)
    return lambda: listeners.remove(listener)


class Announcer:
    """Announces the edges of one account."""

    def __init__(self, hass: HomeAssistant, store: EquiwattStore, entry_id: str) -> None:
        """Initialize the announcer, which collects edges until it is started."""
        self._hass = hass
        self._store = store
        self._entry_id = entry_id
        # Edges of the former load: answers would repeat them, but not webhook calls.
        left = hass.data.setdefault(UNANNOUNCED, {}).pop(entry_id, (store.snapshot, deque()))
        self.latest, self._waiting = left
        self._listeners: list[EdgeListener] = []
        self._of_all = hass.data.setdefault(LISTENERS, [])
        self._when_armed: list[CALLBACK_TYPE] = []
        self._task: asyncio.Task[None] | None = None
        self._is_announcing = False
        self._is_closed = False
        self._announced_at = -EDGE_INTERVAL
        self._timer = Timer(hass, "announce", self._on_timer)

    @callback
    def async_listen(self, listener: EdgeListener) -> CALLBACK_TYPE:
        """Call a listener with every edge. Return a function that removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def is_waiting(self) -> bool:
        """Return True while edges have yet to be announced."""
        return bool(self._waiting)

    @callback
    def async_when_armed(self, action: CALLBACK_TYPE) -> None:
        """Call an action once automations have attached their triggers."""
        self._when_armed.append(action)

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Announce once Home Assistant has started. Return a function that cancels it."""
        if self._hass.state is CoreState.running:
            self.async_start_announcing()
            return lambda: None
        return async_at_started(self._hass, self._arm)

    @callback
    def _arm(self, _: HomeAssistant) -> None:
        """Wait for automations, which attach their triggers at this same time."""
        self._timer.async_set(ARMING)

    @callback
    def _on_timer(self) -> None:
        """Continue after arming, or after the gap since the last edge."""
        if self._is_announcing:
            self._announce()
        else:
            self.async_start_announcing()

    @callback
    def async_start_announcing(self) -> None:
        """Announce the net result of the edges that had to wait, and all edges from now on."""
        self._is_announcing = True
        self._waiting = deque(net_edges(self._waiting))
        self.async_add((), self.latest)
        while self._when_armed:
            self._when_armed.pop(0)()

    @callback
    def async_add(self, edges: Iterable[Edge], snapshot: Snapshot) -> None:
        """Announce edges in order. Store the snapshot once all are announced."""
        if self._is_closed:
            return
        self.latest = snapshot
        self._waiting.extend(edges)
        if self._waiting:
            self._announce()
        else:
            self._store.async_keep(snapshot)

    @callback
    def _announce(self) -> None:
        """Start announcing, unless it is in progress or must wait."""
        busy = self._timer.is_set or (self._task and not self._task.done())
        if self._is_announcing and not busy:
            # Not eagerly, so that entities show the new state before automations are triggered.
            self._task = self._hass.async_create_task(
                self._async_announce(), f"{DOMAIN} announce", eager_start=False
            )

    async def _async_announce(self) -> None:
        """Announce the waiting edges, each after it has been stored."""
        while self._waiting and self._is_announcing:
            wait = self._announced_at + EDGE_INTERVAL - self._hass.loop.time()
            if wait > EDGE_INTERVAL / 4:  # timers fire early by what a clock resolves
                self._timer.async_set(wait)
                return
            edge = await self._store.async_write(self._waiting[0])
            self._waiting.popleft()
            self._announced_at = self._hass.loop.time()
            listeners = list(self._listeners)
            listeners += [partial(each, self._entry_id) for each in self._of_all]
            for listener in listeners:
                self._call(listener, edge)
        if not self._waiting:
            self._store.async_keep(self.latest)

    @staticmethod
    def _call(listener: EdgeListener, edge: Edge) -> None:
        """Call a listener. Its errors must not affect the other listeners."""
        try:
            listener(edge)
        except Exception:  # noqa: BLE001
            LOGGER.exception("Unexpected error announcing that an equivent has %s", edge.type)

    async def async_hold(self) -> bool:
        """Finish the edge in progress, hold back the others. Return True if it was announcing."""
        was_announcing, self._is_announcing = self._is_announcing, False
        if was_announcing:
            self._timer.async_set(None)
        if self._task:
            await self._task
        return was_announcing

    @callback
    def async_close(self) -> None:
        """Stop announcing, and keep waiting edges for the next set-up."""
        self._is_closed = True
        if self._waiting:
            self._hass.data[UNANNOUNCED][self._entry_id] = (self.latest, self._waiting)
        self._timer.async_close()
