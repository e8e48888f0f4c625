"""Test that an equivent is skipped: the live one, or else the next, and only that."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.helpers.event import async_track_state_change_event

from .conftest import LIVE, NOW, House, Provider, Push, add_entry
from .devices import Plug, install
from .fakes.actions import SKIP, simulate, turn
from .holding.pausing import MINUTE, PLUG, end, pause, restart, started

HOUR = timedelta(hours=1)
SKIPPED = {"paused": [], "not_paused": [{"entity_id": PLUG, "reason": "skipped"}]}


def skipped(house: House) -> list[tuple[str, bool]]:
    """Return for each event that was announced whether it was skipped."""
    found: dict[str, tuple[str, bool]] = {}
    for event in house.changes:
        state = event.data["new_state"]
        if state and state.entity_id == "event.equiwatt_equivent" and "test" in state.attributes:
            found[state.state] = (state.attributes["event_type"], state.attributes["skipped"])
    return list(found.values())


@pytest.mark.parametrize("restarts", [False, True])
async def test_live_one(live: House, provider: Provider, restarts: bool) -> None:
    """What is held is restored at once, and nothing is held until it has ended."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    await turn(live, "on")
    assert (live.state(PLUG), live.state(SKIP)) == ("on", "on")
    if restarts:
        await restart(live)
        await started(live)
    assert await pause(live.hass, PLUG) == SKIPPED
    await turn(live, "on")
    await end(live, provider)
    assert live.state(SKIP) == "off"
    assert plug.commands == ["off", "on"]
    assert skipped(live) == [("started", False), ("ended", True)]


@pytest.mark.parametrize("restarts", [False, True])
async def test_next_one(house: House, provider: Provider, restarts: bool) -> None:
    """One that is yet to come is skipped, the one after it is not."""
    await house.setup()
    await install(house.hass, Plug("Plug"))
    await turn(house, "on")
    if restarts:
        await restart(house)
        await started(house)
    for is_skipped in (True, False):
        start = house.now
        provider.start(start, start + HOUR)
        await house.poll()
        outcome = await pause(house.hass, PLUG)
        assert (outcome == SKIPPED) is is_skipped
        await house.pass_time(11 * MINUTE, step=30)
        provider.end(start, house.now)
        await house.poll()
        assert house.state(SKIP) == "off"
    assert skipped(house) == [
        ("started", True),
        ("ended", True),
        ("started", False),
        ("ended", False),
    ]


async def test_restart_afterwards(live: House, provider: Provider) -> None:
    """Once it is used up, a restart does not bring it back."""
    await install(live.hass, Plug("Plug"))
    await turn(live, "on")
    await end(live, provider)
    await restart(live)
    await started(live)
    assert live.state(SKIP) == "off"
    start = live.now
    provider.start(start, start + HOUR)
    await live.poll()
    assert (await pause(live.hass, PLUG))["paused"] == [PLUG]


@pytest.mark.parametrize("during", [False, True])
async def test_rehearsal_over_a_restart(house: House, during: bool) -> None:
    """A rehearsal does not use it up, be it over a restart."""
    await house.setup()
    await install(house.hass, Plug("Plug"))
    await turn(house, "on")
    await simulate(house.hass, duration={"minutes": 10})
    await house.settle()
    await restart(house, lambda: house.freezer.tick(60 if during else 3600))
    await started(house)
    assert (house.live, house.state(SKIP)) == ("on" if during else "off", "on")
    if during:
        assert await pause(house.hass, PLUG) == SKIPPED
    await house.pass_time(15 * MINUTE, step=30)
    assert (house.live, house.state(SKIP)) == ("off", "on")


async def test_turned_off_again(live: House) -> None:
    """Who takes part again does so."""
    await install(live.hass, Plug("Plug"))
    await turn(live, "on")
    await turn(live, "off")
    assert (await pause(live.hass, PLUG))["paused"] == [PLUG]


async def test_rehearsal(house: House, provider: Provider) -> None:
    """A rehearsal is skipped too, and does not use it up; a real one that takes over does."""
    await house.setup()
    await install(house.hass, Plug("Plug"))
    await turn(house, "on")
    await simulate(house.hass, duration={"minutes": 1})
    await house.settle()
    assert await pause(house.hass, PLUG) == SKIPPED
    await house.pass_time(2 * MINUTE)
    assert (house.live, house.state(SKIP)) == ("off", "on")
    await simulate(house.hass, duration={"minutes": 5})
    start = house.now
    provider.start(start, start + HOUR)
    await house.poll()
    assert await pause(house.hass, PLUG) == SKIPPED
    provider.end(start, house.now)
    await house.poll()
    assert (house.live, house.state(SKIP)) == ("off", "off")


async def test_two_accounts(house: House, push: Push) -> None:
    """Each account has its own: what both hold stays held for the other."""
    add_entry(house.hass, "another-token", "another-webhook")
    await house.setup()
    (plug,) = await install(house.hass, Plug("Plug"))
    await push("?event=started")
    await push("?event=started", "another-webhook")
    await pause(house.hass, PLUG)
    await turn(house, "on")
    assert house.state(PLUG) == "off"
    assert (await pause(house.hass, PLUG))["paused"] == [PLUG]
    await turn(house, "on", "switch.equiwatt_skip_2")
    assert plug.commands == ["off", "on"]
    assert await pause(house.hass, PLUG) == SKIPPED


async def test_back_to_back(live: House, provider: Provider) -> None:
    """The end of the one that is skipped is the start of the next, which is not."""
    await install(live.hass, Plug("Plug"))
    await turn(live, "on")
    await live.pass_time(20 * MINUTE, step=30)
    provider.end(NOW, live.now)
    provider.start(live.now, live.now + HOUR)
    await live.poll()
    await live.pass_time(1)  # as older releases need a moment between both
    assert live.edges[-1][0] == "started"
    assert live.state(SKIP) == "off"
    assert (await pause(live.hass, PLUG))["paused"] == [PLUG]


async def test_vanishes(live: House, provider: Provider) -> None:
    """One that vanishes has ended."""
    await turn(live, "on")
    provider.current = None
    await live.poll()
    await live.poll()
    assert (live.live, live.state(SKIP)) == ("off", "off")


@pytest.mark.parametrize("is_past", [True, False])
async def test_unseen(house: House, provider: Provider, is_past: bool) -> None:
    """What began and ended while nobody watched was the next one."""
    await house.setup()
    await turn(house, "on")

    def pass_away() -> None:
        """Let an equivent come and go."""
        if is_past:
            provider.end(NOW + HOUR, NOW + 2 * HOUR)
        house.freezer.tick(3 * HOUR)

    await restart(house, pass_away)
    await started(house)
    assert house.state(SKIP) == ("off" if is_past else "on")
    assert house.edges == []


async def test_stands_while_the_api_is_out_of_order(live: House, provider: Provider) -> None:
    """What the user wants does not depend on the API."""
    provider.error = TimeoutError()
    await live.pass_time(20 * MINUTE, step=30)
    assert (live.live, live.state(SKIP)) == ("unavailable", "off")
    await turn(live, "on")
    assert live.state(SKIP) == "on"


async def test_damaged_memory(house: House, provider: Provider, hass_storage: Any) -> None:
    """Whatever is on the disk, nothing is skipped by mistake."""
    key = f"{DOMAIN}.{house.entry.entry_id}"
    data = {"skips_since": "soon", "participants": {"one": "soon"}}
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    await house.setup()
    assert house.state(SKIP) == "off"


async def test_next_one_as_soon_as_one_has_ended(live: House, provider: Provider) -> None:
    """A skip that is turned on once none is live any more is for the next one."""
    seen: list[str] = []

    async def skip() -> None:
        """Turn it on."""
        await live.hass.services.async_call("switch", "turn_on", {"entity_id": SKIP})

    @callback
    def on_change(event: Event[EventStateChangedData]) -> None:
        """See the end on the dashboard."""
        state = event.data["new_state"]
        if state and state.state == "off":
            seen.append(state.state)
            live.hass.async_create_task(skip())

    async_track_state_change_event(live.hass, LIVE, on_change)
    await end(live, provider)
    assert live.live == "off"
    await live.settle()
    assert seen == ["off"]
    assert live.state(SKIP) == "on"


@pytest.mark.parametrize("restarts", [False, True])
async def test_ended_by_mistake(
    live: House, provider: Provider, push: Push, restarts: bool
) -> None:
    """What is skipped stays so though it was ended by a call, and the API says that it was not."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await turn(live, "on")
    provider.error = TimeoutError()
    await live.poll()
    await push("?event=ended")
    await live.settle()
    assert live.live == "off"
    provider.recover()
    if restarts:
        await restart(live)
        await started(live)
    await live.pass_time(7 * MINUTE)
    assert live.live == "on"  # the same one
    assert await pause(live.hass, PLUG) == SKIPPED
    assert plug.commands == []


async def test_next_one_in_an_outage(house: House, provider: Provider) -> None:
    """The next one uses a skip up though the API was out of order while it was live."""
    await house.setup()
    await house.poll()
    await turn(house, "on")
    provider.error = TimeoutError()
    await house.pass_time(2 * 3600, step=30)
    provider.recover()
    provider.end(NOW + timedelta(minutes=40), NOW + timedelta(minutes=100))
    await house.poll()
    await house.poll()
    await house.settle()
    assert house.state(SKIP) == "off"


async def test_next_one_while_down_and_another_live(house: House, provider: Provider) -> None:
    """The next one uses a skip up, not the one after it."""
    await house.setup()
    await turn(house, "on")

    def pass_away() -> None:
        """Let one come and go, and the one after it begin."""
        provider.end(NOW + HOUR, NOW + 2 * HOUR)
        provider.start(NOW + timedelta(minutes=170), NOW + timedelta(minutes=230))
        house.freezer.tick(3 * HOUR)

    await restart(house, pass_away)
    await started(house)
    await house.settle()
    assert (house.live, house.state(SKIP)) == ("on", "off")


async def test_push_that_nothing_confirms(house: House, push: Push) -> None:
    """A start that the API never confirms, as a demo trigger's, does not use a skip up."""
    await house.setup()
    await turn(house, "on")
    await push("?event=started")
    await house.pass_time(7 * MINUTE)
    assert house.live == "off"
    assert house.state(SKIP) == "on"


async def test_skipped_after_its_end(live: House, provider: Provider) -> None:
    """A skip belongs to the live one also where its end proves to have been before the skip."""
    await live.pass_time(61 * MINUTE, step=60)
    assert live.live == "on"
    await turn(live, "on")
    provider.end(NOW, NOW + HOUR)
    await live.poll()
    assert (live.live, live.state(SKIP)) == ("off", "off")
