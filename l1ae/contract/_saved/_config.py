"""The configuration of a saved model, brought to the form of Keras 3 and to what a contract is made of.

Whatever does not decide what the network computes (initialisers, regularisers, constraints, the training) is left out, and every
class is looked up in the contract's own table: a file can name neither another class nor a function, and no module is imported.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from l1ae.contract._from_keras import layer_refusal, layer_types, operation_refusal
from l1ae.contract._quantizers import QUANTIZERS, quantizer_refusal
from l1ae.contract._saved._quantizer_text import called_quantizer
from l1ae.contract._saved._weights import MAX_ELEMENTS
from l1ae.errors import UserError

__all__ = ["model_config"]

_SAVE = "write it again with model.save('NAME.keras')"
_MODELS = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}
_QUANTIZED = ("activation", "kernel_quantizer", "bias_quantizer")
# keys of a layer that do not decide what it computes, or that Keras 3 takes from the graph
_IDLE = re.compile(r".*_(initializer|regularizer|constraint|range)|trainable|dtype|batch_input_shape|batch_shape|quantization_config")
_KERAS = {"keras", "tf_keras", "tensorflow", "builtins"}
# characters
_MAX_NAME = 100
# of models in models, and of lists in arguments
_MAX_DEPTH = 16
# what a real number counts to
_MAX_NUMBER = 1 << 53


def model_config(config: Mapping[str, Any], called: str) -> dict[str, Any]:
    """What Keras 3 builds the model of the file `called` from, without its weights.

    Raises `UserError`, naming the layer, for what is not part of Keras, QKeras or l1ae, for Python functions, and for what no
    contract can be made of.
    """
    kind, package = _origin(config)
    if kind not in _MODELS or package not in {"", "keras"}:
        raise UserError(
            f"'{called}' was saved from a class of its own, {package + '.' * bool(package)}{kind}, whose code is not in the file; where it "
            "was made, build the same layers as keras.Model(inputs, outputs), give them its weights with set_weights, and save that"
        )
    return _Reader(called).model(config, 0)


def _origin(node: Any) -> tuple[str, str]:
    """Class and package of a serialised object; the package is empty where the file does not say it."""
    kind = node.get("class_name") if isinstance(node, Mapping) else None
    if not isinstance(kind, str):
        return "nothing", ""
    registered, module = node.get("registered_name"), node.get("module")
    for name in (kind, registered):
        if isinstance(name, str) and ">" in name:
            return kind.rpartition(">")[2][:_MAX_NAME], name.partition(">")[0][:_MAX_NAME]
    package = module.partition(".")[0][:_MAX_NAME] if isinstance(module, str) else ""
    return kind[:_MAX_NAME], "keras" if package in _KERAS else package


class _Reader:
    """Layers of one file."""

    def __init__(self, called: str) -> None:
        self._called = called

    def model(self, node: Mapping[str, Any], depth: int) -> dict[str, Any]:
        config = node.get("config")
        kind = _MODELS[_origin(node)[0]]
        if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list) or depth > _MAX_DEPTH:
            raise UserError(f"'{self._called}': a model in it has no list of layers, or too many models in models; {_SAVE}")
        name = config.get("name") or "model"
        made: dict[str, Any] = {"name": self._name(name), "layers": [self._layer(layer, depth) for layer in config["layers"]]}
        if kind == "Sequential":
            made["layers"] = self._with_input(made["layers"], config)
        else:
            where = f"model '{name}' of '{self._called}'"
            made |= {key: _ends(self._plain(config.get(key), where), where) for key in ("input_layers", "output_layers")}
        module = "keras" if kind == "Sequential" else "keras.src.models.functional"
        return {"module": module, "class_name": kind, "config": made, "registered_name": kind}

    def _with_input(self, layers: list[dict[str, Any]], config: Mapping[str, Any]) -> list[dict[str, Any]]:
        if layers and layers[0]["class_name"] in {"InputLayer", "Functional", "Sequential"}:
            return layers
        first = config["layers"][0].get("config", {}) if layers else {}
        shape = first.get("batch_input_shape") or first.get("batch_shape") or config.get("build_input_shape")
        if shape is None:
            raise UserError(f"'{self._called}' has no shape of its input; begin it with keras.Input((N,)), and {_SAVE}")
        return [self._layer({"class_name": "InputLayer", "config": {"name": "inputs", "batch_shape": shape}}, 0), *layers]

    def _layer(self, node: Any, depth: int) -> dict[str, Any]:
        if not isinstance(node, Mapping) or not isinstance(node.get("config"), Mapping):
            raise UserError(f"'{self._called}': a layer has no configuration; {_SAVE}")
        kind, package = _origin(node)
        name = self._name(node.get("name") or node["config"].get("name"))
        where = f"layer '{name}' of '{self._called}'"
        if str(node.get("module")).startswith("keras.src.ops."):
            raise operation_refusal(where, kind)
        if kind in _MODELS and package in {"", "keras"}:
            made = self.model(node, depth + 1)
        else:
            found = layer_types().get(kind)
            if found is None or package not in {"", _package(found)}:
                raise layer_refusal(where, kind, package)
            made = _serialised(found, self._values(found, node["config"], name, where))
        return made | {"name": name, "inbound_nodes": self._plain(node.get("inbound_nodes") or [], where)}

    def _values(self, layer: Any, config: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
        _check_dtype(config.get("dtype"), where)
        if layer.__name__ == "InputLayer":
            return {"name": name, "batch_shape": _shape(config, where), "dtype": "float32"}
        made: dict[str, Any] = {"name": name}
        for key, value in config.items():
            if key in _QUANTIZED and layer.__module__.startswith("qkeras."):
                made[key] = _quantizer(value, f"'{name}.{key}' of '{self._called}'")
            elif key != "name" and not _IDLE.fullmatch(key):
                made[key] = self._plain(value, where)
        return made

    def _name(self, name: Any) -> str:
        if not isinstance(name, str) or len(name) > _MAX_NAME:
            raise UserError(f"'{self._called}': a layer has no name, or one of more than {_MAX_NAME} characters; {_SAVE}")
        return name

    def _plain(self, value: Any, where: str, depth: int = 0) -> Any:
        """Numbers, names, lists of them and tensors of the graph, and nothing that Keras would look up."""
        if _is_plain(value):
            return value
        if depth > _MAX_DEPTH:
            raise UserError(f"{where}: its arguments are lists in lists in lists; {_SAVE}")
        if isinstance(value, Sequence):
            return [self._plain(item, where, depth + 1) for item in value]
        if isinstance(value, Mapping) and value.get("class_name", "__keras_tensor__") == "__keras_tensor__":
            return {key: self._plain(item, where, depth + 1) for key, item in value.items()}
        found = _origin(value)[0] if isinstance(value, Mapping) else type(value).__name__
        raise UserError(f"{where}: an argument is {found[:80]}, or too large a number; give plain numbers, and {_SAVE}")


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str) or (isinstance(value, bool | int | float) and abs(value) < _MAX_NUMBER)


def _ends(tensors: Any, where: str) -> Any:
    """Inputs or outputs of a model; Keras 2 has a list where there is one, from which Keras 3 would make a list of one output."""
    if not isinstance(tensors, list | dict) or not tensors:
        raise UserError(f"{where} has no inputs or no outputs; {_SAVE}")
    return tensors[0] if len(tensors) == 1 and isinstance(tensors, list) else tensors


def _check_dtype(dtype: Any, where: str) -> None:
    name = dtype.get("config", {}).get("name") if isinstance(dtype, Mapping) and isinstance(dtype.get("config"), Mapping) else dtype
    if name is not None and name != "float32":
        raise UserError(
            f"{where} computes in {str(name)[:80]}; build the model with dtype='float32', give it the weights and save it again"
        )


def _shape(config: Mapping[str, Any], where: str) -> list[int | None]:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, Sequence) or len(shape) < 2 or not all(type(n) is int and 0 < n < MAX_ELEMENTS for n in shape[1:]):
        raise UserError(f"{where}: its shape is {str(shape)[:80]}; give every dimension a number, keras.Input((N,))")
    return [None, *shape[1:]]


def _quantizer(value: Any, where: str) -> Any:
    """A quantizer of QKeras as Keras 3 writes it, or None."""
    if value is None or value == "linear":
        return None
    if isinstance(value, str):
        kind, options = (value, {}) if value.isidentifier() else called_quantizer(value, where)
        return _made(kind if kind in QUANTIZERS else f"activation {kind[:80]}", "qkeras", options, where)
    kind, package = _origin(value)
    config = value.get("config") if isinstance(value, Mapping) else None
    if kind == "function":
        if config == "linear" and package in {"", "keras"}:
            return None
        return _made(f"activation {str(config).rpartition('>')[2][:80]}", package, {}, where)
    return _made(kind, package or "qkeras", config, where)


def _made(kind: str, package: str, config: Any, where: str) -> dict[str, Any]:
    import qkeras

    if kind not in QUANTIZERS or package != "qkeras" or not isinstance(config, Mapping):
        raise quantizer_refusal(where, kind)
    found = getattr(qkeras, kind)
    return _serialised(found, _known(found, config, where))


def _known(quantizer: Any, config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Arguments that this version of QKeras has; others are left out where they say nothing."""
    names = inspect.signature(quantizer).parameters
    for key, value in config.items():
        if key not in names and value:
            raise UserError(f"{where}: this version of QKeras does not know {key}={str(value)[:80]}; save the model without it")
        scale = key == "alpha" and isinstance(value, str) and len(value) < _MAX_NAME
        if not scale and (isinstance(value, str) or not _is_plain(value)):
            raise UserError(f"{where}: {key}={str(value)[:80]} is not one finite number; train the model with one for all channels")
    return {key: value for key, value in config.items() if key in names}


def _package(found: Any) -> str:
    return str(found.__module__.partition(".")[0])


def _serialised(found: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """As Keras 3 serialises a class of its own, or one that a package has registered."""
    package, name = _package(found), found.__name__
    own = package == "keras"
    return {
        "module": "keras.layers" if own else found.__module__,
        "class_name": name,
        "config": dict(config),
        "registered_name": None if own else f"{package}>{name}",
    }
