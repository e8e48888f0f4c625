"""Announces edges: in order, each on the disk first, and not before anybody can hear it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from homeassistant.const import MAJOR_VERSION, MINOR_VERSION
from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant, callback
from homeassistant.helpers.start import async_at_started

from .const import DOMAIN, LOGGER
from .equivents.snapshot import Edge, Snapshot, net_edges
from .store import EquiwattStore
from .timer import Timer

ARMING = 1.0
"""Seconds that automations take to arm their triggers once Home Assistant has started."""
APART = 0.0 if (MAJOR_VERSION, MINOR_VERSION) >= (2026, 10) else 0.002
"""Seconds between two edges. The state of an event is the time in milliseconds, and releases that
do not keep two of one millisecond apart let triggers miss the second."""

type EdgeListener = Callable[[Edge], None]


class Announcer:
    """Announces the edges of one account."""

    def __init__(self, hass: HomeAssistant, store: EquiwattStore) -> None:
        """Let edges wait."""
        self._hass = hass
        self._store = store
        self._latest = store.snapshot
        self._waiting: deque[Edge] = deque()
        self._listeners: list[EdgeListener] = []
        self._when_armed: list[CALLBACK_TYPE] = []
        self._task: asyncio.Task[None] | None = None
        self._is_announcing = False
        self._is_closed = False
        self._announced_at = -APART
        self._timer = Timer(hass, "announce", self._on_timer)

    @callback
    def async_listen(self, listener: EdgeListener) -> CALLBACK_TYPE:
        """Call a listener with every edge, and return how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def is_waiting(self) -> bool:
        """Return True while there is an edge that nobody has heard of yet."""
        return bool(self._waiting)

    @callback
    def async_when_armed(self, action: CALLBACK_TYPE) -> None:
        """Do something once automations hear of what happens."""
        self._when_armed.append(action)

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Announce once Home Assistant has started; return how to stop waiting for that."""
        if self._hass.state is CoreState.running:
            self._announce_from_now_on()
            return lambda: None
        return async_at_started(self._hass, self._arm)

    @callback
    def _arm(self, _: HomeAssistant) -> None:
        """Give automations the time to arm their triggers, which they do at this same moment."""
        self._timer.async_set(ARMING)

    @callback
    def _on_timer(self) -> None:
        """Go on: automations are armed now, or the last edge is far enough away."""
        if self._is_announcing:
            self._announce()
        else:
            self._announce_from_now_on()

    @callback
    def _announce_from_now_on(self) -> None:
        """Announce what is left of the edges that had to wait, and all that come."""
        self._is_announcing = True
        self._waiting = deque(net_edges(self._waiting))
        self.async_add((), self._latest)
        while self._when_armed:
            self._when_armed.pop(0)()

    @callback
    def async_add(self, edges: Iterable[Edge], snapshot: Snapshot) -> None:
        """Announce edges in turn, and remember what is known once none is left to announce."""
        if self._is_closed:
            return
        self._latest = snapshot
        self._waiting.extend(edges)
        if self._waiting:
            self._announce()
        else:
            self._store.async_keep(snapshot)

    @callback
    def _announce(self) -> None:
        """Announce the edges that wait, unless that is under way or must wait."""
        busy = self._timer.is_set or (self._task and not self._task.done())
        if self._is_announcing and not busy:
            # Not eagerly: the entities are to show the new state before anybody hears of it.
            self._task = self._hass.async_create_task(
                self._async_announce(), f"{DOMAIN} announce", eager_start=False
            )

    async def _async_announce(self) -> None:
        """Announce the edges that wait, each once it is on the disk."""
        while self._waiting and self._is_announcing:
            wait = self._announced_at + APART - self._hass.loop.time()
            if wait > 0:
                self._timer.async_set(wait)
                return
            edge = self._store.plans.marked(self._store.attendance.marked(self._waiting[0]))
            await self._store.async_write(edge)
            self._waiting.popleft()
            self._announced_at = self._hass.loop.time()
            for listener in tuple(self._listeners):
                self._call(listener, edge)
        if not self._waiting:
            self._store.async_keep(self._latest)

    @staticmethod
    def _call(listener: EdgeListener, edge: Edge) -> None:
        """Call a listener, whose faults must not keep others from hearing of the edge."""
        try:
            listener(edge)
        except Exception:  # noqa: BLE001  # whatever it is
            LOGGER.exception("Unexpected error announcing that an equivent has %s", edge.type)

    async def async_hold(self) -> bool:
        """Announce what is under way, and no more; return True if edges were announced by now."""
        was_announcing, self._is_announcing = self._is_announcing, False
        if was_announcing:
            self._timer.async_set(None)
        if self._task:
            await self._task
        return was_announcing

    @callback
    def async_go_on(self) -> None:
        """Announce what was held."""
        self._announce_from_now_on()

    @callback
    def async_close(self) -> None:
        """Announce nothing more: what waits is announced when the entry is set up again."""
        self._is_closed = True
        self._timer.async_close()
