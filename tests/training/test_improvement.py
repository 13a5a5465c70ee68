"""Trainings that learn nothing end in an error whose remedy works; seeds: 5 of the data, 1 of the configuration."""

import re

import pytest
import yaml

from l1ae.config import load_config
from l1ae.errors import UserError
from l1ae.training import train
from l1ae.training._checkpoint import Checkpoint, HistoryRow
from l1ae.training._improvement import check_improvement

FLOAT = r"the validation loss of the random weights that it began with, [\d.]+, was not improved in 3 epochs"
QUANTIZED = r"the validation loss of the calibrated weights that it began with, [\d.]+, was not improved in 3 epochs"
SETS = {
    "model": {"objects": [6], "score": "squared_error"},
    "inputs": {"groups": {"eg": {"shift": [5, 6, 6]}, "mu": {"shift": [5, 8, 8]}, "jet": {"shift": [6, 6, 6]}}},
}


def schedule(phase, rate):
    phases = {name: {"epochs": 3} for name in ("float_phase", "quantized_phase")}
    phases[f"{phase}_phase"]["learning_rate"] = rate
    return phases


@pytest.mark.parametrize(
    ("architecture", "phase", "rate", "message"),
    [
        pytest.param("dense_ae", "float", 1.0, FLOAT, marks=pytest.mark.slow),
        pytest.param("dense_ae", "float", 30.0, FLOAT, marks=pytest.mark.slow),
        pytest.param("dense_vae", "float", 30.0, FLOAT, marks=pytest.mark.slow),
        pytest.param("set_ae", "float", 0.1, FLOAT, marks=pytest.mark.slow),
        pytest.param("dense_vae", "quantized", 30.0, QUANTIZED, marks=pytest.mark.slow),
        ("dense_ae", "float", 1e300, "the loss is (inf|nan)"),
        pytest.param("dense_ae", "float", 1e-30, FLOAT, marks=pytest.mark.slow),
    ],
)
def test_a_training_that_learns_nothing_is_an_error_and_its_remedy_works(make_config, tmp_path, architecture, phase, rate, message):
    more = SETS if architecture == "set_ae" else {}
    with pytest.raises(UserError, match=f"^{phase} training.*{message}") as found:
        train(make_config(architecture, **more, **schedule(phase, rate)), tmp_path)
    assert not (tmp_path / "quantized.weights.h5").exists()
    advised = re.search(rf"(lower|raise) training\.{phase}_phase\.learning_rate .*to ([\d.e-]+)$", str(found.value))
    assert advised
    assert advised[1] == ("raise" if rate < 1e-3 else "lower")
    result = train(make_config(architecture, **more, **schedule(phase, float(advised[2]))), tmp_path)
    assert result.float_epochs == 3


@pytest.mark.slow
def test_a_failed_training_that_is_resumed_fails_again(make_config, tmp_path):
    config = make_config(**schedule("float", 30.0))
    for _ in range(2):
        with pytest.raises(UserError, match=FLOAT):
            train(config, tmp_path, resume=True)


@pytest.mark.slow
def test_pruned_networks_are_compared_with_random_ones(make_config, tmp_path):
    """They may lose what pruning costs, not all that was learnt."""
    train(make_config(pruning={"sparsity": 0.8, "epochs": 1}, **schedule("quantized", 3e-4)), tmp_path / "good")
    with pytest.raises(UserError, match=r"^quantized training: .* there is no trained model; lower"):
        train(make_config("dense_vae", pruning={"sparsity": 0.8, "epochs": 1}, **schedule("quantized", 30.0)), tmp_path / "bad")


@pytest.mark.parametrize(
    ("phase", "rate", "best", "advice"),
    [
        ("float", 3e-5, 10.001, r"raise training\.float_phase\.learning_rate \(it is 3e-05\) to 0\.003"),
        ("float", 3e-5, 10.5, r"change .* \(it is 3e-05\), for example to 0\.003, or to 3e-06"),
        ("float", 3e-3, 10.0, r"change .* \(it is 0\.003\), for example to 0\.009, or to 0\.0003"),
        ("float", 0.1, 10.5, r"lower training\.float_phase\.learning_rate \(it is 0\.1\), for example to 0\.003"),
        ("quantized", 3e-5, 20.0, r"change .* \(it is 3e-05\), for example to 0\.0003, or to 3e-06"),
    ],
)
def test_the_advice_is_lower_only_where_the_rate_is_above_the_usual_one(make_config, phase, rate, best, advice):
    config = make_config(pruning={"sparsity": 0.8, "epochs": 1}, **schedule(phase, rate))
    rows = tuple(HistoryRow(phase, epoch, rate, loss, loss, {}, {}) for epoch, loss in enumerate((10.0, best)))
    state = Checkpoint("f", phase, 1, rate, 10.0, 0, 0, 0, 0.0, rows, (), ())
    with pytest.raises(UserError, match=f"; {advice}$"):
        check_improvement(config, phase, state)


@pytest.mark.slow
def test_no_epochs_are_no_failure(make_config, tmp_path):
    found = train(make_config(float_phase={"epochs": 0}, quantized_phase={"epochs": 0}), tmp_path)
    assert (found.float_epochs, found.quantized_epochs) == (0, 0)


@pytest.mark.parametrize("value", [".inf", "inf", ".nan", "1e400"])
def test_numbers_of_a_configuration_are_finite(make_config, tmp_path, value):
    """The advice was once to lower inf, for example to inf."""
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(make_config().model_dump(mode="json")))
    with pytest.raises(UserError, match=r"training\.float_phase\.learning_rate: Input should be a finite number"):
        load_config(path, (f"training.float_phase.learning_rate={value}",))
