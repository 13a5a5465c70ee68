"""A model without preprocessing and without weights is delivered like any other, and says what its first operation does."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.delivery import TARGETS, Emulator, Source, verify_delivery, write_delivery
from l1ae.hls import convert
from l1ae.inputs import named_layout

from ..hls.networks import tables
from .seal import seal
from .tiny import layout_events, tiny_events
from .tree import tree_contract


def source_of(contract: Contract, events: np.ndarray) -> Source:
    section = {"architecture": "imported", "source": "network.yaml", "score": "output"}
    config = Config.model_validate({"name": "tree", "version": 4, "model": section})
    return Source(contract, config, events, hls=convert(contract, config.hls, events[:20]).files)


@pytest.fixture(scope="module")
def source() -> Source:
    return source_of(tree_contract(), tiny_events())


@pytest.fixture(scope="module")
def files(source) -> dict[str, bytes]:
    return TARGETS["cmssw"].files(source)


def rows_of(header: str, table: str) -> list[list[str]]:
    """The initialisers of a table of the scales' header."""
    text = header.split(f" {table}[")[1].split("= {\n")[1].split("\n};", maxsplit=1)[0]
    return [re.findall(r'"[^"]*"|[^,{} ]+', line) for line in text.splitlines()]


def test_the_scales_say_the_edges_and_nothing_of_a_preprocessing(source, files):
    header = files["tree_v4/interface/tree_v4_scales.h"].decode()
    bins = source.contract["bins"]
    expected = [('"bins"', k, bins.index[k], edge, n) for k, edges in enumerate(bins.edges) for n, edge in enumerate(edges, 1)]
    assert rows_of(header, "EDGE") == [list(map(str, row)) for row in expected]
    assert "inline constexpr Input INPUT[INPUTS]" in header
    for word in ("PREPROCESSING", "STEP", "ADDRESS", "shift"):
        assert word not in header
    readme = files["tree_v4/README.md"].decode()
    assert "and back; edges of the bins of inputs |" in readme
    assert "Inputs are binned: `EDGE` of the scales' header" in readme
    assert "(hw - offset)" not in readme


def test_bits_of_codes_that_address_tables_are_said_without_a_layout():
    contract = tables()
    header = TARGETS["cmssw"].files(source_of(contract, np.zeros((20, 6), np.int64)))["tables_v1/interface/tables_v1_scales.h"].decode()
    direct = contract["direct"]
    expected = [
        ('"direct"', k, *row) for k, pair in enumerate(zip(direct.index, direct.bits, strict=True)) for row in zip(*pair, strict=True)
    ]
    assert rows_of(header, "ADDRESS") == [list(map(str, row)) for row in expected]
    assert len(rows_of(header, "EDGE")) == sum(map(len, contract["bins"].edges))
    assert "struct Input" not in header


_COUNT = r"""
#include "tree_v4_scales.h"
#include <cstdio>
using namespace l1ae_tree_v4::scales;
int main() {
    int hw[INPUTS];
    for (;;) {
        for (int &code : hw)
            if (std::scanf("%d", &code) != 1)
                return 0;
        int bins[ELEMENTS] = {};
        for (const Edge &edge : EDGE)
            bins[edge.element] += hw[edge.input] >= edge.code;
        for (int bin : bins)
            std::printf("%d ", bin);
    }
}
"""


def test_whoever_reads_the_header_alone_gets_the_bins(source, files, tmp_path):
    contract, events = source.contract, source.events
    header = files["tree_v4/interface/tree_v4_scales.h"].decode()
    space = re.search(r"namespace (\w+) \{", header)[1]
    (tmp_path / "tree_v4_scales.h").write_text(header)
    program = _COUNT.replace("l1ae_tree_v4", space).replace("ELEMENTS", str(contract["bins"].size))
    (tmp_path / "count.cpp").write_text(program)
    subprocess.run(["g++", "-std=c++17", "-o", "count", "count.cpp"], cwd=tmp_path, check=True)
    codes = " ".join(map(str, events.ravel().tolist()))
    found = subprocess.run(["./count"], cwd=tmp_path, input=codes, capture_output=True, text=True, check=True).stdout
    bins = contract.evaluate_reference(events, ["bins"])["bins"]
    np.testing.assert_array_equal(np.array(found.split(), np.int64).reshape(bins.shape), bins)


def test_the_readme_of_the_project_says_how_many_edges_an_input_has(source):
    readme = source.hls["README.md"].decode()
    assert "Inputs whose offset is `bins` are counted" in readme
    rows = {int(row[1]): row for line in readme.splitlines() if re.match(r"\| \d+ \|", line) for row in [line.split("|")] if len(row) == 9}
    assert {k for k, row in rows.items() if row[5].strip() == "bins"} == set(source.contract["bins"].index.tolist())
    assert {rows[k][6].strip() for k in source.contract["bins"].index.tolist()} == {"7 edges"}


# -- the library -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def delivered(source, tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXXFLAGS", "-O0")
        folder = tmp_path_factory.mktemp("tree") / "out"
        write_delivery(TARGETS["cmssw"], source, folder)
    return folder


@pytest.fixture
def copy(delivered, tmp_path, monkeypatch) -> Path:
    """A copy of the delivered folder that may be changed."""
    monkeypatch.setenv("CXXFLAGS", "-O0")
    return Path(shutil.copytree(delivered, tmp_path / "copy"))


def checked(folder: Path) -> dict[str, bool | None]:
    return {check.name: check.passed for check in verify_delivery(folder, TARGETS).checks}


@pytest.mark.slow
def test_the_library_answers_as_the_contract(source, delivered, copy):
    contract = source.contract
    assert all(checked(copy).values())
    events = layout_events(contract.layout, 3000, seed=41)
    scores, triggers = Emulator(delivered / "tree_v4/tree_v4.so", digest=contract.digest).evaluate(events)
    expected = contract.evaluate_reference(events)
    np.testing.assert_array_equal(scores, expected["score"][:, 0])
    np.testing.assert_array_equal(triggers, expected["trigger"][:, 0])
    assert 0 < triggers.mean() < 1


FAULTS = {
    "a bin edge": r"(\(hw < )(-?\d+)(\s\?\s2\s:\s3)",
    "an entry": r"(entries\[64\] = \{\s+-?\d+, )(-?\d+)(,)",
    "an address bit": r"(bits<\d+>\(from\[\d+\]\) << )(\d+)()",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_delivered_sources_is_found(copy, fault):
    path = copy / "tree_v4/firmware/parameters.h"
    text, count = re.subn(FAULTS[fault], lambda m: f"{m[1]}{int(m[2]) + 1}{m[3]}", path.read_text(), count=1)
    assert count == 1
    path.write_text(text)
    seal(copy)
    assert checked(copy)["library built from the sources"] is False


@pytest.mark.slow
def test_a_wrong_edge_in_the_scales_is_found(copy, monkeypatch):
    monkeypatch.setattr("l1ae.delivery._cmssw_library._check_rebuilt", lambda *_: iter(()))
    path = copy / "tree_v4/interface/tree_v4_scales.h"
    path.write_text(re.sub(r'(\{"bins", 2, \d+, )(\d+)', lambda m: f"{m[1]}{int(m[2]) + 1}", path.read_text(), count=1))
    seal(copy)
    assert [name for name, passed in checked(copy).items() if not passed and "scales" in name] == ["scales of the inputs"]


@pytest.mark.slow
def test_other_layouts_and_none_are_delivered(tmp_path, monkeypatch):
    monkeypatch.setenv("CXXFLAGS", "-O0")
    layout = named_layout("p2gt").select({"jet": 2, "mu": 1})
    contract = replace(tree_contract(layout), layout=None)
    write_delivery(TARGETS["cmssw"], source_of(contract, layout_events(layout, 50, seed=43)), tmp_path / "out")
    assert all(check.passed for check in verify_delivery(tmp_path / "out", TARGETS).checks)
