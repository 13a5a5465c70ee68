"""Interval bounds against brute force, and the refusal of accumulators that some input would overflow."""

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l1ae.contract import Contract, Dense, HardwareInput, Quantize
from l1ae.contract._bounds import interval_of
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat

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


def test_a_cast_that_cannot_overflow_keeps_tight_bounds():
    cast = Quantize(name="q", inputs=("hw",), format=FixedFormat(True, 8, 8), size=1)
    source = HardwareInput(name="hw", inputs=(), format=FixedFormat(True, 8, 8), size=1, low=np.array([-3]), high=np.array([5]))
    interval = interval_of(cast, {"hw": interval_of(source, {})})
    assert (interval.low[0], interval.high[0]) == (-3, 5)
