"""The estimator against counts by hand, against the tracer on small contracts, and in what it must refuse."""

import json
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
import pytest

from l1ae.contract import (
    Binning,
    Concatenate,
    Contract,
    Convolution,
    Dense,
    HardwareInput,
    Lookup,
    Operation,
    Pool,
    Preprocess,
    Quantize,
    ReconstructionError,
    Relu,
    Threshold,
)
from l1ae.contract._builder import Builder
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat
from l1ae.rtl import Clock, schedule, trace_contract
from l1ae.rtl import _trace as trace_module
from l1ae.rtl._delay import Delays, _disjoint
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl.estimator import _operations as operations_module
from l1ae.rtl.estimator._estimate import QUANTITIES, VERSION, Mapped, _constants, count, estimate, parse_constants, prepare, priced
from l1ae.rtl.estimator._needed import needed_elements
from l1ae.rtl.estimator._operations import shape_of
from l1ae.rtl.estimator._shape import PRICED, Laws, Tensor, csd_digits, square

CLOCK = Clock(5.0)
LAWS = Laws((0.0, -0.08, -0.1, -0.1, 0.03), (0.8, 0.5, 0.5), 0.3, 0.5)
WEIGHT, BIAS = FixedFormat.parse("fixed<8,2>"), FixedFormat.parse("fixed<8,2>")


def _inputs(builder, size, bits, *, offset=0, shift=0, gate=None):
    form = FixedFormat(True, bits, bits)
    low, high = np.full(size, form.low), np.full(size, form.high)
    builder.add(HardwareInput(name="hw", inputs=(), format=form, size=size, low=low, high=high))
    builder.add(
        Preprocess(
            name="inputs",
            inputs=("hw",),
            format=FixedFormat.parse(f"fixed<{bits + 1},{bits + 1 - shift},RND,SAT>"),
            size=size,
            offset=np.full(size, offset),
            shift=np.full(size, shift),
            present=np.ones(size, bool),
            gate=np.full(size, -1) if gate is None else np.array(gate),
            work=FixedFormat(True, bits + 4 + shift, bits + 4),
        )
    )


def _dense(builder, name, source, weights, bias=None):
    matrix = np.asarray(weights)
    offsets = np.zeros(matrix.shape[1], np.int64) if bias is None else np.asarray(bias)

    def make(form):
        return Dense(
            name=name,
            inputs=(source,),
            format=form,
            size=matrix.shape[1],
            weights=matrix,
            bias=offsets,
            weight_format=WEIGHT,
            bias_format=BIAS,
        )

    return builder.add_exact(make, builder.format_of(source).fraction + WEIGHT.fraction)


def _contract(builder, source):
    score = builder.add(Quantize(name="score", inputs=(source,), format=FixedFormat.parse("fixed<18,12,TRN,SAT>"), size=1))
    builder.add(Threshold(name="trigger", inputs=(score,), format=FixedFormat.parse("ufixed<1,1>"), size=1, threshold=0))
    return Contract("small_v1", tuple(builder.operations))


def _network(weights, bits=8):
    """inputs, dense, relu, dense to one score."""
    builder = Builder()
    _inputs(builder, len(weights), bits)
    hidden = _dense(builder, "hidden", "inputs", weights, np.arange(1, weights.shape[1] + 1))
    relu = builder.add(
        Relu(name="relu", inputs=(hidden,), format=FixedFormat.parse(f"ufixed<{bits},{bits},RND_CONV,SAT>"), size=weights.shape[1])
    )
    return _contract(builder, _dense(builder, "out", relu, np.ones((weights.shape[1], 1), np.int64) * 3))


def _random(seed, shape=(9, 7), bits=8):
    return np.random.default_rng(seed).integers(-(1 << bits - 1) + 1, 1 << bits - 1, shape)


def _traced_additions(contract, layer):
    """Lines of a layer of the adder graph that are carry chains."""
    graph = trace_contract(contract, "binary")
    ops = [op for op, name in zip(graph.logic.ops, graph.layers, strict=True) if name == layer]
    additions = (Opcode.ADD, Opcode.SUBTRACT, Opcode.ADD_CONSTANT)
    chains = (op.opcode in additions or (op.opcode == Opcode.NEGATIVE and sum(op.qint.kif) > 1) for op in ops)
    return sum(chain and not _disjoint(graph.logic, op) for chain, op in zip(chains, ops, strict=True))


# -- counting --------------------------------------------------------------------------------------------------------


def _digits(value):
    """Non-zero digits of the non-adjacent form by its definition: remainders of -1, 0 or 1."""
    count_, rest = 0, abs(value)
    while rest:
        if rest & 1:
            count_ += 1
            rest -= 2 - (rest & 3)
        rest >>= 1
    return count_


def test_signed_digits():
    values = np.arange(-3000, 3001)
    assert csd_digits(values).tolist() == [_digits(int(value)) for value in values]


def test_powers_of_two_share_nothing():
    """One output, weights that are powers of two: terms - 1 additions and the bias, whoever counts."""
    builder = Builder()
    _inputs(builder, 6, 8)
    contract = _contract(builder, _dense(builder, "sum", "inputs", [[1], [2], [4], [1], [-8], [16]], [5]))
    shape = prepare(contract).with_trees(LAWS)["sum"]
    assert (shape.tree_additions, shape.additions) == (5, 1)
    assert _traced_additions(contract, "sum") == 6


def test_output_that_only_subtracts_takes_a_negation():
    builder = Builder()
    _inputs(builder, 2, 8)
    contract = _contract(builder, _dense(builder, "sum", "inputs", [[-1], [-2]]))
    assert prepare(contract).with_trees(LAWS)["sum"].tree_additions == _traced_additions(contract, "sum") == 2


@pytest.mark.parametrize(("offset", "shift", "additions"), [(3, 0, 4), (0, 0, 0), (-5, 2, 4)])
def test_preprocessing_adds_its_offset_once(offset, shift, additions):
    builder = Builder()
    _inputs(builder, 4, 8, offset=offset, shift=shift)
    contract = _contract(builder, _dense(builder, "sum", "inputs", np.ones((4, 1), np.int64)))
    assert prepare(contract).shapes["inputs"].additions == _traced_additions(contract, "inputs") == additions


def _error_contract(power, gated=True):
    builder = Builder()
    _inputs(builder, 3, 6, gate=[0, 0, 0] if gated else None)
    out = _dense(builder, "out", "inputs", np.array([[0, 64, 32], [96, 0, 16], [64, 64, 0]]))
    rounded = builder.add(Quantize(name="out_q", inputs=(out,), format=FixedFormat.parse("fixed<7,7,TRN,SAT>"), size=3))
    difference, everywhere = FixedFormat(True, 9, 9), np.ones(3, bool)

    def make(form):
        return ReconstructionError(
            name="error",
            inputs=("inputs", rounded, "hw") if gated else ("inputs", rounded),
            format=form,
            size=1,
            power=power,
            present=everywhere,
            gate=np.full(3, 0 if gated else -1),
            difference=difference,
        )

    return _contract(builder, builder.add_exact(make, 0))


def test_absolute_error():
    """Three differences, three negations, two additions."""
    contract = _error_contract(1)
    assert prepare(contract).shapes["error"].additions == _traced_additions(contract, "error") == 8


def test_gates_take_a_bit_of_logic_for_each_bit():
    gated, plain = (prepare(_error_contract(1, gated)).shapes["error"] for gated in (True, False))
    differences = 7 + 8 + 8
    assert gated.logic - plain.logic == pytest.approx(differences, abs=3)
    assert len(gated.levels) == len(plain.levels) + 1


def test_squares():
    """Up to six bits a table; beyond, six rows of gates and the two squares are seven terms."""
    assert square(6).additions == 0
    assert square(6).tables == 10
    assert square(9).additions == 6
    assert square(9).rows == 18
    contract = _error_contract(2)
    assert prepare(contract).shapes["error"].additions == pytest.approx(_traced_additions(contract, "error"), rel=0.5)


def _truncating(weights, dropped):
    """A dense layer whose accumulator drops bits of every product, so that each is cast before the sum."""
    builder = Builder()
    _inputs(builder, len(weights), 8)
    fraction = builder.format_of("inputs").fraction + WEIGHT.fraction - dropped

    def make(form):
        return Dense(
            name="hidden",
            inputs=("inputs",),
            format=form,
            size=weights.shape[1],
            weights=weights,
            bias=np.zeros(weights.shape[1], np.int64),
            weight_format=WEIGHT,
            bias_format=BIAS,
        )

    hidden = builder.add_exact(make, fraction)
    relu = builder.add(Relu(name="relu", inputs=(hidden,), format=FixedFormat.parse("ufixed<8,8,TRN,SAT>"), size=weights.shape[1]))
    return _contract(builder, _dense(builder, "out", relu, np.ones((weights.shape[1], 1), np.int64)))


@pytest.mark.parametrize(("seed", "values", "dropped"), [(11, (-3, -1, 1, 3, 5), 3), (12, (-7, -5, 3, 11), 2), (13, (-1, 1, 2, 4), 4)])
def test_truncated_products_are_shared_between_outputs(seed, values, dropped):
    """Kernels of few bits hold few values: each input times each of them is made once, and cast once."""
    weights = np.random.default_rng(seed).choice(values, (6, 20)).astype(np.int64)
    contract = _truncating(weights, dropped)
    shape = prepare(contract).shapes["hidden"]
    assert shape.additions == pytest.approx(_traced_additions(contract, "hidden"), rel=0.15)


def test_registers_of_truncated_products():
    contract = _truncating(np.random.default_rng(14).choice((-3, -1, 1, 3, 5), (12, 16)).astype(np.int64), 3)
    pipeline = schedule(trace_contract(contract, "binary"), Clock(3.0))
    counted = count(prepare(contract), LAWS, Clock(3.0))
    assert counted.total_bits == pytest.approx(pipeline.register_bits, rel=0.35)


def test_a_cast_to_more_fractional_bits_leaves_nothing_to_round():
    """The new bits are 0, and a cast behind it that drops only them adds nothing."""
    builder = Builder()
    _inputs(builder, 4, 6)
    fine = builder.add(Quantize(name="fine", inputs=("inputs",), format=FixedFormat.parse("fixed<12,8>"), size=4))
    back = builder.add(Quantize(name="back", inputs=(fine,), format=FixedFormat.parse("fixed<8,8,RND,SAT>"), size=4))
    contract = _contract(builder, _dense(builder, "sum", back, np.ones((4, 1), np.int64)))
    assert prepare(contract).shapes["back"].additions == _traced_additions(contract, "back") == 0


@pytest.mark.parametrize(("bits", "negations"), [(5, 0), (6, 0), (9, 4)])
def test_squares_of_few_signed_bits_are_two_tables(bits, negations):
    """Up to six bits beside the sign, which chooses; above, the magnitude comes first."""
    builder = Builder()
    _inputs(builder, 4, bits)
    contract = _contract(builder, builder.dot("squares", "inputs"))
    shape = prepare(contract).shapes["squares"]
    graph = trace_contract(contract, "binary")
    lines = [op for op, name in zip(graph.logic.ops, graph.layers, strict=True) if name == "squares"]
    found = sum(op.opcode == Opcode.NEGATIVE and sum(op.qint.kif) > 1 for op in lines)
    assert found == negations
    assert shape.additions == pytest.approx(_traced_additions(contract, "squares"), rel=0.25)
    assert (shape.rows > 0) == (negations > 0)


def test_tables_of_several_columns_have_prices_of_their_own():
    builder = Builder()
    form, bins = FixedFormat(False, 6, 6), FixedFormat(False, 2, 2)
    low, high = np.zeros(2, np.int64), np.full(2, 63, np.int64)
    builder.add(HardwareInput(name="hw", inputs=(), format=form, size=2, low=low, high=high))
    builder.add(Binning(name="bins", inputs=("hw",), format=bins, size=2, index=np.arange(2), edges=((3, 9, 20), (5, 8, 40))))
    tables = [np.arange(16) ** 2 % 13]
    builder.add(Lookup.of_tables(tables, [(0, 1)], [(2, 2)], name="terms", inputs=("bins",), format=FixedFormat(False, 4, 4), function=""))
    tabled = _contract(builder, "terms")
    assert (prepare(tabled).mapping, prepare(_network(_random(1))).mapping) == ("as_written", "restructured")
    constants = _constants()
    dear = Mapped(*[(2.0,) * (len(PRICED) + 1)] * 2, constants.mappings["as_written"].bands)
    other = replace(constants, mappings=dict(constants.mappings) | {"as_written": dear})
    for contract, changes in ((tabled, True), (_network(_random(1)), False)):
        counted = count(prepare(contract), constants.laws, CLOCK)
        assert (priced(counted, other).luts.value != priced(counted, constants).luts.value) == changes


def test_cycles_and_registers_follow_the_schedule():
    contract = _network(_random(1))
    pipeline = schedule(trace_contract(contract, "binary"), Clock(3.0))
    counted = count(prepare(contract), LAWS, Clock(3.0))
    assert counted.cycles == pytest.approx(len(pipeline.stages), rel=0.15)
    assert counted.total_bits == pytest.approx(pipeline.register_bits, rel=0.4)


# -- what the score needs --------------------------------------------------------------------------------------------


def _needed(contract):
    varies = {name: interval.low != interval.high for name, interval in contract.intervals.items()}
    return needed_elements(contract.operations[:-1], varies, "score")


def test_pruned_inputs_and_neurons_cost_nothing():
    weights = _random(2)
    weights[3], weights[:, 4] = 0, 0
    # Only neurons that nothing reads read this one.
    weights[7] = [0, 0, 0, 0, 0, 3, 0]
    builder = Builder()
    _inputs(builder, 9, 8)
    hidden = _dense(builder, "hidden", "inputs", weights)
    last = np.ones((7, 1), np.int64)
    last[[4, 5]] = 0
    contract = _contract(builder, _dense(builder, "out", hidden, last))
    needed = _needed(contract)
    assert needed["hidden"].tolist() == [True] * 4 + [False, False, True]
    assert needed["inputs"].tolist() == [k not in (3, 7) for k in range(9)]
    assert len(prepare(contract).products["hidden"][0].terms) == 5


def test_needed_through_wires_and_windows():
    """Every operation that only moves elements, against what changes when an input changes."""
    builder = Builder()
    _inputs(builder, 8, 6)
    form = builder.format_of("inputs")
    gathered = builder.gather("gathered", "inputs", np.array([7, 0, -1, 1, 2, 2]))
    pooled = builder.add(Pool(name="pooled", inputs=(gathered,), format=form, size=2, windows=np.array([[0, 1], [3, 4]]), function="max"))
    joined = builder.add(Concatenate(name="joined", inputs=(pooled, gathered), format=form, size=8))
    kernel = np.array([1, 0, 2, 0]).reshape(1, 2, 2, 1)

    def make(wide):
        return Convolution(
            name="conv",
            inputs=(joined,),
            format=wide,
            size=3,
            shape=(1, 4, 2),
            stride=(1, 1),
            weights=kernel,
            bias=np.zeros(1, np.int64),
            weight_format=WEIGHT,
            bias_format=BIAS,
        )

    convolved = builder.add_exact(make, WEIGHT.fraction)
    doubled = builder.elementwise("doubled", "add", convolved, convolved)
    contract = _contract(builder, _dense(builder, "sum", doubled, [[1], [0], [1]]))
    needed = _needed(contract)["inputs"]
    events = np.random.default_rng(3).integers(-32, 32, (4000, 8))
    score = contract.evaluate(events, ["sum"])["sum"]
    changed = [bool(np.any(contract.evaluate(_with(events, k), ["sum"])["sum"] != score)) for k in range(8)]
    assert needed.tolist() == changed


def _with(events, k):
    other = events.copy()
    other[:, k] = -events[:, k] - 1
    return other


# -- estimates -------------------------------------------------------------------------------------------------------


def test_no_tracer_is_called(monkeypatch):
    def refuse(*arguments, **more):
        raise AssertionError("the estimator traced")

    for name in ("program", "apply", "trace_contract", "trace_layer", "dead_code_elimin"):
        monkeypatch.setattr(trace_module, name, refuse)
    result = estimate(_network(_random(1)), CLOCK)
    assert result.luts.value > 100
    with pytest.raises(AssertionError, match="traced"):
        trace_module.trace_contract(_network(_random(1)))


def test_layers_and_ranges():
    contract = _network(_random(1))
    result = estimate(contract, CLOCK)
    assert [layer.name for layer in result.layers] == [operation.name for operation in contract.operations[:-1]]
    assert sum(layer.adders for layer in result.layers) == pytest.approx(result.adders.value)
    for name in QUANTITIES:
        guess = getattr(result, name)
        assert 0.5 * guess.value < guess.low <= guess.value <= guess.high < 2 * guess.value
    shell = result.luts.value - sum(layer.luts for layer in result.layers)
    assert 0 <= shell < 100


def test_more_bits_and_more_weights_cost_more():
    weights = _random(4, (12, 8))
    luts = [estimate(_network(weights >> drop << drop, 8), CLOCK).luts.value for drop in (5, 3, 1, 0)]
    assert luts == sorted(luts)
    assert luts[-1] > 1.5 * luts[0]
    widths = [estimate(_network(weights, bits), CLOCK).luts.value for bits in (4, 6, 8, 10)]
    assert widths == sorted(widths)
    order = np.argsort(np.abs(weights), axis=None)
    pruned = []
    for share in (0.9, 0.5, 0.25, 0.0):
        some = weights.copy()
        some.reshape(-1)[order[: int(share * some.size)]] = 0
        pruned.append(estimate(_network(some), CLOCK))
    for name in ("adders", "luts", "luts_packed", "flip_flops"):
        values = [getattr(result, name).value for result in pruned]
        assert values == sorted(values)


def test_faster_clock_costs_cycles_and_flip_flops():
    contract = _network(_random(1))
    slow, fast = (estimate(contract, Clock(period)) for period in (25.0, 2.78))
    assert slow.cycles.value == 1 or slow.cycles.value < fast.cycles.value / 3
    assert slow.flip_flops.value < fast.flip_flops.value


# -- refusals --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Sine(Operation):
    pass


def test_refuses_what_it_does_not_know():
    form = FixedFormat(True, 8, 8)
    operation = _Sine(name="wave", inputs=("hw",), format=form, size=2)
    hardware = HardwareInput(name="hw", inputs=(), format=form, size=2, low=np.zeros(2), high=np.ones(2))
    with pytest.raises(UserError, match=r"layer 'wave': the estimator does not know _Sine"):
        shape_of(operation, [], None, False)
    with pytest.raises(UserError, match=r"layer 'wave': the estimator does not know _Sine"):
        needed_elements([hardware, operation], {"hw": np.ones(2, bool), "wave": np.ones(2, bool)}, "wave")


def test_refuses_ternary_adders():
    with pytest.raises(UserError, match=r"calibrated for binary adders, not for ternary ones"):
        estimate(_network(_random(1)), CLOCK, "ternary")


def test_refuses_a_clock_that_is_too_fast():
    with pytest.raises(UserError, match=r"layer '\w+': one addition takes about .* choose a slower clock"):
        estimate(_network(_random(1)), Clock(0.9))


def test_constants_belong_to_this_version():
    content = json.loads((files("l1ae.rtl.estimator") / "estimator.json").read_text())
    constants = parse_constants(content)
    assert set(constants.mappings) == {"restructured", "as_written"}
    assert content["networks"]["synthesised"] >= 20
    for mapped in constants.mappings.values():
        assert set(mapped.bands) == set(QUANTITIES)
        assert all(low < 1.05 and high > 0.95 for low, high in mapped.bands.values())
    for other in ({"version": VERSION + 1}, {"priced": ["logic"]}):
        with pytest.raises(UserError, match=r"constants of the estimator are of version"):
            parse_constants(content | other)


def test_elementwise_operations_are_known():
    builder = Builder()
    _inputs(builder, 4, 6)
    product = builder.elementwise("product", "multiply", "inputs", "inputs")
    contract = _contract(builder, _dense(builder, "sum", product, np.ones((4, 1), np.int64)))
    shape = prepare(contract).shapes["product"]
    assert shape.additions == pytest.approx(_traced_additions(contract, "product"), abs=4)


# -- long stages and many tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_long_stages_take_the_time_that_the_scheduler_finds(seed):
    """Of the whole logic, comparison included, in one stage that is long enough."""
    contract = _network(_random(seed))
    (stage,) = schedule(trace_contract(contract, "binary"), Clock(1000.0, stages=1)).stages
    found = estimate(contract, Clock(25.0, stages=2))
    assert found.time.low <= stage.delay <= found.time.high
    assert found.cycles.low <= np.ceil(stage.delay / Clock(25.0).budget(Delays())) <= found.cycles.high


def test_of_many_wide_tables_some_stand_for_all(monkeypatch):
    """Thirty tables of eight bits, entries from a fixed seed."""
    rng = np.random.default_rng(5)
    form = FixedFormat(False, 4, 4)
    index = [(k, (k + 1) % 30) for k in range(30)]
    tables = [rng.integers(0, limit, 256) for limit in rng.choice([8, 12, 16], len(index))]
    lookup = Lookup.of_tables(tables, index, [(4, 4)] * 30, name="terms", inputs=("hw",), format=form, function="drawn")
    source = Tensor(np.zeros(30, np.int64), np.full(30, 15), 0)
    output = Tensor(np.zeros(30, np.int64), np.full(30, 15), 0)
    some = shape_of(lookup, [source], output, False)
    monkeypatch.setattr(operations_module, "_MOST_ORDERED", 1 << 40)
    every = shape_of(lookup, [source], output, False)
    assert some != every
    assert len(some.levels) == len(every.levels)
    assert some.tables == pytest.approx(every.tables, rel=0.15)
    assert some.logic == pytest.approx(every.logic, rel=0.15)
