"""Contracts of networks with learned widths."""

import keras
import numpy as np
import pytest

from l1ae.contract import Convolution, Dense, Quantize, Relu, build_contract
from l1ae.contract._quantizers import finest_codes
from l1ae.inputs import FixedFormat


@pytest.mark.parametrize("architecture", ["dense_ae", "dense_vae", "set_ae", "conv_ae"])
def test_every_tensor_equals_the_keras_model(make_learned, hardware, architecture):
    config, model = make_learned(architecture)
    contract = build_contract(config, model)
    layers = [
        layer
        for layer in model.layers
        if type(layer).__name__ in {"LearnedDense", "LearnedConv2D", "LearnedActivation", "SumPooling2D", "Concatenate"}
    ]
    names = [layer.name for layer in layers]
    inputs = config.inputs.spec().to_network_float(hardware)
    codes = contract.evaluate(hardware, names)
    formats = {operation.name: operation.format for operation in contract.operations}
    outputs = keras.Model(model.input, [layer.output for layer in layers])(inputs)
    for name, output in zip(names, outputs, strict=True):
        found = np.asarray(output, np.float64).reshape(len(hardware), -1)
        np.testing.assert_array_equal(codes[name] * formats[name].lsb, found, err_msg=name)
        assert len(np.unique(found)) > 2, "a tensor without content would hide an error"


def test_formats_are_the_narrowest_that_hold_the_weights(make_learned):
    config, model = make_learned("dense_ae")
    contract = build_contract(config, model)
    for operation in contract.operations:
        if isinstance(operation, Dense | Convolution):
            assert (operation.weights % 2 != 0).any(), "some weight uses the last bit"
            low, high = operation.weight_format.low, operation.weight_format.high
            assert operation.weights.min() >= low
            assert operation.weights.max() <= high
            assert operation.weights.max() > high // 2 or operation.weights.min() < low // 2
        if isinstance(operation, Relu | Quantize) and operation.name.endswith(("_relu", "_q")):
            layer = model.get_layer(operation.name)
            assert operation.format.width - operation.format.signed == int(layer.width())
            assert operation.format.signed is not layer.hidden


def test_a_layer_whose_weights_all_vanished_adds_its_bias(make_learned, hardware):
    config, model = make_learned("dense_ae")
    layer = model.get_layer("latent")
    layer.kernel.assign(layer.kernel * 0)
    contract = build_contract(config, model)
    latent = next(operation for operation in contract.operations if operation.name == "latent")
    codes = contract.evaluate(hardware[:10], ["latent"])["latent"]
    np.testing.assert_array_equal(codes * latent.format.lsb, np.tile(np.asarray(layer.quantized_bias(), np.float64), (10, 1)))


def test_codes_and_format_of_weights_on_different_grids():
    codes, form = finest_codes(np.array([[0.75, -2.0], [0.0, 0.0625]]), "kernel")
    assert codes.tolist() == [[12, -32], [0, 1]]
    assert form == FixedFormat(True, 6, 2)
    assert finest_codes(np.array([8.0, 24.0]), "kernel")[0].tolist() == [1, 3]
    assert finest_codes(np.zeros(2), "kernel")[1] == FixedFormat(True, 1, 1)
