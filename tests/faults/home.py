"""A Home Assistant whose integration really calls a server."""

from datetime import UTC, datetime, timedelta
import json
from typing import override

from freezegun.api import TickingDateTimeFactory
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.equiwatt.const import DOMAIN
from demo.model import API_PATH
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from ..fakes.home import EVENT, LIVE, Home, add_entry
from ..fakes.provider import Provider, said
from .answers import CURRENT, OLD, in_tls, lie_about, sized, wire
from .server import Api

LAST_START = "sensor.equiwatt_last_start"
POLL = timedelta(seconds=320)
"""Later than the next poll, however long it was put off, and sooner than anything is stale."""


class FaultyHome(Home):
    """A Home Assistant whose integration really calls the server."""

    def __init__(
        self,
        hass: HomeAssistant,
        server: Api,
        clock: TickingDateTimeFactory,
        *,
        live: bool,
        tls: bool = False,
    ) -> None:
        """Let the API tell the truth."""
        scheme = "https" if tls else "http"
        url = f"{scheme}://127.0.0.1:{server.port}{API_PATH}"
        super().__init__(hass, add_entry(hass, url=url), Provider())
        self.server = server
        self.clock = clock
        self.truth = "on" if live else "off"
        self.tls = tls
        self.news = 0
        server.lie = lie_about(live)
        self.say_news()

    def say_news(self) -> None:
        """Let the API answer well, with one more finished equivent than before."""
        self.news += 1
        newest = {key: value + 60 * self.news for key, value in OLD.items()}
        payload = json.dumps(said(CURRENT if self.truth == "on" else None, newest, OLD)).encode()
        answer = wire(lambda _: sized(payload))
        self.server.answer = in_tls(answer) if self.tls else answer

    @override
    async def setup(self) -> None:
        """Set the entry up, by a good answer."""
        self.hass.loop.set_debug(False)  # whose log of every socket takes most of the time
        assert await async_setup_component(self.hass, "homeassistant", {})
        await super().setup()
        assert self.live == self.truth
        assert self.kinds == (["started"] if self.truth == "on" else [])
        assert self.knows_news
        self.changes.clear()

    async def look(self) -> None:
        """Have the API asked as a user would."""
        await self.hass.services.async_call(
            "homeassistant", "update_entity", {"entity_id": LIVE}, blocking=True
        )
        await self.settle()

    @override
    async def poll(self) -> None:
        """Let the next poll happen."""
        async_fire_time_changed(self.hass, dt_util.utcnow() + POLL)
        await self.settle()

    async def ask(self, wait: timedelta) -> None:
        """Have the API asked at once and by a poll, as two answers end what one cannot."""
        await self.look()
        self.clock.tick(wait)
        await self.poll()
        self.clock.tick(wait)

    @property
    def knows_news(self) -> bool:
        """Tell whether the last good answer shows."""
        start = datetime.fromtimestamp(OLD["start_time"] + 60 * self.news, UTC)
        return self.state(LAST_START) == start.isoformat()

    @property
    def moved(self) -> set[str]:
        """Return which of our entities changed."""
        return {
            event.data["entity_id"]
            for event in self.changes
            if "equiwatt" in event.data["entity_id"]
        }

    @property
    def flows(self) -> int:
        """Return how many dialogs wait for the user."""
        return len(self.hass.config_entries.flow.async_progress_by_handler(DOMAIN))

    async def recover(self) -> None:
        """Let a good answer come that has news, and check that they count, and nothing else."""
        self.say_news()
        await self.poll()
        assert self.knows_news
        assert self.live == self.truth
        assert not {LIVE, EVENT} & self.moved
        assert self.flows == 0
