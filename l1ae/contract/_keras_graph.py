"""The calls of the layers of a Keras model, in the order in which it makes them, with the models inside it taken apart."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from l1ae.errors import UserError

__all__ = ["Call", "Network", "flat_network"]


@dataclass(frozen=True)
class Call:
    """A call of a layer. Every attribute that is not here is the layer's own."""

    layer: Any
    name: str
    """That of the layer, after those of the models around it where another layer has the same."""
    inputs: tuple[int, ...]
    """Numbers of the tensors."""
    outputs: tuple[int, ...]
    shape: tuple[int | None, ...]
    """Of the first output, without the batch."""
    training: bool

    @property
    def kind(self) -> str:
        """Name of the layer's class."""
        return type(self.layer).__name__

    def __getattr__(self, name: str) -> Any:
        return getattr(self.layer, name)


@dataclass(frozen=True)
class Network:
    """A model without models inside; tensors are numbers."""

    name: str
    inputs: tuple[tuple[str, tuple[int | None, ...]], ...]
    """Name and shape of each, without the batch."""
    outputs: tuple[int, ...]
    ordered: bool
    """Whether the outputs have an order."""
    calls: tuple[Call, ...]


def flat_network(model: Any) -> Network:
    """The network of a functional or sequential model.

    Raises `UserError` when it is neither, and when a layer or a model is used more than once.
    """
    graph = _graph(model)
    tensors: dict[int, int] = {}
    found = list(_calls(graph, (), tensors, set()))
    names = Counter(call.name for call, _ in found)
    calls = tuple(_renamed(call, models) if names[call.name] > 1 else call for call, models in found)
    return Network(
        name=graph.name,
        inputs=tuple((tensor.name, tuple(tensor.shape[1:])) for tensor in graph.inputs),
        outputs=tuple(tensors[id(tensor)] for tensor in graph.outputs),
        ordered=not isinstance(getattr(graph, "_outputs_struct", None), dict),
        calls=calls,
    )


def _graph(model: Any) -> Any:
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth"):
        raise UserError(f"model '{getattr(model, 'name', model)}' is no functional Keras model; build it with keras.Model(inputs, outputs)")
    return graph


def _calls(graph: Any, models: tuple[str, ...], tensors: dict[int, int], seen: set[int]) -> Iterator[tuple[Call, tuple[str, ...]]]:
    """The calls, with the names of the models around each; numbers of all tensors are put into `tensors`."""
    for node in _nodes(graph):
        layer = node.operation
        if id(layer) in seen:
            raise UserError(f"layer '{layer.name}' is used more than once; give each use a layer of its own")
        seen.add(id(layer))
        if hasattr(layer, "_nodes_by_depth") or getattr(layer, "_functional", None):
            inner = _graph(layer)
            tensors |= {id(there): tensors[id(here)] for there, here in zip(inner.inputs, node.input_tensors, strict=True)}
            yield from _calls(inner, (*models, layer.name), tensors, seen)
            tensors |= {id(here): tensors[id(there)] for there, here in zip(inner.outputs, node.output_tensors, strict=True)}
        elif not (models and type(layer).__name__ == "InputLayer"):
            yield _call(node, tensors), models


def _nodes(graph: Any) -> Iterator[Any]:
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from graph._nodes_by_depth[depth]


def _call(node: Any, tensors: dict[int, int]) -> Call:
    for tensor in node.output_tensors:
        tensors[id(tensor)] = len(tensors)
    return Call(
        layer=node.operation,
        name=node.operation.name,
        inputs=tuple(tensors[id(tensor)] for tensor in node.input_tensors),
        outputs=tuple(tensors[id(tensor)] for tensor in node.output_tensors),
        shape=tuple(node.output_tensors[0].shape[1:]) if node.output_tensors else (),
        training=bool(node.arguments.kwargs.get("training")),
    )


def _renamed(call: Call, models: tuple[str, ...]) -> Call:
    return Call(call.layer, "_".join((*models, call.name)), call.inputs, call.outputs, call.shape, call.training)
