"""Layers whose edges are small tables: what an FPGA is made of, instead of products.

An edge is a function of one code (or of two), learned entry by entry, and a node is the sum of its edges, as in Kolmogorov-Arnold
networks (arXiv:2404.19756) on FPGAs (KANELE, arXiv:2512.12850): an edge has a straight line as its base and a deviation from it for
every code, so that codes which training rarely shows follow the line. Widths per edge learn as in arXiv:2405.00645.
"""

from typing import Any

import keras
from keras import ops

from l1ae.config import Config
from l1ae.models._learned import Within, round_to, whole
from l1ae.models._plan import TableStep, firmware_plan

__all__ = ["TableDense", "table_luts"]

LUT_INPUTS = 6
"""Address bits of one lookup table of the FPGA; two functions of the same five inputs share one (UG574, AMD)."""

# entries of this many negative fractional bits, multiples of 16, are coarser than any code
_COARSEST = -4


@keras.saving.register_keras_serializable(package="l1ae")
class TableDense(keras.layers.Layer):  # type: ignore[misc]
    """Node j is the sum over edges e of table[e, address of e, j], plus a bias: (N, n_in) -> (N, units).

    An edge reads the input elements `index[e]`, one or two of them; an element is a code of `bits` bits with `fraction` of them right
    of the binary point, two's complement if `signed`. With `entry_fraction` inputs lie on that grid, and entries and bias are rounded
    to 2^-entry_fraction; without (None) inputs are real, clipped to the range of the codes, and entries are interpolated linearly.
    With `learned` every edge has a number of fractional bits of its own, at most `entry_fraction`.

    The gradient with respect to an input is the slope of the interpolation; on the grid the mean of those to the left and right.
    """

    def __init__(
        self,
        units: int,
        *,
        index: Any,
        bits: int,
        fraction: int = 0,
        signed: bool = False,
        entry_fraction: int | None = None,
        learned: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        gain: float = 1.0,
        centre: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units, self.index = units, tuple(tuple(edge) for edge in index)
        self.bits, self.fraction, self.signed = bits, fraction, signed
        self.entry_fraction, self.learned = entry_fraction, learned
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.gain, self.centre = gain, centre

    @property
    def levels(self) -> int:
        """Codes of one input element."""
        return 1 << self.bits

    @property
    def fan(self) -> int:
        """Input elements that an edge reads."""
        return len(self.index[0])

    @property
    def address_bits(self) -> int:
        """Bits that address an entry."""
        return self.bits * self.fan

    @property
    def merged_edges(self) -> int:
        """Edges of a node that share lookup tables: as many as six address bits hold, at least one.

        The sum of two functions of three bits each is one function of six, which saves an adder and half the tables.
        """
        return max(LUT_INPUTS // self.address_bits, 1)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Slope (edges, fan, units), deviation (edges, levels ** fan, units), bias (units,); learned widths (edges, units)."""
        edges = len(self.index)
        self.slope = self.add_weight(shape=(edges * self.fan, self.units), initializer=self._slopes, name="slope")
        self.table = self.add_weight(shape=(edges, self.levels**self.fan, self.units), initializer="zeros", name="table")
        self.bias = self.add_weight(shape=(self.units,), initializer=keras.initializers.Constant(self.centre), name="bias")
        if self.learned:
            assert self.entry_fraction is not None
            self.edge_fraction = self.add_weight(
                shape=(edges, self.units),
                initializer=keras.initializers.Constant(self.entry_fraction),
                constraint=Within(_COARSEST, self.entry_fraction),
                name="edge_fraction",
            )

    def _slopes(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return self.gain * self.kernel_initializer(shape, dtype)

    def call(self, inputs: Any) -> Any:
        """The sums."""
        basis = self._basis(inputs)
        parts = [ops.take(basis, [edge[k] for edge in self.index], axis=1) for k in range(self.fan)]
        address = parts[0] if self.fan == 1 else parts[0][..., :, None] * parts[1][..., None, :]
        width = len(self.index) * self.levels**self.fan
        return ops.matmul(ops.reshape(address, (-1, width)), ops.reshape(self.entries(), (width, self.units))) + self.quantized_bias()

    def _basis(self, inputs: Any) -> Any:
        """(N, n_in, levels): how much the entry of each code counts."""
        place = ops.clip(inputs * 2.0**self.fraction + self._below, 0.0, self.levels - 1.0)[..., None]
        codes = ops.arange(self.levels, dtype="float32")
        if self.entry_fraction is None:
            return ops.relu(1.0 - ops.abs(place - codes))
        fixed = ops.stop_gradient(ops.round(place))
        above, below = ops.minimum(fixed + 1.0, self.levels - 1.0), ops.maximum(fixed - 1.0, 0.0)
        slope = (_is(codes, above) - _is(codes, below)) / (above - below)
        # place - place is 0: only its gradient is there
        return _is(codes, fixed) + ops.stop_gradient(slope) * (place - ops.stop_gradient(place))

    @property
    def _below(self) -> float:
        """Codes below 0, which the basis counts first."""
        return float(self.levels // 2) if self.signed else 0.0

    def entries(self) -> Any:
        """The tables, (edges, levels ** fan, units), in the order of rising codes (the first element of an edge counts most)."""
        codes = (ops.arange(self.levels, dtype="float32") - self._below) * 2.0**-self.fraction
        grid = [codes[:, None]] if self.fan == 1 else [ops.repeat(codes, self.levels)[:, None], ops.tile(codes, self.levels)[:, None]]
        slopes = ops.reshape(self.slope, (len(self.index), self.fan, self.units))
        lines = sum(grid[k] * slopes[:, k, None, :] for k in range(self.fan))
        values = lines + ops.convert_to_tensor(self.table)
        return values if self.entry_fraction is None else round_to(values, self._fractions())

    def _fractions(self) -> Any:
        return whole(self.edge_fraction)[:, None, :] if self.learned else float(self.entry_fraction or 0)

    def quantized_bias(self) -> Any:
        """What is added to the sums, (units,)."""
        bias = ops.convert_to_tensor(self.bias)
        return bias if self.entry_fraction is None else round_to(bias, float(self.entry_fraction))

    def spread(self) -> Any:
        """Standard deviation of every edge's entries over its codes, (edges, units): 0 of an edge that is not there."""
        return ops.std(self.entries(), axis=1)

    def keep(self, mask: Any) -> None:
        """Leave the edges out whose `mask`, (edges, units), is 0; the others, where it is 1, stay."""
        self.table.assign(self.table * mask[:, None, :])
        self.slope.assign(self.slope * ops.repeat(mask, self.fan, axis=0))

    def edge_bits(self) -> Any:
        """Bits of every edge's entries above the smallest one, (edges, units): 0 of a constant, which joins the bias.

        The range does not depend on any variable as far as gradients go.
        """
        assert self.entry_fraction is not None
        entries = ops.stop_gradient(self.entries())
        span = ops.max(entries, axis=1) - ops.min(entries, axis=1)
        # log2 of a power of two may come out a little low
        integer = ops.where(span > 0, ops.floor(ops.log2(ops.where(span > 0, span, 1.0)) + 1e-5) + 1.0, float("-inf"))
        return ops.relu(integer + (whole(self.edge_fraction) if self.learned else float(self.entry_fraction)))

    def snap(self) -> None:
        """Replace weights and widths by the values that the layer uses; the lines become part of the entries."""
        entries = ops.convert_to_numpy(self.entries())
        bias = ops.convert_to_numpy(self.quantized_bias())
        if self.learned:
            self.edge_fraction.assign(whole(self.edge_fraction))
        self.slope.assign(ops.zeros_like(self.slope))
        self.table.assign(entries)
        self.bias.assign(bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(N, units)."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        own = {name: getattr(self, name) for name in ("units", "index", "bits", "fraction", "signed", "entry_fraction", "learned")}
        more = {"gain": self.gain, "centre": self.centre, "kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}
        return {**super().get_config(), **own, **more}


def _is(codes: Any, chosen: Any) -> Any:
    return ops.cast(ops.equal(codes, chosen), "float32")


def table_luts(config: Config, model: keras.Model) -> Any:
    """Lookup tables of an FPGA that the layers of a quantized table network take, a scalar: per edge and bit of its entries.

    Edges are merged as `TableDense.merged_edges` says. A merged table of n address bits takes 2^(n - 6) lookup tables per bit, half a
    one up to 5 bits, and an adder one. Quantizers, and what precedes and follows the network, are not counted: training does not change
    them.
    """
    steps = [step for step in firmware_plan(config) if isinstance(step, TableStep)]
    return sum((_layer_luts(model.get_layer(step.name)) for step in steps), start=ops.convert_to_tensor(0.0))


def _layer_luts(layer: TableDense) -> Any:
    merged = layer.merged_edges
    address = merged * layer.address_bits
    per_bit = 0.5 if address < LUT_INPUTS else 2.0 ** (address - LUT_INPUTS)
    return ops.sum(layer.edge_bits()) * ((per_bit + 1.0) / merged)
