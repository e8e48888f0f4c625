"""Test planned equivents: the calendar that is written to, and what follows from it."""

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
    house: Home, start: datetime = SOON, end: datetime | None = None, summary: str = "powerUP"
) -> None:
    """Plan an equivent of an hour."""
    await actions.plan(house, start, end or start + HOUR, summary)


async def shown(house: Home) -> list[str]:
    """Return what the calendar shows around now."""
    events = await calendar(house, NOW - 2 * DAY, NOW + 3 * DAY)
    return [event["summary"] for event in events]


def kind(house: Home) -> str | None:
    """Return the kind that the binary sensor shows."""
    state = house.hass.states.get(LIVE)
    assert state
    value: str | None = state.attributes["kind"]
    return value


def kinds(house: Home) -> list[tuple[str, str | None]]:
    """Return type and kind of the events that the event entity announced."""
    found = []
    for change in house.changes:
        state = change.data["new_state"]
        if change.data["entity_id"] == "event.equiwatt_equivent" and state:
            found.append((state.attributes.get("event_type"), state.attributes.get("kind")))
    return [(of, kind) for of, kind in dict.fromkeys(found) if of]


@pytest.fixture
async def command(house: Home, hass_ws_client: Any) -> Command:
    """Return a way to use the calendar as its page does, in a house that is set up."""
    await house.setup()
    client = await hass_ws_client(house.hass)

    async def send(what: str, **more: Any) -> dict[str, Any]:
        """Send a command, and return the answer."""
        await client.send_json_auto_id(
            {"type": f"calendar/event/{what}", "entity_id": CALENDAR, **more}
        )
        answer: dict[str, Any] = await client.receive_json()
        await house.settle()
        return answer

    return send


def event(start: datetime = SOON, end: datetime | None = None, **more: Any) -> dict[str, Any]:
    """Return an event as the calendar's page sends it."""
    ends = end or start + HOUR
    return {"dtstart": start.isoformat(), "dtend": ends.isoformat(), "summary": "Mine", **more}


async def uids(house: Home, hass_client: Any) -> list[str]:
    """Return the ids that the calendar's page gets of its events."""
    client = await hass_client()
    query = {"start": (NOW - 2 * DAY).isoformat(), "end": (NOW + 3 * DAY).isoformat()}
    response = await client.get(f"/api/calendars/{CALENDAR}", params=query)
    return [one["uid"] for one in await response.json()]


async def test_create_move_and_delete(house: Home, command: Command, hass_client: Any) -> None:
    """As on the calendar's page: what is planned shows, moves and goes, words and all."""
    assert (await command("create", event=event(description="Boil water")))["success"]
    (uid,) = await uids(house, hass_client)
    state = house.hass.states.get(CALENDAR)
    assert state
    assert (state.state, state.attributes["message"]) == ("off", "Mine")
    assert state.attributes["description"] == "Boil water"
    next_start = house.hass.states.get(NEXT)
    assert next_start
    assert (next_start.state, next_start.attributes["kind"]) == (SOON.isoformat(), "power_down")
    later = SOON + 2 * HOUR
    assert (await command("update", uid=uid, event=event(later)))["success"]
    assert await uids(house, hass_client) == [uid]
    assert house.state(NEXT) == later.isoformat()
    assert (await command("delete", uid=uid))["success"]
    assert await uids(house, hass_client) == []
    assert (house.state(NEXT), house.state(CALENDAR)) == ("unknown", "off")


async def test_whoever_looks_sees_it(house: Home, hass_ws_client: Any) -> None:
    """The calendar's page, while it is open, shows what is planned, and what did not happen."""
    await house.setup()
    client = await hass_ws_client(house.hass)
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
        """Return what the page is told next."""
        told = await client.receive_json()
        return [one["summary"] for one in told["event"]["events"]]

    assert await pushed() == []
    second = timedelta(seconds=1)  # as the socket itself does not outlast a longer skip
    await plan(house, NOW + 5 * second, NOW + 30 * second)
    assert await pushed() == ["powerUP"]
    await house.pass_time(40)
    summaries = ["powerUP"]
    while summaries == ["powerUP"]:
        summaries = await pushed()
    assert summaries == ["Planned, did not happen"]


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
    ({"rrule": "FREQ=DAILY"}, "plan_recurring", "A planned equivent cannot repeat."),
    ({"summary": "power-up, power down"}, "plan_both_kinds", "Name one of them"),
]


@pytest.mark.parametrize(("fields", "key", "words"), REFUSED)
async def test_refused(
    house: Home, command: Command, hass_client: Any, fields: dict[str, Any], key: str, words: str
) -> None:
    """The page shows a sentence that says what to do, for a new plan as for a change of one."""
    assert (await command("create", event=event()))["success"]
    (uid,) = await uids(house, hass_client)
    for what, more in (("create", {}), ("update", {"uid": uid})):
        answer = await command(what, event=event() | fields, **more)
        assert not answer["success"]
        assert words in answer["error"]["message"]
    assert await shown(house) == ["Mine"]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"start_date_time": SOON, "end_date_time": SOON + 7 * HOUR}, "plan_length"),
        ({"start_date_time": NOW - HOUR, "end_date_time": NOW}, "plan_over"),
        ({"start_date": "2026-11-21", "end_date": "2026-11-22"}, "plan_all_day"),
        ({"in": {"days": 1}}, "plan_all_day"),
    ],
)
async def test_refused_by_the_action(house: Home, data: dict[str, Any], key: str) -> None:
    """So an automation is told."""
    await house.setup()
    values = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in data.items()}
    with pytest.raises(ServiceValidationError) as caught:
        await house.hass.services.async_call(
            "calendar",
            "create_event",
            {"entity_id": CALENDAR, "summary": "Mine", **values},
            blocking=True,
        )
    assert (caught.value.translation_domain, caught.value.translation_key) == (DOMAIN, key)
    assert await shown(house) == []


async def test_what_the_api_has_named_stays(
    house: Home, provider: Provider, command: Command, hass_client: Any
) -> None:
    """Neither past, nor live, nor announced ones can be moved or deleted; the page says so."""
    provider.end(NOW - 5 * HOUR, NOW - 4 * HOUR)
    provider.current = {"start_time": int(NOW.timestamp()), "end_time": int(SOON.timestamp())}
    await house.poll()
    named = await uids(house, hass_client)
    assert len(named) == 2
    for uid in named:
        for answer in (
            await command("delete", uid=uid),
            await command("update", uid=uid, event=event()),
        ):
            assert "You can only change or delete the ones" in answer["error"]["message"]
    assert await uids(house, hass_client) == named


async def test_the_newer_replaces_the_older(house: Home) -> None:
    """Of two that overlap the newer stays."""
    await house.setup()
    await plan(house, summary="First")
    await plan(house, SOON + 30 * MINUTE, summary="Second")
    await plan(house, SOON + DAY, summary="Third")
    assert await shown(house) == ["Second", "Third"]


async def test_it_makes_nothing_live(house: Home, provider: Provider) -> None:
    """At its time nothing happens: the calendar is not on, the next one is none, edges are none."""
    await house.setup()
    await plan(house)
    await house.pass_time(3600 - 5)
    assert house.state(NEXT) == SOON.isoformat()
    await house.pass_time(10)
    assert (house.live, house.state(CALENDAR), house.state(NEXT)) == ("off", "off", "unknown")
    await house.pass_time(3600, step=60)
    assert await shown(house) == ["Planned, did not happen"]
    assert house.edges == []
    on = [c for c in house.changes if (s := c.data["new_state"]) and s.state == "on"]
    assert on == []
    await house.pass_time(23 * 3600, step=600)
    assert await shown(house) == ["Planned, did not happen"]
    await house.pass_time(2 * 3600, step=600)
    assert await shown(house) == []


async def test_kind(house: Home, provider: Provider) -> None:
    """The live one has its plan's kind, edges too; the plan goes and the past one keeps it."""
    await house.setup()
    await plan(house)
    assert kind(house) is None
    await house.pass_time(3600, step=60)
    start = house.now
    provider.start(start, start + HOUR)
    await house.poll()
    assert (house.live, kind(house), house.state(CALENDAR)) == ("on", "power_up", "on")
    assert await shown(house) == ["Equivent · powerUP"]
    state = house.hass.states.get(CALENDAR)
    assert state
    assert state.attributes["message"] == "Equivent · powerUP"
    await house.pass_time(1800, step=60)
    provider.end(start, house.now)
    await house.poll()
    assert (house.live, kind(house)) == ("off", None)
    assert kinds(house) == [("started", "power_up"), ("ended", "power_up")]
    for _ in range(2):
        assert await shown(house) == ["Equivent · powerUP"]
        await house.hass.config_entries.async_reload(house.entry.entry_id)
        await house.settle()


async def test_no_plan_no_kind(house: Home, provider: Provider) -> None:
    """Without a plan the kind is not known."""
    await house.setup()
    await plan(house, NOW + 5 * HOUR)
    await house.pass_time(60)
    start = house.now
    provider.start(start, start + HOUR)
    await house.poll()
    assert (house.live, kind(house)) == ("on", None)
    assert kinds(house) == [("started", None)]
    assert await shown(house) == ["Equivent", "powerUP"]
    assert house.state(NEXT) == (NOW + 5 * HOUR).isoformat()


async def test_kind_of_an_announced_one(house: Home, provider: Provider) -> None:
    """One that the API announces takes its plan's place, and its kind."""
    provider.start(SOON + 2 * MINUTE, SOON + HOUR)
    await house.setup()
    assert await shown(house) == ["Equivent"]
    await plan(house)
    assert await shown(house) == ["Equivent · powerUP"]
    assert house.state(NEXT) == (SOON + 2 * MINUTE).isoformat()
    await house.pass_time(3600 + 120, step=30)
    assert (house.live, kind(house)) == ("on", "power_up")


@pytest.mark.parametrize("wanted", ["power_up", "power_down", None])
async def test_rehearsal(house: Home, wanted: str | None) -> None:
    """It has its own kind, or none, whatever is planned; and it uses no plan up."""
    await house.setup()
    await plan(house, NOW - MINUTE, NOW + HOUR)
    more: dict[str, Any] = {"kind": wanted} if wanted else {}
    await simulate(house.hass, duration={"minutes": 5}, **more)
    await house.settle()
    assert kind(house) == wanted
    words = {"power_up": "Rehearsal · powerUP", "power_down": "Rehearsal · powerDOWN"}
    assert await shown(house) == ["powerUP", words.get(wanted or "", "Rehearsal")]
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.settle()
    assert kind(house) == wanted
    await house.pass_time(6 * 60)
    assert kinds(house) == [("started", wanted), ("ended", wanted)]
    assert await shown(house) == ["powerUP"]


async def test_a_rehearsal_gets_another_kind(house: Home) -> None:
    """It keeps its kind when its end moves, unless another is given; the next has none of it."""
    await house.setup()
    await simulate(house.hass, duration={"minutes": 5}, kind="power_up")
    await simulate(house.hass, duration={"minutes": 1})
    assert kind(house) == "power_up"
    await simulate(house.hass, duration={"minutes": 1}, kind="power_down")
    assert kind(house) == "power_down"
    await house.pass_time(70)
    await simulate(house.hass, duration={"minutes": 1})
    assert (house.live, kind(house)) == ("on", None)


async def test_a_real_one_takes_the_place_of_a_rehearsal(house: Home, provider: Provider) -> None:
    """Its kind is its plan's, not the rehearsal's."""
    await house.setup()
    await plan(house, NOW - MINUTE, NOW + HOUR, summary="powerDOWN")
    await simulate(house.hass, duration={"minutes": 30}, kind="power_up")
    provider.start(house.now, house.now + HOUR)
    await house.poll()
    assert kind(house) == "power_down"
    provider.end(NOW, house.now)
    await house.poll()
    assert kinds(house) == [("started", "power_up"), ("ended", "power_down")]


async def test_outlasts_restarts(
    house: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """It is on the disk when the action returns, is there after a reload, and goes at last."""
    await house.setup()
    await plan(house, summary="powerUP at Grandma's")
    stored = hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]
    (item,) = stored["plans"]
    assert item["summary"] == "powerUP at Grandma's"
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.settle()
    assert await shown(house) == ["powerUP at Grandma's"]
    assert house.state(NEXT) == SOON.isoformat()
    found = await async_get_config_entry_diagnostics(house.hass, house.entry)
    assert found["plans"] == [{"start": SOON, "end": SOON + HOUR, "kind": "power_up"}]
    assert "Grandma" not in json.dumps(found, default=str)
    await house.hass.config_entries.async_remove(house.entry.entry_id)
    await house.settle()
    assert f"{DOMAIN}.{house.entry.entry_id}" not in hass_storage


async def test_unseen(house: Home, provider: Provider) -> None:
    """One that came and went while Home Assistant was off has fulfilled its plan."""
    await house.setup()
    await plan(house)
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    house.freezer.move_to(SOON + 3 * HOUR)
    provider.end(SOON + MINUTE, SOON + HOUR)
    await house.setup()
    assert await shown(house) == ["Equivent · powerUP"]


async def test_an_end_while_it_was_off(house: Home, provider: Provider) -> None:
    """The end that is announced after a restart has the kind, too."""
    await house.setup()
    await plan(house, NOW, NOW + HOUR)
    provider.start(NOW, NOW + HOUR)
    await house.poll()
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    house.freezer.move_to(NOW + 48 * HOUR)
    provider.end(NOW, NOW + HOUR)
    await house.setup()
    assert kinds(house) == [("started", "power_up"), ("ended", "power_up")]
    assert await shown(house) == ["Equivent · powerUP"]


async def test_each_account_has_its_own(house: Home, provider: Provider) -> None:
    """What is planned for one account says nothing of another."""
    await house.setup()
    other = add_entry(house.hass, token="another", webhook_id="another")
    assert await house.hass.config_entries.async_setup(other.entry_id)
    await plan(house)
    assert house.state(NEXT) == SOON.isoformat()
    assert house.state(f"{NEXT}_2") == "unknown"


@pytest.mark.parametrize("planned", [False, True])
async def test_edges_are_the_same(
    house: Home, provider: Provider, push: Push, planned: bool
) -> None:
    """Whatever is planned, replaced and deleted at whatever moment, the edges are the same."""

    async def plan_anything() -> None:
        """Plan an equivent around now, in place of another, and one for later."""
        if planned:
            await plan(house, house.now - MINUTE, house.now + 2 * MINUTE, summary="powerDOWN")
            await plan(house, house.now - MINUTE, house.now + 3 * MINUTE, summary="powerUP")
            await plan(house, house.now + 90 * MINUTE)

    await house.setup()
    await plan_anything()
    await house.pass_time(200)
    await push("?event=started")
    await plan_anything()
    start = house.now
    provider.start(start, start + 20 * MINUTE)
    await house.pass_time(60)
    await plan_anything()
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.pass_time(18 * 60)
    await plan_anything()
    provider.end(start, start + 20 * MINUTE)
    await house.pass_time(5 * 60)
    await plan_anything()
    await house.pass_time(2 * 3600, step=60)
    assert house.edges == [("started", "webhook"), ("ended", "api")]


async def test_after_a_stray_call(house: Home, push: Push) -> None:
    """A call that the API does not confirm has the plan's kind, and leaves the plan as it is."""
    await house.setup()
    await plan(house, NOW - MINUTE, NOW + HOUR)
    await push("?event=started")
    assert (house.live, kind(house)) == ("on", "power_up")
    assert await shown(house) == ["Equivent · powerUP"]
    await house.pass_time(6 * 60)
    assert house.live == "off"
    assert await shown(house) == ["powerUP"]


async def test_a_wrong_end_is_taken_back(house: Home, provider: Provider, push: Push) -> None:
    """What is live again has its kind, though its plan is gone."""
    await house.setup()
    await plan(house, NOW - MINUTE, NOW + 10 * MINUTE)
    start = house.now
    provider.start(start, start + 10 * MINUTE)
    await house.pass_time(8.5 * 60)
    await push("?event=ended")
    assert (house.live, await shown(house)) == ("off", ["Equivent · powerUP"])
    provider.start(start, start + 40 * MINUTE)
    await house.pass_time(8 * 60)
    assert (house.live, kind(house)) == ("on", "power_up")
    assert kinds(house) == [("started", "power_up"), ("ended", "power_up")]


async def test_asks_often_around_a_planned_start(house: Home, provider: Provider) -> None:
    """From a minute before to three minutes after it is asked for every 7.5 seconds."""
    await house.setup()
    start = NOW + 27 * MINUTE
    await plan(house, start)
    await house.pass_time(25 * 60, step=30)
    before = len(provider.calls)
    await house.pass_time(5 * 60, step=2.5)
    inside = [call for call in provider.calls[before:] if abs(call - start - MINUTE) <= 2 * MINUTE]
    assert len(inside) >= 30
    assert max(later - earlier for earlier, later in pairwise(inside)) <= timedelta(seconds=7.5)


async def test_a_plan_for_now_is_looked_for_at_once(house: Home, provider: Provider) -> None:
    """One that is planned while its window is open is not waited for until the next poll."""
    await house.setup()
    await house.pass_time(60, step=1)
    await plan(house, house.now + 20 * timedelta(seconds=1))
    before = len(provider.calls)
    await house.pass_time(30, step=0.5)
    assert len(provider.calls) - before >= 3


async def test_not_while_the_provider_wants_none(house: Home, provider: Provider) -> None:
    """A plan makes no call before the time that the provider has set."""
    await house.setup()
    provider.fail(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "200"})
    await house.poll()
    before = len(provider.calls)
    await plan(house, house.now + 10 * timedelta(seconds=1))
    await house.pass_time(90)
    assert len(provider.calls) == before


async def test_calendar_triggers_fire_for_plans(house: Home) -> None:
    """As the documentation warns: to these, a plan is as good as an equivent."""
    await house.setup()
    await plan(house)
    events = async_capture_events(house.hass, "heard")
    automation = {
        "triggers": {"trigger": "calendar", "entity_id": CALENDAR, "event": "start"},
        "actions": {"event": "heard"},
    }
    assert await async_setup_component(house.hass, "automation", {"automation": automation})
    await house.settle()
    await house.pass_time(3600 + 60, step=30)
    assert len(events) == 1
    assert house.edges == []
    await house.hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )
