"""The distribution of docs/extending.md: its wheel, unpacked on the search path, and each of its records from end to end."""

import json
import subprocess
import sys

import numpy as np
import pytest

import l1ae
from l1ae.config import Config
from l1ae.contract import check_score
from l1ae.errors import UserError
from l1ae.families import SCORES

from .pages import ROOT, files_of, installed

PAGE = "docs/extending.md"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the installed distribution."""
    return installed(files_of(PAGE), tmp_path_factory.mktemp("example"))


@pytest.fixture(autouse=True)
def _on_the_path(site, monkeypatch):
    monkeypatch.syspath_prepend(site)


@pytest.fixture
def command(site, tmp_path):
    """The command line in a process of its own, where the distribution is installed."""

    def run(*arguments):
        program = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(site)!r}]; from l1ae.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


MODEL = {"encoder": [5], "latent": 2, "decoder": [4], "target_fpr": 0.05}
TRAINING = {"batch_size": 128, "float_phase": {"epochs": 2}, "quantized_phase": {"epochs": 1}}


@pytest.fixture
def make_config(small_zero_bias):
    def make(model, **training):
        content = {
            "name": "example",
            "data": {"source": str(small_zero_bias)},
            "model": model if model["architecture"] == "dense_student" else MODEL | model,
            "training": TRAINING | training,
            "csim": {"events": 1000},
            "trigger": {"zero_bias": "data"},
        }
        return Config.model_validate(content)

    return make


def test_the_page_names_every_kind_and_all_records_can_be_used():
    found = l1ae.extensions()
    assert {(item.kind, item.name, item.origin, item.problem) for item in found} == {
        ("scores", "mu4", "l1ae-example 1.0", ""),
        ("losses", "log_cosh", "l1ae-example 1.0", ""),
        ("layers", "Magnitude", "l1ae-example 1.0", ""),
        ("readers", "json_lines", "l1ae-example 1.0", ""),
        ("targets", "words", "l1ae-example 1.0", ""),
    }
    check_score(SCORES["mu4"])


@pytest.fixture(scope="module")
def scored(site, small_zero_bias, tmp_path_factory):
    """A run with the score, and the delivery."""
    sys.path.insert(0, str(site))
    try:
        model = MODEL | {"architecture": "dense_vae", "score": "mu4", "score_type": "ufixed<24,18,TRN,SAT>"}
        content = {"name": "example", "data": {"source": str(small_zero_bias)}, "model": model, "training": TRAINING}
        config = Config.model_validate(content | {"csim": {"events": 1000}, "trigger": {"zero_bias": "data"}})
        return l1ae.run(config, tmp_path_factory.mktemp("runs") / "scored", to="csim")
    finally:
        sys.path.remove(str(site))


@pytest.mark.slow
def test_a_score_goes_from_the_configuration_to_the_simulation_without_a_mismatch(scored):
    report = scored.csim
    assert report.passed
    assert report.mismatches == 0
    assert report.events == 1000
    assert "mu4" in {layer.name for layer in report.layers}
    hardware = l1ae.open_store("zerobias", scored.contract.layout).hardware(0, 500)
    mu = scored.contract.evaluate(hardware, ["mu_q"])["mu_q"] * scored.contract["mu_q"].format.lsb
    expected = np.minimum((mu**4).sum(axis=1), scored.contract.score.format.high * scored.contract.score.format.lsb)
    np.testing.assert_allclose(scored.contract.scores(hardware), expected, atol=scored.contract.score.format.lsb)


@pytest.mark.slow
def test_a_run_says_which_distribution_it_was_made_with_and_is_made_again_with_another(scored):
    assert scored.manifest.stages["train"].tools["l1ae-example"] == "1.0"
    from l1ae.pipeline._shared import section_digest

    with_it = section_digest(scored.config, "model")
    other = scored.config.model_copy(update={"model": scored.config.model.model_copy(update={"score": "mu2"})})
    assert with_it != section_digest(other, "model")


@pytest.mark.slow
def test_a_target_is_delivered_and_verified_by_the_command_line(scored, command):
    made = command("deliver", scored.folder, "--target", "words")
    assert made.returncode == 0, made.stderr
    assert "ok          vectors: 0 of" in made.stdout
    folder = scored.folder / "delivery" / "words"
    right = command("verify", folder)
    assert right.returncode == 0, right.stderr
    text = (folder / "vectors.txt").read_text()
    lines = text.splitlines()
    lines[5] = lines[5][:-1] + ("0" if lines[5].endswith("1") else "1")
    (folder / "vectors.txt").write_text("\n".join(lines) + "\n")
    wrong = command("verify", folder)
    assert wrong.returncode == 1
    assert "FAILED" in wrong.stdout


@pytest.mark.slow
def test_an_unknown_target_is_refused_before_anything_is_delivered(scored, command):
    refused = command("deliver", scored.folder, "--target", "words", "--target", "nothing")
    assert refused.returncode == 2
    assert "unknown target 'nothing'; targets are cmssw, ugt, emp, vivado, words" in " ".join(refused.stderr.split())


@pytest.mark.slow
def test_a_loss_stands_in_the_place_of_the_squared_error(make_config, tmp_path):
    config = make_config({"architecture": "dense_ae", "score": "squared_error"}, losses={"log_cosh": 1.0})
    run = l1ae.run(config, tmp_path / "lossy", to="train")
    plain = l1ae.run(make_config({"architecture": "dense_ae", "score": "squared_error"}), tmp_path / "plain", to="train")
    assert 0 < run.history[-1]["validation_loss"] < plain.history[-1]["validation_loss"], "ln cosh x is below x^2 / 2"
    assert run.history[-1]["validation_loss"] < run.history[0]["validation_loss"]
    assert run.contract.digest != plain.contract.digest


def test_the_value_of_the_loss_is_that_of_the_formula(make_config):
    import tensorflow as tf

    from l1ae.families import LOSSES
    from l1ae.training._objective import Batch

    rng = np.random.default_rng(3)
    clean, answer, weights = rng.normal(size=(6, 4)), rng.normal(size=(6, 4)), rng.uniform(0.5, 1.5, 6)
    counted = rng.random((6, 4)) < 0.7
    tensors = [tf.constant(array, tf.float32) for array in (clean, clean, clean)]
    batch = Batch(*tensors, tf.constant(counted), tf.constant(weights, tf.float32))
    found = LOSSES["log_cosh"].term(batch, {"reconstruction": tf.constant(answer, tf.float32)})
    expected = np.mean(weights * np.where(counted, np.log(np.cosh(clean - answer)), 0.0).sum(axis=1))
    np.testing.assert_allclose(float(found), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "losses", "why"),
    [
        ({"architecture": "dense_ae", "score": "squared_error"}, {"log_cosch": 1.0}, "unknown loss 'log_cosch'; there are log_cosh"),
        (
            {"architecture": "dense_student", "score": "output", "encoder": [4]},
            {"log_cosh": 1.0},
            "training.losses.log_cosh is for autoencoder, variational, and architecture 'dense_student' is student; remove it",
        ),
    ],
)
def test_a_loss_that_is_unknown_or_means_nothing_is_refused(make_config, tmp_path, model, losses, why):
    with pytest.raises((UserError, ValueError), match=why):
        l1ae.run(make_config(model, losses=losses), tmp_path / "wrong", to="train")


def _keras_model():
    import keras
    from l1ae_example.layers import Magnitude
    from qkeras import QActivation, QDense, quantized_bits, quantized_relu

    keras.utils.set_random_seed(5)

    def dense(name, size):
        return QDense(
            size,
            name=name,
            kernel_quantizer=quantized_bits(6, 0, alpha=1),
            bias_quantizer=quantized_bits(6, 0, alpha=1),
            bias_initializer=keras.initializers.RandomUniform(-0.9, 0.9, seed=3),
        )

    inputs = x = keras.layers.Input((57,))
    x = QActivation(quantized_bits(8, 3, alpha=1), name="narrow")(dense("first", 6)(x))
    x = Magnitude(name="magnitude")(x)
    x = QActivation(quantized_relu(8, 4), name="last_relu")(dense("last", 1)(x))
    return keras.Model(inputs, x)


@pytest.mark.slow
def test_a_layer_goes_from_a_file_of_keras_to_the_simulation_without_a_mismatch(make_config, tmp_path):
    model = _keras_model()
    model.save(tmp_path / "mine.keras")
    groups = {"groups": {name: {"shift": [4, 5, 5]} for name in ("eg", "mu", "jet")} | {"met": {"shift": [4, 5, 5]}}}
    content = make_config({"architecture": "dense_ae", "score": "squared_error"}).model_dump(mode="json", exclude={"model", "training"})
    content |= {"model": {"architecture": "imported", "source": str(tmp_path / "mine.keras"), "score": "output"}, "inputs": groups}
    run = l1ae.run(Config.model_validate(content), tmp_path / "layer", to="csim")
    assert run.csim.passed
    assert run.csim.mismatches == 0
    assert "magnitude" in {layer.name for layer in run.csim.layers}
    codes = run.contract.evaluate(l1ae.open_store("zerobias", run.contract.layout).hardware(0, 2000), ["narrow", "magnitude"])
    np.testing.assert_array_equal(codes["magnitude"], np.abs(codes["narrow"]))
    assert (codes["narrow"] < 0).any()
    assert run.csim.quantized.mismatches == 0
    assert run.csim.quantized.events > 0


def test_a_layer_is_refused_without_its_distribution_and_with_the_wrong_number_of_elements(make_config, tmp_path, site, monkeypatch):
    from dataclasses import replace

    from l1ae.contract import LAYERS, build_contract

    config, model = make_config({"architecture": "dense_ae", "score": "squared_error"}), _keras_model()
    half = replace(LAYERS["Magnitude"], operations=lambda builder, name, layer, inputs: builder.dot(name, inputs[0]))
    monkeypatch.setitem(LAYERS._found, next(iter(LAYERS._points().values())), half)
    with pytest.raises(UserError, match=r"the operations of Magnitude \(l1ae-example 1.0\) end in 1 elements, but Keras gives 6"):
        build_contract(config, model)
    monkeypatch.undo()
    assert str(site) not in sys.path
    with pytest.raises(UserError, match="layer 'magnitude': Magnitude is not supported, its code, of 'l1ae_example', is not part"):
        build_contract(config, model)


@pytest.mark.slow
def test_a_reader_is_recognised_by_the_command_line(command, tmp_path):
    events = [{"jets": [[50.0, 1.2, 0.5], [31.0, -2.0, 3.0]], "met": [12.5, -1.0]}, {"jets": [], "met": [3.0, 2.0]}]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    said = command("data", "import", "mine.jsonl", "--describe")
    assert said.stdout.startswith("lines of JSON: 2 events"), said.stderr
    made = command("data", "import", "mine.jsonl", "-o", "mine.h5")
    assert made.returncode == 0, made.stderr
    store = l1ae.open_store(tmp_path / "mine.h5")
    physical = store.layout.to_physical(store.hardware())
    jets = store.layout.block(physical, "jet")
    np.testing.assert_allclose(jets[0, 0], [50.0, 1.2, 0.5], atol=0.6)
    np.testing.assert_allclose(jets[0, 1], [31.0, -2.0, 3.0], atol=0.6)
    assert not store.layout.block(store.hardware(), "jet")[1].any()
    (tmp_path / "bad.jsonl").write_text('{"jets": []}\n{"met": [1, 2]}\n')
    refused = command("data", "import", "bad.jsonl", "-o", "bad.h5")
    assert refused.returncode != 0


@pytest.mark.slow
def test_the_doctor_lists_what_other_distributions_bring(command):
    said = command("doctor").stdout
    assert "scores mu4" in said
    assert "l1ae-example 1.0" in said
