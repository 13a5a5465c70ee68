"""A pipeline computes what its graph does, and no stage is longer than the clock leaves it."""

import re
from itertools import pairwise

import numpy as np
import pytest

from l1ae.config import MOST_CROSSINGS
from l1ae.contract import Dense, Gather, HardwareInput, Quantize, Relu, Threshold
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat
from l1ae.rtl import Clock, schedule, trace_contract
from l1ae.rtl._delay import Delays, absorbed, line_delays
from l1ae.rtl._opcodes import GIVEN
from l1ae.rtl._schedule import Pipeline

from ..hls.networks import Network
from .exactness import vectors

# Not the default, which follows measurements.
DELAYS = Delays(0.15, 0.3, 0.02, 0.19, 0.009, 0.08, 0.1, 0.2)
PERIODS = [2.0, 2.5, 2.78, 4.0, 5.0, 6.25, 10.0, 25.0]


def network():
    """A dense layer, a relu, a square and a table; inputs 1 and 4 are read by nobody."""
    b = Network()
    b.inputs(6, np.array([0, 1, 2, -1, 1, 0]), np.full(6, -1), "fixed<12,10>", form="fixed<7,5,RND_CONV,SAT>")
    b.put(Gather, "some", "inputs", size=4, form=b["inputs"].format, index=np.array([0, 2, 3, 5]))
    b.dense("enc", "some", 4)
    b.put(Relu, "relu", "enc", size=4, form="ufixed<6,4,RND_CONV,SAT>")
    b.dense("dec", "relu", 3)
    b.put(Quantize, "out", "dec", size=3, form="fixed<8,5,RND,SAT>")
    b.dense("last", "out", 1)
    b.score("last", 20)
    return b.contract("schedule_v1")


@pytest.fixture(scope="module", params=["binary", "ternary"])
def design(request):
    contract = network()
    return contract, trace_contract(contract, request.param)


def run(pipeline: Pipeline, hardware):
    """What leaves the last stage, in real units: the stages one after the other."""
    values = hardware[:, list(pipeline.inputs)].astype(float)
    for stage in pipeline.stages:
        values = stage.logic.predict(np.ascontiguousarray(values), n_threads=1)
    return values


def longest(logic, delays, shared=None):
    """The longest way from an input to each line, by its definition: over all of its operands, of which some share its LUT."""
    times, ways = line_delays(logic, delays), []
    for i, (op, time) in enumerate(zip(logic.ops, times, strict=True)):
        own = (shared or {}).get(i, ())
        ways.append(max((ways[a] + time * (a not in own) for a in op.addr), default=time))
    return ways


@pytest.mark.parametrize("period", PERIODS)
def test_stages_are_the_graph_and_keep_the_budget(design, period):
    assert_right(*design, period)


def test_two_terms_fit_into_a_very_short_clock():
    """Three of them do not."""
    contract = network()
    assert_right(contract, trace_contract(contract, "binary"), 1.5)
    with pytest.raises(UserError, match="one addition in layer 'enc'"):
        schedule(trace_contract(contract, "ternary"), Clock(1.5), DELAYS)


def assert_right(contract, graph, period):
    clock, delays = Clock(period), DELAYS
    pipeline = schedule(graph, clock, DELAYS)
    hardware = vectors(contract, 300)
    np.testing.assert_array_equal(run(pipeline, hardware) / contract.score.format.lsb, contract.evaluate(hardware)["score"])
    budget = period * 0.875 - delays.register
    for stage in pipeline.stages:
        # fan-out inside the stage alone: never more than in the graph, so this is at most what the scheduler charged
        assert max(longest(stage.logic, delays)) <= stage.delay + 1e-9
        assert stage.delay <= budget + 1e-9
    (score,) = pipeline.stages[-1].logic.out_idxs
    compare = delays.adder(sum(pipeline.stages[-1].logic.ops[score].qint.kif))
    assert longest(pipeline.stages[-1].logic, delays)[score] + compare <= budget + 1e-9


@pytest.mark.parametrize("period", PERIODS)
def test_registers_between_stages_match(design, period):
    _, graph = design
    pipeline = schedule(graph, Clock(period), DELAYS)
    for before, after in pairwise(pipeline.stages):
        np.testing.assert_array_equal(before.logic.out_kifs, after.logic.inp_kifs)
    bits = sum(int(stage.logic.inp_kifs.sum()) for stage in pipeline.stages)
    assert pipeline.register_bits == bits
    assert all(len(stage.layers) == len(stage.logic.ops) for stage in pipeline.stages)


def test_every_line_of_the_graph_is_in_one_stage(design):
    """With its layer; constants may be in several."""
    _, graph = design
    pipeline = schedule(graph, Clock(2.5), DELAYS)
    lines = sum(op.opcode not in GIVEN for stage in pipeline.stages for op in stage.logic.ops)
    one = schedule(graph, Clock(1000.0), DELAYS)
    assert len(one.stages) == 1
    assert lines == sum(op.opcode not in GIVEN for op in one.stages[0].logic.ops)
    layers = {layer for stage in pipeline.stages for layer in stage.layers}
    assert layers == set(one.stages[0].layers) == {"hw", "inputs", "enc", "relu", "dec", "out", "last", "score"}


def test_words_that_nobody_reads_are_not_registered(design):
    _, graph = design
    assert schedule(graph, Clock(5.0), DELAYS).inputs == (0, 2, 3, 5)


def test_a_faster_clock_takes_more_stages_and_never_less_time(design):
    _, graph = design
    found = [len(schedule(graph, Clock(period), DELAYS).stages) for period in PERIODS]
    assert found == sorted(found, reverse=True)
    assert found[0] > 10
    assert found[-1] == 1
    assert schedule(graph, Clock(5.0, uncertainty=40), DELAYS).stages[0].delay <= 5 * 0.6 - DELAYS.register + 1e-9
    assert len(schedule(graph, Clock(5.0, uncertainty=40), DELAYS).stages) > len(schedule(graph, Clock(5.0, uncertainty=0), DELAYS).stages)


def test_other_delays_make_another_pipeline(design):
    _, graph = design
    slow = Delays(net=0.9)
    pipeline = schedule(graph, Clock(5.0), slow)
    assert len(pipeline.stages) > len(schedule(graph, Clock(5.0), DELAYS).stages)
    for stage in pipeline.stages:
        assert max(longest(stage.logic, slow)) <= 5 * 0.875 - slow.register + 1e-9


def test_a_clock_that_is_too_fast_names_the_layer(design):
    _, graph = design
    message = r"one addition in layer '(\w+)' \((\d+) bits\) takes ([\d.]+) ns, but a clock of 1.0 ns leaves ([\d.]+) ns for logic; choose"
    with pytest.raises(UserError, match=message) as caught:
        schedule(graph, Clock(1.0, uncertainty=20), DELAYS)
    layer, bits, time, left = re.match(message, str(caught.value)).groups()
    assert layer in graph.layers
    assert float(left) == pytest.approx(1 * 0.8 - DELAYS.register)
    assert float(time) > float(left)
    assert int(bits) > 1


def test_too_many_stages_for_the_crossings(design):
    _, graph = design
    # in crossings, gates that share a LUT are charged once: never more stages than without
    stages = len(schedule(graph, Clock(5.0, stages=99), DELAYS).stages)
    assert stages <= len(schedule(graph, Clock(5.0), DELAYS).stages)
    assert len(schedule(graph, Clock(5.0, stages=stages), DELAYS).stages) == stages
    remedy = "allow more crossings" if stages - 1 < MOST_CROSSINGS else "leave rtl.crossings out for a pipeline"
    message = rf"which is {stages} stages of 5.0 ns \(of which \S+ ns are for logic\), but rtl.crossings is {stages - 1}; {remedy}"
    with pytest.raises(UserError, match=message) as caught:
        schedule(graph, Clock(5.0, stages=stages - 1), DELAYS)
    whole = float(re.match(r"the logic takes ([\d.]+) ns", str(caught.value))[1])
    delays = DELAYS
    logic = schedule(graph, Clock(1000.0), DELAYS).stages[0].logic
    (score,) = logic.out_idxs
    expected = max(longest(logic, delays, absorbed(logic))) + delays.adder(sum(logic.ops[score].qint.kif))
    assert whole == pytest.approx(expected, abs=0.06)


def trivial(score="fixed<10,10>", bias=None):
    """The score is an input, or a constant, without arithmetic."""
    port = FixedFormat.parse("fixed<10,10>")
    low, high = np.full(2, port.low), np.full(2, port.high)
    b = Network()
    b.put(HardwareInput, "hw", size=2, form=port, low=low, high=high)
    b.put(Gather, "one", "hw", size=1, form=port, index=np.array([1]))
    source = "one"
    if bias is not None:
        values = b.weights(1, 1) | {"weights": np.zeros((1, 1), int), "bias": np.array([bias])}
        b.put(Dense, "fixed", "one", size=1, fraction=4, **values)
        source = "fixed"
    b.put(Quantize, "score", source, size=1, form=score)
    b.put(Threshold, "trigger", "score", size=1, form="ufixed<1,1>", threshold=3)
    return b.contract("trivial_v1")


@pytest.mark.parametrize("period", [1.5, 5.0])
@pytest.mark.parametrize("form", ["fixed<10,10>", "fixed<12,11>", "ufixed<6,7,RND,SAT>"])
def test_a_score_that_is_an_input(form, period):
    contract = trivial(form)
    pipeline = schedule(trace_contract(contract), Clock(period), DELAYS)
    hardware = vectors(contract, 50)
    np.testing.assert_array_equal(run(pipeline, hardware) / contract.score.format.lsb, contract.evaluate(hardware)["score"])
    assert pipeline.inputs == (1,)


@pytest.mark.parametrize(("form", "value"), [("fixed<10,10>", "1"), ("ufixed<3,2,RND,SAT>", "1.5"), ("ufixed<3,0,RND,SAT>", "0.875")])
def test_a_score_that_is_a_constant(form, value):
    message = f"^layer 'score': the score is {value} for every event, which needs no firmware; look for a layer whose weights are all 0"
    with pytest.raises(UserError, match=message):
        schedule(trace_contract(trivial(form, bias=21)), Clock(5.0), DELAYS)
