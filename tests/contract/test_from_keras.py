"""What cannot be exact is refused, with the layer's name and the remedy."""

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.contract import build_contract
from l1ae.errors import UserError

CONFIG = Config.model_validate({"name": "tiny", "model": {"architecture": "dense_vae", "score": "mu2"}})


def q(name, *args, **kwargs):
    """A quantizer that is made when it is called, once qkeras is imported."""

    def make():
        import qkeras

        return getattr(qkeras, name)(*args, **kwargs)

    return make


EIGHT = q("quantized_bits", 8, 0, alpha=1)


def _model(kernel=EIGHT, bias=EIGHT, activation=None, layer=None):
    import keras
    from qkeras import QActivation, QDense

    inputs = keras.layers.Input((57,))
    x = QDense(3, kernel_quantizer=kernel and kernel(), bias_quantizer=bias and bias(), name="dense")(inputs)
    if layer is not None:
        x = layer(x)
    if activation is not None:
        x = QActivation(activation(), name="activation")(x)
    x = QActivation(q("quantized_bits", 10, 4, alpha=1)(), name="mu_q")(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": q("quantized_bits", 8, 0)}, r"'dense.kernel': .* scale alpha='auto_po2'; give alpha=1 explicitly"),
        ({"kernel": q("quantized_bits", 8, 0, alpha="auto")}, r"'dense.kernel': .* scale alpha='auto'; give alpha=1"),
        ({"kernel": q("quantized_bits", 8, 0, alpha="auto_po2")}, r"'dense.kernel': .* scale alpha='auto_po2'"),
        ({"kernel": q("quantized_bits", 8, 0, alpha=3)}, r"'dense.kernel': .* scale alpha=3"),
        ({"bias": q("quantized_bits", 8, 0)}, r"'dense.bias': .* give alpha=1 explicitly"),
        ({"kernel": q("quantized_po2", 4)}, r"'dense.kernel': quantizer quantized_po2 is not supported"),
        ({"kernel": q("ternary", alpha=1)}, r"'dense.kernel': quantizer ternary is not supported"),
        ({"kernel": q("binary", alpha=1)}, r"'dense.kernel': quantizer binary is not supported"),
        ({"kernel": None}, r"'dense.kernel': quantizer NoneType is not supported"),
        ({"kernel": q("quantized_bits", 1, 0, alpha=1)}, r"'dense.kernel': .* no bit beside the sign"),
        ({"kernel": q("quantized_bits", 8, 0, alpha=1, use_stochastic_rounding=True)}, r"'dense.kernel': .* rounds at random"),
        ({"activation": q("quantized_relu", 8, 3, negative_slope=0.125)}, r"'activation': .* a negative slope"),
        ({"activation": q("quantized_relu", 8, 3, use_sigmoid=1)}, r"'activation': .* a sigmoid"),
        ({"activation": q("quantized_tanh", 8)}, r"'activation': quantizer quantized_tanh is not supported"),
        ({"activation": q("quantized_bits", 8, 3)}, r"'activation': .* alpha=None"),
    ],
)
def test_quantizers_that_cannot_be_exact_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        build_contract(CONFIG, _model(**options))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BatchNormalization", r"layer 'bad': BatchNormalization .* fold it before quantization"),
        ("LeakyReLU", r"layer 'bad': LeakyReLU is not supported; use QDense and QActivation"),
        ("Dropout", r"layer 'bad': Dropout is not supported"),
    ],
)
def test_layers_that_cannot_be_exact_are_refused(name, message):
    import keras

    options = {"rate": 0.5} if name == "Dropout" else {}
    with pytest.raises(UserError, match=message):
        build_contract(CONFIG, _model(layer=getattr(keras.layers, name)(name="bad", **options)))


def test_plain_dense_is_refused():
    import keras

    with pytest.raises(UserError, match="layer 'bad': Dense is not supported"):
        build_contract(CONFIG, _model(layer=keras.layers.Dense(3, name="bad")))


@pytest.mark.parametrize(
    ("quantizer", "expected"),
    [
        (q("quantized_bits", 8, 2, alpha=1), "fixed<8,3,RND_CONV,SAT>"),
        (q("quantized_bits", 8, 2, symmetric=1, alpha=1), "fixed<8,3,RND_CONV,SAT_SYM>"),
        (q("quantized_bits", 8, 2, keep_negative=False, alpha=1), "ufixed<8,2,RND_CONV,SAT>"),
        (q("quantized_bits", 4, 3, alpha=1), "fixed<4,4,RND_CONV,SAT>"),
        (q("quantized_relu", 8, 2), "ufixed<8,2,RND_CONV,SAT>"),
    ],
)
def test_activation_formats_equal_the_quantizer_over_its_whole_range(quantizer, expected):
    values = np.arange(-4096, 4096) / 64.0
    keras_values = np.asarray(quantizer()(values.astype(np.float32)), np.float64)
    form = build_contract(CONFIG, _model(activation=quantizer))["activation"].format
    assert str(form) == expected
    source = values if form.signed or "keep_negative=False" in str(quantizer()) else np.maximum(values, 0)
    np.testing.assert_array_equal(form.quantize(source) * form.lsb, keras_values)
