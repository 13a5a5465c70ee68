"""How much smaller the code is than the event, and how well the event comes back from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from l1ae.evaluation import LEVEL, Estimate, FractionEstimate, clopper_pearson
from l1ae.inputs import FixedFormat, InputSpec, Layout, Role
from l1ae.latent._inverse import FloatArray, IntArray, decoded_codes, from_network
from l1ae.results import Count, Positive

__all__ = ["ENERGY_EDGES", "Compression", "Emptiness", "Resolution", "compression", "emptiness", "resolutions"]

ENERGY_EDGES = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, np.inf)
MIN_ENTRIES = 30
REPLICAS = 200


@dataclass(frozen=True)
class Compression:
    """Bits of an event as it arrives in hardware, bits of each latent tensor, and the ratio for all of them together.

    `ratio_mean_only` counts `mu_q` alone, from which a variational decoder works; None for other models.
    """

    event_bits: Count
    code_bits: dict[str, Count]
    ratio: Positive
    ratio_mean_only: Positive | None


@dataclass(frozen=True)
class Resolution:
    """Decoded minus original of one input, in `unit`, over filled slots with original energy in [energy_low, energy_high) GeV.

    `bias` is the mean, `spread` the standard deviation, `half_width` half the distance between the 16 % and 84 %
    quantiles. `original_half_width` is that of the original values themselves: a decoder that always says the same reaches
    it, so where the two agree, the code keeps nothing of this input. Errors are those of the block bootstrap over source
    events. `energy_low` None means every filled slot, `energy_high` None no upper end.
    """

    feature: str
    unit: str
    energy_low: Positive | None
    energy_high: Positive | None
    entries: Count
    bias: Estimate
    spread: Estimate
    half_width: Estimate
    original_half_width: Positive


@dataclass(frozen=True)
class Emptiness:
    """Slots of one group: fraction of empty ones decoded as empty, and of filled ones decoded as filled."""

    group: str
    empty_slots: Count
    filled_slots: Count
    empty_as_empty: FractionEstimate | None
    filled_as_filled: FractionEstimate | None


def compression(layout: Layout, formats: Mapping[str, tuple[FixedFormat, int]]) -> Compression:
    """Compare the widths of the hardware words of all present inputs with those of the code.

    `formats` maps a latent tensor to its format and length. Empty slots count in full: their words arrive as well.
    """
    arriving = sum(column.feature.bits for column in layout.columns if not column.feature.absent)
    bits = {name: form.width * size for name, (form, size) in formats.items()}
    mean_only = arriving / bits["mu_q"] if "mu_q" in bits else None
    return Compression(arriving, bits, arriving / sum(bits.values()), mean_only)


def resolutions(
    hardware: npt.NDArray[np.integer],
    decoded: npt.ArrayLike,
    spec: InputSpec,
    groups: IntArray,
    *,
    edges: Sequence[float] = ENERGY_EDGES,
    seed: int = 1,
) -> tuple[Resolution, ...]:
    """Resolution of every present input over all filled slots, and in bins of the slot's original energy where that is in GeV.

    `hardware` (N, size) is the original, `decoded` (N, size) the decoder's answer in network units, which is converted to hardware
    codes (`decoded_codes`), so that the result contains what those words can express; the difference of what has a period is taken
    around the circle. `groups` (N,) as `LatentCodes.groups`. A bin with fewer than 30 entries is left out.
    """
    layout, original = spec.port, hardware.astype(np.int64)
    difference, half = decoded_codes(decoded, spec) - original, layout.period // 2
    difference = np.where(layout.period > 0, np.mod(difference + half, np.maximum(layout.period, 1)) - half, difference)
    mask, physical, energy = layout.mask(hardware), layout.to_physical(hardware), _energy_columns(layout)
    groups = np.unique(groups, return_inverse=True)[1].ravel()
    weights = np.random.default_rng(seed).poisson(1.0, (REPLICAS, int(groups.max(initial=-1)) + 1)).astype(np.uint8)
    rows = []
    for k in np.flatnonzero(layout.present):
        bins: list[tuple[float | None, float]] = [(None, np.inf), *(pairwise(edges) if energy[k] >= 0 else ())]
        for low, high in bins:
            inside = mask[:, k]
            if low is not None:
                inside = inside & (physical[:, energy[k]] >= low) & (physical[:, energy[k]] < high)
            if np.count_nonzero(inside) >= MIN_ENTRIES:
                estimates = _moments(difference[inside, k] * layout.lsb[k], weights[:, groups[inside]])
                end = None if np.isinf(high) else float(high)
                own = _half_width(original[inside, k]) * float(layout.lsb[k])
                rows.append(Resolution(layout.names[k], layout.units[k], low, end, int(inside.sum()), *estimates, own))
    return tuple(rows)


def _energy_columns(layout: Layout) -> IntArray:
    """(size,): the column with the energy of the same slot, -1 where there is none in GeV."""
    result = np.full(layout.size, -1, np.int64)
    for group in layout.groups:
        feature = group.of_role(Role.ENERGY)
        if feature is not None and feature.unit == "GeV":
            result[layout.where(group.name)] = np.repeat(layout.positions(group.name, feature.name), len(group.features))
    return result


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


def emptiness(hardware: npt.NDArray[np.integer], decoded: npt.ArrayLike, spec: InputSpec, groups: IntArray) -> tuple[Emptiness, ...]:
    """How often empty slots are decoded as empty and filled ones as filled, per group whose slots can be empty.

    Arguments as `resolutions`. A training loss that leaves empty slots out, as those of l1ae do, never asks for it: small
    fractions are no fault.
    """
    layout = spec.port
    filled, answer = layout.mask(hardware), layout.mask(from_network(decoded, spec))
    groups = np.unique(groups, return_inverse=True)[1].ravel()
    rows = []
    for group in layout.groups:
        if group.gate_feature is None:
            continue
        where = layout.positions(group.name, group.gate_feature)
        was, now = filled[:, where], answer[:, where]
        rows.append(Emptiness(group.name, int(np.sum(~was)), int(np.sum(was)), _fraction(~was, ~now, groups), _fraction(was, now, groups)))
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
