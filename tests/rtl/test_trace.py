"""Whole contracts as adder graphs: all tensors, and what does not belong to the score."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from l1ae.contract import Contract, Dense, Dot, Gather, Quantize, Relu, import_description
from l1ae.rtl import trace_contract
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl._trace import constant_op, rounding_constants
from l1ae.rtl.folding._plan import plan_fold
from l1ae.rtl.proofs._linear import prove_linear

from ..hls.networks import Network, calorimeter, everything
from .exactness import assert_exact, assert_same, vectors

_spec = importlib.util.spec_from_file_location("foreign", Path(__file__).parents[1] / "contract" / "foreign.py")
foreign = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(foreign)

slow = pytest.mark.slow
ADDERS = ["binary", "ternary"]


@pytest.fixture(scope="module")
def traced():
    """A contract with every operation, whose products are rounded one by one, and its graph."""
    contract = everything()
    return contract, trace_contract(contract, "ternary")


def test_every_tensor_of_every_operation(traced):
    contract, graph = traced
    assert_same(contract, graph, vectors(contract))


@slow
@pytest.mark.parametrize(("exact_products", "adders"), [(True, "binary"), (True, "ternary"), (False, "binary")])
def test_every_tensor_of_every_operation_in_other_ways(exact_products, adders):
    assert_exact(everything(exact_products=exact_products), adders)


@slow
@pytest.mark.parametrize("adders", ADDERS)
@pytest.mark.parametrize("score", ["squared_error", "mu2", "kl"])
def test_every_tensor_of_a_quantized_model(make_network, hardware, score, adders):
    contract = make_network(score, hidden=(8,)).contract
    flat = hardware.reshape(len(hardware), -1)
    assert_exact(contract, adders, np.concatenate([flat, vectors(contract)]))


@slow
@pytest.mark.parametrize("masked", [False, True])
def test_every_tensor_of_a_deployed_network(tmp_path, masked):
    """Accumulators that wrap, products that are rounded one by one; compared with integers that know nothing of l1ae."""
    network = foreign.Foreign(masked)
    contract = import_description(network.write(tmp_path), "foreign_v1")
    rng = np.random.default_rng(5)
    codes = rng.integers(contract.hardware.low, contract.hardware.high + 1, (4000, foreign.SIZE)) >> rng.integers(0, 10, (4000, 1))
    codes[rng.random(codes.shape) < 0.1] = 0
    expected, _ = network.evaluate(codes)
    graph = trace_contract(contract, "binary")
    names = [part.name for part in graph.parts]
    for name, values in graph.evaluate(codes, names).items():
        np.testing.assert_array_equal(values / contract[name].format.lsb, expected[name], err_msg=name)


@slow
def test_every_tensor_of_a_student_on_an_image():
    assert_exact(calorimeter(), "binary", np.random.default_rng(3).integers(-512, 512, (100, 252)))


def small():
    b = Network()
    b.inputs(3, np.array([0, 1, 0]), np.full(3, -1), "fixed<12,12>", form="fixed<6,4,RND,SAT>")
    b.dense("enc", "inputs", 2)
    b.put(Relu, "relu", "enc", size=2, form="ufixed<6,3,RND_CONV,SAT>")
    return b


def test_layers_that_the_score_does_not_read_are_left_out():
    b = small()
    b.dense("unread", "relu", 2)
    b.put(Relu, "unread_relu", "unread", size=2, form="ufixed<6,3,RND,SAT>")
    b.dense("last", "relu", 1)
    b.score("last", 5)
    graph = assert_exact(b.contract())
    assert [part.name for part in graph.parts] == ["inputs", "enc", "relu", "last", "score"]
    assert set(graph.tensors) == {"hw", "inputs", "enc", "relu", "last", "score"}
    assert set(graph.layers) <= set(graph.tensors)


def test_two_readers_keep_a_layer_as_it_is():
    """The constant of a rounding may not enter a tensor that somebody else reads, not even one that does not count."""
    b = small()
    b.dense("last", "relu", 1)
    b.score("last", 5)
    assert rounding_constants(b.contract())["enc"] == 2.0**-4
    b = small()
    b.put(Gather, "unread", "enc", size=1, form=b["enc"].format, index=np.array([0]))
    b.dense("last", "relu", 1)
    b.score("last", 5)
    assert "enc" not in rounding_constants(b.contract())


def test_a_score_that_depends_on_nothing():
    b = small()
    values = b.weights(2, 1)
    b.put(Dense, "last", "relu", size=1, fraction=7, **(values | {"weights": np.zeros((2, 1), int), "bias": np.array([13])}))
    b.score("last", 5)
    contract = b.contract()
    graph = assert_exact(contract)
    (score,) = graph.tensors["score"]
    assert score.index is None
    (line,) = graph.logic.out_idxs
    assert graph.logic.ops[line].opcode == Opcode.CONSTANT
    np.testing.assert_array_equal(graph.logic.predict(np.zeros((4, 3)), n_threads=1)[:, 0], score.constant)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.75, 40.0, 2.0**-9, -(2.0**12)])
def test_constant_lines(value):
    op = constant_op(value)
    assert op.data[0] * op.qint.step == value
    assert op.qint.min == op.qint.max == value


def test_ranges_hold_what_is_seen(traced):
    """Elements, whose bits the registers are made of."""
    contract, graph = traced
    names = [part.name for part in graph.parts]
    for name, values in graph.evaluate(vectors(contract), names).items():
        added = graph.added.get(name, 0.0)
        for k, element in enumerate(graph.tensors[name]):
            assert element.low <= values[:, k].min() + added, (name, k)
            assert element.high >= values[:, k].max() + added, (name, k)
            assert not np.any((values[:, k] + added) % element.step), (name, k)


def test_an_event_is_evaluated_by_names_and_shape(traced):
    contract, graph = traced
    hardware = vectors(contract, 5)[:7]
    image = hardware.reshape(7, 4, 6)
    found = graph.evaluate(image, ["score", "latent"])
    assert list(found) == ["score", "latent"]
    assert [v.shape for v in found.values()] == [(7, 1), (7, 5)]
    assert graph.evaluate(hardware, []) == {}


def test_a_wrong_graph_is_seen():
    """The comparison of these tests can fail: the layer, not those before it."""
    b = small()
    b.dense("last", "relu", 1)
    b.score("last", 5)
    contract = b.contract()
    enc = contract["enc"]
    assert isinstance(enc, Dense)
    weights = enc.weights.copy()
    weights[1, 1] += 1
    wrong = Contract(contract.project, tuple(replace(o, weights=weights) if o.name == "enc" else o for o in contract.operations))
    hardware = vectors(contract)
    graph = trace_contract(wrong, "binary")
    expected = contract.evaluate(hardware, ["inputs", "enc"])
    found = {name: v / contract[name].format.lsb for name, v in graph.evaluate(hardware, list(expected)).items()}
    np.testing.assert_array_equal(found["inputs"], expected["inputs"])
    np.testing.assert_array_equal(found["enc"][:, 0], expected["enc"][:, 0])
    assert not np.array_equal(found["enc"][:, 1], expected["enc"][:, 1])
    with pytest.raises(AssertionError, match="enc"):
        assert_same(contract, graph, hardware)


def _flagged(wraps):
    """Sums that fit, which a description may say to wrap all the same, of both kinds, before a cast that rounds half up."""
    b = Network(seed=8)
    b.inputs(12, np.zeros(12, int), np.full(12, -1), "fixed<12,10>")
    b.convolution("conv", "inputs", (4, 3, 1), (2, 2), 2, wraps=wraps)
    b.put(Relu, "relu", "conv", size=b["conv"].size, form="ufixed<6,3,RND,SAT>")
    b.dense("enc", "relu", 2, wraps=wraps)
    b.put(Quantize, "latent", "enc", size=2, form="fixed<6,4,RND_CONV,SAT>")
    b.put(Dot, "norm", "latent", size=1, fraction=4, wraps=wraps)
    b.score("norm", 5)
    return b.contract()


@pytest.mark.parametrize("adders", ADDERS)
def test_a_sum_that_cannot_wrap_costs_nothing_for_the_flag(adders):
    plain, flagged = _flagged(False), _flagged(True)
    assert flagged["enc"].wraps
    graphs = [trace_contract(contract, adders).logic for contract in (plain, flagged)]
    assert graphs[0].ops == graphs[1].ops
    assert rounding_constants(flagged) == rounding_constants(plain) != {}


def test_a_sum_that_cannot_wrap_is_proven_and_folded_whatever_its_flag():
    contract = _flagged(True)
    layers = prove_linear(contract, trace_contract(contract, "binary")).layers
    assert [(layer.name, layer.proven) for layer in layers] == [("conv", True), ("enc", True), ("score", True)]
    plans = [plan_fold(made, 4) for made in (contract, _flagged(False))]
    assert [[fold.name for step in plan.steps for fold in step.folds] for plan in plans] == [["conv.product", "enc.product"]] * 2
