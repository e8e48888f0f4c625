"""Test the sensors of the meter."""

from functools import partial

from pytest_homeassistant_custom_component.common import async_capture_events
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from homeassistant.components.recorder.history import get_significant_states
from homeassistant.core import State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance

from .home import FIGURES, START, MeteredHome


async def test_attributes(home: MeteredHome) -> None:
    """The attributes with the details, the same on each sensor."""
    await home.setup_with_meter()
    await home.start()
    await home.move_to("17:21")
    told = home.sensor("saving").attributes
    assert told["unit_of_measurement"] == "kWh"
    assert told["device_class"] == "energy"
    assert "state_class" not in told
    expected = {
        "start": "2026-11-24T17:00:00+00:00",
        "end": "2026-11-24T18:00:00+00:00",
        "half_hours": [
            {"start": "2026-11-24T17:00:00+00:00", "usual": 0.4, "used": 0.14},
            {"start": "2026-11-24T17:30:00+00:00", "usual": 0.5, "used": None},
        ],
        "days_used": 7,
        "days_wanted": 10,
        "lowest_day": 0.78,
        "highest_day": 1.0,
        "lower_than": 7,
        "so_far": 0.27,
        "approximate": False,
        "final": False,
        "measured_until": "2026-11-24T17:20:00+00:00",
        "reason": None,
    }
    for key in FIGURES:
        assert expected.items() <= home.sensor(key).attributes.items()


async def test_reason(home: MeteredHome) -> None:
    """The reason for an unknown figure is an attribute."""
    home.choose(source="sensors", sensors=["sensor.nothing"])
    await home.setup()
    await home.start()
    assert home.figures() == (None, None, None)
    assert home.sensor("saving").attributes["reason"] == "no_statistics"


async def test_unrecorded_attributes(recorded_home: MeteredHome) -> None:
    """The attributes with the details are not recorded, and those of other sensors are."""
    await recorded_home.setup_with_meter()
    await recorded_home.start()
    await recorded_home.move_to("17:11")
    await async_wait_recording_done(recorded_home.hass)
    ids = [f"sensor.equiwatt_{key}" for key in ("saving", "held_devices", "next_start")]
    found = await get_instance(recorded_home.hass).async_add_executor_job(
        partial(get_significant_states, recorded_home.hass, START, entity_ids=ids)
    )
    rows = [[row for row in found[entity_id] if isinstance(row, State)] for entity_id in ids]
    assert [row.state for row in rows[0]][-2:] == ["0.03", "0.06"]
    attributes = [each[-1].attributes.keys() for each in rows]
    assert attributes == [
        {"device_class", "friendly_name", "unit_of_measurement"},
        {"friendly_name", "unit_of_measurement"},
        {"device_class", "friendly_name", "kind"},
    ]


async def test_no_states_between_equivents(home: MeteredHome) -> None:
    """No state is written between equivents."""
    await home.setup_with_meter()
    written = async_capture_events(home.hass, "state_changed")
    await home.pass_time(3600, step=60)
    assert not [event for event in written if event.data["entity_id"].startswith("sensor.equiwatt")]


async def test_meter_removed(home: MeteredHome) -> None:
    """Without the meter its entities are removed, and the calendar keeps the savings."""
    await home.setup_with_meter()
    await home.start()
    await home.end()
    home.choose(source="off")
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    registry = er.async_get(home.hass)
    for key in (*FIGURES, "total_saving"):
        assert registry.async_get(f"sensor.equiwatt_{key}") is None
        assert home.hass.states.get(f"sensor.equiwatt_{key}") is None
    (event,) = await home.calendar()
    assert "0.50 kWh less than usual" in event["description"]


async def test_meter_kept(home: MeteredHome) -> None:
    """A reload removes no sensor of the meter, not even a disabled or a renamed one."""
    await home.setup_with_meter()
    registry = er.async_get(home.hass)
    registry.async_update_entity("sensor.equiwatt_use", new_entity_id="sensor.mine")
    registry.async_update_entity(
        "sensor.equiwatt_saving", disabled_by=er.RegistryEntryDisabler.USER
    )
    await home.settle()
    changes = async_capture_events(home.hass, er.EVENT_ENTITY_REGISTRY_UPDATED)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert changes == []
    assert home.hass.states.get("sensor.mine")
    assert home.hass.states.get("sensor.equiwatt_saving") is None
