"""The benchmark of the estimator: measurements that are kept, a fit that finds known constants, and what it left behind."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rtl_estimator
from estimator_deployed import deployed_contract, deployed_networks
from estimator_networks import contract_of, dense_network, networks
from estimator_page import page
from estimator_samples import predicted, ratios, sample
from estimator_tables import table_contract, table_networks
from rtl_estimator import FIXTURE, bands, designs, ends, fit, fixture, measure, traced, with_bands

from l1ae.contract import Accumulating, Dense
from l1ae.rtl import Clock
from l1ae.rtl.estimator._estimate import QUANTITIES, estimate
from l1ae.rtl.estimator._shape import PRICED

MEASURED = json.loads((Path(__file__).parents[1] / "rtl" / "estimator" / "measured.json").read_text())
BY_NAME = {network.name: network for network in networks()}
MAKERS = {"p": deployed_contract, "b": table_contract}
DRAWN = BY_NAME | {network.name: network for network in (*deployed_networks(), *table_networks())}


def _contract(network):
    return MAKERS.get(network.name[0], contract_of)(network)


def test_networks_differ_and_repeat():
    again = networks()
    assert again == list(BY_NAME.values())
    synthesised = [network for network in again if network.synthesised]
    assert len(synthesised) >= 30
    for field, count in (("score", 6), ("weight_bits", 6), ("activation_bits", 6), ("sparsity", 4), ("period", 4)):
        assert len({getattr(network, field) for network in synthesised}) >= count
    assert contract_of(again[0]).digest == contract_of(again[0]).digest


def test_deployed_formats_are_those_that_people_deploy():
    """Wide inputs, kernels of 2 to 5 bits, accumulators that drop bits and may wrap: all of it, also among what is held back."""
    drawn = deployed_networks()
    assert drawn == deployed_networks()
    for some in (drawn, [network for network in drawn if network.held]):
        assert {2, 3, 4, 5} <= {network.weight_bits for network in some}
        assert max(network.input_bits for network in some) >= 16
        assert any(network.dropped for network in some)
        assert any(network.narrow for network in some)
    one = next(network for network in drawn if network.narrow and network.dropped)
    layers = [operation for operation in deployed_contract(one).operations if isinstance(operation, Dense)]
    assert all(isinstance(layer, Accumulating) and layer.wraps for layer in layers)


def test_models_of_tables_have_scores():
    """Every kind, and scores that are not all the same."""
    for model in table_networks()[:4]:
        events = np.random.default_rng(5).integers(0, 1 << model.column_bits, (300, model.columns))
        assert len(np.unique(table_contract(model).evaluate(events, ["score"])["score"])) > 10


@pytest.mark.slow
def test_designs_mix_kinds_and_hold_some_back():
    """An interruption leaves all kinds, and what is held back is never all of a kind."""
    found = [network for network, _ in designs()]
    assert {network.name[0] for network in found[:10]} == {"p", "b", "d"}
    for kind in "pbd":
        held = [network.held for network in found if network.name[0] == kind and network.synthesised]
        assert 0.2 < np.mean(held) < 0.45


def test_drawn_weights_have_the_sparsity_and_use_their_bits():
    network = dense_network("drawn_v1", (12, 4), "mu2", 6, 0.5)
    layer = next(operation for operation in contract_of(network).operations if isinstance(operation, Dense))
    assert np.mean(layer.weights == 0) == pytest.approx(0.5, abs=0.1)
    assert 16 <= np.abs(layer.weights).max() <= 32


@pytest.mark.parametrize("name", FIXTURE)
def test_estimates_hold_what_was_measured(name):
    """Measured by synthesis when the constants were made."""
    network, measured = DRAWN[name], MEASURED[name]
    contract = _contract(network)
    assert contract.digest == measured["digest"]
    result = estimate(contract, Clock(network.period))
    for quantity in QUANTITIES:
        guess = getattr(result, quantity)
        assert guess.low <= measured["values"][quantity] <= guess.high


def _sample(network, values=None):
    contract = _contract(network)
    record = {"period": network.period, "trace": traced(contract, network.period)}
    one = sample(network.name, network, contract, record)
    return one if values is None else replace(one, values=dict(one.values) | values)


@pytest.mark.slow
def test_fit_finds_known_prices():
    """Networks whose LUTs and flip-flops are made up from known prices."""
    drawn = [_sample(network) for network in list(BY_NAME.values())[:30:3]]
    prices, per_bit, per_score_bit, others = dict(zip(PRICED, (1.0, 0.5, 0.25, 0.75, 0.9, 0.3), strict=True)), 1.1, 2.0, 4.0
    laws = fit([replace(one, values=dict(one.values) | {"luts": 1.0, "luts_packed": 1.0, "flip_flops": 1.0}) for one in drawn]).laws
    made = []
    for k, plain in enumerate(drawn):
        one = replace(plain, prepared=replace(plain.prepared, score_bits=10 + k))
        counted = rtl_estimator.count(one.prepared, laws, one.clock)
        luts = float(np.dot(list(prices.values()), rtl_estimator.sum_counts(counted))) + 20
        bits = per_bit * sum(counted.bits.values()) + per_score_bit * (10 + k) + others
        made.append(replace(one, values=dict(one.values) | {"luts": luts, "luts_packed": luts / 2, "flip_flops": bits}))
    constants = fit(made)
    guesses = {one.name: predicted(one, constants) for one in made}
    for quantity in ("luts", "luts_packed", "flip_flops"):
        assert ratios(made, guesses, quantity) == pytest.approx([1.0] * len(made), rel=0.06)
    # what makes up most of the designs has its price; what hardly occurs stays near a LUT for a bit
    assert constants.mappings["restructured"].luts[0] == pytest.approx(prices["tree_bits"], rel=0.15)
    assert constants.flip_flops[0] == pytest.approx(per_bit, rel=0.05)
    assert bands(made, guesses, "restructured")["luts"] == pytest.approx((1.0, 1.0), rel=0.06)


@pytest.mark.parametrize(("count", "inside"), [(5, 0.6), (19, 0.9), (99, 0.9), (400, 0.9)])
def test_the_next_one_lies_inside_with_ninety_percent(count, inside):
    """Whatever the distribution; with fewer than 19 the ends are the smallest and the largest, which hold less."""
    rng, hits, trials = np.random.default_rng(9), 0, 3000
    for _ in range(trials):
        drawn = np.exp(rng.standard_t(3, count + 1))
        low, high = ends(drawn[:-1])
        hits += low <= drawn[-1] <= high
    assert hits / trials > inside - 0.02
    assert hits / trials < 0.94


def test_measurements_are_kept(tmp_path, monkeypatch):
    network = BY_NAME["d00_v1"]
    contract = contract_of(network)
    first = measure("one", contract, network.period, tmp_path, synthesis=False)
    monkeypatch.setattr(rtl_estimator, "traced", lambda *arguments: pytest.fail("traced again"))
    assert measure("one", contract, network.period, tmp_path, synthesis=False) == first
    with pytest.raises(pytest.fail.Exception):
        measure("one", contract, network.period + 1, tmp_path, synthesis=False)


def test_other_code_synthesises_again(tmp_path, monkeypatch):
    network = BY_NAME["d00_v1"]
    contract = contract_of(network)
    monkeypatch.setattr(rtl_estimator, "_synthesised", lambda *arguments: {"resources": {"luts": 1}})
    measure("one", contract, network.period, tmp_path, synthesis=True)
    monkeypatch.setattr(rtl_estimator, "_synthesised", lambda *arguments: {"resources": {"luts": 2}})
    assert measure("one", contract, network.period, tmp_path, synthesis=True)["resources"] == {"luts": 1}
    monkeypatch.setattr(rtl_estimator, "_code", lambda: "other code")
    assert measure("one", contract, network.period, tmp_path, synthesis=True)["resources"] == {"luts": 2}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["d18_v1", "d34_v1"])
def test_clocks_are_kept(name, tmp_path):
    """A table that yosys took apart into six LUTs in a row (5.50 ns), and borrows as third terms (5.11 ns): 5 ns are kept now."""
    network = BY_NAME[name]
    record = measure(name, contract_of(network), network.period, tmp_path, synthesis=True)
    assert record["slowest"]["typical"] < 0.85 * network.period


@pytest.mark.slow
def test_page_and_fixture():
    values = {"luts": 300.0, "luts_packed": 250.0, "flip_flops": 200.0}
    names = (FIXTURE[0], *list(BY_NAME)[:9], "p00_v1", "b05_v1")
    drawn = [replace(_sample(DRAWN[name], values), slowest={"typical": 6.0}) for name in names]
    guesses = {one.name: dict.fromkeys(QUANTITIES, 150.0) for one in drawn}
    constants = with_bands(fit(drawn), drawn, guesses)
    text = page(drawn, guesses, drawn[:1], constants)
    held = sum(one.held for one in drawn)
    assert "12 designs with weights from a fixed seed were traced and scheduled, 12 of them synthesised" in text
    assert f"{held} designs were **held back**" in text
    assert "| restructured | LUT | 2.00 to 2.00 | " in text
    assert text.count("300 / 150 (2.00)") == 12
    late = [one for one in drawn if one.clock.period < 6]
    assert text.count("6.00 at ") == len(late)
    assert f"| `{FIXTURE[0]}` | {DRAWN[FIXTURE[0]].period:g} |" in text
    assert json.loads(fixture(drawn, {one.name: {"digest": "x"} for one in drawn}))[FIXTURE[0]]["values"]["luts"] == 300.0
