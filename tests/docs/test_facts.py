"""Test the entities, actions, numbers and texts on the pages against the code."""

from datetime import timedelta
import json
import re
from urllib.parse import unquote

from benchmarks.readme import load
from benchmarks.report import figures_of
from custom_components.equiwatt import coordinator
from custom_components.equiwatt.const import BLUEPRINT_URL, DEFAULT_URL, DOMAIN
from custom_components.equiwatt.equivents import clock, schedule, snapshot, tracker
from custom_components.equiwatt.holding import device_state
from custom_components.equiwatt.holding.eligibility import Refusal
from custom_components.equiwatt.metering import sensors
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util.yaml import load_yaml_dict

from ..fakes.home import Home
from .pages import EVERYTHING, PAGES, README, ROOT, flat

INTEGRATION = ROOT / "custom_components" / "equiwatt"
TRANSLATIONS = json.loads((INTEGRATION / "translations" / "en.json").read_text("utf-8"))


async def test_entities(hass: HomeAssistant, home: Home) -> None:
    """Every entity has its row and its heading, and no others do."""
    await home.setup()
    entities = er.async_entries_for_config_entry(er.async_get(hass), home.entry.entry_id)
    ids = {entity.entity_id for entity in entities}
    assert ids
    for entity_id in ids:
        assert f"\n### `{entity_id}`\n" in PAGES["docs/examples.md"]
    ids |= {f"sensor.equiwatt_{description.key}" for description in sensors.SENSORS}
    for entity_id in ids:
        domain, key = entity_id.split(".equiwatt_")
        name = TRANSLATIONS["entity"][domain][key]["name"]
        assert f"\n| {name} | `{entity_id}` |" in PAGES[README]
    named = re.findall(
        r"\b(?:binary_sensor|sensor|event|calendar|switch)\.equiwatt_\w+", EVERYTHING
    )
    assert set(named) == ids


def test_every_entity_has_an_example() -> None:
    """Each entity's heading has an automation that uses it."""
    sections = re.split(r"(?m)^### `", EVERYTHING)[1:]
    assert sections
    for section in sections:
        entity_id = section.split("`")[0]
        text = re.split(r"(?m)^#{2,3} ", section)[0]
        assert entity_id in "".join(re.findall(r"(?s)```yaml\n(.*?)```", text))


def test_figures_in_the_text() -> None:
    """The figures in the text are those of the benchmark."""
    figures = figures_of(load())
    text = flat(EVERYTHING)
    assert f"makes {figures['calls_per_day']:,.0f} calls a day" in text
    assert "REST sensors take half the memory, are imported in less than half of the time" in text
    assert 1.6 < figures["memory_kib"] / figures["diy_memory_kib"] < 2.4
    assert 2 < figures["import_ms"] / figures["diy_import_ms"] < 3
    median, most = figures["edge_median_s"], figures["edge_p95_s"]
    assert f"within {median:.1f} seconds and 19 of 20 within {most:.1f}" in text
    assert f"within {figures['push_ours_median_ms']:.2f} ms of its arrival" in text


def test_facts() -> None:
    """Numbers, addresses and texts are those of the code."""
    assert DEFAULT_URL in EVERYTHING
    assert coordinator.STALE_AFTER == tracker.OVERRUN == timedelta(minutes=15)
    assert timedelta(hours=6) == tracker.MAX_OPEN
    assert timedelta(minutes=5) == tracker.PUSH_GRACE
    assert timedelta(seconds=10) == tracker.CONFIRMATION_INTERVAL
    assert timedelta(minutes=2) == clock.TOLERANCE
    assert (schedule.WINDOW_INTERVAL, schedule.DAY_INTERVAL, schedule.NIGHT_INTERVAL) == (
        7.5,
        30,
        60,
    )
    assert (schedule.OPENS, schedule.CLOSES) == (60, 150)
    assert snapshot.MAX_EQUIVENTS == 2000
    forms = TRANSLATIONS["config"]["step"]
    assert f"**{forms['user']['data']['token']}**" in EVERYTHING
    advanced = forms["user"]["sections"]["advanced"]
    assert f"**{advanced['name']}: {advanced['data']['url']}**" in EVERYTHING
    for option in forms["reconfigure"]["menu_options"].values():
        assert f"**{option}**" in PAGES[README]


def test_actions_are_explained() -> None:
    """Each action is on the front page, and described with its fields and reasons."""
    page = PAGES["docs/actions.md"]
    for name, service in TRANSLATIONS["services"].items():
        assert f"`{DOMAIN}.{name}`" in PAGES[README]
        assert f"`{DOMAIN}.{name}`" in page
        for key, field in service.get("fields", {}).items():
            assert f"**{field['name']}** (`{key}`)" in page
    for refusal in Refusal:
        assert f"`{refusal}`" in page


def test_restored_attributes() -> None:
    """The page of the actions lists the restored attributes of each domain."""
    table = PAGES["docs/actions.md"].split("### What is restored")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    names = {domain: dict.fromkeys(names) for domain, names in device_state.SIGNIFICANT.items()}
    assert rows == {
        domain: ", ".join(map(compared, others)) for domain, others in names.items() if others
    }
    assert all(f"`{domain}`" in table for domain in names)
    assert f"a state that is a number by {device_state.EXACT}." in table


def compared(name: str) -> str:
    """Return an attribute in the form of the page."""
    tolerance = device_state.TOLERANCES.get(name)
    return f"`{name}`" + (f" (± {tolerance:g})" if tolerance else "")


def test_blueprints_can_be_imported() -> None:
    """Each badge imports a blueprint from its source address."""
    folder = ROOT / "blueprints" / "automation" / "equiwatt"
    sources = {load_yaml_dict(str(path))["blueprint"]["source_url"] for path in folder.iterdir()}
    badges = re.findall(r"blueprint_import/\?blueprint_url=([^)]+)\)", EVERYTHING)
    assert {unquote(badge) for badge in badges} == sources
    assert f"]({BLUEPRINT_URL})" in PAGES[README]  # linked in the dialog
    documentation = json.loads((INTEGRATION / "manifest.json").read_text("utf-8"))["documentation"]
    assert all(source.startswith(f"{documentation}/blob/main/") for source in sources)


def test_reasons_are_explained() -> None:
    """Troubleshooting quotes the beginning of each error in the dialogs."""
    quoted = re.findall(r'\*\*"([^"]+)"', PAGES["docs/troubleshooting.md"])
    errors = TRANSLATIONS["config"]["error"]
    assert len(quoted) == len(errors)
    for error in errors.values():
        assert [quote for quote in quoted if error.startswith(quote)], error
