"""Test the contents of a release, and the workflows of GitHub."""

import json
import os
from pathlib import Path
import re
import runpy
import shutil
import subprocess
from typing import Any
from zipfile import ZipFile

from awesomeversion import AwesomeVersion, AwesomeVersionException, AwesomeVersionStrategy
from awesomeversion.strategy import VERSION_STRATEGIES_DICT
from hypothesis import given, strategies as st
import pytest

from homeassistant.util.yaml import load_yaml_dict

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "equiwatt"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HACS = json.loads((ROOT / "hacs.json").read_text("utf-8"))
SCRIPT = ROOT / "scripts" / "release"
PINS = sorted([*ROOT.glob("requirements*.txt"), *(ROOT / ".github").glob("requirements*.txt")])
RELEASE = runpy.run_path(str(SCRIPT))
WRITES = {
    ("nightly", "report"): {"issues": "write"},
    ("release", "test"): {"contents": "read"},
    ("release", "validate"): {"contents": "read"},
    ("release", "release"): {"contents": "write", "attestations": "write", "id-token": "write"},
}
REPORT_STEP = "Open an issue, unless that of an earlier night is still open"
RELEASE_STEPS = (
    "Make its file and its notes",
    "Release it, as a pre-release where its version says so",
)
READ = [
    AwesomeVersionStrategy.CALVER,
    AwesomeVersionStrategy.SEMVER,
    AwesomeVersionStrategy.PEP440,
]
"""Strategies by which Home Assistant and HACS parse the version of a release."""
SUFFIXES = (
    *("", "a", "alpha", "b", "beta", "c", "rc", "pre", "preview", "post", "r", "rev", "d", "dev"),
    *("x", "axyz", "B", "a-b"),
)
VERSIONS = st.sampled_from(READ).flatmap(
    lambda strategy: st.from_regex(VERSION_STRATEGIES_DICT[strategy].regex_string, fullmatch=True)
)
VERSION_LIKE = st.builds(
    lambda version, place, text: version[:place] + text + version[place:],
    VERSIONS,
    st.integers(0, 12),
    st.text("0123456789.-_+!abcdeoprstvx ;", max_size=3),
)

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- What is to come.

## [2026.12.0] - 2026-12-01

### Fixed

- One thing, which takes
  two lines.
- Another.
  - And a part of it.

## 1.2.3

Only a sentence.

## [1.2.2] - 2026-01-01

[Unreleased]: https://example.org/compare
[1.2.2]: https://example.org/1.2.2
"""


def release(*arguments: str) -> int:
    """Build a release and return the exit code."""
    return subprocess.run([SCRIPT, *arguments], check=False, capture_output=True).returncode  # noqa: S603


@pytest.fixture
def changelog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the changelog of releases."""
    file = tmp_path / "CHANGELOG.md"
    file.write_text(CHANGELOG, "utf-8")
    monkeypatch.setitem(RELEASE["notes"].__globals__, "CHANGELOG", file)


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.3", "v2.0.0-beta.1", "v1.2.3rc1", "2026.12.0"])
def test_release(tmp_path: Path, tag: str) -> None:
    """The archive has the integration at its root, and the version in its manifest."""
    target = tmp_path / HACS["filename"]
    assert release(tag, str(target)) == 0
    with ZipFile(target) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.read("const.py") == (INTEGRATION / "const.py").read_bytes()
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
    ours = {
        path.relative_to(INTEGRATION).as_posix()
        for path in INTEGRATION.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == ours
    original = json.loads((INTEGRATION / "manifest.json").read_text("utf-8"))
    assert manifest == original | {"version": tag.removeprefix("v")}
    assert list(manifest) == list(original)


@pytest.mark.parametrize(
    "tag", ["", "main", "1.2.3axyz", "1.2.3a foo", "vv1.2.3", "v1.2.3; true", "1.2.3\n"]
)
@pytest.mark.parametrize("option", [(), ("--notes",), ("--is-prerelease",)])
def test_no_version(tmp_path: Path, option: tuple[str, ...], tag: str) -> None:
    """An invalid version is refused."""
    target = tmp_path / "equiwatt.zip"
    assert RELEASE["main"]([*option, tag, str(target)]) == 2
    assert not target.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(("main",), 2), (("--is-prerelease", "1.2.3"), 1), (("--is-prerelease", "1.2.3b1"), 0)],
)
def test_exit_code(arguments: tuple[str, ...], expected: int) -> None:
    """The result is the exit code."""
    assert release(*arguments) == expected


def check_version(version: str) -> None:
    """Check that scripts/release and AwesomeVersion agree on a version."""
    try:
        AwesomeVersion(version, ensure_strategy=READ)
    except AwesomeVersionException:
        assert RELEASE["version_of"](version) is None, version
    else:
        assert RELEASE["version_of"](version) == re.sub("^[vV]", "", version)


@given(st.one_of(VERSIONS, VERSION_LIKE).map(str.strip))
def test_versions(version: str) -> None:
    """Versions are valid that AwesomeVersion reads as CalVer, SemVer or PEP 440."""
    check_version(version)


@pytest.mark.parametrize("number", ["0", "1.2", "1.2.3", "1.2.3.4", "1!2", "26.1.5", "2026.12.0.5"])
@pytest.mark.parametrize("before", ["", "-", "_", ".", "+"])
def test_suffixes(number: str, before: str) -> None:
    """Suffixes are valid that AwesomeVersion reads."""
    for word in SUFFIXES:
        for after in ("", "0", "1", "01", "1.post2", "1.dev2", "1+x", "1+x.y", "1+", " 1"):
            check_version(f"{number}{before}{word}{after}")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        *[(version, False) for version in ("1.2.3", "v1.2.3", "2026.12.0", "1.2.3.post1")],
        *[(version, False) for version in ("1.2.3+build.b1", "1!2.3")],
        *[(version, True) for version in ("v1.2.3b1", "1.2.3-beta.1", "1.2.3rc1", "1.2.3-1")],
        *[(version, True) for version in ("2026.12.0b1", "1.2.3a2", "1.2.3.dev4", "1.0.0-rc.1+5")],
    ],
)
def test_prerelease(version: str, expected: bool) -> None:
    """Alphas, betas, candidates and development versions are pre-releases."""
    assert (RELEASE["main"](["--is-prerelease", version]) == 0) is expected


@pytest.mark.usefixtures("changelog")
@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (
            "2026.12.0",
            "### Fixed\n\n- One thing, which takes two lines.\n- Another.\n  - And a part of it.",
        ),
        ("1.2.3", "Only a sentence."),
        ("1.3.0b1", "### Added\n\n- What is to come."),
    ],
)
def test_notes(version: str, expected: str) -> None:
    """The changelog's section is the text, with the lines of a list joined."""
    assert RELEASE["notes"](version) == expected


@pytest.mark.usefixtures("changelog")
@pytest.mark.parametrize("version", ["1.2.2", "1.3.0"])
def test_no_notes(version: str) -> None:
    """A version without a section in the changelog is refused."""
    with pytest.raises(SystemExit, match=re.escape(f"nothing under “[{version}]”")):
        RELEASE["notes"](version)


def test_hacs() -> None:
    """HACS finds the file of a release."""
    assert HACS["zip_release"] is HACS["hide_default_branch"] is True
    assert (HACS["country"], HACS["homeassistant"]) == ("GB", "2026.7.0")


def steps_of(workflow: str) -> list[dict[str, Any]]:
    """Return the steps of a workflow in order."""
    jobs = load_yaml_dict(str(ROOT / ".github" / "workflows" / workflow))["jobs"].values()
    return [step for job in jobs for step in job.get("steps", ())]


def run_steps(workflow: str, *names: str, folder: Path, **variables: str) -> list[list[str]]:
    """Run steps as GitHub does, with a `gh` that records its calls."""
    commands = [step["run"] for step in steps_of(workflow) if step.get("name") in names]
    assert len(commands) == len(names)
    job = "".join(commands)
    (folder / "scripts").mkdir()
    shutil.copy(SCRIPT, folder / "scripts")
    (folder / "custom_components").symlink_to(ROOT / "custom_components")
    (folder / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    gh = folder / "gh"
    gh.write_text('#!/bin/sh\nprintf "%s\\t" "$@" >> calls; echo >> calls; echo "$ANSWER"', "utf-8")
    gh.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"} | variables
    subprocess.run(["bash", "-eo", "pipefail", "-c", job], cwd=folder, env=environment, check=True)  # noqa: S603, S607
    calls = (folder / "calls").read_text("utf-8")
    return [line.split("\t")[:-1] for line in calls.splitlines()]


@pytest.mark.parametrize(
    ("tag", "prerelease", "text"),
    [
        ("v1.2.3", False, "Only a sentence.\n"),
        ("v1.3.0b1", True, "### Added\n\n- What is to come.\n"),
    ],
)
def test_release_workflow(tmp_path: Path, tag: str, prerelease: bool, text: str) -> None:
    """The release has the file for HACS, the changelog's text and the right mark."""
    (call,) = run_steps("release.yml", *RELEASE_STEPS, folder=tmp_path, TAG=tag)
    assert call[:4] == ["release", "create", tag, HACS["filename"]]
    assert "--verify-tag" in call
    assert ("--prerelease" in call) is prerelease
    assert (tmp_path / HACS["filename"]).exists()
    assert (tmp_path / call[call.index("--notes-file") + 1]).read_text("utf-8") == text


@pytest.mark.parametrize("tag", ["v1.2.3axyz", "v1.3.0"])
def test_release_workflow_fails(tmp_path: Path, tag: str) -> None:
    """Nothing is released with an invalid tag or without a changelog entry."""
    with pytest.raises(subprocess.CalledProcessError):
        run_steps("release.yml", *RELEASE_STEPS, folder=tmp_path, TAG=tag)
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize(("already_open", "created"), [(0, 1), (1, 0)])
def test_nightly_opens_one_issue(tmp_path: Path, already_open: int, created: int) -> None:
    """A nightly run that fails opens one issue, and no second one while it is open."""
    variables = {"TITLE": "It fails", "RUN": "https://run", "ANSWER": str(already_open)}
    looked, *rest = run_steps("nightly.yml", REPORT_STEP, folder=tmp_path, **variables)
    assert looked[:4] == ["issue", "list", "--state", "open"]
    assert looked[-1] == "map(select(.title == env.TITLE)) | length"
    assert [call[:4] for call in rest] == [["issue", "create", "--title", "It fails"]] * created


def test_betas_only_nightly() -> None:
    """Betas are tested in the nightly workflow only."""
    for path in WORKFLOWS:
        workflow = load_yaml_dict(str(path))
        commands = str(workflow["jobs"])
        assert ("--beta" in commands) is (path.stem == "nightly")
    nightly: dict[Any, Any] = load_yaml_dict(str(ROOT / ".github" / "workflows" / "nightly.yml"))
    assert set(nightly[True]) == {"schedule", "workflow_dispatch"}  # YAML reads "on" as true
    assert nightly["jobs"]["report"]["needs"] == ["test", "demo"]
    assert nightly["jobs"]["report"]["if"] == "failure()"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow(path: Path) -> None:
    """Permissions are minimal, and actions are pinned to commits."""
    workflow: dict[str, Any] = load_yaml_dict(str(path))
    allowed = {"contents": "read"} if path.stem != "release" else {}
    assert workflow["permissions"] == allowed
    for name, job in workflow["jobs"].items():
        assert job.get("timeout-minutes") or job["uses"].startswith("./.github/workflows/")
        assert job.get("permissions", {}) == WRITES.get((path.stem, name), {})
    for line in path.read_text("utf-8").splitlines():
        if "uses:" in line and "uses: ./" not in line:
            assert re.search(r"uses: [\w/.-]+@[0-9a-f]{40} # \S+", line), line


def test_release_is_tested_and_attested() -> None:
    """A release needs all tests to pass, and its file is attested unchanged."""
    workflow = load_yaml_dict(str(ROOT / ".github" / "workflows" / "release.yml"))
    jobs = workflow["jobs"]
    assert set(jobs["release"]["needs"]) == {"test", "validate"}
    for name in jobs["release"]["needs"]:
        assert jobs[name]["uses"] == f"./.github/workflows/{name}.yml"
        called: dict[Any, Any] = load_yaml_dict(str(ROOT / ".github" / "workflows" / f"{name}.yml"))
        assert "workflow_call" in called[True]
    made, attested, released = steps_of("release.yml")[-3:]
    assert (made["name"], released["name"]) == RELEASE_STEPS
    assert attested["uses"].startswith("actions/attest-build-provenance@")
    assert attested["with"] == {"subject-path": HACS["filename"]}


def test_updates() -> None:
    """Dependabot updates all requirements except those of the oldest Home Assistant."""
    text = load_yaml_dict(str(ROOT / ".github" / "dependabot.yml"))
    pip = next(update for update in text["updates"] if update["package-ecosystem"] == "pip")
    assert pip["exclude-paths"] == ["requirements_test_min.txt"]
    assert "ignore" not in pip
    assert {ROOT / folder.strip("/") for folder in pip["directories"]} == {
        path.parent for path in PINS
    }


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.name)
def test_pinned(path: Path) -> None:
    """Every package of the scripts is pinned."""
    for line in path.read_text("utf-8").splitlines():
        assert re.fullmatch(r"|#.*|[\w.-]+==\S+", line), line


def test_workflows_run_scripts() -> None:
    """Workflows run the scripts that developers run."""
    assert {path.stem for path in WORKFLOWS} == {"nightly", "release", "test", "validate"}
    for path in WORKFLOWS:
        for script in re.findall(r"scripts/\w+", path.read_text("utf-8")):
            assert (ROOT / script).stat().st_mode & 0o111, script


def test_bug_form_asks_for_diagnostics() -> None:
    """The bug form requires diagnostics."""
    form = load_yaml_dict(str(ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml"))
    (question,) = [field for field in form["body"] if field.get("id") == "diagnostics"]
    assert question["validations"]["required"] is True
