"""From the file of a Keras model to the model."""

import copy
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

from l1ae.contract._from_keras import layer_types
from l1ae.contract._saved._config import model_config
from l1ae.contract._saved._file import saved_model
from l1ae.contract._saved._weights import MAX_ELEMENTS, set_weights
from l1ae.errors import UserError
from l1ae.extras import needs

__all__ = ["load_keras"]

# what Keras raises for a configuration that it cannot make a model of
_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
# of layers that have weights
_INITIALIZERS = {
    "QDense": ("kernel_initializer", "bias_initializer"),
    "QConv1D": ("kernel_initializer", "bias_initializer"),
    "QConv2D": ("kernel_initializer", "bias_initializer"),
    "LearnedDense": ("kernel_initializer",),
    "LearnedConv2D": ("kernel_initializer",),
    "TableDense": ("kernel_initializer",),
}


def load_keras(path: Path, called: str | None = None) -> Any:
    """The model in a `.keras` or `.h5` file of Keras 3 or 2, with layers of Keras, QKeras and l1ae; `build_contract` makes its contract.

    No Python code of a file is executed, and no class or function is looked up by what it says. `called` is the name of the file in
    messages, by default its path. Raises `UserError` when there is no such file, when it is damaged or no whole model, and, naming
    the layer, when a layer or a quantizer is another than those that a contract is made of; `MissingExtraError` without the extra `train`.
    """
    with needs("train"):
        import qkeras  # noqa: F401 - and below it Keras and TensorFlow, for all that follows
    name = called or str(path)
    saved = saved_model(path, name)
    model = _built(model_config(saved.config, name), name)
    set_weights(model, saved)
    return model


def _built(config: dict[str, Any], called: str) -> Any:
    """The model, with weights of 0."""
    import keras
    import tensorflow as tf

    for layer in _leaves(config):
        _check_layer(layer, f"layer '{layer['name']}' of '{called}'")
    try:
        return keras.saving.deserialize_keras_object(_with_zeros(config), safe_mode=True)
    except (*_FAULTS, tf.errors.OpError) as error:
        raise UserError(
            f"'{called}': its layers do not make a network ({_first_line(error)}); write it again with model.save('NAME.keras')"
        ) from error


def _leaves(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for layer in config["config"]["layers"]:
        if "layers" in layer["config"]:
            yield from _leaves(layer)
        else:
            yield layer


def _check_layer(layer: Mapping[str, Any], where: str) -> None:
    """Make a layer on its own, since Keras does not say which one of a model it could not make."""
    try:
        layer_types()[layer["class_name"]].from_config(copy.deepcopy(layer["config"]))
    except _FAULTS as error:
        raise UserError(
            f"{where} has a configuration that this version's {layer['class_name']} does not take ({_first_line(error)}); build it with "
            "Keras 3 and QKeras, give it the weights with set_weights and save it again"
        ) from error


def _first_line(error: BaseException) -> str:
    """The innermost reason in one line: Keras puts whole configurations before it."""
    return " ".join(str(error).rpartition("Exception encountered: ")[2].split())[:200] or type(error).__name__


def _with_zeros(config: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(config)
    for layer in _leaves(made):
        for key in _INITIALIZERS.get(layer["class_name"], ()):
            layer["config"][key] = _zeros()
    return made


def _zeros() -> Any:
    """An initialiser that makes no weight larger than a file may hold, whatever a configuration asks for."""
    import keras

    # QKeras scales the values of every initialiser that is called otherwise
    class Zeros(keras.initializers.Zeros):  # type: ignore[misc]
        def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
            if not 0 < prod(shape) <= MAX_ELEMENTS:
                raise ValueError(f"a weight of shape {tuple(shape)} has no element, or more than {MAX_ELEMENTS}")
            return super().__call__(shape, dtype)

    return Zeros()
