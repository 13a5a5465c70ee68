"""From a contract to a project in one call: what was asked for is in all parts of the result."""

import numpy as np
import pytest

from l1ae.contract import Dense
from l1ae.errors import UserError
from l1ae.rtl import Clock, schedule, trace_contract, unroll
from l1ae.rtl._opcodes import Opcode

from .toy import toy_contract

PART = "xcvu9p-flga2104-2L-e"


def test_project_graph_and_pipeline_are_of_one_contract():
    contract, clock = toy_contract(), Clock(2.0, uncertainty=5.0)
    made = unroll(contract, clock, PART)
    assert made.pipeline.clock == clock
    assert made.project.design.latency == len(made.pipeline.stages)
    assert made.project.design.digest == contract.digest
    assert made.project.design.part == PART
    assert made.graph.logic.ops == trace_contract(contract, "binary").logic.ops
    assert made.pipeline.stages == schedule(made.graph, clock).stages


def test_ternary_adders_are_fewer():
    contract = toy_contract()
    lines = {adders: [op.opcode for op in unroll(contract, Clock(10.0), PART, adders).graph.logic.ops] for adders in ("binary", "ternary")}
    assert lines["binary"].count(Opcode.SUM) == 0
    assert lines["ternary"].count(Opcode.SUM) > 0
    assert len(lines["ternary"]) < len(lines["binary"])


@pytest.mark.parametrize(
    ("clock", "message"),
    [
        (Clock(0.8), "choose a slower clock"),
        (Clock(2.0, stages=1), "allow more crossings"),
        (Clock(1.5, stages=2), "leave rtl.crossings out"),
    ],
)
def test_clocks_that_cannot_be(clock, message):
    with pytest.raises(UserError, match=message):
        unroll(toy_contract(), clock, PART)


def test_the_graph_is_the_sum_that_the_toy_is():
    """By hand: 5 (x0 - 4) - 3 ((x1 + 9) >> 1) + 7 (x2 >> 2) + 11 quarters."""
    contract = toy_contract()
    assert isinstance(contract["sum"], Dense)
    hardware = np.random.default_rng(4).integers(contract.hardware.low, contract.hardware.high + 1, (200, 3))
    x0, x1, x2 = hardware.T
    expected = 5 * (x0 - 4) - 3 * ((x1 + 9) >> 1) + 7 * (x2 >> 2) + 11
    found = unroll(contract, Clock(5.0), PART).graph.evaluate(hardware, ["score"])["score"][:, 0]
    np.testing.assert_array_equal(found * 4, expected)
