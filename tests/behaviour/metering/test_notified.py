"""Test the notification about a saving, from the meter to the message of both blueprints."""

from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState

from ...conftest import Push
from ...fakes.actions import simulate
from ...fakes.blueprints import Use, messages, user_of
from ...fakes.devices.entities import install
from ...fakes.devices.pretend import Plug
from ...fakes.home import add_entry
from ...metering.example import EVENT_DAY, at
from ...metering.home import END, START, MeteredHome

INPUTS: dict[str, dict[str, Any]] = {
    "pause_devices": {"devices": {"entity_id": "switch.plug"}},
    "do_this_and_that": {},
}
LESS = (
    "Your home used 0.50 kWh less than usual; less than on 7 of your 7 usual days. "
    "This is an estimate from your own meter; equiwatt's own figures will differ."
)


@pytest.fixture
def use(home: MeteredHome, tmp_path: Path) -> Use:
    """Return a function that sets up an automation of a blueprint."""
    return user_of(home, tmp_path)


@pytest.fixture
def sent(home: MeteredHome) -> list[Any]:
    """Return the messages sent to a phone."""
    calls: list[Any] = async_mock_service(home.hass, "notify", "send_message")
    return calls


def received(sent: list[Any]) -> list[tuple[str, str]]:
    """Return the titles and texts of the messages so far."""
    return [(call.data["title"], call.data["message"]) for call in sent]


async def setup(home: MeteredHome, use: Use, name: str) -> None:
    """Set up everything with a meter, and a phone that is notified of savings."""
    await home.setup_with_meter()
    await install(home.hass, Plug("Plug"))
    phone = {"notify_saving": True, "notify_entities": ["notify.phone"]}
    await use(name, **INPUTS[name], **phone)


async def restart(home: MeteredHome, *, until: str) -> None:
    """Restart Home Assistant, with the automations unavailable in between."""
    automation = {"entity_id": "automation.one"}
    await home.hass.services.async_call("automation", "turn_off", automation, blocking=True)
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await home.move_to(until)
    home.hass.set_state(CoreState.starting)
    await home.setup()
    await home.hass.services.async_call("automation", "turn_on", automation, blocking=True)
    home.hass.set_state(CoreState.running)
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.settle()


@pytest.mark.parametrize("name", INPUTS)
async def test_saving(home: MeteredHome, use: Use, sent: list[Any], name: str) -> None:
    """The saving is notified once when the equivent is over, and not after a restart."""
    await setup(home, use, name)
    await home.start()
    await home.move_to("17:40")
    assert received(sent) == []
    await home.end()
    assert received(sent) == [("How you did in the equivent", LESS)]
    await restart(home, until="18:40")
    await home.move_to("19:10")
    assert len(sent) == 1


@pytest.mark.parametrize("name", INPUTS)
async def test_persistent_notification(home: MeteredHome, use: Use, name: str) -> None:
    """Without a phone the saving is a persistent notification."""
    await home.setup_with_meter()
    await install(home.hass, Plug("Plug"))
    await use(name, **INPUTS[name], notify_saving=True)
    await home.start()
    await home.end()
    assert messages(home) == [LESS]


@pytest.mark.parametrize("name", INPUTS)
async def test_off_by_default(home: MeteredHome, use: Use, name: str) -> None:
    """The notification is off by default."""
    await home.setup_with_meter()
    await install(home.hass, Plug("Plug"))
    await use(name, **INPUTS[name])
    await home.start()
    await home.end()
    assert messages(home) == []


@pytest.mark.parametrize("name", INPUTS)
async def test_restart_at_the_end(home: MeteredHome, use: Use, sent: list[Any], name: str) -> None:
    """A saving that is measured during a restart is notified after it."""
    await setup(home, use, name)
    await home.start()
    await home.move_to("17:55")
    home.provider.end(START, END)
    await restart(home, until="18:05")
    await home.move_to("18:10")
    assert received(sent) == [("How you did in the equivent", LESS)]


@pytest.mark.parametrize("name", INPUTS)
async def test_restart_before_measured(
    home: MeteredHome, use: Use, sent: list[Any], name: str
) -> None:
    """The participants are remembered until the meter reports, hours after the end."""
    away = at(EVENT_DAY, "17:30")
    late = {moment: kwh for moment, kwh in home.kwh.items() if moment > away}
    home.kwh = {moment: kwh for moment, kwh in home.kwh.items() if moment <= away}
    await setup(home, use, name)
    await home.start()
    await home.end()
    await restart(home, until="18:40")
    await home.move_to("18:45")
    assert received(sent) == []
    home.kwh, home.made = home.kwh | late, away
    await home.move_to("19:45")
    assert received(sent) == [("How you did in the equivent", LESS)]


@pytest.mark.parametrize("name", INPUTS)
async def test_rehearsal(home: MeteredHome, use: Use, sent: list[Any], name: str) -> None:
    """The message begins with "Rehearsal"."""
    await setup(home, use, name)
    await home.move_to("17:01")
    await simulate(home.hass, duration={"minutes": 30})
    await home.move_to("17:32")
    assert [title for title, _ in received(sent)] == ["Rehearsal: how you did in the equivent"]
    assert received(sent)[0][1].startswith(
        "Your home used 0.19 kWh less than usual; less than on 7"
    )


@pytest.mark.parametrize("name", INPUTS)
async def test_unconfirmed_start(
    home: MeteredHome, use: Use, push: Push, sent: list[Any], name: str
) -> None:
    """An unconfirmed start has no saving."""
    await setup(home, use, name)
    await home.move_to("17:04", 7)
    await push("?event=started")
    await home.move_to("17:15")
    assert (home.live, received(sent)) == ("off", [])


@pytest.mark.parametrize("name", INPUTS)
async def test_another_account(home: MeteredHome, use: Use, name: str) -> None:
    """A saving that another account's meter measures is not notified."""
    await home.setup_with_meter()
    other = add_entry(home.hass, "another-token", "another-webhook")
    assert await home.hass.config_entries.async_setup(other.entry_id)
    await install(home.hass, Plug("Plug"))
    inputs = {"notify_saving": True, "equivent": "event.equiwatt_equivent_2"}
    await use(name, **INPUTS[name], **inputs)
    await home.start()
    await home.end()
    assert home.sensor("saving").attributes["final"]
    assert home.state("event.equiwatt_equivent_2") != "unknown"
    assert messages(home) == []
