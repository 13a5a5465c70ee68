"""What the network receives of an event: a layout, and what is made of its hardware integers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from l1ae.inputs._added import Added
from l1ae.inputs._fixed import FixedFormat
from l1ae.inputs._layout import Layout
from l1ae.inputs._preset import Numbers

__all__ = ["InputSpec"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_BLOCK = 4096  # events whose temporaries stay in the processor's cache: twice as fast as all at once


@dataclass(frozen=True, eq=False)
class InputSpec:
    """A layout and its preprocessing: the network receives `(hw - offset) >> shift`, cast to `network`, or the entry of a table.

    Two representations of an event are converted into each other here and nowhere else:

    * hardware, integers (N, port.size) of type `port.dtype`: the codes that arrive in firmware. `event` puts the `added` columns behind
      them, which firmware computes; `layout` is that of all;
    * network, int64 (N, size): codes of `network`, the fixed-point type that the first layer sees. A column that carries no
      information (see `Layout.mask`) enters the network as 0.

    `offset`, in hardware LSB, and `shift`, to the right, or to the left where it is negative, are int64 (size,).
    `tables` holds, by column, the codes of `network` for each hardware code from 0 to a power of two; such a column has offset and
    shift 0, and code 0 where a gate can make it empty. `functions` says what they are, by feature.

    `counts_empty`: whether reconstruction errors count what an empty slot enters the network as, 0, as they count any other input.
    """

    layout: Layout
    network: FixedFormat
    offset: IntArray
    shift: IntArray
    tables: Mapping[int, IntArray] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    added: Added | None = None
    counts_empty: bool = False

    @classmethod
    def of(
        cls,
        layout: Layout,
        network: FixedFormat | None = None,
        changes: Mapping[str, Mapping[str, Numbers | None]] | None = None,
        offset: IntArray | None = None,
        shift: IntArray | None = None,
    ) -> "InputSpec":
        """The layout with `offset` and `shift` (size,), default its preset or 0, and `changes` to them by group.

        Raises `UserError` for an unknown group and numbers that do not fit it.
        """
        preset = layout.preset
        numbers = {
            name: np.zeros(layout.size, np.int64) if given is None else np.array(given, np.int64)
            for name, given in (("offset", offset), ("shift", shift))
        }
        parts = {} if preset is None or offset is not None else {name: part.model_dump() for name, part in preset.groups.items()}
        for source in (parts, changes or {}):
            for group, given in source.items():
                for name, value in given.items():
                    if value is not None:
                        numbers[name][layout.where(group)] = layout.spread(group, value, name).ravel()
        network = network or (FixedFormat.parse("fixed<12,6,RND_CONV,SAT>") if preset is None else preset.network)
        return cls(layout, network, numbers["offset"], numbers["shift"])

    def with_tables(self, tables: Mapping[int, IntArray], functions: Mapping[str, str]) -> "InputSpec":
        """The same with tables instead of offset and shift in some columns."""
        return replace(self.unshifted(tables), tables=dict(tables), functions=dict(functions))

    def unshifted(self, columns: Iterable[int]) -> "InputSpec":
        """The same with offset and shift 0 in some columns."""
        offset, shift, where = self.offset.copy(), self.shift.copy(), list(columns)
        offset[where] = shift[where] = 0
        return replace(self, offset=offset, shift=shift)

    def with_added(self, added: Added | None) -> "InputSpec":
        """The same, of events that lack the last columns of the layout until they are computed."""
        return replace(self, added=added)

    @property
    def port(self) -> Layout:
        """What arrives: the layout without the added columns."""
        return self.layout if self.added is None else self.added.port

    def event(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Events (N, port.size) with the added columns, (N, size); as they are without any."""
        return hardware if self.added is None else self.added.extend(hardware)

    @property
    def tabled(self) -> BoolArray:
        """(size,): which inputs are looked up in a table."""
        result = np.zeros(self.size, np.bool_)
        result[list(self.tables)] = True
        return result

    @property
    def size(self) -> int:
        """Number of network inputs."""
        return self.layout.size

    @property
    def names(self) -> tuple[str, ...]:
        """One name per network input."""
        return self.layout.names

    @property
    def present(self) -> BoolArray:
        """(size,): false where the hardware has no such input."""
        return self.layout.present

    @property
    def gate(self) -> IntArray:
        """(size,): the input whose code 0 says that this one carries no information; -1 where there is none."""
        return self.layout.gate

    @property
    def counted_gate(self) -> IntArray:
        """(size,): as `gate`, the input whose code 0 says that the error of this one does not count."""
        return np.full(self.size, -1, np.int64) if self.counts_empty else self.gate

    @property
    def code_range(self) -> tuple[IntArray, IntArray]:
        """Smallest and largest hardware code of each input, two arrays (size,)."""
        return self.layout.code_range

    @cached_property
    def kinds_alike(self) -> bool:
        """Whether every slot of a group is preprocessed as the others."""
        kind = np.full(self.size, -1)
        distinct: list[IntArray] = []
        for column, table in self.tables.items():
            same = [k for k, known in enumerate(distinct) if np.array_equal(known, table)]
            kind[column] = same[0] if same else len(distinct)
            distinct += [] if same else [table]
        each = (self.offset, self.shift, kind)
        blocks = [self.layout.block(values[None], group.name)[0] for values in each for group in self.layout.groups]
        return all(bool((slots == slots[0]).all()) for slots in blocks)

    def mask(self, hardware: npt.NDArray[np.integer]) -> BoolArray:
        """`Layout.mask` of hardware codes (N, port.size); an added column always carries information."""
        mask = self.port.mask(hardware)
        return mask if self.added is None else np.pad(mask, ((0, 0), (0, self.size - self.port.size)), constant_values=True)

    def counted(self, hardware: npt.NDArray[np.integer]) -> BoolArray:
        """(N, size): which inputs of hardware codes (N, port.size) reconstruction errors count."""
        return np.broadcast_to(self.present, (len(hardware), self.size)) if self.counts_empty else self.mask(hardware)

    def to_network(self, hardware: npt.NDArray[np.integer]) -> IntArray:
        """Hardware codes (N, port.size) into codes (N, size) of the network's input format.

        `(hw - offset) * 2**-shift`, exact, then cast to `network`, or the table's entry; 0 where `mask` is false. Of a code with more
        bits than its table only those that address it count.
        """
        mask = self.mask(hardware)
        codes = np.zeros(mask.shape, np.int64)
        for start in range(0, len(hardware), _BLOCK):
            block = slice(start, start + _BLOCK)
            event = self.event(hardware[block]).astype(np.int64)
            np.copyto(codes[block], self.network.cast(event - self.offset, self.shift), where=mask[block])
            for column, table in self.tables.items():
                codes[block, column] = table[event[:, column] & (len(table) - 1)] * mask[block, column]
        return codes

    def to_network_float(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """As `to_network`, as the float32 values (N, size) that a Keras model is trained on."""
        values = np.empty((len(hardware), self.size), np.float32)
        for start in range(0, len(hardware), _BLOCK):
            block = slice(start, start + _BLOCK)
            values[block] = self.to_network(hardware[block]) * self.network.lsb
        return values
