"""Test the layout: which module may import which, and where its tests are."""

import ast
from collections.abc import Iterator
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path
import re
import sys

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PURE = (
    "equivents/*.py",
    "holding/device.py",
    "holding/device_state.py",
    "holding/record.py",
    "holding/steps.py",
    "metering/baseline.py",
    "metering/days.py",
    "metering/results.py",
)
"""Modules without Home Assistant."""
FRAMEWORKS = {"homeassistant", "voluptuous"}
ALWAYS_THERE = FRAMEWORKS | {"aiohttp", "yarl"}
"""Packages that each Home Assistant has."""
NAMES_A_TEST = re.compile(r"(?<!def )\btest_(?!utils?\b)")
"""Name of a test module where an import may have it, but not those of other packages."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class House:
    """Modules of the integration and their imports."""

    def __init__(self, root: Path) -> None:
        """Parse the modules of a folder."""
        self.folder = root / "custom_components" / "equiwatt"
        self.trees = {
            name_of(path.relative_to(root)): ast.parse(path.read_text("utf-8"))
            for path in self.folder.rglob("*.py")
        }
        self.packages = {
            name_of(path.relative_to(root)) for path in self.folder.rglob("__init__.py")
        }

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """All imports of each module, in functions and for types too."""
        return {name: self._imports(name) for name in self.trees}

    def _imports(self, name: str) -> set[str]:
        """Return all imports of a module."""
        home = name if name in self.packages else name.rpartition(".")[0]
        return {
            f"{module}.{what}" if f"{module}.{what}" in self.trees else module
            for node in ast.walk(self.trees[name])
            for module, what in imported(node, home)
        }

    def at_the_top(self, name: str) -> set[str]:
        """Return the packages needed to import a module."""
        home = name if name in self.packages else name.rpartition(".")[0]
        return {
            module.partition(".")[0]
            for node in self.trees[name].body
            for module, _ in imported(node, home)
        }

    def arrows(self, name: str) -> set[str]:
        """Return the modules of the integration imported by a module."""
        return self.imports[name] & self.trees.keys()

    def circle(self) -> list[str]:
        """Return modules in an import circle, or none."""
        try:
            TopologicalSorter({name: self.arrows(name) for name in self.trees}).prepare()
        except CycleError as err:
            modules: list[str] = err.args[1]
            return modules
        return []

    def foundations(self, name: str) -> set[str]:
        """Return the packages needed by a module and its imports."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            if (module := waiting.pop()) not in seen:
                seen.add(module)
                waiting += self.arrows(module)
        return {imported.partition(".")[0] for module in seen for imported in self.imports[module]}

    def does_something(self, name: str) -> bool:
        """Return True if a module has functions to test."""
        return any(isinstance(node, FUNCTIONS) for node in ast.walk(self.trees[name]))


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported(node: ast.AST, home: str) -> Iterator[tuple[str, str]]:
    """Yield the modules and names imported by a statement."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        module = resolve_name("." * node.level + (node.module or ""), home)
        yield from ((module, alias.name) for alias in node.names)


HOUSE = House(ROOT)
INTEGRATION = "custom_components.equiwatt"
PURE_MODULES = sorted(
    name_of(path.relative_to(ROOT)) for room in PURE for path in HOUSE.folder.glob(room)
)


def test_no_circle() -> None:
    """Imports have no circle, those for types included."""
    assert HOUSE.circle() == []


@pytest.mark.parametrize("name", PURE_MODULES)
def test_pure(name: str) -> None:
    """The pure modules import nothing of Home Assistant, directly or indirectly."""
    assert not HOUSE.foundations(name) & FRAMEWORKS


@pytest.mark.parametrize("name", sorted(HOUSE.trees))
def test_optional_packages(name: str) -> None:
    """The packages of optional integrations are imported inside functions."""
    given = {"custom_components", *ALWAYS_THERE, *sys.stdlib_module_names}
    assert HOUSE.at_the_top(name) <= given


@pytest.mark.parametrize("name", sorted(name for name in HOUSE.trees if HOUSE.does_something(name)))
def test_has_a_test_module(name: str) -> None:
    """The tests of a module have its name, in the same folder below tests."""
    *folders, module = name.removeprefix(INTEGRATION).lstrip(".").split(".")
    path = Path(ROOT, "tests", *folders, f"test_{module or 'init'}.py")
    assert path.exists()
    assert any(name.startswith("test_") for name in functions_of(path))


WINGS = sorted(path.parent.relative_to(HOUSE.folder) for path in HOUSE.folder.rglob("__init__.py"))


@pytest.mark.parametrize("wing", WINGS, ids=str)
def test_test_modules_mirror_the_modules(wing: Path) -> None:
    """A test module has the name of its module, or is in tests/behaviour."""
    tested = {path.stem.removeprefix("test_") for path in Path(TESTS, wing).glob("test_*.py")}
    modules = {path.stem for path in Path(HOUSE.folder, wing).glob("*.py")}
    assert tested - modules - {"init"} == set()


def test_no_test_module_imports_another() -> None:
    """Shared helpers are in a conftest.py or in tests/fakes."""
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in TESTS.rglob("*.py")
        if NAMES_A_TEST.search(path.read_text("utf-8"))  # as parsing all of them takes long
        for node in statements(path)
        for module, what in imported(node, name_of(path.parent.relative_to(ROOT)))
        for name in (module.rpartition(".")[2], what)
        if name.startswith("test_") and module.startswith("tests")
    }
    assert found == set()


def test_integration_imports() -> None:
    """The integration imports neither tests, demo nor benchmarks, which are not shipped."""
    names = {what for name in HOUSE.trees for what in HOUSE.imports[name]}
    assert not {name for name in names if name.partition(".")[0] in ("tests", "demo", "benchmarks")}


def statements(path: Path) -> Iterator[ast.AST]:
    """Yield the statements of a file, in functions and classes too, but no expressions."""
    waiting: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        yield node
        for field in ("body", "handlers", "orelse", "finalbody", "cases"):
            waiting += getattr(node, field, [])


def functions_of(path: Path) -> set[str]:
    """Return the names of the functions and methods in a file."""
    return {
        node.name
        for node in statements(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def build(root: Path, **modules: str) -> House:
    """Return a house of modules, with two underscores for a folder."""
    for name, text in {"__init__": "", "room____init__": "", **modules}.items():
        path = root / "custom_components" / "equiwatt" / f"{name.replace('room__', 'room/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return House(root)


FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .{} import A\n"
CIRCLES = {
    "two": {"one": "from .two import A", "two": "from . import one"},
    "for types": {"one": "from .two import A", "two": FOR_TYPES.format("one")},
    "in a function": {"one": "def f():\n    from .two import A", "two": "from .one import A"},
    "by the full name": {"one": f"import {INTEGRATION}.two", "two": "from .one import A"},
    "through a room": {"one": "from .room.two import A", "room__two": "from ..one import A"},
    "with the front door": {"__init__": "from .one import A", "one": "from . import A"},
}


@pytest.mark.parametrize("modules", CIRCLES.values(), ids=CIRCLES)
def test_circle_is_found(tmp_path: Path, modules: dict[str, str]) -> None:
    """Import circles of any shape are found."""
    assert build(tmp_path, **modules).circle()
    assert not build(tmp_path, **{**modules, "one": ""}).circle()


@pytest.mark.parametrize(
    "text",
    [
        "from homeassistant.core import HomeAssistant",
        "import homeassistant.util.dt as dt_util",
        "def f():\n    import voluptuous as vol",
        FOR_TYPES.format("room.impure"),
        "from . import impure",
        "from ..outside import A",
    ],
)
def test_framework_is_found(tmp_path: Path, text: str) -> None:
    """Direct and indirect imports of Home Assistant are found."""
    house = build(
        tmp_path,
        room__module=text.replace(".room.", "."),
        room__impure="import voluptuous",
        outside="from homeassistant import core",
    )
    assert house.foundations(f"{INTEGRATION}.room.module") & FRAMEWORKS
    assert not house.foundations(f"{INTEGRATION}.room") & FRAMEWORKS
