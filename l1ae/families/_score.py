"""What a score is: one record with its name for people, its formula in real numbers, and its operations in firmware."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from l1ae.inputs import FixedFormat

__all__ = ["Body", "Firmware", "Score"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Function = Callable[[FloatArray], FloatArray]


class Body(StrEnum):
    """What the firmware's network is, and so what it returns.

    `autoencoder`: the reconstruction (N, size) of the inputs; `variational`: mu and log_var, each (N, latent); `features`: features
    and their reconstruction, each (N, features); `student`: one node (N, 1); `density`: -log2 p of a
    density model, `contrast`: log2 of a ratio of densities, (N, 1) each, and no network.
    """

    AUTOENCODER = "autoencoder"
    VARIATIONAL = "variational"
    FEATURES = "features"
    STUDENT = "student"
    DENSITY = "density"
    CONTRAST = "contrast"


class Firmware(Protocol):
    """What a score may build of: `l1ae.contract.Builder`. Every method appends an exact operation and returns its name."""

    def error(self, name: str, first: str, second: str, power: int, *, masked: bool = False) -> str:
        """Sum over the elements of |first - second| ** power; `masked`: over the inputs that carry information."""

    def dot(self, name: str, first: str, second: str | None = None) -> str:
        """Sum over the elements of first x second, or of first^2."""

    def sum(self, name: str, *sources: str, halvings: int = 0) -> str:
        """Sum over the elements of all sources, divided by 2 ** halvings."""

    def multiply(self, name: str, first: str, second: str) -> str:
        """Products of the elements."""

    def table(self, name: str, source: str, form: FixedFormat, *, text: str, function: Function) -> str:
        """A function of each element, rounded to `form`, from a table with an entry for every code."""


@dataclass(frozen=True)
class Score:
    """An anomaly score.

    `real(inputs, outputs, mask)` is the formula in float64, (N,): `inputs` (N, size) in network units, `outputs` what a network of
    one of the `bodies` returns, one array each, `mask` (N, size), true where an input carries information (`Layout.mask`).
    `firmware(builder, outputs, table)` appends its operations and returns the name of the last one; `table` is the type of a
    table's results, which only `tabled` scores have. `outputs` are the numbers of outputs that it can take.
    """

    name: str
    title: str
    text: str
    source: str
    bodies: frozenset[Body]
    outputs: tuple[int, ...]
    real: Callable[[FloatArray, Sequence[FloatArray], BoolArray], FloatArray]
    firmware: Callable[[Firmware, Sequence[str], FixedFormat], str]
    tabled: bool = False
