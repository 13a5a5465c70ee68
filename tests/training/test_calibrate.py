import keras
import numpy as np
import pytest

from l1ae.config import Config
from l1ae.models import build_float_model
from l1ae.training._calibrate import calibrate_on
from l1ae.training._data import load_training_data


def _largest(outputs: np.ndarray, quantile: float) -> float:
    return float(np.quantile(np.abs(outputs).max(axis=1), quantile))


def test_ranges_hold_the_wanted_fraction_of_events_and_no_smaller_ones_do(make_config, as_network):
    """The first hidden layer and the output of a network without further layers, computed here by hand."""
    for quantile in (0.5, 1.0):
        config = make_config(model={"encoder": [8], "decoder": []}, hidden_quantile=quantile, output_quantile=quantile)
        hardware = load_training_data(config).training
        inputs, _ = as_network(config, hardware)
        model = build_float_model(config, folded=True)
        kernel, bias = model.get_layer("enc0").get_weights()
        kernel *= 3
        model.get_layer("enc0").set_weights([kernel, bias])
        calibration = calibrate_on(config, model, hardware)
        hidden = _largest(np.maximum(inputs @ kernel + bias, 0), quantile)
        integer = calibration.activations["enc0_relu"]
        assert 2.0 ** (integer - 1) < hidden <= 2.0**integer * (1 - 2.0**-9)
        latent = np.maximum(inputs @ kernel + bias, 0) @ model.get_layer("latent").get_weights()[0]
        integer = calibration.activations["latent_q"]
        assert 2.0 ** (integer - 1) * (1 - 2.0**-9) < _largest(latent, quantile) <= 2.0**integer
        assert calibration.weights["enc0"].kernel_integer == np.ceil(np.log2(np.abs(kernel).max() * 128 / 127.5))


@pytest.mark.parametrize(("architecture", "name"), [("latent_ae", "features"), ("dense_ae", "latent")])
def test_what_the_score_reads_is_calibrated_as_an_output_even_after_a_relu(make_config, architecture, name):
    """A ReLU that the score reads saturates as rarely as a linear output does; hidden layers do so more often."""
    relu = {"latent_activation": "relu"} if architecture == "dense_ae" else {}
    training = {"noise": {"masking": 0.1}} if architecture == "latent_ae" else {}
    score = {"score": "latent_error" if architecture == "latent_ae" else "squared_error"}
    config = make_config(architecture, model=relu | score, hidden_quantile=0.05, output_quantile=1.0, **training)
    hardware = load_training_data(config).training
    model = build_float_model(config, folded=True)
    codes = keras.Model(model.input, model.get_layer(f"{name}_relu").output)(
        config.inputs.spec().to_network_float(hardware.reshape(-1, 57))
    )
    integer = calibrate_on(config, model, hardware).activations[f"{name}_relu"]
    assert float(np.max(codes)) <= 2.0**integer


def test_a_score_that_is_an_output_has_room_above_the_training_events(make_config):
    model = {"architecture": "student", "score": "output", "convolutions": [{"filters": 2}], "encoder": [8]}
    config = Config.model_validate(make_config().model_dump() | {"model": model})
    hardware = load_training_data(config).training
    network = build_float_model(config, folded=True)
    largest = float(np.max(network(config.inputs.spec().to_network_float(hardware.reshape(-1, 57)))))
    integer = calibrate_on(config, network, hardware).activations["output_relu"]
    assert 2.0**integer >= 1.9 * largest
