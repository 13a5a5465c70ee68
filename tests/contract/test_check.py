"""Content that does not fit together is refused with the layer's name."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from l1ae.contract import Contract
from l1ae.contract import _ops as ops
from l1ae.errors import UserError
from l1ae.inputs import Feature, FixedFormat, Group, Layout

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
        ("hw", "format", "fixed<40,40>", "has codes that no 32 bits with sign hold"),
        ("hw", "format", "fixed<4,100000>", "format: the bits left of the point must be -400 to 400, not 100000"),
        ("hw", "low", [True] + [-8] * 5, "low: should hold integers, not true or false"),
        ("hw", "name", "hw; exec touch FILE", "firmware names are letters, digits and _, a letter first"),
        ("hw", "low", [8 - 1] * 5 + [7.5], "low: should hold integers of 64 bits, not float64"),
        ("hw", "high", [-8] * 5 + [-9], "high must lie within"),
        ("pre", "inputs", ["dense"], r"needs \['dense'\]"),
        ("pre", "inputs", [], r"it needs \[1\] inputs, not 0"),
        ("pre", "gate", [6] * 6, "gate must lie within -1 to 5"),
        ("pre", "gate", [-2] * 6, "gate must lie within -1 to 5"),
        ("pre", "offset", [1 << 61] * 6, "at one LSB codes and offset need 62 bits, more than 61; round the offset"),
        ("pre", "offset_fraction", 62, "at one LSB codes and offset need 67 bits"),
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
        ("dense", "weights", [[1, True]] * 6, "weights: should hold integers, not true or false"),
        ("dense", "weights", [[1, 10**30]] * 6, "weights: should hold integers of 64 bits"),
        ("dense", "weights", [[1, 2**70]] * 6, "weights: should hold integers of 64 bits"),
        ("dense", "bias", [1, 8], "bias must lie within -8 to 7"),
        ("conv", "shape", [3, 3, 1], r"shape \(3, 3, 1\) does not fit 6 inputs"),
        ("conv", "shape", [6, 1, 1], "a kernel of 2 x 2 does not fit 6 x 1"),
        ("conv", "shape", [2, 3], r"shape: \[2, 3\] should have 3 elements"),
        ("conv", "stride", [0, 1], r"stride \(0, 1\) must be 1 to"),
        ("conv", "stride", [1, 10**30], "stride .* must be 1 to 2147483647"),
        ("conv", "stride", [1, 2], "its size must be 3, not 6"),
        ("conv", "bias", [0, 0], r"bias must have shape \(3,\)"),
        ("cast", "size", 5, "its size must be 6, not 5"),
        ("cast", "size", -6, "its size must be positive"),
        ("table", "codes", [0] * 15, r"codes must have shape \(16,\)"),
        ("table", "codes", [8] * 16, "codes must lie within -8 to 7"),
        ("table", "max_error", -1, "max_error must be a number from 0 on, not -1"),
        ("table", "function", "x\n; exec touch FILE", "function must be one line of text that can be printed"),
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
        ("trigger", "format", "ufixed<2,2>", "the trigger bit is ufixed<1,1>, not ufixed<2,2>"),
        ("trigger", "threshold", 10**30, f"threshold {10**30} is no code of the score's type ufixed<20,19>; take one of 0 to 1048575"),
        ("trigger", "threshold", -1, "threshold -1 is no code"),
        ("trigger", "threshold", 3.0, "threshold: 3.0 should be int"),
        ("trigger", "name", "sum", "a name of its own"),
    ],
)
def test_damaged_content_is_refused_by_the_layers_name(layer, field, value, message):
    content = json.loads(_everything().to_json())
    (item,) = [item for item in content["operations"] if item["name"] == layer]
    item[field] = value
    with pytest.raises(UserError, match=rf"file .*layer '{item['name']}'.*({message})"):
        Contract.from_json(json.dumps(content), "file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda items: items.pop(),
            r"end with the Threshold, .*; it has 'sum' \(Sum\) there \(Threshold: none\); put it last, and others out",
        ),
        (lambda items: items.pop(0), r"begin with the HardwareInput; it has 'pre' \(Preprocess\) there \(HardwareInput: none\)"),
        (lambda items: items.insert(1, items[0] | {"name": "hw2"}), r"begin with the HardwareInput; .*\(HardwareInput: hw, hw2\)"),
        (lambda items: items.insert(-1, items[-1] | {"name": "bit"}), r"end with the Threshold, .*\(Threshold: bit, trigger\)"),
        (lambda items: items.append(items.pop(2) | {"name": "late"}), r"end with the Threshold, .*'late' \(Dense\)"),
        (lambda items: items.insert(2, items.pop(3)), None),
        (lambda items: items.insert(2, items.pop(4)), r"layer 'cast' needs \['conv'\]; operations must be in order"),
        (lambda items: items.clear(), "a contract has operations: a HardwareInput first, a Threshold last; there are none"),
        (lambda items: items.append(3), "an operation is a mapping, not 3"),
        (lambda items: items[0].pop("kind"), "layer 'hw': kind None is unknown; known are HardwareInput, "),
        (lambda items: items[0].update(kind=["Dense"]), r"layer 'hw': kind \['Dense'\] is unknown"),
    ],
    ids=["no end", "no begin", "two inputs", "two bits", "end within", "independent", "order", "empty", "number", "no kind", "list"],
)
def test_a_contract_begins_with_its_input_and_ends_with_its_bit(change, message):
    content = json.loads(_everything().to_json())
    change(content["operations"])
    if message is None:
        Contract.from_json(json.dumps(content), "file")
        return
    with pytest.raises(UserError, match=rf"file is no readable contract \(.*{message}.*\); make it again with `l1ae train`"):
        Contract.from_json(json.dumps(content), "file")


def test_the_same_where_a_contract_is_made():
    with pytest.raises(UserError, match="a contract must end with the Threshold"):
        Contract("all_v1", _everything().operations[:-1])
    with pytest.raises(UserError, match="threshold 1048576 is no code of the score's type"):
        _everything().with_threshold(1 << 20)
    floats = replace(_everything()["dense"], weights=np.full((6, 2), 0.5))
    with pytest.raises(UserError, match="layer 'dense': weights must hold integers, not float64"):
        Contract("all_v1", tuple(floats if item.name == "dense" else item for item in _everything().operations))


@pytest.mark.parametrize("project", ["x", "x; exec touch FILE", "X_v1", "x__y_v1", "x_v", "../x_v1", 3, None])
def test_a_project_is_a_name_and_a_version(project):
    content = json.loads(_everything().to_json()) | {"project": project}
    with pytest.raises(UserError, match=r"project '.*' is no NAME_vVERSION; take small letters|it has project, a text, and operations"):
        Contract.from_json(json.dumps(content), "file")


def test_a_layout_is_as_it_was_written():
    layout = Layout(name="six", groups=(Group(name="x", kind="vector", slots=6, features=(Feature(name="adc", bits=4, signed=True),)),))
    content = json.loads(replace(_everything(), layout=layout).to_json())
    assert Contract.from_json(json.dumps(content)).layout == layout
    content["layout"]["groups"][0]["features"][0]["signed"] = 1
    with pytest.raises(UserError, match=r"file is no readable contract \(its layout is not as l1ae writes it"):
        Contract.from_json(json.dumps(content), "file")
    for wrong in (3, [], {"name": "x"}, {"name": "x", "groups": [{"name": "x", "slots": 10**12}]}):
        with pytest.raises(UserError, match=r"file is no readable contract .*layout"):
            Contract.from_json(json.dumps(content | {"layout": wrong}), "file")


def test_tables_of_too_many_entries_are_refused_before_they_are_made():
    """As a file of some kB, they would take gigabytes of memory."""
    size = 1 << 9
    hw = _layer(ops.HardwareInput, "hw", (), size, SUM, low=np.full(size, SUM.low), high=np.full(size, SUM.high))
    parts = {"codes": np.zeros(size, np.int64), "bits": (16,) * size, "starts": ((0,),) * size}
    table = _layer(ops.Table, "table", ("hw",), size, CODE, function="x", max_error=0.0, **parts)
    first = _layer(ops.Gather, "first", ("table",), 1, CODE, index=np.zeros(1, np.int64))
    bit = _layer(ops.Threshold, "bit", ("first",), 1, FixedFormat(False, 1, 1), threshold=0)
    with pytest.raises(
        UserError, match=f"layer 'table': its tables have {1 << 25} entries, more than {1 << 24}; address them with fewer bits"
    ):
        Contract("table_v1", (hw, table, first, bit))


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


HEAD = '{"format": "l1ae-contract", "format_version": 2, "project": "x_v1", '


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "3",
        "{}",
        HEAD + '"operations": [3]}',
        HEAD + '"operations": {}}',
        HEAD + '"operations": [], "surplus": 1}',
        HEAD + '"operations": ' + "[" * 100_000,
        HEAD + '"operations": [{"kind": "Gather", "name": "g", "inputs": [], "index": ' + "[" * 200 + "]" * 200 + "}]}",
        HEAD + '"operations": [{"kind": "Sum", "halvings": NaN}]}',
        HEAD + '"operations": [' + "9" * 10_000 + "]}",
        b"\xff\xfe" + HEAD.encode(),
        b"\x00" * 100,
    ],
    ids=lambda text: str(text)[-24:] if len(text) < 300 else f"{len(text)} characters",
)
def test_text_that_is_no_contract_is_refused(text):
    with pytest.raises(UserError, match="file is no readable contract"):
        Contract.from_json(text, "file")
