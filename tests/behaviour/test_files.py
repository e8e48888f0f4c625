"""Test the integration's files against the rules of Home Assistant and the code."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
import struct
import tomllib
from typing import Any, get_args

import pytest

from custom_components import equiwatt
from custom_components.equiwatt.equivents import planned
from custom_components.equiwatt.equivents.client import EquiwattError
from custom_components.equiwatt.services import ERRORS
from homeassistant.util.yaml import load_yaml_dict

FOLDER = Path(equiwatt.__file__).parent
PURE = sorted((FOLDER / "equivents").glob("*.py"))
PREVIEW = {"meters", "days", "days_wanted"}
FILLED = {
    ".config.create_entry.": {"blueprint_url"},
    ".exceptions.pause_": {"entities"},
    ".exceptions.apply_scene_": {"entities"},
    ".exceptions.set_back_": {"entities"},
    ".options.step.preview_rough.description": PREVIEW | {"minutes"},
    ".options.step.preview_still.description": PREVIEW | {"still"},
    ".options.step.preview_too_slow.description": PREVIEW | {"minutes"},
    ".options.step.preview": PREVIEW,
    ".issues.not_restored": {"name", "entity_id"},
    ".options.error.no_statistics": {"meters"},
    ".issues.token_refused.title": {"name"},
    ".issues.webhook_changed.title": {"name"},
    ".issues.webhook_silent.title": {"name"},
}
"""Placeholders that the code fills in, by text."""
WHOLE = (".create_entry.default", ".create_entry.no_address", ".message", ".description")
MODULES = sorted(FOLDER.rglob("*.py"))


def load(name: str) -> Any:
    """Return the contents of a JSON file."""
    return json.loads((FOLDER / name).read_text())


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of a translation with their paths."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, f"{path}.{key}")
    else:
        yield path, value


def test_manifest() -> None:
    """The keys are complete and in order: domain, name, then the rest."""
    manifest = load("manifest.json")
    keys = list(manifest)
    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])
    assert manifest["domain"] == FOLDER.name
    assert manifest["dependencies"] == ["http", "webhook"]
    assert manifest["after_dependencies"] == ["cloud", "energy", "recorder"]
    assert manifest["integration_type"] == "service"
    assert not manifest.get("requirements")
    for key in ("documentation", "issue_tracker"):
        assert manifest[key].startswith("https://")


def test_translations() -> None:
    """Texts have no stray blanks, addresses, HTML or references, and known placeholders only."""
    for path, text in texts(load("translations/en.json")):
        assert text == text.strip(), path
        assert not re.search(r"https?://|<[a-z]|\[%key", text), path
        placeholders = set(re.findall(r"\{(\w+)\}", text))
        filled = next((v for k, v in FILLED.items() if path.startswith(k)), set())
        assert placeholders <= filled, path
        assert placeholders == filled or not path.endswith(WHOLE), path


def test_dialogs() -> None:
    """Paths have no arrows, and the titles of steps no brand, as in core."""
    translations = load("translations/en.json")
    for section in ("config", "issues"):
        for path, text in texts(translations[section]):
            assert "→" not in text, path
            assert not path.endswith(".title") or ".step." not in path or "equiwatt" not in text


def test_address_forms() -> None:
    """The dialog and the repairs label the addresses alike and explain each of them."""
    translations = load("translations/en.json")
    fixes = [issue["fix_flow"]["step"]["confirm"] for issue in translations["issues"].values()]
    steps = [*translations["config"]["step"].values(), *fixes]
    forms = [step for step in steps if "started_url" in step.get("data", {})]
    assert len(forms) == 5
    for key in ("started_url", "ended_url"):
        assert len({form["data"][key] for form in forms}) == 1
        assert len({form["data_description"][key] for form in forms}) == 1


def test_errors() -> None:
    """Each error of the client has a text in the dialog and in the log."""
    translations = load("translations/en.json")
    reasons = {error.reason for error in EquiwattError.__subclasses__()}
    assert {key for key in translations["exceptions"] if key in reasons} == reasons
    own = {"insecure_url", "invalid_url", "name_taken", "plain_http", "unknown", "wrong_address"}
    assert set(translations["config"]["error"]) == reasons | own


def test_every_entity_has_name_and_icon() -> None:
    """Translations and icons cover the same entities."""
    translated = load("translations/en.json")["entity"]
    icons = load("icons.json")["entity"]
    assert {k: set(v) for k, v in translated.items()} == {k: set(v) for k, v in icons.items()}
    for _, icon in texts(load("icons.json")):
        assert re.fullmatch(r"mdi:[a-z0-9-]+", icon)


def test_every_action_is_described() -> None:
    """Actions have an icon, and their fields a name and a description."""
    services = load_yaml_dict(str(FOLDER / "services.yaml"))
    translated = load("translations/en.json")["services"]
    assert set(services) == set(translated) == set(load("icons.json")["services"])
    for name, service in services.items():
        fields = translated[name].get("fields", {})
        assert set(service.get("fields", {})) == set(fields)
        for text in (translated[name], *fields.values()):
            assert text["name"]
            assert text["description"]


@pytest.mark.parametrize("platform", ["trigger", "condition"])
def test_every_trigger_and_condition_is_described(platform: str) -> None:
    """Triggers and conditions exist and have names, descriptions and icons."""
    described = load_yaml_dict(str(FOLDER / f"{platform}s.yaml"))
    shown = {name: value for name, value in described.items() if not name.startswith(".")}
    translated = load("translations/en.json")[f"{platform}s"]
    icons = load("icons.json")[f"{platform}s"]
    assert set(shown) == set(translated) == set(icons)
    for name, value in shown.items():
        assert f'"{name}"' in (FOLDER / f"{platform}.py").read_text()
        assert set(icons[name]) == {platform}
        assert set(value["fields"]) == set(translated[name]["fields"])
        for text in (translated[name], *translated[name]["fields"].values()):
            assert text["name"]
            assert text["description"]


def test_every_exception_is_raised() -> None:
    """Each text of an exception is used."""
    code = "".join(path.read_text() for path in MODULES)
    reasons = {error.reason for error in EquiwattError.__subclasses__()}
    held = ("apply_scene", "pause", "set_back")
    refusals = {f"{action}_{reason}" for action in held for reason in ERRORS}
    refusals |= {f"nothing_to_{action}" for action in (*held, "restore")}
    refusals |= {f"plan_{reason}" for reason in get_args(planned.Refusal.__value__)}
    for key in load("translations/en.json")["exceptions"]:
        assert f'"{key}"' in code or key in reasons | refusals, key


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.stem)
def test_pure_modules(path: Path) -> None:
    """The pure modules import nothing of Home Assistant and read no clock."""
    text = path.read_text()
    assert "homeassistant" not in text
    assert not re.search(r"(?<!utc)(?<!self\.)now\(\)", text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_size_and_docstrings(path: Path) -> None:
    """Functions are small, and each function and class has a docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            assert ast.get_docstring(node), node.name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


@pytest.mark.parametrize("theme", ["", "dark_"])
@pytest.mark.parametrize(("name", "size"), [("icon", (256, 256)), ("logo", (464, 128))])
@pytest.mark.parametrize(("suffix", "scale"), [("", 1), ("@2x", 2)])
def test_brand(theme: str, name: str, size: tuple[int, int], suffix: str, scale: int) -> None:
    """Pictures have the sizes that Home Assistant requires, and a transparent background."""
    content = (FOLDER / "brand" / f"{theme}{name}{suffix}.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, color = struct.unpack(">IIBB", content[16:26])
    assert (width, height) == (size[0] * scale, size[1] * scale)
    assert (depth, color) == (8, 6)  # with an alpha channel


def test_one_manifest() -> None:
    """The repository has a single integration, as Home Assistant and HACS require."""
    assert list(FOLDER.parent.rglob("manifest.json")) == [FOLDER / "manifest.json"]


def test_mutants() -> None:
    """Each mutant breaks one line that the integration has."""
    mutants = tomllib.loads((FOLDER.parents[1] / "tests" / "mutants.toml").read_text())["mutant"]
    texts = {mutant["file"]: (FOLDER / mutant["file"]).read_text() for mutant in mutants}
    assert [each["why"] for each in mutants if texts[each["file"]].count(each["old"]) != 1] == []
