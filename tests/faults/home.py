"""A Home Assistant whose integration calls a real server."""

from datetime import UTC, datetime, timedelta
from typing import override

from freezegun.api import TickingDateTimeFactory
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.equiwatt.const import DOMAIN
from demo.model import API_PATH
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from ..fakes.home import EVENT, LIVE, Home, add_entry
from .answers import CURRENT, OLD, lie_about
from .server import FaultyProvider

LAST_START = "sensor.equiwatt_last_start"
POLL = timedelta(seconds=320)
"""Later than the next poll, and before anything is stale."""


class FaultyHome(Home):
    """A Home Assistant whose integration calls the server."""

    def __init__(
        self,
        hass: HomeAssistant,
        server: FaultyProvider,
        clock: TickingDateTimeFactory,
        *,
        live: bool,
        tls: bool = False,
    ) -> None:
        """Start with a true answer."""
        scheme = "https" if tls else "http"
        url = f"{scheme}://127.0.0.1:{server.port}{API_PATH}"
        super().__init__(hass, add_entry(hass, url=url), server)
        self.server = server
        self.clock = clock
        self.truth = "on" if live else "off"
        self.news = 0
        server.tls = tls
        server.lie = lie_about(live)
        self.add_past_equivent()

    def add_past_equivent(self) -> None:
        """Answer validly with one more past equivent."""
        self.news += 1
        newest = {key: value + 60 * self.news for key, value in OLD.items()}
        self.server.fault = None
        self.server.set_answer(CURRENT if self.truth == "on" else None, [newest, OLD])

    @override
    async def setup(self) -> None:
        """Set up the entry with a valid answer."""
        self.hass.loop.set_debug(
            False
        )  # asyncio's debug log of every socket takes most of the time
        assert await async_setup_component(self.hass, "homeassistant", {})
        await super().setup()
        assert self.live == self.truth
        assert self.kinds == (["started"] if self.truth == "on" else [])
        assert self.shows_past_equivent
        self.changes.clear()

    async def refresh(self) -> None:
        """Poll as a user does."""
        await self.hass.services.async_call(
            "homeassistant", "update_entity", {"entity_id": LIVE}, blocking=True
        )
        await self.settle()

    @override
    async def poll(self) -> None:
        """Turn the clock to the next poll."""
        async_fire_time_changed(self.hass, dt_util.utcnow() + POLL)
        await self.settle()

    async def refresh_and_poll(self, wait: timedelta) -> None:
        """Poll at once and on schedule, as some ends need two answers."""
        await self.refresh()
        self.clock.tick(wait)
        await self.poll()
        self.clock.tick(wait)

    @property
    def shows_past_equivent(self) -> bool:
        """Return True if the last valid answer is shown."""
        start = datetime.fromtimestamp(OLD["start_time"] + 60 * self.news, UTC)
        return self.state(LAST_START) == start.isoformat()

    @property
    def changed(self) -> set[str]:
        """Return the entities of the integration that changed."""
        return {
            event.data["entity_id"]
            for event in self.changes
            if "equiwatt" in event.data["entity_id"]
        }

    @property
    def flows(self) -> int:
        """Return the number of open flows."""
        return len(self.hass.config_entries.flow.async_progress_by_handler(DOMAIN))

    async def recover(self) -> None:
        """Answer validly with a change, and check that exactly that is shown."""
        self.add_past_equivent()
        await self.poll()
        assert self.shows_past_equivent
        assert self.live == self.truth
        assert not {LIVE, EVENT} & self.changed
        assert self.flows == 0
