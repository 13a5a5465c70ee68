"""A delivered README names files that are in its folder, and says of a clock where it is set."""

import re
from fnmatch import fnmatch
from pathlib import PurePosixPath

import pytest

from l1ae.delivery import TARGETS

FILE = re.compile(r"[\w./*-]*\w\.(?:md|txt|json|ya?ml|vhd|v|xml|dep|tcl|xdc|py|h|cpp|so|sh|rpt|dcp)")
FOLDER = re.compile(r"\w[\w.-]*(?:/[\w.-]+)*/")
# made in the folder by its own scripts, or put there by whoever works with it
LATER = {"vivado": ("build/*", "*.rpt", "*.dcp", "judgement.txt", "local.tcl", "settings64.sh"), "cmssw": ("PATH/*",)}
# of the run that the folder was made of
RUN = {"RUN/config.yaml"}


def top(made: dict[str, bytes]) -> str:
    """The path of the README of the folder, not of the HLS project in it."""
    return min((path for path in made if path.endswith("README.md")), key=lambda path: path.count("/"))


def named(readme: str) -> set[str]:
    """Files and folders in code and in commands."""
    spans = re.findall(r"`([^`\n]+)`", readme) + re.findall(r"^    (.+)$", readme, re.MULTILINE)
    words = {word.strip(",;\"'") for span in spans for word in span.split()}
    return {word for word in words if FILE.fullmatch(word) or FOLDER.fullmatch(word)}


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_every_file_that_a_readme_names_is_delivered(target, tiny_rtl_source):
    made = target.files(tiny_rtl_source)
    place = top(made)
    here = place.removesuffix("README.md")
    there = {path.removeprefix(here) for path in (*made, *target.built(tiny_rtl_source.contract))}
    there |= {f"{folder}/" for path in there for folder in PurePosixPath(path).parents}
    names = {name for name in named(made[place].decode()) if not any(fnmatch(name, one) for one in LATER.get(target.name, ()))} - RUN
    assert len(names) > 3
    assert [name for name in names if not any(fnmatch(path, f"*{name.replace('NNN', '[0-9]*')}") for path in there)] == []


@pytest.mark.parametrize("target", [target for name, target in TARGETS.items() if name != "cmssw"], ids=lambda target: target.name)
def test_a_clock_comes_with_the_command_that_sets_it(target, tiny_rtl_source):
    made = target.files(tiny_rtl_source)
    readme = made[top(made)].decode()
    assert " ns" in readme
    assert "`rtl.clock_period`" in readme
    assert re.search(r"^    l1ae run RUN/config\.yaml --run RUN .*--set rtl\.clock_period=\S+ --to (?:rtl|csim)$", readme, re.MULTILINE)
    assert f"l1ae deliver RUN --target {target.name}" in readme


def test_no_page_of_the_sources_is_named(tiny_rtl_source):
    for target in TARGETS.values():
        texts = {path: text.decode() for path, text in target.files(tiny_rtl_source).items() if path.endswith(".md")}
        assert texts
        assert not [path for path, text in texts.items() if "docs/" in text]
