"""Test that what the README says can be done."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
import json
import logging
from pathlib import Path
import re
from typing import Any
from urllib.parse import unquote

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.equiwatt import coordinator
from custom_components.equiwatt.const import BLUEPRINT_URL, DEFAULT_URL, DOMAIN
from custom_components.equiwatt.equivents import clock, schedule, snapshot, tracker
from custom_components.equiwatt.holding.domains import Refusal
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import area_registry as ar, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict, parse_yaml

from .conftest import NOW, House, Provider, Push
from .devices import Plug, install
from .test_services import simulate

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
INTEGRATION = ROOT / "custom_components" / "equiwatt"
TRANSLATIONS = json.loads((INTEGRATION / "translations" / "en.json").read_text("utf-8"))
HOUR = timedelta(hours=1)
WITH_METER = {f"sensor.equiwatt_{key}" for key in ("usual_use", "use", "saving")}
"""The entities that only accounts with a meter have; docs/saving.md says more of them."""


def automations() -> dict[str, dict[str, Any]]:
    """Return the README's automations by their names."""
    blocks: list[Any] = [parse_yaml(text) for text in re.findall(r"(?s)```yaml\n(.*?)```", README)]
    return {block["alias"]: block for block in blocks}


AUTOMATIONS = automations()


def actions(value: Any) -> Iterator[str]:
    """Yield the names of the actions of an automation."""
    if isinstance(value, dict):
        if isinstance(value.get("action"), str):
            yield value["action"]
        for inner in value.values():
            yield from actions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from actions(inner)


class Examples:
    """The README's automations in a house, and the calls that they make."""

    def __init__(self, house: House) -> None:
        """Have heard nothing."""
        self.house = house
        self.calls: list[ServiceCall] = []

    async def setup(self, *aliases: str) -> None:
        """Take some or all of them in, with devices that do nothing but note the calls."""
        hass = self.house.hass
        blocks = [AUTOMATIONS[alias] for alias in aliases or AUTOMATIONS]
        for name in sorted({name for block in blocks for name in actions(block)}):
            domain, action = name.split(".")
            if domain != DOMAIN:  # its own are run as they are
                async_mock_service(hass, domain, action)
        hass.bus.async_listen("call_service", self._hear)
        config = {"automation": blocks}
        assert await async_setup_component(hass, "automation", config)
        await self.house.settle()

    def _hear(self, event: Any) -> None:
        """Note a call."""
        data = event.data
        call = ServiceCall(self.house.hass, data["domain"], data["service"], data["service_data"])
        self.calls.append(call)

    def runs(self, alias: str) -> int:
        """Return how often the action of an automation was called, by what only it says."""
        (action,) = [a for a in AUTOMATIONS[alias]["actions"] if "action" in a]
        title = action.get("data", {}).get("title")
        return sum(
            action["action"] == f"{call.domain}.{call.service}"
            and call.data.get("title") == title
            and set(action.get("target", {}).get("entity_id", "").split())
            == set(call.data.get("entity_id", []))
            for call in self.calls
        )

    def messages(self) -> list[str]:
        """Return the messages to the user."""
        return [call.data["message"] for call in self.calls if "message" in call.data]

    @property
    def entities(self) -> list[str]:
        """Return the entities of the automations."""
        return self.house.hass.states.async_entity_ids("automation")


@pytest.fixture
async def examples(
    hass: HomeAssistant, house: House, provider: Provider
) -> AsyncIterator[Examples]:
    """Return the README's automations, to be set up by the test."""
    provider.end(NOW - 72 * HOUR, NOW - 71 * HOUR)
    examples = Examples(house)
    yield examples
    data = {"entity_id": examples.entities}
    await hass.services.async_call("automation", "turn_off", data, blocking=True)


def turn(house: House, entity_id: str) -> None:
    """Turn a device of the house on."""
    house.hass.states.async_set(entity_id, "off")
    house.hass.states.async_set(entity_id, "on")


START = "Immersion heater off when an equivent starts"
END = "Immersion heater on when an equivent ends"
UNLESS_NO = "Heating down when an equivent starts, unless I said no"
LOG_IT = "Remind me to log the equivent"
DRYER = "Warn when the tumble dryer starts during an equivent"
HALFWAY = "Look at the meter half an hour into an equivent"
NEARLY_OVER = "Say that an equivent is nearly over"
FORTNIGHT = "Tell me when there has been no equivent for a fortnight"
POINTS = "Remind me to look for the points"
TOOK = "Say how long the equivent took"
CAR = "Say so when the car is plugged in during an equivent"
REHEARSAL = "Say that an equivent has started, or a rehearsal"
PAUSE = "Pause the immersion heater and the towel rail"
KITCHEN = "Pause the kitchen, and say what was not paused"
SILENT = "Tell me when the webhook has fallen silent"


async def test_all_load(examples: Examples, caplog: pytest.LogCaptureFixture) -> None:
    """Each automation is valid, listens, and has not run without a reason."""
    await examples.house.setup()
    await examples.setup()
    tested = {
        *(START, END, UNLESS_NO, LOG_IT, DRYER, HALFWAY),
        *(NEARLY_OVER, FORTNIGHT, POINTS, TOOK, CAR, SILENT, REHEARSAL, PAUSE, KITCHEN),
    }
    assert set(AUTOMATIONS) == tested
    states = [examples.house.hass.states.get(entity_id) for entity_id in examples.entities]
    assert {state.name for state in states if state and state.state == "on"} == tested
    assert len(states) == len(tested)
    assert examples.calls == []
    complaints = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert not [r.getMessage() for r in complaints if "automation" in r.name + r.getMessage()]


async def test_start_and_end(examples: Examples, push: Push) -> None:
    """A start and an end that a webhook call tells are acted upon, each once."""
    await examples.house.setup()
    await examples.setup()
    await push("?event=started")
    await examples.house.settle()
    assert (examples.runs(START), examples.runs(END), examples.runs(LOG_IT)) == (1, 0, 0)
    await examples.house.pass_time(30)
    await push("?event=ended")
    await examples.house.settle()
    assert (examples.runs(START), examples.runs(END), examples.runs(LOG_IT)) == (1, 1, 1)


async def test_actions(examples: Examples) -> None:
    """The examples of the actions rehearse, pause, put back, and tell what was not paused."""
    house = examples.house
    await house.setup()
    names = ("Immersion heater", "Towel rail", "Kettle", "Radio")
    heater, rail, kettle, radio = await install(house.hass, *(Plug(name) for name in names))
    kitchen = ar.async_get(house.hass).async_create("Kitchen")
    for name in ("switch.kettle", "switch.radio"):
        er.async_get(house.hass).async_update_entity(name, area_id=kitchen.id)
    radio.report(is_on=False)
    await examples.setup(REHEARSAL, PAUSE, KITCHEN)
    await simulate(house.hass, duration={"hours": 1})
    await house.settle()
    titles = [call.data["title"] for call in examples.calls if "title" in call.data]
    assert sorted(titles) == ["Paused: 1", "Rehearsal"]
    assert "switch.radio" in examples.messages()
    assert [one.commands for one in (heater, rail, kettle, radio)] == [["off"]] * 3 + [[]]
    await house.pass_time(46 * 60, step=30)
    assert rail.commands == ["off", "on"]
    assert kettle.commands == ["off"]
    await house.pass_time(15 * 60, step=30)
    assert kettle.commands == ["off", "on"]


async def test_demo_trigger(examples: Examples, push: Push) -> None:
    """A demo start runs the automations, and ends by itself after five minutes."""
    await examples.house.setup()
    await examples.setup()
    await push("?event=started")
    await examples.house.pass_time(290)
    assert (examples.runs(START), examples.runs(END)) == (1, 0)
    await examples.house.pass_time(20)
    assert (examples.runs(START), examples.runs(END)) == (1, 1)


async def test_start_and_end_without_webhook(examples: Examples, provider: Provider) -> None:
    """So are those that the API tells."""
    await examples.house.setup()
    await examples.setup()
    provider.start(NOW + timedelta(seconds=10), None)
    await examples.house.poll()
    assert (examples.runs(START), examples.runs(END)) == (1, 0)
    provider.end(NOW + timedelta(seconds=10), NOW + timedelta(minutes=2))
    await examples.house.pass_time(120)
    assert (examples.runs(START), examples.runs(END)) == (1, 1)


@pytest.mark.parametrize(("toggle", "runs"), [("on", 1), ("off", 0)])
async def test_skip(examples: Examples, push: Push, toggle: str, runs: int) -> None:
    """The toggle decides whether an equivent is joined."""
    await examples.house.setup()
    examples.house.hass.states.async_set("input_boolean.take_part_in_equivents", toggle)
    await examples.setup()
    await push("?event=started")
    await examples.house.settle()
    assert examples.runs(UNLESS_NO) == runs


async def test_conditions(examples: Examples, push: Push) -> None:
    """The warnings come during an equivent only."""
    await examples.house.setup()
    await examples.setup()
    for runs in (0, 1):
        turn(examples.house, "switch.tumble_dryer")
        turn(examples.house, "binary_sensor.car_plugged_in")
        await examples.house.settle()
        assert (examples.runs(DRYER), examples.runs(CAR)) == (runs, runs)
        await push("?event=started")


async def test_times(examples: Examples, provider: Provider) -> None:
    """What counts from the start and towards the end comes at its time."""
    house = examples.house
    await house.setup()
    await examples.setup()
    house.hass.states.async_set("sensor.house_power", "2000")
    provider.start(NOW, NOW + HOUR)
    await house.pass_time(29 * 60, step=30)
    assert (examples.runs(HALFWAY), examples.runs(NEARLY_OVER)) == (0, 0)
    await house.pass_time(2 * 60)
    assert (examples.runs(HALFWAY), examples.runs(NEARLY_OVER)) == (1, 0)
    assert "The home uses 2000 W. Is anything still on?" in examples.messages()
    await house.pass_time(25 * 60, step=30)
    assert (examples.runs(HALFWAY), examples.runs(NEARLY_OVER)) == (1, 1)
    await house.pass_time(4 * 60, step=30)
    provider.end(NOW, NOW + HOUR)
    await house.pass_time(2 * 60)
    assert (examples.runs(TOOK), examples.runs(SILENT)) == (1, 0)
    assert any("took 60 minutes" in message for message in examples.messages())
    await house.pass_time(4 * 60)
    assert examples.runs(SILENT) == 1
    await house.pass_time(23 * 3600 + 1800, step=1800)
    assert examples.runs(POINTS) == 0
    await house.pass_time(1800, step=60)
    assert examples.runs(POINTS) == 1


async def test_webhook_that_works(examples: Examples, provider: Provider, push: Push) -> None:
    """Nobody is told of a silent webhook while it calls."""
    await examples.house.setup()
    await examples.setup()
    provider.start(NOW, None)
    await push("?event=started")
    await examples.house.pass_time(60)
    provider.end(NOW, NOW + timedelta(minutes=1))
    await push("?event=ended")
    await examples.house.pass_time(400)
    assert examples.runs(END) == 1
    assert examples.runs(SILENT) == 0


@pytest.mark.parametrize(("days", "runs"), [(3, 0), (20, 1)])
async def test_fortnight(examples: Examples, provider: Provider, days: int, runs: int) -> None:
    """A long silence is told on a Sunday."""
    start = NOW - timedelta(days=days)
    provider.previous.clear()
    provider.end(start, start + HOUR)
    await examples.house.setup()
    await examples.setup()
    await examples.house.pass_time(4 * 86400, step=600)
    assert examples.runs(FORTNIGHT) == runs


async def test_calendar_triggers_are_deaf(
    hass: HomeAssistant, examples: Examples, provider: Provider
) -> None:
    """The README warns of them: a calendar is looked into every fifteen minutes only."""
    heard: list[Any] = []
    hass.bus.async_listen("heard", heard.append)
    config = {
        "triggers": {
            "trigger": "calendar.event_started",
            "target": {"entity_id": "calendar.equiwatt_equivents"},
        },
        "actions": {"event": "heard"},
    }
    assert await async_setup_component(hass, "automation", {"automation": config})
    await examples.house.setup()
    await examples.house.pass_time(120)
    provider.start(examples.house.now, examples.house.now + HOUR)
    await examples.house.pass_time(1200, step=10)
    assert examples.house.live == "on"
    assert heard == []


async def test_entities(hass: HomeAssistant, house: House) -> None:
    """Every entity has its row and its heading, and no other is spoken of."""
    await house.setup()
    entities = er.async_entries_for_config_entry(er.async_get(hass), house.entry.entry_id)
    ids = {entity.entity_id for entity in entities}
    assert ids
    for entity_id in ids:
        assert f"\n| `{entity_id}` |" in README
        assert f"\n### `{entity_id}`\n" in README
    named = re.findall(r"\b(?:binary_sensor|sensor|event|calendar)\.equiwatt_\w+", README)
    assert set(named) == ids | WITH_METER
    for entity_id in WITH_METER:
        assert f"\n| `{entity_id}` |" in README


@pytest.mark.parametrize("alias", AUTOMATIONS)
def test_own_entities_only(alias: str) -> None:
    """Each automation uses an entity of the integration."""
    assert re.search(r"\w+\.equiwatt_\w+", str(AUTOMATIONS[alias]))


def test_every_entity_has_an_example() -> None:
    """Under each entity's heading there is an automation that uses it."""
    sections = re.split(r"(?m)^### `", README)[1:]
    assert sections
    for section in sections:
        entity_id = section.split("`")[0]
        text = re.split(r"(?m)^#{2,3} ", section)[0]
        assert entity_id in "".join(re.findall(r"(?s)```yaml\n(.*?)```", text))


ORDER = [
    *("See it first", "Am I beating it?", "Installation", "Configuration", "Entities", "Actions"),
    *("Blueprints",),
    *("Automation examples", "How data is updated", "The webhook", "Use cases"),
    *("Supported functions", "Known limitations", "Troubleshooting", "Privacy and security"),
    *("Removal", "Contributing"),
]


def test_order() -> None:
    """First a picture, what it is and the buttons; then from curiosity to removal, all listed."""
    first, *sections = re.split(r"(?m)^## ", README)
    assert [section.split("\n", 1)[0] for section in sections] == ORDER
    intro = first.split("**Contents:**")[0]
    marks = [
        "docs/images/dashboard-live.png",
        "[equiwatt](",
        "hacs_repository",
        "config_flow_start",
    ]
    places = [intro.index(mark) for mark in marks]
    assert places == sorted(places)
    contents = first.split("**Contents:**")[1]
    assert re.findall(r"\(#([^)]+)\)", contents) == [slug(heading) for heading in ORDER]


def test_figures_in_the_text() -> None:
    """The figures that are told in passing are those of the benchmark."""
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text("utf-8"))
    figures = {key: value for result in results for key, value in result["figures"].items()}
    text = " ".join(README.split())
    assert f"makes {figures['calls_per_day']:,.0f} calls a day" in text
    median, most = figures["edge_median_s"], figures["edge_p95_s"]
    assert f"within {median:.1f} seconds and 19 of 20 within {most:.1f}" in text
    assert f"within {figures['push_ours_median_ms']:.2f} ms of its arrival" in text


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_links() -> None:
    """Relative links and anchors lead somewhere; others are by https."""
    anchors = {slug(heading) for heading in re.findall(r"(?m)^#+ (.+)$", README)}
    targets = re.findall(r"\]\(([^)\s]+)\)", README)
    assert targets
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in anchors
        elif not target.startswith("https://"):
            assert (ROOT / target).exists(), target


def test_pictures() -> None:
    """Every picture is there, is one, and is described for those who cannot see it."""
    pictures = re.findall(r"!\[([^\]]*)\]\((docs/[^)]+)\)", README)
    assert len(pictures) >= 5
    for described, name in pictures:
        content = (ROOT / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n"), name
        assert len(content) < 200_000, name
        assert len(described) > 20, name


def test_commands() -> None:
    """The scripts that are named exist, and know the options that are named."""
    named = re.findall(r"(scripts/\w+|\.ci/run)((?: --[\w-]+(?: \d+)?)*)", README)
    assert {script for script, _ in named} >= {"scripts/demo", "scripts/test", "scripts/lint"}
    for script, options in named:
        path = ROOT / script
        assert path.stat().st_mode & 0o111, script
        text = path.read_text("utf-8")
        for option in re.findall(r"--[\w-]+", options):
            assert option in text, (script, option)


def test_files() -> None:
    """The files and folders that the README names in backticks are there."""
    for name in re.findall(r"`((?:tests|custom_components|demo)/[\w/.]+)`", README):
        assert (ROOT / name).exists(), name


def test_facts() -> None:
    """Numbers, addresses and words are those of the code."""
    assert DEFAULT_URL in README
    assert coordinator.STALE_AFTER == tracker.OVERRUN == timedelta(minutes=15)
    assert timedelta(hours=6) == tracker.MAX_OPEN
    assert timedelta(minutes=5) == tracker.PUSH_GRACE
    assert timedelta(seconds=10) == tracker.VANISH_CONFIRM
    assert timedelta(minutes=2) == clock.TOLERANCE
    assert (schedule.OFTEN, schedule.BY_DAY, schedule.BY_NIGHT) == (7.5, 30, 60)
    assert (schedule.OPENS, schedule.CLOSES, schedule.LONGEST) == (60, 150, 300)
    assert snapshot.MAX_EQUIVENTS == 2000
    forms = TRANSLATIONS["config"]["step"]
    assert f"**{forms['user']['data']['token']}**" in README
    advanced = forms["user"]["sections"]["advanced"]
    assert f"**{advanced['name']}: {advanced['data']['url']}**" in README
    for option in forms["reconfigure"]["menu_options"].values():
        assert f"**{option}**" in " ".join(README.split())


def test_actions_are_explained() -> None:
    """Each action, field and reason is in the README."""
    for name, service in TRANSLATIONS["services"].items():
        assert f"`{DOMAIN}.{name}`" in README
        for key, field in service["fields"].items():
            assert f"**{field['name']}** (`{key}`)" in README
    for refusal in Refusal:
        assert f"`{refusal}`" in README


def test_blueprints_can_be_imported() -> None:
    """Each has a badge that imports it from where its own source address says."""
    folder = ROOT / "blueprints" / "automation" / "equiwatt"
    sources = {load_yaml_dict(str(one))["blueprint"]["source_url"] for one in folder.iterdir()}
    badges = re.findall(r"blueprint_import/\?blueprint_url=([^)]+)\)", README)
    assert {unquote(badge) for badge in badges} == sources
    assert f"]({BLUEPRINT_URL})" in README  # to which the dialog leads
    documentation = json.loads((INTEGRATION / "manifest.json").read_text("utf-8"))["documentation"]
    assert all(source.startswith(f"{documentation}/blob/main/") for source in sources)


def test_reasons_are_explained() -> None:
    """Troubleshooting quotes the beginning of each sentence that the dialog may show."""
    quoted = re.findall(r'\*\*"([^"]+)"', README)
    sentences = list(TRANSLATIONS["config"]["error"].values())
    assert len(quoted) == len(sentences)
    for beginning in quoted:
        assert any(sentence.startswith(beginning) for sentence in sentences), beginning
