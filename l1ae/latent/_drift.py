"""Whether the latent distribution of one data set is still that of another: data-quality monitoring with a p-value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.latent._inverse import FloatArray, IntArray
from l1ae.results import Count, Fraction, Real

__all__ = ["DimensionDrift", "Drift", "holm", "measure_drift"]

PERMUTATIONS = 999
FEATURES = 96
MEDIAN_EVENTS = 1000
_BLOCK = 16384  # events
_ROWS = 64  # permutations


@dataclass(frozen=True)
class DimensionDrift:
    """One latent dimension: means in both data sets, Kolmogorov-Smirnov distance, its p-value, and that after Holm's correction."""

    name: str
    reference_mean: Real
    other_mean: Real
    ks: Fraction
    p_value: Fraction
    p_holm: Fraction


@dataclass(frozen=True)
class Drift:
    """Latent distribution of `other` against that of `reference`.

    `p_value` is the answer for the whole latent space: the chance of a maximum mean discrepancy at least as large as `mmd`
    (0 the same, about 1 disjoint) were both drawn from one distribution. No p-value can be smaller than
    1 / (`permutations` + 1).
    """

    reference: str
    other: str
    reference_events: Count
    other_events: Count
    reference_groups: Count
    other_groups: Count
    permutations: Count
    mmd: Real
    p_value: Fraction
    dimensions: tuple[DimensionDrift, ...]


def measure_drift(
    reference: FloatArray,
    other: FloatArray,
    reference_groups: IntArray,
    other_groups: IntArray,
    *,
    names: Sequence[str] | None = None,
    labels: tuple[str, str] = ("reference", "other"),
    permutations: int = PERMUTATIONS,
    seed: int = 1,
) -> Drift:
    """Compare latent values (N, latent) and (M, latent); groups (N,), (M,) say which events share a source event.

    * one p-value: maximum mean discrepancy with a Gaussian kernel, each dimension divided by its standard deviation (Gretton
      et al., J. Mach. Learn. Res. 13 (2012) 723), by random Fourier features (Rahimi and Recht, NIPS 2007), so that
      all events enter;
    * per dimension: Kolmogorov-Smirnov, corrected for the number of dimensions as in Holm, Scand. J. Stat.
      6 (1979) 65.

    All p-values are those of a permutation test that moves whole source events from one data set to the other: events
    of one source event are not independent, and permuting them one by one would call every data set with copies a drift.
    It takes source events to be exchangeable, so two data sets of which only one holds copies differ already by that.

    Raises `UserError` when a data set has no events or the dimensions differ.
    """
    if min(len(reference), len(other)) == 0 or reference.shape[1:] != other.shape[1:]:
        raise UserError(f"a drift needs events with the same latent space, not arrays of shape {reference.shape} and {other.shape}")
    rng = np.random.default_rng(seed)
    values = np.concatenate([reference, other])
    groups, first = _pool_groups(reference_groups, other_groups)
    labels_drawn = _permuted_labels(len(np.unique(groups)), first, permutations, rng)
    ks = np.array([_ks_statistics(column, groups, labels_drawn) for column in values.T])
    p_values = _p_values(ks)
    discrepancies = _mean_discrepancies(values, groups, labels_drawn, rng)
    names = names or [f"latent_{k}" for k in range(values.shape[1])]
    rows = zip(names, reference.mean(axis=0), other.mean(axis=0), ks[:, 0], p_values, holm(p_values), strict=True)
    return Drift(
        *labels,
        reference_events=len(reference),
        other_events=len(other),
        reference_groups=first,
        other_groups=labels_drawn.shape[1] - first,
        permutations=permutations,
        mmd=float(discrepancies[0]),
        p_value=float(_p_values(discrepancies[None])[0]),
        dimensions=tuple(DimensionDrift(str(row[0]), *(float(x) for x in row[1:])) for row in rows),
    )


def holm(p_values: FloatArray) -> FloatArray:
    """P-values (n,) corrected so that one below x, were all hypotheses true, appears with probability x at most (Holm 1979)."""
    order = np.argsort(p_values)
    corrected = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    result = np.empty(len(p_values))
    result[order] = np.minimum(corrected, 1.0)
    return result


def _pool_groups(first: IntArray, second: IntArray) -> tuple[IntArray, int]:
    """Groups of both data sets as 0, 1, ..., those of the first one below the returned number."""
    a, b = (np.unique(groups, return_inverse=True)[1].ravel() for groups in (first, second))
    count = int(a.max()) + 1
    return np.concatenate([a, b + count]).astype(np.int64), count


def _permuted_labels(groups: int, first: int, permutations: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """(permutations + 1, groups): which groups count as the first data set; row 0 is what was observed."""
    observed = np.arange(groups) < first
    return np.stack([observed, *(rng.permutation(observed) for _ in range(permutations))])


def _ks_statistics(values: FloatArray, groups: IntArray, labels: npt.NDArray[np.bool_]) -> FloatArray:
    """Largest distance of the cumulative distributions of `values` (N,), for every row of `labels`."""
    distinct, position = np.unique(values, return_inverse=True)
    everything = np.bincount(position.ravel(), minlength=len(distinct))
    total = np.cumsum(everything)
    result = np.empty(len(labels))
    for i, label in enumerate(labels):
        first = np.cumsum(np.bincount(position.ravel()[label[groups]], minlength=len(distinct)))
        second = total - first
        result[i] = np.abs(first / first[-1] - second / second[-1]).max()
    return result


def _p_values(statistics: FloatArray) -> FloatArray:
    """Fraction of each row (first entry: observed) that is at least as large as its first entry, itself included.

    Permuted statistics that differ from the observed one by rounding alone count as equal.
    """
    observed = statistics[:, :1]
    return np.asarray(np.mean(statistics >= observed - 1e-12 * np.maximum(np.abs(observed), 1.0), axis=1), np.float64)


def _mean_discrepancies(values: FloatArray, groups: IntArray, labels: npt.NDArray[np.bool_], rng: np.random.Generator) -> FloatArray:
    """Distance of the mean random Fourier features of the two data sets, for every row of `labels`.

    The bandwidth is the median distance of two events (of a random subset of the pooled data, so that it does not
    depend on the labels), and half and twice of it, a third of the features each.
    """
    spread = values.std(axis=0)
    scaled = values / np.where(spread > 0, spread, 1.0)
    from scipy.spatial.distance import pdist

    distances = pdist(scaled[rng.permutation(len(scaled))[:MEDIAN_EVENTS]])
    median = float(np.median(distances)) if len(distances) else 0.0
    bandwidths = np.repeat(np.array([0.5, 1.0, 2.0]) * (median or 1.0), FEATURES // 3)
    frequencies = rng.standard_normal((values.shape[1], len(bandwidths))) / bandwidths
    sums = np.zeros((labels.shape[1], 2 * len(bandwidths)))
    for start in range(0, len(scaled), _BLOCK):
        phase, member = scaled[start : start + _BLOCK] @ frequencies, groups[start : start + _BLOCK]
        from scipy.sparse import csr_array

        incidence = csr_array((np.ones(len(member)), (member, np.arange(len(member)))), shape=(len(sums), len(member)))
        sums += incidence @ np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
    sizes = np.bincount(groups).astype(np.float64)
    rows = [_distances_of_means(labels[k : k + _ROWS].astype(np.float64), sums, sizes) for k in range(0, len(labels), _ROWS)]
    return np.concatenate(rows)


def _distances_of_means(first: FloatArray, sums: FloatArray, sizes: FloatArray) -> FloatArray:
    """Root mean square difference of the features' means, times sqrt(2), for 0/1 rows `first` (rows, groups)."""
    n, total = first @ sizes, first @ sums
    difference = total / n[:, None] - (sums.sum(axis=0) - total) / (sizes.sum() - n)[:, None]
    return np.asarray(np.sqrt(2 * np.mean(difference**2, axis=1)), np.float64)
