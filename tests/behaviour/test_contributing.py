"""Test the contributors' tools: hooks, a container, and the same versions for all."""

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
    """Return the packages of a requirements file with their versions."""
    text = (ROOT / name).read_text("utf-8")
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)$", text))


def ports(container: dict[str, Any]) -> list[int]:
    """Return the forwarded ports of a container."""
    forwarded: list[int] = container["forwardPorts"]
    assert all(isinstance(port, int) and 0 < port < 65_536 for port in forwarded)
    return forwarded


@pytest.fixture
def container() -> dict[str, Any]:
    """Return the description of the container."""
    content: dict[str, Any] = json.loads(CONTAINER.read_text("utf-8"))
    return content


def test_hooks() -> None:
    """pre-commit loads the hooks, and ruff has the version of scripts/lint."""
    (repository,) = load_config(HOOKS)["repos"]
    assert repository["repo"] == "https://github.com/astral-sh/ruff-pre-commit"
    assert repository["rev"] == f"v{pins('requirements_test.txt')['ruff']}"
    assert [hook["id"] for hook in repository["hooks"]] == ["ruff-check", "ruff-format"]


def test_container(container: dict[str, Any]) -> None:
    """The description is valid, and its Python is the one that mypy checks for."""
    assert container.keys() - {"customizations"} == CONTAINER_KEYS
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    version = settings["mypy"]["python_version"]
    assert container["image"] == f"mcr.microsoft.com/devcontainers/python:{version}"
    assert set(container["portsAttributes"]) == {str(port) for port in ports(container)}
    assert all(port["label"] for port in container["portsAttributes"].values())


def test_container_demo(container: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The container starts the demo and forwards its two ports."""
    script, *options = container["postAttachCommand"].split()
    assert (ROOT / script).stat().st_mode & 0o111
    monkeypatch.setattr(sys, "argv", [script, *options])
    chosen = arguments()
    assert script == "scripts/demo"
    assert ports(container) == [chosen.ha_port, chosen.provider_port]


def test_scripts() -> None:
    """Each script is short and begins with a comment about its purpose."""
    for script in (ROOT / "scripts").iterdir():
        lines = script.read_text("utf-8").splitlines()
        assert len(lines) <= 100, script.name
        assert lines[lines[0].startswith("#!")].startswith("# "), script.name
