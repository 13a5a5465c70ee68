"""Kernels of bins and of tables that several codes address."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.contract._bounds import Interval
from l1ae.contract._ops import Binning, IntArray, Lookup

__all__ = ["binning_kernel", "fused_tables_kernel", "lookup_kernel"]

Array = npt.NDArray[Any]
Kernel = Callable[[Sequence[Array], Array], None]

_MOST_CODES = 1 << 16
"""Of one column whose bins are looked up instead of searched for."""


def binning_kernel(operation: Binning) -> Kernel:
    """Bins by binary search."""
    rows = [(int(k), np.array(edges, np.int64)) for k, edges in zip(operation.index, operation.edges, strict=True)]

    def run(tensors: Sequence[Array], out: Array) -> None:
        for (k, edges), row in zip(rows, out, strict=True):
            row[:] = np.searchsorted(edges, tensors[0][k].astype(np.int64), side="right")

    return run


def lookup_kernel(operation: Lookup, dtype: np.dtype[Any]) -> Kernel:
    """Entries at addresses that are put together one code after the other."""
    tables = [table.astype(dtype) for table in operation.tables]

    def run(tensors: Sequence[Array], out: Array) -> None:
        for table, address, row in zip(tables, operation.addresses(tensors[0].astype(np.int64)), out, strict=True):
            np.take(table, address, out=row, mode="clip")

    return run


def fused_tables_kernel(binning: Binning, lookup: Lookup, source: Interval, *, scale: int | None) -> Kernel | None:
    """Bins and tables in one, with `scale` also the sum of all entries times `scale`; None where a column has too many codes."""
    low, high = (np.array([int(codes[k]) for k in binning.index]) for codes in (source.low, source.high))
    if int((high - low).max()) >= _MOST_CODES:
        return None
    # numba is loaded where it is needed: that takes as long as everything else together
    from l1ae.contract._table_loops import look_up, sum_of_tables

    bins, parts = _bin_tables(binning, low, high), _parts(lookup, 1 if scale is None else scale)
    loop = look_up if scale is None else sum_of_tables

    def run(tensors: Sequence[Array], out: Array) -> None:
        codes = tensors[0] if tensors[0].dtype == np.int16 else tensors[0].astype(np.int64)
        loop(codes, bins, parts, out)

    return run


def _bin_tables(operation: Binning, low: IntArray, high: IntArray) -> tuple[Array, ...]:
    """Row of each column, its least code, where its table begins, and the bins of every code of all columns."""
    found = [
        np.searchsorted(np.array(edges, np.int64), np.arange(a, b + 1), side="right")
        for edges, a, b in zip(operation.edges, low, high, strict=True)
    ]
    sizes = np.array([len(table) for table in found])
    bins = np.concatenate(found)
    return operation.index, low, np.cumsum(sizes) - sizes, bins.astype(np.uint8 if bins.max() < 256 else np.uint16)


def _parts(operation: Lookup, scale: int) -> tuple[Array, ...]:
    """Where the parts of each address begin, their rows and widths, where each table begins, and all entries."""
    lengths = np.array([len(index) for index in operation.index])
    part = np.array([k for index in operation.index for k in index], np.int64)
    width = np.array([bits for widths in operation.bits for bits in widths], np.int64)
    sizes = np.array([len(table) for table in operation.tables])
    entries = operation.codes * scale
    fits = int(np.abs(entries).max()) * len(sizes) < 1 << 31
    return np.append(0, np.cumsum(lengths)), part, width, np.cumsum(sizes) - sizes, entries.astype(np.int32 if fits else np.int64)
