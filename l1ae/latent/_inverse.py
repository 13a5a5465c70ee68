"""From what a decoder says in network units back to the hardware codes of an event, and what those mean, for both views."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.inputs import InputSpec, RegionSpec, Scale

__all__ = [
    "FeatureAxes",
    "FloatArray",
    "IntArray",
    "View",
    "decoded_codes",
    "feature_axes",
    "filled_inputs",
    "from_network",
    "heads",
    "physical_values",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
View = InputSpec | RegionSpec

UNITS = {"pt": "GeV", "eta": "", "phi": "rad"}


@dataclass(frozen=True)
class FeatureAxes:
    """Physical meaning of each input: `lsb` in `units`, `span` in codes where the scale wraps (phi), else 0; (size,) each."""

    lsb: FloatArray
    span: IntArray
    units: tuple[str, ...]


def feature_axes(spec: View) -> FeatureAxes:
    """LSB, period and unit of every input; an absent feature has LSB 0."""
    if isinstance(spec, RegionSpec):
        return FeatureAxes(np.full(spec.size, spec.et.lsb), np.zeros(spec.size, np.int64), ("GeV",) * spec.size)
    scales: list[Scale | None] = [scale for group in spec.groups for _ in range(group.count) for scale in group.scales]
    return FeatureAxes(
        lsb=np.array([0.0 if scale is None else scale.lsb for scale in scales]),
        span=np.array([scale.high - scale.low + 1 if scale is not None and scale.wrap else 0 for scale in scales], np.int64),
        units=tuple(UNITS[name.rsplit("_", 1)[1]] for name in spec.names),
    )


def heads(spec: View) -> dict[str, IntArray]:
    """Positions of the inputs that say by a code other than 0 that their slot is filled, per kind of object.

    The pT of every slot; or every region, which is a slot of its own.
    """
    if isinstance(spec, RegionSpec):
        return {"regions": np.arange(spec.size)}
    return {name: 3 * np.arange(where.start, where.stop) for name, where in spec.slices().items()}


def filled_inputs(hardware: npt.NDArray[np.integer], spec: View) -> npt.NDArray[np.bool_]:
    """(N, size): inputs of filled slots, without absent features. `hardware` holds codes (N, *event_shape)."""
    own = np.where(spec.gate < 0, np.arange(spec.size), spec.gate)
    return np.asarray((hardware.reshape(len(hardware), -1)[:, own] != 0) & spec.present, np.bool_)


def physical_values(hardware: npt.NDArray[np.integer], spec: View) -> FloatArray:
    """Physical values (N, size) of hardware codes (N, *event_shape): GeV, pseudorapidity, radians; 0 in empty slots."""
    return spec.to_physical(hardware).reshape(len(hardware), spec.size)


def decoded_codes(values: npt.ArrayLike, spec: View) -> IntArray:
    """Hardware codes (N, size) of network values (N, size), whatever slot is empty.

    `value * 2**shift + offset`, rounded half to even, the inverse of the preprocessing. Beyond its scale a code is
    clipped, and phi, which has no end, goes around.
    """
    codes = np.rint(np.asarray(values, np.float64) * np.exp2(spec.shift) + spec.offset).astype(np.int64)
    low, high = spec.code_range
    span = feature_axes(spec).span
    around = low + np.mod(codes - low, np.maximum(span, 1))
    return np.where(span > 0, around, np.clip(codes, low, high))


def from_network(values: npt.ArrayLike, spec: View) -> npt.NDArray[np.integer]:
    """Events in hardware codes (N, *event_shape) from network values (N, size).

    The inverse of `InputView.to_network`: exact for every event whose codes that neither rounds nor saturates, provided
    that the offset of pT is 0. A slot is empty when its pT rounds to code 0; an empty slot enters a network as 0, which
    with another offset of pT cannot be told from a slot whose pT code is that offset.
    """
    codes = decoded_codes(values, spec)
    codes = np.where(filled_inputs(codes, spec), codes, 0)
    return codes.reshape(len(codes), *spec.event_shape).astype(spec.dtype)
