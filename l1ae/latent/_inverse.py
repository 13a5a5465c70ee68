"""From what a decoder says in network units back to the hardware codes of an event."""

import numpy as np
import numpy.typing as npt

from l1ae.inputs import InputSpec

__all__ = ["FloatArray", "IntArray", "decoded_codes", "from_network"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def decoded_codes(values: npt.ArrayLike, spec: InputSpec) -> IntArray:
    """Hardware codes (N, port.size) of network values (N, size), whatever slot is empty; what is said of added columns is left out.

    `value * 2**shift + offset`, rounded half to even, the inverse of the preprocessing; of a table the middle code of the step whose
    value is nearest (the lower one of two), and the only sure one, the first, of the lowest and the highest step. Beyond its scale a
    code is clipped, and one with a period, which has no end, goes around.
    """
    codes = np.rint(np.asarray(values, np.float64) * np.exp2(spec.shift) + spec.offset).astype(np.int64)
    for column, table in spec.tables.items():
        codes[:, column] = _nearest(np.asarray(values, np.float64)[:, column] / spec.network.lsb, table)
    layout = spec.port
    codes = codes[:, : layout.size]
    low, high = layout.code_range
    period, first = layout.period, np.array([column.feature.range[0] for column in layout.columns])
    around = first + np.mod(codes - first, np.maximum(period, 1))
    return np.where(period > 0, around, np.clip(codes, low, high))


def _nearest(values: FloatArray, table: IntArray) -> IntArray:
    """The code in the middle of the step of a table that never falls whose entry is nearest to each value, in LSB."""
    entries, middle = np.unique(table, return_index=True)
    middle[1:-1] = (middle[1:-1] + middle[2:] - 1) // 2
    between = (entries[1:] + entries[:-1]) / 2
    return np.asarray(middle[np.searchsorted(between, values)], np.int64)


def from_network(values: npt.ArrayLike, spec: InputSpec) -> npt.NDArray[np.integer]:
    """Events in hardware codes (N, port.size) from network values (N, size).

    The inverse of `InputSpec.to_network`: exact for every event whose codes that neither rounds nor saturates, provided
    that the offset of gates is 0; of a code that enters by a table only the step is known. A slot is empty when its gate rounds to
    code 0; an empty slot enters a network as 0, which with another offset of the gate, or with a table whose lowest step is long,
    cannot be told from a slot whose gate has that code.
    """
    codes = decoded_codes(values, spec)
    return np.where(spec.port.mask(codes), codes, 0).astype(spec.port.dtype)
