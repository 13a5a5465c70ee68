"""Designs that multiply in different ways have the bits of the contract."""

from dataclasses import replace

import numpy as np
import pytest
from layered_rtl import Bits, DaLayers, DenseModule, cast, layered_project, multipliers

from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.rtl import trace_contract
from l1ae.rtl.simulation._simulate import simulate_rtl

from .tiny import network


def simulated(folder, make, more):
    contract = network()
    project = layered_project(contract, trace_contract(contract), make, period=5.0, part="xcvu9p", more=more)
    project.write(folder / "rtl")
    hardware = np.random.default_rng(1).integers(-64, 64, (4000, 5))
    assert len(np.unique(contract.evaluate(hardware)["score"])) > 100
    return project, simulate_rtl(contract, folder / "rtl", hardware)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["multipliers", pytest.param("da4ml", marks=pytest.mark.exhaustive)])
def test_both_ways_have_the_bits_of_the_contract(tmp_path, way):
    da = DaLayers()
    make, more = (multipliers, {}) if way == "multipliers" else (da, DaLayers.primitives())
    project, report = simulated(tmp_path, make, more)
    assert report.passed, report.first_mismatch
    assert project.design.latency == 3
    assert set(da.costs) == (set() if way == "multipliers" else {"first", "second"})
    text = project.files["verilog/tiny_v1_first.v"]
    assert text.count(" * ") == (np.count_nonzero(network()["first"].weights) if way == "multipliers" else 0)


@pytest.mark.slow
def test_a_wrong_weight_is_seen(tmp_path):
    def wrong(name, operation, form, added) -> DenseModule:
        weights = operation.weights.copy()
        weights[1, 1] += 1
        return multipliers(name, replace(operation, weights=weights), form, added)

    _, report = simulated(tmp_path, wrong, {})
    assert report.mismatches > 100


def test_sums_that_wrap_are_refused():
    contract = network()
    form = contract["first"].format
    narrow = replace(contract["first"], wraps=True, format=replace(form, width=form.width - 2, integer=form.integer - 2))
    changed = Contract("tiny_v1", tuple(narrow if operation.name == "first" else operation for operation in contract.operations))
    with pytest.raises(UserError, match="layer 'first' wraps or rounds its products"):
        layered_project(changed, trace_contract(changed), multipliers, period=5.0, part="xcvu9p", more={})


def test_bits_of_another_type():
    assert cast("w", Bits(True, 1, 1), Bits(True, 2, 2)) == "{w[2], w[2], w[1], w[0], 1'b0}"
    assert cast("w", Bits(False, 1, 1), Bits(True, 1, 0)) == "{1'b0, w[1]}"
    assert cast("w", Bits(False, 3, -1), Bits(False, 3, 0)) == "{w[1], w[0], 1'b0}"
    assert cast("w", Bits(False, 3, 0), Bits(False, 0, 0)) == ""
