"""The benchmark of the estimator: measurements that are kept, a fit that finds known constants, and what it left behind."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rtl_estimator
from estimator_networks import contract_of, dense_network, networks
from rtl_estimator import FIXTURE, fit, fixture, measure, page, predicted, ratios, sample, traced

from l1ae.contract import Dense
from l1ae.rtl import Clock
from l1ae.rtl.estimator._estimate import QUANTITIES, estimate
from l1ae.rtl.estimator._shape import PRICED

MEASURED = json.loads((Path(__file__).parents[1] / "rtl" / "estimator" / "measured.json").read_text())
BY_NAME = {network.name: network for network in networks()}


def test_networks_differ_and_repeat():
    again = networks()
    assert again == list(BY_NAME.values())
    synthesised = [network for network in again if network.synthesised]
    assert len(synthesised) >= 60
    for field, count in (("score", 7), ("weight_bits", 8), ("activation_bits", 8), ("sparsity", 6), ("period", 4)):
        assert len({getattr(network, field) for network in synthesised}) == count
    assert contract_of(again[0]).digest == contract_of(again[0]).digest


def test_drawn_weights_have_the_sparsity_and_use_their_bits():
    network = dense_network("drawn_v1", (12, 4), "mu2", 6, 0.5)
    layer = next(operation for operation in contract_of(network).operations if isinstance(operation, Dense))
    assert np.mean(layer.weights == 0) == pytest.approx(0.5, abs=0.1)
    assert 16 <= np.abs(layer.weights).max() <= 32


@pytest.mark.parametrize("name", FIXTURE)
def test_estimates_hold_what_was_measured(name):
    """Measured by synthesis when the constants were made."""
    network, measured = BY_NAME[name], MEASURED[name]
    contract = contract_of(network)
    assert contract.digest == measured["digest"]
    result = estimate(contract, Clock(network.period))
    for quantity in QUANTITIES:
        guess = getattr(result, quantity)
        assert guess.low <= measured["values"][quantity] <= guess.high


def _sample(network, values=None):
    contract = contract_of(network)
    record = {"period": network.period, "trace": traced(contract, network.period)}
    one = sample(network.name, network, contract, record)
    return one if values is None else replace(one, values=dict(one.values) | values)


def test_fit_finds_known_prices():
    """Networks whose LUTs and flip-flops are made up from known prices."""
    drawn = [_sample(network) for network in list(BY_NAME.values())[:30:3]]
    prices, per_bit, shell = dict(zip(PRICED, (1.0, 0.5, 0.25, 0.75, 0.9, 0.3), strict=True)), 1.1, 40.0
    laws = fit([replace(one, values=dict(one.values) | {"luts": 1.0, "luts_packed": 1.0, "flip_flops": 1.0}) for one in drawn]).laws
    made = []
    for one in drawn:
        counted = rtl_estimator.count(one.prepared, laws, one.clock)
        luts = float(np.dot(list(prices.values()), rtl_estimator.sum_counts(counted))) + 20
        bits = per_bit * sum(counted.bits.values()) + shell
        made.append(replace(one, values=dict(one.values) | {"luts": luts, "luts_packed": luts / 2, "flip_flops": bits}))
    constants = fit(made)
    assert constants.luts == pytest.approx([*prices.values(), 20], rel=1e-4)
    assert constants.luts_packed == pytest.approx([price / 2 for price in (*prices.values(), 20)], rel=1e-4)
    assert constants.flip_flops == pytest.approx((per_bit, shell), rel=1e-4)
    guesses = {one.name: predicted(one, constants) for one in made}
    assert ratios(made, guesses, "luts") == pytest.approx([1.0] * len(made))


def test_measurements_are_kept(tmp_path, monkeypatch):
    network = BY_NAME["d00_v1"]
    contract = contract_of(network)
    first = measure("one", contract, network.period, tmp_path, synthesis=False)
    monkeypatch.setattr(rtl_estimator, "traced", lambda *arguments: pytest.fail("traced again"))
    assert measure("one", contract, network.period, tmp_path, synthesis=False) == first
    with pytest.raises(pytest.fail.Exception):
        measure("one", contract, network.period + 1, tmp_path, synthesis=False)


def test_synthesis_is_kept_while_the_logic_is_the_same(tmp_path, monkeypatch):
    network = BY_NAME["d00_v1"]
    contract = contract_of(network)
    monkeypatch.setattr(rtl_estimator, "_synthesised", lambda *arguments: {"luts": 1})
    measure("one", contract, network.period, tmp_path, synthesis=True)
    monkeypatch.setattr(rtl_estimator, "_synthesised", lambda *arguments: {"luts": 2})
    monkeypatch.setattr(rtl_estimator, "_code", lambda: "other code, same logic")
    assert measure("one", contract, network.period, tmp_path, synthesis=True)["resources"] == {"luts": 1}
    monkeypatch.setattr(rtl_estimator, "_code", lambda: "other logic")
    monkeypatch.setattr(rtl_estimator, "traced", lambda *arguments: {"cycles": 0})
    assert measure("one", contract, network.period, tmp_path, synthesis=True)["resources"] == {"luts": 2}


def test_page_and_fixture():
    values = {"luts": 300.0, "luts_packed": 250.0, "flip_flops": 200.0}
    drawn = [_sample(BY_NAME[name], values) for name in (FIXTURE[0], *list(BY_NAME)[:9])]
    constants = fit(drawn)
    guesses = {one.name: dict.fromkeys(QUANTITIES, 150.0) for one in drawn}
    text = page(drawn, guesses, drawn[:1], constants)
    assert "10 networks with weights from a fixed seed were traced and scheduled, 10 of them synthesised" in text
    assert "| LUT | 10 | 2.00 | 2.00 to 2.00 | 2.00 to 2.00 |" in text
    assert text.count("300 / 150 (2.00)") == 10
    assert f"| `{FIXTURE[0]}` | {BY_NAME[FIXTURE[0]].period:g} |" in text
    assert "CMS global trigger v3" in text
    assert json.loads(fixture(drawn, {one.name: {"digest": "x"} for one in drawn}))[FIXTURE[0]]["values"]["luts"] == 300.0
