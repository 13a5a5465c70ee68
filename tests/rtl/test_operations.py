"""Every operation as an adder graph against the contract, element by element, bit by bit."""

from itertools import cycle

import numpy as np
import pytest

from l1ae.contract import (
    Concatenate,
    Contract,
    Dense,
    Dot,
    Elementwise,
    Gather,
    HardwareInput,
    Pool,
    Preprocess,
    Quantize,
    ReconstructionError,
    Relu,
    Sum,
    Table,
    Threshold,
)
from l1ae.inputs import FixedFormat, Overflow, Rounding
from l1ae.rtl import prove_linear, trace_contract

from ..hls.networks import Network
from .exactness import assert_exact

SIZE = 6
WORK = "fixed<11,9,RND,WRAP>"


def network(form="fixed<8,5,RND_CONV,SAT>", seed=3, **values):
    """Six inputs, of which the first three are one slot and the last is absent."""
    b = Network(seed)
    given = {"shift": np.array([0, 1, 3, -1, 2, 0]), "gate": np.array([0, 0, 0, -1, 4, -1]), "work": WORK}
    b.inputs(SIZE, form=form, present=np.arange(SIZE) != 5, **(given | values))
    return b


def joined(b, names):
    """One tensor of all of them."""
    last = names[0]
    for k, name in enumerate(names[1:]):
        b.put(Concatenate, f"joined{k}", last, name, size=b[last].size + b[name].size, form="fixed<18,10>")
        last = f"joined{k}"
    return last


def finish(b, name, project="operation_v1"):
    """A score that reads every element of a tensor."""
    b.put(Sum, "every", name, size=1, fraction=max(b[name].format.fraction, 0))
    b.score("every", 100)
    return b.contract(project)


def check(b, name, adders="binary"):
    assert_exact(finish(b, name), adders)


WORKS = ["fixed<11,9,RND,WRAP>", "fixed<12,12>", "fixed<9,8,TRN,SAT>", "fixed<10,9,RND_ZERO,SAT_SYM>", "ufixed<9,8,RND_CONV,SAT_ZERO>"]


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("form", ["fixed<10,5,RND_CONV,SAT>", "ufixed<6,4,TRN,SAT>", "fixed<7,7,RND_INF,WRAP>"])
def test_preprocessing(work, form):
    check(network(form, work=work, shift=np.array([0, 1, 6, -3, -1, 12])), "inputs")


def test_absent_inputs_are_constants():
    b = network()
    b.put(Concatenate, "twice", "inputs", "inputs", size=2 * SIZE, form="fixed<9,5,RND,SAT>")
    graph = assert_exact(finish(b, "twice"))
    assert [e.index for e in graph.tensors["inputs"]].count(None) == 1
    assert graph.tensors["twice"][-1].constant == 0


@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("adders", ["binary", "ternary"])
def test_dense_layer_with_exact_products(adders, wraps):
    b = network()
    b.dense("dense", "inputs", 5, form="fixed<9,2>" if wraps else None, wraps=wraps)
    check(b, "dense", adders)


@pytest.mark.parametrize("rounding", [*Rounding])
def test_dense_layer_that_rounds_every_product(rounding):
    b = network()
    b.dense("dense", "inputs", 3, form=FixedFormat(True, 8, 5, rounding), wraps=True)
    check(b, "dense")


def test_layers_of_zeros_are_their_bias():
    """The saturation, the ties to even and the wrapping of a constant."""
    b = network()
    values = b.weights(SIZE, 4)
    for name, zero in (("column", [1]), ("all", [0, 1, 2, 3])):
        weights = values["weights"].copy()
        weights[:, zero] = 0
        b.put(Dense, name, "inputs", size=4, fraction=7, **(values | {"weights": weights}))
    casts = []
    for form in ("fixed<4,2,RND_CONV,SAT>", "ufixed<2,1,RND,WRAP>", "fixed<3,0,RND_CONV,WRAP>"):
        for source in ("column", "all"):
            casts.append(f"cast{len(casts)}")
            b.put(Quantize, casts[-1], source, size=4, form=form)
    graph = assert_exact(finish(b, joined(b, casts)))
    assert [e.index is None for e in graph.tensors["column"]] == [False, True, False, False]
    assert all(e.index is None for e in graph.tensors["all"])


@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("form", [None, "fixed<8,5,RND_CONV,WRAP>"])
def test_convolution(stride, form):
    b = network()
    b.put(Gather, "image", "inputs", size=15, form=b["inputs"].format, index=np.array([0, 1, -1, 2, 3, 4, -1, 5, 0, 1, 1, 2, 4, 3, 0]))
    b.convolution("conv", "image", (5, 3, 1), (2, 2), 2, stride, form=form, wraps=form is not None)
    check(b, "conv")


@pytest.mark.parametrize("form", [None, "fixed<9,7,RND_CONV,WRAP>", "fixed<8,7,RND_ZERO,WRAP>"])
def test_dot_products(form):
    b = network("fixed<8,3,RND_CONV,SAT>")
    b.put(Quantize, "other", "inputs", size=SIZE, form="ufixed<7,3,TRN,SAT>")
    values = {"size": 1, "form": form, "fraction": 10, "wraps": form is not None}
    b.put(Dot, "norm", "inputs", **values)
    b.put(Dot, "overlap", "inputs", "other", **values)
    b.put(Concatenate, "both", "norm", "overlap", size=2, form="fixed<24,14>")
    check(b, "both")


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("kind", [Quantize, Relu])
def test_casts_after_a_layer(kind, signed):
    """The rounding constant of a layer that one cast alone reads is in its bias; of one that two read it is not."""
    for shared in (False, True):
        b = network("fixed<7,3,RND_CONV,SAT>")
        names = []
        for rounding, overflow in zip(Rounding, cycle(Overflow), strict=False):
            b.dense(f"dense_{rounding}", "inputs", 1)
            names.append(f"cast_{rounding}")
            b.put(kind, names[-1], f"dense_{rounding}", size=1, form=FixedFormat(signed, 6, 3, rounding, overflow))
        if shared:
            b.put(Quantize, "raw", "dense_RND", size=1, form="fixed<14,7>")
            names.append("raw")
        graph = assert_exact(finish(b, joined(b, names)))
        added = {name for name, constant in graph.added.items() if constant}
        assert added == {"dense_RND_CONV"} | (set() if shared else {"dense_RND"})
        assert graph.added["dense_RND_CONV"] == 2.0**-4


# The input of a table: all codes, a part of them, and only one.
@pytest.mark.parametrize("form", ["fixed<6,3,RND,SAT>", "ufixed<5,3,TRN,SAT>", "fixed<9,7>"])
def test_tables(form):
    b = network("fixed<6,3,RND,SAT>")
    b.put(Relu, "relu", "inputs", size=SIZE, form="ufixed<5,2,RND,SAT>")
    b.put(Pool, "part", "relu", size=3, fraction=3, windows=np.array([[0, 1, 2], [3, 4, 3], [5, 5, 5]]), function="sum")
    b.put(Quantize, "argument", "part", size=3, form=form)
    words = 1 << b["argument"].format.width
    for name, codes in (("table", np.arange(words) * 5 % 61), ("constant", np.full(words, 7)), ("two", np.arange(words) % 2 * 33)):
        b.put(Table, name, "argument", size=3, form="ufixed<6,3>", codes=codes, function="test", max_error=0.0)
    b.put(Concatenate, "some", "table", "constant", size=6, form="ufixed<6,3>")
    b.put(Concatenate, "all", "some", "two", size=9, form="ufixed<6,3>")
    check(b, "all")


def test_one_table_for_each_input():
    """Over the lowest bits of a signed port, beside inputs that are shifted; an element without bits is a constant."""
    b, rng = network(), np.random.default_rng(6)
    tables = [np.zeros(1, np.int64), np.full(1, 9), *(np.sort(rng.integers(-90, 90, 1 << bits)) for bits in (1, 5, 8, 10))]
    b.add(Table.of_elements(tables, name="looked", inputs=("hw",), format=b["inputs"].format, function="test", max_error=0.0))
    b.put(Elementwise, "both", "inputs", "looked", size=SIZE, form="fixed<8,5,RND_CONV,SAT>", function="add")
    graph = assert_exact(finish(b, "both"))
    assert [e.index is None for e in graph.tensors["looked"]] == [True, True, False, False, False, False]


@pytest.mark.parametrize("codes", [2, 3, 17, 40])
def test_table_over_a_part_of_its_input(codes):
    """A sum that its bits could exceed: the ranges of tensors end between powers of two."""
    b = network("ufixed<1,1,TRN,SAT>", work="fixed<12,12>")
    b.put(Gather, "many", "inputs", size=codes, form=b["inputs"].format, index=np.arange(codes) % 5)
    b.put(Sum, "sum", "many", size=1, fraction=0)
    form = b["sum"].format
    b.put(Table, "table", "sum", size=1, form="fixed<7,3>", codes=np.arange(1 << form.width) * 11 % 50 - 25, function="t", max_error=0.0)
    check(b, "table")


@pytest.mark.parametrize("function", ["sum", "max"])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_pools(function, count):
    b = network()
    windows = np.stack([np.arange(count), np.arange(count) + 1])
    b.put(Pool, "pool", "inputs", size=2, fraction=3, windows=windows, function=function)
    check(b, "pool")


@pytest.mark.parametrize("function", ["add", "subtract", "multiply"])
@pytest.mark.parametrize("form", [None, "fixed<7,5,RND_CONV,SAT>", "ufixed<6,3,RND_MIN_INF,WRAP>"])
def test_element_by_element(function, form):
    b = network("fixed<6,4,RND,SAT>")
    b.put(Quantize, "other", "inputs", size=SIZE, form="fixed<5,4,RND_INF,SAT_SYM>")
    b.put(Elementwise, "result", "inputs", "other", size=SIZE, form=form, fraction=3, function=function)
    b.put(Elementwise, "itself", "inputs", "inputs", size=SIZE, form=form, fraction=4, function=function)
    b.put(Concatenate, "both", "result", "itself", size=2 * SIZE, form="fixed<20,14>")
    check(b, "both")


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("gated", [False, True])
def test_reconstruction_error(power, gated):
    b = network()
    b.put(Quantize, "out", "inputs", size=SIZE, form="fixed<6,4,RND_INF,SAT>")
    b.put(Gather, "turned", "out", size=SIZE, form=b["out"].format, index=np.array([3, 2, -1, 0, 5, 4]))
    everywhere = {"present": np.ones(SIZE, bool), "gate": np.full(SIZE, -1)}
    values = {"present": np.arange(SIZE) != 1, "gate": b["inputs"].gate} if gated else everywhere
    inputs = ("inputs", "turned", "hw") if gated else ("inputs", "turned")
    values |= {"power": power, "difference": FixedFormat.parse("fixed<10,7>")}
    b.put(ReconstructionError, "error", *inputs, size=1, fraction=3 * power, **values)
    check(b, "error")


@pytest.mark.parametrize("halvings", [0, 1, 3])
def test_sums(halvings):
    b = network()
    b.put(Sum, "one", "inputs", size=1, fraction=3 + halvings, halvings=halvings)
    b.put(Sum, "two", "inputs", "one", size=1, fraction=3 + 2 * halvings, halvings=halvings)
    check(b, "two")


def test_preprocessing_alone_is_the_score():
    """A score that is hardly more than an input."""
    b = Network()
    b.inputs(2, np.array([0, 1]), np.array([-1, -1]), "fixed<12,12>", present=np.array([True, False]))
    b.put(Gather, "one", "inputs", size=1, form=b["inputs"].format, index=np.array([0]))
    b.score("one", 3)
    graph = assert_exact(b.contract("trivial_v1"))
    assert isinstance(b["inputs"], Preprocess)
    assert [part.name for part in graph.parts] == ["inputs", "one", "score"]


def test_a_square_is_no_wider_than_the_contract_proves():
    """Codes up to 90 have squares up to 8100, of 13 bits; their parts 64 + 63 alone would allow 16129, and a cast that saturates."""
    port, total = FixedFormat(False, 7, 7), FixedFormat(False, 13, 13)
    none = {"present": np.ones(1, bool), "gate": np.full(1, -1), "difference": FixedFormat(True, 8, 8)}
    low, high = np.zeros(1, np.int64), np.full(1, 90)
    contract = Contract(
        "square_v1",
        (
            HardwareInput(name="hw", inputs=(), format=port, size=1, low=low, high=high),
            Gather(name="zero", inputs=("hw",), format=port, size=1, index=np.array([-1])),
            ReconstructionError(name="error", inputs=("hw", "zero"), format=total, size=1, power=2, **none),
            Quantize(name="score", inputs=("error",), format=FixedFormat.parse("ufixed<13,13,TRN,SAT>"), size=1),
            Threshold(name="trigger", inputs=("score",), format=FixedFormat(False, 1, 1), size=1, threshold=100),
        ),
    )
    graph = trace_contract(contract)
    assert {layer.name: layer.proven for layer in prove_linear(contract, graph).layers}["score"]
    codes = np.arange(91)
    assert graph.logic.predict(codes[:, None].astype(float)).ravel().tolist() == (codes**2).tolist()
