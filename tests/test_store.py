"""Test the store, and the edges after a restart."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.equivents.snapshot import MAX_EQUIVENTS
from custom_components.equiwatt.storage import SAVE_DELAY
from custom_components.equiwatt.store import EquiwattStore
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import prepare_save_json
from homeassistant.util.file import WriteError

from .conftest import Push
from .fakes.actions import plan
from .fakes.disk import full_disk, to_json
from .fakes.home import NOW, Home
from .fakes.provider import Provider, event_of
from .fakes.results import result

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
START = NOW - 10 * MINUTE
END = NOW + 50 * MINUTE


def event(start: datetime, end: datetime | None) -> dict[str, str | None]:
    """Return an equivent in the stored format."""
    return {"start": start.isoformat(), "end": end.isoformat() if end else None}


def remember(home: Home, hass_storage: dict[str, Any], data: Any, version: int = 1) -> None:
    """Put data on the disk before the entry is set up."""
    key = f"equiwatt.{home.entry.entry_id}"
    hass_storage[key] = {"version": version, "minor_version": 1, "key": key, "data": data}


def stored(home: Home, hass_storage: dict[str, Any]) -> Any:
    """Return the stored data."""
    return hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]


def announced(start: datetime, end: datetime | None) -> dict[str, Any]:
    """Return the stored data after a start."""
    return {"snapshot": {"live": event(start, end)}}


def saving(start: datetime) -> Any:
    """Return the stored result of an hour."""
    return to_json(result(start, 0.4, 0.8, 0.9, 1.0))


async def test_still_live(home: Home, provider: Provider, hass_storage: dict[str, Any]) -> None:
    """The announced equivent is still live: no edge."""
    remember(home, hass_storage, announced(START, END))
    provider.start(START, END)
    await home.setup()
    assert home.live == "on"
    assert home.edges == []


async def test_read_error(home: Home, provider: Provider, hass_storage: dict[str, Any]) -> None:
    """The set-up waits for the disk, as an empty start would lose the live equivent."""
    remember(home, hass_storage, announced(START, END), version=1_000)
    provider.start(START, END)
    assert not await home.hass.config_entries.async_setup(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    assert home.entry.error_reason_translation_key == "not_readable"
    remember(home, hass_storage, announced(START, END))
    await home.pass_time(60)
    assert home.live == "on"
    assert home.edges == []


async def test_ended_while_down(
    home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """The announced equivent is over: one end."""
    remember(home, hass_storage, announced(START, END))
    provider.end(START, NOW - MINUTE)
    await home.setup()
    await home.pass_time(11)
    assert home.live == "off"
    assert home.edges == [("ended", "api")]
    assert stored(home, hass_storage)["snapshot"]["live"] is None
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.edges == [("ended", "api")]


async def test_another_one_meanwhile(
    home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """The announced one is over and another live: an end and a start."""
    remember(home, hass_storage, announced(START - 5 * HOUR, None))
    provider.end(START - 5 * HOUR, START - 4 * HOUR)
    provider.start(START, END)
    await home.setup()
    assert home.live == "on"
    await home.pass_time(11)
    assert home.edges == [("ended", "api"), ("started", "api")]


async def test_started_while_down(
    home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """An equivent began while Home Assistant was down: one start."""
    remember(home, hass_storage, {"snapshot": {"live": None, "past": []}})
    provider.start(START, END)
    await home.setup()
    assert home.edges == [("started", "api")]
    assert stored(home, hass_storage)["snapshot"]["live"] == event(START, END)
    for _ in range(2):
        await home.hass.config_entries.async_reload(home.entry.entry_id)
        await home.settle()
    assert home.live == "on"
    assert home.edges == [("started", "api")]


async def test_missed(home: Home, provider: Provider, hass_storage: dict[str, Any]) -> None:
    """An equivent that was missed while Home Assistant was down is in the history."""
    remember(home, hass_storage, {"snapshot": {"live": None, "past": []}})
    provider.end(START, NOW - MINUTE)
    await home.setup()
    assert home.edges == []
    assert home.state("sensor.equiwatt_last_start") == START.isoformat()


async def test_planned_end_passed_while_the_api_is_down(
    home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """The clock ends an equivent whose planned end passed, without the API."""
    remember(home, hass_storage, announced(START - 5 * HOUR, START - 4 * HOUR))
    provider.error = TimeoutError()
    await home.setup()
    assert home.edges == [("ended", "clock")]


async def test_api_down_at_start(
    home: Home, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """The stored state is shown, the webhook works, and polling continues."""
    past = [event(NOW - 50 * HOUR, NOW - 49 * HOUR), event(NOW - 26 * HOUR, NOW - 25 * HOUR)]
    snapshot = {"live": event(START, END), "past": past[::-1]}
    webhook = {"received_at": (NOW - HOUR).isoformat()}
    remember(home, hass_storage, {"snapshot": snapshot, "webhook": webhook})
    provider.fail(HTTPStatus.BAD_GATEWAY)
    await home.setup()
    assert home.live == "on"
    assert home.state("sensor.equiwatt_last_start") == (NOW - 26 * HOUR).isoformat()
    assert home.state("sensor.equiwatt_last_webhook") == (NOW - HOUR).isoformat()
    assert home.state("calendar.equiwatt_equivents") == "on"
    assert await push("?event=ended") == 200
    assert home.edges == [("ended", "webhook")]
    await home.pass_time(16 * 60, step=30)
    assert home.state("sensor.equiwatt_last_start") == "unavailable"
    provider.recover()
    await home.pass_time(5 * 60)
    assert home.live == "off"
    assert home.state("sensor.equiwatt_last_start") == START.isoformat()


async def test_refused_at_start(
    home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """A refused token starts a reauth, and nothing is known before the first answer."""
    remember(home, hass_storage, {"snapshot": {"past": [event(NOW - 2 * HOUR, NOW - HOUR)]}})
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await home.setup()
    (flow,) = home.hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert home.state("sensor.equiwatt_last_end") == "unavailable"
    provider.recover()
    await home.poll()
    assert home.live == "off"


async def test_unconfirmed_push_over_a_restart(
    home: Home, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """An unconfirmed push lasts an hour during an outage, over a restart too."""
    await home.setup()
    await push("?event=started")
    await home.pass_time(60)
    provider.error = TimeoutError()
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    await home.pass_time(59 * 60 - 1, step=1)
    assert home.edges == [("started", "webhook")]
    await home.pass_time(2, step=1)
    assert home.edges == [("started", "webhook"), ("ended", "clock")]


async def test_confirmed_push_over_a_restart(
    home: Home, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """A confirmed push survives a restart with the API's times."""
    await home.setup()
    await push("?event=started")
    provider.start(NOW, END)
    await home.pass_time(12)
    await home.pass_time(1)
    assert stored(home, hass_storage)["snapshot"]["live"] == event(NOW, END)
    assert stored(home, hass_storage)["snapshot"]["pushed_at"] is None
    provider.error = TimeoutError()
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    await home.pass_time(10 * 60)
    assert home.edges == [("started", "webhook")]
    provider.recover()
    await home.poll()
    assert home.live == "on"
    assert home.edges == [("started", "webhook")]


async def test_ended_push_over_a_restart(
    home: Home, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """An equivent ended by a push is live again after two minutes of answers, restart or not."""
    provider.start(START, NOW + MINUTE)
    await home.setup()
    await push("?event=ended")
    provider.start(START, END)
    await home.pass_time(60)
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.pass_time(2 * 60 - 5)
    assert home.edges == [("started", "api"), ("ended", "webhook")]
    await home.pass_time(40)
    assert home.edges == [("started", "api"), ("ended", "webhook"), ("started", "api")]


async def test_ended_by_the_clock_over_a_restart(
    home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """An equivent ended by the clock does not start again after a restart."""
    provider.start(START, NOW + MINUTE)
    await home.setup()
    provider.error = TimeoutError()
    await home.pass_time(61, step=1)
    assert home.edges == [("started", "api"), ("ended", "clock")]
    provider.recover()
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.pass_time(5 * 60)
    assert home.live == "off"
    assert home.edges == [("started", "api"), ("ended", "clock")]


async def test_times(home: Home, push: Push, hass_storage: dict[str, Any]) -> None:
    """The time of a push is stored in full, and that of an equivent in whole seconds."""
    later = NOW + timedelta(seconds=0.5)
    home.freezer.move_to(later)
    await home.setup()
    await push("?event=started")
    assert stored(home, hass_storage)["snapshot"]["pushed_at"] == later.isoformat()
    assert stored(home, hass_storage)["snapshot"]["live"] == event(NOW, None)


async def test_stored_before_announced(
    hass: HomeAssistant, home: Home, push: Push, hass_storage: dict[str, Any]
) -> None:
    """An edge is stored before it is announced."""
    found: list[Any] = []

    @callback
    def listen(fired: Event[Any]) -> None:
        """Read the disk."""
        if fired.data["entity_id"] == "event.equiwatt_equivent":
            found.append(stored(home, hass_storage)["snapshot"]["live"])

    await home.setup()
    hass.bus.async_listen("state_changed", listen)
    await push("?event=started")
    await push("?event=ended")
    await home.pass_time(1)
    assert found == [event(NOW, None), None]


async def test_history(
    hass: HomeAssistant, home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """Past equivents outlive the API's list, with its corrections, up to a maximum."""
    old = [event(NOW - n * 12 * HOUR, NOW - n * 12 * HOUR + HOUR) for n in range(3, 2200)]
    remember(home, hass_storage, {"snapshot": {"past": old}})
    corrected = (NOW - 36 * HOUR + MINUTE, NOW - 35 * HOUR)
    new = (NOW - 24 * HOUR, NOW - 23 * HOUR)
    provider.previous = [event_of(*corrected), event_of(*new)]
    await home.setup()
    answer: Any = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": "calendar.equiwatt_equivents",
            "start_date_time": NOW - 3 * 365 * 24 * HOUR,
            "end_date_time": NOW,
        },
        blocking=True,
        return_response=True,
    )
    events = answer["calendar.equiwatt_equivents"]["events"]
    assert len(events) == MAX_EQUIVENTS
    await home.pass_time(SAVE_DELAY + 1)
    kept = stored(home, hass_storage)["snapshot"]["past"]
    assert len(kept) == MAX_EQUIVENTS
    assert kept[:2] == [event(*new), event(*corrected)]
    assert old[0] not in kept


OVER = event(START, NOW)
PLAN = {"uid": "1", **event(NOW + 5 * HOUR, NOW + 6 * HOUR), "summary": "Mine"}
PARTICIPANT = ["one", NOW.isoformat()]


@pytest.mark.parametrize(
    ("data", "complains"),
    [
        ([], True),
        ("x", True),
        ({}, False),
        ({"snapshot": None}, True),
        ({"snapshot": {}}, False),
        ({"snapshot": {"live": "x"}}, True),
        ({"snapshot": {"live": {"start": 1, "end": None}}}, True),
        ({"snapshot": {"live": None, "pushed_at": -5}}, True),
        ({"snapshot": {"live": event(datetime.max.replace(tzinfo=UTC), None)}}, True),
        ({"snapshot": {"past": None}}, True),
        ({"snapshot": {"past": [7, event(NOW - 2 * HOUR, NOW - HOUR), {}]}}, True),
        ({"snapshot": {"over": "x"}}, True),
        ({"snapshot": {"over": {"equivent": OVER}}}, True),
        ({"snapshot": {"over": {"equivent": OVER, "at": NOW.isoformat()}}}, False),
        ({"webhook": {"received_at": "yesterday"}}, True),
        ({"webhook": {"shown": 7}}, True),
        ({"webhook": {"missed": "many"}}, True),
        ({"attendance": {"participants": {"one": 1}}}, True),
        ({"attendance": {"participants": [["one"]]}}, True),
        ({"attendance": {"participants": [PARTICIPANT], "skips_since": "soon"}}, True),
        ({"attendance": {"skipped": True}}, True),
        ({"plans": {"plans": {}}}, True),
        ({"plans": {"plans": [PLAN]}}, True),
        ({"plans": {"plans": [{**PLAN, "description": ""}]}}, False),
        ({"plans": {"kinds": [[OVER, "sideways"]]}}, True),
        ({"plans": {"kinds": [[OVER]]}}, True),
        ({"plans": {"kinds": [[OVER, "power_up"]]}}, False),
        ({"plans": {"rehearsed": "sideways"}}, True),
        ({"results": None}, True),
        ({"results": [{}, saving(NOW)]}, True),
        ({"results": [saving(NOW)]}, False),
        ({"meters": [1]}, True),
    ],
)
async def test_damaged(
    home: Home,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    data: Any,
    complains: bool,
) -> None:
    """Valid data is kept, and the rest is logged once."""
    remember(home, hass_storage, data)
    await home.setup()
    assert home.live == "off"
    last = (NOW - 2 * HOUR).isoformat() if "[7" in str(data) else "unknown"
    assert home.state("sensor.equiwatt_last_start") == last
    assert caplog.text.count("cannot be read and is left out") == int(complains)
    assert home.edges == []
    store = home.entry.runtime_data.store
    assert len(store.results or ()) == str(data).count("days_wanted")
    assert len(store.plans.plans) == ("description" in str(data))
    assert len(store.attendance.participants) == ("soon" in str(data))


async def test_damaged_push(home: Home, provider: Provider, hass_storage: dict[str, Any]) -> None:
    """Without its equivent a push is not awaited."""
    remember(home, hass_storage, {"snapshot": {"live": "x", "pushed_at": NOW.isoformat()}})
    await home.setup()
    before = len(provider.calls)
    await home.pass_time(60, step=5)
    assert len(provider.calls) - before <= 3


async def test_removed_with_the_entry(
    home: Home, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """A removed entry leaves nothing on the disk and returns without history."""
    await home.setup()
    await push("?event=started")
    assert stored(home, hass_storage)["snapshot"]["live"]
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.pass_time(SAVE_DELAY + 1)
    assert not [key for key in hass_storage if key.startswith("equiwatt")]


async def test_idle_writes_nothing(
    home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """Nothing is written without an equivent."""
    provider.end(START - 5 * HOUR, START - 4 * HOUR)
    await home.setup()
    await home.pass_time(SAVE_DELAY + 1)
    del hass_storage[f"equiwatt.{home.entry.entry_id}"]
    await home.pass_time(3600, step=10)
    assert f"equiwatt.{home.entry.entry_id}" not in hass_storage


def load_file(hass_storage: dict[str, Any], name: str) -> bytes:
    """Put a file of an earlier version on the disk and return its bytes."""
    content = (Path(__file__).parent / "data" / "stored" / name).read_bytes()
    hass_storage[name] = json.loads(content)
    return content


async def test_unchanged_file(
    home: Home, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """A file is read in full and would be written unchanged, as long as the format is the same."""
    content = load_file(hass_storage, "equiwatt.entry0")
    started = datetime.fromtimestamp(1_795_195_600, UTC)
    home.freezer.move_to(started + MINUTE)
    provider.error = TimeoutError()
    await home.setup()
    assert home.live == "on"
    assert home.state("sensor.equiwatt_current_start") == started.isoformat()
    assert home.state("sensor.equiwatt_last_webhook") == started.isoformat()
    assert home.state("sensor.equiwatt_last_end") == "2026-11-18T18:20:00+00:00"
    assert home.edges == []
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    _, written = prepare_save_json(hass_storage["equiwatt.entry0"], encoder=None)
    assert written == content


@pytest.mark.parametrize("error", [WriteError("No space left"), OSError("No space left")])
async def test_disk_full(
    home: Home, push: Push, hass_storage: dict[str, Any], error: Exception
) -> None:
    """A failed write raises for plans, and edges reach the participants.

    Without an error it is as if a later Home Assistant wrote in another way.
    """
    await home.setup()
    before = deepcopy(hass_storage)
    with full_disk(error):
        await push("?event=started")
        assert home.edges == [("started", "webhook")]
        assert await home.hass.services.async_call(
            DOMAIN, "take_part", {"participant": "one"}, blocking=True, return_response=True
        ) == {"taking_part": True}
        with pytest.raises(HomeAssistantError):
            await plan(home, NOW + timedelta(hours=2), NOW + timedelta(hours=3))
        assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert hass_storage == before


@pytest.mark.parametrize("is_named", [True, False])
async def test_reload_with_full_disk(
    home: Home, provider: Provider, push: Push, hass_storage: dict[str, Any], is_named: bool
) -> None:
    """Unwritten data survives a reload: an edge comes once, and so does its end."""
    await home.setup()
    await home.pass_time(40)
    with full_disk():
        if is_named:
            provider.start(NOW, NOW + HOUR)
            await home.pass_time(40)
        else:
            await push("?event=started")
        assert await home.hass.config_entries.async_reload(home.entry.entry_id)
        await home.pass_time(10)
    assert (home.live, home.kinds) == ("on", ["started"])
    await home.pass_time(40)
    assert hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]["snapshot"]["live"]


async def test_closed(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    """Closing a store writes pending data, and nothing is written after that."""
    store = EquiwattStore(hass, "one")
    store.async_set_known()
    assert "equiwatt.one" not in hass_storage
    await store.async_close()
    del hass_storage["equiwatt.one"]
    await store.async_flush()
    store.async_set_known()
    assert "equiwatt.one" not in hass_storage
