"""Content that does not fit together is refused with the layer's name."""

import json
from dataclasses import fields

import numpy as np
import pytest

from l1ae.contract import Contract
from l1ae.contract import _ops as ops
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat

CODE = FixedFormat(True, 4, 4)
SUM = FixedFormat(True, 16, 16)
SQUARES = FixedFormat(False, 16, 16)


def _layer(kind, name, inputs, size, form=SUM, **parts):
    return kind(name=name, inputs=inputs, format=form, size=size, **parts)


def _everything() -> Contract:
    """Every operation once, on an image of 2 x 3 pixels."""
    low, high = np.full(6, -8), np.full(6, 7)
    none, zeros, ones = np.full(6, -1), np.zeros(6, np.int64), np.ones(6, bool)
    weights = {"weight_format": CODE, "bias_format": CODE}
    return Contract(
        "all_v1",
        (
            _layer(ops.HardwareInput, "hw", (), 6, CODE, low=low, high=high),
            _layer(ops.Preprocess, "pre", ("hw",), 6, CODE, offset=zeros, shift=zeros, present=ones, gate=none, work=SUM),
            _layer(ops.Dense, "dense", ("pre",), 2, weights=np.ones((6, 2), int), bias=np.zeros(2, int), **weights),
            _layer(
                ops.Convolution,
                "conv",
                ("pre",),
                6,
                shape=(2, 3, 1),
                stride=(1, 1),
                weights=np.ones((1, 2, 1, 1), int).repeat(2, 0).repeat(3, 3),
                bias=np.zeros(3, int),
                **weights,
            ),
            _layer(ops.Quantize, "cast", ("conv",), 6, CODE),
            _layer(ops.Relu, "relu", ("conv",), 6, CODE),
            _layer(ops.Table, "table", ("cast",), 6, CODE, codes=np.arange(16) - 8, function="x", max_error=0.25),
            _layer(ops.Binning, "bins", ("cast",), 2, FixedFormat(False, 2, 2), index=np.array([0, 5]), edges=((-8, 0, 7), ())),
            _layer(ops.Lookup, "lookup", ("bins",), 2, index=((0, 1), ()), bits=((2, 1), ()), codes=np.arange(9), function="x"),
            _layer(ops.Gather, "gather", ("table",), 2, CODE, index=np.array([-1, 5])),
            _layer(ops.Pool, "pool", ("table",), 2, windows=np.array([[0, 1], [4, 5]]), function="max"),
            _layer(ops.Elementwise, "add", ("pool", "gather"), 2, function="add"),
            _layer(ops.Concatenate, "both", ("pool", "gather"), 4),
            _layer(ops.Dot, "dot", ("cast",), 1, SQUARES, wraps=True),
            _layer(ops.ReconstructionError, "error", ("pre", "relu", "hw"), 1, SQUARES, power=2, present=ones, gate=none, difference=SUM),
            _layer(ops.Sum, "sum", ("dot", "error"), 1, FixedFormat(False, 20, 19), halvings=1),
            _layer(ops.Threshold, "trigger", ("sum",), 1, FixedFormat(False, 1, 1), threshold=3),
        ),
    )


def test_every_operation_survives_the_round_trip_with_its_types():
    contract = _everything()
    assert {type(operation) for operation in contract.operations} == set(ops.OPERATIONS.values())
    again = Contract.from_json(contract.to_json())
    assert again.to_json() == contract.to_json()
    for before, after in zip(contract.operations, again.operations, strict=True):
        assert vars(before).keys() == vars(after).keys()
        for item in fields(before):
            name, value, other = item.name, getattr(before, item.name), getattr(after, item.name)
            assert type(other) is type(value), (before.name, name)
            if isinstance(value, np.ndarray):
                assert other.dtype == value.dtype
                np.testing.assert_array_equal(other, value)
            else:
                assert other == value


@pytest.mark.parametrize(
    ("layer", "field", "value", "message"),
    [
        ("hw", "low", [-8] * 5, "low must have shape"),
        ("hw", "low", [-9] * 6, "low must lie within -8 to 7"),
        ("hw", "low", [8 - 1] * 5 + [7.5], "low: should hold integers of 64 bits, not float64"),
        ("hw", "high", [-8] * 5 + [-9], "high must lie within"),
        ("pre", "inputs", ["dense"], r"needs \['dense'\]"),
        ("pre", "inputs", [], r"it needs \[1\] inputs, not 0"),
        ("pre", "gate", [6] * 6, "gate must lie within -1 to 5"),
        ("pre", "gate", [-2] * 6, "gate must lie within -1 to 5"),
        ("pre", "shift", [63] * 6, "shift must lie within -62 to 62"),
        ("pre", "present", [2] * 6, "present: should hold 0 and 1"),
        ("pre", "work", "fixed<6>", "work: 'fixed<6>' is no fixed-point format"),
        ("pre", "work", 3, "work: 3 should be str"),
        ("dense", "wraps", 1, "wraps: 1 should be bool"),
        ("dense", "size", True, "size: True should be int"),
        ("dense", "size", 3, "weights must have shape"),
        ("dense", "weights", [[1, 1]] * 5, r"weights must have shape \(6, 2\), not \(5, 2\)"),
        ("dense", "weights", [[1, 1]] * 5 + [[1]], "weights: "),
        ("dense", "weights", [[1, 8]] * 6, "weights must lie within -8 to 7"),
        ("dense", "weights", [[1, 2**70]] * 6, "weights: should hold integers of 64 bits"),
        ("dense", "bias", [1, 8], "bias must lie within -8 to 7"),
        ("conv", "shape", [3, 3, 1], r"shape \(3, 3, 1\) does not fit 6 inputs"),
        ("conv", "shape", [6, 1, 1], "a kernel of 2 x 2 does not fit 6 x 1"),
        ("conv", "shape", [2, 3], r"shape: \[2, 3\] should have 3 elements"),
        ("conv", "stride", [0, 1], r"stride \(0, 1\) must be positive"),
        ("conv", "stride", [1, 2], "its size must be 3, not 6"),
        ("conv", "bias", [0, 0], r"bias must have shape \(3,\)"),
        ("cast", "size", 5, "its size must be 6, not 5"),
        ("cast", "size", -6, "its size must be positive"),
        ("table", "codes", [0] * 15, r"codes must have shape \(16,\)"),
        ("table", "codes", [8] * 16, "codes must lie within -8 to 7"),
        ("table", "max_error", "small", "max_error: 'small' should be float"),
        ("bins", "index", [0, 6], "index must lie within 0 to 5"),
        ("bins", "edges", [[0]], "edges must have 2 rows, not 1"),
        ("bins", "edges", [[0, 0], []], r"edges \[0, 0\] must rise within -8 to 7, the codes of fixed<4,4>"),
        ("bins", "edges", [[0, 8], []], r"edges \[0, 8\] must rise within -8 to 7"),
        ("bins", "edges", [[0, 0.5], []], "edges: 0.5 should be int"),
        ("bins", "format", "fixed<3,3>", "bins are counted from 0, not in fixed<3,3>"),
        ("lookup", "index", [[0, 1]], "index must have 2 rows, not 1"),
        ("lookup", "index", [[0, 2], []], "index must lie within 0 to 1"),
        ("lookup", "bits", [[2], []], r"index \[0, 1\] and bits \[2\] must be as long"),
        ("lookup", "bits", [[2, 3], []], "bits must lie within 1 to 2"),
        ("lookup", "codes", [0] * 8, r"codes must have shape \(9,\), not \(8,\)"),
        ("lookup", "codes", [40000] * 9, "codes must lie within -32768 to 32767"),
        ("gather", "index", [0, 6], "index must lie within -1 to 5"),
        ("gather", "format", "fixed<4,3>", r"wires cannot turn fixed<4,4> into fixed<4,3>"),
        ("gather", "format", "fixed<3,3>", "widen it to at least fixed<4,4>"),
        ("pool", "windows", [0, 1], r"windows must have shape \(2, k\)"),
        ("pool", "windows", [[0], [-1]], "windows must lie within 0 to 5"),
        ("pool", "function", "mean", "function 'mean' is unknown; known are sum, max"),
        ("pool", "format", "fixed<8,9>", "-1 fractional bits do not hold its exact result, which has 0"),
        ("add", "function", "divide", "function 'divide' is unknown"),
        ("add", "inputs", ["pool", "table"], "its size must be 6, not 2"),
        ("both", "size", 5, "its size must be 4, not 5"),
        ("dot", "inputs", ["pool", "table"], "its inputs have 2 and 6 elements"),
        ("dot", "size", 2, "its size must be 1"),
        ("error", "power", 3, "power must be 1 or 2, not 3"),
        ("error", "inputs", ["pre", "pool", "hw"], "its inputs have 6 and 2 elements"),
        ("error", "difference", "fixed<3,3>", r"the difference reaches -15 to 15, beyond fixed<3,3>"),
        ("error", "difference", "fixed<8,9>", "-1 fractional bits"),
        ("error", "gate", [7] * 6, "gate must lie within -1 to 5"),
        ("sum", "halvings", -1, "halvings must not be negative"),
        ("sum", "halvings", 2, "-1 fractional bits do not hold"),
        ("trigger", "inputs", ["dense"], "its size must be 2, not 1|its size must be 1, not 2"),
        ("trigger", "name", "sum", "a name of its own"),
    ],
)
def test_damaged_content_is_refused_by_the_layers_name(layer, field, value, message):
    content = json.loads(_everything().to_json())
    (item,) = [item for item in content["operations"] if item["name"] == layer]
    item[field] = value
    with pytest.raises(UserError, match=rf"file .*layer '{item['name']}'.*({message})"):
        Contract.from_json(json.dumps(content), "file")


def test_without_the_hardware_every_element_counts():
    content = json.loads(_everything().to_json())
    (item,) = [item for item in content["operations"] if item["name"] == "error"]
    item["inputs"] = ["pre", "relu"]
    Contract.from_json(json.dumps(content))
    item["present"][2] = 0
    with pytest.raises(UserError, match="layer 'error': without the hardware input every element must be present"):
        Contract.from_json(json.dumps(content))


@pytest.mark.parametrize("change", [{"surplus": 1}, {"bias": None}])
def test_surplus_and_missing_fields_are_refused(change):
    content = json.loads(_everything().to_json())
    item = content["operations"][2]
    item.update(change)
    if change.get("bias", 0) is None:
        del item["bias"]
    with pytest.raises(UserError, match=r"layer 'dense': a Dense has name, inputs, .*weights.*, not "):
        Contract.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["[]", "3", '{"format": "l1ae-contract", "format_version": 2, "project": "x", "operations": [3]}'])
def test_text_that_is_no_contract_is_refused(text):
    with pytest.raises(UserError, match="file is no readable contract"):
        Contract.from_json(text, "file")
