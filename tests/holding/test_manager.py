"""Test that devices are turned off for an equivent and restored after it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.device import step
from custom_components.equiwatt.holding.issues import issue_id_of
from custom_components.equiwatt.holding.manager import Account, async_get_manager
from custom_components.equiwatt.storage import StorageFile
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STARTED,
    EVENT_HOMEASSISTANT_STOP,
)
from homeassistant.core import Context, CoreState
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.file import WriteError
from tests.conftest import Push
from tests.fakes.actions import SKIP, simulate, turn
from tests.fakes.devices.entities import install
from tests.fakes.devices.pretend import (
    Boiler,
    Fan,
    Humidifier,
    Lamp,
    Player,
    Plug,
    Remote,
    Thermostat,
)
from tests.fakes.disk import full_disk
from tests.fakes.home import NOW, Home, add_entry
from tests.fakes.provider import Provider

from .pausing import (
    HOUR,
    KEY,
    MINUTE,
    PLUG,
    SlowDisk,
    disable,
    end,
    pause,
    repairs,
    restart,
    started,
    until,
)
from .scenes import add_scene, apply

CLIMATE = "climate.thermostat"
OFF = "set_hvac_mode hvac_mode=off"


async def test_pause_and_restore(live: Home, provider: Provider) -> None:
    """A device that is on is turned off and restored; one that is off stays off."""
    plug, idle, thermostat, boiler, lamp = await install(
        live.hass,
        Plug("Plug"),
        Plug("Idle"),
        Thermostat("Thermostat"),
        Boiler("Boiler"),
        Lamp("Lamp"),
    )
    idle.report("off")
    on = ["climate.thermostat", "light.lamp", PLUG, "water_heater.boiler"]
    assert await pause(live.hass, *on, "switch.idle") == {
        "paused": on,
        "not_paused": [{"entity_id": "switch.idle", "reason": "already_off"}],
    }
    assert {live.state(entity_id) for entity_id in on} == {"off"}
    await end(live, provider)
    assert [live.state(entity_id) for entity_id in on] == ["heat", "on", "on", "timed"]
    assert live.state("switch.idle") == "off"
    assert thermostat.temperature == 21
    assert lamp.pick("rgb_color", "brightness") == {"rgb_color": [255, 0, 0], "brightness": 77}
    assert (plug.commands, idle.commands) == (["turn_off", "turn_on"], [])
    assert boiler.essence == {"mode": "timed", "temperature": 55}


async def test_without_response(live: Home, provider: Provider) -> None:
    """The action can be called without a response."""
    await install(live.hass, Plug("Plug"))
    data = {"entity_id": PLUG}
    await live.hass.services.async_call(DOMAIN, "pause", data, blocking=True)
    assert live.state(PLUG) == "off"
    await end(live, provider)
    assert live.state(PLUG) == "on"


async def test_longest_pause(live: Home, provider: Provider) -> None:
    """A device is restored after its longest pause, before the equivent ends."""
    short, _ = await install(live.hass, Plug("Plug"), Plug("Long"))
    await pause(live.hass, PLUG, max_duration={"minutes": 30})
    await pause(live.hass, "switch.long", max_duration={"minutes": 0})
    await live.pass_time(30 * MINUTE - 5)
    assert live.state(PLUG) == "off"
    await live.pass_time(10)
    assert (live.state(PLUG), live.state("switch.long"), live.live) == ("on", "off", "on")
    await live.pass_time(2 * MINUTE)
    short.report("off")
    await end(live, provider)
    assert (live.state(PLUG), live.state("switch.long")) == ("off", "on")


async def test_second_pause(live: Home) -> None:
    """A second pause keeps the first state and has its own deadline."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await pause(live.hass, "climate.thermostat", max_duration={"minutes": 10})
    await live.pass_time(MINUTE)
    again = await pause(live.hass, "climate.thermostat", max_duration={"minutes": 20})
    assert again == {"paused": ["climate.thermostat"], "not_paused": []}
    await live.pass_time(19 * MINUTE)
    assert live.state("climate.thermostat") == "off"
    await live.pass_time(MINUTE + 5)
    assert (live.state("climate.thermostat"), thermostat.temperature) == ("heat", 21)
    assert thermostat.commands[0] == OFF
    assert OFF not in thermostat.commands[1:]


async def test_turned_on_by_hand(live: Home, provider: Provider) -> None:
    """A device turned on by hand while it is held stays on."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    plug.report("on")
    await live.pass_time(40 * MINUTE, step=30)
    assert plug.commands == ["turn_off"]
    await end(live, provider)
    assert live.state(PLUG) == "on"


@pytest.mark.parametrize("who", ["user", "automation"])
async def test_turned_on_at_once(
    live: Home, provider: Provider, hass_admin_user: MockUser, who: str
) -> None:
    """A device turned on by a user or an automation right after the command stays on."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    contexts = {
        "user": Context(user_id=hass_admin_user.id),
        "automation": Context(parent_id="01AUTOMATION"),
    }
    for action in ("turn_on", "turn_off"):
        await live.hass.services.async_call(
            "switch", action, {"entity_id": PLUG}, blocking=True, context=contexts[who]
        )
    await end(live, provider)
    assert live.state(PLUG) == "off"
    assert plug.commands == ["turn_off", "turn_on", "turn_off"]


async def test_echo(live: Home, provider: Provider) -> None:
    """A stale report just after the command is no takeover."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(10)
    plug.report("on")
    plug.report("off")
    await end(live, provider)
    assert live.state(PLUG) == "on"


async def test_slow_device(live: Home, provider: Provider) -> None:
    """A device that reports off late is restored although the equivent is over."""
    (plug,) = await install(live.hass, Plug("Plug"))
    plug.obeys = False
    answer = asyncio.create_task(pause(live.hass, PLUG))
    await live.pass_time(40)
    assert (await answer)["not_paused"] == [{"entity_id": PLUG, "reason": "no_answer"}]
    await end(live, provider)
    assert live.state(PLUG) == "on"
    plug.obeys = True
    plug.report("off")
    await live.pass_time(MINUTE)
    assert live.state(PLUG) == "on"
    assert plug.commands[-2:] == ["turn_on", "turn_on"]


@pytest.mark.parametrize("fault", ["unavailable", "deaf", "error"])
async def test_retries(live: Home, provider: Provider, fault: str) -> None:
    """A restore is retried less and less often."""
    plug, _ = await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG, "switch.other")
    plug.obeys = fault != "deaf"
    plug.error = OSError("Broken") if fault == "error" else None
    if fault == "unavailable":
        plug.report(available=False)
    await end(live, provider)
    assert live.state("switch.other") == "on"
    assert live.state(PLUG) != "on"
    await live.pass_time(10 * MINUTE)
    tries = plug.commands.count("turn_on")
    assert tries == (0 if fault == "unavailable" else 4)
    plug.obeys, plug.error = True, None
    if fault == "unavailable":
        plug.report(available=True)
        await live.settle()
    else:
        await live.pass_time(7 * MINUTE)
    assert live.state(PLUG) == "on"
    assert repairs(live.hass) == []
    await live.pass_time(HOUR.total_seconds(), step=60)
    assert len(plug.commands) == tries + 2 if fault == "unavailable" else tries + 2


async def test_thermostat_forgets_temperature(live: Home, provider: Provider) -> None:
    """A thermostat is restored once it heats to its earlier temperature."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await pause(live.hass, "climate.thermostat")
    thermostat.obeys = False
    await end(live, provider)
    thermostat.report("heat")
    await live.settle()
    assert thermostat.temperature == 7
    thermostat.obeys = True
    await live.pass_time(MINUTE)
    assert thermostat.temperature == 21


async def test_restart_spans_the_end(live: Home, provider: Provider) -> None:
    """An equivent that ended during a restart is followed by a restore after it."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    await restart(live, lambda: provider.end(NOW, live.now))
    assert live.state(PLUG) == "off"
    await started(live)
    await live.poll()
    assert live.state(PLUG) == "on"
    assert plug.commands == ["turn_off", "turn_on"]


async def test_restart_without_history(
    live: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """A paused device is restored without any known equivent."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    provider.current = None
    await restart(live, lambda: hass_storage.pop(f"{DOMAIN}.{live.entry.entry_id}"))
    await started(live)
    assert live.edges == [("started", "api")]
    assert live.state(PLUG) == "on"


async def test_restart_while_live(live: Home, provider: Provider) -> None:
    """A restart while live changes nothing."""
    _, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG, "switch.other")
    await live.pass_time(MINUTE)
    await restart(live, lambda: other.report("on"))
    await started(live)
    assert (live.state(PLUG), live.state("switch.other")) == ("off", "off")
    await end(live, provider)
    assert (live.state(PLUG), live.state("switch.other")) == ("on", "on")


async def test_restart_spans_the_longest_pause(live: Home) -> None:
    """A longest pause that passed during a restart is followed by a restore."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG, max_duration={"minutes": 1})
    await restart(live, lambda: live.freezer.tick(120))
    await started(live)
    await live.pass_time(5)
    assert (live.state(PLUG), live.live) == ("on", "on")


async def test_restart_while_restoring(live: Home, provider: Provider) -> None:
    """A restore continues after a restart, though another equivent is live."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    plug.report(available=False)
    await end(live, provider)
    later = live.now + HOUR
    await restart(live, lambda: provider.start(live.now, later))
    await started(live)
    plug.report(available=True)
    await live.settle()
    assert (live.state(PLUG), live.live) == ("on", "on")


async def test_water_heater_lost_its_mode(live: Home, provider: Provider) -> None:
    """A mode that is no longer offered raises a repair."""
    (boiler,) = await install(live.hass, Boiler("Boiler"))
    await pause(live.hass, "water_heater.boiler")
    boiler.report(operation_list=["off", "eco"])
    await end(live, provider)
    await live.pass_time(63 * MINUTE, step=30)
    assert "set_operation_mode operation_mode=timed" not in boiler.commands
    assert repairs(live.hass) == [issue_id_of("water_heater.boiler")]


async def test_hanging_device(live: Home, provider: Provider) -> None:
    """A hanging device does not block the others, nor the action for more than 30 s."""
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other"))

    go_on = asyncio.Event()

    async def hang(service: str) -> None:
        """Hang."""
        await go_on.wait()

    plug.before_command = hang
    answer = asyncio.create_task(pause(live.hass, PLUG, "switch.other"))
    await until(lambda: live.state("switch.other") == "off")
    for _ in range(8):
        live.freezer.tick(5)
        async_fire_time_changed(live.hass, live.now)
        for _ in range(100):
            await asyncio.sleep(0)
    assert await answer == {
        "paused": ["switch.other"],
        "not_paused": [{"entity_id": PLUG, "reason": "no_answer"}],
    }
    assert other.commands == ["turn_off"]
    go_on.set()


async def test_reload(live: Home, provider: Provider) -> None:
    """A reload while live restores nothing."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    assert await live.hass.config_entries.async_reload(live.entry.entry_id)
    await live.settle()
    assert live.state(PLUG) == "off"
    await end(live, provider)
    assert live.state(PLUG) == "on"


async def test_disabled(live: Home) -> None:
    """Disabling the entry restores everything, unavailable devices later."""
    _, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG, "switch.other")
    other.report(available=False)
    entries = live.hass.config_entries
    await entries.async_set_disabled_by(live.entry.entry_id, ConfigEntryDisabler.USER)
    await live.settle()
    assert live.state(PLUG) == "on"
    await live.pass_time(5 * MINUTE)
    other.report(available=True)
    await live.settle()
    assert live.state("switch.other") == "on"
    await entries.async_set_disabled_by(live.entry.entry_id, None)
    await live.settle()
    assert live.live == "on"


async def test_disabled_and_enabled_again(live: Home) -> None:
    """A restore continues when the entry is enabled again."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    plug.report(available=False)
    entries = live.hass.config_entries
    for disabled_by in (ConfigEntryDisabler.USER, None):
        await entries.async_set_disabled_by(live.entry.entry_id, disabled_by)
        await live.settle()
    plug.report(available=True)
    await live.settle()
    assert plug.commands == ["turn_off", "turn_on"]


async def test_removed(live: Home, hass_storage: dict[str, Any]) -> None:
    """Removing the entry restores everything and removes its stored data."""
    _, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG, "switch.other")
    other.report(available=False)
    await live.hass.config_entries.async_remove(live.entry.entry_id)
    await live.settle()
    assert live.state(PLUG) == "on"
    await live.pass_time(5 * MINUTE)
    assert repairs(live.hass) == [issue_id_of("switch.other")]
    other.report(available=True)
    await live.pass_time(2 * MINUTE)
    assert live.state("switch.other") == "on"
    assert repairs(live.hass) == []
    assert not [key for key in hass_storage if key.startswith(DOMAIN)]


async def test_next_equivent_at_once(live: Home, provider: Provider) -> None:
    """A device that is being restored is paused by the next equivent, and restored after it."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    plug.obeys = False
    await end(live, provider)
    assert live.state(PLUG) == "off"
    start = live.now
    provider.start(start, start + HOUR)
    await live.poll()
    plug.obeys = True
    assert (await pause(live.hass, PLUG))["paused"] == [PLUG]
    await live.pass_time(10 * MINUTE)
    assert live.state(PLUG) == "off"
    provider.end(start, live.now)
    await live.poll()
    assert live.state(PLUG) == "on"


async def test_paused_before_end_is_announced(live: Home, provider: Provider) -> None:
    """A pause before the last end is announced is for the equivent that is live."""
    (plug,) = await install(live.hass, Plug("Plug"))
    automation = {
        "id": "by_the_sensor",
        "triggers": {"trigger": "state", "entity_id": "sensor.equiwatt_current_start"},
        "actions": {"action": "equiwatt.pause", "target": {"entity_id": PLUG}},
    }
    assert await async_setup_component(live.hass, "automation", {"automation": automation})
    await live.pass_time(20 * MINUTE, step=30)
    provider.end(NOW, live.now)
    provider.start(live.now, live.now + HOUR)
    await live.poll()
    await live.pass_time(5 * MINUTE)
    assert (live.live, plug.commands) == ("on", ["turn_off"])


async def test_paused_before_start_is_announced(live: Home, provider: Provider) -> None:
    """A pause during the start of Home Assistant is for the equivent that is live."""
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, "switch.other")

    def pass_away() -> None:
        """End one equivent and start another."""
        live.freezer.tick(30 * MINUTE)
        provider.end(NOW, live.now)
        provider.start(live.now, live.now + HOUR)

    await restart(live, pass_away)
    live.hass.set_state(CoreState.running)
    live.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    assert (await pause(live.hass, PLUG))["paused"] == [PLUG]
    await live.pass_time(5 * MINUTE)
    assert live.kinds == ["started", "ended", "started"]
    assert plug.commands == ["turn_off"]
    assert other.commands == ["turn_off", "turn_on"]


async def test_two_accounts(home: Home, provider: Provider, push: Push) -> None:
    """A device paused by two accounts is restored after the later end."""
    add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await push("?event=started")
    await pause(home.hass, PLUG)
    await push("?event=started", "another-webhook")
    assert (await pause(home.hass, PLUG))["paused"] == [PLUG]
    await home.pass_time(60)
    await push("?event=ended")
    await home.settle()
    assert home.state(PLUG) == "off"
    await push("?event=ended", "another-webhook")
    await home.settle()
    assert home.state(PLUG) == "on"
    assert plug.commands == ["turn_off", "turn_on"]


@pytest.mark.parametrize("is_first", [False, True])
@pytest.mark.parametrize("how", ["removed", "disabled", "reloaded"])
async def test_one_of_two_accounts(home: Home, push: Push, how: str, is_first: bool) -> None:
    """A device paused by two accounts stays off without either, until the end of the other."""
    other = add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await push("?event=started")
    await push("?event=started", "another-webhook")
    await pause(home.hass, PLUG)
    entries, entry_id = home.hass.config_entries, (home.entry if is_first else other).entry_id
    if how == "removed":
        await entries.async_remove(entry_id)
    elif how == "disabled":
        await entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)
    else:
        await entries.async_unload(entry_id)
    await home.pass_time(MINUTE)
    await push("?event=ended", *(["another-webhook"] if is_first else []))
    await home.settle()
    if how == "reloaded":
        assert home.state(PLUG) == "off"
        await entries.async_setup(entry_id)
        await home.pass_time(10 * MINUTE)  # without an answer that confirms the equivent
    assert home.state(PLUG) == "on"
    assert plug.commands == ["turn_off", "turn_on"]


async def test_two_accounts_still_restoring(home: Home, push: Push) -> None:
    """A device that is still being restored at one account's end is shown for both accounts."""
    add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await push("?event=started")
    await push("?event=started", "another-webhook")
    await pause(home.hass, PLUG, max_duration={"minutes": 1})
    plug.obeys = False
    await home.pass_time(2 * MINUTE)
    await push("?event=ended")
    await home.settle()
    assert home.live == "off"
    assert home.state("sensor.equiwatt_held_devices") == "1"


async def test_two_accounts_hand_over(home: Home, provider: Provider, push: Push) -> None:
    """The other account continues a restore, with the first state."""
    other: MockConfigEntry = add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    (thermostat,) = await install(home.hass, Thermostat("Thermostat"))
    await push("?event=started")
    await pause(home.hass, "climate.thermostat")
    thermostat.obeys = False
    await push("?event=ended")
    await home.settle()
    await push("?event=started", "another-webhook")
    await pause(home.hass, "climate.thermostat", config_entry_id=other.entry_id)
    thermostat.obeys = True
    await home.pass_time(3 * MINUTE)
    assert home.state("climate.thermostat") == "off"
    await push("?event=ended", "another-webhook")
    await home.settle()
    assert (home.state("climate.thermostat"), thermostat.temperature) == ("heat", 21)


async def test_overlapping_calls(live: Home, provider: Provider) -> None:
    """Concurrent calls store the state of a device once."""
    (plug,) = await install(live.hass, Plug("Plug"))
    calls = [live.hass.async_create_task(pause(live.hass, PLUG)) for _ in range(3)]
    await live.settle()
    assert [call.result()["paused"] for call in calls] == [[PLUG]] * 3
    await end(live, provider)
    assert plug.commands == ["turn_off", "turn_on"]


async def test_ends_while_pausing(live: Home, provider: Provider, push: Push) -> None:
    """A device that turns off just after the end is restored."""
    (plug,) = await install(live.hass, Plug("Plug"))

    async def slow(service: str) -> None:
        """End the equivent in the middle of the command."""
        plug.before_command = None
        await live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
        await until(lambda: plug.commands == ["turn_on"])

    plug.before_command = slow
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    assert plug.commands == ["turn_on", "turn_off", "turn_on"]
    assert live.state(PLUG) == "on"


async def test_device_fails_to_turn_off(live: Home, provider: Provider) -> None:
    """A device that fails is reported, and the others are paused."""
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    plug.error = HomeAssistantError("Broken")
    assert await pause(live.hass, PLUG, "switch.other") == {
        "paused": ["switch.other"],
        "not_paused": [{"entity_id": PLUG, "reason": "failed"}],
    }
    plug.error = None
    await end(live, provider)
    assert other.commands == ["turn_off", "turn_on"]
    assert live.state(PLUG) == "on"


async def test_restored_after_two_calls(live: Home, push: Push) -> None:
    """After two calls the device is restored once it is on, and a later change is kept."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await pause(live.hass, PLUG)
    await live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
    await live.settle()
    assert live.state(PLUG) == "on"
    person = Context(user_id=(await live.hass.auth.async_create_user("One")).id)
    await live.hass.services.async_call(
        "switch", "turn_off", {"entity_id": PLUG}, blocking=True, context=person
    )
    await live.pass_time(2 * MINUTE)
    assert live.state(PLUG) == "off"


async def test_nothing_to_pause(live: Home, hass_storage: dict[str, Any]) -> None:
    """Nothing is stored if nothing is paused."""
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    plug.report("off")
    assert (await pause(live.hass, PLUG))["paused"] == []
    assert f"{DOMAIN}.held_devices" not in hass_storage
    assert other.commands == []


async def test_removed_while_pausing(live: Home, provider: Provider) -> None:
    """A device can be removed at any moment of a pause."""
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    registry = er.async_get(live.hass)

    async def vanish(service: str) -> None:
        """Remove a device halfway, first the one and then the other itself."""
        registry.async_remove(PLUG if service == "turn_off" else "switch.other")
        other.obeys = service == "turn_off"

    other.before_command = vanish
    assert await pause(live.hass, PLUG, "switch.other") == {
        "paused": ["switch.other"],
        "not_paused": [{"entity_id": PLUG, "reason": "failed"}],
    }
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert plug.commands == []
    assert live.hass.states.get("switch.other") is None


async def test_every_domain(live: Home, provider: Provider) -> None:
    """Devices of all domains are paused and restored."""
    assert await async_setup_component(live.hass, "input_boolean", {"input_boolean": {"one": None}})
    on = {"entity_id": "input_boolean.one"}
    await live.hass.services.async_call("input_boolean", "turn_on", on, blocking=True)
    devices = await install(live.hass, Fan("One"), Player("One"), Humidifier("One"), Remote("One"))
    before = [device.essence for device in devices]
    domains = ("fan", "humidifier", "input_boolean", "media_player", "remote")
    names = [f"{domain}.one" for domain in domains]
    assert (await pause(live.hass, *names))["paused"] == names
    assert {live.state(name) for name in names} == {"off"}
    await end(live, provider)
    assert live.state("input_boolean.one") == "on"
    assert [device.essence for device in devices] == before


@pytest.mark.parametrize("error", [WriteError, OSError])
async def test_disk_is_full(live: Home, provider: Provider, error: type[Exception]) -> None:
    """A device that cannot be stored is not touched, and held devices stay held."""
    plug, other, _ = await install(live.hass, Plug("Plug"), Plug("Other"), Plug("Removed"))
    await pause(live.hass, "switch.other", "switch.removed")

    def fail(*_: Any) -> None:
        """Remove a device meanwhile and fail."""
        er.async_get(live.hass).async_remove("switch.removed")
        raise error

    names = (PLUG, "switch.other", "switch.removed")
    with (
        patch.object(StorageFile, "_async_save", side_effect=fail),
        pytest.raises(HomeAssistantError, match="Nothing was changed"),
    ):
        await pause(live.hass, *names, max_duration={"minutes": 1})
    await live.pass_time(2 * MINUTE)
    assert (plug.commands, other.commands) == ([], ["turn_off"])
    await end(live, provider)
    assert (plug.commands, other.commands) == ([], ["turn_off", "turn_on"])


async def test_paused_again_during_command(live: Home) -> None:
    """Both calls wait for the same command and return its result."""
    (plug,) = await install(live.hass, Plug("Plug"))
    answer = asyncio.Event()

    async def slow(service: str) -> None:
        """Wait until released."""
        await answer.wait()

    plug.before_command = slow
    calls = [live.hass.async_create_task(pause(live.hass, PLUG)) for _ in range(2)]
    for _ in range(100):
        await asyncio.sleep(0)
    assert not any(call.done() for call in calls)
    answer.set()
    await live.settle()
    assert [call.result()["paused"] for call in calls] == [[PLUG]] * 2
    assert plug.commands == ["turn_off"]


async def test_disabled_over_a_restart(live: Home, provider: Provider) -> None:
    """A device held when its entry was disabled is restored once it is available."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    assert await live.hass.config_entries.async_unload(live.entry.entry_id)
    await disable(live)
    provider.end(NOW, live.now)
    await live.pass_time(2 * MINUTE)
    assert plug.commands == ["turn_off"]
    await live.hass.config_entries.async_set_disabled_by(live.entry.entry_id, None)
    await live.poll()
    assert plug.commands == ["turn_off", "turn_on"]


async def test_held_for_removed_account(
    live: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """A device held for a removed account is restored when Home Assistant starts."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)

    def lose() -> None:
        """Change the account of the record."""
        (held,) = hass_storage["equiwatt.held_devices"]["data"]["devices"]
        held["holders"] = ["gone"]

    await restart(live, lose)
    await started(live)
    assert live.live == "on"
    assert plug.commands == ["turn_off", "turn_on"]


@pytest.mark.parametrize(
    "action",
    [("switch", "turn_on", {"entity_id": SKIP}), (DOMAIN, "restore", {"entity_id": PLUG})],
)
async def test_restored_while_writing(live: Home, action: tuple[str, str, dict[str, Any]]) -> None:
    """A pause that is skipped or restored while it is written is restored at once."""
    (plug,) = await install(live.hass, Plug("Plug"))
    with SlowDisk() as disk:
        call = asyncio.create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        restore = live.hass.services.async_call(*action, blocking=True)
        restoring = live.hass.async_create_task(restore)
        for _ in range(20):
            await asyncio.sleep(0)
        disk.go_on.set()
        await asyncio.gather(call, restoring)
    await live.pass_time(5)
    assert live.state(PLUG) == "on"
    assert plug.commands[-1:] in ([], ["turn_on"])
    assert live.state("sensor.equiwatt_held_devices") == "0"


async def test_removed_while_nothing_is_held(
    live: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """Removing the last account removes the stored data."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await end(live, provider)
    await live.pass_time(3 * MINUTE)
    assert "equiwatt.held_devices" in hass_storage
    await live.hass.config_entries.async_remove(live.entry.entry_id)
    assert "equiwatt.held_devices" not in hass_storage


@pytest.mark.parametrize("hours", [5, -5])
async def test_corrected_clock(home: Home, provider: Provider, hours: int) -> None:
    """The longest pause keeps its length when the clock is corrected."""
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await simulate(home.hass, duration={"hours": 1})
    await pause(home.hass, PLUG, max_duration={"minutes": 10})
    await home.pass_time(5 * MINUTE)
    provider.headers = {"Date": f"{home.now + timedelta(hours=hours):%a, %d %b %Y %H:%M:%S GMT}"}
    await home.poll()
    await home.pass_time(3 * MINUTE)
    assert home.state(PLUG) == "off"
    await home.pass_time(2 * MINUTE)
    assert (home.state(PLUG), home.live) == ("on", "on")


async def test_error_in_decision(
    live: Home, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """An error for one device is logged once, and the other device is restored."""
    await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG, "switch.other")
    await live.pass_time(MINUTE)
    errors = [ValueError("not a number")]

    def decide(*args: Any) -> Any:
        """Raise once."""
        if errors:
            raise errors.pop()
        return step(*args)

    with patch("custom_components.equiwatt.holding.device.step", decide):
        await end(live, provider)
        await live.pass_time(MINUTE)
    assert {live.state(PLUG), live.state("switch.other")} == {"on", "off"}
    assert live.state("sensor.equiwatt_held_devices") == "0"
    assert caplog.text.count("cannot be restored: ValueError('not a number')") == 1


async def test_restore_stored_before_command(
    live: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """The release is stored before the commands of the restore are sent."""
    plugs = await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG, "switch.other")
    await live.pass_time(MINUTE)
    stored: list[tuple[str, dict[str, str]]] = []

    def look(plug: Plug) -> Callable[[str], Awaitable[None]]:
        """Return a function that reads the disk at the command of a device."""

        async def read(service: str) -> None:
            """Read the last command of the device."""
            devices = {
                device["entity_id"]: device for device in hass_storage[KEY]["data"]["devices"]
            }
            record = devices[plug.entity_id]["record"]
            stored.append((plug.entity_id, record["commands"][-1]["values"]))

        return read

    for plug in plugs:
        plug.before_command = look(plug)
    await end(live, provider)
    assert sorted(stored, key=str) == [("switch.other", {"state": "on"}), (PLUG, {"state": "on"})]


async def test_taken_over_while_writing(live: Home, provider: Provider) -> None:
    """No command is sent after a person has taken over, with a slow disk."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await pause(live.hass, "climate.thermostat")
    await live.pass_time(MINUTE)
    thermostat.obeys = False
    await end(live, provider)
    thermostat.obeys = True
    user = await live.hass.auth.async_create_user("Ann")
    with SlowDisk() as disk:
        live.freezer.tick(61)
        async_fire_time_changed(live.hass, live.now)
        await until(disk.begun.is_set)
        await live.hass.services.async_call(
            "climate",
            "set_temperature",
            {"entity_id": "climate.thermostat", "temperature": 17},
            blocking=True,
            context=Context(user_id=user.id),
        )
        commands = list(thermostat.commands)
        disk.go_on.set()
        await live.settle()
    await live.pass_time(5 * MINUTE)
    assert thermostat.commands == commands
    assert live.state("sensor.equiwatt_held_devices") == "0"


async def test_held_again_while_writing(live: Home, provider: Provider) -> None:
    """A device is off in the next equivent, though the last release is still being written."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    with SlowDisk() as disk:
        await live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
        await until(disk.begun.is_set)
        call = live.hass.async_create_task(pause(live.hass, PLUG))
        await asyncio.sleep(0)
        disk.go_on.set()
        assert (await call)["paused"] == [PLUG]
    assert plug.commands == ["turn_off", "turn_on", "turn_off"]
    await end(live, provider)
    assert plug.commands == ["turn_off", "turn_on", "turn_off", "turn_on"]


async def test_skipped_while_hold_fails(live: Home, provider: Provider) -> None:
    """A device is restored by a skip while a second pause waits for a full disk."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    plug.report(available=False)
    with SlowDisk() as disk:
        disk.is_full = True
        call = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        data = {"entity_id": SKIP}
        await live.hass.services.async_call("switch", "turn_on", data, blocking=True)
        disk.go_on.set()
        with pytest.raises(HomeAssistantError):
            await call
        await live.settle()
    await live.pass_time(MINUTE)
    plug.report("off", available=True)
    await live.pass_time(40 * MINUTE, step=30)
    assert live.state("switch.equiwatt_skip") == "on"
    assert live.live == "on"
    assert live.state("sensor.equiwatt_held_devices") == "0"
    assert live.state(PLUG) == "on" or repairs(live.hass)


@pytest.mark.parametrize("skips", ["first", "both"])
async def test_two_accounts_with_full_disk(home: Home, push: Push, skips: str) -> None:
    """A failed hold is not passed to an account that is skipped meanwhile."""
    add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    await install(home.hass, Plug("Plug"))
    await push("?event=started")
    await push("?event=started", "another-webhook")
    await pause(home.hass, PLUG)
    with SlowDisk() as disk:
        disk.is_full = True
        call = home.hass.async_create_task(pause(home.hass, PLUG))
        await until(disk.begun.is_set)
        for switch in (SKIP, "switch.equiwatt_skip_2")[: 1 if skips == "first" else 2]:
            data = {"entity_id": switch}
            await home.hass.services.async_call("switch", "turn_on", data, blocking=True)
        disk.go_on.set()
        with pytest.raises(HomeAssistantError):
            await call
    await home.pass_time(2 * MINUTE)
    assert home.state(PLUG) == ("off" if skips == "first" else "on")
    await turn(home, "on", "switch.equiwatt_skip_2")
    await home.pass_time(2 * MINUTE)
    assert home.state(PLUG) == "on"


async def test_disk_full_at_end(live: Home, provider: Provider) -> None:
    """No command is sent after the record has ended, though the disk was full."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    with full_disk():
        await end(live, provider)
        await live.pass_time(2 * MINUTE)
    assert plug.commands == ["turn_off", "turn_on"]
    await live.pass_time(HOUR.total_seconds(), step=60)  # the disk has space again
    person = Context(user_id=(await live.hass.auth.async_create_user("One")).id)
    await live.hass.services.async_call(
        "switch", "turn_off", {"entity_id": PLUG}, blocking=True, context=person
    )
    await live.pass_time(HOUR.total_seconds(), step=60)
    plug.commands.clear()

    # As after a power cut or any stop: without a change nothing is written.
    await restart(live)
    await started(live)
    await live.pass_time(5 * MINUTE)
    assert plug.commands == []


async def test_disk_full_at_unload(
    live: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """A write that failed at unloading is not repeated later."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    plug.report(available=False)
    with full_disk():
        await turn(live, "on")
        assert await live.hass.config_entries.async_unload(live.entry.entry_id)
    await live.pass_time(5 * MINUTE)
    assert len(hass_storage["equiwatt.held_devices"]["data"]["devices"]) == 1
    assert await live.hass.config_entries.async_setup(live.entry.entry_id)
    await live.settle()
    plug.report(available=True)
    await end(live, provider)
    assert live.state(PLUG) == "on"


async def test_changed_while_writing(live: Home, provider: Provider) -> None:
    """A scene restores the state that a person set just before it was applied."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await add_scene(live.hass, {CLIMATE: {"state": "heat", "temperature": 17}})
    ann = Context(user_id=(await live.hass.auth.async_create_user("Ann")).id)
    warmer = {"entity_id": CLIMATE, "temperature": 23}
    with SlowDisk() as disk:
        call = live.hass.async_create_task(apply(live.hass))
        await until(disk.begun.is_set)
        await live.hass.services.async_call(
            "climate", "set_temperature", warmer, blocking=True, context=ann
        )
        disk.go_on.set()
        assert (await call)["held"] == [CLIMATE]
    await live.pass_time(20 * MINUTE)
    assert thermostat.temperature == 17
    await end(live, provider)
    await live.pass_time(5 * MINUTE)
    assert thermostat.temperature == 23


async def test_restore_fails_with_full_disk(live: Home) -> None:
    """A failed restore is tried again, though another hold could not be written."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail(service: str) -> None:
        """Fail after a while."""
        begun.set()
        await go_on.wait()
        raise RuntimeError

    plug.before_command = fail
    await live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
    await until(begun.is_set)
    with SlowDisk() as disk:
        call = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        plug.report(available=False)
        go_on.set()
        disk.is_full = True
        for _ in range(100):
            await asyncio.sleep(0)
        disk.go_on.set()
        with pytest.raises(HomeAssistantError):
            await call
    plug.before_command = None
    await live.pass_time(MINUTE)
    plug.report(available=True)
    await live.pass_time(10 * MINUTE)
    assert live.state(PLUG) == "on"


async def test_twice_at_once(live: Home) -> None:
    """Two concurrent pauses of a device have the same response."""
    (plug,) = await install(live.hass, Plug("Plug"))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(service: str) -> None:
        """Wait for a while."""
        begun.set()
        await go_on.wait()

    plug.before_command = slow
    first = live.hass.async_create_task(pause(live.hass, PLUG))
    await until(begun.is_set)
    second = live.hass.async_create_task(pause(live.hass, PLUG))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not first.done()
    assert not second.done()
    go_on.set()
    assert (await first)["paused"] == (await second)["paused"] == [PLUG]
    assert plug.commands == ["turn_off"]


@pytest.mark.parametrize("is_taken_over", [False, True])
async def test_late_error(live: Home, provider: Provider, is_taken_over: bool) -> None:
    """A command that is refused late leaves alone what later commands hold."""
    (plug,) = await install(live.hass, Plug("Plug"))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def refuse(service: str) -> None:
        """Refuse the first command late."""
        plug.before_command = None
        begun.set()
        await go_on.wait()
        raise ServiceValidationError("Too late")

    plug.before_command = refuse
    first = live.hass.async_create_task(pause(live.hass, PLUG))
    await until(begun.is_set)
    if is_taken_over:
        person = Context(user_id=(await live.hass.auth.async_create_user("One")).id)
        data = {"entity_id": PLUG}
        await live.hass.services.async_call("switch", "turn_on", data, True, person)
        await until(lambda: live.state("sensor.equiwatt_held_devices") == "0")
        second = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(second.done)
    while live.state(PLUG) == "on":
        live.freezer.tick(5)
        async_fire_time_changed(live.hass, live.now)
        for _ in range(100):
            await asyncio.sleep(0)
    go_on.set()
    await live.settle()
    assert first.done()
    assert live.state("sensor.equiwatt_held_devices") == "1"
    await end(live, provider)
    assert live.state(PLUG) == "on"


async def test_scene_with_full_disk(live: Home) -> None:
    """A scene that cannot be written keeps the pause and its limit."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await add_scene(live.hass, {CLIMATE: {"state": "heat", "temperature": 17}})
    await pause(live.hass, CLIMATE, max_duration={"minutes": 20})
    await live.pass_time(5 * MINUTE)
    with full_disk(), pytest.raises(HomeAssistantError):
        await apply(live.hass)
    await live.pass_time(10 * MINUTE)
    assert live.state(CLIMATE) == "off"
    assert thermostat.commands == [OFF]
    await live.pass_time(10 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 21)


async def test_entity_renamed_or_removed(live: Home, provider: Provider) -> None:
    """A renamed device is restored, and a removed one dropped, without a traceback."""
    await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, PLUG, "switch.other")
    registry = er.async_get(live.hass)
    registry.async_update_entity(PLUG, new_entity_id="switch.renamed")
    registry.async_remove("switch.other")
    await live.settle()
    await end(live, provider)
    assert live.state("switch.renamed") == "on"
    await live.pass_time(HOUR.total_seconds() + 120, step=60)
    assert repairs(live.hass) == []


async def test_renamed_while_restoring(live: Home, provider: Provider) -> None:
    """A device renamed during its restore is restored under its new name."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    plug.report(available=False)
    await end(live, provider)
    er.async_get(live.hass).async_update_entity(PLUG, new_entity_id="switch.renamed")
    er.async_get(live.hass).async_update_entity("switch.renamed", name="Renamed")
    await live.settle()
    await live.pass_time(59 * MINUTE, step=30)
    plug.report(available=True)
    await live.settle()
    assert live.state("switch.renamed") == "on"
    assert repairs(live.hass) == []


async def test_renamed_while_disabled(live: Home) -> None:
    """A device renamed while its entry is disabled is restored once."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    plug.report(available=False)
    await disable(live)
    er.async_get(live.hass).async_update_entity(PLUG, new_entity_id="switch.renamed")
    await live.settle()
    await live.hass.config_entries.async_set_disabled_by(live.entry.entry_id, None)
    await live.settle()
    plug.report(available=True)
    await live.settle()
    assert plug.commands == ["turn_off", "turn_on"]


async def test_removed_and_added_again(live: Home, provider: Provider) -> None:
    """A device that is registered again is restored, or has a repair."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(5 * MINUTE)
    er.async_get(live.hass).async_remove(PLUG)
    await live.settle()
    await install(live.hass, Plug("Plug", state="off"))
    assert live.state(PLUG) == "off"
    await live.pass_time(5 * MINUTE)
    await end(live, provider)
    await live.pass_time(70 * MINUTE, step=30)
    assert live.state(PLUG) == "on" or repairs(live.hass)


async def test_cancelled_while_writing(live: Home, provider: Provider) -> None:
    """A cancelled action still holds and restores the device."""
    (plug,) = await install(live.hass, Plug("Plug"))
    with SlowDisk() as disk:
        call = asyncio.create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        call.cancel()
        await asyncio.sleep(0)
        disk.go_on.set()
        await until(lambda: plug.commands == ["turn_off"])
    assert call.cancelled()
    await live.settle()
    assert live.state("sensor.equiwatt_held_devices") == "1"
    await end(live, provider)
    assert plug.commands == ["turn_off", "turn_on"]


async def test_cancelled_while_another_waits(live: Home) -> None:
    """A concurrent action gets its response though the first is cancelled."""
    (plug,) = await install(live.hass, Plug("Plug"))
    plug.obeys = False
    calls = [asyncio.create_task(pause(live.hass, PLUG)) for _ in range(2)]
    await until(lambda: plug.commands == ["turn_off"])
    calls[0].cancel()
    await asyncio.sleep(0)
    plug.report("off")
    assert (await calls[1])["paused"] == [PLUG]


async def test_automation_in_mode_restart(live: Home, provider: Provider) -> None:
    """An automation that restarts during the action changes nothing."""
    (plug,) = await install(live.hass, Plug("Plug"))
    automation = {
        "id": "again",
        "mode": "restart",
        "triggers": {"trigger": "event", "event_type": "go"},
        "actions": {"action": "equiwatt.pause", "target": {"entity_id": PLUG}},
    }
    assert await async_setup_component(live.hass, "automation", {"automation": automation})
    with SlowDisk() as disk:
        live.hass.bus.async_fire("go")
        await until(disk.begun.is_set)
        live.hass.bus.async_fire("go")
        for _ in range(20):
            await asyncio.sleep(0)
        disk.go_on.set()
        await live.settle()
    assert live.state(PLUG) == "off"
    await end(live, provider)
    assert live.state(PLUG) == "on"
    assert plug.commands == ["turn_off", "turn_on"]


async def test_invalid_call(live: Home, provider: Provider) -> None:
    """A call that raises early holds no device."""
    (plug,) = await install(live.hass, Plug("Plug"))
    plug.error = ServiceValidationError("Not now")
    answer = await pause(live.hass, PLUG)
    assert answer["not_paused"] == [{"entity_id": PLUG, "reason": "failed"}]
    plug.error = None
    assert live.state("sensor.equiwatt_held_devices") == "0"
    await end(live, provider)
    assert plug.commands == ["turn_off"]


async def test_several_devices_a_second_apart(live: Home) -> None:
    """The first commands are sent at once, and later ones a second apart."""
    count = 8
    plugs = await install(live.hass, *(Plug(f"Plug {n}", obeys=False) for n in range(count)))
    at: list[float] = []

    async def record(service: str) -> None:
        """Record the time of a command."""
        at.append(live.now.timestamp())

    for plug in plugs:
        plug.before_command = record
    call = asyncio.create_task(pause(live.hass, *(plug.entity_id for plug in plugs)))
    await until(lambda: len(at) == count)
    start = live.now.timestamp()
    await live.pass_time(59)
    await call
    await live.pass_time(12, step=0.5)
    assert at[:count] == [start] * count
    assert at[count:] == pytest.approx([start + 60 + n for n in range(count)], abs=0.6)


@pytest.mark.parametrize("state", ["unavailable", "unknown"])
async def test_set_back_when_available(live: Home, provider: Provider, state: str) -> None:
    """A thermostat that was unavailable at the start is set back when it is available."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    thermostat.report("unknown", available=state != "unavailable")
    data = {"entity_id": CLIMATE, "degrees": 2}
    answer = await live.hass.services.async_call(
        DOMAIN, "set_back", data, blocking=True, return_response=True
    )
    assert answer == {
        "set_back": [],
        "not_set_back": [{"entity_id": CLIMATE, "reason": "unavailable"}],
    }
    await live.pass_time(MINUTE)
    thermostat.report("heat", available=True)
    await live.settle()
    assert thermostat.temperature == 19
    await end(live, provider)
    assert thermostat.temperature == 21


async def test_set_back_twice(live: Home, provider: Provider) -> None:
    """A second set-back counts from the state before the first."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    for degrees in (2, 3):
        data = {"entity_id": CLIMATE, "degrees": degrees}
        await live.hass.services.async_call(DOMAIN, "set_back", data, blocking=True)
    assert thermostat.temperature == 18
    await end(live, provider)
    assert thermostat.temperature == 21


async def test_set_back_available_but_off(live: Home) -> None:
    """A thermostat that turns up off is not set back."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    thermostat.report(available=False)
    data = {"entity_id": CLIMATE, "degrees": 2}
    await live.hass.services.async_call(DOMAIN, "set_back", data, blocking=True)
    thermostat.report("off", available=True)
    await live.settle()
    assert thermostat.commands == []
    assert live.state("sensor.equiwatt_held_devices") == "0"


async def test_call_before_first_command(live: Home, provider: Provider) -> None:
    """A call before our first command takes nothing over."""
    (plug,) = await install(live.hass, Plug("Plug"))
    plug.report(available=False)
    await pause(live.hass, PLUG)
    person = Context(user_id=(await live.hass.auth.async_create_user("One")).id)
    await live.hass.services.async_call(
        "switch", "turn_on", {"entity_id": PLUG}, blocking=True, context=person
    )
    plug.report(available=True)
    await live.settle()
    assert plug.commands == ["turn_off"]


async def test_ended_while_writing_command(live: Home, provider: Provider) -> None:
    """A command of the hold is dropped if the hold ends while it is being written."""
    (plug,) = await install(live.hass, Plug("Plug"))
    plug.obeys = False
    call = asyncio.create_task(pause(live.hass, PLUG))
    await live.pass_time(50)
    await call
    assert plug.commands == ["turn_off"]
    with SlowDisk() as disk:
        live.freezer.tick(15)
        async_fire_time_changed(live.hass, live.now)
        await until(disk.begun.is_set)
        restore = asyncio.create_task(
            live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
        )
        for _ in range(20):
            await asyncio.sleep(0)
        disk.go_on.set()
        await restore
        await live.settle()
    assert plug.commands == ["turn_off", "turn_on"]


async def test_other_registry_changes(live: Home, provider: Provider) -> None:
    """A device with a new name or area stays held."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    er.async_get(live.hass).async_update_entity(PLUG, name="Heater")
    await live.settle()
    await end(live, provider)
    assert plug.commands == ["turn_off", "turn_on"]


async def test_slow_hub(live: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """All thermostats of a hub that carries out one command every seven seconds are restored."""
    monkeypatch.setattr(StorageFile, "_async_save", AsyncMock())  # nothing waits for the disk
    hub: list[asyncio.Future[None]] = []
    devices = await install(live.hass, *(Thermostat(f"T{n}") for n in range(8)))

    async def wait_in_line(service: str) -> None:
        """Wait for the commands of all others."""
        turn = asyncio.get_running_loop().create_future()
        hub.append(turn)
        await turn

    for device in devices:
        device.before_command = wait_in_line

    async def rest() -> None:
        """Run what is due, without the commands that wait for the hub."""
        for _ in range(100):
            await asyncio.sleep(0)

    async def go_on(seconds: int) -> None:
        """Carry out the commands of the hub."""
        for _ in range(seconds // 7):
            live.freezer.tick(7)
            async_fire_time_changed(live.hass, live.now)
            await rest()  # first what is due at this time, such as the end of an action's wait
            if hub:
                hub.pop(0).set_result(None)
            await rest()

    entity_ids = [device.entity_id for device in devices]
    action = asyncio.create_task(pause(live.hass, *entity_ids))
    await until(lambda: len(hub) == 8)
    await rest()
    await go_on(35)
    answer = await action
    assert answer["paused"] == entity_ids[:4]
    assert [device["reason"] for device in answer["not_paused"]] == ["no_answer"] * 4
    await go_on(35)
    assert {live.state(entity_id) for entity_id in entity_ids} == {"off"}
    await go_on(3 * MINUTE)
    assert [device.commands for device in devices] == [[OFF]] * 8
    await live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
    await go_on(15 * MINUTE)
    assert hub == []
    assert {(device.state, device.temperature) for device in devices} == {("heat", 21)}
    assert all(len(device.commands) <= 1 + 8 for device in devices)
    await live.pass_time(5 * MINUTE, step=30)
    assert repairs(live.hass) == []
    assert live.state("sensor.equiwatt_held_devices") == "0"


async def test_old_name_has_no_timer(live: Home) -> None:
    """The old name of a renamed device has no timer."""
    await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    er.async_get(live.hass).async_update_entity(PLUG, new_entity_id="switch.renamed")
    await live.pass_time(5 * MINUTE)
    changes: list[None] = []
    manager = async_get_manager(live.hass)
    account = Account(now=lambda: live.now, holds=lambda: True, update=lambda: changes.append(None))
    detach = manager.async_attach(MockConfigEntry(), account)
    await live.pass_time(2 * MINUTE, step=20)
    detach()
    assert changes == []


async def test_rounds_after_clock_is_set_back(live: Home, provider: Provider) -> None:
    """Commands stay a second apart though the clock is set back in between."""
    plugs = await install(live.hass, Plug("Plug"), Plug("Other"))
    for plug in plugs:
        plug.obeys = False
    waiting = asyncio.create_task(pause(live.hass, PLUG, "switch.other"))
    await live.pass_time(5 * MINUTE, step=20)
    await waiting
    assert [plug.commands for plug in plugs] == [["turn_off"] * 3] * 2
    provider.headers = {"Date": f"{live.now - timedelta(hours=5):%a, %d %b %Y %H:%M:%S GMT}"}
    await live.poll()
    await live.pass_time(4 * MINUTE, step=20)
    assert [plug.commands for plug in plugs] == [["turn_off"] * 4] * 2


async def set_back(home: Home, **data: Any) -> Any:
    """Turn the thermostat down and return the response of the action."""
    data["entity_id"] = CLIMATE
    return await home.hass.services.async_call(
        DOMAIN, "set_back", data, blocking=True, return_response=True
    )


@pytest.mark.parametrize("is_available", [True, False])
async def test_set_back_paused(live: Home, provider: Provider, is_available: bool) -> None:
    """A paused thermostat stays off and is not reported as set back, available or not."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await pause(live.hass, CLIMATE)
    thermostat.report(available=is_available)
    refused = [{"entity_id": CLIMATE, "reason": "already_off"}]
    assert await set_back(live) == {"set_back": [], "not_set_back": refused}
    thermostat.report(available=True)
    await live.pass_time(5 * MINUTE)
    assert thermostat.commands == [OFF]
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 21)


async def test_set_back_after_pause(live: Home, provider: Provider) -> None:
    """A thermostat that was off and unavailable at the end of its pause heats when it is back."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await pause(live.hass, CLIMATE, max_duration={"minutes": 5})
    await live.pass_time(MINUTE)
    thermostat.report(available=False)
    await live.pass_time(5 * MINUTE)
    assert (await set_back(live))["not_set_back"][0]["reason"] == "unavailable"
    thermostat.report(available=True)
    await live.pass_time(5 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 19)
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 21)


async def test_held_again_soon_after_restored(live: Home, provider: Provider) -> None:
    """A device held again before it is believed to be restored keeps its first state."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await pause(live.hass, CLIMATE, max_duration={"minutes": 5})
    await live.pass_time(5 * MINUTE + 10)
    thermostat.report(temperature=20.8)  # rounded by the device
    await pause(live.hass, CLIMATE)
    await live.pass_time(5 * MINUTE)
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert (live.state(CLIMATE), thermostat.temperature) == ("heat", 21)


@pytest.mark.parametrize("temperature", [17.0, 24.0])
async def test_held_again_after_takeover(live: Home, temperature: float) -> None:
    """The next hold restores what a person set during the last one."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    data = {"entity_id": CLIMATE, "degrees": 2, "max_duration": {"minutes": 10}}
    await live.hass.services.async_call(DOMAIN, "set_back", data, blocking=True)
    await live.pass_time(5 * MINUTE)
    thermostat.report(temperature=temperature)
    await live.pass_time(10 * MINUTE)
    assert live.state("sensor.equiwatt_held_devices") == "0"
    await live.hass.services.async_call(DOMAIN, "set_back", data, blocking=True)
    assert thermostat.temperature == temperature - 2
    await live.pass_time(15 * MINUTE)
    assert thermostat.temperature == temperature


async def test_available_with_full_disk(live: Home) -> None:
    """A device that becomes available is not touched until its state can be written."""
    (plug,) = await install(live.hass, Plug("Plug"))
    plug.report(available=False)
    assert (await pause(live.hass, PLUG))["not_paused"][0]["reason"] == "unavailable"
    with full_disk():
        plug.report(available=True)
        await live.pass_time(2 * MINUTE)
        assert plug.commands == []
    await live.pass_time(2 * MINUTE)
    assert plug.commands == ["turn_off"]


async def test_turned_off_while_writing(live: Home, hass_storage: dict[str, Any]) -> None:
    """A device that is turned off while it is written is not restored after a restart."""
    (plug,) = await install(live.hass, Plug("Plug"))
    with SlowDisk() as disk:
        call = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        plug.report("off")
        disk.go_on.set()
        assert (await call)["not_paused"][0]["reason"] == "already_off"
    assert hass_storage[KEY]["data"]["devices"] == []


async def test_report_while_writing(live: Home) -> None:
    """A held device that reports while a second hold is written is not commanded again."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    with SlowDisk() as disk:
        call = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        live.freezer.tick(0.02)
        plug.report(available=False)
        plug.report(available=True)
        disk.go_on.set()
        assert (await call)["paused"] == [PLUG]
    await live.settle()
    assert plug.commands == ["turn_off"]


async def test_registry_change_while_writing(live: Home) -> None:
    """A device that gets a name while it is being written is held."""
    (plug,) = await install(live.hass, Plug("Plug"))
    with SlowDisk() as disk:
        call = live.hass.async_create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        er.async_get(live.hass).async_update_entity(PLUG, name="Heater")
        for _ in range(20):
            await asyncio.sleep(0)
        disk.go_on.set()
        assert (await call)["paused"] == [PLUG]
    assert plug.commands == ["turn_off"]


async def test_stopped_while_writing(live: Home, provider: Provider) -> None:
    """A device that is written while Home Assistant stops is restored after the next start."""
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    await pause(live.hass, "switch.other")
    with SlowDisk() as disk:
        call = asyncio.create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        live.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
        live.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        disk.go_on.set()
        await until(lambda: plug.commands == ["turn_off"])
    call.cancel()
    await restart(live)
    await started(live)
    assert live.state("sensor.equiwatt_held_devices") == "2"
    await end(live, provider)
    assert plug.commands == other.commands == ["turn_off", "turn_on"]


@pytest.mark.parametrize("is_back", [False, True])
async def test_stopped_soon_after_disabled(live: Home, is_back: bool) -> None:
    """A device that is not back when Home Assistant stops without an account has a repair."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    plug.report(available=is_back)
    await disable(live)
    await live.pass_time(MINUTE)
    assert repairs(live.hass) == []
    live.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await live.settle()
    assert repairs(live.hass) == ([] if is_back else [issue_id_of(PLUG)])


async def test_many_devices_at_once(live: Home, writes: list[str]) -> None:
    """The entities are updated once for all devices that an action changes at a time."""
    plugs = await install(live.hass, *(Plug(f"Plug {number}") for number in range(50)))
    writes.clear()
    await pause(live.hass, *(plug.entity_id for plug in plugs))
    assert live.state("sensor.equiwatt_held_devices") == "50"
    assert writes.count("sensor.equiwatt_held_devices") < 5
