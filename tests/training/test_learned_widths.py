"""Training with learned widths: interrupted and resumed, copied from the float network, and pushed by the resources."""

import numpy as np
import pytest

from l1ae.models import build_float_networks, effective_bit_operations, fold_batch_norm
from l1ae.training import load_trained, train
from l1ae.training._train import _copy_weights

SETTINGS = {
    "learned_widths": {"resource_weight": 1e-5},
    "float_phase": {"epochs": 1},
    "quantized_phase": {"epochs": 3, "learning_rate": 0.02},
}


class Stopped(Exception):
    pass


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".npz", ".json"}}


def _stop_after(epoch):
    def progress(report):
        if (report.phase, report.epoch) == ("quantized", epoch):
            raise Stopped

    return progress


def test_resumed_training_is_bit_identical_and_its_weights_lie_on_their_grids(make_config, tmp_path):
    config = make_config(**SETTINGS)
    train(config, tmp_path / "straight")
    with pytest.raises(Stopped):
        train(config, tmp_path / "resumed", progress=_stop_after(2))
    train(config, tmp_path / "resumed", resume=True)
    assert _files(tmp_path / "resumed") == _files(tmp_path / "straight")
    models = [load_trained(config, tmp_path / name).quantized_model for name in ("straight", "resumed")]
    for first, second in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(first, second)
    for layer in models[0].layers:
        if hasattr(layer, "quantized_kernel"):
            np.testing.assert_array_equal(layer.kernel, layer.quantized_kernel())
            fraction = np.asarray(layer.kernel_fraction)
            np.testing.assert_array_equal(fraction, np.round(fraction))
            assert len(np.unique(fraction)) > 1, "every weight has a width of its own"


def test_a_larger_weight_of_the_resources_leaves_fewer_bit_operations(make_config, tmp_path):
    operations = []
    for weight in (0.0, 1e-2):
        config = make_config(**SETTINGS | {"learned_widths": {"resource_weight": weight}})
        train(config, tmp_path / str(weight))
        operations.append(float(effective_bit_operations(config, load_trained(config, tmp_path / str(weight)).quantized_model)))
    assert operations[1] < 0.8 * operations[0]


def test_widths_start_as_configured_and_weights_as_the_float_network_left_them(make_config):
    config = make_config(**SETTINGS)
    folded = fold_batch_norm(config, build_float_networks(config)).firmware
    from l1ae.models import build_quantized_model, calibrate, firmware_plan

    steps = firmware_plan(config)
    sizes = {step.name: 0.6 for step in steps}
    quantized = build_quantized_model(config, calibrate(config, sizes, sizes, {step.activation: 2.0 for step in steps}))
    for layer in folded.layers:
        _copy_weights(layer, quantized.get_layer(layer.name))
    for layer in folded.layers:
        if layer.weights:
            found = quantized.get_layer(layer.name)
            np.testing.assert_array_equal(found.kernel, layer.kernel)
            np.testing.assert_array_equal(found.bias, layer.bias)
            assert np.all(np.asarray(found.kernel_fraction) == 8)
