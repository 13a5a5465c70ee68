"""From what a decoder says in network units back to the hardware codes of an event."""

import numpy as np
import numpy.typing as npt

from l1ae.inputs import InputSpec

__all__ = ["FloatArray", "IntArray", "decoded_codes", "from_network"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def decoded_codes(values: npt.ArrayLike, spec: InputSpec) -> IntArray:
    """Hardware codes (N, size) of network values (N, size), whatever slot is empty.

    `value * 2**shift + offset`, rounded half to even, the inverse of the preprocessing. Beyond its scale a code is clipped, and
    one with a period, which has no end, goes around.
    """
    codes = np.rint(np.asarray(values, np.float64) * np.exp2(spec.shift) + spec.offset).astype(np.int64)
    low, high = spec.layout.code_range
    period, first = spec.layout.period, np.array([column.feature.range[0] for column in spec.layout.columns])
    around = first + np.mod(codes - first, np.maximum(period, 1))
    return np.where(period > 0, around, np.clip(codes, low, high))


def from_network(values: npt.ArrayLike, spec: InputSpec) -> npt.NDArray[np.integer]:
    """Events in hardware codes (N, size) from network values (N, size).

    The inverse of `InputSpec.to_network`: exact for every event whose codes that neither rounds nor saturates, provided
    that the offset of gates is 0. A slot is empty when its gate rounds to code 0; an empty slot enters a network as 0, which
    with another offset of the gate cannot be told from a slot whose gate has that code.
    """
    codes = decoded_codes(values, spec)
    return np.where(spec.layout.mask(codes), codes, 0).astype(spec.layout.dtype)
