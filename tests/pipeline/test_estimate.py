"""Costs before training: against the RTL itself, the trained model's own estimate, and budgets."""

from math import inf

import pytest

from l1ae.config import BudgetConfig
from l1ae.errors import UserError
from l1ae.pipeline import Forecast, beyond, forecast, sentences
from l1ae.rtl_results import Estimated


def found(**changes):
    values = {
        "luts_packed": Estimated(9000.0, 8000.0, 12000.0),
        "flip_flops": Estimated(300.0, 200.0, 400.0),
        "cycles": Estimated(2.0, 1.0, 2.0),
        "latency_ns": Estimated(50.0, 25.0, 50.0),
        "crossings": Estimated(2.0, 1.0, 2.0),
        "weight_bits": 1000,
        "problems": (),
    }
    return Forecast(**values | changes)


def test_what_is_beyond_a_budget_relative_to_it():
    budget = BudgetConfig(lut=5000, ff=350, latency_ns=40, latency_cycles=2)
    assert beyond(found(), budget, sure=False) == {"lut": pytest.approx(0.8), "latency_ns": pytest.approx(0.25)}
    assert beyond(found(), budget, sure=True) == {"lut": pytest.approx(0.6)}
    assert beyond(found(), BudgetConfig(), sure=False) == {}
    assert beyond(found(), BudgetConfig(ff=0), sure=True) == {"ff": inf}


def test_sentences_say_what_is_sure_and_what_is_probable():
    assert sentences(found(), BudgetConfig(lut=5000, latency_ns=40)) == (
        "lut: 8,000 to 12,000 (90 %) is beyond the budget of 5,000",
        "latency_ns: 50 (25 to 50, 90 %) is probably beyond the budget of 40",
    )
    assert sentences(found(), BudgetConfig(lut=9000, ff=300)) == ()


def test_a_network_is_forecast_without_training(make_config):
    config = make_config()
    result = forecast(config)
    assert 500 < result.luts_packed.low < result.luts_packed.value < result.luts_packed.high < 40_000
    assert result.latency_ns.value == result.cycles.value * 5.0
    # 57-6-2-6-57 weights of 8 bits, and biases of at most 16
    weights = 57 * 6 + 6 * 2 + 2 * 6 + 6 * 57
    assert 8 * weights < result.weight_bits <= 8 * weights + 16 * (6 + 2 + 6 + 57)
    assert result.problems == ()


def test_folded_layers_are_refused(make_config):
    config = make_config(rtl={"interval": 2})
    with pytest.raises(UserError, match=r"rtl\.interval folds this one; run `l1ae rtl` and `l1ae synth`"):
        forecast(config)
