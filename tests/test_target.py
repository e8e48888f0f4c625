"""Test which accounts are targets of a trigger or a condition."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
from homeassistant.setup import async_setup_component

from .conftest import Push
from .fakes.home import EVENT, Home


class Registries:
    """Registries with an account's device and event entity."""

    def __init__(self, home: Home) -> None:
        """Set up the account with its device in an area of a floor."""
        hass = home.hass
        self.entities, self.devices = er.async_get(hass), dr.async_get(hass)
        (self.device,) = dr.async_entries_for_config_entry(self.devices, home.entry.entry_id)
        self.floor = fr.async_get(hass).async_create("Ground floor").floor_id
        self.areas = ar.async_get(hass)
        self.hall = self.areas.async_create("Hall", floor_id=self.floor).id
        self.loft = self.areas.async_create("Loft").id
        self.label = lr.async_get(hass).async_create("Saving").label_id
        self.devices.async_update_device(self.device.id, area_id=self.hall)


@pytest.fixture
async def registries(home: Home) -> Registries:
    """Return the registries of a house that is set up."""
    await home.setup()
    return Registries(home)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings of the integration."""
    logged = [record for record in caplog.records if record.levelname == "WARNING"]
    return [record.getMessage() for record in logged if record.name == "custom_components.equiwatt"]


async def fires(home: Home, push: Push, target: dict[str, Any]) -> bool:
    """Return True if a trigger with a target fires, at most once."""
    events = async_capture_events(home.hass, "events")
    automation = {
        "triggers": {"trigger": "equiwatt.equivent_started", "target": target},
        "actions": {"event": "events"},
    }
    assert await async_setup_component(home.hass, "automation", {"automation": automation})
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert len(events) <= 1
    return bool(events)


async def test_event_entity(home: Home, push: Push, registries: Registries) -> None:
    """The event entity is a target under any name."""
    registries.entities.async_update_entity(EVENT, new_entity_id="event.another_name")
    assert await fires(home, push, {"entity_id": "event.another_name"})


async def test_device(home: Home, push: Push, registries: Registries) -> None:
    """The device is a target."""
    assert await fires(home, push, {"device_id": registries.device.id})


@pytest.mark.parametrize("kind", ["hall", "floor", "label"])
async def test_indirect(home: Home, push: Push, registries: Registries, kind: str) -> None:
    """The area, floor and labels of the device are targets."""
    registries.devices.async_update_device(registries.device.id, labels={registries.label})
    names = {"hall": "area_id", "floor": "floor_id", "label": "label_id"}
    assert await fires(home, push, {names[kind]: getattr(registries, kind)})


async def test_label_of_the_entity(home: Home, push: Push, registries: Registries) -> None:
    """A label of the event entity is a target."""
    registries.entities.async_update_entity(EVENT, labels={registries.label})
    assert await fires(home, push, {"label_id": [registries.label]})


@pytest.mark.parametrize("area", ["hall", "loft"])
async def test_areas_of_entities(home: Home, push: Push, registries: Registries, area: str) -> None:
    """An account with entities in several areas is a target of each."""
    registries.entities.async_update_entity(EVENT, area_id=registries.loft)
    assert await fires(home, push, {"area_id": getattr(registries, area)})


@pytest.mark.parametrize(
    "entity_id", ["binary_sensor.equiwatt_live", "switch.equiwatt_skip", "sensor.equiwatt_last_end"]
)
async def test_any_entity(home: Home, push: Push, registries: Registries, entity_id: str) -> None:
    """Any entity is a target, though the event entity is disabled."""
    disabled = er.RegistryEntryDisabler.USER
    registries.entities.async_update_entity(EVENT, disabled_by=disabled)
    assert await fires(home, push, {"entity_id": entity_id})


async def test_moved_meanwhile(home: Home, push: Push, registries: Registries) -> None:
    """A device that moves after the set-up counts in its new area."""
    assert not await fires(home, push, {"area_id": registries.loft})
    events = async_capture_events(home.hass, "events")
    registries.devices.async_update_device(registries.device.id, area_id=registries.loft)
    await push("?event=started")
    await home.pass_time(1)
    assert len(events) == 1


@pytest.mark.parametrize(
    "target",
    [
        {"entity_id": "event.another"},
        {"entity_id": "binary_sensor.another"},
        {"device_id": "unknown"},
        {"area_id": "unknown"},
        {"floor_id": "unknown"},
        {"label_id": "unknown"},
    ],
)
async def test_other_targets(
    home: Home,
    push: Push,
    registries: Registries,
    target: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Other targets fire nothing, which is logged once."""
    other = MockConfigEntry(domain="other")
    other.add_to_hass(home.hass)
    registries.entities.async_get_or_create(
        "event", "other", "another", suggested_object_id="another", config_entry=other
    )
    assert not await fires(home, push, target)
    (line,) = warnings(caplog)
    assert line.startswith("The target of the trigger equiwatt.equivent_started reaches no")
    assert str(next(iter(target.values()))) in line


@pytest.mark.parametrize("target", [{"entity_id": EVENT}, {"entity_id": "event.another"}])
async def test_set_up_before_the_accounts(
    home: Home, push: Push, target: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A missing account is logged once Home Assistant has started."""
    home.hass.set_state(CoreState.starting)
    automation = {
        "triggers": {"trigger": "equiwatt.equivent_ended", "target": target},
        "actions": {"event": "events"},
    }
    assert await async_setup_component(home.hass, "automation", {"automation": automation})
    await home.setup()
    assert warnings(caplog) == []
    home.hass.set_state(CoreState.running)
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.settle()
    assert len(warnings(caplog)) == (target != {"entity_id": EVENT})


async def test_condition_with_other_target(
    home: Home, push: Push, registries: Registries, caplog: pytest.LogCaptureFixture
) -> None:
    """A condition without an account is logged once."""
    condition = {"condition": "equiwatt.is_live", "target": {"area_id": "unknown"}}
    events = async_capture_events(home.hass, "events")
    automation = {
        "triggers": {"trigger": "event", "event_type": "ask"},
        "conditions": condition,
        "actions": {"event": "events"},
    }
    assert await async_setup_component(home.hass, "automation", {"automation": automation})
    await push("?event=started")
    for _ in range(2):
        home.hass.bus.async_fire("ask")
        await home.settle()
    assert events == []
    (line,) = warnings(caplog)
    assert "condition equiwatt.is_live reaches no equiwatt account" in line


async def test_condition_by_any_entity(home: Home, push: Push, registries: Registries) -> None:
    """The binary sensor is a target of a condition."""
    target = {"entity_id": "binary_sensor.equiwatt_live"}
    events = async_capture_events(home.hass, "events")
    automation = {
        "triggers": {"trigger": "event", "event_type": "ask"},
        "conditions": {"condition": "equiwatt.is_live", "target": target},
        "actions": {"event": "events"},
    }
    assert await async_setup_component(home.hass, "automation", {"automation": automation})
    await push("?event=started")
    home.hass.bus.async_fire("ask")
    await home.settle()
    assert len(events) == 1


@pytest.mark.parametrize("disabled", [True, False])
async def test_device_without_entity(
    home: Home, push: Push, registries: Registries, disabled: bool
) -> None:
    """A device is a target though its event entity is disabled or hidden."""
    by = {"disabled_by": er.RegistryEntryDisabler.USER} if disabled else {}
    hidden = {} if disabled else {"hidden_by": er.RegistryEntryHider.USER}
    registries.entities.async_update_entity(EVENT, **by, **hidden)  # type: ignore[arg-type]
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert await fires(home, push, {"device_id": registries.device.id})


async def test_disabled_entity(home: Home, push: Push, registries: Registries) -> None:
    """A disabled entity is no target."""
    disabled = er.RegistryEntryDisabler.USER
    registries.entities.async_update_entity(EVENT, disabled_by=disabled)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert not await fires(home, push, {"entity_id": EVENT})


async def test_hidden_entity(home: Home, push: Push, registries: Registries) -> None:
    """A hidden entity is a target by its id."""
    registries.entities.async_update_entity(EVENT, hidden_by=er.RegistryEntryHider.USER)
    assert await fires(home, push, {"entity_id": EVENT})


async def test_hidden_in_an_area(home: Home, push: Push, registries: Registries) -> None:
    """A hidden entity is no target by its area, as for all triggers."""
    hidden = er.RegistryEntryHider.USER
    for entity in er.async_entries_for_config_entry(registries.entities, home.entry.entry_id):
        registries.entities.async_update_entity(entity.entity_id, hidden_by=hidden)
    assert not await fires(home, push, {"area_id": registries.hall})


async def test_disabled_device(
    hass: HomeAssistant, home: Home, push: Push, registries: Registries
) -> None:
    """A disabled device is no target."""
    disabled = dr.DeviceEntryDisabler.USER
    registries.devices.async_update_device(registries.device.id, disabled_by=disabled)
    await hass.async_block_till_done()
    assert not await fires(home, push, {"device_id": registries.device.id})
