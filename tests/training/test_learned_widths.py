"""Training with learned widths: interrupted and resumed, copied from the float network, and pushed by the resources."""

import csv

import numpy as np
import pytest

from l1ae.models import build_float_networks, build_quantized_model, calibrate, effective_bit_operations, firmware_plan, fold_batch_norm
from l1ae.training import load_trained, train
from l1ae.training._train import copy_weights

SETTINGS = {
    "learned_widths": {"resource_weight": 1e-2},
    "float_phase": {"epochs": 1},
    "quantized_phase": {"epochs": 2, "learning_rate": 0.1},
}


class _StoppedError(Exception):
    pass


def _stop_after(epoch):
    def progress(report):
        if (report.phase, report.epoch) == ("quantized", epoch):
            raise _StoppedError

    return progress


@pytest.mark.slow
def test_training_needs_fewer_bit_operations_and_can_be_resumed(make_config, tmp_path):
    config = make_config(**SETTINGS)
    train(config, tmp_path / "straight")
    with pytest.raises(_StoppedError):
        train(config, tmp_path / "resumed", progress=_stop_after(1))
    train(config, tmp_path / "resumed", resume=True)
    for name in ("history.csv", "calibration.json"):
        assert (tmp_path / "resumed" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    models = [load_trained(config, tmp_path / name).quantized_model for name in ("straight", "resumed")]
    for first, second in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(first, second)
    for layer in models[0].layers:
        if hasattr(layer, "quantized_kernel"):
            np.testing.assert_array_equal(layer.kernel, layer.quantized_kernel())
            fraction = np.asarray(layer.kernel_fraction)
            np.testing.assert_array_equal(fraction, np.round(fraction))
            assert fraction.min() < 8, "the resources outweigh everything else"
    with (tmp_path / "straight" / "history.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["phase"] == "quantized"]
    operations = [float(row["validation_resources"]) for row in rows]
    assert operations[-1] < 0.8 * operations[0]
    assert float(effective_bit_operations(config, models[0])) in operations


def test_widths_start_as_configured_and_weights_as_the_float_network_left_them(make_config):
    config = make_config(**SETTINGS)
    folded = fold_batch_norm(config, build_float_networks(config)).firmware
    steps = firmware_plan(config)
    sizes = {step.name: 0.6 for step in steps}
    quantized = build_quantized_model(config, calibrate(config, sizes, sizes, {step.activation: 2.0 for step in steps}))
    for layer in folded.layers:
        copy_weights(layer, quantized.get_layer(layer.name))
    for layer in folded.layers:
        if layer.weights:
            found = quantized.get_layer(layer.name)
            np.testing.assert_array_equal(found.kernel, layer.kernel)
            np.testing.assert_array_equal(found.bias, layer.bias)
            assert np.all(np.asarray(found.kernel_fraction) == 8)
