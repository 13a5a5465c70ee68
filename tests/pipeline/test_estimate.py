"""Costs before training: against the RTL itself, the trained model's own estimate, and budgets."""

import time
from math import inf
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from l1ae.cli._rtl import estimate
from l1ae.config import BudgetConfig, Config, dump_config, load_config
from l1ae.contract import tables_contract
from l1ae.errors import UserError
from l1ae.families import ARCHITECTURES
from l1ae.pipeline import Forecast, beyond, forecast, forecast_of, scheduled, sentences, train_stage
from l1ae.pipeline._estimate import Change, training_kind
from l1ae.pipeline._models import drawn_contract
from l1ae.pipeline._shared import contract_of
from l1ae.rtl import Clock, unroll
from l1ae.rtl_results import Estimated
from l1ae.tables import TABLES, load_tables, train_tables

from ..levels import exhaustive, slow

CONFIGS = Path(__file__).parents[2] / "configs"
ENDED = {
    "crossing_ae": (1, 1),
    "pair_tables": (1, 1),
    "table_student": (1, 1),
    "table_ae": (2, 2),
}
"""Crossings that configurations take when they are trained: measured, docs/estimate.md."""


def found(**changes):
    values = {
        "luts_packed": Estimated(9000.0, 8000.0, 12000.0),
        "flip_flops": Estimated(300.0, 200.0, 400.0),
        "cycles": Estimated(2.0, 1.0, 2.0),
        "latency_ns": Estimated(50.0, 25.0, 50.0),
        "crossings": Estimated(2.0, 1.0, 2.0),
        "weight_bits": 1000,
        "inputs": 57,
        "input_bits": 16,
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


def holds(expected, value):
    return expected.low <= value <= expected.high


@pytest.mark.parametrize("name", slow(["density_tree", "density_forest"], ("density_tree",)))
def test_tables_cost_what_was_forecast_when_they_are_trained(name, tmp_path):
    config = load_config(CONFIGS / f"{name}.yaml")
    expected = forecast(config)
    train_tables(config, tmp_path)
    trained = scheduled(config, tables_contract(config, load_tables(tmp_path / TABLES, config.inputs.columns)))
    # bins are found on a fifth of the events
    assert expected.luts_packed.value == pytest.approx(trained.luts_packed.value, rel=0.05)
    assert holds(expected.flip_flops, trained.flip_flops.value)
    assert (expected.cycles.low, expected.cycles.high) == (trained.cycles.value,) * 2 == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", exhaustive(["crossing_ae", "table_student"], ("crossing_ae",)))
def test_networks_cost_what_was_forecast_when_they_are_trained(name, tmp_path):
    config = load_config(CONFIGS / f"{name}.yaml", ("training.float_phase.epochs=4", "training.quantized_phase.epochs=2"))
    expected = forecast(config)
    trained = scheduled(config, contract_of(train_stage(config, tmp_path / "run")))
    for key in ("luts_packed", "flip_flops", "cycles"):
        assert holds(getattr(expected, key), getattr(trained, key).value), key


@pytest.mark.parametrize("name", slow(ENDED, ("crossing_ae",)))
def test_crossings_of_the_shipped_designs(name):
    config = load_config(CONFIGS / f"{name}.yaml")
    found = forecast(config)
    assert holds(found.crossings, ENDED[name][0])
    assert not found.problems
    assert found.latency_ns.value == 25.0 * found.cycles.value


@pytest.mark.slow
def test_a_forecast_takes_less_than_a_second(make_config):
    shipped = [CONFIGS / f"{name}.yaml" for name in ("density_tree", "pair_tables", "crossing_ae", "table_ae", "dnn_vae")]
    for config in (make_config(), *map(load_config, shipped)):
        # reads the data, and loads what is loaded late
        forecast(config)
        started = time.process_time()
        forecast(config)
        assert time.process_time() - started < 2.0, config.name  # of all threads, on a machine that does other things too


@pytest.mark.parametrize("name", slow([kind.name for kind in ARCHITECTURES.values() if not kind.imported], ("dense_ae", "density_tree")))
def test_every_architecture_is_forecast(name, make_config):
    kind = ARCHITECTURES[name]
    shipped = [path for path in sorted(CONFIGS.glob("*.yaml")) if f"architecture: {kind.name}\n" in path.read_text()]
    model = {"architecture": kind.name, "score": kind.scores[0]}
    config = load_config(shipped[0], ("rtl.interval=1",)) if shipped else make_config(model=model, inputs={"preprocessing": "auto"})
    found = forecast(config)
    assert 100 < found.luts_packed.low < found.luts_packed.value < found.luts_packed.high
    assert found.cycles.low <= found.cycles.value <= found.cycles.high
    assert found.weight_bits > 100
    assert training_kind(config)


def test_an_imported_description_is_what_it_is():
    found = forecast(load_config(CONFIGS / "cms_like.yaml"))
    assert found.luts_packed.value > 1000


def test_a_network_beyond_its_budget_is_told_before_training():
    small, large = (load_config(CONFIGS / "crossing_ae.yaml", (f"model.latent={size}",)) for size in (2, 16))
    budget = BudgetConfig(lut=1500)
    assert beyond(forecast(small), budget, sure=True) == {}
    found = forecast(large)
    assert list(beyond(found, budget, sure=True)) == ["lut"]
    assert "is beyond the budget of 1,500" in sentences(found, budget)[0]
    # sixteen numbers in the middle take more than the one crossing that is allowed
    assert found.problems == (
        "the logic takes 2 stages of 25 ns, but rtl.crossings is 1; allow more crossings, or make the network smaller",
    )


def test_pruned_weights_are_forecast_as_zeros(make_config):
    sparse = make_config(training={"batch_size": 128, "pruning": {"sparsity": 0.75}, "quantized_phase": {"epochs": 1}})
    zeros = [float(np.mean(layer.weights == 0)) for layer in drawn_contract(sparse).weighted]
    assert all(share >= 0.75 - 1 / 12 for share in zeros)
    assert forecast(sparse).luts_packed.value < 0.6 * forecast(make_config()).luts_packed.value


def test_independent_errors_add_up_in_quadrature():
    found = Change.of(Estimated(100.0, 80.0, 125.0), (0.8, 1.0, 1.25))
    width = np.sqrt(2) * np.log(1.25)
    assert (found.value, found.low, found.high) == pytest.approx((100.0, 100 * np.exp(-width), 100 * np.exp(width)))
    found = Change.of(Estimated(100.0, 80.0, 125.0), (0.5, 0.5, 0.5))
    assert (found.value, found.low, found.high) == pytest.approx((50.0, 40.0, 62.5))


def test_the_command_estimates_a_configuration(make_config, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(dump_config(make_config()))
    result = CliRunner().invoke(estimate, [str(path), "--set", "budget.lut=100"], catch_exceptions=False, env={"COLUMNS": "150"})
    assert result.exit_code == 0
    assert "tiny.yaml, estimated before training" in result.output
    assert "MISSED  lut: " in result.output
    assert "is beyond the budget of 100" in result.output
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(UserError, match=r"--set belongs to a configuration, and '.*run' is a run folder"):
        CliRunner().invoke(estimate, [str(folder), "--set", "budget.lut=100"], catch_exceptions=False, standalone_mode=False)


TREES = {"architecture": "density_tree", "score": "surprisal", "score_type": "ufixed<11,9,TRN,SAT>"}
PAIRS = {"architecture": "pair_tables", "score": "log_ratio", "table_type": "ufixed<7,2,RND_CONV,SAT>"}
LAYERS = {"architecture": "table_ae", "score": "squared_error", "encoder": [], "decoder": [], "activation_bits": 5, "output_bits": 6}
LINEAR = {"architecture": "dense_ae", "score": "squared_error", "encoder": [], "decoder": [], "weight_bits": 4, "latent_bits": 6}
PT = {"select": {"features": ["pt"]}}
SURPRISES = {**PT, "transform": {"pt": "surprise"}, "network": "ufixed<4,4,RND_CONV,SAT>"}
MODELS = {
    "network": ({"architecture": "dense_ae", "score": "squared_error", "encoder": [8], "latent": 2, "decoder": [8]}, PT),
    "variational": ({"architecture": "dense_vae", "score": "mu2", "encoder": [8], "latent": 2}, PT),
    "linear": ({**LINEAR, "latent": 2, "output_bits": 6}, {**SURPRISES, "empty_slots": "counted"}),
    "tree": (TREES, PT),
    "pairs": (PAIRS, PT),
    "tables": ({**LAYERS, "latent": 3}, SURPRISES),
    "student": (
        {"architecture": "table_student", "score": "output", "encoder": [], "pairs": True},
        {**SURPRISES, "network": "ufixed<3,4,RND_CONV,SAT>"},
    ),
}


@pytest.fixture(scope="module", params=slow(MODELS, ("tree",)))
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


@pytest.mark.slow
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
