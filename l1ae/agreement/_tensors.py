"""One tensor of a contract against what something else computed for it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.inputs import FixedFormat, FormatText
from l1ae.results import Count, Positive

__all__ = ["TensorComparison", "compare_tensor"]


@dataclass(frozen=True)
class TensorComparison:
    """One tensor: its type, how many values differ, and by how many LSB at most."""

    name: str
    type: FormatText
    mismatches: Count
    max_abs_lsb: Positive


def compare_tensor(
    name: str, form: FixedFormat, codes: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> tuple[TensorComparison, npt.NDArray[np.bool_]]:
    """The contract's `codes`, in LSB of `form`, against `values` in real units, of any equal shape; and which of them differ."""
    expected = np.asarray(codes * form.lsb, np.float64)
    different = expected != values
    largest = np.abs(expected[different] - values[different]).max(initial=0) / form.lsb
    return TensorComparison(name, str(form), int(different.sum()), float(largest)), different
