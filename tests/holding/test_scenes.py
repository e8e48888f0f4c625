"""Test that what a scene moves is restored, in Home Assistant."""

from functools import partial

import pytest

from homeassistant.setup import async_setup_component
from tests.conftest import House, Provider
from tests.devices import Plug, install
from tests.zoo.animals import Cover, Nature, Number, Select
from tests.zoo.entities import async_let_in

from .pausing import MINUTE, end, pause, repairs
from .scenes import add_scene, apply, hold_and_end


async def test_scene_of_a_group(live: House, provider: Provider) -> None:
    """A scene that names a group holds its members."""
    one, two = await install(live.hass, Plug("One"), Plug("Two"))
    groups = {"both": {"entities": ["switch.one", "switch.two"]}}
    assert await async_setup_component(live.hass, "group", {"group": groups})
    await add_scene(live.hass, {"group.both": "off"})
    outcome = await apply(live.hass)
    assert outcome["held"] == ["switch.one", "switch.two"]
    assert (one.is_on, two.is_on) == (False, False)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert (one.is_on, two.is_on) == (True, True)


async def test_pause_of_what_cannot_be_paused(live: House) -> None:
    """What cannot be turned off is unsupported, though a scene holds it."""
    await async_let_in(live.hass, Select("battery"))
    await add_scene(live.hass, {"select.battery": "charge"})
    await apply(live.hass)
    outcome = await pause(live.hass, "select.battery")
    assert outcome["not_paused"] == [{"entity_id": "select.battery", "reason": "unsupported"}]


async def test_taken_over_after_a_pause_that_cannot_be(live: House, provider: Provider) -> None:
    """Such a pause changes nothing: what somebody moves afterwards is theirs."""
    blind = Cover("blind", state="open", current_position=100)
    await async_let_in(live.hass, blind)
    await add_scene(live.hass, {"cover.blind": {"state": "open", "current_position": 40}})
    await apply(live.hass)
    await live.pass_time(2 * MINUTE)
    await pause(live.hass, "cover.blind")
    blind.by_hand(current_position=70)
    await live.pass_time(2 * MINUTE)
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert blind.attributes["current_position"] == 70


@pytest.mark.parametrize("late", [30, 100, 300])
async def test_battery_that_tells_late(live: House, provider: Provider, late: float) -> None:
    """A battery behind a cloud that is asked every few minutes is in its mode again."""
    battery = Select("battery", Nature(tells_after=late))
    await async_let_in(live.hass, battery)
    await add_scene(live.hass, {"select.battery": "charge"})
    await hold_and_end(live, provider)
    assert (battery.state, repairs(live.hass)) == ("self_use", [])


@pytest.mark.parametrize("late", [120, 300])
async def test_charge_limit_that_is_set_late(live: House, provider: Provider, late: float) -> None:
    """A charge limit that a cloud passes on late is as it was."""
    limit = Number("limit", Nature(acts_after=late))
    await async_let_in(live.hass, limit)
    await add_scene(live.hass, {"number.limit": "60"})
    await hold_and_end(live, provider)
    assert (float(limit.state), repairs(live.hass)) == (80.0, [])


class SlowBlind(Cover):
    """A blind that takes its time, and tells where it is meanwhile."""

    seconds = 120.0

    def set_cover_position(self, position: int) -> None:
        """Move by a tenth of the way at a time."""
        begun = int(self.attributes["current_position"])
        for n in range(1, 11):
            place = round(begun + (position - begun) * n / 10)
            self._later(self.seconds * n / 10, partial(self.arrive, place))

    def arrive(self, place: int) -> None:
        """Be at a place, and tell."""
        super().set_cover_position(place)
        self.report()


async def test_blind_that_takes_its_time(live: House, provider: Provider) -> None:
    """A blind is moved once by the scene, and once back, however long that takes."""
    blind = SlowBlind("blind", state="open", current_position=100)
    await async_let_in(live.hass, blind)
    await add_scene(live.hass, {"cover.blind": {"state": "open", "current_position": 10}})
    await hold_and_end(live, provider)
    assert (blind.attributes["current_position"], len(blind.commands)) == (100, 2)
