"""Test planned equivents: the writable calendar, and its effects."""

from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.diagnostics import async_get_config_entry_diagnostics
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component

from ..conftest import Push
from ..fakes import actions
from ..fakes.actions import CALENDAR, calendar, simulate
from ..fakes.home import LIVE, NOW, Home, add_entry
from ..fakes.provider import Provider

NEXT = "sensor.equiwatt_next_start"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SOON = NOW + HOUR
DAY = 24 * HOUR

type Command = Any


async def plan(
    home: Home, start: datetime = SOON, end: datetime | None = None, summary: str = "powerUP"
) -> None:
    """Plan an equivent of an hour."""
    await actions.plan(home, start, end or start + HOUR, summary)


async def shown(home: Home) -> list[str]:
    """Return the calendar events around now."""
    events = await calendar(home, NOW - 2 * DAY, NOW + 3 * DAY)
    return [event["summary"] for event in events]


def kind(home: Home) -> str | None:
    """Return the kind attribute of the binary sensor."""
    state = home.hass.states.get(LIVE)
    assert state
    value: str | None = state.attributes["kind"]
    return value


def kinds(home: Home) -> list[tuple[str, str | None]]:
    """Return the types and kinds of the announced events."""
    found = []
    for change in home.changes:
        state = change.data["new_state"]
        if change.data["entity_id"] == "event.equiwatt_equivent" and state:
            found.append((state.attributes.get("event_type"), state.attributes.get("kind")))
    return [(of, kind) for of, kind in dict.fromkeys(found) if of]


@pytest.fixture
async def command(home: Home, hass_ws_client: Any) -> Command:
    """Return a function that sends commands of the calendar page."""
    await home.setup()
    client = await hass_ws_client(home.hass)

    async def send(what: str, **more: Any) -> dict[str, Any]:
        """Send a command and return the response."""
        await client.send_json_auto_id(
            {"type": f"calendar/event/{what}", "entity_id": CALENDAR, **more}
        )
        answer: dict[str, Any] = await client.receive_json()
        await home.settle()
        return answer

    return send


def event(start: datetime = SOON, end: datetime | None = None, **more: Any) -> dict[str, Any]:
    """Return an event in the format of the calendar page."""
    ends = end or start + HOUR
    return {"dtstart": start.isoformat(), "dtend": ends.isoformat(), "summary": "Mine", **more}


async def uids(home: Home, hass_client: Any) -> list[str]:
    """Return the ids of the events on the calendar page."""
    client = await hass_client()
    query = {"start": (NOW - 2 * DAY).isoformat(), "end": (NOW + 3 * DAY).isoformat()}
    response = await client.get(f"/api/calendars/{CALENDAR}", params=query)
    return [event["uid"] for event in await response.json()]


async def test_create_move_and_delete(home: Home, command: Command, hass_client: Any) -> None:
    """Plans are created, moved and deleted on the calendar page, with their texts."""
    assert (await command("create", event=event(description="Boil water")))["success"]
    (uid,) = await uids(home, hass_client)
    state = home.hass.states.get(CALENDAR)
    assert state
    assert (state.state, state.attributes["message"]) == ("off", "Mine")
    assert state.attributes["description"] == "Boil water"
    next_start = home.hass.states.get(NEXT)
    assert next_start
    assert (next_start.state, next_start.attributes["kind"]) == (SOON.isoformat(), "power_down")
    later = SOON + 2 * HOUR
    assert (await command("update", uid=uid, event=event(later)))["success"]
    assert await uids(home, hass_client) == [uid]
    assert home.state(NEXT) == later.isoformat()
    assert (await command("delete", uid=uid))["success"]
    assert await uids(home, hass_client) == []
    assert (home.state(NEXT), home.state(CALENDAR)) == ("unknown", "off")


async def test_calendar_subscription(home: Home, hass_ws_client: Any) -> None:
    """An open calendar page is updated with plans and missed plans."""
    await home.setup()
    client = await hass_ws_client(home.hass)
    begin, end = NOW - DAY, NOW + DAY
    await client.send_json_auto_id(
        {
            "type": "calendar/event/subscribe",
            "entity_id": CALENDAR,
            "start": begin.isoformat(),
            "end": end.isoformat(),
        }
    )
    assert (await client.receive_json())["success"]

    async def pushed() -> list[str]:
        """Return the next update of the page."""
        message = await client.receive_json()
        return [event["summary"] for event in message["event"]["events"]]

    assert await pushed() == []
    second = timedelta(seconds=1)  # a longer skip would close the socket
    await plan(home, NOW + 5 * second, NOW + 30 * second)
    assert await pushed() == ["powerUP"]
    await home.pass_time(40)
    summaries = ["powerUP"]
    while summaries == ["powerUP"]:
        summaries = await pushed()
    assert summaries == ["Planned, did not happen"]


async def test_moved_afterwards(home: Home, command: Command, hass_client: Any) -> None:
    """A plan that did not happen can be moved, and keeps its kind."""
    second = timedelta(seconds=1)
    words = "Charge the car"
    planned = event(NOW + 5 * second, NOW + 30 * second, summary="powerUP", description=words)
    assert (await command("create", event=planned))["success"]
    await home.pass_time(40)
    client = await hass_client()
    query = {"start": NOW.isoformat(), "end": SOON.isoformat()}
    (found,) = await (await client.get(f"/api/calendars/{CALENDAR}", params=query)).json()
    assert (found["summary"], found["description"]) == ("Planned, did not happen", "powerUP")
    moved = event(summary=found["summary"], description=found["description"])
    assert (await command("update", uid=found["uid"], event=moved))["success"]
    state, next_start = home.hass.states.get(CALENDAR), home.hass.states.get(NEXT)
    assert state
    assert (state.attributes["message"], state.attributes["description"]) == ("powerUP", words)
    assert next_start
    assert next_start.attributes["kind"] == "power_up"


async def test_planned_often(home: Home, provider: Provider) -> None:
    """Frequent planning does not postpone the next poll."""
    await home.setup()
    provider.start(NOW, NOW + HOUR)
    for _ in range(3):
        await home.pass_time(20)
        await plan(home, home.now + 9 * HOUR)
    assert home.live == "on"


REFUSED = [
    ({"dtend": (SOON + 7 * HOUR).isoformat()}, "plan_length", "takes six hours at most"),
    (
        {"dtstart": (NOW - HOUR).isoformat(), "dtend": NOW.isoformat()},
        "plan_over",
        "This end time has passed.",
    ),
    (
        {"dtstart": "2026-11-21", "dtend": "2026-11-22"},
        "plan_all_day",
        "an equivent does not take all day",
    ),
    (
        {"dtstart": "9999-12-31T20:00:00Z", "dtend": "9999-12-31T21:00:00Z"},
        "plan_too_far",
        "too far away",
    ),
    ({"rrule": "FREQ=DAILY"}, "plan_recurring", "A planned equivent cannot repeat."),
    ({"summary": "power-up, power down"}, "plan_both_kinds", "Name one of them"),
]


@pytest.mark.parametrize(("fields", "key", "words"), REFUSED)
async def test_refused(
    home: Home, command: Command, hass_client: Any, fields: dict[str, Any], key: str, words: str
) -> None:
    """Plans and changes that are refused show a sentence that helps."""
    assert (await command("create", event=event()))["success"]
    (uid,) = await uids(home, hass_client)
    for what, more in (("create", {}), ("update", {"uid": uid})):
        answer = await command(what, event=event() | fields, **more)
        assert not answer["success"]
        assert words in answer["error"]["message"]
    assert await shown(home) == ["Mine"]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"start_date_time": SOON, "end_date_time": SOON + 7 * HOUR}, "plan_length"),
        ({"start_date_time": NOW - HOUR, "end_date_time": NOW}, "plan_over"),
        ({"start_date": "2026-11-21", "end_date": "2026-11-22"}, "plan_all_day"),
        ({"in": {"days": 1}}, "plan_all_day"),
    ],
)
async def test_refused_by_the_action(home: Home, data: dict[str, Any], key: str) -> None:
    """The action raises the same errors."""
    await home.setup()
    values = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in data.items()}
    with pytest.raises(ServiceValidationError) as caught:
        await home.hass.services.async_call(
            "calendar",
            "create_event",
            {"entity_id": CALENDAR, "summary": "Mine", **values},
            blocking=True,
        )
    assert (caught.value.translation_domain, caught.value.translation_key) == (DOMAIN, key)
    assert await shown(home) == []


async def test_equivents_of_the_api(
    home: Home, provider: Provider, command: Command, hass_client: Any
) -> None:
    """Past, live and announced equivents cannot be moved or deleted."""
    provider.end(NOW - 5 * HOUR, NOW - 4 * HOUR)
    provider.current = {"start_time": int(NOW.timestamp()), "end_time": int(SOON.timestamp())}
    await home.poll()
    named = await uids(home, hass_client)
    assert len(named) == 2
    for uid in named:
        for answer in (
            await command("delete", uid=uid),
            await command("update", uid=uid, event=event()),
        ):
            assert "You can only change or delete the ones" in answer["error"]["message"]
    assert await uids(home, hass_client) == named


async def test_newer_replaces_older(home: Home) -> None:
    """The newer of two overlapping plans replaces the older."""
    await home.setup()
    await plan(home, summary="First")
    await plan(home, SOON + 30 * MINUTE, summary="Second")
    await plan(home, SOON + DAY, summary="Third")
    assert await shown(home) == ["Second", "Third"]


async def test_plan_makes_nothing_live(home: Home, provider: Provider) -> None:
    """A plan makes nothing live at its time: no state, no edge."""
    await home.setup()
    await plan(home)
    await home.pass_time(3600 - 5)
    assert home.state(NEXT) == SOON.isoformat()
    await home.pass_time(10)
    assert (home.live, home.state(CALENDAR), home.state(NEXT)) == ("off", "off", "unknown")
    await home.pass_time(3600, step=60)
    assert await shown(home) == ["Planned, did not happen"]
    assert home.edges == []
    on = [c for c in home.changes if (s := c.data["new_state"]) and s.state == "on"]
    assert on == []
    await home.pass_time(23 * 3600, step=600)
    assert await shown(home) == ["Planned, did not happen"]
    await home.pass_time(2 * 3600, step=600)
    assert await shown(home) == []


async def test_kind(home: Home, provider: Provider) -> None:
    """The live equivent and its edges have the plan's kind; then the plan is removed."""
    await home.setup()
    await plan(home)
    assert kind(home) is None
    await home.pass_time(3600, step=60)
    start = home.now
    provider.start(start, start + HOUR)
    await home.poll()
    assert (home.live, kind(home), home.state(CALENDAR)) == ("on", "power_up", "on")
    assert await shown(home) == ["Equivent · powerUP"]
    state = home.hass.states.get(CALENDAR)
    assert state
    assert state.attributes["message"] == "Equivent · powerUP"
    await home.pass_time(1800, step=60)
    provider.end(start, home.now)
    await home.poll()
    assert (home.live, kind(home)) == ("off", None)
    assert kinds(home) == [("started", "power_up"), ("ended", "power_up")]
    for _ in range(2):
        assert await shown(home) == ["Equivent · powerUP"]
        await home.hass.config_entries.async_reload(home.entry.entry_id)
        await home.settle()


async def test_no_plan_no_kind(home: Home, provider: Provider) -> None:
    """The kind is unknown without a plan."""
    await home.setup()
    await plan(home, NOW + 5 * HOUR)
    await home.pass_time(60)
    start = home.now
    provider.start(start, start + HOUR)
    await home.poll()
    assert (home.live, kind(home)) == ("on", None)
    assert kinds(home) == [("started", None)]
    assert await shown(home) == ["Equivent", "powerUP"]
    assert home.state(NEXT) == (NOW + 5 * HOUR).isoformat()


async def test_kind_of_announced_equivent(home: Home, provider: Provider) -> None:
    """An announced equivent replaces its plan and has its kind."""
    provider.start(SOON + 2 * MINUTE, SOON + HOUR)
    await home.setup()
    assert await shown(home) == ["Equivent"]
    await plan(home)
    assert await shown(home) == ["Equivent · powerUP"]
    assert home.state(NEXT) == (SOON + 2 * MINUTE).isoformat()
    await home.pass_time(3600 + 120, step=30)
    assert (home.live, kind(home)) == ("on", "power_up")


@pytest.mark.parametrize("wanted", ["power_up", "power_down", None])
async def test_rehearsal(home: Home, wanted: str | None) -> None:
    """A rehearsal has its own kind and keeps the plans."""
    await home.setup()
    await plan(home, NOW - MINUTE, NOW + HOUR)
    more: dict[str, Any] = {"kind": wanted} if wanted else {}
    await simulate(home.hass, duration={"minutes": 5}, **more)
    await home.settle()
    assert kind(home) == wanted
    words = {"power_up": "Rehearsal · powerUP", "power_down": "Rehearsal · powerDOWN"}
    assert await shown(home) == ["powerUP", words.get(wanted or "", "Rehearsal")]
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert kind(home) == wanted
    await home.pass_time(6 * 60)
    assert kinds(home) == [("started", wanted), ("ended", wanted)]
    assert await shown(home) == ["powerUP"]


async def test_change_kind_of_rehearsal(home: Home) -> None:
    """A rehearsal keeps its kind when it is changed, unless another one is given."""
    await home.setup()
    await simulate(home.hass, duration={"minutes": 5}, kind="power_up")
    await simulate(home.hass, duration={"minutes": 1})
    assert kind(home) == "power_up"
    await simulate(home.hass, duration={"minutes": 1}, kind="power_down")
    assert kind(home) == "power_down"
    await home.pass_time(70)
    await simulate(home.hass, duration={"minutes": 1})
    assert (home.live, kind(home)) == ("on", None)


async def test_equivent_replaces_rehearsal(home: Home, provider: Provider) -> None:
    """An equivent that replaces a rehearsal has its plan's kind."""
    await home.setup()
    await plan(home, NOW - MINUTE, NOW + HOUR, summary="powerDOWN")
    await simulate(home.hass, duration={"minutes": 30}, kind="power_up")
    provider.start(home.now, home.now + HOUR)
    await home.poll()
    assert kind(home) == "power_down"
    provider.end(NOW, home.now)
    await home.poll()
    assert kinds(home) == [("started", "power_up"), ("ended", "power_down")]


async def test_outlasts_restarts(
    home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """A plan is stored before the action returns, and survives reloads until it is over."""
    await home.setup()
    await plan(home, summary="powerUP at Grandma's")
    stored = hass_storage[f"{DOMAIN}.{home.entry.entry_id}"]["data"]
    (item,) = stored["plans"]["plans"]
    assert item["summary"] == "powerUP at Grandma's"
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert await shown(home) == ["powerUP at Grandma's"]
    assert home.state(NEXT) == SOON.isoformat()
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    assert found["plans"] == [{"start": SOON, "end": SOON + HOUR, "kind": "power_up"}]
    assert "Grandma" not in json.dumps(found, default=str)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    assert f"{DOMAIN}.{home.entry.entry_id}" not in hass_storage


async def test_missed_equivent(home: Home, provider: Provider) -> None:
    """An equivent that was missed while Home Assistant was off fulfils its plan."""
    await home.setup()
    await plan(home)
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.freezer.move_to(SOON + 3 * HOUR)
    provider.end(SOON + MINUTE, SOON + HOUR)
    await home.setup()
    assert await shown(home) == ["Equivent · powerUP"]


async def test_missed_end(home: Home, provider: Provider) -> None:
    """An end that is announced after a restart has the kind."""
    await home.setup()
    await plan(home, NOW, NOW + HOUR)
    provider.start(NOW, NOW + HOUR)
    await home.poll()
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.freezer.move_to(NOW + 48 * HOUR)
    provider.end(NOW, NOW + HOUR)
    await home.setup()
    assert kinds(home) == [("started", "power_up"), ("ended", "power_up")]
    assert await shown(home) == ["Equivent · powerUP"]


async def test_two_accounts(home: Home, provider: Provider) -> None:
    """The plans of two accounts are separate."""
    await home.setup()
    other = add_entry(home.hass, token="another", webhook_id="another")
    assert await home.hass.config_entries.async_setup(other.entry_id)
    await plan(home)
    assert home.state(NEXT) == SOON.isoformat()
    assert home.state(f"{NEXT}_2") == "unknown"


@pytest.mark.parametrize("planned", [False, True])
async def test_edges_are_the_same(
    home: Home, provider: Provider, push: Push, planned: bool
) -> None:
    """Edges are the same with any plans at any time."""

    async def plan_anything() -> None:
        """Plan an equivent around now, replace it, and plan another for later."""
        if planned:
            await plan(home, home.now - MINUTE, home.now + 2 * MINUTE, summary="powerDOWN")
            await plan(home, home.now - MINUTE, home.now + 3 * MINUTE, summary="powerUP")
            await plan(home, home.now + 90 * MINUTE)

    await home.setup()
    await plan_anything()
    await home.pass_time(200)
    await push("?event=started")
    await plan_anything()
    start = home.now
    provider.start(start, start + 20 * MINUTE)
    await home.pass_time(60)
    await plan_anything()
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.pass_time(18 * 60)
    await plan_anything()
    provider.end(start, start + 20 * MINUTE)
    await home.pass_time(5 * 60)
    await plan_anything()
    await home.pass_time(2 * 3600, step=60)
    assert home.edges == [("started", "webhook"), ("ended", "api")]


async def test_stray_call(home: Home, push: Push) -> None:
    """An unconfirmed call has the plan's kind and keeps the plan."""
    await home.setup()
    await plan(home, NOW - MINUTE, NOW + HOUR)
    await push("?event=started")
    assert (home.live, kind(home)) == ("on", "power_up")
    assert await shown(home) == ["Equivent · powerUP"]
    await home.pass_time(6 * 60)
    assert home.live == "off"
    assert await shown(home) == ["powerUP"]


async def test_wrong_end(home: Home, provider: Provider, push: Push) -> None:
    """An equivent that is live again has its kind, though its plan is gone."""
    await home.setup()
    await plan(home, NOW - MINUTE, NOW + 10 * MINUTE)
    start = home.now
    provider.start(start, start + 10 * MINUTE)
    await home.pass_time(8.5 * 60)
    await push("?event=ended")
    assert (home.live, await shown(home)) == ("off", ["Equivent · powerUP"])
    provider.start(start, start + 40 * MINUTE)
    await home.pass_time(8 * 60)
    assert (home.live, kind(home)) == ("on", "power_up")
    assert kinds(home) == [("started", "power_up"), ("ended", "power_up")]


async def test_polls_around_planned_start(home: Home, provider: Provider) -> None:
    """Polls come every 7.5 s from a minute before a planned start to three minutes after it."""
    await home.setup()
    start = NOW + 27 * MINUTE
    await plan(home, start)
    await home.pass_time(25 * 60, step=30)
    before = len(provider.calls)
    await home.pass_time(5 * 60, step=2.5)
    inside = [call for call in provider.calls[before:] if abs(call - start - MINUTE) <= 2 * MINUTE]
    assert len(inside) >= 30
    assert max(later - earlier for earlier, later in pairwise(inside)) <= timedelta(seconds=7.5)


async def test_plan_for_now(home: Home, provider: Provider) -> None:
    """A plan whose window is open is followed by a poll at once."""
    await home.setup()
    await home.pass_time(60, step=1)
    await plan(home, home.now + 20 * timedelta(seconds=1))
    before = len(provider.calls)
    await home.pass_time(30, step=0.5)
    assert len(provider.calls) - before >= 3


async def test_plan_while_rate_limited(home: Home, provider: Provider) -> None:
    """A plan does not poll before the provider's Retry-After."""
    await home.setup()
    provider.fail(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "200"})
    await home.poll()
    before = len(provider.calls)
    await plan(home, home.now + 10 * timedelta(seconds=1))
    await home.pass_time(90)
    assert len(provider.calls) == before


async def test_calendar_triggers_fire_for_plans(home: Home) -> None:
    """Calendar triggers fire for plans, as the documentation warns."""
    await home.setup()
    await plan(home)
    events = async_capture_events(home.hass, "heard")
    automation = {
        "triggers": {"trigger": "calendar", "entity_id": CALENDAR, "event": "start"},
        "actions": {"event": "heard"},
    }
    assert await async_setup_component(home.hass, "automation", {"automation": automation})
    await home.settle()
    await home.pass_time(3600 + 60, step=30)
    assert len(events) == 1
    assert home.edges == []
    await home.hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )


async def test_clock_days_ahead(home: Home, provider: Provider) -> None:
    """Plans survive a start with a wrong clock and without the API."""
    await home.setup()
    await plan(home, SOON + DAY)
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.freezer.tick(5 * DAY)
    provider.ahead = -5 * DAY
    provider.error = TimeoutError()
    await home.setup()
    await home.pass_time(10)
    provider.error = None
    await home.poll()
    assert home.state(NEXT) == (SOON + DAY).isoformat()
