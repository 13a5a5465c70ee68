"""Runs of a described model of bins and tables, without preprocessing and without weights."""

import json
import re

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from l1ae.cli._main import _cli
from l1ae.config import load_config
from l1ae.contract import Contract
from l1ae.inputs import named_layout
from l1ae.pipeline import hls_stage, report_stage, train_stage

from ..report.pages import unbroken

UGT = named_layout("ugt")
ENERGIES = np.flatnonzero(UGT.with_role("energy"))
PAIRS = [[], [0], *([k - 1, k] for k in range(1, 12)), [3, 4, 5]]


def _description():
    """Seven edges of the first twelve energies, all tables of random content."""
    rng = np.random.default_rng(61)
    edges = [np.unique(rng.integers(2, 400, 7)).tolist() for _ in range(12)]
    codes = rng.integers(0, 200, sum(8 ** len(row) for row in PAIRS)).tolist()
    pairs = {"index": PAIRS, "bits": 3, "codes": codes, "result": "ap_ufixed<8,4>", "function": "-log2 p of pairs"}
    layers = [
        {"name": "bins", "kind": "bins", "input": "hw", "index": ENERGIES[:12].tolist(), "edges": edges},
        {"name": "pairs", "kind": "lookup", "input": "bins"} | pairs,
        {"name": "total", "kind": "sum", "inputs": ["pairs"], "result": "ap_ufixed<12,8>"},
    ]
    score = {"input": "total", "type": "ap_ufixed<12,8>", "threshold": 1500}
    return {"hardware": {"layout": "ugt"}, "layers": layers, "score": score}


@pytest.fixture
def run(source, tmp_path):
    """The imported model in a run folder."""
    content = {"name": "tree", "data": {"source": str(source)}, "csim": {"events": 500}}
    content["model"] = {"architecture": "imported", "target_fpr": 0.05, "source": "network.yaml", "score": "output"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "network.yaml").write_text(yaml.safe_dump(_description()))
    return train_stage(load_config(tmp_path / "config.yaml"), tmp_path / "run")


def test_the_summary_has_every_edge_and_the_size_of_every_table(run):
    summary = json.loads((run.path("contract") / "summary.json").read_text())
    (pairs,) = summary["tables"]
    entries = sum(8 ** len(row) for row in PAIRS)
    assert (pairs["elements"], pairs["address_bits"], pairs["entries"]) == (14, [0, 9], entries)
    assert (pairs["function"], pairs["max_error"]) == ("-log2 p of pairs", None)
    (bins,) = summary["bins"]
    expected = [[UGT.names[k], edges] for k, edges in zip(ENERGIES, _description()["layers"][0]["edges"], strict=False)]
    assert [[item["input"], item["edges"]] for item in bins["elements"]] == expected


def test_the_report_shows_bins_and_tables_and_no_preprocessing(run):
    page = re.sub(r"<[^>]+>", "|", unbroken(report_stage(run).read_text()))
    page = re.sub(r"[|\s]*\|[|\s]*", "|", page)
    entries = sum(8 ** len(row) for row in PAIRS)
    assert f"|pairs|−log2 p of pairs|14|0 to 9|{entries:,}|".replace("−", "-") in page
    first = _description()["layers"][0]["edges"][0]
    codes, values = ", ".join(map(str, first)), ", ".join(f"{code / 2:g}" for code in first)
    assert f"|bins|met_pt|{len(first)}|{codes}|{values} GeV|" in page
    assert f"|Parameters|{entries:,} entries of tables, no weights|" in page
    assert "57, type fixed&lt;13,13&gt;, the hardware codes themselves" in page
    assert "|Missing energy|pt|GeV|1|0.5|0 … 4,095|bins|" in page
    assert "|Missing energy|phi|rad|1|0.0436332|0 … 143 (cyclic)|not read|–|" in page
    assert "stored in" not in page


def _csim(run):
    result = CliRunner().invoke(_cli, ["csim", str(run.folder), "--events", "500"])
    return result.exit_code, f"{result.output}{result.exception}", json.loads((run.path("csim") / "report.json").read_text())


@pytest.mark.slow
def test_the_command_finds_and_names_a_fault_in_an_edge_an_entry_and_an_address(run):
    hls_stage(run)
    code, output, report = _csim(run)
    assert (code, report["mismatches"], report["type_mismatches"]) == (0, 0, []), output
    contract = Contract.load(run.path("contract") / "contract.json")
    path = run.path("hls") / "firmware" / "parameters.h"
    right = path.read_text()
    edge = contract["bins"].edges[5][2]
    faults = (
        ("bins", rf"hw < {edge} ", f"hw < {edge + 1} "),
        ("pairs", r"(entries\[512\] = \{\s+(?:\d+,\s+){200})\d+", r"\g<1>201"),
        ("pairs", r"bits<3>\(from\[5\]\)", "bits<2>(from[5])"),
    )
    for layer, pattern, replacement in faults:
        path.write_text(re.sub(pattern, replacement, right, count=1))
        assert path.read_text() != right
        code, output, report = _csim(run)
        assert code == 1
        assert report["first_mismatch"]["layer"] == layer
        assert f"layer '{layer}'" in output
