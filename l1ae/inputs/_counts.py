"""How often each hardware code occurs in weighted events, column by column."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.inputs._layout import Layout

__all__ = ["ENOUGH", "Counts", "Spectrum", "WeightedBlock", "count_codes"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

WeightedBlock = tuple[npt.NDArray[np.integer], npt.NDArray[np.floating] | None]
"""Hardware codes (n, size) and weights (n,); None where every event stands for one."""

ENOUGH = 100
"""Effective number of filled slots below which a column is taken with the others of its group and feature."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Codes in rising order, and of the filled slots that hold each: sum of weights, sum of squared weights; all (n,)."""

    codes: IntArray
    weight: FloatArray
    square: FloatArray

    @cached_property
    def effective(self) -> float:
        """Effective number of entries: the number of equal weights with the same relative error, (sum w)^2 / sum w^2."""
        return float(self.weight.sum() ** 2 / self.square.sum()) if len(self.codes) else 0.0


class Counts:
    """Weighted frequency of each code in filled slots. Without weights, all numbers are whole and exact.

    `events` is the sum of weights of all events, `squares` that of their squares, filled or not.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._found: list[dict[int, tuple[float, float]]] = [{} for _ in range(layout.size)]
        self.events = 0.0
        self.squares = 0.0

    @property
    def effective(self) -> float:
        """Effective number of events."""
        return self.events**2 / self.squares if self.squares else 0.0

    def add(self, block: npt.NDArray[np.integer], weights: npt.NDArray[np.floating] | None = None) -> None:
        """Events (n, size), each as often as its weight (n,) says; one of weight 0 is as if it was not there.

        Raises `UserError` for a weight that is negative or no number.
        """
        if weights is None:
            weights = np.ones(len(block))
        elif not np.all(weights >= 0) or np.isinf(weights).any():
            raise UserError(f"weight {weights[~(weights >= 0) | np.isinf(weights)][0]} of an event must be finite and not negative")
        block, exact = block[weights > 0], weights[weights > 0].astype(np.float64)
        self.events += float(exact.sum())
        self.squares += float((exact**2).sum())
        mask = self._layout.mask(block)
        for column, found in enumerate(self._found):
            self._add_column(found, block[mask[:, column], column], exact[mask[:, column]])

    @staticmethod
    def _add_column(found: dict[int, tuple[float, float]], codes: npt.NDArray[np.integer], weights: FloatArray) -> None:
        values, where = np.unique(codes, return_inverse=True)
        sums, squares = np.bincount(where, weights), np.bincount(where, weights**2)
        for value, weight, square in zip(values.tolist(), sums.tolist(), squares.tolist(), strict=True):
            before = found.get(value, (0.0, 0.0))
            found[value] = (before[0] + weight, before[1] + square)

    def of(self, columns: IntArray) -> Spectrum:
        """The spectrum of some columns together."""
        total: dict[int, tuple[float, float]] = {}
        for column in columns.tolist():
            for value, (weight, square) in self._found[column].items():
                before = total.get(value, (0.0, 0.0))
                total[value] = (before[0] + weight, before[1] + square)
        codes = sorted(total)
        weight, square = np.array([total[code] for code in codes], np.float64).reshape(-1, 2).T
        return Spectrum(np.array(codes, np.int64), weight, square)


def count_codes(layout: Layout, blocks: Iterable[WeightedBlock], key: str) -> Counts:
    """The counts of all blocks. Raises `UserError`, which names the `key` that asks for them, without events."""
    counts = Counts(layout)
    for codes, weights in blocks:
        counts.add(codes, weights)
    if counts.events == 0:
        raise UserError(f"{key} needs training events, and there are none; give a data source with events")
    return counts
