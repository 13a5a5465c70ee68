"""A network that somebody else deployed, as a contract: from its plain description (`l1ae.config.load_description`)."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial, singledispatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np

from l1ae.config import (
    ActivationDescription,
    BatchNormDescription,
    BinsDescription,
    ClampDescription,
    ConcatenateDescription,
    ConvolutionDescription,
    DenseDescription,
    Description,
    DotDescription,
    ElementwiseDescription,
    ErrorDescription,
    LayerDescription,
    LookupDescription,
    PoolDescription,
    PreprocessingDescription,
    QuantizeDescription,
    ReluDescription,
    ScoreDescription,
    SelectDescription,
    SumDescription,
    TableDescription,
    load_description,
)
from l1ae.contract._added import EVENT
from l1ae.contract._bounds import Interval
from l1ae.contract._builder import Builder, difference_format
from l1ae.contract._check import check
from l1ae.contract._contract import Contract
from l1ae.contract._foreign_arrays import Arrays
from l1ae.contract._foreign_parts import add_activation, add_batch_norm, add_clamp, add_score_of_vector
from l1ae.contract._ops import (
    Accumulating,
    Binning,
    Concatenate,
    Convolution,
    Dense,
    Dot,
    Elementwise,
    Gather,
    HardwareInput,
    IntArray,
    Lookup,
    Operation,
    Pool,
    Preprocess,
    Quantize,
    ReconstructionError,
    Relu,
    Sum,
    Table,
    Threshold,
)
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, Layout, Overflow

__all__ = ["for_events", "import_description"]

_log = logging.getLogger("l1ae")

Made = Callable[[], str]

_OWN_NAMES = ("hw", "inputs", EVENT, "score", "trigger")


@dataclass(frozen=True)
class _Sources:
    """What a layer can refer to: arrays, and the tensor that each name stands for."""

    arrays: Arrays
    tensors: Mapping[str, Operation]
    builder: Builder

    def __getitem__(self, name: str) -> Operation:
        return self.tensors[name]


def import_description(path: Path, project: str) -> Contract:
    """The contract of the network that a YAML file describes, and its threshold (0 where the description gives none).

    A sum that leaves its layer in a type of its own becomes two operations: NAME in the accumulator's format, and
    NAME_result. `project` is NAME_vVERSION.

    Raises `UserError` naming file, layer and remedy for unknown keys, references and formats, layers that read each other,
    arrays of another shape, weights that their type does not hold, and accumulators that could
    overflow without `wraps`, or that saturate and could overflow at all, and a layout whose codes the port does not hold.
    """
    description = load_description(path)
    _check_graph(description)
    with Arrays.open(description) as arrays:
        operations = _operations(description, arrays)
    try:
        contract = Contract(project, operations, description.hardware.columns)
        contract = contract.with_threshold(description.score.threshold or 0)
    except UserError as error:
        wraps = any(
            isinstance(layer, DenseDescription | DotDescription)
            and f"'{layer.name}'" in str(error)
            and not layer.wraps
            and layer.accumulator.overflow is Overflow.WRAP
            for layer in description.layers
        )
        remedy = ", or set `wraps: true` if the deployed accumulator wraps" if wraps and "widen it" in str(error) else ""
        raise UserError(f"{path}: {error}{remedy}") from error
    _warn_of_wrapping_score(contract, path)
    _tell_what_cannot_wrap(contract, path)
    return contract


def for_events(contract: Contract, events: Layout, path: Path) -> Contract:
    """The contract of a description at `path` for events of a layout; one without a layout of its own takes theirs.

    Raises `UserError` naming the description, both layouts and the remedy where they are not the same columns.
    """
    own, size = contract.layout, contract.hardware.size
    have = f"the events of this run are {events.size} columns of layout '{events.name}'"
    if own is None and events.size != size:
        raise UserError(
            f"{path}: the network has {size} inputs without a layout, but {have}; choose that layout, or a part of it, with inputs.layout "
            f"and inputs.select. For plain numbers write a layout of one group (kind: vector, slots: {size}), make a store of events "
            "with `l1ae data import FILE --layout LAYOUT.yaml --map MAP.yaml -o FOLDER/background.h5`, and name both with inputs.layout "
            "and data.source"
        )
    try:
        if own is not None:
            _check_same_columns(own, events)
        return replace(contract, layout=own or events)
    except UserError as error:
        needed = "" if own is None else f"the network reads {own.size} columns of layout '{own.name}', but {have}: "
        raise UserError(f"{path}: {needed}{error}") from error


def _check_same_columns(own: Layout, events: Layout) -> None:
    """Raise `UserError` unless column i of `events` is column i of `own`."""
    taken = own.taken_from(events, "the events")
    wrong = np.flatnonzero((taken != np.arange(own.size)) & own.present)
    if len(wrong):
        k = int(wrong[0])
        raise UserError(
            f"input {k} is {own.names[k]}, which is column {taken[k]} of the events; give inputs.layout the description's layout, or "
            "inputs.select what the network reads"
        )
    if own.size != events.size:
        raise UserError("the events have columns that the network does not read; leave them out with inputs.select")


def _warn_of_wrapping_score(contract: Contract, path: Path) -> None:
    """A score that wraps makes the strangest events look ordinary; that is what was deployed, but somebody should know."""
    form, source = contract.score.format, contract[contract.score.inputs[0]]
    interval: Interval = contract.intervals[source.name]
    drop = max(source.format.fraction - form.fraction, 0)
    if form.overflow is Overflow.WRAP and ((max(interval.high) >> drop) + 1 > form.high or min(interval.low) >> drop < form.low):
        _log.warning("%s: the score's type %s can wrap: a score beyond its range looks like an ordinary one", path, form)


def _tell_what_cannot_wrap(contract: Contract, path: Path) -> None:
    """`wraps: true` is what the types of a deployed accumulator say; often the bounds prove that it never happens."""
    claimed = [operation.name for operation in contract.operations if isinstance(operation, Accumulating) and operation.wraps]
    if proven := sorted(set(claimed) - set(contract.wrapping), key=claimed.index):
        _log.info("%s: proven not to wrap for any input, although the description says `wraps: true`: %s", path, ", ".join(proven))


# -- graph ---------------------------------------------------------------------------------------------------------


def _check_graph(description: Description) -> None:
    path, readers = description.path, {layer.name: layer.sources for layer in description.layers}
    names = [*_OWN_NAMES, *(layer.name for layer in description.layers)]
    names += [f"{layer.name}_result" for layer in description.layers if _has_result(layer)]
    taken = [name for k, name in enumerate(names) if name in names[:k]]
    if taken:
        raise UserError(f"{path}: layer '{taken[0]}': this name is taken; rename the layer")
    known = [*_first_tensors(description), *readers]
    for name, sources in (*readers.items(), ("score", (description.score.input,))):
        for source in sources:
            if source not in known:
                raise UserError(f"{path}: layer '{name}' reads '{source}', which does not exist; there are {', '.join(known)}")
    try:
        TopologicalSorter(readers).prepare()
    except CycleError as error:
        raise UserError(f"{path}: the layers {' -> '.join(error.args[1])} read each other in a circle; cut it") from error
    _check_order(description)


def _first_tensors(description: Description) -> tuple[str, ...]:
    """What the first layers can read."""
    return ("hw",) if description.preprocessing is None else ("hw", "inputs")


def _has_result(layer: Any) -> bool:
    """Whether the layer's sum leaves it in another type than its accumulator's."""
    return isinstance(layer, DenseDescription | DotDescription) and layer.result not in {None, layer.accumulator}


def _check_order(description: Description) -> None:
    path, first = description.path, _first_tensors(description)
    before = set(first)
    for layer in description.layers:
        late = [source for source in layer.sources if source not in before]
        if late:
            raise UserError(
                f"{path}: layer '{layer.name}' reads '{late[0]}', which comes later; list the layers in the order of computation"
            )
        before.add(layer.name)
    read = {source for layer in description.layers for source in layer.sources} | {description.score.input}
    unread = [name for name in (first[-1], *(layer.name for layer in description.layers)) if name not in read]
    if unread:
        _log.warning("%s: the score does not depend on %s, which nobody reads", path, ", ".join(unread))


# -- operations ----------------------------------------------------------------------------------------------------


class _Checked(Builder):
    """A builder that looks at each operation before it computes with it."""

    def add(self, operation: Operation) -> str:
        """Append an operation that fits those before it. Raises `UserError` naming it where it does not."""
        check(operation, {item.name: item for item in self.operations})
        return super().add(operation)


def _operations(description: Description, arrays: Arrays) -> tuple[Operation, ...]:
    path, builder = description.path, _Checked()
    tensors: dict[str, Operation] = {}
    sources = _Sources(arrays, tensors, builder)
    for operation in _inputs(description, arrays):
        tensors[operation.name] = _appended(builder, operation, path, sources)
    for layer in description.layers:
        tensors[layer.name] = _appended(builder, layer, path, sources)
    _check_square_kernels(description, tensors, arrays)
    _appended(builder, description.score, path, sources)
    trigger = Threshold(name="trigger", inputs=("score",), format=FixedFormat(False, 1, 1), size=1, threshold=0)
    return (*builder.operations, trigger)


def _appended(builder: Builder, part: Any, path: Path, sources: _Sources) -> Operation:
    """Append what a part of the description becomes; returns the operation whose tensor it is."""
    made = _operation(part, sources)
    try:
        name = builder.add(made) if isinstance(made, Operation) else made()
        if _has_result(part):
            name = builder.add(Quantize(name=f"{name}_result", inputs=(name,), format=part.result, size=builder.size_of(name)))
    except UserError as error:
        raise UserError(str(error) if str(error).startswith(f"{path}: ") else f"{path}: {error}") from error
    return builder.operation(name)


def _check_square_kernels(description: Description, tensors: Mapping[str, Operation], arrays: Arrays) -> None:
    """A square kernel beside turned ones could be either."""
    dense = [layer for layer in description.layers if type(layer) is DenseDescription and layer.transposed is None]
    shapes = {layer.name: arrays.content[layer.kernel].shape for layer in dense}
    turned = [layer.name for layer in dense if is_transposed(layer, shapes[layer.name], tensors[layer.input].size)]
    square = [layer.name for layer in dense if len(set(shapes[layer.name])) == 1]
    if turned and square:
        raise UserError(
            f"{description.path}: layer '{square[0]}': its kernel is square, and that of layer '{turned[0]}' is (n_out, n_in) by its "
            "shape; say which way this one is with `transposed: true` or `transposed: false`"
        )
    if turned:
        _log.info(
            "%s: kernels that are (n_out, n_in) by their shape, as the Resource strategy writes them: %s",
            description.path,
            ", ".join(turned),
        )


def _inputs(description: Description, arrays: Arrays) -> tuple[Operation, ...]:
    size, form, how = description.hardware.inputs, description.hardware.port, description.preprocessing
    low, high = np.full(size, form.low, np.int64), np.full(size, form.high, np.int64)
    hw = HardwareInput(name="hw", inputs=(), format=form, size=size, low=low, high=high)
    if how is None:
        return (hw,)
    offset, offset_fraction = arrays.reals(how.offset, "preprocessing.offset", (size,), how.offset_type)
    shift, work = _shift(how, arrays, hw, (offset, offset_fraction))
    present = np.ones(size, np.bool_) if how.present is None else arrays.flags(how.present, "present", (size,))
    inputs = Preprocess(
        name="inputs",
        inputs=("hw",),
        format=how.result,
        size=size,
        offset=offset,
        offset_fraction=offset_fraction,
        shift=shift,
        present=present,
        gate=arrays.integers(how.gate, "gate", (size,)),
        work=work,
    )
    return hw, inputs


def _shift(how: PreprocessingDescription, arrays: Arrays, hw: HardwareInput, offset: tuple[IntArray, int]) -> tuple[IntArray, FixedFormat]:
    """The shift, and the type within which bits move: for a division one that loses none."""
    if how.divide is None:
        assert how.work is not None
        return arrays.integers(0 if how.shift is None else how.shift, "preprocessing.shift", (hw.size,)), how.work
    divisors = arrays.integers(how.divide, "preprocessing.divide", (hw.size,))
    if divisors.min() < 1 or (divisors & (divisors - 1)).any():
        k = int(np.argmax((divisors < 1) | (divisors & (divisors - 1) != 0)))
        raise UserError(f"{arrays.path}: preprocessing.divide: number {k} is {divisors[k]}, which is no power of two; others are not exact")
    shift = np.array([int(divisor).bit_length() - 1 for divisor in divisors], np.int64)
    fraction = max(hw.format.fraction, offset[1])
    scale = 1 << (fraction - offset[1])
    ends = [(code << (fraction - hw.format.fraction)) - int(x) * scale for code in (hw.format.low, hw.format.high) for x in offset[0]]
    grow = int(shift.max())
    whole = FixedFormat.covering(min(ends) << grow, max(ends) << grow, fraction + grow)
    return shift, whole


@singledispatch
def _operation(layer: Any, sources: _Sources) -> Operation | Made:
    """The operation of a layer, in the format of its accumulator where it has one; or what appends its operations and returns the last
    one's name."""
    raise NotImplementedError(type(layer).__name__)


def _common(layer: LayerDescription, sources: _Sources, size: int, form: FixedFormat) -> dict[str, Any]:
    return {"name": layer.name, "inputs": tuple(sources[name].name for name in layer.sources), "format": form, "size": size}


def is_transposed(layer: DenseDescription, shape: tuple[int, ...], inputs: int) -> bool:
    """Whether the kernel's outputs are its first axis, as hls4ml's strategy Resource writes it: the layer says so, or its shape."""
    rank = 4 if isinstance(layer, ConvolutionDescription) else 2
    by_shape = len(shape) == rank and shape[-2] != inputs == shape[-1]
    return by_shape if layer.transposed is None else layer.transposed


def _weights(layer: DenseDescription, arrays: Arrays, inputs: int) -> dict[str, Any]:
    """Kernel and bias of a layer that reads `inputs` elements, or channels."""
    kernel = arrays.weights(layer.kernel, layer.kernel_type, f"layer '{layer.name}', kernel", rounds=layer.round_weights)
    if is_transposed(layer, kernel.shape, inputs):
        kernel = np.moveaxis(kernel, 0, -1)
    bias, bias_type = np.zeros(kernel.shape[-1:], np.int64), layer.bias_type or FixedFormat(True, 1, 1)
    if (layer.bias is None) != (layer.bias_type is None):
        raise UserError(f"{arrays.path}: layer '{layer.name}': bias and bias_type belong together; give both or none")
    if layer.bias is not None:
        bias = arrays.weights(layer.bias, bias_type, f"layer '{layer.name}', bias", rounds=layer.round_weights)
    return {"weights": kernel, "bias": bias, "weight_format": layer.kernel_type, "bias_format": bias_type, "wraps": layer.wraps}


@_operation.register
def _(part: Operation, sources: _Sources) -> Operation:
    return part


@_operation.register
def _(layer: DenseDescription, sources: _Sources) -> Operation:
    n_in = sources[layer.input].size
    weights = _weights(layer, sources.arrays, n_in)
    shape = weights["weights"].shape
    if len(shape) != 2 or shape[0] != n_in:
        raise UserError(
            f"{sources.arrays.path}: layer '{layer.name}': kernel must have shape (n_in, n_out) with the {n_in} elements of "
            f"'{layer.input}' as n_in, or (n_out, n_in), not {shape}"
        )
    return Dense(**_common(layer, sources, shape[1], layer.accumulator), **weights)


@_operation.register
def _(layer: ConvolutionDescription, sources: _Sources) -> Operation:
    weights = _weights(layer, sources.arrays, layer.shape[2])
    shape = weights["weights"].shape
    if len(shape) != 4 or min(layer.stride) < 1:
        raise UserError(
            f"{sources.arrays.path}: layer '{layer.name}': kernel must have shape (rows, columns, channels, filters), not {shape}, "
            f"and the stride {layer.stride} must be positive"
        )
    draft = Convolution(**_common(layer, sources, 1, layer.accumulator), **weights, shape=layer.shape, stride=layer.stride)
    return replace(draft, size=draft.positions[0] * draft.positions[1] * shape[3])


@_operation.register
def _(layer: ReluDescription, sources: _Sources) -> Operation:
    return Relu(**_common(layer, sources, sources[layer.input].size, layer.result))


@_operation.register
def _(layer: QuantizeDescription, sources: _Sources) -> Operation:
    return Quantize(**_common(layer, sources, sources[layer.input].size, layer.result))


@_operation.register
def _(layer: BatchNormDescription, sources: _Sources) -> Made:
    return partial(add_batch_norm, layer, sources[layer.input].name, sources.builder, sources.arrays)


@_operation.register
def _(layer: ClampDescription, sources: _Sources) -> Made:
    return partial(add_clamp, layer, sources[layer.input].name, sources.builder, sources.arrays)


@_operation.register
def _(layer: ActivationDescription, sources: _Sources) -> Made:
    return partial(add_activation, layer, sources[layer.input].name, sources.builder)


@_operation.register
def _(score: ScoreDescription, sources: _Sources) -> Made:
    source = sources[score.input]
    if score.function is None and source.size != 1:
        raise UserError(
            f"{sources.arrays.path}: the score's input '{score.input}' has {source.size} elements; it must have one, or say with "
            "score.function (squares, absolute, sum, max) what is made of them outside of the network"
        )

    def add() -> str:
        name = source.name if score.function is None else add_score_of_vector(score, source.name, sources.builder)
        return sources.builder.add(Quantize(name="score", inputs=(name,), format=score.type, size=1))

    return add


@_operation.register
def _(layer: ElementwiseDescription, sources: _Sources) -> Operation:
    sizes = [sources[name].size for name in layer.inputs]
    if sizes[0] != sizes[1]:
        raise UserError(
            f"{sources.arrays.path}: layer '{layer.name}': its inputs have {sizes[0]} and {sizes[1]} elements; they must be as long"
        )
    return Elementwise(**_common(layer, sources, sizes[0], layer.result), function=layer.kind)


@_operation.register
def _(layer: ConcatenateDescription, sources: _Sources) -> Operation:
    size = sum(sources[name].size for name in layer.inputs)
    return Concatenate(**_common(layer, sources, size, layer.result))


@_operation.register
def _(layer: SelectDescription, sources: _Sources) -> Operation:
    index = sources.arrays.integers(layer.index, f"layer '{layer.name}', index")
    return Gather(**_common(layer, sources, len(index), sources[layer.input].format), index=index)


@_operation.register
def _(layer: PoolDescription, sources: _Sources) -> Operation:
    windows = sources.arrays.integers(layer.windows, f"layer '{layer.name}', windows")
    return Pool(**_common(layer, sources, len(windows), layer.result), windows=windows, function=layer.function)


@_operation.register
def _(layer: SumDescription, sources: _Sources) -> Operation:
    return Sum(**_common(layer, sources, 1, layer.result), halvings=layer.halvings)


@_operation.register
def _(layer: BinsDescription, sources: _Sources) -> Operation:
    arrays, where = sources.arrays, f"layer '{layer.name}'"
    edges = arrays.rows(layer.edges, f"{where}, edges")
    index = np.arange(sources[layer.input].size) if layer.index is None else arrays.integers(layer.index, f"{where}, index")
    if len(index) != len(edges):
        what = f"'{layer.input}' has {len(index)} elements" if layer.index is None else f"index has {len(index)} elements"
        raise UserError(f"{arrays.path}: {where}: {what}, and edges {len(edges)} rows; give one row for each, which may be empty")
    width = max(max(map(len, edges), default=0).bit_length(), 1)
    return Binning(**_common(layer, sources, len(edges), layer.result or FixedFormat(False, width, width)), index=index, edges=edges)


@_operation.register
def _(layer: LookupDescription, sources: _Sources) -> Operation:
    arrays, where = sources.arrays, f"layer '{layer.name}'"
    index = arrays.rows(layer.index, f"{where}, index")
    bits = layer.bits
    rows = tuple((bits,) * len(row) for row in index) if isinstance(bits, int) else arrays.rows(bits, f"{where}, bits")
    codes = arrays.integers(layer.codes, f"{where}, codes").ravel()
    return Lookup(**_common(layer, sources, len(index), layer.result), index=index, bits=rows, codes=codes, function=layer.function)


@_operation.register
def _(layer: TableDescription, sources: _Sources) -> Operation:
    arrays, where, size = sources.arrays, f"layer '{layer.name}'", sources[layer.input].size
    codes = arrays.integers(layer.codes, f"{where}, codes").ravel()
    values = _common(layer, sources, size, layer.result) | {"function": layer.function, "max_error": 0.0}
    if layer.bits is None:
        return Table(codes=codes, **values)
    bits = arrays.integers(layer.bits, f"{where}, bits", (size,))
    if not 0 <= bits.min() <= bits.max() <= sources[layer.input].format.width:
        raise UserError(
            f"{arrays.path}: {where}: bits must lie within 0 to {sources[layer.input].format.width}, the width of '{layer.input}'"
        )
    if len(codes) != (entries := int((1 << bits).sum())):
        raise UserError(
            f"{arrays.path}: {where}: the tables of {size} elements have {entries} entries by their bits, but codes has {len(codes)}"
        )
    del values["size"]
    return Table.of_elements(np.split(codes, np.cumsum(1 << bits)[:-1]), **values)


@_operation.register
def _(layer: DotDescription, sources: _Sources) -> Operation:
    return Dot(**_common(layer, sources, 1, layer.accumulator), wraps=layer.wraps)


@_operation.register
def _(layer: ErrorDescription, sources: _Sources) -> Operation:
    size = sources[layer.inputs[0]].size
    common = _common(layer, sources, 1, layer.result)
    present, gate = np.ones(size, np.bool_), np.full(size, -1, np.int64)
    if layer.masked:
        inputs = sources.tensors.get("inputs")
        if not isinstance(inputs, Preprocess):
            raise UserError(
                f"{sources.arrays.path}: layer '{layer.name}': `masked: true` leaves out what the preprocessing says is empty, and there "
                "is none; give `preprocessing` with its gate, or remove `masked`"
            )
        common |= {"inputs": (*common["inputs"], "hw")}
        present, gate = inputs.present, inputs.gate
    return ReconstructionError(
        **common,
        power=2 if layer.kind == "squared_error" else 1,
        present=present,
        gate=gate,
        difference=difference_format(*(sources[name].format for name in layer.inputs)),
    )
