"""Numbers that firmware computes of the columns of an event, in exact integers: what they read, and their values in numpy.

Of a hardware word only the bits of its feature count, whatever arrives above them.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from l1ae.inputs._fixed import FixedFormat
from l1ae.inputs._groups import Feature

__all__ = ["Computed", "Condition", "Count", "Distance", "Magnitude", "Term", "Total", "Word"]

IntArray = npt.NDArray[np.int64]
Hardware = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Word:
    """The code of a column: its lowest `bits` bits, in two's complement if `signed`, without the last `drop` of them."""

    column: int
    signed: bool
    bits: int
    drop: int = 0

    @classmethod
    def of(cls, column: int, feature: Feature, drop: int = 0) -> "Word":
        """All bits of a feature but the last `drop`."""
        return cls(column, feature.signed, feature.bits, drop)

    @property
    def cut(self) -> FixedFormat:
        """The word's bits, in LSB of the hardware code."""
        return FixedFormat(self.signed, self.bits - self.drop, self.bits)

    def codes(self, hardware: Hardware) -> IntArray:
        """(N,) of events (N, size), in units of 2**drop codes."""
        return self.cut.cast(hardware[:, self.column], 0)


@dataclass(frozen=True, eq=False)
class Condition:
    """Holds where `table`, of 2**n entries 0 or 1, has a 1 at the lowest n bits of a column's word."""

    column: int
    table: IntArray

    def holds(self, hardware: Hardware) -> IntArray:
        """(N,) of 0 and 1."""
        return self.table[hardware[:, self.column].astype(np.int64) & (len(self.table) - 1)]


Term = tuple[Condition, ...]
"""Conditions that must hold together."""


def _together(term: Term, hardware: Hardware) -> IntArray:
    result = np.ones(len(hardware), np.int64)
    for condition in term:
        result *= condition.holds(hardware)
    return result


class Computed(Protocol):
    """A number computed of an event: `feature` says what its codes mean, `shift` what suits a network without a look at data."""

    @property
    def feature(self) -> Feature: ...

    @property
    def shift(self) -> int: ...

    def codes(self, hardware: Hardware) -> IntArray:
        """(N,) codes of events (N, size)."""
        ...


@dataclass(frozen=True, eq=False)
class Count:
    """How many terms hold; all have the same number of conditions."""

    feature: Feature
    shift: int
    terms: tuple[Term, ...]

    def codes(self, hardware: Hardware) -> IntArray:
        """(N,) codes of events (N, size)."""
        return np.sum([_together(term, hardware) for term in self.terms], axis=0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Total:
    """The sum of the words whose terms hold, which saturates in `form`; all terms have the same number of conditions, or none."""

    feature: Feature
    shift: int
    words: tuple[Word, ...]
    terms: tuple[Term, ...]
    form: FixedFormat

    def codes(self, hardware: Hardware) -> IntArray:
        """(N,) codes of events (N, size)."""
        parts = [word.codes(hardware) * _together(term, hardware) for word, term in zip(self.words, self.terms, strict=True)]
        return self.form.bring_into_range(np.sum(parts, axis=0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Distance:
    """The smaller way around a circle of `period` codes from one word to the other; 0 where a condition does not hold."""

    feature: Feature
    shift: int
    first: Word
    second: Word
    period: int
    term: Term
    form: FixedFormat

    def codes(self, hardware: Hardware) -> IntArray:
        """(N,) codes of events (N, size)."""
        one_way = np.abs(self.first.codes(hardware) - self.second.codes(hardware))
        return self.form.bring_into_range(np.minimum(one_way, self.period - one_way)) * _together(self.term, hardware)


@dataclass(frozen=True, eq=False)
class Magnitude:
    """max(c, mirror - c) - (the code of 0) of a word c: its distance from 0; 0 where a condition does not hold."""

    feature: Feature
    shift: int
    word: Word
    mirror: int
    origin: int
    term: Term
    form: FixedFormat

    def codes(self, hardware: Hardware) -> IntArray:
        """(N,) codes of events (N, size)."""
        code = self.word.codes(hardware)
        away = np.maximum(code, self.mirror - code) - self.origin
        return self.form.bring_into_range(away) * _together(self.term, hardware)
