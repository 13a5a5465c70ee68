import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.errors import UserError
from l1ae.families import kl, squared_error
from l1ae.models import Calibration
from l1ae.training import EpochReport, TrainingResult, load_trained, train
from l1ae.training._data import load_training_data

from ..levels import slow


class _InterruptedError(Exception):
    pass


def _interrupt_after(phase: str, epoch: int):
    def progress(report: EpochReport) -> None:
        if (report.phase, report.epoch) == (phase, epoch):
            raise _InterruptedError

    return progress


def _arrays(folder: Path) -> dict[str, bytes]:
    """Every array of the final checkpoint, and its state without the wall time, byte for byte."""
    with np.load(folder / "checkpoint.npz") as file:
        arrays = {name: file[name].tobytes() for name in file.files if name != "state"}
        state = str(file["state"])
    before, _, rest = state.partition('"seconds": ')
    return arrays | {"state": (before + rest[rest.index(",") :]).encode()}


def _models(config: Config, folder: Path) -> list[bytes]:
    models = load_trained(config, folder)
    return [weight.tobytes() for model in (models.float_model, models.quantized_model) for weight in model.get_weights()]


@dataclass(frozen=True)
class _Trained:
    folder: Path
    result: TrainingResult


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Uninterrupted trainings of the default tiny configurations, one per architecture."""
    done: dict[str, _Trained] = {}

    def get(config: Config) -> _Trained:
        name = config.model.architecture
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            done[name] = _Trained(folder, train(config, folder))
        return done[name]

    return get


@pytest.mark.parametrize(
    ("architecture", "phase", "epoch"),
    slow(
        [("dense_ae", "float", 2), ("dense_ae", "quantized", 1), ("dense_vae", "float", 4), ("dense_vae", "quantized", 2)],
        (("dense_ae", "quantized", 1),),
    ),
)
def test_resumed_training_is_bit_identical(make_config, straight, tmp_path, architecture, phase, epoch):
    config = make_config(architecture)
    expected = straight(config).folder
    with pytest.raises(_InterruptedError):
        train(config, tmp_path, progress=_interrupt_after(phase, epoch))
    assert not (tmp_path / "quantized.weights.h5").exists()
    seen: list[EpochReport] = []
    train(config, tmp_path, resume=True, progress=seen.append)
    assert (seen[0].phase, seen[0].epoch) == ((phase, epoch + 1) if (phase, epoch) != ("float", 4) else ("quantized", 1))
    assert _arrays(tmp_path) == _arrays(expected)
    assert _models(config, tmp_path) == _models(config, expected)
    for name in ("history.csv", "calibration.json"):
        assert (tmp_path / name).read_bytes() == (expected / name).read_bytes()


def test_resuming_a_finished_training_changes_nothing(make_config, straight, tmp_path):
    trained = straight(make_config())
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    seen: list[EpochReport] = []
    assert train(make_config(), tmp_path, resume=True, progress=seen.append) == trained.result
    assert (seen, _arrays(tmp_path)) == ([], _arrays(trained.folder))


@pytest.mark.slow
def test_resuming_without_a_checkpoint_starts_from_the_beginning(make_config, straight, tmp_path):
    train(make_config(), tmp_path, resume=True)
    assert _arrays(tmp_path) == _arrays(straight(make_config()).folder)


@pytest.mark.slow
def test_a_new_training_leaves_nothing_of_an_older_one(make_config, straight, tmp_path):
    shutil.copytree(straight(make_config()).folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(_InterruptedError):
        train(make_config(), tmp_path, progress=_interrupt_after("float", 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.npz", "history.csv", "logs", "mine.txt"]
    assert len(list((tmp_path / "logs").rglob("events.out.*"))) == 1


def test_files_result_and_history_agree(make_config, straight):
    folder, result = straight(make_config()).folder, straight(make_config()).result
    names = {"calibration.json", "checkpoint.npz", "float.weights.h5", "history.csv", "logs", "quantized.weights.h5"}
    assert {path.name for path in folder.iterdir()} == names
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["phase"], int(row["epoch"])) for row in rows] == [("float", i) for i in range(5)] + [("quantized", i) for i in range(4)]
    assert (result.float_epochs, result.quantized_epochs) == (4, 3)
    for phase, best in (("float", result.float_loss), ("quantized", result.quantized_loss)):
        assert best == min(float(row["validation_loss"]) for row in rows if row["phase"] == phase)
    assert result.quantized_loss < result.float_loss < float(rows[0]["validation_loss"])
    assert result.seconds > 0


def test_loaded_autoencoders_have_the_best_validation_loss(make_config, straight, as_network):
    config = make_config()
    result = straight(config).result
    inputs, mask = as_network(config, load_training_data(config).validation)
    models = load_trained(config, straight(config).folder)
    for model, best in ((models.float_model, result.float_loss), (models.quantized_model, result.quantized_loss)):
        assert squared_error(inputs, model(inputs), mask).mean() == pytest.approx(best, rel=1e-4)


@pytest.mark.slow
def test_loaded_encoders_have_the_recorded_divergence(make_config, straight, as_network):
    config = make_config("dense_vae")
    folder = straight(config).folder
    inputs, _ = as_network(config, load_training_data(config).validation)
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    models = load_trained(config, folder)
    for model, phase in ((models.float_model, "float"), (models.quantized_model, "quantized")):
        best = min((row for row in rows if row["phase"] == phase), key=lambda row: float(row["validation_loss"]))
        assert kl(*(np.asarray(output) for output in model(inputs))).mean() == pytest.approx(float(best["validation_kl"]), rel=1e-4)


def _rounded(values: np.ndarray, bits: int, integer: int) -> np.ndarray:
    """The nearest value of a `bits`-bit two's complement format below 2**integer; ties to even."""
    lsb = 2.0 ** (integer + 1 - bits)
    return np.clip(np.rint(values.astype(np.float64) / lsb), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * lsb


def test_no_epochs_give_post_training_quantization(make_config, tmp_path):
    """The quantized weights are the trained float weights, rounded to the calibrated formats, and nothing else."""
    config = make_config(quantized_phase={"epochs": 0})
    result = train(config, tmp_path)
    models = load_trained(config, tmp_path)
    assert result.quantized_epochs == 0
    calibration = Calibration.load(tmp_path / "calibration.json")
    for name, bits in calibration.weights.items():
        kernel, bias = models.float_model.get_layer(name).get_weights()
        expected = _rounded(kernel, bits.kernel_bits, bits.kernel_integer), _rounded(bias, bits.bias_bits, bits.bias_integer)
        for want, found in zip(expected, models.quantized_model.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(found, want)
    assert list(calibration.weights) == ["enc0", "latent", "dec0", "out"]


def test_a_diverging_training_names_the_learning_rate(make_config, tmp_path):
    config = make_config(float_phase={"epochs": 5, "learning_rate": 1e30})
    with pytest.raises(
        UserError, match=r"float training, epoch 1: the loss is (nan|inf); lower training\.float_phase\.learning_rate .*1e\+30"
    ):
        train(config, tmp_path)


def test_resuming_with_another_configuration_is_refused(make_config, tmp_path):
    with pytest.raises(_InterruptedError):
        train(make_config(), tmp_path, progress=_interrupt_after("float", 1))
    with pytest.raises(UserError, match="written for another configuration"):
        train(make_config(model={"weight_bits": 6}), tmp_path, resume=True)


def test_loading_what_was_never_trained_is_refused(make_config, tmp_path):
    with pytest.raises(UserError, match=r"float\.weights\.h5: cannot be loaded .* Train the model again"):
        load_trained(make_config(), tmp_path)


def test_loading_into_another_architecture_is_refused(make_config, straight):
    folder = straight(make_config()).folder
    with pytest.raises(UserError, match="was it trained with this configuration"):
        load_trained(make_config(model={"latent": 5}), folder)
