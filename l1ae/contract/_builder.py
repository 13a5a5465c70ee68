"""Putting a contract together: each operation gets the narrowest format that its interval allows."""

import re
from collections.abc import Callable

import numpy as np

from l1ae.contract._bounds import Interval, interval_of
from l1ae.contract._ops import Elementwise, Gather, HardwareInput, IntArray, Operation, Preprocess
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputSpec

__all__ = ["Builder", "add_inputs", "difference_format"]


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Builder:
    """Appends operations; every tensor is known by its name."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._intervals: dict[str, Interval] = {}

    def add(self, operation: Operation) -> str:
        """Append an operation whose format is given. Raises `UserError` when its name is taken or no name in C++ and HDL."""
        if not _NAME.fullmatch(operation.name):
            raise UserError(f"layer '{operation.name}': firmware names are letters, digits and _, a letter first; rename the layer")
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
        return self._operation(name).format

    def size_of(self, name: str) -> int:
        """Number of elements of a tensor."""
        return self._operation(name).size

    def _operation(self, name: str) -> Operation:
        return next(operation for operation in self.operations if operation.name == name)

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


def add_inputs(builder: Builder, spec: InputSpec) -> None:
    """The hardware input `hw`, valid for every word of its port, and the preprocessed `inputs`."""
    low, high = spec.code_range
    form = FixedFormat.covering(int(low.min()), int(high.max()), 0)
    low, high = np.full(spec.size, form.low, np.int64), np.full(spec.size, form.high, np.int64)
    builder.add(HardwareInput(name="hw", inputs=(), format=form, size=spec.size, low=low, high=high))
    builder.add(
        Preprocess(
            name="inputs",
            inputs=("hw",),
            format=spec.network,
            size=spec.size,
            offset=spec.offset,
            shift=spec.shift,
            present=spec.present,
            gate=spec.gate,
            work=_work_format(spec, form),
        )
    )


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
