"""Test the actions: their fields, errors and responses."""

import asyncio
from datetime import timedelta
import json
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.test_util.aiohttp import (
    AiohttpClientMocker,
    AiohttpClientMockResponse,
)
import voluptuous as vol
from yarl import URL

from custom_components import equiwatt
from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.holding.manager import REPORT_TIMEOUT
from custom_components.equiwatt.services import SET_UP_SECONDS
from custom_components.equiwatt.storage import StorageFile
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import Context, CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import area_registry as ar, entity_registry as er, label_registry as lr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM

from .conftest import Push
from .fakes.actions import add_scenes, apply_scene, simulate
from .fakes.devices.entities import install
from .fakes.devices.kinds import KINDS
from .fakes.devices.pretend import Boiler, Nature, Plug, Thermostat
from .fakes.home import NOW, Home, add_entry
from .fakes.provider import API_URL, Provider

FOLDER = Path(equiwatt.__file__).parent
MESSAGES = json.loads((FOLDER / "translations" / "en.json").read_text())["exceptions"]
HOUR = timedelta(hours=1)
MINUTE = 60
PLUG = "switch.plug"
OTHER = {"switch.other"}


async def pause(
    hass: HomeAssistant, context: Context | None = None, respond: bool = False, **data: Any
) -> Any:
    """Pause devices."""
    return await hass.services.async_call(
        DOMAIN, "pause", data, blocking=True, return_response=respond, context=context
    )


def are_tests(home: Home) -> list[bool]:
    """Return the attribute `test` of each event."""
    states = [event.data["new_state"] for event in home.changes]
    events = {
        state.state: state.attributes["test"]
        for state in states
        if state and state.entity_id.startswith("event.") and "test" in state.attributes
    }
    return list(events.values())


async def calendar(home: Home) -> list[Any]:
    """Return all calendar events."""
    answer = await home.hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": "calendar.equiwatt_equivents",
            "start_date_time": NOW - 24 * HOUR,
            "end_date_time": NOW + 24 * HOUR,
        },
        blocking=True,
        return_response=True,
    )
    events: list[Any] = answer["calendar.equiwatt_equivents"]["events"]  # type: ignore[call-overload,index,assignment]
    return events


async def test_rehearsal(home: Home, provider: Provider) -> None:
    """A rehearsal starts and ends like an equivent, and is not remembered."""
    await home.setup()
    await simulate(home.hass)
    await home.settle()
    assert home.live == "on"
    assert home.edges == [("started", "simulation")]
    start = dt_util.parse_datetime(home.state("sensor.equiwatt_current_start"))
    end = dt_util.parse_datetime(home.state("sensor.equiwatt_current_end"))
    assert start
    assert end == start + timedelta(minutes=5)
    await home.pass_time(5 * MINUTE - 5)
    assert home.live == "on"
    await home.pass_time(10)
    assert home.live == "off"
    assert home.edges == [("started", "simulation"), ("ended", "simulation")]
    assert are_tests(home) == [True, True]
    assert home.state("sensor.equiwatt_last_start") == "unknown"
    assert await calendar(home) == []


async def test_rehearsal_pauses(home: Home, provider: Provider) -> None:
    """Devices are paused and restored in a rehearsal."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await simulate(home.hass, duration={"seconds": 10})
    await pause(home.hass, entity_id=PLUG)
    await home.pass_time(15)
    assert plug.commands == ["turn_off", "turn_on"]


async def test_rehearsal_moves_its_end(home: Home) -> None:
    """Calling the action again moves the end without another start."""
    await home.setup()
    await simulate(home.hass, duration={"minutes": 1})
    await home.pass_time(30)
    await simulate(home.hass, duration={"minutes": 10})
    await home.pass_time(5 * MINUTE)
    assert home.live == "on"
    await simulate(home.hass, duration={"seconds": 10})
    await home.pass_time(15)
    assert home.live == "off"
    assert home.edges == [("started", "simulation"), ("ended", "simulation")]


@pytest.mark.parametrize("by", ["api", "webhook", "plan"])
async def test_equivent_replaces_rehearsal(
    home: Home, provider: Provider, push: Push, by: str
) -> None:
    """An equivent takes over without a second start, and ends as a real one."""
    if by == "plan":
        provider.start(NOW + timedelta(minutes=1), NOW + HOUR)
    await home.setup()
    await simulate(home.hass, duration={"minutes": 3})
    await home.pass_time(45)
    start = home.now
    if by == "api":
        provider.start(start, start + HOUR)
        await home.poll()
    elif by == "webhook":
        await push("?event=started")
        provider.start(start, start + HOUR)
    await home.pass_time(5 * MINUTE)
    assert home.live == "on"
    assert home.edges == [("started", "simulation")]
    provider.end(start if by != "plan" else NOW + timedelta(minutes=1), home.now)
    await home.poll()
    assert home.live == "off"
    assert home.edges == [("started", "simulation"), ("ended", "api")]
    assert are_tests(home) == [True, False]
    assert home.state("sensor.equiwatt_last_start") != "unknown"


async def test_equivent_after_rehearsal(home: Home, provider: Provider) -> None:
    """An equivent just after a rehearsal is not hidden by it."""
    await home.setup()
    await simulate(home.hass, duration={"seconds": 10})
    await home.pass_time(15)
    provider.start(NOW + timedelta(seconds=5), None)
    await home.poll()
    assert [kind for kind, _ in home.edges] == ["started", "ended", "started"]
    assert are_tests(home) == [True, True, False]


async def test_rehearsal_outlasts_answers_and_calls(
    home: Home, provider: Provider, push: Push
) -> None:
    """Neither answers nor a late call end a rehearsal."""
    provider.end(NOW - HOUR, NOW - timedelta(minutes=5))
    await home.setup()
    await simulate(home.hass, duration={"minutes": 10})
    await push("?event=ended")
    await home.pass_time(9 * MINUTE)
    provider.error = TimeoutError()
    assert home.live == "on"
    await home.pass_time(2 * MINUTE)
    assert home.live == "off"
    assert home.edges == [("started", "simulation"), ("ended", "simulation")]
    assert len(await calendar(home)) == 1


async def test_rehearsal_during_an_outage(home: Home, provider: Provider) -> None:
    """A rehearsal needs no API."""
    await home.setup()
    provider.error = TimeoutError()
    await home.pass_time(20 * MINUTE, step=30)
    assert home.live == "unavailable"
    await simulate(home.hass, duration={"minutes": 1})
    assert home.live == "on"
    await home.pass_time(65)
    assert home.live == "unavailable"
    assert home.edges == [("started", "simulation"), ("ended", "simulation")]


@pytest.mark.parametrize(("minutes", "live"), [(10, "on"), (1, "off")])
async def test_rehearsal_over_a_restart(home: Home, minutes: int, live: str) -> None:
    """A rehearsal continues or ends after a restart, marked as a test."""
    await home.setup()
    await simulate(home.hass, duration={"seconds": 10})
    await simulate(home.hass, duration={"minutes": minutes})
    await home.settle()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.freezer.tick(120)
    home.hass.set_state(CoreState.starting)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    home.hass.set_state(CoreState.running)
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.settle()
    assert home.live == live
    await home.pass_time(9 * MINUTE)
    assert home.edges == [("started", "simulation"), ("ended", "simulation")]
    assert are_tests(home) == [True, True]


async def test_take_over_survives_a_restart(home: Home, provider: Provider) -> None:
    """An equivent that took over is real after a restart during an outage."""
    await home.setup()
    await simulate(home.hass, duration={"minutes": 2})
    provider.start(home.now, home.now + HOUR)
    await home.poll()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    provider.error = TimeoutError()
    home.freezer.tick(180)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert home.live == "on"


@pytest.mark.parametrize("duration", [{"seconds": 9}, {"hours": 6, "seconds": 1}, "soon", -60])
async def test_duration_limits(home: Home, duration: Any) -> None:
    """A duration is between ten seconds and six hours."""
    await home.setup()
    with pytest.raises(vol.Invalid):
        await simulate(home.hass, duration=duration)
    assert home.live == "off"


async def refused(
    call: Any,
    key: str,
    error: type[HomeAssistantError] = ServiceValidationError,
    **placeholders: str,
) -> None:
    """Check that a call raises exactly this class, with the text of a key."""
    with pytest.raises(error) as refusal:
        await call
    assert type(refusal.value) is error
    assert refusal.value.translation_key == key
    if key in MESSAGES:
        message = MESSAGES[key]["message"].format(**placeholders)
        assert str(refusal.value).rstrip(".") == message.rstrip(".")  # truncated in older releases


async def test_nothing_to_rehearse_while_live(home: Home, provider: Provider, push: Push) -> None:
    """A rehearsal is refused while an equivent is live, confirmed or not."""
    await home.setup()
    await push("?event=started")
    await refused(simulate(home.hass), "already_live")
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    await refused(simulate(home.hass), "already_live")


async def test_rehearse_with_other_account_live(home: Home, push: Push) -> None:
    """Accounts with a live equivent are left out of a rehearsal."""
    other = add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    assert other.state is ConfigEntryState.LOADED
    await push("?event=started")
    await simulate(home.hass)
    await home.settle()
    live = home.hass.states.get("binary_sensor.equiwatt_live")
    rehearsed = home.hass.states.get("binary_sensor.equiwatt_live_2")
    assert live
    assert rehearsed
    assert (live.state, live.attributes["rehearsal"]) == ("on", False)
    assert (rehearsed.state, rehearsed.attributes["rehearsal"]) == ("on", True)


async def test_which_account(home: Home) -> None:
    """An unknown or unloaded account is refused, and the default is all of them."""
    await home.setup()
    hass, entry = home.hass, home.entry
    await refused(simulate(hass, config_entry_id="none"), "service_config_entry_not_found")
    other = add_entry(hass, "another-token", "another-webhook")
    await refused(simulate(hass, config_entry_id=other.entry_id), "service_config_entry_not_loaded")
    assert await hass.config_entries.async_setup(other.entry_id)
    await simulate(hass, config_entry_id=other.entry_id)
    await home.settle()
    assert (home.live, home.state("binary_sensor.equiwatt_live_2")) == ("off", "on")
    await simulate(hass, duration={"seconds": 10})
    await home.settle()
    assert (home.live, home.state("binary_sensor.equiwatt_live_2")) == ("on", "on")
    await home.pass_time(15)
    assert (home.live, home.state("binary_sensor.equiwatt_live_2")) == ("off", "off")
    for account in (entry, other):
        await hass.config_entries.async_set_disabled_by(account.entry_id, ConfigEntryDisabler.USER)
    await refused(simulate(hass), "service_found_no_config_entry_for_domain")
    await refused(pause(hass, entity_id=PLUG), "service_found_no_config_entry_for_domain")


async def test_nothing_to_pause_for(home: Home) -> None:
    """A pause without a live equivent is refused and touches nothing."""
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await refused(pause(home.hass, entity_id=PLUG), "nothing_live")
    await refused(
        pause(home.hass, entity_id=PLUG, config_entry_id=home.entry.entry_id), "nothing_live"
    )
    assert plug.commands == []


@pytest.mark.parametrize("action", ["pause", "set_back", "restore"])
async def test_empty_target(live: Home, action: str, subtests: pytest.Subtests) -> None:
    """An empty target is refused and nothing is touched."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await pause(live.hass, entity_id=PLUG)
    targets: list[dict[str, Any]] = [
        {"entity_id": []},
        {"entity_id": "none"},
        {"area_id": [], "label_id": "none"},
        {"area_id": "gone"},
        {"exclude": {"entity_id": PLUG}},
        {"entity_id": [], "exclude": {"area_id": "gone"}},
    ]
    for target in targets:
        with subtests.test(str(target)):
            call = live.hass.services.async_call(DOMAIN, action, target, blocking=True)
            await refused(call, f"nothing_to_{action}")
            assert plug.commands == ["turn_off"]


@pytest.mark.parametrize("action", ["pause", "set_back"])
async def test_missing_target(home: Home, action: str) -> None:
    """A missing target is named in the error, with or without an equivent."""
    await home.setup()
    await refused(
        home.hass.services.async_call(DOMAIN, action, {}, blocking=True), f"nothing_to_{action}"
    )


async def test_no_scene_chosen(live: Home) -> None:
    """An empty list of scenes is refused."""
    await refused(apply_scene(live.hass, entity_id=[]), "nothing_to_apply_scene")


@pytest.mark.parametrize("action", ["apply_scene", "pause", "set_back"])
async def test_longest_duration_limits(live: Home, action: str, subtests: pytest.Subtests) -> None:
    """Nothing is held for longer than six hours."""
    for duration in ({"hours": 6, "seconds": 1}, -60, "soon"):
        data = {"entity_id": "scene.one", "max_duration": duration}
        with subtests.test(str(duration)), pytest.raises(vol.Invalid):
            await live.hass.services.async_call(DOMAIN, action, data, blocking=True)


async def test_degrees_limits(live: Home, subtests: pytest.Subtests) -> None:
    """Heating is turned down by half a degree to ten degrees."""
    for degrees in (0.4, 10.1, -2, "warm", None):
        data = {"entity_id": "climate.one", "degrees": degrees}
        with subtests.test(str(degrees)), pytest.raises(vol.Invalid):
            await live.hass.services.async_call(DOMAIN, "set_back", data, blocking=True)


async def test_while_an_account_is_reloaded(
    live: Home, aioclient_mock: AiohttpClientMocker
) -> None:
    """An action waits for an account that is being reloaded."""
    (plug,) = await install(live.hass, Plug("Plug"))
    answered = asyncio.Event()

    async def answer(method: str, url: URL, data: Any) -> AiohttpClientMockResponse:
        """Return an answer late."""
        await answered.wait()
        return AiohttpClientMockResponse(method, url, **live.provider.reply())

    aioclient_mock.clear_requests()
    aioclient_mock.get(API_URL, side_effect=answer)
    reload = live.hass.config_entries.async_reload(live.entry.entry_id)
    reloading = live.hass.async_create_task(reload)
    pausing = asyncio.ensure_future(pause(live.hass, entity_id=PLUG))
    await asyncio.sleep(0)
    assert live.entry.state is ConfigEntryState.SETUP_IN_PROGRESS
    assert not pausing.done()
    answered.set()
    await pausing
    assert plug.commands == ["turn_off"]
    assert await reloading


async def test_slow_account(live: Home) -> None:
    """An action waits for some seconds only, then acts for the other accounts."""
    other = add_entry(live.hass, "another-token", "another-webhook")
    (plug,) = await install(live.hass, Plug("Plug"))
    async with other.setup_lock:
        pausing = asyncio.ensure_future(pause(live.hass, entity_id=PLUG))
        await live.pass_time(SET_UP_SECONDS - 5)
        assert plug.commands == []
        await live.pass_time(10)
        assert plug.commands == ["turn_off"]
    await pausing


async def test_which_live_account(home: Home) -> None:
    """A pause is for the live account, or the given one."""
    other = add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    (plug,) = await install(home.hass, Plug("Plug"))
    await simulate(home.hass, config_entry_id=other.entry_id, duration={"minutes": 1})
    await refused(
        pause(home.hass, entity_id=PLUG, config_entry_id=home.entry.entry_id), "nothing_live"
    )
    await pause(home.hass, entity_id=PLUG)
    await home.pass_time(65)
    assert plug.commands == ["turn_off", "turn_on"]


async def test_unsupported_devices(live: Home) -> None:
    """An unsupported device is reported, and the others are paused."""
    plug, there = await install(live.hass, Plug("Plug"), Plug("There"))
    await install(live.hass, Thermostat("Thermostat", hvac_modes=["heat"]))
    there.report(available=False)
    names = ["climate.thermostat", PLUG, "sensor.equiwatt_last_end", "switch.there"]
    answer = await pause(live.hass, respond=True, entity_id=[*names, "switch.gone"])
    assert answer == {
        "paused": [PLUG],
        "not_paused": [
            {"entity_id": "climate.thermostat", "reason": "unsupported"},
            {"entity_id": "sensor.equiwatt_last_end", "reason": "unsupported"},
            {"entity_id": "switch.gone", "reason": "not_found"},
            {"entity_id": "switch.there", "reason": "unavailable"},
        ],
    }
    await live.hass.services.async_call("switch", "turn_on", {"entity_id": PLUG}, blocking=True)
    live.freezer.tick(1)
    entities = "climate.thermostat, sensor.equiwatt_last_end"
    await refused(pause(live.hass, entity_id=names), "pause_unsupported", entities=entities)
    await refused(
        pause(live.hass, entity_id=[PLUG, "switch.gone"]), "pause_not_found", entities="switch.gone"
    )
    assert plug.commands[-1] == "turn_off"
    plug.report("on")
    live.freezer.tick(1)
    plug.error = HomeAssistantError("Broken")
    await refused(
        pause(live.hass, entity_id=[PLUG]), "pause_failed", HomeAssistantError, entities=PLUG
    )


async def test_area_with_a_scene(live: Home) -> None:
    """A scene in an area does not include its entities in other areas."""
    await install(live.hass, Plug("Plug"), Plug("Freezer"))
    scene = {"id": "saving", "name": "Saving", "entities": {"switch.freezer": "on"}}
    assert await async_setup_component(live.hass, "scene", {"scene": [scene]})
    await live.settle()
    area = ar.async_get(live.hass).async_create("Kitchen")
    for entity_id in (PLUG, "scene.saving"):
        er.async_get(live.hass).async_update_entity(entity_id, area_id=area.id)
    outcome = await pause(live.hass, respond=True, area_id=area.id)
    assert outcome == {"paused": [PLUG], "not_paused": []}
    assert live.state("switch.freezer") == "on"
    await pause(live.hass, entity_id=["switch.freezer"])
    await live.hass.services.async_call(DOMAIN, "restore", {"area_id": area.id}, blocking=True)
    await live.pass_time(60)
    assert (live.state(PLUG), live.state("switch.freezer")) == ("on", "off")


async def test_areas_labels_and_devices(live: Home) -> None:
    """Supported devices in an area or with a label are paused, and others ignored."""
    await install(live.hass, Plug("Plug"), Plug("Other"), Plug("Third"))
    area = ar.async_get(live.hass).async_create("Kitchen")
    label = lr.async_get(live.hass).async_create("Equivent")
    registry = er.async_get(live.hass)
    registry.async_update_entity(PLUG, area_id=area.id)
    registry.async_update_entity("sensor.equiwatt_last_end", area_id=area.id)
    registry.async_update_entity("switch.other", labels={label.label_id})
    answer = await pause(
        live.hass, respond=True, area_id=area.id, label_id=label.label_id, max_duration=60
    )
    assert answer == {"paused": ["switch.other", PLUG], "not_paused": []}
    (device,) = {
        entry.device_id
        for entry in er.async_entries_for_config_entry(registry, live.entry.entry_id)
    }
    await refused(pause(live.hass, device_id=device), "nothing_to_pause")
    assert await pause(live.hass, respond=True, entity_id="switch.equiwatt_skip") == {
        "paused": [],
        "not_paused": [{"entity_id": "switch.equiwatt_skip", "reason": "unsupported"}],
    }
    registry.async_update_entity("switch.third", device_id=device)
    answer = await pause(live.hass, respond=True, device_id=device)
    assert answer == {"paused": ["switch.third"], "not_paused": []}


async def add_group(hass: HomeAssistant, name: str, members: list[str]) -> None:
    """Add a group of switches."""
    options = {"group_type": "switch", "name": name, "entities": members, "hide_members": False}
    helper = MockConfigEntry(domain="group", title=name, options=options)
    helper.add_to_hass(hass)
    assert await hass.config_entries.async_setup(helper.entry_id)
    await hass.async_block_till_done()


async def test_groups(live: Home) -> None:
    """The members of a group are paused, also of a group in a group."""
    plug, idle = await install(live.hass, Plug("Plug"), Plug("Idle"))
    idle.report("off")
    members = [PLUG, "switch.idle"]
    groups = {"heating": {"entities": members}, "home": {"entities": ["group.heating"]}}
    assert await async_setup_component(live.hass, "group", {"group": groups})
    await add_group(live.hass, "All", members)
    for group in ("group.heating", "switch.all", "group.home"):
        assert await pause(live.hass, respond=True, entity_id=group) == {
            "paused": [PLUG],
            "not_paused": [{"entity_id": "switch.idle", "reason": "already_off"}],
        }
    await simulate_end(live)
    assert plug.commands == ["turn_off", "turn_on"]
    assert idle.commands == []


async def simulate_end(home: Home) -> None:
    """End the equivent and wait until after its planned end."""
    home.provider.end(NOW, NOW + HOUR)
    await home.pass_time(HOUR.total_seconds() + 60, step=60)


async def test_permissions(
    live: Home, hass_read_only_user: MockUser, hass_admin_user: MockUser
) -> None:
    """A user without permission to control a device cannot pause it."""
    (plug,) = await install(live.hass, Plug("Plug"))
    with pytest.raises(Unauthorized):
        await pause(live.hass, Context(user_id=hass_read_only_user.id), entity_id=PLUG)
    with pytest.raises(Unauthorized):
        await pause(live.hass, Context(user_id="nobody"), entity_id=PLUG)
    assert plug.commands == []
    await pause(live.hass, Context(user_id=hass_admin_user.id), entity_id=PLUG)
    assert plug.commands == ["turn_off"]


async def test_who_may_rehearse(
    home: Home, hass_read_only_user: MockUser, hass_admin_user: MockUser
) -> None:
    """A read-only user cannot rehearse, as that runs automations."""
    await home.setup()
    for user_id in (hass_read_only_user.id, "nobody"):
        with pytest.raises(Unauthorized):
            await simulate(home.hass, context=Context(user_id=user_id))
    assert home.live == "off"
    await simulate(home.hass, context=Context(user_id=hass_admin_user.id))
    assert home.live == "on"


async def set_back(hass: HomeAssistant, respond: bool = True, **data: Any) -> Any:
    """Turn heating down and return the response of the action."""
    return await hass.services.async_call(
        DOMAIN, "set_back", data, blocking=True, return_response=respond
    )


RANGE = ("target_temp_low", "target_temp_high")


async def test_set_back(live: Home) -> None:
    """Heating goes down by two degrees until the end, and no further by a second call."""
    thermostat, tank, between = await install(
        live.hass,
        Thermostat("Thermostat"),
        Boiler("Tank", state="eco", temperature=50.0),
        KINDS["thermostat with two setpoints"]("Range"),
    )
    chosen = ["climate.range", "climate.thermostat", "water_heater.tank"]
    for _ in range(2):
        assert await set_back(live.hass, entity_id=chosen) == {
            "set_back": chosen,
            "not_set_back": [],
        }
        assert (thermostat.temperature, tank.temperature) == (19, 48)
        assert between.pick(*RANGE) == {"target_temp_low": 16, "target_temp_high": 26}
    await live.pass_time(2 * MINUTE)
    await simulate_end(live)
    assert (thermostat.temperature, tank.temperature) == (21, 50)
    assert between.pick(*RANGE) == {"target_temp_low": 18, "target_temp_high": 24}
    assert thermostat.commands == [
        f"set_temperature temperature={degrees}.0" for degrees in (19, 21)
    ]


async def test_set_back_options(live: Home) -> None:
    """The degrees and the longest duration are those of the call."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    ten = {"minutes": 10}
    await set_back(live.hass, entity_id="climate.thermostat", degrees=0.5, max_duration=ten)
    assert thermostat.temperature == 20.5
    await live.pass_time(11 * MINUTE)
    assert thermostat.temperature == 21


async def test_set_back_in_fahrenheit(live: Home) -> None:
    """The degrees are in Home Assistant's unit, not the device's."""
    live.hass.config.units = US_CUSTOMARY_SYSTEM
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    thermostat.report(temperature=20.0)
    await set_back(live.hass, entity_id="climate.thermostat", degrees=9)
    state = live.hass.states.get("climate.thermostat")
    assert state
    assert (state.attributes["temperature"], thermostat.temperature) == (59, 15)
    await live.pass_time(2 * MINUTE)
    await simulate_end(live)
    assert thermostat.temperature == 20


async def test_set_back_refused(live: Home) -> None:
    """Devices that are off, in a schedule or without a temperature are not changed."""
    off, auto, dry, away, heat = await install(
        live.hass, *(Thermostat(name) for name in ("Off", "Auto", "Dry", "Away", "Heat"))
    )
    await install(live.hass, Plug("Plug"))
    off.report("off")
    auto.report("auto")
    dry.report("dry")
    away.report(available=False)
    reasons = {
        "climate.auto": "in_schedule",
        "climate.away": "unavailable",
        "climate.dry": "no_temperature",
        "climate.nowhere": "not_found",
        "climate.off": "already_off",
        "switch.plug": "unsupported",
    }
    answer = await set_back(live.hass, entity_id=[*reasons, "climate.heat"])
    assert answer["set_back"] == ["climate.heat"]
    assert {device["entity_id"]: device["reason"] for device in answer["not_set_back"]} == reasons
    for chosen, reason in ((PLUG, "unsupported"), ("climate.nowhere", "not_found")):
        call = set_back(live.hass, respond=False, entity_id=[chosen, "climate.heat"])
        await refused(call, f"set_back_{reason}", entities=chosen)
    assert await set_back(live.hass, respond=False, entity_id="climate.off") is None
    away.report(available=True)
    await live.settle()
    assert [thermostat.temperature for thermostat in (off, auto, dry, away, heat)] == [
        21,
        21,
        21,
        19,
        19,
    ]
    assert [thermostat.commands for thermostat in (off, auto, dry)] == [[], [], []]


async def test_set_back_fails(live: Home) -> None:
    """A thermostat that fails is reported, and the others are turned down."""
    broken, well = await install(live.hass, Thermostat("Broken"), Thermostat("Well"))
    broken.error = HomeAssistantError("Broken")
    call = set_back(live.hass, respond=False, entity_id=["climate.broken", "climate.well"])
    await refused(call, "set_back_failed", HomeAssistantError, entities="climate.broken")
    assert well.temperature == 19


async def test_set_back_area(live: Home) -> None:
    """Thermostats and water heaters in an area are turned down, and nothing else."""
    plug, thermostat, boiler = await install(
        live.hass, Plug("Plug"), Thermostat("Thermostat"), Boiler("Boiler", supported_features=2)
    )
    area = ar.async_get(live.hass).async_create("Kitchen")
    for entity_id in (PLUG, "climate.thermostat", "water_heater.boiler"):
        er.async_get(live.hass).async_update_entity(entity_id, area_id=area.id)
    answer = await set_back(live.hass, area_id=area.id)
    assert answer == {"set_back": ["climate.thermostat"], "not_set_back": []}
    excluded = {"entity_id": "climate.thermostat"}
    await refused(set_back(live.hass, area_id=area.id, exclude=excluded), "nothing_to_set_back")
    assert (plug.commands, boiler.commands) == ([], [])
    assert thermostat.temperature == 19


COOLER = {"state": "heat", "temperature": 19}


async def test_scene(live: Home, provider: Provider) -> None:
    """The entities of a scene are held and restored, also those that it turned on."""
    thermostat, plug = await install(live.hass, Thermostat("Thermostat"), Plug("Plug"))
    plug.report("off")
    live.hass.states.async_set("sensor.one", "5")
    await add_scenes(live, Eco={"climate.thermostat": COOLER, PLUG: "on", "sensor.one": "6"})
    assert await apply_scene(live.hass, entity_id="scene.eco") == {
        "applied": ["scene.eco"],
        "not_applied": [],
        "held": ["climate.thermostat", PLUG],
        "not_held": [{"entity_id": "sensor.one", "reason": "unsupported"}],
    }
    await live.pass_time(2 * MINUTE)
    assert (thermostat.temperature, live.state(PLUG)) == (19, "on")
    assert live.state("sensor.equiwatt_held_devices") == "2"
    await simulate_end(live)
    assert (thermostat.temperature, live.state(PLUG)) == (21, "off")


async def test_scene_after_pause(live: Home) -> None:
    """The state before the pause is restored, and the latest call is wanted."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await add_scenes(live, Eco={"climate.thermostat": COOLER})
    await pause(live.hass, entity_id="climate.thermostat")
    await live.pass_time(MINUTE)
    await apply_scene(live.hass, entity_id="scene.eco", max_duration={"minutes": 10})
    await live.pass_time(2 * MINUTE)
    assert (live.state("climate.thermostat"), thermostat.temperature) == ("heat", 19)
    await live.pass_time(9 * MINUTE)
    assert (live.state("climate.thermostat"), thermostat.temperature) == ("heat", 21)


async def test_scene_taken_over(live: Home) -> None:
    """A change by a person after the scene is kept."""
    (thermostat,) = await install(live.hass, Thermostat("Thermostat"))
    await add_scenes(live, Eco={"climate.thermostat": COOLER})
    await apply_scene(live.hass, entity_id="scene.eco")
    await live.pass_time(2 * MINUTE)
    warmer = {"entity_id": "climate.thermostat", "temperature": 23}
    await live.hass.services.async_call(
        "climate", "set_temperature", warmer, blocking=True, context=Context(parent_id="01OTHER")
    )
    await simulate_end(live)
    assert thermostat.temperature == 23


async def test_not_a_scene(live: Home) -> None:
    """A scene without entities and another entity are refused, and other scenes applied."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await add_scenes(live, Off={PLUG: "off"})
    live.hass.states.async_set("scene.of_a_hub", "unknown")
    chosen = ["scene.gone", "scene.of_a_hub", "scene.off", PLUG]
    answer = await apply_scene(live.hass, entity_id=chosen)
    assert (answer["applied"], answer["held"]) == (["scene.off"], [PLUG])
    assert answer["not_applied"] == [
        {"entity_id": "scene.gone", "reason": "not_found"},
        {"entity_id": "scene.of_a_hub", "reason": "unsupported"},
        {"entity_id": PLUG, "reason": "unsupported"},
    ]
    assert plug.commands == ["turn_off"]
    hub = apply_scene(live.hass, respond=False, entity_id="scene.of_a_hub")
    await refused(hub, "apply_scene_unsupported", entities="scene.of_a_hub")
    assert await apply_scene(live.hass, respond=False, entity_id="scene.off") is None


async def test_scene_fails(live: Home) -> None:
    """A scene with a failing device is reported, and the device is restored.

    Another device that obeys has not failed, however late it reports.
    """
    plug, other = await install(live.hass, Plug("Plug"), Plug("Other", Nature(reports_after=20)))
    await add_scenes(live, Off={PLUG: "off", "switch.other": "off", "switch.gone": "off"})
    plug.error = HomeAssistantError("Broken")
    call = asyncio.create_task(apply_scene(live.hass, entity_id="scene.off"))
    await live.pass_time(REPORT_TIMEOUT + 5)
    assert await call == {
        "applied": [],
        "not_applied": [{"entity_id": "scene.off", "reason": "failed"}],
        "held": ["switch.other"],
        "not_held": [
            {"entity_id": "switch.gone", "reason": "not_found"},
            {"entity_id": PLUG, "reason": "failed"},
        ],
    }
    plug.error = None
    await simulate_end(live)
    assert (live.state(PLUG), live.state("switch.other")) == ("on", "on")
    assert other.commands[-1] == "turn_on"


async def test_skipped_scene(live: Home) -> None:
    """A scene is not applied during a skipped equivent."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await add_scenes(live, Off={PLUG: "off"})
    skip = {"entity_id": "switch.equiwatt_skip"}
    await live.hass.services.async_call("switch", "turn_on", skip, blocking=True)
    assert await apply_scene(live.hass, entity_id="scene.off") == {
        "applied": [],
        "not_applied": [{"entity_id": "scene.off", "reason": "skipped"}],
        "held": [],
        "not_held": [{"entity_id": PLUG, "reason": "skipped"}],
    }
    await apply_scene(live.hass, respond=False, entity_id="scene.off")
    await pause(live.hass, entity_id=PLUG)
    assert plug.commands == []


async def restore(hass: HomeAssistant, context: Context | None = None, **data: Any) -> None:
    """Restore held devices."""
    await hass.services.async_call(DOMAIN, "restore", data, blocking=True, context=context)
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.mark.parametrize("everything", [{}, {"entity_id": "all"}])
async def test_restore(live: Home, everything: dict[str, Any]) -> None:
    """The given devices are restored, or all; other devices are ignored."""
    plug, other, third = await install(live.hass, Plug("Plug"), Plug("Other"), Plug("Third"))
    third.report("off")
    await restore(live.hass)
    await pause(live.hass, entity_id=[PLUG, "switch.other"])
    await live.pass_time(MINUTE)
    members = {"group": {"all": {"entities": [PLUG, "switch.third"]}}}
    assert await async_setup_component(live.hass, "group", members)
    await live.settle()
    await restore(live.hass, entity_id="group.all")
    assert (live.state(PLUG), live.state("switch.other")) == ("on", "off")
    await restore(live.hass, **everything)
    await live.settle()
    assert live.state("switch.other") == "on"
    assert plug.commands == other.commands == ["turn_off", "turn_on"]
    assert third.commands == []


async def hold_kitchen(home: Home) -> str:
    """Pause three plugs and return the kitchen's area id, which contains one of them.

    A group of the two others is in the study.
    """
    await install(home.hass, Plug("Plug"), Plug("Other"), Plug("Third"))
    groups = {"group": {"some": {"entities": [PLUG, "switch.other"]}}}
    assert await async_setup_component(home.hass, "group", groups)
    await add_group(home.hass, "Pair", ["switch.other", "switch.third"])
    area = ar.async_get(home.hass).async_create("Kitchen")
    study = ar.async_get(home.hass).async_create("Study")
    er.async_get(home.hass).async_update_entity(PLUG, area_id=area.id)
    er.async_get(home.hass).async_update_entity("switch.pair", area_id=study.id)
    await pause(home.hass, entity_id=[PLUG, "switch.other", "switch.third"])
    await home.settle()
    return area.id


@pytest.mark.parametrize(
    ("chosen", "excluded", "restored"),
    [
        ({"entity_id": "all"}, {"entity_id": [PLUG]}, {"switch.other", "switch.third"}),
        ({"entity_id": "all"}, {"area_id": "kitchen"}, {"switch.other", "switch.third"}),
        ({"entity_id": "all"}, {"entity_id": ["group.some"]}, {"switch.third"}),
        ({"entity_id": "all"}, {"area_id": ["kitchen"], "entity_id": "switch.third"}, OTHER),
        ({"entity_id": ["group.some"]}, {"entity_id": PLUG}, OTHER),
        ({"area_id": "kitchen", "entity_id": "switch.other"}, {"area_id": "kitchen"}, OTHER),
        ({"entity_id": "all"}, {"area_id": "study"}, {PLUG}),
        ({"area_id": "study"}, {"entity_id": "switch.third"}, OTHER),
        ({"area_id": "kitchen"}, {"area_id": "kitchen"}, set()),
        ({"area_id": "kitchen"}, {"area_id": "gone"}, {PLUG}),
        ({"area_id": "kitchen"}, {}, {PLUG}),
        ({"area_id": "kitchen"}, {"entity_id": []}, {PLUG}),
    ],
)
async def test_restore_exclude(
    live: Home, chosen: dict[str, Any], excluded: dict[str, Any], restored: set[str]
) -> None:
    """Excluded devices stay held, with any kind of target."""
    assert await hold_kitchen(live) == "kitchen"
    await restore(live.hass, **chosen, exclude=excluded)
    await live.settle()
    plugs = {PLUG, "switch.other", "switch.third"}
    assert {entity_id for entity_id in plugs if live.state(entity_id) == "on"} == restored


async def test_pause_exclude(live: Home) -> None:
    """Excluded devices are not paused, and a target without any others is refused."""
    area_id = await hold_kitchen(live)
    await restore(live.hass)
    await live.settle()
    excluded = {"entity_id": PLUG}
    answer = await pause(live.hass, respond=True, entity_id="group.some", exclude=excluded)
    assert answer == {"paused": ["switch.other"], "not_paused": []}
    await refused(pause(live.hass, area_id=area_id, exclude=excluded), "nothing_to_pause")


@pytest.mark.parametrize(
    "exclude", [{"entity_id": "all"}, {"exclude": {"entity_id": PLUG}}, "switch.plug", None]
)
async def test_invalid_exclude(live: Home, exclude: Any) -> None:
    """An exclusion that Home Assistant does not know is refused."""
    with pytest.raises(vol.Invalid):
        await restore(live.hass, entity_id="all", exclude=exclude)


async def test_permissions_without_entity(
    live: Home, hass_read_only_user: MockUser, hass_admin_user: MockUser
) -> None:
    """An action without an entity needs the permission for all."""
    with pytest.raises(Unauthorized):
        await restore(live.hass, Context(user_id=hass_read_only_user.id))
    await restore(live.hass, Context(user_id=hass_admin_user.id))


async def test_read_only_user(live: Home, hass_read_only_user: MockUser) -> None:
    """A read-only user cannot apply scenes, restore or take part."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await add_scenes(live, Off={PLUG: "off"})
    await pause(live.hass, entity_id=PLUG)
    context = Context(user_id=hass_read_only_user.id)
    with pytest.raises(Unauthorized):
        await apply_scene(live.hass, context, entity_id="scene.off")
    with pytest.raises(Unauthorized):
        await restore(live.hass, context)
    with pytest.raises(Unauthorized):
        await live.hass.services.async_call(
            DOMAIN, "take_part", {"participant": "me"}, blocking=True, context=context
        )
    assert plug.commands == ["turn_off"]


async def test_unloaded_while_joining(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account unloaded while another's participant is written raises no error."""
    other = add_entry(home.hass, "another-token", "another-webhook")
    await home.setup()
    await simulate(home.hass)
    await home.settle()
    write = StorageFile._async_save

    async def write_slowly(store: StorageFile, data: dict[str, Any]) -> None:
        """Unload the other account meanwhile."""
        if other.state is ConfigEntryState.LOADED:
            assert await home.hass.config_entries.async_unload(other.entry_id)
        await write(store, data)

    monkeypatch.setattr(StorageFile, "_async_save", write_slowly)
    data = {"participant": "me"}
    answer = await home.hass.services.async_call(DOMAIN, "take_part", data, True, None, None, True)
    assert (answer, other.state) == ({"taking_part": True}, ConfigEntryState.NOT_LOADED)


async def test_permissions_come_first(home: Home, hass_read_only_user: MockUser) -> None:
    """A caller without permission is refused for that, whether an equivent is live or not."""
    await install(home.hass, Plug("Plug"))
    await add_scenes(home, Off={PLUG: "off"})
    await home.setup()
    context = Context(user_id=hass_read_only_user.id)
    for action, data in (
        ("apply_scene", {"entity_id": "scene.off"}),
        ("pause", {"entity_id": PLUG}),
        ("take_part", {"participant": "me"}),
    ):
        with pytest.raises(Unauthorized):
            await home.hass.services.async_call(DOMAIN, action, data, True, context)
    home.provider.start(NOW, NOW + HOUR)
    await home.poll()
    assert home.live == "on"
    with pytest.raises(Unauthorized):
        await simulate(home.hass, context)


async def test_permissions_of_scene_members(live: Home, hass_read_only_user: MockUser) -> None:
    """The permission for a scene does not include its entities."""
    (plug,) = await install(live.hass, Plug("Plug"))
    await add_scenes(live, Off={PLUG: "off"})
    hass_read_only_user.mock_policy({"entities": {"entity_ids": {"scene.off": True}}})
    context = Context(user_id=hass_read_only_user.id)
    with pytest.raises(Unauthorized):
        await apply_scene(live.hass, context, entity_id="scene.off")
    assert plug.commands == []
    hass_read_only_user.mock_policy({"entities": {"entity_ids": {"scene.off": True, PLUG: True}}})
    await apply_scene(live.hass, context, entity_id="scene.off")
    assert plug.commands == ["turn_off"]
