"""Test that devices are turned off for an equivent and restored after it."""

import asyncio
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.issues import issue_id_of
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import Context, CoreState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.file import WriteError
from tests.conftest import Push
from tests.fakes.devices.simple import (
    Boiler,
    Humidifier,
    Lamp,
    Player,
    Plug,
    Remote,
    Thermostat,
    Ventilator,
    install,
)
from tests.fakes.home import NOW, Home, add_entry
from tests.fakes.provider import Provider

from .pausing import (
    HOUR,
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
    idle.report(is_on=False)
    on = ["climate.thermostat", "light.lamp", PLUG, "water_heater.boiler"]
    assert await pause(live.hass, *on, "switch.idle") == {
        "paused": on,
        "not_paused": [{"entity_id": "switch.idle", "reason": "already_off"}],
    }
    assert {live.state(one) for one in on} == {"off"}
    await end(live, provider)
    assert [live.state(one) for one in on] == ["heat", "on", "on", "timed"]
    assert live.state("switch.idle") == "off"
    assert thermostat.target_temperature == 21
    assert (lamp.rgb_color, lamp.brightness) == ((255, 0, 0), 77)
    assert (plug.commands, idle.commands) == (["off", "on"], [])
    assert boiler.commands == ["off", "timed"]


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
    short.report(is_on=False)
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
    assert (live.state("climate.thermostat"), thermostat.target_temperature) == ("heat", 21)
    assert thermostat.commands[0] == "off"
    assert "off" not in thermostat.commands[1:]


async def test_turned_on_by_hand(live: Home, provider: Provider) -> None:
    """A device turned on by hand while it is held stays on."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    plug.report(is_on=True)
    await live.pass_time(40 * MINUTE, step=30)
    assert plug.commands == ["off"]
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
    assert plug.commands == ["off", "on", "off"]


async def test_echo(live: Home, provider: Provider) -> None:
    """A stale report just after the command is no takeover."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(10)
    plug.report(is_on=True)
    plug.report(is_on=False)
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
    plug.report(is_on=False)
    await live.pass_time(MINUTE)
    assert live.state(PLUG) == "on"
    assert plug.commands[-2:] == ["on", "on"]


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
    tries = plug.commands.count("on")
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
    thermostat.report(hvac_mode="heat")
    await live.settle()
    assert thermostat.target_temperature == 7
    thermostat.obeys = True
    await live.pass_time(MINUTE)
    assert thermostat.target_temperature == 21


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
    assert plug.commands == ["off", "on"]


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
    await restart(live, lambda: other.report(is_on=True))
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
    assert boiler.commands == ["off"]
    assert repairs(live.hass) == [issue_id_of("water_heater.boiler")]


async def test_hanging_device(live: Home, provider: Provider) -> None:
    """A hanging device does not block the others, nor the action for more than 30 s."""
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other"))

    go_on = asyncio.Event()

    async def hang(**kwargs: Any) -> None:
        """Hang."""
        await go_on.wait()

    plug.async_turn_off = hang  # type: ignore[method-assign]
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
    assert other.commands == ["off"]
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
    assert plug.commands == ["off", "on"]


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
    assert (live.live, plug.commands) == ("on", ["off"])


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
    assert plug.commands == ["off"]
    assert other.commands == ["off", "on"]


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
    assert plug.commands == ["off", "on"]


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
    assert (home.state("climate.thermostat"), thermostat.target_temperature) == ("heat", 21)


async def test_overlapping_calls(live: Home, provider: Provider) -> None:
    """Concurrent calls store the state of a device once."""
    (plug,) = await install(live.hass, Plug("Plug"))
    calls = [live.hass.async_create_task(pause(live.hass, PLUG)) for _ in range(3)]
    await live.settle()
    assert [call.result()["paused"] for call in calls] == [[PLUG]] * 3
    await end(live, provider)
    assert plug.commands == ["off", "on"]


async def test_ends_while_pausing(live: Home, provider: Provider, push: Push) -> None:
    """A device that turns off just after the end is restored."""
    (plug,) = await install(live.hass, Plug("Plug"))
    turn_off = plug.async_turn_off

    async def slow(**kwargs: Any) -> None:
        """End the equivent in the middle of the command."""
        await live.hass.services.async_call(DOMAIN, "restore", {}, blocking=True)
        await turn_off(**kwargs)

    plug.async_turn_off = slow  # type: ignore[method-assign]
    await pause(live.hass, PLUG)
    await live.pass_time(2 * MINUTE)
    assert plug.commands == ["on", "off", "on"]
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
    assert other.commands == ["off", "on"]
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
    plug.report(is_on=False)
    assert (await pause(live.hass, PLUG))["paused"] == []
    assert f"{DOMAIN}.held_devices" not in hass_storage
    assert other.commands == []


async def test_removed_while_pausing(live: Home, provider: Provider) -> None:
    """A device can be removed at any moment of a pause."""
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other"))
    registry = er.async_get(live.hass)

    def vanish(entity_id: str) -> Any:
        """Return a command handler that removes a device halfway."""

        def command(what: str) -> bool:
            """Obey, unless this is the device to remove."""
            registry.async_remove(entity_id)
            return entity_id == PLUG

        return command

    other.command = vanish(PLUG)  # type: ignore[method-assign]
    assert await pause(live.hass, PLUG, "switch.other") == {
        "paused": ["switch.other"],
        "not_paused": [{"entity_id": PLUG, "reason": "failed"}],
    }
    other.command = vanish("switch.other")  # type: ignore[method-assign]
    await end(live, provider)
    await live.pass_time(2 * MINUTE)
    assert plug.commands == []
    assert live.hass.states.get("switch.other") is None


async def test_every_domain(live: Home, provider: Provider) -> None:
    """Devices of all domains are paused and restored."""
    assert await async_setup_component(live.hass, "input_boolean", {"input_boolean": {"one": None}})
    on = {"entity_id": "input_boolean.one"}
    await live.hass.services.async_call("input_boolean", "turn_on", on, blocking=True)
    fan, player, humidifier, remote = await install(
        live.hass, Ventilator("One"), Player("One"), Humidifier("One"), Remote("One")
    )
    fan.report(percentage=66)
    domains = ("fan", "humidifier", "input_boolean", "media_player", "remote")
    names = [f"{domain}.one" for domain in domains]
    assert (await pause(live.hass, *names))["paused"] == names
    assert {live.state(name) for name in names} == {"off"}
    await end(live, provider)
    assert [live.state(name) for name in names] == ["on", "on", "on", "on", "on"]
    assert fan.percentage == 66
    assert player.commands == humidifier.commands == remote.commands == ["off", "on"]


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
        patch("homeassistant.helpers.storage.Store._async_write_data", side_effect=fail),
        pytest.raises(HomeAssistantError, match="Nothing was changed"),
    ):
        await pause(live.hass, *names, max_duration={"minutes": 1})
    await live.pass_time(2 * MINUTE)
    assert (plug.commands, other.commands) == ([], ["off"])
    await end(live, provider)
    assert (plug.commands, other.commands) == ([], ["off", "on"])


async def test_paused_again_during_command(live: Home) -> None:
    """Both calls wait for the same command and return its result."""
    (plug,) = await install(live.hass, Plug("Plug"))
    turn_off, answer = plug.async_turn_off, asyncio.Event()

    async def slow(**kwargs: Any) -> None:
        """Obey when released."""
        await answer.wait()
        await turn_off(**kwargs)

    plug.async_turn_off = slow  # type: ignore[method-assign]
    calls = [live.hass.async_create_task(pause(live.hass, PLUG)) for _ in range(2)]
    for _ in range(100):
        await asyncio.sleep(0)
    assert not any(call.done() for call in calls)
    answer.set()
    await live.settle()
    assert [call.result()["paused"] for call in calls] == [[PLUG]] * 2
    assert plug.commands == ["off"]


async def test_disabled_over_a_restart(live: Home, provider: Provider) -> None:
    """A device held when its entry was disabled is restored once it is available."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, PLUG)
    await live.pass_time(MINUTE)
    assert await live.hass.config_entries.async_unload(live.entry.entry_id)
    await disable(live)
    provider.end(NOW, live.now)
    await live.pass_time(2 * MINUTE)
    assert plug.commands == ["off"]
    await live.hass.config_entries.async_set_disabled_by(live.entry.entry_id, None)
    await live.poll()
    assert plug.commands == ["off", "on"]


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
    assert plug.commands == ["off", "on"]


async def test_skipped_while_writing(live: Home) -> None:
    """A pause during a skip is restored at once."""
    (plug,) = await install(live.hass, Plug("Plug"))
    with SlowDisk() as disk:
        call = asyncio.create_task(pause(live.hass, PLUG))
        await until(disk.begun.is_set)
        await live.hass.services.async_call(
            "switch", "turn_on", {"entity_id": "switch.equiwatt_skip"}, blocking=True
        )
        disk.go_on.set()
        await call
    await live.pass_time(5)
    assert live.state(PLUG) == "on"
    assert plug.commands[-1] == "on"


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
