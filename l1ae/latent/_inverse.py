"""From what a decoder says in network units back to the hardware codes of an event."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.inputs import InputSpec, Scale

__all__ = ["FeatureAxes", "FloatArray", "IntArray", "decoded_codes", "feature_axes", "from_network"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

UNITS = {"pt": "GeV", "eta": "", "phi": "rad"}


@dataclass(frozen=True)
class FeatureAxes:
    """Physical meaning of each network input: `lsb` in `units`, `span` in codes where the scale wraps (phi), else 0."""

    lsb: FloatArray
    span: IntArray
    units: tuple[str, ...]


def feature_axes(spec: InputSpec) -> FeatureAxes:
    """LSB, period and unit of every input, (size,) each; an absent feature has LSB 0."""
    scales = _scales(spec)
    return FeatureAxes(
        lsb=np.array([0.0 if scale is None else scale.lsb for scale in scales]),
        span=np.array([scale.high - scale.low + 1 if scale is not None and scale.wrap else 0 for scale in scales], np.int64),
        units=tuple(UNITS[name.rsplit("_", 1)[1]] for name in spec.names),
    )


def decoded_codes(values: npt.ArrayLike, spec: InputSpec) -> IntArray:
    """Hardware codes (N, size) of network values (N, size), whatever slot is empty.

    `value * 2**shift + offset`, rounded half to even, the inverse of the preprocessing. Beyond its scale a code is
    clipped, and phi, which has no end, goes around.
    """
    codes = np.rint(np.asarray(values, np.float64) * np.exp2(spec.shift) + spec.offset).astype(np.int64)
    low, high = spec.code_range
    span = feature_axes(spec).span
    around = low + np.mod(codes - low, np.maximum(span, 1))
    return np.where(span > 0, around, np.clip(codes, low, high))


def from_network(values: npt.ArrayLike, spec: InputSpec) -> npt.NDArray[np.int16]:
    """Events (N, slots, 3) in hardware codes from network values (N, size).

    The inverse of `InputSpec.to_network`: exact for every event whose codes that neither rounds nor saturates, provided
    that the offset of pT is 0. A slot is empty when its pT rounds to code 0; an empty slot enters a network as 0, which
    with another offset of pT cannot be told from a slot whose pT code is that offset.
    """
    codes = decoded_codes(values, spec)
    codes = np.where(_filled(codes, spec) & spec.present, codes, 0)
    return codes.reshape(len(codes), spec.slots, 3).astype(np.int16)


def _filled(codes: IntArray, spec: InputSpec) -> npt.NDArray[np.bool_]:
    return np.asarray(np.repeat(codes[:, ::3] > 0, 3, axis=1), np.bool_)


def _scales(spec: InputSpec) -> list[Scale | None]:
    return [scale for group in spec.groups for _ in range(group.count) for scale in group.scales]
