"""Test that the zoo's devices are in Home Assistant what they are without it, on every release."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.equiwatt.holding.device import Device, begin
from custom_components.equiwatt.holding.eligibility import reading_of, refusal_of
from custom_components.equiwatt.holding.plan import steps, turn_off
from custom_components.equiwatt.holding.reading import Reading
from custom_components.equiwatt.holding.service_calls import async_call
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from tests import zoo
from tests.zoo.animals import Nature, Plug
from tests.zoo.entities import async_let_in
from tests.zoo.rows import ROWS, SCENES


async def pass_time(hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float) -> None:
    """Let time pass."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


def read(hass: HomeAssistant, entity_id: str) -> Reading:
    """Return what a device tells."""
    return reading_of(hass.states.get(entity_id))


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no command, which is the business of real processes."""

    async def sleep(_: float) -> None:
        """Do not wait."""

    monkeypatch.setattr("tests.zoo.entities.asyncio.sleep", sleep)


@pytest.mark.parametrize("row", [*ROWS, *SCENES])
async def test_row(hass: HomeAssistant, freezer: FrozenDateTimeFactory, row: str) -> None:
    """Every command of a plan is one that Home Assistant takes, and does what the plan says."""
    animal = (ROWS | SCENES)[row]("one")
    await async_let_in(hass, animal)
    await hass.async_block_till_done()
    before, essence = read(hass, animal.entity_id), animal.essence
    if row in ROWS:
        assert refusal_of(hass.states.get(animal.entity_id)) is None
        call = turn_off(animal.domain, before)
        await async_call(hass, animal.entity_id, call, Context())
        await pass_time(hass, freezer, 100)
        assert read(hass, animal.entity_id).is_off
    for step in steps(animal.domain, before):
        if not step.is_met(read(hass, animal.entity_id)):
            await async_call(hass, animal.entity_id, step.calls[0], Context())
            await pass_time(hass, freezer, 100)
    told = read(hass, animal.entity_id)
    undone = [step for step in steps(animal.domain, before) if not step.is_met(told)]
    assert [step.key for step in undone] == (["preset_mode"] if "ends with" in row else [])
    assert undone or animal.essence == essence


async def test_failure_and_connection(hass: HomeAssistant) -> None:
    """A device may answer with an error, or be lost."""
    plug = Plug("one", Nature(fails=True))
    await async_let_in(hass, plug)
    device: Device = begin("switch", read(hass, "switch.one"))
    assert device.story.is_present
    with pytest.raises(HomeAssistantError):
        await hass.services.async_call(
            "switch", "turn_off", {"entity_id": "switch.one"}, blocking=True
        )
    plug.lose()
    assert not read(hass, "switch.one").is_known
    plug.lose(is_available=True)
    assert read(hass, "switch.one").state == "on"


async def test_integration(hass: HomeAssistant, tmp_path: Path) -> None:
    """What moves into a configuration is an integration, whose devices outlive the process."""
    text = zoo.move_in(tmp_path, {"boiler": "water heater", "limit": "number"})
    assert text == "zoo:\n  boiler: water heater\n  limit: number\n"
    names = {path.name for path in (tmp_path / "custom_components" / "zoo").iterdir()}
    assert {"__init__.py", "animals.py", "entities.py", "manifest.json", "rows.py"} == names
    hass.config.config_dir = str(tmp_path)
    config: dict[str, Any] = {"zoo": {"boiler": "water heater"}}
    assert await zoo.async_setup(hass, config)
    await hass.services.async_call(
        "zoo", "by_hand", {"name": "boiler", "state": "eco", "temperature": 40}, blocking=True
    )
    assert read(hass, "water_heater.boiler").state == "eco"
    kept = zoo.Cage(tmp_path, "boiler").read()
    assert kept["essence"] == {"mode": "eco", "temperature": 40}
    again = ROWS["water heater"]("boiler")
    zoo.Cage(tmp_path, "boiler").wake(again)
    assert again.essence == kept["essence"]
