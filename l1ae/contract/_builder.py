"""Putting a contract together: each operation gets the narrowest format that its interval allows."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from l1ae.contract._added import add_added
from l1ae.contract._bounds import Interval, interval_of
from l1ae.contract._check import check_name
from l1ae.contract._ops import Dot, Elementwise, Gather, HardwareInput, IntArray, Operation, Preprocess, ReconstructionError, Sum, Table
from l1ae.errors import UserError
from l1ae.inputs import Added, FixedFormat, InputSpec, Layout, Rounding

__all__ = ["Builder", "add_event", "add_inputs", "add_port", "difference_format", "function_table"]

# a table with an entry for every code
_MAX_TABLE_BITS = 16

Function = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


class Builder:
    """Appends operations; every tensor is known by its name."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._intervals: dict[str, Interval] = {}
        self._mask: tuple[npt.NDArray[np.bool_], IntArray] | None = None

    def add(self, operation: Operation) -> str:
        """Append an operation whose format is given. Raises `UserError` when its name is taken or no name in C++ and HDL."""
        check_name(operation.name)
        if operation.name in self._intervals:
            raise UserError(f"layer '{operation.name}': this name is taken; rename the layer")
        self.operations.append(operation)
        self._intervals[operation.name] = self._interval(operation)
        return operation.name

    def add_exact(self, make: Callable[[FixedFormat], Operation], fraction: int) -> str:
        """Append an operation whose format is whatever holds every result and partial sum at `fraction`."""
        draft = make(FixedFormat(True, 62, 62 - fraction))
        interval = self._interval(draft)
        width = max(int(interval.partial_high).bit_length(), int(-interval.partial_low).bit_length()) + 1
        if width > 62:
            raise UserError(f"layer '{draft.name}': its exact result needs {width} bits, more than 62; use narrower inputs or weights")
        return self.add(make(FixedFormat.covering(interval.partial_low, interval.partial_high, fraction)))

    def _interval(self, operation: Operation) -> Interval:
        try:
            return interval_of(operation, self._intervals)
        except OverflowError as error:
            raise UserError(f"layer '{operation.name}': {error}; use narrower inputs or weights") from error

    def format_of(self, name: str) -> FixedFormat:
        """Format of a tensor."""
        return self.operation(name).format

    def size_of(self, name: str) -> int:
        """Number of elements of a tensor."""
        return self.operation(name).size

    def operation(self, name: str) -> Operation:
        """The operation that makes a tensor."""
        return next(operation for operation in self.operations if operation.name == name)

    def set_mask(self, present: npt.NDArray[np.bool_], gate: IntArray) -> None:
        """Which elements of `inputs` count in scores that leave the others out, said as in `Preprocess`."""
        self._mask = (present, gate) if bool((gate >= 0).any() or not present.all()) else None

    def gather(self, name: str, source: str, index: IntArray) -> str:
        """Rearrange a tensor; `index` of any shape, -1 for a constant 0."""
        flat = index.reshape(-1).astype(np.int64)
        return self.add(Gather(name=name, inputs=(source,), format=self.format_of(source), size=len(flat), index=flat))

    def elementwise(self, name: str, function: str, first: str, second: str) -> str:
        """The exact sum, difference or product of two tensors."""
        a, b = self.format_of(first).fraction, self.format_of(second).fraction
        size = self.size_of(first)

        def make(form: FixedFormat) -> Elementwise:
            return Elementwise(name=name, inputs=(first, second), format=form, size=size, function=function)

        return self.add_exact(make, a + b if function == "multiply" else max(a, b))

    # -- what scores are made of (`l1ae.families.Firmware`) --------------------------------------------------------------

    def error(self, name: str, first: str, second: str, power: int, *, masked: bool = False) -> str:
        """Sum over the elements of |first - second| ** power; `masked`: over the inputs that carry information."""
        size = self.size_of(first)
        if size != self.size_of(second):
            raise UserError(
                f"score '{name}' compares '{first}' ({size} elements) with '{second}' ({self.size_of(second)}); they must be as long"
            )
        difference = difference_format(self.format_of(first), self.format_of(second))
        present, gate = np.ones(size, np.bool_), np.full(size, -1, np.int64)
        inputs: tuple[str, ...] = (first, second)
        if masked and self._mask is not None:
            (present, gate), inputs = self._mask, (first, second, "hw")

        def make(form: FixedFormat) -> ReconstructionError:
            return ReconstructionError(
                name=name, inputs=inputs, format=form, size=1, power=power, present=present, gate=gate, difference=difference
            )

        return self.add_exact(make, power * difference.fraction)

    def dot(self, name: str, first: str, second: str | None = None) -> str:
        """Sum over the elements of first x second, or of first^2."""
        inputs = (first,) if second is None else (first, second)
        fraction = self.format_of(first).fraction + self.format_of(second or first).fraction
        return self.add_exact(lambda form: Dot(name=name, inputs=inputs, format=form, size=1), fraction)

    def sum(self, name: str, *sources: str, halvings: int = 0) -> str:
        """Sum over the elements of all sources (one or two), divided by 2 ** halvings."""
        fraction = max(self.format_of(source).fraction for source in sources) + halvings
        return self.add_exact(lambda form: Sum(name=name, inputs=sources, format=form, size=1, halvings=halvings), fraction)

    def multiply(self, name: str, first: str, second: str) -> str:
        """Products of the elements."""
        return self.elementwise(name, "multiply", first, second)

    def table(self, name: str, source: str, form: FixedFormat, *, text: str, function: Function) -> str:
        """A function of each element, rounded to `form`, from a table with an entry for every code."""
        size, width = self.size_of(source), self.format_of(source).width
        if width > _MAX_TABLE_BITS:
            raise UserError(f"layer '{source}': {width} bits are too many for the table '{text}'; quantize it to at most {_MAX_TABLE_BITS}")
        return self.add(function_table(name, source, self.format_of(source), form, size=size, text=text, function=function))


def add_port(builder: Builder, layout: Layout) -> str:
    """The hardware input `hw`, valid for every word of its port."""
    low, high = layout.code_range
    form = FixedFormat.covering(int(low.min()), int(high.max()), 0)
    low, high = np.full(layout.size, form.low, np.int64), np.full(layout.size, form.high, np.int64)
    return builder.add(HardwareInput(name="hw", inputs=(), format=form, size=layout.size, low=low, high=high))


def add_event(builder: Builder, port: Layout, added: Added | None) -> str:
    """The hardware input `hw` as `add_port` makes it, and the `added` columns; returns the name of the tensor with the codes of all.

    It is `hw` itself where no column is added.
    """
    hardware = add_port(builder, port)
    return hardware if added is None else add_added(builder, added, hardware)


def add_inputs(builder: Builder, spec: InputSpec) -> None:
    """The event as `add_event` makes it, and the preprocessed `inputs`.

    Columns with tables are looked up (`inputs_table`), the others shifted (`inputs_linear`); each is 0 where the other is not.
    """
    event = add_event(builder, spec.port, spec.added)
    form = builder.format_of(event)
    builder.set_mask(spec.present, spec.counted_gate)
    if not spec.tables:
        builder.add(_linear_inputs(spec, event, form, "inputs"))
    elif spec.present[~spec.tabled].any():
        first = builder.add(_linear_inputs(spec, event, form, "inputs_linear"))
        second = builder.add(_tabled_inputs(spec, event, "inputs_table"))
        builder.add(Elementwise(name="inputs", inputs=(first, second), format=spec.network, size=spec.size, function="add"))
    else:
        builder.add(_tabled_inputs(spec, event, "inputs"))


def _linear_inputs(spec: InputSpec, event: str, port: FixedFormat, name: str) -> Preprocess:
    return Preprocess(
        name=name,
        inputs=(event,),
        format=spec.network,
        size=spec.size,
        offset=spec.offset,
        shift=spec.shift,
        present=spec.present & ~spec.tabled,
        gate=spec.gate,
        work=_work_format(spec, port),
    )


def _tabled_inputs(spec: InputSpec, event: str, name: str) -> Table:
    """A table's code 0 is that of an empty slot: no gate is needed."""
    nothing = np.zeros(1, np.int64)
    tables = [spec.tables.get(column, nothing) for column in range(spec.size)]
    text = ", ".join(f"{function} of {feature}" for feature, function in spec.functions.items())
    # rounded to nearest where the type does, else towards one side
    error = spec.network.lsb / (1 if spec.network.rounding in {Rounding.TRN, Rounding.TRN_ZERO} else 2)
    return Table.of_elements(tables, name=name, inputs=(event,), format=spec.network, function=text, max_error=error)


def difference_format(a: FixedFormat, b: FixedFormat) -> FixedFormat:
    """The narrowest format that holds every difference of two codes."""
    fraction = max(a.fraction, b.fraction)
    low = (a.low << (fraction - a.fraction)) - (b.high << (fraction - b.fraction))
    high = (a.high << (fraction - a.fraction)) - (b.low << (fraction - b.fraction))
    return FixedFormat.covering(low, high, fraction)


def _work_format(spec: InputSpec, port: FixedFormat) -> FixedFormat:
    """Holds every `(hw - offset) * 2**-shift` exactly, and the difference before the shift."""
    low, high = port.low - spec.offset, port.high - spec.offset
    fraction = max(int(spec.shift.max()), 0)
    grow = np.maximum(fraction - spec.shift, fraction)
    scale = 2 ** grow.astype(object)
    return FixedFormat.covering(int((low * scale).min()), int((high * scale).max()), fraction)


def function_table(
    name: str, source: str, source_format: FixedFormat, form: FixedFormat, *, size: int, text: str, function: Function
) -> Table:
    """Table of a function over all 2**width inputs of `source_format`, rounded and saturated to `form`."""
    bits = np.arange(1 << source_format.width, dtype=np.int64)
    codes = np.where(bits > source_format.high, bits - len(bits), bits) if source_format.signed else bits
    exact = function(np.asarray(codes * source_format.lsb, np.float64))
    table = form.quantize(np.minimum(exact, (form.high + 1) * form.lsb))
    inside = table < form.high
    error = float(np.abs(table * form.lsb - exact)[inside].max())
    return Table(name=name, inputs=(source,), format=form, size=size, codes=table, function=text, max_error=error)
