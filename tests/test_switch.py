"""Test skipping the live or the next equivent."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.helpers.event import async_track_state_change_event

from .conftest import Push
from .fakes.actions import SKIP, simulate, turn
from .fakes.devices.entities import install
from .fakes.devices.pretend import Plug
from .fakes.home import EVENT, LIVE, NOW, Home, add_entry
from .fakes.provider import Provider
from .holding.pausing import MINUTE, PLUG, end, pause, restart, started

HOUR = timedelta(hours=1)
SKIPPED = {"paused": [], "not_paused": [{"entity_id": PLUG, "reason": "skipped"}]}


def skipped(home: Home) -> list[tuple[str, bool]]:
    """Return the attribute `skipped` of each event."""
    found: dict[str, tuple[str, bool]] = {}
    for event in home.changes:
        state = event.data["new_state"]
        if state and state.entity_id == "event.equiwatt_equivent" and "test" in state.attributes:
            found[state.state] = (state.attributes["event_type"], state.attributes["skipped"])
    return list(found.values())


@pytest.mark.parametrize("restarts", [False, True])
async def test_live(live: Home, provider: Provider, restarts: bool) -> None:
    """Held devices are restored at once, and none is held until the end."""
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
    assert plug.commands == ["turn_off", "turn_on"]
    assert skipped(live) == [("started", False), ("ended", True)]


@pytest.mark.parametrize("restarts", [False, True])
async def test_next(home: Home, provider: Provider, restarts: bool) -> None:
    """The next equivent is skipped, and the one after it is not."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await turn(home, "on")
    if restarts:
        await restart(home)
        await started(home)
    for is_skipped in (True, False):
        start = home.now
        provider.start(start, start + HOUR)
        await home.poll()
        outcome = await pause(home.hass, PLUG)
        assert (outcome == SKIPPED) is is_skipped
        await home.pass_time(11 * MINUTE, step=30)
        provider.end(start, home.now)
        await home.poll()
        assert home.state(SKIP) == "off"
    assert skipped(home) == [
        ("started", True),
        ("ended", True),
        ("started", False),
        ("ended", False),
    ]


async def test_ended_while_down(live: Home, provider: Provider) -> None:
    """The end that a restart announces is still that of a skipped equivent."""
    await turn(live, "on")

    def pass_away() -> None:
        """End the equivent as planned."""
        provider.end(NOW, NOW + HOUR)
        live.freezer.tick(HOUR)

    await restart(live, pass_away)
    await started(live)
    await live.pass_time(MINUTE)
    assert live.live == "off"
    assert skipped(live) == [("started", False), ("ended", True)]
    assert live.state(SKIP) == "off"


async def test_restart_afterwards(live: Home, provider: Provider) -> None:
    """A used skip does not return after a restart."""
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
async def test_rehearsal_over_a_restart(home: Home, during: bool) -> None:
    """A rehearsal keeps the skip, over a restart too."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await turn(home, "on")
    await simulate(home.hass, duration={"minutes": 10})
    await home.settle()
    await restart(home, lambda: home.freezer.tick(60 if during else 3600))
    await started(home)
    assert (home.live, home.state(SKIP)) == ("on" if during else "off", "on")
    if during:
        assert await pause(home.hass, PLUG) == SKIPPED
    await home.pass_time(15 * MINUTE, step=30)
    assert (home.live, home.state(SKIP)) == ("off", "on")


async def test_turned_off_again(live: Home) -> None:
    """Turning the switch off takes part again."""
    await install(live.hass, Plug("Plug"))
    await turn(live, "on")
    await turn(live, "off")
    assert (await pause(live.hass, PLUG))["paused"] == [PLUG]


async def test_rehearsal(home: Home, provider: Provider) -> None:
    """A rehearsal is skipped and keeps the skip; an equivent that replaces it uses it."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await turn(home, "on")
    await simulate(home.hass, duration={"minutes": 1})
    await home.settle()
    assert await pause(home.hass, PLUG) == SKIPPED
    await home.pass_time(2 * MINUTE)
    assert (home.live, home.state(SKIP)) == ("off", "on")
    await simulate(home.hass, duration={"minutes": 5})
    start = home.now
    provider.start(start, start + HOUR)
    await home.poll()
    assert await pause(home.hass, PLUG) == SKIPPED
    provider.end(start, home.now)
    await home.poll()
    assert (home.live, home.state(SKIP)) == ("off", "off")


async def test_two_accounts(home: Home, push: Push) -> None:
    """Each account has its own skip, and a device held by both stays held."""
    add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await push("?event=started")
    await push("?event=started", "another-webhook")
    await pause(home.hass, PLUG)
    await turn(home, "on")
    assert home.state(PLUG) == "off"
    assert (await pause(home.hass, PLUG))["paused"] == [PLUG]
    await turn(home, "on", "switch.equiwatt_skip_2")
    assert plug.commands == ["turn_off", "turn_on"]
    assert await pause(home.hass, PLUG) == SKIPPED


async def test_back_to_back(live: Home, provider: Provider) -> None:
    """The skip ends with its equivent, and the next one is not skipped."""
    await install(live.hass, Plug("Plug"))
    await turn(live, "on")
    await live.pass_time(20 * MINUTE, step=30)
    provider.end(NOW, live.now)
    provider.start(live.now, live.now + HOUR)
    await live.poll()
    await live.pass_time(1)  # older releases need a moment between both
    assert live.edges[-1][0] == "started"
    assert live.state(SKIP) == "off"
    assert (await pause(live.hass, PLUG))["paused"] == [PLUG]


async def test_vanishes(live: Home, provider: Provider) -> None:
    """An equivent that vanishes uses the skip."""
    await turn(live, "on")
    provider.current = None
    await live.poll()
    await live.poll()
    assert (live.live, live.state(SKIP)) == ("off", "off")


@pytest.mark.parametrize("is_past", [True, False])
async def test_missed(home: Home, provider: Provider, is_past: bool) -> None:
    """An equivent that was missed was the next one."""
    await home.setup()
    await turn(home, "on")

    def pass_away() -> None:
        """Start and end an equivent."""
        if is_past:
            provider.end(NOW + HOUR, NOW + 2 * HOUR)
        home.freezer.tick(3 * HOUR)

    await restart(home, pass_away)
    await started(home)
    assert home.state(SKIP) == ("off" if is_past else "on")
    assert home.edges == []


async def test_outage(live: Home, provider: Provider) -> None:
    """The skip does not depend on the API."""
    provider.error = TimeoutError()
    await live.pass_time(20 * MINUTE, step=30)
    assert (live.live, live.state(SKIP)) == ("unavailable", "off")
    await turn(live, "on")
    assert live.state(SKIP) == "on"


async def test_damaged_file(home: Home, provider: Provider, hass_storage: Any) -> None:
    """Nothing is skipped by mistake with any file on the disk."""
    key = f"{DOMAIN}.{home.entry.entry_id}"
    data = {"attendance": {"skips_since": "soon", "participants": [["one"]]}}
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    await home.setup()
    assert home.state(SKIP) == "off"


async def test_next_just_after_the_end(live: Home, provider: Provider) -> None:
    """A skip just after an end is for the next equivent."""
    seen: list[str] = []

    async def skip() -> None:
        """Turn the switch on."""
        await live.hass.services.async_call("switch", "turn_on", {"entity_id": SKIP})

    @callback
    def on_change(event: Event[EventStateChangedData]) -> None:
        """Skip at the end."""
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
async def test_wrong_end(live: Home, provider: Provider, push: Push, restarts: bool) -> None:
    """A skipped equivent stays skipped after a wrong end, as soon as it is live again."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await turn(live, "on")

    @callback
    def hold(event: Event[EventStateChangedData]) -> None:
        """Pause the plug when the equivent is live."""
        if event.data["new_state"] and event.data["new_state"].state == "on":
            live.hass.async_create_task(pause(live.hass, PLUG))

    async_track_state_change_event(live.hass, LIVE, hold)
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
    assert live.live == "on"  # the same equivent
    assert await pause(live.hass, PLUG) == SKIPPED
    assert plug.commands == []


async def test_before_the_event(live: Home, provider: Provider) -> None:
    """An automation that an end triggers finds the skip used up."""
    found: list[str] = []

    @callback
    def look(event: Event[EventStateChangedData]) -> None:
        """Note the state of the switch."""
        found.append(live.state(SKIP))

    await turn(live, "on")
    async_track_state_change_event(live.hass, EVENT, look)
    await end(live, provider)
    assert found == ["off"]


async def test_next_in_an_outage(home: Home, provider: Provider) -> None:
    """The next equivent uses the skip though the API was down while it was live."""
    await home.setup()
    await home.poll()
    await turn(home, "on")
    provider.error = TimeoutError()
    await home.pass_time(2 * 3600, step=30)
    provider.recover()
    provider.end(NOW + timedelta(minutes=40), NOW + timedelta(minutes=100))
    await home.poll()
    await home.poll()
    await home.settle()
    assert home.state(SKIP) == "off"


async def test_missed_and_another_live(home: Home, provider: Provider) -> None:
    """A missed equivent uses the skip, not the one after it."""
    await home.setup()
    await turn(home, "on")

    def pass_away() -> None:
        """Start and end an equivent, and start the next."""
        provider.end(NOW + HOUR, NOW + 2 * HOUR)
        provider.start(NOW + timedelta(minutes=170), NOW + timedelta(minutes=230))
        home.freezer.tick(3 * HOUR)

    await restart(home, pass_away)
    await started(home)
    await home.settle()
    assert (home.live, home.state(SKIP)) == ("on", "off")


@pytest.mark.parametrize("skips_first", [True, False])
async def test_unconfirmed_push(
    home: Home, provider: Provider, push: Push, skips_first: bool
) -> None:
    """The skip ends with its equivent, though the API could not confirm that."""
    await home.setup()
    provider.error = TimeoutError()
    await home.poll()
    if skips_first:
        await turn(home, "on")
    await push("?event=started")
    await home.pass_time(MINUTE)
    await turn(home, "on")
    assert home.state(SKIP) == "on"
    await push("?event=ended")
    assert (home.kinds, home.state(SKIP)) == (["started", "ended"], "off")


async def test_end_at_the_bound(home: Home, provider: Provider) -> None:
    """The skip ends with an equivent that ends only because it has lasted for six hours."""
    await home.setup()
    await turn(home, "on")
    await home.pass_time(MINUTE)
    provider.start(home.now, None)
    await home.poll()
    assert (home.live, home.state(SKIP)) == ("on", "on")
    await home.pass_time(6 * 60 * MINUTE, step=60)
    assert (home.live, home.state(SKIP)) == ("off", "off")


async def test_skipped_after_its_end(live: Home, provider: Provider) -> None:
    """A skip belongs to the live equivent though its end proves to be earlier."""
    await live.pass_time(61 * MINUTE, step=60)
    assert live.live == "on"
    await turn(live, "on")
    provider.end(NOW, NOW + HOUR)
    await live.poll()
    assert (live.live, live.state(SKIP)) == ("off", "off")
