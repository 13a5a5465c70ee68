"""Compiled loops over events: bins, the tables that they address, and their sum, in one pass that leaves no array between them.

Every index is an unsigned number: of a signed one numba asks whether it counts from the end, which takes longer than the rest.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["look_up", "sum_of_tables"]

Array = npt.NDArray[Any]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _bins_of(codes: Array, index: Array, low: Array, first: Array, bins: Array) -> Array:
    """(B, N): `bins[first[k] + code - low[k]]` of row `index[k]` of `codes`."""
    result = np.empty((len(index), codes.shape[1]), bins.dtype)
    for k in range(len(index)):
        row, own, shift = codes[index[k]], result[k], np.int32(low[k])
        table = bins[first[k] :]
        for n in range(len(row)):
            own[n] = table[np.uint32(np.int32(row[n]) - shift)]
    return result


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _address_of(binned: Array, part: Array, width: Array) -> Array:
    """(N,): the address that the rows `part` of `binned` make, each in `width` bits."""
    address = np.zeros(binned.shape[1], np.uint32)
    for j in range(len(part)):
        row, bits, mask = binned[part[j]], np.uint32(width[j]), np.uint32((1 << width[j]) - 1)
        for n in range(len(address)):
            address[n] = (address[n] << bits) | (np.uint32(row[n]) & mask)
    return address


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def look_up(codes: Array, binning: Any, parts: Any, out: Array) -> None:
    """out (E, N): the entries of the tables `parts` at the bins of `codes` (size, N)."""
    starts, part, width, begin, entries = parts
    binned = _bins_of(codes, *binning)
    for i in range(len(begin)):
        address = _address_of(binned, part[starts[i] : starts[i + 1]], width[starts[i] : starts[i + 1]])
        table, row = entries[begin[i] :], out[i]
        for n in range(len(row)):
            row[n] = table[address[n]]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def sum_of_tables(codes: Array, binning: Any, parts: Any, out: Array) -> None:
    """out (1, N): the sum of the entries that `look_up` finds."""
    starts, part, width, begin, entries = parts
    binned = _bins_of(codes, *binning)
    total = np.zeros(codes.shape[1], entries.dtype)
    for i in range(len(begin)):
        table = entries[begin[i] :]
        if starts[i + 1] - starts[i] == 2:  # most tables have two codes: their address need not be written down
            _add_pair(binned[part[starts[i]]], binned[part[starts[i] + 1]], width[starts[i] : starts[i + 1]], table, total)
            continue
        address = _address_of(binned, part[starts[i] : starts[i + 1]], width[starts[i] : starts[i + 1]])
        for n in range(len(total)):
            total[n] += table[address[n]]
    row = out[0]
    for n in range(len(total)):
        row[n] = total[n]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _add_pair(first: Array, second: Array, width: Array, table: Array, total: Array) -> None:
    bits = np.uint32(width[1])
    high, low = np.uint32((1 << width[0]) - 1), np.uint32((1 << width[1]) - 1)
    for n in range(len(total)):
        total[n] += table[((np.uint32(first[n]) & high) << bits) | (np.uint32(second[n]) & low)]
