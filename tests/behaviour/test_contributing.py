"""Test what those who change the code are given: hooks, a container, and the same tools for all."""

from configparser import ConfigParser
import json
from pathlib import Path
import re
import sys
from typing import Any

from pre_commit.clientlib import load_config
import pytest

from demo.__main__ import arguments

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / ".pre-commit-config.yaml"
CONTAINER = ROOT / ".devcontainer.json"
CONTAINER_KEYS = {"name", "image", "forwardPorts", "portsAttributes", "postAttachCommand"}


def pins(name: str) -> dict[str, str]:
    """Return the packages of a requirements file, each with its version."""
    text = (ROOT / name).read_text("utf-8")
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)$", text))


def ports(container: dict[str, Any]) -> list[int]:
    """Return the ports that a container forwards, each of which must be one."""
    forwarded: list[int] = container["forwardPorts"]
    assert all(isinstance(port, int) and 0 < port < 65_536 for port in forwarded)
    return forwarded


@pytest.fixture
def container() -> dict[str, Any]:
    """Return the container's description."""
    content: dict[str, Any] = json.loads(CONTAINER.read_text("utf-8"))
    return content


def test_hooks_are_valid() -> None:
    """pre-commit itself reads them, and ruff is of the version that scripts/lint runs."""
    (repository,) = load_config(HOOKS)["repos"]
    assert repository["repo"] == "https://github.com/astral-sh/ruff-pre-commit"
    assert repository["rev"] == f"v{pins('requirements_test.txt')['ruff']}"
    assert [hook["id"] for hook in repository["hooks"]] == ["ruff-check", "ruff-format"]


def test_container_is_valid(container: dict[str, Any]) -> None:
    """It says what such a file can say, and runs the Python that the types are checked for."""
    assert container.keys() - {"customizations"} == CONTAINER_KEYS
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    version = settings["mypy"]["python_version"]
    assert container["image"] == f"mcr.microsoft.com/devcontainers/python:{version}"
    assert set(container["portsAttributes"]) == {str(port) for port in ports(container)}
    assert all(one["label"] for one in container["portsAttributes"].values())


def test_container_shows_the_demo(
    container: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts with the demo, and forwards the two ports that the demo listens on."""
    script, *options = container["postAttachCommand"].split()
    assert (ROOT / script).stat().st_mode & 0o111
    monkeypatch.setattr(sys, "argv", [script, *options])
    chosen = arguments()
    assert script == "scripts/demo"
    assert ports(container) == [chosen.ha_port, chosen.provider_port]


def test_scripts_are_read_in_a_minute() -> None:
    """Each is short, and begins with a comment that says what it is for."""
    for script in (ROOT / "scripts").iterdir():
        lines = script.read_text("utf-8").splitlines()
        assert len(lines) <= 100, script.name
        assert lines[lines[0].startswith("#!")].startswith("# "), script.name
