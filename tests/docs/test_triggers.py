"""Test the page of triggers and the condition."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict

from ..conftest import Push
from ..fakes.home import Home
from .pages import ROOT, blocks, read

INTEGRATION = ROOT / "custom_components" / "equiwatt"
TRIGGERS = read("docs/triggers.md")


def examples() -> dict[str, dict[str, Any]]:
    """Return the automations of the page by their names."""
    return {block["alias"]: block for block in blocks(TRIGGERS)}


async def set_up(hass: HomeAssistant) -> dict[str, list[Any]]:
    """Set up the examples and return their calls."""
    calls = {
        "heating": async_mock_service(hass, "climate", "set_temperature"),
        "messages": async_mock_service(hass, "persistent_notification", "create"),
    }
    config = {"automation": list(examples().values())}
    assert await async_setup_component(hass, "automation", config)
    await hass.async_block_till_done()
    states = {state.name: state.state for state in hass.states.async_all("automation")}
    assert states == dict.fromkeys(examples(), "on")
    return calls


async def rehearse(home: Home) -> None:
    """Rehearse an equivent for a minute, with a start of the tumble dryer."""
    data = {"duration": {"seconds": 60}}
    await home.hass.services.async_call("equiwatt", "simulate_equivent", data, blocking=True)
    await home.pass_time(5)
    await start_the_dryer(home)
    await home.pass_time(60)


async def start_the_dryer(home: Home) -> None:
    """Start the tumble dryer."""
    home.hass.states.async_set("switch.tumble_dryer", "off")
    home.hass.states.async_set("switch.tumble_dryer", "on")
    await home.settle()


async def test_examples(hass: HomeAssistant, home: Home, push: Push) -> None:
    """Each automation runs at the moments of its alias only."""
    await home.setup()
    calls = await set_up(hass)
    await start_the_dryer(home)
    assert not calls["heating"] + calls["messages"]
    await push("?event=started")
    assert len(calls["heating"]) == 2  # by this integration's trigger and Home Assistant's own
    await start_the_dryer(home)
    await home.pass_time(4 * 60)
    await push("?event=ended")
    await home.pass_time(1)
    assert len(calls["heating"]) == 2
    messages = [call.data["message"] for call in calls["messages"]]
    assert messages == ["An equivent is live. Could it wait?", "It took 4 minutes."]


async def test_rehearsals(hass: HomeAssistant, home: Home) -> None:
    """Automations without rehearsals do not run in one."""
    await home.setup()
    calls = await set_up(hass)
    await rehearse(home)
    assert len(calls["heating"]) == 2
    assert not calls["messages"]


@pytest.mark.parametrize("platform", ["trigger", "condition"])
def test_all_are_listed(platform: str) -> None:
    """The page lists every trigger, condition and option."""
    described = load_yaml_dict(str(INTEGRATION / f"{platform}s.yaml"))
    for name, value in described.items():
        if not name.startswith("."):
            assert f"`equiwatt.{name}`" in TRIGGERS
        for field in value["fields"]:
            assert f"      {field}: " in TRIGGERS
