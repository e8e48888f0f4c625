"""Test the automations on the page of planned equivents."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from ..fakes.actions import calendar, plan, simulate
from ..fakes.home import NOW, Home
from ..fakes.provider import Provider
from .pages import PAGES, blocks

PLANNED = {block["alias"]: block for block in blocks(PAGES["docs/planned.md"])}
POWER_UP = "Use the sunshine of a powerUP"
VOICE = "Plan an equivent by voice"
PHONE = "Plan what the equiwatt app announces on my phone"
MAIL = "Plan what equiwatt announces by e-mail"
SCHEME = "Plan what the Demand Flexibility Service announces"
TOMORROW = NOW.replace(hour=17, minute=0) + timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
async def planner(hass: HomeAssistant, home: Home, provider: Provider) -> AsyncIterator[Home]:
    """Return a house in London with the automations of the page."""
    await hass.config.async_set_time_zone("Europe/London")
    await home.setup()
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    assert await async_setup_component(hass, "automation", {"automation": [*PLANNED.values()]})
    await home.settle()
    names = {state.name for state in hass.states.async_all("automation") if state.state == "on"}
    assert names == set(PLANNED)
    yield home
    all_of_them = {"entity_id": "all"}
    await hass.services.async_call("automation", "turn_off", all_of_them, blocking=True)


async def planned(home: Home) -> list[tuple[str, datetime, datetime]]:
    """Return the planned equivents."""
    events = await calendar(home, NOW, NOW + 72 * HOUR)
    return [
        (
            event["summary"],
            datetime.fromisoformat(event["start"]),
            datetime.fromisoformat(event["end"]),
        )
        for event in events
    ]


def test_all_are_tested() -> None:
    """Each automation of the page has a test below."""
    assert set(PLANNED) == {POWER_UP, VOICE, PHONE, MAIL, SCHEME}


@pytest.mark.parametrize(
    ("sentence", "summary", "start", "end"),
    [
        ("powerUP tomorrow from five to six", "powerUP", TOMORROW, TOMORROW + HOUR),
        ("power down tomorrow from 5 to 7", "power down", TOMORROW, TOMORROW + 2 * HOUR),
        (
            "power up today from 17:30 to 18:30",
            "power up",
            NOW + HOUR / 6,
            NOW + HOUR + HOUR / 6,
        ),
    ],
)
async def test_voice(
    planner: Home, sentence: str, summary: str, start: datetime, end: datetime
) -> None:
    """A sentence to Assist is planned and confirmed."""
    answer: Any = await planner.hass.services.async_call(
        "conversation", "process", {"text": sentence}, blocking=True, return_response=True
    )
    await planner.settle()
    assert answer["response"]["speech"]["plain"]["speech"].startswith("Planned for 17:")
    assert await planned(planner) == [(summary, start, end)]


@pytest.mark.parametrize(
    ("message", "package", "summaries"),
    [
        ("Your powerUP is tomorrow, 17:00 to 18:00", "com.equiwatt.app", ["powerUP"]),
        ("powerDOWN tomorrow 17:00-18:00. Opt in!", "com.equiwatt.app", ["powerDOWN"]),
        ("Your points are in", "com.equiwatt.app", []),
        ("Your powerUP is tomorrow, 17:00 to 18:00", "com.other", []),
    ],
)
async def test_phone(planner: Home, message: str, package: str, summaries: list[str]) -> None:
    """A notification of equiwatt on the phone with two times is planned."""
    attributes = {"package": package}
    planner.hass.states.async_set("sensor.phone_last_notification", message, attributes)
    await planner.settle()
    expected = [(summary, TOMORROW, TOMORROW + HOUR) for summary in summaries]
    assert await planned(planner) == expected


@pytest.mark.parametrize(("sender", "plans"), [("news@equiwatt.com", 1), ("a@example.com", 0)])
async def test_mail(planner: Home, sender: str, plans: int) -> None:
    """An e-mail with two times is planned."""
    mail = {"sender": sender, "subject": "powerUP", "text": "It is tomorrow, 17:00 to 18:00."}
    planner.hass.bus.async_fire("imap_content", mail)
    await planner.settle()
    assert await planned(planner) == [("powerUP", TOMORROW, TOMORROW + HOUR)] * plans


@pytest.mark.parametrize(
    ("message", "summary"), [("DFS Downwards", "powerDOWN"), ("DFS Upwards", "powerUP")]
)
async def test_scheme(planner: Home, message: str, summary: str) -> None:
    """The next event of the national scheme is planned once."""
    for _ in range(2):
        planner.hass.states.async_set("calendar.dfs_events", "off", {})
        attributes = {
            "message": message,
            "start_time": "2026-11-21 17:00:00",
            "end_time": "2026-11-21 18:00:00",
        }
        planner.hass.states.async_set("calendar.dfs_events", "off", attributes)
        await planner.settle()
    assert await planned(planner) == [(summary, TOMORROW, TOMORROW + HOUR)]


@pytest.mark.parametrize("kind", ["power_up", "power_down"])
async def test_power_up(planner: Home, kind: str) -> None:
    """The automation for powerUP runs in a powerUP only."""
    calls = async_mock_service(planner.hass, "switch", "turn_on")
    await simulate(planner.hass, duration={"minutes": 1}, kind=kind)
    await planner.settle()
    assert len(calls) == (kind == "power_up")


async def test_planned_power_up(planner: Home, provider: Provider) -> None:
    """The automation for powerUP runs in a planned equivent."""
    calls = async_mock_service(planner.hass, "switch", "turn_on")
    await plan(planner, NOW, NOW + HOUR)
    provider.start(NOW, NOW + HOUR)
    await planner.poll()
    assert len(calls) == 1
