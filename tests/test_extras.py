"""What an installation without an extra says, and that the table of extras is the one of pyproject.toml."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from l1ae.errors import MissingExtraError, UserError
from l1ae.extras import EXTRAS, missing, needs

ROOT = Path(__file__).parents[1]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOR_DEVELOPERS = {"dev", "docs"}


def _names(requirements):
    return {re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def test_every_extra_for_users_is_in_the_table():
    assert set(EXTRAS) == set(DECLARED["optional-dependencies"]) - FOR_DEVELOPERS


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS)
def test_the_packages_are_those_that_the_extra_installs(extra):
    """By the name of their distribution. What is imported beside them comes with one of them."""
    distributions = packages_distributions()
    found = {name.lower().replace("_", "-") for package in extra.packages for name in distributions[package]}
    declared = _names(DECLARED["optional-dependencies"][extra.name])
    assert declared <= found
    assert found - declared <= {"dask", "sqlalchemy"}


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS)
def test_none_is_needed_by_everything(extra):
    assert not _names(DECLARED["dependencies"]) & _names(DECLARED["optional-dependencies"][extra.name])


@pytest.mark.parametrize(("extra", "package"), [(extra.name, package) for extra in EXTRAS.values() for package in extra.packages])
def test_a_missing_package_is_named_with_its_remedy(extra, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError) as caught, needs(extra):
        __import__(f"{package}.part")
    said = rf"the package '{package}' is not installed; .+ needs? it: pip install 'l1ae\[{extra}\]'"
    assert re.fullmatch(said, str(caught.value))
    assert str(missing(extra, package, "here: ")) == f"here: {caught.value}"


def test_of_several_extras_the_one_with_the_package_is_named():
    with pytest.raises(MissingExtraError, match=r"'l1ae\[rtl\]'"), needs("search", "rtl"):
        raise ModuleNotFoundError("no", name="pyosys.libyosys")


@pytest.mark.parametrize("package", ["l1ae.rtl._missing", "numpy", "optuna", None])
def test_a_fault_of_ours_is_not_called_a_missing_package(package):
    with pytest.raises(ModuleNotFoundError, match="broken"), needs("rtl"):
        raise ModuleNotFoundError("broken", name=package)


@pytest.mark.slow
def test_hls4ml_that_imports_tensorflow_is_quiet():
    """On file descriptor 2, where what is written in C++ goes."""
    code = (
        "import os\nfrom l1ae.hls._graph import quiet\n"
        "with quiet():\n    import tensorflow\n    os.write(2, b'an announcement')\n"
        "os.write(2, b'after')\nwith quiet():\n    os.write(2, b' it')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout + found.stderr == "after it"
