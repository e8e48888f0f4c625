"""Test what a release is made of, and what GitHub is told to do."""

import json
from pathlib import Path
import re
import subprocess
from typing import Any
from zipfile import ZipFile

import pytest

from homeassistant.util.yaml import load_yaml_dict

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components" / "equiwatt"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HACS = json.loads((ROOT / "hacs.json").read_text("utf-8"))


def release(*arguments: str) -> int:
    """Make a release, and return the exit code."""
    command = [str(ROOT / "scripts" / "release"), *arguments]
    return subprocess.run(command, check=False, capture_output=True).returncode  # noqa: S603


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.3", "v2.0.0-beta.1"])
def test_release(tmp_path: Path, tag: str) -> None:
    """The archive has the integration's contents at its root, and the version in its manifest."""
    target = tmp_path / HACS["filename"]
    assert release(tag, str(target)) == 0
    with ZipFile(target) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.read("coordinator.py") == (INTEGRATION / "coordinator.py").read_bytes()
    ours = {
        path.relative_to(INTEGRATION).as_posix()
        for path in INTEGRATION.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == ours
    original = json.loads((INTEGRATION / "manifest.json").read_text("utf-8"))
    assert manifest == original | {"version": tag.removeprefix("v")}
    assert list(manifest) == list(original)


@pytest.mark.parametrize("tag", ["", "main", "1.2", "v1.2.3; true"])
def test_no_version(tmp_path: Path, tag: str) -> None:
    """What is no version makes no release."""
    target = tmp_path / "equiwatt.zip"
    assert release(tag, str(target)) == 2
    assert not target.exists()


def test_hacs() -> None:
    """HACS finds what a release offers."""
    assert HACS["zip_release"] is True
    assert (HACS["country"], HACS["homeassistant"]) == ("GB", "2026.7.0")
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert f'scripts/release "$TAG" {HACS["filename"]}' in text
    assert f'gh release create "$TAG" {HACS["filename"]}' in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow(path: Path) -> None:
    """Each says what it may do, no more than it needs, and uses actions by their commits."""
    workflow: dict[str, Any] = load_yaml_dict(str(path))
    allowed = {"contents": "read"} if path.stem != "release" else {}
    assert workflow["permissions"] == allowed
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        writes = job.get("permissions", {})
        assert writes == ({"contents": "write"} if path.stem == "release" else {})
    for line in path.read_text("utf-8").splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w/.-]+@[0-9a-f]{40} # \S+", line), line


def test_workflows_run_our_scripts() -> None:
    """What they run is what everybody can run."""
    assert {path.stem for path in WORKFLOWS} == {"release", "test", "validate"}
    for path in WORKFLOWS:
        for script in re.findall(r"scripts/\w+", path.read_text("utf-8")):
            assert (ROOT / script).stat().st_mode & 0o111, script


def test_bug_form_asks_for_diagnostics() -> None:
    """A report without diagnostics cannot be sent."""
    form = load_yaml_dict(str(ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml"))
    (question,) = [one for one in form["body"] if one.get("id") == "diagnostics"]
    assert question["validations"]["required"] is True
