"""Interval bounds against brute force, and the refusal of accumulators that some input would overflow."""

import importlib.util
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l1ae.contract import Contract, Dense, HardwareInput, Quantize
from l1ae.contract import _ops as ops
from l1ae.contract._bounds import interval_of, may_wrap
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat

_spec = importlib.util.spec_from_file_location("exact", Path(__file__).with_name("exact.py"))
exact = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(exact)

small = st.integers(-9, 9)


def _dense(weights, bias, low, high):
    source = HardwareInput(name="hw", inputs=(), format=FixedFormat(True, 8, 8), size=len(low), low=np.array(low), high=np.array(high))
    dense = Dense(
        name="sum",
        inputs=("hw",),
        format=FixedFormat(True, 20, 20),
        size=1,
        weights=np.array(weights).reshape(-1, 1),
        bias=np.array([bias]),
        weight_format=FixedFormat(True, 6, 6),
        bias_format=FixedFormat(True, 6, 6),
    )
    known = {"hw": interval_of(source, {})}
    return interval_of(dense, known)


@settings(deadline=None)
@given(st.lists(st.tuples(small, small, small), min_size=1, max_size=4), small)
def test_dense_bounds_are_reached_and_hold_every_partial_sum(terms, bias):
    weights = [w for w, _, _ in terms]
    low = [min(a, b) for _, a, b in terms]
    high = [max(a, b) for _, a, b in terms]
    interval = _dense(weights, bias, low, high)
    totals, partials = [], []
    for corner in product(*zip(low, high, strict=True)):
        products = [x * w for x, w in zip(corner, weights, strict=True)]
        totals.append(sum(products) + bias)
        for order in permutations([*products, bias]):
            partials.extend(np.cumsum(order).tolist())
    assert (interval.low[0], interval.high[0]) == (min(totals), max(totals))
    assert interval.partial_low <= min(partials)
    assert interval.partial_high >= max(partials)


@pytest.mark.parametrize("score", ["squared_error", "mu2", "kl"])
def test_observed_values_lie_within_the_bounds(make_network, hardware, score):
    contract = make_network(score).contract
    names = [operation.name for operation in contract.operations]
    for name, codes in contract.evaluate_reference(hardware, names).items():
        interval = contract.intervals[name]
        assert np.all(codes >= interval.low.astype(np.int64)), name
        assert np.all(codes <= interval.high.astype(np.int64)), name
        assert contract[name].format.low <= codes.min() <= codes.max() <= contract[name].format.high, name


@pytest.mark.parametrize("name", ["enc0", "enc1", "latent", "dec0", "out", "squared_error"])
def test_an_accumulator_one_bit_narrower_is_refused_by_name(make_network, name):
    contract = make_network("squared_error").contract
    operations = list(contract.operations)
    index = [operation.name for operation in operations].index(name)
    form = operations[index].format
    operations[index] = replace(operations[index], format=replace(form, width=form.width - 1, integer=form.integer - 1))
    with pytest.raises(UserError, match=rf"layer '{name}': .* widen it to at least {form.__str__().replace('<', '<')}"):
        Contract(contract.project, tuple(operations))


def test_a_wrapping_cast_may_take_any_code():
    wrapped = Quantize(name="q", inputs=("hw",), format=FixedFormat(True, 4, 4), size=1)
    source = HardwareInput(name="hw", inputs=(), format=FixedFormat(True, 8, 8), size=1, low=np.array([0]), high=np.array([100]))
    interval = interval_of(wrapped, {"hw": interval_of(source, {})})
    assert (interval.low[0], interval.high[0]) == (-8, 7)


@pytest.mark.parametrize(
    ("form", "wraps"), [("fixed<4,4>", True), ("fixed<8,8>", False), ("fixed<4,4,TRN,SAT>", False), ("fixed<4,8>", False)]
)
def test_a_cast_may_wrap_where_some_code_does_not_fit(form, wraps):
    cast = Quantize(name="q", inputs=("hw",), format=FixedFormat.parse(form), size=1)
    source = HardwareInput(name="hw", inputs=(), format=FixedFormat(True, 8, 8), size=1, low=np.array([0]), high=np.array([100]))
    known = {"hw": interval_of(source, {})}
    assert may_wrap(cast, known | {"q": interval_of(cast, known)}) is wraps


def test_a_cast_that_cannot_overflow_keeps_tight_bounds():
    cast = Quantize(name="q", inputs=("hw",), format=FixedFormat(True, 8, 8), size=1)
    source = HardwareInput(name="hw", inputs=(), format=FixedFormat(True, 8, 8), size=1, low=np.array([-3]), high=np.array([5]))
    interval = interval_of(cast, {"hw": interval_of(source, {})})
    assert (interval.low[0], interval.high[0]) == (-3, 5)


HW = FixedFormat(True, 3, 3)
WIDE = FixedFormat(True, 20, 18)
ONE, ALL = np.array([-1]), np.ones(1, bool)
SMALL = {"weights": np.array([[[[2]], [[-3]]]]), "bias": np.array([5]), "weight_format": FixedFormat(True, 4, 3), "bias_format": WIDE}


def _enumerated(operation):
    """Codes of an operation on the wires a and b (one element each) for all 512 events of three hardware inputs, and its interval."""
    hardware = HardwareInput(name="hw", inputs=(), format=HW, size=3, low=np.full(3, -4), high=np.full(3, 3))
    wires = [ops.Gather(name=name, inputs=("hw",), format=HW, size=1, index=np.array([k])) for k, name in enumerate("ab")]
    both = ops.Gather(name="ab", inputs=("hw",), format=HW, size=2, index=np.array([0, 1]))
    contract = Contract("tiny_v1", exact.ended(hardware, *wires, both, operation))
    events = np.array(list(product(range(-4, 4), repeat=3)))
    return contract.evaluate_reference(events, ["y"])["y"], contract.intervals["y"]


def _make(kind, inputs, form, size=1, **parts):
    return kind(name="y", inputs=inputs, format=FixedFormat.parse(form), size=size, **parts)


@pytest.mark.parametrize(
    "operation",
    [
        _make(ops.Quantize, ("a",), "fixed<3,4,RND,SAT>"),
        _make(ops.Quantize, ("a",), "fixed<2,3,TRN,SAT_SYM>"),
        _make(ops.Relu, ("a",), "ufixed<2,1,RND,SAT>"),
        _make(ops.Elementwise, ("a", "b"), "fixed<8,8>", function="add"),
        _make(ops.Elementwise, ("a", "b"), "fixed<4,5,RND,SAT>", function="subtract"),
        _make(ops.Elementwise, ("a", "b"), "fixed<4,4,RND,SAT>", function="multiply"),
        _make(ops.Concatenate, ("a", "ab"), "fixed<2,3,TRN,SAT>", 3),
        _make(ops.Dot, ("a", "b"), "fixed<8,8>"),
        _make(ops.Dot, ("a", "b"), "fixed<6,7,TRN>"),
        _make(ops.Dot, ("ab",), "ufixed<6,6>"),
        _make(ops.Dot, ("ab",), "ufixed<6,7,RND>"),
        _make(ops.Pool, ("ab",), "fixed<5,5>", windows=np.array([[0, 1, 1]]), function="sum"),
        _make(ops.Pool, ("ab",), "fixed<5,5>", windows=np.array([[0, 1]]), function="max"),
        _make(ops.Sum, ("a", "ab"), "fixed<8,7>", halvings=1),
        _make(ops.ReconstructionError, ("a", "b"), "ufixed<8,8>", power=2, present=ALL, gate=ONE, difference=FixedFormat(True, 10, 10)),
        _make(
            ops.ReconstructionError,
            ("a", "b", "hw"),
            "ufixed<8,4>",
            power=1,
            present=ALL,
            gate=ONE + 3,
            difference=FixedFormat(True, 10, 6),
        ),
        _make(ops.Convolution, ("ab",), "fixed<9,7>", shape=(1, 2, 1), stride=(1, 1), **SMALL),
        _make(ops.Convolution, ("ab",), "fixed<9,8,RND>", shape=(1, 2, 1), stride=(1, 1), **SMALL),
        _make(ops.Convolution, ("ab",), "fixed<9,8,TRN_ZERO>", shape=(1, 2, 1), stride=(1, 1), **SMALL),
    ],
)
def test_bounds_are_the_extremes_over_all_events(operation):
    codes, interval = _enumerated(operation)
    np.testing.assert_array_equal(interval.low.astype(np.int64), codes.min(0))
    np.testing.assert_array_equal(interval.high.astype(np.int64), codes.max(0))


@pytest.mark.parametrize(
    ("work", "form", "gate", "tight"),
    [
        ("fixed<8,5>", "fixed<8,5>", -1, True),
        ("fixed<8,5>", "fixed<8,5>", 2, True),
        ("fixed<8,8>", "fixed<3,4,RND,SAT>", 2, True),
        ("fixed<4,4,TRN,SAT>", "fixed<8,5>", -1, True),
        ("fixed<3,3>", "fixed<8,5>", -1, False),
        ("fixed<4,4,TRN,SAT_ZERO>", "fixed<8,5>", -1, False),
    ],
)
@pytest.mark.parametrize("shift", [0, 1, 3, -2])
def test_preprocessing_bounds_hold_every_event(work, form, gate, tight, shift):
    operation = _make(
        ops.Preprocess,
        ("hw",),
        form,
        3,
        offset=np.array([0, 2, -5]),
        shift=np.array([shift, 0, 1]),
        present=np.array([True, True, False]),
        gate=np.full(3, gate),
        work=FixedFormat.parse(work),
    )
    codes, interval = _enumerated(operation)
    low, high = interval.low.astype(np.int64), interval.high.astype(np.int64)
    assert np.all(codes >= low)
    assert np.all(codes <= high)
    if tight and shift >= 0:
        np.testing.assert_array_equal(low, codes.min(0))
        np.testing.assert_array_equal(high, codes.max(0))


def _accumulator(form, **options):
    return _make(
        Dense,
        ("ab",),
        form,
        weights=np.array([[7], [7]]),
        bias=np.array([1]),
        weight_format=FixedFormat(True, 4, 4),
        bias_format=FixedFormat(True, 4, 4),
        **options,
    )


def test_an_accumulator_that_wraps_may_take_any_code():
    codes, interval = _enumerated(_accumulator("fixed<4,4>", wraps=True))
    assert (interval.low[0], interval.high[0]) == (-8, 7)
    assert (interval.partial_low, interval.partial_high) == (-56, 43)
    assert codes.max() > 5
    assert codes.min() < -5


def test_a_saturating_accumulator_is_refused_unless_it_cannot_overflow():
    with pytest.raises(UserError, match=r"layer 'y': fixed<4,4,TRN,SAT> .* order of its additions; widen it to at least fixed<7,7>"):
        _enumerated(_accumulator("fixed<4,4,TRN,SAT>", wraps=True))
    codes, interval = _enumerated(_accumulator("fixed<7,7,TRN,SAT>", wraps=True))
    assert (codes.min(), codes.max()) == (interval.low[0], interval.high[0]) == (-55, 43)


def test_products_beyond_62_bits_are_refused_by_name():
    vast = replace(_accumulator("fixed<62,62>", wraps=True), weights=np.array([[1 << 60], [1]]), weight_format=FixedFormat(True, 62, 62))
    with pytest.raises(UserError, match=r"layer 'y': a value of 63 bits and a sign arises, more than the 62 supported"):
        _enumerated(vast)
