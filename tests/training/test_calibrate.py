import numpy as np

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
