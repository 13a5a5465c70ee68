"""The weights in the file of a Keras model, checked before any of them is read."""

from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from l1ae.contract._saved._file import SavedModel
from l1ae.errors import UserError

__all__ = ["MAX_ELEMENTS", "set_weights"]

MAX_ELEMENTS = 1 << 24
"""Of one weight; float32, in which Keras computes, counts so far."""
# of groups in a group
_MAX_DEPTH = 8
_SAVE = "copy the file again, or write it again with model.save('NAME.keras')"


def set_weights(model: Any, saved: SavedModel) -> None:
    """Give every layer of `model` what the file holds for it.

    Raises `UserError`, naming the layer, where weights are missing or of another shape.
    """
    if saved.archived:
        _from_archive(model, saved.weights, saved.called)
    else:
        _from_hdf5(model, saved.weights, saved.called)


def _from_archive(model: Any, group: h5py.Group, called: str) -> None:
    """Layers are called by their kind, counted in the order of the model; variables by their position."""
    from keras.src.utils.naming import to_snake_case

    counts: dict[str, int] = {}
    for layer in model.layers:
        kind = to_snake_case(type(layer).__name__)
        position = counts[kind] = counts.get(kind, -1) + 1
        path = ("layers", f"{kind}_{position}" if position else kind)
        if hasattr(layer, "layers"):
            _from_archive(layer, _group(group, path, layer, called), called)
        elif layer.weights:
            variables = _group(group, (*path, "vars"), layer, called)
            name = variables.attrs.get("name", layer.name)
            if name != layer.name:
                raise UserError(f"'{called}': the weights of '{name}' are where those of layer '{layer.name}' belong; {_SAVE}")
            for place, variable in enumerate(layer.weights):
                _assign(variable, _child(variables, str(place)), f"layer '{layer.name}' of '{called}'")


def _from_hdf5(model: Any, group: h5py.Group, called: str) -> None:
    """A group for every layer of the model; in it, however deep, weights are called LAYER/VARIABLE or LAYER/VARIABLE:0."""
    for layer in model.layers:
        if not layer.weights:
            continue
        found: dict[tuple[str, str], Any] = {}
        for path, dataset in _datasets(_group(group, tuple(layer.name.split("/")), layer, called), _MAX_DEPTH):
            key = (path[-2] if len(path) > 1 else layer.name, path[-1].removesuffix(":0"))
            if key in found:
                raise UserError(f"layer '{layer.name}' of '{called}': two weights are called {'/'.join(key)}; rename the layers inside it")
            found[key] = dataset
        for inner in _leaves(layer):
            for variable in inner.weights:
                _assign(variable, found.get((inner.name, variable.name)), f"layer '{inner.name}' of '{called}'")


def _leaves(layer: Any) -> Iterator[Any]:
    if not hasattr(layer, "layers"):
        yield layer
        return
    for inner in layer.layers:
        yield from _leaves(inner)


def _child(group: h5py.Group, name: str) -> Any:
    """What a group itself holds: links to elsewhere, in the file or out of it, are not followed."""
    return group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None


def _group(group: h5py.Group, path: Sequence[str], layer: Any, called: str) -> h5py.Group:
    for name in path:
        group = _child(group, name)
        if not isinstance(group, h5py.Group):
            raise UserError(f"layer '{layer.name}' of '{called}': the file holds no weights of it; {_SAVE}")
    return group


def _datasets(group: h5py.Group, depth: int) -> Iterator[tuple[tuple[str, ...], h5py.Dataset]]:
    for name in group:
        item = _child(group, name)
        if isinstance(item, h5py.Dataset):
            yield (name,), item
        elif isinstance(item, h5py.Group) and depth:
            for path, dataset in _datasets(item, depth - 1):
                yield (name, *path), dataset


def _assign(variable: Any, dataset: Any, where: str) -> None:
    if not isinstance(dataset, h5py.Dataset):
        raise UserError(f"{where}: the file holds no {variable.name}; {_SAVE}")
    if dataset.shape != tuple(variable.shape) or dataset.dtype.kind not in "fiu":
        raise UserError(
            f"{where}: {variable.name} has shape {dataset.shape} and type {dataset.dtype} in the file, "
            f"{tuple(variable.shape)} and float32 in the model; {_SAVE}"
        )
    if dataset.external is not None or dataset.is_virtual:
        raise UserError(f"{where}: {variable.name} lies in another file, which is not read; {_SAVE}")
    values: npt.NDArray[Any] = np.asarray(dataset[()])
    variable.assign(values.astype(np.float32))
