"""Test an account with a meter: what it shows, stores and measures."""

from datetime import date, timedelta
from email.utils import format_datetime
import sys
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from sqlalchemy import func, select

from homeassistant.components.recorder.db_schema import States, StatesMeta
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.setup import async_setup_component

from ...conftest import Push
from ...fakes.actions import simulate
from ...fakes.home import add_entry
from ...fakes.provider import event_of
from ...metering.example import EVENT_DAY, at, minutes
from ...metering.home import END, FIGURES, START, MeteredHome
from ...metering.meters import METER, SECOND_METER, Tables

WORDS = "Used 0.40 kWh, 0.50 kWh less than usual; less than on 7 of your 7 usual days.\n\n"
LABEL = "Estimate from your own meter"
LAST = (0.71, 0.22, 0.49)
"""Figures of the last equivent before the meter was chosen."""
WING = "custom_components.equiwatt.metering"
FOREIGN = ("homeassistant.components.recorder", "homeassistant.components.energy")


def stored(home: MeteredHome, hass_storage: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the stored data of the equivents."""
    data: dict[str, list[dict[str, Any]]] = hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]
    return data["results"]


async def test_example(home: MeteredHome, hass_storage: dict[str, Any]) -> None:
    """Figures while live, after the end, in the calendar and after a restart."""
    await home.setup_with_meter()
    assert home.figures() == LAST
    await home.start()
    assert home.figures() == (0.9, 0, 0)
    await home.move_to("17:21")
    assert home.figures() == (0.9, 0.14, 0.13)
    assert not home.sensor("saving").attributes["final"]
    (event,) = await home.calendar()
    assert "description" not in event
    await home.end()
    assert home.figures() == (0.9, 0.4, 0.5)
    (event,) = await home.calendar()
    assert event["description"].startswith(WORDS + LABEL)
    await home.pass_time(60, step=30)
    kept = [each["equivent"]["start"] for each in stored(home, hass_storage)]
    assert (len(kept), kept[0]) == (3, START.isoformat())
    before = [home.sensor(key) for key in FIGURES]
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    for state in before:
        again = home.hass.states.get(state.entity_id)
        assert again
        assert (again.state, again.attributes) == (state.state, state.attributes)


async def test_total(home: MeteredHome, hass_storage: dict[str, Any]) -> None:
    """The total covers all equivents that count, explains itself and survives a restart."""
    await home.setup_with_meter()
    total = home.sensor("total_saving")
    before = float(total.state)  # of the past one
    assert (total.attributes["equivents"], total.attributes["verdict"]) == (1, "too_early")
    await home.hass.services.async_call(
        "calendar",
        "create_event",
        {
            "entity_id": "calendar.equiwatt_equivents",
            "summary": "powerUP",
            "start_date_time": at(EVENT_DAY, "19:30"),
            "end_date_time": at(EVENT_DAY, "19:45"),
        },
        blocking=True,
    )
    await home.start()
    await home.end()
    total = home.sensor("total_saving")
    assert float(total.state) == pytest.approx(before + 0.5, abs=0.011)
    assert total.attributes["device_class"] == "energy"
    assert total.attributes["unit_of_measurement"] == "kWh"
    assert "state_class" not in total.attributes
    assert total.attributes["equivents"] == 2
    assert total.attributes["since"] == at(date(2026, 11, 18), "16:31").isoformat()
    assert total.attributes["spread"] > 0
    assert total.attributes["verdict"] == "too_early"
    assert total.attributes["latest"][0] == {
        "start": START.isoformat(),
        "usual": 0.9,
        "used": 0.4,
        "saving": 0.5,
        "lower_than": 7,
        "days_used": 7,
    }
    await simulate(home.hass, duration={"minutes": 6})
    await home.move_to("18:10")
    assert home.sensor("saving").attributes["final"]
    assert home.sensor("total_saving") == total
    up = at(EVENT_DAY, "19:30") + timedelta(seconds=70), at(EVENT_DAY, "19:45")
    home.provider.start(*up)
    await home.move_to("19:33")
    assert home.sensor("saving").attributes["start"].startswith("2026-11-24T19:30")
    home.provider.end(*up)
    await home.move_to("19:47")
    assert home.live == "off"
    (_, second) = await home.calendar()
    assert second["summary"].startswith("Equivent · powerUP")
    await home.pass_time(2 * 48 * 3600, step=1800)
    assert stored(home, hass_storage)[0]["kind"] == "power_up"
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    again = home.sensor("total_saving")
    assert (again.state, again.attributes) == (total.state, total.attributes)


async def test_wrong_clock(home: MeteredHome) -> None:
    """No figures while the times of the rows and of the equivent disagree."""
    ahead = minutes(20)

    async def move_to(label: str) -> None:
        """Turn the clock, with the provider's clock ahead."""
        while home.now < at(EVENT_DAY, label):
            await home.make_rows(home.now + minutes(1 / 3))
            then = home.now + minutes(1 / 2) + ahead
            home.provider.headers = {"Date": format_datetime(then, usegmt=True)}
            await home.pass_time(30, step=30)

    home.provider.headers = {"Date": format_datetime(home.now + ahead, usegmt=True)}
    await home.setup_with_meter()
    home.provider.start(START + ahead, END + ahead)
    await move_to("17:15")
    assert (home.live, home.figures()) == ("on", (None, None, None))
    assert home.sensor("use").attributes["reason"] == "clock_wrong"
    await move_to("18:02")
    home.provider.end(START + ahead, END + ahead)
    await move_to("18:10")
    assert (home.live, home.figures()) == ("off", (None, None, None))
    shown = home.sensor("use").attributes
    assert (shown["reason"], shown["final"]) == ("clock_wrong", True)


async def test_times_from_the_api_later(home: MeteredHome, push: Push) -> None:
    """Add the missing half hours once the API names the end of a pushed equivent."""
    await home.setup_with_meter()
    await home.move_to("17:01", 7)
    await push("?event=started")
    await home.settle()
    assert home.live == "on"
    assert home.figures() == (0.4, 0, 0)
    home.provider.start(START, END)
    await home.move_to("17:01", 30)
    assert home.state("sensor.equiwatt_current_end") == END.isoformat()
    assert home.figures() == (0.9, 0, 0)


async def test_available_without_the_api(home: MeteredHome) -> None:
    """The meter keeps measuring while the API is down."""
    await home.setup_with_meter()
    await home.start()
    home.provider.error = TimeoutError()
    await home.move_to("17:31")
    assert home.state("sensor.equiwatt_current_end") == "unavailable"
    assert home.figures()[:2] == (0.9, 0.21)


async def test_rehearsal(home: MeteredHome, hass_storage: dict[str, Any]) -> None:
    """A rehearsal shows live figures and stores none."""
    await home.setup_with_meter()
    await home.move_to("17:01")
    await simulate(home.hass, duration={"minutes": 30})
    await home.settle()
    await home.move_to("17:21")
    assert home.figures() == (0.4, 0.14, 0.13)
    await home.move_to("17:31", 30)
    assert home.live == "off"
    assert home.figures() == (0.4, 0.21, 0.19)
    assert home.sensor("saving").attributes["final"]
    await home.move_to("17:35")
    assert await home.calendar() == []
    assert len(stored(home, hass_storage)) == 2  # of the equivent before


async def test_rehearsal_before_missed_equivent(home: MeteredHome) -> None:
    """An equivent missed after a rehearsal is shown and stored once the API lists it."""
    await home.setup_with_meter()
    await simulate(home.hass, duration={"minutes": 6})
    await home.settle()
    await home.move_to("17:13")
    assert (home.live, home.sensor("use").attributes["final"]) == ("off", True)
    home.provider.error = TimeoutError()
    await home.move_to("18:10")
    home.provider.error = None
    home.provider.previous.insert(0, event_of(START + timedelta(minutes=30), END))
    await home.move_to("18:12")
    assert home.figures() == (0.5, 0.19, 0.31)
    (event,) = await home.calendar()
    assert event["description"].startswith("Used 0.19 kWh")


async def test_rehearsal_too_short(home: MeteredHome) -> None:
    """The last equivent is shown again after a rehearsal too short to measure."""
    await home.setup_with_meter()
    await home.start()
    await home.end()
    await home.move_to("18:06")
    await simulate(home.hass, duration={"minutes": 1})
    await home.settle()
    assert home.figures() == (None, None, None)
    await home.move_to("18:08")
    assert home.live == "off"
    assert home.figures() == (0.9, 0.4, 0.5)


async def test_restart_while_live(home: MeteredHome) -> None:
    """Measuring continues after a restart."""
    await home.setup_with_meter()
    await home.start()
    await home.move_to("17:10")
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await home.move_to("17:18")
    await home.setup()
    await home.move_to("17:21")
    assert home.figures() == (0.9, 0.14, 0.13)
    await home.end()
    assert home.figures() == (0.9, 0.4, 0.5)


@pytest.mark.parametrize("demo", [False, True], ids=["never ended", "demo end"])
async def test_unconfirmed_push(
    home: MeteredHome, push: Push, hass_storage: dict[str, Any], demo: bool
) -> None:
    """An unconfirmed push stores nothing, however it ends."""
    await home.setup_with_meter()
    await home.move_to("17:04", 7)
    await push("?event=started")
    await home.settle()
    assert home.figures()[0] == 0.4
    await home.move_to("17:06")
    if demo:
        await push("?event=ended")
    await home.move_to("17:12")
    assert (home.live, home.figures()) == ("off", LAST)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert (len(stored(home, hass_storage)), home.figures()) == (2, LAST)


async def test_unconfirmed_push_after_equivent(home: MeteredHome, push: Push) -> None:
    """The last equivent is shown again after an unconfirmed push."""
    await home.setup_with_meter()
    await home.start()
    await home.end()
    before = home.sensor("saving")
    await home.move_to("18:35")
    await push("?event=started")
    await home.settle()
    assert not home.sensor("saving").attributes["final"]
    await home.move_to("18:45")
    assert home.live == "off"
    after = home.sensor("saving")
    assert (after.state, after.attributes) == (before.state, before.attributes)
    (event,) = await home.calendar()
    assert event["description"].startswith("Used 0.40 kWh")


async def test_push_confirmed_late(home: MeteredHome, push: Push) -> None:
    """A discarded push is measured once the API lists it."""
    await home.setup_with_meter()
    await home.move_to("17:01", 7)
    await push("?event=started")
    await home.move_to("17:12")
    assert (home.live, home.figures()) == ("off", LAST)
    await home.move_to("18:02")
    home.provider.end(START, END)
    await home.move_to("18:04")
    assert home.figures() == (0.9, 0.4, 0.5)


async def end_unlisted(home: MeteredHome) -> None:
    """End the equivent at its planned end, before the API lists it."""
    await home.move_to("18:01", 10)
    home.provider.current = None
    await home.move_to("18:07")
    assert home.live == "off"


async def test_restart_before_listed(home: MeteredHome) -> None:
    """Final figures stay final in the sensors and the calendar, whatever the API lists."""
    await home.setup_with_meter()
    await home.start()
    await end_unlisted(home)
    assert home.figures() == (0.9, 0.4, 0.5)
    (before,) = await home.calendar()
    assert before["description"].startswith("Used 0.40 kWh")
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.figures() == (0.9, 0.4, 0.5)
    home.provider.end(START, END)
    await home.move_to("18:09")
    (after,) = await home.calendar()
    assert (home.figures(), after) == ((0.9, 0.4, 0.5), before)


async def test_pushed_end_before_listed(home: MeteredHome, push: Push) -> None:
    """Final figures stay final where a webhook call ended the equivent."""
    await home.setup_with_meter()
    await home.start()
    await home.move_to("17:31", 10)
    home.provider.current = None
    await push("?event=ended")
    await home.settle()
    assert home.figures() == (0.4, 0.21, 0.19)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.figures() == (0.4, 0.21, 0.19)


async def test_live_again_after_pushed_end(home: MeteredHome, push: Push) -> None:
    """An equivent that continues after a wrong end is measured again when it is over."""
    await home.setup_with_meter()
    await home.start()
    await home.move_to("17:31", 10)
    home.provider.error = TimeoutError()
    await push("")
    await home.settle()
    await push("?event=ended")
    await home.settle()
    assert home.figures() == (0.4, 0.21, 0.19)
    home.provider.recover()
    await home.move_to("17:41")
    assert (home.live, home.figures()[0]) == ("on", 0.9)
    await home.end()
    assert home.figures() == (0.9, 0.4, 0.5)
    (event,) = await home.calendar()
    assert event["description"].startswith("Used 0.40 kWh, 0.50 kWh less")


async def setup_after_another(home: MeteredHome) -> None:
    """Set up everything two hours after another equivent, which was measured."""
    earlier = timedelta(hours=2)
    home.provider.previous.insert(0, event_of(START - earlier, END - earlier))
    home.kwh = {moment - earlier: kwh for moment, kwh in home.kwh.items()} | home.kwh
    home.kwh = dict(sorted(home.kwh.items()))
    await home.setup_with_meter()
    assert home.sensor("use").attributes["final"]


async def test_reload_while_live(home: MeteredHome) -> None:
    """The final figures of the last equivent are not shown as those of the live one."""
    await setup_after_another(home)
    await home.start()
    changes = async_capture_events(home.hass, "state_changed")
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    shown = [event.data["new_state"] for event in changes]
    uses = [state for state in shown if state and state.entity_id == "sensor.equiwatt_use"]
    assert [state.attributes.get("final") for state in uses][-1] is False
    assert not [state for state in uses if state.attributes.get("final")]


class Finals:
    """Results that became final: the attribute changed from false to true."""

    def __init__(self, home: MeteredHome) -> None:
        """Subscribe to the state changes."""
        self._changes = async_capture_events(home.hass, "state_changed")

    def ends(self) -> list[str]:
        """Return the measured end of each result that became final, and forget them."""
        states = [
            (event.data["old_state"], event.data["new_state"])
            for event in self._changes
            if event.data["entity_id"] == "sensor.equiwatt_saving"
        ]
        self._changes.clear()
        return [
            str(new.attributes["end"][11:16])
            for old, new in states
            if old and new and old.attributes.get("final") is False and new.attributes.get("final")
        ]


async def test_final_once(home: MeteredHome, push: Push) -> None:
    """Each result becomes final once, through API lists, restarts and demo triggers."""
    finals = Finals(home)
    await home.setup_with_meter()
    await home.start()
    assert finals.ends() == []
    await home.end()
    assert finals.ends() == ["18:00"]
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    await home.move_to("18:34")
    await push("?event=started")
    await home.move_to("18:45")
    assert (home.live, home.figures()) == ("off", (0.9, 0.4, 0.5))
    await simulate(home.hass, duration={"minutes": 1})
    await home.move_to("18:50")
    assert home.figures() == (0.9, 0.4, 0.5)
    assert finals.ends() == []


async def test_final_after_missed_end(home: MeteredHome) -> None:
    """A missed end makes the result final once Home Assistant has started."""
    await home.setup_with_meter()
    await home.start()
    await home.move_to("17:55")
    finals = Finals(home)
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await home.move_to("18:03")
    home.provider.end(START, END)
    home.hass.set_state(CoreState.starting)
    await home.setup()
    await home.pass_time(60, step=30)
    assert (home.sensor("saving").state, finals.ends()) == ("unknown", [])
    home.hass.set_state(CoreState.running)
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await home.pass_time(5)
    assert (home.figures(), finals.ends()) == ((0.9, 0.4, 0.5), ["18:00"])


async def test_final_after_missed_equivent(home: MeteredHome) -> None:
    """A missed equivent becomes final, though another one is shown by now."""
    await setup_after_another(home)
    finals = Finals(home)
    home.provider.error = TimeoutError()
    await home.move_to("18:10")
    home.provider.error = None
    home.provider.end(START, END)
    await home.move_to("18:12")
    assert (home.figures(), finals.ends()) == ((0.9, 0.4, 0.5), ["18:00"])


async def test_two_accounts(home: MeteredHome, hass_storage: dict[str, Any]) -> None:
    """Each account has its own meter, or none, throughout and in its own calendar."""
    other = add_entry(home.hass, "other-token", "other-webhook")
    home.hass.config_entries.async_update_entry(
        other, options={"source": "sensors", "sensors": [SECOND_METER]}
    )
    add_entry(home.hass, "a-third-token", "a-third-webhook")
    double = {moment: 2 * kwh for moment, kwh in home.kwh.items() if moment <= END}
    await home.meters.five_minutes(double, SECOND_METER)
    await home.setup_with_meter()  # all of them, as they are of one integration
    await home.start()
    await home.move_to("17:21")
    assert home.figures() == (0.9, 0.14, 0.13)
    assert home.figures("_2")[0] == 1.8
    await home.end()
    assert (home.figures(), home.figures("_2")) == ((0.9, 0.4, 0.5), (1.8, 0.8, 1.0))
    assert home.hass.states.get("sensor.equiwatt_saving_3") is None
    descriptions = [
        (await home.calendar(suffix))[0].get("description", "") for suffix in ("", "_2", "_3")
    ]
    assert [text.partition(" kWh")[0] for text in descriptions] == ["Used 0.40", "Used 0.80", ""]
    await home.pass_time(60, step=30)
    kept = [
        [round(each["estimate"]["used"], 6) for each in hass_storage[key]["data"]["results"]]
        for key in ("equiwatt.entry0", "equiwatt.entry1", "equiwatt.entry2")
    ]
    assert kept == [[0.4, 0.22, 0.22], [0.8, 0.44, 0.44], []]


async def test_damaged_results(home: MeteredHome, hass_storage: dict[str, Any]) -> None:
    """A damaged result is measured again while its readings are available."""
    await home.setup_with_meter()
    await home.start()
    await home.end()
    await home.pass_time(60, step=30)
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    data = hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]
    data["results"][0]["estimate"]["days"] = "some"
    await home.setup()
    assert home.figures() == (0.9, 0.4, 0.5)
    await home.pass_time(60, step=30)
    data = hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]
    assert [len(each["estimate"]["days"]) for each in data["results"]] == [7, 5, 2]


async def test_energy_dashboard(home: MeteredHome) -> None:
    """The grid import is the meter."""
    from homeassistant.components.energy.data import async_get_manager

    home.hass.config.components.add("energy")
    manager = await async_get_manager(home.hass)
    manager.data = manager.default_preferences()
    grid: Any = {"type": "grid", "stat_energy_from": METER}
    manager.data["energy_sources"] = [grid]
    home.choose(source="energy_dashboard")
    await home.make_rows()
    await home.setup()
    await home.start()
    assert home.figures() == (0.9, 0, 0)


@pytest.mark.parametrize("options", [{}, {"source": "off"}])
async def test_without_a_meter(
    home: MeteredHome, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """Without a meter there are no entities, and the meter's modules are not imported."""
    for name in [name for name in sys.modules if name.startswith((f"{WING}.", *FOREIGN))]:
        monkeypatch.delitem(sys.modules, name)
    home.choose(**options)
    await home.setup()
    await home.start()
    await home.end()
    assert not [name for name in sys.modules if name.startswith((f"{WING}.", *FOREIGN))]
    assert not [key for key in FIGURES if home.hass.states.get(f"sensor.equiwatt_{key}")]
    (event,) = await home.calendar()
    assert "description" not in event


@pytest.mark.parametrize("is_reading", [False, True])
async def test_unloading(home: MeteredHome, is_reading: bool) -> None:
    """Nothing is read after unloading, also in the middle of a reading."""
    await home.setup_with_meter()
    await home.start()
    tables = home.meters
    assert isinstance(tables, Tables)
    await home.move_to("17:05", 29)
    home.freezer.move_to(at(EVENT_DAY, "17:05") + timedelta(seconds=31))
    async_fire_time_changed(home.hass, home.now)
    if not is_reading:
        await home.settle()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await home.settle()
    reads = tables.reads
    await home.move_to("18:30")
    assert tables.reads == reads


async def test_idle_day(recorded_home: MeteredHome) -> None:
    """No row of any entity is written to the recorder on a day without an equivent."""
    await recorded_home.setup_with_meter()
    await recorded_home.start()
    await recorded_home.end()
    await recorded_home.move_to("18:30")
    await async_wait_recording_done(recorded_home.hass)
    before = await rows_of(recorded_home)
    assert before["sensor.equiwatt_saving"] > 1
    await recorded_home.pass_time(24 * 3600, step=600)
    await async_wait_recording_done(recorded_home.hass)
    assert await rows_of(recorded_home) == before


async def rows_of(home: MeteredHome) -> dict[str, int]:
    """Return how many recorded states each entity of the account has."""

    def count() -> dict[str, int]:
        """Count the rows in the recorder's thread."""
        with session_scope(hass=home.hass, read_only=True) as session:
            found = session.execute(
                select(StatesMeta.entity_id, func.count(States.state_id))
                .join(States, States.metadata_id == StatesMeta.metadata_id)
                .where(StatesMeta.entity_id.contains("equiwatt"))
                .group_by(StatesMeta.entity_id)
            )
            return {str(entity_id): number for entity_id, number in found}

    return await get_instance(home.hass).async_add_executor_job(count)


async def test_diagnostics(home: MeteredHome, hass_client: Any) -> None:
    """Diagnostics have counts, and never a reading or a meter's name."""
    assert await async_setup_component(home.hass, "diagnostics", {})
    await home.setup_with_meter()
    await home.start()
    await home.move_to("17:21")
    told = await get_diagnostics_for_config_entry(home.hass, hass_client, home.entry)
    assert told["meter"] == {
        "source": "sensors",
        "sensors": 1,
        "kept": 2,
        "days_used": 7,
        "days_wanted": 10,
        "half_hours": 2,
        "approximate": False,
        "final": False,
        "measured_until": "2026-11-24T17:20:00+00:00",
        "reason": None,
    }
    assert METER not in str(told)


async def test_label_while_learning(home: MeteredHome) -> None:
    """The use is labelled as an estimate while the usual use is unknown."""
    home.kwh = {m: v for m, v in home.kwh.items() if m.date() == EVENT_DAY}
    await home.setup_with_meter()
    await home.start()
    await home.end()
    (event,) = await home.calendar()
    assert LABEL in event["description"]


async def test_negative_zero(home: MeteredHome) -> None:
    """A dip of two watt-hours is shown as zero, without a minus sign."""
    start, end = at(EVENT_DAY, "17:00"), at(EVENT_DAY, "18:00")
    for moment in home.kwh:
        if start < moment <= end:
            home.kwh[moment] = home.kwh[start] - 0.002
    await home.setup_with_meter()
    await home.start()
    await home.end()
    (event,) = await home.calendar()
    assert event["description"].startswith("Used 0.00 kWh")


async def test_meter_chosen_twice(home: MeteredHome) -> None:
    """A meter that is chosen twice counts once."""
    home.choose(source="sensors", sensors=[METER, METER])
    await home.make_rows()
    await home.setup()
    await home.start()
    assert home.figures()[0] == 0.9
