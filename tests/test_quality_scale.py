"""Test that the quality scale is answered in full, and what of it a test can tell."""

import ast
import json
from pathlib import Path
import re
from typing import Any

import pytest

from custom_components import equiwatt
from homeassistant.util.yaml import load_yaml_dict

FOLDER = Path(equiwatt.__file__).parent
ROOT = FOLDER.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
HEADINGS = set(re.findall(r"(?m)^#+ (.+)$", README))
SETTINGS = (ROOT / "setup.cfg").read_text("utf-8")
PLATFORMS = ("binary_sensor", "calendar", "event", "sensor")
STATUSES = {"done", "exempt"}

TIERS = json.loads((Path(__file__).parent / "data" / "quality_scale_rules.json").read_text("utf-8"))
RULES = [
    rule if isinstance(rule, str) else rule["id"] for rules in TIERS.values() for rule in rules
]

DOCUMENTED_UNDER = {
    "docs-high-level-description": "equiwatt for Home Assistant",
    "docs-installation-instructions": "Installation",
    "docs-removal-instructions": "Removal",
    "docs-configuration-parameters": "Change something later",
    "docs-installation-parameters": "2. Add the integration",
    "docs-actions": "Actions",
    "docs-data-update": "How data is updated",
    "docs-examples": "Automation examples",
    "docs-known-limitations": "Known limitations",
    "docs-supported-devices": "Supported accounts and equivents",
    "docs-supported-functions": "Supported functions",
    "docs-troubleshooting": "Troubleshooting",
    "docs-use-cases": "Use cases",
}

RESTS_ON = {
    "action-setup": ("__init__.py", r"async def async_setup\((.|\n)*?async_setup_services\(hass\)"),
    "appropriate-polling": ("tests/test_coordinator.py", "def test_polls_on_schedule"),
    "brands": ("tests/test_files.py", "def test_brand"),
    "common-modules": ("entity.py", r"class EquiwattEntity\(CoordinatorEntity"),
    "config-flow-test-coverage": (
        "tests/test_config_flow.py",
        "def test_reauth(.|\\n)*def test_reconf",
    ),
    "config-flow": ("config_flow.py", r"class EquiwattConfigFlow\(ConfigFlow, domain=DOMAIN\)"),
    "entity-event-setup": ("tests/test_init.py", "def test_reload_and_unload"),
    "entity-unique-id": ("entity.py", r'_attr_unique_id = f"\{entry_id\}_\{description.key\}"'),
    "has-entity-name": ("entity.py", "_attr_has_entity_name = True"),
    "runtime-data": ("__init__.py", "entry.runtime_data = EquiwattRuntimeData"),
    "test-before-configure": ("tests/test_config_flow.py", "def test_errors"),
    "test-before-setup": ("tests/test_init.py", "def test_not_ready"),
    "unique-config-entry": ("tests/test_config_flow.py", "def test_already_configured"),
    "action-exceptions": ("services.py", "raise (ServiceValidationError|HomeAssistantError)"),
    "config-entry-unloading": ("__init__.py", "async def async_unload_entry"),
    "entity-unavailable": ("tests/test_coordinator.py", "def test_stale_to_the_second"),
    "integration-owner": ("manifest.json", r'"codeowners": \["@'),
    "log-when-unavailable": ("tests/test_coordinator.py", "def test_logged_once"),
    "parallel-updates": ("sensor.py", "PARALLEL_UPDATES = 0"),
    "reauthentication-flow": ("tests/test_config_flow.py", "def test_reauth_after_refusal"),
    "test-coverage": ("setup.cfg", "fail_under = 100"),
    "devices": ("entity.py", "entry_type=DeviceEntryType.SERVICE"),
    "diagnostics": ("tests/test_diagnostics.py", "def test_diagnostics"),
    "entity-category": ("sensor.py", "entity_category=EntityCategory.DIAGNOSTIC"),
    "entity-device-class": ("sensor.py", "device_class=SensorDeviceClass.DURATION"),
    "entity-translations": ("tests/test_files.py", "def test_every_entity_has_name_and_icon"),
    "exception-translations": ("tests/test_files.py", "def test_every_exception_is_raised"),
    "icon-translations": ("icons.json", '"state"'),
    "reconfiguration-flow": ("tests/test_config_flow.py", "def test_reconfigure_token"),
    "repair-issues": ("tests/test_webhook_monitor.py", "def test_changed"),
    "async-dependency": ("equivents/client.py", "async def async_get_equivents"),
    "inject-websession": ("coordinator.py", r"EquiwattClient\(async_get_clientsession\(hass\)"),
    "strict-typing": ("setup.cfg", "strict = True"),
}
"""What shows that a rule is followed: a file of the integration or of the project, and words."""

DISCOVERIES = {"bluetooth", "dhcp", "homekit", "mqtt", "ssdp", "usb", "zeroconf"}


def answers() -> dict[str, Any]:
    """Return the answers as they are written."""
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


def source(module: str) -> str:
    """Return the text of a module."""
    return (FOLDER / f"{module}.py").read_text("utf-8")


def functions(module: str) -> set[str]:
    """Return the names of all functions of a module."""
    return {
        node.name
        for node in ast.walk(ast.parse(source(module)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def modules() -> list[Path]:
    """Return the modules of the integration."""
    return sorted(FOLDER.rglob("*.py"))


def test_every_rule_is_answered() -> None:
    """All rules there are, in their tiers' order, and no other."""
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
    """A known status; what is not simply done has a sentence that says why."""
    answer = answers()[rule]
    if isinstance(answer, str):
        assert answer == "done"
        return
    assert set(answer) == {"status", "comment"}
    assert answer["status"] in STATUSES
    assert answer["comment"].strip().endswith(".")


def test_nothing_is_done_on_trust() -> None:
    """For each rule that is done there is something to look at."""
    done = {rule for rule in RULES if status(rule) == "done"}
    assert done == RESTS_ON.keys() | DOCUMENTED_UNDER.keys()


@pytest.mark.parametrize("rule", RESTS_ON)
def test_rests_on(rule: str) -> None:
    """What a rule rests on is still there."""
    name, words = RESTS_ON[rule]
    folder = ROOT if name.startswith("tests/") or name == "setup.cfg" else FOLDER
    assert re.search(words, (folder / name).read_text("utf-8"))


def test_exempt() -> None:
    """What is said not to apply does not, for as long as the integration is as it is."""
    exempt = {rule for rule in RULES if status(rule) == "exempt"}
    manifest = load("manifest.json")
    sources = "".join(path.read_text("utf-8") for path in modules())
    reasons = {
        "dependency-transparency": not manifest.get("requirements"),
        "docs-triggers": not (FOLDER / "triggers.yaml").exists(),
        "docs-conditions": not (FOLDER / "conditions.yaml").exists(),
        "discovery-update-info": not DISCOVERIES & manifest.keys(),
        "discovery": not DISCOVERIES & manifest.keys(),
        "dynamic-devices": manifest["integration_type"] == "service",
        "stale-devices": manifest["integration_type"] == "service",
        "entity-disabled-by-default": "enabled_default" not in sources,
    }
    assert exempt == {rule for rule, holds in reasons.items() if holds}


def test_actions() -> None:
    """The rules of actions apply as there are some, registered before any entry is set up."""
    exempt = {status(rule) for rule in ("action-setup", "action-exceptions", "docs-actions")}
    has_actions = any("services.async_register" in path.read_text("utf-8") for path in modules())
    assert (FOLDER / "services.yaml").exists() is has_actions
    assert exempt == ({"done"} if has_actions else {"exempt"})


def test_brands() -> None:
    """Done when the images are there."""
    assert (status("brands") == "done") is (FOLDER / "brand" / "icon.png").exists()


def test_repair_issues() -> None:
    """Done when an issue can be raised, and then it has texts."""
    raises = any("async_create_issue" in path.read_text("utf-8") for path in modules())
    assert (status("repair-issues") == "done") is raises
    assert ("issues" in load("translations/en.json")) is raises


def test_no_requirements() -> None:
    """Nothing is installed for the integration, and its owner is told."""
    manifest = load("manifest.json")
    assert status("dependency-transparency") == "exempt"
    assert not manifest.get("requirements")
    assert status("integration-owner") == "done"
    assert all(owner.startswith("@") for owner in manifest["codeowners"])
    assert manifest["codeowners"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_platforms(platform: str) -> None:
    """Each says how many updates may run at once, and its entities are built alike."""
    assert status("parallel-updates") == "done"
    assert re.search(r"(?m)^PARALLEL_UPDATES = \d+$", source(platform))
    assert "EquiwattEntity" in source(platform)


def test_entities() -> None:
    """All have a unique id, a translated name, an icon and the account's device."""
    for rule in ("entity-unique-id", "has-entity-name", "devices", "entity-category"):
        assert status(rule) == "done"
    base = source("entity")
    for words in ("_attr_has_entity_name = True", "_attr_unique_id", "DeviceInfo("):
        assert words in base
    assert status("entity-translations") == status("icon-translations") == "done"
    names = load("translations/en.json")["entity"]
    icons = load("icons.json")["entity"]
    assert set(names) == set(PLATFORMS)
    assert {k: set(v) for k, v in names.items()} == {k: set(v) for k, v in icons.items()}
    assert all(entity["name"] for platform in names.values() for entity in platform.values())


def test_common_modules_and_runtime_data() -> None:
    """Coordinator and base entity have modules of their own; the entry keeps what runs."""
    for rule in ("common-modules", "runtime-data", "test-before-setup", "config-entry-unloading"):
        assert status(rule) == "done"
    assert (FOLDER / "coordinator.py").exists()
    assert (FOLDER / "entity.py").exists()
    assert "entry.runtime_data =" in source("__init__")
    assert "async_config_entry_first_refresh" in source("__init__")
    assert "async_unload_entry" in functions("__init__")


def test_config_flow() -> None:
    """Every form's field has a description, and a token can be renewed and changed."""
    for rule in ("config-flow", "reauthentication-flow", "reconfiguration-flow"):
        assert status(rule) == "done"
    assert load("manifest.json")["config_flow"] is True
    steps = {"async_step_user", "async_step_reauth", "async_step_reconfigure"}
    assert steps <= functions("config_flow")
    config = load("translations/en.json")["config"]
    issues = load("translations/en.json")["issues"].values()
    fixes = [step for issue in issues for step in issue["fix_flow"]["step"].values()]
    for step in [*config["step"].values(), *(step for step in fixes if "data" in step)]:
        for form in (step, *step.get("sections", {}).values()):
            assert set(form["data"]) == set(form["data_description"])
    assert status("unique-config-entry") == status("test-before-configure") == "done"
    assert "_async_abort_entries_match" in source("config_flow")
    assert "async_get_equivents" in source("config_flow")


def test_diagnostics() -> None:
    """There are diagnostics."""
    assert status("diagnostics") == "done"
    assert "async_get_config_entry_diagnostics" in functions("diagnostics")


def test_exceptions() -> None:
    """What Home Assistant is told as an error can be translated."""
    assert status("exception-translations") == "done"
    assert load("translations/en.json")["exceptions"]
    for error in ("UpdateFailed(", "ConfigEntryAuthFailed("):
        for rest in source("coordinator").split(error)[1:]:
            assert rest.lstrip().startswith("translation_domain=")


def test_session_and_typing() -> None:
    """Home Assistant's session is used, and types are strict."""
    for rule in ("async-dependency", "inject-websession", "strict-typing", "test-coverage"):
        assert status(rule) == "done"
    assert "async_get_clientsession" in source("coordinator")
    assert re.search(r"(?m)^strict = True$", SETTINGS)
    assert re.search(r"(?m)^fail_under = 100$", SETTINGS)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.startswith("docs-")])
def test_documentation(rule: str) -> None:
    """What is said to be documented has its place in the README."""
    if status(rule) == "done":
        assert DOCUMENTED_UNDER[rule] in HEADINGS
