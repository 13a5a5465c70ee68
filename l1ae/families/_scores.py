"""The list of all scores."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.families._density import DENSITY
from l1ae.families._errors import ERRORS
from l1ae.families._latent import LATENT
from l1ae.families._output import OUTPUT
from l1ae.families._score import BoolArray, FloatArray, Score

__all__ = ["SCORES", "find_score", "score"]

SCORES: Mapping[str, Score] = MappingProxyType({item.name: item for item in (*ERRORS, OUTPUT, *LATENT, *DENSITY)})
"""Every score by its name."""


def find_score(name: str) -> Score:
    """A score by name. Raises `UserError` naming those there are."""
    if name not in SCORES:
        raise UserError(f"unknown score '{name}'; the scores are {', '.join(SCORES)}")
    return SCORES[name]


def score(name: str, inputs: npt.ArrayLike, outputs: npt.ArrayLike | Sequence[npt.ArrayLike], mask: BoolArray) -> FloatArray:
    """The score of a firmware graph in real numbers, (N,).

    `outputs` is what the graph returns: one array, or a list of them. Raises `UserError` for an unknown score.
    """
    several = outputs if isinstance(outputs, list | tuple) and find_score(name).outputs != (1,) else [outputs]
    return find_score(name).real(inputs, several, mask)  # type: ignore[arg-type]
