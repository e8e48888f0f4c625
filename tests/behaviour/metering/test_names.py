"""Test that the meter stays chosen when it is renamed."""

from homeassistant.helpers import entity_registry as er

from ...metering.home import SENSORS, MeteredHome
from ...metering.meters import EXTERNAL, METER, SECOND_METER, Tables

OTHER = "sensor.other"


def rename(home: MeteredHome, old: str, new: str) -> None:
    """Rename a sensor, as its statistics follow."""
    er.async_get(home.hass).async_update_entity(old, new_entity_id=new)
    tables = home.meters
    assert isinstance(tables, Tables)
    tables.rename(old, new)


def register(home: MeteredHome, unique_id: str = "1") -> er.EntityRegistry:
    """Add the meter to the entity registry."""
    registry = er.async_get(home.hass)
    registry.async_get_or_create("sensor", "maker", unique_id, suggested_object_id="meter")
    return registry


async def test_while_loaded(home: MeteredHome) -> None:
    """The options and the statistics follow a new name."""
    registry = register(home)
    home.choose(source="sensors", sensors=[SECOND_METER, METER])
    await home.make_rows()
    await home.meters.five_minutes(home.kwh | {}, SECOND_METER)
    await home.setup()
    registry.async_update_entity(METER, name="Only the name")
    await home.settle()
    assert home.entry.options["sensors"] == [SECOND_METER, METER]
    rename(home, METER, OTHER)
    await home.settle()
    assert home.entry.options["sensors"] == [SECOND_METER, "sensor.other"]
    await home.start()
    assert home.figures()[0] == 1.8
    registry.async_remove("sensor.other")
    await home.settle()
    assert home.entry.options["sensors"] == [SECOND_METER, "sensor.other"]


async def test_while_not_loaded(home: MeteredHome) -> None:
    """A meter renamed meanwhile is found by its registry id, and so are its statistics."""
    register(home)
    await home.setup_with_meter()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    rename(home, METER, OTHER)
    await home.settle()
    await home.setup()
    assert home.entry.options["sensors"] == [OTHER]
    await home.start()
    assert home.figures()[0] == 0.9


async def test_twice(home: MeteredHome) -> None:
    """A meter is renamed twice before the account is set up again."""
    registry = register(home)
    await home.setup_with_meter()
    registry.async_update_entity(METER, new_entity_id=OTHER)
    registry.async_update_entity(OTHER, new_entity_id="sensor.third")
    await home.settle()
    assert home.entry.options["sensors"] == ["sensor.third"]


async def test_new_meter_under_old_name(home: MeteredHome) -> None:
    """A replaced meter keeps its statistics by its name, and stays chosen by it."""
    registry = register(home)
    await home.setup_with_meter()
    registry.async_remove(METER)
    register(home, "2")
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.entry.options["sensors"] == [METER]
    registry.async_update_entity(METER, new_entity_id=OTHER)
    await home.settle()
    assert home.entry.options["sensors"] == [OTHER]


async def test_no_registry_id(home: MeteredHome) -> None:
    """An external statistic or a sensor outside the registry keeps its name."""
    home.choose(source="sensors", sensors=[METER, EXTERNAL])
    await home.setup()
    assert home.entry.options == {"source": "sensors", "sensors": [METER, EXTERNAL]}


async def test_removed_from_registry(home: MeteredHome) -> None:
    """The registry id of a removed sensor is dropped."""
    registry = register(home)
    await home.setup_with_meter()
    assert home.entry.options != SENSORS
    registry.async_remove(METER)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert home.entry.options == SENSORS
