"""Compare how the integration and its peers handle faults, in one process."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
import tempfile
from typing import Any

import aiohttp

from homeassistant.core import Event, HomeAssistant, callback
from tests.fakes.provider import FINISHED, Provider, event_of

from . import timelapse, world
from .report import Table, named

HOUR = 3600
HTML = "<!doctype html><title>Sorry</title>"
NO_DATA = '{"success": false, "msg": "No", "data": null}'
MESSAGE = '{"message": "No"}'
STATES = {
    "ours": "binary_sensor.equiwatt_live",
    "diy": "binary_sensor.equivent_live",
    "naive": "binary_sensor.equivent_naive",
}
HEAD = ["case", "true", "equiwatt", "careful REST", "naive REST"]
LISTENING = Path(__file__).parent / "diy" / "listening.yaml"


class Stage:
    """A house with all three, and their provider."""

    def __init__(self, folder: Path, provider: Provider, loop: timelapse.Loop) -> None:
        """Initialize the house, the provider and the counters."""
        self.provider = provider
        self._folder = folder
        self._loop = loop
        self._home: Any = None
        self.hass: HomeAssistant
        self.shown: dict[str, str] = {}
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in STATES}

    async def open(self) -> None:
        """Start Home Assistant, the first time with a new entry."""
        parts = ("configuration", "naive")
        texts = [world.peer(part, self.provider) for part in parts]
        texts.append(LISTENING.read_text("utf-8"))
        self._home = world.home(self._folder, "".join(texts), self._listen)
        self.hass = await self._home.__aenter__()
        if not self.hass.config_entries.async_entries("equiwatt"):
            await self.hass.config_entries.async_add(world.new_entry(self.provider))
        await self.wait(65)

    async def close(self) -> None:
        """Stop Home Assistant."""
        await self._home.__aexit__(None, None, None)

    def _listen(self, hass: HomeAssistant) -> None:
        """Subscribe to the automations that run."""
        hass.bus.async_listen("automation_triggered", self._note)

    @callback
    def _note(self, event: Event) -> None:
        """Record the edge of an automation."""
        name, _, kind = event.data["name"].partition(" ")
        name = {"Equivent": "diy"}.get(name, name)
        if kind in ("started", "ended"):
            self.counts[name][kind] += 1

    async def wait(self, seconds: float) -> None:
        """Turn the clock."""
        await self._loop.skip(seconds)

    def record(self) -> None:
        """Record the current state of each."""
        for name, entity_id in STATES.items():
            state = self.hass.states.get(entity_id)
            self.shown[name] = state.state if state else "nothing"
        if self.hass.config_entries.flow.async_progress_by_handler("equiwatt"):
            self.shown["ours"] += ", asks for a new token"

    def forget(self) -> None:
        """Reset the counters of edges."""
        for counter in self.counts.values():
            counter.clear()

    # Answers of the provider

    def live(self, began: float = 0, lasts: float | None = HOUR) -> None:
        """Name an equivent that began some seconds ago."""
        start = timelapse.utcnow() - timedelta(seconds=began)
        end = None if lasts is None else start + timedelta(seconds=lasts)
        self.provider.set_answer(event_of(start, end), FINISHED)

    def open_newest(self, began: float = 0) -> None:
        """List an equivent as in the log: the newest past one has no end."""
        start = timelapse.utcnow() - timedelta(seconds=began)
        self.provider.set_answer(None, [event_of(start), *FINISHED])

    def over(self, began: float = HOUR) -> None:
        """List an equivent that began some seconds ago and ended a minute ago."""
        now = timelapse.utcnow()
        ended = event_of(now - timedelta(seconds=began), now - timedelta(minutes=1))
        self.provider.set_answer(None, [ended, *FINISHED])

    async def call(self, query: str = "", body: bytes = b"", suffix: str = "") -> None:
        """Call both webhooks, as the app does."""
        port = self.hass.config.api.port if self.hass.config.api else 0
        async with aiohttp.ClientSession() as session:
            for webhook_id in (world.WEBHOOK_ID, world.DIY_WEBHOOK_ID):
                url = f"http://127.0.0.1:{port}/api/webhook/{webhook_id}{suffix}{query}"
                headers = {"Content-Type": "application/json"}
                await (await session.post(url, data=body, headers=headers)).read()


@dataclass
class Case:
    """Row of the table: a play, the true state, and the true edges."""

    name: str
    truth: str
    play: Callable[[Stage], Awaitable[None]]
    edges: dict[str, int] = field(default_factory=dict)
    from_live: bool = False


def broken(status: HTTPStatus, body: str) -> Callable[[Stage], Awaitable[None]]:
    """Return the play of a fault that lasts five minutes and changes nothing."""

    async def play(stage: Stage) -> None:
        """Break the API, record the states, and recover."""
        stage.provider.fail(status, body=body)
        await stage.wait(300)
        stage.record()
        stage.provider.recover()
        await stage.wait(400)

    return play


def new_answer(
    tell: Callable[[Stage], None], seconds: float = 70
) -> Callable[[Stage], Awaitable[None]]:
    """Return the play of a new answer of the API."""

    async def play(stage: Stage) -> None:
        """Change the answer and record the states."""
        tell(stage)
        await stage.wait(seconds)
        stage.record()

    return play


async def outage_over_end(stage: Stage) -> None:
    """Fail while the live equivent ends."""
    stage.provider.is_down = True
    await stage.wait(HOUR + 300)
    stage.over(HOUR + 300)
    await stage.wait(400)
    stage.record()


async def outage_over_start(stage: Stage) -> None:
    """Fail while an equivent starts."""
    stage.provider.is_down = True
    await stage.wait(600)
    stage.live(began=300)
    await stage.wait(400)
    stage.record()


async def start_amid(stage: Stage) -> None:
    """Start Home Assistant during an equivent, which then ends."""
    await stage.close()
    stage.live()
    await stage.open()
    stage.record()
    stage.over(300)
    await stage.wait(100)


async def push_first(stage: Stage) -> None:
    """Call the webhook before the API changes."""
    await stage.call("?event=started")
    await stage.wait(5)
    stage.record()
    stage.live(began=5)
    await stage.wait(100)


def push(body: bytes, suffix: str = "") -> Callable[[Stage], Awaitable[None]]:
    """Return the play of a call without an event, for an equivent of the API."""

    async def play(stage: Stage) -> None:
        """Call the webhook, and record the states before the next poll."""
        stage.live()
        await stage.call("", body, suffix)
        await stage.wait(2)
        stage.record()
        await stage.wait(100)

    return play


STARTED, ENDED = {"started": 1}, {"ended": 1}
CASES = (
    Case(
        "live, given as in the log: newest end null", "on", new_answer(Stage.open_newest), STARTED
    ),
    Case("500 with HTML", "on", broken(HTTPStatus.INTERNAL_SERVER_ERROR, HTML), from_live=True),
    Case("200 with an empty body", "on", broken(HTTPStatus.OK, ""), from_live=True),
    Case("401 with a message", "on", broken(HTTPStatus.UNAUTHORIZED, MESSAGE), from_live=True),
    Case("429 with a message", "on", broken(HTTPStatus.TOO_MANY_REQUESTS, MESSAGE), from_live=True),
    Case("200 with success false", "off", broken(HTTPStatus.OK, NO_DATA)),
    Case("ended during an outage", "off", outage_over_end, ENDED, from_live=True),
    Case("started during an outage", "on", outage_over_start, STARTED),
    Case("Home Assistant starts during one", "on", start_amid, STARTED | ENDED),
    Case("open for over a day", "off", new_answer(Stage.open_newest, 25 * HOUR), STARTED | ENDED),
    Case("named, but an hour ahead", "off", new_answer(lambda stage: stage.live(-HOUR))),
    Case("named, but over for an hour", "off", new_answer(lambda stage: stage.live(2 * HOUR))),
    Case("webhook before the API knows", "on", push_first, STARTED),
    Case("webhook with broken JSON", "on", push(b"{"), STARTED),
    Case("webhook with a typo in its id", "on", push(b"{}", "x"), STARTED),
)


async def play(case: Case, loop: timelapse.Loop) -> Stage:
    """Play a case in a new house."""
    with tempfile.TemporaryDirectory() as folder:
        async with world.new_provider().serve() as provider:
            stage = Stage(Path(folder), provider, loop)
            await stage.open()
            if case.from_live:
                stage.live()
                await stage.wait(70)
            stage.forget()
            await case.play(stage)
            await stage.close()
    return stage


def judge(case: Case, counts: Counter[str]) -> tuple[int, int]:
    """Return the number of false edges and of lost ones."""
    truth = Counter(case.edges)
    return (counts - truth).total(), (truth - counts).total()


async def measure(loop: timelapse.Loop) -> list[Table]:
    """Play all cases."""
    table = Table("Being right: the state, and how many edges were false or lost", HEAD)
    totals: Counter[tuple[str, str]] = Counter()
    for case in CASES:
        stage = await play(case, loop)
        row = [case.name, case.truth]
        for name in STATES:
            false, lost = judge(case, stage.counts[name])
            totals.update({(name, "false"): false, (name, "lost"): lost})
            row.append(cell(stage.shown[name], false, lost))
        table.rows.append(row)
    for (name, kind), total in totals.items():
        table.figures[named(name, f"{kind}_edges")] = total
    return [table]


def cell(state: str, false: int, lost: int) -> str:
    """Return a cell: the state, and the errors."""
    wrong = [f"{count} {what}" for count, what in ((false, "false"), (lost, "lost")) if count]
    return f"{state} ({', '.join(wrong)})" if wrong else state
