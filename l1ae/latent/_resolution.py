"""How much smaller the code is than the event, and how well the event comes back from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from l1ae.evaluation import LEVEL, Estimate, clopper_pearson
from l1ae.inputs import FixedFormat
from l1ae.latent._inverse import (
    FloatArray,
    IntArray,
    View,
    decoded_codes,
    feature_axes,
    filled_inputs,
    from_network,
    heads,
    physical_values,
)

__all__ = ["PT_EDGES", "Compression", "Emptiness", "Resolution", "compression", "emptiness", "resolutions"]

PT_EDGES = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, np.inf)
MIN_ENTRIES = 30
REPLICAS = 200


@dataclass(frozen=True)
class Compression:
    """Bits of an event as it arrives in hardware, bits of each latent tensor, and the ratio for all of them together.

    `ratio_mean_only` counts `mu_q` alone, from which a variational decoder works; None for other models.
    """

    event_bits: int
    code_bits: dict[str, int]
    ratio: float
    ratio_mean_only: float | None


@dataclass(frozen=True)
class Resolution:
    """Decoded minus original of one input, in `unit`, over filled slots whose original pT is in [pt_low, pt_high) GeV.

    `bias` is the mean, `spread` the standard deviation, `half_width` half the distance between the 16 % and 84 %
    quantiles. `original_half_width` is that of the original values themselves: a decoder that always says the same reaches
    it, so where the two agree, the code keeps nothing of this input. Errors are those of the block bootstrap over source
    events. `pt_high` None means no upper end.
    """

    feature: str
    unit: str
    pt_low: float
    pt_high: float | None
    entries: int
    bias: Estimate
    spread: Estimate
    half_width: Estimate
    original_half_width: float


@dataclass(frozen=True)
class Emptiness:
    """Slots of one object kind: fraction of empty ones decoded as empty, and of filled ones decoded as filled."""

    group: str
    empty_slots: int
    filled_slots: int
    empty_as_empty: Estimate | None
    filled_as_filled: Estimate | None


def compression(spec: View, formats: Mapping[str, tuple[FixedFormat, int]]) -> Compression:
    """Compare the widths of the hardware words of all present inputs with those of the code.

    `formats` maps a latent tensor to its format and length. Empty slots count in full: their words arrive as well.
    """
    low, high = spec.code_range
    widths = [FixedFormat.covering(int(a), int(b), 0).width for a, b in zip(low[spec.present], high[spec.present], strict=True)]
    bits = {name: form.width * size for name, (form, size) in formats.items()}
    mean_only = sum(widths) / bits["mu_q"] if "mu_q" in bits else None
    return Compression(sum(widths), bits, sum(widths) / sum(bits.values()), mean_only)


def resolutions(
    hardware: npt.NDArray[np.integer],
    decoded: npt.ArrayLike,
    spec: View,
    groups: IntArray,
    *,
    edges: Sequence[float] = PT_EDGES,
    seed: int = 1,
) -> tuple[Resolution, ...]:
    """Resolution of every present input, over all pT and in bins of the slot's original pT (GeV; of a region: its own energy).

    `hardware` (N, *event_shape) is the original, `decoded` (N, size) the decoder's answer in network units, which is
    converted to hardware codes (`decoded_codes`), so that the result contains what those words can express; the
    difference of phi is taken around the circle. `groups` (N,) as `LatentCodes.groups`. A bin with fewer than 30
    entries is left out.
    """
    original = hardware.reshape(len(hardware), spec.size).astype(np.int64)
    axes, mask = feature_axes(spec), filled_inputs(hardware, spec)
    difference = decoded_codes(decoded, spec) - original
    half = axes.span // 2
    difference = np.where(axes.span > 0, np.mod(difference + half, np.maximum(axes.span, 1)) - half, difference)
    pt = physical_values(hardware, spec)[:, np.where(spec.gate < 0, np.arange(spec.size), spec.gate)]
    groups = np.unique(groups, return_inverse=True)[1].ravel()
    weights = np.random.default_rng(seed).poisson(1.0, (REPLICAS, int(groups.max(initial=-1)) + 1)).astype(np.uint8)
    rows = []
    for k in np.flatnonzero(spec.present):
        for low, high in [(0.0, np.inf), *pairwise(edges)]:
            chosen = mask[:, k] & (pt[:, k] >= low) & (pt[:, k] < high)
            if np.count_nonzero(chosen) >= MIN_ENTRIES:
                estimates = _moments(difference[chosen, k] * axes.lsb[k], weights[:, groups[chosen]])
                end = None if np.isinf(high) else float(high)
                own = _half_width(original[chosen, k]) * float(axes.lsb[k])
                rows.append(Resolution(spec.names[k], axes.units[k], float(low), end, int(chosen.sum()), *estimates, own))
    return tuple(rows)


def _moments(values: FloatArray, weights: npt.NDArray[np.uint8]) -> tuple[Estimate, Estimate, Estimate]:
    """Mean, standard deviation and half-width, with the spread of the replicas as error; `weights` (replicas, n)."""
    order = np.argsort(values, kind="stable")
    ordered, drawn = values[order], weights[:, order].astype(np.float32)
    replicas = _weighted_moments(ordered, drawn[drawn.sum(axis=1) > 0])
    nominal = _weighted_moments(ordered, np.ones((1, len(ordered)), np.float32))
    first, second, third = (
        _symmetric(float(value[0]), float(np.std(draws, ddof=1))) for value, draws in zip(nominal, replicas, strict=True)
    )
    return first, second, third


def _half_width(values: IntArray) -> float:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return float(high - low) / 2


def _weighted_moments(ordered: FloatArray, weights: npt.NDArray[np.float32]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, standard deviation and half-width of `ordered` (n,) for every row of `weights` (m, n)."""
    cumulative = np.cumsum(weights, axis=1, dtype=np.float64)
    total = cumulative[:, -1]
    mean = weights @ ordered / total
    variance = weights @ (ordered - ordered.mean()) ** 2 / total - (mean - ordered.mean()) ** 2
    low, high = (
        ordered[np.minimum(np.sum(cumulative < q * total[:, None], axis=1), len(ordered) - 1)] for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    )
    return mean, np.sqrt(np.maximum(variance, 0.0)), (high - low) / 2


def _symmetric(value: float, error: float) -> Estimate:
    return Estimate(value, value - error, value + error)


def emptiness(hardware: npt.NDArray[np.integer], decoded: npt.ArrayLike, spec: View, groups: IntArray) -> tuple[Emptiness, ...]:
    """How often empty slots are decoded as empty and filled ones as filled, per object kind; arguments as `resolutions`.

    A training loss that leaves empty slots out, as those of l1ae do, never asks for it: small fractions are no fault.
    """
    filled, answer = (codes.reshape(len(codes), -1) != 0 for codes in (hardware, from_network(decoded, spec)))
    groups = np.unique(groups, return_inverse=True)[1].ravel()
    rows = []
    for name, where in heads(spec).items():
        was, now = filled[:, where], answer[:, where]
        rows.append(Emptiness(name, int(np.sum(~was)), int(np.sum(was)), _fraction(~was, ~now, groups), _fraction(was, now, groups)))
    return tuple(rows)


def _fraction(of: npt.NDArray[np.bool_], passed: npt.NDArray[np.bool_], groups: IntArray) -> Estimate | None:
    """Fraction of the slots `of` (N, slots) that also `passed`; interval for an effective number of independent slots.

    The number follows from the variance of a ratio of cluster totals (Cochran, Sampling Techniques, section 3.12), a
    cluster being a source event; without variance it is the number of source events.
    """
    total = int(of.sum())
    if total == 0:
        return None
    count = np.bincount(groups, of.sum(axis=1))
    good = np.bincount(groups, (of & passed).sum(axis=1))
    fraction = float(good.sum() / total)
    variance = float(np.sum((good - fraction * count) ** 2)) / total**2
    clusters = float(np.count_nonzero(count))
    effective = fraction * (1 - fraction) / variance if 0 < fraction < 1 and variance > 0 else clusters
    return clopper_pearson(fraction * effective, effective)
