"""What wraps is decided by the bounds and counted on events, against rational arithmetic without limits."""

import importlib.util
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from l1ae.contract import Contract, wrapped_text
from l1ae.contract import _ops as ops
from l1ae.inputs import FixedFormat

_spec = importlib.util.spec_from_file_location("exact", Path(__file__).with_name("exact.py"))
exact = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(exact)

PORT = FixedFormat(True, 6, 6)
NARROW = FixedFormat(True, 6, 4)


def _weights(rng, shape):
    form = FixedFormat(True, 4, 2)
    return {"weights": rng.integers(-8, 8, shape), "bias": rng.integers(-8, 8, shape[-1]), "weight_format": form, "bias_format": form}


def _hardware(size, port=PORT):
    return ops.HardwareInput(name="hw", inputs=(), format=port, size=size, low=np.full(size, port.low), high=np.full(size, port.high))


def _network(seed):
    """Narrow work, sums, casts and a score: everything that can wrap, some of it rounded first."""
    rng, all_there, free = np.random.default_rng(seed), np.ones(6, bool), np.full(6, -1)
    shift, offset = np.array([-1, 0, 1, 2, -2, 0]), np.array([3, 0, -7, 5, 0, 30])
    parts = {"offset": offset, "shift": shift, "present": all_there, "gate": free, "work": FixedFormat(True, 8, 6), "offset_fraction": 1}
    image = {"shape": (2, 3, 1), "stride": (1, 1)} | _weights(rng, (2, 2, 1, 2))
    sat = FixedFormat.parse("fixed<6,4,RND_CONV,SAT>")
    chain = (
        _hardware(6),
        ops.Preprocess(name="pre", inputs=("hw",), format=sat, size=6, **parts),
        ops.Dense(name="d", inputs=("pre",), format=FixedFormat.parse("fixed<7,5,RND>"), size=3, wraps=True, **_weights(rng, (6, 3))),
        ops.Convolution(name="c", inputs=("pre",), format=FixedFormat(True, 10, 6), size=4, wraps=True, **image),
        ops.Relu(name="r", inputs=("d",), format=FixedFormat.parse("ufixed<5,3,RND_CONV>"), size=3),
        ops.Quantize(name="q", inputs=("c",), format=NARROW, size=4),
        ops.Elementwise(name="e", inputs=("q", "q"), format=NARROW, size=4, function="multiply"),
        ops.Concatenate(name="k", inputs=("r", "e"), format=FixedFormat(False, 5, 3), size=7),
        ops.Dot(name="n", inputs=("k",), format=FixedFormat(False, 8, 6), size=1, wraps=True),
        ops.Quantize(name="s", inputs=("n",), format=FixedFormat(False, 6, 5), size=1),
    )
    return Contract("wraps_v1", exact.ended(*chain))


def _without_limit(operation):
    """The operation in 62 bits: the same values where nothing wraps; what saturates still does."""
    wide = {"format": replace(operation.format, signed=True, width=62, integer=62 - operation.format.fraction)}
    if isinstance(operation, ops.Preprocess):
        wide = {"work": replace(operation.work, width=62, integer=62 - operation.work.fraction)}
    return replace(operation, **wide)


@pytest.mark.parametrize("seed", [3, 4])
def test_every_wrap_is_counted(seed):
    contract, events = _network(seed), 60
    hardware = np.random.default_rng(seed).integers(PORT.low // 2, PORT.high // 2 + 1, (events, 6))
    assert contract.wrapping == ("pre", "d", "c", "r", "q", "e", "k", "n", "s")
    codes = contract.evaluate_reference(hardware, [operation.name for operation in contract.operations])
    expected = {}
    for name in contract.wrapping:
        operation, free = contract[name], _without_limit(contract[name])
        forms = [contract[source].format for source in operation.inputs]
        found = 0
        for event in range(events):
            inputs = [[int(code) for code in codes[source][event]] for source in operation.inputs]
            found += exact.evaluate(operation, inputs, forms) != exact.evaluate(free, inputs, forms)
        expected[name] = found
    assert 0 < min(expected.values()) <= max(expected.values())
    assert contract.wrapped(hardware) == expected
    assert contract.wrapped(hardware[:0]) == dict.fromkeys(expected, 0)


def test_in_several_threads_every_event_counts_once():
    contract = _network(5)
    hardware = np.random.default_rng(5).integers(PORT.low, PORT.high + 1, (9000, 6))
    parts = [contract.wrapped(hardware[start : start + 3000], workers=1) for start in range(0, 9000, 3000)]
    assert contract.wrapped(hardware, workers=2) == {name: sum(part[name] for part in parts) for name in contract.wrapping}


def _sum(weights, form, wraps=True):
    """A sum of hardware codes of 0 to 7 each."""
    count, parts = len(weights), {"weight_format": FixedFormat(True, 5, 5), "bias_format": FixedFormat(True, 5, 5)}
    arrays = {"weights": np.array(weights)[:, None], "bias": np.zeros(1, np.int64)}
    total = ops.Dense(name="d", inputs=("hw",), format=FixedFormat.parse(form), size=1, wraps=wraps, **arrays, **parts)
    return Contract("sum_v1", exact.ended(_hardware(count, FixedFormat(False, 3, 3)), total))


@pytest.mark.parametrize(
    ("weights", "form", "wraps"),
    [
        ([1, 1], "fixed<5,5>", False),
        ([1, 1], "fixed<4,4>", True),  # 14 > 7
        ([1, -1], "fixed<4,4>", False),
        ([3, -2], "fixed<6,6>", False),
        ([1, 1], "ufixed<4,4>", False),
        ([1, -1], "ufixed<4,4>", True),
    ],
)
def test_the_bounds_decide_and_not_the_flag(weights, form, wraps):
    contract = _sum(weights, form)
    assert (contract.wrapping == ("d",)) is wraps
    assert contract.decided(contract["d"]).wraps is wraps
    codes = np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1).reshape(-1, 2)
    low, high = contract["d"].format.low, contract["d"].format.high
    sums = [sum(Fraction(w) * int(x) for w, x in zip(weights, row, strict=True)) for row in codes]
    outside = sum(not low <= total <= high for total in sums)
    assert contract.wrapped(codes).get("d", 0) == outside
    assert (outside > 0) is wraps


def test_a_layer_before_a_concatenation_with_the_input_is_no_added_column():
    """It was taken for one, and what it wraps was left out."""
    first = _sum([1, 1], "fixed<4,4>")
    both = ops.Concatenate(name="both", inputs=("hw", "d"), format=FixedFormat(True, 4, 4), size=3)
    contract = Contract("both_v1", exact.ended(*first.operations[:2], both))
    assert contract.wrapping == ("d",)
    assert contract.added == ()
    assert contract.event is contract.hardware


def test_the_flag_is_kept_in_the_file():
    """Contracts keep their digest: what is deployed carries it."""
    contract = _sum([1, 1], "fixed<5,5>")
    assert Contract.from_json(contract.to_json())["d"].wraps
    assert contract.digest != _sum([1, 1], "fixed<5,5>", wraps=False).digest


def test_words_for_people():
    assert wrapped_text({"inputs": 0, "score": 83, "d": 1}, 20000) == "score wraps in 83 of 20,000, d wraps in 1 of 20,000"
    assert wrapped_text({"score": 0}, 20000) == ""
