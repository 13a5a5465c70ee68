"""Layers of Keras that come from outside: one record each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from l1ae.contract._builder import Builder
from l1ae.errors import UserError
from l1ae.registry import Registry

__all__ = ["LAYERS", "Layer", "layer_operations"]


@dataclass(frozen=True)
class Layer:
    """A class of Keras layers, and the operations of the contract that say what it computes, to the last bit.

    `kind` is the class, `name` its name; it is registered with Keras under its distribution's top-level package
    (`keras.saving.register_keras_serializable(package=...)`), and its configuration is numbers, texts and lists, so that a saved model
    can be read. `operations(builder, name, layer, inputs)` appends exact operations (`l1ae.contract.Builder`) and returns the name of the
    last tensor, which must have as many elements as the layer's output has per event, in its order; `inputs` are names of tensors. The
    last operation should be called `name`, so that reports compare it with Keras. C++, RTL, emulator and proofs follow from the operations;
    an operation that the contract does not have needs code in l1ae itself: CONTRIBUTING.md.
    """

    kind: type
    operations: Callable[[Builder, str, Any, Sequence[str]], str]

    @property
    def name(self) -> str:
        """Name of the class, and of the entry point."""
        return self.kind.__name__


def _lacks(layer: Layer) -> str:
    import keras

    if not (isinstance(layer.kind, type) and issubclass(layer.kind, keras.layers.Layer)):
        return f"kind must be a class of Keras layers, not {layer.kind!r}"
    package = layer.kind.__module__.partition(".")[0]
    if keras.saving.get_registered_name(layer.kind) != f"{package}>{layer.name}":
        return f"decorate {layer.name} with @keras.saving.register_keras_serializable(package='{package}')"
    return "" if callable(layer.operations) else "operations must be a function of (builder, name, layer, inputs)"


LAYERS: Registry[Layer] = Registry("layers", Layer, (), complaint=_lacks)
"""Every layer from outside by the name of its class; those of Keras, QKeras and l1ae are known to `build_contract`."""


def layer_operations(builder: Builder, name: str, layer: Any, inputs: Sequence[str], size: int) -> str:
    """Append what a layer from outside is made of. Raises `UserError` where the result has not the `size` that Keras gives."""
    record = LAYERS[type(layer).__name__]
    last = record.operations(builder, name, layer, inputs)
    known = {operation.name for operation in builder.operations}
    found = builder.size_of(last) if last in known else f"no tensor '{last}'"
    if found != size:
        raise UserError(
            f"layer '{name}': the operations of {record.name} ({LAYERS.origin(record.name)}) end in {found} elements, but Keras gives "
            f"{size}; mend its record"
        )
    return last
