"""Test that each rule of the quality scale has an answer, and that the answers are true."""

import ast
from collections.abc import Callable
from configparser import ConfigParser
from functools import cache
from importlib import import_module
import inspect
import json
from pathlib import Path
import re
from typing import Any, get_type_hints

from aiohttp import ClientSession
import pytest

from custom_components import equiwatt
from custom_components.equiwatt import config_flow, coordinator, diagnostics, entity
from custom_components.equiwatt.const import DOMAIN
from custom_components.equiwatt.data import EquiwattRuntimeData
from custom_components.equiwatt.equivents.client import EquiwattClient
from homeassistant.config_entries import HANDLERS, ConfigEntryState, ConfigFlow
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.update_coordinator import CoordinatorEntity, DataUpdateCoordinator
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict

from ..docs.pages import PAGES, README, headings
from ..fakes.home import Home
from ..fakes.provider import Provider

FOLDER = Path(equiwatt.__file__).parent
ROOT = FOLDER.parent.parent
PLATFORMS = sorted(equiwatt.PLATFORMS)
STATUSES = {"done", "exempt", "todo"}
DISCOVERIES = {"bluetooth", "dhcp", "homekit", "mqtt", "ssdp", "usb", "zeroconf"}
ERRORS = {
    "ConfigEntryAuthFailed",
    "ConfigEntryError",
    "ConfigEntryNotReady",
    "HomeAssistantError",
    "ServiceValidationError",
    "UpdateFailed",
}

TESTS_FOLDER = Path(__file__).parents[1]
TIERS = json.loads((TESTS_FOLDER / "data" / "quality_scale_rules.json").read_text("utf-8"))
RULES = [
    rule if isinstance(rule, str) else rule["id"] for rules in TIERS.values() for rule in rules
]

DOCUMENTED_UNDER = {
    "docs-high-level-description": (README, "equiwatt for Home Assistant"),
    "docs-installation-instructions": (README, "Installation"),
    "docs-removal-instructions": (README, "Removal"),
    "docs-configuration-parameters": (README, "Change something later"),
    "docs-installation-parameters": (README, "2. Add the integration"),
    "docs-actions": ("docs/actions.md", "Actions"),
    "docs-triggers": ("docs/triggers.md", "Triggers"),
    "docs-conditions": ("docs/triggers.md", "Condition"),
    "docs-data-update": ("docs/how-it-works.md", "How data is updated"),
    "docs-examples": ("docs/examples.md", "Examples"),
    "docs-known-limitations": (README, "Known limitations"),
    "docs-supported-functions": ("docs/how-it-works.md", "Supported functions"),
    "docs-troubleshooting": ("docs/troubleshooting.md", "Troubleshooting"),
    "docs-use-cases": ("docs/examples.md", "Use cases"),
}

TESTED_BY = {
    "action-exceptions": [
        "test_services.test_nothing_to_rehearse_while_live",
        "test_services.test_who_may_rehearse",
    ],
    "appropriate-polling": ["test_coordinator.test_polls_on_schedule"],
    "brands": ["test_files.test_brand"],
    "config-flow-test-coverage": [
        "test_config_flow.test_user",
        "test_config_flow.test_reauth",
        "test_config_flow.test_reconfigure_address",
        "test_config_flow.test_show_addresses",
        "test_config_flow.test_new_addresses",
    ],
    "entity-event-setup": ["test_init.test_reload_and_unload"],
    "entity-translations": ["test_files.test_every_entity_has_name_and_icon"],
    "entity-unavailable": ["test_coordinator.test_stale_to_the_second"],
    "icon-translations": ["test_files.test_every_entity_has_name_and_icon"],
    "log-when-unavailable": ["test_coordinator.test_logged_once"],
    "reauthentication-flow": ["test_config_flow.test_reauth_after_refusal"],
    "reconfiguration-flow": ["test_config_flow.test_reconfigure_token"],
    "repair-issues": ["test_webhook_monitor.test_changed", "test_issues.test_repair"],
    "test-before-configure": ["test_config_flow.test_errors"],
    "test-before-setup": ["test_init.test_not_ready"],
    "unique-config-entry": ["test_config_flow.test_already_configured"],
}
"""Tests elsewhere that are the evidence of a rule."""

SHOWN_BELOW: set[str] = set()
"""Rules with evidence in this module."""


def shows[Test](*rules: str) -> Callable[[Test], Test]:
    """Register the rules that a test proves."""
    SHOWN_BELOW.update(rules)
    return lambda test: test


def answers() -> dict[str, Any]:
    """Return the answers in the file."""
    rules = load_yaml_dict(str(FOLDER / "quality_scale.yaml"))["rules"]
    assert isinstance(rules, dict)
    return dict(rules)


def status(rule: str) -> str:
    """Return the status of a rule."""
    answer = answers()[rule]
    return str(answer if isinstance(answer, str) else answer["status"])


def load(name: str) -> Any:
    """Return a JSON file of the integration."""
    return json.loads((FOLDER / name).read_text("utf-8"))


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Return the syntax nodes of the integration's modules, with their names."""
    return [
        (path.stem, node)
        for path in sorted(FOLDER.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    ]


@cache
def names() -> set[str]:
    """Return the names that the integration uses."""
    return {
        name
        for _, node in nodes()
        for field in ("attr", "id", "arg")
        if isinstance(name := getattr(node, field, None), str)
    }


def functions(module: str) -> set[str]:
    """Return the functions of the test modules with a name."""
    functions = re.compile(r"^(?:async )?def (\w+)", re.MULTILINE).findall
    paths = TESTS_FOLDER.rglob(f"{module}.py")
    return {name for path in paths for name in functions(path.read_text("utf-8"))}


def test_every_rule_is_answered() -> None:
    """All rules are answered in the order of their tiers, and no others."""
    assert len(RULES) == len(set(RULES)) == 54
    assert set(answers()) == set(RULES)
    tier_of = {
        rule if isinstance(rule, str) else rule["id"]: number
        for number, rules in enumerate(TIERS.values())
        for rule in rules
    }
    tiers = [tier_of[rule] for rule in answers()]
    assert tiers == sorted(tiers)


@pytest.mark.parametrize("rule", RULES)
def test_answer(rule: str) -> None:
    """The status is known, and has a comment unless the rule is simply done."""
    answer = answers()[rule]
    if isinstance(answer, str):
        assert answer == "done"
        return
    assert set(answer) == {"status", "comment"}
    assert answer["status"] in STATUSES
    assert answer["comment"].strip().endswith(".")


def test_evidence() -> None:
    """Each rule that is done has a test here or elsewhere."""
    done = {rule for rule in RULES if status(rule) == "done"}
    shown = TESTED_BY.keys() | SHOWN_BELOW | DOCUMENTED_UNDER.keys()
    assert done == {rule for rule in shown if status(rule) != "todo"}


@pytest.mark.parametrize("rule", TESTED_BY)
def test_tested_by(rule: str) -> None:
    """The tests named as evidence exist."""
    for module, _, function in (name.partition(".") for name in TESTED_BY[rule]):
        assert function in functions(module)


def test_exempt() -> None:
    """The exemptions apply to the integration as it is."""
    exempt = {rule for rule in RULES if status(rule) == "exempt"}
    manifest = load("manifest.json")
    reasons = {
        "dependency-transparency": not manifest.get("requirements"),
        "discovery-update-info": not DISCOVERIES & manifest.keys(),
        "discovery": not DISCOVERIES & manifest.keys(),
        "async-dependency": not manifest.get("requirements"),
        "docs-supported-devices": manifest["integration_type"] == "service",
        "dynamic-devices": manifest["integration_type"] == "service",
        "stale-devices": manifest["integration_type"] == "service",
        "entity-disabled-by-default": not {
            "entity_registry_enabled_default",
            "_attr_entity_registry_enabled_default",
        }
        & names(),
    }
    assert exempt == {rule for rule, holds in reasons.items() if holds}


@shows("action-setup")
async def test_actions(hass: HomeAssistant) -> None:
    """All actions are registered and described before an entry is set up."""
    assert await async_setup_component(hass, DOMAIN, {})
    described = load_yaml_dict(str(FOLDER / "services.yaml"))
    assert described
    assert hass.services.async_services_for_domain(DOMAIN).keys() == described.keys()


def test_repair_issues() -> None:
    """The rule is done if an issue is raised, and each issue has texts."""
    raises = "async_create_issue" in names()
    assert (status("repair-issues") == "done") is raises
    assert ("issues" in load("translations/en.json")) is raises


@shows("integration-owner")
def test_owner() -> None:
    """The manifest names the code owner."""
    owners = load("manifest.json")["codeowners"]
    assert owners
    assert all(owner.startswith("@") for owner in owners)


@shows("parallel-updates", "common-modules")
@pytest.mark.parametrize("platform", PLATFORMS)
def test_platforms(platform: str) -> None:
    """Each platform has a limit of parallel updates, and its entities are built alike."""
    module = import_module(f"{equiwatt.__name__}.{platform}")
    assert isinstance(module.PARALLEL_UPDATES, int)
    classes = [cls for _, cls in inspect.getmembers(module, inspect.isclass)]
    own = [cls for cls in classes if cls.__module__ == module.__name__ and issubclass(cls, Entity)]
    assert own
    assert all(issubclass(cls, entity.EquiwattEntity) for cls in own)
    assert issubclass(entity.EquiwattEntity, CoordinatorEntity)
    assert issubclass(coordinator.EquiwattCoordinator, DataUpdateCoordinator)


@shows("entity-unique-id", "has-entity-name", "devices", "entity-category", "entity-device-class")
async def test_entities(home: Home) -> None:
    """All entities have a unique id, a translated name, an icon and the account's device."""
    await home.setup()
    entry_id = home.entry.entry_id
    entries = er.async_entries_for_config_entry(er.async_get(home.hass), entry_id)
    (device,) = dr.async_entries_for_config_entry(dr.async_get(home.hass), entry_id)
    assert {entry.domain for entry in entries} == set(PLATFORMS)
    for entry in entries:
        assert entry.has_entity_name
        assert load("translations/en.json")["entity"][entry.domain][entry.translation_key]["name"]
        assert load("icons.json")["entity"][entry.domain][entry.translation_key]
    assert all(entry.unique_id.startswith(entry_id) for entry in entries)
    assert {entry.device_id for entry in entries} == {device.id}
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert EntityCategory.DIAGNOSTIC in {entry.entity_category for entry in entries}
    classless = {
        entry.translation_key
        for entry in entries
        if entry.domain == "sensor" and not entry.original_device_class
    }
    assert classless == {"held_devices"}  # a number of devices has no device class


@shows("runtime-data", "config-entry-unloading", "inject-websession")
async def test_entry(home: Home, provider: Provider) -> None:
    """The entry has runtime data, uses Home Assistant's session, and can be unloaded."""
    await home.setup()
    assert isinstance(home.entry.runtime_data, EquiwattRuntimeData)
    assert provider.calls
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.NOT_LOADED


@shows("config-flow")
def test_config_flow() -> None:
    """Every field is described, and a token can be renewed and changed."""
    assert load("manifest.json")["config_flow"] is True
    handler = HANDLERS[DOMAIN]
    assert handler is config_flow.EquiwattConfigFlow
    for step in ("user", "reauth", "reconfigure"):
        own = getattr(handler, f"async_step_{step}")
        assert inspect.iscoroutinefunction(own)
        assert own is not getattr(ConfigFlow, f"async_step_{step}", None)
    config = load("translations/en.json")["config"]
    options = load("translations/en.json")["options"]
    issues = load("translations/en.json")["issues"].values()
    fixes = [step for issue in issues for step in issue["fix_flow"]["step"].values()]
    for step in [*config["step"].values(), *options["step"].values(), *fixes]:
        for form in (step, *step.get("sections", {}).values()):
            assert form.get("data", {}).keys() == form.get("data_description", {}).keys()


@shows("diagnostics")
def test_diagnostics() -> None:
    """An entry has diagnostics."""
    assert inspect.iscoroutinefunction(diagnostics.async_get_config_entry_diagnostics)


@shows("exception-translations")
def test_exceptions() -> None:
    """Exceptions are translated."""
    made = [
        {keyword.arg for keyword in node.keywords}
        for _, node in nodes()
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in ERRORS
    ]
    assert made
    assert all({"translation_domain", "translation_key"} <= keywords for keywords in made)


def test_client() -> None:
    """The client is asynchronous and takes its session from outside."""
    assert inspect.iscoroutinefunction(EquiwattClient.async_get_equivents)
    assert get_type_hints(EquiwattClient.__init__)["session"] is ClientSession


@shows("strict-typing", "test-coverage")
def test_settings() -> None:
    """Types are strict, and coverage is complete."""
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")
    assert settings.getboolean("mypy", "strict")
    assert settings.getboolean("coverage:run", "branch")
    assert settings.getfloat("coverage:report", "fail_under") == 100


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.startswith("docs-")])
def test_documentation(rule: str) -> None:
    """Each documented subject has its place on a page."""
    if status(rule) == "done":
        page, heading = DOCUMENTED_UNDER[rule]
        assert heading in headings(PAGES[page])
