"""What `make quick`, `make test`, `make test-rest` and `make test-all` run, and that CI runs every test."""

import re
from itertools import product
from pathlib import Path

import hypothesis
import pytest
from _pytest.mark.expression import Expression

from .levels import exhaustive, slow

ROOT = Path(__file__).parents[1]
MARKERS = ("slow", "exhaustive", "hypothesis")


def _selects(target: str, markers: frozenset[str]) -> bool:
    """Whether a target of the Makefile runs a test with these markers."""
    makefile = (ROOT / "Makefile").read_text()
    line = re.search(rf"^{target}: \$\(READY\)\n\t\$\(TESTS\)(.*)$", makefile, re.MULTILINE)
    assert line, target
    found = re.search(r'-m "?([\w ]+)"?', line[1])
    return found is None or Expression.compile(found[1]).evaluate(lambda name, **_: name in markers)


def _kinds() -> list[frozenset[str]]:
    return [frozenset(name for name, there in zip(MARKERS, chosen, strict=True) if there) for chosen in product((False, True), repeat=3)]


def test_each_level_has_what_the_one_before_has():
    levels = [{kind for kind in _kinds() if _selects(target, kind)} for target in ("quick", "test", "test-all")]
    assert levels[0] < levels[1] < levels[2] == set(_kinds())
    assert frozenset({"slow"}) not in levels[0]


def test_ci_runs_every_test_and_only_properties_twice():
    steps = re.findall(r"^make (test[\w-]*)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert steps == ["test", "test-rest"]
    for kind in _kinds():
        times = sum(_selects(target, kind) for target in steps)
        assert times == (2 if kind >= {"hypothesis"} and "exhaustive" not in kind else 1), kind


def test_the_deep_profile_has_more_examples():
    fixed, deep = (hypothesis.settings.get_profile(name) for name in ("fixed", "deep"))
    assert deep.max_examples >= 3 * fixed.max_examples
    assert fixed.derandomize
    assert deep.derandomize
    makefile = (ROOT / "Makefile").read_text()
    assert makefile.count("--hypothesis-profile=deep") == 2


@pytest.mark.parametrize(("choose", "mark"), [(slow, "slow"), (exhaustive, "exhaustive")])
def test_cases_are_marked_but_for_those_named(choose, mark):
    found = choose([("a", 1), ("b", 2)], (("b", 2),))
    assert [item.name for item in found[0].marks] == [mark]
    assert found[0].values == ("a", 1)
    assert found[1] == ("b", 2)
    with pytest.raises(AssertionError, match="are not all in"):
        choose(["a"], ("c",))
