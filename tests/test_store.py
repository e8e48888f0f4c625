"""Test what outlasts a restart, and that exactly the missing edges are announced."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
import json
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.equivents.snapshot import MAX_EQUIVENTS
from custom_components.equiwatt.metering.results import as_stored
from custom_components.equiwatt.store import SAVE_DELAY, EquiwattStore, TolerantStore
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import prepare_save_json
from homeassistant.util.file import WriteError

from .conftest import NOW, House, Provider, Push
from .fakes.actions import plan
from .fakes.results import result

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
AT = 1_700_000_000
START = NOW - 10 * MINUTE
END = NOW + 50 * MINUTE


def seconds(moment: Any) -> int:
    """Return a time in Unix seconds."""
    return int(moment.timestamp())


def event(start: Any, end: Any) -> dict[str, int | None]:
    """Return an event as it is stored."""
    return {"start_time": seconds(start), "end_time": seconds(end) if end else None}


def remember(house: House, hass_storage: dict[str, Any], data: Any, version: int = 1) -> None:
    """Put something on the disk before the entry is set up."""
    key = f"equiwatt.{house.entry.entry_id}"
    hass_storage[key] = {"version": version, "minor_version": 1, "key": key, "data": data}


def stored(house: House, hass_storage: dict[str, Any]) -> Any:
    """Return what is on the disk."""
    return hass_storage[f"equiwatt.{house.entry.entry_id}"]["data"]


def announced(start: Any, end: Any, **more: Any) -> dict[str, Any]:
    """Return what is on the disk after a start."""
    return {"announced": event(start, end), "equivents": [], **more}


def saving(start: datetime) -> dict[str, Any]:
    """Return what was measured of an hour, as it is stored."""
    return as_stored(result(start, 0.4, 0.8, 0.9, 1.0))


async def test_still_live(house: House, provider: Provider, hass_storage: dict[str, Any]) -> None:
    """The announced one is still live: no edge."""
    remember(house, hass_storage, announced(START, END))
    provider.start(START, END)
    await house.setup()
    assert house.live == "on"
    assert house.edges == []


async def test_ended_while_down(
    house: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """The announced one is over: its end, once."""
    remember(house, hass_storage, announced(START, END))
    provider.end(START, NOW - MINUTE)
    await house.setup()
    await house.pass_time(11)
    assert house.live == "off"
    assert house.edges == [("ended", "api")]
    assert stored(house, hass_storage)["announced"] is None
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.settle()
    assert house.edges == [("ended", "api")]


async def test_another_one_meanwhile(
    house: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """The announced one is over and another live: its end, and the other's start."""
    remember(house, hass_storage, announced(START - 5 * HOUR, None))
    provider.end(START - 5 * HOUR, START - 4 * HOUR)
    provider.start(START, END)
    await house.setup()
    assert house.live == "on"
    await house.pass_time(11)
    assert house.edges == [("ended", "api"), ("started", "api")]


async def test_started_while_down(
    house: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """One that began while Home Assistant was down: its start, and once."""
    remember(house, hass_storage, {"announced": None, "equivents": []})
    provider.start(START, END)
    await house.setup()
    assert house.edges == [("started", "api")]
    assert stored(house, hass_storage)["announced"] == event(START, END)
    for _ in range(2):
        await house.hass.config_entries.async_reload(house.entry.entry_id)
        await house.settle()
    assert house.live == "on"
    assert house.edges == [("started", "api")]


async def test_began_and_ended_unseen(
    house: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """One that began and ended while Home Assistant was down is history."""
    remember(house, hass_storage, {"announced": None, "equivents": []})
    provider.end(START, NOW - MINUTE)
    await house.setup()
    assert house.edges == []
    assert house.state("sensor.equiwatt_last_start") == START.isoformat()


async def test_planned_end_passed_while_the_api_is_down(
    house: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """With no API at all the clock knows that a planned end has passed."""
    remember(house, hass_storage, announced(START - 5 * HOUR, START - 4 * HOUR))
    provider.error = TimeoutError()
    await house.setup()
    assert house.edges == [("ended", "clock")]


async def test_api_down_at_start(
    house: House, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """What is remembered is shown, the webhook works, and polling goes on until it succeeds."""
    past = [event(NOW - 50 * HOUR, NOW - 49 * HOUR), event(NOW - 26 * HOUR, NOW - 25 * HOUR)]
    webhook_at = seconds(NOW - HOUR)
    remember(
        house, hass_storage, {**announced(START, END), "equivents": past, "webhook_at": webhook_at}
    )
    provider.fail(HTTPStatus.BAD_GATEWAY)
    await house.setup()
    assert house.live == "on"
    assert house.state("sensor.equiwatt_last_start") == (NOW - 26 * HOUR).isoformat()
    assert house.state("sensor.equiwatt_last_webhook") == (NOW - HOUR).isoformat()
    assert house.state("calendar.equiwatt_equivents") == "on"
    assert await push("?event=ended") == 200
    assert house.edges == [("ended", "webhook")]
    await house.pass_time(16 * 60, step=30)
    assert house.state("sensor.equiwatt_last_start") == "unavailable"
    provider.recover()
    await house.pass_time(5 * 60)
    assert house.live == "off"
    assert house.state("sensor.equiwatt_last_start") == START.isoformat()


async def test_refused_at_start(
    house: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """A refused token asks for a new one, and nothing is known until the first answer."""
    remember(house, hass_storage, {"equivents": [event(NOW - 2 * HOUR, NOW - HOUR)]})
    provider.fail(HTTPStatus.UNAUTHORIZED)
    await house.setup()
    (flow,) = house.hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert house.state("sensor.equiwatt_last_end") == "unavailable"
    provider.recover()
    await house.poll()
    assert house.live == "off"


async def test_unconfirmed_push_over_a_restart(
    house: House, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """A push stands while the API cannot be asked, over a restart too, for an hour at most."""
    await house.setup()
    await push("?event=started")
    await house.pass_time(60)
    provider.error = TimeoutError()
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.settle()
    await house.pass_time(59 * 60 - 1, step=1)
    assert house.edges == [("started", "webhook")]
    await house.pass_time(2, step=1)
    assert house.edges == [("started", "webhook"), ("ended", "clock")]


async def test_confirmed_push_over_a_restart(
    house: House, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """A push that the API has confirmed lasts over a restart, with the API's times."""
    await house.setup()
    await push("?event=started")
    provider.start(NOW, END)
    await house.pass_time(12)
    await house.pass_time(1)
    assert stored(house, hass_storage)["announced"] == event(NOW, END)
    assert stored(house, hass_storage)["pushed_at"] is None
    provider.error = TimeoutError()
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.settle()
    await house.pass_time(10 * 60)
    assert house.edges == [("started", "webhook")]
    provider.recover()
    await house.poll()
    assert house.live == "on"
    assert house.edges == [("started", "webhook")]


async def test_ended_push_over_a_restart(
    house: House, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """After an end by a push it takes two minutes of answers that name it, restart or not."""
    provider.start(START, NOW + MINUTE)
    await house.setup()
    await push("?event=ended")
    provider.start(START, END)
    await house.pass_time(60)
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.pass_time(2 * 60 - 5)
    assert house.edges == [("started", "api"), ("ended", "webhook")]
    await house.pass_time(40)
    assert house.edges == [("started", "api"), ("ended", "webhook"), ("started", "api")]


async def test_ended_by_the_clock_over_a_restart(
    house: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """What the clock ended does not start again after a restart because the API lags."""
    provider.start(START, NOW + MINUTE)
    await house.setup()
    provider.error = TimeoutError()
    await house.pass_time(61, step=1)
    assert house.edges == [("started", "api"), ("ended", "clock")]
    provider.recover()
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.pass_time(5 * 60)
    assert house.live == "off"
    assert house.edges == [("started", "api"), ("ended", "clock")]


async def test_no_push_ends_before_its_time(
    house: House, push: Push, hass_storage: dict[str, Any]
) -> None:
    """The second of a push is rounded up on the disk, that of an equivent down."""
    house.freezer.move_to(NOW + timedelta(seconds=0.5))
    await house.setup()
    await push("?event=started")
    assert stored(house, hass_storage)["pushed_at"] == seconds(NOW) + 1
    assert stored(house, hass_storage)["announced"] == event(NOW, None)


async def test_on_disk_before_announced(
    hass: HomeAssistant, house: House, push: Push, hass_storage: dict[str, Any]
) -> None:
    """When an edge is heard it is on the disk already."""
    found: list[Any] = []

    @callback
    def listen(heard: Event[Any]) -> None:
        """Look at the disk."""
        if heard.data["entity_id"] == "event.equiwatt_equivent":
            found.append(stored(house, hass_storage)["announced"])

    await house.setup()
    hass.bus.async_listen("state_changed", listen)
    await push("?event=started")
    await push("?event=ended")
    await house.pass_time(1)
    assert found == [event(NOW, None), None]


async def test_beyond_the_api(
    hass: HomeAssistant, house: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """What the API lists no more is remembered; what it corrects is corrected; the oldest go."""
    old = [event(NOW - n * 12 * HOUR, NOW - n * 12 * HOUR + HOUR) for n in range(3, 2200)]
    remember(house, hass_storage, {"equivents": old})
    provider.previous = [
        event(NOW - 36 * HOUR + MINUTE, NOW - 35 * HOUR),
        event(NOW - 24 * HOUR, NOW - 23 * HOUR),
    ]
    await house.setup()
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
    await house.pass_time(SAVE_DELAY + 1)
    kept = stored(house, hass_storage)["equivents"]
    assert len(kept) == MAX_EQUIVENTS
    assert kept[:2] == provider.previous[::-1]
    assert old[0] not in kept


@pytest.mark.parametrize("version", [1, 7])
@pytest.mark.parametrize(
    ("data", "complains"),
    [
        ([], True),
        ("x", True),
        ({}, True),
        ({"equivents": None}, True),
        ({"equivents": []}, False),
        ({"equivents": [], "announced": "x"}, True),
        ({"equivents": [], "pushed_at": -5}, True),
        ({"equivents": [], "webhook_at": "yesterday"}, True),
        ({"equivents": [], "webhook_shown": 7, "webhook_missed": "many"}, False),
        ({"equivents": [], "over": "x"}, True),
        ({"equivents": [], "over": event(START, NOW)}, True),
        ({"equivents": [], "over": {**event(START, NOW), "at": 1}}, True),
        ({"equivents": [], "over": {**event(START, NOW), "at": 1700000000}}, False),
        ({"equivents": [], "results": []}, False),
        ({"equivents": [], "results": [saving(NOW)]}, False),
        ({"equivents": [], "results": None}, True),
        ({"equivents": [], "results": [{}, saving(NOW)]}, True),
        ({"equivents": [7, event(NOW - 2 * HOUR, NOW - HOUR), {}], "announced": None}, True),
    ],
)
async def test_damaged(
    house: House,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    data: Any,
    complains: bool,
    version: int,
) -> None:
    """What can be read is kept, and the rest is said once."""
    remember(house, hass_storage, data, version)
    await house.setup()
    assert house.live == "off"
    last = (NOW - 2 * HOUR).isoformat() if "[7" in str(data) else "unknown"
    assert house.state("sensor.equiwatt_last_start") == last
    assert caplog.text.count("cannot be read and is left out") == int(complains)
    assert house.edges == []


async def test_removed_with_the_entry(
    house: House, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """A removed entry leaves nothing on the disk, and comes back without memories."""
    await house.setup()
    await push("?event=started")
    assert stored(house, hass_storage)["announced"]
    await house.hass.config_entries.async_remove(house.entry.entry_id)
    await house.pass_time(SAVE_DELAY + 1)
    assert not [key for key in hass_storage if key.startswith("equiwatt")]


async def test_idle_writes_nothing(
    house: House, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """While nothing happens nothing is written."""
    provider.end(START - 5 * HOUR, START - 4 * HOUR)
    await house.setup()
    await house.pass_time(SAVE_DELAY + 1)
    del hass_storage[f"equiwatt.{house.entry.entry_id}"]
    await house.pass_time(3600, step=10)
    assert f"equiwatt.{house.entry.entry_id}" not in hass_storage


def load_file(hass_storage: dict[str, Any], name: str) -> bytes:
    """Put a file of an earlier version on the disk, and return its bytes."""
    content = (Path(__file__).parent / "data" / "stored" / name).read_bytes()
    hass_storage[name] = json.loads(content)
    return content


async def test_file_of_the_first_version(
    house: House, provider: Provider, push: Push, hass_storage: dict[str, Any]
) -> None:
    """What the first version wrote is read in full, and would be written again as it was."""
    content = load_file(hass_storage, "equiwatt.entry0")
    started = datetime.fromtimestamp(1_795_195_600, UTC)
    house.freezer.move_to(started + MINUTE)
    provider.error = TimeoutError()
    await house.setup()
    assert house.live == "on"
    assert house.state("sensor.equiwatt_current_start") == started.isoformat()
    assert house.state("sensor.equiwatt_last_webhook") == started.isoformat()
    assert house.state("sensor.equiwatt_last_end") == "2026-11-18T18:20:00+00:00"
    assert house.edges == []
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    _, written = prepare_save_json(hass_storage["equiwatt.entry0"], encoder=None)
    assert written == content


OLD = {
    "announced": event(START, END),
    "pushed_at": seconds(NOW),
    "simulated": False,
    "over": {**event(START - 3 * HOUR, START - 2 * HOUR), "at": AT},
    "webhook_at": AT,
    "webhook_shown": "digest",
    "webhook_missed": 1,
    "equivents": [event(START - 3 * HOUR, START - 2 * HOUR)],
}
"""What was stored before anything was measured."""


@pytest.mark.parametrize("more", [{}, {"results": [saving(NOW - HOUR), saving(NOW - 9 * HOUR)]}])
async def test_written_as_it_was(
    house: House, provider: Provider, hass_storage: dict[str, Any], more: dict[str, Any]
) -> None:
    """Whoever has no meter has the same file as ever, to the byte; what was measured is kept."""
    remember(house, hass_storage, OLD | more)
    before = json.dumps(OLD | more)
    provider.error = TimeoutError()
    await house.setup()
    await house.poll()
    hass_storage.clear()
    data = house.entry.runtime_data
    await data.store.async_flush()
    assert json.dumps(stored(house, hass_storage)) == before


@pytest.mark.parametrize("error", [WriteError("No space left"), OSError("No space left"), None])
async def test_disk_that_is_full(
    house: House, push: Push, hass_storage: dict[str, Any], error: Exception | None
) -> None:
    """A write that did not happen is an error to who plans; edges reach those who take part.

    Without an error it is as if a later Home Assistant wrote in another way.
    """
    await house.setup()
    before = deepcopy(hass_storage)
    with patch.object(TolerantStore, "_async_write_data", AsyncMock(side_effect=error)):
        await push("?event=started")
        assert house.edges == [("started", "webhook")]
        assert await house.hass.services.async_call(
            DOMAIN, "take_part", {"participant": "one"}, blocking=True, return_response=True
        ) == {"taking_part": True}
        with pytest.raises(HomeAssistantError):
            await plan(house, NOW + timedelta(hours=2), NOW + timedelta(hours=3))
        assert await house.hass.config_entries.async_reload(house.entry.entry_id)
    assert hass_storage == before


async def test_closed(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    """What waits is written when a store is closed, and nothing after that."""
    store = EquiwattStore(hass, "one")
    store.async_set_known()
    assert "equiwatt.one" not in hass_storage
    await store.async_close()
    del hass_storage["equiwatt.one"]
    await store.async_flush()
    store.async_set_known()
    assert "equiwatt.one" not in hass_storage
