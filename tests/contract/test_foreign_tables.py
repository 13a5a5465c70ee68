"""Descriptions of models made of bins and tables compute what they say, or are refused."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from l1ae.config import load_description
from l1ae.contract import Contract, import_description
from l1ae.contract import _ops as ops
from l1ae.errors import UserError

PROJECT = "foreign_v1"
EDGES = [[-100, -3, 0, 17], [], [5], [-128, 127]]
INDEX = [[0, 2], [3], [], [1, 2, 0]]
BITS = [[3, 1], [2], [], [1, 1, 3]]


def _write(folder, content, arrays):
    np.savez(folder / "tables.npz", **arrays)
    (folder / "network.yaml").write_text(yaml.safe_dump(content))
    return folder / "network.yaml"


def _content():
    """Signed codes, bins, tables of two, one, no and three codes, tables of each element, one table for all, a sum; no preprocessing."""
    rng = np.random.default_rng(17)
    arrays = {
        "pairs": rng.integers(-20, 20, sum(1 << sum(row) for row in BITS)),
        "own": rng.integers(0, 64, (4, 16)),
        "all": rng.integers(-30, 30, 64),
    }
    layers = [
        {"name": "bins", "kind": "bins", "input": "hw", "index": [2, 0, 1, 2], "edges": EDGES},
        {"name": "y", "kind": "lookup", "input": "bins", "index": INDEX, "bits": BITS, "codes": "pairs", "result": "ap_fixed<6,3>"},
        {"name": "own", "kind": "table", "input": "y", "bits": 4, "codes": "own", "result": "ap_ufixed<6,2>", "function": "-log2 p"},
        {"name": "all", "kind": "table", "input": "y", "codes": "all", "result": "ap_fixed<6,4>"},
        {"name": "total", "kind": "sum", "inputs": ["own", "all"], "halvings": 1, "result": "ap_fixed<14,9>"},
    ]
    score = {"input": "total", "type": "ap_fixed<14,9>", "threshold": 40}
    return {"weights": "tables.npz", "hardware": {"size": 3, "width": 8}, "layers": layers, "score": score}, arrays


def _answer(event, arrays):
    """Score code of one event, from the words of the description alone."""
    bins = [sum(edge <= event[k] for edge in edges) for k, edges in zip([2, 0, 1, 2], EDGES, strict=True)]
    tables, y = iter(np.split(arrays["pairs"], np.cumsum([1 << sum(row) for row in BITS])[:-1])), []
    for index, bits in zip(INDEX, BITS, strict=True):
        spelt = "".join(f"{bins[k] % 2**width:0{width}b}" for k, width in zip(index, bits, strict=True))
        y.append(int(next(tables)[int(spelt or "0", 2)]))
    own = sum(int(arrays["own"][k, code % 16]) for k, code in enumerate(y))  # in steps of 1/16
    every = sum(int(arrays["all"][code % 64]) for code in y)  # in steps of 1/4
    return own + 4 * every  # halved: in steps of 1/32, which is the score's


def test_every_kind_computes_what_its_words_say(tmp_path):
    content, arrays = _content()
    contract = import_description(_write(tmp_path, content, arrays), PROJECT)
    assert [type(item) for item in contract.operations[:4]] == [ops.HardwareInput, ops.Binning, ops.Lookup, ops.Table]
    hardware = np.random.default_rng(18).integers(-128, 128, (400, 3))
    found = contract.evaluate(hardware)
    expected = [_answer(event, arrays) for event in hardware.tolist()]
    assert found["score"][:, 0].tolist() == expected
    assert found["trigger"][:, 0].tolist() == [score >= 40 for score in expected]
    assert str(contract["bins"].format) == "ufixed<3,3>"
    assert (contract["own"].function, contract["y"].function) == ("-log2 p", "as described")
    assert Contract.from_json(contract.to_json()).digest == contract.digest


def _inline(content, arrays):
    content["layers"][1]["codes"] = arrays.pop("pairs").tolist()
    content["layers"][2]["codes"] = arrays.pop("own").ravel().tolist()
    content["layers"][2]["bits"] = [4, 4, 4, 4]
    content["layers"][3]["codes"] = arrays["all"].tolist()
    del content["weights"], arrays["all"]


def _in_arrays(content, arrays):
    content["layers"][0] |= {"index": "columns", "edges": ["e0", EDGES[1], "e2", EDGES[3]]}
    content["layers"][1]["index"] = [INDEX[0], "i1", [], INDEX[3]]
    arrays |= {"columns": np.array([2, 0, 1, 2]), "e0": np.array(EDGES[0]), "e2": np.array(EDGES[2]), "i1": np.array([3])}


@pytest.mark.parametrize("other", [_inline, _in_arrays])
def test_numbers_in_the_description_and_in_arrays_are_the_same_model(tmp_path, other):
    made = import_description(_write(tmp_path, *_content()), PROJECT)
    content, arrays = _content()
    other(content, arrays)
    assert import_description(_write(tmp_path, content, arrays), PROJECT).digest == made.digest


def test_rows_of_one_array_and_one_width_for_all(tmp_path):
    """All columns in their order, as many edges each, pairs of neighbours."""
    rng = np.random.default_rng(19)
    arrays = {"edges": np.sort(rng.permuted(np.tile(np.arange(64), (4, 1)), axis=1)[:, :3]), "pairs": np.array([[0, 1], [1, 2], [2, 3]])}
    arrays["codes"] = rng.integers(0, 32, (3, 16))
    layers = [
        {"name": "bins", "kind": "bins", "input": "hw", "edges": "edges"},
        {"name": "y", "kind": "lookup", "input": "bins", "index": "pairs", "bits": 2, "codes": "codes", "result": "ap_uint<5>"},
        {"name": "total", "kind": "sum", "inputs": ["y"], "result": "ap_uint<7>"},
    ]
    content = {"weights": "tables.npz", "hardware": {"size": 4, "width": 6, "signed": False}, "layers": layers}
    content["score"] = {"input": "total", "type": "ap_uint<7>"}
    contract = import_description(_write(tmp_path, content, arrays), PROJECT)
    hardware = rng.integers(0, 64, (100, 4))
    bins = (hardware[:, :, None] >= arrays["edges"]).sum(axis=2)
    expected = sum(arrays["codes"][k, 4 * bins[:, k] + bins[:, k + 1]] for k in range(3))
    np.testing.assert_array_equal(contract.evaluate(hardware)["score"][:, 0], expected)


def test_bins_may_follow_a_preprocessing_and_layers_may_read_the_codes_beside_it(tmp_path):
    content, arrays = _content()
    content["preprocessing"] = {"shift": 1, "work": "ap_fixed<9,8>", "result": "ap_fixed<7,7>"}
    content["layers"][0]["input"] = "inputs"
    content["layers"][0]["edges"] = [[-50, -3, 0, 17], [], [5], [-64, 63]]
    content["layers"][3] = {"name": "all", "kind": "lookup", "input": "hw", "index": [[0], [2], [1], []], "bits": 4}
    content["layers"][3] |= {"codes": [*range(16)] * 3 + [9], "result": "ap_uint<4>"}
    del arrays["all"]
    contract = import_description(_write(tmp_path, content, arrays), PROJECT)
    assert (contract["bins"].inputs, contract["all"].inputs) == (("inputs",), ("hw",))
    hardware = np.random.default_rng(20).integers(-128, 128, (100, 3))
    found = contract.evaluate(hardware, ["bins", "all"])
    np.testing.assert_array_equal(found["bins"][:, 3], 1 + (hardware[:, 2] // 2 >= 63))
    np.testing.assert_array_equal(found["all"], np.column_stack([hardware[:, [0, 2, 1]] % 16, np.full(100, 9)]))


def _changed(layer, **values):
    return lambda content, arrays: content["layers"][layer].update(values)


def _array(**values):
    return lambda content, arrays: arrays.update(values)


def _masked(content, arrays):
    error = {"name": "error", "kind": "squared_error", "inputs": ["hw", "hw"], "masked": True, "result": "ap_ufixed<24,24>"}
    content["layers"].append(error)


REFUSED = {
    "edges that fall": (_changed(0, edges=[[3, 3], [], [5], []]), r"layer 'bins': edges \[3, 3\] must rise within -128 to 127"),
    "an edge beyond the codes": (_changed(0, edges=[[128], [], [5], []]), r"layer 'bins': edges \[128\] must rise within -128 to 127, the"),
    "rows too few": (_changed(0, edges=[[1], []]), r"layer 'bins': index has 4 elements, and edges 2 rows; give one row for each"),
    "no index, rows too many": (_changed(0, index=None), r"layer 'bins': 'hw' has 3 elements, and edges 4 rows; give one row for each"),
    "an element that is not there": (_changed(0, index=[3, 0, 1, 2]), r"layer 'bins': index must lie within 0 to 2"),
    "real edges": (_changed(0, edges=[[0.5], [], [5], []]), r"layer 'bins': edges: \[0\.5\] is no row; give a list with one row for each element"),
    "bins too many for the type": (
        _changed(0, edges=[[*range(8)], [], [5], []], result="ap_uint<3>"),
        r"layer 'bins': ufixed<3,3> holds codes 0 to 7, .*; widen it to at least ufixed<4,4>",
    ),
    "bins with a fraction": (_changed(0, result="ap_ufixed<4,3>"), r"layer 'bins': bins are counted from 0, not in ufixed<4,3>"),
    "no rows": (_changed(0, edges=5), r"layer 'bins': edges: 5 is no row; give a list"),
    "bits of nothing": (_changed(1, bits=0), r"layer 'y': bits: 0 is no row"),
    "bits too few": (_changed(1, bits=[[3, 1], [2], [], [1, 1]]), r"layer 'y': index \[1, 2, 0\] and bits \[1, 1\] must be as long"),
    "bits too many": (_changed(1, bits=4), r"layer 'y': bits must lie within 1 to 3"),
    "entries too few": (_array(pairs=np.zeros(7, int)), r"layer 'y': codes must have shape \(53,\), not \(7,\)"),
    "entries beyond the type": (_array(pairs=np.full(53, 32)), r"layer 'y': codes must lie within -32 to 31"),
    "real entries": (_array(pairs=np.full(53, 0.5)), r"layer 'y', codes: array 'pairs' must hold integers, not float64"),
    "an address too wide": (_changed(1, index=[[0] * 6] * 4, bits=3), r"layer 'y': an address of 18 bits is wider than 16"),
    "an array of one row": (_changed(1, index="pairs"), r"layer 'y', index: array 'pairs' must have shape \(rows, length\), not \(53,\)"),
    "a row of two rows": (_changed(1, index=["own", [], [], []]), r"layer 'y', index\[0\] must be a list of integers, not of shape \(4, 16\)"),
    "a table of another size": (_array(own=np.zeros((4, 8), int)), r"layer 'own': the tables of 4 elements have 64 entries by their bits, but"),
    "bits beyond the input": (_changed(2, bits=7), r"layer 'own': bits must lie within 0 to 6, the width of 'y'"),
    "one table too short": (_array(all=np.zeros(63, int)), r"layer 'all': codes must have shape \(64,\), not \(63,\)"),
    "a sum that drops bits": (_changed(4, result="ap_fixed<13,9>"), r"layer 'total': 3 fractional bits do not hold its exact result, which has 4"),
    "inputs without a preprocessing": (_changed(0, input="inputs"), r"layer 'bins' reads 'inputs', which does not exist; there are hw, bins"),
    "a mask without a preprocessing": (_masked, r"layer 'error': `masked: true` leaves out .* there is none; give `preprocessing`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_with_file_layer_and_remedy(tmp_path, case):
    content, arrays = _content()
    change, message = REFUSED[case]
    change(content, arrays)
    path = _write(tmp_path, content, arrays)
    with pytest.raises(UserError, match=f"{re.escape(str(path))}: .*{message}"):
        import_description(path, PROJECT)


def test_a_description_without_preprocessing_says_so(tmp_path):
    assert load_description(_write(tmp_path, *_content())).preprocessing is None


def test_the_example_of_the_documentation_is_a_model(tmp_path):
    text = (Path(__file__).parents[2] / "docs/import.md").read_text().split("```yaml-description\n")[1].split("```")[0]
    entries = np.random.default_rng(21).integers(0, 256, 8 + 64 + 64)
    np.savez(tmp_path / "tables.npz", pairs=entries, jet0_pt=np.array([40, 60, 80, 100, 130, 170, 250]))
    (tmp_path / "network.yaml").write_text(text)
    contract = import_description(tmp_path / "network.yaml", PROJECT)
    assert [item.name for item in contract.operations] == ["hw", "bins", "pairs", "total", "score", "trigger"]
    event = np.zeros((1, contract.hardware.size), np.int64)
    event[0, contract.layout.names.index("jet0_pt")] = 60
    assert contract.evaluate(event, ["bins"])["bins"].tolist() == [[0, 2, 0]]
    assert contract.evaluate(event, ["total"])["total"].tolist() == [[entries[0] + entries[8 + 2] + entries[8 + 64 + 2 * 8]]]
