"""The examples in the docstrings of everything public, run."""

import doctest
import inspect
import pkgutil

import numpy as np
import pytest

import l1ae
from l1ae import registry

_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _examples():
    """Docstrings with an example: of the package, and of public names with their members."""
    finder = doctest.DocTestFinder(exclude_empty=True, recurse=True)
    found = [doctest.DocTestParser().get_doctest(l1ae.__doc__, {}, "l1ae", "l1ae/__init__.py", 0)]
    for name in l1ae.__all__:
        value = getattr(l1ae, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            found += finder.find(value, f"l1ae.{name}", module=False)
    return [example for example in found if example.examples]


EXAMPLES = _examples()


@pytest.fixture(autouse=True)
def _nothing_stays():
    """What an example registers is gone after it."""
    yield
    for kind in registry._registries:
        kind._added.clear()


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_an_example_gives_what_it_says(example, run_folder, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example.globs = {"l1ae": l1ae, "np": np, "run_folder": run_folder, "small": small}
    said = []
    result = doctest.DocTestRunner(optionflags=_OPTIONS).run(example, out=said.append)
    assert result.attempted, example.name
    assert result.failed == 0, "".join(said)


def test_every_public_name_can_be_had():
    for name in l1ae.__all__:
        assert getattr(l1ae, name) is not None, name
    assert set(l1ae.__all__) <= set(dir(l1ae))
    with pytest.raises(AttributeError, match="module 'l1ae' has no attribute 'nothing'"):
        _ = l1ae.nothing


@pytest.mark.parametrize("name", [name for name in l1ae.__all__ if name != "__version__"])
def test_every_public_name_is_documented_and_in_an_example(name):
    value = getattr(l1ae, name)
    assert inspect.getdoc(value), name
    if inspect.isclass(value) and value.__module__.startswith("l1ae.api"):
        for member, function in vars(value).items():
            if not member.startswith("_") and not inspect.isroutine(function) and not isinstance(function, property):
                continue
            assert member.startswith("_") or inspect.getdoc(function), f"{name}.{member}"
    sources = [statement.source for example in EXAMPLES for statement in example.examples]
    used = any(f"l1ae.{name}" in source for source in sources)
    made = any(example.name.startswith(f"l1ae.{name}") for example in EXAMPLES)
    assert used or made, f"no example uses l1ae.{name}"


def test_no_public_name_is_that_of_a_module_which_would_take_its_place_when_it_is_imported():
    assert not {module.name for module in pkgutil.iter_modules(l1ae.__path__)} & set(l1ae.__all__)
