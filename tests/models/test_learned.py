"""Learned widths against the definition of rounding, a count of every product, and the expected loss of uniform weights."""

from fractions import Fraction
from math import log

import keras
import numpy as np
import pytest
import tensorflow as tf

from l1ae.inputs import FixedFormat, Overflow, Rounding
from l1ae.models import LearnedActivation, LearnedConv2D, LearnedDense, effective_bit_operations


def _dense(kernel, fraction, **options):
    layer = LearnedDense(kernel.shape[1], **{"initial_bits": 14, "bias_fraction": 6, **options})
    layer.build((None, kernel.shape[0]))
    layer.kernel.assign(kernel)
    layer.kernel_fraction.assign(fraction)
    return layer


def _rounded(value, fraction):
    """Nearest multiple of 2^-fraction, ties to even, in rational numbers: (code, value)."""
    unit = Fraction(2) ** -fraction
    code = round(Fraction(float(value)) / unit)
    return code, code * unit


def test_weights_are_exactly_on_their_own_grids():
    rng = np.random.default_rng(1)
    kernel = rng.normal(0, 1, (40, 30)).astype(np.float32)
    fraction = rng.integers(-4, 15, kernel.shape)
    kernel[0] = (rng.integers(-4, 4, 30) + 0.5) * 2.0 ** -fraction[0]
    layer = _dense(kernel, fraction + rng.uniform(-0.49, 0.49, kernel.shape))
    exact = np.vectorize(_rounded)(kernel, fraction)
    np.testing.assert_array_equal(np.asarray(layer.quantized_kernel(), np.float64), exact[1].astype(np.float64))
    np.testing.assert_array_equal(layer.kernel_bits(), [[abs(int(code)).bit_length() for code in row] for row in exact[0]])


def test_the_largest_weights_of_a_width_are_not_counted_a_bit_too_many():
    codes = np.array([[2**k - 1, 2**k, 2**k + 1, -(2**k), 0] for k in range(1, 16)])
    layer = _dense(codes / 2.0**14, np.full(codes.shape, 14))
    np.testing.assert_array_equal(layer.kernel_bits(), np.vectorize(lambda code: abs(int(code)).bit_length())(codes))


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("fraction", [-2, 0, 3, 6])
def test_activations_are_cast_as_the_contract_says(hidden, fraction):
    layer = LearnedActivation(hidden=hidden, bits=12, integer=3)
    layer.build((None, 1))
    layer.fraction.assign(fraction + 0.3)
    form = FixedFormat(not hidden, 3 + fraction + (not hidden), 3 + (not hidden), Rounding.RND_CONV, Overflow.SAT)
    values = np.concatenate([np.linspace(-20, 20, 2561), np.random.default_rng(2).normal(0, 6, 5000)]).astype(np.float32)
    expected = form.quantize(np.maximum(values, 0) if hidden else values) * form.lsb
    np.testing.assert_array_equal(np.asarray(layer(values[:, None]))[:, 0], expected)


def _loop(config, model):
    """EBOPs of a model, product by product, as its layers are connected; also the width of each element of a tensor."""
    form = config.inputs.spec().network
    widths = {model.input.name: np.full(config.inputs.spec().size, form.width - form.signed, float)}
    total = 0.0
    for layer in model.layers[1:]:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        sources = [widths[tensor.name].reshape(tensor.shape[1:]) for tensor in inputs]
        width = sources[0]
        if isinstance(layer, LearnedDense):
            bits = np.asarray(layer.kernel_bits())
            total += sum(bits[i, j] * width[i] for i in range(bits.shape[0]) for j in range(bits.shape[1]))
        elif isinstance(layer, LearnedConv2D):
            bits = np.asarray(layer.kernel_bits())
            outputs = layer.output.shape[1] * layer.output.shape[2]
            # all elements of an image have one width, that of zero padding included
            total += sum(outputs * bits[index] * width.flat[0] for index in np.ndindex(bits.shape))
        if isinstance(layer, LearnedDense | LearnedConv2D):
            result = np.full(layer.output.shape[1:], np.nan)
        elif isinstance(layer, LearnedActivation):
            result = np.full(layer.output.shape[1:], layer.integer + round(float(layer.fraction)), float)
        elif type(layer).__name__ == "Slice":
            result = width[layer.start : layer.stop]
        elif type(layer).__name__ == "SumPooling2D":
            result = np.full(layer.output.shape[1:], width.flat[0] + np.ceil(np.log2(np.prod(layer.pool_size))))
        else:
            result = np.concatenate([source.ravel() for source in sources])
        widths[layer.output.name] = result
    return total


@pytest.mark.parametrize("architecture", ["dense_ae", "dense_vae", "set_ae", "conv_ae"])
def test_bit_operations_are_those_of_every_product(make_learned, architecture):
    config, model = make_learned(architecture)
    assert float(effective_bit_operations(config, model)) == pytest.approx(_loop(config, model), rel=1e-6)


def test_the_gradient_of_a_width_is_that_of_the_expected_error():
    """A weight uniform in its cell has E[(q - w)^2] / 2 = 2^-2f / 24, whose derivative is -ln 2 2^-2f / 12."""
    weights = np.random.default_rng(3).uniform(-4, 4, (400, 500)).astype(np.float32)
    for fraction in (1, 3):
        layer = _dense(weights, np.full(weights.shape, fraction))
        with tf.GradientTape() as tape:
            error = 0.5 * tf.reduce_sum(tf.square(layer.quantized_kernel() - weights))
        gradient = np.asarray(tape.gradient(error, layer.kernel_fraction.value))
        assert gradient.mean() == pytest.approx(-log(2) * 4.0**-fraction / 12, rel=0.02)
        difference = weights - np.asarray(layer.quantized_kernel())
        np.testing.assert_allclose(gradient, -log(2) * difference**2, rtol=1e-4, atol=1e-9)


def test_the_gradient_of_the_resources_counts_what_a_bit_more_would_cost(make_learned):
    config, model = make_learned("dense_ae")
    layer, activation = model.get_layer("enc1"), model.get_layer("enc1_relu")
    for found in model.layers:
        if hasattr(found, "snap"):
            found.snap()
    with tf.GradientTape() as tape:
        before = effective_bit_operations(config, model)
    kernel, width = tape.gradient(before, [layer.kernel_fraction.value, activation.fraction.value])
    used = np.asarray(layer.kernel_bits()) > 0
    np.testing.assert_array_equal(np.asarray(kernel), used * np.asarray(model.get_layer("enc0_relu").width()))
    activation.fraction.assign(activation.fraction + 1)
    assert float(effective_bit_operations(config, model) - before) == pytest.approx(float(width), rel=1e-5)
    layer.kernel_fraction.assign(np.where(used, layer.kernel_fraction - 1, layer.kernel_fraction))
    assert float(np.asarray(layer.kernel_bits()).sum()) < used.sum() * 15


def _trained_bits(resources, error, steps=150):
    """Mean width of a linear layer's weights after training with weights on its resources and on its error."""
    rng = np.random.default_rng(4)
    truth = rng.normal(0, 0.5, (8, 6)).astype(np.float32)
    layer = _dense(truth, np.full(truth.shape, 8.0), initial_bits=8)
    inputs = rng.normal(0, 1, (256, 8)).astype(np.float32)
    optimizer = keras.optimizers.Adam(0.1)
    variables = [variable.value for variable in layer.trainable_variables]
    optimizer.build(layer.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = resources * tf.reduce_sum(layer.kernel_bits()) + error * tf.reduce_mean(tf.square(layer(inputs) - inputs @ truth))
        optimizer.apply(tape.gradient(loss, variables), layer.trainable_variables)

    for _ in range(steps):
        step()
    assert np.asarray(layer.kernel_fraction).min() >= -4
    assert np.asarray(layer.kernel_fraction).max() <= 8
    return float(np.asarray(layer.kernel_bits()).mean())


def test_resources_drive_widths_down_and_the_error_holds_them():
    alone, balanced, accurate = _trained_bits(1e-3, 0.0), _trained_bits(1e-3, 1.0), _trained_bits(1e-3, 1e5)
    assert alone == 0.0
    assert 1.0 < balanced < accurate - 1.0
    assert accurate > 5.5


def test_snapping_changes_nothing_and_can_be_repeated(make_learned):
    _, model = make_learned("conv_ae")
    inputs = np.random.default_rng(5).normal(0, 4, (100, 57)).astype(np.float32)
    expected = np.asarray(model(inputs))
    for _ in range(2):
        for layer in model.layers:
            if hasattr(layer, "snap"):
                layer.snap()
        np.testing.assert_array_equal(model(inputs), expected)


@pytest.mark.parametrize("architecture", ["dense_ae", "conv_ae"])
def test_a_saved_model_is_the_same(make_learned, architecture, tmp_path):
    _, model = make_learned(architecture)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    inputs = np.random.default_rng(6).normal(0, 4, (100, 57)).astype(np.float32)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert [variable.shape for variable in loaded.trainable_variables] == [variable.shape for variable in model.trainable_variables]
