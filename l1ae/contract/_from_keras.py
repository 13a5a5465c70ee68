"""Reading a quantized Keras model into a contract, or refusing it with the layer's name and the remedy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from l1ae.config import Config
from l1ae.contract._builder import Builder, add_inputs
from l1ae.contract._contract import Contract
from l1ae.contract._keras_graph import Call, Network, flat_network
from l1ae.contract._layers import LAYERS, layer_operations
from l1ae.contract._ops import Concatenate, Convolution, Dense, IntArray, Lookup, Pool, Quantize, Relu
from l1ae.contract._quantizers import bits_format, finest_codes, is_relu, learned_format, relu_format, weight_codes, weight_format
from l1ae.contract._scores import add_score
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputSpec

__all__ = ["build_contract", "layer_refusal", "layer_types", "operation_refusal"]


@dataclass(frozen=True)
class _Tensor:
    """A tensor of the contract, and the shape per event that Keras gives it."""

    name: str
    shape: tuple[int, ...]

    @property
    def index(self) -> IntArray:
        """Positions of the elements in the flat tensor, in Keras' shape."""
        return np.arange(prod(self.shape), dtype=np.int64).reshape(self.shape)


# what a call of a layer adds: (builder, call, inputs) -> name of its output tensor
_Handler = Callable[[Builder, Call, Sequence[_Tensor]], str]

# of one tensor, of one event
_MAX_SIZE = 1 << 20


def build_contract(config: Config, model: Any) -> Contract:
    """The contract of a trained quantized model (`l1ae.models.build_quantized_model`, or any of such layers), threshold 0.

    Models inside the model, such as an encoder and a decoder, are taken apart. Refused with `UserError`, naming the layer and the
    remedy: BatchNormalization that was not folded, a quantizer without constant power-of-two scale, stochastic rounding, 1-bit
    activations, unsupported layers, activations and shapes.
    """
    builder = Builder()
    spec = config.inputs.spec()
    add_inputs(builder, spec)
    network = flat_network(model)
    _check_ends(network, spec)
    tensors: dict[int, _Tensor] = {}
    for call in network.calls:
        shape = _check_call(call)
        name = _handler(call)(builder, call, [tensors[key] for key in call.inputs])
        tensors[call.outputs[0]] = _Tensor(name, shape)
    add_score(builder, config, [tensors[key].name for key in network.outputs])
    return Contract(config.project, tuple(builder.operations), spec.port)


def _check_ends(network: Network, spec: InputSpec) -> None:
    """One input of the events' size, and outputs whose order is plain."""
    names = [name for name, _ in network.inputs]
    if len(names) != 1:
        raise UserError(f"model '{network.name}' has {len(names)} inputs ({', '.join(names)}); give it one with all {spec.size} numbers")
    ((name, shape),) = network.inputs
    sizes = [size for size in shape if size is not None]
    if len(sizes) != len(shape) or prod(sizes) != spec.size:
        raise UserError(
            f"layer '{name}': an input of shape {shape}, but the events of layout '{spec.layout.name}' have "
            f"{spec.size} numbers; make the model's input {spec.size} long"
        )
    if not network.ordered:
        raise UserError(f"model '{network.name}' returns a dictionary, in which the outputs have no order; return a list")


def _check_call(call: Call) -> tuple[int, ...]:
    """Shape of what a call of a layer returns, if firmware can repeat it; whether the layer is supported, its handler says."""
    _handler(call)
    if len(call.outputs) != 1:
        raise UserError(f"layer '{call.name}' returns {len(call.outputs)} tensors; use a layer that returns one")
    sizes = tuple(size for size in call.shape if size is not None)
    if len(sizes) != len(call.shape):
        raise UserError(f"layer '{call.name}': its shape {call.shape} is not known; give every dimension a number")
    if prod(sizes) > _MAX_SIZE:
        raise UserError(f"layer '{call.name}': {prod(sizes)} numbers for each event, more than {_MAX_SIZE}; make the layer smaller")
    if getattr(call.layer, "data_format", None) not in {None, "channels_last"}:
        raise UserError(f"layer '{call.name}': data_format '{call.data_format}' is not supported; use channels_last")
    if call.training:
        raise UserError(f"layer '{call.name}' is called with training=True, which no firmware repeats; leave that out")
    return sizes


def _handler(call: Call) -> _Handler:
    kind, module = call.kind, type(call.layer).__module__
    if kind in LAYERS and type(call.layer) is LAYERS[kind].kind:
        return _from_outside
    # a function such as keras.ops.slice and a class of the user may have the name of a layer
    if kind in _HANDLERS and module.startswith(("keras.src.layers.", "qkeras.", "l1ae.models.")):
        return _HANDLERS[kind]
    if module.startswith("keras.src.ops."):
        raise operation_refusal(f"layer '{call.name}'", kind)
    raise layer_refusal(f"layer '{call.name}'", kind, module.partition(".")[0])


def layer_types() -> Mapping[str, Any]:
    """The class of every layer that a contract can be made of, by its name."""
    import keras
    import qkeras

    import l1ae.models

    places = (l1ae.models, qkeras, keras.layers)
    own = {kind: next(getattr(place, kind) for place in places if hasattr(place, kind)) for kind in _HANDLERS}
    return {name: record.kind for name, record in LAYERS.items()} | own


def operation_refusal(where: str, kind: str) -> UserError:
    """Why an operation on tensors is not supported."""
    return UserError(f"{where}: the operation {kind} is not supported; use a layer, for example keras.layers.Add()")


def layer_refusal(where: str, kind: str, package: str) -> UserError:
    """Why a layer of the class `kind` of a Python package is not supported, and what to use instead."""
    if package not in {"", "keras", "qkeras", "l1ae"}:
        why, remedy = _FOREIGN.get(package, (f"its code, of '{package}', is not part of the model", _BEFORE_IT))
        return UserError(
            f"{where}: {kind} is not supported, {why}; {remedy} use the layers of Keras, QKeras and l1ae, {', '.join(_HANDLERS)}"
        )
    remedy = next((text for names, text in _REMEDIES.items() if kind in names), "use " + ", ".join(_HANDLERS))
    return UserError(f"{where}: {kind} is not supported; {remedy}")


_BEFORE_IT = (
    "if it samples the latent space or computes a score, end the model in the layers before it, "
    "keras.Model(model.input, [model.get_layer('NAME').output, ...]), and say model.score; otherwise"
)
# of a Python package: why its layers are not supported, and what to do
_FOREIGN = {
    "hgq": (
        "the quantizers of HGQ2 have a width for every number",
        "write the network as a description, or train it with training.learned_widths; in a Keras model",
    ),
    "tensorflow_model_optimization": (
        "it is part of the training",
        "save what tfmot.sparsity.keras.strip_pruning(model) returns;",
    ),
}
_REMEDIES = {
    (
        "BatchNormalization",
        "WeightedBatchNormalization",
        "QBatchNormalization",
    ): "it cannot be exact in fixed point; fold it before quantization",
    ("Dense",): "its weights have no fixed-point format; use QDense",
    ("Conv1D", "Conv2D"): "its weights have no fixed-point format; use QConv1D or QConv2D",
    ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"): (
        "its result has no fixed-point format; use QActivation with quantized_relu(bits, integer) or quantized_bits(bits, integer, alpha=1)"
    ),
    ("Lambda",): f"firmware cannot know what a Python function does; {_BEFORE_IT} use layers",
    ("Dot",): (
        "at the end of a model it is a score of the latent space; end the model in the layers before it, "
        "keras.Model(model.input, model.get_layer('NAME').output), and say model.score: mu2 for the sum of squares"
    ),
    ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"): (
        "it is an operation on tensors; use a layer, for example keras.layers.Add() or l1ae.models.Slice"
    ),
    ("AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "QAveragePooling2D"): (
        "a mean divides by the window's size; use l1ae.models.SumPooling2D and scale the weights that follow"
    ),
    ("Cropping1D", "Cropping2D", "RepeatVector"): "use l1ae.models.Slice, Permute or UpSampling2D",
    ("Identity", "ActivityRegularization", "AlphaDropout", "GaussianDropout", "SpatialDropout1D", "SpatialDropout2D"): (
        "it does nothing after training; remove it"
    ),
    ("QDenseBatchnorm", "QConv2DBatchnorm", "QDepthwiseConv2DBatchnorm"): (
        "its weights change with the data; fold the normalisation and use QDense or QConv2D"
    ),
}


# -- layers with weights ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Weights:
    kernel: IntArray
    bias: IntArray
    weight_format: FixedFormat
    bias_format: FixedFormat


def _weights(layer: Any) -> _Weights:
    learned = hasattr(layer, "quantized_kernel")
    kernel, form = finest_codes(layer.quantized_kernel(), f"{layer.name}.kernel") if learned else _quantized(layer, "kernel")
    if not layer.use_bias:
        return _Weights(kernel, np.zeros(kernel.shape[-1], np.int64), form, FixedFormat(True, 1, 1))
    bias, bias_format = finest_codes(layer.quantized_bias(), f"{layer.name}.bias") if learned else _quantized(layer, "bias")
    return _Weights(kernel, bias, form, bias_format)


def _quantized(layer: Any, kind: str) -> tuple[IntArray, FixedFormat]:
    quantizer, where = getattr(layer, f"{kind}_quantizer_internal"), f"{layer.name}.{kind}"
    form = weight_format(quantizer, where)
    return weight_codes(quantizer, getattr(layer, kind), form, where), form


def _accumulator_fraction(builder: Builder, source: str, weights: _Weights) -> int:
    return max(builder.format_of(source).fraction + weights.weight_format.fraction, weights.bias_format.fraction)


def _dense(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    (source,) = inputs
    if len(source.shape) != 1:
        raise UserError(f"layer '{layer.name}': QDense on an input of shape {source.shape} is not supported; put a Flatten before it")
    weights = _weights(layer)

    def make(form: FixedFormat) -> Dense:
        size = weights.kernel.shape[1]
        return Dense(
            name=layer.name,
            inputs=(source.name,),
            format=form,
            size=size,
            weights=weights.kernel,
            bias=weights.bias,
            weight_format=weights.weight_format,
            bias_format=weights.bias_format,
        )

    return _activated(builder, layer, builder.add_exact(make, _accumulator_fraction(builder, source.name, weights)))


def _convolution(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    (source,) = inputs
    if layer.groups != 1 or {*layer.dilation_rate} != {1} or layer.padding not in {"valid", "same"}:
        raise UserError(
            f"layer '{layer.name}': groups {layer.groups}, dilation_rate {layer.dilation_rate}, padding '{layer.padding}' are not "
            "supported; use one group, no dilation, padding valid or same"
        )
    if getattr(layer, "_mask", None) is not None:
        raise UserError(f"layer '{layer.name}': a mask of the kernel is not supported; set those weights to 0 and leave mask out")
    weights = _weights(layer)
    kernel, strides = weights.kernel, tuple(layer.strides)
    index = source.index
    if kernel.ndim == 3:
        kernel, strides, index = kernel[None], (1, *strides), index[None]
    name = source.name
    if layer.padding == "same":
        index = _same_padding(index, kernel.shape[:2], strides)
        if index.size != prod(source.shape):
            name = builder.gather(f"{layer.name}_pad", name, index)
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(index.shape[:2], kernel.shape[:2], strides, strict=True))

    def make(form: FixedFormat) -> Convolution:
        return Convolution(
            name=layer.name,
            inputs=(name,),
            format=form,
            size=rows * columns * kernel.shape[3],
            shape=index.shape,
            stride=strides,
            weights=kernel,
            bias=weights.bias,
            weight_format=weights.weight_format,
            bias_format=weights.bias_format,
        )

    return _activated(builder, layer, builder.add_exact(make, _accumulator_fraction(builder, name, weights)))


def _same_padding(index: IntArray, kernel: tuple[int, ...], strides: tuple[int, ...]) -> IntArray:
    """Zeros as TensorFlow adds them: as few as give ceil(size / stride) positions, the odd one at the end."""
    totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(index.shape[:2], kernel, strides, strict=True)]
    return np.pad(index, [*((total // 2, total - total // 2) for total in totals), (0, 0)], constant_values=-1)


def _activated(builder: Builder, layer: Any, name: str) -> str:
    activation = getattr(layer, "activation", None)
    if activation is None or getattr(activation, "__name__", "") == "linear":
        return name
    return _add_activation(builder, f"{layer.name}_activation", activation, name)


def _add_activation(builder: Builder, name: str, quantizer: Any, source: str) -> str:
    size = builder.size_of(source)
    if is_relu(quantizer):
        return builder.add(Relu(name=name, inputs=(source,), format=relu_format(quantizer, name), size=size))
    return builder.add(Quantize(name=name, inputs=(source,), format=bits_format(quantizer, name), size=size))


def _learned_activation(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    source = inputs[0].name
    operation = Relu if layer.hidden else Quantize
    return builder.add(operation(name=layer.name, inputs=(source,), format=learned_format(layer), size=builder.size_of(source)))


# -- tables ------------------------------------------------------------------------------------------------------------


def _table_dense(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    """Tables, and the sums of those of every node.

    A constant joins the bias, and the bias the node's first table. Edges whose addresses have six bits together become one table, which
    takes as many lookup tables of an FPGA as one of them, and no adder. A node with fewer tables than another adds a constant 0.
    """
    (source,) = inputs
    form = builder.format_of(source.name)
    if layer.entry_fraction is None or (form.width, form.fraction, form.signed) != (layer.bits, layer.fraction, layer.signed):
        raise UserError(
            f"layer '{layer.name}' is no function of the codes of '{source.name}', {form}; give it bits={form.width}, "
            f"fraction={form.fraction}, signed={form.signed} and an entry_fraction"
        )
    joined, entries = finest_codes(np.concatenate([np.ravel(layer.entries()), layer.quantized_bias()]), f"{layer.name}.table")
    tables, bias = joined[: -layer.units].reshape(len(layer.index), -1, layer.units), joined[-layer.units :]
    if layer.signed:
        tables = _by_raw_bits(tables, layer.bits, layer.fan)
    nodes = [_node(layer, tables[:, :, unit], int(bias[unit])) for unit in range(layer.units)]
    return _summed_tables(builder, layer, source.name, nodes, entries.fraction)


def _by_raw_bits(tables: IntArray, bits: int, fan: int) -> IntArray:
    """Entries in the order of the bits of their codes, from the order of rising codes."""
    shape = (len(tables), *[1 << bits] * fan, tables.shape[-1])
    return np.roll(tables.reshape(shape), [1 << (bits - 1)] * fan, axis=tuple(range(1, fan + 1))).reshape(tables.shape)


# a table: the input elements that address it, and its entries
_Edge = tuple[tuple[int, ...], IntArray]


def _node(layer: Any, tables: IntArray, bias: int) -> list[_Edge]:
    """The tables of one node, from those of its edges (edges, entries); at least one."""
    least = tables.min(axis=1)
    alive = [(edge, table - low) for edge, table, low in zip(layer.index, tables, least, strict=True) if table.max() > low]
    constant = bias + int(least.sum())
    if not alive:
        return [((), np.array([constant], np.int64))]
    merged = [_merged(alive[start : start + layer.merged_edges]) for start in range(0, len(alive), layer.merged_edges)]
    (index, first), *others = merged
    return [(index, first + constant), *others]


def _merged(edges: Sequence[_Edge]) -> _Edge:
    """One table of the sum of some."""
    index, table = edges[0]
    for more, other in edges[1:]:
        index, table = index + more, (table[:, None] + other).ravel()
    return index, table


def _summed_tables(builder: Builder, layer: Any, source: str, nodes: Sequence[Sequence[_Edge]], fraction: int) -> str:
    longest = max(map(len, nodes))
    edges = [edge for node in nodes for edge in node]
    if any(len(node) < longest for node in nodes):
        edges.append(((), np.zeros(1, np.int64)))
    starts = np.cumsum([0, *map(len, nodes)])
    windows = np.full((len(nodes), longest), len(edges) - 1, np.int64)
    for window, start, node in zip(windows, starts, nodes, strict=False):
        window[: len(node)] = np.arange(start, start + len(node))
    index = [list(edge) for edge, _ in edges]
    bits = [[layer.bits] * len(edge) for edge, _ in edges]

    tables = [table for _, table in edges]
    # of all entries, whether the source ever takes their codes or not
    form = FixedFormat.covering(min(int(table.min()) for table in tables), max(int(table.max()) for table in tables), fraction)
    values = {"name": f"{layer.name}_tables", "inputs": (source,), "format": form, "function": f"edges of {layer.name}"}
    name = builder.add(Lookup.of_tables(tables, index, bits, **values))

    def pool(form: FixedFormat) -> Pool:
        return Pool(name=layer.name, inputs=(name,), format=form, size=len(nodes), windows=windows, function="sum")

    return builder.add_exact(pool, fraction)


# -- layers without weights ------------------------------------------------------------------------------------------


def _identity(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    return inputs[0].name


def _from_outside(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    size = prod(number for number in layer.shape if number is not None)
    return layer_operations(builder, layer.name, layer.layer, [tensor.name for tensor in inputs], size)


def _zero_padding(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    padding = [layer.padding] if isinstance(layer.padding[0], int) else layer.padding
    return builder.gather(layer.name, inputs[0].name, np.pad(inputs[0].index, [*padding, (0, 0)], constant_values=-1))


def _upsampling(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    if getattr(layer, "interpolation", "nearest") != "nearest":
        raise UserError(f"layer '{layer.name}': interpolation '{layer.interpolation}' is not supported; use nearest")
    index = inputs[0].index
    for axis, factor in enumerate(np.atleast_1d(layer.size)):
        index = np.repeat(index, int(factor), axis=axis)
    return builder.gather(layer.name, inputs[0].name, index)


def _permutation(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    return builder.gather(layer.name, inputs[0].name, np.transpose(inputs[0].index, [axis - 1 for axis in layer.dims]))


def _slice(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    shape = inputs[0].shape
    if len(shape) != 1 or not 0 <= layer.start < layer.stop <= shape[0]:
        raise UserError(f"layer '{layer.name}': there is no Slice [{layer.start}, {layer.stop}) of {shape}; cut a flat tensor, inside")
    return builder.gather(layer.name, inputs[0].name, inputs[0].index[layer.start : layer.stop])


def _pool(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    (source,) = inputs
    summed = layer.kind == "SumPooling2D"
    if getattr(layer, "padding", "valid") != "valid":
        raise UserError(f"layer '{layer.name}': padding '{layer.padding}' of a pooling layer is not supported; use valid")
    window = tuple(layer.pool_size)
    strides = window if summed else tuple(layer.strides)
    views = np.lib.stride_tricks.sliding_window_view(source.index, window, axis=tuple(range(len(window))))
    views = views[tuple(slice(None, None, stride) for stride in strides)]
    windows = views.reshape(-1, prod(window)).copy()
    form = builder.format_of(source.name)

    def make(form: FixedFormat) -> Pool:
        function = "sum" if summed else "max"
        return Pool(name=layer.name, inputs=(source.name,), format=form, size=len(windows), windows=windows, function=function)

    return builder.add_exact(make, form.fraction) if summed else builder.add(make(form))


def _concatenate(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    if any(len(tensor.shape) != 1 for tensor in inputs) or layer.axis not in {1, -1}:
        shapes = [tensor.shape for tensor in inputs]
        raise UserError(
            f"layer '{layer.name}': Concatenate of {shapes} along axis {layer.axis} is not supported; put a Flatten before it, use axis=-1"
        )
    name = inputs[0].name
    for position, tensor in enumerate(inputs[1:], 2):
        name = _joined(builder, layer.name if position == len(inputs) else f"{layer.name}_{position}", name, tensor.name)
    return name


def _joined(builder: Builder, name: str, first: str, second: str) -> str:
    size = builder.size_of(first) + builder.size_of(second)
    fraction = max(builder.format_of(first).fraction, builder.format_of(second).fraction)
    return builder.add_exact(lambda form: Concatenate(name=name, inputs=(first, second), format=form, size=size), fraction)


def _elementwise(builder: Builder, layer: Call, inputs: Sequence[_Tensor]) -> str:
    kind = layer.kind.lower()
    if len(inputs) != 2 or inputs[0].shape != inputs[1].shape:
        raise UserError(f"layer '{layer.name}': {kind} needs two inputs of one shape, not {[tensor.shape for tensor in inputs]}")
    return builder.elementwise(layer.name, kind, inputs[0].name, inputs[1].name)


_HANDLERS: dict[str, _Handler] = {
    "InputLayer": lambda builder, layer, inputs: "inputs",
    "QDense": _dense,
    "QConv1D": _convolution,
    "QConv2D": _convolution,
    "QActivation": lambda builder, layer, inputs: _add_activation(builder, layer.name, layer.activation, inputs[0].name),
    "LearnedDense": _dense,
    "LearnedConv2D": _convolution,
    "LearnedActivation": _learned_activation,
    "TableDense": _table_dense,
    "Flatten": _identity,
    "Reshape": _identity,
    "Dropout": _identity,
    "GaussianNoise": _identity,
    "Permute": _permutation,
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
    "UpSampling1D": _upsampling,
    "UpSampling2D": _upsampling,
    "MaxPooling1D": _pool,
    "MaxPooling2D": _pool,
    "SumPooling2D": _pool,
    "Slice": _slice,
    "Concatenate": _concatenate,
    "Add": _elementwise,
    "Subtract": _elementwise,
    "Multiply": _elementwise,
}
