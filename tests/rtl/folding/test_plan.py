"""Folded plans give the contract's score for every event, and what cannot be folded is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest

from l1ae.agreement import corner_vectors
from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat
from l1ae.rtl.folding._plan import _windows, plan_fold

from ...levels import slow
from .networks import Image, dense_contract, image_contract

IMAGES = {
    "padded": Image(),
    "valid": Image(padded=False),
    "pooled": Image(pooled=True),
    "strided": Image(rows=7, columns=5, stride=(2, 2)),
    "doubled": Image(rows=4, doubled=True),
    "last window reaches beyond": Image(rows=7),
}


def _events(contract):
    """Random ones and corner vectors."""
    rng = np.random.default_rng(0)
    corners = corner_vectors(contract)
    drawn = rng.integers(contract.hardware.low, contract.hardware.high + 1, (300, contract.hardware.size))
    return np.concatenate([drawn, corners[:: max(len(corners) // 200, 1)]])


def _assert_exact(contract, interval):
    events = _events(contract)
    expected = contract.evaluate(events)["score"][:, 0]
    assert len(np.unique(expected)) > 50
    plan = plan_fold(contract, interval)
    np.testing.assert_array_equal(plan.simulate(events), expected)
    return plan


@pytest.mark.parametrize("interval", [2, 4, 5, 8, 30])
def test_dense_layers_are_exact(interval):
    plan = _assert_exact(dense_contract(), interval)
    assert [folding.layer for folding in plan.foldings] == ["layer0", "layer1", "out"]
    assert {(folding.kind, folding.clocks) for folding in plan.foldings} == {("serial", interval)}
    # At most 15 bits: seven of the input, six of the weight, and two as seven terms cannot be more than eight times one.
    assert all(-(-12 // interval) <= folding.parts <= -(-15 // interval) for folding in plan.foldings)


@pytest.mark.parametrize("interval", slow([2, 4, 9], (4,)))
@pytest.mark.parametrize("image", IMAGES)
def test_convolutions_are_exact(image, interval):
    plan = _assert_exact(image_contract(IMAGES[image]), interval)
    assert all(folding.clocks <= interval for folding in plan.foldings)
    assert plan.foldings[-1].layer == "latent"


def test_one_row_per_clock():
    convolution, latent = plan_fold(image_contract(), 6).foldings
    assert (convolution.layer, convolution.kind, convolution.clocks, convolution.parts) == ("conv", "window", 6, 3)
    assert (latent.kind, latent.clocks) == ("serial", 6)


def test_one_position_per_clock_where_there_is_time():
    assert plan_fold(image_contract(), 18).foldings[0].parts == 1


def test_windows_see_what_the_convolution_sees():
    convolution = image_contract(IMAGES["strided"])["conv"]
    image = np.random.default_rng(3).integers(-9, 9, convolution.shape)
    padded = np.append(image.ravel(), 0)
    sources, outputs = _windows(convolution, 1, 1)
    for (row, column), source in zip(np.ndindex(*convolution.positions), sources, strict=True):
        np.testing.assert_array_equal(padded[source], image[2 * row : 2 * row + 3, 2 * column : 2 * column + 3].ravel())
    np.testing.assert_array_equal(outputs.ravel(), np.arange(convolution.size))


def test_small_layers_are_left_unrolled():
    plan = plan_fold(dense_contract(inputs=36, hidden=(4, 1, 4)), 4)
    assert [folding.layer for folding in plan.foldings] == ["layer0", "out"]


def test_an_interval_of_one_is_no_folding():
    with pytest.raises(UserError, match=r"rtl\.interval must be at least 2 for a folded design, not 1"):
        plan_fold(dense_contract(), 1)


def test_accumulators_that_lose_bits_are_refused():
    contract = dense_contract(hidden=())
    operations = [_narrowed(operation) for operation in contract.operations]
    message = "'net_v1' cannot be folded: of its layers with weights ('out') none has an accumulator that keeps every bit"
    with pytest.raises(UserError, match=re.escape(message)):
        plan_fold(Contract("net_v1", tuple(operations)), 4)


def _narrowed(operation):
    return replace(operation, format=FixedFormat.parse("fixed<16,12,RND>")) if operation.name == "out" else operation


def test_a_layer_that_never_changes_is_refused():
    contract = dense_contract()
    dead = {"bias_format": FixedFormat.parse("fixed<24,12>"), "bias": np.full(6, -(1 << 20))}
    operations = tuple(replace(o, **dead) if o.name == "layer0" else o for o in contract.operations)
    with pytest.raises(
        UserError, match=r"layer 'layer0_\w+' gives the same for every event, which cannot be folded; look for a layer whose"
    ):
        plan_fold(replace(contract, operations=operations), 4)
