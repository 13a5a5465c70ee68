"""Whether new events are those of a reference: one calibrated p-value, and which quantities moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.results import Count, Fraction, Positive, Real
from l1ae.watching._quantities import FloatArray, Quantity

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["PERMUTATIONS", "Change", "Moved", "Region", "Sample", "compare"]

PERMUTATIONS = 999
BINS = 24
_ROWS = 64  # permutations at a time

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sample:
    """N events: what is watched of them, and weights and groups (N,); events of one group are not independent."""

    quantities: tuple[Quantity, ...]
    weights: FloatArray
    groups: IntArray

    def __len__(self) -> int:
        return len(self.weights)


@dataclass(frozen=True)
class Region:
    """Where a quantity differs most: [low, high], None without an end, and the fractions of all events there."""

    low: Real | None
    high: Real | None
    reference: Fraction
    other: Fraction


@dataclass(frozen=True)
class Moved:
    """One quantity of the new events against the reference.

    Attributes:
        p_value: the chance that any quantity differs as much as this one while nothing changed, so corrected for all that are looked at.
        filled_reference, filled_other: fraction of events that have the quantity.
        mean, shift, error: mean of the reference, difference of the new events' mean, and its standard deviation were nothing changed;
            None where either has no such event.
    """

    name: str
    unit: str
    p_value: Fraction
    filled_reference: Fraction
    filled_other: Fraction
    mean: Real | None
    shift: Real | None
    error: Positive | None
    region: Region


@dataclass(frozen=True)
class Change:
    """New events against a reference.

    `p_value` is the chance of a difference at least as large in any quantity, were both drawn from one distribution; it is not below
    1 / (`permutations` + 1). `moved` has all quantities, those that differ most first.
    """

    reference_events: Count
    other_events: Count
    reference_groups: Count
    other_groups: Count
    permutations: Count
    p_value: Fraction
    moved: tuple[Moved, ...]


def compare(reference: Sample, other: Sample, *, permutations: int = PERMUTATIONS, seed: int = 1) -> Change:
    """Compare the distributions of all quantities of two samples.

    Each quantity is put into `BINS` bins that hold equally many events of both samples together, and one for events without it. Two
    statistics look at the difference of the fractions: chi squared (a hole, a spike) and Anderson and Darling's, of the cumulative
    fractions (a shift). Whole groups are permuted between the samples with their weights; a gamma distribution with the mean and
    the variance of a statistic's other permutations (Wilson and Hilferty, PNAS 17 (1931) 684) makes all statistics comparable. The
    smallest tail probability of all is the test statistic, and its rank among the permutations the p-value (Westfall and Young,
    Resampling-Based Multiple Testing, 1993, single-step min-P): as the same is done to every permutation, it is exact for groups that are
    exchangeable, whatever the gamma distribution is worth. Those of quantities are corrected in the same way.

    Raises `UserError` where a sample has no events or less than two groups, or where the quantities are not the same.
    """
    names = [[quantity.name for quantity in sample.quantities] for sample in (reference, other)]
    if names[0] != names[1]:
        raise UserError("the two samples do not have the same columns; import both with one layout")
    for sample, what in ((reference, "reference"), (other, "new")):
        if len(np.unique(sample.groups)) < 2:
            raise UserError(f"the {what} sample has {len(sample)} events of fewer than two independent collisions; nothing can be said")
    pooled = _Pooled.of(reference, other)
    labels = _labels(pooled.first, len(pooled.sizes), permutations, np.random.default_rng(seed))
    counts = pooled.counts(labels)
    tails = np.stack([_tails(_statistics(pooled, counts, k)) for k in range(len(pooled.names))])
    smallest = tails.min(axis=0)
    order = np.argsort(tails[:, 0], kind="stable")
    moved = tuple(_moved(pooled, counts, k, _rank(smallest, tails[k, 0])) for k in order)
    return Change(
        reference_events=len(reference),
        other_events=len(other),
        reference_groups=pooled.first,
        other_groups=len(pooled.sizes) - pooled.first,
        permutations=permutations,
        p_value=_rank(smallest, smallest[0]),
        moved=moved,
    )


def _rank(smallest: FloatArray, found: float) -> float:
    """Fraction of the permutations, the observed one among them, with a smallest tail at least as small; rounding counts as equal."""
    return float(np.mean(smallest <= found + 1e-9 * abs(found)))


def _labels(first: int, groups: int, permutations: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """(permutations + 1, groups): which groups are the reference; row 0 is what was observed."""
    observed = np.arange(groups) < first
    return np.stack([observed, *(rng.permutation(observed) for _ in range(permutations))])


@dataclass(frozen=True, eq=False)
class _Pooled:
    """Both samples together. Groups are numbered, those of the reference below `first`.

    For every group the columns of `table` hold, one quantity after the other: weights in its bins (the first: events without it), then
    sums of weight times value. `sizes` (groups,) are the sums of weights.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    edges: tuple[FloatArray, ...]
    starts: IntArray
    table: "csr_array"
    sizes: FloatArray
    first: int

    @classmethod
    def of(cls, reference: Sample, other: Sample) -> "_Pooled":
        from scipy.sparse import csr_array

        a, b = (np.unique(sample.groups, return_inverse=True)[1].ravel() for sample in (reference, other))
        first = int(a.max()) + 1
        groups = np.concatenate([a, b + first])
        weights = np.concatenate([reference.weights, other.weights]).astype(np.float64)
        edges, columns, entries, start, starts = [], [], [], 0, [0]
        for one, two in zip(reference.quantities, other.quantities, strict=True):
            values = np.concatenate([one.values, two.values])
            cuts = _edges(values)
            there = np.isfinite(values)
            bins = np.where(there, 1 + np.searchsorted(cuts, values, side="right"), 0)
            columns += [start + bins, np.full(len(values), start + len(cuts) + 2)]
            entries += [weights, weights * np.where(there, values, 0.0)]
            start += len(cuts) + 3
            edges.append(cuts)
            starts.append(start)
        rows = np.tile(groups, len(columns))
        table = csr_array((np.concatenate(entries), (rows, np.concatenate(columns))), shape=(int(groups.max()) + 1, start))
        names, units = zip(*((quantity.name, quantity.unit) for quantity in reference.quantities), strict=True)
        return cls(names, units, tuple(edges), np.array(starts), table, np.asarray(np.bincount(groups, weights), np.float64), first)

    def counts(self, labels: npt.NDArray[np.bool_]) -> "_Counts":
        rows = [labels[k : k + _ROWS].astype(np.float64) for k in range(0, len(labels), _ROWS)]
        found = np.concatenate([(self.table.T @ block.T).T for block in rows])
        total = np.asarray(self.table.sum(axis=0)).ravel()
        size = np.concatenate([block @ self.sizes for block in rows])
        return _Counts(found, total - found, size, self.sizes.sum() - size)


@dataclass(frozen=True, eq=False)
class _Counts:
    """Sums of the columns of the table in the reference and in the new events, (permutations + 1, columns), and all weights (rows,)."""

    reference: FloatArray
    other: FloatArray
    reference_size: FloatArray
    other_size: FloatArray

    @cached_property
    def fractions(self) -> tuple[FloatArray, FloatArray]:
        """Of all events."""
        return self.reference / self.reference_size[:, None], self.other / self.other_size[:, None]


def _edges(values: FloatArray) -> FloatArray:
    """Between bins of equally many events, as far as equal values allow."""
    found = values[np.isfinite(values)]
    if not len(found):
        return np.zeros(0)
    cuts = np.unique(np.quantile(found, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    # what is below the first cut is a bin as well, unless there is nothing
    return np.asarray(cuts[cuts > found.min()], np.float64)


def _statistics(pooled: _Pooled, counts: _Counts, k: int) -> FloatArray:
    """Both statistics of a quantity, (2, permutations + 1)."""
    low, high = pooled.starts[k], pooled.starts[k + 1] - 1
    one, two = (fractions[:, low:high] for fractions in counts.fractions)
    both = (counts.reference + counts.other)[0, low:high] / pooled.sizes.sum()
    filled = both > 0
    difference = (one - two)[:, filled]
    cumulative, level = np.cumsum(difference, axis=1)[:, :-1], np.cumsum(both[filled])[:-1]
    squared = (difference**2 / both[filled]).sum(axis=1)
    return np.stack([squared, (cumulative**2 * (both[filled][:-1] / (level * (1 - level)))).sum(axis=1)])


def _tails(statistics: FloatArray) -> FloatArray:
    """Logarithm of the smaller tail probability of both statistics (2, n), each by the mean and the variance of the n - 1 others."""
    from scipy.stats import norm

    result = np.zeros(statistics.shape[1])
    for values in statistics:
        n = len(values) - 1
        mean = (values.sum() - values) / n
        variance = np.maximum(((values**2).sum() - values**2) / n - mean**2, 0.0)
        if (variance > 1e-12 * mean**2).all() and mean.min() > 0:
            degrees = 9 * mean**2 / variance
            result = np.minimum(result, norm.logsf((np.cbrt(values / mean) - 1 + 1 / degrees) * np.sqrt(degrees)))
    return result


def _moved(pooled: _Pooled, counts: _Counts, k: int, p_value: float) -> Moved:
    low, high = pooled.starts[k], pooled.starts[k + 1] - 1
    one, two = (fractions[:, low:high] for fractions in counts.fractions)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [sums[:, high] / sums[:, low + 1 : high].sum(axis=1) for sums in (counts.reference, counts.other)]
        pull = np.abs(one[0] - two[0]) / (one - two)[1:].std(axis=0)
    shifts = means[1] - means[0]
    known = bool(np.isfinite(shifts[0]))
    return Moved(
        name=pooled.names[k],
        unit=pooled.units[k],
        p_value=p_value,
        filled_reference=_share(1 - one[0, 0]),
        filled_other=_share(1 - two[0, 0]),
        mean=float(means[0][0]) if known else None,
        shift=float(shifts[0]) if known else None,
        error=float(np.nanstd(shifts[1:])) if known else None,
        region=_region(pooled.edges[k], 1 + int(np.argmax(np.nan_to_num(pull[1:]))), one[0], two[0]),
    )


def _share(fraction: float) -> float:
    """Without what the rounding of sums of weights adds."""
    return float(np.clip(fraction, 0.0, 1.0))


def _region(edges: FloatArray, place: int, one: FloatArray, two: FloatArray) -> Region:
    fractions = (_share(one[place]), _share(two[place]))
    ends: Sequence[float | None] = [None, *edges.tolist(), None]
    return Region(ends[place - 1], ends[place], *fractions)
