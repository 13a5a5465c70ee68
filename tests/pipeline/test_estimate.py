"""Costs before training: against the RTL itself, the trained model's own estimate, and budgets."""

import time
from math import inf

import numpy as np
import pytest

from l1ae.config import BudgetConfig, Config
from l1ae.data import TRAIN, WEIGHT, Events, StoreWriter, events_of, open_dataset, some_of
from l1ae.errors import UserError
from l1ae.inputs import named_layout
from l1ae.pipeline import Forecast, beyond, contract_of, forecast, forecast_of, sentences, train_stage
from l1ae.pipeline._models import drawn_contract
from l1ae.rtl import Clock, unroll
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


TREES = {"architecture": "density_tree", "score": "surprisal", "score_type": "ufixed<11,9,TRN,SAT>"}
PAIRS = {"architecture": "pair_tables", "score": "log_ratio", "table_type": "ufixed<7,2,RND_CONV,SAT>"}
TABLES = {"architecture": "table_ae", "score": "squared_error", "encoder": [], "decoder": [], "activation_bits": 5, "output_bits": 6}
LINEAR = {"architecture": "dense_ae", "score": "squared_error", "encoder": [], "decoder": [], "weight_bits": 4, "latent_bits": 6}
PT = {"select": {"features": ["pt"]}}
SURPRISES = {**PT, "transform": {"pt": "surprise"}, "network": "ufixed<4,4,RND_CONV,SAT>"}
MODELS = {
    "network": ({"architecture": "dense_ae", "score": "squared_error", "encoder": [8], "latent": 2, "decoder": [8]}, PT),
    "variational": ({"architecture": "dense_vae", "score": "mu2", "encoder": [8], "latent": 2}, PT),
    "linear": ({**LINEAR, "latent": 2, "output_bits": 6}, {**SURPRISES, "empty_slots": "counted"}),
    "tree": (TREES, PT),
    "pairs": (PAIRS, PT),
    "tables": ({**TABLES, "latent": 3}, SURPRISES),
    "student": (
        {"architecture": "table_student", "score": "output", "encoder": [], "pairs": True},
        {**SURPRISES, "network": "ufixed<3,4,RND_CONV,SAT>"},
    ),
}


@pytest.fixture(scope="module", params=MODELS)
def trained(request, source, tmp_path_factory):
    """A configuration for one crossing, and the contract that its training gives."""
    model, inputs = MODELS[request.param]
    content = {
        "name": f"tiny_{request.param}",
        "seed": 3,
        "data": {"source": str(source)},
        "inputs": inputs,
        "model": {"target_fpr": 0.05, **model},
        "rtl": {"crossings": 2},
        "trigger": {"zero_bias": "data"},
    }
    if model not in (TREES, PAIRS):
        content["training"] = {"batch_size": 128, "float_phase": {"epochs": 4}, "quantized_phase": {"epochs": 2}}
    config = Config.model_validate(content)
    return config, contract_of(train_stage(config, tmp_path_factory.mktemp("trained") / request.param))


def test_what_the_trained_model_costs_is_in_the_range_that_was_forecast(trained):
    config, contract = trained
    before, after = forecast(config), forecast_of(config, contract)
    for name in ("luts_packed", "flip_flops"):
        expected = getattr(before, name)
        assert expected.low <= getattr(after, name).value <= expected.high, name
    assert before.weight_bits == pytest.approx(after.weight_bits, rel=0.4)


def test_crossings_are_those_of_the_scheduled_design(trained):
    config, contract = trained
    real = len(unroll(contract, Clock(25.0, config.rtl.clock_uncertainty, stages=50), config.rtl_part).pipeline.stages)
    after, before = forecast_of(config, contract), forecast(config)
    assert after.crossings.low <= real <= after.crossings.high
    assert before.crossings.low <= real <= before.crossings.high
    assert before.latency_ns.value == 25 * before.cycles.value


def test_a_forecast_takes_less_than_a_second(trained):
    config, _ = trained
    forecast(config)  # loads what is loaded once
    started = time.process_time()
    forecast(config.model_copy(update={"seed": 4}))
    assert time.process_time() - started < 1.5  # seconds are of a machine that others load too


def test_many_wide_tables_take_less_than_a_second_too(source):
    """171 tables of 256 entries each."""
    model = {"architecture": "table_student", "score": "output", "encoder": [], "pairs": True}
    content = {"name": "wide", "seed": 3, "data": {"source": str(source)}, "inputs": SURPRISES, "model": model, "rtl": {"crossings": 2}}
    config = Config.model_validate(content)
    forecast(config.model_copy(update={"seed": 4}))
    started = time.process_time()
    found = forecast(config)
    assert time.process_time() - started < 1.5
    assert found.luts_packed.value > 2000


def test_the_same_configuration_gives_the_same_forecast(trained):
    config, _ = trained
    assert drawn_contract(config).digest == drawn_contract(config).digest
    assert forecast(config) == forecast(config)


def test_more_crossings_than_allowed_are_a_problem(make_config):
    config = make_config(rtl={"crossings": 1}, budget={"latency_ns": 25, "lut": 100})
    found = forecast(config)
    assert found.crossings.low > 1
    (problem,) = found.problems
    assert "rtl.crossings is 1; allow more crossings, or make the network smaller" in problem
    assert set(beyond(found, config.budget, sure=True)) == {"latency_ns", "lut"}


def test_pruned_and_learned_networks_are_forecast_smaller(make_config):
    plain = forecast(make_config()).luts_packed.value
    training = make_config().training.model_dump() | {"pruning": {"sparsity": 0.7, "epochs": 1}}
    assert forecast(make_config(training=training)).luts_packed.value < 0.7 * plain
    learned = make_config().training.model_dump() | {"learned_widths": {}}
    assert forecast(make_config(training=learned)).luts_packed.low < 0.3 * plain


def test_some_events_are_spread_over_the_store(tmp_path):
    """Ten strata one after the other, of 60,000 events each, of which only the last three are of the training part."""
    layout = named_layout("ugt")
    count = 600_000
    stratum = np.arange(count) // 60_000
    with StoreWriter(tmp_path / "background.h5", layout, sample="x", processes=["x"], provenance={}) as writer:
        for block in np.array_split(np.arange(count), 10):
            extra = {WEIGHT: np.where(block % 2, 1.0, 0.0) + stratum[block], "split": np.where(stratum[block] < 7, 2, 0).astype(np.int8)}
            zeros = np.zeros(len(block), np.int16)
            events = Events(np.zeros((len(block), layout.size), layout.dtype), zeros, block.astype(np.int64), zeros, extra=extra)
            writer.append(events)
    store, data = open_dataset(str(tmp_path)).background, Config.model_validate({"name": "x", "model": MODELS["tree"][0]}).data
    events, share = some_of(data, store, TRAIN, 3000)
    assert len(events) == 3000
    assert share == pytest.approx(3000 / 180_000, rel=0.2)
    found, numbers = np.unique(events.extra[WEIGHT] // 1 // 1, return_counts=True)
    assert {7, 8, 9} <= set((events.source_event // 60_000).tolist())
    everything = sum(len(block) for block in events_of(data, store, TRAIN))
    assert everything == 180_000
    assert numbers.min() > 0
    assert found.min() >= 7
