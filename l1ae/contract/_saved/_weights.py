"""Weights from the file of a Keras model into the model."""

from collections.abc import Iterator
from typing import Any

from l1ae.contract._saved._file import SavedModel, StoredWeights, stored_weights
from l1ae.errors import UserError

__all__ = ["MAX_ELEMENTS", "set_weights"]

MAX_ELEMENTS = 1 << 24
"""Of one weight; float32, in which Keras computes, counts so far."""
_SAVE = "copy the file again, or write it again with model.save('NAME.keras')"


def set_weights(model: Any, saved: SavedModel) -> None:
    """Give every layer of `model` what the file holds for it.

    Raises `UserError`, naming the layer, where weights are missing or of another shape.
    """
    stored = stored_weights(saved)
    places = _archived(model, "layers", stored, saved.called) if saved.weights is None else _by_name(model, stored, saved.called)
    for layer, variable, path in places:
        _assign(variable, path, stored, f"layer '{layer.name}' of '{saved.called}'")


def _archived(model: Any, group: str, stored: StoredWeights, called: str) -> Iterator[tuple[Any, Any, str]]:
    """Layers are called by their kind, counted in the order of the model; variables by their position."""
    from keras.src.utils.naming import to_snake_case

    counts: dict[str, int] = {}
    for layer in model.layers:
        kind = to_snake_case(type(layer).__name__)
        position = counts[kind] = counts.get(kind, -1) + 1
        path = f"{group}/{kind}_{position}" if position else f"{group}/{kind}"
        if hasattr(layer, "layers"):
            yield from _archived(layer, f"{path}/layers", stored, called)
            continue
        name = stored.names.get(f"{path}/vars", layer.name)
        if layer.weights and name != layer.name:
            raise UserError(f"'{called}': the weights of '{name}' are where those of layer '{layer.name}' belong; {_SAVE}")
        yield from ((layer, variable, f"{path}/vars/{place}") for place, variable in enumerate(layer.weights))


def _by_name(model: Any, stored: StoredWeights, called: str) -> Iterator[tuple[Any, Any, str]]:
    """A group for every layer of the model; in it, however deep, weights are called LAYER/VARIABLE or LAYER/VARIABLE:0."""
    for layer in model.layers:
        group = f"model_weights/{layer.name}/"
        inside = {path: path.removesuffix(":0").split("/")[-2:] for path in (*stored.arrays, *stored.unread) if path.startswith(group)}
        for inner in _leaves(layer):
            for variable in inner.weights:
                found = [path for path, names in inside.items() if names == [inner.name, variable.name]]
                if len(found) > 1:
                    raise UserError(
                        f"layer '{layer.name}' of '{called}': two weights are called {inner.name}/{variable.name}; write the model with "
                        "model.save('NAME.keras')"
                    )
                yield inner, variable, found[0] if found else f"{group}{inner.name}/{variable.name}"


def _leaves(layer: Any) -> Iterator[Any]:
    if not hasattr(layer, "layers"):
        yield layer
        return
    for inner in layer.layers:
        yield from _leaves(inner)


def _assign(variable: Any, path: str, stored: StoredWeights, where: str) -> None:
    if path not in stored.arrays:
        raise UserError(f"{where}: its {variable.name} {stored.unread.get(path, 'is not in the file')}; {_SAVE}")
    values, shape = stored.arrays[path], tuple(variable.shape)
    if values.shape != shape:
        raise UserError(f"{where}: its {variable.name} has shape {values.shape} in the file and {shape} in the model; {_SAVE}")
    variable.assign(values)
