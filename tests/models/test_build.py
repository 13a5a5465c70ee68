import keras
import numpy as np
import pytest
from qkeras import QActivation, QDense

from l1ae.config import Config
from l1ae.inputs import FixedFormat, InputSpec, named_layout
from l1ae.models import (
    Calibration,
    build_float_model,
    build_float_networks,
    build_quantized_model,
    build_quantized_networks,
    calibrate,
    firmware_plan,
    fold_batch_norm,
)

RNG = np.random.default_rng(11)
ARCHITECTURES = ["dense_ae", "dense_vae"]
HIDDEN = ["inputs", "enc0", "enc0_relu", "enc1", "enc1_relu"]
FIRMWARE_LAYERS = {
    "dense_ae": [*HIDDEN, "latent", "latent_q", "dec0", "dec0_relu", "dec1", "dec1_relu", "out", "out_q"],
    "dense_vae": [*HIDDEN, "mu", "log_var", "mu_q", "log_var_q"],
}


def _config(architecture: str, *, seed: int = 1, **model: object) -> Config:
    score = "squared_error" if architecture == "dense_ae" else "kl"
    return Config.model_validate({"name": "m", "seed": seed, "model": {"architecture": architecture, "score": score, **model}})


def _calibration(config: Config, activation: float = 2.0) -> Calibration:
    plan = firmware_plan(config)
    return calibrate(
        config, {step.name: 0.6 for step in plan}, {step.name: 0.3 for step in plan}, {step.activation: activation for step in plan}
    )


def _outputs(model: keras.Model, inputs: np.ndarray) -> list[np.ndarray]:
    outputs = model(inputs)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layer_names_and_shapes_are_the_agreed_ones(architecture):
    config = _config(architecture)
    model = build_quantized_model(config, _calibration(config))
    assert [layer.name for layer in model.layers] == FIRMWARE_LAYERS[architecture]
    assert model.input_shape == (None, 57)
    assert model.output_shape == ((None, 57) if architecture == "dense_ae" else [(None, 3), (None, 3)])


def test_dense_sizes_follow_the_configuration():
    model = build_float_model(_config("dense_ae", encoder=(9, 8, 7), latent=2, decoder=(6,)))
    sizes = {layer.name: layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)}
    assert sizes == {"enc0": 9, "enc1": 8, "enc2": 7, "latent": 2, "dec0": 6, "out": 57}


def test_a_network_may_have_no_hidden_layers():
    assert [layer.name for layer in build_float_model(_config("dense_ae", encoder=(), decoder=())).layers] == ["inputs", "latent", "out"]


def test_only_the_variational_autoencoder_has_a_separate_decoder():
    assert build_float_networks(_config("dense_ae")).auxiliary == {}
    [(name, decoder)] = build_float_networks(_config("dense_vae")).auxiliary.items()
    assert name == "decoder"
    assert (decoder.input_shape, decoder.output_shape) == ((None, 3), (None, 57))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_initial_weights_depend_on_the_seed_alone(architecture):
    first = build_float_networks(_config(architecture)).variables
    keras.utils.set_random_seed(99)
    second = build_float_networks(_config(architecture)).variables
    other = build_float_networks(_config(architecture, seed=2)).variables
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_layers_of_equal_shape_start_differently():
    model = build_float_model(_config("dense_vae"))
    assert not np.array_equal(model.get_layer("mu").kernel, model.get_layer("log_var").kernel)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_quantizer_is_explicit(architecture):
    output = {"output_bits": 11} if architecture == "dense_ae" else {}
    config = _config(architecture, weight_bits=7, activation_bits=6, latent_bits=9, **output)
    model = build_quantized_model(config, _calibration(config))
    dense = [layer for layer in model.layers if isinstance(layer, QDense)]
    activations = {layer.name: layer.activation for layer in model.layers if isinstance(layer, QActivation)}
    assert len(dense) == len(activations) == len(firmware_plan(config))
    weights = [quantizer for layer in dense for quantizer in layer.get_quantizers()]
    linear = [quantizer for name, quantizer in activations.items() if name.endswith("_q")]
    for quantizer in weights + linear:
        assert (quantizer.alpha, quantizer.symmetric, quantizer.keep_negative) == (1, 0, True)
    for quantizer in [*weights, *activations.values()]:
        assert not quantizer.use_stochastic_rounding
    assert {layer.kernel_quantizer_internal.bits for layer in dense} == {7}
    expected = {"relu": 6, "latent_q": 9, "mu_q": 9, "log_var_q": 9, "out_q": 11}
    assert all(quantizer.bits == expected.get(name, expected["relu"]) for name, quantizer in activations.items())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_folding_batch_norm_changes_no_output(architecture):
    config = _config(architecture)
    networks = build_float_networks(config)
    for model in networks.models:
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                size = layer.gamma.shape[0]
                layer.set_weights([RNG.normal(1, 0.5, size), RNG.normal(size=size), RNG.normal(size=size), RNG.uniform(0.1, 4, size)])
    folded = fold_batch_norm(config, networks)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for model in folded.models for layer in model.layers)
    for before, after in zip(networks.models, folded.models, strict=True):
        inputs = RNG.normal(size=(200, before.input_shape[1])).astype(np.float32)
        for expected, found in zip(_outputs(before, inputs), _outputs(after, inputs), strict=True):
            np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_without_batch_norm_folding_copies():
    config = _config("dense_ae", batch_norm=False)
    networks = build_float_networks(config)
    folded = fold_batch_norm(config, networks)
    assert all(np.array_equal(a, b) for a, b in zip(networks.variables, folded.variables, strict=True))


def _events(count: int) -> np.ndarray:
    """Network inputs of random events: filled and empty slots, every code possible."""
    spec = InputSpec.of(named_layout("ugt"))
    low, high = spec.code_range
    hardware = RNG.integers(low, high + 1, (count, spec.size)).astype(np.int16).reshape(count, 19, 3)
    hardware[RNG.random((count, 19)) < 0.5] = 0
    hardware = hardware.reshape(count, 57)
    return spec.to_network(hardware)


def _codes(values: np.ndarray, bits: int, integer: int) -> np.ndarray:
    """Two's complement codes of float weights, rounded half to even and saturated."""
    scaled = np.rint(values.astype(np.float64) * 2.0 ** (bits - 1 - integer))
    return np.clip(scaled, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int64)


class _IntegerModel:
    """An int64 evaluation of a firmware graph that shares no code with QKeras; counts ties and saturations."""

    def __init__(self, config: Config, calibration: Calibration, model: keras.Model) -> None:
        self.config, self.calibration, self.model = config, calibration, model
        self.ties = self.saturated = self.largest = 0

    def __call__(self, codes: np.ndarray) -> list[np.ndarray]:
        plan = firmware_plan(self.config)
        tensors = {"inputs": (codes, self.config.inputs.spec().network.fraction)}
        for step in plan:
            tensors[step.name] = self._step(step, *tensors[step.sources[0]])
        names = ["out"] if self.config.model.architecture == "dense_ae" else ["mu", "log_var"]
        return [tensors[name][0] * 2.0 ** -tensors[name][1] for name in names]

    def _step(self, step, codes, fraction):
        bits = self.calibration.weights[step.name]
        kernel, bias = self.model.get_layer(step.name).get_weights()
        kernel_codes = _codes(kernel, bits.kernel_bits, bits.kernel_integer)
        bias_codes = _codes(bias, bits.bias_bits, bits.bias_integer)
        product = fraction + bits.kernel_bits - 1 - bits.kernel_integer
        lift = product - (bits.bias_bits - 1 - bits.bias_integer)
        assert lift >= 0, "a bias finer than the products would widen the accumulator"
        accumulator = codes @ kernel_codes + (bias_codes << lift)
        self.largest = max(self.largest, int((np.abs(codes) @ np.abs(kernel_codes) + np.abs(bias_codes << lift)).max()))
        integer = self.calibration.activations[step.activation]
        result = FixedFormat.parse(f"{'u' if step.hidden else ''}fixed<{step.bits},{integer + (not step.hidden)},RND_CONV,SAT>")
        drop = product - result.fraction
        assert drop > 0
        self.ties += int(((accumulator & ((1 << drop) - 1)) == 1 << (drop - 1)).sum())
        self.saturated += int((accumulator > (result.high << drop)).sum())
        return result.cast(accumulator, product), result.fraction


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("range_", [1.5, 6.0])
def test_quantized_model_equals_int64_arithmetic(architecture, range_):
    config = _config(architecture)
    calibration = _calibration(config, range_)
    model = build_quantized_model(config, calibration)
    for layer in model.layers:
        if isinstance(layer, QDense):
            shape = layer.kernel.shape
            layer.set_weights([RNG.normal(0, 0.25, shape), RNG.normal(0, 0.2, shape[1])])
    codes = _events(3000)
    integer_model = _IntegerModel(config, calibration, model)
    expected = integer_model(codes)
    inputs = (codes * config.inputs.spec().network.lsb).astype(np.float32)
    for want, found in zip(expected, _outputs(model, inputs), strict=True):
        np.testing.assert_array_equal(found.astype(np.float64), want)
    # the comparison means something only where rounding and saturation were at work, and float32 was exact
    assert min(integer_model.ties, integer_model.saturated) > 50
    assert integer_model.largest < 2**24


def test_quantized_networks_leave_the_decoder_of_a_vae_in_floating_point():
    config = _config("dense_vae")
    networks = build_quantized_networks(config, _calibration(config))
    assert {type(layer) for layer in networks.auxiliary["decoder"].layers} == {
        keras.layers.InputLayer,
        keras.layers.Dense,
        keras.layers.ReLU,
    }
