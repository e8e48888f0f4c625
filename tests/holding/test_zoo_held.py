"""Test that the manager holds and restores every device of the zoo, in a house of its own.

The house has a clock that is turned by hand, so that slow devices are as slow as they are.
"""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from homeassistant.core import CoreState
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from tests.state_machine.conftest import custom_integrations, home, no_waiting  # noqa: F401
from tests.state_machine.home import ENTRY_ID, Home
from tests.zoo.animals import Animal, Nature, Plug
from tests.zoo.entities import async_let_in
from tests.zoo.rows import ROWS, SCENES

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
PRESET = "thermostat whose preset ends with a temperature"


class Zoo:
    """A house with animals."""

    def __init__(self, house: Home, *animals: Animal) -> None:
        """Let them in, and see how they are."""
        self.home = house
        self.animals = animals
        house.open()
        house.run(async_let_in(house.hass, *animals))
        self.before = {one.name: one.essence for one in animals}

    def call(self, action: str, **data: Any) -> Any:
        """Call an action of ours."""
        services = self.home.hass.services
        responds = action in ("pause", "apply_scene")
        return self.home.run(
            services.async_call(DOMAIN, action, data, blocking=True, return_response=responds)
        )

    def pause(self) -> None:
        """Let an equivent begin, and pause all."""
        self.call("simulate_equivent", duration={"hours": 1})
        names = [one.entity_id for one in self.animals]
        assert self.call("pause", entity_id=names)["not_paused"] == []

    def end(self) -> None:
        """Let the equivent end, and give everybody the time it takes."""
        self.call("simulate_equivent", duration={"seconds": 10})
        self.home.pass_time(HOUR)

    def interrupt(self, how: str, stored: dict[str, Any]) -> None:
        """Stop, kill or reload us; who is killed knows no more than was on the disk."""
        house = self.home
        if how == "reload":
            house.run(house.hass.config_entries.async_reload(ENTRY_ID))
        if how in ("stop", "kill"):
            house.unload()
            if how == "kill":
                house.storage.clear()
                house.storage.update(stored)
            house.hass.set_state(CoreState.starting)
            house.set_up()
            house.finish_start()

    def check(self) -> None:
        """See that every animal is as it was, by few commands, and that nobody is bothered."""
        for one in self.animals:
            known = one.essence
            same = {key: known[key] == value for key, value in self.before[one.name].items()}
            assert all(same.values()), (one.name, self.before[one.name], known, one.commands)
            assert len(one.commands) <= 1 + 8, (one.name, one.commands)
        issues = [name for domain, name in ir.async_get(self.home.hass).issues if domain == DOMAIN]
        assert issues == []
        told = [list(one.commands) for one in self.animals]
        self.home.pass_time(2 * HOUR)
        assert [one.commands for one in self.animals] == told


@pytest.mark.parametrize("moment", ["at once", "later"])
@pytest.mark.parametrize("how", ["end", "stop", "kill", "reload"])
def test_rows(home: Home, how: str, moment: str) -> None:  # noqa: F811
    """Each is off while it is held, and as it was afterwards, whatever comes in between."""
    zoo = Zoo(home, *(factory(f"one_{n}") for n, factory in enumerate(ROWS.values())))
    zoo.before[f"one_{list(ROWS).index(PRESET)}"].pop("temperature")  # which would end the preset
    zoo.pause()
    stored = deepcopy(home.storage)
    home.pass_time(timedelta(seconds=1) if moment == "at once" else 10 * MINUTE)
    zoo.interrupt(how, stored)
    home.pass_time(10 * MINUTE)
    states = {one.entity_id: home.state(one.entity_id) for one in zoo.animals}
    assert {name: state for name, state in states.items() if state != "off"} == {}
    zoo.end()
    zoo.check()
    home.close()


@pytest.mark.parametrize("how", ["end", "stop", "kill", "reload"])
def test_scene(home: Home, how: str) -> None:  # noqa: F811
    """So is what only a scene can move."""
    zoo = Zoo(home, *(factory(row) for row, factory in SCENES.items()))
    entities: dict[str, Any] = {
        "cover.blind": {"state": "open", "current_position": 10},
        "select.select": "charge",
        "number.number": "60",
    }
    config = {"scene": [{"name": "Saving", "entities": entities}]}
    assert home.run(async_setup_component(home.hass, "scene", config))
    zoo.call("simulate_equivent", duration={"hours": 1})
    answer = zoo.call("apply_scene", entity_id="scene.saving")
    assert (answer["applied"], len(answer["held"])) == (["scene.saving"], 3)
    stored = deepcopy(home.storage)
    home.pass_time(10 * MINUTE)
    assert home.state("number.number") == "60.0"
    zoo.interrupt(how, stored)
    home.pass_time(10 * MINUTE)
    zoo.end()
    zoo.check()
    home.close()


def test_ended_and_started(home: Home) -> None:  # noqa: F811
    """A plug that tells late is off through the equivent that starts right after another's end."""
    plug = Plug("one", Nature(tells_after=8))
    zoo = Zoo(home, plug)
    zoo.pause()
    home.pass_time(10 * MINUTE)
    zoo.call("simulate_equivent", duration={"seconds": 10})
    home.pass_time(timedelta(seconds=11))
    zoo.pause()
    home.pass_time(30 * MINUTE)
    assert (plug.state, home.state("switch.one")) == ("off", "off")
    zoo.end()
    zoo.check()
    home.close()


@pytest.mark.parametrize("nature", [Nature(fails=True), Nature(is_deaf=True)])
def test_repair(home: Home, nature: Nature) -> None:  # noqa: F811
    """One that answers each command with an error, or none, is named within the hour or so."""
    plug = Plug("one")
    zoo = Zoo(home, plug)
    zoo.pause()
    home.pass_time(10 * MINUTE)
    plug.nature = nature
    zoo.end()
    home.pass_time(5 * MINUTE)
    issues = [name for domain, name in ir.async_get(home.hass).issues if domain == DOMAIN]
    assert issues == ["not_restored_switch.one"]
    assert len(plug.commands) == 1 + 8
    home.close()
