"""Models made of lookup tables with drawn sizes: density trees and forests, table students, networks of tables.

Entries are what such models have: costs that rise with the bin, a dependence between two columns, and noise.
"""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from l1ae.contract import Binning, Contract, HardwareInput, Lookup, Pool, Quantize, ReconstructionError, Relu, Table, Threshold
from l1ae.contract._builder import Builder, difference_format
from l1ae.inputs import FixedFormat, Overflow, Rounding

__all__ = ["Tabled", "table_contract", "table_networks"]

_KINDS = ("tree", "forest", "student", "layers")
_PERIODS = (25.0, 25.0, 12.5, 5.0)


@dataclass(frozen=True)
class Tabled:
    """What a model is drawn with. `kind`: "tree" (each column depends on one other), "forest" (all pairs of some columns), "student"
    (tables of pairs behind tables of the columns, summed), "layers" (two layers of tables, scored by their squared error).

    `bins`: bits of each binned column; `entry_bits`: of the tables' entries; `noise`: relative to their range; `held`: for judging the
    bands only.
    """

    name: str
    seed: int
    kind: str
    columns: int
    column_bits: int
    bins: int
    entry_bits: int
    noise: float
    period: float
    held: bool
    synthesised: bool = True

    @property
    def shape(self) -> str:
        """Kind and columns."""
        return f"{self.kind} of {self.columns}"

    @property
    def bits(self) -> str:
        """Of columns, bins and entries."""
        return f"{self.column_bits}/{self.bins}/{self.entry_bits}"

    @property
    def score(self) -> str:
        """What the firmware computes."""
        return "squared_error" if self.kind == "layers" else "sum"


def table_networks(count: int = 32) -> list[Tabled]:
    """All models, always the same: every third is held back."""
    rng = np.random.default_rng(351)
    return [_drawn(rng, f"b{k:02}_v1", _KINDS[k % len(_KINDS)], k % 3 == 1) for k in range(count)]


def _drawn(rng: np.random.Generator, name: str, kind: str, held: bool) -> Tabled:
    most = {"tree": 40, "forest": 12, "student": 16, "layers": 14}[kind]
    return Tabled(
        name=name,
        seed=int(rng.integers(1 << 31)),
        kind=kind,
        columns=int(rng.integers(4, most + 1)),
        column_bits=int(rng.integers(8, 13)),
        bins=int(rng.integers(2, 4 if kind in ("tree", "forest") else 6) if kind != "student" else rng.integers(2, 4)),
        entry_bits=int(rng.integers(5, 12)),
        noise=float(rng.choice([0.02, 0.05, 0.2])),
        period=float(rng.choice(_PERIODS)),
        held=held,
    )


@dataclass
class _Drawing:
    """A contract under construction."""

    model: Tabled
    rng: np.random.Generator
    builder: Builder = field(default_factory=Builder)

    def edges(self) -> tuple[int, ...]:
        """Of one column: closer together for small values."""
        count, end = (1 << self.model.bins) - 1, 1 << self.model.column_bits
        found = np.unique((end / 8 * self.rng.exponential(0.7, 4 * count)).astype(np.int64))
        found = found[(found > 0) & (found < end)]
        return tuple(np.sort(self.rng.permutation(found)[:count]).tolist())

    def entries(self, *bits: int) -> npt.NDArray[np.int64]:
        """A table addressed by one or two columns, codes of `entry_bits` bits from 0 on."""
        axes = np.meshgrid(*(np.linspace(0, 1, 1 << count) for count in bits), indexing="ij")
        steep = self.rng.uniform(0.3, 1, len(axes))
        values = sum(slope * axis**power for slope, axis, power in zip(steep, axes, self.rng.uniform(0.4, 2, len(axes)), strict=True))
        if len(axes) > 1:
            values = values + self.rng.uniform(0, 1) * np.abs(axes[0] - axes[1])
        values = values + self.rng.normal(0, self.model.noise, values.shape)
        values = (values - values.min()) / (values.max() - values.min())
        return np.round(values.ravel() * ((1 << self.model.entry_bits) - 1)).astype(np.int64)


def table_contract(model: Tabled) -> Contract:
    """The contract; equal models give equal bytes."""
    drawing = _Drawing(model, np.random.default_rng(model.seed))
    builder, size = drawing.builder, model.columns
    words = FixedFormat(False, model.column_bits, model.column_bits)
    low, high = np.zeros(size, np.int64), np.full(size, words.high, np.int64)
    builder.add(HardwareInput(name="hw", inputs=(), format=words, size=size, low=low, high=high))
    exact = {"tree": _tree, "forest": _forest, "student": _student, "layers": _layers}[model.kind](drawing)
    form = FixedFormat(False, 16, 16, overflow=Overflow.SAT)
    score = builder.add(Quantize(name="score", inputs=(exact,), format=form, size=1))
    builder.add(Threshold(name="trigger", inputs=(score,), format=FixedFormat(False, 1, 1), size=1, threshold=200))
    return Contract(model.name, tuple(builder.operations))


def _binned(drawing: _Drawing) -> str:
    model = drawing.model
    edges = tuple(drawing.edges() for _ in range(model.columns))
    form = FixedFormat(False, model.bins, model.bins)
    return drawing.builder.add(
        Binning(name="bins", inputs=("hw",), format=form, size=model.columns, index=np.arange(model.columns), edges=edges)
    )


def _looked_up(drawing: _Drawing, name: str, source: str, index: list[tuple[int, ...]], *, integer: int | None = None) -> str:
    bits = drawing.model.bins
    tables, signed = [drawing.entries(*[bits] * len(part)) for part in index], integer is not None
    width = drawing.model.entry_bits
    form = FixedFormat(signed, width, integer or width)
    codes = [table - (1 << width - 1) for table in tables] if signed else tables
    widths = [[bits] * len(part) for part in index]
    return drawing.builder.add(Lookup.of_tables(codes, index, widths, name=name, inputs=(source,), format=form, function="drawn"))


def _tree(drawing: _Drawing) -> str:
    """Column k depends on one in front of it."""
    size = drawing.model.columns
    index = [(0,), *((int(drawing.rng.integers(0, k)), k) for k in range(1, size))]
    return drawing.builder.sum("surprisal", _looked_up(drawing, "terms", _binned(drawing), index))


def _forest(drawing: _Drawing) -> str:
    index = list(combinations(range(drawing.model.columns), 2))
    return drawing.builder.sum("surprisal", _looked_up(drawing, "terms", _binned(drawing), index))


def _columns(drawing: _Drawing) -> str:
    """A step function of every column, as a table of its own."""
    model = drawing.model
    tables = []
    for _ in range(model.columns):
        table = np.searchsorted(drawing.edges(), np.arange(1 << model.column_bits), side="right")
        tables.append(table.astype(np.int64))
    form = FixedFormat(False, model.bins, model.bins, Rounding.RND_CONV, Overflow.SAT)
    return drawing.builder.add(Table.of_elements(tables, name="inputs", inputs=("hw",), format=form, function="drawn", max_error=0.5))


def _pooled(drawing: _Drawing, name: str, source: str, index: list[tuple[int, ...]], outputs: int) -> str:
    """Sums of tables, `outputs` of them, and what is above 0 in as many bits as an address may have."""
    builder = drawing.builder
    # a layer's sums are in units of its activations, a student's have no fraction
    scale = drawing.model.bins if outputs > 1 else drawing.model.entry_bits
    terms = _looked_up(drawing, f"{name}_tables", source, index * outputs, integer=scale)
    windows = np.arange(len(index) * outputs).reshape(outputs, -1)
    reach = len(index) << drawing.model.entry_bits
    form = FixedFormat.covering(-reach, reach, drawing.model.entry_bits - scale)
    added = builder.add(Pool(name=name, inputs=(terms,), format=form, size=outputs, windows=windows, function="sum"))
    # an activation has as many steps as a table has entries, on a scale that most sums reach
    integer = drawing.model.bins if outputs > 1 else form.integer - 1
    width = drawing.model.bins if outputs > 1 else drawing.model.entry_bits + 2
    kept = FixedFormat(False, width, integer, Rounding.RND_CONV, Overflow.SAT)
    return builder.add(Relu(name=f"{name}_relu", inputs=(added,), format=kept, size=outputs))


def _student(drawing: _Drawing) -> str:
    index = list(combinations(range(drawing.model.columns), 2))
    return _pooled(drawing, "output", _columns(drawing), index, 1)


def _layers(drawing: _Drawing) -> str:
    model, builder = drawing.model, drawing.builder
    source = _columns(drawing)
    latent = _pooled(drawing, "latent", source, [(k,) for k in range(model.columns)], 3)
    found = _pooled(drawing, "out", latent, [(k,) for k in range(3)], model.columns)
    form = FixedFormat(False, model.bins, model.bins, overflow=Overflow.SAT)
    same = builder.add(Quantize(name="out_q", inputs=(found,), format=form, size=model.columns))
    difference = difference_format(builder.format_of(source), form)

    def make(exact: FixedFormat) -> ReconstructionError:
        return ReconstructionError(
            name="squared_error",
            inputs=(source, same),
            format=exact,
            size=1,
            power=2,
            present=np.ones(model.columns, np.bool_),
            gate=np.full(model.columns, -1, np.int64),
            difference=difference,
        )

    return builder.add_exact(make, 2 * difference.fraction)
