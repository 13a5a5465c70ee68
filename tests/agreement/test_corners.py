"""Corner vectors reach the extremes that they promise."""

from itertools import product

import numpy as np
import pytest

from l1ae.agreement import corner_vectors
from l1ae.contract import Contract, Dense, Gather, Sum, Threshold
from l1ae.contract._builder import Builder, add_inputs
from l1ae.inputs import FixedFormat, InputSpec, named_layout, table_bits

from ..hls.networks import Network, TableNetwork, calorimeter, everything, tables
from ..levels import slow


def test_they_are_valid_and_reproducible(make_network):
    contract = make_network("kl").contract
    vectors = corner_vectors(contract)
    np.testing.assert_array_equal(vectors, corner_vectors(contract))
    assert np.all(vectors >= contract.hardware.low)
    assert np.all(vectors <= contract.hardware.high)
    assert len(np.unique(vectors, axis=0)) == len(vectors)


def test_every_input_reaches_both_ends(make_network):
    contract = make_network("kl").contract
    vectors = corner_vectors(contract)
    np.testing.assert_array_equal(vectors.min(axis=0), contract.hardware.low)
    np.testing.assert_array_equal(vectors.max(axis=0), contract.hardware.high)


def test_every_step_of_a_table_is_crossed_and_the_first_layer_still_reaches_its_extremes():
    layout, rng = named_layout("ugt").select({"features": ["pt"]}), np.random.default_rng(2)
    form = FixedFormat.parse("ufixed<6,5,RND_CONV,SAT>")
    tables = {k: np.sort(rng.integers(0, 64, 1 << table_bits(layout, k))) * (np.arange(1 << table_bits(layout, k)) > 0) for k in range(19)}
    builder = Builder()
    add_inputs(builder, InputSpec.of(layout, form).with_tables(tables, {"pt": "surprise"}))
    weights = rng.integers(-7, 8, (19, 3))
    codes = {
        "weights": weights,
        "bias": np.zeros(3, np.int64),
        "weight_format": FixedFormat(True, 4, 4),
        "bias_format": FixedFormat(True, 4, 4),
    }
    builder.add_exact(lambda form: Dense(name="enc0", inputs=("inputs",), format=form, size=3, **codes), 1)
    builder.sum("score", "enc0")
    builder.add(Threshold(name="trigger", inputs=("score",), format=FixedFormat(False, 1, 1), size=1, threshold=0))
    contract = Contract("steps_v1", tuple(builder.operations), layout)
    vectors = corner_vectors(contract)
    for k, table in tables.items():
        steps = np.flatnonzero(np.diff(table)) + 1
        assert set(steps) | set(steps - 1) <= set((vectors[:, k] & (len(table) - 1)).tolist())
    largest = np.array([table.max() for table in tables.values()])
    sums = contract.evaluate(vectors, ["enc0"])["enc0"]
    np.testing.assert_array_equal(sums.max(axis=0), largest @ np.maximum(weights, 0))
    np.testing.assert_array_equal(sums.min(axis=0), largest @ np.minimum(weights, 0))


def test_first_accumulator_reaches_its_true_extremes(make_network):
    """Brute force: the slots are independent, and each has nine candidates (empty, or all combinations of ends)."""
    contract = make_network("squared_error").contract
    sums = contract.evaluate(corner_vectors(contract), ["enc0"])["enc0"]
    low, high = contract.hardware.low, contract.hardware.high
    alone = contract.evaluate(np.zeros((1, 57), int), ["enc0"])["enc0"][0]
    best, worst = alone.copy(), alone.copy()
    for slot in range(0, 57, 3):
        ends = product((low[slot], high[slot]), (low[slot + 1], high[slot + 1]), (low[slot + 2], high[slot + 2]))
        vectors = np.zeros((9, 57), int)
        vectors[1:, slot : slot + 3] = list(ends)
        gains = contract.evaluate(vectors, ["enc0"])["enc0"] - alone
        best += gains.max(axis=0)
        worst += gains.min(axis=0)
    np.testing.assert_array_equal(sums.max(axis=0), best)
    np.testing.assert_array_equal(sums.min(axis=0), worst)


def test_deeper_accumulators_go_further_than_random_codes_take_them(make_network):
    contract = make_network("squared_error").contract
    rng = np.random.default_rng(5)
    codes = rng.integers(contract.hardware.low, contract.hardware.high + 1, (1000, 57))
    vectors = corner_vectors(contract)
    for name in ("latent", "out"):
        driven, random = (contract.evaluate(x, [name])[name] for x in (vectors, codes))
        assert driven.max(axis=0).mean() > random.max(axis=0).mean(), name
        assert driven.min(axis=0).mean() < random.min(axis=0).mean(), name


def _independent(size):
    network = Network()
    network.inputs(size, np.tile([0, 1, -1], size)[:size], np.full(size, -1), "fixed<13,12>")
    return network


def _behind_wires():
    network = _independent(12)
    network.put(Gather, "turned", "inputs", size=9, form=network["inputs"].format, index=np.array([11, -1, 3, 3, 0, 7, -1, 2, 5]))
    network.put(Gather, "cut", "turned", size=7, form=network["inputs"].format, index=np.array([0, 2, 2, 3, 1, 4, 5]))
    network.dense("first", "cut", 6)
    network.dense("last", "first", 1)
    network.score("last", 0)
    return network.contract()


def _image():
    network = _independent(5 * 6 * 2)
    network.convolution("first", "inputs", (5, 6, 2), (2, 3), 3, (1, 2))
    network.dense("last", "first", 1)
    network.score("last", 0)
    return network.contract()


@pytest.mark.parametrize("make", [_behind_wires, _image])
def test_first_accumulator_behind_wires_and_of_a_convolution(make):
    """Inputs without a gate are independent: the interval, which is the contract's own proof, is reached at both ends.

    An input that is gathered twice has the same value twice, so that its weights add up; the interval does not know that.
    """
    contract = make()
    first = contract["first"]
    sums = contract.evaluate(corner_vectors(contract), ["first"])["first"]
    codes = contract.hardware.low, contract.hardware.high
    alone = contract.evaluate(np.tile(codes[0], (1, 1)), ["first"])["first"][0]
    gains = np.zeros((contract.hardware.size, first.size), np.int64)
    for column in range(contract.hardware.size):
        vector = codes[0][None].copy()
        vector[0, column] = codes[1][column]
        gains[column] = contract.evaluate(vector, ["first"])["first"][0] - alone
    np.testing.assert_array_equal(sums.max(axis=0), alone + np.maximum(gains, 0).sum(axis=0))
    np.testing.assert_array_equal(sums.min(axis=0), alone + np.minimum(gains, 0).sum(axis=0))
    if make is _image:
        np.testing.assert_array_equal(sums.max(axis=0), contract.intervals["first"].high)


@pytest.mark.slow
def test_every_operation_and_an_image_within_the_evaluations_that_are_allowed(monkeypatch):
    counted = []
    evaluate = Contract.evaluate

    def count(self, hardware, tensors=None, **options):
        counted.append(len(hardware))
        return evaluate(self, hardware, tensors, **options)

    monkeypatch.setattr(Contract, "evaluate", count)
    for contract in (everything(), calorimeter()):
        counted.clear()
        vectors = corner_vectors(contract)
        assert sum(counted) < 260_000
        assert len(vectors) < 5000
        assert np.all((vectors >= contract.hardware.low) & (vectors <= contract.hardware.high))


@pytest.mark.slow
def test_deeper_layers_of_an_image_go_further_than_random_codes_take_them():
    contract = calorimeter()
    rng = np.random.default_rng(5)
    codes = rng.integers(contract.hardware.low, contract.hardware.high + 1, (1000, 252))
    vectors = corner_vectors(contract)
    for name in ("conv1", "dense0"):
        driven, random = (contract.evaluate(x, [name])[name] for x in (vectors, codes))
        assert driven.max(axis=0).mean() > random.max(axis=0).mean(), name
        assert driven.min(axis=0).mean() < random.min(axis=0).mean(), name


def _step_codes(contract):
    """Each input's codes at and beside the edges of all its bins, within the port."""
    found = [set() for _ in range(contract.hardware.size)]
    for column, edges in zip(contract["bins"].index, contract["bins"].edges, strict=True):
        found[column] |= {edge + near for edge in edges for near in (-1, 0, 1)}
    return [{code for code in codes if low <= code <= high} for codes, low, high in zip(found, *_port(contract), strict=True)]


def _port(contract):
    return contract.hardware.low, contract.hardware.high


PORTS_OF_TABLES = ["fixed<9,9>", "ufixed<9,9>", "fixed<14,14>"]


@pytest.mark.slow
@pytest.mark.parametrize("port", slow(PORTS_OF_TABLES, ("ufixed<9,9>",)))
def test_every_edge_is_met_from_both_sides(port):
    contract = tables(port)
    vectors = corner_vectors(contract)
    for column, codes in enumerate(_step_codes(contract)):
        assert codes <= set(vectors[:, column].tolist()), column
    assert len(vectors) < 5000
    assert np.all((vectors >= contract.hardware.low) & (vectors <= contract.hardware.high))
    np.testing.assert_array_equal(vectors, corner_vectors(contract))


@pytest.mark.parametrize("port", PORTS_OF_TABLES)
def test_every_address_that_some_code_gives_is_met(port):
    """Brute force: of the inputs that an element depends on, all combinations of the codes at which their bins change."""
    contract = tables(port)
    bins, pairs = contract["bins"], contract["pairs"]
    met = contract.evaluate(corner_vectors(contract), ["bins"])["bins"]
    steps = _step_codes(contract)
    for index, bits in zip(pairs.index, pairs.bits, strict=True):
        columns = sorted({int(bins.index[k]) for k in index})
        events = product(*(sorted(steps[column]) for column in columns))
        codes = [dict(zip(columns, event, strict=True)) for event in events]
        wanted = {tuple(sum(edge <= event[bins.index[k]] for edge in bins.edges[k]) for k in index) for event in codes}
        assert {tuple(row) for row in met[:, list(index)].tolist()} >= wanted, index
        assert all(width == 3 for width in bits)


def test_bins_of_a_deep_tensor_are_met_where_inputs_reach_them():
    """What 300,000 events find of the values at and beside each edge, the vectors have."""
    contract = tables()
    rng, deep = np.random.default_rng(8), contract["deep"]
    events = rng.integers(contract.hardware.low, contract.hardware.high + 1, (300_000, contract.hardware.size))
    found, vectors = (contract.evaluate(x, ["hidden"])["hidden"] for x in (events, corner_vectors(contract)))
    for column, edges in zip(deep.index, deep.edges, strict=True):
        near = {edge + offset for edge in edges for offset in (-1, 0, 1)}
        assert near & set(found[:, column].tolist()) <= set(vectors[:, column].tolist())


def test_a_sum_of_tables_reaches_its_ends():
    """Tables of separate inputs are independent: the contract's own bounds are reached."""
    b = TableNetwork(4)
    b.port(6, "fixed<8,8>")
    b.bins("bins", "hw", [1, 0, 2, 3, 4, 5], 6)
    b.lookup("pairs", "bins", [(2, 1), (3, 4), (5,), ()], [(3, 3), (3, 3), (3,), ()], "fixed<9,4>")
    b.put(Sum, "total", "pairs", size=1, fraction=5)
    b.score("total", 0)
    contract = b.contract()
    sums = contract.evaluate(corner_vectors(contract), ["total"])["total"]
    assert (sums.min(), sums.max()) == (contract.intervals["total"].low[0], contract.intervals["total"].high[0])
