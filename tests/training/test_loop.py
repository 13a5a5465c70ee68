import keras
import numpy as np
import pytest

from l1ae.families import kl, squared_error
from l1ae.models import build_float_networks
from l1ae.training._data import TrainingData, load_training_data
from l1ae.training._loop import VALIDATION_BATCH, Trainer

from ..levels import slow


def _predict(model: keras.Model, inputs: np.ndarray) -> list[np.ndarray]:
    outputs = model(inputs)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def test_autoencoder_loss_is_the_mean_score(make_config, as_network):
    config = make_config()
    data, networks = load_training_data(config), build_float_networks(config)
    losses = Trainer(config, networks, data, "float").validate()
    inputs, mask = as_network(config, data.validation)
    [reconstruction] = _predict(networks.firmware, inputs)
    expected = squared_error(inputs, reconstruction, mask).mean()
    assert losses.total == losses.terms["reconstruction"] == pytest.approx(expected, rel=1e-5)
    assert set(losses.terms) == {"reconstruction"}


def test_vae_loss_weighs_its_two_terms(make_config, as_network):
    config = make_config("dense_vae", beta=0.3)
    data, networks = load_training_data(config), build_float_networks(config)
    losses = Trainer(config, networks, data, "float").validate()
    inputs, _ = as_network(config, data.validation)
    assert losses.terms["kl"] == pytest.approx(kl(*_predict(networks.firmware, inputs)).mean(), rel=1e-5)
    assert losses.total == pytest.approx(0.7 * losses.terms["reconstruction"] + 0.3 * losses.terms["kl"], rel=1e-12)


def test_vae_samples_from_the_posterior(make_config):
    """With a decoder that copies one latent value, E[(x - z)^2] = (x - mu)^2 + sigma^2 is known."""
    config = make_config("dense_vae", model={"latent": 1, "encoder": [], "decoder": []})
    networks = build_float_networks(config)
    networks.firmware.get_layer("mu").set_weights([np.zeros((57, 1)), np.array([0.5])])
    networks.firmware.get_layer("log_var").set_weights([np.zeros((57, 1)), np.array([np.log(0.49)])])
    networks.auxiliary["decoder"].get_layer("out").set_weights([np.eye(1, 57), np.zeros(57)])
    count = 2 * VALIDATION_BATCH + 100
    hardware = np.zeros((count, 57), np.int16)
    hardware[:, [0, 2]] = 2 << 6, 72  # missing energy of 2.0 in network units; its phi of 0 is what the decoder says
    losses = Trainer(config, networks, TrainingData(hardware, hardware, ""), "float").validate()
    # the variance of (1.5 - 0.7 n)^2 is 4 x 2.25 x 0.49 + 2 x 0.49^2
    assert losses.terms["reconstruction"] == pytest.approx(1.5**2 + 0.49, abs=5 * np.sqrt((4 * 2.25 * 0.49 + 2 * 0.49**2) / count))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", slow(["dense_ae", "dense_vae"], ("dense_vae",)))
def test_an_epoch_depends_on_nothing_but_seed_phase_and_number(make_config, architecture):
    config = make_config(architecture)
    data = load_training_data(config)

    def weights(epoch: int, phase: str = "float", seed: int = 1) -> bytes:
        networks = build_float_networks(config)
        Trainer(config.model_copy(update={"seed": seed}), networks, data, phase).train(epoch, 1e-3)
        return b"".join(np.asarray(variable).tobytes() for variable in networks.variables)

    reference = weights(1)
    keras.utils.set_random_seed(77)
    assert weights(1) == reference
    assert len({reference, weights(2), weights(1, "quantized"), weights(1, seed=2)}) == 4


def test_inputs_without_information_do_not_train_their_outputs(make_config):
    config = make_config(model={"encoder": [], "decoder": []})
    data = load_training_data(config)
    hardware = data.training.copy()
    hardware[:, 6:9] = 0  # no second electron
    networks = build_float_networks(config)
    before = networks.firmware.get_layer("out").get_weights()[0]
    Trainer(config, networks, TrainingData(hardware, data.validation, ""), "float").train(1, 1e-2)
    changed = (networks.firmware.get_layer("out").get_weights()[0] != before).all(axis=0)
    assert not changed[[1, 6, 7, 8]].any()  # 1: missing energy has no eta
    assert changed[[0, 2, 3, 4, 5]].all()


def test_learning_rate_of_zero_changes_no_weight(make_config):
    config = make_config(model={"batch_norm": False})
    networks = build_float_networks(config)
    before = [np.array(variable) for variable in networks.variables]
    Trainer(config, networks, load_training_data(config), "float").train(1, 0.0)
    assert all(np.array_equal(a, b) for a, b in zip(before, networks.variables, strict=True))


@pytest.mark.exhaustive
@pytest.mark.slow
def test_timing_has_no_influence_at_full_size(make_config):
    """The first steps of a freshly compiled network run at another pace than later ones; the weights must not tell."""
    config = make_config("dense_vae", batch_size=1024, model={"encoder": [32, 16], "latent": 3, "decoder": [16, 32]})
    rng = np.random.default_rng(8)
    low, high = config.inputs.spec().code_range
    hardware = rng.integers(low, high + 1, (135_000, 57)).astype(np.int16)
    data = TrainingData(hardware, hardware[:100], "")

    def weights() -> bytes:
        networks = build_float_networks(config)
        Trainer(config, networks, data, "float").train(1, 3e-3)
        return b"".join(variable.numpy().tobytes() for variable in networks.variables)

    assert len({weights() for _ in range(4)}) == 1
