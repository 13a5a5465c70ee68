"""What cannot be exact is refused, with the layer's name and the remedy; what can be is, to the last bit."""

import inspect
import re
from functools import cache

import keras
import numpy as np
import pytest
import qkeras
from qkeras import QActivation, QConv1D, QConv2D, QDense, quantized_bits, quantized_relu
from qkeras.base_quantizer import BaseQuantizer

from l1ae.config import Config
from l1ae.contract import build_contract
from l1ae.contract._from_keras import _HANDLERS
from l1ae.errors import UserError
from l1ae.models import Slice, SumPooling2D

L = keras.layers


def _config(score="mu2", architecture="dense_vae", **sections):
    training = {"noise": {"masking": 0.1}} if architecture == "latent_ae" else {}
    model = {"architecture": architecture, "score": score}
    return Config.model_validate({"name": "tiny", "model": model, "training": training} | sections)


CONFIG = _config()
AUTOENCODER = _config("squared_error", "dense_ae")


def _eight(integer=0):
    return quantized_bits(8, integer, alpha=1)


def _dense(units=3, kernel="eight", bias="eight", **options):
    kernel, bias = (_eight() if quantizer == "eight" else quantizer for quantizer in (kernel, bias))
    return QDense(units, kernel_quantizer=kernel, bias_quantizer=bias, **options)


def _cast(name="mu_q"):
    return QActivation(quantized_bits(10, 4, alpha=1), name=name)


def _model(*layers, shape=(57,)):
    """Layers one after the other, and an output that the score of CONFIG can read."""
    inputs = x = L.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, _cast()(L.Flatten()(x)))


def _refusal(model, config=CONFIG):
    with pytest.raises(UserError) as error:
        build_contract(config, model)
    return str(error.value)


# -- the walk over everything that Keras and QKeras export -----------------------------------------------------------

SUPPORTED = {
    *("InputLayer", "QDense", "QConv1D", "QConv2D", "QActivation", "Flatten", "Reshape", "Dropout", "GaussianNoise", "Permute"),
    *("ZeroPadding1D", "ZeroPadding2D", "UpSampling1D", "UpSampling2D", "MaxPooling1D", "MaxPooling2D", "SumPooling2D", "Slice"),
    *("Concatenate", "Add", "Subtract", "Multiply", "LearnedDense", "LearnedConv2D", "LearnedActivation"),
}

# arguments by parameter, for layers that have some without default
ARGUMENTS = {
    "units": 3,
    "filters": 2,
    "kernel_size": 2,
    "rate": 0.5,
    "output_size": 1,
    "n": 2,
    "num_heads": 2,
    "head_dim": 2,
    "num_query_heads": 2,
    "num_key_value_heads": 2,
    "key_dim": 2,
    "value_range": (0, 1),
    "input_dim": 4,
    "output_dim": 2,
    "output_shape": 3,
    "equation": "ab,bc->ac",
    "scale": 2.0,
    "factor": 0.1,
    "height": 2,
    "width": 2,
    "height_factor": 0.1,
    "num_bins": 3,
    "num_tokens": 3,
    "bin_boundaries": [0.0],
    "dims": (1,),
    "target_shape": (57,),
    "function": lambda x: x,
    "activation": "relu",
    "pool_size": 2,
    "axes": 1,
}
OF_TWO = {"Dot", "Attention", "AdditiveAttention", "Average", "Maximum", "Minimum", "MultiHeadAttention", "GroupQueryAttention"}


def _classes(module):
    found = {value for _, value in inspect.getmembers(module, inspect.isclass) if issubclass(value, keras.layers.Layer)}
    return sorted(found, key=lambda cls: cls.__name__)


WALK = sorted({*_classes(keras.layers), *_classes(qkeras)} - {keras.Model}, key=lambda cls: cls.__name__)
REFUSED = [cls for cls in WALK if cls.__name__ not in SUPPORTED]


@cache
def _in_a_model(cls):
    """A model with such a layer named "bad", whichever rank of input it wants; None when there is no simple one."""
    needed = [
        p.name for p in inspect.signature(cls.__init__).parameters.values() if p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD
    ]
    try:
        if "layer" in needed or cls is L.RNN:
            inner = {"Bidirectional": L.LSTM(3), "TimeDistributed": L.Dense(2), "QBidirectional": qkeras.QLSTM(3)}
            layer = cls(L.SimpleRNNCell(3) if cls is L.RNN else inner.get(cls.__name__, L.Dense(2)), name="bad")
        else:
            layer = cls(**{name: ARGUMENTS[name] for name in needed if name not in {"self", "args", "kwargs"}}, name="bad")
    except (KeyError, TypeError, ValueError, ImportError):
        return None
    for shape in ((57,), (19, 3), (19, 3, 1), (3, 19, 1, 1), (3, 1, 19, 1, 1)):
        inputs = L.Input(shape)
        try:
            outputs = layer([inputs, inputs] if cls.__name__ in OF_TWO else inputs)
            model = keras.Model(inputs, outputs) if isinstance(outputs, keras.KerasTensor) else None
        except (ValueError, TypeError, AttributeError, IndexError, NotImplementedError, AssertionError):
            continue
        if model is not None:
            return model
    return None


def _alone(cls):
    """A model with a layer of the class that was never initialised: only its class and name can be looked at."""
    model = _model(L.Dropout(0.1, name="bad"))
    layer = model.get_layer("bad")
    object.__setattr__(layer, "__class__", type(cls.__name__, (L.Dropout,), {"__module__": cls.__module__}))
    return model


def _snake(cls):
    return keras.src.utils.naming.to_snake_case(cls.__name__)


# QKeras reads quantizers that are given as text with a deprecated function of pyparsing
@pytest.mark.filterwarnings("ignore:.* deprecated - use:DeprecationWarning")
@pytest.mark.parametrize("cls", REFUSED, ids=lambda cls: cls.__name__)
def test_every_other_layer_is_refused_with_its_name_and_a_remedy(cls):
    models = [model for model in (_in_a_model(cls), _alone(cls)) if model is not None]
    for model in models:
        name, _, remedy = _refusal(model).partition(f": {cls.__name__} is not supported; ")
        # some recurrent layers of QKeras ignore the name that they are given
        assert re.fullmatch(rf"layer '(bad|{_snake(cls)}(_\d+)?)'", name)
        assert len(remedy) > 15


@pytest.mark.filterwarnings("ignore:.* deprecated - use:DeprecationWarning")
def test_the_walk_meets_what_it_should():
    """Most layers are refused in a real model; the others cannot be part of one without files or other packages."""
    assert {cls.__name__ for cls in WALK} >= SUPPORTED - {"SumPooling2D", "Slice", "LearnedDense", "LearnedConv2D", "LearnedActivation"}
    assert set(_HANDLERS) == SUPPORTED | {"TableDense"}
    assert len(REFUSED) > 130
    assert sum(_in_a_model(cls) is not None for cls in REFUSED) > 75


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("BatchNormalization", "fold it before quantization"),
        ("QBatchNormalization", "fold it before quantization"),
        ("Dense", "use QDense"),
        ("Conv2D", "use QConv1D or QConv2D"),
        ("LeakyReLU", "use QActivation with quantized_relu(bits, integer)"),
        ("Activation", "use QActivation with quantized_relu(bits, integer)"),
        ("Lambda", "firmware cannot know what a Python function does"),
        ("AveragePooling2D", "use l1ae.models.SumPooling2D"),
        ("QDenseBatchnorm", "fold the normalisation and use QDense"),
        ("Identity", "remove it"),
        ("LSTM", "use InputLayer, QDense, QConv1D, QConv2D, QActivation"),
    ],
)
def test_the_remedy_is_the_one_for_the_layer(name, remedy):
    assert remedy in _refusal(_alone(getattr(L, name, None) or getattr(qkeras, name)))


def test_names_of_supported_layers_do_not_let_other_classes_pass():
    own = type("QDense", (QDense,), {"__module__": "users_package"})
    model = _model(own(3, kernel_quantizer=_eight(), bias_quantizer=_eight(), name="bad"))
    assert _refusal(model).startswith("layer 'bad': QDense is not supported, its code, of 'users_package', is not part of the model; if it")


@pytest.mark.parametrize(
    ("operate", "kind"),
    [
        (lambda x: x + x, "Add"),
        (lambda x: x + 1.0, "Add"),
        (lambda x: x * 2.0, "Multiply"),
        (lambda x: x - x, "Subtract"),
        (lambda x: x[:, 3:5], "GetItem"),
        (lambda x: keras.ops.slice(x, [0, 0], [1, 3]), "Slice"),
        (lambda x: keras.ops.reshape(x, (-1, 57)), "Reshape"),
        (lambda x: keras.ops.concatenate([x, x], axis=1), "Concatenate"),
        (keras.ops.relu, "Relu"),
    ],
)
def test_operations_on_tensors_are_refused_even_with_the_name_of_a_layer(operate, kind):
    assert f"the operation {kind} is not supported; use a layer" in _refusal(_model(operate))


# -- quantizers ------------------------------------------------------------------------------------------------------

PER_CHANNEL = np.array([1.0, 2.0, 1.0])

NO_SCALE = "which changes with the data or is no power of two; train it with a constant power of two, for example alpha=1"

QUANTIZERS = [
    (lambda: quantized_bits(8, 0, alpha="auto"), f"quantized_bits has scale alpha='auto', {NO_SCALE}"),
    (lambda: quantized_bits(8, 0, alpha="auto_po2"), f"quantized_bits has scale alpha='auto_po2', {NO_SCALE}"),
    (lambda: quantized_bits(8, 0, alpha=3), "has scale alpha=3, which"),
    (lambda: quantized_bits(8, 0, alpha=-0.5), "has scale alpha=-0.5, which"),
    (lambda: quantized_bits(8, 0, alpha=np.inf), "has scale alpha=inf, which"),
    (lambda: quantized_bits(8, 0, alpha=PER_CHANNEL), "has scale alpha=array"),
    (lambda: quantized_bits(1, 0, alpha=1), "no bit beside the sign"),
    (lambda: quantized_bits(8, 0, alpha=1, use_stochastic_rounding=True), "rounds at random"),
    (lambda: quantized_bits(8, 0, alpha=1, qnoise_factor=0.5), "qnoise_factor=0.5 quantizes only in part; set it to 1"),
    (lambda: quantized_bits(7.5, 0, alpha=1), "has bits=7.5; give one whole number"),
    (lambda: quantized_bits(8, 0.5, alpha=1), "has integer=0.5; give one whole number"),
    (lambda: quantized_bits(8, np.array([0, 1, 0]), alpha=1), "give one whole number"),
    (lambda: quantized_bits(40, 0, alpha=1), "has bits=40.0; give one whole number, bits from 1 to 24"),
    (qkeras.binary, "binary has scale alpha='auto_po2', which changes"),
    (lambda: qkeras.binary(alpha="auto"), "binary has scale alpha='auto', which changes"),
    (lambda: qkeras.binary(alpha=0.3), "binary has scale alpha=0.3, which changes"),
    (lambda: qkeras.binary(alpha=PER_CHANNEL), "binary has scale alpha=array"),
    (lambda: qkeras.binary(alpha=1, use_stochastic_rounding=True), "rounds at random"),
    (qkeras.ternary, "ternary has scale alpha='auto_po2', which changes"),
    (lambda: qkeras.ternary(alpha=-0.5), "ternary has scale alpha=-0.5, which changes"),
    (lambda: qkeras.ternary(alpha=0.0), "ternary has scale alpha=0.0, which changes"),
    (lambda: qkeras.quantized_po2(4), "quantized_po2 is not supported; use quantized_bits(bits, integer, alpha=1)"),
    (lambda: None, "no quantizer is not supported; use quantized_bits"),
    (lambda: quantized_relu(8, 0), "quantized_relu is not supported; use quantized_bits"),
    (lambda: type("quantized_bits", (quantized_bits,), {"__module__": "users"})(8, 0, alpha=1), "is not supported; use quantized_bits"),
]


@pytest.mark.parametrize(("make", "message"), QUANTIZERS, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("place", ["kernel", "bias"])
def test_quantizers_that_cannot_be_exact_are_refused(make, message, place):
    quantizer = make()
    layer = _dense(name="dense")
    model = _model(layer)
    # what QDense does with a quantizer at construction, without the call that some of them do not survive
    if place == "kernel" and hasattr(quantizer, "_set_trainable_parameter"):
        quantizer._set_trainable_parameter()
    setattr(layer, f"{place}_quantizer_internal", quantizer)
    found = _refusal(model)
    assert found.startswith(f"'dense.{place}': ")
    assert message in found or (place == "bias" and "alpha=None" in found)


def _quantizer_classes():
    exported = [value for _, value in inspect.getmembers(qkeras, inspect.isclass)]
    return sorted({value for value in exported if issubclass(value, BaseQuantizer) or value.__module__ == "qkeras.quantizers"}, key=str)


def test_every_other_quantizer_of_qkeras_is_refused_as_weight_and_as_activation():
    """The walk over all that QKeras has, so that a new one cannot be forgotten."""
    refused = {cls.__name__ for cls in _quantizer_classes()} - {"quantized_bits", "quantized_relu", "binary", "ternary"}
    assert refused >= {"bernoulli", "quantized_po2", "quantized_relu_po2", "quantized_tanh", "quantized_sigmoid", "quantized_ulaw"}
    assert refused >= {"quantized_hswish", "quantized_linear", "stochastic_binary", "stochastic_ternary"}
    for cls in _quantizer_classes():
        if cls.__name__ not in refused:
            continue
        for place in ("kernel", "bias", "activation"):
            layer, activation = _dense(name="dense"), _cast("activation")
            model = _model(layer, activation)
            if place == "activation":
                activation.activation = cls()
            else:
                setattr(layer, f"{place}_quantizer_internal", cls())
            where = "activation" if place == "activation" else f"dense.{place}"
            relu = "relu" in cls.__name__ or "hswish" in cls.__name__
            near = "quantized_relu(bits, integer)" if relu else "quantized_bits(bits, integer, alpha=1)"
            assert _refusal(model) == f"'{where}': {cls.__name__} is not supported; use {near}, and train the model with it"


ACTIVATIONS = [
    (lambda: quantized_relu(8, 3, negative_slope=0.125), "a negative slope"),
    (lambda: quantized_relu(8, 3, use_sigmoid=1), "a sigmoid"),
    (lambda: quantized_relu(8, 3, relu_upper_bound=6), "an upper bound"),
    (lambda: quantized_relu(8, 3, is_quantized_clip=False), "an upper bound"),
    (lambda: quantized_relu(8, 3, use_stochastic_rounding=True), "rounds at random"),
    (lambda: quantized_relu(8, 3, qnoise_factor=0.25), "qnoise_factor=0.25"),
    (lambda: quantized_relu(30, 3), "has bits=30.0; give one whole number"),
    (lambda: quantized_bits(8, 3, alpha=3), "has scale alpha=3"),
    (lambda: quantized_bits(8, 3, alpha=0.5), "by alpha=0.5; give alpha=1, and multiply the weights that read the result by 0.5"),
    (lambda: quantized_bits(8, 3, alpha="auto"), "has scale alpha='auto'"),
    (lambda: qkeras.binary(alpha=1), "binary is not supported"),
    (lambda: qkeras.ternary(alpha=1), "ternary is not supported"),
    (lambda: keras.activations.tanh, "activation tanh is not supported"),
    (lambda: keras.activations.relu, "activation relu is not supported; use quantized_relu(bits, integer)"),
    (lambda: keras.activations.linear, "activation linear is not supported"),
    (lambda: qkeras.hard_tanh, "hard_tanh is not supported"),
    (lambda: lambda x: x, "activation <lambda> is not supported"),
]


@pytest.mark.parametrize(("make", "message"), ACTIVATIONS, ids=lambda value: value if isinstance(value, str) else "")
def test_activations_that_cannot_be_exact_are_refused(make, message):
    found = _refusal(_model(_dense(name="dense"), QActivation(make(), name="activation")))
    assert found.startswith("'activation': ")
    assert message in found


def test_a_scale_of_an_activation_moves_into_the_weights_that_read_it():
    """The remedy keeps the function: both networks, computed by QKeras, are equal."""
    keras.utils.set_random_seed(8)

    def network(alpha, scale):
        activation = QActivation(quantized_bits(8, 3, alpha=alpha), name="activation")
        layer = _dense(kernel=quantized_bits(8, 0, alpha=scale), name="dense")
        return _model(_dense(4, name="first"), activation, layer)

    ours, theirs = network(1, 0.5), network(0.5, 1)
    ours.set_weights(theirs.get_weights())
    events = np.random.default_rng(8).normal(0, 4, (200, 57)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(ours(events)), np.asarray(theirs(events)))
    assert _refusal(theirs).endswith("give alpha=1, and multiply the weights that read the result by 0.5")
    assert str(build_contract(CONFIG, ours)["dense"].weight_format) == "fixed<8,0,RND_CONV,SAT>"


@pytest.mark.parametrize("activation", [qkeras.quantized_tanh(8), quantized_relu(8, 3, negative_slope=0.5)])
def test_activations_inside_a_layer_are_refused_by_the_same_rules(activation):
    assert _refusal(_model(_dense(activation=activation, name="dense"))).startswith("'dense_activation': ")


@pytest.mark.parametrize("function", ["relu", "tanh", "sigmoid", "softmax"])
def test_float_activations_inside_a_layer_are_refused_with_the_quantizer_of_the_same_function(function):
    layer = _dense(name="dense")
    model = _model(layer)
    layer.activation = keras.activations.get(function)
    near = "quantized_relu" if function == "relu" else "quantized_bits"
    assert f"activation {function} is not supported; use {near}(" in _refusal(model)
    layer.activation = getattr(qkeras, near)(8, 3)
    assert build_contract(CONFIG, model)["dense_activation"].format.signed == (function != "relu")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: quantized_bits(8, 2, alpha=1), "fixed<8,3,RND_CONV,SAT>"),
        (lambda: quantized_bits(8, 2, alpha=1.0), "fixed<8,3,RND_CONV,SAT>"),
        (lambda: quantized_bits(8, 2, symmetric=1, alpha=1), "fixed<8,3,RND_CONV,SAT_SYM>"),
        (lambda: quantized_bits(8, 2, keep_negative=False, alpha=1), "ufixed<8,2,RND_CONV,SAT>"),
        (lambda: quantized_bits(1, 2, keep_negative=False, alpha=1), "ufixed<1,2,RND_CONV,SAT>"),
        (lambda: quantized_bits(8, 2), "fixed<8,3,RND_CONV,SAT>"),
        (lambda: quantized_bits(4, 3, alpha=1), "fixed<4,4,RND_CONV,SAT>"),
        (lambda: quantized_bits(4, 5, alpha=1), "fixed<4,6,RND_CONV,SAT>"),
        (lambda: quantized_bits(4, -2, alpha=1), "fixed<4,-1,RND_CONV,SAT>"),
        (lambda: quantized_relu(8, 2), "ufixed<8,2,RND_CONV,SAT>"),
        (lambda: quantized_relu(1, 1), "ufixed<1,1,RND_CONV,SAT>"),
        (lambda: quantized_relu(3, 4), "ufixed<3,4,RND_CONV,SAT>"),
    ],
)
def test_activation_formats_equal_the_quantizer_over_its_whole_range(make, expected):
    values = np.arange(-4096, 4096) / 64.0
    keras_values = np.asarray(make()(values.astype(np.float32)), np.float64)
    form = build_contract(CONFIG, _model(_dense(), QActivation(make(), name="activation")))["activation"].format
    assert str(form) == expected
    np.testing.assert_array_equal(form.quantize(values) * form.lsb, keras_values)


def test_weights_that_are_no_numbers_are_refused():
    layer = _dense(name="dense")
    model = _model(layer)
    layer.kernel.assign(np.full((57, 3), np.nan))
    assert _refusal(model).startswith("'dense.kernel': a weight is infinite or no number")


def test_weights_with_a_power_of_two_as_scale_are_those_of_qkeras():
    """Also of a bias without a scale, which QKeras leaves as it is, and not of a kernel, to which it gives a trained one."""
    layer = _dense(kernel=quantized_bits(6, 1, alpha=0.5), bias=quantized_bits(8, 1), name="dense")
    model = _model(layer)
    rng = np.random.default_rng(4)
    layer.kernel.assign(rng.normal(0, 1, (57, 3)))
    layer.bias.assign(rng.normal(0, 1, 3))
    dense = build_contract(CONFIG, model)["dense"]
    assert (str(dense.weight_format), str(dense.bias_format)) == ("fixed<6,1,RND_CONV,SAT>", "fixed<8,2,RND_CONV,SAT>")
    kernel, bias = (np.asarray(quantizer(values)) for quantizer, values in zip(layer.quantizers, (layer.kernel, layer.bias), strict=True))
    np.testing.assert_allclose(dense.weights * dense.weight_format.lsb, kernel, atol=1e-6)
    np.testing.assert_allclose(dense.bias * dense.bias_format.lsb, bias, atol=1e-6)
    assert np.abs(kernel).max() > 0.9


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda: qkeras.binary(alpha=0.25), (-0.25, 0.25)),
        (lambda: qkeras.ternary(alpha=0.5, threshold=0.25), (-0.5, 0.0, 0.5)),
        (lambda: qkeras.binary(use_01=True, alpha=2.0), (0.0, 2.0)),
    ],
)
def test_binary_and_ternary_weights_have_the_values_of_their_alphabet(make, values):
    """Weights that were never put on the grid: the sign, or the sign above the threshold, computed here."""
    layer = _dense(kernel=make(), name="dense")
    model = _model(layer)
    kernel = np.random.default_rng(2).normal(0, 0.3, (57, 3)).astype(np.float32)
    layer.kernel.assign(kernel)
    dense = build_contract(CONFIG, model)["dense"]
    nearest = np.where(np.abs(kernel) >= values[-1] / 2, np.sign(kernel), 0) if len(values) == 3 else np.sign(kernel)
    expected = (nearest + 1) / 2 if values[0] == 0 else nearest
    np.testing.assert_array_equal(dense.weights * dense.weight_format.lsb, expected * values[-1])
    assert dense.weight_format.width == 2
    assert set(np.unique(dense.weights * dense.weight_format.lsb)) == set(values)


# -- shapes and graphs -----------------------------------------------------------------------------------------------


def _conv(filters=2, kernel=(2, 2), **options):
    return QConv2D(filters, kernel, kernel_quantizer=_eight(), bias_quantizer=_eight(), **options)


def _channels_first(layer):
    return _model(L.Reshape((1, 19, 3)), layer)


SHAPES = {
    "QDense on an image": (lambda: _model(_dense(name="bad"), shape=(19, 3)), "QDense on an input of shape (19, 3) .* put a Flatten"),
    "dilation": (
        lambda: _model(_conv(dilation_rate=(2, 1), name="bad"), shape=(19, 3, 1)),
        "dilation_rate .2, 1.* use one group, no dilation",
    ),
    "groups": (lambda: _model(L.Reshape((19, 1, 3)), _conv(3, (2, 1), groups=3, name="bad")), "groups 3.* use one group"),
    "causal": (
        lambda: _model(QConv1D(2, 2, padding="causal", kernel_quantizer=_eight(), bias_quantizer=_eight(), name="bad"), shape=(19, 3)),
        "padding 'causal' .* use one group, no dilation, padding valid or same",
    ),
    "kernel mask": (
        lambda: _model(_conv(mask=np.array([[1.0, 0.0], [1.0, 1.0]]), name="bad"), shape=(19, 3, 1)),
        "a mask of the kernel .* leave mask out",
    ),
    "channels_first convolution": (lambda: _channels_first(_conv(data_format="channels_first", name="bad")), "use channels_last"),
    "channels_first Flatten": (
        lambda: _model(L.Flatten(data_format="channels_first", name="bad"), shape=(19, 3)),
        "data_format 'channels_first' is not supported; use channels_last",
    ),
    "channels_first padding": (lambda: _channels_first(L.ZeroPadding2D(1, data_format="channels_first", name="bad")), "use channels_last"),
    "channels_first upsampling": (
        lambda: _channels_first(L.UpSampling2D(2, data_format="channels_first", name="bad")),
        "use channels_last",
    ),
    "channels_first pooling": (lambda: _channels_first(L.MaxPooling2D(2, data_format="channels_first", name="bad")), "use channels_last"),
    "pooling padding": (lambda: _model(L.MaxPooling2D(2, padding="same", name="bad"), shape=(19, 3, 1)), "padding 'same' .* use valid"),
    "bilinear": (
        lambda: _model(L.UpSampling2D(2, interpolation="bilinear", name="bad"), shape=(19, 3, 1)),
        "interpolation 'bilinear'.* use nearest",
    ),
    "slice beyond the end": (lambda: _model(Slice(50, 60, name="bad")), r"no Slice \[50, 60\) of \(57,\)"),
    "slice from the end": (lambda: _model(Slice(-5, -2, name="bad")), r"no Slice \[-5, -2\)"),
    "training": (lambda: _model(lambda x: L.Dropout(0.5, name="bad")(x, training=True)), "called with training=True.* leave that out"),
    "name": (lambda: _model(_dense(name="bad-name")), "firmware names are letters, digits and _.* rename the layer"),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes_and_calls_that_cannot_be_exact_are_refused(case):
    make, message = SHAPES[case]
    found = _refusal(make())
    assert found.startswith("layer 'bad")
    assert re.search(message.replace("(19, 3)", r"\(19, 3\)"), found)


@pytest.mark.parametrize("name", ["hw", "inputs", "score", "trigger", "mu2"])
def test_names_of_the_contract_are_taken(name):
    inputs = L.Input((57,))
    model = keras.Model(inputs, _cast()(_dense(name=name)(inputs)))
    assert _refusal(model) == f"layer '{name}': this name is taken; rename the layer"


def _nested(hidden):
    """An encoder and a decoder whose layers have the same names, the first as a sequence inside another model."""
    encoder = keras.Sequential([L.Input((57,)), _dense(4, name="hidden"), QActivation(quantized_relu(8, 3), name="relu")], name="encoder")
    source, code = L.Input((57,)), L.Input((4,))
    outer = keras.Model(source, hidden(encoder(source)), name="outer")
    x = QActivation(quantized_relu(6, 2), name="relu")(_dense(5, name="hidden")(code))
    decoder = keras.Model(code, [_dense(name="mu")(x), _dense(name="log_var")(x)], name="decoder")
    inputs = L.Input((57,), name="events")
    mu, log_var = decoder(outer(inputs))
    return keras.Model(inputs, [_cast()(mu), _cast("log_var_q")(log_var)])


def test_models_inside_a_model_are_taken_apart():
    """Against the composition of the Keras model, in real numbers."""
    keras.utils.set_random_seed(6)
    model = _nested(QActivation(quantized_bits(7, 3, alpha=1), name="code"))
    contract = build_contract(_config("rz", inputs={"network": "fixed<12,6,RND_CONV,SAT>"}), model)
    names = [operation.name for operation in contract.operations]
    assert names[2:9] == ["outer_encoder_hidden", "outer_encoder_relu", "code", "decoder_hidden", "decoder_relu", "log_var", "mu"]
    events = np.random.default_rng(7).integers(0, 200, (100, contract["hw"].size))
    found = contract.evaluate(events, ["inputs", "mu_q", "log_var_q"])
    inputs = np.asarray(found["inputs"] * contract["inputs"].format.lsb, np.float32)
    for name, expected in zip(("mu_q", "log_var_q"), model(inputs), strict=True):
        np.testing.assert_array_equal(found[name] * contract[name].format.lsb, np.asarray(expected, np.float64))


def test_a_model_that_is_used_twice_is_refused():
    inner = keras.Sequential([L.Input((57,)), _dense(57, name="shared")], name="inner")
    assert _refusal(_model(inner, inner)) == "layer 'inner' is used more than once; give each use a layer of its own"


def test_a_dot_at_the_end_is_a_latent_score():
    """As many models have it, and as the remedy says: the same network without it, and the score in the configuration."""
    inputs = L.Input((57,))
    mu = _cast()(_dense(name="mu")(inputs))
    found = _refusal(keras.Model(inputs, L.Dot(axes=1, name="norm")([mu, mu])))
    assert found.startswith("layer 'norm': Dot is not supported; at the end of a model it is a score of the latent space; end the model in")
    assert "model.score: mu2 for the sum of squares" in found
    assert build_contract(CONFIG, keras.Model(inputs, mu))["mu2"].inputs == ("mu_q",)


def test_a_layer_that_is_used_twice_is_refused():
    shared = _dense(57, name="shared")
    assert _refusal(_model(shared, shared)) == "layer 'shared' is used more than once; give each use a layer of its own"


@pytest.mark.parametrize(
    ("merge", "message"),
    [
        (lambda x: L.Add(name="bad")([x, x, x]), "add needs two inputs of one shape"),
        (lambda x: L.Multiply(name="bad")([x, x, x]), "multiply needs two inputs of one shape"),
        (lambda x: L.Add(name="bad")([x, Slice(0, 1)(x)]), "add needs two inputs of one shape"),
        (lambda x: L.Concatenate(name="bad")([L.Reshape((19, 3))(x)] * 2), "put a Flatten before it"),
        (lambda x: L.Concatenate(axis=1, name="bad")([L.Reshape((19, 3))(x)] * 2), "put a Flatten before it"),
        (lambda x: L.Concatenate(axis=0, name="bad")([x, x]), "along axis 0 is not supported; .* use axis=-1"),
    ],
)
def test_merges_that_do_not_exist_in_firmware_are_refused(merge, message):
    found = _refusal(_model(merge))
    assert found.startswith("layer 'bad': ")
    assert re.search(message, found)


@pytest.mark.parametrize("shape", [(56,), (58,), (19, 4), (None, 3)])
def test_inputs_of_another_size_are_refused(shape):
    inputs = L.Input(shape, name="bad")
    flat = L.Flatten()(inputs) if None not in shape else L.Activation("linear")(inputs)
    assert "make the model's input 57 long" in _refusal(keras.Model(inputs, flat))


def test_a_calorimeter_model_is_refused_for_objects():
    model = _model(shape=(18, 14, 1))
    assert "an input of shape (18, 14, 1), but the events of layout 'ugt' have 57 numbers" in _refusal(model)


def test_two_inputs_are_refused():
    first, second = L.Input((57,), name="a"), L.Input((57,), name="b")
    model = keras.Model([first, second], L.Add()([first, second]), name="two")
    assert _refusal(model) == "model 'two' has 2 inputs (a, b); give it one with all 57 numbers"


class _Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize("make", [lambda: _Subclassed(name="m"), lambda: keras.Sequential(name="m"), lambda: "m"])
def test_models_that_are_no_graph_are_refused(make):
    assert _refusal(make()) == "model 'm' is no functional Keras model; build it with keras.Model(inputs, outputs)"


def _outputs(count, units=(3, 3)):
    inputs = L.Input((57,))
    heads = [_cast(f"head{k}_q")(_dense(size, name=f"head{k}")(inputs)) for k, size in zip(range(count), (*units, 3), strict=False)]
    return keras.Model(inputs, heads)


@pytest.mark.parametrize(
    ("score", "architecture", "count", "needed"),
    [
        ("kl", "dense_vae", 1, "2"),
        ("rz", "dense_vae", 3, "2"),
        ("mu2", "dense_vae", 3, "1 or 2"),
        ("squared_error", "dense_ae", 2, "1"),
        ("absolute_error", "dense_ae", 2, "1"),
        ("latent_error", "latent_ae", 1, "2"),
    ],
)
def test_outputs_that_do_not_fit_the_score_are_refused(score, architecture, count, needed):
    names = ", ".join(f"head{k}_q" for k in range(count))
    found = _refusal(_outputs(count), _config(score, architecture))
    assert found == f"score '{score}' needs {needed} outputs, the model returns {names}; return no more and no less"


@pytest.mark.parametrize(("score", "architecture"), [("kl", "dense_vae"), ("rz", "dense_vae"), ("latent_error", "latent_ae")])
def test_outputs_of_different_sizes_are_refused(score, architecture):
    found = _refusal(_outputs(2, (3, 4)), _config(score, architecture))
    assert found == f"score '{score}' needs outputs of one size, head0_q and head1_q have 3 and 4 elements"


def test_a_reconstruction_of_another_size_is_refused():
    assert "score 'squared_error' compares 'inputs' (57 elements) with 'mu_q' (3)" in _refusal(_model(_dense()), AUTOENCODER)


def test_more_than_one_number_as_score_is_refused():
    found = _refusal(_outputs(1), Config.model_validate(STUDENT))
    assert found == "score 'output' takes a single number, 'head0_q' has 3; end the model in one node"


STUDENT = {
    "name": "tiny",
    "model": {"architecture": "student", "score": "output", "convolutions": [{"filters": 1}]},
}


def test_outputs_in_a_dictionary_are_refused():
    inputs = L.Input((57,))
    heads = {name: _cast(f"{name}_q")(_dense(name=name)(inputs)) for name in ("mu", "log_var")}
    assert "returns a dictionary, in which the outputs have no order" in _refusal(keras.Model(inputs, heads), _config("kl"))


def test_a_table_over_an_accumulator_is_refused():
    inputs = L.Input((57,))
    model = keras.Model(inputs, [_dense(name="mu")(inputs), _dense(name="log_var")(inputs)])
    # the largest weights: how many bits random ones need depends on the draw
    model.get_layer("log_var").set_weights([np.full(values.shape, 127 / 128) for values in model.get_layer("log_var").get_weights()])
    assert "layer 'log_var': 25 bits are too many for the table 'exp(v) - v - 1'; quantize it" in _refusal(model, _config("kl"))


def test_a_result_beyond_62_bits_is_refused():
    wide = lambda k: QActivation(quantized_bits(24, 5, alpha=1), name=f"wide{k}")  # noqa: E731
    inputs = L.Input((57,))
    product = L.Multiply()([wide(0)(inputs), wide(1)(inputs)])
    model = keras.Model(inputs, L.Multiply(name="bad")([product, wide(2)(inputs)]))
    assert "layer 'bad': a value of 70 bits and a sign arises, more than the 62 supported; use narrower inputs" in _refusal(model)


# -- what is supported is exact --------------------------------------------------------------------------------------

EXACT = {
    "dense": _dense(6, activation=quantized_relu(6, 2), name="d"),
    "dense without bias": _dense(6, use_bias=False),
    "binary dense": _dense(6, kernel=qkeras.binary(alpha=0.25)),
    "ternary dense": _dense(6, kernel=qkeras.ternary(alpha=0.5, threshold=0.25)),
    "convolution": lambda x: _conv(3, (3, 2))(L.Reshape((19, 3, 1))(x)),
    "strides": lambda x: _conv(2, (3, 2), strides=(3, 2))(L.Reshape((19, 3, 1))(x)),
    "same": lambda x: _conv(2, (4, 2), padding="same")(L.Reshape((19, 3, 1))(x)),
    "same with strides": lambda x: _conv(2, (4, 3), strides=(2, 2), padding="same")(L.Reshape((19, 3, 1))(x)),
    "channels": lambda x: _conv(4, (3, 1), padding="same")(L.Reshape((19, 1, 3))(x)),
    "convolution in 1D": lambda x: QConv1D(3, 4, strides=2, kernel_quantizer=_eight(), bias_quantizer=_eight())(L.Reshape((19, 3))(x)),
    "same in 1D": lambda x: QConv1D(3, 4, padding="same", kernel_quantizer=_eight(), bias_quantizer=_eight())(L.Reshape((19, 3))(x)),
    "padding": lambda x: L.ZeroPadding2D(((1, 2), (0, 3)))(L.Reshape((19, 3, 1))(x)),
    "padding in 1D": lambda x: L.ZeroPadding1D((2, 1))(L.Reshape((19, 3))(x)),
    "upsampling": lambda x: L.UpSampling2D((2, 3))(L.Reshape((19, 1, 3))(x)),
    "upsampling in 1D": lambda x: L.UpSampling1D(2)(L.Reshape((19, 3))(x)),
    "permutation": lambda x: L.Permute((3, 1, 2))(L.Reshape((19, 1, 3))(x)),
    "maximum": lambda x: L.MaxPooling2D((3, 2))(L.Reshape((19, 3, 1))(x)),
    "overlapping maximum": lambda x: L.MaxPooling2D((3, 2), strides=(2, 1))(L.Reshape((19, 3, 1))(x)),
    "maximum in 1D": lambda x: L.MaxPooling1D(3, strides=2)(L.Reshape((19, 3))(x)),
    "sum": lambda x: SumPooling2D((4, 1))(L.Reshape((19, 3, 1))(x)),
    "sum over channels kept": lambda x: SumPooling2D((5, 1))(L.Reshape((19, 1, 3))(x)),
    "slice": Slice(5, 17),
    "concatenate": lambda x: L.Concatenate()([Slice(0, 3)(x), _cast("wide")(x), Slice(50, 57)(x)]),
    "add": lambda x: L.Add()([x, QActivation(quantized_bits(5, 1, alpha=1), name="coarse")(x)]),
    "subtract": lambda x: L.Subtract()([QActivation(quantized_bits(5, 1, alpha=1), name="coarse")(x), x]),
    "multiply": lambda x: L.Multiply()([x, QActivation(quantized_bits(5, 1, alpha=1), name="coarse")(x)]),
    "dropout and noise": lambda x: L.GaussianNoise(1.0)(L.Dropout(0.5)(x)),
    "chain": lambda x: _conv(2, (2, 2), activation=quantized_relu(6, 3))(
        L.UpSampling2D(2)(
            L.MaxPooling2D((2, 1))(_conv(3, (3, 2), padding="same", activation=quantized_relu(5, 2))(L.Reshape((19, 3, 1))(x)))
        )
    ),
}


@pytest.mark.parametrize("case", EXACT)
def test_supported_layers_give_the_codes_of_keras(case, hardware):
    """Random events over the whole hardware range; all sums are below 2^24 LSB, where float32 is exact."""
    keras.utils.set_random_seed(4)
    inputs = L.Input((57,))
    tensor = EXACT[case](inputs)
    model = keras.Model(inputs, _cast()(L.Flatten()(tensor)))
    _put_weights_on_the_grid(model)
    spec = CONFIG.inputs.spec()
    expected = np.asarray(keras.Model(inputs, L.Flatten()(tensor))(spec.to_network_float(hardware)), np.float64)
    contract = build_contract(CONFIG, model)
    name = contract["mu_q"].inputs[0]
    found = contract.evaluate(hardware, [name])[name]
    assert contract.intervals[name].largest < 2**24
    np.testing.assert_array_equal(found * contract[name].format.lsb, expected)
    assert len(np.unique(found)) > 5


def _put_weights_on_the_grid(model):
    """Wide weights, some of which saturate, replaced by what their quantizer makes of them."""
    rng = np.random.default_rng(9)
    for layer in model.layers:
        for name in ("kernel", "bias"):
            variable, quantizer = getattr(layer, name, None), getattr(layer, f"{name}_quantizer_internal", None)
            if variable is not None and quantizer is not None:
                variable.assign(rng.normal(0, 0.6, variable.shape))
                variable.assign(np.rint(np.asarray(quantizer(variable)) * 2.0**12) / 2.0**12)
