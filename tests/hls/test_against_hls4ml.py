"""hls4ml's own reading of the quantized Keras model, `bit_exact`, against the contract: two implementations, one answer.

hls4ml 1.3.0 does not know the layers of QKeras for Keras 3; the handlers here hand its own parsing of QKeras quantizers to
its Keras 3 converter.
"""

import contextlib
import io
import warnings

import numpy as np
import pytest


def _register_qkeras_layers() -> None:
    from hls4ml.converters.keras.qkeras import get_activation_quantizer, get_quantizer_from_config
    from hls4ml.converters.keras_v3._base import KerasV3LayerHandler
    from hls4ml.converters.keras_v3.core import DenseHandler

    def config_of(quantizer):
        return {"class_name": type(quantizer).__name__, "config": quantizer.get_config()}

    class QDenseHandler(DenseHandler):
        handles = ("qkeras.qlayers.QDense",)

        def default_class_name(self, layer):
            return "QDense"

        def handle(self, layer, in_tensors, out_tensors):
            names = {"kernel": layer.kernel_quantizer_internal, "bias": layer.bias_quantizer_internal}
            description = {"class_name": "QDense", "config": {f"{name}_quantizer": config_of(q) for name, q in names.items()}}
            quantizers = {
                "weight_quantizer": get_quantizer_from_config(description, "kernel"),
                "bias_quantizer": get_quantizer_from_config(description, "bias"),
            }
            return {**super().handle(layer, in_tensors, out_tensors), **quantizers}

    class QActivationHandler(KerasV3LayerHandler):
        handles = ("qkeras.qlayers.QActivation",)

        def handle(self, layer, in_tensors, out_tensors):
            description = {"class_name": "QActivation", "config": {"name": layer.name, "activation": config_of(layer.activation)}}
            parsed = get_activation_quantizer(description, [tensor.name for tensor in in_tensors])
            parsed.pop("inputs", None)
            return ({**self.default_config, **parsed, "n_in": int(np.prod(in_tensors[0].shape[1:]))},)


@pytest.mark.slow
@pytest.mark.parametrize(("score", "tensors"), [("squared_error", ["out_q"]), ("kl", ["mu_q", "log_var_q"])])
def test_hls4ml_conversion_of_the_keras_model_gives_the_bits_of_the_contract(make_network, hardware, tmp_path, score, tensors):
    import hls4ml

    network = make_network(score, hidden=(6,), grid=True)
    _register_qkeras_layers()
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = hls4ml.utils.config_from_keras_model(network.model, granularity="name", backend="Vitis")
        graph = hls4ml.converters.convert_from_keras_model(
            network.model, hls_config=config, output_dir=str(tmp_path / "hls4ml"), backend="Vitis", io_type="io_parallel", bit_exact=True
        )
        graph.compile()
    values = graph.predict(network.config.inputs.spec().to_network_float(hardware).astype(np.float64))
    codes = network.contract.evaluate(hardware, tensors)
    for name, found in zip(tensors, values if isinstance(values, list) else [values], strict=True):
        np.testing.assert_array_equal(found, codes[name] * network.contract[name].format.lsb)
